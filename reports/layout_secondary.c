/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The untreated knee, imaging, rescue treatments, cost.  (T18) */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

/* Columns of the cohorts, then of the contrasts; each row fills one of the two kinds. */
static void add_all_columns(const struct layout *layout, struct table *table)
{
    layout_add_cohort_columns(layout, table);
    layout_add_contrast_columns(layout, table);
}

/* A row of the table's columns from..to-1, each column named as in the results. */
static void add_row(const struct layout *layout, struct table *table, const struct result_key *key, const char *group,
                    const struct line *line, bool contrasts)
{
    size_t cohorts = layout->dataset->cohort_count;
    struct table_row *row = table_add_row(table, group, line->label, line->indent);
    for (size_t i = contrasts ? cohorts : 0; i < (contrasts ? table->column_count : cohorts); i++) {
        struct result_key cell = *key;
        cell.col = table->columns[i].title;
        layout_set_results(layout, table, row, i, &cell, line->pattern);
    }
}

/*
 * Lines for each visit after baseline that the form is asked for at: counts[0] of cohorts, then counts[1] of
 * contrasts.
 */
static void add_visits(const struct layout *layout, struct table *table, const struct result_key *key,
                       const char *form, const struct line *lines, const size_t counts[2])
{
    const struct protocol *protocol = protocol_of(layout);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    add_all_columns(layout, table);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        struct result_key visit = *key;
        visit.row = protocol->visits[v].id;
        if (!dataset_is_after_baseline(layout->dataset, (int)v) || !protocol_form_is_due(&protocol->visits[v], form))
            continue;
        for (size_t i = 0; i < counts[0] + (layout_has_contrasts(layout) ? counts[1] : 0); i++)
            add_row(layout, table, &visit, layout_visit_title(layout, &protocol->visits[v]), &lines[i], i >= counts[0]);
    }
}

/* -- the untreated knee ---------------------------------------------------------------------------------- */

static const char *affected_in_words(const struct layout *layout, const struct outcome *outcome)
{
    double at_least = protocol_of(layout)->plan.contralateral.at_least;
    bool higher_better = outcome->score != NULL && outcome->score->direction == SCORE_HIGHER_BETTER;
    char number[FORMAT_SIZE];
    if (isnan(at_least))
        return "";
    return memory_format(layout->document, ", and whose untreated knee was at %s or %s at baseline",
                         format_exact(number, at_least), higher_better ? "below" : "above");
}

static void add_other_knee(struct layout *layout, int endpoint)
{
    struct outcome outcome = layout_find_outcome(layout, &protocol_of(layout)->endpoints[endpoint]);
    const char *id = outcome.endpoint->id, *level = layout_level(layout);
    struct table *table =
        layout_add_table(layout, memory_format(layout->document, "t18-contralateral-%s", id),
                         memory_format(layout->document, "Untreated knee: change in %s", outcome.title));
    table_set_estimand(table, &(struct estimand){
                                  .population = memory_format(table, "subjects treated in one knee%s",
                                                              affected_in_words(layout, &outcome)),
                                  .treatment = "cohorts as allocated",
                                  .variable = memory_format(table, "change from baseline of the untreated knee: %s",
                                                            outcome.title),
                                  .summary = "mean change; difference of mean changes, not adjusted",
                              });
    layout_add_score_facts(table, &outcome);
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Reading",
                   "knees that are bad at baseline are better later without any treatment (regression to the mean): a "
                   "change within a cohort is no effect; compare it with that of a control cohort");
    table_add_fact(table, "Methods", "t limits of means; Welch's t test between cohorts");
    const struct line lines[] = {
        {"{n}", "n", 0},
        {"{mean} ({sd})", "Mean change (SD)", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI", level), 1},
        {"{diff_paired} [{lo_paired}, {hi_paired}]",
         memory_format(table, "Index knee less untreated knee [%s CI]", level), 0},
        {"{!p_paired}", "p, paired t test", 1},
        {"{diff} [{lo}, {hi}]", memory_format(table, "Difference [%s CI]", level), 0},
        {"{!p}", "p", 1},
    };
    const struct result_key key = {.table = memory_format(table, "contralateral %s", id),
                                   .collected = outcome.collected};
    add_visits(layout, table, &key, outcome.endpoint->form, lines, (const size_t[2]){5, 2});
}

/* -- imaging --------------------------------------------------------------------------------------------- */

static struct table *begin_imaging(struct layout *layout, const struct outcome *outcome, bool ratio)
{
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t18-imaging-%s", outcome->endpoint->id),
        memory_format(layout->document, "Imaging: %s of %s", ratio ? "% change" : "change", outcome->title));
    table_set_estimand(
        table, &(struct estimand){
                   .population = "treated subjects with images at baseline and at the visit, index knee",
                   .treatment = "cohorts as allocated",
                   .variable = memory_format(table, "%s: %s", ratio ? "value / baseline" : "change from baseline",
                                             outcome->title),
                   .summary = ratio ? "% change of the geometric mean; ratio of such ratios"
                                    : "mean change; difference of mean changes",
               });
    layout_add_score_facts(table, outcome);
    layout_add_association_fact(layout, table);
    if (ratio)
        table_add_fact(table, "Zeros", "the geometric mean is of values above 0 at both times, the median %% change of "
                                       "baselines above 0");
    table_add_fact(table, "Methods",
                   "t limits %s, Welch's t test between cohorts; median with order-statistic limits; shift: median of "
                   "all differences between the cohorts (Hodges-Lehmann); adjusted: analysis of covariance on the "
                   "baseline%s, all cohorts in one model, t limits",
                   ratio ? "of the mean logarithm" : "of means", ratio ? ", both as logarithms" : "");
    return table;
}

static void add_imaging(struct layout *layout, const struct imaging_plan *plan)
{
    struct outcome outcome = layout_find_outcome(layout, &protocol_of(layout)->endpoints[plan->endpoint]);
    const char *level = layout_level(layout);
    bool ratio = plan->scale == IMAGING_RATIO;
    struct table *table = begin_imaging(layout, &outcome, ratio);
    const char *median = memory_format(table, "Median%s [%s CI]", ratio ? " % change" : "", level);
    const char *shift = memory_format(table, "Shift%s [%s CI]", ratio ? ", points of %" : "", level);
    const struct line differences[] = {
        {"{n}", "n", 0},
        {"{mean} ({sd})", "Mean change (SD)", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI", level), 1},
        {"{median} [{median_lo}, {median_hi}]", median, 0},
        {"{adjusted} [{adjusted_lo}, {adjusted_hi}]", memory_format(table, "Adjusted mean change [%s CI]", level), 0},
        {"{diff} [{lo}, {hi}]", memory_format(table, "Difference [%s CI]", level), 0},
        {"{!p}", "p", 1},
        {"{adjusted} [{adjusted_lo}, {adjusted_hi}]", memory_format(table, "Adjusted difference [%s CI]", level), 0},
        {"{!adjusted_p}", "p", 1},
        {"{hl} [{hl_lo}, {hl_hi}]", shift, 0},
    };
    const struct line ratios[] = {
        {"{n}; {n_median}", "n: geometric mean; median", 0},
        {"{pct_change} [{lo}, {hi}]", memory_format(table, "%% change of the geometric mean [%s CI]", level), 0},
        {"{median} [{median_lo}, {median_hi}]", median, 0},
        {"{adjusted} [{adjusted_lo}, {adjusted_hi}]", memory_format(table, "Adjusted %% change [%s CI]", level), 0},
        {"{ratio} [{ratio_lo}, {ratio_hi}]", memory_format(table, "Ratio of ratios [%s CI]", level), 0},
        {"{!p}", "p", 1},
        {"{ratio_adjusted} [{ratio_adjusted_lo}, {ratio_adjusted_hi}]",
         memory_format(table, "Adjusted ratio [%s CI]", level), 0},
        {"{!adjusted_p}", "p", 1},
        {"{hl} [{hl_lo}, {hl_hi}]", shift, 0},
    };
    /* per cent have one decimal, whatever the unit of the image */
    const struct result_key key = {.table = memory_format(table, "imaging %s", outcome.endpoint->id),
                                   .collected = ratio ? 0 : outcome.collected};
    add_visits(layout, table, &key, outcome.endpoint->form, ratio ? ratios : differences,
               ratio ? (const size_t[2]){4, 5} : (const size_t[2]){5, 5});
}

/* -- readings of images ---------------------------------------------------------------------------------- */

static void add_readings_rows(const struct layout *layout, struct table *table, int endpoint)
{
    static const struct {
        const char *row, *label;
    } rows[] = {{"between readers", "Between readers"}, {"within readers", "Within readers"}};
    static const char *const patterns[] = {"{images}", "{k}", "{icc} [{icc_lo}, {icc_hi}]", "{sem}"};
    struct outcome outcome = layout_find_outcome(layout, &protocol_of(layout)->endpoints[endpoint]);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct table_row *row = table_add_row(table, outcome.title, rows[i].label, 0);
        const struct result_key key = {memory_format(table, "readings %s", outcome.endpoint->id), rows[i].row, "all",
                                       outcome.collected};
        for (size_t c = 0; c < sizeof patterns / sizeof *patterns; c++)
            layout_set_results(layout, table, row, c, &key, patterns[c]);
    }
}

static void add_readings(struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    struct table *table = NULL;
    for (size_t i = 0; i < plan->imaging_count; i++) {
        if (!plan->imaging[i].has_readings)
            continue;
        if (table == NULL) {
            table = layout_add_table(layout, "t18-readings", "Imaging: agreement of readings");
            table_add_fact(table, "Population", "all images of all subjects and visits; an image is a knee on a day");
            table_add_fact(table, "Between readers",
                           "first reading of each reader; of the readers that most images share, images that lack one "
                           "of them left out");
            table_add_fact(table, "Within readers", "first and second reading of one image by the same reader");
            table_add_fact(table, "Methods",
                           "ICC(2,1): intraclass correlation of single readings, absolute agreement, images and "
                           "readers random (Shrout and Fleiss 1979); limits by F (McGraw and Wong 1996); SEM: "
                           "standard deviation of single readings of one image");
            table->group_title = "Endpoint";
            table->label_title = "Agreement";
            table_add_column(table, "Images", "", CELL_NUMBER);
            table_add_column(table, "Readings of each", "", CELL_NUMBER);
            table_add_column(table, "ICC(2,1)", memory_format(table, "[%s CI]", layout_level(layout)), CELL_NUMBER);
            table_add_column(table, "SEM", "", CELL_NUMBER);
        }
        add_readings_rows(layout, table, plan->imaging[i].endpoint);
    }
}

/* -- rescue ---------------------------------------------------------------------------------------------- */

/* Label of a kind of treatment, by its code. */
static const char *kind_label(const struct layout *layout, const char *code)
{
    const struct item *item = layout_find_item(layout, "concomitant_treatment", "kind");
    const struct choice *choice = item != NULL ? item_find_choice(item, code) : NULL;
    return layout_capital(layout, choice != NULL ? choice->label : code);
}

static void add_rescue(struct layout *layout)
{
    size_t count = 0;
    const char **rows = layout_list_rows(layout, "rescue", &count);
    if (count == 0)
        return;
    struct table *table = layout_add_table(layout, "t18-rescue", "Rescue treatments");
    table_add_fact(table, "Population", "treated subjects (N)");
    table_add_fact(table, "Counted",
                   "subjects with a concomitant treatment given as rescue that can have begun on day 1 or later, for "
                   "the index knee or for no knee; a subject once a row");
    table_add_fact(table, "Cells", "subjects (%%) [%s CI, Clopper-Pearson]", layout_level(layout));
    table->label_title = "Treatment";
    layout_add_cohort_columns(layout, table);
    for (size_t i = 0; i < count; i++)
        layout_add_cohort_row(layout, table, &(struct result_key){.table = "rescue", .row = rows[i]}, "",
                              &(struct line){"{subjects} ({pct}) [{%cp_lo}, {%cp_hi}]",
                                             i == 0 ? "Any" : kind_label(layout, rows[i]), i == 0 ? 0 : 1});
}

/* -- cost ------------------------------------------------------------------------------------------------ */

static void add_cost_per_responder(const struct layout *layout, struct table *table, const char *currency)
{
    const struct protocol *protocol = protocol_of(layout);
    const char *label = memory_format(table, "Cost per responder [%s CI]", layout_level(layout));
    for (size_t i = 0; i < protocol->responder_count; i++) {
        const struct responder *responder = &protocol->responders[i];
        struct result_key key = {.table = memory_format(table, "cost per responder %s", currency),
                                 .row = responder->id};
        const char *group = responder->title != NULL ? responder->title : responder->id;
        layout_add_cohort_row(layout, table, &key, group, &(struct line){"{responders} / {n}", "Responders / n", 0});
        layout_add_cohort_row(layout, table, &key, group, &(struct line){"{mean} [{lo}, {hi}]", label, 0});
    }
}

static void add_cost_table(struct layout *layout, const char *currency)
{
    const struct cost_plan *plan = &protocol_of(layout)->plan.cost;
    struct table *table = layout_add_table(layout, memory_format(layout->document, "t18-cost-%s", currency),
                                           memory_format(layout->document, "Cost of treatment, %s", currency));
    const char *level = layout_level(layout);
    table_add_fact(table, "Population", "treated subjects with an amount in this currency only, index knee");
    table_add_fact(table, "Amount",
                   "sum of %s.%s over all records of the subject; nothing is discounted or converted, and other costs "
                   "than these are not known",
                   plan->amount.form, plan->amount.item);
    table_add_fact(table, "Methods",
                   "t limits of the mean; median with order-statistic limits; cost per responder: mean cost / part of "
                   "the same subjects who respond at the main visit (missing = no; only those for whom the visit is "
                   "over), limits by Fieller");
    table->group_title = "";
    table->label_title = "Statistic";
    layout_add_cohort_columns(layout, table);
    const struct line lines[] = {
        {"{n}", "n", 0},
        {"{no_amount}; {several_currencies}", "Left out: no amount; several currencies", 0},
        {"{mean} ({sd})", "Mean (SD)", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI of the mean", level), 1},
        {"{median} [{median_lo}, {median_hi}]", memory_format(table, "Median [%s CI]", level), 0},
        {"{q1}, {q3}", "Q1, Q3", 0},
        {"{min}, {max}", "Min, max", 0},
    };
    struct result_key key = {.table = memory_format(table, "cost %s", currency), .row = "amount"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        layout_add_cohort_row(layout, table, &key, "Amount", &lines[i]);
    table->group_title = "Part";
    add_cost_per_responder(layout, table, currency);
}

/* A table for each currency of the results, in their order. */
static void add_costs(struct layout *layout)
{
    static const char prefix[] = "cost ", per_responder[] = "cost per responder ";
    const char *last = "";
    if (results_find(layout->results, "cost", "amount", layout->dataset->cohorts[0], "n") != NULL)
        layout_add_paragraph(layout, "Cost: not shown, it would name an arm of a masked study.");
    for (size_t i = 0; i < results_count(layout->results); i++) {
        const char *table = results_at(layout->results, i)->table;
        if (strncmp(table, prefix, sizeof prefix - 1) != 0 || strcmp(table, last) == 0
            || strncmp(table, per_responder, sizeof per_responder - 1) == 0)
            continue;
        last = table;
        add_cost_table(layout, table + sizeof prefix - 1);
    }
}

/* -- chapter --------------------------------------------------------------------------------------------- */

void layout_secondary(struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    size_t rescue = 0;
    layout_list_rows(layout, "rescue", &rescue);
    if (plan->contralateral.endpoint_count + plan->imaging_count + rescue == 0 && !plan->cost.analysed)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "secondary",
                         "Untreated knee, imaging, rescue treatments, cost");
    for (size_t i = 0; i < plan->contralateral.endpoint_count; i++)
        add_other_knee(layout, plan->contralateral.endpoints[i]);
    for (size_t i = 0; i < plan->imaging_count; i++)
        add_imaging(layout, &plan->imaging[i]);
    add_readings(layout);
    add_rescue(layout);
    add_costs(layout);
}
