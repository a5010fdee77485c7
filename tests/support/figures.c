/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/figures.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/layout.h"

static const double days[FIGURES_VISITS] = {1, 92, 184, 366, 731};
static const char *const visits[FIGURES_VISITS] = {"BL", "M3", "M6", "M12", "M24"};

/* A number 0..1 that looks as if it were random and is the same everywhere. */
static double scatter(size_t a, size_t b)
{
    double x = sin((double)a * 12.9898 + (double)b * 78.233) * 43758.5453;
    return x - floor(x);
}

static const char *cohort(const void *owner, size_t index)
{
    static const char *const names[] = {"AD-MSC 50M", "UC-MSC", "Corticosteroid", "BM-MSC 2 x 25M"};
    return index < 4 ? names[index] : memory_format(owner, "COHORT-%zu", index + 1);
}

static const char **cohorts_of(const void *owner, size_t count)
{
    const char **names = memory_new_array(owner, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = cohort(owner, i);
    return names;
}

static void fill_lines(struct figure *figure, size_t count, size_t subjects)
{
    struct figure_series *series = memory_new_array(figure, struct figure_series, count);
    double half = 14 / sqrt((double)subjects);
    for (size_t s = 0; s < count; s++) {
        struct figure_point *points = memory_new_array(figure, struct figure_point, FIGURES_VISITS);
        for (size_t i = 0; i < FIGURES_VISITS; i++) {
            double mean = -4 * sqrt((double)i) - 0.8 * (double)s * (double)i / 4 + scatter(s, i);
            points[i] = (struct figure_point){mean, mean - half, mean + half};
        }
        series[s] = (struct figure_series){cohort(figure, s), points};
    }
    figure->as.lines = (struct figure_lines){
        .y_title = "Mean change from baseline (95 % CI)",
        .better = "lower is better \xe2\x86\x93",
        .days = days,
        .position_titles = visits,
        .position_count = FIGURES_VISITS,
        .series = series,
        .series_count = count,
        .change = true,
    };
}

/* Events and censored subjects by turns, to day 760. */
static struct figure_curve survival_curve(struct figure *figure, size_t index, size_t subjects)
{
    struct figure_step *steps = memory_new_array(figure, struct figure_step, subjects + 1);
    double *marks = memory_new_array(figure, double, subjects + 1);
    double *at_risk = memory_new_array(figure, double, FIGURES_VISITS);
    struct figure_curve curve = {
        .title = cohort(figure, index), .steps = steps, .marks = marks, .at_risk = at_risk};
    steps[curve.step_count++] = (struct figure_step){0, 1, 1, 1};
    double left = 1;
    for (size_t i = 0; i < subjects; i++) {
        double at = 20 + 730 * ((double)i + scatter(index, i)) / (double)subjects;
        if (scatter(i, index + 7) > 0.55) {
            marks[curve.mark_count++] = at;
            continue;
        }
        left *= 1 - 0.4 / (1.3 * (double)subjects - (double)i + 3 * (double)index);
        double half = 0.12 * sqrt((1 - left) * left * 60 / (double)subjects + 1e-4);
        steps[curve.step_count++] = (struct figure_step){at, left, left - half, fmin(1, left + half)};
    }
    for (size_t i = 0; i < FIGURES_VISITS; i++)
        at_risk[i] = floor((double)subjects * (1 - days[i] / 900));
    curve.end = 752;
    return curve;
}

static void fill_survival(struct figure *figure, size_t count, size_t subjects)
{
    struct figure_curve *curves = memory_new_array(figure, struct figure_curve, count);
    for (size_t c = 0; c < count; c++)
        curves[c] = survival_curve(figure, c, subjects);
    figure->as.curves = (struct figure_curves){
        .x_title = "Days since treatment",
        .y_title = "Without knee replacement",
        .x_to = 760,
        .y_to = 1,
        .ticks = days,
        .tick_titles = visits,
        .tick_count = FIGURES_VISITS,
        .curves = curves,
        .curve_count = count,
    };
}

static void fill_distribution(struct figure *figure, size_t count, size_t subjects)
{
    static const double thresholds[] = {-20};
    struct figure_curve *curves = memory_new_array(figure, struct figure_curve, count);
    for (size_t c = 0; c < count; c++) {
        struct figure_step *steps = memory_new_array(figure, struct figure_step, subjects + 1);
        steps[0] = (struct figure_step){-80, 0, (double)NAN, (double)NAN};
        for (size_t i = 0; i < subjects; i++) {
            double share = ((double)i + 0.5) / (double)subjects;
            double at = -18 - 2 * (double)c + 14 * log(share / (1 - share));
            steps[i + 1] = (struct figure_step){
                fmax(-80, fmin(60, at)), 100 * ((double)i + 1) / (double)subjects, (double)NAN, (double)NAN};
        }
        curves[c] = (struct figure_curve){
            .title = cohort(figure, c), .steps = steps, .step_count = subjects + 1, .end = 60};
    }
    figure->as.curves = (struct figure_curves){
        .x_title = "Change from baseline",
        .y_title = "% of subjects with this change or a lower one",
        .x_from = -80,
        .x_to = 60,
        .y_to = 100,
        .thresholds = thresholds,
        .threshold_count = 1,
        .curves = curves,
        .curve_count = count,
    };
}

/*
 * Two subgroups of three levels and an overall row for each contrast; one without an estimate, one with wide
 * limits.
 */
static void fill_forest(struct figure *figure, size_t count)
{
    static const char *const groups[] = {"Kellgren-Lawrence grade", "Body mass index (kg/m\xc2\xb2)"};
    static const char *const levels[] = {"1-2", "3", "4"};
    static const char *const titles[] = {"n active", "n control", "p of interaction"};
    size_t contrasts = count > 1 ? count - 1 : 1, row = 0;
    struct figure_forest_row *rows = memory_new_array(figure, struct figure_forest_row, contrasts * 7);
    for (size_t c = 0; c < contrasts; c++) {
        const char *contrast = memory_format(figure, "%s - Placebo", cohort(figure, c));
        for (size_t i = 0; i < 7; i++, row++) {
            const char **cells = memory_new_array(figure, const char *, 3);
            double at = 1.5 - 4 * scatter(c, i), half = i == 4 ? 40 : 1.5 + scatter(i, c);
            bool none = i == 3;
            cells[0] = memory_format(figure, "%zu", 12 + i * 7);
            cells[1] = memory_format(figure, "%zu", 15 + i * 6);
            cells[2] = i % 3 == 1 ? "0.2143" : "";
            rows[row] = (struct figure_forest_row){
                .group = i == 0 ? contrast : memory_format(figure, "%s: %s", contrast, groups[(i - 1) / 3]),
                .label = i == 0 ? "All subjects" : levels[(i - 1) % 3],
                .cells = cells,
                .text = none ? "NE: no subject in one group"
                             : memory_format(figure, "%.1f [%.1f, %.1f]", at, at - half, at + half),
                .estimate = none ? (double)NAN : at,
                .lo = at - half,
                .hi = at + half,
                .overall = i == 0,
            };
        }
    }
    figure->as.forest = (struct figure_forest){
        .label_title = "Subgroup",
        .cell_titles = titles,
        .cell_count = 3,
        .text_title = "Difference [95 % CI]",
        .x_title = "Difference of the LS means at M12, points",
        .left = "active better",
        .right = "control better",
        .margin_from = -2,
        .margin_to = 2,
        .rows = rows,
        .row_count = row,
    };
}

static void fill_flow(struct figure *figure, size_t count, size_t subjects)
{
    static const char *const out[] = {"did not meet the criteria: 31", "did not want to take part: 12",
                                      "other reasons: 4"};
    static const char *const lost[] = {"withdrew consent: 2", "lost to follow-up: 3", "joint replacement: 1"};
    struct figure_flow_stage *stages = memory_new_array(figure, struct figure_flow_stage, 2);
    size_t all = subjects * count, boxes = FIGURES_VISITS + 1;
    stages[0] = (struct figure_flow_stage){{memory_format(figure, "Screened (n = %zu)", all + 47), NULL, 0},
                                           {"Not enrolled (n = 47)", out, 3}};
    stages[1] = (struct figure_flow_stage){{memory_format(figure, "Enrolled (n = %zu)", all), NULL, 0},
                                           {NULL, NULL, 0}};
    struct figure_flow_column *columns = memory_new_array(figure, struct figure_flow_column, count);
    for (size_t c = 0; c < count; c++) {
        struct figure_flow_box *of_column = memory_new_array(figure, struct figure_flow_box, boxes);
        of_column[0] =
            (struct figure_flow_box){memory_format(figure, "Allocated (n = %zu)", subjects), NULL, 0};
        for (size_t i = 1; i < boxes; i++) {
            const char **lines = memory_new_array(figure, const char *, 4);
            lines[0] = memory_format(figure, "%s: analysed %zu", i == 1 ? "Treated" : visits[i - 1],
                                     subjects - i * 4);
            for (size_t k = 0; k < 3; k++)
                lines[k + 1] = lost[k];
            of_column[i] =
                (struct figure_flow_box){i == 1 ? memory_format(figure, "Treated (n = %zu)", subjects - 2)
                                                : memory_format(figure, "Month %s", visits[i - 1] + 1),
                                         i == 1 ? NULL : lines, i == 1 ? 0 : 1 + (c + i) % 4};
        }
        columns[c] = (struct figure_flow_column){cohort(figure, c), of_column};
    }
    figure->as.flow = (struct figure_flow){stages, 2, columns, count, boxes};
}

static void fill_boxes(struct figure *figure, size_t count, size_t subjects)
{
    struct figure_box *boxes = memory_new_array(figure, struct figure_box, count * FIGURES_VISITS);
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < FIGURES_VISITS; i++) {
            double middle = 58 - 6 * sqrt((double)i) - (double)s + 5 * scatter(s, i);
            double *beyond = memory_new_array(figure, double, subjects);
            size_t far = subjects / 20;
            for (size_t k = 0; k < far; k++)
                beyond[k] = middle + 36 + 8 * scatter(k, s);
            boxes[s * FIGURES_VISITS + i] = (struct figure_box){
                middle - 30, middle - 9, middle, middle + 11, middle + 33, middle + 1.5, beyond, far};
        }
    }
    figure->as.boxes = (struct figure_boxes){
        .y_title = "Pain, 0-100",
        .better = "lower is better \xe2\x86\x93",
        .whiskers = "to the last value within 1.5 times the distance of the quartiles",
        .position_titles = visits,
        .position_count = FIGURES_VISITS,
        .series_titles = cohorts_of(figure, count),
        .series_count = count,
        .boxes = boxes,
    };
}

static void fill_profiles(struct figure *figure, size_t count, size_t subjects)
{
    struct figure_profiles_panel *panels = memory_new_array(figure, struct figure_profiles_panel, count);
    for (size_t p = 0; p < count; p++) {
        double *values = memory_new_array(figure, double, subjects * FIGURES_VISITS);
        double *means = memory_new_array(figure, double, FIGURES_VISITS);
        for (size_t i = 0; i < FIGURES_VISITS; i++) {
            means[i] = 55 - 7 * sqrt((double)i);
            for (size_t s = 0; s < subjects; s++)
                values[s * FIGURES_VISITS + i] =
                    scatter(s, i + p) > 0.9
                        ? (double)NAN
                        : means[i] + 30 * (scatter(s, p) - 0.5) + 18 * (scatter(s, i) - 0.5);
        }
        panels[p] = (struct figure_profiles_panel){cohort(figure, p), values, subjects, means};
    }
    figure->as.profiles = (struct figure_profiles){
        "Pain, 0-100 (lower is better)", days, visits, FIGURES_VISITS, panels, count};
}

static void fill_waterfall(struct figure *figure, size_t count, size_t subjects)
{
    struct figure_waterfall_panel *panels = memory_new_array(figure, struct figure_waterfall_panel, count);
    for (size_t p = 0; p < count; p++) {
        double *values = memory_new_array(figure, double, subjects + 1);
        for (size_t s = 0; s < subjects; s++)
            values[s] = 160 * pow(1 - ((double)s + 0.5) / (double)subjects, 4) -
                        90 * ((double)s + 0.5) / (double)subjects;
        panels[p] = (struct figure_waterfall_panel){cohort(figure, p), values, subjects};
    }
    figure->as.waterfall =
        (struct figure_waterfall){"% change of pain from baseline to M12", -100, 100, -50, panels, count};
}

static void fill_histogram(struct figure *figure, size_t count)
{
    enum { BINS = 20 };
    double *edges = memory_new_array(figure, double, BINS + 1);
    for (size_t b = 0; b <= BINS; b++)
        edges[b] = (double)b / BINS;
    struct figure_histogram_series *series = memory_new_array(figure, struct figure_histogram_series, count);
    for (size_t s = 0; s < count; s++) {
        double *shares = memory_new_array(figure, double, BINS);
        for (size_t b = 0; b < BINS; b++) {
            double away = (edges[b] + 0.025 - 0.4 - 0.03 * (double)s) / 0.18;
            shares[b] = 14 * exp(-away * away / 2);
        }
        series[s] = (struct figure_histogram_series){cohort(figure, s), shares};
    }
    figure->as.histogram =
        (struct figure_histogram){"Propensity score", "% of subjects", edges, BINS, series, count};
}

struct figure *figures_new(const void *owner, size_t index, size_t cohorts, size_t subjects)
{
    struct figure *figure = memory_new(owner, struct figure);
    bool distribution = index == FIGURES_KINDS - 1;
    figure->kind = distribution ? FIGURE_CURVES : (enum figure_kind)index;
    figure->id = memory_format(figure, "f%zu", index);
    figure->number = memory_format(figure, "Figure %zu", index + 1);
    figure->title = "Pain <0-100> & more";
    figure->description = "what is to be seen";
    figure->data = memory_new(figure, struct table);
    switch (figure->kind) {
    case FIGURE_LINES: fill_lines(figure, cohorts, subjects); break;
    case FIGURE_CURVES:
        if (distribution)
            fill_distribution(figure, cohorts, subjects);
        else
            fill_survival(figure, cohorts, subjects);
        break;
    case FIGURE_FOREST: fill_forest(figure, cohorts); break;
    case FIGURE_FLOW: fill_flow(figure, cohorts, subjects); break;
    case FIGURE_BOXES: fill_boxes(figure, cohorts, subjects); break;
    case FIGURE_PROFILES: fill_profiles(figure, cohorts, subjects); break;
    case FIGURE_WATERFALL: fill_waterfall(figure, cohorts, subjects); break;
    case FIGURE_HISTOGRAM: fill_histogram(figure, cohorts); break;
    }
    return figure;
}
