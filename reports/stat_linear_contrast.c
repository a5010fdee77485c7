/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Least squares means, their differences, and F tests of a fit (stat_linear.h). */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_linear.h"
#include "reports/stat_matrix.h"

#define ESTIMABLE 1e-8       /* of the terms of the sum that should be 0, and of the column's size */

static struct linear_estimate not_estimable(const char *reason)
{
    double none = (double)NAN;
    return (struct linear_estimate){none, none, none, none, none, none, none, reason};
}

/*
 * Column k that is not kept is T of those that are: X_k = X T, and c'b has the same value for all solutions
 * b of the normal equations when c_k = c'T.
 */
static bool agrees_with_column(const struct linear_fit *fit, const double *c, size_t k)
{
    size_t n = fit->design->columns;
    double *t = memory_new_array(NULL, double, n);
    double sum = c[k], size = fabs(c[k]);
    for (size_t j = 0; j < n; j++) {
        double product = fit->xtx[j + k * n];
        for (size_t i = 0; i < n; i++)
            t[i] += fit->inverse[i + j * n] * product;
    }
    for (size_t i = 0; i < n; i++) {
        sum -= c[i] * t[i] * fit->kept[i];
        size += fabs(c[i] * t[i]) * fit->kept[i];
    }
    talloc_free(t);
    double column = sqrt(fit->squares[k] / (double)fit->design->used);
    return fabs(sum) <= ESTIMABLE * (size + column);
}

static bool is_estimable(const struct linear_fit *fit, const double *c)
{
    for (size_t k = 0; k < fit->design->columns; k++) {
        if (!fit->kept[k] && !agrees_with_column(fit, c, k))
            return false;
    }
    return true;
}

static struct linear_estimate estimate(const struct linear_fit *fit, const double *c, double level)
{
    size_t n = fit->design->columns;
    if (!is_estimable(fit, c))
        return not_estimable("cannot be told apart from other terms of the model (empty cells)");
    struct linear_estimate result = not_estimable(fit->variance_reason);
    result.estimate = c[0] * fit->origin;
    for (size_t k = 0; k < n; k++)
        result.estimate += c[k] * fit->coefficients[k];
    if (fit->variance_reason != NULL)
        return result;
    result.df = fit->df;
    result.se = sqrt(stat_matrix_bilinear(fit->covariance, n, c, c));
    result.t = result.estimate / result.se;
    result.p = stat_t_two_sided(result.t, result.df);
    double half = stat_t_quantile((1 + level) / 2, result.df) * result.se;
    result.lo = result.estimate - half;
    result.hi = result.estimate + half;
    return result;
}

static bool has_records(const struct linear_fit *fit, int factor, size_t level)
{
    return fit->design->counts[factor][level] > 0;
}

static void weigh_levels(const struct linear_fit *fit, int factor, enum linear_margins margins,
                         double *weights)
{
    size_t levels = fit->design->data->variables[factor].levels, present = 0;
    for (size_t l = 0; l < levels; l++)
        present += has_records(fit, factor, l);
    for (size_t l = 0; l < levels; l++) {
        double observed = (double)fit->design->counts[factor][l] / (double)fit->design->used;
        double equal = has_records(fit, factor, l) ? 1 / (double)present : 0;
        weights[l] = margins == LINEAR_EQUAL ? equal : observed;
    }
}

static void hold_at(double *weights, size_t levels, size_t level)
{
    memset(weights, 0, levels * sizeof *weights);
    weights[level] = 1;
}

/* c += sign x the coefficients of a mean. */
static void add_mean(const struct linear_fit *fit, const struct linear_mean *mean, double sign, double *c)
{
    const struct linear_data *data = fit->design->data;
    void *owner = memory_owner(NULL, "least squares mean");
    double **weights = memory_new_array(owner, double *, data->variable_count);
    double *row = memory_new_array(owner, double, fit->design->columns);
    for (size_t v = 0; v < data->variable_count; v++) {
        size_t levels = data->variables[v].levels;
        if (levels == 0)
            continue;
        weights[v] = memory_new_array(owner, double, levels);
        if ((int)v == mean->factor)
            hold_at(weights[v], levels, mean->at);
        else if ((int)v == mean->within)
            hold_at(weights[v], levels, mean->within_level);
        else
            weigh_levels(fit, (int)v, mean->margins, weights[v]);
    }
    linear_design_mean(fit->design, weights, row);
    for (size_t k = 0; k < fit->design->columns; k++)
        c[k] += sign * row[k];
    talloc_free(owner);
}

static const char *reason_of_mean(const struct linear_fit *fit, const struct linear_mean *mean)
{
    if (!has_records(fit, mean->factor, mean->at)
        || (mean->within != LINEAR_MAIN && !has_records(fit, mean->within, mean->within_level)))
        return "no record in the group";
    return NULL;
}

static struct linear_estimate combine(const struct linear_fit *fit, const struct linear_mean *const *means,
                                      size_t count, double level)
{
    static const double signs[4] = {1, -1, -1, 1};
    if (fit->reason != NULL)
        return not_estimable(fit->reason);
    for (size_t m = 0; m < count; m++) {
        const char *reason = reason_of_mean(fit, means[m]);
        if (reason != NULL)
            return not_estimable(reason);
    }
    double *c = memory_new_array(NULL, double, fit->design->columns);
    for (size_t m = 0; m < count; m++)
        add_mean(fit, means[m], signs[m], c);
    struct linear_estimate result = estimate(fit, c, level);
    talloc_free(c);
    return result;
}

struct linear_estimate stat_linear_mean(const struct linear_fit *fit, const struct linear_mean *mean,
                                        double level)
{
    return combine(fit, &mean, 1, level);
}

struct linear_estimate stat_linear_difference(const struct linear_fit *fit, const struct linear_mean *a,
                                              const struct linear_mean *b, double level)
{
    return combine(fit, (const struct linear_mean *const[]){a, b}, 2, level);
}

struct linear_estimate stat_linear_interaction(const struct linear_fit *fit,
                                               const struct linear_mean means[4], double level)
{
    const struct linear_mean *const all[4] = {&means[0], &means[1], &means[2], &means[3]};
    return combine(fit, all, 4, level);
}

double stat_linear_equivalence(const struct linear_estimate *difference, double margin)
{
    if (isnan(difference->se) || !(margin > 0))
        return (double)NAN;
    double above = stat_t_upper((difference->estimate + margin) / difference->se, difference->df);
    double below = stat_t_upper((margin - difference->estimate) / difference->se, difference->df);
    return above > below ? above : below;
}

/* -- F tests ------------------------------------------------------------------------------------------- */

/* Order of the columns with those of a term last. */
static size_t *order_with_last(const void *owner, const struct linear_design *design, size_t term)
{
    size_t first = design->first_columns[term], width = linear_design_width(design, term), next = 0;
    size_t *order = memory_new_array(owner, size_t, design->columns);
    for (size_t k = 0; k < design->columns; k++) {
        if (k < first || k >= first + width)
            order[next++] = k;
    }
    for (size_t k = 0; k < width; k++)
        order[next++] = first + k;
    return order;
}

/*
 * What the term explains beyond the others: with its columns last in X'X = LL', the sum of squares of its
 * part of L^-1 X'y.  Returns its degrees of freedom.
 */
static size_t extra_squares(const struct linear_fit *fit, size_t term, double *ss)
{
    const struct linear_design *design = fit->design;
    size_t n = design->columns, others = n - linear_design_width(design, term), kept_count = 0, df = 0;
    void *owner = memory_owner(NULL, "F test");
    const size_t *order = order_with_last(owner, design, term);
    double *a = memory_new_array(owner, double, n * n);
    double *squares = memory_new_array(owner, double, n);
    double *z = memory_new_array(owner, double, n);
    bool *kept = memory_new_array(owner, bool, n);
    for (size_t j = 0; j < n; j++) {
        squares[j] = fit->squares[order[j]];
        for (size_t i = 0; i < n; i++)
            a[i + j * n] = fit->xtx[order[i] + order[j] * n];
    }
    size_t rank = stat_matrix_independent(a, n, squares, kept);
    for (size_t k = 0; k < n; k++) {
        df += k >= others && kept[k];
        if (kept[k])
            z[kept_count++] = fit->xty[order[k]];
    }
    stat_matrix_take(a, n, kept, a);
    *ss = 0;
    if (stat_matrix_cholesky(a, rank))
        stat_matrix_solve_lower(a, rank, z, 1);
    for (size_t k = rank - df; k < rank; k++)
        *ss += z[k] * z[k];
    talloc_free(owner);
    return df;
}

static bool is_in_interaction(const struct linear_data *data, size_t term)
{
    const struct linear_term *t = &data->terms[term];
    for (size_t i = 0; t->second == LINEAR_MAIN && i < data->term_count; i++) {
        const struct linear_term *other = &data->terms[i];
        if (other->second != LINEAR_MAIN && (other->first == t->first || other->second == t->first))
            return true;
    }
    return false;
}

struct linear_test stat_linear_term(const struct linear_fit *fit, size_t term)
{
    double none = (double)NAN;
    struct linear_test test = {none, none, none, none, none, fit->reason};
    if (fit->reason != NULL)
        return test;
    if (is_in_interaction(fit->design->data, term)) {
        test.reason = "part of an interaction of the model: no test of its own";
        return test;
    }
    test.df1 = (double)extra_squares(fit, term, &test.ss);
    if (test.df1 == 0) {
        test.ss = none;
        test.reason = "adds nothing to the other terms (one level with records, or collinear)";
        return test;
    }
    test.reason = fit->variance_reason;
    if (fit->variance_reason != NULL)
        return test;
    test.df2 = fit->df;
    test.f = test.ss / test.df1 / (isinf(fit->df) ? 1 : fit->residual_ss / fit->df);
    test.p = stat_f_upper(test.f, test.df1, test.df2);
    return test;
}
