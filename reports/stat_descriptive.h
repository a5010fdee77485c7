/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Description of one sample of numbers. */
#ifndef PATELLA_STAT_DESCRIPTIVE_H
#define PATELLA_STAT_DESCRIPTIVE_H

#include <stddef.h>

struct description {
    size_t n;
    double mean;             /* all numbers in the unit of the values; NAN where not defined */
    double sd;               /* n >= 2 */
    double se;
    double lo, hi;           /* t limits of the mean */
    double q1, median, q3;
    double min, max;
};

/*
 * values   `count` values without missing ones, any order; sorted on return
 * level    of the confidence interval, e.g. 0.95
 * count 0: only n.  count 1: no sd, se, lo, hi.  Mean and SD (divisor n - 1) in two passes over the sorted
 * values, so that the order of the input does not matter.  Limits: mean -+ t((1 + level) / 2, n - 1) * sd /
 * sqrt(n).  Quartiles: stat_quantile.  Source: SAS PROC MEANS (CLM), PROC UNIVARIATE (PCTLDEF=5).
 */
struct description stat_describe(double *values, size_t count, double level);

/*
 * Quantile p = numerator / denominator, 0 < p < 1, of `count` >= 1 sorted values.
 * Definition 2: with np = j + g, j whole: g = 0 gives (x_j + x_{j+1}) / 2, otherwise x_{j+1}; np in whole
 * numbers.
 * Source: Hyndman & Fan, Am Stat 1996;50:361, type 2; SAS PCTLDEF=5; R quantile(type = 2).
 */
double stat_quantile(const double *sorted, size_t count, unsigned numerator, unsigned denominator);

#endif
