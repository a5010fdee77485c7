/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * X3 cohorts that were not randomised, compared by overlap weights: differences of change with E-values, and
 * at the main visit how well the weights balance what was measured.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_rows.h"
#include "reports/stat_evalue.h"
#include "reports/stat_overlap.h"

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

/* SD of the changes within both cohorts, of the subjects that the weights are of; NAN with fewer than 3. */
static double pooled_sd(const struct adjusted *adjusted, const struct overlap_answer *answer, int first)
{
    const struct linear_design *design = answer->propensity->design;
    double mean[2] = {0, 0}, squares[2] = {0, 0};
    size_t n[2] = {0, 0};
    for (size_t r = 0; design != NULL && r < design->used; r++) {
        size_t i = design->rows[r];
        int side = adjusted->covariates.cohort[i] == first ? 0 : 1;
        double step = adjusted->change[i] - mean[side];
        mean[side] += step / (double)++n[side];
        squares[side] += step * (adjusted->change[i] - mean[side]);
    }
    if (n[0] == 0 || n[1] == 0 || n[0] + n[1] < 3)
        return (double)NAN;
    return sqrt((squares[0] + squares[1]) / (double)(n[0] + n[1] - 2));
}

static void add_evalue(struct cell cell, const struct linear_estimate *difference, double sd)
{
    struct evalue evalue = {.reason = difference->reason};
    if (evalue.reason == NULL && !(sd > 0))
        evalue.reason = "the changes do not vary within the cohorts";
    if (evalue.reason == NULL)
        evalue = stat_evalue_difference(difference->estimate / sd, difference->se / sd);
    else
        evalue.estimate = evalue.limit = (double)NAN;
    cell_add_or_reason(&cell, "sd_pooled", sd, evalue.reason);
    cell_add_or_reason(&cell, "evalue", evalue.estimate, evalue.reason);
    cell_add_or_reason(&cell, "evalue_limit", evalue.limit, evalue.reason);
}

static void add_difference(const struct adjusted *adjusted, struct cell cell,
                           const struct overlap_answer *answer, int first)
{
    const struct linear_estimate *difference = &answer->difference;
    cell_add_count(&cell, "n1", answer->n[0]);
    cell_add_count(&cell, "n0", answer->n[1]);
    cell_add_or_reason(&cell, "effective_1", answer->effective[0], answer->reason);
    cell_add_or_reason(&cell, "effective_0", answer->effective[1], answer->reason);
    cell_add_or_reason(&cell, "mean_1", answer->means[0].estimate, answer->means[0].reason);
    cell_add_or_reason(&cell, "mean_0", answer->means[1].estimate, answer->means[1].reason);
    cell_add_or_reason(&cell, "diff", difference->estimate, difference->reason);
    cell_add_or_reason(&cell, "se", difference->se, difference->reason);
    cell_add_or_reason(&cell, "lo", difference->lo, difference->reason);
    cell_add_or_reason(&cell, "hi", difference->hi, difference->reason);
    cell_add_or_reason(&cell, "p", difference->p, difference->reason);
    add_evalue(cell, difference, pooled_sd(adjusted, answer, first));
}

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
    add_difference(adjusted, cell, answer, (int)contrast->a);
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

void analysis_adjusted(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct analysis_plan *plan = &protocol->plan;
    if (protocol->randomised || dataset->pooled || plan->contrast_count == 0)
        return;
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
