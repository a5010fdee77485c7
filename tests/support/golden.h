/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Result rows held against expected numbers that another program computed (CSV:
 * table,row,col,stat,value,...).
 *
 * Counts and order statistics must agree in all 12 digits that the file has, everything else within 1e-6
 * relative.  A row that the results do not have is a mismatch.
 */
#ifndef PATELLA_TEST_GOLDEN_H
#define PATELLA_TEST_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/results.h"

struct golden_row {
    const char *table, *row, *col, *stat, *value;
};

struct golden_rules {
    const char *path;
    /* Whether a row of the file is compared at all; NULL: every row. */
    bool (*compares)(const struct golden_row *row);
    /*
     * May point the row at another stat or value, where the report follows another definition; may be NULL.
     */
    void (*adjust)(struct golden_row *row);
    bool silent;             /* prints no mismatches */
};

struct golden_outcome {
    size_t compared;
    size_t mismatches;       /* each printed, unless silent */
};

struct golden_outcome golden_compare(const struct results *results, const struct golden_rules *rules);

/* True when `actual` is the number `expected` of an expected row with this stat. */
bool golden_matches(const char *stat, const char *expected, double actual);

/* A results.csv (results_write_csv) read back; the test fails when it cannot be read. */
struct results *golden_read_results(const void *owner, const char *path);

/* Fails the test unless the results have this row with exactly this value, or with this status. */
void assert_result(const struct results *results, const char *const names[4], double value);
void assert_result_status(const struct results *results, const char *const names[4], const char *status);

/* Expected rows of a file; the test fails when it cannot be read. */
struct golden_row *golden_load(const void *owner, const char *path, size_t *count);

/*
 * Values of a sample of tests/golden/statistics/samples.csv; the test fails when there is no such sample.
 * "seq n a m d" is one that needs no file: (i a modulo m) / d for i = 0 .. n - 1.
 */
double *golden_load_sample(const void *owner, const char *sample, size_t *count);

#endif
