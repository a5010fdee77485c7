/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <cblas.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

/* z of a subject, spread out. */
static void spread(const struct mmrm_row *row, size_t sources, double *z)
{
    memset(z, 0, sources * sizeof *z);
    for (size_t k = 0; k < row->count; k++)
        z[row->sources[k]] = row->z[k];
}

/* X'W(y - X beta) of a subject. */
static void make_score(const struct mmrm_model *model, const struct mmrm_row *row, const double *effects,
                       const double *w, double *score)
{
    size_t m = model->visits;
    double weighted[MMRM_VISITS_MOST + 1] = {0};
    double *z = memory_new_array(NULL, double, model->source_count);
    spread(row, model->source_count, z);
    for (size_t k = 0; k < m; k++) {
        double residual = row->y[k];
        for (size_t s = 0; s < row->count; s++)
            residual -= row->z[s] * effects[row->sources[s] + k * model->source_count];
        for (size_t j = 0; j < m; j++)
            weighted[j] += w[j + k * m] * residual;
    }
    for (size_t j = 0; j < m; j++)
        weighted[m] += weighted[j];
    for (size_t a = 0; a < model->rank; a++) {
        const struct mmrm_coefficient *at = &model->coefficients[model->kept_index[a]];
        score[a] = weighted[at->visit] * z[at->source];
    }
    talloc_free(z);
}

/* Independent columns of what is known about a subject, without regard to visits. */
static size_t subject_rank(const struct mmrm_model *model)
{
    size_t q0 = model->source_count;
    double *products = memory_new_array(NULL, double, q0 * q0);
    bool *kept = memory_new_array(products, bool, q0);
    for (size_t p = 0; p < model->pattern_count; p++) {
        for (size_t k = 0; k < q0 * q0; k++)
            products[k] += model->patterns[p].zz[k];
    }
    size_t rank = stat_matrix_independent(products, q0, NULL, kept);
    talloc_free(products);
    return rank;
}

void mmrm_make_sandwich(struct mmrm_model *model)
{
    size_t q = model->rank;
    size_t m = model->visits;
    size_t subjects = 0;
    double *work = memory_new_array(NULL, double, 1);
    double *inverses = memory_new_array(work, double, model->pattern_count * m * m);
    double *effects = memory_new_array(work, double, model->source_count * m);
    double *score = memory_new_array(work, double, q);
    double *half = memory_new_array(work, double, q * q);
    double *middle = memory_new_array(work, double, q * q);
    double log_determinant = 0;
    struct mmrm_row row;
    for (size_t p = 0; p < model->pattern_count; p++) {
        /* It was there when the model was fitted. */
        (void)!mmrm_pattern_inverse(model, model->theta, &model->patterns[p], inverses + p * m * m,
                                    &log_determinant);
    }
    mmrm_effects_by_visit(model, model->state->beta, effects);
    for (size_t i = 0; i < model->input->subject_count; i++) {
        if (!mmrm_model_row(model, i, &row) || row.mask == 0)
            continue;
        size_t pattern = (size_t)model->pattern_of_cell[mmrm_model_cell(model, &row)];
        make_score(model, &row, effects, inverses + pattern * m * m, score);
        cblas_dsyr(CblasColMajor, CblasLower, (int)q, 1, score, 1, middle, (int)q);
        subjects++;
    }
    model->sandwich = memory_new_array(model, double, q * q);
    cblas_dsymm(CblasColMajor, CblasLeft, CblasLower, (int)q, (int)q, 1, middle, (int)q, model->state->phi,
                (int)q, 0, half, (int)q);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)q, (int)q, (int)q, 1, model->state->phi,
                (int)q, half, (int)q, 0, model->sandwich, (int)q);
    model->sandwich_df = (double)subjects - (double)subject_rank(model);
    talloc_free(work);
}
