/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/statistics/make_statistics.R). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_descriptive.h"
#include "reports/stat_standardized.h"
#include "tests/support/golden.h"

enum { MOST = 8 };

static struct description describe_sample(const void *owner, const char *sample)
{
    size_t n = 0;
    double *values = golden_load_sample(owner, sample, &n);
    return stat_describe(values, n, 0.95);
}

static size_t read_counts(const char *text, size_t *counts)
{
    size_t n = 0;
    for (char *end = NULL; *text != '\0'; text = end) {
        assert_true(n < MOST);
        counts[n++] = strtoul(text, &end, 10);
    }
    return n;
}

static double compute(const void *owner, const struct golden_row *row)
{
    if (strcmp(row->table, "smd numeric") == 0) {
        struct description a = describe_sample(owner, row->row);
        struct description b = describe_sample(owner, row->col);
        return stat_standardized_numeric(a.mean, a.sd, b.mean, b.sd);
    }
    size_t a[MOST], b[MOST];
    size_t n = read_counts(row->row, a);
    assert_int_equal(read_counts(row->col, b), n);
    return stat_standardized_categorical(a, b, n);
}

static void test_stat_standardized_cases_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/statistics/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(rows[i].table, "smd ", 4) != 0)
            continue;
        double smd = compute(owner, &rows[i]);
        if (!golden_matches("smd", rows[i].value, smd))
            fail_msg("%s and %s: expected %s, found %.12g", rows[i].row, rows[i].col, rows[i].value, smd);
        compared++;
    }
    assert_int_equal(compared, 4 + 7);
    talloc_free(owner);
}

static void test_stat_standardized_without_variance_is_zero_or_not_defined(void **state)
{
    (void)state;
    assert_true(stat_standardized_numeric(3, 0, 3, 0) == 0);
    assert_true(isnan(stat_standardized_numeric(3, 0, 4, 0)));
    assert_true(isnan(stat_standardized_numeric(3, (double)NAN, 4, 1)));
    assert_true(isnan(stat_standardized_categorical((const size_t[]){5, 0}, (const size_t[]){0, 5}, 2)));
    assert_true(isnan(stat_standardized_categorical((const size_t[]){0, 0}, (const size_t[]){1, 5}, 2)));
    assert_true(isnan(stat_standardized_categorical(NULL, NULL, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_standardized_cases_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_standardized_without_variance_is_zero_or_not_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
