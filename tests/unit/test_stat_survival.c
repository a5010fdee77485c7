/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/survival/make_survival.R, tests/golden/cases, tests/golden/trial1000). */
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
#include "reports/stat_survival_compare.h"
#include "reports/stat_survival_order.h"
#include "tests/support/survival_set.h"

static bool starts_with(const char *string, const char *start)
{
    return strncmp(string, start, strlen(start)) == 0;
}

/* ---- own data sets ---- */

static double pick_curve(const struct survival_at *at, const char *stat)
{
    if (starts_with(stat, "n_risk"))
        return (double)at->at_risk;
    if (starts_with(stat, "estimate"))
        return at->estimate;
    if (starts_with(stat, "se"))
        return at->se;
    return starts_with(stat, "lo") ? at->lo : at->hi;
}

static void check_curve(const void *owner, const struct golden_row *row, const struct survival_curve *curve)
{
    double argument = survival_argument(row->stat);
    if (strcmp(row->table, "curve") == 0) {
        const struct survival_at at = stat_survival_at(owner, curve, argument);
        survival_assert(row, pick_curve(&at, row->stat));
        assert_true((at.reason == NULL) == !isnan(at.lo));
    } else if (strcmp(row->table, "quantile") == 0) {
        const struct survival_quantile q = stat_survival_quantile(curve, argument / 100);
        survival_assert(row, starts_with(row->stat, "day")  ? q.day
                             : starts_with(row->stat, "lo") ? q.lo
                                                            : q.hi);
        assert_true((q.day_reason == NULL) == !isnan(q.day));
        assert_true((q.lo_reason == NULL) == !isnan(q.lo) && (q.hi_reason == NULL) == !isnan(q.hi));
    } else {
        const struct survival_rmst rmst = stat_survival_rmst(owner, curve, argument);
        survival_assert(row, starts_with(row->stat, "mean") ? rmst.mean : rmst.se);
        assert_true((rmst.reason == NULL) == !isnan(rmst.lo));
    }
}

static void check_logrank(const struct golden_row *row, const struct survival_logrank *test)
{
    if (strcmp(row->stat, "chisq") == 0)
        survival_assert(row, test->chi_square);
    else if (strcmp(row->stat, "df") == 0)
        survival_assert(row, (double)test->df);
    else if (strcmp(row->stat, "p") == 0)
        survival_assert(row, test->p);
    else if (starts_with(row->stat, "exp"))
        survival_assert(row, test->expected[(size_t)survival_argument(row->stat)]);
    else
        survival_assert(row, (double)test->observed[(size_t)survival_argument(row->stat)]);
}

static void check_row(const struct golden_row *row)
{
    void *owner = memory_owner(NULL, "row");
    struct survival_set *set = survival_set_load(owner, row->row);
    if (strcmp(row->table, "logrank") == 0) {
        if (row->col[0] == '\0') {
            set->data.stratum = NULL;
            set->data.stratum_count = 1;
        }
        const struct survival_logrank test =
            stat_survival_logrank(owner, stat_survival_table(owner, &set->data), NULL);
        check_logrank(row, &test);
    } else {
        const struct survival_table *table = stat_survival_table(owner, &set->data);
        check_curve(owner, row, stat_survival_curve(owner, table, strtoul(row->col, NULL, 10), 0.95));
    }
    talloc_free(owner);
}

static size_t check_tables(const char *const *tables)
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, SURVIVAL_EXPECTED, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; tables[t] != NULL; t++) {
            if (strcmp(rows[i].table, tables[t]) != 0)
                continue;
            check_row(&rows[i]);
            compared++;
        }
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_survival_curve_at_days_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_tables((const char *[]){"curve", NULL}), 635);
}

static void test_stat_survival_quantile_gives_the_days_and_limits_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_tables((const char *[]){"quantile", NULL}), 297);
}

static void test_stat_survival_rmst_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_tables((const char *[]){"rmst", NULL}), 180);
}

static void test_stat_survival_logrank_gives_the_numbers_of_r(void **state)
{
    (void)state;
    assert_int_equal(check_tables((const char *[]){"logrank", NULL}), 119);
}

/* ---- reference cases ---- */

static size_t group_of(const struct survival_set *set, const char *name)
{
    for (size_t g = 0; g < set->data.group_count; g++) {
        if (strcmp(set->groups[g], name) == 0)
            return g;
    }
    fail_msg("no group %s", name);
    return 0;
}

static double pick_reference(const struct survival_at *at, const char *stat)
{
    return pick_curve(at, strcmp(stat, "surv") == 0 ? "estimate" : stat);
}

static double pick_quartile(const struct survival_curve *curve, const char *stat)
{
    if (strcmp(stat, "n") == 0)
        return (double)curve->n;
    if (strcmp(stat, "events") == 0)
        return (double)curve->events;
    double p = starts_with(stat, "q25") ? 0.25 : starts_with(stat, "median") ? 0.5 : 0.75;
    const struct survival_quantile q = stat_survival_quantile(curve, p);
    if (strstr(stat, "_lo") != NULL)
        return q.lo;
    return strstr(stat, "_hi") != NULL ? q.hi : q.day;
}

static double pick_logrank(const struct survival_set *set, const struct survival_logrank *test,
                           const struct golden_row *row)
{
    if (strcmp(row->stat, "chisq") == 0)
        return test->chi_square;
    if (strcmp(row->stat, "df") == 0)
        return (double)test->df;
    if (strcmp(row->stat, "p") == 0)
        return test->p;
    size_t group = group_of(set, row->col);
    return strcmp(row->stat, "obs") == 0 ? (double)test->observed[group] : test->expected[group];
}

static void check_reference_row(const void *owner, const struct survival_set *set,
                                const struct golden_row *row)
{
    const struct survival_table *table = stat_survival_table(owner, &set->data);
    if (starts_with(row->table, "RMST")) {
        const struct survival_curve *curve = stat_survival_curve(owner, table, group_of(set, row->row), 0.95);
        const struct survival_rmst rmst =
            stat_survival_rmst(owner, curve, strtod(strstr(row->table, "tau=") + 4, NULL));
        survival_assert(row, strcmp(row->stat, "se") == 0 ? rmst.se : rmst.mean);
        return;
    }
    if (strcmp(row->row, "log-rank") == 0) {
        const struct survival_logrank test = stat_survival_logrank(owner, table, NULL);
        survival_assert(row, pick_logrank(set, &test, row));
        return;
    }
    const struct survival_curve *curve = stat_survival_curve(owner, table, group_of(set, row->col), 0.95);
    if (strcmp(row->row, "quartiles") == 0) {
        survival_assert(row, pick_quartile(curve, row->stat));
        return;
    }
    const struct survival_at at = stat_survival_at(owner, curve, strtod(strchr(row->row, ' '), NULL));
    survival_assert(row, pick_reference(&at, row->stat));
}

static size_t check_reference(const struct survival_set *set, const char *path, const char *const tables[2])
{
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, path, &count);
    for (size_t i = 0; i < count; i++) {
        if (!starts_with(rows[i].table, tables[0]) && !starts_with(rows[i].table, tables[1]))
            continue;
        check_reference_row(owner, set, &rows[i]);
        compared++;
    }
    talloc_free(owner);
    return compared;
}

static void test_stat_survival_of_gehan_gives_the_unit_vectors(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_int_equal(check_reference(survival_set_gehan(owner), "tests/golden/cases/unit_vectors.csv",
                                     (const char *[]){"KM gehan", "RMST gehan"}), 99);
    talloc_free(owner);
}

static void test_stat_survival_of_the_simulated_trial_gives_its_expected_numbers(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_int_equal(check_reference(survival_set_trial1000(owner), "tests/golden/trial1000/expected/tkr.csv",
                                     (const char *[]){"KM time", "RMST tau"}), 102);
    talloc_free(owner);
}

/* ---- what cannot be estimated ---- */

static struct survival_curve *curve_of(const void *owner, const char *name, size_t group)
{
    const struct survival_set *set = survival_set_load(owner, name);
    return stat_survival_curve(owner, stat_survival_table(owner, &set->data), group, 0.95);
}

static void test_stat_survival_at_after_follow_up_says_when_it_ends(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_curve *curve = curve_of(owner, "last is censored", 1);
    struct survival_at at = stat_survival_at(owner, curve, 8);
    assert_true(at.reason == NULL && at.estimate > 0);
    at = stat_survival_at(owner, curve, 9);
    assert_true(isnan(at.estimate) && isnan(at.se) && isnan(at.lo) && isnan(at.hi));
    assert_string_equal(at.reason, "follow-up ends on day 8");
    assert_int_equal(at.at_risk, 0);
    talloc_free(owner);
}

static void test_stat_survival_at_after_the_last_subjects_event_stays_zero(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_at at = stat_survival_at(owner, curve_of(owner, "last is event", 1), 1000);
    assert_true(at.estimate == 0 && isnan(at.se) && isnan(at.lo) && isnan(at.hi));
    assert_non_null(strstr(at.reason, "everybody has had the event"));
    talloc_free(owner);
}

static void test_stat_survival_of_an_empty_group_has_reasons(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_curve *curve = curve_of(owner, "empty group", 1);
    assert_int_equal(curve->n, 0);
    assert_string_equal(stat_survival_at(owner, curve, 5).reason, "no subjects");
    assert_string_equal(stat_survival_quantile(curve, 0.5).day_reason, "no subjects");
    assert_string_equal(stat_survival_rmst(owner, curve, 5).reason, "no subjects");
    size_t count = 1;
    stat_survival_thin(owner, curve, 0.001, &count);
    assert_int_equal(count, 0);
    talloc_free(owner);
}

static void test_stat_survival_quantile_of_a_curve_that_stays_level_at_it_is_not_reached(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const double days[] = {10, 20, 30, 40};
    const unsigned char status[] = {1, 1, 0, 0};
    const struct survival_data data = {days, status, NULL, NULL, 4, 1, 1};
    const struct survival_curve *curve =
        stat_survival_curve(owner, stat_survival_table(owner, &data), 0, 0.95);
    assert_true(isnan(stat_survival_quantile(curve, 0.5).day));
    assert_true(stat_survival_quantile(curve, 0.25).day == 15);
    talloc_free(owner);
}

/* A product of fractions is 1/2 but for rounding, now above and now below it. */
static void test_stat_survival_quantile_of_whole_samples_is_their_median(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    double days[100];
    unsigned char status[100];
    for (size_t n = 2; n <= 100; n += 2) {
        days[n - 2] = (double)(n - 1), days[n - 1] = (double)n;
        status[n - 2] = status[n - 1] = SURVIVAL_EVENT;
        const struct survival_data data = {days, status, NULL, NULL, n, 1, 1};
        const struct survival_table *table = stat_survival_table(owner, &data);
        const struct survival_curve *curve = stat_survival_curve(owner, table, 0, 0.95);
        assert_true(stat_survival_quantile(curve, 0.5).day == (double)n / 2 + 0.5);
    }
    talloc_free(owner);
}

static void test_stat_survival_rmst_beyond_follow_up_is_not_estimable(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_rmst shorter =
        stat_survival_rmst(owner, curve_of(owner, "last is censored", 1), 8.5);
    const struct survival_rmst longer =
        stat_survival_rmst(owner, curve_of(owner, "last is censored", 0), 8.5);
    assert_true(isnan(shorter.mean) && longer.mean > 0);
    assert_string_equal(shorter.reason, "follow-up ends on day 8");
    const struct survival_difference difference = stat_survival_rmst_difference(&longer, &shorter, 0.95);
    assert_true(isnan(difference.estimate) && isnan(difference.p));
    assert_string_equal(difference.reason, "follow-up ends on day 8");
    /* Everybody of this group has had the event: what follows is known. */
    assert_true(stat_survival_rmst(owner, curve_of(owner, "last is event", 1), 1000).mean > 0);
    talloc_free(owner);
}

/* Survival times of gehan: R gives the two means; their difference is that of independent numbers. */
static void test_stat_survival_rmst_difference_has_limits_and_p(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_set *set = survival_set_gehan(owner);
    const struct survival_table *table = stat_survival_table(owner, &set->data);
    const struct survival_rmst a = stat_survival_rmst(owner, stat_survival_curve(owner, table, 0, 0.95), 20);
    const struct survival_rmst b = stat_survival_rmst(owner, stat_survival_curve(owner, table, 1, 0.95), 20);
    const struct survival_difference d = stat_survival_rmst_difference(&a, &b, 0.95);
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, SURVIVAL_EXPECTED, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "rmst difference") != 0)
            continue;
        const double found[] = {d.estimate, d.se, d.lo, d.hi, d.p};
        survival_assert(&rows[i], found[compared++]);
    }
    assert_int_equal(compared, 5);
    talloc_free(owner);
}

static void test_stat_survival_logrank_without_events_or_groups_has_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct survival_set *set = survival_set_load(owner, "all censored");
    struct survival_logrank test = stat_survival_logrank(owner, stat_survival_table(owner, &set->data), NULL);
    assert_true(isnan(test.chi_square) && isnan(test.p) && test.df == 0);
    assert_string_equal(test.reason, "no event in any group");
    set = survival_set_load(owner, "one event");
    test = stat_survival_logrank(owner, stat_survival_table(owner, &set->data), NULL);
    assert_string_equal(test.reason, "fewer than two groups have subjects");
    talloc_free(owner);
}

static void test_stat_survival_logrank_of_some_groups_is_that_of_their_subjects_alone(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_set *set = survival_set_load(owner, "four groups");
    const bool included[] = {true, false, true, false};
    const struct survival_logrank some =
        stat_survival_logrank(owner, stat_survival_table(owner, &set->data), included);
    struct survival_data data = set->data;
    double days[200];
    unsigned char status[200];
    unsigned group[200], stratum[200];
    data.count = 0;
    for (size_t i = 0; i < set->data.count; i++) {
        if (!included[set->data.group[i]])
            continue;
        days[data.count] = set->data.days[i];
        status[data.count] = set->data.status[i];
        group[data.count] = set->data.group[i];
        stratum[data.count++] = set->data.stratum[i];
    }
    data.days = days, data.status = status, data.group = group, data.stratum = stratum;
    const struct survival_logrank alone =
        stat_survival_logrank(owner, stat_survival_table(owner, &data), NULL);
    assert_true(some.chi_square == alone.chi_square && some.df == 1 && some.chi_square > 0);
    talloc_free(owner);
}

static void test_stat_survival_without_subjects_has_a_table_without_cells(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_data data = {NULL, NULL, NULL, NULL, 0, 2, 1};
    const struct survival_table *table = stat_survival_table(owner, &data);
    assert_int_equal(table->cell_count, 0);
    assert_string_equal(stat_survival_logrank(owner, table, NULL).reason,
                        "fewer than two groups have subjects");
    assert_string_equal(stat_survival_at(owner, stat_survival_curve(owner, table, 0, 0.95), 1).reason,
                        "no subjects");
    talloc_free(owner);
}

/* ---- order and figures ---- */

static void test_stat_survival_in_another_order_gives_the_same_bits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_set *set = survival_set_load(owner, "strata");
    const struct survival_set *other = survival_set_shuffle(owner, set);
    const struct survival_table *a = stat_survival_table(owner, &set->data);
    const struct survival_table *b = stat_survival_table(owner, &other->data);
    assert_int_equal(a->cell_count, b->cell_count);
    assert_memory_equal(a->cells, b->cells, a->cell_count * sizeof *a->cells);
    talloc_free(owner);
}

static void test_stat_survival_order_sorts_numbers_of_both_signs_and_keeps_equal_ones(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const double keys[] = {3, 0, 1e300, -2, -0.0, -1e-300, 3, 0.5, -1e300};
    const size_t sorted[] = {8, 3, 5, 1, 4, 7, 0, 6, 2};
    size_t *order = stat_survival_order_new(owner, 9);
    stat_survival_order_by(order, 9, keys, 1);
    assert_memory_equal(order, sorted, sizeof sorted);
    talloc_free(owner);
}

static double drawn_at(const struct survival_step *steps, size_t count, double day)
{
    double estimate = 1;
    for (size_t i = 0; i < count && steps[i].day <= day; i++)
        estimate = steps[i].estimate;
    return estimate;
}

static void test_stat_survival_thin_of_many_subjects_keeps_the_curve_within_its_tolerance(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const size_t n = 100000;
    double *days = memory_new_array(owner, double, n);
    unsigned char *status = memory_new_array(owner, unsigned char, n);
    for (size_t i = 0; i < n; i++) {
        days[i] = 1 + (double)((i * 7919) % n) / 100;
        status[i] = i % 3 != 0;
    }
    const struct survival_data data = {days, status, NULL, NULL, n, 1, 1};
    const struct survival_curve *curve =
        stat_survival_curve(owner, stat_survival_table(owner, &data), 0, 0.95);
    size_t count = 0;
    const struct survival_step *steps = stat_survival_thin(owner, curve, 0.001, &count);
    assert_int_equal(curve->step_count, n);
    assert_in_range(count, 900, 3100);
    assert_true(steps[count - 1].day == curve->last_day);
    for (size_t i = 0; i < curve->step_count; i += 97)
        assert_true(fabs(drawn_at(steps, count, curve->steps[i].day) - curve->steps[i].estimate) < 0.001);
    talloc_free(owner);
}

static void test_stat_survival_thin_with_tolerance_zero_keeps_every_change(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct survival_curve *curve = curve_of(owner, "ties", 0);
    size_t count = 0, changes = 0;
    const struct survival_step *steps = stat_survival_thin(owner, curve, 0, &count);
    for (size_t i = 0; i < curve->step_count; i++)
        changes += curve->steps[i].events > 0 || i + 1 == curve->step_count;
    assert_int_equal(count, changes);
    for (size_t i = 0; i < curve->step_count; i++)
        assert_true(drawn_at(steps, count, curve->steps[i].day) == curve->steps[i].estimate);
    talloc_free(owner);
}

static void test_stat_survival_agrees_with_r_to_many_more_digits_than_asked(void **state)
{
    (void)state;
    assert_true(survival_largest_difference() > 0);
    assert_true(survival_largest_difference() < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_survival_curve_at_days_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_survival_quantile_gives_the_days_and_limits_of_r),
        cmocka_unit_test(test_stat_survival_rmst_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_survival_logrank_gives_the_numbers_of_r),
        cmocka_unit_test(test_stat_survival_rmst_difference_has_limits_and_p),
        cmocka_unit_test(test_stat_survival_agrees_with_r_to_many_more_digits_than_asked),
        cmocka_unit_test(test_stat_survival_of_gehan_gives_the_unit_vectors),
        cmocka_unit_test(test_stat_survival_of_the_simulated_trial_gives_its_expected_numbers),
        cmocka_unit_test(test_stat_survival_at_after_follow_up_says_when_it_ends),
        cmocka_unit_test(test_stat_survival_at_after_the_last_subjects_event_stays_zero),
        cmocka_unit_test(test_stat_survival_of_an_empty_group_has_reasons),
        cmocka_unit_test(test_stat_survival_quantile_of_a_curve_that_stays_level_at_it_is_not_reached),
        cmocka_unit_test(test_stat_survival_quantile_of_whole_samples_is_their_median),
        cmocka_unit_test(test_stat_survival_rmst_beyond_follow_up_is_not_estimable),
        cmocka_unit_test(test_stat_survival_logrank_without_events_or_groups_has_a_reason),
        cmocka_unit_test(test_stat_survival_logrank_of_some_groups_is_that_of_their_subjects_alone),
        cmocka_unit_test(test_stat_survival_without_subjects_has_a_table_without_cells),
        cmocka_unit_test(test_stat_survival_in_another_order_gives_the_same_bits),
        cmocka_unit_test(test_stat_survival_order_sorts_numbers_of_both_signs_and_keeps_equal_ones),
        cmocka_unit_test(test_stat_survival_thin_of_many_subjects_keeps_the_curve_within_its_tolerance),
        cmocka_unit_test(test_stat_survival_thin_with_tolerance_zero_keeps_every_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
