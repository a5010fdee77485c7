/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/comparisons/make_comparisons.R); all pairs are written out there. */
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
#include "reports/stat_rank.h"
#include "tests/support/golden.h"

static struct sample load(const void *owner, const char *name)
{
    size_t count = 0;
    double *values = golden_load_sample(owner, name, &count);
    stat_describe(values, count, 0.95);
    return (struct sample){values, count};
}

struct named_number {
    const char *stat;
    double value;
};

/* Whether a row is one of these statistics; the test fails when it is but with another number. */
static bool check_row(const struct golden_row *row, const struct named_number *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(row->stat, all[i].stat) != 0)
            continue;
        /* Order statistics agree exactly, whatever they are called. */
        bool order = strncmp(row->stat, "hl", 2) == 0 || strncmp(row->stat, "median", 6) == 0;
        if (!golden_matches(order ? "median" : row->stat, row->value, all[i].value))
            fail_msg("%s at %s, %s: expected %s, found %.15g", row->row, row->col, row->stat, row->value,
                     all[i].value);
        return true;
    }
    return false;
}

static void test_stat_rank_two_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "two samples") != 0 || strcmp(rows[i].stat, "w") != 0)
            continue;
        char *names = memory_copy_string(owner, rows[i].row);
        char *second = strstr(names, " | ");
        assert_non_null(second);
        *second = '\0';
        const struct sample a = load(owner, names), b = load(owner, second + 3);
        struct rank_sum test = stat_rank_sum(&a, &b);
        struct estimate shift = stat_shift(owner, &a, &b, strtod(rows[i].col, NULL));
        assert_true(shift.p == test.corrected.p);
        const struct named_number all[] = {
            {"w", test.w}, {"auc", test.auc}, {"p_norm", test.plain.p}, {"p_norm_cc", test.corrected.p},
            {"hl", shift.value}, {"hl_lo", shift.lo}, {"hl_hi", shift.hi},
        };
        for (size_t k = i; k < count && strcmp(rows[k].row, rows[i].row) == 0
             && strcmp(rows[k].col, rows[i].col) == 0; k++)
            compared += check_row(&rows[k], all, sizeof all / sizeof all[0]);
    }
    assert_int_equal(compared, 2 * 12 * 7);
    talloc_free(owner);
}

static void test_stat_median_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "one sample") != 0 || strncmp(rows[i].stat, "median", 6) != 0)
            continue;
        const struct sample sample = load(owner, rows[i].row);
        struct estimate median = stat_median(&sample, strtod(rows[i].col, NULL));
        assert_true((median.reason != NULL) == isnan(median.lo));
        const struct named_number all[] = {
            {"median", median.value}, {"median_lo", median.lo}, {"median_hi", median.hi}};
        compared += check_row(&rows[i], all, sizeof all / sizeof all[0]);
    }
    assert_int_equal(compared, 3 * 11 * 3);
    talloc_free(owner);
}

/* a = 0.25, 1.25, ... and b = 0, 1, ...: the differences lie symmetrically about 0.25, 10^10 of them. */
static void test_stat_shift_registry_size_gives_the_shift_without_all_differences(void **state)
{
    (void)state;
    enum { SUBJECTS = 100000 };
    void *owner = memory_owner(NULL, "test");
    double *a = memory_new_array(owner, double, SUBJECTS), *b = memory_new_array(owner, double, SUBJECTS);
    for (size_t i = 0; i < SUBJECTS; i++) {
        a[i] = (double)i + 0.25;
        b[i] = (double)i;
    }
    const struct sample first = {a, SUBJECTS}, second = {b, SUBJECTS};
    struct estimate shift = stat_shift(owner, &first, &second, 0.95);
    assert_true(shift.value == 0.25);
    assert_true(shift.lo + shift.hi == 0.5 && shift.lo < shift.value);
    /* How many differences are below the limit is known: at least k, and fewer than k below the limit itself. */
    double pairs = (double)SUBJECTS * SUBJECTS;
    double k = floor(pairs / 2 - 1.959963984540054 * sqrt(pairs / 12 * (2.0 * SUBJECTS + 1)));
    double up_to = SUBJECTS + shift.lo - 0.25 + 1;      /* differences of 0.25 + i, i <= lo - 0.25 < 0 */
    assert_true(up_to * (up_to - 1) / 2 >= k - up_to && (up_to - 1) * (up_to - 2) / 2 < k);
    double kept = (double)talloc_total_size(owner);
    assert_true(kept < 3.0 * SUBJECTS * sizeof(double));
    talloc_free(owner);
}

static void test_stat_rank_extreme_values_keep_their_order(void **state)
{
    (void)state;
    const double a[] = {-8e307, 1e-300, 2e-300, 8e307}, b[] = {-8e307, 0, 8e307};
    const struct sample first = {a, 4}, second = {b, 3};
    /* -16, -8, -8, -8 e307, 0, 0, 1e-300, ... */
    assert_true(stat_shift(NULL, &first, &second, 0.5).value == 0.5e-300);
    assert_true(stat_rank_sum(&first, &second).w == 0.5 + 2 + 2 + 2.5);
}

static void test_stat_rank_not_estimable_says_why(void **state)
{
    (void)state;
    const double equal[] = {4, 4, 4};
    const struct sample none = {NULL, 0}, same = {equal, 3};
    struct rank_sum test = stat_rank_sum(&none, &same);
    assert_true(isnan(test.w) && isnan(test.auc) && isnan(test.plain.p));
    assert_string_equal(test.plain.reason, "no value in the first group");
    assert_string_equal(stat_rank_sum(&same, &none).corrected.reason, "no value in the second group");
    test = stat_rank_sum(&same, &same);
    assert_true(test.w == 4.5 && test.auc == 0.5 && isnan(test.plain.statistic));
    assert_string_equal(test.plain.reason, "all values are equal");
    struct estimate shift = stat_shift(NULL, &none, &none, 0.95);
    assert_true(isnan(shift.value));
    assert_string_equal(shift.reason, "no value in either group");
    shift = stat_shift(NULL, &same, &same, 0.95);
    assert_true(shift.value == 0 && isnan(shift.lo) && isnan(shift.p));
    assert_string_equal(shift.reason, "too few values for limits at this level");
    assert_true(isnan(stat_median(&none, 0.95).value));
    assert_string_equal(stat_median(&none, 0.95).reason, "no value");
    assert_string_equal(stat_median(&same, 0.95).reason, "too few values for limits at this level");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_rank_two_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_median_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_shift_registry_size_gives_the_shift_without_all_differences),
        cmocka_unit_test(test_stat_rank_extreme_values_keep_their_order),
        cmocka_unit_test(test_stat_rank_not_estimable_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
