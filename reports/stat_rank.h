/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparisons of two samples, and a median, by ranks: they assume no distribution of the values. */
#ifndef PATELLA_STAT_RANK_H
#define PATELLA_STAT_RANK_H

#include <stddef.h>

#include "reports/stat_estimate.h"

struct sample {
    const double *values;        /* smallest first, as stat_describe leaves them; none missing */
    size_t count;
};

struct rank_sum {
    double w;                            /* pairs with a > b, ties counting half: U of a, R's W */
    double auc;                          /* w / (n_a n_b): probability that a is above b */
    struct hypothesis_test plain;        /* statistic z (> 0: a is above b), two-sided p; no df */
    struct hypothesis_test corrected;    /* the same with continuity correction */
};

/*
 * Wilcoxon's rank sum test of two samples, normal approximation with tie correction.
 * All NAN when a sample is empty; z and p also when all values are equal.
 * Linear in the number of values.
 * Source: Wilcoxon, Biometrics Bull 1945;1:80; Lehmann, Nonparametrics, 1975, section 1.4; as R's
 * wilcox.test(exact = FALSE).
 */
struct rank_sum stat_rank_sum(const struct sample *a, const struct sample *b);

/*
 * Hodges-Lehmann shift of a against b: the median of all n_a n_b differences a - b, the mean of the middle
 * two when their number is even.
 * Limits: the k-th smallest and k-th largest difference, k = floor(n_a n_b / 2 - z sqrt(n_a n_b (n_a + n_b +
 * 1) / 12)), without tie correction; NAN, with a reason, when k < 1.  p: of the rank sum test with continuity
 * correction. The differences are never written out: N log N with distinct values N, memory N of the owner,
 * freed before the return.
 * Source: Hodges & Lehmann, Ann Math Stat 1963;34:598; Hollander & Wolfe, Nonparametric Statistical Methods,
 * 1999, equations 4.22 and 4.40 and comment 20.
 */
struct estimate stat_shift(const void *owner, const struct sample *a, const struct sample *b, double level);

/*
 * Median with order-statistic limits: the k-th smallest and the k-th largest value with the largest k whose
 * limits hold at least the level, P(Binomial(n, 1/2) < k) <= (1 - level) / 2.  NAN limits, with a reason,
 * when there is no such k; no p.
 * Source: Conover, Practical Nonparametric Statistics, 1999, section 3.2; SAS PROC UNIVARIATE CIPCTLDF.
 */
struct estimate stat_median(const struct sample *sample, double level);

#endif
