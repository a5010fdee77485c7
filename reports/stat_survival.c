/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_survival.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_survival_order.h"

/* R's quantile.survfit: rounding in the product must not hide that the curve is level at 1 - p. */
static const double LEVEL_TOLERANCE = 1.5e-8;

/* ---- counts ---- */

static size_t *sort_subjects(const void *owner, const struct survival_data *data)
{
    size_t *order = stat_survival_order_new(owner, data->count);
    stat_survival_order_by_index(order, data->count, data->group);
    stat_survival_order_by_index(order, data->count, data->stratum);
    stat_survival_order_by(order, data->count, data->days, 1);
    return order;
}

static struct survival_cell cell_of(const struct survival_data *data, size_t subject)
{
    return (struct survival_cell){
        .day = data->days[subject],
        .stratum = data->stratum == NULL ? 0 : data->stratum[subject],
        .group = data->group == NULL ? 0 : data->group[subject],
    };
}

static bool same_cell(const struct survival_cell *a, const struct survival_cell *b)
{
    return a->day == b->day && a->stratum == b->stratum && a->group == b->group;
}

static void count_subject(struct survival_cell *cell, unsigned char status)
{
    if (status == SURVIVAL_EVENT)
        cell->events++;
    else if (status == SURVIVAL_COMPETING)
        cell->competing++;
    else
        cell->censored++;
}

struct survival_table *stat_survival_table(const void *owner, const struct survival_data *data)
{
    struct survival_table *table = memory_new(owner, struct survival_table);
    table->group_count = data->group_count;
    table->stratum_count = data->stratum_count;
    table->cells = memory_new_array(table, struct survival_cell, data->count);
    size_t *order = sort_subjects(table, data);
    for (size_t i = 0; i < data->count; i++) {
        const struct survival_cell cell = cell_of(data, order[i]);
        if (table->cell_count == 0 || !same_cell(&table->cells[table->cell_count - 1], &cell))
            table->cells[table->cell_count++] = cell;
        count_subject(&table->cells[table->cell_count - 1], data->status[order[i]]);
    }
    talloc_free(order);
    if (table->cell_count > 0)
        table->cells = memory_resize_array(table, table->cells, struct survival_cell, table->cell_count);
    return table;
}

/* ---- curves ---- */

static bool in_group(const struct survival_cell *cell, size_t group)
{
    return group == SURVIVAL_ALL_GROUPS || cell->group == group;
}

static size_t count_days(const struct survival_table *table, size_t group)
{
    size_t count = 0;
    double last = -1;
    for (size_t i = 0; i < table->cell_count; i++) {
        if (!in_group(&table->cells[i], group) || table->cells[i].day == last)
            continue;
        last = table->cells[i].day;
        count++;
    }
    return count;
}

static void add_cell(struct survival_curve *curve, const struct survival_cell *cell)
{
    const double none = (double)NAN;
    if (curve->step_count == 0 || curve->steps[curve->step_count - 1].day != cell->day)
        curve->steps[curve->step_count++] =
            (struct survival_step){cell->day, 0, 0, 0, 0, none, none, none, none};
    struct survival_step *step = &curve->steps[curve->step_count - 1];
    step->events += cell->events;
    step->competing += cell->competing;
    step->censored += cell->censored;
    curve->events += cell->events;
    curve->competing += cell->competing;
    curve->censored += cell->censored;
}

static size_t leaving(const struct survival_step *step)
{
    return step->events + step->competing + step->censored;
}

struct survival_curve *stat_survival_count(const void *owner, const struct survival_table *table,
                                           size_t group)
{
    struct survival_curve *curve = memory_new(owner, struct survival_curve);
    curve->last_day = (double)NAN;
    curve->steps = memory_new_array(curve, struct survival_step, count_days(table, group));
    for (size_t i = 0; i < table->cell_count; i++) {
        if (in_group(&table->cells[i], group))
            add_cell(curve, &table->cells[i]);
    }
    curve->n = curve->events + curve->competing + curve->censored;
    size_t at_risk = curve->n;
    for (size_t i = 0; i < curve->step_count; i++) {
        curve->steps[i].at_risk = at_risk;
        at_risk -= leaving(&curve->steps[i]);
        curve->last_day = curve->steps[i].day;
    }
    return curve;
}

static void add_kaplan_meier_limits(struct survival_step *step, double sum, double z)
{
    double survival = step->estimate;
    if (survival == 0)
        return;
    step->se = survival * sqrt(sum);
    if (survival == 1)
        return;
    double shift = z * sqrt(sum) / log(survival);
    step->lo = pow(survival, exp(-shift));
    step->hi = pow(survival, exp(shift));
}

struct survival_curve *stat_survival_curve(const void *owner, const struct survival_table *table,
                                           size_t group, double level)
{
    struct survival_curve *curve = stat_survival_count(owner, table, group);
    curve->kind = SURVIVAL_KAPLAN_MEIER;
    curve->level = level;
    double z = stat_normal_quantile((1 + level) / 2);
    double survival = 1, sum = 0;
    for (size_t i = 0; i < curve->step_count; i++) {
        struct survival_step *step = &curve->steps[i];
        double n = (double)step->at_risk, stay = (double)(step->at_risk - step->events);
        survival *= stay / n;
        if (stay > 0)
            sum += (double)step->events / (n * stay);
        step->estimate = survival;
        if (i > 0 && step->events == 0) {
            step->se = step[-1].se;
            step->lo = step[-1].lo;
            step->hi = step[-1].hi;
        } else {
            add_kaplan_meier_limits(step, sum, z);
        }
    }
    curve->complete = curve->n > 0 && survival == 0;
    return curve;
}

/* ---- what is read from a curve ---- */

static const char *missing_reason(const struct survival_curve *curve, const struct survival_at *at)
{
    if (!isnan(at->lo))
        return NULL;
    bool survival = curve->kind == SURVIVAL_KAPLAN_MEIER;
    return at->estimate == (survival ? 1 : 0) ? "no event until then, so there are no limits"
                                              : "everybody has had the event, so there is no standard error";
}

struct survival_at stat_survival_at(const void *owner, const struct survival_curve *curve, double day)
{
    const double none = (double)NAN;
    bool survival = curve->kind == SURVIVAL_KAPLAN_MEIER;
    struct survival_at at = {
        .day = day, .at_risk = curve->n, .estimate = survival ? 1 : 0, .se = 0, .lo = none, .hi = none,
    };
    for (size_t i = 0; i < curve->step_count && curve->steps[i].day <= day; i++) {
        const struct survival_step *step = &curve->steps[i];
        at.at_risk = step->day == day ? step->at_risk : step->at_risk - leaving(step);
        at.events += step->events;
        at.competing += step->competing;
        at.censored += step->censored;
        at.estimate = step->estimate;
        at.se = step->se;
        at.lo = step->lo;
        at.hi = step->hi;
    }
    if (curve->n > 0 && (day <= curve->last_day || curve->complete)) {
        at.reason = missing_reason(curve, &at);
        return at;
    }
    at.estimate = at.se = at.lo = at.hi = none;
    at.reason = "no subjects";
    if (curve->n > 0)
        at.reason = memory_format(owner, "follow-up ends on day %.10g", curve->last_day);
    return at;
}

enum line { LINE_ESTIMATE, LINE_LO, LINE_HI };

static double height(const struct survival_step *step, enum line line)
{
    return line == LINE_ESTIMATE ? step->estimate : line == LINE_LO ? step->lo : step->hi;
}

/* The first step at or after `from` whose line is at most `most`; step_count when there is none. */
static size_t first_at_most(const struct survival_curve *curve, enum line line, size_t from, double most)
{
    while (from < curve->step_count && !(height(&curve->steps[from], line) <= most))
        from++;
    return from;
}

static double crossing(const struct survival_curve *curve, enum line line, double target)
{
    size_t first = first_at_most(curve, line, 0, target + LEVEL_TOLERANCE);
    if (first == curve->step_count)
        return (double)NAN;
    size_t below = first_at_most(curve, line, first, target - LEVEL_TOLERANCE);
    if (below == first)
        return curve->steps[first].day;
    if (below == curve->step_count)
        return (double)NAN;
    return (curve->steps[first].day + curve->steps[below].day) / 2;
}

struct survival_quantile stat_survival_quantile(const struct survival_curve *curve, double p)
{
    struct survival_quantile quantile = {.p = p};
    quantile.day = crossing(curve, LINE_ESTIMATE, 1 - p);
    quantile.lo = crossing(curve, LINE_LO, 1 - p);
    quantile.hi = crossing(curve, LINE_HI, 1 - p);
    if (isnan(quantile.day))
        quantile.day_reason = curve->n == 0 ? "no subjects" : "too few events for the curve to reach it";
    if (isnan(quantile.lo))
        quantile.lo_reason = curve->n == 0 ? "no subjects" : "the lower limit of the curve does not reach it";
    if (isnan(quantile.hi))
        quantile.hi_reason = curve->n == 0 ? "no subjects" : "the upper limit of the curve does not reach it";
    return quantile;
}

/* ---- figures ---- */

static bool moved(double from, double to, double tolerance)
{
    if (isnan(from) || isnan(to))
        return isnan(from) != isnan(to);
    return from != to && fabs(to - from) >= tolerance;
}

struct survival_step *stat_survival_thin(const void *owner, const struct survival_curve *curve,
                                         double tolerance, size_t *count)
{
    double start = curve->kind == SURVIVAL_KAPLAN_MEIER ? 1 : 0;
    const struct survival_step origin = {.estimate = start, .lo = (double)NAN, .hi = (double)NAN};
    const struct survival_step *taken = &origin;
    struct survival_step *steps = memory_new_array(owner, struct survival_step, curve->step_count);
    *count = 0;
    for (size_t i = 0; i < curve->step_count; i++) {
        const struct survival_step *step = &curve->steps[i];
        bool first = *count == 0 && step->estimate != start;
        if (!first && i + 1 < curve->step_count && !moved(taken->estimate, step->estimate, tolerance)
            && !moved(taken->lo, step->lo, tolerance) && !moved(taken->hi, step->hi, tolerance))
            continue;
        taken = step;
        steps[(*count)++] = *step;
    }
    if (*count > 0)
        steps = memory_resize_array(owner, steps, struct survival_step, *count);
    return steps;
}
