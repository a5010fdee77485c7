/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_effect_size.h"

#include <math.h>

#include "reports/stat_distribution.h"

static const char *spread_reason(const struct description *a, const struct description *b)
{
    if (a->n < 2)
        return b->n < 2 ? "fewer than 2 subjects in both groups" : "fewer than 2 subjects in the first group";
    if (b->n < 2)
        return "fewer than 2 subjects in the second group";
    return a->sd == 0 && b->sd == 0 ? "no spread within the groups" : NULL;
}

static double pooled_sd(const struct description *a, const struct description *b)
{
    double df_a = (double)a->n - 1, df_b = (double)b->n - 1;
    return sqrt((df_a * a->sd * a->sd + df_b * b->sd * b->sd) / (df_a + df_b));
}

/* gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)) */
static double unbiasing_factor(double df)
{
    /* Logarithms of large gammas lose digits; Stirling's series of both together does not. */
    if (df > 1000)
        return 1 - 3 / (4 * df) - 7 / (32 * df * df) - 9 / (128 * df * df * df);
    return exp(stat_log_gamma(df / 2) - stat_log_gamma((df - 1) / 2)) / sqrt(df / 2);
}

struct effect_size stat_hedges_g(const struct description *a, const struct description *b, double level)
{
    const double none = (double)NAN;
    struct effect_size result = {none, none, none, stat_not_estimable(spread_reason(a, b))};
    if (result.g.reason != NULL)
        return result;
    double n_a = (double)a->n, n_b = (double)b->n, n = n_a + n_b;
    result.sd_pooled = pooled_sd(a, b);
    result.d = (a->mean - b->mean) / result.sd_pooled;
    result.j = unbiasing_factor(n - 2);
    double g = result.d * result.j;
    double half = stat_normal_quantile((1 + level) / 2) * sqrt(n / n_a / n_b + g * g / (2 * n));
    result.g = (struct estimate){g, g - half, g + half, none, NULL};
    return result;
}

struct estimate stat_response_mean(const struct description *change, double level)
{
    if (change->n < 2)
        return stat_not_estimable(change->n == 0 ? "no subject" : "one subject only");
    if (change->sd == 0)
        return stat_not_estimable("no spread of the changes");
    double n = (double)change->n, d = change->mean / change->sd;
    double half = stat_normal_quantile((1 + level) / 2) * sqrt(1 / n + d * d / (2 * n));
    return (struct estimate){d, d - half, d + half, stat_t_two_sided(d * sqrt(n), n - 1), NULL};
}

struct mean_difference stat_mean_difference(const struct description *a, const struct description *b,
                                            bool pooled, double level)
{
    const double none = (double)NAN;
    struct mean_difference result = {stat_not_estimable(spread_reason(a, b)), none, none};
    result.difference.value = a->mean - b->mean;
    if (result.difference.reason != NULL)
        return result;
    double n_a = (double)a->n, n_b = (double)b->n;
    double share_a = a->sd * a->sd / n_a, share_b = b->sd * b->sd / n_b;
    double se = sqrt(share_a + share_b);
    if (pooled) {
        result.df = n_a + n_b - 2;
        se = pooled_sd(a, b) * sqrt(1 / n_a + 1 / n_b);
    } else {
        double sum = share_a + share_b;
        result.df = sum * sum / (share_a * share_a / (n_a - 1) + share_b * share_b / (n_b - 1));
    }
    result.t = result.difference.value / se;
    double half = stat_t_quantile((1 + level) / 2, result.df) * se;
    result.difference.lo = result.difference.value - half;
    result.difference.hi = result.difference.value + half;
    result.difference.p = stat_t_two_sided(result.t, result.df);
    return result;
}
