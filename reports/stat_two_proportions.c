/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_two_proportions.h"

#include <float.h>
#include <math.h>

#include "reports/stat_distribution.h"
#include "reports/stat_proportion.h"
#include "reports/stat_root.h"

enum { NEWTON_MOST = 100 };

static const char no_event[] = "no event in either group";
static const char no_event_1[] = "no event in the first group";
static const char no_event_2[] = "no event in the second group";
static const char all_events[] = "everybody in both groups has the event";

const char *stat_pair_reason(const struct proportion_pair *pair)
{
    if (pair->n1 == 0 && pair->n2 == 0)
        return "nobody in either group";
    if (pair->n1 == 0)
        return "nobody in the first group";
    return pair->n2 == 0 ? "nobody in the second group" : NULL;
}

static double difference_of(const struct proportion_pair *pair)
{
    /* From the products, so that the sign turns with the groups to the last bit. */
    double product_1 = (double)pair->x1 * (double)pair->n2;
    double product_2 = (double)pair->x2 * (double)pair->n1;
    return (product_1 - product_2) / ((double)pair->n1 * (double)pair->n2);
}

struct estimate stat_risk_difference_newcombe(const struct proportion_pair *pair, double level)
{
    struct estimate result = stat_not_estimable(stat_pair_reason(pair));
    if (result.reason != NULL)
        return result;
    struct proportion a = stat_proportion(pair->x1, pair->n1, level);
    struct proportion b = stat_proportion(pair->x2, pair->n2, level);
    result.value = difference_of(pair);
    result.lo = result.value - hypot(a.p - a.wilson_lo, b.wilson_hi - b.p);
    result.hi = result.value + hypot(a.wilson_hi - a.p, b.p - b.wilson_lo);
    return result;
}

struct estimate stat_risk_difference_wald(const struct proportion_pair *pair, double level)
{
    struct estimate result = stat_not_estimable(stat_pair_reason(pair));
    if (result.reason != NULL)
        return result;
    double n1 = (double)pair->n1, n2 = (double)pair->n2;
    double p1 = (double)pair->x1 / n1, p2 = (double)pair->x2 / n2;
    double half = stat_normal_quantile((1 + level) / 2) * sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2);
    result.value = difference_of(pair);
    result.lo = result.value - half;
    result.hi = result.value + half;
    return result;
}

/*
 * Score of the log likelihood in p2 under p1 = p2 + d, which falls as p2 grows, and its derivative.  A term
 * whose count is 0 has no pole.
 */
static double score_under(const struct proportion_pair *pair, double p1, double p2, double *slope)
{
    const double counts[] = {(double)pair->x1, (double)(pair->n1 - pair->x1), (double)pair->x2,
                             (double)(pair->n2 - pair->x2)};
    const double at[] = {fmax(0, p1), fmax(0, 1 - p1), p2, 1 - p2};
    double score = 0;
    *slope = 0;
    for (int i = 0; i < 4; i++) {
        if (counts[i] == 0)
            continue;
        score += (i % 2 == 0 ? counts[i] : -counts[i]) / at[i];
        *slope -= counts[i] / (at[i] * at[i]);
    }
    return score;
}

/*
 * Root of the likelihood's cubic in closed form (equation 28); loses digits where roots lie close together.
 */
static double closed_form(const struct proportion_pair *pair, double d)
{
    double n1 = (double)pair->n1, n2 = (double)pair->n2, x2 = (double)pair->x2;
    double n = n1 + n2;
    double c = (double)pair->x1 + x2;
    double l2 = ((n1 + 2 * n2) * d - n - c) / (3 * n);
    double l1 = ((n2 * d - n - 2 * x2) * d + c) / n;
    double l0 = x2 * d * (1 - d) / n;
    double q = l2 * l2 * l2 - l1 * l2 / 2 + l0 / 2;
    double p = copysign(sqrt(fmax(0, l2 * l2 - l1 / 3)), q);
    if (p == 0)
        return -l2;
    double angle = (acos(-1) + acos(fmax(-1, fmin(1, q / (p * p * p))))) / 3;
    return 2 * p * cos(angle) - l2;
}

/*
 * The most likely p2 when p1 = p2 + d: Newton from the closed form, held between the bounds that the sign of
 * the score moves.
 */
static double most_likely(const struct proportion_pair *pair, double d)
{
    double slope = 0;
    double lo = fmax(0, -d), hi = fmin(1, 1 - d);
    if (hi <= lo || score_under(pair, lo + d, lo, &slope) <= 0)
        return lo;
    if (score_under(pair, hi + d, hi, &slope) >= 0)
        return hi;
    double p2 = closed_form(pair, d);
    for (int i = 0; i < NEWTON_MOST; i++) {
        if (p2 <= lo || p2 >= hi)
            p2 = lo + (hi - lo) / 2;
        if (p2 <= lo || p2 >= hi)
            break;
        double score = score_under(pair, p2 + d, p2, &slope);
        if (score > 0)
            lo = p2;
        else
            hi = p2;
        double next = p2 - score / slope;
        double step = fabs(next - p2);
        p2 = next;
        if (step <= 8 * DBL_EPSILON * fmin(p2, 1 - p2))
            break;
    }
    return p2;
}

/* Variance of the difference at the most likely proportions that differ by d, times N / (N - 1). */
static double variance_under(const struct proportion_pair *pair, double d)
{
    double p2 = most_likely(pair, d);
    double p1 = fmin(1, fmax(0, p2 + d));
    double n1 = (double)pair->n1, n2 = (double)pair->n2;
    return (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * (n1 + n2) / (n1 + n2 - 1);
}

struct score_limit {
    struct proportion_pair pair;
    double difference;
    double z;
};

/* > 0 for a d that the test rejects.  At the estimate itself it never does, also where the variance is 0. */
static double rejects(double d, const void *context)
{
    const struct score_limit *limit = context;
    double distance = limit->difference - d;
    double reach = limit->z * sqrt(variance_under(&limit->pair, d));
    return distance == 0 ? -fmax(reach, DBL_MIN) : distance - reach;
}

/*
 * Where most have the event, those free of it are counted, for a proportion close to 0 keeps its digits and
 * one
 * close to 1 does not: the difference is then the second group's minus the first's.
 */
static double lower_score_limit(struct proportion_pair pair, double z)
{
    if (pair.x1 + pair.x2 > (pair.n1 + pair.n2) / 2)
        pair = (struct proportion_pair){pair.n2 - pair.x2, pair.n2, pair.n1 - pair.x1, pair.n1};
    const struct score_limit limit = {pair, difference_of(&pair), z};
    return limit.difference <= -1 ? -1 : stat_root(rejects, &limit, -1, limit.difference, 0);
}

struct estimate stat_risk_difference_score(const struct proportion_pair *pair, double level)
{
    struct estimate result = stat_not_estimable(stat_pair_reason(pair));
    if (result.reason != NULL)
        return result;
    double z = stat_normal_quantile((1 + level) / 2);
    result.value = difference_of(pair);
    result.lo = lower_score_limit(*pair, z);
    result.hi = -lower_score_limit((struct proportion_pair){pair->x2, pair->n2, pair->x1, pair->n1}, z);
    double n = (double)(pair->n1 + pair->n2);
    struct hypothesis_test pearson = stat_pair_chi_square(pair, false);
    result.reason = pearson.reason;
    if (result.reason == NULL)
        result.p = stat_normal_two_sided(sqrt(pearson.statistic * (n - 1) / n));
    return result;
}

static const char *missing_events(const struct proportion_pair *pair)
{
    if (pair->x1 == 0 && pair->x2 == 0)
        return no_event;
    if (pair->x1 == 0)
        return no_event_1;
    return pair->x2 == 0 ? no_event_2 : NULL;
}

struct estimate stat_risk_ratio(const struct proportion_pair *pair, double level)
{
    struct estimate result = stat_not_estimable(stat_pair_reason(pair));
    if (result.reason == NULL)
        result.reason = missing_events(pair);
    if (result.reason != NULL)
        return result;
    double x1 = (double)pair->x1, n1 = (double)pair->n1, x2 = (double)pair->x2, n2 = (double)pair->n2;
    if (pair->x1 == pair->n1 && pair->x2 == pair->n2) {
        result.value = 1;
        result.reason = all_events;
        return result;
    }
    double variance = (n1 - x1) / (x1 * n1) + (n2 - x2) / (x2 * n2);
    return stat_estimate_ratio(x1 * n2 / (x2 * n1), variance, level);
}

struct estimate stat_odds_ratio(const struct proportion_pair *pair, double level)
{
    struct estimate result = stat_not_estimable(stat_pair_reason(pair));
    if (result.reason == NULL)
        result.reason = missing_events(pair);
    if (result.reason == NULL && pair->x1 == pair->n1)
        result.reason = pair->x2 == pair->n2 ? all_events : "everybody in the first group has the event";
    if (result.reason == NULL && pair->x2 == pair->n2)
        result.reason = "everybody in the second group has the event";
    if (result.reason != NULL)
        return result;
    double x1 = (double)pair->x1, x2 = (double)pair->x2;
    double free1 = (double)(pair->n1 - pair->x1), free2 = (double)(pair->n2 - pair->x2);
    return stat_estimate_ratio(x1 * free2 / (x2 * free1), 1 / x1 + 1 / free1 + 1 / x2 + 1 / free2, level);
}

struct hypothesis_test stat_pair_chi_square(const struct proportion_pair *pair, bool corrected)
{
    struct hypothesis_test result = {(double)NAN, 1, (double)NAN, stat_pair_reason(pair)};
    if (result.reason == NULL && pair->x1 + pair->x2 == 0)
        result.reason = no_event;
    if (result.reason == NULL && pair->x1 == pair->n1 && pair->x2 == pair->n2)
        result.reason = all_events;
    if (result.reason != NULL)
        return result;
    double n1 = (double)pair->n1, n2 = (double)pair->n2, n = n1 + n2;
    double events = (double)(pair->x1 + pair->x2);
    double cross = fabs((double)pair->x1 * n2 - (double)pair->x2 * n1);
    if (corrected)
        cross = fmax(0, cross - n / 2);
    result.statistic = (cross / n1) * (cross / n2) * (n / (events * (n - events)));
    result.p = stat_chi_square_upper(result.statistic, 1);
    return result;
}

struct number_needed stat_number_needed(const struct estimate *difference)
{
    const double none = (double)NAN;
    struct number_needed result = {none, none, none, false, NULL};
    if (isnan(difference->value)) {
        result.reason = difference->reason;
        return result;
    }
    if (difference->value != 0)
        result.value = 1 / difference->value;
    else
        result.reason = "the groups do not differ";
    result.through_infinity = difference->lo <= 0 && difference->hi >= 0;
    if (difference->hi != 0)
        result.lo = 1 / difference->hi;
    if (difference->lo != 0)
        result.hi = 1 / difference->lo;
    if (result.reason == NULL && (difference->lo == 0 || difference->hi == 0))
        result.reason = "a limit of the difference is 0: that of the number needed is infinite";
    return result;
}
