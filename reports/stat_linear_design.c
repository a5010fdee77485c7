/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_linear_design.h"

#include <math.h>

#include "forms/base/memory.h"

static size_t variable_width(const struct linear_data *data, int variable)
{
    size_t levels = data->variables[variable].levels;
    return levels == 0 ? 1 : levels;
}

size_t linear_design_width(const struct linear_design *design, size_t term)
{
    const struct linear_term *t = &design->data->terms[term];
    size_t width = variable_width(design->data, t->first);
    if (t->second == LINEAR_MAIN)
        return width;
    return memory_size_product(width, variable_width(design->data, t->second));
}

static bool is_missing(const struct linear_variable *variable, size_t record)
{
    if (variable->levels == 0)
        return !isfinite(variable->values[record]);
    return variable->codes[record] < 0;
}

static bool is_complete(const struct linear_data *data, size_t record)
{
    if (!isfinite(data->response[record]))
        return false;
    for (size_t v = 0; v < data->variable_count; v++) {
        if (is_missing(&data->variables[v], record))
            return false;
    }
    return true;
}

static void count_record(struct linear_design *design, size_t record)
{
    const struct linear_data *data = design->data;
    design->rows[design->used++] = (uint32_t)record;
    design->response_mean += data->response[record];
    for (size_t v = 0; v < data->variable_count; v++) {
        const struct linear_variable *variable = &data->variables[v];
        if (variable->levels == 0)
            design->centres[v] += variable->values[record];
        else
            design->counts[v][variable->codes[record]]++;
    }
}

static void find_means(struct linear_design *design)
{
    const struct linear_data *data = design->data;
    design->rows = memory_new_array(design, uint32_t, data->records);
    for (size_t i = 0; i < data->records; i++) {
        if (data->included != NULL && !data->included[i])
            continue;
        if (is_complete(data, i))
            count_record(design, i);
        else
            design->left_out++;
    }
    if (design->used == 0)
        return;
    design->rows = memory_resize_array(design, design->rows, uint32_t, design->used);
    design->response_mean /= (double)design->used;
    for (size_t v = 0; v < data->variable_count; v++)
        design->centres[v] /= (double)design->used;
}

struct linear_design *linear_design_new(const void *owner, const struct linear_data *data)
{
    struct linear_design *design = memory_new(owner, struct linear_design);
    design->data = data;
    design->first_columns = memory_new_array(design, size_t, data->term_count);
    design->columns = 1;
    for (size_t t = 0; t < data->term_count; t++) {
        design->first_columns[t] = design->columns;
        design->columns = memory_size_sum(design->columns, linear_design_width(design, t));
    }
    if (design->columns > LINEAR_COLUMNS_MOST) {
        talloc_free(design);
        return NULL;
    }
    design->centres = memory_new_array(design, double, data->variable_count);
    design->counts = memory_new_array(design, size_t *, data->variable_count);
    for (size_t v = 0; v < data->variable_count; v++) {
        if (data->variables[v].levels > 0)
            design->counts[v] = memory_new_array(design, size_t, data->variables[v].levels);
    }
    find_means(design);
    return design;
}

/* The one column of a variable that is not zero in a record. */
static struct linear_entry variable_entry(const struct linear_design *design, int variable, size_t record)
{
    const struct linear_variable *v = &design->data->variables[variable];
    if (v->levels > 0)
        return (struct linear_entry){(size_t)v->codes[record], 1, 1};
    return (struct linear_entry){0, v->values[record] - design->centres[variable], v->values[record]};
}

size_t linear_design_row(const struct linear_design *design, size_t record, struct linear_entry *entries)
{
    const struct linear_data *data = design->data;
    size_t count = 0;
    entries[count++] = (struct linear_entry){0, 1, 1};
    for (size_t t = 0; t < data->term_count; t++) {
        const struct linear_term *term = &data->terms[t];
        struct linear_entry entry = variable_entry(design, term->first, record);
        if (term->second != LINEAR_MAIN) {
            struct linear_entry second = variable_entry(design, term->second, record);
            entry.column = entry.column * variable_width(data, term->second) + second.column;
            entry.value *= second.value;
            entry.raw *= second.raw;
        }
        entry.column += design->first_columns[t];
        entries[count++] = entry;
    }
    return count;
}

void linear_design_add(const struct linear_entry *entries, size_t count, double weight, double *a,
                       size_t columns)
{
    for (size_t j = 0; j < count; j++) {
        double *column = a + entries[j].column * columns;
        double factor = weight * entries[j].value;
        for (size_t i = j; i < count; i++)
            column[entries[i].column] += factor * entries[i].value;
    }
}

static double mean_of(const struct linear_variable *variable, const double *weights, size_t column)
{
    return variable->levels == 0 ? 0 : weights[column];
}

void linear_design_mean(const struct linear_design *design, double *const *weights, double *coefficients)
{
    const struct linear_data *data = design->data;
    coefficients[0] = 1;
    for (size_t t = 0; t < data->term_count; t++) {
        const struct linear_term *term = &data->terms[t];
        double *out = coefficients + design->first_columns[t];
        size_t width = linear_design_width(design, t);
        size_t inner = term->second == LINEAR_MAIN ? 1 : variable_width(data, term->second);
        for (size_t k = 0; k < width; k++) {
            out[k] = mean_of(&data->variables[term->first], weights[term->first], k / inner);
            if (term->second != LINEAR_MAIN)
                out[k] *= mean_of(&data->variables[term->second], weights[term->second], k % inner);
        }
    }
}
