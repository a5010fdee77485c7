/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_sort.h"

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Against qsort; no zeros, for it may leave those of either sign in any order. */
static void check_sorted(const double *values, size_t count)
{
    double *sorted = memory_new_array(NULL, double, count), *expected = memory_new_array(sorted, double, count);
    memcpy(sorted, values, count * sizeof values[0]);
    memcpy(expected, values, count * sizeof values[0]);
    stat_sort(sorted, count);
    qsort(expected, count, sizeof expected[0], compare_doubles);
    assert_memory_equal(sorted, expected, count * sizeof expected[0]);
    talloc_free(sorted);
}

/* Numbers of every size and sign, or whole ones from 1 to 100. */
static double *make_values(size_t count, bool whole)
{
    double *values = memory_new_array(NULL, double, count);
    uint64_t state = 20250101;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int power = (int)(state >> 40 & 511) - 255;
        double mantissa = (double)(int32_t)(state >> 8) + 0.5;
        values[i] = whole ? (double)(1 + (state >> 33) % 100) : ldexp(mantissa, power);
    }
    return values;
}

static void test_stat_sort_any_count_sorts_as_qsort(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 511, 512, 513, 5000, 100000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int whole = 0; whole <= 1; whole++) {
            double *values = make_values(counts[i], whole);
            check_sorted(values, counts[i]);
            talloc_free(values);
        }
}

static void test_stat_sort_infinities_and_both_zeros_stand_where_they_belong(void **state)
{
    (void)state;
    enum { MANY = 1200 };
    static const double few[] = {0.0, (double)INFINITY, -0.0, -1.5, (double)-INFINITY, 5e-324, -5e-324, 2};
    static const double expected[] = {(double)-INFINITY, -1.5, -5e-324, -0.0, 0.0, 5e-324, 2, (double)INFINITY};
    enum { FEW = sizeof few / sizeof *few };
    double values[MANY];
    for (size_t i = 0; i < MANY; i++)
        values[i] = few[i % FEW];
    stat_sort(values, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_memory_equal(&values[i], &expected[i * FEW / MANY], sizeof values[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_sort_any_count_sorts_as_qsort),
        cmocka_unit_test(test_stat_sort_infinities_and_both_zeros_stand_where_they_belong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
