/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responders by visit and cohort, and their differences.  (T9) */
#include "reports/layout_score.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

/* From where an improvement in per cent is measured: the best value that the score can have. */
static const char *measured_from(const struct layout *layout, const struct outcome *outcome)
{
    if (outcome->score == NULL)
        return "";
    bool higher_better = outcome->score->direction == SCORE_HIGHER_BETTER;
    double best = outcome->score->range[higher_better ? 1 : 0];
    char number[FORMAT_SIZE];
    format_exact(number, best);
    if (best == 0)
        return " (measured from the best end of the scale, 0)";
    return memory_format(layout->document,
                         "'s distance from the best value (per cent are measured from the best end of the "
                         "scale, %s, not from 0 as %% changes are)",
                         number);
}

static void add_domains(const struct layout *layout, struct table *table, const struct responder *responder)
{
    static const char *const labels[] = {"Pain", "Function", "Patient global"};
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    table_add_fact(table, "Responder",
                   "pain or function better by at least 50 %% and 20 points of 100; or at least two of pain, "
                   "function and patient global better by at least 20 %% and 10 points. Each domain is "
                   "mapped from its range to 0 to 100, higher is worse; per cent are of the baseline there, "
                   "so that a baseline of 0 cannot respond");
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (responder->endpoints[i] < 0) {
            table_add_fact(table, labels[i], "not collected: counts as not better");
            continue;
        }
        struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[responder->endpoints[i]]);
        table_add_fact(table, labels[i], "%s", layout_score_line(layout, &outcome));
    }
    table_add_fact(
        table, "Missing values",
        "no value of any domain at the visit: not evaluable. Otherwise responder when decided already, "
        "non-responder when no value within the scale could make it a response, else not evaluable");
}

static void add_rule(const struct layout *layout, struct table *table, const struct responder *responder,
                     const struct outcome *outcome)
{
    bool higher_better = outcome->score != NULL && outcome->score->direction == SCORE_HIGHER_BETTER;
    const char *way = higher_better ? "rise" : "fall";
    char number[FORMAT_SIZE];
    format_exact(number, responder->threshold);
    switch (responder->kind) {
    case RESPONDER_OMERACT_OARSI: break;
    case RESPONDER_IMPROVED_BY:
        table_add_fact(table, "Responder", "%s better than at baseline by at least %s points (a %s)",
                       outcome->title, number, way);
        table_add_fact(table, "Missing values",
                       "not evaluable without a value at baseline and one at the visit");
        break;
    case RESPONDER_IMPROVED_PERCENT:
        table_add_fact(table, "Responder",
                       "%s better than at baseline by at least %s %% of the baseline%s (a %s); who has the "
                       "best value at baseline cannot respond",
                       outcome->title, number, measured_from(layout, outcome), way);
        table_add_fact(table, "Missing values",
                       "not evaluable without a value at baseline and one at the visit");
        break;
    case RESPONDER_STATE:
        table_add_fact(table, "Responder", "%s at the visit of %s or %s, whatever it was at baseline",
                       outcome->title, number, higher_better ? "higher" : "lower");
        table_add_fact(table, "Missing values", "not evaluable without a value at the visit");
        break;
    }
}

static void add_definition(const struct layout *layout, struct table *table,
                           const struct responder *responder)
{
    if (responder->kind == RESPONDER_OMERACT_OARSI) {
        add_domains(layout, table, responder);
    } else {
        const struct protocol *protocol = layout->dataset->catalogue->protocol;
        struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[responder->endpoints[0]]);
        add_rule(layout, table, responder, &outcome);
        layout_add_score_facts(table, &outcome);
    }
    if (responder->source != NULL)
        table_add_fact(table, "Source", "%s", responder->source);
}

static void add_way(struct layout *layout, struct table *table, const struct responder *responder,
                    const char *way, const struct visit *visit)
{
    const struct dataset *dataset = layout->dataset;
    const char *results = memory_format(layout->document, "responder %s %s", responder->id, way);
    const char *group = layout_visit_title(layout, visit);
    const char *level = layout_level(layout);
    const char *labels[] = {
        strcmp(way, "observed") == 0 ? "Observed: x / n (%)" : "Missing = non-responder: x / n (%)",
        memory_format(table, "%s CI, Wilson", level),
        memory_format(table, "%s CI, Clopper-Pearson", level),
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct table_row *row = table_add_row(table, group, labels[i], i == 0 ? 0 : 1);
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            const char *cohort = dataset->cohorts[c];
            const char *patterns[] = {
                memory_format(table, "{x.%s} / {n.%s} ({%%p.%s})", cohort, cohort, cohort),
                "[{%wilson_lo}, {%wilson_hi}]",
                "[{%cp_lo}, {%cp_hi}]",
            };
            layout_set_results(layout, table, row, c,
                               &(struct result_key){.table = results, .row = visit->id, .col = cohort},
                               patterns[i]);
        }
    }
}

/* -- differences ----------------------------------------------------------------------------------------- */

/* "NNTB 5.8" for one more benefit, "NNTH 5.8" for one more harm; NAN is infinite. */
static void append_number_needed(struct text *out, double value, bool named)
{
    char number[FORMAT_SIZE];
    if (isnan(value))
        text_append(out, "infinity");
    else
        text_append_format(out, "%s%s", !named ? "" : value < 0 ? "NNTH " : "NNTB ",
                           format_stat(number, "nnt", fabs(value), 0));
}

/* The limits in the order in which benefit turns to harm; through infinity when the difference's hold 0. */
static void set_number_needed(const struct layout *layout, struct table *table, struct table_row *row,
                              size_t column, const struct result_key *key)
{
    struct text *out = text_new(table);
    double value = layout_value(layout, key->table, key->row, key->col, "nnt");
    double lo = layout_value(layout, key->table, key->row, key->col, "nnt_lo");
    double hi = layout_value(layout, key->table, key->row, key->col, "nnt_hi");
    double through = layout_value(layout, key->table, key->row, key->col, "nnt_through_infinity");
    if (isnan(through)) {
        layout_set_results(layout, table, row, column, key, "{nnt}");
        talloc_free(out);
        return;
    }
    if (value < 0 && through < 0.5) { /* the smaller number first */
        double other = lo;
        lo = hi;
        hi = other;
    }
    append_number_needed(out, value, true);
    text_append(out, " [");
    append_number_needed(out, lo, through > 0);
    text_append(out, through > 0 && !isnan(lo) && !isnan(hi) ? " to infinity to " : " to ");
    append_number_needed(out, hi, through > 0);
    text_append(out, "]");
    table_set_cell(table, row, column, CELL_NUMBER, out->bytes);
    talloc_free(out);
}

static void add_number_needed_row(const struct layout *layout, struct table *table,
                                  const struct result_key *key, const char *group)
{
    struct table_row *row = table_add_row(
        table, group, memory_format(table, "Number needed to treat [%s CI]", layout_level(layout)), 0);
    for (size_t i = 0; i < table->column_count; i++) {
        struct result_key cell = *key;
        cell.col = table->columns[i].title;
        set_number_needed(layout, table, row, i, &cell);
    }
}

static void add_difference_rows(const struct layout *layout, struct table *table,
                                const struct result_key *key, const char *group)
{
    const char *level = layout_level(layout);
    const struct line before[] = {
        {"{x1} / {n1}, {x2} / {n2}", "Responders: x / n of each", 0},
        {"{%rd} [{%newcombe_lo}, {%newcombe_hi}]",
         memory_format(table, "Difference, points of %% [%s CI, Newcombe]", level), 0},
        {"[{%mn_lo}, {%mn_hi}]", memory_format(table, "%s CI, Miettinen-Nurminen", level), 1},
        {"{rr} [{rr_lo}, {rr_hi}]", memory_format(table, "Risk ratio [%s CI]", level), 0},
        {"{or} [{or_lo}, {or_hi}]", memory_format(table, "Odds ratio [%s CI]", level), 0},
    };
    const struct line after[] = {
        {"{!fisher_p}", "p, Fisher's exact test", 0},
        {"{%mh_rd} [{%mh_rd_lo}, {%mh_rd_hi}]",
         memory_format(table, "Difference within strata [%s CI, Sato]", level), 0},
        {"{!cmh_p}", "p, Cochran-Mantel-Haenszel", 0},
    };
    bool strata = layout->dataset->catalogue->protocol->plan.stratum_count > 0;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        layout_add_contrast_row(layout, table, key, group, &before[i]);
    add_number_needed_row(layout, table, key, group);
    for (size_t i = 0; i < (strata ? sizeof after / sizeof *after : 1); i++)
        layout_add_contrast_row(layout, table, key, group, &after[i]);
}

static void add_difference_facts(const struct layout *layout, struct table *table,
                                 const struct responder *responder, const char *defined_in, bool imputed)
{
    layout_set_planned_estimand(
        layout, table, responder->endpoints[0],
        &(struct estimand){
            .population =
                imputed ? "treated subjects whose visit was over at the cut, index knee"
                        : "treated subjects who are evaluable, index knee",
            .variable = memory_format(table, "response (%s)",
                                      responder->title != NULL ? responder->title : responder->id),
            .summary = "difference of proportions",
        });
    if (imputed)
        table_add_intercurrent(table, "no value, whatever the reason", "composite: counts as no response");
    table_add_fact(table, "Responder", "as defined over %s, with instrument, range and direction", defined_in);
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Number needed",
                   "1 / difference, limits from Newcombe's; NNTB: treated for one more response, NNTH: for "
                   "one response fewer");
    if (layout->dataset->catalogue->protocol->plan.stratum_count > 0)
        table_add_fact(table, "Strata", "%s; a stratum with one of the two cohorts only is left out",
                       layout_strata_names(layout));
}

/* Of more than two cohorts: whether they differ at all, visit by visit. */
static void add_overall_fact(const struct layout *layout, struct table *table, const char *results)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    char number[FORMAT_SIZE];
    if (layout->dataset->cohort_count <= 2)
        return;
    struct text *out = text_new(table);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        if (dataset_is_after_baseline(layout->dataset, (int)v))
            text_append_format(out, "%s%s %s", out->length > 0 ? "; " : "", layout_visit_title(layout, visit),
                               format_p(number, layout_value(layout, results, visit->id, "cohorts", "gcmh_p")));
    }
    table_add_fact(table, "All cohorts", "p that none differs from another, general association%s: %s",
                   protocol->plan.stratum_count > 0 ? " within strata" : "", out->bytes);
    talloc_free(out);
}

static void add_differences(struct layout *layout, const struct responder *responder, const char *defined_in,
                            bool imputed)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const char *title = responder->title != NULL ? responder->title : responder->id;
    struct table *table =
        layout_add_table(layout,
                         memory_format(layout->document, "t9-differences-%s-%s", responder->id,
                                       imputed ? "imputed" : "observed"),
                         memory_format(layout->document, "Differences of responders, %s: %s",
                                       imputed ? "missing = non-responder" : "observed", title));
    const char *results = memory_format(layout->document, "responder %s %s", responder->id,
                                        imputed ? "non-responder imputation" : "observed");
    add_difference_facts(layout, table, responder, defined_in, imputed);
    add_overall_fact(layout, table, results);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (dataset_is_after_baseline(layout->dataset, (int)v))
            add_difference_rows(layout, table,
                                &(struct result_key){.table = results, .row = protocol->visits[v].id},
                                layout_visit_title(layout, &protocol->visits[v]));
    }
}

/* -- chapter --------------------------------------------------------------------------------------------- */

static void add_responder(struct layout *layout, const struct responder *responder)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const char *title = responder->title != NULL ? responder->title : responder->id;
    struct table *table =
        layout_add_table(layout, memory_format(layout->document, "t9-responder-%s", responder->id),
                         memory_format(layout->document, "Responders: %s", title));
    add_definition(layout, table, responder);
    table_add_fact(table, "Population",
                   "treated subjects (N), index knee; observed: n = evaluable subjects; missing = "
                   "non-responder: n = those whose due window of the visit closed before the day of the cut");
    table->group_title = "Visit";
    table->label_title = "Analysis";
    layout_add_cohort_columns(layout, table);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        add_way(layout, table, responder, "observed", &protocol->visits[v]);
        add_way(layout, table, responder, "non-responder imputation", &protocol->visits[v]);
    }
    for (int imputed = 0; layout_has_contrasts(layout) && imputed < 2; imputed++)
        add_differences(layout, responder, table->number, imputed);
}

void layout_responders(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "responders", "Responders");
    if (protocol->responder_count == 0)
        layout_add_paragraph(layout, "The protocol defines no responders.");
    else
        layout_add_paragraph(layout,
                             "Thresholds differ between publications; each definition stands above its table "
                             "with its source, and none of them is the right one. Thresholds are inclusive.");
    layout_explain_no_contrasts(layout);
    for (size_t i = 0; i < protocol->responder_count; i++)
        add_responder(layout, &protocol->responders[i]);
}
