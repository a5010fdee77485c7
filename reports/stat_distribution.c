/* SPDX-License-Identifier: GPL-3.0-or-later */
#define MATHLIB_STANDALONE 1
#include "reports/stat_distribution.h"

#include <Rmath.h>
#include <stdio.h>

/*
 * glibc's stdout is a variable that may be set ("Standard Streams" in its manual), and printf writes to
 * whatever it holds: while r-mathlib computes, that is stderr.
 */
static FILE *set_aside_stdout(void)
{
    FILE *kept = stdout;
    stdout = stderr;
    return kept;
}

double stat_normal_quantile(double p)
{
    FILE *kept = set_aside_stdout();
    double quantile = qnorm(p, 0.0, 1.0, 1, 0);
    stdout = kept;
    return quantile;
}

double stat_t_quantile(double p, double df)
{
    FILE *kept = set_aside_stdout();
    double quantile = qt(p, df, 1, 0);
    stdout = kept;
    return quantile;
}

double stat_beta_quantile(double p, double a, double b)
{
    FILE *kept = set_aside_stdout();
    double quantile = qbeta(p, a, b, 1, 0);
    stdout = kept;
    return quantile;
}
