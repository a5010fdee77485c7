/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_logistic.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_linear_solve.h"
#include "reports/stat_matrix.h"

/*
 * Newton ends when no record's log odds move by more than CONVERGED: the error is the square of that.  Under
 * separation those of the separated records go on by about 1 a step, while likelihood and score settle; so
 * neither of these is asked.
 */
#define CONVERGED 1e-8
#define STEPS_MOST 30
#define BACKWARD 1e-3        /* of the greatest move, against the response: still a separating direction */

struct newton {
    struct linear_fit *fit;
    struct linear_entry *entries;
    double *step;            /* of the coefficients */
    double *score;
    double likelihood;       /* log */
    double moved;            /* greatest change of a record's log odds by step */
    double backward;         /* greatest such change away from the record's response */
};

static double dot(const struct linear_entry *entries, size_t count, const double *coefficients)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += coefficients[entries[k].column] * entries[k].value;
    return sum;
}

static double probability(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

static void add_record(struct newton *newton, size_t record)
{
    struct linear_fit *fit = newton->fit;
    size_t count = linear_design_row(fit->design, record, newton->entries);
    double log_odds = dot(newton->entries, count, fit->coefficients);
    double move = dot(newton->entries, count, newton->step);
    double response = fit->design->data->response[record];
    double tail = exp(-fabs(log_odds));
    double p = log_odds > 0 ? 1 / (1 + tail) : tail / (1 + tail);
    linear_design_add(newton->entries, count, p * (1 - p), fit->xtx, fit->design->columns);
    for (size_t k = 0; k < count; k++)
        newton->score[newton->entries[k].column] += newton->entries[k].value * (response - p);
    double agreement = response > 0.5 ? log_odds : -log_odds;
    newton->likelihood -= log1p(tail) + (agreement < 0 ? -agreement : 0);
    newton->moved = fmax(newton->moved, fabs(move));
    newton->backward = fmax(newton->backward, response > 0.5 ? -move : move);
}

/* Likelihood, score and information at the coefficients. */
static void evaluate(struct newton *newton)
{
    struct linear_fit *fit = newton->fit;
    size_t n = fit->design->columns;
    memset(fit->xtx, 0, n * n * sizeof *fit->xtx);
    memset(newton->score, 0, n * sizeof *newton->score);
    newton->likelihood = newton->moved = newton->backward = 0;
    for (size_t r = 0; r < fit->design->used; r++)
        add_record(newton, fit->design->rows[r]);
    linear_mirror(fit->xtx, n);
}

static void move(struct linear_fit *fit, const double *step, double factor)
{
    for (size_t k = 0; k < fit->design->columns; k++)
        fit->coefficients[k] += factor * step[k];
}

static const char *reason_of_failure(const struct newton *newton)
{
    if (newton->moved > 0 && newton->backward <= BACKWARD * newton->moved)
        return "the terms of the model tell the response of some records for certain (separation)";
    return "the likelihood has no maximum that can be found";
}

/* Coefficients from where they stand to the maximum; NULL, or why there is none. */
static const char *climb(struct newton *newton)
{
    struct linear_fit *fit = newton->fit;
    size_t n = fit->design->columns;
    double best = -(double)INFINITY;
    for (int i = 0; i < STEPS_MOST; i++) {
        evaluate(newton);
        if (newton->likelihood < best - 1e-9 * fabs(best)) {
            for (size_t k = 0; k < n; k++)
                newton->step[k] /= 2;
            move(fit, newton->step, -1);
            continue;
        }
        best = newton->likelihood;
        if (!linear_invert_kept(fit->xtx, n, fit->kept, fit->inverse))
            return reason_of_failure(newton);
        if (i > 0 && newton->moved < CONVERGED)
            return NULL;
        linear_multiply(fit->inverse, newton->score, n, newton->step);
        move(fit, newton->step, 1);
    }
    return reason_of_failure(newton);
}

/* Whether every response is 0 or 1, and both occur. */
static const char *check_response(const struct linear_design *design)
{
    size_t ones = 0;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        double response = design->data->response[i];
        if (response != 0 && response != 1)
            return "a response is neither 0 nor 1";
        ones += response == 1;
    }
    if (ones == 0 || ones == design->used)
        return "the response is the same in every record";
    return NULL;
}

/* Rank, and a first step of 0 from the log odds of the mean. */
static void start(struct newton *newton)
{
    struct linear_fit *fit = newton->fit;
    double mean = fit->design->response_mean;
    linear_sum_products(fit, newton->entries);
    fit->rank = stat_matrix_independent(fit->xtx, fit->design->columns, fit->squares, fit->kept);
    fit->coefficients[0] = log(mean / (1 - mean));
}

struct linear_fit *stat_logistic_fit(const void *owner, const struct linear_data *data)
{
    struct linear_fit *fit = linear_fit_new(owner, data);
    if (fit->reason == NULL)
        fit->reason = check_response(fit->design);
    if (fit->reason != NULL)
        return fit;
    size_t n = fit->design->columns;
    struct newton newton = {
        .fit = fit, .entries = memory_new_array(fit, struct linear_entry, data->term_count + 1),
        .step = memory_new_array(fit, double, n), .score = memory_new_array(fit, double, n),
    };
    start(&newton);
    fit->reason = climb(&newton);
    fit->df = (double)INFINITY;
    fit->covariance = fit->inverse;
    linear_multiply(fit->xtx, fit->coefficients, n, fit->xty);
    return fit;
}

void stat_logistic_probabilities(const struct linear_fit *fit, double *out)
{
    const struct linear_data *data = fit->design->data;
    struct linear_entry *entries = memory_new_array(NULL, struct linear_entry, data->term_count + 1);
    for (size_t i = 0; i < data->records; i++)
        out[i] = (double)NAN;
    for (size_t r = 0; r < fit->design->used; r++) {
        size_t i = fit->design->rows[r];
        size_t count = linear_design_row(fit->design, i, entries);
        out[i] = probability(dot(entries, count, fit->coefficients));
    }
    talloc_free(entries);
}
