/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times to events: the simulated trial against R, and studies small enough to count by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/event_times.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})

/* -- the simulated trial --------------------------------------------------------------------------------- */

/* Tables are named by the event's id here, and every contrast is written "A - B". */
static void rename_row(struct golden_row *row)
{
    if (strcmp(row->table, "KM time to knee replacement") == 0)
        row->table = "KM replacement";
    else if (strcmp(row->table, "Cox") == 0)
        row->table = "Cox replacement";
    if (strcmp(row->col, "AD-MSC / PLACEBO") == 0)
        row->col = "AD-MSC - PLACEBO";
    else if (strcmp(row->col, "UC-MSC / PLACEBO") == 0)
        row->col = "UC-MSC - PLACEBO";
    if (strcmp(row->table, "RMST tau=730") == 0)
        *row = (struct golden_row){"RMST replacement", "tau=730", row->row, row->stat, row->value};
}

/* 4 days of 5 numbers and 9 of quartiles for 3 cohorts, log-rank 3 + 3 * 2, Cox 2 * 2 * 6, means 3 * 2. */
enum { TKR_ROWS = 3 * (4 * 5 + 9) + 9 + 24 + 6 };

static const struct golden_rules tkr = {TRIAL1000 "/expected/tkr.csv", NULL, rename_row, false};

static void test_analysis_events_trial1000_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "trial1000");
    struct results *results = results_new(owner);
    analysis_events(study_finish(trial1000_study_new(owner)), results);
    struct golden_outcome outcome = golden_compare(results, &tkr);
    assert_int_equal(outcome.mismatches, 0);
    assert_int_equal(outcome.compared, TKR_ROWS);
    struct golden_rules silent = tkr;
    silent.silent = true;
    assert_int_equal(golden_compare(results_new(owner), &silent).mismatches, TKR_ROWS);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_events_trial1000_gives_the_numbers_of_r),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
