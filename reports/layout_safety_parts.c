/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adverse events by worst severity, relation, seriousness and time since the last injection.  (T13) */
#include "reports/layout_safety.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

#define COUNTS "{subjects} ({pct} %), {events}"

static struct table *add_table(struct layout *layout, const char *id, const char *title, const char *cells)
{
    struct table *table = layout_add_table(layout, id, title);
    layout_add_event_facts(table);
    table_add_fact(table, "Cells", "%s", cells);
    table->label_title = "System organ class, term";
    return table;
}

static void add_severity(struct layout *layout, const struct term_rows *rows)
{
    struct table *table = add_table(
        layout, "t13-severity", "Adverse events by worst severity",
        "subjects, each once by its worst event of the row: mild / moderate / severe / severity not given");
    layout_add_cohort_columns(layout, table);
    layout_add_terms(layout, table, rows,
                     &(struct term_cells){.results = "AE severity",
                                          .pattern = "{mild} / {moderate} / {severe} / {missing}"});
}

static void add_relation(struct layout *layout, const struct term_rows *rows)
{
    struct table *table =
        add_table(layout, "t13-relation", "Adverse events by relation to product or procedure",
                  "subjects, each once by its most related event of the row: related (possible, probable, "
                  "definite) / relation not given / not related (unlikely, none)");
    layout_add_cohort_columns(layout, table);
    layout_add_terms(
        layout, table, rows,
        &(struct term_cells){.results = "AE relation", .pattern = "{related} / {not_given} / {not_related}"});
}

static void add_serious(struct layout *layout)
{
    struct term_rows rows = layout_list_terms(layout, "AE serious");
    struct table *table =
        add_table(layout, "t13-serious", "Serious adverse events by system organ class and term",
                  "subjects (% of N), events; without rows of no serious event at all");
    layout_add_cohort_columns(layout, table);
    layout_add_terms(layout, table, &rows, &(struct term_cells){.results = "AE serious", .pattern = COUNTS});
    if (!layout_has_contrasts(layout))
        return;
    table = add_table(
        layout, "t13-serious-differences", "Serious adverse events: differences between cohorts",
        memory_format(
            layout->document,
            "difference of the percentages of subjects [%s CI, Miettinen-Nurminen]; p, Fisher's exact test",
            layout_level(layout)));
    layout_add_association_fact(layout, table);
    layout_add_contrast_columns(layout, table);
    layout_add_terms(
        layout, table, &rows,
        &(struct term_cells){.results = "AE serious", .pattern = "{%rd} [{%mn_lo}, {%mn_hi}]; {!fisher_p}"});
}

/* -- periods --------------------------------------------------------------------------------------------- */

static bool has_events(const struct layout *layout, const char *table)
{
    for (size_t c = 0; c < layout->dataset->cohort_count; c++)
        if (layout_value(layout, table, "ANY", layout->dataset->cohorts[c], "events") > 0)
            return true;
    return false;
}

/* "0-7", "> 30", "other" (when there is any): what follows `prefix` in the results, in their order. */
static const char **list_periods(const struct layout *layout, const char *prefix, size_t *count)
{
    const struct analysis_plan *plan = &layout->dataset->catalogue->protocol->plan;
    const char **periods = memory_new_array(layout->document, const char *, plan->safety_period_count + 2);
    size_t length = strlen(prefix);
    *count = 0;
    for (size_t i = 0; i < results_count(layout->results) && *count < plan->safety_period_count + 2; i++) {
        const char *table = results_at(layout->results, i)->table;
        bool next = strncmp(table, prefix, length) == 0
                 && (*count == 0 || strcmp(periods[*count - 1], table + length) != 0);
        if (next && (strcmp(table + length, "other") != 0 || has_events(layout, table)))
            periods[(*count)++] = table + length;
    }
    return periods;
}

static const char *period_label(struct table *table, const char *period)
{
    if (strcmp(period, "other") == 0)
        return "Before the first injection, or onset not given";
    return memory_format(table, "Day %s after the last injection", period);
}

struct period_table {
    struct table *table;
    const char *const *periods;
    size_t count;
};

/* A line for each period of one row of the results, whose tables begin with `prefix`. */
static void add_period_lines(const struct layout *layout, const struct period_table *out, const char *prefix,
                             const char *row, const char *group)
{
    for (size_t i = 0; i < out->count; i++)
        layout_add_cohort_row(
            layout, out->table,
            &(struct result_key){.table = memory_format(out->table, "%s%s", prefix, out->periods[i]),
                                 .row = row},
            group, &(struct line){COUNTS, period_label(out->table, out->periods[i]), 0});
}

static void add_periods(struct layout *layout, const struct term_rows *rows)
{
    struct period_table out = {.table = NULL};
    out.periods = list_periods(layout, "AE period ", &out.count);
    if (out.count == 0)
        return;
    out.table =
        add_table(layout, "t13-periods", "Adverse events by time since the last injection",
                  "subjects (% of N), events; a subject may be in several periods. Terms are in results.csv");
    table_add_fact(out.table, "Time",
                   "days from the last treatment of either knee on or before the onset, 0 on its day; an "
                   "onset that is not fully known counts as early as it can be");
    out.table->label_title = "Onset";
    out.table->group_title = "Adverse event";
    layout_add_cohort_columns(layout, out.table);
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->at[i].term)
            add_period_lines(layout, &out, "AE period ", rows->at[i].name, rows->at[i].label);
    size_t count;
    const char **codes = layout_list_rows(
        layout, memory_format(out.table, "AE special interest period %s", out.periods[0]), &count);
    for (size_t i = 0; i < count; i++)
        add_period_lines(
            layout, &out, "AE special interest period ", codes[i],
            memory_format(out.table, "Of special interest: %s", layout_interest_label(layout, codes[i])));
}

void layout_safety_parts(struct layout *layout, const struct term_rows *rows)
{
    add_severity(layout, rows);
    add_relation(layout, rows);
    add_serious(layout);
    add_periods(layout, rows);
}
