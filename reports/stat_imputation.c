/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_imputation.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_imputation_model.h"

/* ---- jackknife ---------------------------------------------------------------------------------------- */

static void copy_cell(const struct mmrm_model *model, struct mmrm_cell *to, const struct mmrm_cell *from)
{
    size_t q0 = model->source_count;
    size_t m = model->visits;
    to->n = from->n;
    memcpy(to->zz, from->zz, q0 * q0 * sizeof(double));
    memcpy(to->zy, from->zy, q0 * m * sizeof(double));
    memcpy(to->yy, from->yy, m * m * sizeof(double));
}

static void copy_whole(const struct mmrm_model *whole, struct imputation_replicate *replicate)
{
    for (size_t c = 0; c < whole->cell_count; c++)
        copy_cell(whole, &replicate->model.cells[c], &whole->cells[c]);
    for (size_t p = 0; p < whole->pattern_count; p++)
        copy_cell(whole, &replicate->model.patterns[p], &whole->patterns[p]);
    replicate->model.records = whole->records;
}

/* The k-th subject. */
static void take_away(struct imputation_replicate *replicate, const struct imputation_cells *cells, size_t k)
{
    struct mmrm_model *model = &replicate->model;
    struct mmrm_row row;
    if (!mmrm_model_row(model, cells->subjects[k], &row))
        return;
    size_t cell = cells->cell_of[k];
    int pattern = model->pattern_of_cell[cell];
    mmrm_cell_add(model, &model->cells[cell], &row, -1);
    if (pattern < 0)
        return;
    mmrm_cell_add(model, &model->patterns[pattern], &row, -1);
    model->records -= (size_t)__builtin_popcount(row.mask);
}

/* The cell of a subject as it was; exact, while adding again would leave rounding errors. */
static void put_back(const struct imputation_cells *cells, struct imputation_replicate *replicate, size_t k)
{
    const struct mmrm_model *whole = &cells->model;
    size_t cell = cells->cell_of[k];
    int pattern = whole->pattern_of_cell[cell];
    copy_cell(whole, &replicate->model.cells[cell], &whole->cells[cell]);
    if (pattern >= 0)
        copy_cell(whole, &replicate->model.patterns[pattern], &whole->patterns[pattern]);
    replicate->model.records = whole->records;
}

static const char *repeat_once(const struct imputation *imputation, struct imputation_replicate *replicate,
                               size_t index)
{
    struct mmrm_model *model = &replicate->model;
    size_t size = model->input->cohort_count * model->visits;
    mmrm_model_choose_columns(model);
    const char *reason = mmrm_refit(imputation->fit, model, replicate->theta, replicate->state);
    if (reason != NULL)
        return reason;
    return imputation_analyse(replicate, imputation->reference,
                              imputation->estimates + index * IMPUTATION_STRATEGIES * size,
                              imputation->slopes + index * size);
}

static const char *repeat(const struct imputation *imputation, struct imputation_replicate *replicate)
{
    const char *reason = NULL;
    for (size_t r = 0; reason == NULL && r < imputation->replicates; r++) {
        for (size_t k = r; k < imputation->subjects; k += imputation->replicates)
            take_away(replicate, imputation->cells, k);
        reason = repeat_once(imputation, replicate, r + 1);
        if (imputation->grouped)
            copy_whole(&imputation->cells->model, replicate);
        else
            put_back(imputation->cells, replicate, r);
    }
    return reason;
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static void count_subjects(struct imputation *imputation)
{
    imputation->subjects = imputation->cells->subject_count;
    imputation->grouped = imputation->subjects > IMPUTATION_LEAVE_ONE_OUT_MOST;
    imputation->replicates = imputation->grouped ? IMPUTATION_GROUPS : imputation->subjects;
}

static void count_imputed(struct imputation *imputation)
{
    const struct mmrm_fit *fit = imputation->fit;
    const struct mmrm_model *model = &imputation->cells->model;
    for (size_t c = 0; c < model->cell_count; c++) {
        const struct mmrm_cell *cell = &model->cells[c];
        for (size_t j = 0; j < fit->used_count; j++) {
            size_t at = cell->cohort * fit->visit_count + fit->used[j];
            if ((imputation->cells->waiting[c] >> j & 1U) != 0)
                continue;
            imputation->analysed[at] += cell->n;
            imputation->imputed[at] += (cell->mask >> j & 1U) == 0 ? cell->n : 0;
        }
    }
}

/*
 * For each cohort * used_count + used visit, which replicate leaves no value of the cohort there, from 1; 0:
 * there is none anyhow; SEVERAL: each replicate leaves one.  To be freed.
 */
#define SEVERAL SIZE_MAX

static size_t *find_only_replicates(const struct imputation *imputation)
{
    const struct mmrm_model *model = imputation->fit->model;
    size_t *only =
        memory_new_array(NULL, size_t, memory_size_product(model->input->cohort_count, model->visits));
    struct mmrm_row row;
    for (size_t k = 0; k < imputation->subjects; k++) {
        size_t replicate = k % imputation->replicates + 1;
        if (!mmrm_model_row(model, imputation->cells->subjects[k], &row))
            continue;
        for (size_t j = 0; j < model->visits; j++) {
            size_t *at = &only[row.cohort * model->visits + j];
            if ((row.mask >> j & 1U) != 0)
                *at = *at == 0 || *at == replicate ? replicate : SEVERAL;
        }
    }
    return only;
}

/* Cohorts without a mean at a visit, in the whole or a replicate, get a reason; true when there are any. */
static bool find_cohorts_without_means(struct imputation *imputation)
{
    const struct mmrm_fit *fit = imputation->fit;
    size_t *only = find_only_replicates(imputation);
    bool found = false;
    for (size_t k = 0; k < fit->cohort_count * fit->used_count; k++) {
        const char **reason = &imputation->cohort_reasons[k / fit->used_count];
        if (only[k] == SEVERAL || *reason != NULL)
            continue;
        found = true;
        if (only[k] == 0)
            *reason = "the cohort has no value at a visit, so no mean to impute";
        else if (imputation->grouped)
            *reason = "all values of the cohort at a visit are in one group of the jackknife";
        else
            *reason = "the cohort has a single value at a visit: it cannot be left out";
    }
    talloc_free(only);
    return found;
}

/*
 * The fit and cells of the cohorts with a mean at each visit in each replicate.  Without the others a visit
 * may go, and groups are others, so that it takes as many fits as it takes.  `cohort`: the input's.
 */
static void fit_cohorts(struct imputation *imputation, const struct mmrm_input *input, int *cohort,
                        const bool *over)
{
    for (;;) {
        void *memory = memory_owner(imputation, "fit");
        imputation->fit = stat_mmrm_fit(memory, input);
        if (imputation->fit->used_count == 0)
            return;
        imputation->cells = imputation_cells_new(memory, imputation->fit->model, over);
        count_subjects(imputation);
        if (!find_cohorts_without_means(imputation))
            return;
        size_t left_out = 0;
        for (size_t i = 0; i < input->subject_count; i++) {
            if (cohort[i] >= 0 && imputation->cohort_reasons[cohort[i]] != NULL) {
                cohort[i] = -1;
                left_out++;
            }
        }
        if (left_out == 0 || imputation->cohort_reasons[imputation->reference] != NULL)
            return;
        talloc_free(memory);
    }
}

struct imputation *stat_imputation(const void *owner, const struct mmrm_input *input, int reference,
                                   const bool *over)
{
    struct imputation *imputation = memory_new(owner, struct imputation);
    struct mmrm_input *common = memory_new(imputation, struct mmrm_input);
    *common = *input;
    common->sigma_by_cohort = false;
    int *cohort = memory_new_array(imputation, int, input->subject_count);
    for (size_t i = 0; i < input->subject_count; i++)
        cohort[i] = input->cohort[i] < (int)input->cohort_count ? input->cohort[i] : -1;
    common->cohort = cohort;
    imputation->reference = reference;
    imputation->cohort_reasons = memory_new_array(imputation, const char *, input->cohort_count);
    imputation->imputed = memory_new_array(imputation, size_t,
                                           memory_size_product(input->cohort_count, input->visit_count));
    imputation->analysed = memory_new_array(imputation, size_t,
                                            memory_size_product(input->cohort_count, input->visit_count));
    if (reference < 0 || (size_t)reference >= input->cohort_count) {
        imputation->reason = "there is no reference cohort";
        return imputation;
    }
    fit_cohorts(imputation, common, cohort, over);
    imputation->reason = imputation->cohort_reasons[reference];
    if (imputation->reason == NULL)
        imputation->reason = imputation->fit->reason;
    if (imputation->reason != NULL)
        return imputation;
    const struct mmrm_model *model = &imputation->cells->model;
    size_t size = input->cohort_count * model->visits * (imputation->replicates + 1);
    imputation->estimates =
        memory_new_array(imputation, double, memory_size_product(size, IMPUTATION_STRATEGIES));
    imputation->slopes = memory_new_array(imputation, double, size);
    count_imputed(imputation);
    struct imputation_replicate *replicate = imputation_replicate_new(imputation, imputation->cells);
    copy_whole(model, replicate);
    imputation->reason = repeat_once(imputation, replicate, 0);
    if (imputation->reason == NULL)
        imputation->reason = repeat(imputation, replicate);
    talloc_free(replicate);
    return imputation;
}

/* ---- estimates ---------------------------------------------------------------------------------------- */

/* Estimate a + b delta, and its variance vaa + 2 vab delta + vbb delta^2. */
struct line {
    double a, b, vaa, vab, vbb;
};

static const char *why_not_told(const struct imputation *imputation,
                                const struct imputation_contrast *contrast, size_t used)
{
    size_t m = imputation->fit->used_count;
    size_t stride = imputation->fit->cohort_count * m;
    const double *slopes = imputation->slopes + (size_t)contrast->cohort * m + used;
    size_t visits = imputation->fit->visit_count, visit = (size_t)contrast->visit;
    if (imputation->analysed[(size_t)contrast->cohort * visits + visit] == 0
        || imputation->analysed[(size_t)imputation->reference * visits + visit] == 0)
        return "the visit is not over for anybody of a cohort";
    if (isnan(slopes[0]))
        return "the cohorts cannot be told apart from the other factors and covariates";
    for (size_t r = 1; r <= imputation->replicates; r++) {
        if (isnan(slopes[r * stride]))
            return "a subject cannot be left out: without it the cohorts cannot be told apart";
    }
    return NULL;
}

static const char *find_place(const struct imputation *imputation, const struct imputation_contrast *contrast,
                              size_t *used)
{
    if (imputation->reason != NULL)
        return imputation->reason;
    if (contrast->cohort == imputation->reference)
        return "the reference cohort is not compared with itself";
    if (imputation->cohort_reasons[contrast->cohort] != NULL)
        return imputation->cohort_reasons[contrast->cohort];
    for (size_t j = 0; j < imputation->fit->used_count; j++) {
        if (imputation->fit->used[j] == (size_t)contrast->visit) {
            *used = j;
            return why_not_told(imputation, contrast, j);
        }
    }
    return imputation->fit->visit_notes[contrast->visit];
}

static struct line find_line(const struct imputation *imputation, const struct imputation_contrast *contrast,
                             size_t used)
{
    size_t m = imputation->fit->used_count;
    size_t cohorts = imputation->fit->cohort_count;
    size_t n = imputation->replicates;
    size_t at = (size_t)contrast->cohort * m + used;
    const double *estimates = imputation->estimates + (size_t)contrast->strategy * cohorts * m + at;
    const double *slopes = imputation->slopes + at;
    size_t stride = IMPUTATION_STRATEGIES * cohorts * m;
    struct line line = {.a = estimates[0], .b = slopes[0]};
    double mean_a = 0, mean_b = 0;
    for (size_t r = 1; r <= n; r++) {
        mean_a += estimates[r * stride] / (double)n;
        mean_b += slopes[r * cohorts * m] / (double)n;
    }
    double factor = (double)(n - 1) / (double)n;
    for (size_t r = 1; r <= n; r++) {
        double a = estimates[r * stride] - mean_a;
        double b = slopes[r * cohorts * m] - mean_b;
        line.vaa += factor * a * a;
        line.vab += factor * a * b;
        line.vbb += factor * b * b;
    }
    return line;
}

struct imputation_estimate stat_imputation_estimate(const struct imputation *imputation,
                                                    const struct imputation_contrast *contrast, double level)
{
    const double none = (double)NAN;
    struct imputation_estimate result = {none, none, none, none, none, none, NULL};
    size_t used = 0;
    result.reason = find_place(imputation, contrast, &used);
    if (result.reason != NULL)
        return result;
    struct line line = find_line(imputation, contrast, used);
    double delta = contrast->delta;
    double variance = line.vaa + delta * (2 * line.vab + delta * line.vbb);
    if (!(variance > 0)) {
        result.reason = "the standard error cannot be estimated";
        return result;
    }
    result.estimate = line.a + line.b * delta;
    result.se = sqrt(variance);
    double half = stat_normal_quantile((1 + level) / 2) * result.se;
    result.lo = result.estimate - half;
    result.hi = result.estimate + half;
    result.z = result.estimate / result.se;
    result.p = stat_normal_two_sided(result.z);
    return result;
}

/*
 * (a + b d)^2 = z^2 (vaa + 2 vab d + vbb d^2): one of the limits is 0.  Both roots, the smaller first; false
 * when there is none.
 */
static bool solve(const struct line *line, double z, double roots[2])
{
    double second = line->b * line->b - z * z * line->vbb;
    double first = line->a * line->b - z * z * line->vab;        /* half the coefficient of d */
    double constant = line->a * line->a - z * z * line->vaa;
    double inside = first * first - second * constant;
    if (inside < 0 || (second == 0 && first == 0))
        return false;
    /* The root without cancellation, and the other by their product. */
    double sum = -(first + copysign(sqrt(inside), first));
    double one = second == 0 ? (double)INFINITY : sum / second;
    double other = sum == 0 ? one : constant / sum;
    roots[0] = fmin(one, other);
    roots[1] = fmax(one, other);
    return true;
}

struct imputation_tipping stat_imputation_tipping(const struct imputation *imputation,
                                                  const struct imputation_contrast *contrast, double level)
{
    struct imputation_contrast plain = *contrast;
    plain.delta = 0;
    struct imputation_estimate now = stat_imputation_estimate(imputation, &plain, level);
    struct imputation_tipping result = {(double)NAN, now.reason};
    size_t used = 0;
    double roots[2] = {0, 0};
    if (now.reason != NULL || find_place(imputation, &plain, &used) != NULL)
        return result;
    struct line line = find_line(imputation, &plain, used);
    if (now.lo <= 0 && now.hi >= 0)
        result.reason = "the interval holds 0 without any delta";
    else if (line.b == 0)
        result.reason = "no value of the cohort was imputed at this visit";
    else if (!solve(&line, stat_normal_quantile((1 + level) / 2), roots))
        result.reason = "the interval never reaches 0";
    if (result.reason != NULL)
        return result;
    /* The interval is on one side of 0 now: of the deltas that change that, the one nearest to none. */
    result.delta = fabs(roots[0]) < fabs(roots[1]) ? roots[0] : roots[1];
    return result;
}
