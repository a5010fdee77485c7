/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data sets of times to an event, for the tests of stat_survival, stat_cox and stat_competing. */
#ifndef PATELLA_TEST_SURVIVAL_SET_H
#define PATELLA_TEST_SURVIVAL_SET_H

#include "reports/stat_cox.h"
#include "tests/support/golden.h"

#define SURVIVAL_EXPECTED "tests/golden/survival/expected.csv"

struct survival_set {
    struct survival_data data;
    const char *const *groups;   /* names, data.group_count */
    double *x;                   /* a covariate; NULL: there is none */
    unsigned *cluster;           /* 0 .. data.count - 1; NULL: there are none */
};

/* A set of tests/golden/survival/data.csv.  All of these fail the test when they cannot be read. */
struct survival_set *survival_set_load(const void *owner, const char *name);

/* Remission of leukaemia: 6-MP (the reference) and control; weeks. */
struct survival_set *survival_set_gehan(const void *owner);

/* Day of knee replacement in tests/golden/trial1000: PLACEBO (the reference), AD-MSC, UC-MSC. */
struct survival_set *survival_set_trial1000(const void *owner);

/* The same set with its subjects in another order. */
struct survival_set *survival_set_shuffle(const void *owner, const struct survival_set *set);

/* Dummies of all groups with subjects but the first, then x where the set has it. */
struct cox_model survival_set_model(const void *owner, const struct survival_set *set);

/* The number behind the @ of a stat: "se@30". */
double survival_argument(const char *stat);

/* Counts and days exactly, other numbers within 1e-6 relative; empty, NA and NaN: NAN. */
void survival_assert(const struct golden_row *row, double found);

/* Largest relative difference that survival_assert has seen so far. */
double survival_largest_difference(void);

#endif
