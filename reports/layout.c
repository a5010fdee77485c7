/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/layout.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

/* Room for one more element: arrays double when their count is a power of two. */
#define GROW(owner, array, count, type)                                                                      \
    do {                                                                                                     \
        if (((count) & ((count)-1)) == 0)                                                                    \
            (array) =                                                                                        \
                memory_resize_array(owner, array, type, (count) == 0 ? 1 : memory_size_product(count, 2));   \
    } while (0)

static char *format_text(const void *owner, const char *format, va_list arguments)
{
    char *string = talloc_vasprintf(owner, format, arguments);
    if (string == NULL)
        abort();
    return string;
}

void layout_begin_chapter(struct layout *layout, int number, const char *id, const char *title)
{
    struct document *document = layout->document;
    struct chapter *chapter = memory_new(document, struct chapter);
    chapter->id = memory_copy_string(chapter, id);
    chapter->title = memory_format(chapter, "%d. %s", number, title);
    GROW(document, document->chapters, document->chapter_count, struct chapter *);
    document->chapters[document->chapter_count++] = chapter;
    layout->chapter = chapter;
    layout->chapter_number = number;
    layout->table_number = layout->figure_number = 0;
}

void layout_add_paragraph(struct layout *layout, const char *format, ...)
{
    struct chapter *chapter = layout->chapter;
    GROW(chapter, chapter->paragraphs, chapter->paragraph_count, const char *);
    va_list arguments;
    va_start(arguments, format);
    chapter->paragraphs[chapter->paragraph_count++] = format_text(chapter, format, arguments);
    va_end(arguments);
}

void layout_add_notice(struct layout *layout, const char *format, ...)
{
    struct document *document = layout->document;
    GROW(document, document->notices, document->notice_count, const char *);
    va_list arguments;
    va_start(arguments, format);
    document->notices[document->notice_count++] = format_text(document, format, arguments);
    va_end(arguments);
}

void layout_add_document_fact(struct layout *layout, const char *label, const char *format, ...)
{
    struct document *document = layout->document;
    GROW(document, document->facts, document->fact_count, struct fact);
    va_list arguments;
    va_start(arguments, format);
    document->facts[document->fact_count++] =
        (struct fact){memory_copy_string(document, label), format_text(document, format, arguments)};
    va_end(arguments);
}

/* Ids are anchors and file names: whatever is not a letter, digit or underscore becomes one hyphen. */
static char *slug(const void *owner, const char *id)
{
    char *out = memory_new_array(owner, char, strlen(id) + 1);
    size_t length = 0;
    for (const char *c = id; *c != '\0'; c++) {
        if (isalnum((unsigned char)*c) || *c == '_')
            out[length++] = (char)tolower((unsigned char)*c);
        else if (length > 0 && out[length - 1] != '-')
            out[length++] = '-';
    }
    while (length > 0 && out[length - 1] == '-')
        length--;
    out[length] = '\0';
    return out;
}

static struct block *add_block(struct chapter *chapter)
{
    GROW(chapter, chapter->blocks, chapter->block_count, struct block);
    struct block *block = &chapter->blocks[chapter->block_count++];
    *block = (struct block){NULL, NULL};
    return block;
}

struct table *layout_add_table(struct layout *layout, const char *id, const char *title)
{
    struct table *table = memory_new(layout->chapter, struct table);
    table->id = slug(table, id);
    table->number = memory_format(table, "Table %d.%d", layout->chapter_number, ++layout->table_number);
    table->title = memory_copy_string(table, title);
    table->group_title = table->label_title = "";
    add_block(layout->chapter)->table = table;
    return table;
}

struct figure *layout_add_figure(struct layout *layout, const char *id, const char *title)
{
    struct figure *figure = memory_new(layout->chapter, struct figure);
    figure->id = slug(figure, id);
    figure->number = memory_format(figure, "Figure %d.%d", layout->chapter_number, ++layout->figure_number);
    figure->title = memory_copy_string(figure, title);
    figure->data = memory_new(figure, struct table);
    figure->data->id = memory_format(figure, "%s-data", figure->id);
    figure->data->number = figure->data->title = figure->data->group_title = figure->data->label_title = "";
    add_block(layout->chapter)->figure = figure;
    return figure;
}

void table_add_fact(struct table *table, const char *label, const char *format, ...)
{
    GROW(table, table->facts, table->fact_count, struct fact);
    va_list arguments;
    va_start(arguments, format);
    table->facts[table->fact_count++] =
        (struct fact){memory_copy_string(table, label), format_text(table, format, arguments)};
    va_end(arguments);
}

static void add_estimand_line(struct table *table, const char *label, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    GROW(table, table->estimand, table->estimand_count, struct fact);
    table->estimand[table->estimand_count++] =
        (struct fact){memory_copy_string(table, label), memory_copy_string(table, text)};
}

void table_set_estimand(struct table *table, const struct estimand *estimand)
{
    table->estimand_count = 0;
    add_estimand_line(table, "Population", estimand->population);
    add_estimand_line(table, "Treatment", estimand->treatment);
    add_estimand_line(table, "Variable", estimand->variable);
    add_estimand_line(table, "Summary", estimand->summary);
}

void table_add_intercurrent(struct table *table, const char *event, const char *strategy)
{
    char *text = memory_format(table, "%s: %s", event, strategy);
    add_estimand_line(table, "Intercurrent event", text);
    talloc_free(text);
}

void table_add_column(struct table *table, const char *title, const char *subtitle, enum cell_kind kind)
{
    GROW(table, table->columns, table->column_count, struct table_column);
    table->columns[table->column_count++] =
        (struct table_column){memory_copy_string(table, title), memory_copy_string(table, subtitle), kind, false};
}

struct table_row *table_add_row(struct table *table, const char *group, const char *label, int indent)
{
    GROW(table, table->rows, table->row_count, struct table_row);
    struct table_row *row = &table->rows[table->row_count++];
    const char *before = table->row_count > 1 ? row[-1].group : "";
    row->group = strcmp(before, group) == 0 ? before : memory_copy_string(table, group);
    row->label = memory_copy_string(table, label);
    row->indent = indent;
    row->strong = false;
    row->cells = memory_new_array(table, struct cell, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        row->cells[i] = (struct cell){"", table->columns[i].kind, 0};
    return row;
}

void table_set_cell(struct table *table, struct table_row *row, size_t column, enum cell_kind kind,
                    const char *text)
{
    row->cells[column] = (struct cell){memory_copy_string(table, text), kind, 0};
}

size_t table_footnote(struct table *table, const char *text)
{
    if (text[0] == '\0')
        return 0;
    for (size_t i = 0; i < table->footnote_count; i++)
        if (strcmp(table->footnotes[i], text) == 0)
            return i + 1;
    GROW(table, table->footnotes, table->footnote_count, const char *);
    table->footnotes[table->footnote_count++] = memory_copy_string(table, text);
    return table->footnote_count;
}

double layout_value(const struct layout *layout, const char *table, const char *row, const char *col,
                    const char *stat)
{
    const struct result *result = results_find(layout->results, table, row, col, stat);
    return result != NULL && result->status[0] == '\0' ? result->value : (double)NAN;
}

void layout_add_cohort_columns(const struct layout *layout, struct table *table)
{
    const struct dataset *dataset = layout->dataset;
    for (size_t i = 0; i < dataset->cohort_count; i++) {
        char number[FORMAT_SIZE];
        double treated = layout_value(layout, "analysis sets", "treated", dataset->cohorts[i], "n");
        format_number(number, isnan(treated) ? 0 : treated, 0);
        char *subtitle = memory_format(table, "N = %s", number);
        table_add_column(table, dataset->cohorts[i], subtitle, CELL_NUMBER);
    }
}

/* What one {stat} of a pattern came to. */
struct found_stat {
    bool known;
    const char *note;
};

static struct found_stat append_stat(const struct layout *layout, struct text *out,
                                     const struct result_key *key, const char *name)
{
    bool proportion = name[0] == '%', p_value = name[0] == '!';
    const char *stat = proportion || p_value ? name + 1 : name;
    const struct result *result = results_find(layout->results, key->table, key->row, key->col, stat);
    if (result == NULL || result->status[0] != '\0') {
        text_append(out, "NE");
        return (struct found_stat){false, result != NULL ? result->note : ""};
    }
    char number[FORMAT_SIZE];
    text_append(out, proportion ? format_percent_of(number, result->value)
                     : p_value  ? format_p(number, result->value)
                                : format_stat(number, stat, result->value, key->collected));
    return (struct found_stat){true, ""};
}

void layout_set_results(const struct layout *layout, struct table *table, struct table_row *row,
                        size_t column, const struct result_key *key, const char *pattern)
{
    struct text *out = text_new(table);
    size_t known = 0;
    const char *note = "";
    for (const char *c = pattern; *c != '\0';) {
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        if (end == NULL) {
            text_append_bytes(out, c++, 1);
            continue;
        }
        char *name = memory_copy_bytes(out, c + 1, (size_t)(end - c - 1));
        struct found_stat found = append_stat(layout, out, key, name);
        known += found.known ? 1 : 0;
        if (note[0] == '\0')
            note = found.note;
        c = end + 1;
    }
    table_set_cell(table, row, column, CELL_NUMBER, known > 0 ? out->bytes : "-");
    row->cells[column].footnote = table_footnote(table, note);
    talloc_free(out);
}

void layout_add_cohort_row(const struct layout *layout, struct table *table, const struct result_key *key,
                           const char *group, const struct line *line)
{
    struct table_row *row = table_add_row(table, group, line->label, line->indent);
    for (size_t c = 0; c < layout->dataset->cohort_count; c++) {
        struct result_key cell = *key;
        cell.col = layout->dataset->cohorts[c];
        layout_set_results(layout, table, row, c, &cell, line->pattern);
    }
}

const char **layout_list_rows(const struct layout *layout, const char *table, size_t *count)
{
    const char **rows = memory_new_array(layout->document, const char *, 1);
    const struct result *first = NULL;
    *count = 0;
    for (size_t i = 0; i < results_count(layout->results); i++) {
        const struct result *result = results_at(layout->results, i);
        if (strcmp(result->table, table) != 0)
            continue;
        if (first == NULL)
            first = result;
        if (strcmp(result->col, first->col) != 0 ||
            (*count > 0 && strcmp(result->row, rows[*count - 1]) == 0))
            continue;
        GROW(layout->document, rows, *count, const char *);
        rows[(*count)++] = result->row;
    }
    return rows;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

const char **layout_list_columns(const struct layout *layout, const char *table, size_t *count)
{
    const char **columns = memory_new_array(layout->document, const char *, 1);
    *count = 0;
    for (size_t i = 0; i < results_count(layout->results); i++) {
        const struct result *result = results_at(layout->results, i);
        if (strcmp(result->table, table) != 0 || is_among(result->col, columns, *count))
            continue;
        GROW(layout->document, columns, *count, const char *);
        columns[(*count)++] = result->col;
    }
    return columns;
}

const struct item *layout_find_item(const struct layout *layout, const char *form, const char *item)
{
    const struct catalogue *catalogue = layout->dataset->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *candidate = catalogue->forms[i];
        int at = strcmp(candidate->id, form) == 0 ? form_find_item(candidate, item) : FORM_NONE;
        if (at != FORM_NONE)
            return &candidate->items[at];
    }
    return NULL;
}

const char *layout_capital(const struct layout *layout, const char *label)
{
    if (label[0] < 'a' || label[0] > 'z')
        return label;
    char *copy = memory_copy_string(layout->document, label);
    copy[0] = (char)(copy[0] - 'a' + 'A');
    return copy;
}

const char *layout_level(const struct layout *layout)
{
    char number[FORMAT_SIZE];
    double percent = 100 * layout->dataset->catalogue->protocol->level;
    bool whole = fabs(percent - round(percent)) < 1e-6;
    return memory_format(layout->document, "%s %%", format_number(number, percent, whole ? 0 : 1));
}

const char *layout_endpoint_title(const struct layout *layout, const struct endpoint *endpoint)
{
    if (endpoint->title != NULL && strcmp(endpoint->title, endpoint->id) != 0)
        return endpoint->title;
    const struct score *score = catalogue_endpoint_score(layout->dataset->catalogue, endpoint);
    return score != NULL ? score->title : endpoint->id;
}

const char *layout_visit_title(const struct layout *layout, const struct visit *visit)
{
    if (strcmp(visit->title, visit->id) == 0)
        return visit->id;
    return memory_format(layout->document, "%s (%s)", visit->title, visit->id);
}

const char *layout_window(const struct layout *layout, const int window[2])
{
    if (window[0] == WINDOW_OPEN_START && window[1] == WINDOW_OPEN_END)
        return "any day";
    if (window[0] == WINDOW_OPEN_START)
        return memory_format(layout->document, "up to %d", window[1]);
    if (window[1] == WINDOW_OPEN_END)
        return memory_format(layout->document, "from %d", window[0]);
    return memory_format(layout->document, "%d to %d", window[0], window[1]);
}

struct document *layout_document(const void *owner, const struct dataset *dataset,
                                 const struct results *results)
{
    struct document *document = memory_new(owner, struct document);
    struct layout layout = {.dataset = dataset, .results = results, .document = document};
    layout_front(&layout);
    layout_claims(&layout);
    layout_populations(&layout);
    layout_outcomes(&layout);
    layout_figures(&layout);
    layout_ancova(&layout);
    layout_mmrm(&layout);
    layout_responders(&layout);
    layout_effect_sizes(&layout);
    layout_sensitivity(&layout);
    layout_subgroups(&layout);
    layout_multiplicity(&layout);
    layout_adjusted(&layout);
    layout_events(&layout);
    layout_secondary(&layout);
    layout_safety(&layout);
    layout_listings(&layout);
    return document;
}
