/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Box plots by visit: series beside each other, or a panel each when there are more than DRAW_TOGETHER; the
 * mean as the series' marker.
 */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum {
    PLOT_HEIGHT = 320,
    AXIS_BELOW = 46,
    BOX_WIDEST = 26,
    BOX_NARROWEST = 5,
    BEYOND_MOST = 60             /* points beyond the whiskers of one box */
};

struct plot {
    struct text *out;
    const struct figure_boxes *boxes;
    struct draw_frame frame;
    struct draw_scale y;
    double *x;
    double apart;                /* middles of neighbouring boxes */
    bool panels;                 /* a series each */
};

static const struct figure_box *box_at(const struct figure_boxes *boxes, size_t series, size_t position)
{
    return &boxes->boxes[series * boxes->position_count + position];
}

static size_t count_boxes(const struct figure_boxes *boxes)
{
    return boxes->series_count * boxes->position_count;
}

bool figure_boxes_has_points(const struct figure_boxes *boxes)
{
    for (size_t i = 0; i < count_boxes(boxes); i++)
        if (!isnan(boxes->boxes[i].median))
            return true;
    return false;
}

void figure_boxes_note(struct text *out, const struct figure_boxes *boxes)
{
    text_append_format(out, "Box: quartiles; line in it: median; marker: mean; whiskers: %s. ",
                       boxes->whiskers);
    for (size_t i = 0; i < count_boxes(boxes); i++) {
        if (boxes->boxes[i].beyond_count <= BEYOND_MOST)
            continue;
        char most[FORMAT_SIZE];
        text_append_format(out,
                           "Of values beyond the whiskers at most %s of a box are drawn, evenly chosen. ",
                           format_number(most, BEYOND_MOST, 0));
        break;
    }
}

static struct draw_axis axis_of(const struct figure_boxes *boxes)
{
    struct draw_range range = {INFINITY, -INFINITY};
    for (size_t i = 0; i < count_boxes(boxes); i++) {
        const struct figure_box *box = &boxes->boxes[i];
        draw_range_add(&range, box->lo);
        draw_range_add(&range, box->hi);
        draw_range_add(&range, box->median);
        draw_range_add(&range, box->mean);
        for (size_t k = 0; k < box->beyond_count; k++)
            draw_range_add(&range, box->beyond[k]);
    }
    return draw_range_axis(&range);
}

static void append_beyond(const struct plot *plot, size_t series, double x, const struct figure_box *box)
{
    size_t step = (box->beyond_count + BEYOND_MOST - 1) / BEYOND_MOST;
    for (size_t i = 0; i < box->beyond_count; i += step) {
        text_append_format(plot->out, "<circle class=\"bar\" r=\"1.6\" stroke=\"%s\"", draw_colour(series));
        draw_number(plot->out, " cx=\"", x, "\"");
        draw_number(plot->out, " cy=\"", draw_at(&plot->y, box->beyond[i]), "\"/>");
    }
}

static void append_whisker(const struct plot *plot, double x, const double values[2], double cap)
{
    double from = draw_at(&plot->y, values[0]), to = draw_at(&plot->y, values[1]);
    if (isnan(from) || isnan(to))
        return;
    draw_number(plot->out, "M", x, " ");
    draw_number(plot->out, "", from, "");
    draw_number(plot->out, "V", to, "");
    draw_number(plot->out, "M", x - cap, " ");
    draw_number(plot->out, "", to, "h");
    draw_number(plot->out, "", 2 * cap, "");
}

static void append_box(const struct plot *plot, size_t series, size_t position)
{
    const struct figure_box *box = box_at(plot->boxes, series, position);
    if (isnan(box->median))
        return;
    struct text *out = plot->out;
    double x = plot->x[position];
    if (!plot->panels)
        x += plot->apart * ((double)series - ((double)plot->boxes->series_count - 1) / 2);
    double half = fmin(BOX_WIDEST, plot->apart * 0.78) / 2;
    series = plot->panels ? 0 : series;
    append_beyond(plot, series, x, box);
    text_append_format(out, "<path class=\"quartiles\" stroke=\"%s\" d=\"", draw_colour(series));
    append_whisker(plot, x, (double[]){box->q1, box->lo}, half / 2);
    append_whisker(plot, x, (double[]){box->q3, box->hi}, half / 2);
    double q1 = draw_at(&plot->y, box->q1), q3 = draw_at(&plot->y, box->q3);
    draw_number(out, "M", x - half, " ");
    draw_number(out, "", q3, "h");
    draw_number(out, "", 2 * half, "V");
    draw_number(out, "", q1, "h");
    draw_number(out, "", -2 * half, "z\"/>");
    text_append_format(out, "<path class=\"median\" stroke=\"%s\"", draw_colour(series));
    draw_number(out, " d=\"M", x - half, " ");
    draw_number(out, "", draw_at(&plot->y, box->median), "h");
    draw_number(out, "", 2 * half, "\"/>");
    if (!isnan(box->mean))
        draw_marker(out, series, x, draw_at(&plot->y, box->mean));
}

static void append_panel(struct plot *plot, const struct draw_axis *axis, size_t series)
{
    const struct figure_boxes *boxes = plot->boxes;
    plot->frame = draw_panel(series, boxes->series_count);
    plot->y = (struct draw_scale){axis->from, axis->to, plot->frame.bottom, plot->frame.top};
    double slot = (plot->frame.right - plot->frame.left) / (double)boxes->position_count;
    const struct draw_visits visits = {.titles = boxes->position_titles, .count = boxes->position_count,
                                       .margin = slot / 2};
    plot->apart = slot * 0.8;
    draw_place_visits(&plot->frame, &visits, plot->x);
    draw_panel_title(plot->out, &plot->frame, boxes->series_titles[series]);
    draw_axis_left(plot->out, &plot->frame, axis, "", (double)NAN);
    draw_axis_visits(plot->out, &plot->frame, &visits, plot->x);
    for (size_t p = 0; p < boxes->position_count; p++)
        append_box(plot, series, p);
}

static void draw_panels(struct text *out, const struct figure *figure)
{
    const struct figure_boxes *boxes = &figure->as.boxes;
    struct plot plot = {.out = out, .boxes = boxes, .panels = true};
    struct draw_axis axis = axis_of(boxes);
    plot.x = memory_new_array(out, double, boxes->position_count + 1);
    draw_begin(out, figure, 0, draw_panels_height(boxes->series_count) + DRAW_PANELS_LINE);
    for (size_t s = 0; s < boxes->series_count; s++)
        append_panel(&plot, &axis, s);
    draw_below_panels(out, boxes->series_count, 0, memory_format(plot.x, "%s; %s", boxes->y_title, boxes->better));
    draw_end(out);
    talloc_free(plot.x);
}

void figure_boxes_draw(struct text *out, const struct figure *figure)
{
    const struct figure_boxes *boxes = &figure->as.boxes;
    if (boxes->series_count > DRAW_TOGETHER) {
        draw_panels(out, figure);
        return;
    }
    void *owner = memory_owner(out, "figure");
    const struct draw_legend legend = {boxes->series_titles, boxes->series_count, true};
    double top = draw_append_legend(NULL, &legend) + 8;
    struct plot plot = {.out = out, .boxes = boxes, .frame = {DRAW_LEFT, DRAW_RIGHT, top, top + PLOT_HEIGHT}};
    struct draw_axis axis = axis_of(boxes);
    plot.y = (struct draw_scale){axis.from, axis.to, plot.frame.bottom, plot.frame.top};
    plot.x = memory_new_array(owner, double, boxes->position_count + 1);
    double slot = (plot.frame.right - plot.frame.left) /
                  (double)(boxes->position_count == 0 ? 1 : boxes->position_count);
    plot.apart = fmin(BOX_WIDEST * 1.4, fmax(BOX_NARROWEST, slot * 0.9 / (double)(boxes->series_count + 1)));
    const struct draw_visits visits = {.titles = boxes->position_titles, .count = boxes->position_count,
                                       .margin = slot / 2};
    draw_place_visits(&plot.frame, &visits, plot.x);
    draw_begin(out, figure, 0, plot.frame.bottom + AXIS_BELOW);
    draw_append_legend(out, &legend);
    draw_label(out, "end small", DRAW_RIGHT, top - 4, boxes->better);
    draw_axis_left(out, &plot.frame, &axis, boxes->y_title, (double)NAN);
    draw_axis_visits(out, &plot.frame, &visits, plot.x);
    draw_label(out, "middle small", (DRAW_LEFT + DRAW_RIGHT) / 2.0, plot.frame.bottom + 38,
               "Visit (not to scale)");
    for (size_t p = 0; p < boxes->position_count; p++)
        for (size_t s = 0; s < boxes->series_count; s++)
            append_box(&plot, s, p);
    draw_end(out);
    talloc_free(owner);
}
