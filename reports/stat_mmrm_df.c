/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

enum { MOST = MMRM_VISITS_MOST };

static int kind_of(enum mmrm_method method)
{
    return method == MMRM_KENWARD_ROGER_EXPECTED ? 1 : 0;
}

/* ---- Kenward and Roger's covariance of beta ----------------------------------------------------------- */

/* sum_hl W_hl D_h w D_l: W is the covariance of theta. */
static void make_middle(const struct mmrm_model *model, const struct mmrm_cell *pattern,
                        const double *covariance, const double *w, double *middle)
{
    size_t m = model->visits;
    size_t group = mmrm_pattern_group(model, pattern);
    memset(middle, 0, m * m * sizeof *middle);
    for (size_t ab = 0; ab < m * m; ab++) {
        size_t a = ab % m, b = ab / m;
        size_t h = mmrm_theta_index(model, group, a, b);
        if ((pattern->mask >> a & 1U) == 0 || (pattern->mask >> b & 1U) == 0)
            continue;
        for (size_t cd = 0; cd < m * m; cd++) {
            size_t c = cd % m, d = cd / m;
            if ((pattern->mask >> c & 1U) != 0 && (pattern->mask >> d & 1U) != 0)
                middle[a + d * m] +=
                    covariance[h + mmrm_theta_index(model, group, c, d) * model->theta_count] * w[b + c * m];
        }
    }
}

/* sum_hl W_hl Q_hl, lower triangle. */
static void add_second_order(const struct mmrm_model *model, const double *covariance, double *out)
{
    int m = (int)model->visits;
    double w[MOST * MOST], middle[MOST * MOST], half[MOST * MOST];
    for (size_t p = 0; p < model->pattern_count; p++) {
        double log_determinant = 0;
        if (!mmrm_pattern_inverse(model, model->theta, &model->patterns[p], w, &log_determinant))
            continue;
        make_middle(model, &model->patterns[p], covariance, w, middle);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, w, m, middle, m, 0, half, m);
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, m, m, 1, half, m, w, m, 0, middle, m);
        mmrm_add_cross_products(model, &model->patterns[p], middle, out);
    }
}

static void mirror(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j + 1; i < n; i++)
            a[j + i * n] = a[i + j * n];
    }
}

/* Phi + 2 Phi [sum_hl W_hl (Q_hl - P_h Phi P_l)] Phi, Phi = L^-T L^-1. */
static double *adjust(struct mmrm_model *model, const double *covariance)
{
    size_t rank = model->rank;
    int q = (int)rank;
    int count = (int)model->theta_count;
    const struct mmrm_state *state = model->state;
    double *out = memory_new_array(model, double, rank * rank);
    double *mixed = memory_new_array(out, double, rank * rank * model->theta_count);
    add_second_order(model, covariance, out);
    mirror(out, rank);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, q, q, 1, state->factor, q,
                out, q);
    cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, q, q, 1, state->factor, q,
                out, q);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, q * q, count, count, 1, state->p, q * q,
                covariance, count, 0, mixed, q * q);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, q, q, q * count, -1, mixed, q, state->p, q, 1, out,
                q);
    cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, q, q, 1, state->factor, q,
                out, q);
    cblas_dtrsm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, q, q, 1, state->factor, q,
                out, q);
    for (size_t k = 0; k < rank * rank; k++)
        out[k] = state->phi[k] + 2 * out[k];
    talloc_free(mixed);
    return out;
}

void mmrm_adjust_covariance(struct mmrm_model *model)
{
    for (int kind = 0; kind < 2; kind++)
        model->adjusted[kind] = adjust(model, model->covariance[kind]);
}

/* ---- one function of beta ----------------------------------------------------------------------------- */

/* b'A_h b for each element of theta, A_h = L^-1 P_h L^-T, b = L^-1 c: minus the derivative of c'Phi c. */
static void make_slopes(const struct mmrm_model *model, const double *b, double *slopes)
{
    size_t q = model->rank;
    for (size_t h = 0; h < model->theta_count; h++)
        slopes[h] = stat_matrix_bilinear(model->state->p + h * q * q, q, b, b);
}

/* 2 v^2 / (g'W g), b = L^-1 c. */
static double satterthwaite_df(const struct mmrm_model *model, const double *b, double variance, int kind)
{
    double *slopes = memory_new_array(NULL, double, model->theta_count);
    make_slopes(model, b, slopes);
    double spread = stat_matrix_bilinear(model->covariance[kind], model->theta_count, slopes, slopes);
    talloc_free(slopes);
    return 2 * variance * variance / spread;
}

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

static struct mmrm_estimate no_estimate(const char *reason)
{
    const double none = (double)NAN;
    return (struct mmrm_estimate){none, none, none, none, none, none, none, reason};
}

struct mmrm_estimate mmrm_function_estimate(const struct mmrm_fit *fit, const double *function, double offset,
                                            enum mmrm_method method, double level)
{
    const struct mmrm_model *model = fit->model;
    size_t q = model->rank;
    struct mmrm_estimate result = {.estimate = offset + dot(q, function, model->state->beta)};
    double *b = memory_new_array(NULL, double, q);
    memcpy(b, function, q * sizeof *b);
    stat_matrix_solve_lower(model->state->factor, q, b, 1);
    double plain = dot(q, b, b);
    double variance = plain;
    if (model->sandwich != NULL) {
        variance = stat_matrix_bilinear(model->sandwich, q, function, function);
        result.df = model->sandwich_df;
    } else if (plain > 0) {
        result.df = satterthwaite_df(model, b, plain, kind_of(method));
        if (method != MMRM_SATTERTHWAITE)
            variance = stat_matrix_bilinear(model->adjusted[kind_of(method)], q, function, function);
    }
    talloc_free(b);
    if (!(variance > 0) || !(result.df > 0))
        return no_estimate("the standard error cannot be estimated");
    result.se = sqrt(variance);
    double half = stat_t_quantile((1 + level) / 2, result.df) * result.se;
    result.lo = result.estimate - half;
    result.hi = result.estimate + half;
    result.t = result.estimate / result.se;
    result.p = stat_t_two_sided(result.t, result.df);
    return result;
}

/* ---- several functions: F ------------------------------------------------------------------------------ */

struct hypothesis {
    const struct mmrm_model *model;
    size_t rows;
    double *l;                   /* rank x rows: the functions, linearly independent */
    double *b;                   /* L^-1 l */
    double *values;              /* l'beta */
};

static struct mmrm_test no_test(const char *reason)
{
    const double none = (double)NAN;
    return (struct mmrm_test){none, none, none, none, reason, false};
}

/* Only functions that do not follow from those before them. */
static struct hypothesis *hypothesis_new(const struct mmrm_model *model, const double *functions,
                                         size_t count)
{
    size_t q = model->rank;
    struct hypothesis *h = memory_new(NULL, struct hypothesis);
    h->model = model;
    h->l = memory_new_array(h, double, q * count);
    h->b = memory_new_array(h, double, q * count);
    h->values = memory_new_array(h, double, count);
    double *v = memory_new_array(h, double, count * count);
    bool *kept = memory_new_array(h, bool, count);
    memcpy(h->b, functions, q * count * sizeof(double));
    stat_matrix_solve_lower(model->state->factor, q, h->b, count);
    for (size_t j = 0; j < count; j++) {
        for (size_t i = 0; i < count; i++)
            v[i + j * count] = dot(q, h->b + i * q, h->b + j * q);
    }
    stat_matrix_independent(v, count, NULL, kept);
    for (size_t k = 0; k < count; k++) {
        if (!kept[k])
            continue;
        memcpy(h->l + h->rows * q, functions + k * q, q * sizeof(double));
        memmove(h->b + h->rows * q, h->b + k * q, q * sizeof(double));
        h->values[h->rows++] = dot(q, functions + k * q, model->state->beta);
    }
    return h;
}

/* out (rows^2) = x'a x, x rank x rows, of a symmetric a. */
static void make_form(const struct hypothesis *h, const double *a, const double *x, double *out)
{
    int q = (int)h->model->rank;
    int rows = (int)h->rows;
    double *ax = memory_new_array(NULL, double, memory_size_product(h->model->rank, h->rows));
    cblas_dsymm(CblasColMajor, CblasLeft, CblasLower, q, rows, 1, a, q, x, q, 0, ax, q);
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, rows, rows, q, 1, x, q, ax, q, 0, out, rows);
    talloc_free(ax);
}

/* v (rows^2) = l'c l; with c NULL by Phi. */
static void make_variance(const struct hypothesis *h, const double *c, double *v)
{
    int q = (int)h->model->rank;
    int rows = (int)h->rows;
    if (c != NULL)
        make_form(h, c, h->l, v);
    else
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, rows, rows, q, 1, h->b, q, h->b, q, 0, v, rows);
}

/* Wald's statistic / rows; NAN when c is singular. */
static double wald(const struct hypothesis *h, const double *c)
{
    double *v = memory_new_array(h, double, h->rows * h->rows);
    double *z = memory_new_array(v, double, h->rows);
    double f = (double)NAN;
    make_variance(h, c, v);
    memcpy(z, h->values, h->rows * sizeof *z);
    if (stat_matrix_cholesky(v, h->rows)) {
        stat_matrix_solve_lower(v, h->rows, z, 1);
        f = dot(h->rows, z, z) / (double)h->rows;
    }
    talloc_free(v);
    return f;
}

static struct mmrm_test finish_test(double f, double df1, double df2)
{
    if (!isfinite(f) || !(f >= 0) || !(df2 > 0) || isnan(df2))
        return no_test("too few subjects for the denominator's degrees of freedom");
    return (struct mmrm_test){f, df1, df2, stat_f_upper(f, df1, df2), NULL, false};
}

/* Fai and Cornelius: a df for each eigenvector of l'Phi l. */
static struct mmrm_test test_satterthwaite(const struct hypothesis *h)
{
    size_t q = h->model->rank;
    size_t rows = h->rows;
    double *v = memory_new_array(h, double, rows * rows);
    double *values = memory_new_array(h, double, rows);
    double *b = memory_new_array(h, double, q);
    double sum = 0, least = (double)INFINITY, most = 0, mean = 0;
    make_variance(h, NULL, v);
    if (!stat_matrix_eigen(v, rows, values))
        return no_test("the covariance of the contrasts is singular");
    for (size_t k = 0; k < rows; k++) {
        cblas_dgemv(CblasColMajor, CblasNoTrans, (int)q, (int)rows, 1, h->b, (int)q, v + k * rows, 1, 0, b,
                    1);
        double df = satterthwaite_df(h->model, b, values[k], 0);
        sum += df > 2 ? df / (df - 2) : 0;
        mean += df / (double)rows;
        least = fmin(least, df);
        most = fmax(most, df);
    }
    double df2 = most - least < 1e-8 * most ? mean
               : sum > (double)rows         ? 2 * sum / (sum - (double)rows)
                                            : (double)NAN;
    return finish_test(wald(h, NULL), (double)rows, df2);
}

/* For each element of theta (l'Phi l)^-1 l'Phi P_h Phi l, rows^2. */
static double *make_ratios(const struct hypothesis *h)
{
    size_t q = h->model->rank;
    size_t rows = h->rows;
    double *v = memory_new_array(h, double, rows * rows);
    double *ratios = memory_new_array(h, double, rows * rows * h->model->theta_count);
    make_variance(h, NULL, v);
    if (!stat_matrix_cholesky(v, rows))
        return NULL;
    for (size_t t = 0; t < h->model->theta_count; t++) {
        double *ratio = ratios + t * rows * rows;
        make_form(h, h->model->state->p + t * q * q, h->b, ratio);
        stat_matrix_solve(v, rows, ratio, rows);
    }
    return ratios;
}

static void make_a1_a2(const struct hypothesis *h, const double *ratios, const double *covariance, double *a1,
                       double *a2)
{
    size_t rows = h->rows;
    size_t count = h->model->theta_count;
    double *traces = memory_new_array(h, double, count);
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < rows; i++)
            traces[t] += ratios[t * rows * rows + i * (rows + 1)];
    }
    *a1 = stat_matrix_bilinear(covariance, count, traces, traces);
    *a2 = 0;
    for (size_t t = 0; t < count; t++) {
        for (size_t u = 0; u < count; u++) {
            double trace = 0;
            for (size_t i = 0; i < rows; i++) {
                for (size_t j = 0; j < rows; j++)
                    trace += ratios[t * rows * rows + i + j * rows] * ratios[u * rows * rows + j + i * rows];
            }
            *a2 += covariance[t + u * count] * trace;
        }
    }
}

/* Kenward & Roger 1997, section 2: F times lambda on rows and m degrees of freedom. */
static struct mmrm_test test_kenward_roger(const struct hypothesis *h, int kind)
{
    double l = (double)h->rows, a1 = 0, a2 = 0;
    const double *ratios = make_ratios(h);
    if (ratios == NULL)
        return no_test("the covariance of the contrasts is singular");
    make_a1_a2(h, ratios, h->model->covariance[kind], &a1, &a2);
    double b = (a1 + 6 * a2) / (2 * l);
    double g = ((l + 1) * a1 - (l + 4) * a2) / ((l + 2) * a2);
    double d = 3 * l + 2 * (1 - g);
    double c1 = g / d, c2 = (l - g) / d, c3 = (l + 2 - g) / d;
    double mean = 1 / (1 - a2 / l);
    double variance = 2 / l * (1 + c1 * b) / ((1 - c2 * b) * (1 - c2 * b) * (1 - c3 * b));
    double rho = variance / (2 * mean * mean);
    double df2 = 4 + (l + 2) / (l * rho - 1);
    double lambda = df2 / (mean * (df2 - 2));
    return finish_test(lambda * wald(h, h->model->adjusted[kind]), l, df2);
}

struct mmrm_test mmrm_functions_test(const struct mmrm_fit *fit, const double *functions, size_t count,
                                     enum mmrm_method method)
{
    struct hypothesis *h = hypothesis_new(fit->model, functions, count);
    struct mmrm_test result = {0};
    if (h->rows == 0)
        result = no_test("nothing of the hypothesis can be estimated");
    else if (fit->model->sandwich != NULL)
        result = finish_test(wald(h, fit->model->sandwich), (double)h->rows, fit->model->sandwich_df);
    else if (method == MMRM_SATTERTHWAITE)
        result = test_satterthwaite(h);
    else
        result = test_kenward_roger(h, kind_of(method));
    talloc_free(h);
    return result;
}
