/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T18 the untreated knee of subjects who were treated on one side: its change from baseline by cohort, and beside it
 * that of the index knee of the same subjects.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/stat_effect_size.h"

struct contralateral {
    const struct dataset *dataset;
    const struct contralateral_plan *plan;
    struct columns columns;
    struct contrasts contrasts;
    struct results *results;
    double level;
    /* of the endpoint at hand */
    size_t endpoint;
    bool higher_better;
    double **other;              /* [visit][subject], the untreated knee */
    double *values;              /* scratch: one for each subject */
};

static bool is_untreated(const struct subject *subject)
{
    enum knee_side other = subject->index_knee == KNEE_LEFT ? KNEE_RIGHT : KNEE_LEFT;
    return subject->index_knee != KNEE_NONE && subject->day1[other] == DATE_NONE;
}

/* Whether the untreated knee is bad enough at baseline. */
static bool is_affected(const struct contralateral *contralateral, double baseline)
{
    double at_least = contralateral->plan->at_least;
    if (isnan(baseline) || isnan(at_least))
        return !isnan(baseline);
    return contralateral->higher_better ? baseline <= at_least : baseline >= at_least;
}

/* Change of the untreated knee, NAN where the subject does not count. */
static double change_of(const struct contralateral *contralateral, int visit, size_t subject)
{
    double baseline = contralateral->other[dataset_baseline(contralateral->dataset)][subject];
    if (!is_untreated(&contralateral->dataset->subjects[subject]) || !is_affected(contralateral, baseline))
        return (double)NAN;
    return contralateral->other[visit][subject] - baseline;
}

static double index_change_of(const struct contralateral *contralateral, int visit, size_t subject)
{
    const struct dataset *dataset = contralateral->dataset;
    return dataset_value(dataset, subject, contralateral->endpoint, visit)
           - dataset_value(dataset, subject, contralateral->endpoint, dataset_baseline(dataset));
}

/* Changes of a column; `paired`: of the index knee less the untreated one. */
static struct description describe(const struct contralateral *contralateral, int visit, const struct column *column,
                                   bool paired)
{
    size_t n = 0;
    for (size_t i = 0; i < column->count; i++) {
        double change = change_of(contralateral, visit, column->subjects[i]);
        if (paired)
            change = index_change_of(contralateral, visit, column->subjects[i]) - change;
        if (!isnan(change))
            contralateral->values[n++] = change;
    }
    return stat_describe(contralateral->values, n, contralateral->level);
}

static void add_mean(const struct cell *cell, const char *const names[6], const struct description *d, double level)
{
    struct estimate mean = stat_response_mean(d, level);     /* its p is that of the paired t test */
    const char *reason = d->n == 0 ? "no values" : d->n == 1 ? "needs at least two values" : NULL;
    cell_add_count(cell, names[0], d->n);
    cell_add_or_reason(cell, names[1], d->n > 0 ? d->mean : (double)NAN, reason);
    cell_add_or_reason(cell, names[2], d->n > 1 ? d->sd : (double)NAN, reason);
    cell_add_or_reason(cell, names[3], d->n > 1 ? d->lo : (double)NAN, reason);
    cell_add_or_reason(cell, names[4], d->n > 1 ? d->hi : (double)NAN, reason);
    cell_add_or_reason(cell, names[5], mean.p, mean.reason);
}

static void add_visit(const struct contralateral *contralateral, struct cell *cell, int visit,
                      struct description *changes)
{
    static const char *const own[6] = {"n", "mean", "sd", "lo", "hi", "p"};
    static const char *const paired[6] = {"n_paired", "diff_paired", "sd_paired", "lo_paired", "hi_paired", "p_paired"};
    for (size_t c = 0; c < contralateral->columns.count; c++) {
        const struct column *column = &contralateral->columns.at[c];
        struct description difference = describe(contralateral, visit, column, true);
        changes[c] = describe(contralateral, visit, column, false);
        cell->col = column->name;
        add_mean(cell, own, &changes[c], contralateral->level);
        add_mean(cell, paired, &difference, contralateral->level);
    }
    for (size_t i = 0; i < contralateral->contrasts.count; i++) {
        const struct contrast *contrast = &contralateral->contrasts.at[i];
        struct mean_difference welch =
            stat_mean_difference(&changes[contrast->a], &changes[contrast->b], false, contralateral->level);
        cell->col = contrast->name;
        cell_add_estimate(cell, (const char *const[4]){"diff", "lo", "hi", "p"}, &welch.difference);
    }
}

static void add_endpoint(struct contralateral *contralateral, void *owner)
{
    const struct catalogue *catalogue = contralateral->dataset->catalogue;
    const struct endpoint *endpoint = &catalogue->protocol->endpoints[contralateral->endpoint];
    const struct score *score = catalogue_endpoint_score(catalogue, endpoint);
    void *scratch = memory_owner(owner, "other knee");
    struct description *changes = memory_new_array(scratch, struct description, contralateral->columns.count);
    struct cell cell = {contralateral->results, memory_format(scratch, "contralateral %s", endpoint->id), "", NULL};
    contralateral->higher_better = score != NULL && score->direction == SCORE_HIGHER_BETTER;
    contralateral->other = dataset_collect_values(scratch, contralateral->dataset, contralateral->endpoint,
                                                  DATASET_OTHER_KNEE, DATASET_ANALYSIS_WINDOW);
    for (int visit = 0; visit < (int)catalogue->protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(contralateral->dataset, visit))
            continue;
        cell.row = catalogue->protocol->visits[visit].id;
        add_visit(contralateral, &cell, visit, changes);
    }
    talloc_free(scratch);
}

void analysis_contralateral(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "contralateral");
    struct contralateral contralateral = {
        .dataset = dataset,
        .plan = &protocol->plan.contralateral,
        .columns = columns_of_treated(owner, dataset),
        .contrasts = contrasts_of(owner, dataset),
        .results = results,
        .level = protocol->level,
        .values = memory_new_array(owner, double, dataset->subject_count),
    };
    for (size_t i = 0; i < contralateral.plan->endpoint_count; i++) {
        contralateral.endpoint = (size_t)contralateral.plan->endpoints[i];
        add_endpoint(&contralateral, owner);
    }
    talloc_free(owner);
}
