/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: tests/golden/overlap/make_overlap.R. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_evalue.h"
#include "tests/support/golden.h"

static struct evalue evaluate(const struct golden_row *row)
{
    double x[3] = {0};
    int count = sscanf(row->col, "%lf %lf %lf", &x[0], &x[1], &x[2]);
    if (strcmp(row->row, "ratio") == 0) {
        assert_int_equal(count, 3);
        return stat_evalue_risk_ratio(x[0], x[1], x[2]);
    }
    assert_int_equal(count, 2);
    return stat_evalue_difference(x[0], x[1]);
}

static double pick(const struct evalue *evalue, const char *stat)
{
    if (strcmp(stat, "ratio") == 0)
        return evalue->risk_ratio;
    return strcmp(stat, "limit") == 0 ? evalue->limit : evalue->estimate;
}

static void test_stat_evalue_gives_the_expected_numbers(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/overlap/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "E-value") != 0)
            continue;
        struct evalue evalue = evaluate(&rows[i]);
        compared++;
        assert_null(evalue.reason);
        if (!golden_matches(rows[i].stat, rows[i].value, pick(&evalue, rows[i].stat)))
            fail_msg("%s / %s / %s: expected %s, found %.12g", rows[i].row, rows[i].col, rows[i].stat,
                     rows[i].value, pick(&evalue, rows[i].stat));
    }
    assert_int_equal(compared, 24);
    talloc_free(owner);
}

static void assert_none(struct evalue evalue)
{
    assert_non_null(evalue.reason);
    assert_true(isnan(evalue.risk_ratio) && isnan(evalue.estimate) && isnan(evalue.limit));
}

static void test_stat_evalue_without_a_ratio_or_limits_has_a_reason(void **state)
{
    (void)state;
    assert_none(stat_evalue_risk_ratio((double)NAN, 1, 2));
    assert_none(stat_evalue_risk_ratio(2, 1, (double)NAN));
    assert_none(stat_evalue_risk_ratio(0, 0, 1));
    assert_none(stat_evalue_risk_ratio((double)INFINITY, 1, (double)INFINITY));
    assert_none(stat_evalue_difference(0.3, (double)NAN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_evalue_gives_the_expected_numbers),
        cmocka_unit_test(test_stat_evalue_without_a_ratio_or_limits_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
