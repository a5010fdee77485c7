/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_descriptive.h"

#include <math.h>
#include <stdbool.h>

#include "reports/stat_distribution.h"
#include "reports/stat_sort.h"

/* The second pass takes back what the first one lost by rounding. */
static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    double mean = sum / (double)count;
    double rest = 0;
    for (size_t i = 0; i < count; i++)
        rest += values[i] - mean;
    return mean + rest / (double)count;
}

static double sd_of(const double *values, size_t count, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (double)(count - 1));
}

double stat_quantile(const double *sorted, size_t count, unsigned numerator, unsigned denominator)
{
    size_t j = count * numerator / denominator;
    bool whole = count * numerator % denominator == 0;
    return whole ? (sorted[j - 1] + sorted[j]) / 2 : sorted[j];
}

struct description stat_describe(double *values, size_t count, double level)
{
    const double none = (double)NAN;
    struct description d = {count, none, none, none, none, none, none, none, none, none, none};
    if (count == 0)
        return d;
    stat_sort(values, count);
    d.mean = mean_of(values, count);
    d.q1 = stat_quantile(values, count, 1, 4);
    d.median = stat_quantile(values, count, 1, 2);
    d.q3 = stat_quantile(values, count, 3, 4);
    d.min = values[0];
    d.max = values[count - 1];
    if (count == 1)
        return d;
    d.sd = sd_of(values, count, d.mean);
    d.se = d.sd / sqrt((double)count);
    double half = stat_t_quantile((1 + level) / 2, (double)(count - 1)) * d.se;
    d.lo = d.mean - half;
    d.hi = d.mean + half;
    return d;
}
