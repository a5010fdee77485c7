/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T16 what the differences against the reference cohort would be if subjects without a value went on as those
 * of the reference (stat_imputation.h), and how much worse imputed values would have to be to undo them.
 * The model is that of T8; one fit and one jackknife serve all methods.  Beside them the analysis of
 * covariance of those with a value, weighted for those without (stat_missing_weights.h).  At a visit are
 * those for whom it is over: who may still come has not dropped out, and who came early is not like them.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_repeated.h"
#include "reports/analysis_rows.h"
#include "reports/stat_imputation.h"
#include "reports/stat_missing_weights.h"
#include "reports/visit_dates.h"

/* Missing at random is always shown, for comparison. */
static const struct {
    const char *name;
    unsigned bit; /* of enum imputation_method; 0: always */
    enum imputation_strategy strategy;
} methods[] = {
    {"MAR", 0, IMPUTATION_MAR},
    {"J2R", IMPUTE_J2R, IMPUTATION_JUMP},
    {"CR", IMPUTE_CR, IMPUTATION_COPY},
    {"CIR", IMPUTE_CIR, IMPUTATION_INCREMENTS},
};

struct sensitivity {
    const struct dataset *dataset;
    const struct protocol *protocol;
    const struct repeated *repeated;
    struct results *results;
    const bool *over;                    /* of each subject, [subject * visit_count + visit] */
    const struct imputation *imputation; /* of the endpoint */
    const char *endpoint;
};

static const char *visit_id(const struct sensitivity *sensitivity, size_t visit)
{
    return sensitivity->protocol->visits[sensitivity->repeated->visits[visit]].id;
}

static void add_imputation(const struct sensitivity *sensitivity)
{
    const struct imputation *imputation = sensitivity->imputation;
    const struct dataset *dataset = sensitivity->dataset;
    char *table = memory_format(NULL, "sensitivity %s", sensitivity->endpoint);
    struct cell cell = {sensitivity->results, table, "jackknife", "model"};
    cell_add_count(&cell, "subjects", imputation->subjects);
    cell_add_count(&cell, "replicates", imputation->replicates);
    cell_add_count(&cell, "grouped", imputation->grouped ? 1 : 0);
    for (size_t j = 0; j < sensitivity->repeated->visit_count; j++) {
        cell.row = visit_id(sensitivity, j);
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            size_t code = (size_t)sensitivity->repeated->code_of_column[c];
            size_t at = code * sensitivity->repeated->visit_count + j;
            cell.col = dataset->cohorts[c];
            cell_add_count(&cell, "n", imputation->analysed[at]);
            cell_add_count(&cell, "imputed", imputation->imputed[at]);
        }
    }
    talloc_free(table);
}

static void add_difference(const struct sensitivity *sensitivity, const struct cell *cell,
                           const struct imputation_contrast *contrast)
{
    double level = sensitivity->protocol->level;
    struct imputation_estimate e = stat_imputation_estimate(sensitivity->imputation, contrast, level);
    cell_add_or_reason(cell, "diff", e.estimate, e.reason);
    cell_add_or_reason(cell, "se", e.se, e.reason);
    cell_add_or_reason(cell, "lo", e.lo, e.reason);
    cell_add_or_reason(cell, "hi", e.hi, e.reason);
    cell_add_or_reason(cell, "z", e.z, e.reason);
    cell_add_or_reason(cell, "p", e.p, e.reason);
    if (sensitivity->protocol->plan.sensitivity.tipping) {
        struct imputation_tipping tipping = stat_imputation_tipping(sensitivity->imputation, contrast, level);
        cell_add_or_reason(cell, "tipping_delta", tipping.delta, tipping.reason);
    }
}

static void add_method(const struct sensitivity *sensitivity, size_t method)
{
    const struct dataset *dataset = sensitivity->dataset;
    size_t reference = sensitivity->repeated->column_of_code[0];
    void *owner = memory_owner(NULL, "method");
    const char *table =
        memory_format(owner, "sensitivity %s %s", sensitivity->endpoint, methods[method].name);
    for (size_t j = 0; j < sensitivity->repeated->visit_count; j++) {
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            if (c == reference)
                continue;
            const char *col =
                memory_format(owner, "%s - %s", dataset->cohorts[c], dataset->cohorts[reference]);
            const struct cell cell = {sensitivity->results, table, visit_id(sensitivity, j), col};
            add_difference(sensitivity, &cell,
                           &(struct imputation_contrast){methods[method].strategy,
                                                         sensitivity->repeated->code_of_column[c], (int)j,
                                                         0});
        }
    }
    talloc_free(owner);
}

/* -- weights ------------------------------------------------------------------------------------------- */

/* The outcome is on the cohort and the first `outcome_terms` covariates, the probability on all. */
struct weighting {
    struct covariates covariates;
    size_t outcome_terms;
    const struct linear_term *terms;
    double *change;                      /* of each subject */
    bool *included;                      /* of each subject at a visit */
};

static bool has_term(const struct model_term *terms, size_t count, const struct model_term *term)
{
    void *owner = memory_owner(NULL, "names");
    const char *name = covariates_name(owner, term);
    bool found = false;
    for (size_t t = 0; t < count && !found; t++)
        found = strcmp(covariates_name(owner, &terms[t]), name) == 0;
    talloc_free(owner);
    return found;
}

static size_t append_terms(struct model_term *all, size_t count, const struct model_term *terms,
                           size_t term_count)
{
    for (size_t t = 0; t < term_count; t++) {
        if (!has_term(all, count, &terms[t]))
            all[count++] = terms[t];
    }
    return count;
}

/* The plan's covariates and the baseline; of the probability also what the plan adjusts for. */
static struct weighting weighting_of(void *owner, const struct dataset *dataset)
{
    static const struct model_term base = {.kind = TERM_BASE};
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    struct model_term *all =
        memory_new_array(owner, struct model_term, plan->covariate_count + plan->adjustment_count + 1);
    size_t count = append_terms(all, 0, plan->covariates, plan->covariate_count);
    size_t outcome_terms = append_terms(all, count, &base, 1);
    count = append_terms(all, outcome_terms, plan->adjustment, plan->adjustment_count);
    return (struct weighting){
        .covariates = covariates_of(owner, dataset, all, count),
        .outcome_terms = outcome_terms,
        .terms = covariates_terms(owner, count + 1),
        .change = memory_new_array(owner, double, dataset->subject_count),
        .included = memory_new_array(owner, bool, dataset->subject_count),
    };
}

static void include_at(const struct sensitivity *sensitivity, const struct weighting *weighting, size_t visit)
{
    size_t visits = sensitivity->repeated->visit_count;
    for (size_t i = 0; i < sensitivity->dataset->subject_count; i++)
        weighting->included[i] = weighting->covariates.included[i] && sensitivity->over[i * visits + visit];
}

static void add_weighted(const struct cell *cell, const struct missing_weights *weights, size_t a, size_t b,
                         double level)
{
    const struct linear_mean first = {COVARIATES_COHORT, a, LINEAR_MAIN, 0, LINEAR_OBSERVED};
    const struct linear_mean second = {COVARIATES_COHORT, b, LINEAR_MAIN, 0, LINEAR_OBSERVED};
    struct linear_estimate e = stat_linear_difference(weights->fit, &first, &second, level);
    bool both = weights->n[a] > 0 && weights->n[b] > 0;
    double effective = both ? weights->effective[a] + weights->effective[b] : (double)NAN;
    double largest = both ? fmax(weights->largest[a], weights->largest[b]) : (double)NAN;
    cell_add_linear(cell, "diff", &e);
    cell_add_count(cell, "n", weights->n[a] + weights->n[b]);
    cell_add_or_reason(cell, "ess", effective, e.reason);
    cell_add_or_reason(cell, "weight_max", largest, e.reason);
}

/* Every other cohort against the reference at each visit. */
static void add_weighting(const struct sensitivity *sensitivity, const struct weighting *weighting,
                          size_t endpoint)
{
    const struct dataset *dataset = sensitivity->dataset;
    size_t reference = sensitivity->repeated->column_of_code[0];
    void *owner = memory_owner(NULL, "weights");
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    const struct linear_data data = {
        .records = dataset->subject_count,
        .response = weighting->change,
        .included = weighting->included,
        .variables = covariates_variables(owner, &weighting->covariates, baseline),
        .variable_count = weighting->covariates.count + 1,
        .terms = weighting->terms,
        .term_count = weighting->outcome_terms + 1,
    };
    const struct missing_weights_question question = {
        &data, weighting->terms, weighting->covariates.count + 1, COVARIATES_COHORT};
    struct cell cell = {sensitivity->results, memory_format(owner, "sensitivity %s IPW", sensitivity->endpoint),
                        NULL, NULL};
    for (size_t j = 0; j < sensitivity->repeated->visit_count; j++) {
        covariates_change(dataset, baseline,
                          dataset_values(dataset, endpoint, (int)sensitivity->repeated->visits[j]),
                          weighting->change);
        include_at(sensitivity, weighting, j);
        struct missing_weights *weights = stat_missing_weights(owner, &question);
        cell.row = visit_id(sensitivity, j);
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            if (c == reference)
                continue;
            cell.col = memory_format(owner, "%s - %s", dataset->cohorts[c], dataset->cohorts[reference]);
            add_weighted(&cell, weights, c, reference, sensitivity->protocol->level);
        }
        talloc_free(weights);
    }
    talloc_free(owner);
}

/* -- all ------------------------------------------------------------------------------------------------- */

static const bool *find_visits_over(const void *owner, const struct repeated *repeated)
{
    const struct dataset *dataset = repeated->dataset;
    const struct visit *visits = dataset->catalogue->protocol->visits;
    bool *over =
        memory_new_array(owner, bool, memory_size_product(dataset->subject_count, repeated->visit_count));
    for (size_t i = 0; i < dataset->subject_count; i++) {
        for (size_t j = 0; repeated->cohort[i] >= 0 && j < repeated->visit_count; j++)
            over[i * repeated->visit_count + j] =
                visit_is_over(dataset, &dataset->subjects[i], &visits[repeated->visits[j]]);
    }
    return over;
}

void analysis_sensitivity(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct sensitivity_plan *plan = &protocol->plan.sensitivity;
    if (repeated_reference(dataset) == NO_COHORT || plan->endpoint_count == 0)
        return;
    void *owner = memory_owner(NULL, "sensitivity");
    const struct repeated *repeated = repeated_new(owner, dataset);
    const struct weighting weighting = weighting_of(owner, dataset);
    const bool *over = find_visits_over(owner, repeated);
    for (size_t e = 0; e < plan->endpoint_count; e++) {
        size_t endpoint = (size_t)plan->endpoints[e];
        void *memory = memory_owner(owner, "endpoint");
        const struct mmrm_input *input = repeated_input(memory, repeated, endpoint);
        const struct sensitivity sensitivity = {
            .dataset = dataset,
            .protocol = protocol,
            .repeated = repeated,
            .results = results,
            .over = over,
            .imputation = stat_imputation(memory, input, 0, over),
            .endpoint = protocol->endpoints[endpoint].id,
        };
        add_imputation(&sensitivity);
        for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
            if (methods[m].bit == 0 || (plan->methods & methods[m].bit) != 0)
                add_method(&sensitivity, m);
        }
        add_weighting(&sensitivity, &weighting, endpoint);
        talloc_free(memory);
    }
    talloc_free(owner);
}
