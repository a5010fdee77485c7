/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is claimed, and whether the study's intervals speak against it. */
#include "reports/layout_score.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis_subgroups.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

static const char results[] = "claims";

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

/* Column of the claim's results: analysis_claims.c. */
static const char *column_of(const struct layout *layout, const struct claim *claim)
{
    const struct dataset *dataset = layout->dataset;
    if (dataset->pooled)
        return dataset->cohorts[0];
    return claim->contrast >= 0 ? layout_contrast_name(layout, (size_t)claim->contrast)
                                : dataset->cohorts[claim->cohort];
}

static const char *endpoint_title(const struct layout *layout, const struct claim *claim)
{
    return layout_endpoint_title(layout, &protocol_of(layout)->endpoints[claim->endpoint]);
}

static bool is_in_percent(const struct layout *layout, const struct claim *claim)
{
    const struct imaging_plan *imaging = plan_find_imaging(&protocol_of(layout)->plan, claim->endpoint);
    return claim->kind == CLAIM_RESPONDER || claim->kind == CLAIM_EVENT || claim->kind == CLAIM_HARM ||
           (claim->kind == CLAIM_IMAGING && imaging != NULL && imaging->scale == IMAGING_RATIO);
}

/* -- what is measured ------------------------------------------------------------------------------------ */

static const char *special_interest_label(const struct layout *layout, const char *code)
{
    const struct item *item = layout_find_item(layout, "adverse_event", "special_interest");
    const struct choice *choice = item != NULL ? item_find_choice(item, code) : NULL;
    return choice != NULL ? choice->label : code;
}

static const char *subgroup_title(const struct layout *layout, const struct claim *claim)
{
    const struct subgroup *subgroup = &protocol_of(layout)->plan.subgroups[claim->subgroup];
    return catalogue_subgroup_title(layout->dataset->catalogue, subgroup);
}

/* "KL 1-2", "KL 1-2 - 3-4". */
static const char *level_title(const struct layout *layout, const struct claim *claim)
{
    return subgroup_claim_row(layout->document, layout->dataset->catalogue, claim);
}

static const char *event_title(const struct layout *layout, const struct claim *claim)
{
    return protocol_of(layout)->plan.events[claim->event].title;
}

/* Without visit and cohort. */
static const char *measure_of(const struct layout *layout, const struct claim *claim)
{
    const struct document *document = layout->document;
    const char *part =
        claim->contrast >= 0 ? "difference of the percentages of subjects with" : "% of subjects with";
    switch (claim->kind) {
    case CLAIM_RESPONDER:
        return memory_format(document, "%s response: %s", part,
                             protocol_of(layout)->responders[claim->responder].title);
    case CLAIM_DIFFERENCE:
    case CLAIM_EQUIVALENCE:
        if (claim->level == NULL)
            return memory_format(document, "difference of mean changes of %s", endpoint_title(layout, claim));
        return memory_format(document, "difference of mean changes of %s, %s %s", endpoint_title(layout, claim),
                             claim->against != NULL ? "between groups:" : "in the group", level_title(layout, claim));
    case CLAIM_CHANGE: return memory_format(document, "mean change of %s", endpoint_title(layout, claim));
    case CLAIM_DURABILITY:
        return memory_format(document, "difference of mean changes of %s less that at %s",
                             endpoint_title(layout, claim), protocol_of(layout)->visits[claim->from].id);
    case CLAIM_INTERACTION:
        return memory_format(document, "difference of changes of %s, between groups of %s",
                             endpoint_title(layout, claim), subgroup_title(layout, claim));
    case CLAIM_EVENT:
        return memory_format(document, "%s %s by day %d", part, event_title(layout, claim), claim->day);
    case CLAIM_HARM:
        return memory_format(document, "%s an adverse event: %s", part,
                             special_interest_label(layout, claim->special_interest));
    case CLAIM_CONTRALATERAL:
        return memory_format(document, "%s of %s of the untreated knee",
                             claim->contrast >= 0 ? "difference of mean changes" : "mean change",
                             endpoint_title(layout, claim));
    case CLAIM_IMAGING:
        return memory_format(document, "%s of %s",
                             is_in_percent(layout, claim) ? "% change of the geometric mean" : "mean change",
                             endpoint_title(layout, claim));
    case CLAIM_COST: return "mean amount billed for each subject";
    }
    return "";
}

static const char *full_measure(const struct layout *layout, const struct claim *claim)
{
    struct text *out = text_new(layout->document);
    text_append(out, layout_capital(layout, measure_of(layout, claim)));
    if (claim->visit >= 0)
        text_append_format(out, ", %s",
                           layout_visit_title(layout, &protocol_of(layout)->visits[claim->visit]));
    if (!layout->dataset->pooled)
        text_append_format(out, ", %s", column_of(layout, claim));
    return out->bytes;
}

/* Of cohorts or groups that were not randomised, and by an estimate that no weights adjust. */
static bool is_unadjusted(const struct layout *layout, const struct claim *claim)
{
    return layout_value(layout, results, claim->id, column_of(layout, claim), "adjusted") == 0;
}

static const char *subjects_of(const struct layout *layout, const struct claim *claim)
{
    static const char repeated[] = "treated, baseline and a later value; model for repeated measures";
    bool randomised = protocol_of(layout)->randomised && claim->against == NULL;
    switch (claim->kind) {
    case CLAIM_RESPONDER:
        return protocol_of(layout)->randomised || claim->contrast < 0
                   ? "treated, the visit is over; no value counts as no response"
                   : "treated, the visit is over, with every covariate; no value counts as no response; weighted "
                     "to those who could have been in either cohort";
    case CLAIM_DIFFERENCE:
    case CLAIM_EQUIVALENCE:
        if (randomised)
            return claim->level == NULL ? repeated : "treated, in the group, with a change at the visit";
        return memory_format(layout->document,
                             "treated%s, with a change at the visit and every covariate; weighted to those who "
                             "could have been in either %s",
                             claim->level != NULL ? ", in a group that is named" : "",
                             claim->against != NULL ? "group" : "cohort");
    case CLAIM_CHANGE:
    case CLAIM_DURABILITY: return repeated;
    case CLAIM_INTERACTION: return "treated, in a group, with a change at the visit";
    case CLAIM_EVENT: return "treated; followed to the event or the last contact";
    case CLAIM_HARM: return "treated (safety set)";
    case CLAIM_CONTRALATERAL: return "treated on one side, the other knee as the protocol asks";
    case CLAIM_IMAGING: return "treated, with an image at baseline and at the visit";
    case CLAIM_COST: return "treated, with an amount";
    }
    return "";
}

static const char *population_of(const struct layout *layout, const struct claim *claim)
{
    const char *subjects = subjects_of(layout, claim);
    return is_unadjusted(layout, claim)
               ? memory_format(layout->document,
                               "%s; unadjusted for what the %s differ in, as they were not randomised",
                               subjects, claim->against != NULL ? "groups" : "cohorts")
               : subjects;
}

/* -- what refutes it ------------------------------------------------------------------------------------- */

static const char *refuted_if(const struct layout *layout, const struct claim *claim)
{
    static const char *const sides[] = {"above", "below", "outside"};
    const struct equivalence_margin *margin = plan_find_margin(&protocol_of(layout)->plan, claim->endpoint);
    char number[FORMAT_SIZE];
    if (claim->kind != CLAIM_EQUIVALENCE && claim->kind != CLAIM_INTERACTION) {
        format_exact(number, claim->value);
        const char *unit = is_in_percent(layout, claim) ? " %" : "";
        if (claim->refuted == REFUTED_OUTSIDE)
            return memory_format(layout->document, "the interval does not hold %s%s", number, unit);
        return memory_format(layout->document, "the interval lies wholly %s %s%s", sides[claim->refuted],
                             number, unit);
    }
    if (margin == NULL)
        return "no interval: the protocol has no margin for the endpoint";
    format_exact(number, margin->margin);
    if (claim->kind == CLAIM_EQUIVALENCE)
        return memory_format(layout->document, "the interval lies wholly outside -%s to %s", number, number);
    return memory_format(layout->document,
                         "the interval between every two groups lies wholly within -%s to %s: they are alike",
                         number, number);
}

static int decimals_of(const struct layout *layout, const struct claim *claim)
{
    if (claim->endpoint < 0 || is_in_percent(layout, claim))
        return 0;
    return layout_find_outcome(layout, &protocol_of(layout)->endpoints[claim->endpoint]).collected;
}

/* A claim of an interaction has no direction, so that nothing bears it out. */
static const char *verdict_of(const struct layout *layout, const struct claim *claim, double refuted)
{
    const char *col = column_of(layout, claim);
    bool unadjusted = is_unadjusted(layout, claim);
    if (refuted > 0)
        return unadjusted ? "refuted, by an unadjusted comparison" : "refuted";
    const char *not_refuted = unadjusted ? "not refuted by an unadjusted comparison" : "not refuted";
    if (claim->kind == CLAIM_INTERACTION)
        return layout_value(layout, results, claim->id, col, "differ") > 0
                   ? memory_format(layout->document, "%s; the groups differ, whichever way", not_refuted)
                   : not_refuted;
    if (!unadjusted && layout_value(layout, results, claim->id, col, "borne_out") > 0)
        return "not refuted; the whole interval agrees";
    return not_refuted;
}

/* -- the table ------------------------------------------------------------------------------------------- */

enum column {
    COLUMN_MEASURE,
    COLUMN_POPULATION,
    COLUMN_ESTIMATE,
    COLUMN_N,
    COLUMN_REFUTED_IF,
    COLUMN_EXCLUDED,
    COLUMN_VERDICT
};

static void set_verdict(const struct layout *layout, struct table *table, struct table_row *row,
                        const struct claim *claim, const char *col)
{
    const struct result *refuted = results_find(layout->results, results, claim->id, col, "refuted");
    if (refuted == NULL || refuted->status[0] != '\0') {
        const char *why = refuted != NULL ? refuted->note : "";
        table_set_cell(table, row, COLUMN_EXCLUDED, CELL_TEXT, "-");
        table_set_cell(table, row, COLUMN_VERDICT, CELL_TEXT,
                       memory_format(table, "not estimable%s%s", why[0] != '\0' ? ": " : "", why));
        return;
    }
    double excluded = layout_value(layout, results, claim->id, col, "excluded");
    table_set_cell(table, row, COLUMN_EXCLUDED, CELL_TEXT, excluded > 0 ? "yes" : "no");
    table_set_cell(table, row, COLUMN_VERDICT, CELL_TEXT, verdict_of(layout, claim, refuted->value));
}

/* "-4.1 [-8.0, -0.2]; adjusted, E-value 1.9 (of the limit 1.2)". */
static const char *estimate_pattern(const struct layout *layout, const struct table *table,
                                    const struct claim *claim)
{
    const char *col = column_of(layout, claim);
    const char *unit = is_in_percent(layout, claim) ? " %" : "";
    const char *more = "";
    if (claim->kind == CLAIM_INTERACTION)
        more = "; interaction p = {!p_interaction}";
    else if (!isnan(layout_value(layout, results, claim->id, col, "evalue")))
        more = is_unadjusted(layout, claim) ? "; E-value {evalue} (of the limit {evalue_limit})"
                                            : "; adjusted, E-value {evalue} (of the limit {evalue_limit})";
    return memory_format(table, "{est}%s [{lo}, {hi}]%s", unit, more);
}

static void add_claim(const struct layout *layout, struct table *table, const struct claim *claim)
{
    const char *col = column_of(layout, claim);
    struct table_row *row = table_add_row(table, "", layout_capital(layout, claim->claim), 0);
    struct result_key key = {results, claim->id, col, decimals_of(layout, claim)};
    bool known = !isnan(layout_value(layout, results, claim->id, col, "est"));
    bool contrast = (claim->contrast >= 0 || claim->against != NULL) && !layout->dataset->pooled;
    table_set_cell(table, row, COLUMN_MEASURE, CELL_TEXT, full_measure(layout, claim));
    table_set_cell(table, row, COLUMN_POPULATION, CELL_TEXT, population_of(layout, claim));
    table_set_cell(table, row, COLUMN_ESTIMATE, CELL_NUMBER, "-");
    table_set_cell(table, row, COLUMN_N, CELL_NUMBER, "-");
    if (known)
        layout_set_results(layout, table, row, COLUMN_ESTIMATE, &key,
                           estimate_pattern(layout, table, claim));
    if (!layout->dataset->pooled)
        layout_set_results(layout, table, row, COLUMN_N, &key, contrast ? "{n} against {n_against}" : "{n}");
    table_set_cell(table, row, COLUMN_REFUTED_IF, CELL_TEXT, refuted_if(layout, claim));
    set_verdict(layout, table, row, claim, col);
    if (claim->source != NULL)
        row->cells[COLUMN_MEASURE].footnote =
            table_footnote(table, memory_format(table, "Claimed by: %s", claim->source));
}

static bool has_kind(const struct analysis_plan *plan, enum claim_kind kind)
{
    for (size_t i = 0; i < plan->claim_count; i++) {
        if (plan->claims[i].kind == kind)
            return true;
    }
    return false;
}

static void add_facts(const struct layout *layout, struct table *table)
{
    const struct protocol *protocol = protocol_of(layout);
    double alpha = 100 * (1 - protocol->level);
    layout_add_association_fact(layout, table);
    if (!protocol->randomised && layout_has_contrasts(layout))
        table_add_fact(table, "Adjusted",
                       "differences of mean changes and of parts who respond at one visit: by overlap weights, "
                       "with E-values; all other comparisons of cohorts are unadjusted, and none of them bears "
                       "a claim out");
    table_add_fact(table, "Interval",
                   "%s, as in the table of the estimate; not adjusted for the number of claims",
                   layout_level(layout));
    if (has_kind(&protocol->plan, CLAIM_EQUIVALENCE))
        table_add_fact(table, "Equivalence",
                       "judged by the %s limits, as two one-sided tests at %.4g %% each; the p of no "
                       "equivalence in other tables is a test at %.4g %%, that is by %.4g %% limits, and may "
                       "be below it where this interval is not yet within the margin",
                       layout_level(layout), alpha / 2, alpha, 100 - 2 * alpha);
}

void layout_claims(struct layout *layout)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    if (plan->claim_count == 0)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "claims", "Claims");
    layout_add_paragraph(
        layout, "What is claimed, and the study's answer. The protocol says which interval would refute "
                "each claim. Not refuted is not proved: an interval may allow the claim and its opposite; "
                "only where the whole interval agrees does the study bear the claim out.");
    struct table *table = layout_add_table(layout, "claims", "Claims and what the data say");
    add_facts(layout, table);
    table->label_title = "Claim";
    table_add_column(table, "Estimate of", "", CELL_TEXT);
    table_add_column(table, "Population", "", CELL_TEXT);
    table_add_column(table, "Estimate", memory_format(table, "[%s CI]", layout_level(layout)), CELL_NUMBER);
    table_add_column(table, "n", "", CELL_NUMBER);
    table_add_column(table, "Refuted if", "", CELL_TEXT);
    table_add_column(table, "Claimed value excluded", "", CELL_TEXT);
    table_add_column(table, "Verdict", "", CELL_TEXT);
    for (size_t i = 0; i < plan->claim_count; i++)
        add_claim(layout, table, &plan->claims[i]);
}
