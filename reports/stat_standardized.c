/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_standardized.h"

#include <math.h>
#include <stdbool.h>

#define MOST STAT_CATEGORIES_MOST
#define SINGULAR 1e-12   /* of a pivot; the variances are at most 1/4 */

double stat_standardized_numeric(double mean_a, double sd_a, double mean_b, double sd_b)
{
    double spread = sqrt((sd_a * sd_a + sd_b * sd_b) / 2);
    if (isnan(spread))
        return (double)NAN;
    double difference = mean_a - mean_b;
    if (spread > 0)
        return difference / spread;
    return difference == 0 ? 0 : (double)NAN;
}

/* Proportions of the categories that occur at all; false when a cohort has nobody. */
static bool proportions(const size_t *counts[2], size_t count, double p[2][MOST], size_t *kept)
{
    double total[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        total[0] += (double)counts[0][i];
        total[1] += (double)counts[1][i];
    }
    *kept = 0;
    if (total[0] == 0 || total[1] == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (counts[0][i] + counts[1][i] == 0)
            continue;
        p[0][*kept] = (double)counts[0][i] / total[0];
        p[1][*kept] = (double)counts[1][i] / total[1];
        (*kept)++;
    }
    return true;
}

/* d' S^-1 d by the Cholesky factor of S, which replaces its lower triangle; NAN when S is singular. */
static double quadratic_form(double s[MOST][MOST], const double *d, size_t size)
{
    double y[MOST] = {0};
    double form = 0;
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = s[i][j];
            for (size_t k = 0; k < j; k++)
                sum -= s[i][k] * s[j][k];
            if (i == j && sum < SINGULAR)
                return (double)NAN;
            s[i][j] = i == j ? sqrt(sum) : sum / s[j][j];
        }
        double rest = d[i];
        for (size_t k = 0; k < i; k++)
            rest -= s[i][k] * y[k];
        y[i] = rest / s[i][i];
        form += y[i] * y[i];
    }
    return form;
}

double stat_standardized_categorical(const size_t *counts_a, const size_t *counts_b, size_t count)
{
    double p[2][MOST];
    double s[MOST][MOST];
    double d[MOST];
    size_t kept = 0;
    if (count > MOST || !proportions((const size_t *[2]){counts_a, counts_b}, count, p, &kept))
        return (double)NAN;
    bool equal = true;
    for (size_t i = 0; i + 1 < kept; i++) {
        d[i] = p[0][i] - p[1][i];
        equal = equal && d[i] == 0;
        for (size_t j = 0; j <= i; j++) {
            double products = (p[0][i] * p[0][j] + p[1][i] * p[1][j]) / 2;
            s[i][j] = (i == j ? (p[0][i] + p[1][i]) / 2 : 0) - products;
        }
    }
    return equal ? 0 : sqrt(quadratic_form(s, d, kept - 1));
}
