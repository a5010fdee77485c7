/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reference-based imputation as result rows, against tests/golden/sensitivity (R). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000.h"
#include "tests/support/trial1000_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define EXPECTED "tests/golden/sensitivity/expected.csv"
#define WEIGHTED "tests/golden/missing_weights/trial1000.csv"

static double value(const struct results *results, const char *table, const char *visit, const char *stat)
{
    const struct result *found = results_find(results, table, visit, "AD-MSC - PLACEBO", stat);
    if (found == NULL || found->status[0] != '\0')
        fail_msg("%s / %s / %s: %s", table, visit, stat, found == NULL ? "no such row" : found->note);
    return found->value;
}

static void test_analysis_sensitivity_trial1000_gives_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_sensitivity(study_finish(trial1000_study_new(owner)), results);
    struct golden_outcome outcome =
        golden_compare(results, &(struct golden_rules){EXPECTED, NULL, NULL, false});
    assert_int_equal(outcome.compared, 4 * 3 + 4 * 4 * 2 + 1);
    assert_int_equal(outcome.mismatches, 0);
    assert_result(results, NAMES("sensitivity pain", "jackknife", "model", "grouped"), 0);
    /* Those who left an active cohort are worse off as on placebo: less of the difference is left. */
    double at_random = value(results, "sensitivity pain MAR", "M24", "diff");
    double jump = value(results, "sensitivity pain J2R", "M24", "diff");
    double increments = value(results, "sensitivity pain CIR", "M24", "diff");
    assert_true(at_random < jump && increments < jump && jump < 0);
    /* Imputed values of the cohort have to be higher, that is worse, for its gain to go. */
    double tipping = value(results, "sensitivity pain J2R", "M24", "tipping_delta");
    assert_true(tipping > 0 && tipping < value(results, "sensitivity pain MAR", "M24", "tipping_delta"));
    assert_true(value(results, "sensitivity pain J2R", "M24", "hi") < 0);
    assert_true(value(results, "sensitivity pain J2R", "M24", "p") < 0.05);
    talloc_free(owner);
}

static void test_analysis_sensitivity_weights_of_trial1000_give_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_sensitivity(study_finish(trial1000_study_new(owner)), results);
    struct golden_outcome outcome =
        golden_compare(results, &(struct golden_rules){WEIGHTED, NULL, NULL, false});
    assert_int_equal(outcome.compared, 4 * 2 * 10);
    assert_int_equal(outcome.mismatches, 0);
    assert_true(value(results, "sensitivity pain IPW", "M24", "ess")
                < value(results, "sensitivity pain IPW", "M24", "n"));
    assert_true(value(results, "sensitivity pain IPW", "M24", "weight_max") > 1);
    assert_null(results_find(results, "sensitivity vas IPW", "M24", "AD-MSC - PLACEBO", "diff"));
    talloc_free(owner);
}

#define FIRST_DAY "2024-02-05"

/*
 * Only PLACEBO and AD-MSC are there, the first `measured` visits after baseline are seen by everybody, but the
 * last one only by the first `early` subjects: the others begin 400 days later.
 */
static struct study *make_small(const void *owner, size_t subjects, size_t measured, size_t early)
{
    static const char *const ids[] = {"BL", "M3", "M6", "M12", "M24"};
    static const int days[] = {0, 91, 183, 365, 730};
    struct study *study = study_new(owner, TRIAL1000 "/protocol.yaml");
    for (size_t i = 0; i < subjects; i++) {
        date_days first = study_date(FIRST_DAY) + (i < early ? 0 : 400);
        size_t subject =
            study_add_subject(study, 1, (int)i + 1, KNEE_RIGHT, i % 2 == 0 ? "PLACEBO" : "AD-MSC");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", first);
        for (size_t v = 0; v <= measured - (i >= early); v++) {
            struct study_record *record =
                study_add_record(study, subject, "womac_lk", KNEE_RIGHT, ids[v], first + days[v]);
            for (size_t item = 1; item <= 5; item++) {
                char id[8], code[8];
                snprintf(id, sizeof id, "w%zu", item);
                snprintf(code, sizeof code, "%zu",
                         (i * 7919 + v * 104729 + item * 1299709 + i * v * 31 + i * item * 17) % 97 % 5);
                study_answer(study, record, id, code);
            }
        }
    }
    return study;
}

static struct results *run_study(const void *owner, struct study *study)
{
    struct results *results = results_new(owner);
    struct dataset *dataset = study_finish(study);
    analysis_ancova(dataset, results);
    analysis_sensitivity(dataset, results);
    return results;
}

static struct results *run_small(const void *owner, size_t subjects, size_t measured, bool pooled)
{
    static const char *const one[] = {"Pooled"};
    struct study *study = make_small(owner, subjects, measured, subjects);
    if (pooled) {
        struct dataset *dataset = study_dataset(study);
        dataset->pooled = true;
        dataset->cohorts = dataset->cohort_titles = one;
        dataset->cohort_count = 1;
    }
    return run_study(owner, study);
}

/* Whose last visit is still to come is not compared there; once it is over, the value counts as missing. */
static void test_analysis_sensitivity_does_not_impute_visits_that_are_not_over(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = make_small(owner, 40, 4, 24);
    study_dataset(study)->cut_made_us = (int64_t)(study_date(FIRST_DAY) + 830) * 86400000000;
    const struct results *results = run_study(owner, study);
    double observed = value(results, "ANCOVA change ~ cohort+base+site pain", "M24", "diff");
    assert_result(results, NAMES("sensitivity pain", "M24", "AD-MSC", "n"), 12);
    assert_result(results, NAMES("sensitivity pain", "M24", "AD-MSC", "imputed"), 0);
    assert_result(results, NAMES("sensitivity pain", "M12", "AD-MSC", "n"), 20);
    assert_true(fabs(value(results, "sensitivity pain MAR", "M24", "diff") - observed) < 1e-9);
    assert_true(fabs(value(results, "sensitivity pain J2R", "M24", "diff") - observed) < 1e-9);
    assert_true(fabs(value(results, "sensitivity pain J2R", "M12", "diff")
                     - value(results, "ANCOVA change ~ cohort+base+site pain", "M12", "diff"))
                < 1e-9);
    assert_true(fabs(value(results, "sensitivity pain IPW", "M24", "diff") - observed) < 1e-9);
    assert_result(results, NAMES("sensitivity pain IPW", "M24", "AD-MSC - PLACEBO", "weight_max"), 1);
    results = run_study(owner, make_small(owner, 40, 4, 24));
    assert_result(results, NAMES("sensitivity pain", "M24", "AD-MSC", "n"), 20);
    assert_result(results, NAMES("sensitivity pain", "M24", "AD-MSC", "imputed"), 8);
    assert_true(fabs(value(results, "sensitivity pain J2R", "M24", "diff") - observed) > 1e-3);
    talloc_free(owner);
}

/* All have their value of the last visit, but its due window is open for 60 days. */
static void test_analysis_sensitivity_does_not_compare_who_came_early(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = make_small(owner, 40, 4, 40);
    study_dataset(study)->cut_made_us = (int64_t)(study_date(FIRST_DAY) + 735) * 86400000000;
    const struct results *results = run_study(owner, study);
    assert_result(results, NAMES("sensitivity pain", "M24", "AD-MSC", "n"), 0);
    assert_result(results, NAMES("sensitivity pain", "M12", "AD-MSC", "n"), 20);
    assert_result_status(results, NAMES("sensitivity pain MAR", "M24", "AD-MSC - PLACEBO", "diff"), "not_estimable");
    assert_result_status(results, NAMES("sensitivity pain IPW", "M24", "AD-MSC - PLACEBO", "diff"), "not_estimable");
    assert_result(results, NAMES("sensitivity pain IPW", "M24", "AD-MSC - PLACEBO", "n"), 0);
    assert_true(fabs(value(results, "sensitivity pain MAR", "M12", "diff")
                     - value(results, "ANCOVA change ~ cohort+base+site pain", "M12", "diff"))
                < 1e-9);
    talloc_free(owner);
}

static void test_analysis_sensitivity_of_complete_data_is_the_analysis_of_covariance(void **state)
{
    (void)state;
    static const char *const tables[] = {"sensitivity pain MAR", "sensitivity pain J2R",
                                         "sensitivity pain CR", "sensitivity pain CIR"};
    void *owner = memory_owner(NULL, "test");
    /* UC-MSC has nobody: it has its reason, the others their numbers. */
    const struct results *results = run_small(owner, 40, 4, false);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        double difference = value(results, tables[i], "M12", "diff");
        assert_true(
            fabs(difference - value(results, "ANCOVA change ~ cohort+base+site pain", "M12", "diff")) < 1e-9);
        assert_result_status(results, NAMES(tables[i], "M12", "AD-MSC - PLACEBO", "tipping_delta"),
                             "not_estimable");
        assert_result_status(results, NAMES(tables[i], "M12", "UC-MSC - PLACEBO", "diff"), "not_estimable");
    }
    assert_true(fabs(value(results, "sensitivity pain IPW", "M12", "diff")
                     - value(results, "ANCOVA change ~ cohort+base+site pain", "M12", "diff")) < 1e-9);
    assert_result(results, NAMES("sensitivity pain IPW", "M12", "AD-MSC - PLACEBO", "n"), 40);
    assert_result(results, NAMES("sensitivity pain IPW", "M12", "AD-MSC - PLACEBO", "ess"), 40);
    assert_result(results, NAMES("sensitivity pain IPW", "M12", "AD-MSC - PLACEBO", "weight_max"), 1);
    assert_result_status(results, NAMES("sensitivity pain IPW", "M12", "UC-MSC - PLACEBO", "ess"),
                         "not_estimable");
    assert_result(results, NAMES("sensitivity pain", "M12", "AD-MSC", "imputed"), 0);
    talloc_free(owner);
}

static void test_analysis_sensitivity_of_too_little_says_why(void **state)
{
    (void)state;
    static const size_t subjects[] = {40, 1, 0};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        const struct results *results = run_small(owner, subjects[i], 0, false);
        assert_result_status(results, NAMES("sensitivity pain J2R", "M12", "AD-MSC - PLACEBO", "diff"),
                             "not_estimable");
        assert_result_status(results,
                             NAMES("sensitivity pain J2R", "M12", "AD-MSC - PLACEBO", "tipping_delta"),
                             "not_estimable");
        assert_result_status(results, NAMES("sensitivity pain IPW", "M12", "AD-MSC - PLACEBO", "diff"),
                             "not_estimable");
        assert_result_status(results, NAMES("sensitivity pain IPW", "M12", "AD-MSC - PLACEBO", "weight_max"),
                             "not_estimable");
        talloc_free(owner);
    }
}

static void test_analysis_sensitivity_pooled_has_no_rows(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run_small(owner, 40, 4, true);
    for (size_t i = 0; i < results_count(results); i++)
        assert_null(strstr(results_at(results, i)->table, "sensitivity"));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_sensitivity_trial1000_gives_the_numbers_of_r),
        cmocka_unit_test(test_analysis_sensitivity_weights_of_trial1000_give_the_numbers_of_r),
        cmocka_unit_test(test_analysis_sensitivity_does_not_impute_visits_that_are_not_over),
        cmocka_unit_test(test_analysis_sensitivity_does_not_compare_who_came_early),
        cmocka_unit_test(test_analysis_sensitivity_of_complete_data_is_the_analysis_of_covariance),
        cmocka_unit_test(test_analysis_sensitivity_of_too_little_says_why),
        cmocka_unit_test(test_analysis_sensitivity_pooled_has_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
