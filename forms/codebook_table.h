/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of the HTML codebook; only codebook_*.c sees it. */
#ifndef PATELLA_CODEBOOK_TABLE_H
#define PATELLA_CODEBOOK_TABLE_H

#include "forms/base/text.h"
#include "forms/protocol.h"

/* "<tag>text</tag>", escaped; an empty element when the text is NULL. */
void codebook_put(struct text *out, const char *tag, const char *text);

/* A table's head; `names` ends with NULL. */
void codebook_open_table(struct text *out, const char *caption, const char *const *names);
void codebook_close_table(struct text *out);

/* A row that begins with an id. */
void codebook_open_row(struct text *out, const char *id);

/* What the report analyses: comparisons, models, subgroups, events, margins, estimands, claims. */
void codebook_write_plan(struct text *out, const struct catalogue *catalogue);

#endif
