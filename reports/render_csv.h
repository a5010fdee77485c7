/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables as CSV (RFC 4180, UTF-8, CRLF not used: one newline a row). */
#ifndef PATELLA_RENDER_CSV_H
#define PATELLA_RENDER_CSV_H

#include "reports/layout.h"

/*
 * The cells of `table` as they are displayed, all rows: a header line, then group (when the table has
 * groups), label, columns.  A text from people that a spreadsheet would take for a formula (= + - @ tab,
 * carriage return first) gets an apostrophe in front; our own numbers keep their minus.
 */
void render_csv_table(struct text *out, const struct table *table);

/* The same; after each row `step` is called, which may take what is in `out` and clear it. */
typedef void render_csv_step(void *context);
void render_csv_table_in_steps(struct text *out, const struct table *table, render_csv_step *step, void *context);

#endif
