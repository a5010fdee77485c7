/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reports/stat_root.h"

static double cubic(double x, const void *context)
{
    return x * x * x - *(const double *)context;
}

static double flat(double x, const void *context)
{
    (void)context;
    return pow(x, 19) * exp(-x * x);
}

static double step(double x, const void *context)
{
    return x < *(const double *)context ? -1 : 1;
}

static double steep(double x, const void *context)
{
    return 1 / (x - 2) - *(const double *)context;
}

static double none(double x, const void *context)
{
    (void)x;
    (void)context;
    return (double)NAN;
}

struct counted {
    double target;
    int *calls;
};

static double counted_cosine(double x, const void *context)
{
    const struct counted *counted = context;
    (*counted->calls)++;
    return cos(x) - counted->target;
}

static void test_stat_root_functions_of_many_shapes_give_their_root(void **state)
{
    (void)state;
    const struct {
        stat_function *f;
        double parameter, a, b, root;
    } cases[] = {
        {cubic, 8, 0, 100, 2},        {cubic, 8, 100, 0, 2},      {cubic, -27, -1e6, 1e3, -3},
        {cubic, 1e-12, 0, 1, 1e-4},   {flat, 0, -1, 4, 0},        {step, 0.3, 0, 1, 0.3},
        {steep, 1e6, 2.0000001, 3, 2.000001},                     {cubic, 8, 2, 5, 2},
        {cubic, 8, 0, 2, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double root = stat_root(cases[i].f, &cases[i].parameter, cases[i].a, cases[i].b, 0);
        /* A root of order 19 is only as exact as its function differs from 0. */
        double tolerance = cases[i].f == flat ? 1e-10 : 4e-15 * (1 + fabs(cases[i].root));
        if (!(fabs(root - cases[i].root) <= tolerance))
            fail_msg("case %zu: expected %.17g, found %.17g", i, cases[i].root, root);
    }
}

static void test_stat_root_smooth_function_needs_few_evaluations(void **state)
{
    (void)state;
    int calls = 0;
    const struct counted counted = {0.25, &calls};
    double root = stat_root(counted_cosine, &counted, 0, 3, 0);
    assert_true(fabs(root - acos(0.25)) < 1e-15);
    assert_true(calls <= 15);
}

static void test_stat_root_tolerance_is_kept(void **state)
{
    (void)state;
    double parameter = 0.3;
    double root = stat_root(step, &parameter, 0, 1, 1e-3);
    assert_true(fabs(root - 0.3) <= 1e-3);
}

static void test_stat_root_without_a_change_of_sign_is_nan(void **state)
{
    (void)state;
    double parameter = 8;
    assert_true(isnan(stat_root(cubic, &parameter, 3, 5, 0)));
    assert_true(isnan(stat_root(cubic, &parameter, -5, 1, 0)));
    assert_true(isnan(stat_root(none, &parameter, 0, 1, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_root_functions_of_many_shapes_give_their_root),
        cmocka_unit_test(test_stat_root_smooth_function_needs_few_evaluations),
        cmocka_unit_test(test_stat_root_tolerance_is_kept),
        cmocka_unit_test(test_stat_root_without_a_change_of_sign_is_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
