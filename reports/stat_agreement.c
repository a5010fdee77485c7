/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_agreement.h"

#include <math.h>
#include <stdbool.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"

/* Mean squares that are smaller parts of another one are its rounding. */
#define ROUNDING 1e-24

/* Mean squares of the two-way analysis of variance without replication. */
struct mean_squares {
    double images, readings, error;
};

static struct mean_squares find_mean_squares(const double *values, size_t n, size_t k)
{
    double *columns = memory_new_array(NULL, double, k);
    double *rows = memory_new_array(columns, double, n);
    double grand = 0, between = 0, across = 0, rest = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < k; j++) {
            rows[i] += values[i * k + j] / (double)k;
            columns[j] += values[i * k + j] / (double)n;
        }
        grand += rows[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        between += (rows[i] - grand) * (rows[i] - grand);
    for (size_t j = 0; j < k; j++)
        across += (columns[j] - grand) * (columns[j] - grand);
    for (size_t i = 0; i < n * k; i++) {
        double residual = values[i] - rows[i / k] - columns[i % k] + grand;
        rest += residual * residual;
    }
    talloc_free(columns);
    return (struct mean_squares){(double)k * between / (double)(n - 1), (double)n * across / (double)(k - 1),
                                 rest / (double)((n - 1) * (k - 1))};
}

static void find_limits(struct agreement *agreement, const struct mean_squares *ms, double n, double k, double level)
{
    double icc = agreement->icc, tail = (1 - level) / 2;
    double a = k * icc / (n * (1 - icc)), b = 1 + k * icc * (n - 1) / (n * (1 - icc));
    double c = a * ms->readings, e = b * ms->error;
    double df = (c + e) * (c + e) / (c * c / (k - 1) + e * e / ((n - 1) * (k - 1)));
    double lower = stat_f_quantile(1 - tail, n - 1, df), upper = stat_f_quantile(1 - tail, df, n - 1);
    double rest = k * ms->readings + (k * n - k - n) * ms->error;
    agreement->lo = n * (ms->images - lower * ms->error) / (lower * rest + n * ms->images);
    agreement->hi = n * (upper * ms->images - ms->error) / (rest + n * upper * ms->images);
}

struct agreement stat_agreement(const double *values, size_t images, size_t readings, double level)
{
    struct agreement agreement = {(double)NAN, (double)NAN, (double)NAN, (double)NAN, NULL, NULL};
    double n = (double)images, k = (double)readings;
    if (images < 2 || readings < 2) {
        agreement.reason = images < 2 ? "fewer than two images with all these readings" : "fewer than two readings";
        agreement.limits_reason = agreement.reason;
        return agreement;
    }
    struct mean_squares ms = find_mean_squares(values, images, readings);
    double total = ms.images + (k - 1) * ms.error + k * (ms.readings - ms.error) / n;
    agreement.sem = sqrt((ms.readings - ms.error) / n + ms.error);
    if (!(total > 0) || !(ms.images > 0)) {
        agreement.reason = agreement.limits_reason = "the images do not differ";
        return agreement;
    }
    bool alike = ms.error + ms.readings <= ROUNDING * ms.images;
    agreement.icc = alike ? 1 : (ms.images - ms.error) / total;
    if (!alike)
        find_limits(&agreement, &ms, n, k, level);
    if (!isfinite(agreement.lo) || !isfinite(agreement.hi)) {
        agreement.lo = agreement.hi = (double)NAN;
        agreement.limits_reason = "the readings are all alike";
    }
    return agreement;
}
