/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values, changes and changes in per cent of the endpoints by visit and cohort, as tables and figures (T6, F2). */
#include "reports/layout_score.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

static void add_important_change(struct table *table, const struct outcome *outcome)
{
    char points[FORMAT_SIZE];
    if (!isnan(outcome->endpoint->mcid))
        table_add_fact(table, "Minimal important change", "%s points%s%s%s",
                       format_exact(points, outcome->endpoint->mcid),
                       outcome->endpoint->source != NULL ? " (" : "",
                       outcome->endpoint->source != NULL ? outcome->endpoint->source : "",
                       outcome->endpoint->source != NULL ? ")" : "");
}

static const char *change_meaning(const struct outcome *outcome)
{
    if (outcome->score == NULL)
        return "value - baseline";
    return outcome->score->direction == SCORE_HIGHER_BETTER ? "value - baseline; a rise is an improvement"
                                                            : "value - baseline; a fall is an improvement";
}

enum measure { MEASURE_VALUE, MEASURE_CHANGE };

static const struct {
    const char *id;              /* of the table, and of its results */
    const char *title;
} measures[] = {
    [MEASURE_VALUE] = {"value", "value by visit"},
    [MEASURE_CHANGE] = {"change", "change from baseline"},
};

static const char *results_of(const struct layout *layout, const struct outcome *outcome, enum measure measure)
{
    return memory_format(layout->document, "%s %s", measures[measure].id, outcome->endpoint->id);
}

/* Changes are those after baseline; a visit without the outcome's form and without a value has nothing to show. */
static bool is_shown(const struct layout *layout, const struct outcome *outcome, size_t visit, bool change)
{
    const struct dataset *dataset = layout->dataset;
    const struct visit *planned = &dataset->catalogue->protocol->visits[visit];
    if (change && !dataset_is_after_baseline(dataset, (int)visit))
        return false;
    for (size_t i = 0; i < planned->form_count; i++)
        if (outcome->form == NULL || strcmp(planned->forms[i], outcome->form->id) == 0)
            return true;
    const char *values = results_of(layout, outcome, MEASURE_VALUE);
    for (size_t c = 0; c < dataset->cohort_count; c++)
        if (layout_value(layout, values, planned->id, dataset->cohorts[c], "n") > 0)
            return true;
    return false;
}

static void add_population(struct table *table, const char *kind)
{
    table_add_fact(table, "Population",
                   "treated subjects (N), index knee; n = subjects with a %s; missing = N - n, also "
                   "where the visit is not due yet",
                   kind);
}

static void add_descriptives(struct layout *layout, const struct outcome *outcome, enum measure measure)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    bool change = measure == MEASURE_CHANGE;
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t6-%s-%s", measures[measure].id, outcome->endpoint->id),
        memory_format(layout->document, "%s: %s", outcome->title, measures[measure].title));
    layout_add_score_facts(table, outcome);
    add_important_change(table, outcome);
    if (change) {
        table_add_fact(table, "Change", "%s", change_meaning(outcome));
        table_add_fact(table, "Per cent", "100 x change / baseline of each subject; missing when the baseline is 0");
    }
    add_population(table, measures[measure].id);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_cohort_columns(layout, table);
    const struct line lines[] = {
        {"{n} ({nmiss})", "n (missing)", 0},
        {"{mean} ({sd})", "Mean (SD)", 0},
        {"{se}", "SE of the mean", 0},
        {"[{lo}, {hi}]", memory_format(table, "%s CI of the mean", layout_level(layout)), 0},
        {"{median} [{q1}, {q3}]", "Median [Q1, Q3]", 0},
        {"{min}, {max}", "Min, max", 0},
    };
    const struct line per_cent[] = {
        {"{n}; {mean} [{lo}, {hi}]", memory_format(table, "Per cent: n; mean [%s CI]", layout_level(layout)), 0},
        {"{median} [{q1}, {q3}]", "median [Q1, Q3]", 1},
    };
    const char *results = results_of(layout, outcome, measure);
    const char *of_baseline = memory_format(table, "pct_change %s", outcome->endpoint->id);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct visit *visit = &protocol->visits[v];
        const char *group = layout_visit_title(layout, visit);
        struct result_key key = {.table = results, .row = visit->id, .collected = outcome->collected};
        struct result_key part = {.table = of_baseline, .row = visit->id};
        if (!is_shown(layout, outcome, v, change))
            continue;
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
            layout_add_cohort_row(layout, table, &key, group, &lines[i]);
        for (size_t i = 0; change && i < sizeof per_cent / sizeof *per_cent; i++)
            layout_add_cohort_row(layout, table, &part, group, &per_cent[i]);
    }
}

/* --- figures ------------------------------------------------------------------------------------------- */

static void add_positions(const struct layout *layout, const struct outcome *outcome, struct figure *figure)
{
    struct figure_lines *lines = &figure->as.lines;
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    double *days = memory_new_array(figure, double, protocol->visit_count);
    const char **titles = memory_new_array(figure, const char *, protocol->visit_count);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!is_shown(layout, outcome, v, lines->change))
            continue;
        days[lines->position_count] = protocol->visits[v].target;
        titles[lines->position_count++] = protocol->visits[v].id;
    }
    lines->days = days;
    lines->position_titles = titles;
}

static void add_series(const struct layout *layout, struct figure *figure, const char *results)
{
    const struct dataset *dataset = layout->dataset;
    struct figure_lines *lines = &figure->as.lines;
    struct figure_series *series = memory_new_array(figure, struct figure_series, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        struct figure_point *points = memory_new_array(figure, struct figure_point, lines->position_count);
        for (size_t i = 0; i < lines->position_count; i++) {
            const char *visit = lines->position_titles[i], *cohort = dataset->cohorts[c];
            points[i] = (struct figure_point){layout_value(layout, results, visit, cohort, "mean"),
                                              layout_value(layout, results, visit, cohort, "lo"),
                                              layout_value(layout, results, visit, cohort, "hi")};
        }
        series[c] = (struct figure_series){dataset->cohorts[c], points};
    }
    lines->series = series;
    lines->series_count = dataset->cohort_count;
}

/* The figure's numbers: cohorts in rows, so that twelve of them fit below it. */
static void add_figure_data(const struct layout *layout, struct figure *figure, const char *results,
                            int collected)
{
    struct table *table = figure->data;
    const struct figure_lines *lines = &figure->as.lines;
    const struct dataset *dataset = layout->dataset;
    add_population(table, lines->change ? "change" : "value");
    table->label_title = memory_format(table, "n; mean [%s CI]", layout_level(layout));
    for (size_t i = 0; i < lines->position_count; i++)
        table_add_column(table, lines->position_titles[i], "", CELL_NUMBER);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        struct table_row *row = table_add_row(table, "", dataset->cohorts[c], 0);
        for (size_t i = 0; i < lines->position_count; i++)
            layout_set_results(
                layout, table, row, i,
                &(struct result_key){results, lines->position_titles[i], dataset->cohorts[c], collected},
                "{n}; {mean} [{lo}, {hi}]");
    }
}

/* What is to be seen, in words: the mean of each cohort at the first and the last visit. */
static const char *describe(const struct figure *figure, const char *level, int collected)
{
    struct text *out = text_new(figure);
    const struct figure_lines *lines = &figure->as.lines;
    text_append_format(
        out,
        "Line chart of the mean with its %s confidence interval at %zu visits, one line for each of "
        "%zu columns.",
        level, lines->position_count, lines->series_count);
    size_t last = lines->position_count - 1;
    for (size_t s = 0; lines->position_count > 0 && s < lines->series_count; s++) {
        const struct figure_point *points = lines->series[s].points;
        char from[FORMAT_SIZE], to[FORMAT_SIZE];
        text_append_format(out, " %s: %s at %s, %s at %s.", lines->series[s].title,
                           format_stat(from, "mean", points[0].mean, collected), lines->position_titles[0],
                           format_stat(to, "mean", points[last].mean, collected),
                           lines->position_titles[last]);
    }
    return out->bytes;
}

static void add_mean_figure(struct layout *layout, const struct outcome *outcome, bool change)
{
    const char *kind = change ? "change" : "value";
    const char *level = layout_level(layout);
    struct figure *figure = layout_add_figure(
        layout, memory_format(layout->document, "f2-%s-%s", kind, outcome->endpoint->id),
        memory_format(layout->document, "%s: mean %s over time", outcome->title, kind));
    const char *results = memory_format(figure, "%s %s", kind, outcome->endpoint->id);
    bool rise = outcome->score != NULL && outcome->score->direction == SCORE_HIGHER_BETTER;
    figure->kind = FIGURE_LINES;
    figure->as.lines.change = change;
    figure->as.lines.y_title =
        memory_format(figure, "%s (%s CI)", change ? "Mean change from baseline" : "Mean", level);
    figure->as.lines.better = rise ? "higher is better \xe2\x86\x91" : "lower is better \xe2\x86\x93";
    add_positions(layout, outcome, figure);
    add_series(layout, figure, results);
    add_figure_data(layout, figure, results, outcome->collected);
    figure->description = describe(figure, level, outcome->collected);
}

void layout_outcomes(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "outcomes", "Outcomes over time");
    layout_add_paragraph(layout,
                         "Values as observed, without imputation. In the figures a line joins the means of "
                         "those seen at each visit, who are not the same subjects at every visit.");
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        struct outcome outcome = layout_find_outcome(layout, &protocol->endpoints[e]);
        add_descriptives(layout, &outcome, MEASURE_VALUE);
        add_mean_figure(layout, &outcome, false);
        add_descriptives(layout, &outcome, MEASURE_CHANGE);
        add_mean_figure(layout, &outcome, true);
    }
}
