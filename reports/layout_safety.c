/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adverse events: overview, worst severity, of special interest, by organ class and term.  (STATISTICS 1a:
 * T11, T12)
 */
#include "reports/layout.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

#define COUNTS "{subjects} ({pct} %), {events}"
#define TERM_BAR " | "           /* between class and term in the rows of results "AE" */

static const struct {
    const char *row, *label;
} overview_rows[] = {
    {"any", "Any adverse event"},
    {"related", "Related to product or procedure"},
    {"related_missing", "Related only because the relation is not given"},
    {"serious", "Serious"},
    {"serious_missing", "Serious only because the question is not answered"},
    {"serious_related", "Serious and related"},
    {"severe", "Severe"},
    {"withdrawal", "Led to withdrawal"},
    {"death", "Fatal"},
    {"special_interest", "Of special interest"},
    {"onset_imputed", "Counted although the onset is not fully known"},
};

static const struct {
    const char *row, *label;
} severity_rows[] = {
    {"MILD", "Mild"},
    {"MODERATE", "Moderate"},
    {"SEVERE", "Severe"},
    {"MISSING", "Severity not given"},
};

static void add_population(struct table *table)
{
    table_add_fact(table, "Population", "treated subjects (N, safety set); a subject counts once in a row");
    table_add_fact(
        table, "Events",
        "treatment-emergent: onset on the day of the first treatment of either knee or later (at the "
        "harvest site: of the first harvest, where its date is given), or worsened after it; an onset "
        "that may lie there counts");
}

/*
 * Subjects and events, and below them the interval, which for no subject at all gives what can be ruled out.
 */
static void add_counts_and_limits(struct layout *layout, struct table *table, const struct result_key *key,
                                  const char *group, const char *label)
{
    const struct line lines[] = {
        {COUNTS, label, 0},
        {"[{%cp_lo}, {%cp_hi}]", memory_format(table, "%s CI, Clopper-Pearson", layout_level(layout)), 1},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        layout_add_cohort_row(layout, table, key, group, &lines[i]);
}

static void add_overview(struct layout *layout)
{
    struct table *table = layout_add_table(layout, "t11-adverse-events", "Adverse events: overview");
    add_population(table);
    table_add_fact(table, "Cells", "subjects (%% of N), events");
    table_add_fact(table, "Related",
                   "relation to the product or to the procedure possible, probable or definite, or "
                   "relation to the product not given");
    table_add_fact(table, "Serious", "answered so, fatal, or not answered");
    table_add_fact(table, "Fatal", "resulted in death, outcome fatal, or CTCAE grade 5");
    table->group_title = "Part";
    table->label_title = "Adverse event";
    layout_add_cohort_columns(layout, table);
    for (size_t i = 0; i < sizeof overview_rows / sizeof *overview_rows; i++)
        add_counts_and_limits(layout, table,
                              &(struct result_key){.table = "AE overview", .row = overview_rows[i].row},
                              "Subjects with at least one event", overview_rows[i].label);
    for (size_t i = 0; i < sizeof severity_rows / sizeof *severity_rows; i++)
        layout_add_cohort_row(layout, table,
                              &(struct result_key){.table = "AE max severity", .row = severity_rows[i].row},
                              "Subjects by their worst severity",
                              &(struct line){"{subjects}", severity_rows[i].label, 0});
}

static void add_special_interest(struct layout *layout)
{
    static const char results[] = "AE special interest";
    struct table *table =
        layout_add_table(layout, "t11-special-interest", "Adverse events of special interest");
    add_population(table);
    table_add_fact(table, "Cells",
                   "subjects (%% of N), events; with no event the upper limit says how often it may "
                   "still occur");
    table->label_title = "Kind";
    layout_add_cohort_columns(layout, table);
    const struct item *item = layout_find_item(layout, "adverse_event", "special_interest");
    size_t count;
    const char **rows = layout_list_rows(layout, results, &count);
    for (size_t i = 0; i < count; i++) {
        const struct choice *choice = item != NULL ? item_find_choice(item, rows[i]) : NULL;
        add_counts_and_limits(layout, table, &(struct result_key){.table = results, .row = rows[i]}, "",
                              layout_capital(layout, choice != NULL ? choice->label : rows[i]));
    }
}

static const char *term_of(const char *name)
{
    const char *bar = strstr(name, TERM_BAR);
    return bar != NULL ? bar + strlen(TERM_BAR) : NULL;
}

static void add_term(struct layout *layout, struct table *table, const char *name)
{
    const struct dataset *dataset = layout->dataset;
    const char *term = term_of(name);
    const char *label = strcmp(name, "ANY") == 0 ? "Any adverse event" : term != NULL ? term : name;
    struct table_row *row = table_add_row(table, "", label, term != NULL ? 1 : 0);
    row->strong = term == NULL;
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        struct result_key key = {.table = "AE", .row = name, .col = dataset->cohorts[c]};
        bool none = layout_value(layout, key.table, key.row, key.col, "subjects") < 0.5;
        layout_set_results(layout, table, row, c, &key, none ? "0 (< {%cp_hi} %), 0" : COUNTS);
    }
}

/* Results have all classes before all terms; here each class is followed by its terms. */
static void add_class(struct layout *layout, struct table *table, const char *name, const char *const *rows,
                      size_t count)
{
    size_t length = strlen(name);
    add_term(layout, table, name);
    for (size_t i = 0; i < count; i++)
        if (strncmp(rows[i], name, length) == 0 && strstr(rows[i], TERM_BAR) == rows[i] + length)
            add_term(layout, table, rows[i]);
}

static void add_terms(struct layout *layout)
{
    struct table *table = layout_add_table(layout, "t12-adverse-events-by-term",
                                           "Adverse events by system organ class and term");
    add_population(table);
    table_add_fact(table, "Cells",
                   "subjects (%% of N), events; 0 (< u): no subject, and u is the upper %s limit "
                   "(Clopper-Pearson)",
                   layout_level(layout));
    table->label_title = "System organ class, term";
    layout_add_cohort_columns(layout, table);
    size_t count;
    const char **rows = layout_list_rows(layout, "AE", &count);
    for (size_t i = 0; i < count; i++)
        if (term_of(rows[i]) == NULL)
            add_class(layout, table, rows[i], rows, count);
}

void layout_safety(struct layout *layout)
{
    layout_begin_chapter(layout, 7, "safety", "Adverse events");
    if (layout->dataset->pooled)
        layout_add_paragraph(layout, "Events at a harvest site are left out of every table and listing.");
    add_overview(layout);
    add_special_interest(layout);
    add_terms(layout);
}
