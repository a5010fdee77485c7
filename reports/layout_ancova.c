/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Change at each visit by analysis of covariance.  (T7) */
#include "forms/base/memory.h"
#include "reports/analysis_covariates.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

/* One endpoint, and its tables of results. */
struct ancova {
    struct outcome outcome;
    int endpoint;
    const char *formula;
    const char *results, *strict;    /* by the analysis windows, by the due windows */
};

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

static struct ancova ancova_of(const struct layout *layout, int endpoint)
{
    const struct protocol *protocol = protocol_of(layout);
    struct ancova ancova = {.endpoint = endpoint};
    ancova.outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]);
    ancova.formula =
        covariates_formula(layout->document, protocol->plan.covariates, protocol->plan.covariate_count);
    ancova.results =
        memory_format(layout->document, "ANCOVA change ~ %s %s", ancova.formula, ancova.outcome.endpoint->id);
    ancova.strict = memory_format(layout->document, "%s due windows", ancova.results);
    return ancova;
}

static struct table *begin_table(struct layout *layout, const struct ancova *ancova, const char *kind,
                                 const char *title)
{
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t7-%s-%s", kind, ancova->outcome.endpoint->id),
        memory_format(layout->document, "%s: %s", ancova->outcome.title, title));
    table->group_title = "Visit";
    table->label_title = "Statistic";
    return table;
}

static void add_estimand(const struct layout *layout, struct table *table, const struct ancova *ancova,
                         const char *summary)
{
    layout_set_planned_estimand(
        layout, table, ancova->endpoint,
        &(struct estimand){
            .population = "treated subjects with a value at baseline, one at the visit and every covariate; "
                          "index knee",
            .variable = memory_format(table, "change from baseline: %s", ancova->outcome.title),
            .summary = summary,
        });
    layout_add_score_facts(table, &ancova->outcome);
    layout_add_association_fact(layout, table);
}

/* "cohort, value at baseline, site". */
static const char *terms_in_words(const struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    const char *words = "cohort";
    for (size_t t = 0; t < plan->covariate_count; t++)
        words =
            memory_format(layout->document, "%s, %s", words, layout_term_title(layout, &plan->covariates[t]));
    return words;
}

static void add_method(const struct layout *layout, struct table *table)
{
    table_add_fact(table, "Model", "change on %s; least squares, each visit on its own, nothing is imputed",
                   terms_in_words(layout));
    table_add_fact(table, "LS means", "numbers at their mean, %s; limits by t with the residual df",
                   protocol_of(layout)->lsmeans_equal ? "levels of factors with equal weights"
                                                      : "levels of factors as often as observed");
}

/* Rows of every visit after baseline; those of `strict` lines come from the table of the due windows. */
struct rows {
    const struct ancova *ancova;
    const struct line *lines;
    size_t count;
    size_t strict_from;          /* lines from here on */
    void (*add)(const struct layout *, struct table *, const struct result_key *, const char *,
                const struct line *);
};

static void add_rows(const struct layout *layout, struct table *table, const struct rows *rows)
{
    const struct protocol *protocol = protocol_of(layout);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        for (size_t i = 0; i < rows->count; i++) {
            const struct result_key key = {
                .table = i < rows->strict_from ? rows->ancova->results : rows->ancova->strict,
                .row = visit->id,
                .collected = rows->ancova->outcome.collected,
            };
            rows->add(layout, table, &key, layout_visit_title(layout, visit), &rows->lines[i]);
        }
    }
}

static void add_means(struct layout *layout, const struct ancova *ancova)
{
    struct table *table = begin_table(layout, ancova, "means", "adjusted mean change from baseline");
    add_estimand(layout, table, ancova, "least squares mean change");
    add_method(layout, table);
    layout_add_cohort_columns(layout, table);
    const struct line lines[] = {
        {"{n}", "n", 0},
        {"{lsmean} ({se})", "LS mean (SE)", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI", layout_level(layout)), 0},
        {"{n}; {lsmean} [{lo}, {hi}]",
         memory_format(table, "By the strict windows: n; LS mean [%s CI]", layout_level(layout)), 1},
    };
    add_rows(layout, table, &(struct rows){ancova, lines, 4, 3, layout_add_cohort_row});
}

static void add_margin(struct table *table, const struct equivalence_margin *margin)
{
    char number[FORMAT_SIZE];
    if (margin != NULL)
        table_add_fact(
            table, "Equivalence",
            "from -%s to %s points (%s); p of two one-sided tests that the difference lies outside, "
            "the greater of both",
            format_exact(number, margin->margin), number, margin->source);
}

static void add_differences(struct layout *layout, const struct ancova *ancova)
{
    const struct equivalence_margin *margin = plan_find_margin(&protocol_of(layout)->plan, ancova->endpoint);
    struct table *table = begin_table(layout, ancova, "differences", "differences of adjusted mean changes");
    add_estimand(layout, table, ancova, "difference of least squares mean changes");
    add_method(layout, table);
    add_margin(table, margin);
    layout_add_contrast_columns(layout, table);
    struct line lines[5] = {
        {"{diff} ({se})", "Difference (SE)", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI", layout_level(layout)), 0},
        {"{!p}", "p of no difference", 0},
    };
    size_t count = 3;
    if (margin != NULL)
        lines[count++] = (struct line){"{!tost_p}", "p of no equivalence", 0};
    lines[count++] = (struct line){
        "{diff} [{lo}, {hi}]; {!p}",
        memory_format(table, "By the strict windows: difference [%s CI]; p", layout_level(layout)), 1};
    add_rows(layout, table, &(struct rows){ancova, lines, count, count - 1, layout_add_contrast_row});
}

static const char *term_title(const struct layout *layout, size_t covariate)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    return layout_capital(layout, layout_term_title(layout, &plan->covariates[covariate]));
}

/* F tests of all endpoints: a row for each visit, a column for each term. */
static struct table *begin_terms(struct layout *layout, size_t first_term)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    struct table *table = layout_add_table(layout, "t7-terms", "Terms of the analyses of covariance");
    table_add_fact(table, "Cells",
                   "F; its degrees of freedom; p. Each term against the model without it (type III)");
    table_add_fact(table, "Left out", "subjects with a change who lack a covariate");
    layout_add_association_fact(layout, table);
    table->group_title = "Endpoint";
    table->label_title = "Visit";
    for (size_t t = first_term; t <= plan->covariate_count; t++)
        table_add_column(table, t == 0 ? "Cohort" : term_title(layout, t - 1), "", CELL_NUMBER);
    table_add_column(table, "Residual SD (df)", "", CELL_NUMBER);
    table_add_column(table, "Left out", "", CELL_NUMBER);
    return table;
}

static void add_terms_at(const struct layout *layout, struct table *table, const struct ancova *ancova,
                         const struct visit *visit, size_t first_term)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    size_t column = 0;
    struct table_row *row = table_add_row(table, ancova->outcome.title, layout_visit_title(layout, visit), 0);
    struct result_key key = {ancova->results, visit->id, NULL, ancova->outcome.collected};
    for (size_t t = first_term; t <= plan->covariate_count; t++) {
        const char *name = t == 0 ? "cohort" : covariates_name(table, &plan->covariates[t - 1]);
        key.col = memory_format(table, "term %s", name);
        layout_set_results(layout, table, row, column++, &key, "{F}; {df1}, {df2}; {!p}");
    }
    key.col = "model";
    layout_set_results(layout, table, row, column++, &key, "{rmse} ({resid_df})");
    layout_set_results(layout, table, row, column, &key, "{left_out}");
}

static void add_terms(struct layout *layout)
{
    const struct protocol *protocol = protocol_of(layout);
    size_t first_term = layout->dataset->cohort_count > 1 ? 0 : 1;
    struct table *table = begin_terms(layout, first_term);
    for (size_t m = 0; m < protocol->plan.model_count; m++) {
        struct ancova ancova = ancova_of(layout, protocol->plan.models[m]);
        for (size_t v = 0; v < protocol->visit_count; v++) {
            if (dataset_is_after_baseline(layout->dataset, (int)v))
                add_terms_at(layout, table, &ancova, &protocol->visits[v], first_term);
        }
    }
}

void layout_ancova(struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "ancova",
                         "Analysis of covariance");
    if (plan->model_count == 0) {
        layout_add_paragraph(layout, "The protocol names no endpoints to be compared.");
        return;
    }
    layout_add_paragraph(layout,
                         "Each visit on its own, with those who came: a complete-case analysis. By the "
                         "strict windows: records within the protocol's due windows alone, as a check "
                         "of how much the wider analysis windows matter.");
    layout_explain_no_contrasts(layout);
    for (size_t m = 0; m < plan->model_count; m++) {
        struct ancova ancova = ancova_of(layout, plan->models[m]);
        add_means(layout, &ancova);
        if (layout_has_contrasts(layout))
            add_differences(layout, &ancova);
    }
    add_terms(layout);
}
