/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_rate.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "reports/stat_distribution.h"
#include "reports/stat_proportion.h"
#include "reports/stat_root.h"

#define TIES (1 + 1e-7)

static const char no_event[] = "no event in either group";

struct estimate stat_rate(const struct rate *rate, double per, double level)
{
    if (!(rate->time > 0))
        return stat_not_estimable("no time under observation");
    double x = (double)rate->events, tail = (1 - level) / 2;
    double scale = per / rate->time;
    double lo = rate->events == 0 ? 0 : stat_gamma_quantile(tail, x) * scale;
    return (struct estimate){x * scale, lo, stat_gamma_quantile(1 - tail, x + 1) * scale, (double)NAN, NULL};
}

static const char *time_reason(const struct rate *first, const struct rate *second)
{
    bool none1 = !(first->time > 0), none2 = !(second->time > 0);
    if (none1 && none2)
        return "no time under observation in either group";
    if (none1)
        return "no time under observation in the first group";
    return none2 ? "no time under observation in the second group" : NULL;
}

/* The least y in lo .. hi, densities falling, that is no more likely than `bound`; hi + 1 when none is. */
static double first_rare(double lo, double hi, double n, double p, double bound)
{
    hi += 1;
    while (lo < hi) {
        double middle = floor(lo + (hi - lo) / 2);
        if (stat_binomial_density(middle, n, p) <= bound)
            hi = middle;
        else
            lo = middle + 1;
    }
    return lo;
}

/* Two-sided p of x of n: the tail that x is in, and what is no more likely in the other one. */
static double binomial_two_sided(double x, double n, double p)
{
    double mean = n * p;
    if (x == mean)
        return 1;
    if (x > mean) {
        x = n - x;
        p = 1 - p;
        mean = n - mean;
    }
    double bound = stat_binomial_density(x, n, p) * TIES;
    double other = first_rare(ceil(mean), n, n, p, bound);
    return fmin(1, stat_binomial_lower(x, n, p) + stat_binomial_upper(other - 1, n, p));
}

struct estimate stat_rate_ratio(const struct rate *first, const struct rate *second, double level)
{
    struct estimate result = stat_not_estimable(time_reason(first, second));
    size_t all = first->events + second->events;
    if (result.reason == NULL && all == 0)
        result.reason = no_event;
    if (result.reason != NULL)
        return result;
    double times = second->time / first->time;
    struct proportion share = stat_proportion(first->events, all, level);
    result.lo = share.cp_lo / (1 - share.cp_lo) * times;
    double expected_share = first->time / (first->time + second->time);
    result.p = binomial_two_sided((double)first->events, (double)all, expected_share);
    if (second->events == 0) {
        result.reason = "no event in the second group";
        return result;
    }
    result.value = (double)first->events / (double)second->events * times;
    result.hi = share.cp_hi / (1 - share.cp_hi) * times;
    return result;
}

struct score_limit {
    struct rate first, second;
    double difference;
    double z;
};

/* Variance of the difference at the most likely rates that differ by d: the larger root of a quadratic. */
static double variance_under(const struct score_limit *limit, double d)
{
    double time1 = limit->first.time, time2 = limit->second.time, time = time1 + time2;
    double x1 = (double)limit->first.events, x2 = (double)limit->second.events;
    double b = time * d - x1 - x2;
    double root = sqrt(b * b + 4 * time * x2 * d);
    double rate2 = b <= 0 ? (root - b) / (2 * time) : 2 * x2 * d / (root + b);
    rate2 = fmax(rate2, fmax(0, -d));
    return (rate2 + d) / time1 + rate2 / time2;
}

/* > 0 for a d that the test rejects.  At the estimate itself it never does, also where the variance is 0. */
static double rejects(double d, const void *context)
{
    const struct score_limit *limit = context;
    double distance = limit->difference - d;
    double reach = limit->z * sqrt(fmax(0, variance_under(limit, d)));
    return distance == 0 ? -fmax(reach, DBL_MIN) : distance - reach;
}

static double lower_limit(const struct rate *first, const struct rate *second, double z)
{
    struct score_limit limit = {*first, *second, 0, z};
    limit.difference = (double)first->events / first->time - (double)second->events / second->time;
    double width = z * z / fmin(first->time, second->time) + fabs(limit.difference);
    while (rejects(limit.difference - width, &limit) <= 0 && isfinite(width))
        width *= 2;
    return stat_root(rejects, &limit, limit.difference - width, limit.difference, 0);
}

struct estimate stat_rate_difference(const struct rate *first, const struct rate *second, double per,
                                     double level)
{
    struct estimate result = stat_not_estimable(time_reason(first, second));
    if (result.reason != NULL)
        return result;
    double z = stat_normal_quantile((1 + level) / 2);
    double difference = (double)first->events / first->time - (double)second->events / second->time;
    result.value = difference * per;
    result.lo = lower_limit(first, second, z) * per;
    result.hi = -lower_limit(second, first, z) * per;
    if (first->events + second->events == 0) {
        result.reason = no_event;
        return result;
    }
    struct score_limit null = {*first, *second, difference, z};
    result.p = stat_normal_two_sided(difference / sqrt(variance_under(&null, 0)));
    return result;
}
