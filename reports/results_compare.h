/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two results.csv, row by row: which numbers are new, gone or other ones. */
#ifndef PATELLA_RESULTS_COMPARE_H
#define PATELLA_RESULTS_COMPARE_H

#include <stddef.h>

#include "forms/base/error.h"

enum difference_kind { DIFFERENCE_NEW, DIFFERENCE_GONE, DIFFERENCE_CHANGED };

struct difference {
    enum difference_kind kind;
    const char *table, *row, *col, *stat;
    const char *before, *after;  /* value as written, or the status of a row without one; NULL when not there */
};

struct differences {
    struct difference *at;       /* in the order of the later file, then those that are gone */
    size_t count;
    size_t before_rows, after_rows;
    double largest;              /* largest relative difference of two numbers, 0 when there is none */
};

struct results_text {
    const char *text;
    size_t length;
};

/*
 * Rows belong together by table, row, col and stat; a name that stands twice in a file counts first with
 * first. `tolerance`: largest relative difference that is none; 0: the texts of the values must be the same.
 * ERROR_INPUT when one of them is no results.csv.
 */
struct differences *results_compare(const void *owner, const struct results_text *before,
                                    const struct results_text *after, double tolerance,
                                    struct error *error) MUST_CHECK;

#endif
