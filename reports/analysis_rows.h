/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all analyses share: the columns of a table, and statistics written as result rows.
 * Not for: computing statistics (stat_*.h).
 */
#ifndef PATELLA_ANALYSIS_ROWS_H
#define PATELLA_ANALYSIS_ROWS_H

#include "reports/dataset.h"
#include "reports/results.h"
#include "reports/stat_descriptive.h"
#include "reports/stat_estimate.h"
#include "reports/stat_linear.h"
#include "reports/stat_proportion.h"
#include "reports/stat_two_proportions.h"

/* Where the next statistics belong. */
struct cell {
    struct results *results;
    const char *table, *row, *col;
};

void cell_add(const struct cell *cell, const char *stat, double value);
void cell_add_count(const struct cell *cell, const char *stat, size_t count);
/* 100 * part / whole; `empty` when whole is 0. */
void cell_add_percent(const struct cell *cell, const char *stat, size_t part, size_t whole);
/* Refused: it would name an arm of a masked study. */
void cell_add_refused(const struct cell *cell, const char *stat);

enum description_part { DESCRIPTION_PLAIN, DESCRIPTION_WITH_LIMITS };   /* with se, lo, hi */
/* n, nmiss = expected - n, mean, sd, (se, lo, hi,) q1, median, q3, min, max. */
void cell_add_description(const struct cell *cell, const struct description *d, size_t expected,
                          enum description_part part);

/* x.COHORT, n.COHORT, p.COHORT, wilson_lo, wilson_hi, cp_lo, cp_hi; COHORT is the cell's column. */
void cell_add_proportion(const struct cell *cell, const struct proportion *p);

/* cp_lo, cp_hi. */
void cell_add_limits(const struct cell *cell, const struct proportion *p);

/* NAN: not estimable for this reason (NULL: what the statistic does not have is not added). */
void cell_add_or_reason(const struct cell *cell, const char *stat, double value, const char *reason);
/* Value, lower limit, upper limit and p of an estimate under these names; NULL: not added. */
void cell_add_estimate(const struct cell *cell, const char *const names[4], const struct estimate *estimate);
/* The estimate of a linear model under `stat`, then se, df, lo, hi, t, p. */
void cell_add_linear(const struct cell *cell, const char *stat, const struct linear_estimate *estimate);
/* F, df1, df2, p. */
void cell_add_f_test(const struct cell *cell, const struct linear_test *test);

/* rd, its limits newcombe_lo, newcombe_hi, mn_lo, mn_hi, and fisher_p. */
void cell_add_risk_difference(const struct cell *cell, const struct proportion_pair *pair, double level);

/* The treated subjects of each column, in the dataset's order. */
struct column {
    const char *name;
    const size_t *subjects;      /* indices into dataset->subjects */
    size_t count;
};

struct columns {
    const struct column *at;
    size_t count;                /* dataset->cohort_count */
};

struct columns columns_of_treated(const void *owner, const struct dataset *dataset);

/* Two columns that the protocol compares, in its order; none in a pooled report. */
struct contrast {
    const char *name;            /* "A - B", the column of its results; ratios are A over B */
    size_t a, b;                 /* indices of columns */
};

struct contrasts {
    const struct contrast *at;
    size_t count;
};

struct contrasts contrasts_of(const void *owner, const struct dataset *dataset);

/*
 * Codes that answers of a choice item can have, over all versions of its form, newest first; for booleans
 * true, false.
 */
struct codes {
    const char **at;
    size_t count;
};

struct codes codes_of_item(const void *owner, const struct catalogue *catalogue, const char *form,
                           const char *item);
/* Index of a code, or codes->count. */
size_t codes_find(const struct codes *codes, const char *code);
void codes_append(const void *owner, struct codes *codes, const char *code);

#endif
