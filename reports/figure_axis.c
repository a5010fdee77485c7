/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Axes, visits below a plot, panels, and steps. */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum {
    PANEL_COLUMNS = 4,
    PANEL_GAP = 11,
    PANEL_ABOVE = 22,            /* title of the panel */
    PANEL_BELOW = 44,            /* labels of its axis */
    PANEL_AXIS = 34              /* labels of the axis on its left */
};

static const double closest_step = 0.5;

struct draw_axis draw_choose_axis(double lo, double hi)
{
    static const double steps[] = {1, 2, 5};
    if (hi - lo < 1e-9) {
        lo -= 1;
        hi += 1;
    }
    for (int power = -6; power < 16; power++) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            double step = steps[i] * pow(10, power);
            double from = floor(lo / step + 1e-9), to = ceil(hi / step - 1e-9);
            if (to - from <= 8)
                return (struct draw_axis){from * step, to * step, step, power < 0 ? -power : 0};
        }
    }
    return (struct draw_axis){lo, hi, hi - lo, 0};
}

void draw_range_add(struct draw_range *range, double value)
{
    if (!isfinite(value))
        return;
    range->lo = fmin(range->lo, value);
    range->hi = fmax(range->hi, value);
}

struct draw_axis draw_range_axis(const struct draw_range *range)
{
    return range->lo <= range->hi ? draw_choose_axis(range->lo, range->hi) : draw_choose_axis(0, 1);
}

static long count_steps(const struct draw_axis *axis)
{
    return lround((axis->to - axis->from) / axis->step);
}

void draw_axis_left(struct text *out, const struct draw_frame *frame, const struct draw_axis *axis,
                    const char *title, double zero)
{
    const struct draw_scale scale = {axis->from, axis->to, frame->bottom, frame->top};
    for (long i = 0; i <= count_steps(axis); i++) {
        double value = axis->from + (double)i * axis->step, y = draw_at(&scale, value);
        bool dark = fabs(value - zero) < axis->step / 2;
        char number[FORMAT_SIZE];
        draw_line(out, dark ? "zero" : "grid", (double[]){frame->left, y}, (double[]){frame->right, y});
        draw_label(out, "end", frame->left - 8, y + 4, format_number(number, value, axis->decimals));
    }
    if (title[0] == '\0')
        return;
    double middle = (frame->top + frame->bottom) / 2;
    draw_number(out, "<text class=\"middle\" transform=\"translate(", frame->left - 48, " ");
    draw_number(out, "", middle, ") rotate(-90)\">");
    text_append_html(out, draw_fit(out, title, frame->bottom - frame->top + 30, DRAW_LABEL));
    text_append(out, "</text>");
}

/* Every how many-th step of an axis below has room for its number. */
static long label_step(const struct draw_frame *frame, const struct draw_axis *axis)
{
    char from[FORMAT_SIZE], to[FORMAT_SIZE];
    double widest = fmax(draw_text_width(format_number(from, axis->from, axis->decimals), DRAW_LABEL),
                         draw_text_width(format_number(to, axis->to, axis->decimals), DRAW_LABEL));
    double apart = (frame->right - frame->left) / (double)(count_steps(axis) > 0 ? count_steps(axis) : 1);
    long every = 1;
    while ((double)every * apart < widest + 6 && every < count_steps(axis))
        every++;
    return every;
}

void draw_axis_below(struct text *out, const struct draw_frame *frame, const struct draw_axis *axis,
                     const char *title)
{
    const struct draw_scale scale = {axis->from, axis->to, frame->left, frame->right};
    long every = label_step(frame, axis);
    draw_line(out, "axis", (double[]){frame->left, frame->bottom}, (double[]){frame->right, frame->bottom});
    for (long i = 0; i <= count_steps(axis); i++) {
        double value = axis->from + (double)i * axis->step, x = draw_at(&scale, value);
        char number[FORMAT_SIZE];
        draw_line(out, "axis", (double[]){x, frame->bottom}, (double[]){x, frame->bottom + 5});
        if (i % every == 0)
            draw_label(out, "middle", x, frame->bottom + 19, format_number(number, value, axis->decimals));
    }
    if (title[0] != '\0')
        draw_label(out, "middle", (frame->left + frame->right) / 2, frame->bottom + 38, title);
}

/* --- visits --------------------------------------------------------------------------------------------- */

static double widest_title(const struct draw_visits *visits)
{
    double widest = 0;
    for (size_t i = 0; i < visits->count; i++)
        widest = fmax(widest, draw_text_width(visits->titles[i], DRAW_LABEL));
    return widest;
}

static double closest_of(const struct draw_visits *visits, const double *x)
{
    double closest = INFINITY;
    for (size_t i = 1; i < visits->count; i++)
        closest = fmin(closest, x[i] - x[i - 1]);
    return closest;
}

static void place(const struct draw_frame *frame, const struct draw_visits *visits, bool even, double *x)
{
    double from = frame->left + visits->margin, to = frame->right - visits->margin;
    for (size_t i = 0; i < visits->count; i++) {
        double share = 0.5;
        if (visits->count > 1 && even)
            share = (double)i / (double)(visits->count - 1);
        else if (visits->count > 1)
            share = (visits->days[i] - visits->days[0]) / (visits->days[visits->count - 1] - visits->days[0]);
        x[i] = from + share * (to - from);
    }
}

bool draw_place_visits(const struct draw_frame *frame, const struct draw_visits *visits, double *x)
{
    if (visits->days != NULL) {
        place(frame, visits, false, x);
        if (closest_of(visits, x) >= fmax(visits->room, widest_title(visits) + 6))
            return false;
    }
    place(frame, visits, true, x);
    return visits->count > 1;
}

/* Every how many-th title has room. */
static size_t title_step(const struct draw_visits *visits, const double *x)
{
    size_t step = 1;
    double apart = closest_of(visits, x);
    while (step < visits->count && (double)step * apart < widest_title(visits) + 6)
        step++;
    return step;
}

void draw_axis_visits(struct text *out, const struct draw_frame *frame, const struct draw_visits *visits,
                      const double *x)
{
    size_t step = title_step(visits, x);
    draw_line(out, "axis", (double[]){frame->left, frame->bottom}, (double[]){frame->right, frame->bottom});
    for (size_t i = 0; i < visits->count; i++) {
        draw_line(out, "axis", (double[]){x[i], frame->bottom}, (double[]){x[i], frame->bottom + 5});
        if (i % step != 0)
            continue;
        char number[FORMAT_SIZE];
        draw_label(out, "middle", x[i], frame->bottom + 19, visits->titles[i]);
        if (visits->days != NULL)
            draw_label(out, "middle small", x[i], frame->bottom + 33,
                       format_number(number, visits->days[i], 0));
    }
}

/* --- panels --------------------------------------------------------------------------------------------- */

static size_t panel_columns(size_t count)
{
    if (count <= 2)
        return count == 0 ? 1 : count;
    if (count <= 4)
        return 2;
    return count <= 9 ? 3 : PANEL_COLUMNS;
}

static double panel_height(size_t count)
{
    static const double heights[PANEL_COLUMNS] = {300, 240, 130, 118};
    return heights[panel_columns(count) - 1];
}

struct draw_frame draw_panel(size_t index, size_t count)
{
    size_t columns = panel_columns(count);
    double left = DRAW_LEFT - PANEL_AXIS, row = PANEL_ABOVE + panel_height(count) + PANEL_BELOW;
    double width = (DRAW_RIGHT - left + PANEL_GAP) / (double)columns;
    size_t down = index / columns;
    double x = left + width * (double)(index - down * columns) + PANEL_AXIS,
           y = row * (double)down + PANEL_ABOVE;
    return (struct draw_frame){x, x + width - PANEL_AXIS - PANEL_GAP, y, y + panel_height(count)};
}

double draw_panels_height(size_t count)
{
    size_t columns = panel_columns(count), rows = (count + columns - 1) / columns;
    return (PANEL_ABOVE + panel_height(count) + PANEL_BELOW) * (double)rows;
}

void draw_panel_title(struct text *out, const struct draw_frame *frame, const char *title)
{
    draw_label(out, "start strong", frame->left, frame->top - 9,
               draw_fit(out, title, frame->right - frame->left, DRAW_LABEL));
}

void draw_below_panels(struct text *out, size_t count, size_t row, const char *line)
{
    draw_label(out, "start small", 4, draw_panels_height(count) + 8 + DRAW_PANELS_LINE * (double)row,
               draw_fit(out, line, DRAW_RIGHT - 4, DRAW_SMALL));
}

/* --- steps ---------------------------------------------------------------------------------------------- */

static double pick(const struct figure_step *step, enum draw_value value)
{
    return value == DRAW_VALUE ? step->value : value == DRAW_LO ? step->lo : step->hi;
}

/* Where the pen is. */
struct pen {
    double x, y;
    double pending;              /* y that was reached less than can be seen away from x; NAN: none */
};

static void draw_pending(struct text *out, struct pen *pen)
{
    if (isnan(pen->pending))
        return;
    if (fabs(pen->pending - pen->y) >= 0.01)
        draw_number(out, "V", pen->pending, "");
    pen->y = pen->pending;
    pen->pending = (double)NAN;
}

static void draw_step(struct text *out, struct pen *pen, double x, double y)
{
    if (isnan(pen->y)) {
        draw_number(out, "M", x, " ");
        draw_number(out, "", y, "");
        *pen = (struct pen){x, y, (double)NAN};
        return;
    }
    if (x - pen->x < closest_step) {
        pen->pending = y;
        return;
    }
    draw_pending(out, pen);
    if (fabs(y - pen->y) < 0.01)
        return;
    draw_number(out, "H", x, "");
    draw_number(out, "V", y, "");
    pen->x = x;
    pen->y = y;
}

void draw_steps(struct text *out, const struct figure_curve *curve, const struct draw_scale scales[2],
                enum draw_value value)
{
    struct pen pen = {0, (double)NAN, (double)NAN};
    double end = curve->end;
    for (size_t i = 0; i < curve->step_count; i++) {
        const struct figure_step *step = &curve->steps[i];
        double chosen = pick(step, value);
        if (isnan(chosen) && isnan(pen.y))
            continue;
        if (isnan(chosen)) {
            end = step->at;
            break;
        }
        draw_step(out, &pen, draw_at(&scales[0], step->at), draw_at(&scales[1], chosen));
    }
    draw_pending(out, &pen);
    if (!isnan(pen.y))
        draw_number(out, "H", draw_at(&scales[0], end), "");
}
