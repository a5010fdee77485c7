/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Figures as inline SVG: means over time with their confidence limits, one line per cohort.
 *
 * Readable in print, in grey and to the colour-blind: cohorts differ in marker and dash as well as in colour,
 * and are set apart sideways (dodged), so that error bars do not cover each other.
 */
#ifndef PATELLA_FIGURE_H
#define PATELLA_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/base/text.h"

struct figure_point {
    double mean, lo, hi;         /* NAN when there is none; without limits only the marker is drawn */
};

struct figure_series {
    const char *title;
    const struct figure_point *points;   /* position_count */
};

struct figure {
    const char *id;
    const char *number;          /* "Figure 4.1" */
    const char *title;
    const char *description;     /* what is to be seen, for those who cannot see it */
    const char *y_title;
    const char *better;          /* "lower is better" */
    const double *days;          /* study day of each position, rising */
    const char *const *position_titles;
    size_t position_count;
    const struct figure_series *series;
    size_t series_count;
    bool change;                 /* a line at zero is drawn and zero is on the axis */
    struct table *data;          /* the same numbers, shown below */
};

/* True when there is at least one mean to draw. */
bool figure_has_points(const struct figure *figure);

/* The <svg> element. */
void figure_append_svg(struct text *out, const struct figure *figure);

/* Rounded axis: least multiple of a round step around [lo, hi], at most 8 steps.  lo <= hi, both finite. */
struct figure_axis {
    double from, to, step;
    int decimals;                /* that the labels need */
};
struct figure_axis figure_choose_axis(double lo, double hi);

#endif
