/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_html.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/render_html_table.h"

/* `string` between <tag> and </tag>, escaped. */
void html_append_element(struct text *out, const char *tag, const char *string)
{
    text_append_format(out, "<%s>", tag);
    text_append_html(out, string);
    text_append_format(out, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void html_append_back(struct text *out)
{
    text_append(out,
                " <a class=\"back\" href=\"#contents\" aria-label=\"back to the contents\">\xe2\x86\x91</a>");
}

static void append_link(struct text *out, const char *id, const char *number, const char *title)
{
    text_append(out, "<li><a href=\"#");
    text_append_html(out, id);
    text_append(out, "\">");
    if (number[0] != '\0') {
        html_append_element(out, "span", number);
        text_append(out, " ");
    }
    text_append_html(out, title);
    text_append(out, "</a>");
}

/* A chapter may be named as a table of it is: it has a prefix, so that no anchor is there twice. */
static const char *chapter_anchor(const struct text *out, const struct chapter *chapter)
{
    return memory_format(out, "chapter-%s", chapter->id);
}

static void append_contents(struct text *out, const struct document *document)
{
    text_append(out, "<nav aria-labelledby=\"contents\"><h2 id=\"contents\">Contents</h2>\n<ol>\n");
    for (size_t i = 0; i < document->chapter_count; i++) {
        const struct chapter *chapter = document->chapters[i];
        append_link(out, chapter_anchor(out, chapter), "", chapter->title);
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

void html_append_facts(struct text *out, const char *class, const struct fact *facts, size_t count)
{
    if (count == 0)
        return;
    text_append_format(out, "<dl class=\"%s\">\n", class);
    for (size_t i = 0; i < count; i++) {
        text_append(out, "<div>");
        html_append_element(out, "dt", facts[i].label);
        html_append_element(out, "dd", facts[i].text);
        text_append(out, "</div>\n");
    }
    text_append(out, "</dl>\n");
}

/* A drawing that shows each of its numbers as text. */
static bool draws_numbers(const struct figure *figure)
{
    return figure->kind == FIGURE_FOREST || figure->kind == FIGURE_FLOW;
}

/*
 * The numbers of a figure are open, so that they print; who reads may close them.  Figures of lines are low
 * enough to keep their numbers on the page.  Numbers that the drawing itself shows do not print a second time.
 */
static void append_figure(struct text *out, const struct figure *figure, enum columns_page page)
{
    bool lines = figure->kind == FIGURE_LINES;
    text_append_format(out, "<figure class=\"%s%s\" aria-labelledby=\"%s\">\n<figcaption id=\"%s\">",
                       lines ? "lines" : "drawing", lines && html_is_short(figure->data, page) ? " kept" : "",
                       figure->id, figure->id);
    html_append_element(out, "span", figure->number);
    text_append(out, " ");
    text_append_html(out, figure->title);
    html_append_back(out);
    text_append(out, "</figcaption>\n");
    if (figure_has_points(figure)) {
        struct text *note = text_new(out);
        figure_append_svg(out, figure);
        figure_append_note(note, figure);
        if (note->length > 0)
            html_append_element(out, "p class=\"note\"", note->bytes);
        talloc_free(note);
    } else {
        text_append(out, "<p>There is no value to draw.</p>\n");
    }
    if (figure->data->column_count > 0) {
        text_append_format(out, "<details%s open>", draws_numbers(figure) ? " class=\"drawn\"" : "");
        text_append(out, "<summary>The numbers of this figure</summary>\n");
        html_append_facts(out, "about", figure->data->facts, figure->data->fact_count);
        html_append_grid(out, figure->data, figure->id, page);
        text_append(out, "</details>\n");
    }
    text_append(out, "</figure>\n");
}

/* --- the whole ----------------------------------------------------------------------------------------- */

/* A chapter prints across when its first table or most of them do: no heading alone, few changes of page. */
static enum columns_page page_of(const struct chapter *chapter)
{
    size_t tables = 0, wide = 0;
    for (size_t i = 0; i < chapter->block_count; i++) {
        const struct table *table = chapter->blocks[i].table;
        bool is_wide = table != NULL && columns_are_wide(table);
        if (is_wide && i == 0)
            return COLUMNS_ACROSS;
        tables += table != NULL ? 1 : 0;
        wide += is_wide ? 1 : 0;
    }
    return 2 * wide > tables ? COLUMNS_ACROSS : COLUMNS_UPRIGHT;
}

static void append_chapter(struct text *out, const struct chapter *chapter)
{
    enum columns_page page = page_of(chapter);
    text_append_format(out, "<section class=\"chapter%s\" aria-labelledby=\"%s\">\n<h2 id=\"%s\">",
                       page == COLUMNS_ACROSS ? " across" : "", chapter_anchor(out, chapter),
                       chapter_anchor(out, chapter));
    text_append_html(out, chapter->title);
    html_append_back(out);
    text_append(out, "</h2>\n");
    for (size_t i = 0; i < chapter->paragraph_count; i++) {
        html_append_element(out, "p", chapter->paragraphs[i]);
        text_append(out, "\n");
    }
    for (size_t i = 0; i < chapter->block_count; i++) {
        if (chapter->blocks[i].table != NULL)
            html_append_table(out, chapter->blocks[i].table, page);
        else
            append_figure(out, chapter->blocks[i].figure, page);
    }
    text_append(out, "</section>\n");
}

static void append_first_page(struct text *out, const struct document *document)
{
    text_append(out, "<header>\n<p class=\"kind\">Outcome report</p>\n");
    html_append_element(out, "h1", document->title);
    text_append(out, "\n");
    html_append_facts(out, "front", document->facts, document->fact_count);
    if (document->notice_count > 0)
        text_append(out, "<ul class=\"notices\">\n");
    for (size_t i = 0; i < document->notice_count; i++) {
        html_append_element(out, "li", document->notices[i]);
        text_append(out, "\n");
    }
    text_append(out, document->notice_count > 0 ? "</ul>\n</header>\n" : "</header>\n");
}

/* `string` as a CSS string: whatever is not a plain character is a hexadecimal escape. */
static void append_css_string(struct text *out, const char *string)
{
    text_append(out, "\"");
    for (const char *c = string; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte >= 0x80 || (byte >= ' ' && strchr("\"\\<>&'", byte) == NULL))
            text_append_bytes(out, c, 1);
        else
            text_append_format(out, "\\%x ", byte);
    }
    text_append(out, "\"");
}

void html_append_running(struct text *out, const char *head, const char *foot)
{
    text_append(out, "@page{@top-left{content:");
    append_css_string(out, head);
    text_append(out, "}@bottom-left{content:");
    append_css_string(out, foot);
    text_append(out, "}}\n");
}

/* No script runs in the page but this one, whose hash stands here. */
static void append_policy(struct text *out)
{
    unsigned char digest[32], base64[48];
    if (EVP_Digest(render_html_script, strlen(render_html_script), digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    EVP_EncodeBlock(base64, digest, sizeof digest);
    text_append_format(out,
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'; script-src 'sha256-%s'\">\n",
                       (const char *)base64);
}

void render_html(struct text *out, const struct document *document)
{
    text_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    append_policy(out);
    html_append_element(out, "title", document->title);
    text_append(out, "\n<style>\n");
    text_append(out, render_html_style);
    html_append_running(out, document->title, document->cut != NULL ? document->cut : "");
    text_append(out, "</style>\n</head>\n<body>\n");
    append_first_page(out, document);
    append_contents(out, document);
    text_append(out, "<main>\n");
    for (size_t i = 0; i < document->chapter_count; i++)
        append_chapter(out, document->chapters[i]);
    text_append(out, "</main>\n<script>");
    text_append(out, render_html_script);
    text_append(out, "</script>\n</body>\n</html>\n");
}
