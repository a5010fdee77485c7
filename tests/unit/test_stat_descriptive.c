/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/statistics/make_statistics.R) and tests/golden/cases/unit_vectors.csv. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_descriptive.h"
#include "tests/support/golden.h"

static double pick(const struct description *d, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"n", (double)d->n}, {"mean", d->mean}, {"sd", d->sd}, {"se", d->se}, {"lo", d->lo}, {"hi", d->hi},
        {"q1", d->q1}, {"median", d->median}, {"q3", d->q3}, {"min", d->min}, {"max", d->max},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static void test_stat_describe_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/statistics/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "describe") != 0)
            continue;
        size_t n = 0;
        double *values = golden_load_sample(owner, rows[i].row, &n);
        struct description d = stat_describe(values, n, strtod(rows[i].col, NULL));
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&d, rows[i].stat)))
            fail_msg("%s %s %s: expected %s, found %.12g", rows[i].row, rows[i].col, rows[i].stat,
                     rows[i].value, pick(&d, rows[i].stat));
        compared++;
    }
    assert_int_equal(compared, 8 * 2 * 11);
    talloc_free(owner);
}

static void test_stat_describe_no_values_gives_only_n(void **state)
{
    (void)state;
    struct description d = stat_describe(NULL, 0, 0.95);
    assert_int_equal(d.n, 0);
    assert_true(isnan(d.mean) && isnan(d.sd) && isnan(d.se) && isnan(d.lo) && isnan(d.hi) && isnan(d.q1)
                && isnan(d.median) && isnan(d.q3) && isnan(d.min) && isnan(d.max));
}

static void test_stat_describe_other_order_gives_the_same_bits(void **state)
{
    (void)state;
    double a[] = {0.1, 1e9, -3.3, 7.7, 0.2, 1e-9};
    double b[] = {1e-9, 0.2, 7.7, -3.3, 1e9, 0.1};
    struct description x = stat_describe(a, 6, 0.95);
    struct description y = stat_describe(b, 6, 0.95);
    assert_memory_equal(&x, &y, sizeof x);
}

/* "10,20,30,40,150,...,200" or "squares 1..N" */
static size_t vector_of(const char *row, double *values)
{
    static const double published[] = {10, 20, 30, 40, 150, 160, 170, 180, 190, 200};
    unsigned n = 0;
    if (sscanf(row, "squares 1..%u", &n) != 1) {
        assert_string_equal(row, "10,20,30,40,150,...,200");
        memcpy(values, published, sizeof published);
        return sizeof published / sizeof published[0];
    }
    assert_true(n <= 10);
    for (unsigned i = 0; i < n; i++)
        values[i] = (i + 1) * (i + 1);
    return n;
}

static unsigned percent_of(const char *stat)
{
    unsigned percent = strcmp(stat, "q1") == 0 ? 25 : strcmp(stat, "median") == 0 ? 50 : 75;
    if (stat[0] == 'p')
        percent = (unsigned)strtoul(stat + 1, NULL, 10);
    return percent;
}

/*
 * The file has more tables than the report computes today; "one proportion" is in test_stat_proportion.c, the
 * others wait for their statistics.
 */
static void test_stat_quantile_unit_vectors_give_type_2(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++) {
        double values[10];
        if (strcmp(rows[i].table, "quantile type 2") != 0)
            continue;
        size_t n = vector_of(rows[i].row, values);
        double quantile = stat_quantile(values, n, percent_of(rows[i].stat), 100);
        if (!golden_matches("median", rows[i].value, quantile))
            fail_msg("%s %s: expected %s, found %.12g", rows[i].row, rows[i].stat, rows[i].value, quantile);
        compared++;
    }
    assert_int_equal(compared, 31);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_describe_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_describe_no_values_gives_only_n),
        cmocka_unit_test(test_stat_describe_other_order_gives_the_same_bits),
        cmocka_unit_test(test_stat_quantile_unit_vectors_give_type_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
