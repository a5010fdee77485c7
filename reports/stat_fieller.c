/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_fieller.h"

#include <math.h>

#include "reports/stat_distribution.h"

/* Means of pairs, and the variances and covariance of those means. */
struct moments {
    double mean[2];
    double variance[2];
    double covariance;
};

static struct moments moments_of(const double *x, const double *y, size_t count)
{
    struct moments m = {{0, 0}, {0, 0}, 0};
    double n = (double)count;
    for (size_t i = 0; i < count; i++) {
        m.mean[0] += x[i] / n;
        m.mean[1] += y[i] / n;
    }
    double rest[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        rest[0] += x[i] - m.mean[0];
        rest[1] += y[i] - m.mean[1];
    }
    m.mean[0] += rest[0] / n;
    m.mean[1] += rest[1] / n;
    for (size_t i = 0; i < count; i++) {
        double dx = x[i] - m.mean[0], dy = y[i] - m.mean[1];
        m.variance[0] += dx * dx / (n - 1) / n;
        m.variance[1] += dy * dy / (n - 1) / n;
        m.covariance += dx * dy / (n - 1) / n;
    }
    return m;
}

struct estimate stat_ratio_of_means(const double *numerator, const double *denominator, size_t count,
                                    double level)
{
    if (count < 2)
        return stat_not_estimable(count == 0 ? "no subject" : "one subject only");
    struct moments m = moments_of(numerator, denominator, count);
    if (m.mean[1] == 0)
        return stat_not_estimable("the mean of the denominator is 0");
    struct estimate result = stat_not_estimable(NULL);
    result.value = m.mean[0] / m.mean[1];
    if (m.variance[0] > 0)
        result.p = stat_t_two_sided(m.mean[0] / sqrt(m.variance[0]), (double)count - 1);
    else
        result.reason = "the numerator is the same in all subjects";
    double t = stat_t_quantile((1 + level) / 2, (double)count - 1);
    double a = m.mean[1] * m.mean[1] - t * t * m.variance[1];
    if (!(a > 0)) {
        result.reason = "the denominator does not differ from 0, so that the ratio has no bounds";
        return result;
    }
    double b = m.mean[0] * m.mean[1] - t * t * m.covariance;
    double c = m.mean[0] * m.mean[0] - t * t * m.variance[0];
    double root = sqrt(fmax(0, b * b - a * c));
    result.lo = (b - root) / a;
    result.hi = (b + root) / a;
    return result;
}
