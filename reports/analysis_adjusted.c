/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * X3 cohorts that were not randomised, compared by overlap weights: differences of change with E-values, and
 * at the main visit how well the weights balance what was measured.
 */
#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_adjusted.h"
#include "reports/analysis_covariates.h"

struct adjusted {
    const struct dataset *dataset;
    struct covariates covariates;
    struct contrasts contrasts;
    struct results *results;
    void *scratch;
    double *change;
    const struct linear_variable *variables;   /* the cohort is none of them */
    const struct linear_term *terms;
};

static void add_balance(const struct adjusted *adjusted, struct cell cell,
                        const struct overlap_answer *answer)
{
    static const char no_variation[] = "does not vary in these cohorts";
    for (size_t b = 0; b < answer->balance_count; b++) {
        const struct overlap_balance *balance = &answer->balance[b];
        const struct covariate *covariate = &adjusted->covariates.at[balance->variable];
        char *row = covariate->levels > 0 ? memory_format(NULL, "%s=%s", covariate->name,
                                                          covariate->level_names[balance->level])
                                          : memory_copy_string(NULL, covariate->name);
        cell.row = row;
        cell_add_or_reason(&cell, "smd_before", balance->before, no_variation);
        cell_add_or_reason(&cell, "smd_after", balance->after,
                           answer->reason != NULL ? answer->reason : no_variation);
        talloc_free(row);
    }
}

static void add_overlap(struct cell cell, const struct overlap_answer *answer)
{
    for (int bin = 0; answer->reason == NULL && bin < OVERLAP_BINS; bin++) {
        char *row = memory_format(NULL, "%.2f", (double)bin / OVERLAP_BINS);
        cell.row = row;
        cell_add_count(&cell, "n1", answer->histogram[0][bin]);
        cell_add_count(&cell, "n0", answer->histogram[1][bin]);
        talloc_free(row);
    }
}

static void add_contrast(const struct adjusted *adjusted, const char *endpoint, int visit,
                         const struct contrast *contrast)
{
    const struct protocol *protocol = adjusted->dataset->catalogue->protocol;
    void *owner = memory_owner(adjusted->scratch, "adjusted contrast");
    const struct linear_data data = {
        .records = adjusted->dataset->subject_count,
        .response = adjusted->change,
        .included = adjusted->covariates.included,
        .variables = adjusted->variables,
        .variable_count = adjusted->covariates.count,
        .terms = adjusted->terms,
        .term_count = adjusted->covariates.count,
    };
    const struct overlap_question question = {
        &data, adjusted->covariates.cohort, (int)contrast->a, (int)contrast->b, protocol->level,
    };
    struct overlap_answer *answer = stat_overlap(owner, &question);
    struct cell cell = {adjusted->results, memory_format(owner, "adjusted %s", endpoint),
                        protocol->visits[visit].id, contrast->name};
    adjusted_add_difference(cell, &question, answer);
    if (visit == analysis_main_visit(adjusted->dataset)) {
        cell.table = memory_format(owner, "adjusted balance %s", endpoint);
        add_balance(adjusted, cell, answer);
        cell.table = memory_format(owner, "adjusted overlap %s", endpoint);
        add_overlap(cell, answer);
    }
    talloc_free(owner);
}

static void add_endpoint(struct adjusted *adjusted, size_t endpoint)
{
    const struct dataset *dataset = adjusted->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    struct linear_variable *variables =
        covariates_variables(adjusted->scratch, &adjusted->covariates, baseline);
    adjusted->variables = variables + 1;
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(dataset, visit))
            continue;
        covariates_change(dataset, baseline, dataset_values(dataset, endpoint, visit), adjusted->change);
        for (size_t i = 0; i < adjusted->contrasts.count; i++)
            add_contrast(adjusted, protocol->endpoints[endpoint].id, visit, &adjusted->contrasts.at[i]);
    }
    talloc_free(variables);
}

static void add_cohorts(const struct dataset *dataset, struct results *results)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    void *owner = memory_owner(NULL, "adjusted contrasts");
    struct adjusted adjusted = {
        .dataset = dataset,
        .covariates = covariates_of(owner, dataset, plan->adjustment, plan->adjustment_count),
        .contrasts = contrasts_of(owner, dataset),
        .results = results,
        .scratch = owner,
        .change = memory_new_array(owner, double, dataset->subject_count),
        .terms = covariates_terms(owner, plan->adjustment_count),
    };
    if (plan->primary_endpoint != PLAN_NONE && !plan_has_model(plan, plan->primary_endpoint))
        add_endpoint(&adjusted, (size_t)plan->primary_endpoint);
    for (size_t m = 0; m < plan->model_count; m++)
        add_endpoint(&adjusted, (size_t)plan->models[m]);
    talloc_free(owner);
}

void analysis_adjusted(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (dataset->pooled)
        return;
    if (!protocol->randomised && protocol->plan.contrast_count > 0) {
        add_cohorts(dataset, results);
        adjusted_responders(dataset, results);
    }
    adjusted_levels(dataset, results);
}
