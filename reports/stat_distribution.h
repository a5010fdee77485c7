/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantiles of distributions, by R's own functions (r-mathlib), and the only file that calls them.
 *
 * All are lower-tail quantiles.  NAN when there is none (a parameter out of its domain).  r-mathlib prints
 * its warnings to stdout, where a program's results go: here they go to stderr.  For one thread at a time.
 */
#ifndef PATELLA_STAT_DISTRIBUTION_H
#define PATELLA_STAT_DISTRIBUTION_H

double stat_normal_quantile(double p);
double stat_t_quantile(double p, double df);
double stat_beta_quantile(double p, double a, double b);

#endif
