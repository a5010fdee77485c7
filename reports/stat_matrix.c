/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_matrix.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

/* LAPACK wants a leading dimension of 1 at least. */
static lapack_int leading(size_t n)
{
    return n == 0 ? 1 : (lapack_int)n;
}

static void mirror(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++)
            a[j + i * n] = a[i + j * n];
    }
}

static bool is_finite(const double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            if (!isfinite(a[i + j * n]))
                return false;
        }
    }
    return true;
}

bool stat_matrix_cholesky(double *a, size_t n)
{
    return is_finite(a, n)
        && LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, a, leading(n)) == 0;
}

void stat_matrix_solve(const double *factor, size_t n, double *b, size_t columns)
{
    LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, (lapack_int)columns, factor, leading(n), b,
                        leading(n));
}

void stat_matrix_solve_lower(const double *factor, size_t n, double *b, size_t columns)
{
    LAPACKE_dtrtrs_work(LAPACK_COL_MAJOR, 'L', 'N', 'N', (lapack_int)n, (lapack_int)columns, factor,
                        leading(n), b, leading(n));
}

void stat_matrix_invert(double *factor, size_t n)
{
    LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', (lapack_int)n, factor, leading(n));
    mirror(factor, n);
}

double stat_matrix_log_determinant(const double *factor, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(factor[i + i * n]);
    return 2 * sum;
}

/* One step of the factor by columns: what column k leaves of the later ones. */
static void project(double *l, size_t n, size_t k)
{
    double pivot = sqrt(l[k + k * n]);
    for (size_t i = k; i < n; i++)
        l[i + k * n] /= pivot;
    for (size_t j = k + 1; j < n; j++) {
        double factor = l[j + k * n];
        if (factor == 0)
            continue;
        for (size_t i = j; i < n; i++)
            l[i + j * n] -= factor * l[i + k * n];
    }
}

size_t stat_matrix_independent(const double *a, size_t n, const double *squares, bool *kept)
{
    size_t rank = 0;
    double *l = memory_new_array(NULL, double, memory_size_product(n, n));
    memcpy(l, a, n * n * sizeof *l);
    for (size_t k = 0; k < n; k++) {
        double whole = squares == NULL ? a[k + k * n] : squares[k];
        double left = l[k + k * n];
        kept[k] = isfinite(left) && left > STAT_MATRIX_TOLERANCE * whole;
        if (!kept[k])
            continue;
        project(l, n, k);
        rank++;
    }
    talloc_free(l);
    return rank;
}

void stat_matrix_take(const double *a, size_t n, const bool *kept, double *out)
{
    size_t next = 0;
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++) {
            if (kept[i] && kept[j])
                out[next++] = a[i + j * n];
        }
    }
}

double stat_matrix_bilinear(const double *a, size_t n, const double *x, const double *y)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double column = 0;
        for (size_t i = 0; i < n; i++)
            column += x[i] * (i >= j ? a[i + j * n] : a[j + i * n]);
        sum += column * y[j];
    }
    return sum;
}

static void fix_sign(double *vector, size_t n)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++) {
        if (fabs(vector[i]) > fabs(vector[largest]))
            largest = i;
    }
    if (vector[largest] >= 0)
        return;
    for (size_t i = 0; i < n; i++)
        vector[i] = -vector[i];
}

bool stat_matrix_eigen(double *a, size_t n, double *values)
{
    if (n == 0)
        return true;
    if (!is_finite(a, n))
        return false;
    if (LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'L', (lapack_int)n, a, leading(n), values) != 0)
        return false;
    for (size_t j = 0; j < n; j++)
        fix_sign(a + j * n, n);
    return true;
}
