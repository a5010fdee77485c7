/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_proportion.h"

#include <math.h>

#include "reports/stat_distribution.h"

static void add_wilson(struct proportion *result, double level)
{
    double n = (double)result->n;
    double p = result->p;
    double z = stat_normal_quantile((1 + level) / 2);
    double divisor = 1 + z * z / n;
    double centre = (p + z * z / (2 * n)) / divisor;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / divisor;
    /* At the ends the limit is exactly 0 or 1; subtraction alone would leave a rounding error. */
    result->wilson_lo = result->x == 0 ? 0 : centre - half;
    result->wilson_hi = result->x == result->n ? 1 : centre + half;
}

static void add_clopper_pearson(struct proportion *result, double level)
{
    double x = (double)result->x;
    double n = (double)result->n;
    double tail = (1 - level) / 2;
    result->cp_lo = result->x == 0 ? 0 : stat_beta_quantile(tail, x, n - x + 1);
    result->cp_hi = result->x == result->n ? 1 : stat_beta_quantile(1 - tail, x + 1, n - x);
}

struct proportion stat_proportion(size_t x, size_t n, double level)
{
    const double none = (double)NAN;
    struct proportion result = {x, n, none, none, none, none, none};
    if (n == 0)
        return result;
    result.p = (double)x / (double)n;
    add_wilson(&result, level);
    add_clopper_pearson(&result, level);
    return result;
}
