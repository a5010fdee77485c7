/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of means, also in units of their spread, between two cohorts and within one.  Not for baseline
 * balance: that is stat_standardized.h.
 */
#ifndef PATELLA_STAT_EFFECT_SIZE_H
#define PATELLA_STAT_EFFECT_SIZE_H

#include <stdbool.h>

#include "reports/stat_descriptive.h"
#include "reports/stat_estimate.h"

struct effect_size {
    double sd_pooled;            /* in the unit of the values */
    double d;                    /* (mean a - mean b) / sd_pooled, Cohen's d */
    double j;                    /* what makes it unbiased */
    struct estimate g;           /* d j with limits; no p */
};

/*
 * Hedges' g, a minus b, from n, mean and SD of two independent samples.
 * J = gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)), df = n_a + n_b - 2, exactly; limits g -+ z
 * sqrt((n_a + n_b) / (n_a n_b) + g^2 / (2 (n_a + n_b))). All NAN with fewer than 2 subjects in a group, or
 * when nobody differs from the own group's mean.
 * Source: Hedges & Olkin, Statistical Methods for Meta-Analysis, 1985, chapter 5, equations 7 and 15.
 */
struct effect_size stat_hedges_g(const struct description *a, const struct description *b, double level);

/*
 * Standardized response mean of one cohort: mean change / SD of the changes.  Cohen's d_z is the same number.
 * Limits: large-sample normal ones, d -+ z sqrt(1 / n + d^2 / (2 n)) (Becker, Br J Math Stat Psychol
 * 1988;41:257, with the correlation within its SD); p: the paired t test of no change, t = d sqrt(n) with n -
 * 1 df.
 * NAN with fewer than 2 subjects, or when all changes are equal.
 */
struct estimate stat_response_mean(const struct description *change, double level);

struct mean_difference {
    struct estimate difference;  /* mean a - mean b, in the unit of the values, with t limits and p */
    double t, df;
};

/*
 * t test of two independent samples: pooled, or by Welch with Satterthwaite's df when the variances need not
 * be equal.  Reasons as for Hedges' g; the difference itself needs one subject in each group.
 */
struct mean_difference stat_mean_difference(const struct description *a, const struct description *b,
                                            bool pooled, double level);

#endif
