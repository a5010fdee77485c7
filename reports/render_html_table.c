/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_html_table.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/render_columns.h"

static void append_head(struct text *out, const struct table *table, const struct columns_part *part)
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

/* A word with hyphens, such as an id or a date, is not broken at them. */
static bool is_hyphenated_word(const char *text)
{
    enum { LONGEST = 24 };
    return strchr(text, '-') != NULL && strchr(text, ' ') == NULL && strlen(text) <= LONGEST;
}

static const char *cell_tag(const struct cell *cell, bool whole)
{
    if (cell->kind == CELL_NUMBER)
        return columns_cell_wraps(cell) ? "<td class=\"n several\">" : "<td class=\"n\">";
    return whole || is_hyphenated_word(cell->text) ? "<td class=\"word\">" : "<td>";
}

static void append_cell(struct text *out, const struct table *table, const struct table_row *row, size_t column)
{
    const struct cell *cell = &row->cells[column];
    text_append(out, cell_tag(cell, table->columns[column].whole));
    text_append_html(out, cell->text);
    if (cell->footnote > 0) {
        text_append_format(out, "<sup><a href=\"#%s-%zu\">", table->id, cell->footnote);
        char letters[FORMAT_SIZE];
        text_append(out, format_letters(letters, cell->footnote));
        text_append(out, "</a></sup>");
    }
    text_append(out, "</td>");
}

static void append_row(struct text *out, const struct table *table, const struct columns_part *part,
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
        append_cell(out, table, row, c);
    text_append(out, "</tr>\n");
}

/* Rows of the group that begins at row `from`. */
static size_t count_group(const struct table *table, size_t from)
{
    size_t to = from;
    while (to < columns_shown_rows(table) && strcmp(table->rows[to].group, table->rows[from].group) == 0)
        to++;
    return to - from;
}

/* Rows of one group are one <tbody>, which print keeps together unless it is too long for that. */
static void append_body(struct text *out, const struct table *table, size_t from)
{
    enum { MOST_WHOLE = 16 };
    bool whole = from < columns_shown_rows(table) && table->rows[from].group[0] != '\0' &&
                 count_group(table, from) <= MOST_WHOLE;
    text_append(out, whole ? "<tbody class=\"whole\">\n" : "<tbody>\n");
}

static void append_rows(struct text *out, const struct table *table, const struct columns_part *part)
{
    size_t count = columns_shown_rows(table), columns = part->to - part->from + 1;
    const char *group = "";
    append_body(out, table, 0);
    for (size_t r = 0; r < count; r++) {
        const struct table_row *row = &table->rows[r];
        if (strcmp(row->group, group) != 0) {
            if (r > 0) {
                text_append(out, "</tbody>");
                append_body(out, table, r);
            }
            if (row->group[0] != '\0') {
                text_append_format(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">", columns);
                html_append_element(out, "span", row->group);
                text_append(out, "</th></tr>\n");
            }
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
    struct text *more = text_new(out);
    columns_append_more(more, table);
    if (more->length > 0) {
        html_append_element(out, "p class=\"more\"", more->bytes);
        text_append(out, "\n");
    }
    talloc_free(more);
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

/* --- grid ----------------------------------------------------------------------------------------------- */

static void append_caption(struct text *out, const struct table *table, const struct columns_part *part)
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
static void append_part(struct text *out, const struct table *table, const struct columns_part *part,
                        enum columns_type type)
{
    text_append_format(out, "<table class=\"%s%s%s\">\n", table->listing ? "listing" : "statistics",
                       type == COLUMNS_SMALL ? " wide" : "",
                       table->listing || table->sortable ? " sortable" : "");
    append_caption(out, table, part);
    append_head(out, table, part);
    append_rows(out, table, part);
    text_append(out, "</table>");
}

/* Lines that all parts of the grid take. */
static size_t count_lines(const struct table *table, const struct columns *columns)
{
    size_t lines = 2;
    for (size_t r = 0; r < columns_shown_rows(table); r++) {
        lines += columns_row_lines(columns, &table->rows[r]);
        const char *before = r > 0 ? table->rows[r - 1].group : "";
        lines += strcmp(table->rows[r].group, before) != 0 ? 1 : 0;
    }
    return lines * (columns->most == 0 ? 1 : (columns->count + columns->most - 1) / columns->most);
}

bool html_is_short(const struct table *table, enum columns_page page)
{
    enum { SHORT_LINES = 30 };
    struct columns columns = columns_divide(table, table, page);
    size_t lines = count_lines(table, &columns) + table->fact_count + table->estimand_count;
    talloc_free(columns.characters);
    return lines <= SHORT_LINES;
}

void html_append_grid(struct text *out, const struct table *table, const char *labelled_by,
                      enum columns_page page)
{
    void *owner = memory_owner(out, "grid");
    struct columns columns = columns_divide(owner, table, page);
    enum { LOW_LINES = 16 };
    static const char *const classes[] = {"", "", " beside2", " beside3", " beside4"};
    size_t lines = count_lines(table, &columns), beside = columns_beside(&columns, table, lines), from = 0;
    bool kept = html_is_short(table, page) || (beside > 1 && lines / beside <= LOW_LINES);
    do {
        struct columns_part part = columns_part_at(&columns, from);
        text_append_format(out,
                           "<div class=\"scroll%s%s\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">",
                           kept ? " kept" : "", classes[beside], labelled_by);
        append_part(out, table, &part, columns.type);
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

void html_append_table(struct text *out, const struct table *table, enum columns_page page)
{
    bool turned = page == COLUMNS_UPRIGHT && columns_are_wide(table);
    enum columns_page own = turned ? COLUMNS_ACROSS : page;
    text_append_format(out, "<section class=\"table%s%s\">\n<h3 id=\"%s\">",
                       html_is_short(table, own) ? " short" : "", turned ? " across" : "", table->id);
    html_append_element(out, "span", table->number);
    text_append(out, " ");
    text_append_html(out, table->title);
    html_append_back(out);
    text_append(out, "</h3>\n");
    append_estimand(out, table);
    html_append_facts(out, "about", table->facts, table->fact_count);
    html_append_grid(out, table, table->id, own);
    text_append(out, "</section>\n");
}
