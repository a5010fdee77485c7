/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scores for a CSV file of answers, without a study: what `patella-form score` does. */
#ifndef PATELLA_SCORE_CSV_H
#define PATELLA_SCORE_CSV_H

#include <stdbool.h>

#include "forms/base/text.h"
#include "forms/csv_table.h"
#include "forms/faults.h"
#include "forms/form.h"

/*
 * Scores every row of `table`, whose columns are item ids of `form`; an empty cell is not answered.
 * out      CSV: the columns that are no items, then one for each score (12 significant digits, empty when missing)
 * Returns false when any cell is wrong; then `faults` names line and column of each, and `out` is not to be used.
 */
bool score_csv_write(const struct form *form, const char *file, const struct csv_table *table, struct text *out,
                     struct faults *faults) MUST_CHECK;

/* Appends the ids of the items that a score needs and no column has, separated by ", ". */
void score_csv_list_absent(const struct form *form, const struct csv_table *table, struct text *out);

#endif
