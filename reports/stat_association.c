/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_association.h"

#include <math.h>
#include <stdbool.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"

#define SINGULAR 1e-10       /* of a pivot, against the variance that it is left of */

/* Rows or columns of a table, of one stratum at a time. */
struct side {
    size_t levels;
    double *totals;          /* subjects of each level */
    double *scores;          /* NULL in a test that has none of this side */
    size_t size;             /* contrasts: one of scores, or each level but the last */
    double *covariance;      /* size x size, of the contrasts for one subject */
};

struct quadratic {
    size_t size;
    double *d;               /* size */
    double *v;               /* size x size */
};

static void set_covariance(struct side *side, double n)
{
    if (side->scores != NULL) {
        double mean = 0, variance = 0;
        for (size_t i = 0; i < side->levels; i++)
            mean += side->totals[i] / n * side->scores[i];
        for (size_t i = 0; i < side->levels; i++)
            variance += side->totals[i] / n * (side->scores[i] - mean) * (side->scores[i] - mean);
        side->covariance[0] = variance;
        return;
    }
    for (size_t k = 0; k < side->size; k++) {
        for (size_t l = 0; l < side->size; l++) {
            double p = side->totals[k] / n;
            side->covariance[k * side->size + l] = k == l ? p * (1 - p) : -p * (side->totals[l] / n);
        }
    }
}

/* Adds a count minus its expectation to each contrast that has it. */
static void add_residual(struct quadratic *sum, const struct side sides[2], size_t i, size_t j,
                         double residual)
{
    const struct side *rows = &sides[0], *columns = &sides[1];
    double row_weight = rows->scores != NULL ? rows->scores[i] : 1;
    double column_weight = columns->scores != NULL ? columns->scores[j] : 1;
    size_t k = rows->scores != NULL ? 0 : i;
    size_t l = columns->scores != NULL ? 0 : j;
    if (k < rows->size && l < columns->size)
        sum->d[k * columns->size + l] += row_weight * column_weight * residual;
}

static void add_stratum(struct quadratic *sum, struct side sides[2], const size_t *counts, double n)
{
    const struct side *rows = &sides[0], *columns = &sides[1];
    set_covariance(&sides[0], n);
    set_covariance(&sides[1], n);
    for (size_t i = 0; i < rows->levels; i++) {
        for (size_t j = 0; j < columns->levels; j++) {
            double expected = rows->totals[i] * (columns->totals[j] / n);
            add_residual(sum, sides, i, j, (double)counts[i * columns->levels + j] - expected);
        }
    }
    double scale = n / (n - 1) * n;
    for (size_t a = 0; a < sum->size; a++) {
        for (size_t b = 0; b < sum->size; b++)
            sum->v[a * sum->size + b] += scale
                * rows->covariance[a / columns->size * rows->size + b / columns->size]
                * columns->covariance[a % columns->size * columns->size + b % columns->size];
    }
}

/* Subjects of a stratum, by row and by column; how many rows have any. */
static size_t count_margins(const struct contingency *table, const size_t *counts, struct side sides[2],
                            double *n)
{
    *n = 0;
    size_t groups = 0;
    for (size_t j = 0; j < table->columns; j++)
        sides[1].totals[j] = 0;
    for (size_t i = 0; i < table->rows; i++) {
        sides[0].totals[i] = 0;
        for (size_t j = 0; j < table->columns; j++) {
            double count = (double)counts[i * table->columns + j];
            sides[0].totals[i] += count;
            sides[1].totals[j] += count;
            *n += count;
        }
        groups += sides[0].totals[i] > 0;
    }
    return groups;
}

/* The unused variable that has most of its variance left; size when none has. */
static size_t next_pivot(const struct quadratic *sum, const double *variances, const bool *used)
{
    size_t best = sum->size;
    double most = SINGULAR;
    for (size_t i = 0; i < sum->size; i++) {
        double left = variances[i] > 0 ? sum->v[i * sum->size + i] / variances[i] : 0;
        if (!used[i] && left > most) {
            best = i;
            most = left;
        }
    }
    return best;
}

/*
 * d' V^- d by symmetric elimination, the largest pivot first, which leaves out what depends on those before.
 * As d lies in the range of V, every generalised inverse gives the same number.  Destroys both.
 */
static struct hypothesis_test solve(const void *owner, struct quadratic *sum)
{
    size_t size = sum->size, rank = 0;
    double *variances = memory_new_array(owner, double, size);
    bool *used = memory_new_array(owner, bool, size);
    for (size_t i = 0; i < size; i++)
        variances[i] = sum->v[i * size + i];
    double statistic = 0;
    for (size_t k = next_pivot(sum, variances, used); k < size; k = next_pivot(sum, variances, used)) {
        double pivot = sum->v[k * size + k];
        used[k] = true;
        rank++;
        statistic += sum->d[k] * sum->d[k] / pivot;
        for (size_t i = 0; i < size; i++) {
            if (used[i])
                continue;
            double factor = sum->v[i * size + k] / pivot;
            sum->d[i] -= factor * sum->d[k];
            for (size_t j = 0; j < size; j++)
                sum->v[i * size + j] -= used[j] ? 0 : factor * sum->v[k * size + j];
        }
    }
    if (rank == 0)
        return (struct hypothesis_test){(double)NAN, (double)NAN, (double)NAN,
                                        "in each stratum there is one group or one response only"};
    double df = (double)rank;
    return (struct hypothesis_test){statistic, df, stat_chi_square_upper(statistic, df), NULL};
}

static double *scores_of(const void *owner, const double *given, size_t levels)
{
    double *scores = memory_new_array(owner, double, levels);
    for (size_t i = 0; i < levels; i++)
        scores[i] = given != NULL ? given[i] : (double)(i + 1);
    return scores;
}

static struct side new_side(const void *owner, const double *scores, size_t levels, bool scored)
{
    size_t size = scored ? 1 : levels - 1;
    return (struct side){
        .levels = levels,
        .totals = memory_new_array(owner, double, levels),
        .scores = scored ? scores_of(owner, scores, levels) : NULL,
        .size = size,
        .covariance = memory_new_array(owner, double, memory_size_product(size, size)),
    };
}

/* scored: whether the rows, and whether the columns, go in by their scores. */
static struct hypothesis_test test_table(const void *owner, struct association *result,
                                         const struct contingency *table, const bool scored[2])
{
    void *scratch = memory_owner(owner, "association");
    struct side sides[2] = {
        new_side(scratch, table->row_scores, table->rows, scored[0]),
        new_side(scratch, table->column_scores, table->columns, scored[1]),
    };
    size_t size = memory_size_product(sides[0].size, sides[1].size);
    struct quadratic sum = {size, memory_new_array(scratch, double, size),
                            memory_new_array(scratch, double, memory_size_product(size, size))};
    result->used = result->dropped = 0;
    for (size_t s = 0; s < table->strata; s++) {
        const size_t *counts = &table->counts[s * table->rows * table->columns];
        double n = 0;
        size_t groups = count_margins(table, counts, sides, &n);
        if (groups >= 2)
            add_stratum(&sum, sides, counts, n);
        result->used += groups >= 2;
        result->dropped += groups == 1;
    }
    struct hypothesis_test test = solve(scratch, &sum);
    talloc_free(scratch);
    return test;
}

struct association stat_association(const void *owner, const struct contingency *table)
{
    struct association result = {0};
    result.general = test_table(owner, &result, table, (const bool[]){false, false});
    result.row_means = test_table(owner, &result, table, (const bool[]){false, true});
    result.correlation = test_table(owner, &result, table, (const bool[]){true, true});
    return result;
}
