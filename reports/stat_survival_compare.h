/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups compared by time to event: log-rank test, restricted mean survival time. */
#ifndef PATELLA_STAT_SURVIVAL_COMPARE_H
#define PATELLA_STAT_SURVIVAL_COMPARE_H

#include "reports/stat_survival.h"

struct survival_rmst {
    double tau;                  /* days */
    double mean, se, lo, hi;     /* days without the event until tau */
    const char *reason;
};

/*
 * Restricted mean survival time: area under a Kaplan-Meier curve from day 0 to `tau` > 0.
 * Standard error: sum over event days t before tau of (area from t to tau)^2 d / (n (n - d)), without the
 * term of a day on which the last ones at risk have their event.  Limits: normal, at the curve's level.
 * Not estimable when tau lies after the last day that anybody was followed, unless the curve is complete.
 * Without events before tau the mean is tau, the standard error 0, and there are no limits.
 * Sources: Klein & Moeschberger 2003, section 4.5; Royston & Parmar, BMC Med Res Methodol 2013;13:152; R
 * print(survfit, rmean = tau).
 */
struct survival_rmst stat_survival_rmst(const void *owner, const struct survival_curve *curve, double tau);

struct survival_difference {
    double estimate, se, lo, hi; /* a - b, days */
    double z, p;                 /* two-sided, normal */
    const char *reason;
};

/* Difference of two independent restricted means to the same tau; not estimable when one of them is not. */
struct survival_difference stat_survival_rmst_difference(const struct survival_rmst *a,
                                                         const struct survival_rmst *b, double level);

struct survival_logrank {
    size_t group_count;
    const size_t *n, *observed;  /* of each group: subjects, events; those of groups left out are 0 */
    const double *expected;
    double chi_square, p;
    size_t df;                   /* rank of the variance: groups ever compared with others, less one */
    const char *reason;
};

/*
 * Log-rank test of all groups, or of those `included` (group_count flags; NULL: all), each stratum compared
 * within itself; competing events count as censored.
 * Variance: hypergeometric, at each day with d events among n at risk in group g
 * d (n - d) / (n - 1) * (n_g / n)(delta_gh - n_h / n).  Chi-square: (O - E)' V^- (O - E).
 * Sources: Mantel, Cancer Chemother Rep 1966;50:163; Peto & Peto, J R Stat Soc A 1972;135:185; R survdiff,
 * SAS PROC LIFETEST (STRATA / GROUP=).
 */
struct survival_logrank stat_survival_logrank(const void *owner, const struct survival_table *table,
                                              const bool *included);

#endif
