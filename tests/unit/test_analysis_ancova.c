/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analyses of covariance as result rows.  Numbers of R: the trial's own protocol is held against
 * tests/golden/trial1000 and covariance/equal.csv by test_trial1000.c; here another protocol, other studies,
 * and what cannot be estimated.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000_study.h"
#include "tests/support/weeks_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define COVARIANCE "tests/golden/covariance"
#define EFFORT "ANCOVA change ~ cohort+base+site+baseline.severity effort"

static bool is_ancova(const struct golden_row *row)
{
    return strncmp(row->table, "ANCOVA ", strlen("ANCOVA ")) == 0;
}

static void test_analysis_ancova_more_covariates_and_observed_margins_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_ancova(study_finish(trial1000_study_by(owner, COVARIANCE "/protocol.yaml")), results);
    struct golden_outcome outcome =
        golden_compare(results, &(struct golden_rules){COVARIANCE "/observed.csv", is_ancova, NULL, false});
    /* 2 endpoints, 4 visits: 3 cohorts of 6 numbers, 2 contrasts of 7, 3 of the model, 5 terms of 4. */
    assert_int_equal(outcome.compared, 2 * 4 * (3 * 6 + 2 * 7 + 3 + 5 * 4));
    assert_int_equal(outcome.mismatches, 0);
    talloc_free(owner);
}

static const struct results *run(const void *owner, const struct weeks_shape *shape)
{
    struct results *results = results_new(owner);
    analysis_ancova(study_finish(weeks_study_new(owner, shape)), results);
    return results;
}

static double value(const struct results *results, const char *const names[4])
{
    const struct result *row = results_find(results, names[0], names[1], names[2], names[3]);
    if (row == NULL || row->status[0] != '\0')
        fail_msg("%s / %s / %s / %s: %s", names[0], names[1], names[2], names[3],
                 row == NULL ? "no such row" : row->note);
    return row->value;
}

static void assert_reason(const struct results *results, const char *const names[4], const char *part)
{
    assert_result_status(results, names, "not_estimable");
    const struct result *row = results_find(results, names[0], names[1], names[2], names[3]);
    if (strstr(row->note, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", row->note, part);
}

static void test_analysis_ancova_other_study_has_its_level_margin_and_terms(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 90});
    assert_result(results, NAMES(EFFORT, "W13", "PLASMA", "n"), 45);
    double diff = value(results, NAMES(EFFORT, "W13", "PLASMA - SALINE", "diff"));
    double plasma = value(results, NAMES(EFFORT, "W13", "PLASMA", "lsmean"));
    double saline = value(results, NAMES(EFFORT, "W13", "SALINE", "lsmean"));
    assert_true(fabs(diff - (plasma - saline)) < 1e-9);
    assert_result(results, NAMES(EFFORT, "W13", "term baseline.severity", "df1"), 2);
    assert_result(results, NAMES(EFFORT, "W13", "model", "resid_df"), 90 - 1 - 1 - 1 - 2 - 2);
    /* 90 % limits of 84 df: 1.663 standard errors. */
    double half = value(results, NAMES(EFFORT, "W13", "PLASMA - SALINE", "hi")) - diff;
    double se = value(results, NAMES(EFFORT, "W13", "PLASMA - SALINE", "se"));
    assert_true(fabs(half / se - 1.6634) < 1e-3);
    value(results, NAMES(EFFORT, "W13", "PLASMA - SALINE", "tost_p"));
    assert_null(results_find(results, "ANCOVA change ~ cohort+base+site+baseline.severity now", "W13",
                             "PLASMA - SALINE", "tost_p"));
    assert_null(results_find(results, EFFORT, "W0", "PLASMA", "lsmean"));
    talloc_free(owner);
}

static void test_analysis_ancova_subjects_without_a_covariate_are_counted_as_left_out(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 80, .no_severity = true});
    assert_result(results, NAMES(EFFORT, "W4", "model", "left_out"), 20);
    assert_int_equal(value(results, NAMES(EFFORT, "W4", "PLASMA", "n"))
                         + value(results, NAMES(EFFORT, "W4", "SALINE", "n")),
                     60);
    talloc_free(owner);
}

static void test_analysis_ancova_strict_windows_leave_out_who_came_late(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = weeks_study_new(owner, &(struct weeks_shape){.subjects = 40});
    size_t moved = 0;
    for (size_t i = 0; study_record_at(study, i) != NULL; i++) {
        struct study_record *record = study_record_at(study, i);
        if (strcmp(record->visit, "W8") == 0 && record->subject % 10 == 0) {
            record->date += 12;      /* day 69: in the analysis window 44-71, not in the due window 50-64 */
            moved++;
        }
    }
    assert_int_equal(moved, 4);
    struct results *results = results_new(owner);
    analysis_ancova(study_finish(study), results);
    assert_result(results, NAMES(EFFORT, "W8", "PLASMA", "n"), 20);
    assert_result(results, NAMES(EFFORT " due windows", "W8", "PLASMA", "n"), 16);
    assert_result(results, NAMES(EFFORT " due windows", "W8", "SALINE", "n"), 20);
    talloc_free(owner);
}

static void test_analysis_ancova_what_cannot_be_estimated_has_a_reason(void **state)
{
    (void)state;
    static const struct {
        struct weeks_shape shape;
        const char *col, *stat, *reason;
    } cases[] = {
        {{.subjects = 0}, "PLASMA", "lsmean", "no record"},
        {{.subjects = 1}, "PLASMA", "se", "no degrees of freedom"},
        {{.subjects = 1}, "PLASMA - SALINE", "diff", "no record in the group"},
        {{.subjects = 30, .one_cohort = true}, "PLASMA - SALINE", "diff", "no record in the group"},
        {{.subjects = 30, .one_cohort = true}, "term cohort", "F", "adds nothing"},
        {{.subjects = 30, .one_site = true}, "term site", "p", "adds nothing"},
        {{.subjects = 30, .unmeasured = true}, "SALINE", "lsmean", "no record"},
        {{.subjects = 30, .unmeasured = true}, "model", "rmse", "no record"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        const struct results *results = run(owner, &cases[i].shape);
        assert_reason(results, NAMES(EFFORT, "W13", cases[i].col, cases[i].stat), cases[i].reason);
        talloc_free(owner);
    }
}

static void test_analysis_ancova_one_cohort_has_its_own_mean(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 30, .one_cohort = true});
    value(results, NAMES(EFFORT, "W13", "PLASMA", "se"));
    talloc_free(owner);
}

static void test_analysis_ancova_masked_study_has_the_mean_of_all_and_no_difference(void **state)
{
    (void)state;
    static const char *const pooled[] = {"Pooled"};
    void *owner = memory_owner(NULL, "test");
    struct study *study = weeks_study_new(owner, &(struct weeks_shape){.subjects = 50});
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    struct results *results = results_new(owner);
    analysis_ancova(study_finish(study), results);
    assert_result(results, NAMES(EFFORT, "W13", "Pooled", "n"), 50);
    value(results, NAMES(EFFORT, "W13", "Pooled", "lsmean"));
    assert_null(results_find(results, EFFORT, "W13", "term cohort", "F"));
    for (size_t i = 0; i < results_count(results); i++)
        assert_true(strstr(results_at(results, i)->col, " - ") == NULL);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_ancova_more_covariates_and_observed_margins_give_the_numbers_of_r),
        cmocka_unit_test(test_analysis_ancova_other_study_has_its_level_margin_and_terms),
        cmocka_unit_test(test_analysis_ancova_subjects_without_a_covariate_are_counted_as_left_out),
        cmocka_unit_test(test_analysis_ancova_strict_windows_leave_out_who_came_late),
        cmocka_unit_test(test_analysis_ancova_what_cannot_be_estimated_has_a_reason),
        cmocka_unit_test(test_analysis_ancova_one_cohort_has_its_own_mean),
        cmocka_unit_test(test_analysis_ancova_masked_study_has_the_mean_of_all_and_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
