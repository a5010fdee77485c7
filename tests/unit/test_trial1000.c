/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated trial of tests/golden/trial1000, from its CSV straight into a data set: selection, scores and
 * analyses against numbers computed in R.  (The way through the daemon and the database is another test.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

static const struct dataset *dataset;

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "trial1000");
    struct study *study = trial1000_study_new(owner);
    struct results *results = results_new(owner);
    dataset = study_finish(study);
    analysis_run(dataset, results);
    *state = results;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

static void test_analysis_run_trial1000_gives_the_numbers_of_r(void **state)
{
    for (int i = 0; i < TRIAL1000_PARTS; i++) {
        struct golden_outcome outcome = golden_compare(*state, &trial1000_parts[i].rules);
        if (outcome.mismatches > 0)
            fail_msg("%s: %zu of %zu rows differ", trial1000_parts[i].name, outcome.mismatches,
                     outcome.compared);
        assert_int_equal(outcome.compared, trial1000_parts[i].rows);
    }
}

static struct text *csv_of(const struct results *results)
{
    struct text *csv = text_new(results);
    results_write_csv(results, csv);
    return csv;
}

static void test_analysis_run_on_threads_gives_the_bytes_of_one_after_the_other(void **state)
{
    struct results *ordered = results_new(talloc_parent(*state));
    for (const struct analysis *analysis = analyses; analysis->run != NULL; analysis++)
        analysis->run(dataset, ordered);
    struct text *wanted = csv_of(ordered);
    for (int round = 0; round < 3; round++) {
        FILE *output = stdout;
        struct results *results = results_new(talloc_parent(*state));
        analysis_run(dataset, results);
        assert_ptr_equal(stdout, output);
        assert_string_equal(csv_of(results)->bytes, wanted->bytes);
        talloc_free(results);
    }
}

static void test_golden_compare_empty_results_gives_only_mismatches(void **state)
{
    for (int i = 0; i < TRIAL1000_PARTS; i++) {
        struct results *empty = results_new(talloc_parent(*state));
        struct golden_rules rules = trial1000_parts[i].rules;
        rules.silent = true;
        struct golden_outcome outcome = golden_compare(empty, &rules);
        assert_int_equal(outcome.mismatches, trial1000_parts[i].rows);
    }
}

static void test_results_write_csv_read_back_gives_the_same_rows(void **state)
{
    const struct results *results = *state;
    struct text *csv = csv_of(results);
    char path[] = "/tmp/patella-results-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_int_equal(fwrite(csv->bytes, 1, csv->length, file), csv->length);
    assert_int_equal(fclose(file), 0);
    struct results *read = golden_read_results(results, path);
    remove(path);
    assert_int_equal(results_count(read), results_count(results));
    struct golden_outcome outcome = golden_compare(read, &trial1000_parts[0].rules);
    assert_int_equal(outcome.mismatches, 0);
    assert_string_equal(csv_of(read)->bytes, csv->bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_run_trial1000_gives_the_numbers_of_r),
        cmocka_unit_test(test_analysis_run_on_threads_gives_the_bytes_of_one_after_the_other),
        cmocka_unit_test(test_golden_compare_empty_results_gives_only_mismatches),
        cmocka_unit_test(test_results_write_csv_read_back_gives_the_same_rows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
