/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles: a thin line for each subject, the mean as a thick one, a panel for each cohort. */
#include "reports/figure_draw.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum { PROFILES_MOST = 100 };    /* of one panel: more are a grey area */

struct plot {
    struct text *out;
    const struct figure_profiles *profiles;
    struct draw_axis axis;
    double *x;
};

/* Every how many-th profile is drawn. */
static size_t step_of(const struct figure_profiles_panel *panel)
{
    size_t step = (panel->count + PROFILES_MOST - 1) / PROFILES_MOST;
    return step == 0 ? 1 : step;
}

bool figure_profiles_has_points(const struct figure_profiles *profiles)
{
    for (size_t p = 0; p < profiles->panel_count; p++)
        for (size_t i = 0; i < profiles->panels[p].count * profiles->position_count; i++)
            if (!isnan(profiles->panels[p].values[i]))
                return true;
    return false;
}

void figure_profiles_note(struct text *out, const struct figure_profiles *profiles)
{
    text_append(out, "Thin lines: subjects; a visit without a value is skipped. Thick line: mean. ");
    for (size_t p = 0; p < profiles->panel_count; p++) {
        const struct figure_profiles_panel *panel = &profiles->panels[p];
        size_t step = step_of(panel);
        if (step > 1)
            text_append_format(out, "%s: one of every %zu of %zu subjects is drawn. ", panel->title, step,
                               panel->count);
    }
}

/* The range of what is drawn; the means are of all subjects. */
static struct draw_axis axis_of(const struct figure_profiles *profiles)
{
    struct draw_range range = {INFINITY, -INFINITY};
    size_t width = profiles->position_count;
    for (size_t p = 0; p < profiles->panel_count; p++) {
        const struct figure_profiles_panel *panel = &profiles->panels[p];
        for (size_t s = 0; s < panel->count; s += step_of(panel))
            for (size_t i = 0; i < width; i++)
                draw_range_add(&range, panel->values[s * width + i]);
        for (size_t i = 0; i < width; i++)
            draw_range_add(&range, panel->means[i]);
    }
    return draw_range_axis(&range);
}

/* A subject with one value is a short stroke. */
static void append_profile(const struct plot *plot, const struct draw_scale *y, const double *values)
{
    size_t drawn = 0;
    for (size_t i = 0; i < plot->profiles->position_count; i++) {
        if (isnan(values[i]))
            continue;
        draw_number(plot->out, drawn++ == 0 ? "M" : "L", plot->x[i], " ");
        draw_number(plot->out, "", draw_at(y, values[i]), "");
    }
    if (drawn == 1)
        text_append(plot->out, "h2");
}

static void append_panel(const struct plot *plot, size_t index)
{
    const struct figure_profiles *profiles = plot->profiles;
    const struct figure_profiles_panel *panel = &profiles->panels[index];
    const struct draw_frame frame = draw_panel(index, profiles->panel_count);
    const struct draw_scale y = {plot->axis.from, plot->axis.to, frame.bottom, frame.top};
    const struct draw_visits visits = {.days = profiles->days, .titles = profiles->position_titles,
                                       .count = profiles->position_count, .margin = DRAW_PANEL_MARGIN};
    struct text *out = plot->out;
    char *title = memory_format(out, "%s (n = %zu)", panel->title, panel->count);
    draw_panel_title(out, &frame, title);
    draw_axis_left(out, &frame, &plot->axis, "", (double)NAN);
    draw_place_visits(&frame, &visits, plot->x);
    draw_axis_visits(out, &frame, &(struct draw_visits){.titles = visits.titles, .count = visits.count},
                     plot->x);
    text_append(out, "<path class=\"profile\" d=\"M0 0");
    for (size_t s = 0; s < panel->count; s += step_of(panel))
        append_profile(plot, &y, panel->values + s * profiles->position_count);
    text_append_format(out, "\"/><path class=\"thick\" stroke=\"%s\" d=\"M0 0", draw_colour(0));
    append_profile(plot, &y, panel->means);
    text_append(out, "\"/>");
    for (size_t i = 0; i < profiles->position_count; i++)
        if (!isnan(panel->means[i]))
            draw_marker(out, 0, plot->x[i], draw_at(&y, panel->means[i]));
}

void figure_profiles_draw(struct text *out, const struct figure *figure)
{
    const struct figure_profiles *profiles = &figure->as.profiles;
    void *owner = memory_owner(out, "figure");
    struct plot plot = {.out = out, .profiles = profiles, .axis = axis_of(profiles)};
    plot.x = memory_new_array(owner, double, profiles->position_count + 1);
    draw_begin(out, figure, 0, draw_panels_height(profiles->panel_count) + DRAW_PANELS_LINE);
    for (size_t i = 0; i < profiles->panel_count; i++)
        append_panel(&plot, i);
    draw_below_panels(out, profiles->panel_count, 0, profiles->y_title);
    draw_end(out);
    talloc_free(owner);
}
