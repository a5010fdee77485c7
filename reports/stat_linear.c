/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_linear.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_linear_solve.h"
#include "reports/stat_matrix.h"

#define PERFECT 1e-20        /* of the mean square of the response: what is left is rounding */
#define CANCELLED 1e-3       /* of what is added up: below, the quadratic form has lost too many digits */
#define OUT_OF_RANGE "the values are out of the range that can be computed with"
#define ALONE 1e-10          /* 1 - leverage of a record that alone decides a coefficient */

static double residual(const struct linear_fit *fit, size_t record, const struct linear_entry *entries,
                       size_t count)
{
    double left = fit->design->data->response[record] - fit->design->response_mean;
    for (size_t k = 0; k < count; k++)
        left -= fit->coefficients[entries[k].column] * entries[k].value;
    return left;
}

/* y'y - 2 b'X'y + b'X'X b, and the size of what is added up. */
static double residual_form(const struct linear_fit *fit, double *size)
{
    size_t n = fit->design->columns;
    double *half = memory_new_array(NULL, double, n);
    double sum = fit->total_ss;
    *size = fit->total_ss;
    linear_multiply(fit->xtx, fit->coefficients, n, half);
    for (size_t k = 0; k < n; k++) {
        double b = fit->coefficients[k];
        sum += b * (half[k] - 2 * fit->xty[k]);
        *size += fabs(b) * (fabs(half[k]) + 2 * fabs(fit->xty[k]));
    }
    talloc_free(half);
    return sum;
}

static double sum_residuals(const struct linear_fit *fit, struct linear_entry *entries)
{
    const struct linear_design *design = fit->design;
    double sum = 0;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double left = residual(fit, i, entries, count);
        sum += left * left;
    }
    return sum;
}

/* Of a good fit the form would lose the digits: then residuals are computed one by one. */
static void find_residual(struct linear_fit *fit, struct linear_entry *entries)
{
    const struct linear_design *design = fit->design;
    double size, used = (double)design->used;
    fit->residual_ss = residual_form(fit, &size);
    if (!(fit->residual_ss > CANCELLED * size))
        fit->residual_ss = sum_residuals(fit, entries);
    double rounding = PERFECT * used * (design->response_mean * design->response_mean + fit->total_ss / used);
    if (!isfinite(rounding))
        fit->residual_ss = (double)NAN;
    if (fit->residual_ss <= rounding)
        fit->residual_ss = 0;
    fit->r2 = fit->total_ss > rounding ? 1 - fit->residual_ss / fit->total_ss : (double)NAN;
    if (fit->total_ss <= rounding)
        memset(fit->coefficients, 0, design->columns * sizeof *fit->coefficients);
}

static double leverage(const struct linear_fit *fit, const struct linear_entry *entries, size_t count)
{
    double sum = 0;
    for (size_t j = 0; j < count; j++) {
        const double *column = fit->inverse + entries[j].column * fit->design->columns;
        for (size_t i = 0; i < count; i++)
            sum += entries[i].value * column[entries[i].column] * entries[j].value;
    }
    return sum;
}

/* Sum of x x' e^2 / (1 - h)^2; false when a record has leverage 1. */
static bool sum_squares_hc3(const struct linear_fit *fit, struct linear_entry *entries, double *middle)
{
    const struct linear_design *design = fit->design;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double rest = 1 - leverage(fit, entries, count);
        if (rest < ALONE)
            return false;
        double scaled = residual(fit, i, entries, count) / rest;
        linear_design_add(entries, count, scaled * scaled, middle, design->columns);
    }
    linear_mirror(middle, design->columns);
    return true;
}

static void find_covariance_hc3(struct linear_fit *fit, struct linear_entry *entries)
{
    size_t n = fit->design->columns;
    void *owner = memory_owner(NULL, "HC3");
    double *middle = memory_new_array(owner, double, n * n);
    double *half = memory_new_array(owner, double, n * n);
    if (!sum_squares_hc3(fit, entries, middle)) {
        fit->variance_reason = "a record is alone in its level, which leaves HC3 without a residual";
        talloc_free(owner);
        return;
    }
    fit->covariance = memory_new_array(fit, double, n * n);
    for (size_t j = 0; j < n; j++)
        linear_multiply(middle, fit->inverse + j * n, n, half + j * n);
    for (size_t j = 0; j < n; j++)
        linear_multiply(fit->inverse, half + j * n, n, fit->covariance + j * n);
    talloc_free(owner);
}

static void find_covariance(struct linear_fit *fit, enum linear_variance variance,
                            struct linear_entry *entries)
{
    size_t n = fit->design->columns;
    if (fit->df <= 0) {
        fit->variance_reason = "as many coefficients as records: no degrees of freedom for the residual";
        return;
    }
    fit->residual_sd = sqrt(fit->residual_ss / fit->df);
    if (fit->residual_ss == 0) {
        fit->variance_reason = "no residual variation: the model meets every value exactly";
        return;
    }
    if (variance == LINEAR_HC3) {
        find_covariance_hc3(fit, entries);
        return;
    }
    fit->covariance = memory_new_array(fit, double, n * n);
    for (size_t i = 0; i < n * n; i++)
        fit->covariance[i] = fit->inverse[i] * fit->residual_ss / fit->df;
}

struct linear_fit *stat_linear_fit(const void *owner, const struct linear_data *data,
                                   enum linear_variance variance)
{
    struct linear_fit *fit = linear_fit_new(owner, data);
    if (fit->reason != NULL)
        return fit;
    size_t n = fit->design->columns;
    struct linear_entry *entries = memory_new_array(fit, struct linear_entry, data->term_count + 1);
    linear_sum_products(fit, entries);
    fit->rank = stat_matrix_independent(fit->xtx, n, fit->squares, fit->kept);
    if (!linear_invert_kept(fit->xtx, n, fit->kept, fit->inverse)) {
        fit->reason = OUT_OF_RANGE;
        return fit;
    }
    linear_multiply(fit->inverse, fit->xty, n, fit->coefficients);
    fit->df = (double)fit->design->used - (double)fit->rank;
    fit->origin = fit->design->response_mean;
    find_residual(fit, entries);
    if (isfinite(fit->residual_ss))
        find_covariance(fit, variance, entries);
    else
        fit->reason = OUT_OF_RANGE;
    return fit;
}
