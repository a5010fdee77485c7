/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_cox_likelihood.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"

/* Sums over subjects of the hazard, the hazard times x, and the hazard times xx' (lower triangle). */
struct sums {
    double hazard;
    double *first;               /* width */
    double *second;              /* width x width; NULL: not needed */
};

struct day {
    size_t from, to;             /* rows of one stratum and day */
    size_t events;
};

static struct sums sums_new(const void *owner, size_t width, bool second)
{
    return (struct sums){
        0,
        memory_new_array(owner, double, width),
        second ? memory_new_array(owner, double, width *width) : NULL,
    };
}

static void sums_clear(struct sums *sums, size_t width)
{
    sums->hazard = 0;
    memset(sums->first, 0, width * sizeof *sums->first);
    if (sums->second != NULL)
        memset(sums->second, 0, width * width * sizeof *sums->second);
}

static void sums_add(struct sums *sums, const double *x, size_t width, double hazard)
{
    sums->hazard += hazard;
    for (size_t j = 0; j < width; j++) {
        double product = hazard * x[j];
        sums->first[j] += product;
        if (sums->second == NULL)
            continue;
        for (size_t i = j; i < width; i++)
            sums->second[i + j * width] += product * x[i];
    }
}

static struct day day_at(const struct cox_rows *rows, size_t from)
{
    struct day day = {from, from, 0};
    for (; day.to < rows->count && rows->days[day.to] == rows->days[from]
         && rows->stratum[day.to] == rows->stratum[from]; day.to++)
        day.events += rows->event[day.to];
    return day;
}

static double linear_predictor(const struct cox_rows *rows, size_t row, const double *coefficients)
{
    double sum = 0;
    for (size_t j = 0; j < rows->width; j++)
        sum += rows->x[row * rows->width + j] * coefficients[j];
    return sum;
}

/* Efron: the k-th of d events of a day counts the events' own hazards less by k / d. */
static double discount(const struct cox_rows *rows, size_t k, size_t events)
{
    return rows->ties == COX_EFRON ? (double)k / (double)events : 0;
}

struct cox_point *cox_point_new(const void *owner, size_t width)
{
    struct cox_point *point = memory_new(owner, struct cox_point);
    point->score = memory_new_array(point, double, width);
    point->information = memory_new_array(point, double, width * width);
    return point;
}

/* What the events of a day add, given those at risk and those with the event (`dying`). */
static void add_events(const struct cox_rows *rows, size_t events, const struct sums *risk,
                       const struct sums *dying, struct cox_point *point)
{
    size_t width = rows->width;
    for (size_t k = 0; k < events; k++) {
        double less = discount(rows, k, events);
        double hazard = risk->hazard - less * dying->hazard;
        point->log_likelihood -= log(hazard);
        for (size_t j = 0; j < width; j++) {
            double mean = (risk->first[j] - less * dying->first[j]) / hazard;
            point->score[j] -= mean;
            for (size_t i = j; i < width; i++) {
                double other = (risk->first[i] - less * dying->first[i]) / hazard;
                double square = (risk->second[i + j * width] - less * dying->second[i + j * width]) / hazard;
                point->information[i + j * width] += square - mean * other;
            }
        }
    }
}

static void add_row(const struct cox_rows *rows, size_t row, double predictor, struct cox_point *point)
{
    point->log_likelihood += predictor;
    for (size_t j = 0; j < rows->width; j++)
        point->score[j] += rows->x[row * rows->width + j];
}

static void clear_point(struct cox_point *point, size_t width)
{
    point->log_likelihood = 0;
    memset(point->score, 0, width * sizeof *point->score);
    memset(point->information, 0, width * width * sizeof *point->information);
}

static void mirror(double *matrix, size_t width)
{
    for (size_t j = 0; j < width; j++) {
        for (size_t i = j + 1; i < width; i++)
            matrix[j + i * width] = matrix[i + j * width];
    }
}

void cox_evaluate(const struct cox_rows *rows, const double *coefficients, struct cox_point *point)
{
    size_t width = rows->width;
    void *owner = memory_owner(NULL, "likelihood");
    struct sums risk = sums_new(owner, width, true), dying = sums_new(owner, width, true);
    clear_point(point, width);
    for (size_t from = 0; from < rows->count;) {
        const struct day day = day_at(rows, from);
        if (from == 0 || rows->stratum[from] != rows->stratum[from - 1])
            sums_clear(&risk, width);
        if (day.events > 0)
            sums_clear(&dying, width);
        for (size_t i = day.from; i < day.to; i++) {
            double predictor = linear_predictor(rows, i, coefficients);
            double hazard = exp(predictor);
            sums_add(&risk, rows->x + i * width, width, hazard);
            if (!rows->event[i])
                continue;
            sums_add(&dying, rows->x + i * width, width, hazard);
            add_row(rows, i, predictor, point);
        }
        add_events(rows, day.events, &risk, &dying, point);
        from = day.to;
    }
    mirror(point->information, width);
    talloc_free(owner);
}

/*
 * ---- score residuals ----
 * A subject at risk on a day with events loses hazard x (x - mean of those at risk) x (1 / their hazard),
 * summed over the events of the day; who has the event loses it less by Efron's discount and gains x - mean,
 * averaged over the events of the day.
 */
struct increment {
    double rate, rate_discounted; /* sum over the day's events of 1 / hazard, and the same x discount */
    double *mean_rate, *mean_discounted; /* width: the same, each times the mean x */
    double *mean;                        /* width: average of the means */
};

/* A day's increment stands in one row: 2 + 3 x width numbers. */
static struct increment increment_in(double *row, size_t width)
{
    return (struct increment){row[0], row[1], row + 2, row + 2 + width, row + 2 + 2 * width};
}

static size_t increment_size(size_t width)
{
    return 2 + 3 * width;
}

static void fill_increment(const struct cox_rows *rows, size_t events, const struct sums *risk,
                           const struct sums *dying, double *row)
{
    const struct increment sums = increment_in(row, rows->width);
    for (size_t k = 0; k < events; k++) {
        double less = discount(rows, k, events);
        double rate = 1 / (risk->hazard - less * dying->hazard);
        row[0] += rate;
        row[1] += rate * less;
        for (size_t j = 0; j < rows->width; j++) {
            double mean = (risk->first[j] - less * dying->first[j]) * rate;
            sums.mean_rate[j] += mean * rate;
            sums.mean_discounted[j] += mean * rate * less;
            sums.mean[j] += mean / (double)events;
        }
    }
}

static size_t count_event_days(const struct cox_rows *rows)
{
    size_t count = 0;
    for (size_t from = 0; from < rows->count;) {
        const struct day day = day_at(rows, from);
        count += day.events > 0;
        from = day.to;
    }
    return count;
}

/* Increments of the days with events, in the rows' order: the last day of a stratum comes first. */
static double *collect_increments(const void *owner, const struct cox_rows *rows, const double *hazards,
                                  size_t days)
{
    size_t width = rows->width, at = 0;
    double *increments = memory_new_array(owner, double, memory_size_product(days, increment_size(width)));
    struct sums risk = sums_new(increments, width, false), dying = sums_new(increments, width, false);
    for (size_t from = 0; from < rows->count;) {
        const struct day day = day_at(rows, from);
        if (from == 0 || rows->stratum[from] != rows->stratum[from - 1])
            sums_clear(&risk, width);
        sums_clear(&dying, width);
        for (size_t i = day.from; i < day.to; i++) {
            sums_add(&risk, rows->x + i * width, width, hazards[i]);
            if (rows->event[i])
                sums_add(&dying, rows->x + i * width, width, hazards[i]);
        }
        if (day.events > 0)
            fill_increment(rows, day.events, &risk, &dying, increments + at++ * increment_size(width));
        from = day.to;
    }
    return increments;
}

/* `past`: the increments of the stratum's days until this one, that day included. */
static void fill_residual(const double *x, size_t width, double hazard, const double *past, double *residual)
{
    for (size_t j = 0; j < width; j++)
        residual[j] = -hazard * (x[j] * past[0] - past[1 + j]);
}

static void add_event_residual(const double *x, size_t width, double hazard, double *row, double *residual)
{
    const struct increment day = increment_in(row, width);
    for (size_t j = 0; j < width; j++)
        residual[j] += x[j] - day.mean[j] + hazard * (x[j] * day.rate_discounted - day.mean_discounted[j]);
}

/* The rows of the day that ends before row `to`. */
static struct day day_until(const struct cox_rows *rows, size_t to)
{
    struct day day = {to, to, 0};
    for (; day.from > 0 && rows->days[day.from - 1] == rows->days[to - 1]
         && rows->stratum[day.from - 1] == rows->stratum[to - 1]; day.from--)
        day.events += rows->event[day.from - 1];
    return day;
}

static void add_increment(double *past, const double *row, size_t width)
{
    past[0] += row[0];
    for (size_t j = 0; j < width; j++)
        past[1 + j] += row[2 + j];
}

double *cox_score_residuals(const void *owner, const struct cox_rows *rows, const double *coefficients)
{
    size_t width = rows->width;
    double *residuals = memory_new_array(owner, double, memory_size_product(rows->count, width));
    double *hazards = memory_new_array(residuals, double, rows->count);
    for (size_t i = 0; i < rows->count; i++)
        hazards[i] = exp(linear_predictor(rows, i, coefficients));
    size_t next = count_event_days(rows);
    double *increments = collect_increments(residuals, rows, hazards, next);
    double *past = memory_new_array(residuals, double, 1 + width);
    struct day day = {0};
    for (size_t to = rows->count; to > 0; to = day.from) {
        day = day_until(rows, to);
        if (to == rows->count || rows->stratum[to] != rows->stratum[to - 1])
            memset(past, 0, (1 + width) * sizeof *past);
        double *row = day.events > 0 ? increments + --next * increment_size(width) : NULL;
        if (row != NULL)
            add_increment(past, row, width);
        for (size_t i = day.from; i < day.to; i++) {
            const double *x = rows->x + i * width;
            fill_residual(x, width, hazards[i], past, residuals + i * width);
            if (row != NULL && rows->event[i])
                add_event_residual(x, width, hazards[i], row, residuals + i * width);
        }
    }
    talloc_free(past);
    talloc_free(increments);
    talloc_free(hazards);
    return residuals;
}
