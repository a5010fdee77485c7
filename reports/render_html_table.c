/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_html_table.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

/* 1 is a, 26 is z, 27 is aa. */
static void append_letters(struct text *out, size_t number)
{
    char letters[16];
    size_t at = sizeof letters;
    letters[--at] = '\0';
    for (; number > 0 && at > 0; number = (number - 1) / 26)
        letters[--at] = (char)('a' + (number - 1) % 26);
    text_append(out, letters + at);
}

/* Columns [from, to) of a table in one grid. */
struct part {
    size_t from, to;
};

static void append_head(struct text *out, const struct table *table, const struct part *part)
{
    text_append(out, "<thead><tr><th scope=\"col\">");
    text_append_html(out, table->label_title);
    text_append(out, "</th>");
    for (size_t c = part->from; c < part->to; c++) {
        const struct table_column *column = &table->columns[c];
        text_append_format(out, "<th scope=\"col\"%s>", column->kind == CELL_NUMBER ? " class=\"n\"" : "");
        text_append_html(out, column->title);
        if (column->subtitle[0] != '\0') {
            text_append(out, " ");
            html_append_element(out, "small", column->subtitle);
        }
        text_append(out, "</th>");
    }
    text_append(out, "</tr></thead>\n");
}

static void append_cell(struct text *out, const struct table *table, const struct cell *cell)
{
    text_append(out, cell->kind == CELL_NUMBER ? "<td class=\"n\">" : "<td>");
    text_append_html(out, cell->text);
    if (cell->footnote > 0) {
        text_append_format(out, "<sup><a href=\"#%s-%zu\">", table->id, cell->footnote);
        append_letters(out, cell->footnote);
        text_append(out, "</a></sup>");
    }
    text_append(out, "</td>");
}

static void append_row(struct text *out, const struct table *table, const struct part *part,
                       const struct table_row *row)
{
    text_append(out, "<tr><th scope=\"row\"");
    if (row->strong)
        text_append(out, " class=\"strong\"");
    else if (row->indent > 0)
        text_append_format(out, " class=\"i%d\"", row->indent);
    text_append(out, ">");
    text_append_html(out, row->label);
    text_append(out, "</th>");
    for (size_t c = part->from; c < part->to; c++)
        append_cell(out, table, &row->cells[c]);
    text_append(out, "</tr>\n");
}

static size_t shown_rows(const struct table *table)
{
    return table->html_rows > 0 && table->html_rows < table->row_count ? table->html_rows : table->row_count;
}

/* Rows of one group are one <tbody>, which print keeps together. */
static void append_rows(struct text *out, const struct table *table, const struct part *part)
{
    size_t count = shown_rows(table), columns = part->to - part->from + 1;
    const char *group = "";
    text_append(out, "<tbody>\n");
    for (size_t r = 0; r < count; r++) {
        const struct table_row *row = &table->rows[r];
        if (strcmp(row->group, group) != 0) {
            if (r > 0)
                text_append(out, "</tbody><tbody>\n");
            text_append_format(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">",
                               columns);
            html_append_element(out, "span", row->group);
            text_append(out, "</th></tr>\n");
            group = row->group;
        }
        append_row(out, table, part, row);
    }
    if (table->row_count == 0)
        text_append_format(out, "<tr><td colspan=\"%zu\">none</td></tr>\n", columns);
    text_append(out, "</tbody>\n");
}

static void append_footnotes(struct text *out, const struct table *table)
{
    char shown[FORMAT_SIZE], all[FORMAT_SIZE];
    if (table->html_rows > 0 && table->html_rows < table->row_count)
        text_append_format(
            out, "<p class=\"more\">The first %s of %s rows; all of them are in %s.csv.</p>\n",
            format_number(shown, (double)table->html_rows, 0),
            format_number(all, (double)table->row_count, 0), table->id);
    if (table->footnote_count == 0)
        return;
    text_append(out, "<ol class=\"footnotes\">\n");
    for (size_t i = 0; i < table->footnote_count; i++) {
        text_append_format(out, "<li id=\"%s-%zu\">", table->id, i + 1);
        text_append_html(out, table->footnotes[i]);
        text_append(out, "</li>\n");
    }
    text_append(out, "</ol>\n");
}

/* --- width ---------------------------------------------------------------------------------------------- */

/*
 * Of print, in points: A4 landscape without its margins; a character and a cell's padding in each size of
 * type.
 */
static const double page_width = 770;
static const struct {
    double character, padding;
} types[] = {{4.3, 12}, {3.5, 7}};
enum type { TYPE_NORMAL, TYPE_SMALL };

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

/* Characters that a column cannot do without: numbers do not wrap, texts and titles do. */
static double column_characters(const struct table *table, size_t column)
{
    double most =
        fmax(longest_word(table->columns[column].title), longest_word(table->columns[column].subtitle));
    for (size_t r = 0; r < shown_rows(table); r++) {
        const struct cell *cell = &table->rows[r].cells[column];
        most = fmax(most, cell->kind == CELL_NUMBER ? (double)text_count_characters(cell->text) +
                                                          (cell->footnote > 0 ? 1 : 0)
                                                    : longest_word(cell->text));
    }
    return most;
}

/* Labels wrap, but not to shreds. */
static double label_characters(const struct table *table)
{
    double most = longest_word(table->label_title);
    for (size_t r = 0; r < shown_rows(table); r++) {
        const struct table_row *row = &table->rows[r];
        double whole = (double)text_count_characters(row->label);
        most = fmax(most, fmax(longest_word(row->label), fmin(whole, 24)) + 3 * row->indent);
    }
    return most;
}

static double width_of(double characters, enum type type)
{
    return characters * types[type].character + types[type].padding;
}

/* Largest end of a part that begins at `from` and fits in small type; at least one column. */
static size_t end_of_part(const double *characters, double label, size_t from, size_t count)
{
    double sum = width_of(label, TYPE_SMALL);
    size_t to = from;
    while (to < count && (to == from || sum + width_of(characters[to], TYPE_SMALL) <= page_width))
        sum += width_of(characters[to++], TYPE_SMALL);
    return to;
}

struct division {
    double *characters;          /* of each column */
    double label;
    size_t most;                 /* columns of one part */
    enum type type;
};

/* One part in normal type, else one in small type, else several as equal as can be. */
static struct division divide(const void *owner, const struct table *table)
{
    size_t count = table->column_count;
    struct division division = {memory_new_array(owner, double, count + 1), label_characters(table), count,
                                TYPE_NORMAL};
    double normal = width_of(division.label, TYPE_NORMAL);
    for (size_t c = 0; c < count; c++) {
        division.characters[c] = column_characters(table, c);
        normal += width_of(division.characters[c], TYPE_NORMAL);
    }
    if (normal <= page_width)
        return division;
    division.type = TYPE_SMALL;
    size_t parts = 0;
    for (size_t from = 0; from < count; parts++)
        from = end_of_part(division.characters, division.label, from, count);
    if (!table->listing && parts > 1)
        division.most = (count + parts - 1) / parts;
    return division;
}

/* --- grid ----------------------------------------------------------------------------------------------- */

static void append_caption(struct text *out, const struct table *table, const struct part *part)
{
    bool whole = part->to - part->from == table->column_count;
    text_append(out, whole ? "<caption class=\"away\">" : "<caption>");
    if (whole)
        text_append_html(out, table->title);
    else
        text_append_format(out, "Columns %zu to %zu of %zu", part->from + 1, part->to, table->column_count);
    text_append(out, "</caption>\n");
}

/* The scrolling box is reachable by keyboard and has the caption's name. */
static void append_part(struct text *out, const struct table *table, const struct part *part, enum type type)
{
    text_append_format(out, "<table class=\"%s%s%s\">\n", table->listing ? "listing" : "statistics",
                       type == TYPE_SMALL ? " wide" : "",
                       table->listing || table->sortable ? " sortable" : "");
    append_caption(out, table, part);
    append_head(out, table, part);
    append_rows(out, table, part);
    text_append(out, "</table>");
}

void html_append_grid(struct text *out, const struct table *table, const char *labelled_by)
{
    void *owner = memory_owner(out, "grid");
    struct division division = divide(owner, table);
    size_t from = 0;
    do {
        struct part part = {from,
                            end_of_part(division.characters, division.label, from, table->column_count)};
        if (part.to - from > division.most || table->listing)
            part.to = from + division.most;
        text_append_format(
            out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">", labelled_by);
        append_part(out, table, &part, division.type);
        text_append(out, "</div>\n");
        from = part.to;
    } while (from < table->column_count);
    talloc_free(owner);
    append_footnotes(out, table);
}

static void append_estimand(struct text *out, const struct table *table)
{
    if (table->estimand_count == 0)
        return;
    text_append(out, "<aside class=\"estimand\"><h4>Estimand</h4>\n");
    html_append_facts(out, "about", table->estimand, table->estimand_count);
    text_append(out, "</aside>\n");
}

void html_append_table(struct text *out, const struct table *table)
{
    text_append_format(out, "<section class=\"table%s\" aria-labelledby=\"%s\">\n<h3 id=\"%s\">",
                       table->listing ? " of-records" : "", table->id, table->id);
    html_append_element(out, "span", table->number);
    text_append(out, " ");
    text_append_html(out, table->title);
    html_append_back(out);
    text_append(out, "</h3>\n");
    append_estimand(out, table);
    html_append_facts(out, "about", table->facts, table->fact_count);
    html_append_grid(out, table, table->id);
    text_append(out, "</section>\n");
}
