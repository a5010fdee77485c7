/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expected numbers: R (tests/golden/comparisons/make_comparisons.R), tests/golden/cases/unit_vectors.csv, and
 * the adverse events of tests/golden/trial1000, whose counts stand in the same file.
 */
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
#include "reports/stat_rate.h"
#include "tests/support/golden.h"

static double compute(const struct rate *first, const struct rate *second, double level, const char *stat)
{
    struct estimate rate = stat_rate(first, 100, level);
    struct estimate ratio = stat_rate_ratio(first, second, level);
    struct estimate difference = stat_rate_difference(first, second, 100, level);
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"rate", rate.value}, {"rate_lo", rate.lo}, {"rate_hi", rate.hi}, {"ratio", ratio.value},
        {"ratio_lo", ratio.lo}, {"ratio_hi", ratio.hi}, {"ratio_p", ratio.p}, {"difference", difference.value},
        {"difference_lo", difference.lo}, {"difference_hi", difference.hi}, {"difference_p", difference.p},
        {"rr", ratio.value}, {"lo", ratio.lo}, {"hi", ratio.hi}, {"p", ratio.p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

/* "events/time" */
static struct rate read_rate(const char *text)
{
    struct rate rate = {0, 0};
    assert_int_equal(sscanf(text, "%zu/%lf", &rate.events, &rate.time), 2);
    return rate;
}

/* Rows named "events/time", the separator, "events/time". */
static size_t check_pairs(const char *path, const char *table, const char *separator)
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, path, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, table) != 0)
            continue;
        const char *rest = strstr(rows[i].row, separator);
        assert_non_null(rest);
        struct rate first = read_rate(rows[i].row), second = read_rate(rest + strlen(separator));
        double level = rows[i].col[0] == '\0' ? 0.95 : strtod(rows[i].col, NULL);
        double found = compute(&first, &second, level, rows[i].stat);
        if (!golden_matches(rows[i].stat, rows[i].value, found))
            fail_msg("%s at %g, %s: expected %s, found %.15g", rows[i].row, level, rows[i].stat, rows[i].value, found);
        compared++;
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_rate_cases_give_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_pairs("tests/golden/comparisons/expected.csv", "rate", " - "), 2 * 10 * 11);
}

static void test_stat_rate_ratio_unit_vector_gives_the_published_numbers(void **state)
{
    (void)state;
    assert_int_equal(check_pairs("tests/golden/cases/unit_vectors.csv", "rate ratio exact", " vs "), 4);
}

static void test_stat_rate_unit_vectors_give_garwood(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "Poisson exact (Garwood), T=1") != 0)
            continue;
        struct estimate rate = stat_rate(&(struct rate){strtoul(rows[i].row, NULL, 10), 1}, 1, 0.95);
        const char *stat = rows[i].stat;
        double found = strcmp(stat, "lo") == 0 ? rate.lo : strcmp(stat, "hi") == 0 ? rate.hi : rate.value;
        if (strcmp(stat, "T") == 0)
            continue;
        if (!golden_matches(stat, rows[i].value, found))
            fail_msg("%s %s: expected %s, found %.15g", rows[i].row, stat, rows[i].value, found);
        compared++;
    }
    assert_int_equal(compared, 4 * 4);
    talloc_free(owner);
}

static void test_stat_rate_adverse_events_of_the_trial_give_its_rates(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/trial1000/expected/ae.csv", &count);
    struct rate current = {0, 0};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "AE") != 0)
            continue;
        double value = strtod(rows[i].value, NULL);
        if (strcmp(rows[i].stat, "subjects") == 0)
            current.events = (size_t)value;
        else if (strcmp(rows[i].stat, "py") == 0)
            current.time = value;
        if (strncmp(rows[i].stat, "eair", 4) != 0)
            continue;
        struct estimate rate = stat_rate(&current, 100, 0.95);
        const char *which = rows[i].stat + strlen("eair");
        double found = strcmp(which, "_lo") == 0 ? rate.lo : strcmp(which, "_hi") == 0 ? rate.hi : rate.value;
        if (!golden_matches(rows[i].stat, rows[i].value, found))
            fail_msg("%s %s %s: expected %s, found %.15g", rows[i].row, rows[i].col, rows[i].stat, rows[i].value,
                     found);
        compared++;
    }
    assert_int_equal(compared, 69 * 3);
    talloc_free(owner);
}

static void test_stat_rate_difference_other_group_first_gives_the_same_bits_negated(void **state)
{
    (void)state;
    const struct rate a = {7, 12.5}, b = {11, 40};
    struct estimate x = stat_rate_difference(&a, &b, 100, 0.95), y = stat_rate_difference(&b, &a, 100, 0.95);
    assert_true(x.value == -y.value && x.lo == -y.hi && x.hi == -y.lo);
}

/* Under equal times the distribution is symmetric: p is twice the smaller tail, however the densities round. */
static void test_stat_rate_ratio_of_equal_times_counts_the_equally_likely_other_side(void **state)
{
    (void)state;
    for (size_t all = 1; all <= 50; all++) {
        double choose = 1, tail = 0;
        for (size_t x = 0; 2 * x <= all; x++) {
            tail += choose;
            choose *= (double)(all - x) / (double)(x + 1);
            double expected = fmin(1, 2 * tail / pow(2, (double)all));
            const struct rate few = {x, 7}, many = {all - x, 7};
            assert_true(fabs(stat_rate_ratio(&few, &many, 0.95).p - expected) < 1e-12);
            assert_true(fabs(stat_rate_ratio(&many, &few, 0.95).p - expected) < 1e-12);
        }
    }
}

static void test_stat_rate_not_estimable_says_why(void **state)
{
    (void)state;
    const struct rate some = {3, 10}, no_time = {0, 0}, no_event = {0, 10};
    assert_true(isnan(stat_rate(&no_time, 100, 0.95).value) && isnan(stat_rate(&no_time, 100, 0.95).hi));
    assert_string_equal(stat_rate(&no_time, 100, 0.95).reason, "no time under observation");
    assert_string_equal(stat_rate_ratio(&no_time, &some, 0.95).reason, "no time under observation in the first group");
    assert_string_equal(stat_rate_difference(&some, &no_time, 100, 0.95).reason,
                        "no time under observation in the second group");
    assert_string_equal(stat_rate_ratio(&no_time, &no_time, 0.95).reason, "no time under observation in either group");
    struct estimate ratio = stat_rate_ratio(&some, &no_event, 0.95);
    assert_true(isnan(ratio.value) && isnan(ratio.hi) && ratio.lo > 0 && ratio.p < 1);
    assert_string_equal(ratio.reason, "no event in the second group");
    ratio = stat_rate_ratio(&no_event, &no_event, 0.95);
    assert_true(isnan(ratio.value) && isnan(ratio.lo) && isnan(ratio.p));
    assert_string_equal(ratio.reason, "no event in either group");
    struct estimate difference = stat_rate_difference(&no_event, &no_event, 100, 0.95);
    assert_true(difference.value == 0 && difference.lo < 0 && difference.hi > 0 && isnan(difference.p));
    assert_string_equal(difference.reason, "no event in either group");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_rate_cases_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_rate_ratio_unit_vector_gives_the_published_numbers),
        cmocka_unit_test(test_stat_rate_unit_vectors_give_garwood),
        cmocka_unit_test(test_stat_rate_adverse_events_of_the_trial_give_its_rates),
        cmocka_unit_test(test_stat_rate_difference_other_group_first_gives_the_same_bits_negated),
        cmocka_unit_test(test_stat_rate_ratio_of_equal_times_counts_the_equally_likely_other_side),
        cmocka_unit_test(test_stat_rate_not_estimable_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
