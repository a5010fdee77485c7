/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_cox.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_cox_likelihood.h"
#include "reports/stat_distribution.h"
#include "reports/stat_matrix.h"
#include "reports/stat_survival_test.h"

enum { MOST_ITERATIONS = 60, MOST_HALVINGS = 30 };

/* Gains of likelihood by a step: less than the first is convergence; below the second no error may grow. */
static const double CONVERGED_GAIN = 1e-18, LEVEL_GAIN = 1e-10;

/* By how much a standard error grows in a step towards infinity: the square root of e in the limit. */
static const double GROWTH = 1.2;

/* A fit under way: of the covariates that are kept, in their scaled units. */
struct newton {
    const struct cox_rows *rows;
    size_t width, iterations;
    double *coefficients, *step, *trial;
    double *covariance;          /* width x width: inverse of the information */
    double *se, *se_before;
    bool *infinite;              /* the likelihood drives this coefficient to infinity */
    bool any_infinite;
    struct cox_point *point, *next;
};

static struct newton *newton_new(const void *owner, const struct cox_rows *rows)
{
    struct newton *fit = memory_new(owner, struct newton);
    size_t width = rows->width;
    fit->rows = rows;
    fit->width = width;
    fit->coefficients = memory_new_array(fit, double, width);
    fit->step = memory_new_array(fit, double, width);
    fit->trial = memory_new_array(fit, double, width);
    fit->covariance = memory_new_array(fit, double, width * width);
    fit->se = memory_new_array(fit, double, width);
    fit->se_before = memory_new_array(fit, double, width);
    fit->infinite = memory_new_array(fit, bool, width);
    fit->point = cox_point_new(fit, width);
    fit->next = cox_point_new(fit, width);
    return fit;
}

/* The Newton step and what it would gain (twice, to second order); NAN when the information is singular. */
static double find_step(struct newton *fit)
{
    size_t width = fit->width;
    memcpy(fit->covariance, fit->point->information, width * width * sizeof *fit->covariance);
    if (!stat_matrix_cholesky(fit->covariance, width))
        return (double)NAN;
    memcpy(fit->step, fit->point->score, width * sizeof *fit->step);
    stat_matrix_solve(fit->covariance, width, fit->step, 1);
    stat_matrix_invert(fit->covariance, width);
    double gain = 0;
    for (size_t j = 0; j < width; j++) {
        gain += fit->step[j] * fit->point->score[j];
        fit->se_before[j] = fit->se[j];
        fit->se[j] = sqrt(fit->covariance[j + j * width]);
    }
    return gain;
}

static void find_infinite(struct newton *fit)
{
    for (size_t j = 0; j < fit->width; j++) {
        fit->infinite[j] = fit->se[j] > GROWTH * fit->se_before[j];
        fit->any_infinite |= fit->infinite[j];
    }
}

/* Goes along the step until the likelihood is no worse; false when it is worse all along. */
static bool take_step(struct newton *fit)
{
    double least = fit->point->log_likelihood - 1e-10 * (1 + fabs(fit->point->log_likelihood));
    for (int halvings = 0; halvings < MOST_HALVINGS; halvings++) {
        for (size_t j = 0; j < fit->width; j++)
            fit->trial[j] = fit->coefficients[j] + ldexp(fit->step[j], -halvings);
        cox_evaluate(fit->rows, fit->trial, fit->next);
        if (!isfinite(fit->next->log_likelihood) || fit->next->log_likelihood < least)
            continue;
        struct cox_point *point = fit->point;
        fit->point = fit->next;
        fit->next = point;
        memcpy(fit->coefficients, fit->trial, fit->width * sizeof *fit->trial);
        return true;
    }
    return false;
}

/* True when there is a maximum, or one but for the coefficients that are infinite. */
static bool newton_run(struct newton *fit)
{
    cox_evaluate(fit->rows, fit->coefficients, fit->point);
    for (; fit->iterations < MOST_ITERATIONS; fit->iterations++) {
        double gain = find_step(fit);
        if (isnan(gain))
            return false;
        if (gain < LEVEL_GAIN && fit->iterations > 0)
            find_infinite(fit);
        if (gain < CONVERGED_GAIN || fit->any_infinite)
            return true;
        if (!take_step(fit))
            return false;
    }
    return false;
}

/* ---- result ---- */

static const struct cox_test no_test = {(double)NAN, (double)NAN, 0};

static struct cox_fit *fit_new(const void *owner, const struct cox_model *model)
{
    struct cox_fit *fit = memory_new(owner, struct cox_fit);
    size_t width = model->covariate_count;
    fit->coefficients = memory_new_array(fit, struct cox_coefficient, width);
    fit->covariance = memory_new_array(fit, double, width * width);
    fit->n = model->data->count;
    fit->log_likelihood_null = fit->log_likelihood = (double)NAN;
    fit->score = fit->likelihood_ratio = fit->wald = no_test;
    for (size_t i = 0; i < width * width; i++)
        fit->covariance[i] = (double)NAN;
    for (size_t j = 0; j < width; j++) {
        const double none = (double)NAN;
        fit->coefficients[j] = (struct cox_coefficient){none, none, none, none, none, none, none, none, NULL};
    }
    return fit;
}

static void fail_fit(struct cox_fit *fit, const struct cox_model *model, const char *reason)
{
    fit->reason = reason;
    for (size_t j = 0; j < model->covariate_count; j++)
        fit->coefficients[j].reason = reason;
}

static struct cox_test test_of(const double *scores, const double *variance, size_t width)
{
    const struct survival_chi_square test = stat_survival_chi_square(scores, variance, width);
    return (struct cox_test){test.value, test.p, test.df};
}

static void fill_coefficient(struct cox_coefficient *coefficient, double level)
{
    double half = stat_normal_quantile((1 + level) / 2) * coefficient->se;
    coefficient->hr = exp(coefficient->coef);
    coefficient->lo = exp(coefficient->coef - half);
    coefficient->hi = exp(coefficient->coef + half);
    coefficient->z = coefficient->coef / coefficient->se;
    coefficient->p = stat_normal_two_sided(coefficient->z);
}

/* Sum over clusters of D D', D = covariance x (sum of the cluster's score residuals); in place. */
static void make_robust(const struct newton *newton, const struct cox_model *model, double *covariance)
{
    size_t width = newton->width;
    void *owner = memory_owner(NULL, "robust variance");
    const double *residuals = cox_score_residuals(owner, newton->rows, newton->coefficients);
    double *sums = memory_new_array(owner, double, memory_size_product(model->cluster_count, width));
    double *middle = memory_new_array(owner, double, width * width);
    for (size_t i = 0; i < newton->rows->count; i++) {
        size_t cluster = model->cluster[newton->rows->subject[i]];
        for (size_t j = 0; j < width; j++)
            sums[cluster * width + j] += residuals[i * width + j];
    }
    for (size_t c = 0; c < model->cluster_count; c++) {
        for (size_t i = 0; i < width; i++) {
            for (size_t j = 0; j < width; j++)
                middle[i + j * width] += sums[c * width + i] * sums[c * width + j];
        }
    }
    for (size_t i = 0; i < width; i++) {
        for (size_t j = 0; j < width; j++)
            covariance[i + j * width] = stat_matrix_bilinear(middle, width, newton->covariance + i * width,
                                                             newton->covariance + j * width);
    }
    talloc_free(owner);
}

/*
 * Events of subjects whose covariate is not 0, or, with j = count, of those whose group covariates
 * all are.
 */
static size_t count_group_events(const struct cox_model *model, size_t j)
{
    size_t events = 0;
    for (size_t i = 0; i < model->data->count; i++) {
        const double *x = model->covariates + i * model->covariate_count;
        size_t groups = 0;
        for (size_t g = 0; g < model->group_covariates; g++)
            groups += x[g] != 0;
        bool here = j < model->group_covariates ? x[j] != 0 : groups == 0;
        events += here && model->data->status[i] == SURVIVAL_EVENT;
    }
    return events;
}

static const char *infinite_reason(const struct cox_model *model, size_t j)
{
    if (j < model->group_covariates && count_group_events(model, j) == 0)
        return "no event in the group";
    if (j < model->group_covariates && count_group_events(model, model->group_covariates) == 0)
        return "no event in the reference group";
    return "the events lie all to one side (monotone likelihood), so the ratio is infinite or 0";
}

static const char *aliased_reason(const struct cox_model *model, size_t j)
{
    return j < model->group_covariates
               ? "no day with an event has subjects of this and of another group at risk"
               : "constant, or told by the covariates before it";
}

static void fill_coefficients(struct cox_fit *fit, const struct cox_model *model, const struct newton *newton,
                              const bool *kept, const double *covariance)
{
    size_t width = model->covariate_count;
    size_t *place = memory_new_array(fit, size_t, newton->width);
    for (size_t j = 0, at = 0; j < width; j++) {
        if (kept[j])
            place[at++] = j;
        else
            fit->coefficients[j].reason = aliased_reason(model, j);
    }
    const double *scale = newton->rows->scale;
    for (size_t a = 0; a < newton->width; a++) {
        struct cox_coefficient *coefficient = &fit->coefficients[place[a]];
        if (newton->infinite[a]) {
            coefficient->reason = infinite_reason(model, place[a]);
            continue;
        }
        coefficient->coef = newton->coefficients[a] / scale[a];
        coefficient->se = sqrt(covariance[a + a * newton->width]) / scale[a];
        coefficient->model_se = newton->se[a] / scale[a];
        fill_coefficient(coefficient, model->level);
        for (size_t b = 0; b < newton->width; b++) {
            if (!newton->infinite[b])
                fit->covariance[place[a] + place[b] * width] =
                    covariance[a + b * newton->width] / (scale[a] * scale[b]);
        }
    }
    talloc_free(place);
}

/* coefficients' V^-1 coefficients. */
static struct cox_test wald_test(const struct newton *newton, const double *covariance)
{
    if (newton->any_infinite)
        return no_test;
    return test_of(newton->coefficients, covariance, newton->width);
}

static void fill_fit(struct cox_fit *fit, const struct cox_model *model, const struct newton *newton,
                     const bool *kept)
{
    size_t size = newton->width * newton->width;
    double *covariance = memory_new_array(fit, double, size);
    memcpy(covariance, newton->covariance, size * sizeof *covariance);
    if (model->cluster != NULL)
        make_robust(newton, model, covariance);
    fit->iterations = newton->iterations;
    fit->log_likelihood = newton->point->log_likelihood;
    double twice = 2 * (fit->log_likelihood - fit->log_likelihood_null);
    twice = twice < 0 ? 0 : twice;
    fit->likelihood_ratio =
        (struct cox_test){twice, stat_chi_square_upper(twice, (double)newton->width), newton->width};
    fit->wald = wald_test(newton, covariance);
    fill_coefficients(fit, model, newton, kept, covariance);
    talloc_free(covariance);
}

/* Which covariates have a coefficient; false when none has. */
static bool choose_covariates(struct cox_fit *fit, const struct cox_rows *rows, bool *kept)
{
    size_t width = rows->width;
    struct cox_point *null = cox_point_new(fit, width);
    double *zero = memory_new_array(null, double, width);
    double *squares = memory_new_array(null, double, width);
    for (size_t j = 0; j < width; j++)
        squares[j] = (double)rows->events;       /* what a covariate of variance 1 would have */
    cox_evaluate(rows, zero, null);
    size_t rank = stat_matrix_independent(null->information, width, squares, kept);
    fit->log_likelihood_null = null->log_likelihood;
    /* Of the kept ones alone: what rounding leaves of the others would be tested as well. */
    stat_matrix_take(null->information, width, kept, null->information);
    for (size_t j = 0, at = 0; j < width; j++) {
        if (kept[j])
            null->score[at++] = null->score[j];
    }
    fit->score = test_of(null->score, null->information, rank);
    talloc_free(null);
    return rank > 0;
}

static bool has_two_clusters(const struct cox_model *model)
{
    for (size_t i = 1; i < model->data->count; i++) {
        if (model->cluster[i] != model->cluster[0])
            return true;
    }
    return false;
}

static const char *nothing_to_fit(const struct cox_fit *fit, const struct cox_model *model)
{
    if (fit->n == 0)
        return "no subjects";
    if (fit->events == 0)
        return "no event in any group";
    return model->cluster == NULL || has_two_clusters(model) ? NULL : "fewer than two clusters";
}

struct cox_fit *stat_cox_fit(const void *owner, const struct cox_model *model)
{
    struct cox_fit *fit = fit_new(owner, model);
    struct cox_rows *rows = cox_rows_new(fit, model);
    bool *kept = memory_new_array(rows, bool, model->covariate_count);
    fit->events = rows->events;
    const char *reason = nothing_to_fit(fit, model);
    if (reason != NULL) {
        fail_fit(fit, model, reason);
    } else if (!choose_covariates(fit, rows, kept)) {
        for (size_t j = 0; j < model->covariate_count; j++)
            fit->coefficients[j].reason = aliased_reason(model, j);
        fit->reason = "no covariate varies among the subjects at risk on a day with an event";
    } else {
        cox_rows_take(rows, kept);
        struct newton *newton = newton_new(rows, rows);
        if (newton_run(newton))
            fill_fit(fit, model, newton, kept);
        else
            fail_fit(fit, model, "the fit did not converge");
    }
    talloc_free(rows);
    return fit;
}
