/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cohorts that were not randomised, compared by overlap weights.  (X3) */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_covariates.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"
#include "reports/stat_overlap.h"

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

/* "value at baseline, sex". */
static const char *adjustment_in_words(const struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    struct text *out = text_new(layout->document);
    for (size_t t = 0; t < plan->adjustment_count; t++)
        text_append_format(out, "%s%s", t > 0 ? ", " : "", layout_term_title(layout, &plan->adjustment[t]));
    return plan->adjustment_count > 0 ? out->bytes : "nothing: the protocol names no adjustment";
}

/* -- differences ----------------------------------------------------------------------------------------- */

static void add_facts(const struct layout *layout, struct table *table, const struct outcome *outcome,
                      int endpoint)
{
    layout_set_planned_estimand(
        layout, table, endpoint,
        &(struct estimand){
            .population =
                "treated subjects with a value at baseline, one at the visit and every covariate, weighted "
                "to those who could have been in either cohort (overlap population); index knee",
            .variable = memory_format(table, "change from baseline: %s", outcome->title),
            .summary = "weighted difference of mean changes",
        });
    layout_add_score_facts(table, outcome);
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Adjusted for", "%s", adjustment_in_words(layout));
    table_add_fact(
        table, "Weights",
        "each subject by the chance to have been in the other cohort, from a logistic regression; standard "
        "errors take into account that it is estimated");
    table_add_fact(table, "Limits",
                   "of the adjusted difference: normal, standard error by the sandwich; of the unadjusted "
                   "one: Welch's t");
    table_add_fact(
        table, "E-value",
        "how strongly, as a risk ratio, something not measured would have to go with both cohort and "
        "outcome to explain the difference (the limit nearer to none) away; 1: nothing is needed");
}

static void add_differences(struct layout *layout, int endpoint)
{
    const struct protocol *protocol = protocol_of(layout);
    struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]);
    const char *id = outcome.endpoint->id, *level = layout_level(layout);
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "x3-adjusted-%s", id),
        memory_format(layout->document, "%s: differences between cohorts, adjusted", outcome.title));
    add_facts(layout, table, &outcome, endpoint);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    const char *results = memory_format(table, "adjusted %s", id);
    const char *unadjusted = memory_format(table, "effect size %s", id);
    const struct line lines[] = {
        {"{n1}, {n0}", "n of each", 0},
        {"{effective_1}, {effective_0}", "Effective n of each", 0},
        {"{diff} [{lo}, {hi}]", memory_format(table, "Adjusted difference [%s CI]", level), 0},
        {"{!p}", "p", 1},
        {"{evalue} ({evalue_limit})", "E-value (of the limit)", 1},
        {"{diff} [{welch_lo}, {welch_hi}]", memory_format(table, "Unadjusted difference [%s CI]", level), 0},
    };
    enum { LINES = sizeof lines / sizeof lines[0], UNADJUSTED = LINES - 1 };
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        struct result_key key = {.row = visit->id, .collected = outcome.collected};
        for (size_t i = 0; dataset_is_after_baseline(layout->dataset, (int)v) && i < LINES; i++) {
            key.table = i == UNADJUSTED ? unadjusted : results;
            layout_add_contrast_row(layout, table, &key, layout_visit_title(layout, visit), &lines[i]);
        }
    }
}

/* -- responders ------------------------------------------------------------------------------------------ */

static void add_responder_facts(const struct layout *layout, struct table *table, const struct responder *responder)
{
    layout_set_planned_estimand(
        layout, table, responder->endpoints[0],
        &(struct estimand){
            .population = "treated subjects whose visit was over at the cut, with every covariate, weighted to "
                          "those who could have been in either cohort (overlap population); index knee",
            .variable = memory_format(table, "response (%s)",
                                      responder->title != NULL ? responder->title : responder->id),
            .summary = "weighted difference of proportions",
        });
    table_add_intercurrent(table, "no value, whatever the reason", "composite: counts as no response");
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Adjusted for", "%s", adjustment_in_words(layout));
    table_add_fact(table, "Limits",
                   "normal, standard error by the sandwich; of the risk ratio: of its logarithm; of the unadjusted "
                   "difference: Newcombe's");
    table_add_fact(table, "E-value", "as in the tables of differences; of the risk ratio");
}

static void add_responder(struct layout *layout, const struct responder *responder)
{
    const struct protocol *protocol = protocol_of(layout);
    const char *level = layout_level(layout);
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "x3-responder-%s", responder->id),
        memory_format(layout->document, "Responders, adjusted: %s",
                      responder->title != NULL ? responder->title : responder->id));
    add_responder_facts(layout, table, responder);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    const char *results = memory_format(table, "adjusted responder %s", responder->id);
    const char *unadjusted = memory_format(table, "responder %s non-responder imputation", responder->id);
    const struct line lines[] = {
        {"{n1}, {n0}", "n of each", 0},
        {"{%mean_1}, {%mean_0}", "Weighted % who respond", 0},
        {"{%diff} [{%lo}, {%hi}]", memory_format(table, "Adjusted difference, points of %% [%s CI]", level), 0},
        {"{!p}", "p", 1},
        {"{rr} [{rr_lo}, {rr_hi}]", memory_format(table, "Adjusted risk ratio [%s CI]", level), 0},
        {"{evalue} ({evalue_limit})", "E-value (of the limit)", 1},
        {"{%rd} [{%newcombe_lo}, {%newcombe_hi}]", memory_format(table, "Unadjusted difference [%s CI]", level), 0},
    };
    enum { LINES = sizeof lines / sizeof lines[0] };
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        for (size_t i = 0; dataset_is_after_baseline(layout->dataset, (int)v) && i < LINES; i++) {
            const struct result_key key = {.table = i == LINES - 1 ? unadjusted : results, .row = visit->id};
            layout_add_contrast_row(layout, table, &key, layout_visit_title(layout, visit), &lines[i]);
        }
    }
}

/* -- balance --------------------------------------------------------------------------------------------- */

/* A row when any contrast has one. */
static void add_balance_row(const struct layout *layout, struct table *table, const struct result_key *key,
                            const char *group, const char *label)
{
    for (size_t c = 0; c < table->column_count; c++) {
        if (results_find(layout->results, key->table, key->row, table->columns[c].title, "smd_before")
            != NULL) {
            layout_add_contrast_row(layout, table, key, group,
                                    &(struct line){"{smd_before}; {smd_after}", label, 0});
            return;
        }
    }
}

static void add_sites(const struct layout *layout, struct table *table, const char *results)
{
    size_t count = 0;
    const char **rows = layout_list_rows(layout, results, &count);
    for (size_t r = 0; r < count; r++) {
        if (strncmp(rows[r], "site=", strlen("site=")) == 0)
            add_balance_row(layout, table, &(struct result_key){.table = results, .row = rows[r]}, "Site",
                            rows[r] + strlen("site="));
    }
}

/* Numbers, which stand before the factors and in no group. */
static void add_number(const struct layout *layout, struct table *table, const char *results,
                       const struct model_term *term)
{
    const struct result_key key = {.table = results, .row = covariates_name(table, term)};
    add_balance_row(layout, table, &key, "", layout_capital(layout, layout_term_title(layout, term)));
}

static void add_levels(const struct layout *layout, struct table *table, const char *results,
                       const struct model_term *term)
{
    const char *name = covariates_name(table, term);
    const char *title = layout_capital(layout, layout_term_title(layout, term));
    size_t count = 0;
    if (term->kind == TERM_SITE)
        add_sites(layout, table, results);
    if (term->kind != TERM_ITEM)
        return;
    const struct subgroup_level *levels =
        catalogue_item_levels(table, layout->dataset->catalogue, &term->item, &count);
    for (size_t l = 0; l < count; l++) {
        const struct result_key key = {.table = results,
                                       .row = memory_format(table, "%s=%s", name, levels[l].codes[0])};
        add_balance_row(layout, table, &key, title, levels[l].title);
    }
}

static void add_balance(struct layout *layout, const struct outcome *outcome, const struct visit *visit)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    const char *results = memory_format(layout->document, "adjusted balance %s", outcome->endpoint->id);
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "x3-balance-%s", outcome->endpoint->id),
        memory_format(layout->document, "Balance of the cohorts before and after weighting: %s at %s",
                      outcome->title, layout_visit_title(layout, visit)));
    table_add_fact(table, "Cells",
                   "standardised difference before; after weighting. Above 0.1 counts as imbalance");
    table_add_fact(table, "Subjects", "those with a value at baseline, one at the visit and every covariate");
    table->label_title = "Covariate";
    layout_add_contrast_columns(layout, table);
    for (size_t t = 0; t < plan->adjustment_count; t++)
        add_number(layout, table, results, &plan->adjustment[t]);
    for (size_t t = 0; t < plan->adjustment_count; t++)
        add_levels(layout, table, results, &plan->adjustment[t]);
}

/* -- overlap --------------------------------------------------------------------------------------------- */

static double share(double part, double whole)
{
    return whole > 0 && !isnan(part) ? 100 * part / whole : 0;
}

/* The records of a bin; NAN when there are no weights. */
static double count_of(const struct layout *layout, const char *results, size_t bin, const char *contrast,
                       const char *stat)
{
    char row[FORMAT_SIZE];
    format_number(row, (double)bin / OVERLAP_BINS, 2);
    return layout_value(layout, results, row, contrast, stat);
}

static void add_shares(const struct layout *layout, struct figure *figure, const char *results,
                       const struct cohort_contrast *pair, const char *contrast)
{
    static const char *const stats[] = {"n1", "n0"};
    const int cohorts[] = {pair->cohort, pair->against};
    struct figure_histogram *histogram = &figure->as.histogram;
    double *edges = memory_new_array(figure, double, OVERLAP_BINS + 1);
    struct figure_histogram_series *series = memory_new_array(figure, struct figure_histogram_series, 2);
    for (size_t b = 0; b <= OVERLAP_BINS; b++)
        edges[b] = (double)b / OVERLAP_BINS;
    for (size_t s = 0; s < 2; s++) {
        double *shares = memory_new_array(figure, double, OVERLAP_BINS), total = 0;
        for (size_t b = 0; b < OVERLAP_BINS; b++)
            total += count_of(layout, results, b, contrast, stats[s]);
        for (size_t b = 0; b < OVERLAP_BINS; b++)
            shares[b] = share(count_of(layout, results, b, contrast, stats[s]), total);
        series[s] = (struct figure_histogram_series){layout->dataset->cohorts[cohorts[s]], shares};
    }
    histogram->edges = edges;
    histogram->bin_count = OVERLAP_BINS;
    histogram->series = series;
    histogram->series_count = 2;
}

static void add_figure_data(const struct layout *layout, struct figure *figure, const char *results,
                            const char *contrast)
{
    struct table *table = figure->data;
    const struct figure_histogram *histogram = &figure->as.histogram;
    table->label_title = "Propensity";
    for (size_t s = 0; s < histogram->series_count; s++)
        table_add_column(table, histogram->series[s].title, "n", CELL_NUMBER);
    for (size_t b = 0; b < OVERLAP_BINS; b++) {
        char from[FORMAT_SIZE], to[FORMAT_SIZE];
        format_number(from, histogram->edges[b], 2);
        format_number(to, histogram->edges[b + 1], 2);
        struct table_row *row = table_add_row(table, "", memory_format(table, "%s to < %s", from, to), 0);
        const struct result_key key = {
            .table = results, .row = memory_copy_string(table, from), .col = contrast};
        layout_set_results(layout, table, row, 0, &key, "{n1}");
        layout_set_results(layout, table, row, 1, &key, "{n0}");
    }
}

static void add_overlap(struct layout *layout, const struct outcome *outcome, const struct visit *visit,
                        size_t contrast)
{
    const struct cohort_contrast *pair = &protocol_of(layout)->plan.contrasts[contrast];
    const char *results = memory_format(layout->document, "adjusted overlap %s", outcome->endpoint->id);
    const char *name = layout_contrast_name(layout, contrast);
    if (isnan(count_of(layout, results, 0, name, "n1")))
        return;
    struct figure *figure = layout_add_figure(
        layout, memory_format(layout->document, "x3-overlap-%s-%zu", outcome->endpoint->id, contrast + 1),
        memory_format(layout->document, "Overlap of the cohorts, %s: %s at %s", name, outcome->title,
                      layout_visit_title(layout, visit)));
    figure->kind = FIGURE_HISTOGRAM;
    figure->as.histogram.x_title =
        memory_format(figure, "Propensity: chance of %s by what was known at baseline",
                      layout->dataset->cohorts[pair->cohort]);
    figure->as.histogram.y_title = "% of the cohort";
    add_shares(layout, figure, results, pair, name);
    add_figure_data(layout, figure, results, name);
    figure->description = memory_format(
        figure,
        "Two histograms over each other: the propensity of the subjects of %s and of %s. The more they cover "
        "each other, the more alike the cohorts were. All numbers stand in the table below.",
        layout->dataset->cohorts[pair->cohort], layout->dataset->cohorts[pair->against]);
}

/* -- chapter --------------------------------------------------------------------------------------------- */

static void add_endpoint(struct layout *layout, int endpoint)
{
    const struct protocol *protocol = protocol_of(layout);
    int visit = analysis_main_visit(layout->dataset);
    int shown = protocol->plan.primary_endpoint != PLAN_NONE ? protocol->plan.primary_endpoint
                                                             : protocol->plan.models[0];
    add_differences(layout, endpoint);
    if (endpoint != shown || visit == NO_VISIT)
        return;
    struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]);
    add_balance(layout, &outcome, &protocol->visits[visit]);
    for (size_t c = 0; c < protocol->plan.contrast_count; c++)
        add_overlap(layout, &outcome, &protocol->visits[visit], c);
}

void layout_adjusted(struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    if (protocol_of(layout)->randomised || layout->dataset->pooled)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "adjusted",
                         "Cohorts that were not randomised");
    layout_add_paragraph(
        layout, "Subjects were not allocated to the cohorts at random. The differences of this report "
                "are associations: no table of it shows that a treatment caused them. Here what was "
                "measured before the treatment is taken into account; what was not measured is not.");
    layout_explain_no_contrasts(layout);
    if (!layout_has_contrasts(layout))
        return;
    if (plan->primary_endpoint != PLAN_NONE && !plan_has_model(plan, plan->primary_endpoint))
        add_endpoint(layout, plan->primary_endpoint);
    for (size_t m = 0; m < plan->model_count; m++)
        add_endpoint(layout, plan->models[m]);
    for (size_t r = 0; r < protocol_of(layout)->responder_count; r++)
        add_responder(layout, &protocol_of(layout)->responders[r]);
}
