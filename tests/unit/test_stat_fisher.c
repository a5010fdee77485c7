/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R's fisher.test (tests/golden/comparisons/make_comparisons.R). */
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
#include "tests/support/golden.h"

static void test_stat_fisher_small_and_registry_sizes_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        struct proportion_pair pair = {0, 0, 0, 0};
        if (strcmp(rows[i].table, "fisher") != 0)
            continue;
        assert_int_equal(sscanf(rows[i].row, "%zu/%zu - %zu/%zu", &pair.x1, &pair.n1, &pair.x2, &pair.n2), 4);
        double expected = strtod(rows[i].value, NULL), p = stat_fisher(&pair).p;
        if (!(fabs(p - expected) <= 1e-8 * expected))       /* relative, as small as p may be */
            fail_msg("%s: expected %s, found %.15g", rows[i].row, rows[i].value, p);
        compared++;
    }
    assert_int_equal(compared, 19 + 6);
    talloc_free(owner);
}

/* All tables by their binomial coefficients, which are whole numbers below 2^53 at this size. */
static double by_enumeration(const struct proportion_pair *pair)
{
    double choose[33][33] = {{0}};
    for (int n = 0; n <= 32; n++) {
        choose[n][0] = 1;
        for (int k = 1; k <= n; k++)
            choose[n][k] = choose[n - 1][k - 1] + choose[n - 1][k];
    }
    size_t events = pair->x1 + pair->x2;
    double own = choose[pair->n1][pair->x1] * choose[pair->n2][pair->x2], rare = 0, all = 0;
    for (size_t x = 0; x <= events && x <= pair->n1; x++) {
        double weight = events - x > pair->n2 ? 0 : choose[pair->n1][x] * choose[pair->n2][events - x];
        all += weight;
        rare += weight <= own ? weight : 0;
    }
    return rare / all;
}

static void test_stat_fisher_every_small_table_gives_the_enumerated_probability(void **state)
{
    (void)state;
    struct proportion_pair pair = {0, 0, 0, 0};
    for (pair.n1 = 1; pair.n1 <= 16; pair.n1++)
        for (pair.n2 = 1; pair.n2 <= 16; pair.n2++)
            for (pair.x1 = 0; pair.x1 <= pair.n1; pair.x1++)
                for (pair.x2 = 0; pair.x2 <= pair.n2; pair.x2++) {
                    double p = stat_fisher(&pair).p, expected = by_enumeration(&pair);
                    if (!(fabs(p - expected) <= 1e-13 * expected))
                        fail_msg("%zu/%zu - %zu/%zu: expected %.15g, found %.15g", pair.x1, pair.n1, pair.x2,
                                 pair.n2, expected, p);
                }
}

static void test_stat_fisher_impossibly_rare_table_gives_zero(void **state)
{
    (void)state;
    const struct proportion_pair apart = {100000, 100000, 0, 100000};
    assert_true(stat_fisher(&apart).p == 0);
    assert_null(stat_fisher(&apart).reason);
}

static void test_stat_fisher_empty_group_says_so(void **state)
{
    (void)state;
    const struct proportion_pair empty = {0, 0, 3, 10};
    assert_true(isnan(stat_fisher(&empty).p));
    assert_string_equal(stat_fisher(&empty).reason, "nobody in the first group");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_fisher_small_and_registry_sizes_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_fisher_every_small_table_gives_the_enumerated_probability),
        cmocka_unit_test(test_stat_fisher_impossibly_rare_table_gives_zero),
        cmocka_unit_test(test_stat_fisher_empty_group_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
