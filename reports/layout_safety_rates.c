/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adverse events per time of follow-up, and how rates of cohorts compare.  (T14) */
#include "reports/layout_safety.h"

#include "forms/base/memory.h"
#include "reports/layout_contrast.h"

static void add_incidence(struct layout *layout, const struct term_rows *rows)
{
    struct table *table =
        layout_add_table(layout, "t14-incidence-rates", "Adverse events: exposure-adjusted incidence");
    layout_add_event_facts(table);
    table_add_fact(table, "Cells",
                   "subjects with the event per 100 person-years until it, or until the end of follow-up [%s "
                   "CI, exact Poisson]",
                   layout_level(layout));
    table->label_title = "System organ class, term";
    layout_add_cohort_columns(layout, table);
    layout_add_terms(layout, table, rows,
                     &(struct term_cells){.results = "AE", .pattern = "{eair100} [{eair_lo}, {eair_hi}]"});
}

static void add_event_rates(struct layout *layout, const struct term_rows *rows)
{
    struct table *table = layout_add_table(layout, "t14-event-rates", "Adverse events: events per follow-up");
    layout_add_event_facts(table);
    table_add_fact(table, "Cells",
                   "events; events per 100 person-years of all follow-up [%s CI, exact Poisson]",
                   layout_level(layout));
    table_add_fact(table, "Reading", "the limits take events of one subject for independent of each other");
    table->label_title = "System organ class, term";
    layout_add_cohort_columns(layout, table);
    layout_add_terms(
        layout, table, rows,
        &(struct term_cells){.results = "AE", .pattern = "{events}; {rate100} [{rate_lo}, {rate_hi}]"});
}

static void add_comparison(const struct layout *layout, struct table *table, const struct result_key *key,
                           const char *group)
{
    static const struct line lines[] = {
        {"{irr} [{irr_lo}, {irr_hi}]; {!irr_p}", "Incidence: ratio [CI]; p", 0},
        {"{ird} [{ird_lo}, {ird_hi}]", "Incidence: difference [CI]", 0},
        {"{err} [{err_lo}, {err_hi}]", "Events: ratio [CI]", 0},
        {"{erd} [{erd_lo}, {erd_hi}]", "Events: difference [CI]", 0},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        layout_add_contrast_row(layout, table, key, group, &lines[i]);
}

static void add_comparisons(struct layout *layout, const struct term_rows *rows)
{
    struct table *table = layout_add_table(layout, "t14-comparisons", "Adverse events: rates compared");
    layout_add_event_facts(table);
    table_add_fact(table, "Methods",
                   "rates per 100 person-years; ratios with exact conditional limits and p, differences with "
                   "Miettinen-Nurminen's limits, both at %s; terms are not compared",
                   layout_level(layout));
    layout_add_association_fact(layout, table);
    table->group_title = "Adverse event";
    table->label_title = "Rate";
    layout_add_contrast_columns(layout, table);
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->at[i].term)
            add_comparison(layout, table, &(struct result_key){.table = "AE", .row = rows->at[i].name},
                           rows->at[i].label);
    size_t count;
    const char **codes = layout_list_rows(layout, "AE special interest", &count);
    for (size_t i = 0; i < count; i++)
        add_comparison(
            layout, table, &(struct result_key){.table = "AE special interest", .row = codes[i]},
            memory_format(table, "Of special interest: %s", layout_interest_label(layout, codes[i])));
}

void layout_safety_rates(struct layout *layout, const struct term_rows *rows)
{
    add_incidence(layout, rows);
    add_event_rates(layout, rows);
    if (layout_has_contrasts(layout))
        add_comparisons(layout, rows);
}
