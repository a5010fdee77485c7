/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_html.h"

#include <string.h>

#include "reports/format.h"

enum { WIDE_COLUMNS = 7 };       /* from here on print in smaller letters */

/* `string` between <tag> and </tag>, escaped. */
static void append_element(struct text *out, const char *tag, const char *string)
{
    text_append_format(out, "<%s>", tag);
    text_append_html(out, string);
    text_append_format(out, "</%s>", tag);
}

static void append_link(struct text *out, const char *id, const char *number, const char *title)
{
    text_append(out, "<li><a href=\"#");
    text_append_html(out, id);
    text_append(out, "\">");
    if (number[0] != '\0') {
        append_element(out, "span", number);
        text_append(out, " ");
    }
    text_append_html(out, title);
    text_append(out, "</a>");
}

static void append_contents(struct text *out, const struct document *document)
{
    text_append(out, "<nav aria-labelledby=\"contents\"><h2 id=\"contents\">Contents</h2>\n<ol>\n");
    for (size_t i = 0; i < document->chapter_count; i++) {
        const struct chapter *chapter = document->chapters[i];
        append_link(out, chapter->id, "", chapter->title);
        if (chapter->block_count > 0)
            text_append(out, "\n<ul>\n");
        for (size_t b = 0; b < chapter->block_count; b++) {
            const struct block *block = &chapter->blocks[b];
            if (block->table != NULL)
                append_link(out, block->table->id, block->table->number, block->table->title);
            else
                append_link(out, block->figure->id, block->figure->number, block->figure->title);
            text_append(out, "</li>\n");
        }
        text_append(out, chapter->block_count > 0 ? "</ul></li>\n" : "</li>\n");
    }
    text_append(out, "</ol></nav>\n");
}

static void append_facts(struct text *out, const char *class, const struct fact *facts, size_t count)
{
    if (count == 0)
        return;
    text_append_format(out, "<dl class=\"%s\">\n", class);
    for (size_t i = 0; i < count; i++) {
        text_append(out, "<div>");
        append_element(out, "dt", facts[i].label);
        append_element(out, "dd", facts[i].text);
        text_append(out, "</div>\n");
    }
    text_append(out, "</dl>\n");
}

/* --- tables -------------------------------------------------------------------------------------------- */

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

static void append_head(struct text *out, const struct table *table)
{
    text_append(out, "<thead><tr><th scope=\"col\">");
    text_append_html(out, table->label_title);
    text_append(out, "</th>");
    for (size_t c = 0; c < table->column_count; c++) {
        const struct table_column *column = &table->columns[c];
        text_append_format(out, "<th scope=\"col\"%s>", column->kind == CELL_NUMBER ? " class=\"n\"" : "");
        text_append_html(out, column->title);
        if (column->subtitle[0] != '\0') {
            text_append(out, " ");
            append_element(out, "small", column->subtitle);
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

static void append_row(struct text *out, const struct table *table, const struct table_row *row)
{
    text_append(out, "<tr><th scope=\"row\"");
    if (row->strong)
        text_append(out, " class=\"strong\"");
    else if (row->indent > 0)
        text_append_format(out, " class=\"i%d\"", row->indent);
    text_append(out, ">");
    text_append_html(out, row->label);
    text_append(out, "</th>");
    for (size_t c = 0; c < table->column_count; c++)
        append_cell(out, table, &row->cells[c]);
    text_append(out, "</tr>\n");
}

/* Rows of one group are one <tbody>, which print keeps together. */
static void append_rows(struct text *out, const struct table *table)
{
    size_t count =
        table->html_rows > 0 && table->html_rows < table->row_count ? table->html_rows : table->row_count;
    const char *group = "";
    text_append(out, "<tbody>\n");
    for (size_t r = 0; r < count; r++) {
        const struct table_row *row = &table->rows[r];
        if (strcmp(row->group, group) != 0) {
            if (r > 0)
                text_append(out, "</tbody><tbody>\n");
            text_append_format(out, "<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%zu\">",
                               table->column_count + 1);
            append_element(out, "span", row->group);
            text_append(out, "</th></tr>\n");
            group = row->group;
        }
        append_row(out, table, row);
    }
    if (table->row_count == 0)
        text_append_format(out, "<tr><td colspan=\"%zu\">none</td></tr>\n", table->column_count + 1);
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

/* The scrolling box is reachable by keyboard and has the caption's name. */
static void append_grid(struct text *out, const struct table *table, const char *labelled_by)
{
    text_append_format(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-labelledby=\"%s\">",
                       labelled_by);
    text_append_format(out, "<table class=\"%s%s\">\n", table->listing ? "listing" : "statistics",
                       table->column_count >= WIDE_COLUMNS ? " wide" : "");
    text_append(out, "<caption class=\"away\">");
    text_append_html(out, table->title);
    text_append(out, "</caption>\n");
    append_head(out, table);
    append_rows(out, table);
    text_append(out, "</table></div>\n");
}

static void append_table(struct text *out, const struct table *table)
{
    text_append_format(out, "<section class=\"table%s\" aria-labelledby=\"%s\">\n<h3 id=\"%s\">",
                       table->listing ? " of-records" : "", table->id, table->id);
    append_element(out, "span", table->number);
    text_append(out, " ");
    text_append_html(out, table->title);
    text_append(out, "</h3>\n");
    append_facts(out, "about", table->facts, table->fact_count);
    append_grid(out, table, table->id);
    append_footnotes(out, table);
    text_append(out, "</section>\n");
}

static void append_figure(struct text *out, const struct figure *figure)
{
    text_append_format(out, "<figure aria-labelledby=\"%s\">\n<figcaption id=\"%s\">", figure->id,
                       figure->id);
    append_element(out, "span", figure->number);
    text_append(out, " ");
    text_append_html(out, figure->title);
    text_append(out, "</figcaption>\n");
    if (figure_has_points(figure))
        figure_append_svg(out, figure);
    else
        text_append(out, "<p>There is no value to draw.</p>\n");
    append_facts(out, "about", figure->data->facts, figure->data->fact_count);
    append_grid(out, figure->data, figure->id);
    append_footnotes(out, figure->data);
    text_append(out, "</figure>\n");
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static void append_chapter(struct text *out, const struct chapter *chapter)
{
    text_append_format(out, "<section class=\"chapter\" aria-labelledby=\"%s\">\n<h2 id=\"%s\">", chapter->id,
                       chapter->id);
    text_append_html(out, chapter->title);
    text_append(out, "</h2>\n");
    for (size_t i = 0; i < chapter->paragraph_count; i++) {
        append_element(out, "p", chapter->paragraphs[i]);
        text_append(out, "\n");
    }
    for (size_t i = 0; i < chapter->block_count; i++) {
        if (chapter->blocks[i].table != NULL)
            append_table(out, chapter->blocks[i].table);
        else
            append_figure(out, chapter->blocks[i].figure);
    }
    text_append(out, "</section>\n");
}

static void append_first_page(struct text *out, const struct document *document)
{
    text_append(out, "<header>\n<p class=\"kind\">Outcome report</p>\n");
    append_element(out, "h1", document->title);
    text_append(out, "\n");
    append_facts(out, "front", document->facts, document->fact_count);
    if (document->notice_count > 0)
        text_append(out, "<ul class=\"notices\">\n");
    for (size_t i = 0; i < document->notice_count; i++) {
        append_element(out, "li", document->notices[i]);
        text_append(out, "\n");
    }
    text_append(out, document->notice_count > 0 ? "</ul>\n</header>\n" : "</header>\n");
}

void render_html(struct text *out, const struct document *document)
{
    text_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'\">\n");
    append_element(out, "title", document->title);
    text_append(out, "\n<style>\n");
    text_append(out, render_html_style);
    text_append(out, "</style>\n</head>\n<body>\n");
    append_first_page(out, document);
    append_contents(out, document);
    text_append(out, "<main>\n");
    for (size_t i = 0; i < document->chapter_count; i++)
        append_chapter(out, document->chapters[i]);
    text_append(out, "</main>\n</body>\n</html>\n");
}
