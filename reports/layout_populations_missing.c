/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Visits in time and what is missing.  (T2, T5) */
#include "reports/layout_populations.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/layout_score.h"
#include "reports/subject_sets.h"

static void add_visit_rows(struct layout *layout, struct table *table, const char *results,
                           const struct line *lines, size_t line_count)
{
    size_t count;
    const char **visits = layout_list_rows(layout, results, &count);
    table->group_title = "Visit";
    table->label_title = "Count";
    layout_add_cohort_columns(layout, table);
    for (size_t v = 0; v < count; v++) {
        const struct visit *visit = protocol_find_visit(layout->dataset->catalogue->protocol, visits[v]);
        const struct result_key key = {.table = results, .row = visits[v]};
        for (size_t i = 0; i < line_count; i++)
            layout_add_cohort_row(layout, table, &key,
                                  visit != NULL ? layout_visit_title(layout, visit) : visits[v], &lines[i]);
    }
}

void layout_compliance(struct layout *layout)
{
    static const struct line lines[] = {
        {"{over_visited} of {over} ({pct_over})", "Came, of those whose visit is over (%)", 0},
        {"{visited}", "Came in all", 0},
        {"{inside} ({pct_inside})", "Within the due window (% of all who came)", 0},
        {"{early}", "Before the due window", 0},
        {"{late}", "After the due window", 0},
    };
    struct table *table = layout_add_table(layout, "t2-visit-compliance", "Visits within their due windows");
    table_add_fact(table, "Population", "treated subjects (N); records about the subject or the index knee");
    table_add_fact(table, "Over",
                   "the due window closed before the day of the cut; who came earlier has no counterpart yet "
                   "among those who did not come");
    table_add_fact(table, "Came",
                   "a record of a form of the visit is used for it: its date lies in the analysis window");
    table_add_fact(table, "Within", "at least one such record lies in the due window of the protocol");
    add_visit_rows(layout, table, "visit compliance", lines, sizeof lines / sizeof *lines);
}

void layout_missing_items(struct layout *layout, const char *form_id)
{
    static const struct line lines[] = {
        {"{records}", "Records", 0},
        {"{complete} ({pct_complete})", "All items answered (%)", 0},
        {"{missing} of {items} ({pct_missing})", "Items not answered (%)", 0},
    };
    const char *results = memory_format(layout->document, "missing items %s", form_id);
    const struct form *form = catalogue_find_form(layout->dataset->catalogue, form_id, 0);
    size_t count;
    layout_list_rows(layout, results, &count);
    if (count == 0)
        return;
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t5-items-%s", form_id),
        memory_format(layout->document, "Items not answered: %s", form != NULL ? form->title : form_id));
    table_add_fact(table, "Population",
                   "records of treated subjects that are used for the visit; index knee");
    table_add_fact(table, "Items",
                   "those that everybody is asked; items asked under a condition are left out");
    add_visit_rows(layout, table, results, lines, sizeof lines / sizeof *lines);
}

static const char *deciding_title(const struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    return layout_endpoint_title(layout, &protocol->endpoints[subject_sets_endpoint(protocol)]);
}

void layout_missing_patterns(struct layout *layout)
{
    static const struct line kinds[] = {
        {"{n} ({pct})", "complete", 0},
        {"{n} ({pct})", "monotone", 0},
        {"{n} ({pct})", "intermittent", 0},
        {"{n} ({pct})", "none", 0},
    };
    static const char *const labels[] = {"No value missing", "Monotone: none after the first missing one",
                                         "Intermittent: a value after a missing one", "No value at all"};
    size_t count;
    const char **patterns = layout_list_rows(layout, "commonest patterns", &count);
    if (count == 0)
        return;
    struct table *table = layout_add_table(
        layout, "t5-patterns",
        memory_format(layout->document, "Missing values over the visits: %s", deciding_title(layout)));
    table_add_fact(table, "Population", "treated subjects (N), index knee; visits after baseline");
    table_add_fact(table, "Pattern",
                   "a sign for each visit, in order: + a value, . none, - not over at the cut");
    table->group_title = "";
    table->label_title = "Kind or pattern";
    layout_add_cohort_columns(layout, table);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        layout_add_cohort_row(layout, table,
                              &(struct result_key){.table = "missing patterns", .row = kinds[k].label},
                              "Kinds, n (% of N)", &(struct line){kinds[k].pattern, labels[k], 0});
    for (size_t p = 0; p < count; p++)
        layout_add_cohort_row(layout, table,
                              &(struct result_key){.table = "commonest patterns", .row = patterns[p]},
                              "Commonest patterns, n", &(struct line){"{n}", patterns[p], 0});
}

static const char *variable_title(const struct layout *layout, const char *row, int *collected)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const char *dot = strchr(row, '.');
    int endpoint = dot == NULL ? protocol_find_endpoint(protocol, row) : -1;
    *collected = 0;
    if (endpoint >= 0) {
        struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]);
        *collected = outcome.collected;
        return outcome.title;
    }
    if (dot == NULL)
        return row;
    const char *form = memory_copy_bytes(layout->document, row, (size_t)(dot - row));
    const struct item *item = layout_find_item(layout, form, dot + 1);
    if (item == NULL)
        return row;
    *collected = layout_item_decimals(layout, form, item);
    return layout_capital(layout, item->text);
}

void layout_completers(struct layout *layout)
{
    static const char results[] = "completers and drop-outs";
    size_t count;
    const char **rows = layout_list_rows(layout, results, &count);
    if (count == 0)
        return;
    struct table *table = layout_add_table(layout, "t5-completers",
                                           "Baseline of completers and of drop-outs, all cohorts together");
    table_add_fact(table, "Completers", "treated, the due window of the last visit is over, with a value of %s there",
                   deciding_title(layout));
    table_add_fact(table, "Drop-outs", "likewise, without a value");
    table_add_fact(table, "Cells",
                   "n; mean (SD); difference: of the means, by the pooled standard deviation");
    table->label_title = "At baseline";
    table_add_column(table, "Completers", "", CELL_NUMBER);
    table_add_column(table, "Drop-outs", "", CELL_NUMBER);
    table_add_column(table, "Standardised difference", "", CELL_NUMBER);
    for (size_t i = 0; i < count; i++) {
        struct result_key key = {.table = results, .row = rows[i]};
        struct table_row *row = table_add_row(table, "", variable_title(layout, rows[i], &key.collected), 0);
        key.col = "completers";
        layout_set_results(layout, table, row, 0, &key, "{n}; {mean} ({sd})");
        key.col = "drop-outs";
        layout_set_results(layout, table, row, 1, &key, "{n}; {mean} ({sd})");
        key.col = "difference";
        layout_set_results(layout, table, row, 2, &key, "{smd}");
    }
}
