/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_matrix.h"
#include "reports/stat_mmrm_model.h"

static void add_coefficient(struct mmrm_model *model, size_t source, size_t visit)
{
    model->coefficients[model->coefficient_count++] = (struct mmrm_coefficient){source, visit};
}

/*
 * Cohorts at each visit first, so that what cannot be told apart from them is left out later.  One number a
 * cohort and visit: least squares means then are sums of coefficients.
 */
static void make_coefficients(struct mmrm_model *model)
{
    size_t cohorts = model->input->cohort_count;
    model->coefficients = memory_new_array(model, struct mmrm_coefficient,
                                           memory_size_product(model->source_count, model->visits));
    for (size_t j = 0; j < model->visits; j++) {
        for (size_t c = 0; c < cohorts; c++)
            add_coefficient(model, c, j);
    }
    for (size_t s = cohorts; s < model->source_count; s++) {
        bool by_visit = model->input->terms[model->sources[s].term].by_visit;
        for (size_t j = 0; j < (by_visit ? model->visits : 1); j++)
            add_coefficient(model, s, by_visit ? j : model->visits);
    }
}

static void add_cell(const struct mmrm_model *model, struct mmrm_cell *pattern,
                     const struct mmrm_cell *cell)
{
    size_t q0 = model->source_count;
    pattern->n += cell->n;
    for (size_t k = 0; k < q0 * q0; k++)
        pattern->zz[k] += cell->zz[k];
    for (size_t k = 0; k < q0 * model->visits; k++)
        pattern->zy[k] += cell->zy[k];
    for (size_t k = 0; k < model->visits * model->visits; k++)
        pattern->yy[k] += cell->yy[k];
}

/* Cells of one mask stand side by side.  With a Sigma for each cohort the cells are the patterns. */
static void make_patterns(struct mmrm_model *model)
{
    bool apart = model->input->sigma_by_cohort;
    unsigned last = 0;
    model->patterns = memory_new_array(model, struct mmrm_cell, model->cell_count);
    model->pattern_of_cell = memory_new_array(model, int, model->cell_count);
    for (size_t c = 0; c < model->cell_count; c++) {
        const struct mmrm_cell *cell = &model->cells[c];
        model->pattern_of_cell[c] = -1;
        if (cell->mask == 0)
            continue;
        if (apart || cell->mask != last) {
            struct mmrm_cell *pattern = &model->patterns[model->pattern_count++];
            pattern->mask = last = cell->mask;
            pattern->cohort = cell->cohort;
            mmrm_cell_new(model->patterns, model, pattern);
        }
        model->pattern_of_cell[c] = (int)model->pattern_count - 1;
        add_cell(model, &model->patterns[model->pattern_count - 1], cell);
    }
}

static void keep(struct mmrm_model *model, size_t coefficient)
{
    model->kept_index[model->rank] = coefficient;
    model->kept_source[model->rank] = (unsigned)model->coefficients[coefficient].source;
    model->kept_visit[model->rank++] = (unsigned)model->coefficients[coefficient].visit;
}

/* X'X of all coefficients: the kernel is 1 where two values are of the same visit. */
static double *make_products(struct mmrm_model *model)
{
    size_t q = model->coefficient_count;
    size_t m = model->visits;
    double kernel[MMRM_VISITS_MOST * MMRM_VISITS_MOST];
    double *products = memory_new_array(model, double, memory_size_product(q, q));
    model->rank = 0;
    for (size_t k = 0; k < q; k++)
        keep(model, k);
    for (size_t p = 0; p < model->pattern_count; p++) {
        memset(kernel, 0, sizeof kernel);
        for (size_t j = 0; j < m; j++)
            kernel[j + j * m] = (model->patterns[p].mask >> j & 1U) != 0;
        mmrm_add_cross_products(model, &model->patterns[p], kernel, products);
    }
    return products;
}

/* Aliased columns as sums of kept ones: (X_k'X_k)^-1 X_k'X_a. */
static void make_alias(struct mmrm_model *model, const double *products)
{
    size_t all = model->coefficient_count;
    size_t q = model->rank;
    double *factor = memory_new_array(model, double, q * q);
    model->alias = memory_new_array(model, double, memory_size_product(q, all - q));
    size_t aliased = 0;
    for (size_t k = 0; k < all; k++) {
        if (model->kept[k])
            continue;
        for (size_t i = 0; i < q; i++) {
            size_t at = model->kept_index[i];
            model->alias[i + aliased * q] = products[at > k ? at + k * all : k + at * all];
        }
        aliased++;
    }
    for (size_t j = 0; j < q; j++) {
        for (size_t i = j; i < q; i++)
            factor[i + j * q] = products[model->kept_index[i] + model->kept_index[j] * all];
    }
    /* The columns were kept because this works. */
    if (stat_matrix_cholesky(factor, q))
        stat_matrix_solve(factor, q, model->alias, all - q);
    talloc_free(factor);
}

/* X'X; afterwards kept_index and rank are those of the kept columns. */
static double *choose_columns(struct mmrm_model *model)
{
    size_t all = model->coefficient_count;
    double *products = make_products(model);
    stat_matrix_independent(products, all, NULL, model->kept);
    model->rank = 0;
    model->log_scale = 0;
    for (size_t k = 0; k < all; k++) {
        if (!model->kept[k])
            continue;
        keep(model, k);
        const struct mmrm_source *source = &model->sources[model->coefficients[k].source];
        if (source->term >= 0 && source->level < 0)
            model->log_scale += 2 * log(source->scale);
    }
    return products;
}

void mmrm_model_choose_columns(struct mmrm_model *model)
{
    talloc_free(choose_columns(model));
}

void mmrm_model_make_columns(struct mmrm_fit *fit)
{
    struct mmrm_model *model = fit->model;
    make_coefficients(model);
    make_patterns(model);
    size_t all = model->coefficient_count;
    model->kept = memory_new_array(model, bool, all);
    model->kept_index = memory_new_array(model, size_t, all);
    model->kept_source = memory_new_array(model, unsigned, all);
    model->kept_visit = memory_new_array(model, unsigned, all);
    double *products = choose_columns(model);
    make_alias(model, products);
    talloc_free(products);
    for (size_t p = 0; p < model->pattern_count; p++)
        fit->subjects += model->patterns[p].n;
    fit->records = model->records;
    fit->coefficients = model->rank;
    fit->patterns = model->pattern_count;
}
