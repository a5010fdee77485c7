/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a statistic hands to whoever prints it.
 *
 * A number that cannot be estimated is NAN, and `reason` says why in words for a reader ("no event in either
 * group"); the numbers beside it that are not NAN hold all the same.  reason NULL: whatever this statistic
 * has was estimated; a member that is NAN then is one that it does not have, which its header says.
 */
#ifndef PATELLA_STAT_ESTIMATE_H
#define PATELLA_STAT_ESTIMATE_H

struct estimate {
    double value;
    double lo, hi;               /* two-sided limits at the level that was asked for, in the unit of value */
    double p;                    /* two-sided, of no effect */
    const char *reason;          /* a constant string */
};

struct hypothesis_test {
    double statistic;
    double df;
    double p;                    /* of the statistic's upper tail, or two-sided: its header says which */
    const char *reason;
};

/* All NAN, for this reason; NULL: to be filled in. */
struct estimate stat_not_estimable(const char *reason);

/*
 * A ratio > 0 with Wald's limits on the logarithm: ratio / e^(z se) and ratio e^(z se); no p.
 * log_variance     se^2, of the logarithm of the ratio; one below 0 by rounding counts as 0
 * level            of the two-sided limits, e.g. 0.95
 */
struct estimate stat_estimate_ratio(double ratio, double log_variance, double level);

#endif
