/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_mmrm_model.h"

#define CONSTANT 1e-9            /* of a covariate's size: below this spread it says nothing */

static bool is_eligible(const struct mmrm_input *input, size_t subject)
{
    if (input->cohort[subject] < 0 || (size_t)input->cohort[subject] >= input->cohort_count)
        return false;
    for (size_t t = 0; t < input->term_count; t++) {
        const struct mmrm_term *term = &input->terms[t];
        if (term->covariate != NULL ? !isfinite(term->covariate[subject])
                                    : term->level[subject] < 0
                                          || (size_t)term->level[subject] >= term->level_count)
            return false;
    }
    return true;
}

/* ---- which visits are used ---------------------------------------------------------------------------- */

struct survey {
    size_t n;
    double least, most;
    bool *cohorts;               /* that have a value */
    bool **levels;               /* of each factor by visit */
};

static struct survey *survey_new(const void *owner, const struct mmrm_input *input)
{
    struct survey *surveys = memory_new_array(owner, struct survey, input->visit_count);
    for (size_t j = 0; j < input->visit_count; j++) {
        surveys[j].least = (double)INFINITY;
        surveys[j].most = -(double)INFINITY;
        surveys[j].cohorts = memory_new_array(surveys, bool, input->cohort_count);
        surveys[j].levels = memory_new_array(surveys, bool *, input->term_count);
        for (size_t t = 0; t < input->term_count; t++)
            surveys[j].levels[t] = memory_new_array(surveys, bool, input->terms[t].level_count);
    }
    return surveys;
}

static void survey_add(struct survey *survey, const struct mmrm_input *input, size_t subject, double y)
{
    survey->n++;
    survey->least = fmin(survey->least, y);
    survey->most = fmax(survey->most, y);
    survey->cohorts[input->cohort[subject]] = true;
    for (size_t t = 0; t < input->term_count; t++) {
        if (input->terms[t].by_visit && input->terms[t].covariate == NULL)
            survey->levels[t][input->terms[t].level[subject]] = true;
    }
}

/* Coefficients that only the values of this visit can tell. */
static size_t coefficients_of_its_own(const struct survey *survey, const struct mmrm_input *input)
{
    size_t own = 0;
    for (size_t c = 0; c < input->cohort_count; c++)
        own += survey->cohorts[c];
    for (size_t t = 0; t < input->term_count; t++) {
        const struct mmrm_term *term = &input->terms[t];
        if (!term->by_visit)
            continue;
        size_t levels = 0;
        for (size_t l = 0; l < term->level_count; l++)
            levels += survey->levels[t][l];
        own += term->covariate != NULL ? 1 : levels > 1 ? levels - 1 : 0;
    }
    return own;
}

static const char *note_on_visit(const void *owner, const struct survey *survey,
                                 const struct mmrm_input *input)
{
    size_t own = coefficients_of_its_own(survey, input);
    if (survey->n == 0)
        return "left out: no value at this visit";
    if (survey->n == 1)
        return "left out: only one subject has a value at this visit";
    if (survey->least == survey->most)
        return "left out: all values at this visit are equal";
    if (survey->n <= own)
        return memory_format(owner, "left out: %zu subjects for the %zu coefficients of this visit alone",
                             survey->n, own);
    return NULL;
}

static void choose_visits(struct mmrm_fit *fit, const struct mmrm_input *input)
{
    struct survey *surveys = survey_new(fit, input);
    for (size_t i = 0; i < input->subject_count; i++) {
        if (!is_eligible(input, i))
            continue;
        const double *y = input->y + i * input->visit_count;
        for (size_t j = 0; j < input->visit_count; j++) {
            if (isfinite(y[j]))
                survey_add(&surveys[j], input, i, y[j]);
        }
    }
    for (size_t j = 0; j < input->visit_count; j++) {
        fit->visit_notes[j] = note_on_visit(fit, &surveys[j], input);
        if (fit->visit_notes[j] == NULL)
            fit->used[fit->used_count++] = j;
    }
    talloc_free(surveys);
}

/* ---- sources ------------------------------------------------------------------------------------------ */

static unsigned read_values(const struct mmrm_model *model, size_t subject, double *y)
{
    const double *all = model->input->y + subject * model->input->visit_count;
    unsigned mask = 0;
    for (size_t j = 0; j < model->visits; j++) {
        double value = all[model->used[j]];
        if (isfinite(value))
            mask |= 1U << j;
        y[j] = isfinite(value) ? value - model->y_centre[j] : 0;
    }
    return mask;
}

struct sums {
    size_t *cohort_records;
    size_t **level_records;
    double *covariate;           /* sum over records, then of squares around the mean */
    double y[MMRM_VISITS_MOST];
    size_t n[MMRM_VISITS_MOST];
};

static void add_to_sums(const struct mmrm_fit *fit, struct sums *sums, size_t i)
{
    const struct mmrm_input *input = fit->model->input;
    double y[MMRM_VISITS_MOST];
    unsigned mask = read_values(fit->model, i, y);
    size_t records = (size_t)__builtin_popcount(mask);
    for (size_t j = 0; j < fit->model->visits; j++) {
        if ((mask >> j & 1U) == 0)
            continue;
        sums->y[j] += y[j];
        sums->n[j]++;
        fit->cell_n[(size_t)input->cohort[i] * input->visit_count + fit->used[j]]++;
    }
    sums->cohort_records[input->cohort[i]] += records;
    for (size_t t = 0; t < input->term_count; t++) {
        if (input->terms[t].covariate == NULL)
            sums->level_records[t][input->terms[t].level[i]] += records;
        else
            sums->covariate[t] += (double)records * input->terms[t].covariate[i];
    }
}

static struct sums *sum_up(struct mmrm_fit *fit)
{
    struct mmrm_model *model = fit->model;
    const struct mmrm_input *input = model->input;
    struct sums *sums = memory_new(fit, struct sums);
    sums->cohort_records = memory_new_array(sums, size_t, input->cohort_count);
    sums->level_records = memory_new_array(sums, size_t *, input->term_count);
    sums->covariate = memory_new_array(sums, double, input->term_count);
    for (size_t t = 0; t < input->term_count; t++)
        sums->level_records[t] = memory_new_array(sums, size_t, input->terms[t].level_count);
    for (size_t i = 0; i < input->subject_count; i++) {
        if (is_eligible(input, i))
            add_to_sums(fit, sums, i);
    }
    for (size_t j = 0; j < model->visits; j++) {
        model->y_centre[j] = sums->y[j] / (double)sums->n[j];
        model->records += sums->n[j];
    }
    for (size_t t = 0; t < input->term_count; t++)
        sums->covariate[t] /= (double)model->records;
    return sums;
}

/* 1 / SD over the subjects; 0 when the covariate does not vary. */
static double scale_of(const struct mmrm_input *input, const double *x, double mean)
{
    double squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < input->subject_count; i++) {
        if (is_eligible(input, i)) {
            squares += (x[i] - mean) * (x[i] - mean);
            n++;
        }
    }
    double sd = sqrt(squares / (double)n);
    return sd > CONSTANT * fabs(mean) ? 1 / sd : 0;
}

static void add_level_sources(struct mmrm_model *model, const size_t *records, int t)
{
    const struct mmrm_term *term = &model->input->terms[t];
    size_t levels = 0;
    for (size_t l = 0; l < term->level_count; l++)
        levels += records[l] > 0;
    bool first = true;
    for (size_t l = 0; l < term->level_count; l++) {
        model->source_of_level[t][l] = records[l] == 0 ? -2 : -1;
        if (records[l] > 0 && !first) {
            model->source_of_level[t][l] = (int)model->source_count;
            model->sources[model->source_count++] =
                (struct mmrm_source){.term = t, .level = (int)l, .equal = 1 / (double)levels,
                                     .share = (double)records[l] / (double)model->records};
        }
        first = first && records[l] == 0;
    }
}

static void make_sources(struct mmrm_fit *fit, const struct sums *sums)
{
    struct mmrm_model *model = fit->model;
    const struct mmrm_input *input = model->input;
    size_t most = input->cohort_count;
    for (size_t t = 0; t < input->term_count; t++)
        most += input->terms[t].covariate != NULL ? 1 : input->terms[t].level_count;
    model->sources = memory_new_array(model, struct mmrm_source, most);
    model->source_of_level = memory_new_array(model, int *, input->term_count);
    for (size_t c = 0; c < input->cohort_count; c++) {
        model->sources[model->source_count++] =
            (struct mmrm_source){.term = -1, .level = (int)c,
                                 .share = (double)sums->cohort_records[c] / (double)model->records};
    }
    for (size_t t = 0; t < input->term_count; t++) {
        const struct mmrm_term *term = &input->terms[t];
        model->source_of_level[t] =
            memory_new_array(model, int, term->covariate != NULL ? 1 : term->level_count);
        if (term->covariate == NULL) {
            add_level_sources(model, sums->level_records[t], (int)t);
            continue;
        }
        double mean = sums->covariate[t];
        model->source_of_level[t][0] = (int)model->source_count;
        model->sources[model->source_count++] = (struct mmrm_source){
            .term = (int)t, .level = -1, .centre = mean, .scale = scale_of(input, term->covariate, mean)};
    }
}

/* ---- cells -------------------------------------------------------------------------------------------- */

bool mmrm_model_row(const struct mmrm_model *model, size_t subject, struct mmrm_row *row)
{
    const struct mmrm_input *input = model->input;
    if (!is_eligible(input, subject))
        return false;
    row->cohort = (size_t)input->cohort[subject];
    row->count = 1;
    row->sources[0] = row->cohort;
    row->z[0] = 1;
    for (size_t t = 0; t < input->term_count; t++) {
        const struct mmrm_term *term = &input->terms[t];
        int at = model->source_of_level[t][term->covariate != NULL ? 0 : term->level[subject]];
        if (at == -2)
            return false;
        if (at == -1)
            continue;
        const struct mmrm_source *source = &model->sources[at];
        row->sources[row->count] = (size_t)at;
        row->z[row->count++] =
            term->covariate != NULL ? (term->covariate[subject] - source->centre) * source->scale : 1;
    }
    row->mask = read_values(model, subject, row->y);
    return true;
}

int mmrm_model_cell(const struct mmrm_model *model, const struct mmrm_row *row)
{
    return model->cell_table[row->mask * model->input->cohort_count + row->cohort];
}

void mmrm_cell_add(const struct mmrm_model *model, struct mmrm_cell *cell, const struct mmrm_row *row,
                   double sign)
{
    size_t q0 = model->source_count;
    cell->n = sign > 0 ? cell->n + 1 : cell->n - 1;
    for (size_t a = 0; a < row->count; a++) {
        double z = sign * row->z[a];
        for (size_t b = 0; b < row->count; b++)
            cell->zz[row->sources[a] + row->sources[b] * q0] += z * row->z[b];
        for (size_t j = 0; j < model->visits; j++)
            cell->zy[row->sources[a] + j * q0] += z * row->y[j];
    }
    for (size_t j = 0; j < model->visits; j++) {
        for (size_t k = 0; k < model->visits; k++)
            cell->yy[j + k * model->visits] += sign * row->y[j] * row->y[k];
    }
}

void mmrm_cell_new(const void *owner, const struct mmrm_model *model, struct mmrm_cell *cell)
{
    cell->zz = memory_new_array(owner, double,
                                memory_size_product(model->source_count, model->source_count));
    cell->zy = memory_new_array(owner, double, model->source_count * model->visits);
    cell->yy = memory_new_array(owner, double, model->visits * model->visits);
}

/* Cells stand by pattern and cohort whatever the order of the subjects is. */
static void make_cells(struct mmrm_model *model)
{
    size_t cohorts = model->input->cohort_count;
    size_t keys = memory_size_product((size_t)1 << model->visits, cohorts);
    struct mmrm_row row;
    model->cell_table = memory_new_array(model, int, keys);
    for (size_t i = 0; i < model->input->subject_count; i++) {
        if (mmrm_model_row(model, i, &row))
            model->cell_table[row.mask * cohorts + row.cohort] = 1;
    }
    for (size_t k = 0; k < keys; k++)
        model->cell_table[k] = model->cell_table[k] == 0 ? -1 : (int)model->cell_count++;
    model->cells = memory_new_array(model, struct mmrm_cell, model->cell_count);
    for (size_t k = 0; k < keys; k++) {
        if (model->cell_table[k] < 0)
            continue;
        struct mmrm_cell *cell = &model->cells[model->cell_table[k]];
        cell->mask = (unsigned)(k / cohorts);
        cell->cohort = k % cohorts;
        mmrm_cell_new(model->cells, model, cell);
    }
    for (size_t i = 0; i < model->input->subject_count; i++) {
        if (mmrm_model_row(model, i, &row))
            mmrm_cell_add(model, &model->cells[mmrm_model_cell(model, &row)], &row, 1);
    }
}

static const char *find_limit_exceeded(const void *owner, const struct mmrm_input *input)
{
    if (input->visit_count > MMRM_VISITS_MOST)
        return memory_format(owner, "%zu visits; the model takes %d at most", input->visit_count,
                             MMRM_VISITS_MOST);
    if (input->term_count > MMRM_TERMS_MOST)
        return memory_format(owner, "%zu covariates and factors; the model takes %d at most",
                             input->term_count, MMRM_TERMS_MOST);
    return NULL;
}

bool mmrm_model_read(struct mmrm_fit *fit, const struct mmrm_input *input)
{
    struct mmrm_model *model = fit->model;
    model->input = input;
    fit->reason = find_limit_exceeded(fit, input);
    if (fit->reason != NULL)
        return false;
    choose_visits(fit, input);
    if (fit->used_count == 0) {
        fit->reason = "no visit has values of two subjects that differ";
        return false;
    }
    model->visits = fit->used_count;
    model->used = fit->used;
    struct sums *sums = sum_up(fit);
    make_sources(fit, sums);
    talloc_free(sums);
    make_cells(model);
    return true;
}
