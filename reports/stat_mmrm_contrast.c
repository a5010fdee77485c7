/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_mmrm_model.h"

#define ESTIMABLE 1e-7           /* of the size of a function */

/* ---- functions of all coefficients -------------------------------------------------------------------- */

/* The share of a source in a least squares mean of `cohort`. */
static double weight_of(const struct mmrm_model *model, size_t source, size_t cohort,
                        enum mmrm_margins margins)
{
    const struct mmrm_source *at = &model->sources[source];
    if (at->term < 0)
        return source == cohort ? 1 : 0;
    if (at->level < 0)
        return 0;                /* covariates are centred at their mean over records */
    return margins == MMRM_EQUAL_MARGINS ? at->equal : at->share;
}

/* function += times x the least squares mean of the cohort at the used visit. */
static void add_mean(const struct mmrm_model *model, double *function, size_t cohort, size_t visit,
                     enum mmrm_margins margins, double times)
{
    for (size_t k = 0; k < model->coefficient_count; k++) {
        const struct mmrm_coefficient *at = &model->coefficients[k];
        if (at->visit == visit || at->visit == model->visits)
            function[k] += times * weight_of(model, at->source, cohort, margins);
    }
}

/* What an aliased column says about a function beyond what the kept ones do: 0 when it can be estimated. */
static double beyond(const struct mmrm_model *model, const double *function, size_t aliased, double *size)
{
    double sum = function[aliased];
    double total = fabs(sum);
    size_t at = 0;
    for (size_t k = 0; k < aliased; k++)
        at += !model->kept[k];
    for (size_t i = 0; i < model->rank; i++) {
        double part = model->alias[i + at * model->rank] * function[model->kept_index[i]];
        sum -= part;
        total += fabs(part);
    }
    *size = total;
    return fabs(sum) <= ESTIMABLE * total ? 0 : sum;
}

static bool is_estimable(const struct mmrm_model *model, const double *function)
{
    double size = 0;
    for (size_t k = 0; k < model->coefficient_count; k++) {
        if (!model->kept[k] && beyond(model, function, k, &size) != 0)
            return false;
    }
    return true;
}

static void take_kept(const struct mmrm_model *model, const double *function, double *out)
{
    for (size_t i = 0; i < model->rank; i++)
        out[i] = function[model->kept_index[i]];
}

/* ---- least squares means and differences -------------------------------------------------------------- */

/* Used visits from..to - 1 of a caller's visit; the reason when it is not used. */
static const char *find_visits(const struct mmrm_fit *fit, int visit, size_t *from, size_t *to)
{
    *from = 0;
    *to = fit->used_count;
    if (visit == MMRM_ALL_VISITS)
        return NULL;
    for (size_t j = 0; j < fit->used_count; j++) {
        if (fit->used[j] == (size_t)visit) {
            *from = j;
            *to = j + 1;
            return NULL;
        }
    }
    return (size_t)visit < fit->visit_count ? fit->visit_notes[visit] : "there is no such visit";
}

static const char *add_visits(const struct mmrm_fit *fit, const struct mmrm_contrast *contrast, int visit,
                              double times, double *function)
{
    size_t from = 0, to = 0;
    const char *reason = find_visits(fit, visit, &from, &to);
    double share = times / (double)(to - from);
    for (size_t j = from; reason == NULL && j < to; j++) {
        size_t at = fit->used[j];
        if (fit->cell_n[(size_t)contrast->cohort * fit->visit_count + at] == 0)
            return "the cohort has no value at a visit";
        add_mean(fit->model, function, (size_t)contrast->cohort, j, contrast->margins, share);
        if (contrast->reference == MMRM_NO_COHORT) {
            function[fit->model->coefficient_count] += share * fit->model->y_centre[j];
            continue;
        }
        if (fit->cell_n[(size_t)contrast->reference * fit->visit_count + at] == 0)
            return "the cohort that is compared with has no value at a visit";
        add_mean(fit->model, function, (size_t)contrast->reference, j, contrast->margins, -share);
    }
    return reason;
}

struct mmrm_estimate stat_mmrm_estimate(const struct mmrm_fit *fit, const struct mmrm_contrast *contrast,
                                        enum mmrm_method method, double level)
{
    const double none = (double)NAN;
    struct mmrm_estimate result = {none, none, none, none, none, none, none, fit->reason};
    if (fit->reason != NULL)
        return result;
    const struct mmrm_model *model = fit->model;
    size_t all = model->coefficient_count;
    double *function = memory_new_array(NULL, double, all + 1 + model->rank);   /* the offset stands behind */
    result.reason = add_visits(fit, contrast, contrast->visit, 1, function);
    if (result.reason == NULL && contrast->minus_visit != MMRM_NO_VISIT)
        result.reason = add_visits(fit, contrast, contrast->minus_visit, -1, function);
    if (result.reason == NULL && !is_estimable(model, function))
        result.reason = "the cohorts cannot be told apart from the other factors and covariates";
    if (result.reason == NULL) {
        take_kept(model, function, function + all + 1);
        result = mmrm_function_estimate(fit, function + all + 1, function[all], method, level);
    }
    talloc_free(function);
    return result;
}

/* ---- effects ------------------------------------------------------------------------------------------- */

/* function += times x the mean of the cohort at the used visit with covariates 0, factors at their first level. */
static void add_origin(const struct mmrm_model *model, double *function, size_t cohort, size_t visit,
                       double times)
{
    for (size_t k = 0; k < model->coefficient_count; k++) {
        const struct mmrm_coefficient *at = &model->coefficients[k];
        const struct mmrm_source *source = &model->sources[at->source];
        if (at->visit != visit && at->visit != model->visits)
            continue;
        if (source->term < 0)
            function[k] += at->source == cohort ? times : 0;
        else if (source->level < 0)
            function[k] -= times * source->centre * source->scale;
    }
    function[model->coefficient_count] += times * model->y_centre[visit];
}

static void add_cohort_effect(const struct mmrm_model *model, double *function, size_t cohort, size_t visit)
{
    add_origin(model, function, cohort, visit, 1);
    if (cohort > 0)
        add_origin(model, function, 0, visit, -1);
    if (visit > 0) {
        add_origin(model, function, cohort, 0, -1);
        if (cohort > 0)
            add_origin(model, function, 0, 0, 1);
    }
}

size_t stat_mmrm_effect_count(const struct mmrm_fit *fit)
{
    return fit->reason == NULL ? fit->model->coefficient_count : 0;
}

struct mmrm_effect stat_mmrm_effect(const struct mmrm_fit *fit, size_t index, enum mmrm_method method,
                                    double level)
{
    const double none = (double)NAN;
    const struct mmrm_model *model = fit->model;
    const struct mmrm_coefficient *at = &model->coefficients[index];
    const struct mmrm_source *source = &model->sources[at->source];
    size_t all = model->coefficient_count;
    bool later = at->visit > 0 && at->visit < model->visits;
    struct mmrm_effect effect = {
        .cohort = source->term < 0 && source->level > 0 ? source->level : MMRM_NO_COHORT,
        .term = source->term < 0 ? MMRM_NO_TERM : source->term,
        .level = source->term < 0 ? -1 : source->level,
        .visit = later ? (int)model->used[at->visit] : MMRM_NO_VISIT,
        .estimate = {none, none, none, none, none, none, none, NULL},
    };
    double *function = memory_new_array(NULL, double, all + 1 + model->rank);   /* the offset stands behind */
    if (source->term < 0) {
        add_cohort_effect(model, function, at->source, at->visit);
    } else {
        double unit = source->level < 0 ? source->scale : 1;
        function[index] = unit;
        /* Coefficients of a source at the visits stand side by side. */
        if (later)
            function[index - at->visit] = -unit;
    }
    if (is_estimable(model, function) && !(source->term >= 0 && source->level < 0 && source->scale == 0)) {
        take_kept(model, function, function + all + 1);
        effect.estimate = mmrm_function_estimate(fit, function + all + 1, function[all], method, level);
    } else {
        effect.estimate.reason = "cannot be told apart from the other effects";
    }
    talloc_free(function);
    return effect;
}

/* ---- hypotheses --------------------------------------------------------------------------------------- */

struct rows {
    const struct mmrm_fit *fit;
    double *functions;           /* coefficient_count each */
    size_t count;
};

static double *add_row(struct rows *rows)
{
    size_t all = rows->fit->model->coefficient_count;
    rows->functions = memory_resize_array(rows, rows->functions, double, (rows->count + 1) * all);
    double *row = rows->functions + rows->count++ * all;
    memset(row, 0, all * sizeof *row);
    return row;
}

static void add_difference(const struct mmrm_model *model, double *row, const size_t pair[2], size_t visit,
                           double times)
{
    add_mean(model, row, pair[1], visit, MMRM_EQUAL_MARGINS, times);
    add_mean(model, row, pair[0], visit, MMRM_EQUAL_MARGINS, -times);
}

static void add_pair_rows(struct rows *rows, enum mmrm_hypothesis hypothesis, const size_t pair[2])
{
    const struct mmrm_model *model = rows->fit->model;
    size_t m = model->visits;
    if (hypothesis == MMRM_COHORT) {
        double *row = add_row(rows);
        for (size_t j = 0; j < m; j++)
            add_difference(model, row, pair, j, 1 / (double)m);
        return;
    }
    for (size_t j = hypothesis == MMRM_COHORT_BY_VISIT ? 1 : 0; j < m; j++) {
        double *row = add_row(rows);
        add_difference(model, row, pair, j, 1);
        if (hypothesis == MMRM_COHORT_BY_VISIT)
            add_difference(model, row, pair, 0, -1);
    }
}

/* Each cohort in the fit against the first that is; the reason when there is only one. */
static const char *add_cohort_rows(struct rows *rows, enum mmrm_hypothesis hypothesis)
{
    const struct mmrm_model *model = rows->fit->model;
    size_t pair[2] = {0, 0};
    size_t found = 0;
    for (size_t c = 0; c < rows->fit->cohort_count; c++) {
        if (!(model->sources[c].share > 0))
            continue;
        pair[found == 0 ? 0 : 1] = c;
        if (found++ > 0)
            add_pair_rows(rows, hypothesis, pair);
    }
    return found < 2 ? "only one cohort has values" : NULL;
}

static const char *add_term_rows(struct rows *rows, enum mmrm_hypothesis hypothesis, size_t term)
{
    const struct mmrm_model *model = rows->fit->model;
    size_t m = model->visits;
    if (term >= model->input->term_count)
        return "there is no such term";
    if (hypothesis == MMRM_TERM_BY_VISIT && !model->input->terms[term].by_visit)
        return "the term has one effect at all visits";
    for (size_t k = 0; k < model->coefficient_count; k++) {
        const struct mmrm_coefficient *at = &model->coefficients[k];
        if (model->sources[at->source].term != (int)term || (at->visit != 0 && at->visit != m))
            continue;
        /* Coefficients of a source at the visits stand side by side. */
        if (hypothesis == MMRM_TERM) {
            double *row = add_row(rows);
            for (size_t j = 0; j < (at->visit == m ? 1 : m); j++)
                row[k + j] = at->visit == m ? 1 : 1 / (double)m;
            continue;
        }
        for (size_t j = 1; j < m; j++) {
            double *row = add_row(rows);
            row[k + j] = 1;
            row[k] = -1;
        }
    }
    return NULL;
}

/*
 * The part of the hypothesis that can be estimated: rows are combined until what aliased columns say beyond
 * the kept ones is gone from all but one, which is dropped.  Returns whether any was.
 */
static bool make_estimable(struct rows *rows)
{
    const struct mmrm_model *model = rows->fit->model;
    size_t all = model->coefficient_count;
    bool reduced = false;
    for (size_t k = 0; k < all; k++) {
        size_t pivot = 0;
        double largest = 0, size = 0;
        for (size_t r = 0; !model->kept[k] && r < rows->count; r++) {
            double left = beyond(model, rows->functions + r * all, k, &size);
            if (fabs(left) > fabs(largest)) {
                largest = left;
                pivot = r;
            }
        }
        if (largest == 0)
            continue;
        double *out = rows->functions + pivot * all;
        for (size_t r = 0; r < rows->count; r++) {
            double times = r == pivot ? 0 : beyond(model, rows->functions + r * all, k, &size) / largest;
            for (size_t i = 0; times != 0 && i < all; i++)
                rows->functions[r * all + i] -= times * out[i];
        }
        rows->count--;
        memmove(out, rows->functions + rows->count * all, all * sizeof *out);
        reduced = true;
    }
    return reduced;
}

struct mmrm_test stat_mmrm_test(const struct mmrm_fit *fit, enum mmrm_hypothesis hypothesis, size_t term,
                                enum mmrm_method method)
{
    const double none = (double)NAN;
    struct mmrm_test result = {none, none, none, none, fit->reason, false};
    if (fit->reason != NULL)
        return result;
    const struct mmrm_model *model = fit->model;
    struct rows *rows = memory_new(NULL, struct rows);
    rows->fit = fit;
    if (model->visits == 1 && (hypothesis == MMRM_COHORT_BY_VISIT || hypothesis == MMRM_TERM_BY_VISIT))
        result.reason = "there is only one visit";
    else if (hypothesis == MMRM_TERM || hypothesis == MMRM_TERM_BY_VISIT)
        result.reason = add_term_rows(rows, hypothesis, term);
    else
        result.reason = add_cohort_rows(rows, hypothesis);
    if (result.reason == NULL) {
        bool reduced = make_estimable(rows);
        double *kept = memory_new_array(rows, double, memory_size_product(rows->count, model->rank));
        for (size_t r = 0; r < rows->count; r++)
            take_kept(model, rows->functions + r * model->coefficient_count, kept + r * model->rank);
        result = mmrm_functions_test(fit, kept, rows->count, method);
        result.reduced = reduced;
    }
    talloc_free(rows);
    return result;
}
