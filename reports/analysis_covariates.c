/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_covariates.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"

/* -- one term -------------------------------------------------------------------------------------------- */

/* Levels in the order of the sites' numbers, whatever the order of the subjects. */
static void sort_sites(int *sites, size_t count, int *codes, size_t subject_count)
{
    if (count == 0)
        return;
    int *rank = memory_new_array(sites, int, count);
    int *sorted = memory_new_array(sites, int, count);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++)
            rank[a] += sites[b] < sites[a];
        sorted[rank[a]] = sites[a];
    }
    for (size_t i = 0; i < subject_count; i++)
        codes[i] = codes[i] < 0 ? codes[i] : rank[codes[i]];
    for (size_t a = 0; a < count; a++)
        sites[a] = sorted[a];
}

/* Subjects stand by site, so that the last site is nearly always the right one. */
static void take_sites(const void *owner, const struct dataset *dataset, const bool *included,
                       struct covariate *covariate)
{
    int *codes = memory_new_array(owner, int, dataset->subject_count);
    int *sites = NULL;
    size_t count = 0, at = 0;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        codes[i] = -1;
        if (!included[i])
            continue;
        int site = dataset->subjects[i].site;
        if (at == count || sites[at] != site) {
            for (at = 0; at < count && sites[at] != site;)
                at++;
        }
        if (at == count) {
            sites = memory_resize_array(owner, sites, int, count + 1);
            sites[count++] = site;
        }
        codes[i] = (int)at;
    }
    sort_sites(sites, count, codes, dataset->subject_count);
    const char **names = memory_new_array(owner, const char *, count);
    for (size_t a = 0; a < count; a++)
        names[a] = memory_format(names, "%d", sites[a]);
    covariate->levels = count > 0 ? count : 1;
    covariate->level_names = names;
    covariate->codes = codes;
}

static const int *code_answers(const void *owner, const struct dataset *dataset,
                               const struct answer *const *answers, const struct codes *known)
{
    int *codes = memory_new_array(owner, int, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        size_t code = answers[i] != NULL ? codes_find(known, answers[i]->text) : known->count;
        codes[i] = code < known->count ? (int)code : -1;
    }
    return codes;
}

static const double *number_answers(const void *owner, const struct dataset *dataset,
                                    const struct answer *const *answers)
{
    double *values = memory_new_array(owner, double, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++)
        values[i] = answers[i] != NULL ? answers[i]->number : (double)NAN;
    return values;
}

static void take_answers(const void *owner, const struct dataset *dataset, struct covariate *covariate)
{
    const struct answer **answers = answers_at_baseline(owner, dataset, covariate->item);
    struct codes known =
        codes_of_item(owner, dataset->catalogue, covariate->item->form, covariate->item->item);
    covariate->levels = known.count;
    covariate->level_names = known.at;
    if (known.count > 0)
        covariate->codes = code_answers(owner, dataset, answers, &known);
    else
        covariate->values = number_answers(owner, dataset, answers);
    talloc_free(answers);
}

const char *covariates_name(const void *owner, const struct model_term *term)
{
    if (term->kind == TERM_ITEM)
        return memory_format(owner, "%s.%s", term->item.form, term->item.item);
    return term->kind == TERM_SITE ? "site" : "base";
}

static struct covariate take_term(const void *owner, const struct dataset *dataset, const bool *included,
                                  const struct model_term *term)
{
    struct covariate covariate = {.kind = term->kind, .name = covariates_name(owner, term)};
    if (term->kind == TERM_SITE)
        take_sites(owner, dataset, included, &covariate);
    if (term->kind == TERM_ITEM) {
        covariate.item = &term->item;
        take_answers(owner, dataset, &covariate);
    }
    return covariate;
}

/* -- all ------------------------------------------------------------------------------------------------- */

const char *covariates_formula(const void *owner, const struct model_term *terms, size_t term_count)
{
    const char *formula = "cohort";
    for (size_t t = 0; t < term_count; t++)
        formula = memory_format(owner, "%s+%s", formula, covariates_name(owner, &terms[t]));
    return formula;
}

struct covariates covariates_of(const void *owner, const struct dataset *dataset,
                                const struct model_term *terms, size_t term_count)
{
    int *cohort = memory_new_array(owner, int, dataset->subject_count);
    bool *included = memory_new_array(owner, bool, dataset->subject_count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        int column = dataset_column(dataset, i);
        cohort[i] = column == NO_COHORT ? -1 : column;
        included[i] = dataset->subjects[i].treated && column != NO_COHORT;
    }
    struct covariate *all = memory_new_array(owner, struct covariate, term_count);
    for (size_t t = 0; t < term_count; t++)
        all[t] = take_term(owner, dataset, included, &terms[t]);
    const char *formula = covariates_formula(owner, terms, term_count);
    return (struct covariates){
        all, term_count, formula, cohort, included, dataset->cohort_count, dataset->subject_count};
}

struct linear_variable *covariates_variables(const void *owner, const struct covariates *covariates,
                                             const double *baseline)
{
    struct linear_variable *variables =
        memory_new_array(owner, struct linear_variable, covariates->count + 1);
    variables[COVARIATES_COHORT] =
        (struct linear_variable){covariates->cohort_count, covariates->cohort, NULL};
    for (size_t t = 0; t < covariates->count; t++) {
        const struct covariate *covariate = &covariates->at[t];
        variables[t + 1] = (struct linear_variable){
            covariate->levels, covariate->codes, covariate->kind == TERM_BASE ? baseline : covariate->values};
    }
    return variables;
}

struct linear_term *covariates_terms(const void *owner, size_t count)
{
    struct linear_term *terms = memory_new_array(owner, struct linear_term, count);
    for (size_t t = 0; t < count; t++)
        terms[t] = (struct linear_term){(int)t, LINEAR_MAIN};
    return terms;
}

void covariates_change(const struct dataset *dataset, const double *baseline, const double *value,
                       double *change)
{
    for (size_t i = 0; i < dataset->subject_count; i++)
        change[i] = value[i] - baseline[i];
}
