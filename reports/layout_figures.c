/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Figures of single values of the deciding endpoint: boxes and profiles by visit, change in per cent and
 * cumulative distribution of change at the main visit.  (F3, F6, F7)
 */
#include "reports/layout_score.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/format.h"
#include "reports/stat_sort.h"
#include "reports/subject_sets.h"

/* What all of them show. */
struct shown {
    struct layout *layout;
    struct outcome outcome;
    size_t endpoint;
    int visit; /* the main one, NO_VISIT */
    const char *better;
};

static const struct dataset *dataset_of(const struct shown *shown)
{
    return shown->layout->dataset;
}

static const struct protocol *protocol_of(const struct shown *shown)
{
    return dataset_of(shown)->catalogue->protocol;
}

static bool is_rise_better(const struct shown *shown)
{
    return shown->outcome.score != NULL && shown->outcome.score->direction == SCORE_HIGHER_BETTER;
}

static bool is_shown(const struct shown *shown, size_t subject, size_t column)
{
    return dataset_of(shown)->subjects[subject].treated &&
           dataset_column(dataset_of(shown), subject) == (int)column;
}

static const char *visit_title(const struct shown *shown)
{
    return layout_visit_title(shown->layout, &protocol_of(shown)->visits[shown->visit]);
}

static const char **visit_ids(const void *owner, const struct shown *shown)
{
    const struct protocol *protocol = protocol_of(shown);
    const char **ids = memory_new_array(owner, const char *, protocol->visit_count);
    for (size_t v = 0; v < protocol->visit_count; v++)
        ids[v] = protocol->visits[v].id;
    return ids;
}

/* A column of the numbers beneath a figure. */
struct number {
    const char *title, *pattern;
};

/* Visits as groups and cohorts in rows, so that twelve of each fit. */
static void add_data(const struct shown *shown, struct figure *figure, const char *results,
                     const char *const *visits, size_t visit_count)
{
    static const struct number numbers[] = {{"n", "{n}"},    {"Mean (SD)", "{mean} ({sd})"}, {"Min", "{min}"},
                                            {"Q1", "{q1}"},  {"Median", "{median}"},         {"Q3", "{q3}"},
                                            {"Max", "{max}"}};
    struct table *table = figure->data;
    const struct dataset *dataset = dataset_of(shown);
    table_add_fact(table, "Population", "treated subjects with a value, index knee");
    table->group_title = "Visit";
    table->label_title = "Cohort";
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        table_add_column(table, numbers[i].title, "", CELL_NUMBER);
    for (size_t v = 0; v < visit_count; v++) {
        const struct visit *visit = protocol_find_visit(protocol_of(shown), visits[v]);
        const char *group = visit != NULL ? layout_visit_title(shown->layout, visit) : visits[v];
        for (size_t c = 0; c < dataset->cohort_count; c++) {
            struct table_row *row = table_add_row(table, group, dataset->cohorts[c], 0);
            for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
                layout_set_results(
                    shown->layout, table, row, i,
                    &(struct result_key){results, visits[v], dataset->cohorts[c], shown->outcome.collected},
                    numbers[i].pattern);
        }
    }
}

/* --- F3 ------------------------------------------------------------------------------------------------- */

static void add_boxes(const struct shown *shown)
{
    const struct layout *layout = shown->layout;
    const struct dataset *dataset = dataset_of(shown);
    size_t visits = protocol_of(shown)->visit_count;
    struct figure *figure = layout_add_figure(
        shown->layout, memory_format(layout->document, "f3-boxes-%s", shown->outcome.endpoint->id),
        memory_format(layout->document, "%s: distribution by visit", shown->outcome.title));
    const char *results = memory_format(figure, "value %s", shown->outcome.endpoint->id);
    const char **ids = visit_ids(figure, shown);
    struct figure_box *boxes = memory_new_array(figure, struct figure_box, dataset->cohort_count * visits);
    for (size_t c = 0; c < dataset->cohort_count; c++)
        for (size_t v = 0; v < visits; v++) {
            const char *col = dataset->cohorts[c];
            boxes[c * visits + v] = (struct figure_box){
                .lo = layout_value(layout, results, ids[v], col, "min"),
                .q1 = layout_value(layout, results, ids[v], col, "q1"),
                .median = layout_value(layout, results, ids[v], col, "median"),
                .q3 = layout_value(layout, results, ids[v], col, "q3"),
                .hi = layout_value(layout, results, ids[v], col, "max"),
                .mean = layout_value(layout, results, ids[v], col, "mean"),
            };
        }
    figure->kind = FIGURE_BOXES;
    figure->as.boxes = (struct figure_boxes){
        .y_title = shown->outcome.title,
        .better = shown->better,
        .whiskers = "smallest and largest value",
        .position_titles = ids,
        .position_count = visits,
        .series_titles = dataset->cohorts,
        .series_count = dataset->cohort_count,
        .boxes = boxes,
    };
    add_data(shown, figure, results, ids, visits);
    figure->description =
        memory_format(figure, "Box plots of %s at %zu visits, a box for each of %zu columns.",
                      shown->outcome.title, visits, dataset->cohort_count);
}

static void fill_profiles(const struct shown *shown, struct figure_profiles_panel *panel, size_t column,
                          double *values)
{
    const struct dataset *dataset = dataset_of(shown);
    size_t visits = protocol_of(shown)->visit_count;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        bool any = false;
        for (size_t v = 0; is_shown(shown, i, column) && v < visits; v++) {
            values[panel->count * visits + v] = dataset_value(dataset, i, shown->endpoint, (int)v);
            any = any || !isnan(values[panel->count * visits + v]);
        }
        panel->count += any;
    }
    panel->values = values;
}

static size_t count_treated(const struct shown *shown, size_t column)
{
    size_t count = 0;
    for (size_t i = 0; i < dataset_of(shown)->subject_count; i++)
        count += is_shown(shown, i, column);
    return count;
}

static void add_profiles(const struct shown *shown)
{
    const struct layout *layout = shown->layout;
    const struct dataset *dataset = dataset_of(shown);
    const struct protocol *protocol = protocol_of(shown);
    size_t visits = protocol->visit_count;
    struct figure *figure = layout_add_figure(
        shown->layout, memory_format(layout->document, "f3-profiles-%s", shown->outcome.endpoint->id),
        memory_format(layout->document, "%s: subjects over time", shown->outcome.title));
    const char *results = memory_format(figure, "value %s", shown->outcome.endpoint->id);
    const char **ids = visit_ids(figure, shown);
    double *days = memory_new_array(figure, double, visits);
    for (size_t v = 0; v < visits; v++)
        days[v] = protocol->visits[v].target;
    struct figure_profiles_panel *panels =
        memory_new_array(figure, struct figure_profiles_panel, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        double *means = memory_new_array(figure, double, visits);
        for (size_t v = 0; v < visits; v++)
            means[v] = layout_value(layout, results, ids[v], dataset->cohorts[c], "mean");
        panels[c] = (struct figure_profiles_panel){.title = dataset->cohorts[c], .means = means};
        fill_profiles(shown, &panels[c], c,
                      memory_new_array(figure, double, (count_treated(shown, c) + 1) * visits));
    }
    figure->kind = FIGURE_PROFILES;
    figure->as.profiles =
        (struct figure_profiles){shown->outcome.title, days, ids, visits, panels, dataset->cohort_count};
    add_data(shown, figure, results, ids, visits);
    figure->description =
        memory_format(figure,
                      "A line for each subject over %zu visits and the mean, a panel for each "
                      "of %zu columns.",
                      visits, dataset->cohort_count);
}

/* --- F6 ------------------------------------------------------------------------------------------------- */

/* Sorted changes at the main visit, in per cent of the baseline or in points; without those that are not
 * known. */
static const double *sorted_changes(const struct shown *shown, const void *owner, size_t column, bool percent,
                                    size_t *count)
{
    const struct dataset *dataset = dataset_of(shown);
    const double *baseline = dataset_values(dataset, shown->endpoint, dataset_baseline(dataset));
    const double *values = dataset_values(dataset, shown->endpoint, shown->visit);
    double *changes = memory_new_array(owner, double, count_treated(shown, column) + 1);
    *count = 0;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        double change = values[i] - baseline[i];
        if (!is_shown(shown, i, column) || isnan(change) || (percent && baseline[i] == 0))
            continue;
        changes[(*count)++] = percent ? 100 * change / baseline[i] : change;
    }
    stat_sort(changes, *count);
    return changes;
}

static void add_waterfall(const struct shown *shown)
{
    const struct layout *layout = shown->layout;
    const struct dataset *dataset = dataset_of(shown);
    struct figure *figure = layout_add_figure(
        shown->layout, memory_format(layout->document, "f6-waterfall-%s", shown->outcome.endpoint->id),
        memory_format(layout->document, "%s: change in per cent of baseline, %s", shown->outcome.title,
                      visit_title(shown)));
    struct figure_waterfall_panel *panels =
        memory_new_array(figure, struct figure_waterfall_panel, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        panels[c].title = dataset->cohorts[c];
        panels[c].values = sorted_changes(shown, figure, c, true, &panels[c].count);
    }
    figure->kind = FIGURE_WATERFALL;
    figure->as.waterfall = (struct figure_waterfall){
        .y_title = "Change from baseline, %",
        .y_from = -100,
        .y_to = 100,
        .threshold = (double)NAN,
        .panels = panels,
        .panel_count = dataset->cohort_count,
    };
    const char *id = protocol_of(shown)->visits[shown->visit].id;
    struct shown in_percent = *shown;
    in_percent.outcome.collected = 0;
    add_data(&in_percent, figure, memory_format(figure, "pct_change %s", shown->outcome.endpoint->id), &id,
             1);
    table_add_fact(figure->data, "Left out", "subjects whose baseline is 0: no change in per cent");
    table_add_fact(figure->data, "Direction", "%s",
                   is_rise_better(shown) ? "a rise is an improvement" : "a fall is an improvement");
    figure->description =
        memory_format(figure,
                      "A bar for each subject, sorted from the greatest fall to the greatest "
                      "rise, a panel for each of %zu columns.",
                      dataset->cohort_count);
}

/* --- F7 ------------------------------------------------------------------------------------------------- */

static struct figure_curve cumulative_curve(const struct shown *shown, const void *owner, size_t column,
                                            const double range[2])
{
    size_t count;
    const double *changes = sorted_changes(shown, owner, column, false, &count);
    struct figure_step *steps = memory_new_array(owner, struct figure_step, count + 1);
    size_t step_count = 0;
    if (count > 0)
        steps[step_count++] = (struct figure_step){range[0], 0, (double)NAN, (double)NAN};
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && changes[i + 1] <= changes[i])
            continue;
        double percent = 100 * (double)(i + 1) / (double)count;
        steps[step_count++] = (struct figure_step){changes[i], percent, (double)NAN, (double)NAN};
    }
    return (struct figure_curve){.title = dataset_of(shown)->cohorts[column],
                                 .steps = steps,
                                 .step_count = step_count,
                                 .end = range[1]};
}

/* From the smallest to the largest change of all columns. */
static bool find_range(const struct shown *shown, double range[2])
{
    const struct dataset *dataset = dataset_of(shown);
    const char *results = memory_format(shown->layout->document, "change %s", shown->outcome.endpoint->id);
    const char *row = protocol_of(shown)->visits[shown->visit].id;
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        range[0] = fmin(range[0], layout_value(shown->layout, results, row, dataset->cohorts[c], "min"));
        range[1] = fmax(range[1], layout_value(shown->layout, results, row, dataset->cohorts[c], "max"));
    }
    return range[0] < range[1];
}

static void add_cumulative_data(const struct shown *shown, struct figure *figure)
{
    size_t count;
    const char *results = memory_format(figure, "cumulative %s", shown->outcome.endpoint->id);
    const char **rows = layout_list_rows(shown->layout, results, &count);
    struct table *table = figure->data;
    table->label_title = "Change of at most";
    table_add_fact(table, "Population", "treated subjects with a change, index knee");
    table_add_fact(table, "Cells", "subjects with this change or a lower one (%% of those with a change)");
    layout_add_cohort_columns(shown->layout, table);
    for (size_t i = 0; i < count; i++)
        layout_add_cohort_row(shown->layout, table, &(struct result_key){.table = results, .row = rows[i]},
                              "", &(struct line){"{n} ({pct})", rows[i], 0});
}

static void add_cumulative(const struct shown *shown)
{
    const struct layout *layout = shown->layout;
    const struct dataset *dataset = dataset_of(shown);
    double range[2];
    if (!find_range(shown, range))
        return;
    struct figure *figure = layout_add_figure(
        shown->layout, memory_format(layout->document, "f7-cumulative-%s", shown->outcome.endpoint->id),
        memory_format(layout->document, "%s: cumulative distribution of change, %s", shown->outcome.title,
                      visit_title(shown)));
    struct figure_curve *curves = memory_new_array(figure, struct figure_curve, dataset->cohort_count);
    double *threshold = memory_new_array(figure, double, 1);
    threshold[0] = (is_rise_better(shown) ? 1 : -1) * shown->outcome.endpoint->mcid;
    bool within = threshold[0] >= range[0] && threshold[0] <= range[1];
    for (size_t c = 0; c < dataset->cohort_count; c++)
        curves[c] = cumulative_curve(shown, figure, c, range);
    figure->kind = FIGURE_CURVES;
    figure->as.curves = (struct figure_curves){
        .x_title =
            memory_format(figure, "Change from baseline (%s)",
                          is_rise_better(shown) ? "a rise is an improvement" : "a fall is an improvement"),
        .y_title = "Subjects with this change or a lower one, %",
        .x_from = range[0],
        .x_to = range[1],
        .y_from = 0,
        .y_to = 100,
        .thresholds = threshold,
        .threshold_count = within,
        .curves = curves,
        .curve_count = dataset->cohort_count,
    };
    add_cumulative_data(shown, figure);
    if (within) {
        char points[FORMAT_SIZE];
        table_add_fact(figure->data, "Dashed", "minimal important change, %s",
                       format_exact(points, threshold[0]));
    }
    figure->description = memory_format(figure,
                                        "Step curves from 0 to 100 %% over the change from baseline, one for "
                                        "each of %zu columns.",
                                        dataset->cohort_count);
}

void layout_figures(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    int endpoint = subject_sets_endpoint(protocol);
    if (endpoint < 0)
        return;
    struct shown shown = {layout, layout_find_outcome(layout, &protocol->endpoints[endpoint]),
                          (size_t)endpoint, analysis_main_visit(layout->dataset), NULL};
    shown.better = is_rise_better(&shown) ? "higher is better \xe2\x86\x91" : "lower is better \xe2\x86\x93";
    add_boxes(&shown);
    add_profiles(&shown);
    if (shown.visit == NO_VISIT)
        return;
    add_waterfall(&shown);
    add_cumulative(&shown);
}
