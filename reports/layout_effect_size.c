/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes in units of their spread, within cohorts and between them, and by ranks.  (T10) */
#include "forms/base/memory.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

static const struct endpoint *model_endpoint(const struct layout *layout, size_t model)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    return &protocol->endpoints[protocol->plan.models[model]];
}

/* Every endpoint in one table: a standardised number needs no scale. */
static void add_within(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    struct table *table =
        layout_add_table(layout, "t10-response-means", "Standardised response means within cohorts");
    table_add_fact(table, "Population", "treated subjects with a change, index knee");
    table_add_fact(table, "Cells",
                   "n; standardised response mean (mean change / SD of the changes, Cohen's d_z) [%s CI]; p "
                   "of no change, paired t test",
                   layout_level(layout));
    table_add_fact(table, "Reading",
                   "change within a cohort is no effect of treatment: it would be seen without one, too");
    table->group_title = "Endpoint";
    table->label_title = "Visit";
    layout_add_cohort_columns(layout, table);
    for (size_t m = 0; m < protocol->plan.model_count; m++) {
        const struct endpoint *endpoint = model_endpoint(layout, m);
        const char *results = memory_format(table, "effect size %s", endpoint->id);
        for (size_t v = 0; v < protocol->visit_count; v++) {
            if (!dataset_is_after_baseline(layout->dataset, (int)v))
                continue;
            const struct visit *visit = &protocol->visits[v];
            layout_add_cohort_row(layout, table, &(struct result_key){.table = results, .row = visit->id},
                                  layout_endpoint_title(layout, endpoint),
                                  &(struct line){"{n}; {srm} [{srm_lo}, {srm_hi}]; {!paired_p}",
                                                 layout_visit_title(layout, visit), 0});
        }
    }
}

static void add_facts(const struct layout *layout, struct table *table, const struct outcome *outcome,
                      int endpoint)
{
    layout_set_planned_estimand(
        layout, table, endpoint,
        &(struct estimand){
            .population = "treated subjects with a change, index knee",
            .variable = memory_format(table, "change from baseline: %s", outcome->title),
            .summary = "difference of means, not adjusted, also in units of the pooled SD",
        });
    layout_add_score_facts(table, outcome);
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Methods",
                   "Hedges' g with the exact correction; Welch's t test; Wilcoxon's rank sum test with the "
                   "normal approximation and ties corrected; shift: median of all differences between the "
                   "cohorts (Hodges-Lehmann)");
}

static void add_between(struct layout *layout, size_t model)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    struct outcome outcome = layout_find_outcome(layout, model_endpoint(layout, model));
    const char *id = outcome.endpoint->id, *level = layout_level(layout);
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t10-effect-sizes-%s", id),
        memory_format(layout->document, "%s: effect sizes of the change from baseline", outcome.title));
    add_facts(layout, table, &outcome, protocol->plan.models[model]);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    const struct line lines[] = {
        {"{n1}, {n2}", "n of each", 0},
        {"{hedges_g} [{g_lo}, {g_hi}]", memory_format(table, "Hedges' g [%s CI]", level), 0},
        {"{diff} [{welch_lo}, {welch_hi}]", memory_format(table, "Difference of means [%s CI, Welch]", level),
         0},
        {"{!welch_p}", "p, Welch", 1},
        {"{hl} [{hl_lo}, {hl_hi}]", memory_format(table, "Shift, Hodges-Lehmann [%s CI]", level), 0},
        {"{!p_norm_cc}", "p, Wilcoxon with continuity correction", 1},
        {"{!p_norm}", "p, Wilcoxon without", 1},
        {"{auc}", "Probability that the first has the higher change", 0},
    };
    const char *results = memory_format(table, "effect size %s", id);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        struct result_key key = {.table = results, .row = visit->id, .collected = outcome.collected};
        for (size_t i = 0;
             dataset_is_after_baseline(layout->dataset, (int)v) && i < sizeof lines / sizeof *lines; i++)
            layout_add_contrast_row(layout, table, &key, layout_visit_title(layout, visit), &lines[i]);
    }
}

void layout_effect_sizes(struct layout *layout)
{
    size_t models = layout->dataset->catalogue->protocol->plan.model_count;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "effect-sizes", "Effect sizes");
    if (models == 0) {
        layout_add_paragraph(layout, "The protocol names no endpoints to be compared.");
        return;
    }
    layout_add_paragraph(layout, "Not adjusted for anything, for those who pool studies or plan one; what "
                                 "the study says of its treatments stands in the models.");
    layout_explain_no_contrasts(layout);
    add_within(layout);
    for (size_t m = 0; layout_has_contrasts(layout) && m < models; m++)
        add_between(layout, m);
}
