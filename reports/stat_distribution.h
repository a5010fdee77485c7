/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Distributions by R's own functions (r-mathlib), and the only file that calls them.
 *
 * Quantiles are lower-tail ones: the x with P(X <= x) = p.  Upper tails are P(X > x), two-sided ones
 * P(|X| > |x|), each computed as such, so that a small p keeps its digits.  NAN when there is none (a
 * parameter out of its domain, or NAN in).  r-mathlib prints its warnings to stdout, where a program's
 * results go: here they go to stderr.  Threads may call these functions beside each other, but none may
 * print to stdout meanwhile.
 */
#ifndef PATELLA_STAT_DISTRIBUTION_H
#define PATELLA_STAT_DISTRIBUTION_H

double stat_normal_quantile(double p);
double stat_normal_upper(double z);                          /* P(Z > z) */
double stat_normal_two_sided(double z);

double stat_t_quantile(double p, double df);
double stat_t_upper(double t, double df);
double stat_t_two_sided(double t, double df);

double stat_f_quantile(double p, double df1, double df2);
double stat_f_upper(double f, double df1, double df2);       /* df2 may be infinite: chi-square(df1) / df1 */

double stat_chi_square_upper(double x, double df);

double stat_gamma_quantile(double p, double shape);          /* scale 1 */
double stat_beta_quantile(double p, double a, double b);

double stat_binomial_density(double x, double n, double p);
double stat_binomial_lower(double x, double n, double p);    /* P(X <= x) */
double stat_binomial_upper(double x, double n, double p);    /* P(X > x), not P(X >= x) */

double stat_log_gamma(double x);                             /* logarithm of |gamma(x)| */

#endif
