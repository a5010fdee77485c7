/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "forms/base/memory.h"
#include "reports/stat_imputation_model.h"

enum { WAITING_BITS = MMRM_VISITS_MOST };

/* Used visits that are not over. */
static unsigned find_waiting(const struct mmrm_model *model, const bool *over, size_t subject)
{
    unsigned waiting = 0;
    for (size_t j = 0; over != NULL && j < model->visits; j++) {
        if (!over[subject * model->input->visit_count + model->used[j]])
            waiting |= 1U << j;
    }
    return waiting;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Keys of cells in order, each once; how many. */
static size_t sort_keys(const uint64_t *keys, size_t count, uint64_t *sorted)
{
    size_t distinct = 0;
    for (size_t k = 0; k < count; k++)
        sorted[k] = keys[k];
    qsort(sorted, count, sizeof *sorted, compare_keys);
    for (size_t k = 0; k < count; k++) {
        if (distinct == 0 || sorted[distinct - 1] != sorted[k])
            sorted[distinct++] = sorted[k];
    }
    return distinct;
}

/* The cells of the model, split by what is waiting in them. */
static void split(struct imputation_cells *cells, const struct mmrm_model *whole, const uint64_t *keys)
{
    struct mmrm_model *model = &cells->model;
    uint64_t *sorted = memory_new_array(NULL, uint64_t, cells->subject_count);
    model->cell_count = sort_keys(keys, cells->subject_count, sorted);
    model->cells = memory_new_array(cells, struct mmrm_cell, model->cell_count);
    model->pattern_of_cell = memory_new_array(cells, int, model->cell_count);
    cells->waiting = memory_new_array(cells, unsigned, model->cell_count);
    for (size_t c = 0; c < model->cell_count; c++) {
        size_t from = (size_t)(sorted[c] >> WAITING_BITS);
        model->cells[c] = whole->cells[from];
        model->cells[c].n = 0;
        mmrm_cell_new(cells, model, &model->cells[c]);
        model->pattern_of_cell[c] = whole->pattern_of_cell[from];
        cells->waiting[c] = (unsigned)(sorted[c] & ((1U << WAITING_BITS) - 1));
    }
    for (size_t k = 0; k < cells->subject_count; k++) {
        const uint64_t *at =
            bsearch(&keys[k], sorted, model->cell_count, sizeof *sorted, compare_keys);
        struct mmrm_row row;
        if (at == NULL || !mmrm_model_row(whole, cells->subjects[k], &row))
            continue;
        cells->cell_of[k] = (size_t)(at - sorted);
        mmrm_cell_add(model, &model->cells[cells->cell_of[k]], &row, 1);
    }
    talloc_free(sorted);
}

struct imputation_cells *imputation_cells_new(const void *owner, const struct mmrm_model *whole,
                                              const bool *over)
{
    struct imputation_cells *cells = memory_new(owner, struct imputation_cells);
    size_t subjects = whole->input->subject_count;
    cells->model = *whole;
    cells->subjects = memory_new_array(cells, size_t, subjects);
    cells->cell_of = memory_new_array(cells, size_t, subjects);
    uint64_t *keys = memory_new_array(NULL, uint64_t, subjects);
    bool waits = false;
    struct mmrm_row row;
    for (size_t i = 0; i < subjects; i++) {
        if (!mmrm_model_row(whole, i, &row))
            continue;
        unsigned waiting = find_waiting(whole, over, i);
        size_t cell = (size_t)mmrm_model_cell(whole, &row);
        waits = waits || waiting != 0;
        keys[cells->subject_count] = (uint64_t)cell << WAITING_BITS | waiting;
        cells->cell_of[cells->subject_count] = cell;
        cells->subjects[cells->subject_count++] = i;
    }
    if (waits)
        split(cells, whole, keys);
    else
        cells->waiting = memory_new_array(cells, unsigned, whole->cell_count);
    talloc_free(keys);
    return cells;
}
