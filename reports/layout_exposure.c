/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What treated subjects were given, and how long they were followed.  (T4) */
#include "forms/base/memory.h"
#include "reports/layout.h"

static const char results[] = "exposure";

static void add_distribution(const struct layout *layout, struct table *table, const char *row,
                             const char *group, int collected)
{
    static const struct line lines[] = {
        {"{n}", "n", 0},
        {"{mean} ({sd})", "Mean (SD)", 0},
        {"{median} [{q1}, {q3}]", "Median [Q1, Q3]", 0},
        {"{min}, {max}", "Min, max", 0},
    };
    struct result_key key = {.table = results, .row = row, .collected = collected};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        layout_add_cohort_row(layout, table, &key, group, &lines[i]);
}

static void add_injections(const struct layout *layout, struct table *table)
{
    static const char group[] = "Injections, both knees together";
    static const struct {
        const char *row, *label;
    } rows[] = {{"1", "1 injection"},
                {"2", "2 injections"},
                {"3", "3 injections"},
                {"4", "4 injections"},
                {"5+", "5 injections or more"}};
    layout_add_cohort_row(layout, table, &(struct result_key){.table = results, .row = "injections"}, group,
                          &(struct line){"{total}", "All", 0});
    add_distribution(layout, table, "injections", group, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        layout_add_cohort_row(layout, table, &(struct result_key){.table = results, .row = rows[i].row},
                              group, &(struct line){"{subjects} ({pct} %)", rows[i].label, 1});
}

void layout_exposure(struct layout *layout)
{
    enum { DOSE_DECIMALS = 1, YEARS_DECIMALS = 1 };
    struct table *table = layout_add_table(layout, "t4-exposure", "Exposure and follow-up");
    table_add_fact(table, "Population", "treated subjects (N)");
    table_add_fact(table, "Follow-up",
                   "from the first treatment of either knee to the last contact, or to the last record of "
                   "who is still in the study; at least a day; a year is 365.25 days");
    table->group_title = "Part";
    table->label_title = "Statistic";
    layout_add_cohort_columns(layout, table);
    add_injections(layout, table);
    if (layout_find_item(layout, "treatment", "dose_million_cells") != NULL)
        add_distribution(layout, table, "dose", "Cells in all injections, millions; n: dose given",
                         DOSE_DECIMALS);
    layout_add_cohort_row(layout, table, &(struct result_key){.table = results, .row = "follow_up"},
                          "Follow-up, years", &(struct line){"{py}", "Person-years", 0});
    add_distribution(layout, table, "follow_up", "Follow-up, years", YEARS_DECIMALS);
}
