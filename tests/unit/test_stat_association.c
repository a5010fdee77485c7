/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/comparisons/make_comparisons.R). */
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
#include "reports/stat_association.h"
#include "reports/stat_stratified.h"
#include "tests/support/golden.h"

enum { NUMBERS_MOST = 64 };

static size_t read_numbers(const char *text, double *numbers)
{
    size_t n = 0;
    for (char *end = NULL; *text != '\0'; text = end) {
        assert_true(n < NUMBERS_MOST);
        numbers[n++] = strtod(text, &end);
    }
    return n;
}

/* text: "columns rows strata counts..."; scores: "" or "row scores... column scores..." */
static struct association compute(const void *owner, const char *text, const char *scores)
{
    double numbers[NUMBERS_MOST], score[NUMBERS_MOST];
    size_t counts[NUMBERS_MOST];
    size_t n = read_numbers(text, numbers);
    for (size_t i = 3; i < n; i++)
        counts[i - 3] = (size_t)numbers[i];
    struct contingency table = {(size_t)numbers[2], (size_t)numbers[1], (size_t)numbers[0], counts, NULL, NULL};
    assert_int_equal(n - 3, table.strata * table.rows * table.columns);
    if (scores[0] != '\0') {
        assert_int_equal(read_numbers(scores, score), table.rows + table.columns);
        table.row_scores = score;
        table.column_scores = score + table.rows;
    }
    return stat_association(owner, &table);
}

static double pick(const struct association *a, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"used", (double)a->used}, {"dropped", (double)a->dropped}, {"general", a->general.statistic},
        {"general_df", a->general.df}, {"general_p", a->general.p}, {"row_means", a->row_means.statistic},
        {"row_means_df", a->row_means.df}, {"row_means_p", a->row_means.p},
        {"correlation", a->correlation.statistic}, {"correlation_df", a->correlation.df},
        {"correlation_p", a->correlation.p},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static void test_stat_association_regular_and_singular_tables_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "association") != 0)
            continue;
        struct association a = compute(owner, rows[i].row, rows[i].col);
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&a, rows[i].stat)))
            fail_msg("%s, %s: expected %s, found %.15g", rows[i].row, rows[i].stat, rows[i].value,
                     pick(&a, rows[i].stat));
        compared++;
    }
    assert_int_equal(compared, 14 * 11);
    talloc_free(owner);
}

static void test_stat_association_two_by_two_gives_cochran_mantel_haenszel_three_times(void **state)
{
    (void)state;
    const struct proportion_pair strata[] = {{12, 32, 10, 33}, {16, 40, 8, 41}};
    struct hypothesis_test cmh = stat_stratified(strata, 2, 0.95).test;
    struct association a = compute(NULL, "2 2 2 12 20 10 23 16 24 8 33", "");
    const struct hypothesis_test *tests[] = {&a.general, &a.row_means, &a.correlation};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fabs(tests[i]->statistic - cmh.statistic) < 1e-12 * cmh.statistic);
        assert_true(tests[i]->df == 1);
    }
}

static void test_stat_association_one_group_or_response_says_so(void **state)
{
    (void)state;
    const char *const cases[] = {"3 2 1 0 7 0 0 9 0", "3 2 1 1 7 4 0 0 0", "3 1 1 1 7 4", "1 2 1 5 5", "2 2 1 0 0 0 0"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct association a = compute(NULL, cases[i], "");
        assert_true(isnan(a.general.statistic) && isnan(a.row_means.p) && isnan(a.correlation.p));
        assert_string_equal(a.general.reason, "in each stratum there is one group or one response only");
        assert_non_null(a.row_means.reason);
        assert_non_null(a.correlation.reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_association_regular_and_singular_tables_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_association_two_by_two_gives_cochran_mantel_haenszel_three_times),
        cmocka_unit_test(test_stat_association_one_group_or_response_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
