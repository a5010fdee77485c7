/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R (tests/golden/statistics/make_statistics.R) and tests/golden/cases/unit_vectors.csv. */
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
#include "reports/stat_proportion.h"
#include "tests/support/golden.h"

static double pick(const struct proportion *p, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"p", p->p}, {"wilson_lo", p->wilson_lo}, {"wilson_hi", p->wilson_hi}, {"cp_lo", p->cp_lo},
        {"cp_hi", p->cp_hi},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", stat);
    return 0;
}

static void check_row(const struct golden_row *row, double level)
{
    size_t x = 0, n = 0;
    assert_int_equal(sscanf(row->row, "%zu/%zu", &x, &n), 2);
    struct proportion p = stat_proportion(x, n, level);
    assert_int_equal(p.x, x);
    assert_int_equal(p.n, n);
    if (!golden_matches(row->stat, row->value, pick(&p, row->stat)))
        fail_msg("%s at %g, %s: expected %s, found %.12g", row->row, level, row->stat, row->value,
                 pick(&p, row->stat));
}

/* ac_lo and ac_hi (Agresti-Coull, 14 rows) are in no table of the report. */
static void test_stat_proportion_unit_vectors_give_wilson_and_clopper_pearson(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/cases/unit_vectors.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "one proportion") != 0 || strncmp(rows[i].stat, "ac_", 3) == 0)
            continue;
        check_row(&rows[i], 0.95);
        compared++;
    }
    assert_int_equal(compared, 35);
    talloc_free(owner);
}

static void test_stat_proportion_registry_sizes_and_levels_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/statistics/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, "proportion") != 0)
            continue;
        check_row(&rows[i], strtod(rows[i].col, NULL));
        compared++;
    }
    assert_int_equal(compared, 3 * 11 * 5);
    talloc_free(owner);
}

static void test_stat_proportion_of_nobody_has_no_limits(void **state)
{
    (void)state;
    struct proportion p = stat_proportion(0, 0, 0.95);
    assert_true(isnan(p.p) && isnan(p.wilson_lo) && isnan(p.wilson_hi) && isnan(p.cp_lo) && isnan(p.cp_hi));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_proportion_unit_vectors_give_wilson_and_clopper_pearson),
        cmocka_unit_test(test_stat_proportion_registry_sizes_and_levels_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_proportion_of_nobody_has_no_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
