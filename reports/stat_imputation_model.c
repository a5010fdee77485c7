/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_imputation_model.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"

enum { MOST = MMRM_VISITS_MOST };

#define ESTIMABLE 1e-7

struct imputation_replicate *imputation_replicate_new(const void *owner, const struct mmrm_model *whole)
{
    struct imputation_replicate *replicate = memory_new(owner, struct imputation_replicate);
    struct mmrm_model *model = &replicate->model;
    size_t q0 = whole->source_count;
    *model = *whole;
    model->kept = memory_new_array(replicate, bool, whole->coefficient_count);
    model->kept_index = memory_new_array(replicate, size_t, whole->coefficient_count);
    model->kept_source = memory_new_array(replicate, unsigned, whole->coefficient_count);
    model->kept_visit = memory_new_array(replicate, unsigned, whole->coefficient_count);
    model->cells = memory_new_array(replicate, struct mmrm_cell, whole->cell_count);
    model->patterns = memory_new_array(replicate, struct mmrm_cell, whole->pattern_count);
    for (size_t c = 0; c < whole->cell_count; c++) {
        model->cells[c] = whole->cells[c];
        mmrm_cell_new(replicate, model, &model->cells[c]);
    }
    for (size_t p = 0; p < whole->pattern_count; p++) {
        model->patterns[p] = whole->patterns[p];
        mmrm_cell_new(replicate, model, &model->patterns[p]);
    }
    replicate->theta = memory_new_array(replicate, double, whole->theta_count);
    replicate->state = mmrm_state_new(replicate, whole);
    replicate->effects = memory_new_array(replicate, double, q0 * whole->visits);
    replicate->zz = memory_new_array(replicate, double, q0 * q0);
    replicate->factor = memory_new_array(replicate, double, q0 * q0);
    size_t sides = whole->visits * (IMPUTATION_STRATEGIES + whole->input->cohort_count);
    replicate->sides = memory_new_array(replicate, double, q0 * sides);
    replicate->mean = memory_new_array(replicate, double, q0 * whole->visits);
    replicate->kept = memory_new_array(replicate, bool, q0);
    return replicate;
}

/* regression (m x m): Sigma_MO Sigma_OO^-1 in rows of missing and columns of observed visits, 0 elsewhere. */
static bool make_regression(const struct mmrm_model *model, const double *theta, const struct mmrm_cell *cell,
                            double *regression)
{
    size_t m = model->visits;
    double w[MOST * MOST] = {0};
    double log_determinant = 0;
    memset(regression, 0, m * m * sizeof *regression);
    if (cell->mask == 0)
        return true;
    if (!mmrm_pattern_inverse(model, theta, cell, w, &log_determinant))
        return false;
    for (size_t j = 0; j < m; j++) {
        for (size_t k = 0; (cell->mask >> j & 1U) == 0 && k < m; k++) {
            for (size_t i = 0; i < m; i++)
                regression[j + k * m] += theta[mmrm_theta_index(model, 0, j, i)] * w[i + k * m];
        }
    }
    return true;
}

/*
 * What the strategy adds to the own means of a cell's cohort at each visit: cohorts differ by the same at all
 * values of the other terms.
 */
static void make_shifts(const struct imputation_replicate *replicate, const struct mmrm_cell *cell,
                        size_t reference, enum imputation_strategy strategy, double *shifts)
{
    const struct mmrm_model *model = &replicate->model;
    size_t m = model->visits;
    size_t seen = 0;             /* visits up to the last observed one */
    double gap = 0;              /* reference - own there */
    for (size_t j = 0; j < m; j++) {
        if ((cell->mask >> j & 1U) != 0)
            seen = j + 1;
    }
    for (size_t j = 0; j < m; j++) {
        const double *effects = replicate->effects + j * model->source_count;
        double difference = effects[reference] - effects[cell->cohort];
        bool shifted = j >= seen || strategy == IMPUTATION_COPY;
        if (j + 1 == seen)
            gap = difference;
        shifts[j] = 0;
        if (seen < m && shifted && strategy != IMPUTATION_MAR)
            shifts[j] = difference - (strategy == IMPUTATION_INCREMENTS ? gap : 0);
    }
}

/* Sums of z times the observed or imputed values of a cell, missing at random: sources x visits. */
static void add_completed(const struct imputation_replicate *replicate, const struct mmrm_cell *cell,
                          const double *regression, double *side)
{
    size_t m = replicate->model.visits;
    size_t q0 = replicate->model.source_count;
    const double *mean = replicate->mean;    /* z times the mean */
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)q0, (int)m, (int)q0, 1, cell->zz, (int)q0,
                replicate->effects, (int)q0, 0, replicate->mean, (int)q0);
    for (size_t j = 0; j < m; j++) {
        bool observed = (cell->mask >> j & 1U) != 0;
        for (size_t s = 0; s < q0; s++)
            side[s + j * q0] += observed ? cell->zy[s + j * q0] : mean[s + j * q0];
        for (size_t k = 0; !observed && k < m; k++) {
            double share = regression[j + k * m];
            for (size_t s = 0; share != 0 && s < q0; s++)
                side[s + j * q0] += share * (cell->zy[s + k * q0] - mean[s + k * q0]);
        }
    }
}

/* The part of a cell in all right sides.  z summed is the column of its cohort in zz. */
static void add_cell(struct imputation_replicate *replicate, const struct mmrm_cell *cell, size_t reference,
                     const double *regression)
{
    size_t m = replicate->model.visits;
    size_t q0 = replicate->model.source_count;
    const double *z = cell->zz + cell->cohort * q0;
    add_completed(replicate, cell, regression, replicate->sides);
    for (int strategy = 0; strategy < IMPUTATION_STRATEGIES; strategy++) {
        double shifts[MOST] = {0};
        make_shifts(replicate, cell, reference, (enum imputation_strategy)strategy, shifts);
        for (size_t j = 0; j < m; j++) {
            double shift = shifts[j];
            if ((cell->mask >> j & 1U) != 0)
                continue;
            for (size_t k = 0; k < m; k++)
                shift -= regression[j + k * m] * shifts[k];
            for (size_t s = 0; strategy != IMPUTATION_MAR && shift != 0 && s < q0; s++)
                replicate->sides[s + (j + (size_t)strategy * m) * q0] += shift * z[s];
        }
    }
    for (size_t j = 0; j < m; j++) {
        double *side = replicate->sides + (j + (IMPUTATION_STRATEGIES + cell->cohort) * m) * q0;
        for (size_t s = 0; (cell->mask >> j & 1U) == 0 && s < q0; s++)
            side[s] += z[s];
    }
}

static bool make_sides(struct imputation_replicate *replicate, size_t reference)
{
    const struct mmrm_model *model = &replicate->model;
    size_t m = model->visits;
    size_t q0 = model->source_count;
    double regression[MOST * MOST];
    memset(replicate->zz, 0, q0 * q0 * sizeof(double));
    memset(replicate->sides, 0,
           q0 * m * (IMPUTATION_STRATEGIES + model->input->cohort_count) * sizeof(double));
    for (size_t c = 0; c < model->cell_count; c++) {
        const struct mmrm_cell *cell = &model->cells[c];
        if (cell->n == 0)
            continue;
        if (!make_regression(model, replicate->theta, cell, regression))
            return false;
        for (size_t k = 0; k < q0 * q0; k++)
            replicate->zz[k] += cell->zz[k];
        add_cell(replicate, cell, reference, regression);
    }
    /* The other strategies hold only their difference so far. */
    for (size_t k = m * q0; k < IMPUTATION_STRATEGIES * m * q0; k++)
        replicate->sides[k] += replicate->sides[k % (m * q0)];
    return true;
}

/* The factor of the kept columns of zz; right sides lose the others.  Returns the rank, 0 when it fails. */
static size_t factor_columns(struct imputation_replicate *replicate, size_t sides)
{
    size_t q0 = replicate->model.source_count;
    size_t rank = stat_matrix_independent(replicate->zz, q0, NULL, replicate->kept);
    stat_matrix_take(replicate->zz, q0, replicate->kept, replicate->factor);
    size_t next = 0;
    for (size_t k = 0; k < sides * q0; k++) {
        if (replicate->kept[k % q0])
            replicate->sides[next++] = replicate->sides[k];
    }
    return stat_matrix_cholesky(replicate->factor, rank) ? rank : 0;
}

/* Whether cohort - reference does not depend on what stands for a column that was left out. */
static bool is_estimable(const struct imputation_replicate *replicate, size_t rank, const size_t at[2])
{
    size_t q0 = replicate->model.source_count;
    double *column = memory_new_array(NULL, double, rank);
    bool estimable = true;
    for (size_t s = 0; s < q0; s++) {
        size_t next = 0;
        if (replicate->kept[s])
            continue;
        for (size_t r = 0; r < q0; r++) {
            if (replicate->kept[r])
                column[next++] = replicate->zz[r + s * q0];
        }
        stat_matrix_solve(replicate->factor, rank, column, 1);
        estimable = estimable && fabs(column[at[0]] - column[at[1]]) <= ESTIMABLE;
    }
    talloc_free(column);
    return estimable;
}

/* Place of a source among the kept ones; false when it is not kept. */
static bool find_kept(const struct imputation_replicate *replicate, size_t source, size_t *at)
{
    *at = 0;
    for (size_t s = 0; s < source; s++)
        *at += replicate->kept[s];
    return replicate->kept[source];
}

static const char *read_differences(const struct imputation_replicate *replicate, size_t rank,
                                    size_t reference, double *estimates, double *slopes)
{
    const struct mmrm_model *model = &replicate->model;
    size_t m = model->visits;
    size_t cohorts = model->input->cohort_count;
    size_t at[2] = {0, 0};
    for (size_t c = 0; c < cohorts; c++) {
        bool both = find_kept(replicate, reference, &at[1]);
        both = find_kept(replicate, c, &at[0]) && both;
        if (both && c != reference && !is_estimable(replicate, rank, at))
            return "the cohorts cannot be told apart from the other factors and covariates";
        for (size_t j = 0; j < m; j++) {
            for (size_t s = 0; s < IMPUTATION_STRATEGIES; s++) {
                const double *b = replicate->sides + (j + s * m) * rank;
                estimates[(s * cohorts + c) * m + j] = both ? b[at[0]] - b[at[1]] : (double)NAN;
            }
            const double *b = replicate->sides + (j + (IMPUTATION_STRATEGIES + c) * m) * rank;
            slopes[c * m + j] = both ? b[at[0]] - b[at[1]] : (double)NAN;
        }
    }
    return NULL;
}

const char *imputation_analyse(struct imputation_replicate *replicate, int reference, double *estimates,
                               double *slopes)
{
    const struct mmrm_model *model = &replicate->model;
    size_t sides = model->visits * (IMPUTATION_STRATEGIES + model->input->cohort_count);
    mmrm_effects_by_visit(model, replicate->state->beta, replicate->effects);
    if (!make_sides(replicate, (size_t)reference))
        return "the covariance matrix is singular";
    size_t rank = factor_columns(replicate, sides);
    if (rank == 0)
        return "the columns of the analysis of covariance cannot be told apart";
    stat_matrix_solve(replicate->factor, rank, replicate->sides, sides);
    return read_differences(replicate, rank, (size_t)reference, estimates, slopes);
}
