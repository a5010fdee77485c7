/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forest plot: a row for each estimate, its texts on both sides, several drawings when it is long. */
#include "reports/figure_draw.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum {
    ROW = 22,
    HEAD = 26,
    AXIS_BELOW = 62,
    ROWS_MOST = 28,              /* of one drawing: a page in print */
    PLOT_NARROWEST = 220,
    LABEL_WIDEST = 230,
    CELL_WIDEST = 90,
    GAP = 14
};

/* Where columns stand; the same in all parts of one figure. */
struct plot {
    struct text *out;
    const struct figure_forest *forest;
    struct draw_axis axis;       /* of the logarithm when logarithmic */
    struct draw_scale x;
    double *cell_ends;           /* right edges */
    double label_width;
    double text_from, text_width;
    double y;                    /* of the row at hand */
};

static double on_axis(const struct figure_forest *forest, double value)
{
    return forest->logarithmic ? log10(value) : value;
}

static bool is_drawn(const struct figure_forest *forest, const struct figure_forest_row *row)
{
    return isfinite(row->estimate) && (!forest->logarithmic || row->estimate > 0);
}

static bool is_limit(const struct figure_forest *forest, double limit)
{
    return !isnan(limit) && (!forest->logarithmic || limit > 0);
}

/*
 * Limits that are far wider than the estimates are would squeeze the other rows: the axis ends at three times
 * the distance of the farthest estimate, at least; what goes beyond ends with an arrow.
 */
static struct draw_axis axis_of(const struct figure_forest *forest)
{
    struct draw_range estimates = {INFINITY, -INFINITY}, all;
    draw_range_add(&estimates, on_axis(forest, forest->no_effect));
    if (!isnan(forest->margin_from) && !isnan(forest->margin_to)) {
        draw_range_add(&estimates, on_axis(forest, forest->margin_from));
        draw_range_add(&estimates, on_axis(forest, forest->margin_to));
    }
    for (size_t r = 0; r < forest->row_count; r++)
        if (is_drawn(forest, &forest->rows[r]))
            draw_range_add(&estimates, on_axis(forest, forest->rows[r].estimate));
    double room = fmax(3 * (estimates.hi - estimates.lo), forest->logarithmic ? 0.5 : 1e-6);
    all = estimates;
    for (size_t r = 0; r < forest->row_count; r++) {
        const struct figure_forest_row *row = &forest->rows[r];
        if (is_drawn(forest, row) && is_limit(forest, row->lo))
            draw_range_add(&all, fmax(on_axis(forest, row->lo), estimates.lo - room));
        if (is_drawn(forest, row) && is_limit(forest, row->hi))
            draw_range_add(&all, fmin(on_axis(forest, row->hi), estimates.hi + room));
    }
    return draw_range_axis(&all);
}

static double column_width(const struct figure_forest *forest, size_t cell)
{
    double widest = draw_text_width(forest->cell_titles[cell], DRAW_SMALL);
    for (size_t r = 0; r < forest->row_count; r++)
        widest = fmax(widest, draw_text_width(forest->rows[r].cells[cell], DRAW_SMALL));
    return fmin(widest, CELL_WIDEST);
}

static void place_columns(struct plot *plot, const void *owner)
{
    const struct figure_forest *forest = plot->forest;
    double label = draw_text_width(forest->label_title, DRAW_LABEL);
    double text = draw_text_width(forest->text_title, DRAW_SMALL);
    for (size_t r = 0; r < forest->row_count; r++) {
        const struct figure_forest_row *row = &forest->rows[r];
        label = fmax(label, draw_text_width(row->label, DRAW_LABEL) + (row->group[0] != '\0' ? GAP : 0));
        text = fmax(text, draw_text_width(row->text, DRAW_SMALL));
    }
    double cells = 0;
    plot->cell_ends = memory_new_array(owner, double, forest->cell_count + 1);
    for (size_t c = 0; c < forest->cell_count; c++) {
        cells += column_width(forest, c) + GAP;
        plot->cell_ends[c] = cells;
    }
    /* What is left beside a drawing that can be read is for the texts. */
    double room = DRAW_WIDTH - PLOT_NARROWEST - cells - 4 * GAP;
    plot->text_width = fmin(text, room - fmin(label, LABEL_WIDEST));
    plot->label_width = fmin(label, room - plot->text_width);
    for (size_t c = 0; c < forest->cell_count; c++)
        plot->cell_ends[c] += 4 + plot->label_width;
    plot->text_from = DRAW_WIDTH - 4 - plot->text_width;
    plot->x = (struct draw_scale){plot->axis.from, plot->axis.to, 4 + plot->label_width + cells + 2 * GAP,
                                  plot->text_from - GAP};
}

/* The line of limits ends with an arrow where it leaves the axis; with a small cap where it does not. */
static void append_end(const struct plot *plot, double at, double direction, bool beyond)
{
    struct text *out = plot->out;
    if (!beyond) {
        draw_number(out, "M", at, " ");
        draw_number(out, "", plot->y - 3, "v6");
        return;
    }
    draw_number(out, "M", at - 5 * direction, " ");
    draw_number(out, "", plot->y - 4, "");
    draw_number(out, "L", at, " ");
    draw_number(out, "", plot->y, "");
    draw_number(out, "L", at - 5 * direction, " ");
    draw_number(out, "", plot->y + 4, "");
}

/* Value as a coordinate within the axis; whether it lies beyond. */
static double inside(const struct plot *plot, double value, bool *beyond)
{
    double at = on_axis(plot->forest, value);
    double tiny = 1e-9 * (plot->axis.to - plot->axis.from);
    *beyond = !(at >= plot->axis.from - tiny && at <= plot->axis.to + tiny);
    return draw_at(&plot->x, fmax(plot->axis.from, fmin(plot->axis.to, at)));
}

static void append_estimate(const struct plot *plot, const struct figure_forest_row *row)
{
    const struct figure_forest *forest = plot->forest;
    struct text *out = plot->out;
    if (!is_drawn(forest, row))
        return;
    bool beyond;
    double at = inside(plot, row->estimate, &beyond);
    if (!isnan(row->lo) && !isnan(row->hi)) {
        bool below = true, above = true;
        double lo = is_limit(forest, row->lo) ? inside(plot, row->lo, &below) : plot->x.at_from;
        double hi = is_limit(forest, row->hi) ? inside(plot, row->hi, &above) : plot->x.at_to;
        draw_number(out, "<path class=\"bar dark\" d=\"M", lo, " ");
        draw_number(out, "", plot->y, "");
        draw_number(out, "H", hi, "");
        append_end(plot, lo, -1, below);
        append_end(plot, hi, 1, above);
        text_append(out, "\"/>");
    }
    draw_number(out, "<path class=\"point\" d=\"M", at, " ");
    draw_number(out, "", plot->y, row->overall ? "m0-6l9 6-9 6-9-6z\"/>" : "m-4.5-4.5h9v9h-9z\"/>");
}

static void append_row(const struct plot *plot, const struct figure_forest_row *row)
{
    struct text *out = plot->out;
    double indent = row->group[0] != '\0' ? GAP : 0, base = plot->y + 4;
    draw_label(out, row->overall ? "start strong" : "start", 4 + indent, base,
               draw_fit(out, row->label, plot->label_width - indent, DRAW_LABEL));
    for (size_t c = 0; c < plot->forest->cell_count; c++)
        draw_label(out, "end small", plot->cell_ends[c], base,
                   draw_fit(out, row->cells[c], CELL_WIDEST, DRAW_SMALL));
    append_estimate(plot, row);
    draw_label(out, "start small", plot->text_from, base,
               draw_fit(out, row->text, plot->text_width + 1, DRAW_SMALL));
}

static void append_head(const struct plot *plot)
{
    const struct figure_forest *forest = plot->forest;
    draw_label(plot->out, "start strong", 4, 17,
               draw_fit(plot->out, forest->label_title, plot->label_width, DRAW_LABEL));
    for (size_t c = 0; c < forest->cell_count; c++)
        draw_label(plot->out, "end small", plot->cell_ends[c], 17,
                   draw_fit(plot->out, forest->cell_titles[c], CELL_WIDEST, DRAW_SMALL));
    draw_label(plot->out, "start small", plot->text_from, 17,
               draw_fit(plot->out, forest->text_title, plot->text_width + 1, DRAW_SMALL));
    draw_line(plot->out, "axis", (double[]){4, HEAD}, (double[]){DRAW_WIDTH - 4, HEAD});
}

/* 1, 2, 5, 10, ... of a logarithmic axis as they have room, round numbers of the other. */
static void append_tick(const struct plot *plot, double value, double bottom, double *free_from)
{
    char number[FORMAT_SIZE];
    double at = on_axis(plot->forest, value), x = draw_at(&plot->x, at);
    if (at < plot->axis.from - 1e-9 || at > plot->axis.to + 1e-9)
        return;
    if (plot->forest->logarithmic)
        format_exact(number, value);
    else
        format_number(number, value, plot->axis.decimals);
    double width = draw_text_width(number, DRAW_SMALL);
    if (x - width / 2 < *free_from)
        return;
    *free_from = x + width / 2 + 5;
    draw_line(plot->out, "axis", (double[]){x, bottom}, (double[]){x, bottom + 5});
    draw_label(plot->out, "middle small", x, bottom + 18, number);
}

static void append_ticks(const struct plot *plot, double bottom)
{
    static const double digits[] = {1, 2, 5};
    double free_from = -INFINITY;
    if (plot->forest->logarithmic) {
        for (int power = (int)floor(plot->axis.from); power <= (int)ceil(plot->axis.to); power++)
            for (size_t i = 0; i < 3; i++)
                append_tick(plot, digits[i] * pow(10, power), bottom, &free_from);
        return;
    }
    long steps = lround((plot->axis.to - plot->axis.from) / plot->axis.step);
    for (long i = 0; i <= steps; i++)
        append_tick(plot, plot->axis.from + (double)i * plot->axis.step, bottom, &free_from);
}

static void append_scale(const struct plot *plot, double bottom)
{
    const struct figure_forest *forest = plot->forest;
    struct text *out = plot->out;
    double left = plot->x.at_from, right = plot->x.at_to,
           none = draw_at(&plot->x, on_axis(forest, forest->no_effect));
    draw_line(out, "axis", (double[]){left, bottom}, (double[]){right, bottom});
    append_ticks(plot, bottom);
    double half = (right - left) / 2 - 4;
    char *towards_left = memory_format(out, "\xe2\x86\x90 %s", forest->left);
    char *towards_right = memory_format(out, "%s \xe2\x86\x92", forest->right);
    if (forest->left[0] != '\0')
        draw_label(out, "start small", left, bottom + 36, draw_fit(out, towards_left, half, DRAW_SMALL));
    if (forest->right[0] != '\0')
        draw_label(out, "end small", right, bottom + 36, draw_fit(out, towards_right, half, DRAW_SMALL));
    double reach = 2 * fmin((left + right) / 2 - 4, DRAW_WIDTH - 4 - (left + right) / 2);
    draw_label(out, "middle small", (left + right) / 2, bottom + 53,
               draw_fit(out, forest->x_title, reach, DRAW_SMALL));
    draw_line(out, "zero", (double[]){none, HEAD}, (double[]){none, bottom});
}

static void append_margin(const struct plot *plot, double bottom)
{
    const struct figure_forest *forest = plot->forest;
    if (isnan(forest->margin_from) || isnan(forest->margin_to))
        return;
    bool beyond;
    draw_rectangle(plot->out, "band",
                   &(struct draw_frame){inside(plot, forest->margin_from, &beyond),
                                        inside(plot, forest->margin_to, &beyond), HEAD, bottom});
}

/* Heading of `row` when it is another one than `group`, in lines left of the drawing; no lines otherwise. */
static struct draw_paragraph heading_of(const struct plot *plot, const struct figure_forest_row *row,
                                        const char *group)
{
    if (row->group[0] == '\0' || strcmp(row->group, group) == 0)
        return (struct draw_paragraph){NULL, 0};
    return draw_wrap(plot->cell_ends, row->group, plot->x.at_from - 16, DRAW_LABEL);
}

/* Rows from `first` that one drawing of at most `most` lines takes, and its height; a heading is repeated. */
static size_t take_rows(const struct plot *plot, size_t first, size_t most, double *height)
{
    const struct figure_forest *forest = plot->forest;
    const char *group = "";
    size_t lines = 0, row = first;
    for (; row < forest->row_count; row++) {
        size_t needs = 1 + heading_of(plot, &forest->rows[row], group).count;
        if (row > first && lines + needs > most)
            break;
        lines += needs;
        group = forest->rows[row].group;
    }
    *height = (double)lines * ROW;
    return row - first;
}

static size_t count_parts(const struct plot *plot, size_t most)
{
    size_t parts = 0;
    double height;
    for (size_t first = 0; first < plot->forest->row_count; parts++)
        first += take_rows(plot, first, most, &height);
    return parts;
}

/* Fewest lines of a drawing that do not make for more drawings: all are about as long, none has one row. */
static size_t lines_of_part(const struct plot *plot)
{
    size_t most = ROWS_MOST, parts = count_parts(plot, most);
    while (parts > 1 && most > 1 && count_parts(plot, most - 1) == parts)
        most--;
    return most;
}

static void append_part(struct plot *plot, size_t first, size_t count)
{
    const char *group = "";
    plot->y = HEAD + ROW / 2.0 + 2;
    for (size_t r = first; r < first + count; r++) {
        const struct figure_forest_row *row = &plot->forest->rows[r];
        struct draw_paragraph heading = heading_of(plot, row, group);
        for (size_t i = 0; i < heading.count; i++) {
            draw_label(plot->out, "start strong", 4, plot->y + 4, heading.lines[i]);
            plot->y += ROW;
        }
        group = row->group;
        append_row(plot, row);
        plot->y += ROW;
    }
}

void figure_forest_draw(struct text *out, const struct figure *figure)
{
    void *owner = memory_owner(out, "figure");
    struct plot plot = {.out = out, .forest = &figure->as.forest, .axis = axis_of(&figure->as.forest)};
    place_columns(&plot, owner);
    size_t part = 0, most = lines_of_part(&plot);
    for (size_t first = 0; first < plot.forest->row_count;) {
        double height;
        size_t count = take_rows(&plot, first, most, &height);
        double bottom = HEAD + height + 6;
        draw_begin(out, figure, part++, bottom + AXIS_BELOW);
        append_margin(&plot, bottom);
        append_head(&plot);
        append_scale(&plot, bottom);
        append_part(&plot, first, count);
        draw_end(out);
        first += count;
    }
    talloc_free(owner);
}

void figure_forest_note(struct text *out, const struct figure_forest *forest)
{
    if (!isnan(forest->margin_from) && !isnan(forest->margin_to)) {
        char from[FORMAT_SIZE], to[FORMAT_SIZE];
        text_append_format(out, "Shaded: margin of equivalence, %s to %s. ",
                           format_exact(from, forest->margin_from), format_exact(to, forest->margin_to));
    }
    text_append(out, "Upright line: no effect. An arrow: the limit lies beyond the axis. ");
    if (forest->row_count > ROWS_MOST)
        text_append(out, "The rows go on in the next drawing, on the same axis. ");
}
