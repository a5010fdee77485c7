/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results: every number of a report as a row (table, row, col, stat, value), before it is a table.
 *
 * What cannot be computed is a row with a status and a note, never a silent NaN.  Rounding happens in render
 * only.
 */
#ifndef PATELLA_RESULTS_H
#define PATELLA_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/base/text.h"

struct result {
    const char *table, *row, *col, *stat;
    double value;                /* finite; NAN when status is not empty */
    const char *status;          /* "" | "not_estimable" | "empty" | "refused" */
    const char *note;            /* why, for people; "" otherwise */
};

struct results;

struct results *results_new(const void *owner);
void results_add(struct results *results, const char *table, const char *row, const char *col,
                 const char *stat, double value);
/*
 * A number that cannot be computed: names, status and note of `row` are copied, its value is not looked at.
 */
void results_add_missing(struct results *results, const struct result *row);
/* All rows of `others`, in their order; names are copied. */
void results_add_all(struct results *results, const struct results *others);
size_t results_count(const struct results *results);
const struct result *results_at(const struct results *results, size_t index);     /* in order of adding */
/* The row with these names, or NULL; constant time. */
const struct result *results_find(const struct results *results, const char *table, const char *row,
                                  const char *col, const char *stat);
/*
 * table,row,col,stat,value,status,note as CSV, values with 12 significant digits; rows that people named
 * disarmed.
 */
void results_write_csv(const struct results *results, struct text *out);

#endif
