/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_repeated.h"

#include "forms/base/memory.h"

int repeated_reference(const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (dataset->pooled || protocol->reference == NULL)
        return NO_COHORT;
    return protocol_find_cohort(protocol, protocol->reference);
}

static void code_cohorts(struct repeated *repeated)
{
    const struct dataset *dataset = repeated->dataset;
    int reference = repeated_reference(dataset);
    size_t *columns = memory_new_array(repeated, size_t, dataset->cohort_count);
    int *codes = memory_new_array(repeated, int, dataset->cohort_count);
    size_t next = 0;
    if (reference >= 0)
        columns[next++] = (size_t)reference;
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        if ((int)c != reference)
            columns[next++] = c;
    }
    for (size_t k = 0; k < next; k++)
        codes[columns[k]] = (int)k;
    int *cohort = memory_new_array(repeated, int, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++)
        cohort[i] = repeated->covariates.included[i] ? codes[repeated->covariates.cohort[i]] : -1;
    repeated->column_of_code = columns;
    repeated->code_of_column = codes;
    repeated->cohort = cohort;
}

struct repeated *repeated_new(const void *owner, const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct repeated *repeated = memory_new(owner, struct repeated);
    repeated->dataset = dataset;
    repeated->covariates =
        covariates_of(repeated, dataset, protocol->plan.covariates, protocol->plan.covariate_count);
    code_cohorts(repeated);
    size_t *visits = memory_new_array(repeated, size_t, protocol->visit_count);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (dataset_is_after_baseline(dataset, (int)v))
            visits[repeated->visit_count++] = v;
    }
    repeated->visits = visits;
    return repeated;
}

int repeated_find_visit(const struct repeated *repeated, int visit)
{
    for (size_t j = 0; j < repeated->visit_count; j++) {
        if ((int)repeated->visits[j] == visit)
            return (int)j;
    }
    return MMRM_NO_VISIT;
}

static struct mmrm_term *make_terms(const void *owner, const struct covariates *covariates,
                                    const double *baseline)
{
    struct mmrm_term *terms = memory_new_array(owner, struct mmrm_term, covariates->count);
    for (size_t t = 0; t < covariates->count; t++) {
        const struct covariate *covariate = &covariates->at[t];
        bool base = covariate->kind == TERM_BASE;
        terms[t] = (struct mmrm_term){
            .name = covariate->name,
            .covariate = base ? baseline : covariate->values,
            .level = covariate->codes,
            .level_count = covariate->levels,
            .by_visit = base,
        };
    }
    return terms;
}

struct mmrm_input *repeated_input(const void *owner, const struct repeated *repeated, size_t endpoint)
{
    const struct dataset *dataset = repeated->dataset;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    size_t visits = repeated->visit_count;
    struct mmrm_input *input = memory_new(owner, struct mmrm_input);
    double *y = memory_new_array(input, double, memory_size_product(dataset->subject_count, visits));
    for (size_t j = 0; j < visits; j++) {
        const double *value = dataset_values(dataset, endpoint, (int)repeated->visits[j]);
        for (size_t i = 0; i < dataset->subject_count; i++)
            y[i * visits + j] = value[i] - baseline[i];
    }
    *input = (struct mmrm_input){
        .subject_count = dataset->subject_count,
        .visit_count = visits,
        .cohort_count = dataset->cohort_count,
        .term_count = repeated->covariates.count,
        .cohort = repeated->cohort,
        .terms = make_terms(input, &repeated->covariates, baseline),
        .y = y,
        .structure = MMRM_UNSTRUCTURED,
    };
    return input;
}

const char *repeated_formula(const void *owner, const struct dataset *dataset)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    const char *formula = dataset->pooled ? "change ~ visit" : "change ~ cohort x visit";
    for (size_t t = 0; t < plan->covariate_count; t++) {
        const struct model_term *term = &plan->covariates[t];
        formula = memory_format(owner, "%s + %s%s", formula, covariates_name(owner, term),
                                term->kind == TERM_BASE ? " x visit" : "");
    }
    return formula;
}
