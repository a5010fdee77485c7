/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Figures as inline SVG.  Layouts fill them with numbers; nothing is estimated here.
 *
 * Readable in print, in grey and to the colour-blind: series differ in marker and dash as well as in colour,
 * labels are measured before they are set and never overlap, with one cohort and with twelve.  What lies
 * closer than a reader can see is thinned: curves to half a unit of the drawing, profiles and points to a
 * number (figure_append_note says so). Missing numbers are NAN and are not drawn.  Pointers are the layout's
 * and live as long as the document.
 */
#ifndef PATELLA_FIGURE_H
#define PATELLA_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/base/text.h"

/* --- lines: means over visits with their limits (F2) ---------------------------------------------------- */

struct figure_point {
    double mean, lo, hi;         /* NAN when there is none; without limits only the marker is drawn */
};

struct figure_series {
    const char *title;
    const struct figure_point *points;   /* position_count */
};

struct figure_lines {
    const char *y_title;
    const char *better;          /* "lower is better" */
    const double *days;          /* study day of each position, rising */
    const char *const *position_titles;
    size_t position_count;
    const struct figure_series *series;
    size_t series_count;
    bool change;                 /* a line at zero is drawn and zero is on the axis */
};

/* --- curves: steps, as Kaplan-Meier (F4) and the cumulative distribution of change (F7) ----------------- */

struct figure_step {
    double at;                   /* the value holds from here to the next step */
    double value, lo, hi;        /* lo, hi NAN: no limits */
};

struct figure_curve {
    const char *title;
    const struct figure_step *steps;     /* rising in `at`; the first is where the curve begins */
    size_t step_count;
    double end;                  /* the last value holds to here */
    const double *marks;         /* ticks on the curve (censored subjects), rising; NULL when none */
    size_t mark_count;
    const double *at_risk;       /* tick_count numbers below the drawing; NULL: no such rows */
};

struct figure_curves {
    const char *x_title, *y_title;
    double x_from, x_to;
    double y_from, y_to;
    const double *ticks;         /* of x, rising; NULL: round numbers */
    const char *const *tick_titles;
    size_t tick_count;
    const double *thresholds;    /* vertical lines, such as an important change */
    size_t threshold_count;
    const struct figure_curve *curves;
    size_t curve_count;
};

/* --- forest: estimates with limits, a row each (F5, T17) ------------------------------------------------ */

struct figure_forest_row {
    const char *group;           /* heading that the row stands under, "" for none; equal for its rows */
    const char *label;
    const char *const *cells;    /* cell_count texts between label and drawing, such as n of each arm */
    const char *text;            /* right of the drawing: estimate and limits, or why there are none */
    double estimate, lo, hi;
    bool overall;                /* drawn as a diamond */
};

struct figure_forest {
    const char *label_title;
    const char *const *cell_titles;
    size_t cell_count;
    const char *text_title;      /* "Difference [95 % CI]" */
    const char *x_title;
    const char *left, *right;    /* who is favoured on which side, "" when not said */
    double no_effect;            /* 0 or 1 */
    double margin_from, margin_to;   /* band of equivalence, NAN: none */
    bool logarithmic;            /* ratios; all limits are above 0 */
    const struct figure_forest_row *rows;
    size_t row_count;
};

/* --- flow: CONSORT diagram (F1) ------------------------------------------------------------------------- */

struct figure_flow_box {
    const char *title;           /* "Treated (n = 72)" */
    const char *const *lines;    /* "withdrew consent: 3" */
    size_t line_count;
};

struct figure_flow_stage {
    struct figure_flow_box box;
    struct figure_flow_box aside;   /* who leaves here; title NULL: nobody is told of */
};

struct figure_flow_column {
    const char *title;           /* cohort */
    const struct figure_flow_box *boxes;   /* box_count of the flow: allocated, treated, each visit */
};

struct figure_flow {
    const struct figure_flow_stage *stages;   /* before the cohorts part: screened, enrolled */
    size_t stage_count;
    const struct figure_flow_column *columns;
    size_t column_count;
    size_t box_count;
};

/* --- boxes: box plots by visit (F3) --------------------------------------------------------------------- */

struct figure_box {
    double lo, q1, median, q3, hi;   /* lo, hi: ends of the whiskers */
    double mean;
    const double *beyond;        /* values outside the whiskers */
    size_t beyond_count;
};

struct figure_boxes {
    const char *y_title, *better;
    const char *whiskers;        /* what they are: "smallest and largest value" */
    const char *const *position_titles;
    size_t position_count;
    const char *const *series_titles;
    size_t series_count;
    const struct figure_box *boxes;   /* position p of series s at [s * position_count + p] */
};

/* --- profiles: a line for each subject, a panel for each cohort (F3) ------------------------------------ */

struct figure_profiles_panel {
    const char *title;
    const double *values;        /* count * position_count */
    size_t count;
    const double *means;         /* position_count, drawn as a thick line */
};

struct figure_profiles {
    const char *y_title;
    const double *days;
    const char *const *position_titles;
    size_t position_count;
    const struct figure_profiles_panel *panels;
    size_t panel_count;
};

/* --- waterfall: a bar for each subject, sorted, a panel for each cohort (F6) ---------------------------- */

struct figure_waterfall_panel {
    const char *title;
    const double *values;        /* in the order in which they are drawn; no NAN */
    size_t count;
};

struct figure_waterfall {
    const char *y_title;
    double y_from, y_to;         /* bars beyond are cut, and their number is told */
    double threshold;            /* dashed line, NAN: none */
    const struct figure_waterfall_panel *panels;
    size_t panel_count;
};

/* --- histogram: distributions over each other (X3) ------------------------------------------------------ */

struct figure_histogram_series {
    const char *title;
    const double *shares;        /* bin_count heights, >= 0 */
};

struct figure_histogram {
    const char *x_title, *y_title;
    const double *edges;         /* bin_count + 1, rising */
    size_t bin_count;
    const struct figure_histogram_series *series;   /* more than two: panels, each against the first */
    size_t series_count;
};

/* --- all ------------------------------------------------------------------------------------------------ */

enum figure_kind {
    FIGURE_LINES,
    FIGURE_CURVES,
    FIGURE_FOREST,
    FIGURE_FLOW,
    FIGURE_BOXES,
    FIGURE_PROFILES,
    FIGURE_WATERFALL,
    FIGURE_HISTOGRAM
};

struct figure {
    const char *id;
    const char *number;          /* "Figure 4.1" */
    const char *title;
    const char *description;     /* what is to be seen, for those who cannot see it */
    enum figure_kind kind;
    union {
        struct figure_lines lines;
        struct figure_curves curves;
        struct figure_forest forest;
        struct figure_flow flow;
        struct figure_boxes boxes;
        struct figure_profiles profiles;
        struct figure_waterfall waterfall;
        struct figure_histogram histogram;
    } as;
    struct table *data;          /* the same numbers, shown below */
};

/* True when there is anything to draw. */
bool figure_has_points(const struct figure *figure);

/* One <svg> element, or several of a page each: long forests and flows of many cohorts are parted. */
void figure_append_svg(struct text *out, const struct figure *figure);

/*
 * Plain sentences on what was thinned or cut and on how to read the marks; nothing when there is nothing to
 * say.
 */
void figure_append_note(struct text *out, const struct figure *figure);

#endif
