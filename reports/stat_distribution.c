/* SPDX-License-Identifier: GPL-3.0-or-later */
#define MATHLIB_STANDALONE 1
#include "reports/stat_distribution.h"

#include <Rmath.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

/*
 * glibc's stdout is a variable that may be set ("Standard Streams" in its manual), and printf writes to
 * whatever it holds: while r-mathlib computes, that is stderr.  The variable is the process's: one thread at
 * a time.
 */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static FILE *set_aside_stdout(void)
{
    pthread_mutex_lock(&mutex);
    FILE *kept = stdout;
    stdout = stderr;
    return kept;
}

/* Hands the number on that was computed meanwhile. */
static double put_back_stdout(FILE *kept, double number)
{
    stdout = kept;
    pthread_mutex_unlock(&mutex);
    return number;
}

double stat_normal_quantile(double p)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, qnorm(p, 0.0, 1.0, 1, 0));
}

double stat_normal_upper(double z)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pnorm(z, 0.0, 1.0, 0, 0));
}

double stat_normal_two_sided(double z)
{
    return 2 * stat_normal_upper(fabs(z));
}

double stat_t_quantile(double p, double df)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, qt(p, df, 1, 0));
}

double stat_t_upper(double t, double df)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pt(t, df, 0, 0));
}

double stat_t_two_sided(double t, double df)
{
    return 2 * stat_t_upper(fabs(t), df);
}

double stat_f_quantile(double p, double df1, double df2)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, qf(p, df1, df2, 1, 0));
}

double stat_f_upper(double f, double df1, double df2)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pf(f, df1, df2, 0, 0));
}

double stat_chi_square_upper(double x, double df)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pchisq(x, df, 0, 0));
}

double stat_gamma_quantile(double p, double shape)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, qgamma(p, shape, 1.0, 1, 0));
}

double stat_beta_quantile(double p, double a, double b)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, qbeta(p, a, b, 1, 0));
}

double stat_binomial_density(double x, double n, double p)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, dbinom(x, n, p, 0));
}

double stat_binomial_lower(double x, double n, double p)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pbinom(x, n, p, 1, 0));
}

double stat_binomial_upper(double x, double n, double p)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, pbinom(x, n, p, 0, 0));
}

double stat_log_gamma(double x)
{
    FILE *kept = set_aside_stdout();
    return put_back_stdout(kept, lgammafn(x));
}
