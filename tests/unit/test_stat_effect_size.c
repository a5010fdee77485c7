/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expected numbers: R (tests/golden/comparisons/make_comparisons.R) and tests/golden/cases/unit_vectors.csv.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_effect_size.h"
#include "tests/support/golden.h"

struct named_number {
    const char *stat;
    double value;
};

static struct description describe(const void *owner, const char *sample)
{
    size_t count = 0;
    double *values = golden_load_sample(owner, sample, &count);
    return stat_describe(values, count, 0.95);
}

/* Whether a row is one of these statistics; the test fails when it is but with another number. */
static bool check_row(const struct golden_row *row, const struct named_number *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(row->stat, all[i].stat) != 0)
            continue;
        if (!golden_matches(row->stat, row->value, all[i].value))
            fail_msg("%s at %s, %s: expected %s, found %.15g", row->row, row->col, row->stat, row->value,
                     all[i].value);
        return true;
    }
    return false;
}

static void test_stat_effect_size_two_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "two samples") != 0)
            continue;
        char *names = memory_copy_string(owner, rows[i].row);
        char *second = strstr(names, " | ");
        assert_non_null(second);
        *second = '\0';
        struct description a = describe(owner, names), b = describe(owner, second + 3);
        double level = strtod(rows[i].col, NULL);
        struct effect_size size = stat_hedges_g(&a, &b, level);
        struct mean_difference welch = stat_mean_difference(&a, &b, false, level);
        struct mean_difference pooled = stat_mean_difference(&a, &b, true, level);
        const struct named_number all[] = {
            {"sd_pooled", size.sd_pooled}, {"cohen_d", size.d}, {"J", size.j}, {"g", size.g.value},
            {"g_lo", size.g.lo}, {"g_hi", size.g.hi}, {"welch_t", welch.t}, {"welch_df", welch.df},
            {"welch_p", welch.difference.p}, {"welch_lo", welch.difference.lo},
            {"welch_hi", welch.difference.hi}, {"pooled_t", pooled.t}, {"pooled_df", pooled.df},
            {"pooled_p", pooled.difference.p}, {"pooled_lo", pooled.difference.lo},
            {"pooled_hi", pooled.difference.hi},
        };
        compared += check_row(&rows[i], all, sizeof all / sizeof all[0]);
    }
    assert_int_equal(compared, 2 * (9 * 16 + 3 * 4));
    talloc_free(owner);
}

static void test_stat_response_mean_samples_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "one sample") != 0)
            continue;
        struct description change = describe(owner, rows[i].row);
        struct estimate srm = stat_response_mean(&change, strtod(rows[i].col, NULL));
        const struct named_number all[] = {
            {"srm", srm.value}, {"srm_lo", srm.lo}, {"srm_hi", srm.hi}, {"srm_p", srm.p}};
        compared += check_row(&rows[i], all, sizeof all / sizeof all[0]);
    }
    assert_int_equal(compared, 3 * 11 * 4);
    talloc_free(owner);
}

static void test_stat_hedges_g_unit_vector_gives_the_published_numbers(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct description a = {.n = 50, .mean = 103, .sd = 5.5}, b = {.n = 50, .mean = 100, .sd = 4.5};
    struct effect_size size = stat_hedges_g(&a, &b, 0.95);
    double half = (size.g.hi - size.g.lo) / 2 / 1.959963984540054;
    const struct named_number all[] = {
        {"sd_pooled", size.sd_pooled}, {"cohen_d", size.d}, {"J_exact", size.j}, {"hedges_g_exact", size.g.value},
        {"var_g", half * half},
    };
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++)
        compared += strcmp(rows[i].table, "Hedges g") == 0 && check_row(&rows[i], all, sizeof all / sizeof all[0]);
    assert_int_equal(compared, 5);
    talloc_free(owner);
}

/* Where the series takes over from the gammas, nothing may jump. */
static void test_stat_hedges_g_correction_is_smooth_in_the_sample_size(void **state)
{
    (void)state;
    double last = 0;
    for (size_t n = 2; n < 1100; n++) {
        const struct description a = {.n = n, .mean = 1, .sd = 1}, b = {.n = 2, .mean = 0, .sd = 1};
        double j = stat_hedges_g(&a, &b, 0.95).j;
        double df = (double)n;
        assert_true(j > last && j < 1);
        double approximate = 1 - 3 / (4 * df - 1) - 1 / (32 * df * df);
        assert_true(fabs(j - approximate) < 0.1 / (df * df * df) + 1e-12);
        last = j;
    }
}

static void test_stat_effect_size_not_estimable_says_why(void **state)
{
    (void)state;
    double equal[] = {4, 4, 4}, one[] = {1}, some[] = {1, 2, 5};
    struct description none = stat_describe(NULL, 0, 0.95), flat = stat_describe(equal, 3, 0.95);
    struct description single = stat_describe(one, 1, 0.95), spread = stat_describe(some, 3, 0.95);
    assert_string_equal(stat_hedges_g(&single, &spread, 0.95).g.reason, "fewer than 2 subjects in the first group");
    assert_string_equal(stat_hedges_g(&spread, &none, 0.95).g.reason, "fewer than 2 subjects in the second group");
    assert_string_equal(stat_hedges_g(&none, &single, 0.95).g.reason, "fewer than 2 subjects in both groups");
    assert_string_equal(stat_hedges_g(&flat, &flat, 0.95).g.reason, "no spread within the groups");
    assert_true(isnan(stat_hedges_g(&flat, &flat, 0.95).g.value));
    assert_null(stat_hedges_g(&flat, &spread, 0.95).g.reason);
    struct mean_difference difference = stat_mean_difference(&single, &spread, false, 0.95);
    assert_true(fabs(difference.difference.value - (1 - 8.0 / 3)) < 1e-12 && isnan(difference.difference.lo));
    assert_string_equal(difference.difference.reason, "fewer than 2 subjects in the first group");
    assert_string_equal(stat_response_mean(&none, 0.95).reason, "no subject");
    assert_string_equal(stat_response_mean(&single, 0.95).reason, "one subject only");
    assert_string_equal(stat_response_mean(&flat, 0.95).reason, "no spread of the changes");
    assert_true(isnan(stat_response_mean(&flat, 0.95).value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_effect_size_two_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_response_mean_samples_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_hedges_g_unit_vector_gives_the_published_numbers),
        cmocka_unit_test(test_stat_hedges_g_correction_is_smooth_in_the_sample_size),
        cmocka_unit_test(test_stat_effect_size_not_estimable_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
