/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expected numbers: R (tests/golden/comparisons/make_comparisons.R) and tests/golden/cases/unit_vectors.csv.
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
#include "reports/stat_stratified.h"
#include "tests/support/golden.h"

enum { STRATA_MOST = 64 };

static double pick(const struct stratified *s, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"used", (double)s->used}, {"dropped", (double)s->dropped}, {"rd", s->difference.value},
        {"rd_lo", s->difference.lo}, {"rd_hi", s->difference.hi}, {"rr", s->ratio.value}, {"rr_lo", s->ratio.lo},
        {"rr_hi", s->ratio.hi}, {"or", s->odds.value}, {"or_lo", s->odds.lo}, {"or_hi", s->odds.hi},
        {"cmh", s->test.statistic}, {"cmh_p", s->test.p}, {"rd_mh", s->difference.value},
        {"lo", s->difference.lo}, {"hi", s->difference.hi},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

/* "x1/n1 x2/n2; x1/n1 x2/n2 ..." */
static size_t read_strata(const char *text, struct proportion_pair *strata)
{
    size_t count = 0;
    while (text != NULL) {
        struct proportion_pair *pair = &strata[count++];
        assert_true(count <= STRATA_MOST);
        assert_int_equal(sscanf(text, "%zu/%zu %zu/%zu", &pair->x1, &pair->n1, &pair->x2, &pair->n2), 4);
        text = strchr(text, ';');
        text = text == NULL ? NULL : text + 2;
    }
    return count;
}

static void test_stat_stratified_cases_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        struct proportion_pair strata[STRATA_MOST];
        if (strcmp(rows[i].table, "stratified") != 0)
            continue;
        size_t strata_count = read_strata(rows[i].row, strata);
        struct stratified s = stat_stratified(strata, strata_count, strtod(rows[i].col, NULL));
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&s, rows[i].stat)))
            fail_msg("%s at %s, %s: expected %s, found %.15g", rows[i].row, rows[i].col, rows[i].stat,
                     rows[i].value, pick(&s, rows[i].stat));
        compared++;
    }
    assert_int_equal(compared, 2 * (10 * 13 + 8));
    talloc_free(owner);
}

/* 46 matched pairs, each a stratum: 15 with the event in the first only, 6 in the second only. */
static void test_stat_stratified_matched_pairs_give_the_published_difference(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct proportion_pair pairs[46];
    for (size_t i = 0; i < 46; i++)
        pairs[i] = (struct proportion_pair){i < 15, 1, i >= 15 && i < 21, 1};
    struct stratified s = stat_stratified(pairs, 46, 0.95);
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "MH common risk difference (Sato)") != 0 || strcmp(rows[i].stat, "se") == 0)
            continue;
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&s, rows[i].stat)))
            fail_msg("%s: expected %s, found %.15g", rows[i].stat, rows[i].value, pick(&s, rows[i].stat));
        compared++;
    }
    assert_int_equal(compared, 3);
    talloc_free(owner);
}

static void assert_reasons(const char *text, const char *const expected[4])
{
    struct proportion_pair strata[STRATA_MOST];
    struct stratified s = stat_stratified(strata, read_strata(text, strata), 0.95);
    const char *found[] = {s.difference.reason, s.ratio.reason, s.odds.reason, s.test.reason};
    for (size_t i = 0; i < 4; i++) {
        if (expected[i] == NULL)
            assert_null(found[i]);
        else
            assert_string_equal(found[i], expected[i]);
    }
}

static void test_stat_stratified_not_estimable_says_why(void **state)
{
    (void)state;
    static const char none[] = "no stratum has subjects in both groups";
    static const char no_event[] = "no event in either group";
    static const char everybody[] = "everybody in both groups has the event";
    static const char split[] = "in each stratum nobody or everybody has the event";
    assert_reasons("3/5 0/0; 0/0 2/4", (const char *[]){none, none, none, none});
    assert_reasons("0/5 0/6; 0/7 0/4", (const char *[]){no_event, no_event, no_event, no_event});
    assert_reasons("5/5 6/6", (const char *[]){everybody, everybody, everybody, everybody});
    assert_reasons("5/5 6/6; 0/7 0/4", (const char *[]){split, split, split, split});
    assert_reasons("0/5 2/6", (const char *[]){
        NULL, "no event in the first group",
        "no stratum has an event in the first group and somebody without it in the second", NULL});
    assert_reasons("5/5 2/6", (const char *[]){
        NULL, NULL, "no stratum has an event in the second group and somebody without it in the first", NULL});
    struct stratified nothing = stat_stratified(NULL, 0, 0.95);
    assert_true(isnan(nothing.difference.value) && nothing.used == 0 && nothing.dropped == 0);
    assert_string_equal(nothing.test.reason, none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_stratified_cases_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_stratified_matched_pairs_give_the_published_difference),
        cmocka_unit_test(test_stat_stratified_not_estimable_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
