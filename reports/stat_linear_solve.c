/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_linear_solve.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_linear_cells.h"
#include "reports/stat_matrix.h"

void linear_mirror(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++)
            a[j + i * n] = a[i + j * n];
    }
}

static void sum_rows(struct linear_fit *fit, struct linear_entry *entries)
{
    const struct linear_design *design = fit->design;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double response = design->data->response[i] - design->response_mean;
        linear_design_add(entries, count, 1, fit->xtx, design->columns);
        for (size_t k = 0; k < count; k++) {
            fit->xty[entries[k].column] += entries[k].value * response;
            fit->squares[entries[k].column] += entries[k].raw * entries[k].raw;
        }
        fit->total_ss += response * response;
    }
}

void linear_sum_products(struct linear_fit *fit, struct linear_entry *entries)
{
    if (!linear_sum_cells(fit))
        sum_rows(fit, entries);
    linear_mirror(fit->xtx, fit->design->columns);
}

bool linear_invert_kept(const double *a, size_t n, const bool *kept, double *inverse)
{
    size_t rank = 0;
    for (size_t k = 0; k < n; k++)
        rank += kept[k];
    double *small = memory_new_array(NULL, double, memory_size_product(rank, rank));
    stat_matrix_take(a, n, kept, small);
    bool positive = stat_matrix_cholesky(small, rank);
    if (positive) {
        stat_matrix_invert(small, rank);
        const double *next = small;
        for (size_t j = 0; j < n; j++) {
            for (size_t i = 0; i < n; i++)
                inverse[i + j * n] = kept[i] && kept[j] ? *next++ : 0;
        }
    }
    talloc_free(small);
    return positive;
}

void linear_multiply(const double *a, const double *x, size_t n, double *out)
{
    memset(out, 0, n * sizeof *out);
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            out[i] += a[i + j * n] * x[j];
    }
}

struct linear_fit *linear_fit_new(const void *owner, const struct linear_data *data)
{
    struct linear_fit *fit = memory_new(owner, struct linear_fit);
    fit->residual_ss = fit->residual_sd = fit->r2 = fit->df = (double)NAN;
    fit->design = linear_design_new(fit, data);
    if (fit->design == NULL) {
        fit->reason = "too many levels for a model";
        return fit;
    }
    size_t n = fit->design->columns;
    fit->xtx = memory_new_array(fit, double, n * n);
    fit->inverse = memory_new_array(fit, double, n * n);
    fit->xty = memory_new_array(fit, double, n);
    fit->squares = memory_new_array(fit, double, n);
    fit->coefficients = memory_new_array(fit, double, n);
    fit->kept = memory_new_array(fit, bool, n);
    if (fit->design->used == 0)
        fit->reason = "no record has all that the model needs";
    return fit;
}
