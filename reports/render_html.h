/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The document as one HTML file that needs nothing else: no script, no font, no picture from anywhere.
 *
 * Headings with anchors and a table of contents, captions, scope on every header cell, figures as inline SVG
 * with their numbers below; style for screen and for print.
 */
#ifndef PATELLA_RENDER_HTML_H
#define PATELLA_RENDER_HTML_H

#include "reports/layout.h"

void render_html(struct text *out, const struct document *document);

/* render_html_style.c: the style sheet. */
extern const char render_html_style[];

#endif
