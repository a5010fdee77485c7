/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/figure.h"

#include <math.h>

#include "reports/figure_draw.h"

static bool has_steps(const struct figure_curves *curves)
{
    for (size_t c = 0; c < curves->curve_count; c++)
        if (curves->curves[c].step_count > 0)
            return true;
    return false;
}

bool figure_has_points(const struct figure *figure)
{
    switch (figure->kind) {
    case FIGURE_LINES: return figure_lines_has_points(&figure->as.lines);
    case FIGURE_CURVES: return has_steps(&figure->as.curves);
    case FIGURE_FOREST: return figure->as.forest.row_count > 0;
    case FIGURE_FLOW: return figure->as.flow.stage_count + figure->as.flow.column_count > 0;
    case FIGURE_BOXES: return figure_boxes_has_points(&figure->as.boxes);
    case FIGURE_PROFILES: return figure_profiles_has_points(&figure->as.profiles);
    case FIGURE_WATERFALL: return figure_waterfall_has_points(&figure->as.waterfall);
    case FIGURE_HISTOGRAM: return figure->as.histogram.series_count > 0 && figure->as.histogram.bin_count > 0;
    }
    return false;
}

void figure_append_svg(struct text *out, const struct figure *figure)
{
    static void (*const draw[])(struct text *, const struct figure *) = {
        [FIGURE_LINES] = figure_lines_draw,
        [FIGURE_CURVES] = figure_curves_draw,
        [FIGURE_FOREST] = figure_forest_draw,
        [FIGURE_FLOW] = figure_flow_draw,
        [FIGURE_BOXES] = figure_boxes_draw,
        [FIGURE_PROFILES] = figure_profiles_draw,
        [FIGURE_WATERFALL] = figure_waterfall_draw,
        [FIGURE_HISTOGRAM] = figure_histogram_draw,
    };
    draw[figure->kind](out, figure);
}

void figure_append_note(struct text *out, const struct figure *figure)
{
    switch (figure->kind) {
    case FIGURE_CURVES: figure_curves_note(out, &figure->as.curves); break;
    case FIGURE_FOREST: figure_forest_note(out, &figure->as.forest); break;
    case FIGURE_FLOW: figure_flow_note(out, &figure->as.flow); break;
    case FIGURE_BOXES: figure_boxes_note(out, &figure->as.boxes); break;
    case FIGURE_PROFILES: figure_profiles_note(out, &figure->as.profiles); break;
    case FIGURE_WATERFALL: figure_waterfall_note(out, &figure->as.waterfall); break;
    case FIGURE_LINES: figure_lines_note(out, &figure->as.lines); break;
    case FIGURE_HISTOGRAM: break;
    }
}
