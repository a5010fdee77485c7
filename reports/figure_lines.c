/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Means over visits with their limits; series are set apart sideways, so that error bars do not cover each
 * other.  More than DRAW_TOGETHER series have a panel each, with the means of the others in grey behind.
 */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"

enum {
    PLOT_HEIGHT = 320,
    AXIS_BELOW = 58,
    DODGE_WIDEST = 12,
    DODGE_NARROWEST = 5          /* fewer and error bars touch */
};

struct plot {
    struct text *out;
    const struct figure_lines *lines;
    struct draw_frame frame;
    struct draw_scale y;
    double *x;                   /* of each position */
    double dodge;                /* between neighbouring series; 0: in the middle */
    double cap;                  /* half of the stroke at the end of an error bar */
};

bool figure_lines_has_points(const struct figure_lines *lines)
{
    for (size_t s = 0; s < lines->series_count; s++)
        for (size_t i = 0; i < lines->position_count; i++)
            if (!isnan(lines->series[s].points[i].mean))
                return true;
    return false;
}

static struct draw_axis axis_of(const struct figure_lines *lines)
{
    struct draw_range range = {INFINITY, -INFINITY};
    if (lines->change)
        draw_range_add(&range, 0);
    for (size_t s = 0; s < lines->series_count; s++) {
        for (size_t i = 0; i < lines->position_count; i++) {
            const struct figure_point *point = &lines->series[s].points[i];
            draw_range_add(&range, point->mean);
            if (!isnan(point->mean)) {
                draw_range_add(&range, point->lo);
                draw_range_add(&range, point->hi);
            }
        }
    }
    return draw_range_axis(&range);
}

static double x_of(const struct plot *plot, size_t position, size_t series)
{
    double middle = ((double)plot->lines->series_count - 1) / 2;
    return plot->x[position] + plot->dodge * ((double)series - middle);
}

static void append_error_bar(const struct plot *plot, size_t style, double x, const struct figure_point *point)
{
    double lo = draw_at(&plot->y, point->lo), hi = draw_at(&plot->y, point->hi), cap = plot->cap;
    text_append_format(plot->out, "<path class=\"bar\" stroke=\"%s\"", draw_colour(style));
    draw_number(plot->out, " d=\"M", x - cap, " ");
    draw_number(plot->out, "", lo, "h");
    draw_number(plot->out, "", 2 * cap, "M");
    draw_number(plot->out, "", x - cap, " ");
    draw_number(plot->out, "", hi, "h");
    draw_number(plot->out, "", 2 * cap, "M");
    draw_number(plot->out, "", x, " ");
    draw_number(plot->out, "", lo, "V");
    draw_number(plot->out, "", hi, "\"/>");
}

/* Path data; a visit without a value is skipped, the line joins what was seen before and after. */
static void append_means(const struct plot *plot, size_t series)
{
    const struct figure_point *points = plot->lines->series[series].points;
    const char *command = "M";
    for (size_t i = 0; i < plot->lines->position_count; i++) {
        if (isnan(points[i].mean))
            continue;
        draw_number(plot->out, command, x_of(plot, i, series), " ");
        draw_number(plot->out, "", draw_at(&plot->y, points[i].mean), "");
        command = "L";
    }
    if (command[0] == 'M')
        text_append(plot->out, "M0 0");
}

/* Colour, dash and marker are those of series number `style`. */
static void append_series(const struct plot *plot, size_t series, size_t style)
{
    const struct figure_point *points = plot->lines->series[series].points;
    struct text *out = plot->out;
    text_append(out, "<g><title>");
    text_append_html(out, plot->lines->series[series].title);
    text_append(out, "</title><path class=\"mean\"");
    draw_stroke(out, style);
    text_append(out, " d=\"");
    append_means(plot, series);
    text_append(out, "\"/>");
    for (size_t i = 0; i < plot->lines->position_count; i++) {
        if (isnan(points[i].mean))
            continue;
        double x = x_of(plot, i, series);
        if (!isnan(points[i].lo) && !isnan(points[i].hi))
            append_error_bar(plot, style, x, &points[i]);
        draw_marker(out, style, x, draw_at(&plot->y, points[i].mean));
    }
    text_append(out, "</g>");
}

static const char **list_titles(const void *owner, const struct figure_lines *lines)
{
    const char **titles = memory_new_array(owner, const char *, lines->series_count + 1);
    for (size_t s = 0; s < lines->series_count; s++)
        titles[s] = lines->series[s].title;
    return titles;
}

/* Visits stand at their day; where they are too close for all series side by side, at even distances. */
static bool place_visits(struct plot *plot, struct draw_visits *visits)
{
    double count = (double)plot->lines->series_count;
    visits->room = (count + 1) * DODGE_NARROWEST;
    visits->margin = 14 + DODGE_NARROWEST * (count - 1) / 2;
    draw_place_visits(&plot->frame, visits, plot->x);
    double closest = DRAW_RIGHT - DRAW_LEFT;
    for (size_t i = 1; i < visits->count; i++)
        closest = fmin(closest, plot->x[i] - plot->x[i - 1]);
    plot->dodge = fmin(DODGE_WIDEST, fmax(DODGE_NARROWEST, closest / (count + 2)));
    visits->margin = 14 + plot->dodge * (count - 1) / 2;
    return draw_place_visits(&plot->frame, visits, plot->x);
}

static bool has_panels(const struct figure_lines *lines)
{
    return lines->series_count > DRAW_TOGETHER;
}

void figure_lines_note(struct text *out, const struct figure_lines *lines)
{
    if (has_panels(lines))
        text_append(out, "One cohort a panel; grey lines: means of the others. ");
}

static void append_panel(struct plot *plot, const struct draw_axis *axis, size_t series)
{
    const struct figure_lines *lines = plot->lines;
    const struct draw_visits visits = {.days = lines->days, .titles = lines->position_titles,
                                       .count = lines->position_count, .margin = DRAW_PANEL_MARGIN};
    plot->frame = draw_panel(series, lines->series_count);
    plot->y = (struct draw_scale){axis->from, axis->to, plot->frame.bottom, plot->frame.top};
    draw_panel_title(plot->out, &plot->frame, lines->series[series].title);
    draw_axis_left(plot->out, &plot->frame, axis, "", lines->change ? 0 : (double)NAN);
    draw_place_visits(&plot->frame, &visits, plot->x);
    draw_axis_visits(plot->out, &plot->frame,
                     &(struct draw_visits){.titles = visits.titles, .count = visits.count}, plot->x);
    text_append(plot->out, "<path class=\"others\" d=\"");
    for (size_t other = 0; other < lines->series_count; other++)
        if (other != series)
            append_means(plot, other);
    text_append(plot->out, "\"/>");
    append_series(plot, series, 0);
}

static void draw_panels(struct text *out, const struct figure *figure)
{
    const struct figure_lines *lines = &figure->as.lines;
    struct plot plot = {.out = out, .lines = lines, .cap = 4};
    struct draw_axis axis = axis_of(lines);
    plot.x = memory_new_array(out, double, lines->position_count + 1);
    draw_begin(out, figure, 0, draw_panels_height(lines->series_count) + DRAW_PANELS_LINE);
    for (size_t s = 0; s < lines->series_count; s++)
        append_panel(&plot, &axis, s);
    draw_below_panels(out, lines->series_count, 0, memory_format(plot.x, "%s; %s", lines->y_title, lines->better));
    draw_end(out);
    talloc_free(plot.x);
}

void figure_lines_draw(struct text *out, const struct figure *figure)
{
    const struct figure_lines *lines = &figure->as.lines;
    if (has_panels(lines)) {
        draw_panels(out, figure);
        return;
    }
    void *owner = memory_owner(out, "figure");
    const struct draw_legend legend = {list_titles(owner, lines), lines->series_count, true};
    double top = draw_append_legend(NULL, &legend) + 8;
    struct plot plot = {.out = out, .lines = lines, .frame = {DRAW_LEFT, DRAW_RIGHT, top, top + PLOT_HEIGHT}};
    struct draw_axis axis = axis_of(lines);
    plot.y = (struct draw_scale){axis.from, axis.to, plot.frame.bottom, plot.frame.top};
    plot.x = memory_new_array(owner, double, lines->position_count + 1);
    struct draw_visits visits = {
        .days = lines->days, .titles = lines->position_titles, .count = lines->position_count};
    bool even = place_visits(&plot, &visits);
    plot.cap = fmin(4, plot.dodge / 2 - 0.5);
    draw_begin(out, figure, 0, plot.frame.bottom + AXIS_BELOW);
    draw_append_legend(out, &legend);
    draw_label(out, "end small", DRAW_RIGHT, top - 4, lines->better);
    draw_axis_left(out, &plot.frame, &axis, lines->y_title, lines->change ? 0 : (double)NAN);
    draw_axis_visits(out, &plot.frame, &visits, plot.x);
    draw_label(out, "middle small", (DRAW_LEFT + DRAW_RIGHT) / 2.0, plot.frame.bottom + 50,
               even ? "Visit and its target day (not to scale)" : "Visit and its target day");
    for (size_t s = 0; s < lines->series_count; s++)
        append_series(&plot, s, s);
    draw_end(out);
    talloc_free(owner);
}
