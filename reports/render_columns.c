/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_columns.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

size_t columns_shown_rows(const struct table *table)
{
    return table->html_rows > 0 && table->html_rows < table->row_count ? table->html_rows : table->row_count;
}

void columns_append_more(struct text *out, const struct table *table)
{
    if (columns_shown_rows(table) == table->row_count)
        return;
    char shown[FORMAT_SIZE], all[FORMAT_SIZE];
    text_append_format(out, "The first %s of %s rows; all of them are in %s.csv.",
                       format_number(shown, (double)table->html_rows, 0),
                       format_number(all, (double)table->row_count, 0), table->id);
}

/*
 * Of print, in points: A4 without its margins, upright and across; a character and a cell's padding in each
 * size of type.
 */
static const double page_widths[] = {[COLUMNS_UPRIGHT] = 520, [COLUMNS_ACROSS] = 770};
static const struct {
    double character, padding;
} types[] = {{4.3, 12}, {3.7, 5.4}};

/* Characters of the longest word. */
static double longest_word(const char *text)
{
    double longest = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        char word[64];
        size_t kept = length < sizeof word - 1 ? length : sizeof word - 1;
        memcpy(word, text, kept);
        word[kept] = '\0';
        text_drop_broken(word);
        longest = fmax(longest, (double)text_count_characters(word));
        text += length;
        text += *text == ' ' ? 1 : 0;
    }
    return longest;
}

enum { MOST_ON_A_LINE = 40, WRAPPED = 24 };

bool columns_cell_wraps(const struct cell *cell)
{
    return cell->kind != CELL_NUMBER || text_count_characters(cell->text) > MOST_ON_A_LINE;
}

/* Of a number with its limits nearly half are signs and blanks, which are half as wide as digits. */
static double number_characters(const char *text)
{
    static const double narrow = 0.55;
    double narrow_count = 0;
    for (const char *c = text; *c != '\0'; c++)
        narrow_count += strchr(" .,;:[]()-/", *c) != NULL;
    return (double)text_count_characters(text) - (1 - narrow) * narrow_count;
}

static double cell_characters(const struct cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        return longest_word(cell->text);
    if (columns_cell_wraps(cell))
        return fmax(longest_word(cell->text), WRAPPED);
    return number_characters(cell->text) + (cell->footnote > 0 ? 1 : 0);
}

/* Characters that a column cannot do without: short numbers do not wrap, texts and titles do. */
static double column_characters(const struct table *table, size_t column)
{
    double most =
        fmax(longest_word(table->columns[column].title), longest_word(table->columns[column].subtitle));
    for (size_t r = 0; r < columns_shown_rows(table); r++) {
        const struct cell *cell = &table->rows[r].cells[column];
        most = fmax(most, table->columns[column].whole ? (double)text_count_characters(cell->text)
                                                       : cell_characters(cell));
    }
    return most;
}

/* Labels wrap, but not to shreds. */
static double label_characters(const struct table *table)
{
    double most = longest_word(table->label_title);
    for (size_t r = 0; r < columns_shown_rows(table); r++) {
        const struct table_row *row = &table->rows[r];
        double whole = (double)text_count_characters(row->label);
        most = fmax(most, fmax(longest_word(row->label), fmin(whole, 24)) + 3 * row->indent);
    }
    return most;
}

static double width_of(double characters, enum columns_type type)
{
    return characters * types[type].character + types[type].padding;
}

/* Largest end of a part that begins at `from` and fits in small type; at least one column. */
static size_t widest_part(const struct columns *columns, size_t from)
{
    double sum = width_of(columns->label, COLUMNS_SMALL);
    size_t to = from;
    while (to < columns->count &&
           (to == from || sum + width_of(columns->characters[to], COLUMNS_SMALL) <= page_widths[columns->page]))
        sum += width_of(columns->characters[to++], COLUMNS_SMALL);
    return to;
}

struct columns_part columns_part_at(const struct columns *columns, size_t from)
{
    if (columns->most >= columns->count)
        return (struct columns_part){0, columns->count};
    size_t to = widest_part(columns, from);
    return (struct columns_part){from, to - from > columns->most ? from + columns->most : to};
}

/* Widest part, in points. */
static double widest_of(const struct columns *columns, enum columns_type type)
{
    double widest = 0;
    size_t from = 0;
    do {
        struct columns_part part = columns_part_at(columns, from);
        double sum = width_of(columns->label, type);
        for (size_t c = part.from; c < part.to; c++)
            sum += width_of(columns->characters[c], type);
        widest = fmax(widest, sum);
        from = part.to;
    } while (from < columns->count);
    return widest;
}

struct columns columns_divide(const void *owner, const struct table *table, enum columns_page page)
{
    size_t count = table->column_count, parts = 0;
    struct columns columns = {.characters = memory_new_array(owner, double, count + 1),
                              .label = label_characters(table),
                              .count = count,
                              .most = count,
                              .type = COLUMNS_NORMAL,
                              .page = page};
    for (size_t c = 0; c < count; c++)
        columns.characters[c] = column_characters(table, c);
    if (widest_of(&columns, COLUMNS_NORMAL) <= page_widths[page])
        return columns;
    for (size_t from = 0; from < count; parts++)
        from = widest_part(&columns, from);
    if (!table->listing && parts > 1)
        columns.most = (count + parts - 1) / parts;
    if (widest_of(&columns, COLUMNS_NORMAL) > page_widths[page])
        columns.type = COLUMNS_SMALL;
    return columns;
}

size_t columns_beside(const struct columns *columns, const struct table *table, size_t lines)
{
    enum { MOST_BESIDE = 4, FEWEST_LINES = 6, GAP = 24 };
    if (table->listing || columns->most < columns->count)
        return 1;
    double width = widest_of(columns, columns->type);
    size_t beside = MOST_BESIDE;
    while (beside > 1 && ((double)beside * (width + GAP) - GAP > page_widths[columns->page] ||
                          lines < beside * FEWEST_LINES))
        beside--;
    return beside;
}

size_t columns_row_lines(const struct columns *columns, const struct table_row *row)
{
    double used = width_of(columns->label, columns->type), most = 1;
    for (size_t c = 0; c < columns->count; c++)
        used += width_of(columns->characters[c], columns->type);
    /* What is left over is shared by the columns. */
    double spare = fmax(0, page_widths[columns->page] - used) / types[columns->type].character /
                   (double)(columns->count + 1);
    most = fmax(most, ceil((double)text_count_characters(row->label) / (columns->label + spare)));
    for (size_t c = 0; c < columns->count; c++)
        if (columns_cell_wraps(&row->cells[c]))
            most = fmax(most, ceil((double)text_count_characters(row->cells[c].text) /
                                   (columns->characters[c] + spare)));
    return (size_t)most;
}

bool columns_are_wide(const struct table *table)
{
    struct columns columns = columns_divide(table, table, COLUMNS_UPRIGHT);
    bool wide = table->listing || columns.most < columns.count ||
                widest_of(&columns, columns.type) > page_widths[COLUMNS_UPRIGHT];
    talloc_free(columns.characters);
    return wide;
}
