/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: tests/golden/imputation/make_imputation.R, which refits the model for each replicate. */
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
#include "reports/stat_imputation.h"
#include "tests/support/golden.h"
#include "tests/support/mmrm_data.h"

#define GOLDEN "tests/golden/imputation/"
#define TOLERANCE 1e-6

static const char *const strategies[] = {"MAR", "J2R", "CR", "CIR"};

/* "J2R V02 delta 5", "B - A". */
static struct imputation_contrast read_contrast(const struct golden_row *row)
{
    struct imputation_contrast contrast = {IMPUTATION_MAR, row->col[0] - 'A', 0, 0};
    char name[8];
    int visit = 0;
    assert_true(sscanf(row->row, "%7s V%d delta %lf", name, &visit, &contrast.delta) >= 2);
    contrast.visit = visit - 1;
    for (int s = 0; s < IMPUTATION_STRATEGIES; s++) {
        if (strcmp(strategies[s], name) == 0)
            contrast.strategy = (enum imputation_strategy)s;
    }
    return contrast;
}

static double pick(const struct imputation *imputation, const struct golden_row *row)
{
    struct imputation_contrast contrast = read_contrast(row);
    if (strcmp(row->stat, "tipping") == 0) {
        struct imputation_tipping tipping = stat_imputation_tipping(imputation, &contrast, 0.95);
        if (tipping.reason != NULL)
            fail_msg("%s %s: %s", row->row, row->col, tipping.reason);
        return tipping.delta;
    }
    struct imputation_estimate e = stat_imputation_estimate(imputation, &contrast, 0.95);
    if (e.reason != NULL)
        fail_msg("%s %s: %s", row->row, row->col, e.reason);
    switch (row->stat[0]) {
    case 'd':
        return e.estimate;
    case 's':
        return e.se;
    case 'l':
        return e.lo;
    case 'h':
        return e.hi;
    default:
        return e.p;
    }
}

static void check_case(const char *name, size_t visits, bool grouped)
{
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", name, visits);
    mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
    const struct imputation *imputation = stat_imputation(owner, input, 0, NULL);
    size_t count = 0, compared = 0, tipped = 0;
    double worst = 0;
    if (imputation->reason != NULL)
        fail_msg("%s: %s", name, imputation->reason);
    assert_int_equal(imputation->grouped, grouped);
    assert_int_equal(imputation->subjects, input->subject_count);
    assert_int_equal(imputation->replicates, grouped ? IMPUTATION_GROUPS : input->subject_count);
    struct golden_row *rows = golden_load(owner, GOLDEN "expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, name) != 0)
            continue;
        double expected = strtod(rows[i].value, NULL);
        double found = pick(imputation, &rows[i]);
        double difference = fabs(found - expected) / (fabs(expected) + 1e-300);
        if (!(difference <= TOLERANCE))
            fail_msg("%s, %s, %s, %s: expected %s, found %.12g", name, rows[i].row, rows[i].col, rows[i].stat,
                     rows[i].value, found);
        worst = fmax(worst, difference);
        tipped += rows[i].stat[0] == 't';
        compared++;
    }
    if (getenv("MMRM_TEST_PRINT") != NULL)
        print_message("%s: %zu rows, largest relative difference %.1e\n", name, compared, worst);
    assert_true(compared >= 10 && tipped > 0);
    talloc_free(owner);
}

static void test_stat_imputation_leave_one_out_gives_the_numbers_of_r(void **state)
{
    (void)state;
    check_case("small", 3, false);
}

static void test_stat_imputation_site_with_one_subject_gives_the_numbers_of_r(void **state)
{
    (void)state;
    check_case("lone site", 3, false);
}

static void test_stat_imputation_many_subjects_are_left_out_by_groups(void **state)
{
    (void)state;
    check_case("groups", 2, true);
}

static void test_stat_imputation_tipping_point_puts_the_limit_at_zero(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
    const struct imputation *imputation = stat_imputation(owner, input, 0, NULL);
    size_t found = 0;
    for (int visit = 0; visit < 3; visit++) {
        for (int cohort = 1; cohort < 3; cohort++) {
            struct imputation_contrast contrast = {IMPUTATION_JUMP, cohort, visit, 0};
            struct imputation_tipping tipping = stat_imputation_tipping(imputation, &contrast, 0.95);
            if (tipping.reason != NULL)
                continue;
            contrast.delta = tipping.delta;
            struct imputation_estimate e = stat_imputation_estimate(imputation, &contrast, 0.95);
            assert_true(fmin(fabs(e.lo), fabs(e.hi)) < 1e-9 * e.se);
            found++;
        }
    }
    assert_true(found > 0);
    talloc_free(owner);
}

/* ---- what cannot be estimated -------------------------------------------------------------------------- */

static double missing(size_t subject, size_t visit, int cohort)
{
    (void)subject;
    return cohort == 2 && visit == 2 ? (double)NAN : 0;
}

static void add_to_values(struct mmrm_input *input,
                          double (*change)(size_t subject, size_t visit, int cohort))
{
    size_t visits = input->visit_count;
    double *y = memory_new_array(input, double, input->subject_count * visits);
    for (size_t k = 0; k < input->subject_count * visits; k++)
        y[k] = input->y[k] + change(k / visits, k % visits, input->cohort[k / visits]);
    input->y = y;
}

static void assert_no_estimate(const struct imputation *imputation, struct imputation_contrast contrast,
                               const char *reason)
{
    struct imputation_estimate e = stat_imputation_estimate(imputation, &contrast, 0.95);
    struct imputation_tipping tipping = stat_imputation_tipping(imputation, &contrast, 0.95);
    assert_true(isnan(e.estimate) && isnan(e.se) && isnan(e.lo) && isnan(e.hi) && isnan(e.p));
    assert_true(isnan(tipping.delta));
    assert_non_null(e.reason);
    assert_non_null(tipping.reason);
    assert_non_null(strstr(e.reason, reason));
}

static struct imputation_contrast jump(int cohort)
{
    return (struct imputation_contrast){IMPUTATION_JUMP, cohort, 1, 0};
}

static void test_stat_imputation_without_a_mean_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
    add_to_values(input, missing);
    const struct imputation *imputation = stat_imputation(owner, input, 0, NULL);
    assert_null(imputation->reason);
    assert_no_estimate(imputation, jump(2), "no mean to impute");
    assert_no_estimate(imputation, jump(0), "itself");
    struct imputation_contrast other = jump(1);
    assert_null(stat_imputation_estimate(imputation, &other, 0.95).reason);
    imputation = stat_imputation(owner, input, 2, NULL);
    assert_no_estimate(imputation, jump(1), "no mean to impute");
    imputation = stat_imputation(owner, input, -1, NULL);
    assert_no_estimate(imputation, jump(1), "no reference");
    talloc_free(owner);
}

/* In "small" cohort C is 2; of its values at the last visit only the first stays. */
static void test_stat_imputation_cohort_with_one_value_leaves_the_others(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
    double *y = memory_new_array(owner, double, input->subject_count * 3);
    int *cohort = memory_new_array(owner, int, input->subject_count);
    bool kept = false;
    for (size_t i = 0; i < input->subject_count; i++) {
        for (size_t j = 0; j < 3; j++)
            y[i * 3 + j] = input->y[i * 3 + j];
        cohort[i] = input->cohort[i] == 2 ? -1 : input->cohort[i];
        if (cohort[i] >= 0 || isnan(y[i * 3 + 2]))
            continue;
        if (kept)
            y[i * 3 + 2] = (double)NAN;
        kept = true;
    }
    assert_true(kept);
    input->y = y;
    const struct imputation *imputation = stat_imputation(owner, input, 0, NULL);
    assert_null(imputation->reason);
    assert_no_estimate(imputation, jump(2), "a single value at a visit");
    struct mmrm_input without = *input;
    without.cohort = cohort;
    const struct imputation *alone = stat_imputation(owner, &without, 0, NULL);
    for (int visit = 0; visit < 3; visit++) {
        const struct imputation_contrast contrast = {IMPUTATION_JUMP, 1, visit, 0};
        struct imputation_estimate e = stat_imputation_estimate(imputation, &contrast, 0.95);
        struct imputation_estimate same = stat_imputation_estimate(alone, &contrast, 0.95);
        assert_null(e.reason);
        assert_true(e.estimate == same.estimate && e.se == same.se);
    }
    imputation = stat_imputation(owner, input, 2, NULL);
    assert_no_estimate(imputation, jump(1), "a single value at a visit");
    talloc_free(owner);
}

/*
 * Without other terms differences are those of means: that cohort 2 is still awaited at the last visit changes
 * nothing between the others, and nothing at visits before.
 */
static void test_stat_imputation_awaited_values_are_not_compared(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, 0, 0);
    bool *over = memory_new_array(owner, bool, input->subject_count * 3);
    for (size_t k = 0; k < input->subject_count * 3; k++)
        over[k] = k % 3 != 2 || input->cohort[k / 3] != 2 || !isnan(input->y[k]);
    const struct imputation *all = stat_imputation(owner, input, 0, NULL);
    const struct imputation *some = stat_imputation(owner, input, 0, over);
    assert_true(all->imputed[2 * 3 + 2] > 0);
    assert_int_equal(some->imputed[2 * 3 + 2], 0);
    assert_int_equal(some->analysed[2 * 3 + 2], all->analysed[2 * 3 + 2] - all->imputed[2 * 3 + 2]);
    for (int k = 0; k < IMPUTATION_STRATEGIES * 3 * 2; k++) {
        enum imputation_strategy strategy = (enum imputation_strategy)(k / 6);
        const struct imputation_contrast contrast = {strategy, k % 2 + 1, k / 2 % 3, 1};
        struct imputation_estimate a = stat_imputation_estimate(all, &contrast, 0.95);
        struct imputation_estimate b = stat_imputation_estimate(some, &contrast, 0.95);
        bool same = fabs(a.estimate - b.estimate) < 1e-9 && fabs(a.se - b.se) < 1e-9;
        assert_null(b.reason);
        assert_int_equal(same, contrast.cohort != 2 || contrast.visit != 2);
    }
    talloc_free(owner);
}

/* The last visit is not over for anybody: nothing is said of it, and nothing else of those before it. */
static void test_stat_imputation_of_a_visit_that_is_not_over_says_so(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
    bool *over = memory_new_array(owner, bool, input->subject_count * 3);
    for (size_t k = 0; k < input->subject_count * 3; k++)
        over[k] = k % 3 != 2;
    const struct imputation *all = stat_imputation(owner, input, 0, NULL);
    const struct imputation *some = stat_imputation(owner, input, 0, over);
    for (int visit = 0; visit < 3; visit++) {
        const struct imputation_contrast copy = {IMPUTATION_COPY, 1, visit, 0};
        struct imputation_estimate a = stat_imputation_estimate(all, &copy, 0.95);
        struct imputation_estimate b = stat_imputation_estimate(some, &copy, 0.95);
        assert_null(a.reason);
        assert_true(visit == 2 || fabs(a.estimate - b.estimate) + fabs(a.se - b.se) < 1e-9);
        if (visit == 2)
            assert_string_equal(b.reason, "the visit is not over for anybody of a cohort");
        assert_int_equal(stat_imputation_tipping(some, &copy, 0.95).reason != NULL, visit == 2);
        assert_int_equal(some->analysed[3 + visit], visit == 2 ? 0 : all->analysed[3 + visit]);
    }
    talloc_free(owner);
}

static void test_stat_imputation_nothing_missing_is_the_analysis_of_covariance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "small", 3);
    mmrm_data_use(input, MMRM_DATA_BASE, MMRM_DATA_BASE);
    double *y = memory_new_array(owner, double, input->subject_count * 3);
    for (size_t k = 0; k < input->subject_count * 3; k++)
        y[k] = isnan(input->y[k]) ? (double)(k % 17) : input->y[k];
    input->y = y;
    const struct imputation *imputation = stat_imputation(owner, input, 0, NULL);
    for (int s = 0; s < IMPUTATION_STRATEGIES; s++) {
        struct imputation_contrast contrast = {(enum imputation_strategy)s, 2, 2, 3};
        struct mmrm_contrast same = {2, 0, 2, MMRM_NO_VISIT, MMRM_EQUAL_MARGINS};
        struct imputation_estimate e = stat_imputation_estimate(imputation, &contrast, 0.95);
        struct mmrm_estimate plain =
            stat_mmrm_estimate(imputation->fit, &same, MMRM_SATTERTHWAITE, 0.95);
        assert_true(fabs(e.estimate - plain.estimate) < TOLERANCE * fabs(plain.estimate));
        struct imputation_tipping tipping = stat_imputation_tipping(imputation, &contrast, 0.95);
        assert_non_null(tipping.reason);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_imputation_leave_one_out_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_imputation_site_with_one_subject_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_imputation_many_subjects_are_left_out_by_groups),
        cmocka_unit_test(test_stat_imputation_tipping_point_puts_the_limit_at_zero),
        cmocka_unit_test(test_stat_imputation_without_a_mean_has_a_reason),
        cmocka_unit_test(test_stat_imputation_cohort_with_one_value_leaves_the_others),
        cmocka_unit_test(test_stat_imputation_awaited_values_are_not_compared),
        cmocka_unit_test(test_stat_imputation_of_a_visit_that_is_not_over_says_so),
        cmocka_unit_test(test_stat_imputation_nothing_missing_is_the_analysis_of_covariance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
