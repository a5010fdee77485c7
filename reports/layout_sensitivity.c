/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the differences rest on where values are missing.  (T16) */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis_repeated.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

struct sensitivity {
    int endpoint;
    struct outcome outcome;
    size_t reference; /* column */
    const char *id;   /* of the endpoint */
};

static const struct {
    const char *name, *label;
    unsigned bit; /* of enum imputation_method; 0: always */
} methods[] = {
    {"MAR", "Imputed: missing at random", 0},
    {"J2R", "Imputed: jump to reference (J2R)", IMPUTE_J2R},
    {"CR", "Imputed: copy reference (CR)", IMPUTE_CR},
    {"CIR", "Imputed: copy increments in reference (CIR)", IMPUTE_CIR},
};

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

/* -- above the table ------------------------------------------------------------------------------------- */

static void add_methods(const struct layout *layout, struct table *table)
{
    const struct sensitivity_plan *plan = &protocol_of(layout)->plan.sensitivity;
    const struct {
        unsigned bit;
        const char *label, *text;
    } all[] = {
        {IMPUTE_J2R, "J2R", "after the last value as the reference cohort, whatever was before"},
        {IMPUTE_CR, "CR", "as the reference cohort throughout"},
        {IMPUTE_CIR, "CIR",
         "after the last value the changes of the reference cohort: what was gained is kept"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if ((plan->methods & all[i].bit) != 0)
            table_add_fact(table, all[i].label, "%s", all[i].text);
    }
    if (plan->tipping)
        table_add_fact(
            table, "Tipping point",
            "points added to each imputed value of the cohort, not of the reference, with which the "
            "interval reaches 0: the farther from 0, the firmer the result");
    table_add_fact(table, "Weighted",
                   "analysis of covariance of those with a value, each weighted by the inverse of the "
                   "probability to have one (logistic regression on cohort, baseline and covariates); "
                   "sandwich variance with the weights as known, which errs on the wide side");
}

static void add_facts(const struct layout *layout, struct table *table, const struct sensitivity *sensitivity)
{
    const char *results = memory_format(table, "sensitivity %s", sensitivity->id);
    char subjects[FORMAT_SIZE], replicates[FORMAT_SIZE];
    format_number(subjects, layout_value(layout, results, "jackknife", "model", "subjects"), 0);
    format_number(replicates, layout_value(layout, results, "jackknife", "model", "replicates"), 0);
    bool grouped = layout_value(layout, results, "jackknife", "model", "grouped") > 0;
    layout_set_planned_estimand(
        layout, table, sensitivity->endpoint,
        &(struct estimand){
            .population = "treated subjects with a baseline, also those without any later value; index knee",
            .variable = memory_format(table, "change from baseline: %s", sensitivity->outcome.title),
            .summary = "difference of means",
        });
    layout_add_score_facts(table, &sensitivity->outcome);
    layout_add_association_fact(layout, table);
    table_add_fact(
        table, "Imputation",
        "conditional means given the subject's own values, by the mixed model for repeated measures; "
        "then analysis of covariance at each visit. Gaps before a later value and the reference "
        "cohort: missing at random");
    table_add_fact(
        table, "In the analysis",
        "at each visit those whose due window of the visit closed before the day of the cut; who may still "
        "come is not imputed, who came early is not compared yet. The mixed model takes all values");
    add_methods(layout, table);
    if (grouped)
        table_add_fact(table, "Limits",
                       "normal, by a grouped jackknife: %s subjects in %s groups, each left out once",
                       subjects, replicates);
    else
        table_add_fact(table, "Limits", "normal, by the jackknife: each of %s subjects left out once",
                       subjects);
}

/* -- rows ------------------------------------------------------------------------------------------------ */

/* A count of the cohort and of the reference: of subjects compared, of values imputed. */
static void add_counts(const struct layout *layout, struct table *table,
                       const struct sensitivity *sensitivity, const struct visit *visit, const char *stat)
{
    const struct dataset *dataset = layout->dataset;
    const char *results = memory_format(table, "sensitivity %s", sensitivity->id);
    const char *label = strcmp(stat, "n") == 0 ? "n in the analysis, of each" : "Values imputed, of each";
    struct table_row *row = table_add_row(table, layout_visit_title(layout, visit), label, 0);
    double other = layout_value(layout, results, visit->id, dataset->cohorts[sensitivity->reference], stat);
    for (size_t c = 0, column = 0; c < dataset->cohort_count; c++) {
        char numbers[2][FORMAT_SIZE];
        if (c == sensitivity->reference)
            continue;
        format_number(numbers[0], layout_value(layout, results, visit->id, dataset->cohorts[c], stat), 0);
        format_number(numbers[1], other, 0);
        table_set_cell(table, row, column++, CELL_NUMBER,
                       memory_format(table, "%s, %s", numbers[0], numbers[1]));
    }
}

/* What the same differences are without imputation; rows of other analyses. */
static void add_observed(const struct layout *layout, struct table *table,
                         const struct sensitivity *sensitivity, const struct visit *visit)
{
    const struct protocol *protocol = protocol_of(layout);
    bool kenward_roger = strcmp(protocol->df, "satterthwaite") != 0;
    const char *group = layout_visit_title(layout, visit);
    const struct analysis_plan *plan = &protocol->plan;
    const char *ancova =
        memory_format(table, "ANCOVA change ~ %s %s",
                      covariates_formula(table, plan->covariates, plan->covariate_count), sensitivity->id);
    struct result_key key = {.table = memory_format(table, "MMRM %s", sensitivity->id),
                             .row = memory_format(table, "diff %s", visit->id),
                             .collected = sensitivity->outcome.collected};
    layout_add_contrast_row(
        layout, table, &key, group,
        &(struct line){kenward_roger ? "{diff} [{lo_kr}, {hi_kr}]" : "{diff} [{lo}, {hi}]",
                       "Mixed model, no imputation", 0});
    key.row = visit->id;
    key.table = ancova;
    layout_add_contrast_row(
        layout, table, &key, group,
        &(struct line){"{diff} [{lo}, {hi}]", "Analysis of covariance, those with a value", 0});
    key.table = memory_format(table, "%s due windows", ancova);
    layout_add_contrast_row(
        layout, table, &key, group,
        &(struct line){"{diff} [{lo}, {hi}]", "The same, values within the strict windows", 0});
}

static void add_weighted(const struct layout *layout, struct table *table,
                         const struct sensitivity *sensitivity, const struct visit *visit)
{
    const char *group = layout_visit_title(layout, visit);
    const struct result_key key = {
        .table = memory_format(table, "sensitivity %s IPW", sensitivity->id),
        .row = visit->id,
        .collected = sensitivity->outcome.collected,
    };
    layout_add_contrast_row(layout, table, &key, group,
                            &(struct line){"{diff} [{lo}, {hi}]; {!p}",
                                           "Those with a value, weighted for those without", 0});
    layout_add_contrast_row(
        layout, table, &key, group,
        &(struct line){"{n}, {ess}; {weight_max}", "n, effective n; largest weight", 1});
}

static void add_visit(const struct layout *layout, struct table *table, const struct sensitivity *sensitivity,
                      const struct visit *visit)
{
    const struct sensitivity_plan *plan = &protocol_of(layout)->plan.sensitivity;
    const char *group = layout_visit_title(layout, visit);
    add_counts(layout, table, sensitivity, visit, "n");
    add_counts(layout, table, sensitivity, visit, "imputed");
    if (plan_has_model(&protocol_of(layout)->plan, sensitivity->endpoint))
        add_observed(layout, table, sensitivity, visit);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        if (methods[m].bit != 0 && (plan->methods & methods[m].bit) == 0)
            continue;
        const struct result_key key = {
            .table = memory_format(table, "sensitivity %s %s", sensitivity->id, methods[m].name),
            .row = visit->id,
            .collected = sensitivity->outcome.collected,
        };
        layout_add_contrast_row(layout, table, &key, group,
                                &(struct line){"{diff} [{lo}, {hi}]; {!p}", methods[m].label, 0});
        if (plan->tipping)
            layout_add_contrast_row(layout, table, &key, group,
                                    &(struct line){"{tipping_delta}", "Tipping point", 1});
    }
    add_weighted(layout, table, sensitivity, visit);
}

static void add_endpoint(struct layout *layout, int endpoint)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = protocol_of(layout);
    const struct sensitivity sensitivity = {
        .endpoint = endpoint,
        .outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]),
        .reference = (size_t)repeated_reference(dataset),
        .id = protocol->endpoints[endpoint].id,
    };
    struct table *table =
        layout_add_table(layout, memory_format(layout->document, "t16-sensitivity-%s", sensitivity.id),
                         memory_format(layout->document, "%s: differences when missing values are imputed",
                                       sensitivity.outcome.title));
    add_facts(layout, table, &sensitivity);
    table->group_title = "Visit";
    table->label_title = memory_format(table, "Difference [%s CI]; p", layout_level(layout));
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        if (c != sensitivity.reference)
            table_add_column(
                table,
                memory_format(table, "%s - %s", dataset->cohorts[c], dataset->cohorts[sensitivity.reference]),
                "", CELL_NUMBER);
    }
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (dataset_is_after_baseline(dataset, (int)v))
            add_visit(layout, table, &sensitivity, &protocol->visits[v]);
    }
}

void layout_sensitivity(struct layout *layout)
{
    const struct sensitivity_plan *plan = &protocol_of(layout)->plan.sensitivity;
    if (layout->dataset->pooled)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "sensitivity",
                         "Sensitivity to missing values");
    if (repeated_reference(layout->dataset) == NO_COHORT || plan->endpoint_count == 0) {
        layout_add_paragraph(
            layout, "The protocol names no reference cohort that missing values could be imputed by.");
        return;
    }
    layout_add_paragraph(
        layout, "What the differences would be if subjects without a value had gone on as the reference "
                "cohort did. Nobody knows; a result that stays as it is does not rest on them.");
    for (size_t e = 0; e < plan->endpoint_count; e++)
        add_endpoint(layout, plan->endpoints[e]);
}
