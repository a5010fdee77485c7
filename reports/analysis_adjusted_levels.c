/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis_adjusted.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_subgroups.h"

/* Who is compared: codes first and second of the subjects included. */
struct comparison {
    const int *codes;
    const bool *included;
    int first, second;
};

static bool is_asked(const struct protocol *protocol, const struct claim *claim)
{
    return claim->level != NULL && claim->subgroup >= 0 && (claim->contrast < 0 || !protocol->randomised);
}

/* Whether an earlier claim has the same rows: levels have two names. */
static bool came_before(const void *owner, const struct catalogue *catalogue, const struct claim *claim,
                        const char *row)
{
    for (const struct claim *at = catalogue->protocol->plan.claims; at < claim; at++) {
        if (is_asked(catalogue->protocol, at) && at->endpoint == claim->endpoint && at->visit == claim->visit
            && at->cohort == claim->cohort && at->contrast == claim->contrast
            && strcmp(subgroup_claim_row(owner, catalogue, at), row) == 0)
            return true;
    }
    return false;
}

/* The item whose levels are compared would tell them apart wholly. */
const struct model_term *adjusted_terms(const void *owner, const struct analysis_plan *plan,
                                        const struct claim *claim, size_t *count)
{
    const struct item_reference *own = claim->against != NULL ? &plan->subgroups[claim->subgroup].item : NULL;
    struct model_term *terms = memory_new_array(owner, struct model_term, plan->adjustment_count);
    *count = 0;
    for (size_t t = 0; t < plan->adjustment_count; t++) {
        const struct model_term *term = &plan->adjustment[t];
        bool same = own != NULL && term->kind == TERM_ITEM && strcmp(term->item.form, own->form) == 0
                 && strcmp(term->item.item, own->item) == 0;
        if (!same)
            terms[(*count)++] = *term;
    }
    return terms;
}

static struct comparison find_comparison(const void *owner, const struct dataset *dataset, const struct claim *claim,
                                         const struct covariates *covariates)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    const struct subgroup *subgroup = &plan->subgroups[claim->subgroup];
    const int *levels = subgroup_codes(owner, dataset, subgroup);
    size_t count;
    const struct subgroup_level *at = catalogue_subgroup_levels(owner, dataset->catalogue, subgroup, &count);
    int level = subgroup_find_name(at, count, claim->level);
    bool *included = memory_new_array(owner, bool, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++)
        included[i] = covariates->included[i]
                   && (claim->contrast >= 0 ? levels[i] == level : covariates->cohort[i] == claim->cohort);
    if (claim->contrast >= 0) {
        const struct cohort_contrast *contrast = &plan->contrasts[claim->contrast];
        return (struct comparison){covariates->cohort, included, contrast->cohort, contrast->against};
    }
    return (struct comparison){levels, included, level, subgroup_find_name(at, count, claim->against)};
}

static const char *column_of(const void *owner, const struct dataset *dataset, const struct claim *claim)
{
    if (claim->contrast < 0)
        return dataset->cohorts[claim->cohort];
    const struct cohort_contrast *contrast = &dataset->catalogue->protocol->plan.contrasts[claim->contrast];
    return memory_format(owner, "%s - %s", dataset->cohorts[contrast->cohort], dataset->cohorts[contrast->against]);
}

static void add_claim(const void *owner, const struct dataset *dataset, struct results *results,
                      const struct claim *claim, const char *row)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    size_t term_count;
    const struct model_term *terms = adjusted_terms(owner, &protocol->plan, claim, &term_count);
    struct covariates covariates = covariates_of(owner, dataset, terms, term_count);
    struct comparison comparison = find_comparison(owner, dataset, claim, &covariates);
    const double *baseline = dataset_values(dataset, (size_t)claim->endpoint, dataset_baseline(dataset));
    double *change = memory_new_array(owner, double, dataset->subject_count);
    covariates_change(dataset, baseline, dataset_values(dataset, (size_t)claim->endpoint, claim->visit), change);
    const struct linear_data data = {
        .records = dataset->subject_count,
        .response = change,
        .included = comparison.included,
        .variables = covariates_variables(owner, &covariates, baseline) + 1,
        .variable_count = term_count,
        .terms = covariates_terms(owner, term_count),
        .term_count = term_count,
    };
    const struct overlap_question question = {&data, comparison.codes, comparison.first, comparison.second,
                                              protocol->level};
    const struct cell cell = {
        results, memory_format(owner, "adjusted %s", protocol->endpoints[claim->endpoint].id),
        memory_format(owner, "%s %s", protocol->visits[claim->visit].id, row), column_of(owner, dataset, claim)};
    adjusted_add_difference(cell, &question, stat_overlap(owner, &question));
}

void adjusted_levels(const struct dataset *dataset, struct results *results)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    for (size_t c = 0; c < plan->claim_count; c++) {
        const struct claim *claim = &plan->claims[c];
        if (!is_asked(dataset->catalogue->protocol, claim))
            continue;
        void *owner = memory_owner(NULL, "levels");
        const char *row = subgroup_claim_row(owner, dataset->catalogue, claim);
        if (!came_before(owner, dataset->catalogue, claim, row))
            add_claim(owner, dataset, results, claim, row);
        talloc_free(owner);
    }
}
