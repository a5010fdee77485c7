/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test asks of generated HTML and SVG. */
#ifndef PATELLA_TEST_MARKUP_H
#define PATELLA_TEST_MARKUP_H

#include <stddef.h>

/*
 * Fails the test unless every element is closed in its order, every attribute value quoted, every id given
 * once, and every link to #anchor has its target.  For markup as we write it, not for any HTML.
 */
void markup_check(const char *markup);

/* How often `part` occurs. */
size_t markup_count(const char *markup, const char *part);

#endif
