/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of the subjects through the study as a diagram.  (F1; CONSORT 2010, item 13) */
#include "reports/layout_populations.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

#define ALL_SUBJECTS "(all)"
static const char results[] = "flow";
static const char reason_prefix[] = "reason ", left_prefix[] = "left ";

static const char *number_text(const struct layout *layout, double value)
{
    char number[FORMAT_SIZE];
    return memory_copy_string(layout->document, format_number(number, value, 0));
}

static double set_count(const struct layout *layout, const char *set, const char *col)
{
    return layout_value(layout, "analysis sets", set, col, "n");
}

/* -- boxes ----------------------------------------------------------------------------------------------- */

/* Lines of a box while they are collected. */
struct lines {
    const char **at;
    size_t count, room;
    bool parts;                  /* what follows are parts of the line before */
};

static void add_line(const struct layout *layout, struct lines *lines, const char *label, double n)
{
    if (isnan(n))
        return;
    if (lines->count == lines->room) {
        lines->room = lines->room == 0 ? 8 : 2 * lines->room;
        lines->at = memory_resize_array(layout->document, lines->at, const char *, lines->room);
    }
    lines->at[lines->count++] = memory_format(layout->document, "%s%s: %s", lines->parts ? "\xe2\x80\x93 " : "",
                                               label, number_text(layout, n));
}

static const char *choice_label(const struct layout *layout, const char *form, const char *item,
                                const char *code)
{
    if (strcmp(code, "no_reason") == 0)
        return "no reason given";
    const struct item *found = layout_find_item(layout, form, item);
    const struct choice *choice = found != NULL ? item_find_choice(found, code) : NULL;
    return choice != NULL ? choice->label : code;
}

/* The rows of the diagram stand together. */
struct span {
    size_t from, to;
};

static struct span find_span(const struct layout *layout)
{
    size_t count = results_count(layout->results);
    struct span span = {0, 0};
    while (span.from < count && strcmp(results_at(layout->results, span.from)->table, results) != 0)
        span.from++;
    span.to = span.from;
    while (span.to < count && strcmp(results_at(layout->results, span.to)->table, results) == 0)
        span.to++;
    return span;
}

/* The stats of a row that begin with `prefix`, those above 0, with the label of the code that follows it. */
static void add_reasons(const struct layout *layout, struct lines *lines, const char *row, const char *col,
                        const char *prefix)
{
    bool screening = strcmp(row, "not_eligible") == 0;
    struct span span = find_span(layout);
    for (size_t i = span.from; i < span.to; i++) {
        const struct result *result = results_at(layout->results, i);
        if (strcmp(result->row, row) != 0 || strcmp(result->col, col) != 0 ||
            strncmp(result->stat, prefix, strlen(prefix)) != 0 || !(result->value > 0))
            continue;
        const char *code = result->stat + strlen(prefix);
        add_line(layout, lines,
                 screening ? choice_label(layout, "screening", "not_eligible_reason", code)
                           : choice_label(layout, "end_of_study", "reason", code),
                 result->value);
    }
}

static struct figure_flow_box new_box(const struct layout *layout, const char *title, double n,
                                      struct lines lines)
{
    return (struct figure_flow_box){
        memory_format(layout->document, "%s (n = %s)", title, number_text(layout, isnan(n) ? 0 : n)),
        lines.at, lines.count};
}

static struct figure_flow_box leaving_box(const struct layout *layout, const char *title, const char *row,
                                          const char *col)
{
    double n = layout_value(layout, results, row, col, "n");
    struct lines lines = {0};
    if (!(n > 0))
        return (struct figure_flow_box){NULL, NULL, 0};
    add_reasons(layout, &lines, row, col, reason_prefix);
    return new_box(layout, title, n, lines);
}

/* -- before the cohorts part ----------------------------------------------------------------------------- */

static void add_stages(const struct layout *layout, struct figure *figure)
{
    struct figure_flow *flow = &figure->as.flow;
    struct figure_flow_stage *stages = memory_new_array(figure, struct figure_flow_stage, 2);
    double screened = layout_value(layout, results, "screened", ALL_SUBJECTS, "n");
    double enrolled = set_count(layout, "enrolled", ALL_SUBJECTS);
    double allocated = set_count(layout, "allocated", ALL_SUBJECTS);
    struct lines none = {0}, beside = {0};
    struct figure_flow_box nobody = {NULL, NULL, 0};
    if (screened > 0) {
        stages[flow->stage_count++] = (struct figure_flow_stage){
            new_box(layout, "Screened", screened, none),
            leaving_box(layout, "Found not eligible", "not_eligible", ALL_SUBJECTS)};
        if (enrolled > screened)
            add_line(layout, &beside, "without a screening form", enrolled - screened);
    }
    stages[flow->stage_count++] = (struct figure_flow_stage){
        new_box(layout, "Enrolled", enrolled, beside),
        allocated < enrolled ? new_box(layout, "Not allocated to a cohort", enrolled - allocated, none)
                             : nobody};
    flow->stages = stages;
}

/* -- columns --------------------------------------------------------------------------------------------- */

static struct figure_flow_box treated_box(const struct layout *layout, const char *col)
{
    double waiting = layout_value(layout, results, "not_treated", col, "n");
    struct lines lines = {0};
    if (waiting > 0) {
        add_line(layout, &lines, "not treated", waiting);
        lines.parts = true;
        add_reasons(layout, &lines, "not_treated", col, reason_prefix);
    }
    return new_box(layout, "Treated", set_count(layout, "treated", col), lines);
}

static struct figure_flow_box visit_box(const struct layout *layout, const struct visit *visit,
                                        const char *col)
{
    const char *row = memory_format(layout->document, "visit %s", visit->id);
    struct lines lines = {0};
    static const struct {
        const char *stat, *label;
    } others[] = {{"missed", "visit missed"}, {"not_due", "not due yet"}, {"left", "left the study by then"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        double n = layout_value(layout, results, row, col, others[i].stat);
        if (n > 0)
            add_line(layout, &lines, others[i].label, n);
    }
    lines.parts = true;
    add_reasons(layout, &lines, row, col, left_prefix);
    return new_box(layout,
                   memory_format(layout->document, "%s: with data", layout_visit_title(layout, visit)),
                   layout_value(layout, results, row, col, "with_data"), lines);
}

static void add_columns(const struct layout *layout, struct figure *figure)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct figure_flow *flow = &figure->as.flow;
    struct figure_flow_column *columns =
        memory_new_array(figure, struct figure_flow_column, dataset->cohort_count);
    struct lines none = {0};
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        const char *col = dataset->cohorts[c];
        struct figure_flow_box *boxes =
            memory_new_array(figure, struct figure_flow_box, protocol->visit_count + 3);
        size_t count = 0;
        double allocated = set_count(layout, "allocated", col);
        boxes[count++] = isnan(allocated)
                             ? new_box(layout, "Enrolled", set_count(layout, "enrolled", col), none)
                             : new_box(layout, "Allocated", allocated, none);
        boxes[count++] = treated_box(layout, col);
        for (size_t v = 0; v < protocol->visit_count; v++)
            if (dataset_is_after_baseline(dataset, (int)v) && protocol->endpoint_count > 0)
                boxes[count++] = visit_box(layout, &protocol->visits[v], col);
        boxes[count++] = new_box(layout, "Analysed: full analysis set", set_count(layout, "fas", col), none);
        columns[c] = (struct figure_flow_column){col, boxes};
        flow->box_count = count;
    }
    flow->columns = columns;
    flow->column_count = dataset->cohort_count;
}

/* -- the numbers ----------------------------------------------------------------------------------------- */

static void add_set_row(const struct layout *layout, struct table *table, const char *label, const char *set)
{
    struct table_row *row = table_add_row(table, "", label, 0);
    for (size_t c = 0; c < table->column_count; c++)
        layout_set_results(layout, table, row, c,
                           &(struct result_key){"analysis sets", set, table->columns[c].title, 0}, "{n}");
}

static void add_count_row(const struct layout *layout, struct table *table, const char *group,
                          const char *label, const struct result_key *key, const char *stat)
{
    struct table_row *row = table_add_row(table, group, label, 0);
    for (size_t c = 0; c < table->column_count; c++)
        layout_set_results(layout, table, row, c,
                           &(struct result_key){key->table, key->row, table->columns[c].title, 0},
                           memory_format(table, "{%s}", stat));
}

/* A row for each reason that somebody has: the results hold no others. */
static void add_reason_rows(const struct layout *layout, struct table *table, const char *group,
                            const struct result_key *key, const char *prefix)
{
    bool screening = strcmp(key->row, "not_eligible") == 0;
    struct span span = find_span(layout);
    for (size_t i = span.from; i < span.to; i++) {
        const struct result *result = results_at(layout->results, i);
        if (strcmp(result->row, key->row) != 0 || strcmp(result->col, ALL_SUBJECTS) != 0 ||
            strncmp(result->stat, prefix, strlen(prefix)) != 0)
            continue;
        const char *code = result->stat + strlen(prefix);
        const char *label = screening ? choice_label(layout, "screening", "not_eligible_reason", code)
                                      : choice_label(layout, "end_of_study", "reason", code);
        add_count_row(layout, table, group, layout_capital(layout, label), key, result->stat);
        table->rows[table->row_count - 1].indent = 1;
    }
}

static void add_data(const struct layout *layout, struct figure *figure)
{
    static const struct {
        const char *stat, *label;
    } places[] = {{"with_data", "With data"},
                  {"missed", "Visit missed"},
                  {"not_due", "Not due yet"},
                  {"left", "Left the study by then"}};
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct table *table = figure->data;
    table->group_title = "Stage";
    table->label_title = "Subjects";
    for (size_t c = 0; c < dataset->cohort_count; c++)
        table_add_column(table, dataset->cohorts[c], "", CELL_NUMBER);
    table_add_column(table, ALL_SUBJECTS, "", CELL_NUMBER);
    if (layout_value(layout, results, "screened", ALL_SUBJECTS, "n") > 0) {
        struct result_key refused = {results, "not_eligible", NULL, 0};
        add_count_row(layout, table, "", "Screened", &(struct result_key){results, "screened", NULL, 0}, "n");
        add_count_row(layout, table, "", "Found not eligible", &refused, "n");
        add_reason_rows(layout, table, "Found not eligible", &refused, reason_prefix);
    }
    add_set_row(layout, table, "Enrolled", "enrolled");
    if (!dataset->pooled)
        add_set_row(layout, table, "Allocated", "allocated");
    add_set_row(layout, table, "Treated", "treated");
    struct result_key untreated = {results, "not_treated", NULL, 0};
    add_count_row(layout, table, "", "Not treated", &untreated, "n");
    add_reason_rows(layout, table, "Not treated", &untreated, reason_prefix);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        struct result_key key = {results, memory_format(table, "visit %s", visit->id), NULL, 0};
        const char *group = layout_visit_title(layout, visit);
        if (!dataset_is_after_baseline(dataset, (int)v) || protocol->endpoint_count == 0)
            continue;
        for (size_t p = 0; p < sizeof places / sizeof *places; p++)
            add_count_row(layout, table, group, places[p].label, &key, places[p].stat);
        add_reason_rows(layout, table, group, &key, left_prefix);
    }
    add_set_row(layout, table, "Analysed: full analysis set", "fas");
    table_add_fact(table, "Population", "enrolled subjects; index knee");
    table_add_fact(table, "At a visit",
                   "treated subjects; with data: the primary endpoint has a value; left: died, or ended "
                   "follow-up by the "
                   "end of the due window, with the reason; not due: the due window is open at the cut");
}

void layout_flow(struct layout *layout)
{
    struct figure *figure =
        layout_add_figure(layout, "f1-flow", "Flow of subjects through the study (CONSORT)");
    figure->kind = FIGURE_FLOW;
    add_stages(layout, figure);
    add_columns(layout, figure);
    add_data(layout, figure);
    figure->description = memory_format(figure,
                                        "Flow diagram: %s subjects enrolled, %s treated, %s in the full "
                                        "analysis set; all numbers stand in the "
                                        "table below.",
                                        number_text(layout, set_count(layout, "enrolled", ALL_SUBJECTS)),
                                        number_text(layout, set_count(layout, "treated", ALL_SUBJECTS)),
                                        number_text(layout, set_count(layout, "fas", ALL_SUBJECTS)));
}
