/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responders by visit and cohort.  (STATISTICS 1a: T9) */
#include "reports/layout.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

static const char *domain_title(const struct layout *layout, int endpoint)
{
    return endpoint < 0
               ? "not collected"
               : layout_endpoint_title(layout, &layout->dataset->catalogue->protocol->endpoints[endpoint]);
}

/* Thresholds are printed as written in the protocol: up to three decimals, without zeros at the end. */
static const char *threshold_text(char out[FORMAT_SIZE], double threshold)
{
    format_number(out, threshold, 3);
    size_t length = strlen(out);
    while (length > 0 && out[length - 1] == '0')
        out[--length] = '\0';
    if (length > 0 && out[length - 1] == '.')
        out[length - 1] = '\0';
    return out;
}

static void add_definition(const struct layout *layout, struct table *table,
                           const struct responder *responder)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const struct endpoint *endpoint =
        responder->endpoints[0] >= 0 ? &protocol->endpoints[responder->endpoints[0]] : NULL;
    const struct score *score =
        endpoint != NULL ? catalogue_endpoint_score(layout->dataset->catalogue, endpoint) : NULL;
    bool higher_better = score != NULL && score->direction == SCORE_HIGHER_BETTER;
    const char *title = domain_title(layout, responder->endpoints[0]);
    char number[FORMAT_SIZE];
    threshold_text(number, responder->threshold);
    switch (responder->kind) {
    case RESPONDER_OMERACT_OARSI:
        table_add_fact(
            table, "Responder",
            "pain or function better by at least 50 %% and 20 points of 100; or at least two of pain, "
            "function and patient global better by at least 20 %% and 10 points. A baseline of 0 cannot "
            "respond");
        table_add_fact(table, "Domains", "pain: %s; function: %s; patient global: %s", title,
                       domain_title(layout, responder->endpoints[1]),
                       domain_title(layout, responder->endpoints[2]));
        table_add_fact(table, "Missing domain",
                       "responder when decided already, non-responder when no value could "
                       "make it a response, otherwise not evaluable");
        break;
    case RESPONDER_IMPROVED_BY:
        table_add_fact(table, "Responder", "%s better than at baseline by at least %s points (a %s)", title,
                       number, higher_better ? "rise" : "fall");
        break;
    case RESPONDER_IMPROVED_PERCENT:
        table_add_fact(table, "Responder",
                       "%s better than at baseline by at least %s %% of the baseline (a %s)", title, number,
                       higher_better ? "rise" : "fall");
        break;
    case RESPONDER_STATE:
        table_add_fact(table, "Responder", "%s at the visit of %s or %s, whatever it was at baseline", title,
                       number, higher_better ? "higher" : "lower");
        break;
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

static void add_responder(struct layout *layout, const struct responder *responder)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const char *title = responder->title != NULL ? responder->title : responder->id;
    struct table *table = layout_add_table(layout,
                                           memory_format(layout->document, "t9-responder-%s", responder->id),
                                           memory_format(layout->document, "Responders: %s", title));
    add_definition(layout, table, responder);
    table_add_fact(table, "Population",
                   "treated subjects (N), index knee; observed: n = evaluable subjects; missing = "
                   "non-responder: n = all treated, also those whose visit is not due yet");
    table->group_title = "Visit";
    table->label_title = "Analysis";
    layout_add_cohort_columns(layout, table);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        add_way(layout, table, responder, "observed", &protocol->visits[v]);
        add_way(layout, table, responder, "non-responder imputation", &protocol->visits[v]);
    }
}

void layout_responders(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    layout_begin_chapter(layout, 6, "responders", "Responders");
    if (protocol->responder_count == 0)
        layout_add_paragraph(layout, "The protocol defines no responders.");
    else
        layout_add_paragraph(layout,
                             "Thresholds differ between publications; each definition stands above its table "
                             "with its source, and none of them is the right one. Thresholds are inclusive.");
    for (size_t i = 0; i < protocol->responder_count; i++)
        add_responder(layout, &protocol->responders[i]);
}
