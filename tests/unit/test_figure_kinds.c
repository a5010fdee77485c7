/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds for every kind of figure, with one cohort and with twelve, and what each kind alone promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/figure_draw.h"
#include "tests/support/figures.h"
#include "tests/support/markup.h"

enum { HUGE_COUNT = 100000, LARGEST_SVG = 300000, MOST_LABELS = 2000 };

static const size_t cohort_counts[] = {1, 2, 3, 7, 12};
enum { COUNTS = sizeof cohort_counts / sizeof *cohort_counts };

static const char *draw(const void *owner, const struct figure *figure)
{
    struct text *out = text_new(owner);
    figure_append_svg(out, figure);
    return out->bytes;
}

static const char *note_of(const void *owner, const struct figure *figure)
{
    struct text *out = text_new(owner);
    figure_append_note(out, figure);
    return out->bytes;
}

static void test_figure_append_svg_every_kind_is_sound_and_named(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < FIGURES_KINDS; kind++) {
        for (size_t i = 0; i < COUNTS; i++) {
            void *owner = memory_owner(NULL, "test");
            struct figure *figure = figures_new(owner, kind, cohort_counts[i], 60);
            assert_true(figure_has_points(figure));
            const char *svg = draw(owner, figure);
            markup_check(svg);
            size_t parts = markup_count(svg, "<svg ");
            assert_true(parts >= 1);
            assert_int_equal(markup_count(svg, ">Pain &lt;0-100&gt; &amp; more</title>"), parts);
            assert_int_equal(markup_count(svg, ">what is to be seen</desc>"), parts);
            assert_int_equal(markup_count(svg, "nan") + markup_count(svg, "inf"), 0);
            assert_int_equal(markup_count(svg, "NE\"") + markup_count(svg, "NE "),
                             0); /* a missing coordinate */
            talloc_free(owner);
        }
    }
}

/* --- labels --------------------------------------------------------------------------------------------- */

struct label {
    struct draw_frame frame;
    char text[80];
};

static double attribute(const char *tag, const char *name)
{
    const char *at = strstr(tag, name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

/* The label at `tag` ("<text class=..."), as wide as a font with other metrics may make it. */
static struct label read_label(const char *tag)
{
    struct label label;
    const char *close = strchr(tag, '>') + 1;
    size_t length = strcspn(close, "<");
    char *class = memory_copy_bytes(NULL, tag, (size_t)(close - tag));
    char *text = memory_copy_bytes(NULL, close, length);
    double size = strstr(class, "small") != NULL ? 11.5 : 12.5;
    double width = draw_text_width(text, strstr(class, "strong") != NULL ? size * 1.06 : size) / 1.05;
    double x = attribute(class, " x=\""), y = attribute(class, " y=\"");
    double left = strstr(class, "\"end") != NULL      ? x - width
                  : strstr(class, "\"middle") != NULL ? x - width / 2
                                                      : x;
    label.frame = (struct draw_frame){left, left + width, y - size * 0.72, y + size * 0.2};
    snprintf(label.text, sizeof label.text, "%s", text);
    talloc_free(class);
    talloc_free(text);
    return label;
}

static bool overlap(const struct draw_frame *a, const struct draw_frame *b)
{
    double slack = 0.2;
    return a->left + slack < b->right && b->left + slack < a->right && a->top + slack < b->bottom &&
           b->top + slack < a->bottom;
}

static void check_labels(const char *svg, const char *end, const char *what)
{
    static struct label labels[MOST_LABELS];
    size_t count = 0;
    double height = strtod(strstr(svg, "viewBox=\"0 0 760 ") + strlen("viewBox=\"0 0 760 "), NULL);
    for (const char *tag = svg; (tag = strstr(tag, "<text class=")) != NULL && tag < end; tag++) {
        if (strncmp(tag, "<text class=\"middle\" transform", 30) == 0)
            continue;            /* title of the axis, upright */
        assert_true(count < MOST_LABELS);
        labels[count] = read_label(tag);
        const struct draw_frame *frame = &labels[count].frame;
        if (frame->left < -0.5 || frame->right > DRAW_WIDTH + 0.5 || frame->top < 0 || frame->bottom > height)
            fail_msg("%s: \"%s\" leaves the drawing", what, labels[count].text);
        for (size_t i = 0; i < count; i++)
            if (overlap(frame, &labels[i].frame))
                fail_msg("%s: \"%s\" lies on \"%s\"", what, labels[count].text, labels[i].text);
        count++;
    }
    assert_true(count > 0);
}

static void test_figure_append_svg_labels_never_overlap(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < FIGURES_KINDS; kind++) {
        for (size_t i = 0; i < COUNTS; i++) {
            void *owner = memory_owner(NULL, "test");
            const char *svg = draw(owner, figures_new(owner, kind, cohort_counts[i], 90));
            char *what = memory_format(owner, "kind %zu, %zu cohorts", kind, cohort_counts[i]);
            for (const char *part = svg; (part = strstr(part, "<svg ")) != NULL; part++)
                check_labels(part, strstr(part, "</svg>"), what);
            talloc_free(owner);
        }
    }
}

static void test_draw_axis_visits_of_thirty_visits_leaves_titles_out(void **state)
{
    (void)state;
    enum { VISITS = 30 };
    void *owner = memory_owner(NULL, "test");
    double days[VISITS], x[VISITS];
    const char *titles[VISITS];
    for (size_t i = 0; i < VISITS; i++) {
        days[i] = 7.0 * (double)i + 1;
        titles[i] = memory_format(owner, "Week %zu", i);
    }
    const struct draw_frame frame = {DRAW_LEFT, DRAW_RIGHT, 0, 100};
    const struct draw_visits visits = {.days = days, .titles = titles, .count = VISITS, .margin = 10};
    struct text *out = text_new(owner);
    assert_true(draw_place_visits(&frame, &visits, x));
    draw_axis_visits(out, &frame, &visits, x);
    size_t shown = markup_count(out->bytes, ">Week ");
    assert_true(shown >= 5 && shown < VISITS);
    assert_int_equal(markup_count(out->bytes, "<line "), VISITS + 1);
    talloc_free(owner);
}

static void test_draw_wrap_breaks_at_blanks_and_keeps_every_word(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct draw_paragraph lines = draw_wrap(owner, "lost to follow-up: 3 of them", 90, 12);
    assert_true(lines.count >= 2);
    struct text *joined = text_new(owner);
    for (size_t i = 0; i < lines.count; i++) {
        assert_true(draw_text_width(lines.lines[i], 12) <= 90);
        text_append_format(joined, "%s%s", i > 0 ? " " : "", lines.lines[i]);
    }
    assert_string_equal(joined->bytes, "lost to follow-up: 3 of them");
    lines =
        draw_wrap(owner, "\xe8\x86\x9d\xe8\x86\x9d\xe8\x86\x9d\xe8\x86\x9d", 26, 12); /* no blank at all */
    assert_int_equal(lines.count, 2);
    for (size_t i = 0; i < lines.count; i++)
        assert_true(text_is_utf8(lines.lines[i], strlen(lines.lines[i])));
    talloc_free(owner);
}

static void test_draw_fit_ends_with_an_ellipsis_when_it_cuts(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_string_equal(draw_fit(owner, "short", 200, 12), "short");
    const char *cut = draw_fit(owner, "a title that is far too long for its place", 100, 12);
    assert_non_null(strstr(cut, "\xe2\x80\xa6"));
    assert_true(draw_text_width(cut, 12) <= 101);
    talloc_free(owner);
}

/* --- large ---------------------------------------------------------------------------------------------- */

static void test_figure_append_svg_of_100000_subjects_stays_small(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < FIGURES_KINDS; kind++) {
        void *owner = memory_owner(NULL, "test");
        const char *svg = draw(owner, figures_new(owner, kind, 3, HUGE_COUNT));
        if (strlen(svg) > LARGEST_SVG)
            fail_msg("kind %zu: %zu bytes", kind, strlen(svg));
        talloc_free(owner);
    }
}

static void test_figure_append_note_says_what_was_thinned(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const char *profiles = note_of(owner, figures_new(owner, FIGURE_PROFILES, 2, 1000));
    assert_non_null(strstr(profiles, "one of every 10 of 1000 subjects"));
    assert_null(strstr(note_of(owner, figures_new(owner, FIGURE_PROFILES, 2, 100)), "one of every"));
    assert_non_null(strstr(note_of(owner, figures_new(owner, FIGURE_WATERFALL, 2, 5000)), "even distances"));
    assert_null(strstr(note_of(owner, figures_new(owner, FIGURE_WATERFALL, 2, 50)), "even distances"));
    assert_non_null(strstr(note_of(owner, figures_new(owner, FIGURE_BOXES, 2, 5000)), "at most 60"));
    assert_null(strstr(note_of(owner, figures_new(owner, FIGURE_BOXES, 2, 50)), "at most 60"));
    talloc_free(owner);
}

/* Thinned or not, a curve ends where its last step does. */
static void test_draw_steps_thinned_keeps_beginning_and_end(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 10, HUGE_COUNT};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        void *owner = memory_owner(NULL, "test");
        struct figure_step *steps = memory_new_array(owner, struct figure_step, counts[i] + 1);
        steps[0] = (struct figure_step){0, 1, (double)NAN, (double)NAN};
        for (size_t k = 1; k <= counts[i]; k++)
            steps[k] = (struct figure_step){(double)k / (double)counts[i],
                                            1 - 0.5 * (double)k / (double)counts[i], 0, 0};
        const struct figure_curve curve = {.steps = steps, .step_count = counts[i] + 1, .end = 1.25};
        const struct draw_scale scales[2] = {{0, 1.25, 0, 500}, {0, 1, 100, 0}};
        struct text *out = text_new(owner);
        draw_steps(out, &curve, scales, DRAW_VALUE);
        assert_int_equal(strncmp(out->bytes, "M0 0", 4), 0);
        assert_non_null(strstr(out->bytes, "V50H500"));
        assert_true(out->length < 20000);
        talloc_free(owner);
    }
}

static void test_draw_steps_limits_begin_and_end_with_their_numbers(void **state)
{
    (void)state;
    const double none = (double)NAN;
    const struct figure_step steps[] = {
        {0, 1, none, none}, {10, 0.8, 0.6, 0.9}, {20, 0.5, 0.3, 0.7}, {30, 0, none, none}};
    const struct figure_curve curve = {.steps = steps, .step_count = 4, .end = 30};
    const struct draw_scale scales[2] = {{0, 40, 0, 400}, {0, 1, 100, 0}};
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner);
    draw_steps(out, &curve, scales, DRAW_LO);
    assert_string_equal(out->bytes, "M100 40H200V70H300");
    text_clear(out);
    draw_steps(out, &curve, scales, DRAW_VALUE);
    assert_string_equal(out->bytes, "M0 0H100V20H200V50H300V100H300");
    talloc_free(owner);
}

/* --- kinds ---------------------------------------------------------------------------------------------- */

static void test_figure_curves_have_numbers_at_risk_of_every_cohort(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const char *svg = draw(owner, figures_new(owner, FIGURE_CURVES, 6, 100));
    assert_int_equal(markup_count(svg, ">At risk<"), 1);
    assert_int_equal(markup_count(svg, ">99<"), 6);      /* of 100 at day 1 */
    assert_int_equal(markup_count(svg, "class=\"limit\""), 0);
    assert_non_null(strstr(note_of(owner, figures_new(owner, FIGURE_CURVES, 6, 100)), "in the table below"));
    assert_int_equal(markup_count(draw(owner, figures_new(owner, FIGURE_CURVES, 2, 100)), "class=\"limit\""),
                     4);
    talloc_free(owner);
}

static void test_figure_curves_and_boxes_of_twelve_cohorts_have_a_panel_each(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct figure *curves = figures_new(owner, FIGURE_CURVES, 12, 100);
    const char *svg = draw(owner, curves), *note = note_of(owner, curves);
    assert_int_equal(markup_count(svg, "class=\"others\""), 12);
    assert_int_equal(markup_count(svg, "class=\"start strong\""), 12);
    assert_int_equal(markup_count(svg, ">99<"), 12);     /* at risk of 100 at day 1 */
    assert_int_equal(markup_count(svg, "class=\"limit\""), 2 * 12);
    assert_non_null(strstr(note, "subjects at risk"));
    assert_null(strstr(note, "in the table below"));
    svg = draw(owner, figures_new(owner, FIGURE_BOXES, 12, 100));
    assert_int_equal(markup_count(svg, "class=\"start strong\""), 12);
    assert_int_equal(markup_count(svg, "class=\"quartiles\""),
                     markup_count(draw(owner, figures_new(owner, FIGURE_BOXES, 6, 100)), "class=\"quartiles\"") * 2);
    talloc_free(owner);
}

static void test_figure_forest_is_parted_and_tells_what_it_cannot_draw(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct figure *figure = figures_new(owner, FIGURE_FOREST, 12, 0);
    const char *svg = draw(owner, figure);
    assert_true(markup_count(svg, "<svg ") > 2);
    for (const char *part = svg; (part = strstr(part, "<svg ")) != NULL; part++) {
        double height = strtod(strstr(part, "viewBox=\"0 0 760 ") + strlen("viewBox=\"0 0 760 "), NULL);
        assert_true(height > 300 && height < 800);       /* about as long as each other */
    }
    assert_int_equal(markup_count(svg, ">All subjects<"), 11);
    assert_int_equal(markup_count(svg, "NE: no subject in one group"), 11);
    assert_int_equal(markup_count(svg, "class=\"point\""), 11 * 6);
    assert_int_equal(markup_count(svg, "class=\"band\""), markup_count(svg, "<svg "));
    assert_int_equal(markup_count(svg, "class=\"zero\""), markup_count(svg, "<svg "));
    assert_non_null(strstr(note_of(owner, figure), "-2 to 2"));
    talloc_free(owner);
}

static void test_figure_forest_of_ratios_has_a_logarithmic_axis(void **state)
{
    (void)state;
    const struct figure_forest_row rows[] = {
        {"", "half", NULL, "0.50", 0.5, 0.25, 1, false},
        {"", "twice", NULL, "2.00", 2, 1, 4, false},
        {"", "no event in either group", NULL, "NE", (double)NAN, (double)NAN, (double)NAN, false},
    };
    const struct figure figure = {
        .id = "f",
        .title = "t",
        .description = "d",
        .kind = FIGURE_FOREST,
        .as.forest = {.label_title = "Group",
                      .text_title = "Ratio",
                      .x_title = "Hazard ratio",
                      .left = "",
                      .right = "",
                      .no_effect = 1,
                      .margin_from = (double)NAN,
                      .margin_to = (double)NAN,
                      .logarithmic = true,
                      .rows = rows,
                      .row_count = 3},
    };
    void *owner = memory_owner(NULL, "test");
    const char *svg = draw(owner, &figure);
    markup_check(svg);
    double at[2];
    size_t count = 0;
    for (const char *point = svg; (point = strstr(point, "class=\"point\" d=\"M")) != NULL; point++) {
        assert_true(count < 2);
        at[count++] = strtod(point + strlen("class=\"point\" d=\"M"), NULL);
    }
    assert_int_equal(count, 2);
    double none = attribute(strstr(svg, "class=\"zero\""), " x1=\"");
    assert_true(fabs((at[0] + at[1]) / 2 - none) < 0.02);     /* a half and twice lie equally far from 1 */
    talloc_free(owner);
}

static void test_figure_flow_has_every_box_and_an_arrow_to_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNTS; i++) {
        void *owner = memory_owner(NULL, "test");
        const char *svg = draw(owner, figures_new(owner, FIGURE_FLOW, cohort_counts[i], 80));
        size_t columns = cohort_counts[i], boxes = FIGURES_VISITS + 1;
        assert_int_equal(markup_count(svg, "<svg "), (columns + 3) / 4);
        assert_int_equal(markup_count(svg, "class=\"box head\""), columns);
        assert_int_equal(markup_count(svg, "class=\"box\""), 3 + columns * boxes);
        assert_int_equal(markup_count(svg, ">Allocated (n = 80)<"), columns);
        size_t forked = (columns + (columns + 3) / 4 - 1) / ((columns + 3) / 4); /* of the first drawing */
        assert_int_equal(markup_count(svg, "class=\"arrow\""), 2 + forked + columns * boxes);
        talloc_free(owner);
    }
}

static void test_figure_waterfall_counts_the_bars_that_it_cuts(void **state)
{
    (void)state;
    static const double values[] = {250, 101, 99, 0, -20, -100, -120};
    const struct figure_waterfall_panel panel = {"A", values, 7};
    struct figure figure = {.id = "f", .title = "t", .description = "d", .kind = FIGURE_WATERFALL,
                            .as.waterfall = {"% change", -100, 100, (double)NAN, &panel, 1}};
    void *owner = memory_owner(NULL, "test");
    assert_non_null(strstr(note_of(owner, &figure), "3 bars are cut at -100 or 100."));
    const struct figure_waterfall_panel nobody = {"A", NULL, 0};
    figure.as.waterfall.panels = &nobody;
    assert_false(figure_has_points(&figure));
    talloc_free(owner);
}

static void test_figure_profiles_of_missing_values_have_nothing_to_draw(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct figure *figure = figures_new(owner, FIGURE_PROFILES, 1, 2);
    double *values = memory_new_array(owner, double, (size_t)2 * FIGURES_VISITS);
    for (size_t i = 0; i < (size_t)2 * FIGURES_VISITS; i++)
        values[i] = (double)NAN;
    struct figure_profiles_panel panel = {"A", values, 2, values};
    figure->as.profiles.panels = &panel;
    assert_false(figure_has_points(figure));
    values[3] = 7;
    assert_true(figure_has_points(figure));
    assert_non_null(strstr(draw(owner, figure), "h2\"/>"));   /* one value alone is a short stroke */
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figure_append_svg_every_kind_is_sound_and_named),
        cmocka_unit_test(test_figure_append_svg_labels_never_overlap),
        cmocka_unit_test(test_draw_axis_visits_of_thirty_visits_leaves_titles_out),
        cmocka_unit_test(test_draw_wrap_breaks_at_blanks_and_keeps_every_word),
        cmocka_unit_test(test_draw_fit_ends_with_an_ellipsis_when_it_cuts),
        cmocka_unit_test(test_figure_append_svg_of_100000_subjects_stays_small),
        cmocka_unit_test(test_figure_append_note_says_what_was_thinned),
        cmocka_unit_test(test_draw_steps_thinned_keeps_beginning_and_end),
        cmocka_unit_test(test_draw_steps_limits_begin_and_end_with_their_numbers),
        cmocka_unit_test(test_figure_curves_have_numbers_at_risk_of_every_cohort),
        cmocka_unit_test(test_figure_curves_and_boxes_of_twelve_cohorts_have_a_panel_each),
        cmocka_unit_test(test_figure_forest_is_parted_and_tells_what_it_cannot_draw),
        cmocka_unit_test(test_figure_forest_of_ratios_has_a_logarithmic_axis),
        cmocka_unit_test(test_figure_flow_has_every_box_and_an_arrow_to_it),
        cmocka_unit_test(test_figure_waterfall_counts_the_bars_that_it_cuts),
        cmocka_unit_test(test_figure_profiles_of_missing_values_have_nothing_to_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
