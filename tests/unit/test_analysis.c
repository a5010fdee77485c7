/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Analysis sets, baseline, completeness and efficacy, on a study small enough to count by hand. */
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
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})

enum { CELLS_GOOD, CELLS_FEW, CS_NO_BASELINE, CS_UNTREATED, NOT_ALLOCATED, SUBJECTS };

struct fixture {
    struct study *study;
    struct results *results;
};

/* Day 1 is 2024-03-01, so that day 92 is 2024-05-31 and day 184 is 2024-08-31. */
static void treat(struct study *study, size_t subject)
{
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
}

static void add_vas(struct study *study, size_t subject, const char *visit, const char *date,
                    const char *value)
{
    struct study_record *record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, study_date(date));
    if (value != NULL)
        study_answer(study, record, "vas", value);
}

static void add_baseline(struct study *study, size_t subject, const char *age, const char *sex)
{
    struct study_record *record =
        study_add_record(study, subject, "baseline", KNEE_NONE, "BL", study_date("2024-02-20"));
    study_answer(study, record, "age_years", age);
    if (sex != NULL)
        study_answer(study, record, "sex", sex);
}

static void add_end(struct study *study, size_t subject, const char *reason, const char *date)
{
    struct study_record *record = study_add_record(study, subject, "end_of_study", KNEE_NONE, "unscheduled",
                                             study_date(date));
    study_answer(study, record, "last_contact", date);
    study_answer(study, record, "reason", reason);
    if (strcmp(reason, "died") == 0)
        study_answer(study, record, "death_date", date);
}

static int set_up(void **state)
{
    static const char *const cohorts[SUBJECTS] = {"CELLS", "CELLS", "CS", "CS", NULL};
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = fixture->study = study_new(fixture, "tests/support/study.yaml");
    fixture->results = results_new(fixture);
    for (int i = 0; i < SUBJECTS; i++)
        study_add_subject(study, 1, i + 1, KNEE_RIGHT, cohorts[i]);
    treat(study, CELLS_GOOD);
    treat(study, CELLS_FEW);
    treat(study, CS_NO_BASELINE);
    add_vas(study, CELLS_GOOD, "BL", "2024-02-20", "60");
    add_vas(study, CELLS_GOOD, "M3", "2024-05-31", "30");
    add_vas(study, CELLS_GOOD, "M6", "2024-08-31", "50");
    add_vas(study, CELLS_FEW, "BL", "2024-02-20", "50");
    add_vas(study, CELLS_FEW, "M3", "2024-05-31", NULL);
    add_vas(study, CS_NO_BASELINE, "M3", "2024-05-31", "20");
    add_baseline(study, CELLS_GOOD, "61", "f");
    add_baseline(study, CELLS_FEW, "70", "f");
    add_baseline(study, CS_NO_BASELINE, "55", NULL);
    add_baseline(study, CS_UNTREATED, "99", "m");
    add_end(study, CELLS_GOOD, "completed", "2024-09-01");
    add_end(study, CS_UNTREATED, "not_treated", "2024-03-05");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static const struct results *run(struct fixture *fixture)
{
    analysis_run(study_finish(fixture->study), fixture->results);
    return fixture->results;
}

static void make_pooled(struct fixture *fixture)
{
    static const char *const pooled[] = {"Pooled"};
    struct dataset *dataset = study_dataset(fixture->study);
    dataset->pooled = true;
    dataset->cohorts = pooled;
    dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
}

/* -- populations ----------------------------------------------------------------------------------------- */

static void test_analysis_populations_count_every_enrolled_subject_once(void **state)
{
    static const struct {
        const char *table, *row;
        double n[3];             /* CELLS, CS, all */
    } cases[] = {
        {"analysis sets", "enrolled", {2, 2, 5}},
        {"analysis sets", "allocated", {2, 2, 4}},
        {"analysis sets", "treated", {2, 1, 3}},
        {"analysis sets", "treated_without_records", {0, 0, 0}},
        {"analysis sets", "fas", {1, 0, 1}},
        {"analysis sets", "completers", {1, 0, 1}},
        {"disposition", "in_study", {1, 1, 3}},
        {"disposition", "completed", {1, 0, 1}},
        {"disposition", "not_treated", {0, 1, 1}},
        {"disposition", "withdrew_consent", {0, 0, 0}},
    };
    static const char *const columns[] = {"CELLS", "CS", "(all)"};
    const struct results *results = run(*state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t c = 0; c < 3; c++)
            assert_result(results, NAMES(cases[i].table, cases[i].row, columns[c], "n"), cases[i].n[c]);
    }
    assert_result(results, NAMES("analysis sets", "allocated", "(all)", "pct"), 80);
    assert_result(results, NAMES("disposition", "in_study", "CELLS", "pct"), 50);
}

static void test_analysis_populations_wrong_date_of_treatment_is_seen(void **state)
{
    struct fixture *fixture = *state;
    size_t subject = study_add_subject(fixture->study, 1, 9, KNEE_RIGHT, "CELLS");
    study_add_record(fixture->study, subject, "treatment", KNEE_RIGHT, "unscheduled",
                     study_date("2014-03-01"));
    add_vas(fixture->study, subject, "BL", "2024-02-20", "50");
    study_dataset(fixture->study)->voided_count = 2;
    const struct results *results = run(fixture);
    assert_result(results, NAMES("analysis sets", "treated_without_records", "CELLS", "n"), 1);
    assert_result(results, NAMES("analysis sets", "treated_without_records", "(all)", "n"), 1);
    assert_result(results, NAMES("left out", "enrolment_voided", "(all)", "n"), 2);
}

static void add_deviation(struct study *study, size_t subject, const char *category)
{
    struct study_record *record = study_add_record(study, subject, "protocol_deviation", KNEE_NONE, "unscheduled",
                                             study_date("2024-03-05"));
    study_answer(study, record, "category", category);
}

static void test_analysis_populations_deviations_count_by_category(void **state)
{
    struct fixture *fixture = *state;
    add_deviation(fixture->study, CELLS_GOOD, "visit_window");
    add_deviation(fixture->study, CELLS_GOOD, "visit_window");
    add_deviation(fixture->study, CELLS_GOOD, "consent");
    add_deviation(fixture->study, NOT_ALLOCATED, "consent");
    const struct results *results = run(fixture);
    assert_result(results, NAMES("protocol deviations", "any", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("protocol deviations", "any", "CELLS", "events"), 3);
    assert_result(results, NAMES("protocol deviations", "any", "CELLS", "pct"), 50);
    assert_result(results, NAMES("protocol deviations", "visit_window", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("protocol deviations", "visit_window", "CELLS", "events"), 2);
    assert_result(results, NAMES("protocol deviations", "consent", "(all)", "subjects"), 2);
    assert_result(results, NAMES("protocol deviations", "consent", "CS", "events"), 0);
}

static void test_analysis_populations_one_value_after_baseline_is_enough_for_fas(void **state)
{
    struct fixture *fixture = *state;
    add_vas(fixture->study, CELLS_FEW, "M3", "2024-06-01", "45");
    add_vas(fixture->study, CELLS_FEW, "M3", "2024-05-31", "46");
    const struct results *results = run(fixture);
    assert_result(results, NAMES("analysis sets", "fas", "CELLS", "n"), 2);
    assert_result(results, NAMES("analysis sets", "completers", "CELLS", "n"), 1);
}

static void test_analysis_populations_withdrawn_consent_without_end_form_is_in_the_disposition(void **state)
{
    struct fixture *fixture = *state;
    struct study_record *record = study_add_record(fixture->study, CELLS_FEW, "screening", KNEE_NONE, "unscheduled",
                                             study_date("2024-06-01"));
    study_answer(fixture->study, record, "withdrawal_date", "2024-06-01");
    study_answer(fixture->study, record, "withdrawal_scope", "all_contact");
    const struct results *results = run(fixture);
    assert_result(results, NAMES("disposition", "withdrew_consent", "CELLS", "n"), 1);
    assert_result(results, NAMES("disposition", "in_study", "CELLS", "n"), 0);
}

static void test_analysis_run_pooled_names_no_arm(void **state)
{
    struct fixture *fixture = *state;
    make_pooled(fixture);
    const struct results *results = run(fixture);
    assert_result(results, NAMES("analysis sets", "enrolled", "Pooled", "n"), 5);
    assert_result(results, NAMES("value vas", "M3", "Pooled", "n"), 2);
    assert_result_status(results, NAMES("analysis sets", "allocated", "Pooled", "n"), "refused");
    assert_result_status(results, NAMES("analysis sets", "allocated", "(all)", "pct"), "refused");
    assert_result_status(results, NAMES("baseline treatment.dose_million_cells", "", "Pooled", "n"),
                         "refused");
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        const char *const names[] = {row->table, row->row, row->col, row->stat, row->note};
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
            assert_true(strstr(names[n], "CELLS") == NULL && strstr(names[n], "CS") == NULL);
        assert_null(strstr(row->col, " - "));
        assert_string_not_equal(row->table, "baseline smd");
    }
}

/* -- baseline -------------------------------------------------------------------------------------------- */

static void test_analysis_baseline_describes_treated_subjects(void **state)
{
    struct fixture *fixture = *state;
    struct study_record *dose = study_add_record(fixture->study, CELLS_GOOD, "treatment", KNEE_RIGHT, "unscheduled",
                                           study_date("2024-03-01"));
    study_answer(fixture->study, dose, "dose_million_cells", "100");
    dose = study_add_record(fixture->study, CELLS_GOOD, "treatment", KNEE_RIGHT, "unscheduled",
                            study_date("2024-03-20"));
    study_answer(fixture->study, dose, "dose_million_cells", "50");
    const struct results *results = run(fixture);
    assert_result(results, NAMES("baseline baseline.age_years", "", "CELLS", "n"), 2);
    assert_result(results, NAMES("baseline baseline.age_years", "", "CELLS", "mean"), 65.5);
    assert_result(results, NAMES("baseline baseline.age_years", "", "CS", "mean"), 55);
    assert_result_status(results, NAMES("baseline baseline.age_years", "", "CS", "sd"), "not_estimable");
    assert_result(results, NAMES("baseline baseline.sex", "f", "CELLS", "n"), 2);
    assert_result(results, NAMES("baseline baseline.sex", "f", "CELLS", "pct"), 100);
    assert_result(results, NAMES("baseline baseline.sex", "m", "CELLS", "n"), 0);
    assert_result(results, NAMES("baseline baseline.sex", "", "CS", "nmiss"), 1);
    assert_result_status(results, NAMES("baseline baseline.sex", "f", "CS", "pct"), "empty");
    assert_result(results, NAMES("baseline treatment.dose_million_cells", "", "CELLS", "mean"), 100);
    assert_null(results_find(results, "baseline baseline.age_years", "", "CELLS", "se"));
    assert_result_status(results, NAMES("baseline smd", "baseline.age_years", "CELLS - CS", "smd"),
                         "not_estimable");
    assert_null(results_find(results, "baseline smd", "baseline.age_years", "CS - CS", "smd"));
}

static void test_analysis_baseline_difference_of_two_cohorts_is_signed(void **state)
{
    struct fixture *fixture = *state;
    size_t subject = study_add_subject(fixture->study, 2, 1, KNEE_RIGHT, "CS");
    treat(fixture->study, subject);
    add_baseline(fixture->study, subject, "65", "m");
    const struct results *results = run(fixture);
    const struct result *smd =
        results_find(results, "baseline smd", "baseline.age_years", "CELLS - CS", "smd");
    assert_non_null(smd);
    /* R: (mean(c(61,70)) - mean(c(55,65))) / sqrt((var(c(61,70)) + var(c(55,65))) / 2) */
    assert_true(fabs(smd->value - 0.817623560872) < 1e-9);
}

/* -- completeness ---------------------------------------------------------------------------------------- */

static void test_analysis_completeness_counts_received_and_scorable(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("completeness", "M3", "CELLS", "treated"), 2);
    assert_result(results, NAMES("completeness", "M3", "CELLS", "expected"), 2);
    assert_result(results, NAMES("completeness", "M3", "CELLS", "submissions"), 2);
    assert_result(results, NAMES("completeness", "M3", "CELLS", "vas_scorable"), 1);
    assert_result(results, NAMES("completeness", "M3", "CELLS", "pct_scorable"), 50);
    assert_result(results, NAMES("completeness", "BL", "CS", "submissions"), 0);
    assert_result(results, NAMES("completeness pain_vas", "M3", "CELLS", "pct_vas_scorable"), 50);
    assert_result(results, NAMES("completeness womac_lk", "M6", "CELLS", "pct"), 0);
}

static const struct {
    const char *label, *cut, *reason, *end;
    double expected; /* of the cohort's two at M6: due on 2024-08-31, until 2024-09-21; one completed */
} expected_cases[] = {
    {"window open on the last day", "2024-09-21", NULL, NULL, 0},
    {"window closed", "2024-09-22", NULL, NULL, 2},
    {"died when due", "2024-12-01", "died", "2024-08-31", 1},
    {"died later", "2024-12-01", "died", "2024-09-01", 2},
    {"withdrew before", "2024-12-01", "withdrew_consent", "2024-07-01", 1},
    {"ended by an adverse event", "2024-12-01", "adverse_event", "2024-07-01", 1},
    {"lost to follow-up", "2024-12-01", "lost_to_follow_up", "2024-07-01", 2},
    {"new knee joint", "2024-12-01", "joint_replacement", "2024-07-01", 2},
};

static void test_analysis_completeness_expected_needs_a_closed_window_and_a_subject(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected_cases / sizeof expected_cases[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        struct fixture *fixture = fresh;
        study_dataset(fixture->study)->cut_made_us =
            (int64_t)study_date(expected_cases[i].cut) * 86400000000 + 1;
        if (expected_cases[i].reason != NULL)
            add_end(fixture->study, CELLS_FEW, expected_cases[i].reason, expected_cases[i].end);
        const struct result *row = results_find(run(fixture), "completeness", "M6", "CELLS", "expected");
        assert_non_null(row);
        if (row->value != expected_cases[i].expected)
            fail_msg("%s: expected %g, found %g", expected_cases[i].label, expected_cases[i].expected,
                     row->value);
        tear_down(&fresh);
    }
}

/* -- efficacy -------------------------------------------------------------------------------------------- */

static void test_analysis_descriptives_values_and_changes(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("value vas", "BL", "CELLS", "mean"), 55);
    assert_result(results, NAMES("value vas", "M3", "CELLS", "n"), 1);
    assert_result(results, NAMES("value vas", "M3", "CELLS", "nmiss"), 1);
    assert_result_status(results, NAMES("value vas", "M3", "CELLS", "lo"), "not_estimable");
    assert_result(results, NAMES("change vas", "M3", "CELLS", "mean"), -30);
    assert_result(results, NAMES("value vas", "M3", "CS", "n"), 1);
    assert_result(results, NAMES("change vas", "M3", "CS", "n"), 0);
    assert_result(results, NAMES("change vas", "M3", "CS", "nmiss"), 1);
    assert_result_status(results, NAMES("change vas", "M3", "CS", "mean"), "empty");
    assert_null(results_find(results, "change vas", "BL", "CELLS", "n"));
}

/* A screening visit: no change, no response, no part in the full analysis set. */
static void test_analysis_run_visit_before_baseline_is_no_follow_up(void **state)
{
    struct fixture *fixture = *state;
    fixture->study = study_new(fixture, "tests/support/study_screening.yaml");
    size_t subject = study_add_subject(fixture->study, 1, 1, KNEE_RIGHT, "CELLS");
    treat(fixture->study, subject);
    add_vas(fixture->study, subject, "SCR", "2024-01-20", "70");
    add_vas(fixture->study, subject, "BL", "2024-02-20", "60");
    const struct results *results = run(fixture);
    assert_result(results, NAMES("value vas", "SCR", "CELLS", "mean"), 70);
    assert_result(results, NAMES("value vas", "BL", "CELLS", "mean"), 60);
    assert_null(results_find(results, "change vas", "SCR", "CELLS", "n"));
    assert_null(results_find(results, "change vas", "BL", "CELLS", "n"));
    assert_null(results_find(results, "responder better observed", "SCR", "CELLS", "n.CELLS"));
    assert_result(results, NAMES("change vas", "M3", "CELLS", "n"), 0);
    assert_result(results, NAMES("analysis sets", "fas", "CELLS", "n"), 0);
}

static void test_analysis_responders_observed_and_imputed(void **state)
{
    const struct results *results = run(*state);
    assert_result(results, NAMES("responder better observed", "M3", "CELLS", "x.CELLS"), 1);
    assert_result(results, NAMES("responder better observed", "M3", "CELLS", "n.CELLS"), 1);
    assert_result(results, NAMES("responder better non-responder imputation", "M3", "CELLS", "n.CELLS"), 2);
    assert_result(results, NAMES("responder better non-responder imputation", "M3", "CELLS", "p.CELLS"), 0.5);
    assert_result(results, NAMES("responder better observed", "M6", "CELLS", "x.CELLS"), 0);
    assert_result(results, NAMES("responder better observed", "M6", "CS", "n.CS"), 0);
    assert_result_status(results, NAMES("responder better observed", "M6", "CS", "p.CS"), "empty");
    assert_result_status(results, NAMES("responder better observed", "M6", "CS", "cp_hi"), "empty");
}

/*
 * Due until 2024-09-21: before, who has not come has not failed to respond, and who came is not counted without
 * those.
 */
static void test_analysis_responders_visit_not_over_is_no_failure(void **state)
{
    static const struct {
        const char *cut;
        double n;
    } cases[] = {{"2024-09-01", 0}, {"2024-09-21", 0}, {"2024-09-22", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *fresh;
        set_up(&fresh);
        struct fixture *fixture = fresh;
        study_dataset(fixture->study)->cut_made_us = (int64_t)study_date(cases[i].cut) * 86400000000 + 1;
        const struct results *results = run(fixture);
        assert_result(results, NAMES("responder better non-responder imputation", "M6", "CELLS", "n.CELLS"),
                      cases[i].n);
        assert_result(results, NAMES("responder better non-responder imputation", "M6", "CELLS", "x.CELLS"), 0);
        assert_result(results, NAMES("responder better observed", "M6", "CELLS", "n.CELLS"), 1);
        tear_down(&fresh);
    }
    (void)state;
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STUDY(test_analysis_populations_count_every_enrolled_subject_once),
        WITH_STUDY(test_analysis_populations_wrong_date_of_treatment_is_seen),
        WITH_STUDY(test_analysis_populations_deviations_count_by_category),
        WITH_STUDY(test_analysis_populations_one_value_after_baseline_is_enough_for_fas),
        WITH_STUDY(test_analysis_populations_withdrawn_consent_without_end_form_is_in_the_disposition),
        WITH_STUDY(test_analysis_run_pooled_names_no_arm),
        WITH_STUDY(test_analysis_baseline_describes_treated_subjects),
        WITH_STUDY(test_analysis_baseline_difference_of_two_cohorts_is_signed),
        WITH_STUDY(test_analysis_completeness_counts_received_and_scorable),
        cmocka_unit_test(test_analysis_completeness_expected_needs_a_closed_window_and_a_subject),
        WITH_STUDY(test_analysis_descriptives_values_and_changes),
        WITH_STUDY(test_analysis_run_visit_before_baseline_is_no_follow_up),
        WITH_STUDY(test_analysis_responders_observed_and_imputed),
        cmocka_unit_test(test_analysis_responders_visit_not_over_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
