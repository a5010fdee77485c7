/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T8 change from baseline at all visits together by a mixed model for repeated measures (stat_mmrm.h), and
 * how the fit went.  Both kinds of degrees of freedom are among the results; the protocol's `df` says which
 * one tables show.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_repeated.h"
#include "reports/analysis_rows.h"

struct mmrm {
    const struct dataset *dataset;
    const struct protocol *protocol;
    const struct repeated *repeated;
    struct contrasts contrasts;
    enum mmrm_margins margins;
    enum mmrm_method shown; /* whose p the test of equivalence takes */
    struct results *results;
    void *scratch;
    /* of the endpoint */
    size_t endpoint;
    const struct mmrm_input *input;
    const struct mmrm_fit *fit;
    const char *table;
};

static const char *visit_id(const struct mmrm *mmrm, size_t visit)
{
    return mmrm->protocol->visits[mmrm->repeated->visits[visit]].id;
}

static struct cell cell_of(const struct mmrm *mmrm, const char *row, const char *col)
{
    return (struct cell){mmrm->results, mmrm->table, row, col};
}

/* -- how the fit went ------------------------------------------------------------------------------------ */

/* Subjects with a change whom the model leaves out, because a covariate of theirs is missing. */
static size_t count_left_out(const struct mmrm *mmrm)
{
    const struct mmrm_input *input = mmrm->input;
    size_t with_change = 0;
    for (size_t i = 0; i < input->subject_count; i++) {
        bool any = false;
        for (size_t j = 0; j < input->visit_count; j++)
            any = any || !isnan(input->y[i * input->visit_count + j]);
        with_change += input->cohort[i] >= 0 && any;
    }
    return with_change - mmrm->fit->subjects;
}

static void add_fit(const struct mmrm *mmrm)
{
    const struct mmrm_fit *fit = mmrm->fit;
    struct cell cell = cell_of(mmrm, "fit", "model");
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"m2reml", fit->m2ll},
        {"aic", fit->aic},
        {"newton_iter", (double)fit->iterations},
        {"gradient_max", fit->gradient_max},
        {"condition", fit->condition},
        {"parameters", (double)fit->parameters},
        {"sandwich", fit->sandwich ? 1 : 0},
    };
    cell_add_count(&cell, "subjects", fit->subjects);
    cell_add_count(&cell, "left_out", count_left_out(mmrm));
    cell_add_count(&cell, "records", fit->records);
    cell_add_count(&cell, "n_coef", fit->coefficients);
    cell_add_count(&cell, "n_pattern", fit->patterns);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        cell_add_or_reason(&cell, all[i].stat, fit->reason == NULL ? all[i].value : (double)NAN, fit->reason);
    for (size_t i = 0; i < fit->attempt_count; i++) {
        const struct mmrm_attempt *attempt = &fit->attempts[i];
        cell.col = stat_mmrm_structure_name(attempt->structure);
        cell_add_count(&cell, "iterations", (size_t)attempt->iterations);
        cell_add_or_reason(&cell, "taken", attempt->reason == NULL ? 1 : (double)NAN, attempt->reason);
    }
    for (size_t j = 0; j < fit->visit_count; j++) {
        const char *note = fit->visit_notes[j] != NULL ? fit->visit_notes[j] : fit->reason;
        cell.col = visit_id(mmrm, j);
        cell_add_or_reason(&cell, "used", note == NULL ? 1 : (double)NAN, note);
    }
}

/* Elements are numbered by the visits that are used, from 1. */
static void add_sigma(const struct mmrm *mmrm)
{
    const struct mmrm_fit *fit = mmrm->fit;
    size_t m = fit->reason == NULL ? fit->used_count : 0;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j <= i; j++) {
            char *name = memory_format(NULL, "%zu,%zu", i + 1, j + 1);
            struct cell cell = cell_of(mmrm, "sigma", name);
            cell_add(&cell, "est", fit->sigma[i * m + j]);
            cell_add_or_reason(&cell, "se", fit->sigma_se[i * m + j], "the structure has no such parameter");
            if (i != j)
                cell_add(&cell, "corr",
                         fit->sigma[i * m + j] / sqrt(fit->sigma[i * m + i] * fit->sigma[j * m + j]));
            talloc_free(name);
        }
    }
}

/* As R's default coding names it: "(Intercept)", "VM6", "cohortB", "VM6:cohortB", "site2", "base:VM6". */
static char *effect_name(const struct mmrm *mmrm, const struct mmrm_effect *effect)
{
    const char *visit = effect->visit == MMRM_NO_VISIT ? NULL : visit_id(mmrm, (size_t)effect->visit);
    if (effect->term == MMRM_NO_TERM) {
        const char *cohort = effect->cohort == MMRM_NO_COHORT
                                 ? NULL
                                 : mmrm->dataset->cohorts[mmrm->repeated->column_of_code[effect->cohort]];
        if (visit == NULL && cohort == NULL)
            return memory_copy_string(NULL, "(Intercept)");
        if (visit == NULL || cohort == NULL)
            return memory_format(NULL, "%s%s", cohort != NULL ? "cohort" : "V",
                                 cohort != NULL ? cohort : visit);
        return memory_format(NULL, "V%s:cohort%s", visit, cohort);
    }
    const struct covariate *covariate = &mmrm->repeated->covariates.at[effect->term];
    return memory_format(NULL, "%s%s%s%s", covariate->name,
                         effect->level >= 0 ? covariate->level_names[effect->level] : "",
                         visit != NULL ? ":V" : "", visit != NULL ? visit : "");
}

static void add_effects(const struct mmrm *mmrm)
{
    for (size_t i = 0; i < stat_mmrm_effect_count(mmrm->fit); i++) {
        struct mmrm_effect effect = stat_mmrm_effect(mmrm->fit, i, MMRM_SATTERTHWAITE, mmrm->protocol->level);
        const struct mmrm_estimate *e = &effect.estimate;
        char *name = effect_name(mmrm, &effect);
        struct cell cell = cell_of(mmrm, "coef", name);
        cell_add_or_reason(&cell, "est", e->estimate, e->reason);
        cell_add_or_reason(&cell, "se", e->se, e->reason);
        cell_add_or_reason(&cell, "df", e->df, e->reason);
        cell_add_or_reason(&cell, "t", e->t, e->reason);
        cell_add_or_reason(&cell, "p", e->p, e->reason);
        cell_add_or_reason(&cell, "lo", e->lo, e->reason);
        cell_add_or_reason(&cell, "hi", e->hi, e->reason);
        talloc_free(name);
    }
}

/* -- means and differences ------------------------------------------------------------------------------- */

/* The estimate under `stat`, then by both methods se, df and limits; `p` and t of differences only. */
static void add_estimate(const struct mmrm *mmrm, const struct cell *cell, const char *stat,
                         const struct mmrm_contrast *contrast)
{
    double level = mmrm->protocol->level;
    bool difference = contrast->reference != MMRM_NO_COHORT;
    struct mmrm_estimate satt = stat_mmrm_estimate(mmrm->fit, contrast, MMRM_SATTERTHWAITE, level);
    struct mmrm_estimate kr = stat_mmrm_estimate(mmrm->fit, contrast, MMRM_KENWARD_ROGER, level);
    const char *reason = satt.reason;
    cell_add_or_reason(cell, stat, satt.estimate, reason);
    cell_add_or_reason(cell, "se", satt.se, reason);
    cell_add_or_reason(cell, "df_satt", satt.df, reason);
    cell_add_or_reason(cell, "lo", satt.lo, reason);
    cell_add_or_reason(cell, "hi", satt.hi, reason);
    cell_add_or_reason(cell, "se_kr", kr.se, reason);
    cell_add_or_reason(cell, "df_kr", kr.df, reason);
    cell_add_or_reason(cell, "lo_kr", kr.lo, reason);
    cell_add_or_reason(cell, "hi_kr", kr.hi, reason);
    if (!difference)
        return;
    struct mmrm_estimate expected =
        stat_mmrm_estimate(mmrm->fit, contrast, MMRM_KENWARD_ROGER_EXPECTED, level);
    cell_add_or_reason(cell, "t", satt.t, reason);
    cell_add_or_reason(cell, "p_satt", satt.p, reason);
    cell_add_or_reason(cell, "p_kr", kr.p, reason);
    cell_add_or_reason(cell, "se_kr_exp", expected.se, reason);
    cell_add_or_reason(cell, "df_kr_exp", expected.df, reason);
    cell_add_or_reason(cell, "p_kr_exp", expected.p, reason);
}

static struct mmrm_contrast mean_of(const struct mmrm *mmrm, size_t column, int visit)
{
    return (struct mmrm_contrast){
        .cohort = mmrm->repeated->code_of_column[column],
        .reference = MMRM_NO_COHORT,
        .visit = visit,
        .minus_visit = MMRM_NO_VISIT,
        .margins = mmrm->margins,
    };
}

static struct mmrm_contrast difference_of(const struct mmrm *mmrm, size_t index, int visit)
{
    const struct contrast *contrast = &mmrm->contrasts.at[index];
    struct mmrm_contrast difference = mean_of(mmrm, contrast->a, visit);
    difference.reference = mmrm->repeated->code_of_column[contrast->b];
    return difference;
}

static void add_equivalence(const struct mmrm *mmrm, const struct cell *cell,
                            const struct mmrm_contrast *contrast)
{
    const struct equivalence_margin *margin = plan_find_margin(&mmrm->protocol->plan, (int)mmrm->endpoint);
    if (margin == NULL)
        return;
    struct mmrm_estimate e = stat_mmrm_estimate(mmrm->fit, contrast, mmrm->shown, mmrm->protocol->level);
    const struct linear_estimate estimate = {.estimate = e.estimate, .se = e.se, .df = e.df};
    cell_add_or_reason(cell, "tost_p", stat_linear_equivalence(&estimate, margin->margin), e.reason);
}

/* `name` is the visit's in the rows' names. */
static void add_visit(const struct mmrm *mmrm, const char *name, int visit)
{
    char *mean_row = memory_format(NULL, "lsmean %s", name);
    char *difference_row = memory_format(mean_row, "diff %s", name);
    for (size_t c = 0; c < mmrm->dataset->cohort_count; c++) {
        struct cell cell = cell_of(mmrm, mean_row, mmrm->dataset->cohorts[c]);
        struct mmrm_contrast mean = mean_of(mmrm, c, visit);
        if (visit != MMRM_ALL_VISITS)
            cell_add_count(&cell, "n",
                           mmrm->fit->cell_n[(size_t)mean.cohort * mmrm->fit->visit_count + (size_t)visit]);
        add_estimate(mmrm, &cell, "lsmean", &mean);
    }
    for (size_t i = 0; i < mmrm->contrasts.count; i++) {
        struct cell cell = cell_of(mmrm, difference_row, mmrm->contrasts.at[i].name);
        struct mmrm_contrast difference = difference_of(mmrm, i, visit);
        add_estimate(mmrm, &cell, "diff", &difference);
        add_equivalence(mmrm, &cell, &difference);
    }
    talloc_free(mean_row);
}

/* How much larger differences are at a later visit than at an earlier one, for claims that they last. */
static void add_durability(const struct mmrm *mmrm, const struct claim *claim)
{
    const struct visit *visits = mmrm->protocol->visits;
    int visit = repeated_find_visit(mmrm->repeated, claim->visit);
    int from = repeated_find_visit(mmrm->repeated, claim->from);
    if (visit < 0 || from < 0)
        return;
    char *row = memory_format(NULL, "diff %s - %s", visits[claim->visit].id, visits[claim->from].id);
    for (size_t i = 0; i < mmrm->contrasts.count; i++) {
        struct cell cell = cell_of(mmrm, row, mmrm->contrasts.at[i].name);
        struct mmrm_contrast contrast = difference_of(mmrm, i, visit);
        contrast.minus_visit = from;
        /* Several claims may be about the same two visits. */
        if (results_find(mmrm->results, cell.table, cell.row, cell.col, "diff") == NULL)
            add_estimate(mmrm, &cell, "diff", &contrast);
    }
    talloc_free(row);
}

static void add_claims(const struct mmrm *mmrm)
{
    const struct analysis_plan *plan = &mmrm->protocol->plan;
    for (size_t k = 0; k < plan->claim_count; k++) {
        if (plan->claims[k].kind == CLAIM_DURABILITY && plan->claims[k].endpoint == (int)mmrm->endpoint)
            add_durability(mmrm, &plan->claims[k]);
    }
}

/* -- tests ----------------------------------------------------------------------------------------------- */

static void add_test(const struct mmrm *mmrm, const struct cell *cell, enum mmrm_hypothesis hypothesis,
                     size_t term)
{
    struct mmrm_test kr = stat_mmrm_test(mmrm->fit, hypothesis, term, MMRM_KENWARD_ROGER);
    struct mmrm_test satt = stat_mmrm_test(mmrm->fit, hypothesis, term, MMRM_SATTERTHWAITE);
    cell_add_or_reason(cell, "F_kr", kr.f, kr.reason);
    cell_add_or_reason(cell, "df1", kr.df1, kr.reason);
    cell_add_or_reason(cell, "df2_kr", kr.df2, kr.reason);
    cell_add_or_reason(cell, "p_kr", kr.p, kr.reason);
    cell_add_or_reason(cell, "F_satt", satt.f, satt.reason);
    cell_add_or_reason(cell, "df2_satt", satt.df2, satt.reason);
    cell_add_or_reason(cell, "p_satt", satt.p, satt.reason);
    if (kr.reduced)
        cell_add(cell, "reduced", 1);
}

static void add_tests(const struct mmrm *mmrm)
{
    if (!mmrm->dataset->pooled) {
        struct cell all = cell_of(mmrm, "joint F all arm contrasts", "all visits");
        struct cell interaction = cell_of(mmrm, "type 3 F arm x visit", "interaction");
        struct cell main = cell_of(mmrm, "type 3 F arm", "mean over visits");
        add_test(mmrm, &all, MMRM_COHORT_ANYWHERE, 0);
        add_test(mmrm, &interaction, MMRM_COHORT_BY_VISIT, 0);
        add_test(mmrm, &main, MMRM_COHORT, 0);
    }
    for (size_t t = 0; t < mmrm->input->term_count; t++) {
        const struct mmrm_term *term = &mmrm->input->terms[t];
        char *row = memory_format(NULL, "type 3 F %s", term->name);
        struct cell cell = cell_of(mmrm, row, "mean over visits");
        add_test(mmrm, &cell, MMRM_TERM, t);
        if (term->by_visit) {
            cell.row = memory_format(row, "%s x visit", row);
            cell.col = "interaction";
            add_test(mmrm, &cell, MMRM_TERM_BY_VISIT, t);
        }
        talloc_free(row);
    }
}

/* -- endpoints ------------------------------------------------------------------------------------------- */

static void add_endpoint(struct mmrm *mmrm, size_t endpoint)
{
    void *owner = memory_owner(mmrm->scratch, "endpoint");
    mmrm->endpoint = endpoint;
    mmrm->input = repeated_input(owner, mmrm->repeated, endpoint);
    mmrm->fit = stat_mmrm_fit(owner, mmrm->input);
    mmrm->table = memory_format(owner, "MMRM %s", mmrm->protocol->endpoints[endpoint].id);
    add_fit(mmrm);
    add_sigma(mmrm);
    for (size_t j = 0; j < mmrm->repeated->visit_count; j++)
        add_visit(mmrm, visit_id(mmrm, j), (int)j);
    add_visit(mmrm, "averaged over visits", MMRM_ALL_VISITS);
    add_claims(mmrm);
    add_tests(mmrm);
    add_effects(mmrm);
    talloc_free(owner);
}

void analysis_mmrm(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "mixed models");
    struct mmrm mmrm = {
        .dataset = dataset,
        .protocol = protocol,
        .repeated = repeated_new(owner, dataset),
        .contrasts = contrasts_of(owner, dataset),
        .margins = protocol->lsmeans_equal ? MMRM_EQUAL_MARGINS : MMRM_OBSERVED_MARGINS,
        .shown = strcmp(protocol->df, "satterthwaite") == 0 ? MMRM_SATTERTHWAITE : MMRM_KENWARD_ROGER,
        .results = results,
        .scratch = owner,
    };
    for (size_t m = 0; m < protocol->plan.model_count; m++)
        add_endpoint(&mmrm, (size_t)protocol->plan.models[m]);
    talloc_free(owner);
}
