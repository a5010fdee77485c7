/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T18 imaging endpoints: change from baseline in points, or as a ratio to it, of the index knee of treated subjects,
 * as it is and adjusted for the baseline by analysis of covariance (ratios: logarithms of both).
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_rows.h"
#include "reports/stat_effect_size.h"
#include "reports/stat_rank.h"

/* Changes of a column at one visit. */
struct image_changes {
    double *logs;                /* ratio: logarithm of value / baseline, both above 0; difference: the change */
    double *changes;             /* ratio: % change, baselines above 0; difference: the change; smallest first */
    size_t change_count;
    struct description of_logs;
};

struct imaging {
    const struct dataset *dataset;
    struct columns columns;
    struct contrasts contrasts;
    struct image_changes *changes;       /* one for each column */
    struct results *results;
    double level;
    bool ratio;
    struct covariates covariates;        /* none: cohorts and who is included */
    double *response, *base;             /* of the analysis of covariance, of each subject */
    void *scratch;
};

static void take_subject(const struct imaging *imaging, struct image_changes *to, size_t *logs, double baseline,
                         double value)
{
    if (isnan(baseline) || isnan(value))
        return;
    if (!imaging->ratio) {
        to->logs[(*logs)++] = value - baseline;
        to->changes[to->change_count++] = value - baseline;
        return;
    }
    if (baseline > 0 && value > 0)
        to->logs[(*logs)++] = log(value / baseline);
    if (baseline > 0)
        to->changes[to->change_count++] = 100 * (value - baseline) / baseline;
}

static void collect(const struct imaging *imaging, size_t endpoint, int visit)
{
    const struct dataset *dataset = imaging->dataset;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    const double *value = dataset_values(dataset, endpoint, visit);
    for (size_t c = 0; c < imaging->columns.count; c++) {
        const struct column *column = &imaging->columns.at[c];
        struct image_changes *to = &imaging->changes[c];
        size_t logs = 0;
        to->change_count = 0;
        for (size_t i = 0; i < column->count; i++)
            take_subject(imaging, to, &logs, baseline[column->subjects[i]], value[column->subjects[i]]);
        to->of_logs = stat_describe(to->logs, logs, imaging->level);
        stat_describe(to->changes, to->change_count, imaging->level);        /* sorts them */
    }
}

/* e^x - 1 in per cent. */
static double percent_of(double log_ratio)
{
    return 100 * expm1(log_ratio);
}

static void add_column(const struct imaging *imaging, const struct cell *cell, const struct image_changes *changes)
{
    const struct description *d = &changes->of_logs;
    const char *reason = d->n == 0 ? "no values" : "needs at least two values";
    double mean = d->n > 0 ? d->mean : (double)NAN, sd = d->n > 1 ? d->sd : (double)NAN;
    double lo = d->n > 1 ? d->lo : (double)NAN, hi = d->n > 1 ? d->hi : (double)NAN;
    const struct sample sample = {changes->changes, changes->change_count};
    struct estimate median = stat_median(&sample, imaging->level);
    cell_add_count(cell, "n", d->n);
    if (imaging->ratio) {
        cell_add_or_reason(cell, "log_mean", mean, reason);
        cell_add_or_reason(cell, "log_sd", sd, reason);
        cell_add_or_reason(cell, "pct_change", percent_of(mean), reason);
        cell_add_or_reason(cell, "lo", percent_of(lo), reason);
        cell_add_or_reason(cell, "hi", percent_of(hi), reason);
        cell_add_count(cell, "n_median", changes->change_count);
    } else {
        cell_add_or_reason(cell, "mean", mean, reason);
        cell_add_or_reason(cell, "sd", sd, reason);
        cell_add_or_reason(cell, "lo", lo, reason);
        cell_add_or_reason(cell, "hi", hi, reason);
    }
    cell_add_estimate(cell, (const char *const[4]){"median", "median_lo", "median_hi", NULL}, &median);
}

static void add_contrast(const struct imaging *imaging, const struct cell *cell, const struct image_changes *a,
                         const struct image_changes *b)
{
    const struct sample first = {a->changes, a->change_count}, second = {b->changes, b->change_count};
    struct estimate shift = stat_shift(imaging->scratch, &first, &second, imaging->level);
    struct estimate difference = stat_mean_difference(&a->of_logs, &b->of_logs, false, imaging->level).difference;
    if (imaging->ratio) {
        difference.value = exp(difference.value);
        difference.lo = exp(difference.lo);
        difference.hi = exp(difference.hi);
        cell_add_estimate(cell, (const char *const[4]){"ratio", "ratio_lo", "ratio_hi", "p"}, &difference);
    } else {
        cell_add_estimate(cell, (const char *const[4]){"diff", "lo", "hi", "p"}, &difference);
    }
    cell_add_estimate(cell, (const char *const[4]){"hl", "hl_lo", "hl_hi", "hl_p"}, &shift);
}

/* -- adjusted for the baseline ------------------------------------------------------------------------------ */

static void collect_logs(const struct imaging *imaging, size_t endpoint, int visit)
{
    const struct dataset *dataset = imaging->dataset;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    const double *value = dataset_values(dataset, endpoint, visit);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        bool usable = !imaging->ratio || (baseline[i] > 0 && value[i] > 0);
        double before = imaging->ratio && usable ? log(baseline[i]) : baseline[i];
        double after = imaging->ratio && usable ? log(value[i]) : value[i];
        imaging->base[i] = usable ? before : (double)NAN;
        imaging->response[i] = usable ? after - before : (double)NAN;
    }
}

/* Estimate and limits under `names`; of logarithms as per cent (cohorts) or ratios (contrasts). */
static void add_adjusted_estimate(const struct imaging *imaging, const struct cell *cell, const char *const names[3],
                                  const struct linear_estimate *e, bool contrast)
{
    const double values[3] = {e->estimate, e->lo, e->hi};
    for (size_t i = 0; i < 3; i++) {
        double value = !imaging->ratio ? values[i] : contrast ? exp(values[i]) : percent_of(values[i]);
        cell_add_or_reason(cell, names[i], value, e->reason);
    }
}

static void add_adjusted_column(const struct imaging *imaging, const struct cell *cell, const struct linear_fit *fit,
                                size_t column)
{
    const struct linear_mean mean = {COVARIATES_COHORT, column, LINEAR_MAIN, 0, LINEAR_EQUAL};
    struct linear_estimate e = stat_linear_mean(fit, &mean, imaging->level);
    cell_add_count(cell, "adjusted_n", fit->design != NULL ? fit->design->counts[COVARIATES_COHORT][column] : 0);
    add_adjusted_estimate(imaging, cell, (const char *const[3]){"adjusted", "adjusted_lo", "adjusted_hi"}, &e, false);
}

static void add_adjusted_contrast(const struct imaging *imaging, const struct cell *cell, const struct linear_fit *fit,
                                  const struct contrast *contrast)
{
    const struct linear_mean a = {COVARIATES_COHORT, contrast->a, LINEAR_MAIN, 0, LINEAR_EQUAL};
    const struct linear_mean b = {COVARIATES_COHORT, contrast->b, LINEAR_MAIN, 0, LINEAR_EQUAL};
    struct linear_estimate e = stat_linear_difference(fit, &a, &b, imaging->level);
    static const char *const differences[3] = {"adjusted", "adjusted_lo", "adjusted_hi"};
    static const char *const ratios[3] = {"ratio_adjusted", "ratio_adjusted_lo", "ratio_adjusted_hi"};
    add_adjusted_estimate(imaging, cell, imaging->ratio ? ratios : differences, &e, true);
    cell_add_or_reason(cell, "adjusted_df", e.df, e.reason);
    cell_add_or_reason(cell, "adjusted_p", e.p, e.reason);
}

static struct linear_fit *fit_changes(const struct imaging *imaging, size_t endpoint, int visit,
                                      struct linear_data *data)
{
    static const struct linear_term terms[] = {{COVARIATES_COHORT, LINEAR_MAIN}, {COVARIATES_COHORT + 1, LINEAR_MAIN}};
    struct linear_variable *variables = memory_new_array(imaging->scratch, struct linear_variable, 2);
    variables[0] = (struct linear_variable){imaging->covariates.cohort_count, imaging->covariates.cohort, NULL};
    variables[1] = (struct linear_variable){0, NULL, imaging->base};
    collect_logs(imaging, endpoint, visit);
    *data = (struct linear_data){.records = imaging->dataset->subject_count,
                                 .response = imaging->response,
                                 .included = imaging->covariates.included,
                                 .variables = variables,
                                 .variable_count = 2,
                                 .terms = terms,
                                 .term_count = 2};
    return stat_linear_fit(imaging->scratch, data, LINEAR_MODEL_VARIANCE);
}

/* -- rows --------------------------------------------------------------------------------------------------- */

static void add_visit(const struct imaging *imaging, struct cell *cell, const struct linear_fit *fit)
{
    for (size_t c = 0; c < imaging->columns.count; c++) {
        cell->col = imaging->columns.at[c].name;
        add_column(imaging, cell, &imaging->changes[c]);
        add_adjusted_column(imaging, cell, fit, c);
    }
    for (size_t i = 0; i < imaging->contrasts.count; i++) {
        const struct contrast *contrast = &imaging->contrasts.at[i];
        cell->col = contrast->name;
        add_contrast(imaging, cell, &imaging->changes[contrast->a], &imaging->changes[contrast->b]);
        add_adjusted_contrast(imaging, cell, fit, contrast);
    }
}

static void add_endpoint(struct imaging *imaging, const struct imaging_plan *plan)
{
    const struct protocol *protocol = imaging->dataset->catalogue->protocol;
    const char *id = protocol->endpoints[plan->endpoint].id;
    struct cell cell = {imaging->results, memory_format(imaging->scratch, "imaging %s", id), "", NULL};
    imaging->ratio = plan->scale == IMAGING_RATIO;
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(imaging->dataset, visit))
            continue;
        struct linear_data data;
        cell.row = protocol->visits[visit].id;
        collect(imaging, (size_t)plan->endpoint, visit);
        struct linear_fit *fit = fit_changes(imaging, (size_t)plan->endpoint, visit, &data);
        add_visit(imaging, &cell, fit);
        talloc_free(fit);
    }
}

void analysis_imaging(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "imaging");
    struct imaging imaging = {
        .dataset = dataset,
        .columns = columns_of_treated(owner, dataset),
        .contrasts = contrasts_of(owner, dataset),
        .results = results,
        .level = protocol->level,
        .covariates = covariates_of(owner, dataset, NULL, 0),
        .response = memory_new_array(owner, double, dataset->subject_count),
        .base = memory_new_array(owner, double, dataset->subject_count),
        .scratch = owner,
    };
    imaging.changes = memory_new_array(owner, struct image_changes, imaging.columns.count);
    for (size_t c = 0; c < imaging.columns.count; c++) {
        imaging.changes[c].logs = memory_new_array(owner, double, imaging.columns.at[c].count);
        imaging.changes[c].changes = memory_new_array(owner, double, imaging.columns.at[c].count);
    }
    for (size_t i = 0; i < protocol->plan.imaging_count; i++)
        add_endpoint(&imaging, &protocol->plan.imaging[i]);
    talloc_free(owner);
}
