/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adverse events: overview, worst severity, of special interest, by organ class and term, and their
 * differences. (T11, T12)
 */
#include "reports/layout_safety.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

#define COUNTS "{subjects} ({pct} %), {events}"
#define DIFFERENCE "{%rd} [{%mn_lo}, {%mn_hi}]; {!fisher_p}"
#define TERM_BAR " | " /* between class and term in the rows of results "AE" */

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

void layout_add_event_facts(struct table *table)
{
    table_add_fact(table, "Population", "treated subjects (N, safety set); a subject counts once in a row");
    table_add_fact(table, "Events",
                   "treatment-emergent: onset on the day of the first treatment of either knee or later (at "
                   "the harvest site: of the first harvest, where its date is given), or worsened after it; "
                   "an onset that may lie there counts");
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
    layout_add_event_facts(table);
    table_add_fact(table, "Cells", "subjects (%% of N), events");
    table_add_fact(table, "Related",
                   "relation to the product or to the procedure possible, probable or definite, or relation "
                   "to the product not given");
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
        layout_add_cohort_row(
            layout, table, &(struct result_key){.table = "AE max severity", .row = severity_rows[i].row},
            "Subjects by their worst severity", &(struct line){"{subjects}", severity_rows[i].label, 0});
}

const char *layout_interest_label(const struct layout *layout, const char *code)
{
    const struct item *item = layout_find_item(layout, "adverse_event", "special_interest");
    const struct choice *choice = item != NULL ? item_find_choice(item, code) : NULL;
    return layout_capital(layout, choice != NULL ? choice->label : code);
}

static void add_special_interest(struct layout *layout)
{
    static const char results[] = "AE special interest";
    struct table *table =
        layout_add_table(layout, "t11-special-interest", "Adverse events of special interest");
    layout_add_event_facts(table);
    table_add_fact(
        table, "Cells",
        "subjects (%% of N), events; with no event the upper limit says how often it may still occur");
    table->label_title = "Kind";
    layout_add_cohort_columns(layout, table);
    size_t count;
    const char **rows = layout_list_rows(layout, results, &count);
    for (size_t i = 0; i < count; i++) {
        struct result_key key = {.table = results, .row = rows[i]};
        add_counts_and_limits(layout, table, &key, "", layout_interest_label(layout, rows[i]));
        layout_add_cohort_row(
            layout, table, &key, "",
            &(struct line){"{eair100} [{eair_lo}, {eair_hi}]", "Subjects per 100 person-years", 1});
    }
}

/* -- terms ----------------------------------------------------------------------------------------------- */

static const char *term_of(const char *name)
{
    const char *bar = strstr(name, TERM_BAR);
    return bar != NULL ? bar + strlen(TERM_BAR) : NULL;
}

static void append_row(struct term_rows *rows, const char *name)
{
    const char *term = term_of(name);
    rows->at[rows->count++] = (struct term_row){name,
                                                strcmp(name, "ANY") == 0 ? "Any adverse event"
                                                : term != NULL           ? term
                                                                         : name,
                                                term != NULL};
}

struct term_rows layout_list_terms(const struct layout *layout, const char *results)
{
    size_t count;
    const char **names = layout_list_rows(layout, results, &count);
    struct term_rows rows = {memory_new_array(layout->document, struct term_row, count), 0};
    size_t classes = 0;
    while (classes < count && term_of(names[classes]) == NULL)
        classes++;
    /* Classes and terms are both in byte order, but "A" stands before "A B" and "A | x" behind "A B | x". */
    for (size_t i = 0; i < classes; i++) {
        size_t length = strlen(names[i]);
        append_row(&rows, names[i]);
        for (size_t j = classes; j < count; j++)
            if (strncmp(names[j], names[i], length) == 0
                && strncmp(names[j] + length, TERM_BAR, strlen(TERM_BAR)) == 0)
                append_row(&rows, names[j]);
    }
    return rows;
}

void layout_add_terms(const struct layout *layout, struct table *table, const struct term_rows *rows,
                      const struct term_cells *cells)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (cells->classes_only && rows->at[i].term)
            continue;
        struct table_row *row = table_add_row(table, "", rows->at[i].label, rows->at[i].term ? 1 : 0);
        row->strong = !rows->at[i].term && !cells->classes_only;
        for (size_t c = 0; c < table->column_count; c++) {
            struct result_key key = {
                .table = cells->results, .row = rows->at[i].name, .col = table->columns[c].title};
            bool none =
                cells->none != NULL && layout_value(layout, key.table, key.row, key.col, "subjects") < 0.5;
            layout_set_results(layout, table, row, c, &key, none ? cells->none : cells->pattern);
        }
    }
}

static void add_counts(struct layout *layout, const struct term_rows *rows)
{
    struct table *table = layout_add_table(layout, "t12-adverse-events-by-term",
                                           "Adverse events by system organ class and term");
    layout_add_event_facts(table);
    table_add_fact(
        table, "Cells",
        "subjects (%% of N), events; 0 (< u): no subject, and u is the upper %s limit (Clopper-Pearson)",
        layout_level(layout));
    table->label_title = "System organ class, term";
    layout_add_cohort_columns(layout, table);
    layout_add_terms(layout, table, rows,
                     &(struct term_cells){.results = "AE", .pattern = COUNTS, .none = "0 (< {%cp_hi} %), 0"});
}

/* -- differences ----------------------------------------------------------------------------------------- */

static struct table *add_difference_table(struct layout *layout, const char *id, const char *title)
{
    struct table *table = layout_add_table(layout, id, title);
    layout_add_event_facts(table);
    table_add_fact(
        table, "Cells",
        "difference of the percentages of subjects [%s CI, Miettinen-Nurminen]; p, Fisher's exact test",
        layout_level(layout));
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Reading",
                   "p values are not adjusted for their number: a small one is a question, not an answer");
    layout_add_contrast_columns(layout, table);
    return table;
}

static void add_overview_differences(struct layout *layout)
{
    struct table *table =
        add_difference_table(layout, "t11-differences", "Adverse events: differences between cohorts");
    table->group_title = "Part";
    table->label_title = "Adverse event";
    for (size_t i = 0; i < sizeof overview_rows / sizeof *overview_rows; i++)
        layout_add_contrast_row(
            layout, table, &(struct result_key){.table = "AE overview", .row = overview_rows[i].row},
            "Subjects with at least one event", &(struct line){DIFFERENCE, overview_rows[i].label, 0});
    size_t count;
    const char **rows = layout_list_rows(layout, "AE special interest", &count);
    for (size_t i = 0; i < count; i++)
        layout_add_contrast_row(
            layout, table, &(struct result_key){.table = "AE special interest", .row = rows[i]},
            "Of special interest", &(struct line){DIFFERENCE, layout_interest_label(layout, rows[i]), 0});
}

static void add_term_differences(struct layout *layout, const struct term_rows *rows)
{
    struct table *table =
        add_difference_table(layout, "t12-differences",
                             "Adverse events by system organ class and term: differences between cohorts");
    table->label_title = "System organ class, term";
    layout_add_terms(layout, table, rows, &(struct term_cells){.results = "AE", .pattern = DIFFERENCE});
}

/* -- figure ---------------------------------------------------------------------------------------------- */

enum { MOST_FOREST_ROWS = 120 }; /* more than a few pages of them nobody reads */

static double percent(double proportion)
{
    return 100 * proportion;
}

static struct figure_forest_row forest_row(const struct layout *layout, const struct figure *figure,
                                           const struct term_row *row, const char *contrast)
{
    double difference = layout_value(layout, "AE", row->name, contrast, "rd");
    double lo = layout_value(layout, "AE", row->name, contrast, "mn_lo");
    double hi = layout_value(layout, "AE", row->name, contrast, "mn_hi");
    char number[3][FORMAT_SIZE];
    return (struct figure_forest_row){
        .group = contrast,
        .label = row->label,
        .text = isnan(difference)
                    ? "NE"
                    : memory_format(figure, "%s [%s, %s]", format_percent_of(number[0], difference),
                                    format_percent_of(number[1], lo), format_percent_of(number[2], hi)),
        .estimate = percent(difference),
        .lo = percent(lo),
        .hi = percent(hi),
    };
}

/* The figure's numbers are those of the table of differences, its rows that are no terms. */
static void add_forest_data(const struct layout *layout, struct figure *figure, const struct term_rows *rows)
{
    layout_add_event_facts(figure->data);
    figure->data->label_title = "System organ class";
    layout_add_contrast_columns(layout, figure->data);
    layout_add_terms(layout, figure->data, rows,
                     &(struct term_cells){.results = "AE", .pattern = DIFFERENCE, .classes_only = true});
}

static void add_forest(struct layout *layout, const struct term_rows *rows)
{
    size_t contrasts = layout->dataset->catalogue->protocol->plan.contrast_count, classes = 0;
    for (size_t i = 0; i < rows->count; i++)
        classes += rows->at[i].term ? 0 : 1;
    if (classes < 2 || classes * contrasts > MOST_FOREST_ROWS)
        return;
    struct figure *figure =
        layout_add_figure(layout, "f5-adverse-events", "Adverse events: differences by system organ class");
    struct figure_forest_row *lines = memory_new_array(figure, struct figure_forest_row, classes * contrasts);
    struct figure_forest *forest = &figure->as.forest;
    for (size_t c = 0; c < contrasts; c++)
        for (size_t i = 0; i < rows->count; i++)
            if (!rows->at[i].term)
                lines[forest->row_count++] =
                    forest_row(layout, figure, &rows->at[i], layout_contrast_name(layout, c));
    const char *level = layout_level(layout);
    figure->kind = FIGURE_FOREST;
    figure->description = memory_format(
        figure,
        "Forest plot of the differences of the percentages of subjects with an event, with %s limits, "
        "%zu rows.",
        level, forest->row_count);
    forest->label_title = "System organ class";
    forest->text_title = memory_format(figure, "Difference [%s CI]", level);
    forest->x_title = "difference, points of %";
    forest->left = "fewer in the first";
    forest->right = "more in the first";
    forest->margin_from = forest->margin_to = (double)NAN;
    forest->rows = lines;
    add_forest_data(layout, figure, rows);
}

void layout_safety(struct layout *layout)
{
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "safety",
                         "Exposure and adverse events");
    if (layout->dataset->pooled)
        layout_add_paragraph(layout, "Events at a harvest site are left out of every table and listing.");
    layout_explain_no_contrasts(layout);
    struct term_rows rows = layout_list_terms(layout, "AE");
    bool contrasts = layout_has_contrasts(layout);
    layout_exposure(layout);
    add_overview(layout);
    add_special_interest(layout);
    if (contrasts)
        add_overview_differences(layout);
    add_counts(layout, &rows);
    if (contrasts) {
        add_term_differences(layout, &rows);
        add_forest(layout, &rows);
    }
    layout_safety_parts(layout, &rows);
    layout_safety_rates(layout, &rows);
}
