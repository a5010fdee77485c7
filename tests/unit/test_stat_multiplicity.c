/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: R's p.adjust and cummax (tests/golden/comparisons/make_comparisons.R). */
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
#include "reports/stat_multiplicity.h"
#include "tests/support/golden.h"

enum { HYPOTHESES_MOST = 8 };

static void test_stat_adjust_cases_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    const struct golden_row *rows = golden_load(owner, "tests/golden/comparisons/expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        double p[HYPOTHESES_MOST], adjusted[HYPOTHESES_MOST];
        size_t n = 0, at = 0;
        char method[16];
        if (strcmp(rows[i].table, "multiplicity") != 0)
            continue;
        for (char *text = memory_copy_string(owner, rows[i].row); *text != '\0'; n++) {
            assert_true(n < HYPOTHESES_MOST);
            p[n] = strtod(text, &text);
        }
        assert_int_equal(sscanf(rows[i].stat, "%15s %zu", method, &at), 2);
        if (strcmp(method, "holm") == 0)
            stat_adjust_holm(owner, p, n, adjusted);
        else
            stat_adjust_fixed_sequence(p, n, adjusted);
        assert_in_range(at, 1, n);
        if (!golden_matches(rows[i].stat, rows[i].value, adjusted[at - 1]))
            fail_msg("%s, %s: expected %s, found %.15g", rows[i].row, rows[i].stat, rows[i].value, adjusted[at - 1]);
        compared++;
    }
    assert_int_equal(compared, 2 * (4 + 5 + 2 + 1 + 3 + 2));
    talloc_free(owner);
}

static void test_stat_adjust_in_place_gives_the_same(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005}, q[] = {0.01, 0.04, 0.03, 0.005}, adjusted[4];
    stat_adjust_holm(NULL, p, 4, adjusted);
    stat_adjust_holm(NULL, p, 4, p);
    assert_memory_equal(p, adjusted, sizeof p);
    stat_adjust_fixed_sequence(q, 4, adjusted);
    stat_adjust_fixed_sequence(q, 4, q);
    assert_memory_equal(q, adjusted, sizeof q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_adjust_cases_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_adjust_in_place_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
