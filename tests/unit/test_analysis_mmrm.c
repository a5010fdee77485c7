/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The models for repeated measures as result rows, against tests/golden/trial1000/expected (R). */
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
#define WEEKS "tests/golden/other_studies/weeks/"
#define DOSES "tests/golden/other_studies/doses/"

/* -- the simulated trial --------------------------------------------------------------------------------- */

/* Steps depend on where an iteration starts and on when it stops; where it ends does not. */
static bool is_compared(const struct golden_row *row)
{
    return strcmp(row->stat, "newton_iter") != 0;
}

static void test_analysis_mmrm_trial1000_gives_the_numbers_of_r(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"pain", "func", "vas"};
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_mmrm(study_finish(trial1000_study_new(owner)), results);
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        char path[64], table[16];
        snprintf(path, sizeof path, "%s/expected/mmrm_%s.csv", TRIAL1000, endpoints[i]);
        snprintf(table, sizeof table, "MMRM %s", endpoints[i]);
        struct golden_outcome outcome =
            golden_compare(results, &(struct golden_rules){path, is_compared, NULL, false});
        /* Of the fit, 10 elements of Sigma, 35 coefficients, 4 visits and the mean over them, 2 tests. */
        assert_int_equal(outcome.compared, 6 + 20 + 35 * 7 + 12 * 9 + 8 * 15 + 3 * 5 + 2 * 7 + 2 * 7);
        assert_int_equal(outcome.mismatches, 0);
        assert_result(results, NAMES(table, "fit", "unstructured", "taken"), 1);
        assert_result(results, NAMES(table, "fit", "M24", "used"), 1);
    }
    talloc_free(owner);
}

static double value(const struct results *results, const char *const names[4])
{
    const struct result *found = results_find(results, names[0], names[1], names[2], names[3]);
    if (found == NULL || found->status[0] != '\0')
        fail_msg("%s / %s / %s / %s: %s", names[0], names[1], names[2], names[3],
                 found == NULL ? "no such row" : found->note);
    return found->value;
}

static void test_analysis_mmrm_durability_is_the_difference_of_differences(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_mmrm(study_finish(trial1000_study_new(owner)), results);
    double later = value(results, NAMES("MMRM pain", "diff M24", "AD-MSC - PLACEBO", "diff"));
    double earlier = value(results, NAMES("MMRM pain", "diff M6", "AD-MSC - PLACEBO", "diff"));
    double durability = value(results, NAMES("MMRM pain", "diff M24 - M6", "AD-MSC - PLACEBO", "diff"));
    assert_true(fabs(durability - (later - earlier)) < 1e-9);
    /* With the covariance of both it is more precise than two differences of separate subjects would be. */
    assert_true(value(results, NAMES("MMRM pain", "diff M24 - M6", "AD-MSC - PLACEBO", "se_kr")) <
                hypot(value(results, NAMES("MMRM pain", "diff M24", "AD-MSC - PLACEBO", "se_kr")),
                      value(results, NAMES("MMRM pain", "diff M6", "AD-MSC - PLACEBO", "se_kr"))));
    /* No value of the margin's 5 points lies in the interval, so that equivalence is not shown. */
    assert_true(value(results, NAMES("MMRM pain", "diff M12", "UC-MSC - PLACEBO", "tost_p")) > 0.99);
    assert_null(results_find(results, "MMRM vas", "diff M12", "UC-MSC - PLACEBO", "tost_p"));
    talloc_free(owner);
}

/* -- another study --------------------------------------------------------------------------------------- */

struct make {
    size_t subjects, visits; /* visits after baseline that are measured */
    bool one_cohort, unmeasured;
};

/* Answers vary from subject to subject and visit to visit, without pattern and always the same. */
static int noise(size_t subject, size_t visit, size_t item)
{
    return (
        int)((subject * 7919 + visit * 104729 + item * 1299709 + subject * visit * 31 + subject * item * 17) %
             97);
}

static void measure(struct study *study, size_t subject, size_t visit, const char *id, date_days date)
{
    struct study_record *record = study_add_record(study, subject, "activities", KNEE_RIGHT, id, date);
    for (size_t item = 1; item <= 14; item++) {
        char name[8], code[8];
        snprintf(name, sizeof name, "d%zu", item);
        snprintf(code, sizeof code, "%d", 1 + noise(subject, visit, item) % 5);
        study_answer(study, record, name, code);
    }
    study_answer(study, record, "knee_now", noise(subject, visit, 15) % 2 == 0 ? "2" : "4");
}

static struct study *make_weeks(const void *owner, const struct make *make)
{
    static const char *const visits[] = {"W0", "W4", "W8", "W13"}, *const severities[] = {"light", "middling",
                                                                                          "heavy"};
    static const int days[] = {0, 28, 56, 91};
    struct study *study = study_new_with_forms(owner, WEEKS "protocol.yaml", WEEKS "forms");
    date_days first = study_date("2025-02-03");
    for (size_t i = 0; i < make->subjects; i++) {
        size_t subject = study_add_subject(study, 1 + (int)(i % 3), (int)i + 1, KNEE_RIGHT,
                                           make->one_cohort || i % 2 == 0 ? "PLASMA" : "SALINE");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", first);
        struct study_record *record = study_add_record(study, subject, "baseline", KNEE_NONE, "W0", first);
        study_answer(study, record, "severity", severities[i / 2 % 3]);
        for (size_t v = 0; !make->unmeasured && v <= make->visits; v++) {
            if (v == 0 || noise(i, v, 16) % 6 != 0)
                measure(study, subject, v, visits[v], first + days[v]);
        }
    }
    return study;
}

static const struct results *run(const void *owner, const struct make *make)
{
    struct results *results = results_new(owner);
    analysis_mmrm(study_finish(make_weeks(owner, make)), results);
    return results;
}

static void test_analysis_mmrm_of_another_study_codes_by_its_reference(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct make){.subjects = 60, .visits = 3});
    /* SALINE is the second cohort and the reference. */
    double difference = value(results, NAMES("MMRM effort", "diff W4", "PLASMA - SALINE", "diff"));
    assert_true(fabs(value(results, NAMES("MMRM effort", "coef", "cohortPLASMA", "est")) - difference) <
                1e-9);
    double plasma = value(results, NAMES("MMRM effort", "lsmean W4", "PLASMA", "lsmean"));
    double saline = value(results, NAMES("MMRM effort", "lsmean W4", "SALINE", "lsmean"));
    assert_true(fabs(plasma - saline - difference) < 1e-9);
    value(results, NAMES("MMRM effort", "coef", "VW13:cohortPLASMA", "est"));
    value(results, NAMES("MMRM effort", "coef", "site2", "est"));
    value(results, NAMES("MMRM effort", "coef", "baseline.severityheavy", "est"));
    value(results, NAMES("MMRM effort", "coef", "base:VW8", "est"));
    value(results, NAMES("MMRM effort", "diff W13", "PLASMA - SALINE", "tost_p"));
    value(results, NAMES("MMRM now", "diff W13", "PLASMA - SALINE", "p_satt"));
    value(results, NAMES("MMRM now", "type 3 F baseline.severity", "mean over visits", "p_satt"));
    assert_null(results_find(results, "MMRM effort", "lsmean W0", "PLASMA", "lsmean"));
    talloc_free(owner);
}

/* -- what cannot be estimated ---------------------------------------------------------------------------- */

static void test_analysis_mmrm_one_visit_leaves_the_others_out(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct make){.subjects = 60, .visits = 1});
    value(results, NAMES("MMRM effort", "diff W4", "PLASMA - SALINE", "diff"));
    assert_result_status(results, NAMES("MMRM effort", "diff W8", "PLASMA - SALINE", "diff"),
                         "not_estimable");
    assert_result_status(results, NAMES("MMRM effort", "fit", "W8", "used"), "not_estimable");
    assert_result_status(results, NAMES("MMRM effort", "type 3 F arm x visit", "interaction", "p_satt"),
                         "not_estimable");
    assert_result(results, NAMES("MMRM effort", "lsmean W8", "PLASMA", "n"), 0);
    talloc_free(owner);
}

static void test_analysis_mmrm_one_cohort_has_means_and_no_differences(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results =
        run(owner, &(struct make){.subjects = 60, .visits = 3, .one_cohort = true});
    value(results, NAMES("MMRM effort", "lsmean W4", "PLASMA", "lsmean"));
    assert_result_status(results, NAMES("MMRM effort", "lsmean W4", "SALINE", "lsmean"), "not_estimable");
    assert_result_status(results, NAMES("MMRM effort", "diff W4", "PLASMA - SALINE", "p_satt"),
                         "not_estimable");
    assert_result_status(results, NAMES("MMRM effort", "joint F all arm contrasts", "all visits", "p_satt"),
                         "not_estimable");
    talloc_free(owner);
}

static const struct {
    const char *label;
    struct make make;
} nothing_to_fit[] = {
    {"never measured", {.subjects = 60, .visits = 3, .unmeasured = true}},
    {"one subject", {.subjects = 1, .visits = 3}},
    {"no subject", {.subjects = 0}},
    {"two subjects", {.subjects = 2, .visits = 3}},
};

static void test_analysis_mmrm_of_too_little_says_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nothing_to_fit / sizeof nothing_to_fit[0]; i++) {
        print_message("%s\n", nothing_to_fit[i].label);
        void *owner = memory_owner(NULL, "test");
        const struct results *results = run(owner, &nothing_to_fit[i].make);
        assert_result_status(results, NAMES("MMRM effort", "fit", "model", "m2reml"), "not_estimable");
        assert_result_status(results, NAMES("MMRM effort", "fit", "W13", "used"), "not_estimable");
        assert_result_status(results, NAMES("MMRM effort", "lsmean W4", "SALINE", "lsmean"), "not_estimable");
        assert_result_status(results,
                             NAMES("MMRM effort", "diff averaged over visits", "PLASMA - SALINE", "p_kr"),
                             "not_estimable");
        assert_null(results_find(results, "MMRM effort", "sigma", "1,1", "est"));
        talloc_free(owner);
    }
}

/* -- masked ---------------------------------------------------------------------------------------------- */

static void test_analysis_mmrm_pooled_names_no_cohort(void **state)
{
    (void)state;
    static const char *const pooled[] = {"Pooled"};
    void *owner = memory_owner(NULL, "test");
    struct study *study = make_weeks(owner, &(struct make){.subjects = 60, .visits = 3});
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    struct results *results = results_new(owner);
    analysis_mmrm(study_finish(study), results);
    value(results, NAMES("MMRM effort", "lsmean W13", "Pooled", "lsmean"));
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *result = results_at(results, i);
        if (strstr(result->row, "diff") != NULL || strstr(result->row, "arm") != NULL ||
            strstr(result->col, "PLASMA") != NULL || strstr(result->col, "SALINE") != NULL ||
            strstr(result->note, "cohort") != NULL)
            fail_msg("%s / %s / %s: %s", result->row, result->col, result->stat, result->note);
    }
    talloc_free(owner);
}

/* -- ten visits ------------------------------------------------------------------------------------------ */

static void test_analysis_mmrm_ten_visits_and_six_cohorts_are_fitted(void **state)
{
    (void)state;
    static const char *const cohorts[] = {"DOSE1", "DOSE2", "DOSE3", "DOSE4", "DOSE5", "PLACEBO"};
    static const char *const visits[] = {"V0", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10"};
    void *owner = memory_owner(NULL, "test");
    struct study *study = study_new_with_forms(owner, DOSES "protocol.yaml", DOSES "forms");
    date_days first = study_date("2025-02-03");
    for (size_t i = 0; i < 240; i++) {
        size_t subject = study_add_subject(study, 1, (int)i + 1, KNEE_LEFT, cohorts[i % 6]);
        study_add_record(study, subject, "treatment", KNEE_LEFT, "unscheduled", first);
        for (size_t v = 0; v <= 10; v++) {
            char code[8];
            struct study_record *record =
                study_add_record(study, subject, "rating", KNEE_LEFT, visits[v], first + 14 * (date_days)v);
            snprintf(code, sizeof code, "%d", noise(i, v, 3) % 11);
            study_answer(study, record, "pain", code);
        }
    }
    struct results *results = results_new(owner);
    analysis_mmrm(study_finish(study), results);
    assert_result(results, NAMES("MMRM pain", "fit", "model", "records"), 2400);
    assert_result(results, NAMES("MMRM pain", "fit", "model", "parameters"), 55);
    assert_result(results, NAMES("MMRM pain", "type 3 F arm x visit", "interaction", "df1"), 45);
    value(results, NAMES("MMRM pain", "diff V10", "DOSE5 - PLACEBO", "p_kr"));
    assert_result_status(results, NAMES("MMRM tasks", "diff V10", "DOSE5 - PLACEBO", "p_kr"),
                         "not_estimable");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_mmrm_trial1000_gives_the_numbers_of_r),
        cmocka_unit_test(test_analysis_mmrm_durability_is_the_difference_of_differences),
        cmocka_unit_test(test_analysis_mmrm_of_another_study_codes_by_its_reference),
        cmocka_unit_test(test_analysis_mmrm_one_visit_leaves_the_others_out),
        cmocka_unit_test(test_analysis_mmrm_one_cohort_has_means_and_no_differences),
        cmocka_unit_test(test_analysis_mmrm_of_too_little_says_why),
        cmocka_unit_test(test_analysis_mmrm_pooled_names_no_cohort),
        cmocka_unit_test(test_analysis_mmrm_ten_visits_and_six_cohorts_are_fitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
