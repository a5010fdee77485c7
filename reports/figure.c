/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/figure.h"

#include <math.h>
#include <stdint.h>

#include "reports/format.h"

/* Sizes in SVG units (1 unit = 1 CSS pixel at full width). */
enum {
    WIDTH = 760,
    PLOT_LEFT = 66,
    PLOT_RIGHT = 744,
    PLOT_HEIGHT = 320,
    LEGEND_ROW = 22,
    LEGEND_CHARACTER = 7,        /* a little more than the mean width at the legend's size */
    AXIS_BELOW = 58,
    DODGE_WIDEST = 12,
    DODGE_NARROWEST = 5,         /* fewer and error bars touch */
};

enum marker {
    MARKER_CIRCLE,
    MARKER_SQUARE,
    MARKER_TRIANGLE,
    MARKER_DIAMOND,
    MARKER_TRIANGLE_DOWN,
    MARKER_CROSS
};

/*
 * Colours: Okabe & Ito (2008), safe for the colour-blind, without yellow, in an order in which neighbours
 * differ in grey.  Six colours and markers against five dashes: the first pair that looks alike is the 31st.
 */
static const char *const colours[] = {"#0072b2", "#d55e00", "#000000", "#009e73", "#9c4f7c", "#7a6a00"};
static const char *const dashes[] = {"", "7 3", "2 3", "9 3 2 3", "12 4"};
enum { COLOUR_COUNT = sizeof colours / sizeof *colours, DASH_COUNT = sizeof dashes / sizeof *dashes };

struct plot {
    struct text *out;
    const struct figure *figure;
    struct figure_axis axis;
    double top;                  /* y of the upper end of the plot */
    double dodge;                /* between neighbouring series */
    bool even;                   /* visits stand at even distances */
};

static void append_coordinate(struct text *out, const char *before, double value, const char *after)
{
    char number[FORMAT_SIZE];
    text_append(out, before);
    text_append(out, format_number(number, value, 2));
    text_append(out, after);
}

struct figure_axis figure_choose_axis(double lo, double hi)
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
                return (struct figure_axis){from * step, to * step, step, power < 0 ? -power : 0};
        }
    }
    return (struct figure_axis){lo, hi, hi - lo, 0};
}

static struct figure_axis axis_of(const struct figure *figure)
{
    double lo = figure->change ? 0 : (double)INFINITY, hi = figure->change ? 0 : -(double)INFINITY;
    for (size_t s = 0; s < figure->series_count; s++) {
        for (size_t i = 0; i < figure->position_count; i++) {
            const struct figure_point *point = &figure->series[s].points[i];
            if (isnan(point->mean))
                continue;
            lo = fmin(lo, isnan(point->lo) ? point->mean : point->lo);
            hi = fmax(hi, isnan(point->hi) ? point->mean : point->hi);
        }
    }
    return figure_choose_axis(lo, hi);
}

bool figure_has_points(const struct figure *figure)
{
    for (size_t s = 0; s < figure->series_count; s++)
        for (size_t i = 0; i < figure->position_count; i++)
            if (!isnan(figure->series[s].points[i].mean))
                return true;
    return false;
}

/* Half the room that all series of one position need, and the distance between the two closest positions. */
static double margin_of(const struct plot *plot)
{
    return 14 + plot->dodge * ((double)plot->figure->series_count - 1) / 2;
}

static double x_at(const struct plot *plot, size_t position)
{
    const struct figure *figure = plot->figure;
    double from = PLOT_LEFT + margin_of(plot), to = PLOT_RIGHT - margin_of(plot);
    if (figure->position_count < 2)
        return (from + to) / 2;
    double share = (double)position / (double)(figure->position_count - 1);
    if (!plot->even) {
        double first = figure->days[0], last = figure->days[figure->position_count - 1];
        share = (figure->days[position] - first) / (last - first);
    }
    return from + share * (to - from);
}

static double closest_positions(const struct plot *plot)
{
    double closest = PLOT_RIGHT - PLOT_LEFT;
    for (size_t i = 1; i < plot->figure->position_count; i++)
        closest = fmin(closest, x_at(plot, i) - x_at(plot, i - 1));
    return closest;
}

/* Visits stand at their day; where they are too close for all cohorts side by side, at even distances. */
static void choose_dodge(struct plot *plot)
{
    double room = (double)plot->figure->series_count + 1;
    plot->dodge = DODGE_NARROWEST;
    plot->even = closest_positions(plot) / room < DODGE_NARROWEST;
    plot->dodge = fmin(DODGE_WIDEST, fmax(DODGE_NARROWEST, closest_positions(plot) / room));
}

static double y_at(const struct plot *plot, double value)
{
    double share = (value - plot->axis.from) / (plot->axis.to - plot->axis.from);
    return plot->top + PLOT_HEIGHT * (1 - share);
}

static double x_of(const struct plot *plot, size_t position, size_t series)
{
    double middle = ((double)plot->figure->series_count - 1) / 2;
    return x_at(plot, position) + plot->dodge * ((double)series - middle);
}

static void append_line(struct text *out, const char *class, const double from[2], const double to[2])
{
    text_append_format(out, "<line class=\"%s\"", class);
    append_coordinate(out, " x1=\"", from[0], "\"");
    append_coordinate(out, " y1=\"", from[1], "\"");
    append_coordinate(out, " x2=\"", to[0], "\"");
    append_coordinate(out, " y2=\"", to[1], "\"/>");
}

static void append_label(struct text *out, const char *class, double x, double y, const char *label)
{
    text_append_format(out, "<text class=\"%s\"", class);
    append_coordinate(out, " x=\"", x, "\"");
    append_coordinate(out, " y=\"", y, "\">");
    text_append_html(out, label);
    text_append(out, "</text>");
}

static void append_marker(struct text *out, size_t series, double x, double y)
{
    const char *colour = colours[series % COLOUR_COUNT];
    /* From the seventh series on markers are hollow. */
    const char *fill = series / COLOUR_COUNT % 2 == 0 ? colour : "#ffffff";
    append_coordinate(out, "<g transform=\"translate(", x, " ");
    append_coordinate(out, "", y, ")\"");
    text_append_format(out, " fill=\"%s\" stroke=\"%s\" stroke-width=\"1.4\">", fill, colour);
    switch ((enum marker)(series % COLOUR_COUNT)) {
    case MARKER_CIRCLE: text_append(out, "<circle r=\"4.2\"/>"); break;
    case MARKER_SQUARE: text_append(out, "<path d=\"M-3.8-3.8h7.6v7.6h-7.6z\"/>"); break;
    case MARKER_TRIANGLE: text_append(out, "<path d=\"M0-5L4.8 3.6H-4.8z\"/>"); break;
    case MARKER_DIAMOND: text_append(out, "<path d=\"M0-5.4L5.4 0 0 5.4-5.4 0z\"/>"); break;
    case MARKER_TRIANGLE_DOWN: text_append(out, "<path d=\"M0 5L4.8-3.6H-4.8z\"/>"); break;
    case MARKER_CROSS:
        text_append(out, "<path d=\"M-4.2-1.4h2.8v-2.8h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8z\"/>");
        break;
    }
    text_append(out, "</g>");
}

static void append_stroke(struct text *out, size_t series)
{
    const char *dash = dashes[series % DASH_COUNT];
    text_append_format(out, " stroke=\"%s\"", colours[series % COLOUR_COUNT]);
    if (dash[0] != '\0')
        text_append_format(out, " stroke-dasharray=\"%s\"", dash);
}

static void append_error_bar(const struct plot *plot, size_t series, double x,
                             const struct figure_point *point)
{
    double lo = y_at(plot, point->lo), hi = y_at(plot, point->hi);
    double cap = fmin(4, plot->dodge / 2 - 0.5);
    text_append_format(plot->out, "<path class=\"bar\" stroke=\"%s\"", colours[series % COLOUR_COUNT]);
    append_coordinate(plot->out, " d=\"M", x - cap, " ");
    append_coordinate(plot->out, "", lo, "h");
    append_coordinate(plot->out, "", 2 * cap, "M");
    append_coordinate(plot->out, "", x - cap, " ");
    append_coordinate(plot->out, "", hi, "h");
    append_coordinate(plot->out, "", 2 * cap, "M");
    append_coordinate(plot->out, "", x, " ");
    append_coordinate(plot->out, "", lo, "V");
    append_coordinate(plot->out, "", hi, "\"/>");
}

/* A visit without a value is skipped by the line, which joins what was seen before and after. */
static void append_series(const struct plot *plot, size_t series)
{
    const struct figure_point *points = plot->figure->series[series].points;
    struct text *out = plot->out;
    text_append(out, "<g><title>");
    text_append_html(out, plot->figure->series[series].title);
    text_append(out, "</title><path class=\"mean\"");
    append_stroke(out, series);
    text_append(out, " d=\"");
    const char *command = "M";
    for (size_t i = 0; i < plot->figure->position_count; i++) {
        if (isnan(points[i].mean))
            continue;
        append_coordinate(out, command, x_of(plot, i, series), " ");
        append_coordinate(out, "", y_at(plot, points[i].mean), "");
        command = "L";
    }
    text_append(out, command[0] == 'M' ? "M0 0\"/>" : "\"/>");
    for (size_t i = 0; i < plot->figure->position_count; i++) {
        if (isnan(points[i].mean))
            continue;
        double x = x_of(plot, i, series);
        if (!isnan(points[i].lo) && !isnan(points[i].hi))
            append_error_bar(plot, series, x, &points[i]);
        append_marker(out, series, x, y_at(plot, points[i].mean));
    }
    text_append(out, "</g>");
}

static void append_y_axis(const struct plot *plot)
{
    const struct figure_axis *axis = &plot->axis;
    long steps = lround((axis->to - axis->from) / axis->step);
    for (long i = 0; i <= steps; i++) {
        double value = axis->from + (double)i * axis->step, y = y_at(plot, value);
        bool zero = plot->figure->change && fabs(value) < axis->step / 2;
        char number[FORMAT_SIZE];
        append_line(plot->out, zero ? "zero" : "grid", (double[]){PLOT_LEFT, y}, (double[]){PLOT_RIGHT, y});
        append_label(plot->out, "end", PLOT_LEFT - 8, y + 4, format_number(number, value, axis->decimals));
    }
    double middle = plot->top + PLOT_HEIGHT / 2.0;
    append_coordinate(plot->out, "<text class=\"middle\" transform=\"translate(18 ", middle,
                      ") rotate(-90)\">");
    text_append_html(plot->out, plot->figure->y_title);
    text_append(plot->out, "</text>");
}

static void append_x_axis(const struct plot *plot)
{
    double bottom = plot->top + PLOT_HEIGHT;
    append_line(plot->out, "axis", (double[]){PLOT_LEFT, bottom}, (double[]){PLOT_RIGHT, bottom});
    for (size_t i = 0; i < plot->figure->position_count; i++) {
        double x = x_at(plot, i);
        char number[FORMAT_SIZE];
        append_line(plot->out, "axis", (double[]){x, bottom}, (double[]){x, bottom + 5});
        append_label(plot->out, "middle", x, bottom + 19, plot->figure->position_titles[i]);
        append_label(plot->out, "middle small", x, bottom + 33,
                     format_number(number, plot->figure->days[i], 0));
    }
    append_label(plot->out, "middle small", (PLOT_LEFT + PLOT_RIGHT) / 2.0, bottom + 50,
                 plot->even ? "Visit and its target day (not to scale)" : "Visit and its target day");
}

/* Draws the legend from left to right, wrapping; returns its height.  With `out` NULL it only measures. */
static double append_legend(const struct figure *figure, struct text *out)
{
    double x = PLOT_LEFT, y = 14;
    for (size_t s = 0; s < figure->series_count; s++) {
        double width = 46 + LEGEND_CHARACTER * (double)text_count_characters(figure->series[s].title) + 16;
        if (x > PLOT_LEFT && x + width > PLOT_RIGHT) {
            x = PLOT_LEFT;
            y += LEGEND_ROW;
        }
        if (out != NULL) {
            text_append(out, "<path class=\"mean\"");
            append_stroke(out, s);
            append_coordinate(out, " d=\"M", x, " ");
            append_coordinate(out, "", y, "h36\"/>");
            append_marker(out, s, x + 18, y);
            append_label(out, "start", x + 43, y + 4, figure->series[s].title);
        }
        x += width;
    }
    return y + LEGEND_ROW;
}

void figure_append_svg(struct text *out, const struct figure *figure)
{
    struct plot plot = {.out = out, .figure = figure, .axis = axis_of(figure)};
    plot.top = append_legend(figure, NULL) + 8;
    choose_dodge(&plot);
    text_append(out, "<svg role=\"img\" aria-labelledby=\"");
    text_append_format(out, "%s-title %s-desc\" viewBox=\"0 0 %d ", figure->id, figure->id, WIDTH);
    append_coordinate(out, "", plot.top + PLOT_HEIGHT + AXIS_BELOW, "\">");
    text_append_format(out, "<title id=\"%s-title\">", figure->id);
    text_append_html(out, figure->title);
    text_append_format(out, "</title><desc id=\"%s-desc\">", figure->id);
    text_append_html(out, figure->description);
    text_append(out, "</desc>\n");
    append_legend(figure, out);
    append_label(out, "end small", PLOT_RIGHT, plot.top - 4, figure->better);
    append_y_axis(&plot);
    append_x_axis(&plot);
    for (size_t s = 0; s < figure->series_count; s++)
        append_series(&plot, s);
    text_append(out, "</svg>\n");
}
