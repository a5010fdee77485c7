/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Histograms over each other: outlines, the first one filled; more than two in panels, each against the
 * first.
 */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"

struct plot {
    struct text *out;
    const struct figure_histogram *histogram;
    struct draw_scale scales[2];
};

static struct draw_axis heights(const struct figure_histogram *histogram)
{
    struct draw_range range = {0, 0};
    for (size_t s = 0; s < histogram->series_count; s++)
        for (size_t b = 0; b < histogram->bin_count; b++)
            draw_range_add(&range, histogram->series[s].shares[b]);
    return range.hi > 0 ? draw_range_axis(&range) : draw_choose_axis(0, 1);
}

static void append_outline(const struct plot *plot, size_t series, bool filled)
{
    const struct figure_histogram *histogram = plot->histogram;
    struct text *out = plot->out;
    text_append_format(out, "<path class=\"%s\"", filled ? "bins" : "outline");
    draw_stroke(out, series);
    if (filled)
        text_append_format(out, " fill=\"%s\"", draw_colour(series));
    draw_number(out, " d=\"M", draw_at(&plot->scales[0], histogram->edges[0]), " ");
    draw_number(out, "", plot->scales[1].at_from, "");
    for (size_t b = 0; b < histogram->bin_count; b++) {
        draw_number(out, "V", draw_at(&plot->scales[1], histogram->series[series].shares[b]), "");
        draw_number(out, "H", draw_at(&plot->scales[0], histogram->edges[b + 1]), "");
    }
    draw_number(out, "V", plot->scales[1].at_from, "\"/>");
}

static void append_pair(struct plot *plot, const struct draw_frame *frame, const struct draw_axis *y,
                        size_t series)
{
    const struct figure_histogram *histogram = plot->histogram;
    struct draw_axis x = draw_choose_axis(histogram->edges[0], histogram->edges[histogram->bin_count]);
    bool panel = histogram->series_count > 2;
    plot->scales[0] = (struct draw_scale){x.from, x.to, frame->left, frame->right};
    plot->scales[1] = (struct draw_scale){y->from, y->to, frame->bottom, frame->top};
    draw_axis_left(plot->out, frame, y, panel ? "" : histogram->y_title, (double)NAN);
    draw_axis_below(plot->out, frame, &x, panel ? "" : histogram->x_title);
    append_outline(plot, 0, true);
    if (series > 0)
        append_outline(plot, series, false);
}

/* Titles of panels name their own series; the legend names the first. */
static void append_panels(struct plot *plot, const struct draw_axis *y, double top)
{
    const struct figure_histogram *histogram = plot->histogram;
    size_t count = histogram->series_count - 1;
    for (size_t i = 0; i < count; i++) {
        struct draw_frame frame = draw_panel(i, count);
        frame.top += top;
        frame.bottom += top;
        draw_label(plot->out, "start strong", frame.left, frame.top - 9,
                   draw_fit(plot->out, histogram->series[i + 1].title, frame.right - frame.left, DRAW_LABEL));
        append_pair(plot, &frame, y, i + 1);
    }
}

void figure_histogram_draw(struct text *out, const struct figure *figure)
{
    enum { PLOT_HEIGHT = 280, AXIS_BELOW = 48 };
    const struct figure_histogram *histogram = &figure->as.histogram;
    void *owner = memory_owner(out, "figure");
    const char **titles = memory_new_array(owner, const char *, histogram->series_count + 1);
    for (size_t s = 0; s < histogram->series_count; s++)
        titles[s] = histogram->series[s].title;
    const struct draw_legend legend = {titles, histogram->series_count, false};
    double top = draw_append_legend(NULL, &legend) + 8;
    struct draw_axis y = heights(histogram);
    struct plot plot = {.out = out, .histogram = histogram};
    if (histogram->series_count > 2) {
        double height = draw_panels_height(histogram->series_count - 1);
        draw_begin(out, figure, 0, top + height + 20);
        append_panels(&plot, &y, top);
        draw_label(out, "start small", 4, top + height + 8,
                   memory_format(owner, "across: %s; upwards: %s", histogram->x_title, histogram->y_title));
    } else {
        const struct draw_frame frame = {DRAW_LEFT, DRAW_RIGHT, top, top + PLOT_HEIGHT};
        draw_begin(out, figure, 0, frame.bottom + AXIS_BELOW);
        append_pair(&plot, &frame, &y, histogram->series_count == 2 ? 1 : 0);
    }
    draw_append_legend(out, &legend);
    draw_end(out);
    talloc_free(owner);
}
