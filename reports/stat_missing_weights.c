/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_missing_weights.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_linear_solve.h"
#include "reports/stat_logistic.h"
#include "reports/stat_matrix.h"

#define PERFECT 1e-20        /* of the mean square of the outcome: what is left is rounding */
#define UNDEFINED ((double)NAN)

struct work {
    const struct missing_weights_question *question;
    struct missing_weights *answer;
    struct linear_data data;             /* of the probability: response 1 with a value, 0 without */
    const struct linear_design *design;  /* its records */
    double *has_value;                   /* the response */
    bool *open;                          /* records whose probability the regression has to tell */
};

/* -- probabilities ----------------------------------------------------------------------------------- */

static void find_records(struct work *work)
{
    const struct linear_data *data = work->question->data;
    work->has_value = memory_new_array(work->answer, double, data->records);
    work->open = memory_new_array(work->answer, bool, data->records);
    for (size_t i = 0; i < data->records; i++)
        work->has_value[i] = isfinite(data->response[i]) ? 1 : 0;
    work->data = *data;
    work->data.response = work->has_value;
    work->data.terms = work->question->weight_terms;
    work->data.term_count = work->question->weight_term_count;
    work->design = linear_design_new(work->answer, &work->data);
    for (size_t r = 0; work->design != NULL && r < work->design->used; r++)
        work->open[work->design->rows[r]] = true;
}

struct tally {
    size_t all, with_value;
};

/* Open records by level of the factor; by one level of all when it is NULL. */
static void count_open(const struct work *work, const struct linear_variable *factor, struct tally *tallies)
{
    for (size_t r = 0; r < work->design->used; r++) {
        size_t i = work->design->rows[r];
        if (!work->open[i])
            continue;
        struct tally *tally = &tallies[factor != NULL ? factor->codes[i] : 0];
        tally->all++;
        tally->with_value += work->has_value[i] > 0;
    }
}

/* Settles the open records of levels in which all are alike; whether there were any. */
static bool settle_levels(struct work *work, const struct linear_variable *factor)
{
    size_t levels = factor != NULL ? factor->levels : 1;
    struct tally *tallies = memory_new_array(NULL, struct tally, levels);
    bool any = false;
    count_open(work, factor, tallies);
    for (size_t l = 0; l < levels; l++)
        any = any || (tallies[l].all > 0 && tallies[l].with_value % tallies[l].all == 0);
    for (size_t r = 0; any && r < work->design->used; r++) {
        size_t i = work->design->rows[r];
        const struct tally *tally = &tallies[factor != NULL ? factor->codes[i] : 0];
        if (!work->open[i] || tally->with_value % tally->all != 0)
            continue;
        work->answer->probabilities[i] = work->has_value[i];
        work->open[i] = false;
    }
    talloc_free(tallies);
    return any;
}

/* A level that is settled may leave another with records that are all alike. */
static void settle(struct work *work)
{
    const struct missing_weights_question *question = work->question;
    for (bool again = true; again;) {
        again = settle_levels(work, NULL);
        for (size_t t = 0; t < question->weight_term_count; t++) {
            const struct linear_term *term = &question->weight_terms[t];
            const struct linear_variable *variable = &question->data->variables[term->first];
            if (term->second == LINEAR_MAIN && variable->levels > 0)
                again = settle_levels(work, variable) || again;
        }
    }
}

static bool any_open(const struct work *work)
{
    for (size_t r = 0; r < work->design->used; r++) {
        if (work->open[work->design->rows[r]])
            return true;
    }
    return false;
}

/* NULL, or why there are no probabilities. */
static const char *find_probabilities(struct work *work)
{
    struct missing_weights *answer = work->answer;
    if (work->design == NULL)
        return "too many levels for a model";
    settle(work);
    if (!any_open(work))
        return NULL;
    struct linear_data open = work->data;
    open.included = work->open;
    struct linear_fit *fit = stat_logistic_fit(answer, &open);
    const char *reason = fit->reason;
    if (reason != NULL && strstr(reason, "separation") != NULL)
        reason = "baseline data tell for certain who has a value and who has none (separation)";
    double *fitted = memory_new_array(fit, double, open.records);
    if (reason == NULL)
        stat_logistic_probabilities(fit, fitted);
    for (size_t r = 0; reason == NULL && r < fit->design->used; r++)
        answer->probabilities[fit->design->rows[r]] = fitted[fit->design->rows[r]];
    talloc_free(fit);
    return reason;
}

/* -- weights ----------------------------------------------------------------------------------------- */

static void count_cohorts(const struct work *work)
{
    const int *codes = work->data.variables[work->question->cohort].codes;
    for (size_t r = 0; work->design != NULL && r < work->design->used; r++) {
        size_t i = work->design->rows[r];
        work->answer->n[codes[i]] += work->has_value[i] > 0;
    }
}

/* Records of each cohort that could have a value. */
static size_t *count_possible(const struct work *work, const void *owner)
{
    size_t *counts = memory_new_array(owner, size_t, work->answer->cohorts);
    const int *codes = work->data.variables[work->question->cohort].codes;
    for (size_t r = 0; r < work->design->used; r++) {
        size_t i = work->design->rows[r];
        counts[codes[i]] += work->answer->probabilities[i] > 0;
    }
    return counts;
}

static void find_weights(const struct work *work)
{
    struct missing_weights *answer = work->answer;
    const int *codes = work->data.variables[work->question->cohort].codes;
    double *sums = memory_new_array(NULL, double, answer->cohorts);
    double *squares = memory_new_array(sums, double, answer->cohorts);
    const size_t *possible = count_possible(work, sums);
    for (size_t r = 0; r < work->design->used; r++) {
        size_t i = work->design->rows[r];
        int c = codes[i];
        if (work->has_value[i] == 0)
            continue;
        double part = (double)answer->n[c] / (double)possible[c];
        double weight = part / answer->probabilities[i];
        answer->weights[i] = weight;
        answer->largest[c] = fmax(answer->largest[c], weight);
        sums[c] += weight;
        squares[c] += weight * weight;
    }
    for (size_t c = 0; c < answer->cohorts; c++)
        answer->effective[c] = answer->n[c] > 0 ? sums[c] * sums[c] / squares[c] : UNDEFINED;
    talloc_free(sums);
}

/* -- weighted least squares -------------------------------------------------------------------------- */

static void sum_products(struct linear_fit *fit, const double *weights, struct linear_entry *entries)
{
    const struct linear_design *design = fit->design;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double response = design->data->response[i] - design->response_mean;
        linear_design_add(entries, count, weights[i], fit->xtx, design->columns);
        for (size_t k = 0; k < count; k++) {
            fit->xty[entries[k].column] += weights[i] * entries[k].value * response;
            fit->squares[entries[k].column] += weights[i] * entries[k].raw * entries[k].raw;
        }
        fit->total_ss += weights[i] * response * response;
    }
    linear_mirror(fit->xtx, design->columns);
}

/* Sum of w^2 e^2 x x' into middle, of w e^2 into residual_ss. */
static void sum_residuals(struct linear_fit *fit, const double *weights, struct linear_entry *entries,
                          double *middle)
{
    const struct linear_design *design = fit->design;
    fit->residual_ss = 0;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double left = design->data->response[i] - design->response_mean;
        for (size_t k = 0; k < count; k++)
            left -= fit->coefficients[entries[k].column] * entries[k].value;
        double scaled = weights[i] * left;
        linear_design_add(entries, count, scaled * scaled, middle, design->columns);
        fit->residual_ss += scaled * left;
    }
    linear_mirror(middle, design->columns);
}

static const char *reason_without_variance(const struct linear_fit *fit)
{
    double used = (double)fit->design->used, mean = fit->design->response_mean;
    if (fit->df <= 0)
        return "as many coefficients as records: no degrees of freedom for the residual";
    if (fit->residual_ss <= PERFECT * used * (mean * mean + fit->total_ss / used))
        return "no residual variation: the model meets every value exactly";
    return NULL;
}

static void find_covariance(struct linear_fit *fit, const double *weights, struct linear_entry *entries)
{
    size_t n = fit->design->columns;
    void *owner = memory_owner(NULL, "HC0");
    double *middle = memory_new_array(owner, double, n * n);
    double *half = memory_new_array(owner, double, n * n);
    sum_residuals(fit, weights, entries, middle);
    fit->variance_reason = reason_without_variance(fit);
    if (fit->variance_reason == NULL) {
        fit->covariance = memory_new_array(fit, double, n * n);
        for (size_t j = 0; j < n; j++)
            linear_multiply(middle, fit->inverse + j * n, n, half + j * n);
        for (size_t j = 0; j < n; j++)
            linear_multiply(fit->inverse, half + j * n, n, fit->covariance + j * n);
    }
    talloc_free(owner);
}

static void solve(struct linear_fit *fit, const double *weights)
{
    const struct linear_design *design = fit->design;
    size_t n = design->columns;
    struct linear_entry *entries =
        memory_new_array(fit, struct linear_entry, design->data->term_count + 1);
    sum_products(fit, weights, entries);
    fit->rank = stat_matrix_independent(fit->xtx, n, fit->squares, fit->kept);
    if (!isfinite(fit->total_ss) || !linear_invert_kept(fit->xtx, n, fit->kept, fit->inverse)) {
        fit->reason = "the values are out of the range that can be computed with";
        return;
    }
    linear_multiply(fit->inverse, fit->xty, n, fit->coefficients);
    fit->df = (double)design->used - (double)fit->rank;
    fit->origin = design->response_mean;
    find_covariance(fit, weights, entries);
}

/* -- all --------------------------------------------------------------------------------------------- */

static void fill(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = UNDEFINED;
}

static struct missing_weights *answer_new(const void *owner, const struct missing_weights_question *question)
{
    struct missing_weights *answer = memory_new(owner, struct missing_weights);
    const struct linear_data *data = question->data;
    answer->cohorts = data->variables[question->cohort].levels;
    answer->probabilities = memory_new_array(answer, double, data->records);
    answer->weights = memory_new_array(answer, double, data->records);
    answer->n = memory_new_array(answer, size_t, answer->cohorts);
    answer->effective = memory_new_array(answer, double, answer->cohorts);
    answer->largest = memory_new_array(answer, double, answer->cohorts);
    fill(answer->probabilities, data->records);
    fill(answer->weights, data->records);
    fill(answer->effective, answer->cohorts);
    fill(answer->largest, answer->cohorts);
    return answer;
}

struct missing_weights *stat_missing_weights(const void *owner,
                                             const struct missing_weights_question *question)
{
    struct missing_weights *answer = answer_new(owner, question);
    struct work work = {.question = question, .answer = answer};
    find_records(&work);
    count_cohorts(&work);
    const char *reason = find_probabilities(&work);
    answer->fit = linear_fit_new(answer, question->data);
    if (reason == NULL)
        find_weights(&work);
    if (answer->fit->reason == NULL)
        answer->fit->reason = reason;
    if (answer->fit->reason == NULL)
        solve(answer->fit, answer->weights);
    talloc_free((void *)work.design);
    talloc_free(work.has_value);
    talloc_free(work.open);
    return answer;
}
