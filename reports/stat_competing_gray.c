/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gray's test.  The risk set of the subdistribution in group i is R_i = Y_i (1 - F_i) / S_i, all just before
 * the day: Y_i at risk, F_i incidence, S_i free of any event.  Under the null F is common to all groups and
 * cancels, which leaves Y_i / S_i.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_competing.h"
#include "reports/stat_survival_test.h"

/* One stratum at one day; matrices are group_count x group_count, by column. */
struct gray_stratum {
    size_t *at_risk, *events, *competing;        /* group_count; the latter two of this day */
    size_t *leaving;
    double *survival, *survival_before;          /* of each group, after this day and before it */
    double *incidence;                           /* of each group before this day */
    double pooled, pooled_before;                /* incidence under the null */
    double *a;                   /* weights of this day */
    double *c;                   /* integral of the weights over the null's hazard */
    double *v, *v2, *v3;         /* variance: sums free of, linear and quadratic in the last c */
};

struct gray {
    size_t group_count, stratum_count;
    struct gray_stratum *strata;
    double *score, *variance;
    size_t *n;
    size_t event_count;
};

static void stratum_init(const void *owner, struct gray_stratum *stratum, size_t groups)
{
    size_t *counts = memory_new_array(owner, size_t, 4 * groups);
    double *numbers = memory_new_array(owner, double, groups * (4 + 4 * groups));
    stratum->at_risk = counts;
    stratum->events = counts + groups;
    stratum->competing = counts + 2 * groups;
    stratum->leaving = counts + 3 * groups;
    stratum->survival = numbers;
    stratum->survival_before = numbers + groups;
    stratum->incidence = numbers + 2 * groups;
    stratum->v3 = numbers + 3 * groups;
    stratum->a = numbers + 4 * groups;
    stratum->c = stratum->a + groups * groups;
    stratum->v = stratum->c + groups * groups;
    stratum->v2 = stratum->v + groups * groups;
    for (size_t g = 0; g < groups; g++)
        stratum->survival[g] = stratum->survival_before[g] = 1;
}

static struct gray *gray_new(const void *owner, const struct survival_table *table, const bool *included)
{
    struct gray *gray = memory_new(owner, struct gray);
    size_t groups = table->group_count;
    gray->group_count = groups;
    gray->stratum_count = table->stratum_count;
    gray->strata = memory_new_array(gray, struct gray_stratum, table->stratum_count);
    gray->score = memory_new_array(gray, double, groups);
    gray->variance = memory_new_array(gray, double, groups * groups);
    gray->n = memory_new_array(gray, size_t, groups);
    for (size_t s = 0; s < table->stratum_count; s++)
        stratum_init(gray, &gray->strata[s], groups);
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct survival_cell *cell = &table->cells[i];
        if (included != NULL && !included[cell->group])
            continue;
        size_t subjects = (size_t)cell->events + cell->competing + cell->censored;
        gray->strata[cell->stratum].at_risk[cell->group] += subjects;
        gray->n[cell->group] += subjects;
        gray->event_count += cell->events;
    }
    return gray;
}

static double null_risk(const struct gray_stratum *stratum, size_t group)
{
    if (stratum->at_risk[group] == 0)
        return 0;
    return (double)stratum->at_risk[group] / stratum->survival_before[group];
}

/* Scores of the day: events less those expected in proportion to R. */
static void add_scores(struct gray *gray, const struct gray_stratum *stratum, double events)
{
    double total = 0;
    for (size_t g = 0; g < gray->group_count; g++)
        total += null_risk(stratum, g) * (1 - stratum->incidence[g]);
    for (size_t g = 0; events > 0 && g < gray->group_count; g++) {
        double expected = events * null_risk(stratum, g) * (1 - stratum->incidence[g]) / total;
        gray->score[g] += (double)stratum->events[g] - expected;
    }
}

static void add_weights(struct gray_stratum *stratum, size_t groups, double events, double total)
{
    for (size_t i = 0; i < groups; i++) {
        double own = null_risk(stratum, i);
        for (size_t j = 0; j < groups; j++) {
            double weight = own * ((i == j ? 1 : 0) - null_risk(stratum, j) / total);
            stratum->a[i + j * groups] = weight;
            if (events > 0)
                stratum->c[i + j * groups] += weight * events / (total * (1 - stratum->pooled_before));
        }
    }
}

/* Adds `spread` x (base + slope C)(base + slope C)' for group k, C being c at the end of follow-up. */
static void add_variance(struct gray_stratum *stratum, size_t groups, size_t k, double slope,
                         const double *base, double spread)
{
    stratum->v3[k] += slope * slope * spread;
    for (size_t i = 0; i < groups; i++) {
        stratum->v2[i + k * groups] += base[i] * slope * spread;
        for (size_t j = 0; j < groups; j++)
            stratum->v[i + j * groups] += base[i] * base[j] * spread;
    }
}

static void add_event_variance(struct gray_stratum *stratum, size_t groups, double events, double total,
                               double *base)
{
    for (size_t k = 0; k < groups; k++) {
        if (stratum->at_risk[k] == 0)
            continue;
        double survival = stratum->survival_before[k];
        double slope = stratum->survival[k] > 0 ? 1 - (1 - stratum->pooled) / stratum->survival[k] : 1;
        double ties = events > 1 ? 1 - (events - 1) / (total * survival - 1) : 1;
        for (size_t i = 0; i < groups; i++)
            base[i] = stratum->a[i + k * groups] - slope * stratum->c[i + k * groups];
        add_variance(stratum, groups, k, slope, base,
                     ties * survival * events / (total * (double)stratum->at_risk[k]));
    }
}

static void add_competing_variance(struct gray_stratum *stratum, size_t groups, double *base)
{
    for (size_t k = 0; k < groups; k++) {
        double deaths = (double)stratum->competing[k], n = (double)stratum->at_risk[k];
        if (deaths == 0 || stratum->survival[k] <= 0)
            continue;
        double slope = -(1 - stratum->pooled) / stratum->survival[k];
        double ties = deaths > 1 ? 1 - (deaths - 1) / (n - 1) : 1;
        double share = stratum->survival_before[k] / n;
        for (size_t i = 0; i < groups; i++)
            base[i] = -slope * stratum->c[i + k * groups];
        add_variance(stratum, groups, k, slope, base, ties * share * share * deaths);
    }
}

/* The day's events of a stratum stand in its counts. */
static void add_day(struct gray *gray, struct gray_stratum *stratum, double *base)
{
    size_t groups = gray->group_count;
    double events = 0, deaths = 0, total = 0;
    for (size_t g = 0; g < groups; g++) {
        double n = (double)stratum->at_risk[g];
        events += (double)stratum->events[g];
        deaths += (double)stratum->competing[g];
        total += null_risk(stratum, g);
        if (n > 0)
            stratum->survival[g] = stratum->survival_before[g]
                                 * ((n - (double)(stratum->events[g] + stratum->competing[g])) / n);
    }
    if (events + deaths == 0)
        return;
    stratum->pooled = stratum->pooled_before + events / total;
    add_weights(stratum, groups, events, total);
    add_scores(gray, stratum, events);
    if (events > 0)
        add_event_variance(stratum, groups, events, total, base);
    add_competing_variance(stratum, groups, base);
}

static void end_day(struct gray_stratum *stratum, size_t groups)
{
    for (size_t g = 0; g < groups; g++) {
        if (stratum->at_risk[g] > 0)
            stratum->incidence[g] += stratum->survival_before[g] * (double)stratum->events[g]
                                   / (double)stratum->at_risk[g];
        stratum->survival_before[g] = stratum->survival[g];
        stratum->at_risk[g] -= stratum->leaving[g];
        stratum->events[g] = stratum->competing[g] = stratum->leaving[g] = 0;
    }
    stratum->pooled_before = stratum->pooled;
}

static void add_days(struct gray *gray, const struct survival_table *table, const bool *included)
{
    double *base = memory_new_array(gray, double, gray->group_count);
    const struct survival_cell *cells = table->cells;
    for (size_t from = 0, to; from < table->cell_count; from = to) {
        struct gray_stratum *stratum = &gray->strata[cells[from].stratum];
        for (to = from; to < table->cell_count && cells[to].day == cells[from].day
             && cells[to].stratum == cells[from].stratum; to++) {
            size_t g = cells[to].group;
            if (included != NULL && !included[g])
                continue;
            stratum->events[g] = cells[to].events;
            stratum->competing[g] = cells[to].competing;
            stratum->leaving[g] = (size_t)cells[to].events + cells[to].competing + cells[to].censored;
        }
        add_day(gray, stratum, base);
        end_day(stratum, gray->group_count);
    }
}

/* v + C v3 C' + C v2' + v2 C'. */
static void add_stratum_variance(struct gray *gray, const struct gray_stratum *stratum)
{
    size_t groups = gray->group_count;
    for (size_t i = 0; i < groups; i++) {
        for (size_t j = 0; j < groups; j++) {
            double sum = stratum->v[i + j * groups];
            for (size_t k = 0; k < groups; k++) {
                double ci = stratum->c[i + k * groups], cj = stratum->c[j + k * groups];
                sum += ci * cj * stratum->v3[k] + ci * stratum->v2[j + k * groups]
                     + cj * stratum->v2[i + k * groups];
            }
            gray->variance[i + j * groups] += sum;
        }
    }
}

static const char *no_test_reason(const struct gray *gray)
{
    size_t groups = 0;
    for (size_t g = 0; g < gray->group_count; g++)
        groups += gray->n[g] > 0;
    if (groups < 2)
        return "fewer than two groups have subjects";
    return gray->event_count == 0 ? "no event in any group"
                                  : "no event while subjects of two groups were followed";
}

struct competing_gray stat_competing_gray(const void *owner, const struct survival_table *table,
                                          const bool *included)
{
    struct gray *gray = gray_new(owner, table, included);
    add_days(gray, table, included);
    for (size_t s = 0; s < gray->stratum_count; s++)
        add_stratum_variance(gray, &gray->strata[s]);
    const struct survival_chi_square result =
        stat_survival_chi_square(gray->score, gray->variance, gray->group_count);
    struct competing_gray test = {result.value, result.p, result.df, NULL};
    if (result.df == 0)
        test.reason = no_test_reason(gray);
    talloc_free(gray);
    return test;
}
