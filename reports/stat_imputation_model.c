/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_imputation_model.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"

enum { MOST = MMRM_VISITS_MOST };

#define ESTIMABLE 1e-7

struct imputation_replicate *imputation_replicate_new(const void *owner,
                                                      const struct imputation_cells *cells)
{
    const struct mmrm_model *whole = &cells->model;
    struct imputation_replicate *replicate = memory_new(owner, struct imputation_replicate);
    struct mmrm_model *model = &replicate->model;
    size_t q0 = whole->source_count;
    *model = *whole;
    replicate->waiting = cells->waiting;
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

/* Right sides of a visit: one for each strategy, then one for each cohort. */
static size_t sides_of_visit(const struct imputation_replicate *replicate)
{
    return IMPUTATION_STRATEGIES + replicate->model.input->cohort_count;
}

static double *find_side(const struct imputation_replicate *replicate, size_t visit, size_t side)
{
    return replicate->sides + (visit * sides_of_visit(replicate) + side) * replicate->model.source_count;
}

/* Adds the sums of z times the observed or imputed values of a cell, missing at random. */
static void add_completed(const struct imputation_replicate *replicate, const struct mmrm_cell *cell,
                          const double *regression, unsigned waiting)
{
    size_t m = replicate->model.visits;
    size_t q0 = replicate->model.source_count;
    const double *mean = replicate->mean;    /* z times the mean */
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)q0, (int)m, (int)q0, 1, cell->zz, (int)q0,
                replicate->effects, (int)q0, 0, replicate->mean, (int)q0);
    for (size_t j = 0; j < m; j++) {
        bool observed = (cell->mask >> j & 1U) != 0;
        double *side = find_side(replicate, j, IMPUTATION_MAR);
        if ((waiting >> j & 1U) != 0)
            continue;
        for (size_t s = 0; s < q0; s++)
            side[s] += observed ? cell->zy[s + j * q0] : mean[s + j * q0];
        for (size_t k = 0; !observed && k < m; k++) {
            double share = regression[j + k * m];
            for (size_t s = 0; share != 0 && s < q0; s++)
                side[s] += share * (cell->zy[s + k * q0] - mean[s + k * q0]);
        }
    }
}

/* The part of a cell in all right sides.  z summed is the column of its cohort in zz. */
static void add_cell(struct imputation_replicate *replicate, size_t index, size_t reference,
                     const double *regression)
{
    const struct mmrm_cell *cell = &replicate->model.cells[index];
    size_t m = replicate->model.visits;
    size_t q0 = replicate->model.source_count;
    const double *z = cell->zz + cell->cohort * q0;
    unsigned untouched = cell->mask | replicate->waiting[index];
    add_completed(replicate, cell, regression, replicate->waiting[index]);
    for (size_t strategy = 0; strategy < IMPUTATION_STRATEGIES; strategy++) {
        double shifts[MOST] = {0};
        make_shifts(replicate, cell, reference, (enum imputation_strategy)strategy, shifts);
        for (size_t j = 0; j < m; j++) {
            double shift = shifts[j];
            double *side = find_side(replicate, j, strategy);
            if ((untouched >> j & 1U) != 0)
                continue;
            for (size_t k = 0; k < m; k++)
                shift -= regression[j + k * m] * shifts[k];
            for (size_t s = 0; strategy != IMPUTATION_MAR && shift != 0 && s < q0; s++)
                side[s] += shift * z[s];
        }
    }
    for (size_t j = 0; j < m; j++) {
        double *side = find_side(replicate, j, IMPUTATION_STRATEGIES + cell->cohort);
        for (size_t s = 0; (untouched >> j & 1U) == 0 && s < q0; s++)
            side[s] += z[s];
    }
}

static bool make_sides(struct imputation_replicate *replicate, size_t reference)
{
    const struct mmrm_model *model = &replicate->model;
    size_t m = model->visits;
    size_t q0 = model->source_count;
    double regression[MOST * MOST];
    memset(replicate->sides, 0, q0 * m * sides_of_visit(replicate) * sizeof(double));
    for (size_t c = 0; c < model->cell_count; c++) {
        if (model->cells[c].n == 0)
            continue;
        if (!make_regression(model, replicate->theta, &model->cells[c], regression))
            return false;
        add_cell(replicate, c, reference, regression);
    }
    /* The other strategies hold only their difference so far. */
    for (size_t j = 0; j < m; j++) {
        const double *plain = find_side(replicate, j, IMPUTATION_MAR);
        for (size_t strategy = IMPUTATION_MAR + 1; strategy < IMPUTATION_STRATEGIES; strategy++) {
            double *side = find_side(replicate, j, strategy);
            for (size_t s = 0; s < q0; s++)
                side[s] += plain[s];
        }
    }
    return true;
}

/* The first visit after `first` with other subjects than it. */
static size_t find_next_subjects(const struct imputation_replicate *replicate, size_t first)
{
    const struct mmrm_model *model = &replicate->model;
    size_t next = first + 1;
    for (; next < model->visits; next++) {
        for (size_t c = 0; c < model->cell_count; c++) {
            if ((replicate->waiting[c] >> next & 1U) != (replicate->waiting[c] >> first & 1U))
                return next;
        }
    }
    return next;
}

static void sum_subjects(struct imputation_replicate *replicate, size_t visit)
{
    const struct mmrm_model *model = &replicate->model;
    size_t size = model->source_count * model->source_count;
    memset(replicate->zz, 0, size * sizeof(double));
    for (size_t c = 0; c < model->cell_count; c++) {
        if (model->cells[c].n == 0 || (replicate->waiting[c] >> visit & 1U) != 0)
            continue;
        for (size_t k = 0; k < size; k++)
            replicate->zz[k] += model->cells[c].zz[k];
    }
}

/* The factor of the kept columns of zz; right sides lose the others.  Returns the rank, 0 when it fails. */
static size_t factor_columns(struct imputation_replicate *replicate, double *sides, size_t count)
{
    size_t q0 = replicate->model.source_count;
    size_t rank = stat_matrix_independent(replicate->zz, q0, NULL, replicate->kept);
    stat_matrix_take(replicate->zz, q0, replicate->kept, replicate->factor);
    size_t next = 0;
    for (size_t k = 0; k < count * q0; k++) {
        if (replicate->kept[k % q0])
            sides[next++] = sides[k];
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

/* What the solved sides of the visits first .. end - 1 say; rank 0: nothing. */
struct solved {
    const double *sides;
    size_t rank, first, end, reference;
};

static void read_differences(const struct imputation_replicate *replicate, const struct solved *solved,
                             double *estimates, double *slopes)
{
    size_t m = replicate->model.visits;
    size_t cohorts = replicate->model.input->cohort_count;
    size_t width = sides_of_visit(replicate);
    size_t at[2] = {0, 0};
    bool reference = solved->rank > 0 && find_kept(replicate, solved->reference, &at[1]);
    for (size_t c = 0; c < cohorts; c++) {
        bool told = reference && find_kept(replicate, c, &at[0])
                    && (c == solved->reference || is_estimable(replicate, solved->rank, at));
        for (size_t j = solved->first; j < solved->end; j++) {
            const double *b = solved->sides + (j - solved->first) * width * solved->rank;
            for (size_t s = 0; s < IMPUTATION_STRATEGIES; s++) {
                const double *side = b + s * solved->rank;
                estimates[(s * cohorts + c) * m + j] = told ? side[at[0]] - side[at[1]] : (double)NAN;
            }
            const double *side = b + (IMPUTATION_STRATEGIES + c) * solved->rank;
            slopes[c * m + j] = told ? side[at[0]] - side[at[1]] : (double)NAN;
        }
    }
}

const char *imputation_analyse(struct imputation_replicate *replicate, int reference, double *estimates,
                               double *slopes)
{
    const struct mmrm_model *model = &replicate->model;
    mmrm_effects_by_visit(model, replicate->state->beta, replicate->effects);
    if (!make_sides(replicate, (size_t)reference))
        return "the covariance matrix is singular";
    for (size_t first = 0, end = 0; first < model->visits; first = end) {
        end = find_next_subjects(replicate, first);
        size_t count = (end - first) * sides_of_visit(replicate);
        double *sides = find_side(replicate, first, 0);
        sum_subjects(replicate, first);
        size_t rank = factor_columns(replicate, sides, count);
        if (rank > 0)
            stat_matrix_solve(replicate->factor, rank, sides, count);
        read_differences(replicate, &(struct solved){sides, rank, first, end, (size_t)reference}, estimates,
                         slopes);
    }
    return NULL;
}
