/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strokes that the kinds of figures share: scales, axes, labels with their measure, markers, legends, steps.
 *
 * Sizes and coordinates are SVG units (1 unit = 1 CSS pixel at full width); y grows downwards.  Not for
 * layouts: they fill the structs of figure.h.
 */
#ifndef PATELLA_FIGURE_DRAW_H
#define PATELLA_FIGURE_DRAW_H

#include "reports/figure.h"

enum {
    DRAW_WIDTH = 760,
    DRAW_LEFT = 66,              /* of a plot with an axis on its left */
    DRAW_RIGHT = 744,
    DRAW_LABEL = 13,             /* font sizes of the classes, rounded up; figure_style.c sets them */
    DRAW_SMALL = 12,
    DRAW_LEGEND_ROW = 22,
    DRAW_TOGETHER = 6            /* more series than that have a panel each: together nobody can follow one */
};

/* A rectangle that is drawn in. */
struct draw_frame {
    double left, right, top, bottom;
};

/* Values from..to lie at coordinates at_from..at_to. */
struct draw_scale {
    double from, to, at_from, at_to;
};
double draw_at(const struct draw_scale *scale, double value);

/* Rounded axis: least multiple of a round step around [lo, hi], at most 8 steps.  lo <= hi, both finite. */
struct draw_axis {
    double from, to, step;
    int decimals;                /* that the labels need */
};
struct draw_axis draw_choose_axis(double lo, double hi);

/* Range of values as they come; NAN is passed over.  Begin with {INFINITY, -INFINITY}. */
struct draw_range {
    double lo, hi;
};
void draw_range_add(struct draw_range *range, double value);
/* Its axis; 0 to 1 when nothing was added. */
struct draw_axis draw_range_axis(const struct draw_range *range);

/* figure_style.c: the style sheet of a drawing. */
extern const char draw_style[];

/* <svg> with style, title and description, `part` 0, 1, ... of those of one figure; and its end. */
void draw_begin(struct text *out, const struct figure *figure, size_t part, double height);
void draw_end(struct text *out);

/* `before`, the number with at most 2 decimals, `after`. */
void draw_number(struct text *out, const char *before, double value, const char *after);
void draw_line(struct text *out, const char *class, const double from[2], const double to[2]);
void draw_rectangle(struct text *out, const char *class, const struct draw_frame *frame);

/* Width of a text in the metrics of Helvetica and its like, with a little to spare. */
double draw_text_width(const char *text, double size);
/* `text`, or its beginning and an ellipsis, at most `width` wide. */
const char *draw_fit(const void *owner, const char *text, double width, double size);
/* `text` in lines of at most `width`, broken at blanks; a word that is longer is cut. */
struct draw_paragraph {
    const char **lines;
    size_t count;
};
struct draw_paragraph draw_wrap(const void *owner, const char *text, double width, double size);

/* Classes start, middle, end (anchor), small, strong. */
void draw_label(struct text *out, const char *class, double x, double y, const char *label);

/* stroke and dash of series `series` (attributes), its marker, its colour. */
void draw_stroke(struct text *out, size_t series);
void draw_marker(struct text *out, size_t series, double x, double y);
const char *draw_colour(size_t series);

/*
 * Legend from left to right, wrapping, with titles[0..count); returns its height.  With `out` NULL it only
 * measures. `markers`: with the markers of the series.
 */
struct draw_legend {
    const char *const *titles;
    size_t count;
    bool markers;
};
double draw_append_legend(struct text *out, const struct draw_legend *legend);

/* Axis on the left with grid lines and its title; on the line `zero` (NAN: none) the line is dark. */
void draw_axis_left(struct text *out, const struct draw_frame *frame, const struct draw_axis *axis,
                    const char *title, double zero);
/* Axis below with round numbers, as many of them as have room, and its title ("": none). */
void draw_axis_below(struct text *out, const struct draw_frame *frame, const struct draw_axis *axis,
                     const char *title);

/*
 * Visits below a frame: titles at their day, and the days; where that is too close (less than `room` apart,
 * or titles would touch), at even distances, with titles at every second, third, ... one.  `x` gets
 * position_count coordinates. days may be NULL.  Returns whether distances are even.
 */
struct draw_visits {
    const double *days;
    const char *const *titles;
    size_t count;
    double room;
    double margin;               /* between the frame and the first and last visit */
};
bool draw_place_visits(const struct draw_frame *frame, const struct draw_visits *visits, double *x);
void draw_axis_visits(struct text *out, const struct draw_frame *frame, const struct draw_visits *visits,
                      const double *x);

enum { DRAW_PANEL_MARGIN = 6 };  /* of visits in a panel */

/*
 * Panel `index` of `count`, with room for its axis on the left and titles above; and the height of all of
 * them.
 */
struct draw_frame draw_panel(size_t index, size_t count);
double draw_panels_height(size_t count);
void draw_panel_title(struct text *out, const struct draw_frame *frame, const char *title);
/* Line number `row` (0, 1, ...) of text below all panels; draw_panels_height + DRAW_PANELS_LINE a line is room. */
enum { DRAW_PANELS_LINE = 17 };
void draw_below_panels(struct text *out, size_t count, size_t row, const char *line);

/*
 * Steps of a curve as path data: no closer than half a unit in x.  `value` picks which of the three is drawn.
 * Begins after leading NAN values, stops at the next one.
 */
enum draw_value { DRAW_VALUE, DRAW_LO, DRAW_HI };
void draw_steps(struct text *out, const struct figure_curve *curve, const struct draw_scale scales[2],
                enum draw_value value);

/* figure_KIND.c */
void figure_lines_draw(struct text *out, const struct figure *figure);
void figure_lines_note(struct text *out, const struct figure_lines *lines);
bool figure_lines_has_points(const struct figure_lines *lines);
void figure_curves_draw(struct text *out, const struct figure *figure);
void figure_curves_note(struct text *out, const struct figure_curves *curves);
void figure_forest_draw(struct text *out, const struct figure *figure);
void figure_forest_note(struct text *out, const struct figure_forest *forest);
void figure_flow_draw(struct text *out, const struct figure *figure);
void figure_flow_note(struct text *out, const struct figure_flow *flow);
void figure_boxes_draw(struct text *out, const struct figure *figure);
bool figure_boxes_has_points(const struct figure_boxes *boxes);
void figure_boxes_note(struct text *out, const struct figure_boxes *boxes);
void figure_profiles_draw(struct text *out, const struct figure *figure);
bool figure_profiles_has_points(const struct figure_profiles *profiles);
void figure_profiles_note(struct text *out, const struct figure_profiles *profiles);
void figure_waterfall_draw(struct text *out, const struct figure *figure);
bool figure_waterfall_has_points(const struct figure_waterfall *waterfall);
void figure_waterfall_note(struct text *out, const struct figure_waterfall *waterfall);
void figure_histogram_draw(struct text *out, const struct figure *figure);

#endif
