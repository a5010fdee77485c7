/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparison of two independent proportions, first minus (or over) second.  Not for strata
 * (stat_stratified.h) and no exact test (stat_fisher.h).
 */
#ifndef PATELLA_STAT_TWO_PROPORTIONS_H
#define PATELLA_STAT_TWO_PROPORTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/stat_estimate.h"

struct proportion_pair {
    size_t x1, n1;               /* subjects with the event, of all of the first group; x <= n */
    size_t x2, n2;
};

/* Why there is nothing to compare: nobody in a group; NULL when both have subjects. */
const char *stat_pair_reason(const struct proportion_pair *pair);

/*
 * Difference of the proportions (-1 to 1) with its limits.  All three exist whatever the numbers of events;
 * all NAN when a group has nobody.
 * Newcombe:    from the two Wilson intervals, without continuity correction; no p.
 *              Source: Newcombe, Stat Med 1998;17:873, method 10; SAS RISKDIFF(CL=NEWCOMBE).
 * score:       Miettinen-Nurminen: the differences d that the score test at level 1 - level does not reject,
 *              with the variance at the estimates under d, times N / (N - 1).  p: of that test at d = 0; NAN,
 *              with its reason, when the groups have no event, or nobody without one.
 *              Source: Miettinen & Nurminen, Stat Med 1985;4:213, equations 8, 9 and 28; SAS CL=MN.
 * Wald:        d -+ z sqrt(p1 q1 / n1 + p2 q2 / n2), as SAS prints it: of no width when both proportions are
 *              0 or 1; no p.
 */
struct estimate stat_risk_difference_newcombe(const struct proportion_pair *pair, double level);
struct estimate stat_risk_difference_score(const struct proportion_pair *pair, double level);
struct estimate stat_risk_difference_wald(const struct proportion_pair *pair, double level);

/*
 * Ratio of the proportions and odds ratio, limits by Wald's method on the logarithm; no p.
 * Not estimable with a zero cell: a ratio without an event in a group, an odds ratio also without anybody
 * free of it.  The ratio when everybody in both groups has the event is 1 without limits.
 * Source: SAS PROC FREQ, RELRISK.
 */
struct estimate stat_risk_ratio(const struct proportion_pair *pair, double level);
struct estimate stat_odds_ratio(const struct proportion_pair *pair, double level);

/*
 * Pearson's chi-square with 1 df, with or without Yates' correction; p of the upper tail.
 * NAN when a margin is 0.
 */
struct hypothesis_test stat_pair_chi_square(const struct proportion_pair *pair, bool corrected);

/*
 * Number needed to treat, from a risk difference of which more is better.
 * Signed: > 0 for one more benefit (NNTB), < 0 for one more harm (NNTH); |NNT| >= 1.
 *   value      1 / difference; NAN when that is 0 or not estimable
 *   lo, hi     1 / upper and 1 / lower limit of the difference; NAN where that limit is 0: infinite
 *   through_infinity     the difference's limits include 0: the interval is not lo to hi but runs from
 *              NNTB lo up through infinity to NNTH -hi
 *   reason     why a number is NAN, as in struct estimate
 * Source: Altman, BMJ 1998;317:1309.
 */
struct number_needed {
    double value;
    double lo, hi;
    bool through_infinity;
    const char *reason;
};
struct number_needed stat_number_needed(const struct estimate *difference);

#endif
