/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Step curves with limits, ticks for censored subjects and numbers at risk below.  More than DRAW_TOGETHER
 * curves have a panel each, with the others in grey behind.
 */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum {
    PLOT_HEIGHT = 330,
    AXIS_BELOW = 52,
    RISK_ROW = 18,
    RISK_WIDEST = 190,           /* names of the curves beside the numbers at risk */
    MARKERS = 4,                 /* on each curve */
    LIMITS_MOST = 4              /* more curves with limits cover each other */
};

static const double closest_mark = 3;

struct plot {
    struct text *out;
    const struct figure_curves *curves;
    struct draw_frame frame;
    struct draw_scale scales[2]; /* x, y */
    bool panels;                 /* a curve each */
};

static bool has_limits(const struct figure_curve *curve)
{
    for (size_t i = 0; i < curve->step_count; i++)
        if (!isnan(curve->steps[i].lo) && !isnan(curve->steps[i].hi))
            return true;
    return false;
}

static bool any_limits(const struct figure_curves *curves)
{
    for (size_t c = 0; c < curves->curve_count; c++)
        if (has_limits(&curves->curves[c]))
            return true;
    return false;
}

static bool any_marks(const struct figure_curves *curves)
{
    for (size_t c = 0; c < curves->curve_count; c++)
        if (curves->curves[c].mark_count > 0)
            return true;
    return false;
}

static bool any_risk(const struct figure_curves *curves)
{
    for (size_t c = 0; c < curves->curve_count; c++)
        if (curves->curves[c].at_risk != NULL && curves->ticks != NULL)
            return true;
    return false;
}

static bool has_panels(const struct figure_curves *curves)
{
    return curves->curve_count > DRAW_TOGETHER;
}

void figure_curves_note(struct text *out, const struct figure_curves *curves)
{
    bool limits = any_limits(curves);
    if (has_panels(curves))
        text_append(out, "One cohort a panel; grey lines: the others. ");
    if (has_panels(curves) && any_risk(curves))
        text_append(out, "Below the days: subjects at risk. ");
    if (limits && !has_panels(curves) && curves->curve_count > LIMITS_MOST)
        text_append(out, "Limits of so many curves would cover each other; they are in the table below. ");
    else if (limits)
        text_append(out, "Thin lines: limits of the curve of the same colour and dash. ");
    if (any_marks(curves))
        text_append(out, "Short upright ticks: censored subjects; of ticks that would touch, one is drawn. ");
}

/* Number of the series whose colour, dash and marker a curve has. */
static size_t style_of(const struct plot *plot, size_t index)
{
    return plot->panels ? 0 : index;
}

static void append_limits(const struct plot *plot, size_t index)
{
    static const enum draw_value both[] = {DRAW_LO, DRAW_HI};
    for (size_t i = 0; i < 2; i++) {
        text_append(plot->out, "<path class=\"limit\"");
        draw_stroke(plot->out, style_of(plot, index));
        text_append(plot->out, " d=\"");
        draw_steps(plot->out, &plot->curves->curves[index], plot->scales, both[i]);
        text_append(plot->out, "\"/>");
    }
}

/* Ticks at the height of the curve; both are sorted, so that one walk is enough. */
static void append_marks(const struct plot *plot, size_t index)
{
    const struct figure_curve *curve = &plot->curves->curves[index];
    size_t step = 0, drawn = 0;
    double last = -INFINITY;
    for (size_t i = 0; i < curve->mark_count; i++) {
        while (step + 1 < curve->step_count && curve->steps[step + 1].at <= curve->marks[i])
            step++;
        double x = draw_at(&plot->scales[0], curve->marks[i]);
        if (step >= curve->step_count || isnan(curve->steps[step].value) || x - last < closest_mark)
            continue;
        if (drawn++ == 0)
            text_append_format(plot->out, "<path class=\"bar\" stroke=\"%s\" d=\"", draw_colour(style_of(plot, index)));
        draw_number(plot->out, "M", x, " ");
        draw_number(plot->out, "", draw_at(&plot->scales[1], curve->steps[step].value) - 4, "v8");
        last = x;
    }
    if (drawn > 0)
        text_append(plot->out, "\"/>");
}

/*
 * Markers at a few places tell curves apart that have the same dash; each curve has places of its own, so
 * that they do not lie upon each other where curves do.
 */
static void append_markers(const struct plot *plot, size_t index)
{
    const struct figure_curve *curve = &plot->curves->curves[index];
    const struct draw_scale *x = &plot->scales[0];
    double part = (x->to - x->from) / MARKERS,
           own = ((double)index + 0.5) / (double)plot->curves->curve_count;
    size_t step = 0;
    for (size_t i = 0; i < MARKERS; i++) {
        double at = x->from + part * ((double)i + own);
        while (step + 1 < curve->step_count && curve->steps[step + 1].at <= at)
            step++;
        double value = curve->steps[step].value;
        if (at >= curve->steps[0].at && at <= curve->end && !isnan(value))
            draw_marker(plot->out, style_of(plot, index), draw_at(x, at), draw_at(&plot->scales[1], value));
    }
}

static void append_curve(const struct plot *plot, size_t index)
{
    const struct figure_curve *curve = &plot->curves->curves[index];
    struct text *out = plot->out;
    text_append(out, "<g><title>");
    text_append_html(out, curve->title);
    text_append(out, "</title>");
    if (curve->step_count > 0) {
        if ((plot->panels || plot->curves->curve_count <= LIMITS_MOST) && has_limits(curve))
            append_limits(plot, index);
        text_append(out, "<path class=\"mean\"");
        draw_stroke(out, style_of(plot, index));
        text_append(out, " d=\"");
        draw_steps(out, curve, plot->scales, DRAW_VALUE);
        text_append(out, "\"/>");
        append_marks(plot, index);
        append_markers(plot, index);
    }
    text_append(out, "</g>");
}

static double name_width(const struct figure_curves *curves)
{
    double widest = 0;
    for (size_t c = 0; c < curves->curve_count; c++)
        widest = fmax(widest, draw_text_width(curves->curves[c].title, DRAW_SMALL));
    return fmin(widest, RISK_WIDEST);
}

/* Ticks that have room for their titles and for the numbers at risk. */
static bool has_room(const struct plot *plot, size_t tick, double *free_from)
{
    const struct figure_curves *curves = plot->curves;
    double widest = draw_text_width(curves->tick_titles[tick], DRAW_LABEL);
    for (size_t c = 0; c < curves->curve_count; c++) {
        char number[FORMAT_SIZE];
        if (curves->curves[c].at_risk != NULL)
            widest = fmax(widest, draw_text_width(format_number(number, curves->curves[c].at_risk[tick], 0),
                                                  DRAW_SMALL));
    }
    double x = draw_at(&plot->scales[0], curves->ticks[tick]);
    if (x - widest / 2 < *free_from)
        return false;
    *free_from = x + widest / 2 + 6;
    return true;
}

static void append_risk(const struct plot *plot, size_t tick, double x)
{
    const struct figure_curves *curves = plot->curves;
    for (size_t c = 0; c < curves->curve_count; c++) {
        const struct figure_curve *curve = &curves->curves[c];
        char number[FORMAT_SIZE];
        if (curve->at_risk == NULL)
            continue;
        format_number(number, curve->at_risk[tick], 0);
        draw_label(plot->out, "middle small", x, plot->frame.bottom + AXIS_BELOW + RISK_ROW * (double)(c + 1),
                   isnan(curve->at_risk[tick]) ? "-" : number);
    }
}

static void append_risk_names(const struct plot *plot)
{
    double y = plot->frame.bottom + AXIS_BELOW;
    draw_label(plot->out, "start small strong", 8, y, "At risk");
    for (size_t c = 0; c < plot->curves->curve_count; c++) {
        const char *name = draw_fit(plot->out, plot->curves->curves[c].title, RISK_WIDEST, DRAW_SMALL);
        draw_label(plot->out, "start small", 8, y + RISK_ROW * (double)(c + 1), name);
    }
}

static void append_ticks(const struct plot *plot)
{
    const struct figure_curves *curves = plot->curves;
    const struct draw_frame *frame = &plot->frame;
    bool risk = any_risk(curves);
    double free_from = -INFINITY;
    draw_line(plot->out, "axis", (double[]){frame->left, frame->bottom},
              (double[]){frame->right, frame->bottom});
    for (size_t i = 0; i < curves->tick_count; i++) {
        double x = draw_at(&plot->scales[0], curves->ticks[i]);
        draw_line(plot->out, "axis", (double[]){x, frame->bottom}, (double[]){x, frame->bottom + 5});
        if (!has_room(plot, i, &free_from))
            continue;
        draw_label(plot->out, "middle", x, frame->bottom + 19, curves->tick_titles[i]);
        if (risk)
            append_risk(plot, i, x);
    }
    draw_label(plot->out, "middle", (frame->left + frame->right) / 2, frame->bottom + 36, curves->x_title);
    if (risk)
        append_risk_names(plot);
}

static void append_thresholds(const struct plot *plot)
{
    for (size_t i = 0; i < plot->curves->threshold_count; i++) {
        double x = draw_at(&plot->scales[0], plot->curves->thresholds[i]);
        draw_line(plot->out, "threshold", (double[]){x, plot->frame.top}, (double[]){x, plot->frame.bottom});
    }
}

static void append_axes(struct plot *plot)
{
    const struct figure_curves *curves = plot->curves;
    struct draw_axis y = draw_choose_axis(curves->y_from, curves->y_to);
    plot->scales[1] = (struct draw_scale){y.from, y.to, plot->frame.bottom, plot->frame.top};
    draw_axis_left(plot->out, &plot->frame, &y, curves->y_title, (double)NAN);
    if (curves->ticks != NULL) {
        plot->scales[0] =
            (struct draw_scale){curves->x_from, curves->x_to, plot->frame.left, plot->frame.right - 8};
        append_ticks(plot);
    } else {
        struct draw_axis x = draw_choose_axis(curves->x_from, curves->x_to);
        plot->scales[0] = (struct draw_scale){x.from, x.to, plot->frame.left, plot->frame.right};
        draw_axis_below(plot->out, &plot->frame, &x, curves->x_title);
    }
    append_thresholds(plot);
}

/* Days with the number at risk of one curve below, where there is room for both. */
static void append_panel_ticks(const struct plot *plot, size_t index)
{
    const struct figure_curves *curves = plot->curves;
    const struct draw_frame *frame = &plot->frame;
    double free_from = -INFINITY;
    draw_line(plot->out, "axis", (double[]){frame->left, frame->bottom}, (double[]){frame->right, frame->bottom});
    for (size_t i = 0; i < curves->tick_count; i++) {
        double x = draw_at(&plot->scales[0], curves->ticks[i]);
        const double *at_risk = curves->curves[index].at_risk;
        char number[FORMAT_SIZE];
        draw_line(plot->out, "axis", (double[]){x, frame->bottom}, (double[]){x, frame->bottom + 5});
        if (!has_room(plot, i, &free_from))
            continue;
        draw_label(plot->out, "middle", x, frame->bottom + 19, curves->tick_titles[i]);
        if (at_risk != NULL)
            draw_label(plot->out, "middle small", x, frame->bottom + 34,
                       isnan(at_risk[i]) ? "-" : format_number(number, at_risk[i], 0));
    }
}

static void append_panel_axes(struct plot *plot, size_t index)
{
    const struct figure_curves *curves = plot->curves;
    struct draw_axis y = draw_choose_axis(curves->y_from, curves->y_to);
    plot->scales[1] = (struct draw_scale){y.from, y.to, plot->frame.bottom, plot->frame.top};
    draw_axis_left(plot->out, &plot->frame, &y, "", (double)NAN);
    if (curves->ticks != NULL) {
        plot->scales[0] =
            (struct draw_scale){curves->x_from, curves->x_to, plot->frame.left, plot->frame.right - 8};
        append_panel_ticks(plot, index);
    } else {
        struct draw_axis x = draw_choose_axis(curves->x_from, curves->x_to);
        plot->scales[0] = (struct draw_scale){x.from, x.to, plot->frame.left, plot->frame.right};
        draw_axis_below(plot->out, &plot->frame, &x, "");
    }
    append_thresholds(plot);
}

static void append_panel(struct plot *plot, size_t index)
{
    const struct figure_curves *curves = plot->curves;
    plot->frame = draw_panel(index, curves->curve_count);
    draw_panel_title(plot->out, &plot->frame, curves->curves[index].title);
    append_panel_axes(plot, index);
    text_append(plot->out, "<path class=\"others\" d=\"M0 0");
    for (size_t other = 0; other < curves->curve_count; other++)
        if (other != index && curves->curves[other].step_count > 0)
            draw_steps(plot->out, &curves->curves[other], plot->scales, DRAW_VALUE);
    text_append(plot->out, "\"/>");
    append_curve(plot, index);
}

static void draw_panels(struct text *out, const struct figure *figure)
{
    const struct figure_curves *curves = &figure->as.curves;
    struct plot plot = {.out = out, .curves = curves, .panels = true};
    void *owner = memory_owner(out, "figure");
    draw_begin(out, figure, 0, draw_panels_height(curves->curve_count) + 2 * DRAW_PANELS_LINE);
    for (size_t c = 0; c < curves->curve_count; c++)
        append_panel(&plot, c);
    draw_below_panels(out, curves->curve_count, 0, memory_format(owner, "Upwards: %s", curves->y_title));
    draw_below_panels(out, curves->curve_count, 1, memory_format(owner, "To the right: %s", curves->x_title));
    draw_end(out);
    talloc_free(owner);
}

void figure_curves_draw(struct text *out, const struct figure *figure)
{
    const struct figure_curves *curves = &figure->as.curves;
    if (has_panels(curves)) {
        draw_panels(out, figure);
        return;
    }
    void *owner = memory_owner(out, "figure");
    const char **titles = memory_new_array(owner, const char *, curves->curve_count + 1);
    for (size_t c = 0; c < curves->curve_count; c++)
        titles[c] = curves->curves[c].title;
    const struct draw_legend legend = {titles, curves->curve_count, true};
    double top = draw_append_legend(NULL, &legend) + 8;
    bool risk = any_risk(curves);
    double left = risk ? fmax(DRAW_LEFT, name_width(curves) + 30) : DRAW_LEFT;
    struct plot plot = {.out = out, .curves = curves, .frame = {left, DRAW_RIGHT, top, top + PLOT_HEIGHT}};
    double below = risk ? RISK_ROW * (double)(curves->curve_count + 1) : 0;
    draw_begin(out, figure, 0, plot.frame.bottom + AXIS_BELOW + below);
    draw_append_legend(out, &legend);
    append_axes(&plot);
    for (size_t c = 0; c < curves->curve_count; c++)
        append_curve(&plot, c);
    draw_end(out);
    talloc_free(owner);
}
