/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CONSORT flow diagram: stages one below the other with those who leave beside them, then a column for each
 * cohort. More columns than fit beside each other go into further drawings.
 */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"

enum {
    COLUMNS_MOST = 4,            /* beside each other */
    EDGE = 4,
    GAP = 14,                    /* between columns */
    ARROW = 24,                  /* between boxes */
    PAD = 7,
    LINE = 15,
    STAGE_WIDTH = 250,
    ASIDE_WIDTH = 250
};

/* A box with its texts broken into lines. */
struct laid {
    struct draw_paragraph title;
    struct draw_paragraph *lines;
    size_t line_count;
    double height;
};

static struct laid lay(const void *owner, const struct figure_flow_box *box, double width)
{
    struct laid laid = {.title = draw_wrap(owner, box->title, width - 2 * PAD, DRAW_LABEL)};
    laid.lines = memory_new_array(owner, struct draw_paragraph, box->line_count + 1);
    laid.line_count = box->line_count;
    size_t count = laid.title.count;
    for (size_t i = 0; i < box->line_count; i++) {
        laid.lines[i] = draw_wrap(owner, box->lines[i], width - 2 * PAD, DRAW_SMALL);
        count += laid.lines[i].count;
    }
    laid.height = (double)count * LINE + 2 * PAD;
    return laid;
}

/* Returns the y of the line after them. */
static double append_lines(struct text *out, const char *class, const struct draw_paragraph *lines,
                           const double at[2])
{
    for (size_t i = 0; i < lines->count; i++)
        draw_label(out, class, at[0], at[1] + LINE * (double)i, lines->lines[i]);
    return at[1] + LINE * (double)lines->count;
}

static void append_box(struct text *out, const char *class, const struct laid *laid,
                       const struct draw_frame *frame)
{
    draw_rectangle(out, class, frame);
    double x = frame->left + PAD,
           y = append_lines(out, "start strong", &laid->title, (double[]){x, frame->top + PAD + 11});
    for (size_t i = 0; i < laid->line_count; i++)
        y = append_lines(out, "start small", &laid->lines[i], (double[]){x, y});
}

/* From `from` straight to `to`, with a head at its end. */
static void append_arrow(struct text *out, const double from[2], const double to[2])
{
    bool down = to[1] > from[1];
    draw_number(out, "<path class=\"arrow\" d=\"M", from[0], " ");
    draw_number(out, "", from[1], "");
    draw_number(out, "L", to[0], " ");
    draw_number(out, "", to[1], "\"/>");
    draw_number(out, "<path class=\"point\" d=\"M", to[0], " ");
    draw_number(out, "", to[1], down ? "l-4-7h8z\"/>" : "l-7-4v8z\"/>");
}

/* The stages from `top` on; returns the y below the last one. */
static double append_stages(struct text *out, const void *owner, const struct figure_flow *flow)
{
    double left = (DRAW_WIDTH - STAGE_WIDTH) / 2.0, middle = DRAW_WIDTH / 2.0, y = EDGE;
    for (size_t i = 0; i < flow->stage_count; i++) {
        const struct figure_flow_stage *stage = &flow->stages[i];
        struct laid laid = lay(owner, &stage->box, STAGE_WIDTH);
        append_box(out, "box", &laid, &(struct draw_frame){left, left + STAGE_WIDTH, y, y + laid.height});
        y += laid.height;
        double next = y + ARROW;
        if (stage->aside.title != NULL) {
            struct laid aside = lay(owner, &stage->aside, ASIDE_WIDTH);
            double from = DRAW_WIDTH - EDGE - ASIDE_WIDTH, beside = y + GAP + aside.height / 2;
            append_box(out, "box", &aside,
                       &(struct draw_frame){from, DRAW_WIDTH - EDGE, y + GAP, y + GAP + aside.height});
            append_arrow(out, (double[]){middle, beside}, (double[]){from, beside});
            next = y + GAP + aside.height + GAP;
        }
        if (i + 1 < flow->stage_count)
            append_arrow(out, (double[]){middle, y}, (double[]){middle, next});
        else if (flow->column_count > 0)
            draw_line(out, "axis", (double[]){middle, y}, (double[]){middle, next});
        y = next;
    }
    return y;
}

/* Columns `first` .. of one drawing. */
struct band {
    size_t first, count;
    double width;                /* of a column */
    double top;
    double from;                 /* left edge of the first column */
};

static double column_left(const struct band *band, size_t column)
{
    return band->from + (band->width + GAP) * (double)column;
}

/* A line across all columns and an arrow down to each. */
static void append_fork(struct text *out, const struct band *band, double y)
{
    double half = band->width / 2;
    draw_line(out, "axis", (double[]){column_left(band, 0) + half, y},
              (double[]){column_left(band, band->count - 1) + half, y});
    for (size_t c = 0; c < band->count; c++) {
        double x = column_left(band, c) + half;
        append_arrow(out, (double[]){x, y}, (double[]){x, band->top});
    }
}

static double append_titles(struct text *out, const void *owner, const struct figure_flow *flow,
                            const struct band *band)
{
    struct laid *laid = memory_new_array(owner, struct laid, band->count);
    double tallest = 0;
    for (size_t c = 0; c < band->count; c++) {
        laid[c] =
            lay(owner, &(struct figure_flow_box){flow->columns[band->first + c].title, NULL, 0}, band->width);
        tallest = fmax(tallest, laid[c].height);
    }
    for (size_t c = 0; c < band->count; c++) {
        double left = column_left(band, c);
        const struct draw_frame frame = {left, left + band->width, band->top, band->top + tallest};
        append_box(out, "box head", &laid[c], &frame);
    }
    return band->top + tallest;
}

/* Box `index` of every column, at the same height; returns the y below them. */
static double append_boxes(struct text *out, const void *owner, const struct figure_flow *flow,
                           const struct band *band, size_t index)
{
    struct laid *laid = memory_new_array(owner, struct laid, band->count);
    double tallest = 0, top = band->top + ARROW;
    for (size_t c = 0; c < band->count; c++) {
        laid[c] = lay(owner, &flow->columns[band->first + c].boxes[index], band->width);
        tallest = fmax(tallest, laid[c].height);
    }
    for (size_t c = 0; c < band->count; c++) {
        double left = column_left(band, c), x = left + band->width / 2;
        append_arrow(out, (double[]){x, band->top}, (double[]){x, top});
        append_box(out, "box", &laid[c], &(struct draw_frame){left, left + band->width, top, top + tallest});
    }
    return top + tallest;
}

static double append_band(struct text *out, const void *owner, const struct figure_flow *flow,
                          struct band *band)
{
    band->top = append_titles(out, owner, flow, band);
    for (size_t i = 0; i < flow->box_count; i++)
        band->top = append_boxes(out, owner, flow, band, i);
    return band->top + EDGE;
}

/* As equal as can be: 5 columns are 3 and 2. */
static size_t columns_of_part(size_t left)
{
    size_t parts = (left + COLUMNS_MOST - 1) / COLUMNS_MOST;
    return parts == 0 ? 0 : (left + parts - 1) / parts;
}

static double append_part(struct text *out, const void *owner, const struct figure_flow *flow, size_t first)
{
    size_t count = columns_of_part(flow->column_count - first);
    size_t widest = columns_of_part(flow->column_count);
    double width =
        ((double)DRAW_WIDTH - 2 * EDGE - GAP * ((double)widest - 1)) / (double)(widest == 0 ? 1 : widest);
    struct band band = {.first = first, .count = count, .width = fmin(width, 300), .top = EDGE};
    band.from = (DRAW_WIDTH - band.width * (double)count - GAP * ((double)count - 1)) / 2;
    if (first == 0) {
        double fork = append_stages(out, owner, flow);
        if (count == 0)
            return fork;
        band.top = fork + (flow->stage_count > 0 ? ARROW : 0);
        if (flow->stage_count > 0)
            append_fork(out, &band, fork);
    }
    return append_band(out, owner, flow, &band);
}

void figure_flow_note(struct text *out, const struct figure_flow *flow)
{
    if (flow->column_count > COLUMNS_MOST)
        text_append(out, "The columns of the other cohorts follow in the next drawings. ");
}

void figure_flow_draw(struct text *out, const struct figure *figure)
{
    const struct figure_flow *flow = &figure->as.flow;
    size_t part = 0, first = 0;
    do {
        struct text *inside = text_new(out);
        double height = append_part(inside, inside, flow, first);
        draw_begin(out, figure, part++, height);
        text_append_bytes(out, inside->bytes, inside->length);
        draw_end(out);
        talloc_free(inside);
        first += columns_of_part(flow->column_count - first);
    } while (first < flow->column_count);
}
