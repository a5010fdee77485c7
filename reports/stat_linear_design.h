/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Design of a model: records, variables and terms become sparse rows of columns (stat_linear, stat_logistic).
 *
 * Columns are an intercept, a dummy for each level of a factor, and each number less its mean over the
 * records used; an interaction has a column for each pair of columns of its two variables.  No level is left
 * out as a reference: of columns that depend on others the later are dropped by rank, so that what is
 * estimable does not hang on the coding.
 */
#ifndef PATELLA_STAT_LINEAR_DESIGN_H
#define PATELLA_STAT_LINEAR_DESIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINEAR_MAIN = -1, LINEAR_COLUMNS_MOST = 2000 };

struct linear_variable {
    size_t levels;           /* of a factor; 0: a number */
    const int *codes;        /* factor: level of each record, 0 to levels - 1; negative: missing */
    const double *values;    /* number: of each record; not finite: missing */
};

/* A main effect (second LINEAR_MAIN), or the interaction of two variables whose main effects stand before. */
struct linear_term {
    int first, second;       /* indexes of variables */
};

/* One subject, or one record, an entry of each array.  A record with anything missing is not used. */
struct linear_data {
    size_t records;          /* below 2^32 */
    const double *response;  /* not finite: missing */
    const bool *included;    /* NULL: all; the others are not looked at and not counted as left out */
    const struct linear_variable *variables;
    size_t variable_count;
    const struct linear_term *terms;
    size_t term_count;
};

struct linear_design {
    const struct linear_data *data;
    size_t used, left_out;   /* left out: included, but something is missing */
    uint32_t *rows;          /* the records used, `used` of them, in ascending order */
    size_t columns;
    double response_mean;
    double *centres;         /* of each variable: mean over the records used; 0 for a factor */
    size_t **counts;         /* of each factor: records used by level; NULL for a number */
    size_t *first_columns;   /* of each term */
};

struct linear_entry {
    size_t column;
    double value;
    double raw;              /* the same before centring */
};

/*
 * data must outlive what comes back, which hangs on owner.  NULL when there would be more than
 * LINEAR_COLUMNS_MOST columns.
 */
struct linear_design *linear_design_new(const void *owner, const struct linear_data *data);

/*
 * What is not zero in a record's row, by ascending column: at most term_count + 1 entries.  The record is
 * used.
 */
size_t linear_design_row(const struct linear_design *design, size_t record, struct linear_entry *entries);

/* a (lower triangle, columns x columns) += weight x x'. */
void linear_design_add(const struct linear_entry *entries, size_t count, double weight, double *a,
                       size_t columns);

/*
 * Row of the design for a mean: coefficients (columns) of the linear predictor where numbers are at their
 * means and each factor has the weights `weights[variable]` of its levels (NULL for a number).
 */
void linear_design_mean(const struct linear_design *design, double *const *weights, double *coefficients);

/* Columns of a term: from first_columns[term], so many. */
size_t linear_design_width(const struct linear_design *design, size_t term);

#endif
