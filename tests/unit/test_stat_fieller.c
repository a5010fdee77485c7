/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/comparisons/make_comparisons.R). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_fieller.h"
#include "tests/support/golden.h"

static double pick(const struct estimate *ratio, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"ratio", ratio->value}, {"ratio_lo", ratio->lo}, {"ratio_hi", ratio->hi}, {"ratio_p", ratio->p}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static void test_stat_ratio_of_means_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "ratio of means") != 0)
            continue;
        size_t n = 0, m = 0;
        char *names = memory_copy_string(owner, rows[i].row);
        char *second = strstr(names, " | ");
        assert_non_null(second);
        *second = '\0';
        const double *x = golden_load_sample(owner, names, &n), *y = golden_load_sample(owner, second + 3, &m);
        assert_int_equal(n, m);
        struct estimate ratio = stat_ratio_of_means(x, y, n, strtod(rows[i].col, NULL));
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&ratio, rows[i].stat)))
            fail_msg("%s at %s, %s: expected %s, found %.15g", rows[i].row, rows[i].col, rows[i].stat, rows[i].value,
                     pick(&ratio, rows[i].stat));
        compared++;
    }
    assert_int_equal(compared, 2 * 5 * 4);
    talloc_free(owner);
}

static void test_stat_ratio_of_means_not_estimable_says_why(void **state)
{
    (void)state;
    const double cost[] = {100, 200, 150, 120}, rare[] = {0, 0, 1, 0}, zero[] = {0, 0, 0, 0};
    struct estimate ratio = stat_ratio_of_means(cost, rare, 4, 0.95);
    assert_true(ratio.value == 570 && isnan(ratio.lo) && isnan(ratio.hi) && ratio.p < 0.05);
    assert_string_equal(ratio.reason, "the denominator does not differ from 0, so that the ratio has no bounds");
    ratio = stat_ratio_of_means(cost, zero, 4, 0.95);
    assert_true(isnan(ratio.value) && isnan(ratio.lo) && isnan(ratio.p));
    assert_string_equal(ratio.reason, "the mean of the denominator is 0");
    assert_string_equal(stat_ratio_of_means(cost, rare, 1, 0.95).reason, "one subject only");
    assert_string_equal(stat_ratio_of_means(NULL, NULL, 0, 0.95).reason, "no subject");
    ratio = stat_ratio_of_means(zero, cost, 4, 0.95);
    assert_true(ratio.value == 0 && isnan(ratio.p));
    assert_string_equal(ratio.reason, "the numerator is the same in all subjects");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_ratio_of_means_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_ratio_of_means_not_estimable_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
