/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subjects of a Cox model, sorted and scaled. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_cox_likelihood.h"
#include "reports/stat_survival_order.h"

/*
 * Equal days are sorted by what else is looked at, so that sums do not depend on the order of the
 * subjects.
 */
static size_t *sort_subjects(const void *owner, const struct cox_model *model)
{
    const struct survival_data *data = model->data;
    size_t count = data->count;
    size_t *order = stat_survival_order_new(owner, count);
    double *keys = memory_new_array(owner, double, count);
    for (size_t j = model->covariate_count; j-- > 0;)
        stat_survival_order_by(order, count, model->covariates + j, model->covariate_count);
    for (size_t i = 0; i < count; i++)
        keys[i] = data->status[i] == SURVIVAL_EVENT;
    stat_survival_order_by(order, count, keys, 1);
    for (size_t i = 0; i < count; i++)
        keys[i] = -data->days[i];
    stat_survival_order_by(order, count, keys, 1);
    stat_survival_order_by_index(order, count, data->stratum);
    talloc_free(keys);
    return order;
}

static void scale_covariate(struct cox_rows *rows, size_t j)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < rows->count; i++)
        mean += rows->x[i * rows->width + j] / (double)rows->count;
    for (size_t i = 0; i < rows->count; i++) {
        double *x = &rows->x[i * rows->width + j];
        *x -= mean;
        squares += *x * *x;
    }
    double sd = sqrt(squares / (double)rows->count);
    rows->scale[j] = sd > 0 ? sd : 1;
    for (size_t i = 0; i < rows->count; i++)
        rows->x[i * rows->width + j] = sd > 0 ? rows->x[i * rows->width + j] / sd : 0;
}

struct cox_rows *cox_rows_new(const void *owner, const struct cox_model *model)
{
    const struct survival_data *data = model->data;
    struct cox_rows *rows = memory_new(owner, struct cox_rows);
    size_t width = model->covariate_count;
    double *days = memory_new_array(rows, double, data->count);
    bool *event = memory_new_array(rows, bool, data->count);
    unsigned *stratum = memory_new_array(rows, unsigned, data->count);
    size_t *order = sort_subjects(rows, model);
    rows->count = data->count;
    rows->width = width;
    rows->ties = model->ties;
    rows->x = memory_new_array(rows, double, memory_size_product(data->count, width));
    rows->scale = memory_new_array(rows, double, width);
    for (size_t i = 0; i < rows->count; i++) {
        size_t subject = order[i];
        days[i] = data->days[subject];
        event[i] = data->status[subject] == SURVIVAL_EVENT;
        stratum[i] = data->stratum == NULL ? 0 : data->stratum[subject];
        rows->events += event[i];
        memcpy(rows->x + i * width, model->covariates + subject * width, width * sizeof *rows->x);
    }
    rows->subject = order;
    rows->days = days;
    rows->event = event;
    rows->stratum = stratum;
    for (size_t j = 0; j < width; j++)
        scale_covariate(rows, j);
    return rows;
}

void cox_rows_take(struct cox_rows *rows, const bool *kept)
{
    size_t at = 0;
    for (size_t i = 0; i < rows->count; i++) {
        for (size_t j = 0; j < rows->width; j++) {
            if (kept[j])
                rows->x[at++] = rows->x[i * rows->width + j];
        }
    }
    size_t width = 0;
    for (size_t j = 0; j < rows->width; j++) {
        if (kept[j])
            rows->scale[width++] = rows->scale[j];
    }
    rows->width = width;
}
