/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables of the HTML report, and what they share with the rest of the page.  Not for others than render_html.
 */
#ifndef PATELLA_RENDER_HTML_TABLE_H
#define PATELLA_RENDER_HTML_TABLE_H

#include "reports/render_columns.h"
#include "reports/render_html.h"

/* Heading, facts, estimand, grid, footnotes. */
void html_append_table(struct text *out, const struct table *table, enum columns_page page);

/*
 * The grid alone, with its footnotes, named by the heading with id `labelled_by`.  A table of statistics that
 * is too wide for the printed page in small letters is parted by columns; each part repeats the first column.
 */
void html_append_grid(struct text *out, const struct table *table, const char *labelled_by,
                      enum columns_page page);

/*
 * In print a short table stays on one page, with the figure that it belongs to.
 */
bool html_is_short(const struct table *table, enum columns_page page);

/* render_html.c */
void html_append_element(struct text *out, const char *tag,
                         const char *string); /* `tag` may have attributes */
void html_append_running(struct text *out, const char *head,
                         const char *foot);   /* head and foot of printed pages, for a style sheet */
void html_append_facts(struct text *out, const char *class, const struct fact *facts, size_t count);
void html_append_back(struct text *out);         /* link to the contents */

#endif
