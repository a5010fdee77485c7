/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_competing.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"

/*
 * With F the incidence until now and F_j until day j, the variance is the sum over days j of
 *     (F - F_j)^2 g_j - 2 (F - F_j) c_j + b_j,
 * g = d / (n (n - d)), c = S d1 / n^2, b = S^2 d1 (n - d1) / n^3; n at risk, d events of any kind, d1 of
 * interest, S just before.  Multiplied out, a few sums serve every day.
 */
struct variance {
    double g, g_first, g_second; /* sums of g, g F_j, g F_j^2 */
    double c, c_first;           /* sums of c, c F_j */
    double b;
};

static void add_to_variance(struct variance *sums, const struct survival_step *step, double survival,
                            double incidence)
{
    double n = (double)step->at_risk, d = (double)(step->events + step->competing), d1 = (double)step->events;
    /* When all at risk have an event F does not change any more: g counts for nothing. */
    double g = d < n ? d / (n * (n - d)) : 0;
    double c = survival * d1 / (n * n);
    sums->g += g;
    sums->g_first += g * incidence;
    sums->g_second += g * incidence * incidence;
    sums->c += c;
    sums->c_first += c * incidence;
    sums->b += survival * survival * d1 * (n - d1) / (n * n * n);
}

static double variance_at(const struct variance *sums, double incidence)
{
    double spread = incidence * incidence * sums->g - 2 * incidence * sums->g_first + sums->g_second;
    double mixed = incidence * sums->c - sums->c_first;
    return fmax(0, spread - 2 * mixed + sums->b);
}

static void fill_step(struct survival_step *step, double incidence, double variance, double z)
{
    step->estimate = incidence;
    if (incidence >= 1)
        return;
    step->se = sqrt(variance);
    if (incidence == 0)
        return;
    double shift = z * step->se / (incidence * log(incidence));
    step->lo = pow(incidence, exp(-shift));
    step->hi = pow(incidence, exp(shift));
}

struct survival_curve *stat_competing_incidence(const void *owner, const struct survival_table *table,
                                                size_t group, double level)
{
    struct survival_curve *curve = stat_survival_count(owner, table, group);
    curve->kind = SURVIVAL_CUMULATIVE_INCIDENCE;
    curve->level = level;
    double z = stat_normal_quantile((1 + level) / 2);
    double survival = 1, incidence = 0;
    struct variance sums = {0};
    for (size_t i = 0; i < curve->step_count; i++) {
        struct survival_step *step = &curve->steps[i];
        double n = (double)step->at_risk;
        incidence += survival * (double)step->events / n;
        add_to_variance(&sums, step, survival, incidence);
        survival *= (n - (double)(step->events + step->competing)) / n;
        /* With no event but the one of interest F is 1 - S, and 1 exactly when nobody is left. */
        if (survival == 0 && curve->competing == 0)
            incidence = 1;
        fill_step(step, incidence, variance_at(&sums, incidence), z);
    }
    curve->complete = curve->n > 0 && survival == 0;
    return curve;
}
