/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_survival_compare.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_survival_test.h"

/* ---- restricted mean ---- */

/* Area under the curve from day 0 to tau; the sum of events' terms needs the area behind each. */
static double area_until(const struct survival_curve *curve, double tau)
{
    double area = 0, survival = 1, day = 0;
    for (size_t i = 0; i < curve->step_count && curve->steps[i].day < tau; i++) {
        area += survival * (curve->steps[i].day - day);
        day = curve->steps[i].day;
        survival = curve->steps[i].estimate;
    }
    return area + survival * (tau - day);
}

static double variance_until(const struct survival_curve *curve, double tau, double area)
{
    double behind = area, survival = 1, day = 0, variance = 0;
    for (size_t i = 0; i < curve->step_count && curve->steps[i].day < tau; i++) {
        const struct survival_step *step = &curve->steps[i];
        behind -= survival * (step->day - day);
        day = step->day;
        survival = step->estimate;
        double n = (double)step->at_risk, stay = (double)(step->at_risk - step->events);
        if (stay > 0)
            variance += behind * behind * (double)step->events / (n * stay);
    }
    return variance;
}

struct survival_rmst stat_survival_rmst(const void *owner, const struct survival_curve *curve, double tau)
{
    const double none = (double)NAN;
    struct survival_rmst rmst = {tau, none, none, none, none, NULL};
    if (curve->n == 0) {
        rmst.reason = "no subjects";
        return rmst;
    }
    if (tau > curve->last_day && !curve->complete) {
        rmst.reason = memory_format(owner, "follow-up ends on day %.10g", curve->last_day);
        return rmst;
    }
    rmst.mean = area_until(curve, tau);
    rmst.se = sqrt(variance_until(curve, tau, rmst.mean));
    if (rmst.se == 0) {
        rmst.reason = rmst.mean == tau ? "no event until then, so there are no limits"
                                       : "all have the event on the same day, so there are no limits";
        return rmst;
    }
    double half = stat_normal_quantile((1 + curve->level) / 2) * rmst.se;
    rmst.lo = rmst.mean - half;
    rmst.hi = rmst.mean + half;
    return rmst;
}

struct survival_difference stat_survival_rmst_difference(const struct survival_rmst *a,
                                                         const struct survival_rmst *b, double level)
{
    const double none = (double)NAN;
    struct survival_difference difference = {none, none, none, none, none, none, NULL};
    if (isnan(a->mean) || isnan(b->mean)) {
        difference.reason = isnan(a->mean) ? a->reason : b->reason;
        return difference;
    }
    difference.estimate = a->mean - b->mean;
    difference.se = sqrt(a->se * a->se + b->se * b->se);
    if (difference.se == 0) {
        difference.reason = "neither mean has a standard error, so there are no limits";
        return difference;
    }
    double half = stat_normal_quantile((1 + level) / 2) * difference.se;
    difference.lo = difference.estimate - half;
    difference.hi = difference.estimate + half;
    difference.z = difference.estimate / difference.se;
    difference.p = stat_normal_two_sided(difference.z);
    return difference;
}

/* ---- log-rank ---- */

struct logrank_sums {
    size_t group_count;
    size_t *at_risk;             /* group_count for each stratum */
    size_t *n, *observed;
    double *expected;
    double *variance;            /* group_count x group_count */
};

static bool takes(const bool *included, const struct survival_cell *cell)
{
    return included == NULL || included[cell->group];
}

static size_t cell_total(const struct survival_cell *cell)
{
    return (size_t)cell->events + cell->competing + cell->censored;
}

static struct logrank_sums *begin_sums(const void *owner, const struct survival_table *table,
                                       const bool *included)
{
    struct logrank_sums *sums = memory_new(owner, struct logrank_sums);
    size_t groups = table->group_count;
    sums->group_count = groups;
    sums->at_risk = memory_new_array(sums, size_t, memory_size_product(groups, table->stratum_count));
    sums->n = memory_new_array(sums, size_t, groups);
    sums->observed = memory_new_array(sums, size_t, groups);
    sums->expected = memory_new_array(sums, double, groups);
    sums->variance = memory_new_array(sums, double, groups * groups);
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct survival_cell *cell = &table->cells[i];
        if (!takes(included, cell))
            continue;
        sums->at_risk[cell->stratum * groups + cell->group] += cell_total(cell);
        sums->n[cell->group] += cell_total(cell);
        sums->observed[cell->group] += cell->events;
    }
    return sums;
}

/* One day of one stratum with `events` events. */
static void add_day(struct logrank_sums *sums, const size_t *at_risk, size_t events)
{
    size_t groups = sums->group_count, n = 0;
    for (size_t g = 0; g < groups; g++)
        n += at_risk[g];
    double d = (double)events;
    double spread = n > 1 ? d * (double)(n - events) / (double)(n - 1) : 0;
    for (size_t g = 0; g < groups; g++) {
        double share = (double)at_risk[g] / (double)n;
        sums->expected[g] += d * share;
        for (size_t h = 0; h < groups; h++) {
            double other = (double)at_risk[h] / (double)n;
            sums->variance[g + h * groups] += spread * share * ((g == h ? 1 : 0) - other);
        }
    }
}

static void add_days(struct logrank_sums *sums, const struct survival_table *table, const bool *included)
{
    for (size_t from = 0, to; from < table->cell_count; from = to) {
        const struct survival_cell *cells = table->cells;
        size_t *at_risk = sums->at_risk + cells[from].stratum * sums->group_count;
        size_t events = 0;
        for (to = from; to < table->cell_count && cells[to].day == cells[from].day
             && cells[to].stratum == cells[from].stratum; to++)
            events += takes(included, &cells[to]) ? cells[to].events : 0;
        if (events > 0)
            add_day(sums, at_risk, events);
        for (size_t i = from; i < to; i++)
            at_risk[cells[i].group] -= takes(included, &cells[i]) ? cell_total(&cells[i]) : 0;
    }
}

static const char *no_test_reason(const struct logrank_sums *sums)
{
    size_t events = 0, groups = 0;
    for (size_t g = 0; g < sums->group_count; g++) {
        events += sums->observed[g];
        groups += sums->n[g] > 0;
    }
    if (groups < 2)
        return "fewer than two groups have subjects";
    return events == 0 ? "no event in any group" : "no event while subjects of two groups were followed";
}

struct survival_logrank stat_survival_logrank(const void *owner, const struct survival_table *table,
                                              const bool *included)
{
    struct logrank_sums *sums = begin_sums(owner, table, included);
    add_days(sums, table, included);
    struct survival_logrank test = {
        .group_count = table->group_count,
        .n = sums->n,
        .observed = sums->observed,
        .expected = sums->expected,
    };
    double *excess = memory_new_array(sums, double, table->group_count);
    for (size_t g = 0; g < table->group_count; g++)
        excess[g] = (double)sums->observed[g] - sums->expected[g];
    const struct survival_chi_square result =
        stat_survival_chi_square(excess, sums->variance, table->group_count);
    test.chi_square = result.value;
    test.df = result.df;
    test.p = result.p;
    if (result.df == 0)
        test.reason = no_test_reason(sums);
    return test;
}
