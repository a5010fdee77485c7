/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/figure_draw.h"
#include "tests/support/figures.h"
#include "tests/support/markup.h"

enum { VISITS = 5, MOST_SERIES = 12 };
static const size_t most_points = (size_t)MOST_SERIES * VISITS;

static const double days[VISITS] = {1, 92, 184, 366, 731};
static const char *const visits[VISITS] = {"BL", "M3", "M6", "M12", "M24"};

/* A figure of `count` cohorts whose means lie apart; limits 2 either side. */
static struct figure *new_figure(const void *owner, size_t count)
{
    struct figure *figure = memory_new(owner, struct figure);
    struct figure_series *series = memory_new_array(figure, struct figure_series, count);
    for (size_t s = 0; s < count; s++) {
        struct figure_point *points = memory_new_array(figure, struct figure_point, VISITS);
        for (size_t i = 0; i < VISITS; i++) {
            double mean = 50 - 3.0 * (double)i - (double)s;
            points[i] = (struct figure_point){mean, mean - 2, mean + 2};
        }
        series[s] = (struct figure_series){memory_format(figure, "COHORT-%zu", s + 1), points};
    }
    *figure = (struct figure){
        .id = "f2",
        .number = "Figure 1",
        .title = "Pain",
        .description = "what is to be seen",
        .kind = FIGURE_LINES,
        .as.lines = {
            .y_title = "Mean",
            .better = "lower is better",
            .days = days,
            .position_titles = visits,
            .position_count = VISITS,
            .series = series,
            .series_count = count,
        },
    };
    return figure;
}

static void test_draw_choose_axis_covers_the_range_with_round_steps(void **state)
{
    (void)state;
    static const struct {
        double lo, hi, from, to, step;
        int decimals;
    } cases[] = {
        {27.3, 58.9, 25, 60, 5, 0},   {0, 100, 0, 100, 20, 0},      {-16.4, 0, -18, 0, 0, 0},
        {-0.31, 0.22, -0.4, 0.3, 0.1, 1}, {7, 7, 6, 8, 0.5, 1},     {1000, 9000, 1000, 9000, 1000, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct draw_axis axis = draw_choose_axis(cases[i].lo, cases[i].hi);
        assert_true(axis.from <= cases[i].lo && axis.to >= cases[i].hi);
        assert_true(lround((axis.to - axis.from) / axis.step) <= 8);
        if (cases[i].step > 0) {
            assert_true(fabs(axis.from - cases[i].from) < 1e-9 && fabs(axis.to - cases[i].to) < 1e-9);
            assert_true(fabs(axis.step - cases[i].step) < 1e-9);
            assert_int_equal(axis.decimals, cases[i].decimals);
        }
    }
}

static void test_figure_append_svg_has_title_description_and_every_series(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner);
    figure_append_svg(out, new_figure(owner, 3));
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "<title id=\"f2-title\">Pain</title>"), 1);
    assert_int_equal(markup_count(out->bytes, "<desc id=\"f2-desc\">what is to be seen</desc>"), 1);
    assert_int_equal(markup_count(out->bytes, "class=\"bar\""), 3 * VISITS);
    assert_int_equal(markup_count(out->bytes, "<circle "), VISITS + 1);      /* and one in the legend */
    assert_int_equal(markup_count(out->bytes, "stroke-dasharray="), 2 * 2);   /* the first line is solid */
    talloc_free(owner);
}

/* x of each error bar's stem, in the order in which they are drawn. */
static size_t read_stems(const char *svg, double *x, size_t room)
{
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, "class=\"bar\"")) != NULL && count < room; at++) {
        const char *end = strchr(at, '>'), *move = at;
        for (const char *c = at; c < end; c++)
            if (*c == 'M')
                move = c;
        x[count++] = strtod(move + 1, NULL);
    }
    return count;
}

static void test_figure_append_svg_of_six_cohorts_keeps_error_bars_apart(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner);
    figure_append_svg(out, new_figure(owner, DRAW_TOGETHER));
    double x[DRAW_TOGETHER * VISITS];
    size_t points = (size_t)DRAW_TOGETHER * VISITS;
    assert_int_equal(read_stems(out->bytes, x, points + 1), points);
    assert_int_equal(markup_count(out->bytes, "class=\"others\""), 0);
    for (size_t a = 0; a < points; a++) {
        assert_true(x[a] > 66 && x[a] < 744);
        for (size_t b = 0; b < a; b++)
            assert_true(fabs(x[a] - x[b]) >= 4.9);
    }
    talloc_free(owner);
}

static void test_figure_append_svg_of_twelve_cohorts_has_a_panel_for_each(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner), *note = text_new(owner);
    const struct figure *figure = new_figure(owner, MOST_SERIES);
    figure_append_svg(out, figure);
    figure_append_note(note, figure);
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "class=\"others\""), MOST_SERIES);
    assert_int_equal(markup_count(out->bytes, "class=\"start strong\""), MOST_SERIES);
    assert_non_null(strstr(note->bytes, "grey lines"));
    double x[MOST_SERIES * VISITS + 1];
    assert_int_equal(read_stems(out->bytes, x, most_points + 1), most_points);
    for (size_t i = 0; i < most_points; i++) {
        assert_true(x[i] > 30 && x[i] < 744);
        assert_true(i % VISITS == 0 || x[i] - x[i - 1] > 9); /* visits of one panel */
    }
    talloc_free(owner);
}

static void test_figure_append_svg_with_missing_points_skips_them(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct figure *figure = new_figure(owner, 1);
    struct figure_point *points = memory_new_array(owner, struct figure_point, VISITS);
    memcpy(points, figure->as.lines.series[0].points, VISITS * sizeof *points);
    points[2].mean = (double)NAN;
    points[3].lo = points[3].hi = (double)NAN;
    figure->as.lines.series = &(struct figure_series){"A", points};
    struct text *out = text_new(owner);
    figure_append_svg(out, figure);
    assert_int_equal(markup_count(out->bytes, "class=\"bar\""), VISITS - 2);
    assert_int_equal(markup_count(out->bytes, "<circle "), VISITS - 1 + 1);
    assert_null(strstr(out->bytes, "NE")); /* how a missing number would print */
    talloc_free(owner);
}

static void test_figure_has_points_of_nothing_is_false(void **state)
{
    (void)state;
    const struct figure_point nothing[VISITS] = {
        {(double)NAN, 0, 0}, {(double)NAN, 0, 0}, {(double)NAN, 0, 0},
        {(double)NAN, 0, 0}, {(double)NAN, 0, 0},
    };
    const struct figure_series series = {"A", nothing};
    const struct figure figure = {
        .as.lines = {.position_count = VISITS, .series = &series, .series_count = 1}};
    assert_false(figure_has_points(&figure));
}

static void test_figure_append_svg_escapes_titles(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct figure *figure = new_figure(owner, 1);
    figure->title = "a < b & \"c\"";
    figure->as.lines.series = &(struct figure_series){"<script>", figure->as.lines.series[0].points};
    struct text *out = text_new(owner);
    figure_append_svg(out, figure);
    markup_check(out->bytes);
    assert_null(strstr(out->bytes, "<script"));
    assert_non_null(strstr(out->bytes, "a &lt; b &amp; &quot;c&quot;"));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draw_choose_axis_covers_the_range_with_round_steps),
        cmocka_unit_test(test_figure_append_svg_has_title_description_and_every_series),
        cmocka_unit_test(test_figure_append_svg_of_six_cohorts_keeps_error_bars_apart),
        cmocka_unit_test(test_figure_append_svg_of_twelve_cohorts_has_a_panel_for_each),
        cmocka_unit_test(test_figure_append_svg_with_missing_points_skips_them),
        cmocka_unit_test(test_figure_has_points_of_nothing_is_false),
        cmocka_unit_test(test_figure_append_svg_escapes_titles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
