/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Effect sizes of changes of scores that are fractions: equal changes are ties, whatever their last bits are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

/* 2 endpoints, 4 visits, 2 contrasts of 4 numbers. */
enum { RANK_ROWS = 64 };

static void test_analysis_effect_sizes_equal_changes_of_fractions_are_ties(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "trial1000");
    struct results *results = results_new(owner);
    analysis_effect_sizes(study_finish(trial1000_study_new(owner)), results);
    const struct golden_rules rules = {TRIAL1000 "/expected/ranks.csv", NULL, NULL, false};
    struct golden_outcome outcome = golden_compare(results, &rules);
    assert_int_equal(outcome.mismatches, 0);
    assert_int_equal(outcome.compared, RANK_ROWS);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_effect_sizes_equal_changes_of_fractions_are_ties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
