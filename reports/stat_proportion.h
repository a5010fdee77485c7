/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One proportion with its confidence limits. */
#ifndef PATELLA_STAT_PROPORTION_H
#define PATELLA_STAT_PROPORTION_H

#include <stddef.h>

struct proportion {
    size_t x, n;
    double p;                        /* x / n, 0 to 1, as are the limits; all NAN when n = 0 */
    double wilson_lo, wilson_hi;
    double cp_lo, cp_hi;
};

/*
 * x        subjects with the property, of n; x <= n
 * level    of the two-sided limits, e.g. 0.95
 * Wilson:           (p + z^2/2n -+ z sqrt(p(1 - p)/n + z^2/4n^2)) / (1 + z^2/n).
 *                   Sources: Wilson, JASA 1927;22:209; Newcombe, Stat Med 1998;17:857, method 3.
 * Clopper-Pearson:  beta quantiles a/2 of (x, n - x + 1) and 1 - a/2 of (x + 1, n - x); 0 for x = 0, 1 for x
 * = n.
 *                   Source: Clopper & Pearson, Biometrika 1934;26:404.
 */
struct proportion stat_proportion(size_t x, size_t n, double level);

#endif
