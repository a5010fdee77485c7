/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T15 time to the events that the protocol names, of treated subjects by cohort: Kaplan-Meier curves on the days of
 * the plan, quartiles, log-rank tests, proportions with the event (of those whom death forestalls: Aalen-Johansen and
 * Gray's test), hazard ratios, restricted means.
 */
#include "reports/analysis_events.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_strata.h"
#include "reports/stat_competing.h"
#include "reports/stat_distribution.h"
#include "reports/stat_survival_compare.h"

/* -- what is analysed ------------------------------------------------------------------------------------ */

static void insert_day(int *days, size_t *count, int day)
{
    size_t at = *count;
    while (at > 0 && days[at - 1] > day)
        at--;
    if (at > 0 && days[at - 1] == day)
        return;
    memmove(&days[at + 1], &days[at], (*count - at) * sizeof *days);
    days[at] = day;
    ++*count;
}

struct event_days event_days_of(const void *owner, const struct analysis_plan *plan, size_t index)
{
    const struct timed_event *event = &plan->events[index];
    int *days = memory_new_array(owner, int, event->day_count + plan->claim_count);
    size_t count = 0;
    for (size_t i = 0; i < event->day_count; i++)
        insert_day(days, &count, event->days[i]);
    for (size_t i = 0; i < plan->claim_count; i++) {
        if (plan->claims[i].kind == CLAIM_EVENT && plan->claims[i].event == (int)index)
            insert_day(days, &count, plan->claims[i].day);
    }
    return (struct event_days){days, count};
}

/* `strata`: of all subjects. */
static struct survival_data stratify(const struct event_analysis *analysis, const struct event_sample *sample,
                                     const struct strata *strata)
{
    struct survival_data data = sample->data;
    if (analysis->dataset->catalogue->protocol->plan.stratum_count == 0)
        return data;
    unsigned *stratum = memory_new_array(analysis->owner, unsigned, data.count);
    for (size_t i = 0; i < data.count; i++)
        stratum[i] = strata->of_subject[sample->subjects[i]];
    data.stratum = stratum;
    data.stratum_count = strata->count;
    return data;
}

static struct cell begin_cell(const struct event_analysis *analysis, const char *table)
{
    const char *name = memory_format(analysis->owner, "%s %s", table, analysis->event->id);
    return (struct cell){analysis->results, name, "", EVENTS_OVERALL};
}

static const char *column_name(const struct event_analysis *analysis, size_t column)
{
    return analysis->dataset->cohorts[column];
}

static const char *day_row(const struct event_analysis *analysis, int day)
{
    return memory_format(analysis->owner, "day %d", day);
}

/* -- curves ---------------------------------------------------------------------------------------------- */

static void add_curve_at(const struct event_analysis *analysis, const struct cell *cell,
                         const struct survival_curve *curve, int day)
{
    struct survival_at at = stat_survival_at(analysis->owner, curve, day);
    cell_add_count(cell, "n_risk", at.at_risk);
    cell_add_count(cell, "events", at.events);
    cell_add_count(cell, "competing", at.competing);
    cell_add_count(cell, "censored", at.censored);
    cell_add_or_reason(cell, "surv", at.estimate, at.reason);
    cell_add_or_reason(cell, "se", at.se, at.reason);
    cell_add_or_reason(cell, "lo", at.lo, at.reason);
    cell_add_or_reason(cell, "hi", at.hi, at.reason);
}

static void add_quartile(const struct cell *cell, const struct survival_curve *curve, const char *stat, double p)
{
    struct survival_quantile quantile = stat_survival_quantile(curve, p);
    char name[16];
    cell_add_or_reason(cell, stat, quantile.day, quantile.day_reason);
    snprintf(name, sizeof name, "%s_lo", stat);
    cell_add_or_reason(cell, name, quantile.lo, quantile.lo_reason);
    snprintf(name, sizeof name, "%s_hi", stat);
    cell_add_or_reason(cell, name, quantile.hi, quantile.hi_reason);
}

static void add_curves(const struct event_analysis *analysis, struct survival_curve *const *curves,
                       const struct event_days *days)
{
    struct cell cell = begin_cell(analysis, "KM");
    for (size_t d = 0; d < days->count; d++) {
        cell.row = day_row(analysis, days->at[d]);
        for (size_t c = 0; c < analysis->data.group_count; c++) {
            cell.col = column_name(analysis, c);
            add_curve_at(analysis, &cell, curves[c], days->at[d]);
        }
    }
    cell.row = "quartiles";
    for (size_t c = 0; c < analysis->data.group_count; c++) {
        cell.col = column_name(analysis, c);
        cell_add_count(&cell, "n", curves[c]->n);
        cell_add_count(&cell, "events", curves[c]->events);
        cell_add_count(&cell, "competing", curves[c]->competing);
        cell_add_count(&cell, "censored", curves[c]->censored);
        cell_add_or_reason(&cell, "last_day", curves[c]->last_day, "no subjects");
        add_quartile(&cell, curves[c], "q25", 0.25);
        add_quartile(&cell, curves[c], "median", 0.5);
        add_quartile(&cell, curves[c], "q75", 0.75);
    }
}

/* -- tests ----------------------------------------------------------------------------------------------- */

static bool *both_of(const struct event_analysis *analysis, const struct contrast *contrast)
{
    bool *included = memory_new_array(analysis->owner, bool, analysis->data.group_count);
    included[contrast->a] = included[contrast->b] = true;
    return included;
}

static void add_test(const struct cell *cell, double chi_square, size_t df, const struct hypothesis_test *test)
{
    cell_add_or_reason(cell, "chisq", chi_square, test->reason);
    cell_add_or_reason(cell, "df", df > 0 ? (double)df : (double)NAN, test->reason);
    cell_add_or_reason(cell, "p", test->p, test->reason);
}

static void add_logrank(const struct event_analysis *analysis, const struct survival_table *table, const char *row)
{
    struct cell cell = begin_cell(analysis, "KM");
    struct survival_logrank test = stat_survival_logrank(analysis->owner, table, NULL);
    cell.row = row;
    add_test(&cell, test.chi_square, test.df, &(struct hypothesis_test){.p = test.p, .reason = test.reason});
    for (size_t c = 0; c < analysis->data.group_count; c++) {
        cell.col = column_name(analysis, c);
        cell_add_count(&cell, "obs", test.observed[c]);
        cell_add(&cell, "exp", test.expected[c]);
    }
    for (size_t i = 0; i < analysis->contrasts.count; i++) {
        const struct contrast *contrast = &analysis->contrasts.at[i];
        test = stat_survival_logrank(analysis->owner, table, both_of(analysis, contrast));
        cell.col = contrast->name;
        add_test(&cell, test.chi_square, test.df, &(struct hypothesis_test){.p = test.p, .reason = test.reason});
    }
}

static void add_gray(const struct event_analysis *analysis, const struct survival_table *table)
{
    struct cell cell = begin_cell(analysis, "incidence");
    struct competing_gray test = stat_competing_gray(analysis->owner, table, NULL);
    cell.row = "Gray";
    add_test(&cell, test.chi_square, test.df, &(struct hypothesis_test){.p = test.p, .reason = test.reason});
    for (size_t i = 0; i < analysis->contrasts.count; i++) {
        const struct contrast *contrast = &analysis->contrasts.at[i];
        test = stat_competing_gray(analysis->owner, table, both_of(analysis, contrast));
        cell.col = contrast->name;
        add_test(&cell, test.chi_square, test.df, &(struct hypothesis_test){.p = test.p, .reason = test.reason});
    }
}

/* -- proportions with the event -------------------------------------------------------------------------- */

/* The proportion that has had the event by a day, from a curve of either kind. */
static struct survival_at incidence_at(const struct event_analysis *analysis, const struct survival_curve *curve,
                                       int day)
{
    struct survival_at at = stat_survival_at(analysis->owner, curve, day);
    if (curve->kind == SURVIVAL_CUMULATIVE_INCIDENCE)
        return at;
    double lo = at.lo;
    at.estimate = 1 - at.estimate;
    at.lo = 1 - at.hi;
    at.hi = 1 - lo;
    return at;
}

static void add_incidence_difference(const struct cell *cell, const struct survival_at *a, const struct survival_at *b,
                                     double level)
{
    double difference = a->estimate - b->estimate, se = sqrt(a->se * a->se + b->se * b->se);
    const char *reason = isnan(a->estimate) || isnan(a->se) ? a->reason : b->reason;
    if (se == 0) {
        se = (double)NAN;
        reason = "no event in either group until then, so there are no limits";
    }
    double half = stat_normal_quantile((1 + level) / 2) * se;
    cell_add_or_reason(cell, "diff", difference, reason);
    cell_add_or_reason(cell, "se", se, reason);
    cell_add_or_reason(cell, "lo", difference - half, reason);
    cell_add_or_reason(cell, "hi", difference + half, reason);
    cell_add_or_reason(cell, "p", isnan(se) ? se : stat_normal_two_sided(difference / se), reason);
}

static void add_incidences(const struct event_analysis *analysis, struct survival_curve *const *curves,
                           const struct event_days *days)
{
    struct cell cell = begin_cell(analysis, "incidence");
    struct survival_at *at = memory_new_array(analysis->owner, struct survival_at, analysis->data.group_count);
    for (size_t d = 0; d < days->count; d++) {
        cell.row = day_row(analysis, days->at[d]);
        for (size_t c = 0; c < analysis->data.group_count; c++) {
            at[c] = incidence_at(analysis, curves[c], days->at[d]);
            cell.col = column_name(analysis, c);
            cell_add_or_reason(&cell, "inc", at[c].estimate, at[c].reason);
            cell_add_or_reason(&cell, "se", at[c].se, at[c].reason);
            cell_add_or_reason(&cell, "lo", at[c].lo, at[c].reason);
            cell_add_or_reason(&cell, "hi", at[c].hi, at[c].reason);
        }
        for (size_t i = 0; i < analysis->contrasts.count; i++) {
            const struct contrast *contrast = &analysis->contrasts.at[i];
            cell.col = contrast->name;
            add_incidence_difference(&cell, &at[contrast->a], &at[contrast->b], analysis->level);
        }
    }
}

/* -- restricted means ------------------------------------------------------------------------------------ */

static void add_restricted_means(const struct event_analysis *analysis, struct survival_curve *const *curves)
{
    struct cell cell = begin_cell(analysis, "RMST");
    size_t count = analysis->data.group_count;
    struct survival_rmst *means = memory_new_array(analysis->owner, struct survival_rmst, count);
    cell.row = memory_format(analysis->owner, "tau=%d", analysis->event->horizon);
    for (size_t c = 0; c < count; c++) {
        means[c] = stat_survival_rmst(analysis->owner, curves[c], analysis->event->horizon);
        cell.col = column_name(analysis, c);
        cell_add_or_reason(&cell, "rmst", means[c].mean, means[c].reason);
        cell_add_or_reason(&cell, "se", means[c].se, means[c].reason);
        cell_add_or_reason(&cell, "lo", means[c].lo, means[c].reason);
        cell_add_or_reason(&cell, "hi", means[c].hi, means[c].reason);
    }
    for (size_t i = 0; i < analysis->contrasts.count; i++) {
        const struct contrast *contrast = &analysis->contrasts.at[i];
        struct survival_difference difference =
            stat_survival_rmst_difference(&means[contrast->a], &means[contrast->b], analysis->level);
        cell.col = contrast->name;
        cell_add_or_reason(&cell, "diff", difference.estimate, difference.reason);
        cell_add_or_reason(&cell, "se", difference.se, difference.reason);
        cell_add_or_reason(&cell, "lo", difference.lo, difference.reason);
        cell_add_or_reason(&cell, "hi", difference.hi, difference.reason);
        cell_add_or_reason(&cell, "p", difference.p, difference.reason);
    }
}

/* -- all ------------------------------------------------------------------------------------------------- */

static void add_event(const struct event_analysis *analysis, const struct event_days *days)
{
    size_t count = analysis->data.group_count;
    const struct survival_table *table = stat_survival_table(analysis->owner, &analysis->data);
    struct survival_curve **survival = memory_new_array(analysis->owner, struct survival_curve *, count);
    struct survival_curve **incidence = memory_new_array(analysis->owner, struct survival_curve *, count);
    for (size_t c = 0; c < count; c++) {
        survival[c] = stat_survival_curve(analysis->owner, table, c, analysis->level);
        incidence[c] = analysis->event->death_competes
                           ? stat_competing_incidence(analysis->owner, table, c, analysis->level)
                           : survival[c];
    }
    add_curves(analysis, survival, days);
    if (count > 1)
        add_logrank(analysis, table, "log-rank");
    if (count > 1 && analysis->stratified.stratum != NULL)
        add_logrank(analysis, stat_survival_table(analysis->owner, &analysis->stratified), "log-rank stratified");
    add_incidences(analysis, incidence, days);
    if (count > 1 && analysis->event->death_competes)
        add_gray(analysis, table);
    event_analysis_add_hazard_ratios(analysis);
    add_restricted_means(analysis, survival);
}

/* What the times leave out or rest on. */
static void add_derivation(const struct event_analysis *analysis, const struct event_times *times)
{
    struct cell cell = begin_cell(analysis, "KM");
    cell.row = "derivation";
    if (times->refused) {
        for (size_t c = 0; c < analysis->dataset->cohort_count; c++) {
            cell.col = column_name(analysis, c);
            cell_add_refused(&cell, "n");
        }
        return;
    }
    cell_add_count(&cell, "partial_dates", times->imputed_count);
    cell_add_count(&cell, "records_unread", times->unread);
}

static void analyse_event(const struct dataset *dataset, size_t index, const struct strata *strata,
                          struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct event_analysis analysis = {
        .dataset = dataset,
        .event = &protocol->plan.events[index],
        .level = protocol->level,
        .results = results,
        .owner = memory_owner(NULL, "event"),
    };
    const struct event_times *times = event_times_of(analysis.owner, dataset, analysis.event);
    add_derivation(&analysis, times);
    if (!times->refused) {
        struct event_sample sample = event_sample_of(analysis.owner, dataset, times);
        struct event_days days = event_days_of(analysis.owner, &protocol->plan, index);
        analysis.contrasts = contrasts_of(analysis.owner, dataset);
        analysis.data = sample.data;
        analysis.stratified = stratify(&analysis, &sample, strata);
        add_event(&analysis, &days);
    }
    talloc_free(analysis.owner);
}

void analysis_events(const struct dataset *dataset, struct results *results)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    if (plan->event_count == 0)
        return;
    void *owner = memory_owner(NULL, "events");
    struct strata strata = strata_of(owner, dataset, plan->strata, plan->stratum_count);
    for (size_t i = 0; i < plan->event_count; i++)
        analyse_event(dataset, i, &strata, results);
    talloc_free(owner);
}
