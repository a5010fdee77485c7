/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_stratified.h"

#include <math.h>
#include <stdbool.h>

#include "reports/stat_distribution.h"

static const char no_discordance_1[] =
    "no stratum has an event in the first group and somebody without it in the second";
static const char no_discordance_2[] =
    "no stratum has an event in the second group and somebody without it in the first";

/* Sums over the strata; the names of the papers in the comments. */
struct sums {
    double events, free;                 /* of both groups */
    double weight;                       /* n1 n2 / N */
    double up, down;                     /* x1 n2 / N, x2 n1 / N */
    double sato_p, sato_q;
    double greenland;                    /* (n1 n2 events - x1 x2 N) / N^2 */
    double odds_up, odds_down;           /* x1 free2 / N (R), x2 free1 / N (S) */
    double robins_pr, robins_mixed, robins_qs;
    double excess, variance;             /* x1 - E x1, and its hypergeometric variance */
};

static void add_stratum(struct sums *sums, const struct proportion_pair *pair)
{
    double x1 = (double)pair->x1, n1 = (double)pair->n1, x2 = (double)pair->x2, n2 = (double)pair->n2;
    double n = n1 + n2, events = x1 + x2, free1 = n1 - x1, free2 = n2 - x2;
    sums->events += events;
    sums->free += n - events;
    sums->weight += n1 * n2 / n;
    sums->up += x1 * n2 / n;
    sums->down += x2 * n1 / n;
    sums->sato_p += (n1 / n) * (n1 / n) * x2 - (n2 / n) * (n2 / n) * x1 + (n1 / n) * (n2 / n) * (n2 - n1) / 2;
    sums->sato_q += (x1 * free2 + x2 * free1) / (2 * n);
    sums->greenland += (n1 / n) * (n2 / n) * events - x1 * x2 / n;
    double r = x1 * free2 / n, s = x2 * free1 / n;
    double p = (x1 + free2) / n, q = (x2 + free1) / n;
    sums->odds_up += r;
    sums->odds_down += s;
    sums->robins_pr += p * r;
    sums->robins_mixed += p * s + q * r;
    sums->robins_qs += q * s;
    sums->excess += (x1 * n2 - x2 * n1) / n;
    sums->variance += (n1 / n) * (n2 / n) * (events / (n - 1)) * (n - events);
}

static const char *variation_reason(const struct sums *sums)
{
    if (sums->events == 0)
        return "no event in either group";
    if (sums->free == 0)
        return "everybody in both groups has the event";
    return sums->variance == 0 ? "in each stratum nobody or everybody has the event" : NULL;
}

static struct estimate common_difference(const struct sums *sums, double level)
{
    struct estimate result = stat_not_estimable(variation_reason(sums));
    result.value = (sums->up - sums->down) / sums->weight;
    if (result.reason != NULL)
        return result;
    double z = stat_normal_quantile((1 + level) / 2);
    double half = z * sqrt(fmax(0, result.value * sums->sato_p + sums->sato_q)) / sums->weight;
    result.lo = result.value - half;
    result.hi = result.value + half;
    return result;
}

static struct estimate common_ratio(const struct sums *sums, double level)
{
    if (sums->up == 0 || sums->down == 0)
        return stat_not_estimable(sums->events == 0 ? "no event in either group"
                             : sums->up == 0   ? "no event in the first group"
                                               : "no event in the second group");
    if (variation_reason(sums) != NULL) {
        struct estimate result = stat_not_estimable(variation_reason(sums));
        result.value = 1;
        return result;
    }
    return stat_estimate_ratio(sums->up / sums->down, sums->greenland / (sums->up * sums->down), level);
}

static struct estimate common_odds(const struct sums *sums, double level)
{
    double r = sums->odds_up, s = sums->odds_down;
    if (variation_reason(sums) != NULL)
        return stat_not_estimable(variation_reason(sums));
    if (r == 0 || s == 0)
        return stat_not_estimable(s == 0 ? no_discordance_2 : no_discordance_1);
    double variance = sums->robins_pr / (2 * r * r) + sums->robins_mixed / (2 * r * s)
        + sums->robins_qs / (2 * s * s);
    return stat_estimate_ratio(r / s, variance, level);
}

static struct hypothesis_test common_test(const struct sums *sums)
{
    const double none = (double)NAN;
    if (variation_reason(sums) != NULL)
        return (struct hypothesis_test){none, 1, none, variation_reason(sums)};
    double statistic = sums->excess * sums->excess / sums->variance;
    return (struct hypothesis_test){statistic, 1, stat_chi_square_upper(statistic, 1), NULL};
}

struct stratified stat_stratified(const struct proportion_pair *strata, size_t count, double level)
{
    struct stratified result = {0};
    struct sums sums = {0};
    for (size_t i = 0; i < count; i++) {
        bool both = strata[i].n1 > 0 && strata[i].n2 > 0;
        if (both)
            add_stratum(&sums, &strata[i]);
        result.used += both;
        result.dropped += !both && strata[i].n1 + strata[i].n2 > 0;
    }
    if (result.used == 0) {
        const double none = (double)NAN;
        const char *reason = "no stratum has subjects in both groups";
        result.difference = result.ratio = result.odds = stat_not_estimable(reason);
        result.test = (struct hypothesis_test){none, 1, none, reason};
        return result;
    }
    result.difference = common_difference(&sums, level);
    result.ratio = common_ratio(&sums, level);
    result.odds = common_odds(&sums, level);
    result.test = common_test(&sums);
    return result;
}
