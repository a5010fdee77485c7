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

#endif
