/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hazard ratios of the cohorts: one Cox model of all of them, read by contrast. */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis_events.h"
#include "reports/stat_cox.h"
#include "reports/stat_distribution.h"

/* A fit whose coefficients are cohorts against a reference, in an order of their own. */
struct cohort_fit {
    const struct cox_fit *fit;
    size_t *place;               /* of each column among the coefficients; `width` of the reference */
    size_t width;
};

struct hazard_ratio {
    double coef, se;
    const char *reason;
};

/* `last`: the column whose coefficient comes last. */
static struct cohort_fit fit_cohorts(const struct event_analysis *analysis, const struct survival_data *data,
                                     enum cox_ties ties, size_t reference, size_t last)
{
    struct cohort_fit fit = {.width = data->group_count - 1};
    fit.place = memory_new_array(analysis->owner, size_t, data->group_count);
    size_t next = 0;
    for (size_t c = 0; c < data->group_count; c++)
        fit.place[c] = c == reference ? fit.width : c == last ? fit.width - 1 : next++;
    double *covariates = memory_new_array(analysis->owner, double, memory_size_product(data->count, fit.width));
    for (size_t i = 0; i < data->count; i++) {
        size_t place = fit.place[data->group[i]];
        if (place < fit.width)
            covariates[i * fit.width + place] = 1;
    }
    const struct cox_model model = {
        .data = data,
        .covariates = covariates,
        .covariate_count = fit.width,
        .group_covariates = fit.width,
        .ties = ties,
        .level = analysis->level,
    };
    fit.fit = stat_cox_fit(analysis->owner, &model);
    talloc_free(covariates);
    return fit;
}

static bool is_whole(const struct cohort_fit *fit)
{
    for (size_t j = 0; j < fit->width; j++) {
        if (fit->fit->coefficients[j].reason != NULL)
            return false;
    }
    return fit->fit->reason == NULL;
}

static struct hazard_ratio read_difference(const struct cohort_fit *fit, const struct contrast *contrast)
{
    size_t width = fit->width, a = fit->place[contrast->a], b = fit->place[contrast->b];
    const double *covariance = fit->fit->covariance;
    struct hazard_ratio ratio = {0};
    double variance = 0;
    if (a < width) {
        ratio.coef += fit->fit->coefficients[a].coef;
        variance += covariance[a * width + a];
    }
    if (b < width) {
        ratio.coef -= fit->fit->coefficients[b].coef;
        variance += covariance[b * width + b];
    }
    if (a < width && b < width)
        variance -= 2 * covariance[a * width + b];
    ratio.se = sqrt(variance);
    return ratio;
}

/*
 * Where a coefficient of the model of all cannot be estimated, the contrast has a model of its own: what it is compared
 * with is the reference, and its coefficient comes last, so that it has none when the others tell it.
 */
static struct hazard_ratio read_alone(const struct event_analysis *analysis, const struct survival_data *data,
                                      enum cox_ties ties, const struct contrast *contrast)
{
    struct cohort_fit fit = fit_cohorts(analysis, data, ties, contrast->b, contrast->a);
    const struct cox_coefficient *coefficient = &fit.fit->coefficients[fit.place[contrast->a]];
    return (struct hazard_ratio){coefficient->coef, coefficient->se, coefficient->reason};
}

static void add_ratio(const struct cell *cell, const struct hazard_ratio *ratio, double level)
{
    double half = stat_normal_quantile((1 + level) / 2) * ratio->se, z = ratio->coef / ratio->se;
    cell_add_or_reason(cell, "coef", ratio->coef, ratio->reason);
    cell_add_or_reason(cell, "se", ratio->se, ratio->reason);
    cell_add_or_reason(cell, "hr", exp(ratio->coef), ratio->reason);
    cell_add_or_reason(cell, "lo", exp(ratio->coef - half), ratio->reason);
    cell_add_or_reason(cell, "hi", exp(ratio->coef + half), ratio->reason);
    cell_add_or_reason(cell, "z", z, ratio->reason);
    cell_add_or_reason(cell, "p", isnan(z) ? z : stat_normal_two_sided(z), ratio->reason);
}

static void add_model(const struct event_analysis *analysis, const struct survival_data *data, enum cox_ties ties,
                      const char *row)
{
    const char *table = memory_format(analysis->owner, "Cox %s", analysis->event->id);
    const struct contrast *first = &analysis->contrasts.at[0];
    struct cohort_fit fit = fit_cohorts(analysis, data, ties, first->b, first->a);
    bool whole = is_whole(&fit);
    for (size_t i = 0; i < analysis->contrasts.count; i++) {
        const struct contrast *contrast = &analysis->contrasts.at[i];
        const struct cell cell = {analysis->results, table, row, contrast->name};
        struct hazard_ratio ratio =
            whole ? read_difference(&fit, contrast) : read_alone(analysis, data, ties, contrast);
        add_ratio(&cell, &ratio, analysis->level);
    }
}

void event_analysis_add_hazard_ratios(const struct event_analysis *analysis)
{
    if (analysis->contrasts.count == 0)
        return;
    add_model(analysis, &analysis->data, COX_EFRON, "efron");
    add_model(analysis, &analysis->data, COX_BRESLOW, "breslow");
    if (analysis->stratified.stratum != NULL)
        add_model(analysis, &analysis->stratified, COX_EFRON, "efron stratified");
}
