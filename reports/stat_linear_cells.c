/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_linear_cells.h"

#include "forms/base/memory.h"

enum { CELLS_MOST = 1 << 14, RECORDS_PER_CELL = 4 };

/* The parts of a record that are summed: 1, the numbers, the response. */
struct part {
    const double *values;
    double centre;
};

struct factor {
    const int *codes;
    size_t levels;
    size_t stride;               /* of its levels in the numbering of cells */
};

struct cells {
    const struct linear_design *design;
    struct factor *factors;
    size_t factor_count;
    struct part *parts;          /* numbers, then the response; part p is number p + 1 of the moments */
    size_t part_count;
    size_t *place;               /* of each variable, among the factors or the parts */
    size_t count;
    size_t width;                /* moments of a cell: a lower triangle of part_count + 1, by rows */
    double *moments;             /* [cell * width] */
};

static size_t triangle(size_t i, size_t j)
{
    return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

static bool is_number(const struct linear_design *design, int variable)
{
    return design->data->variables[variable].levels == 0;
}

static bool has_product_of_numbers(const struct linear_design *design)
{
    for (size_t t = 0; t < design->data->term_count; t++) {
        const struct linear_term *term = &design->data->terms[t];
        if (term->second != LINEAR_MAIN && is_number(design, term->first) && is_number(design, term->second))
            return true;
    }
    return false;
}

static bool is_used(const struct linear_data *data, size_t variable)
{
    for (size_t t = 0; t < data->term_count; t++) {
        if (data->terms[t].first == (int)variable || data->terms[t].second == (int)variable)
            return true;
    }
    return false;
}

/* Factors and parts of the variables that are in a term; false when they make too many cells. */
static bool lay_out(struct cells *cells)
{
    const struct linear_design *design = cells->design;
    const struct linear_data *data = design->data;
    cells->factors = memory_new_array(cells, struct factor, data->variable_count);
    cells->parts = memory_new_array(cells, struct part, data->variable_count + 1);
    cells->place = memory_new_array(cells, size_t, data->variable_count);
    cells->count = 1;
    for (size_t v = 0; v < data->variable_count; v++) {
        const struct linear_variable *variable = &data->variables[v];
        if (!is_used(data, v))
            continue;
        if (variable->levels == 0) {
            cells->place[v] = cells->part_count;
            cells->parts[cells->part_count++] = (struct part){variable->values, design->centres[v]};
            continue;
        }
        cells->place[v] = cells->factor_count;
        cells->factors[cells->factor_count++] =
            (struct factor){variable->codes, variable->levels, cells->count};
        cells->count = memory_size_product(cells->count, variable->levels);
        if (cells->count > CELLS_MOST || cells->count > design->used / RECORDS_PER_CELL)
            return false;
    }
    cells->parts[cells->part_count++] = (struct part){data->response, design->response_mean};
    cells->width = triangle(cells->part_count, cells->part_count) + 1;
    return true;
}

static size_t find_cell(const struct cells *cells, size_t record)
{
    size_t cell = 0;
    for (size_t f = 0; f < cells->factor_count; f++)
        cell += (size_t)cells->factors[f].codes[record] * cells->factors[f].stride;
    return cell;
}

static void sum_moments(struct cells *cells)
{
    const struct linear_design *design = cells->design;
    double *x = memory_new_array(cells, double, cells->part_count + 1);
    cells->moments = memory_new_array(cells, double, memory_size_product(cells->count, cells->width));
    x[0] = 1;
    for (size_t r = 0; r < design->used; r++) {
        size_t record = design->rows[r];
        double *out = cells->moments + find_cell(cells, record) * cells->width;
        for (size_t p = 0; p < cells->part_count; p++)
            x[p + 1] = cells->parts[p].values[record] - cells->parts[p].centre;
        for (size_t i = 0; i <= cells->part_count; i++) {
            for (size_t j = 0; j <= i; j++)
                *out++ += x[i] * x[j];
        }
    }
}

/* A column of a cell's records that is not zero: the moment's number that stands in it. */
struct cell_entry {
    size_t column, part;
    double centre;
};

static size_t level_of(const struct cells *cells, int variable, size_t cell)
{
    const struct factor *factor = &cells->factors[cells->place[variable]];
    return cell / factor->stride % factor->levels;
}

/* Adds what a variable says to the entry of a term: its column within the term, or its number. */
static void take_variable(const struct cells *cells, int variable, size_t cell, struct cell_entry *entry)
{
    if (is_number(cells->design, variable)) {
        entry->part = cells->place[variable] + 1;
        entry->centre = cells->design->centres[variable];
        return;
    }
    entry->column =
        entry->column * cells->design->data->variables[variable].levels + level_of(cells, variable, cell);
}

static void find_entries(const struct cells *cells, size_t cell, struct cell_entry *entries)
{
    const struct linear_design *design = cells->design;
    entries[0] = (struct cell_entry){0, 0, 0};
    for (size_t t = 0; t < design->data->term_count; t++) {
        const struct linear_term *term = &design->data->terms[t];
        struct cell_entry entry = {0, 0, 0};
        take_variable(cells, term->first, cell, &entry);
        if (term->second != LINEAR_MAIN)
            take_variable(cells, term->second, cell, &entry);
        entry.column += design->first_columns[t];
        entries[t + 1] = entry;
    }
}

static void add_cell(struct linear_fit *fit, const struct cells *cells, const struct cell_entry *entries,
                     const double *m)
{
    size_t n = fit->design->columns, count = fit->design->data->term_count + 1, response = cells->part_count;
    for (size_t j = 0; j < count; j++) {
        const struct cell_entry *e = &entries[j];
        double *column = fit->xtx + e->column * n;
        for (size_t i = j; i < count; i++)
            column[entries[i].column] += m[triangle(entries[i].part, e->part)];
        fit->xty[e->column] += m[triangle(response, e->part)];
        fit->squares[e->column] += m[triangle(e->part, e->part)];
        if (e->part > 0)
            fit->squares[e->column] += e->centre * (2 * m[triangle(e->part, 0)] + e->centre * m[0]);
    }
    fit->total_ss += m[triangle(response, response)];
}

bool linear_sum_cells(struct linear_fit *fit)
{
    if (has_product_of_numbers(fit->design))
        return false;
    struct cells *cells = memory_new(fit, struct cells);
    cells->design = fit->design;
    bool pays = lay_out(cells);
    if (pays) {
        struct cell_entry *entries =
            memory_new_array(cells, struct cell_entry, fit->design->data->term_count + 1);
        sum_moments(cells);
        for (size_t cell = 0; cell < cells->count; cell++) {
            const double *m = cells->moments + cell * cells->width;
            if (m[0] == 0)
                continue;
            find_entries(cells, cell, entries);
            add_cell(fit, cells, entries, m);
        }
    }
    talloc_free(cells);
    return pays;
}
