/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T17 differences of change within the plan's subgroups, each with a model of its own: cohort and, where the
 * plan adjusts for it, baseline.  Other covariates are left out: subgroups are small.
 */
#include "reports/analysis_subgroups.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"
#include "reports/stat_linear_subgroup.h"

/* -- what is looked at ----------------------------------------------------------------------------------- */

const char *subgroup_row(const void *owner, const struct catalogue *catalogue, size_t index)
{
    const struct subgroup *subgroups = catalogue->protocol->plan.subgroups;
    const char *title = catalogue_subgroup_title(catalogue, &subgroups[index]);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(catalogue_subgroup_title(catalogue, &subgroups[i]), title) == 0)
            return memory_format(owner, "%s (%s)", title, subgroups[index].id);
    }
    return title;
}

const char *subgroup_claim_row(const void *owner, const struct catalogue *catalogue, const struct claim *claim)
{
    const struct subgroup *subgroup = &catalogue->protocol->plan.subgroups[claim->subgroup];
    const char *name = subgroup_row(owner, catalogue, (size_t)claim->subgroup);
    size_t count;
    const struct subgroup_level *levels = catalogue_subgroup_levels(owner, catalogue, subgroup, &count);
    int level = subgroup_find_name(levels, count, claim->level);
    int against = claim->against != NULL ? subgroup_find_name(levels, count, claim->against) : PLAN_NONE;
    const char *title = level >= 0 ? levels[level].title : claim->level;
    if (claim->against == NULL)
        return memory_format(owner, "%s %s", name, title);
    return memory_format(owner, "%s %s - %s", name, title, against >= 0 ? levels[against].title : claim->against);
}

static void add_forest(struct forests *forests, const struct dataset *dataset, int endpoint, int visit)
{
    if (endpoint == PLAN_NONE || visit == NO_VISIT || !dataset_is_after_baseline(dataset, visit))
        return;
    for (size_t i = 0; i < forests->count; i++) {
        if (forests->at[i].endpoint == endpoint && forests->at[i].visit == visit)
            return;
    }
    forests->at[forests->count++] = (struct forest){endpoint, visit};
}

struct forests forests_of(const void *owner, const struct dataset *dataset)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    struct forests forests = {0};
    forests.at = memory_new_array(owner, struct forest, 1 + plan->model_count + plan->claim_count);
    if (plan->subgroup_count == 0 || plan->contrast_count == 0 || dataset->pooled)
        return forests;
    int visit = analysis_main_visit(dataset);
    add_forest(&forests, dataset, plan->primary_endpoint, visit);
    for (size_t m = 0; m < plan->model_count; m++)
        add_forest(&forests, dataset, plan->models[m], visit);
    for (size_t c = 0; c < plan->claim_count; c++) {
        const struct claim *claim = &plan->claims[c];
        bool within = claim->level != NULL && claim->contrast >= 0 && dataset->catalogue->protocol->randomised;
        if (claim->kind == CLAIM_INTERACTION || within)
            add_forest(&forests, dataset, claim->endpoint, claim->visit);
    }
    return forests;
}

/* -- subgroups of each subject --------------------------------------------------------------------------- */

struct grouping {
    const char *name;            /* "KL" */
    const char **rows;           /* of each level: "KL 1-2" */
    size_t levels;
    int *codes;                  /* level of each subject: subgroup_codes */
};

int *subgroup_codes(const void *owner, const struct dataset *dataset, const struct subgroup *subgroup)
{
    size_t count;
    const struct subgroup_level *levels = catalogue_subgroup_levels(owner, dataset->catalogue, subgroup, &count);
    int *codes = memory_new_array(owner, int, dataset->subject_count);
    const struct answer **answers = answers_at_baseline(owner, dataset, &subgroup->item);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct answer *answer = answers[i];
        int level =
            answer != NULL ? subgroup_find_level(levels, count, answer->text, answer->number) : PLAN_NONE;
        codes[i] = level >= 0 ? level : answer != NULL ? SUBGROUP_NO_LEVEL : SUBGROUP_NOT_ANSWERED;
    }
    talloc_free(answers);
    return codes;
}

static struct grouping group_subjects(const void *owner, const struct dataset *dataset, size_t index)
{
    const struct subgroup *subgroup = &dataset->catalogue->protocol->plan.subgroups[index];
    struct grouping grouping = {.name = subgroup_row(owner, dataset->catalogue, index)};
    const struct subgroup_level *levels =
        catalogue_subgroup_levels(owner, dataset->catalogue, subgroup, &grouping.levels);
    grouping.rows = memory_new_array(owner, const char *, grouping.levels);
    for (size_t l = 0; l < grouping.levels; l++)
        grouping.rows[l] = memory_format(owner, "%s %s", grouping.name, levels[l].title);
    grouping.codes = subgroup_codes(owner, dataset, subgroup);
    return grouping;
}

/* -- rows ------------------------------------------------------------------------------------------------ */

struct subgroups {
    const struct dataset *dataset;
    struct covariates covariates;
    struct contrasts contrasts;
    struct subgroup_pair *pairs; /* one for each contrast */
    struct grouping everybody;   /* one level */
    struct grouping *groupings;  /* of the plan's subgroups */
    struct results *results;
    void *scratch;
    double *change;
};

static void add_differences(const struct subgroups *subgroups, struct cell cell,
                            const struct subgroup_difference *differences)
{
    for (size_t p = 0; p < subgroups->contrasts.count; p++) {
        cell.col = subgroups->contrasts.at[p].name;
        cell_add_count(&cell, "n1", differences[p].n);
        cell_add_count(&cell, "n0", differences[p].n_against);
        cell_add_linear(&cell, "diff", &differences[p].difference);
    }
}

/* What the difference in a level has more than in the first one. */
static void add_interactions(const struct subgroups *subgroups, struct cell cell,
                             const struct linear_estimate *interactions)
{
    for (size_t p = 0; p < subgroups->contrasts.count; p++) {
        const struct linear_estimate *e = &interactions[p];
        cell.col = subgroups->contrasts.at[p].name;
        cell_add_or_reason(&cell, "interaction", e->estimate, e->reason);
        cell_add_or_reason(&cell, "interaction_se", e->se, e->reason);
        cell_add_or_reason(&cell, "interaction_df", e->df, e->reason);
        cell_add_or_reason(&cell, "interaction_lo", e->lo, e->reason);
        cell_add_or_reason(&cell, "interaction_hi", e->hi, e->reason);
        cell_add_or_reason(&cell, "interaction_p", e->p, e->reason);
    }
}

static void add_left_out(const struct subgroups *subgroups, struct cell cell, const struct grouping *grouping)
{
    size_t not_answered = 0, in_no_level = 0;
    for (size_t i = 0; i < subgroups->dataset->subject_count; i++) {
        if (!subgroups->covariates.included[i] || isnan(subgroups->change[i]))
            continue;
        not_answered += grouping->codes[i] == SUBGROUP_NOT_ANSWERED;
        in_no_level += grouping->codes[i] == SUBGROUP_NO_LEVEL;
    }
    cell.col = "left out";
    cell_add_count(&cell, "in_no_level", in_no_level);
    cell_add_count(&cell, "not_answered", not_answered);
}

static void add_grouping(const struct subgroups *subgroups, struct cell cell, const struct linear_data *data,
                         const struct grouping *grouping)
{
    const struct subgroup_question question = {
        .data = data,
        .factor = COVARIATES_COHORT,
        .codes = grouping->codes,
        .groups = grouping->levels,
        .pairs = subgroups->pairs,
        .pair_count = subgroups->contrasts.count,
        .level = subgroups->dataset->catalogue->protocol->level,
    };
    bool everybody = grouping == &subgroups->everybody;
    struct subgroup_answer *answer = stat_linear_subgroup(subgroups->scratch, &question);
    for (size_t l = 0; l < grouping->levels; l++) {
        size_t first = l * subgroups->contrasts.count;
        cell.row = grouping->rows[l];
        add_differences(subgroups, cell, &answer->differences[first]);
        if (l > 0)
            add_interactions(subgroups, cell, &answer->interactions[first]);
    }
    if (!everybody) {
        cell.row = grouping->name;
        cell.col = "interaction";
        cell_add_f_test(&cell, &answer->interaction);
        add_left_out(subgroups, cell, grouping);
    }
    talloc_free(answer);
}

static void add_rows(const struct subgroups *subgroups, const struct forest *forest)
{
    const struct dataset *dataset = subgroups->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(subgroups->scratch, "forest");
    size_t endpoint = (size_t)forest->endpoint;
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    covariates_change(dataset, baseline, dataset_values(dataset, endpoint, forest->visit), subgroups->change);
    const struct linear_data data = {
        .records = dataset->subject_count,
        .response = subgroups->change,
        .included = subgroups->covariates.included,
        .variables = covariates_variables(owner, &subgroups->covariates, baseline),
        .variable_count = subgroups->covariates.count + 1,
        .terms = covariates_terms(owner, subgroups->covariates.count + 1),
        .term_count = subgroups->covariates.count + 1,
    };
    const char *table = memory_format(owner, "forest %s %s", protocol->visits[forest->visit].id,
                                      protocol->endpoints[endpoint].id);
    const struct cell cell = {subgroups->results, table, NULL, NULL};
    add_grouping(subgroups, cell, &data, &subgroups->everybody);
    for (size_t s = 0; s < protocol->plan.subgroup_count; s++)
        add_grouping(subgroups, cell, &data, &subgroups->groupings[s]);
    talloc_free(owner);
}

/* -- all ------------------------------------------------------------------------------------------------- */

static const struct model_term base_term = {.kind = TERM_BASE};

/* 1 when the plan adjusts for the baseline. */
static size_t count_base(const struct analysis_plan *plan)
{
    for (size_t i = 0; i < plan->covariate_count; i++) {
        if (plan->covariates[i].kind == TERM_BASE)
            return 1;
    }
    return 0;
}

static struct grouping group_everybody(const void *owner, const struct dataset *dataset)
{
    struct grouping grouping = {.name = FOREST_EVERYBODY, .levels = 1};
    grouping.rows = memory_new_array(owner, const char *, 1);
    grouping.rows[0] = FOREST_EVERYBODY;
    grouping.codes = memory_new_array(owner, int, dataset->subject_count);
    return grouping;
}

void analysis_subgroups(const struct dataset *dataset, struct results *results)
{
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    void *owner = memory_owner(NULL, "subgroups");
    struct forests forests = forests_of(owner, dataset);
    if (forests.count > 0) {
        struct subgroups subgroups = {
            .dataset = dataset,
            .covariates = covariates_of(owner, dataset, &base_term, count_base(plan)),
            .contrasts = contrasts_of(owner, dataset),
            .everybody = group_everybody(owner, dataset),
            .groupings = memory_new_array(owner, struct grouping, plan->subgroup_count),
            .results = results,
            .scratch = owner,
            .change = memory_new_array(owner, double, dataset->subject_count),
        };
        subgroups.pairs = memory_new_array(owner, struct subgroup_pair, subgroups.contrasts.count);
        for (size_t p = 0; p < subgroups.contrasts.count; p++)
            subgroups.pairs[p] =
                (struct subgroup_pair){subgroups.contrasts.at[p].a, subgroups.contrasts.at[p].b};
        for (size_t s = 0; s < plan->subgroup_count; s++)
            subgroups.groupings[s] = group_subjects(owner, dataset, s);
        for (size_t f = 0; f < forests.count; f++)
            add_rows(&subgroups, &forests.at[f]);
    }
    talloc_free(owner);
}
