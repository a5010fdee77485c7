/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expected numbers: R (tests/golden/comparisons/make_comparisons.R), tests/golden/cases/unit_vectors.csv, and
 * the responders of tests/golden/trial1000, whose counts stand in the same file.
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
#include "reports/stat_fisher.h"
#include "reports/stat_two_proportions.h"
#include "tests/support/golden.h"

/* NAN also for a stat that there is not: a row of the file that says a number then fails. */
static double compute(const struct proportion_pair *pair, const char *stat, double level)
{
    struct estimate newcombe = stat_risk_difference_newcombe(pair, level);
    struct estimate score = stat_risk_difference_score(pair, level);
    struct estimate wald = stat_risk_difference_wald(pair, level);
    struct estimate ratio = stat_risk_ratio(pair, level);
    struct estimate odds = stat_odds_ratio(pair, level);
    struct hypothesis_test plain = stat_pair_chi_square(pair, false);
    struct hypothesis_test corrected = stat_pair_chi_square(pair, true);
    assert_true(newcombe.value == score.value && newcombe.value == wald.value);
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"x1", (double)pair->x1}, {"n1", (double)pair->n1}, {"x2", (double)pair->x2}, {"n2", (double)pair->n2},
        {"rd", score.value}, {"newcombe_lo", newcombe.lo}, {"newcombe_hi", newcombe.hi}, {"mn_lo", score.lo},
        {"mn_hi", score.hi}, {"mn_p", score.p}, {"wald_lo", wald.lo}, {"wald_hi", wald.hi}, {"rr", ratio.value},
        {"rr_lo", ratio.lo}, {"rr_hi", ratio.hi}, {"or", odds.value}, {"or_lo", odds.lo}, {"or_hi", odds.hi},
        {"chisq", plain.statistic}, {"chisq_p", plain.p}, {"chisq_cc", corrected.statistic},
        {"chisq_cc_p", corrected.p}, {"fisher_p", stat_fisher(pair).p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    return (double)NAN;
}

static void check_row(const struct golden_row *row, const struct proportion_pair *pair, double level)
{
    /* What R prints of a zero cell is not printed here at all. */
    const char *expected = isfinite(strtod(row->value, NULL)) ? row->value : "";
    double found = compute(pair, row->stat, level);
    if (!golden_matches(row->stat, expected, found))
        fail_msg("%s, %s at %g, %s: expected %s, found %.15g", row->table, row->row, level, row->stat, row->value,
                 found);
}

static size_t check_file(const char *path, bool has_levels)
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, path, &count);
    for (size_t i = 0; i < count; i++) {
        struct proportion_pair pair = {0, 0, 0, 0};
        if (strcmp(rows[i].table, "two proportions") != 0)
            continue;
        assert_int_equal(sscanf(rows[i].row, "%zu/%zu - %zu/%zu", &pair.x1, &pair.n1, &pair.x2, &pair.n2), 4);
        check_row(&rows[i], &pair, has_levels ? strtod(rows[i].col, NULL) : 0.95);
        compared++;
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_two_proportions_unit_vectors_give_the_published_numbers(void **state)
{
    (void)state;
    assert_int_equal(check_file("tests/golden/cases/unit_vectors.csv", false), 7 * 22);
}

static void test_stat_two_proportions_edges_and_registry_sizes_give_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_file("tests/golden/comparisons/expected.csv", true), 2 * 19 * 16);
}

static double value_of(const struct golden_row *rows, size_t count, const struct golden_row *like,
                       const char *stat)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, like->table) == 0 && strcmp(rows[i].row, like->row) == 0
            && strcmp(rows[i].col, like->col) == 0 && strcmp(rows[i].stat, stat) == 0)
            return strtod(rows[i].value, NULL);
    }
    fail_msg("%s %s %s: no %s", like->table, like->row, like->col, stat);
    return 0;
}

static void test_stat_two_proportions_responders_of_the_trial_give_its_numbers(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows =
        golden_load(owner, "tests/golden/trial1000/expected/responder.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strstr(rows[i].col, " - ") == NULL)
            continue;
        struct proportion_pair pair = {
            (size_t)value_of(rows, count, &rows[i], "x1"), (size_t)value_of(rows, count, &rows[i], "n1"),
            (size_t)value_of(rows, count, &rows[i], "x2"), (size_t)value_of(rows, count, &rows[i], "n2"),
        };
        check_row(&rows[i], &pair, 0.95);
        compared++;
    }
    assert_int_equal(compared, 6 * 8 * 22);
    talloc_free(owner);
}

static void test_stat_two_proportions_other_group_first_gives_the_same_bits_negated(void **state)
{
    (void)state;
    const struct proportion_pair pair = {7, 31, 11, 29}, turned = {11, 29, 7, 31};
    struct estimate a = stat_risk_difference_score(&pair, 0.95);
    struct estimate b = stat_risk_difference_score(&turned, 0.95);
    assert_true(a.value == -b.value && a.lo == -b.hi && a.hi == -b.lo && a.p == b.p);
}

static void test_stat_two_proportions_zero_cells_are_not_estimable_and_say_why(void **state)
{
    (void)state;
    const struct {
        struct proportion_pair pair;
        const char *ratio, *odds, *test;
    } cases[] = {
        {{0, 10, 0, 20}, "no event in either group", "no event in either group", "no event in either group"},
        {{0, 10, 2, 20}, "no event in the first group", "no event in the first group", NULL},
        {{2, 10, 0, 20}, "no event in the second group", "no event in the second group", NULL},
        {{10, 10, 2, 20}, NULL, "everybody in the first group has the event", NULL},
        {{1, 10, 20, 20}, NULL, "everybody in the second group has the event", NULL},
        {{10, 10, 20, 20}, "everybody in both groups has the event", "everybody in both groups has the event",
         "everybody in both groups has the event"},
        {{0, 0, 1, 20}, "nobody in the first group", "nobody in the first group", "nobody in the first group"},
        {{1, 20, 0, 0}, "nobody in the second group", "nobody in the second group", "nobody in the second group"},
        {{0, 0, 0, 0}, "nobody in either group", "nobody in either group", "nobody in either group"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found[] = {stat_risk_ratio(&cases[i].pair, 0.95).reason,
                               stat_odds_ratio(&cases[i].pair, 0.95).reason,
                               stat_pair_chi_square(&cases[i].pair, false).reason};
        const char *expected[] = {cases[i].ratio, cases[i].odds, cases[i].test};
        for (size_t k = 0; k < 3; k++) {
            if (expected[k] == NULL)
                assert_null(found[k]);
            else
                assert_string_equal(found[k], expected[k]);
        }
        bool empty = cases[i].pair.n1 == 0 || cases[i].pair.n2 == 0;
        struct estimate difference = stat_risk_difference_score(&cases[i].pair, 0.95);
        assert_true(isnan(difference.value) == empty && isnan(difference.lo) == empty);
        assert_true(isnan(difference.p) == (cases[i].test != NULL));
        assert_true((difference.reason == NULL) == (cases[i].test == NULL));
        assert_true(isnan(stat_fisher(&cases[i].pair).p) == empty);
    }
}

static void test_stat_number_needed_is_signed_and_goes_through_infinity(void **state)
{
    (void)state;
    struct number_needed clear = stat_number_needed(&(struct estimate){0.25, 0.125, 0.5, 0.01, NULL});
    assert_true(clear.value == 4 && clear.lo == 2 && clear.hi == 8);
    assert_true(!clear.through_infinity && clear.reason == NULL);
    /* Altman's example of a difference of 10 % (-5 % to 25 %): NNTB 10, NNTB 4 through infinity to NNTH 20. */
    struct number_needed spans = stat_number_needed(&(struct estimate){0.1, -0.05, 0.25, 0.2, NULL});
    assert_true(spans.value == 10 && spans.lo == 4 && spans.hi == -20);
    assert_true(spans.through_infinity && spans.reason == NULL);
    struct number_needed harm = stat_number_needed(&(struct estimate){-0.25, -0.5, -0.125, 0.01, NULL});
    assert_true(harm.value == -4 && harm.lo == -8 && harm.hi == -2 && !harm.through_infinity);
    struct number_needed equal = stat_number_needed(&(struct estimate){0, -0.5, 0.5, 1, NULL});
    assert_true(isnan(equal.value) && equal.lo == 2 && equal.hi == -2 && equal.through_infinity);
    assert_non_null(equal.reason);
    struct number_needed touches = stat_number_needed(&(struct estimate){0.25, 0, 0.5, 0.05, NULL});
    assert_true(touches.value == 4 && touches.lo == 2 && isnan(touches.hi) && touches.through_infinity);
    assert_non_null(touches.reason);
    const struct proportion_pair nobody = {0, 0, 1, 2};
    struct estimate none = stat_risk_difference_newcombe(&nobody, 0.95);
    assert_true(isnan(stat_number_needed(&none).value) && isnan(stat_number_needed(&none).lo));
    assert_string_equal(stat_number_needed(&none).reason, "nobody in the first group");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_two_proportions_unit_vectors_give_the_published_numbers),
        cmocka_unit_test(test_stat_two_proportions_edges_and_registry_sizes_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_two_proportions_responders_of_the_trial_give_its_numbers),
        cmocka_unit_test(test_stat_two_proportions_other_group_first_gives_the_same_bits_negated),
        cmocka_unit_test(test_stat_two_proportions_zero_cells_are_not_estimable_and_say_why),
        cmocka_unit_test(test_stat_number_needed_is_signed_and_goes_through_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
