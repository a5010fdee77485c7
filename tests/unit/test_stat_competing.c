/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R's survival and cmprsk (tests/golden/survival/make_survival.R). */
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
#include "reports/stat_competing.h"
#include "tests/support/survival_set.h"

static void check_incidence(const struct golden_row *row)
{
    void *owner = memory_owner(NULL, "row");
    const struct survival_set *set = survival_set_load(owner, row->row);
    const struct survival_curve *curve = stat_competing_incidence(
        owner, stat_survival_table(owner, &set->data), strtoul(row->col, NULL, 10), 0.95);
    const struct survival_at at = stat_survival_at(owner, curve, survival_argument(row->stat));
    const double values[] = {at.estimate, at.se, at.lo, at.hi};
    const char *const names = "eslh";            /* estimate, se, lo, hi */
    survival_assert(row, values[strchr(names, row->stat[0]) - names]);
    assert_true((at.reason == NULL) == !isnan(at.lo));
    talloc_free(owner);
}

static void check_gray(const struct golden_row *row)
{
    void *owner = memory_owner(NULL, "row");
    struct survival_set *set = survival_set_load(owner, row->row);
    if (row->col[0] == '\0') {
        set->data.stratum = NULL;
        set->data.stratum_count = 1;
    }
    const struct competing_gray test =
        stat_competing_gray(owner, stat_survival_table(owner, &set->data), NULL);
    assert_null(test.reason);
    survival_assert(row, row->stat[0] == 'c' ? test.chi_square : row->stat[0] == 'p' ? test.p : (double)test.df);
    talloc_free(owner);
}

static size_t check_table(const char *table, void check(const struct golden_row *row))
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, SURVIVAL_EXPECTED, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, table) != 0)
            continue;
        check(&rows[i]);
        compared++;
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_competing_incidence_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_table("incidence", check_incidence), 80);
}

static void test_stat_competing_gray_gives_the_numbers_of_cmprsk(void **state)
{
    (void)state;
    assert_int_equal(check_table("gray", check_gray), 12);
}

static void test_stat_competing_agrees_with_r_to_many_more_digits_than_asked(void **state)
{
    (void)state;
    assert_true(survival_largest_difference() > 0);
    assert_true(survival_largest_difference() < 1e-9);
}

static struct survival_table *table_of(const void *owner, const char *name)
{
    return stat_survival_table(owner, &survival_set_load(owner, name)->data);
}

/* Without events that compete the incidence is 1 - S, and its variance Greenwood's. */
static void test_stat_competing_incidence_alone_is_one_less_survival(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_table *table = table_of(owner, "four groups");
    const struct survival_curve *incidence = stat_competing_incidence(owner, table, 2, 0.95);
    const struct survival_curve *survival = stat_survival_curve(owner, table, 2, 0.95);
    assert_int_equal(incidence->step_count, survival->step_count);
    for (size_t i = 0; i + 1 < survival->step_count; i++) {
        assert_true(fabs(incidence->steps[i].estimate - (1 - survival->steps[i].estimate)) < 1e-13);
        assert_true(fabs(incidence->steps[i].se - survival->steps[i].se) < 1e-12);
    }
    talloc_free(owner);
}

static void test_stat_competing_incidence_of_all_events_has_no_limits_at_one(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_curve *curve = stat_competing_incidence(owner, table_of(owner, "all events"), 0, 0.95);
    const struct survival_at at = stat_survival_at(owner, curve, 100);
    assert_true(at.estimate == 1 && isnan(at.se) && isnan(at.lo) && isnan(at.hi));
    assert_non_null(strstr(at.reason, "everybody has had the event"));
    talloc_free(owner);
}

static void test_stat_competing_incidence_without_the_event_is_zero_without_limits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_curve *curve =
        stat_competing_incidence(owner, table_of(owner, "competing only"), 0, 0.95);
    const struct survival_at at = stat_survival_at(owner, curve, 8);
    assert_true(at.estimate == 0 && at.se == 0 && isnan(at.lo));
    assert_non_null(strstr(at.reason, "no event until then"));
    assert_int_equal(at.competing, 2);
    assert_string_equal(stat_survival_at(owner, curve, 50).reason, "follow-up ends on day 9");
    talloc_free(owner);
}

static void test_stat_competing_gray_without_events_or_groups_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct competing_gray test = stat_competing_gray(owner, table_of(owner, "competing only"), NULL);
    assert_true(isnan(test.chi_square) && isnan(test.p));
    assert_string_equal(test.reason, "no event in any group");
    test = stat_competing_gray(owner, table_of(owner, "one event"), NULL);
    assert_string_equal(test.reason, "fewer than two groups have subjects");
    const bool one_of_three[] = {false, true, false};
    test = stat_competing_gray(owner, table_of(owner, "competing"), one_of_three);
    assert_string_equal(test.reason, "fewer than two groups have subjects");
    talloc_free(owner);
}

static void test_stat_competing_gray_of_some_groups_is_that_of_their_subjects_alone(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const bool included[] = {true, false, true};
    struct survival_table *table = table_of(owner, "competing");
    const struct competing_gray some = stat_competing_gray(owner, table, included);
    size_t kept = 0;
    for (size_t i = 0; i < table->cell_count; i++) {
        if (included[table->cells[i].group])
            table->cells[kept++] = table->cells[i];
    }
    assert_true(kept < table->cell_count);
    table->cell_count = kept;
    const struct competing_gray alone = stat_competing_gray(owner, table, NULL);
    assert_true(some.chi_square == alone.chi_square && some.df == 1 && some.chi_square > 0);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_competing_incidence_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_competing_gray_gives_the_numbers_of_cmprsk),
        cmocka_unit_test(test_stat_competing_agrees_with_r_to_many_more_digits_than_asked),
        cmocka_unit_test(test_stat_competing_incidence_alone_is_one_less_survival),
        cmocka_unit_test(test_stat_competing_incidence_of_all_events_has_no_limits_at_one),
        cmocka_unit_test(test_stat_competing_incidence_without_the_event_is_zero_without_limits),
        cmocka_unit_test(test_stat_competing_gray_of_some_groups_is_that_of_their_subjects_alone),
        cmocka_unit_test(test_stat_competing_gray_without_events_or_groups_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
