/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Root of a function of one variable in an interval. */
#ifndef PATELLA_STAT_ROOT_H
#define PATELLA_STAT_ROOT_H

typedef double stat_function(double x, const void *context);

/*
 * An x between a and b, in either order, where f changes its sign, within tolerance + 4 eps |x|.
 * f            finite in the interval; f(a) and f(b) have different signs, or one of them is 0
 * tolerance    >= 0, in the unit of x; 0: as exactly as doubles allow
 * NAN when there is no change of sign between the ends, or f gives NAN.
 * Source: Brent, Algorithms for Minimization without Derivatives, 1973, section 4.3 (zeroin).
 */
double stat_root(stat_function *f, const void *context, double a, double b, double tolerance);

#endif
