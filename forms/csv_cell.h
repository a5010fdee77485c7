/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts in CSV files that people open in a spreadsheet. */
#ifndef PATELLA_CSV_CELL_H
#define PATELLA_CSV_CELL_H

#include "forms/base/text.h"

/*
 * One CSV cell with a text that people wrote: what a spreadsheet would take for a formula (= + - @ tab,
 * carriage return first) gets an apostrophe in front.  Numbers of ours are text_append_csv's.  Source: OWASP,
 * CSV injection.
 */
void csv_append_text(struct text *out, const char *string);

#endif
