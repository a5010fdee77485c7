/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan's hypotheses together.  (T19) */
#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

static const char *const methods[] = {
    [MULTIPLICITY_HOLM] =
        "Holm: the smallest of m p values times m, the next times m - 1 and so on, never below the "
        "ones before; every order of testing is allowed",
    [MULTIPLICITY_ORDERED] =
        "fixed sequence: each hypothesis is tested at the full level as long as all before it "
        "were rejected, so that an adjusted p is the largest up to there",
};

void layout_multiplicity(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const struct multiplicity_plan *plan = &protocol->plan.multiplicity;
    if (layout->dataset->pooled)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "multiplicity",
                         "Several hypotheses");
    layout_explain_no_contrasts(layout);
    if (!layout_has_contrasts(layout))
        return;
    if (plan->hypothesis_count == 0) {
        layout_add_paragraph(layout,
                             "The protocol names neither hypotheses nor a primary endpoint: no p value of "
                             "this report is adjusted for the number of tests.");
        return;
    }
    layout_add_paragraph(layout,
                         "Only the hypotheses of this table are protected against chance findings among "
                         "several tests; every other p value of the report is a description.");
    struct table *table = layout_add_table(layout, "t19-hypotheses", "Hypotheses and their p values");
    char number[FORMAT_SIZE];
    table_add_fact(table, "Hypotheses",
                   "no difference of the change from baseline, by the model for repeated "
                   "measures of the endpoint");
    table_add_fact(table, "Adjusted", "%s", methods[plan->method]);
    table_add_fact(table, "Reading",
                   "a hypothesis is rejected when its adjusted p is below %s; then the chance of any "
                   "false rejection is below that",
                   format_exact(number, 1 - protocol->level));
    layout_add_association_fact(layout, table);
    table->label_title = "Hypothesis";
    table_add_column(table, "Cohorts", "", CELL_TEXT);
    table_add_column(table, "p", "", CELL_NUMBER);
    table_add_column(table, "p, adjusted", "", CELL_NUMBER);
    for (size_t h = 0; h < plan->hypothesis_count; h++) {
        const struct planned_hypothesis *hypothesis = &plan->hypotheses[h];
        const struct endpoint *endpoint = &protocol->endpoints[hypothesis->endpoint];
        const struct visit *visit = &protocol->visits[hypothesis->visit];
        const char *contrast = layout_contrast_name(layout, (size_t)hypothesis->contrast);
        struct table_row *row =
            table_add_row(table, "",
                          memory_format(table, "%zu. %s, %s", h + 1, layout_endpoint_title(layout, endpoint),
                                        layout_visit_title(layout, visit)),
                          0);
        const struct result_key key = {.table = "multiplicity",
                                       .row = memory_format(table, "%s %s", endpoint->id, visit->id),
                                       .col = contrast};
        table_set_cell(table, row, 0, CELL_TEXT, contrast);
        layout_set_results(layout, table, row, 1, &key, "{!p_raw}");
        layout_set_results(layout, table, row, 2, &key, "{!p_adjusted}");
    }
}
