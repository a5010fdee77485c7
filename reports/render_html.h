/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The document as one HTML file that needs nothing else: no font, no picture, no script from anywhere.
 *
 * Headings with anchors, a table of contents and ways back to it, captions, scope on every header cell,
 * figures as inline SVG with their numbers below; style for screen and for print, with running heads and page
 * numbers.  One small script inside sorts tables; everything can be read without it, and the page's own
 * policy lets no other run.
 */
#ifndef PATELLA_RENDER_HTML_H
#define PATELLA_RENDER_HTML_H

#include "reports/layout.h"

void render_html(struct text *out, const struct document *document);

/* render_html_style.c: the style sheet. */
extern const char render_html_style[];

/* render_html_script.c: the script. */
extern const char render_html_script[];

#endif
