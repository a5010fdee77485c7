/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T7 change from baseline at each visit by analysis of covariance: those with a value at the visit, on the
 * cohort and the plan's covariates; also by the protocol's strict windows.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_rows.h"
#include "reports/stat_linear.h"

struct ancova {
    const struct dataset *dataset;
    struct covariates covariates;
    struct contrasts contrasts;
    enum linear_margins margins;
    double level;
    struct results *results;
    void *scratch;
    double *change;              /* of each subject */
    struct linear_variable *variables;
    struct linear_term *terms;
    const struct equivalence_margin *margin;   /* of the endpoint, or NULL */
};

static struct linear_mean mean_of(const struct ancova *ancova, size_t cohort)
{
    return (struct linear_mean){COVARIATES_COHORT, cohort, LINEAR_MAIN, 0, ancova->margins};
}

static void add_means(const struct ancova *ancova, struct cell cell, const struct linear_fit *fit)
{
    for (size_t c = 0; c < ancova->dataset->cohort_count; c++) {
        struct linear_mean mean = mean_of(ancova, c);
        struct linear_estimate e = stat_linear_mean(fit, &mean, ancova->level);
        cell.col = ancova->dataset->cohorts[c];
        cell_add_count(&cell, "n", fit->design != NULL ? fit->design->counts[COVARIATES_COHORT][c] : 0);
        cell_add_or_reason(&cell, "lsmean", e.estimate, e.reason);
        cell_add_or_reason(&cell, "se", e.se, e.reason);
        cell_add_or_reason(&cell, "df", e.df, e.reason);
        cell_add_or_reason(&cell, "lo", e.lo, e.reason);
        cell_add_or_reason(&cell, "hi", e.hi, e.reason);
    }
}

static void add_differences(const struct ancova *ancova, struct cell cell, const struct linear_fit *fit)
{
    for (size_t i = 0; i < ancova->contrasts.count; i++) {
        const struct contrast *contrast = &ancova->contrasts.at[i];
        struct linear_mean a = mean_of(ancova, contrast->a), b = mean_of(ancova, contrast->b);
        struct linear_estimate e = stat_linear_difference(fit, &a, &b, ancova->level);
        cell.col = contrast->name;
        cell_add_linear(&cell, "diff", &e);
        if (ancova->margin != NULL)
            cell_add_or_reason(&cell, "tost_p", stat_linear_equivalence(&e, ancova->margin->margin),
                               e.reason);
    }
}

static void add_tests(const struct ancova *ancova, struct cell cell, const struct linear_fit *fit)
{
    size_t first = ancova->dataset->cohort_count > 1 ? COVARIATES_COHORT : COVARIATES_COHORT + 1;
    for (size_t t = first; t <= ancova->covariates.count; t++) {
        const char *name = t == COVARIATES_COHORT ? "cohort" : ancova->covariates.at[t - 1].name;
        char *col = memory_format(NULL, "term %s", name);
        struct linear_test test = stat_linear_term(fit, t);
        cell.col = col;
        cell_add_f_test(&cell, &test);
        talloc_free(col);
    }
}

/* Subjects with a change whom the model leaves out, because a covariate of theirs is missing. */
static size_t count_left_out(const struct ancova *ancova, const struct linear_fit *fit)
{
    size_t with_change = 0;
    for (size_t i = 0; i < ancova->dataset->subject_count; i++)
        with_change += ancova->covariates.included[i] && !isnan(ancova->change[i]);
    return with_change - (fit->design != NULL ? fit->design->used : 0);
}

static void add_model(const struct ancova *ancova, struct cell cell, const struct linear_fit *fit)
{
    const char *reason = fit->reason != NULL ? fit->reason : fit->variance_reason;
    cell.col = "model";
    cell_add_count(&cell, "left_out", count_left_out(ancova, fit));
    cell_add_or_reason(&cell, "rmse", fit->residual_sd, reason);
    cell_add_or_reason(&cell, "resid_df", fit->df, reason);
}

static void add_visit(const struct ancova *ancova, const char *table, int visit)
{
    const struct linear_data data = {
        .records = ancova->dataset->subject_count,
        .response = ancova->change,
        .included = ancova->covariates.included,
        .variables = ancova->variables,
        .variable_count = ancova->covariates.count + 1,
        .terms = ancova->terms,
        .term_count = ancova->covariates.count + 1,
    };
    struct cell cell = {ancova->results, table, ancova->dataset->catalogue->protocol->visits[visit].id, NULL};
    struct linear_fit *fit = stat_linear_fit(ancova->scratch, &data, LINEAR_MODEL_VARIANCE);
    add_means(ancova, cell, fit);
    add_differences(ancova, cell, fit);
    add_model(ancova, cell, fit);
    add_tests(ancova, cell, fit);
    talloc_free(fit);
}

static void add_window(struct ancova *ancova, size_t endpoint, enum dataset_window window)
{
    const struct dataset *dataset = ancova->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    bool strict = window == DATASET_DUE_WINDOW;
    double **columns = strict ? dataset_collect_values(ancova->scratch, dataset, endpoint, DATASET_INDEX_KNEE,
                                                       DATASET_DUE_WINDOW)
                              : NULL;
    char *table = memory_format(ancova->scratch, "ANCOVA change ~ %s %s%s", ancova->covariates.formula,
                                protocol->endpoints[endpoint].id, strict ? " due windows" : "");
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(dataset, visit))
            continue;
        covariates_change(dataset, baseline,
                          strict ? columns[visit] : dataset_values(dataset, endpoint, visit), ancova->change);
        add_visit(ancova, table, visit);
    }
    talloc_free(table);
    talloc_free(columns);
}

void analysis_ancova(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct analysis_plan *plan = &protocol->plan;
    void *owner = memory_owner(NULL, "analysis of covariance");
    struct ancova ancova = {
        .dataset = dataset,
        .covariates = covariates_of(owner, dataset, plan->covariates, plan->covariate_count),
        .contrasts = contrasts_of(owner, dataset),
        .margins = protocol->lsmeans_equal ? LINEAR_EQUAL : LINEAR_OBSERVED,
        .level = protocol->level,
        .results = results,
        .scratch = owner,
        .change = memory_new_array(owner, double, dataset->subject_count),
        .terms = covariates_terms(owner, plan->covariate_count + 1),
    };
    for (size_t m = 0; m < plan->model_count; m++) {
        size_t endpoint = (size_t)plan->models[m];
        const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
        ancova.variables = covariates_variables(owner, &ancova.covariates, baseline);
        ancova.margin = plan_find_margin(plan, plan->models[m]);
        add_window(&ancova, endpoint, DATASET_ANALYSIS_WINDOW);
        add_window(&ancova, endpoint, DATASET_DUE_WINDOW);
        talloc_free(ancova.variables);
    }
    talloc_free(owner);
}
