/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waterfall: a bar for each subject, as tall as its value; a panel for each cohort. */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/format.h"

static const double narrowest = 0.5;   /* bar that can be seen */

bool figure_waterfall_has_points(const struct figure_waterfall *waterfall)
{
    for (size_t p = 0; p < waterfall->panel_count; p++)
        if (waterfall->panels[p].count > 0)
            return true;
    return false;
}

/* Bars of one panel that are drawn: no more than can be seen. */
static size_t count_bars(const struct figure_waterfall *waterfall, size_t index)
{
    const struct draw_frame frame = draw_panel(index, waterfall->panel_count);
    size_t most = (size_t)((frame.right - frame.left) / narrowest);
    size_t count = waterfall->panels[index].count;
    return count < most ? count : most;
}

void figure_waterfall_note(struct text *out, const struct figure_waterfall *waterfall)
{
    size_t cut = 0;
    bool thinned = false;
    char from[FORMAT_SIZE], to[FORMAT_SIZE];
    for (size_t p = 0; p < waterfall->panel_count; p++) {
        const struct figure_waterfall_panel *panel = &waterfall->panels[p];
        for (size_t i = 0; i < panel->count; i++)
            cut += panel->values[i] < waterfall->y_from || panel->values[i] > waterfall->y_to ? 1 : 0;
        thinned = thinned || count_bars(waterfall, p) < panel->count;
    }
    text_append(out, "One bar for each subject, sorted. ");
    if (!isnan(waterfall->threshold))
        text_append_format(out, "Dashed: %s. ", format_exact(from, waterfall->threshold));
    if (cut > 0)
        text_append_format(out, "%zu bars are cut at %s or %s. ", cut, format_exact(from, waterfall->y_from),
                           format_exact(to, waterfall->y_to));
    if (thinned)
        text_append(
            out, "Where there are more subjects than bars that can be seen, bars stand for subjects at even "
                 "distances in that order. ");
}

/* One outline around all bars: each is a step. */
static void append_bars(struct text *out, const struct figure_waterfall *waterfall, size_t index,
                        const struct draw_scale *y)
{
    const struct figure_waterfall_panel *panel = &waterfall->panels[index];
    const struct draw_frame frame = draw_panel(index, waterfall->panel_count);
    size_t bars = count_bars(waterfall, index);
    double width = (frame.right - frame.left) / (double)bars, zero = draw_at(y, 0);
    /* With room between bars each stands alone; otherwise they touch. */
    double gap = width >= 3 ? fmin(width / 4, 6) : 0;
    text_append(out, "<path class=\"area\" d=\"");
    draw_number(out, "M", frame.left, " ");
    draw_number(out, "", zero, "");
    for (size_t i = 0; i < bars; i++) {
        size_t subject = bars == panel->count ? i : (size_t)((double)i / (double)bars * (double)panel->count);
        double value = fmax(waterfall->y_from, fmin(waterfall->y_to, panel->values[subject]));
        double x = frame.left + width * (double)i;
        if (gap > 0) {
            draw_number(out, "V", zero, "");
            draw_number(out, "H", x + gap / 2, "");
        }
        draw_number(out, "V", draw_at(y, value), "");
        draw_number(out, "H", x + width - gap / 2, "");
    }
    draw_number(out, "V", zero, "z\"/>");
}

static void append_panel(struct text *out, const struct figure_waterfall *waterfall, size_t index,
                         const struct draw_axis *axis)
{
    const struct figure_waterfall_panel *panel = &waterfall->panels[index];
    const struct draw_frame frame = draw_panel(index, waterfall->panel_count);
    const struct draw_scale y = {axis->from, axis->to, frame.bottom, frame.top};
    char *title = memory_format(out, "%s (n = %zu)", panel->title, panel->count);
    draw_label(out, "start strong", frame.left, frame.top - 9,
               draw_fit(out, title, frame.right - frame.left, DRAW_LABEL));
    draw_axis_left(out, &frame, axis, "", 0);
    if (panel->count > 0)
        append_bars(out, waterfall, index, &y);
    else
        draw_label(out, "middle small", (frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2,
                   "no subject");
    if (!isnan(waterfall->threshold)) {
        double at = draw_at(&y, waterfall->threshold);
        draw_line(out, "threshold", (double[]){frame.left, at}, (double[]){frame.right, at});
    }
    draw_label(out, "middle small", (frame.left + frame.right) / 2, frame.bottom + 18, "subjects, sorted");
}

void figure_waterfall_draw(struct text *out, const struct figure *figure)
{
    const struct figure_waterfall *waterfall = &figure->as.waterfall;
    struct draw_range range = {fmin(0, waterfall->y_from), fmax(0, waterfall->y_to)};
    struct draw_axis axis = draw_range_axis(&range);
    double height = draw_panels_height(waterfall->panel_count);
    draw_begin(out, figure, 0, height + 6);
    for (size_t i = 0; i < waterfall->panel_count; i++)
        append_panel(out, waterfall, i, &axis);
    draw_label(out, "start small", 4, height, waterfall->y_title);
    draw_end(out);
}
