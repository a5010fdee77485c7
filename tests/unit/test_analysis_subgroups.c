/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Subgroup forests and hypotheses as result rows.  Numbers of R: the trial's own protocol is held against
 * tests/golden/trial1000/expected/forest.csv and covariance/equal.csv by test_trial1000.c.
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
#include "reports/analysis_subgroups.h"
#include "tests/support/golden.h"
#include "tests/support/trial1000_study.h"
#include "tests/support/weeks_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define COVARIANCE "tests/golden/covariance/protocol.yaml"
#define DOSES "tests/golden/other_studies/doses"
#define FOREST "forest W13 effort"
#define SEVERITY "severity at the first visit"

static double value(const struct results *results, const char *const names[4])
{
    const struct result *row = results_find(results, names[0], names[1], names[2], names[3]);
    if (row == NULL || row->status[0] != '\0')
        fail_msg("%s / %s / %s / %s: %s", names[0], names[1], names[2], names[3],
                 row == NULL ? "no such row" : row->note);
    return row->value;
}

static const struct results *run(const void *owner, const struct weeks_shape *shape)
{
    struct results *results = results_new(owner);
    analysis_subgroups(study_finish(weeks_study_new(owner, shape)), results);
    return results;
}

/* -- subgroups ------------------------------------------------------------------------------------------- */

static void test_analysis_subgroups_levels_make_up_all_subjects(void **state)
{
    (void)state;
    static const char *const groups[][4] = {
        {SEVERITY " light", SEVERITY " middling", SEVERITY " heavy", NULL},
        {"at work yes", "at work no", NULL, NULL},
        {"Age < 40", "Age 40 to < 60", "Age >= 60", NULL},
    };
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 120});
    assert_result(results, NAMES(FOREST, FOREST_EVERYBODY, "PLASMA - SALINE", "n1"), 60);
    for (size_t g = 0; g < 3; g++) {
        double n1 = 0, n0 = 0;
        for (size_t l = 0; groups[g][l] != NULL; l++) {
            n1 += value(results, NAMES(FOREST, groups[g][l], "PLASMA - SALINE", "n1"));
            n0 += value(results, NAMES(FOREST, groups[g][l], "PLASMA - SALINE", "n0"));
            value(results, NAMES(FOREST, groups[g][l], "PLASMA - SALINE", "p"));
        }
        assert_true(n1 == 60 && n0 == 60);
    }
    assert_result(results, NAMES(FOREST, "Age", "interaction", "df1"), 2);
    assert_result(results, NAMES(FOREST, "Age", "left out", "in_no_level"), 0);
    talloc_free(owner);
}

static void test_analysis_subgroups_other_endpoints_at_the_primary_visit_alone(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 60});
    value(results, NAMES("forest W13 now", FOREST_EVERYBODY, "PLASMA - SALINE", "diff"));
    for (size_t i = 0; i < results_count(results); i++)
        assert_int_equal(strncmp(results_at(results, i)->table, "forest W13 ", strlen("forest W13 ")), 0);
    talloc_free(owner);
}

static void test_analysis_subgroups_subjects_without_an_answer_are_told(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct results *results = run(owner, &(struct weeks_shape){.subjects = 120, .no_severity = true});
    assert_result(results, NAMES(FOREST, SEVERITY, "left out", "not_answered"), 30);
    assert_result(results, NAMES(FOREST, "at work", "left out", "not_answered"), 0);
    assert_result(results, NAMES(FOREST, FOREST_EVERYBODY, "PLASMA - SALINE", "n1"), 60);
    talloc_free(owner);
}

static void test_analysis_subgroups_code_that_is_left_out_is_in_no_level(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = trial1000_study_new(owner);
    size_t changed = 0;
    for (size_t i = 0; study_record_at(study, i) != NULL && changed < 300; i++) {
        struct study_record *record = study_record_at(study, i);
        if (strcmp(record->form->id, "baseline") == 0) {
            study_answer(study, record, "kl_grade", "0");
            changed++;
        }
    }
    struct results *results = results_new(owner);
    analysis_subgroups(study_finish(study), results);
    double in_levels = 0, out = value(results, NAMES("forest M12 pain", "KL", "left out", "in_no_level"));
    static const char *const levels[] = {"KL 1-2", "KL 3-4"};
    static const char *const stats[] = {"n1", "n0"};
    for (size_t l = 0; l < 2; l++) {
        in_levels += value(results, NAMES("forest M12 pain", levels[l], "AD-MSC - PLACEBO", stats[0]));
        in_levels += value(results, NAMES("forest M12 pain", levels[l], "AD-MSC - PLACEBO", stats[1]));
        in_levels += value(results, NAMES("forest M12 pain", levels[l], "UC-MSC - PLACEBO", stats[0]));
    }
    double all = value(results, NAMES("forest M12 pain", FOREST_EVERYBODY, "AD-MSC - PLACEBO", "n1"))
                 + value(results, NAMES("forest M12 pain", FOREST_EVERYBODY, "AD-MSC - PLACEBO", "n0"))
                 + value(results, NAMES("forest M12 pain", FOREST_EVERYBODY, "UC-MSC - PLACEBO", "n1"));
    assert_true(out > 100 && in_levels + out == all);
    talloc_free(owner);
}

static void test_analysis_subgroups_two_of_one_title_have_rows_of_their_own(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    analysis_subgroups(study_finish(trial1000_study_by(owner, COVARIANCE)), results);
    double first = value(results, NAMES("forest M12 pain", "sex female", "AD-MSC - PLACEBO", "diff"));
    double second =
        value(results, NAMES("forest M12 pain", "sex (women) female", "AD-MSC - PLACEBO", "diff"));
    assert_true(first == second);
    /* "other" is a level of the item, and nobody is in it. */
    assert_result(results, NAMES("forest M12 pain", "sex other", "AD-MSC - PLACEBO", "n1"), 0);
    assert_result_status(results, NAMES("forest M12 pain", "sex other", "AD-MSC - PLACEBO", "diff"),
                         "not_estimable");
    assert_result(results, NAMES("forest M12 pain", "sex", "interaction", "df1"), 2);
    talloc_free(owner);
}

static void test_analysis_subgroups_claims_of_an_interaction_have_their_forest(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct dataset *dataset = study_finish(trial1000_study_new(owner));
    struct analysis_plan *plan = &((struct protocol *)dataset->catalogue->protocol)->plan;
    size_t before = forests_of(owner, dataset).count;
    for (size_t i = 0; i < plan->claim_count; i++) {
        if (plan->claims[i].kind == CLAIM_INTERACTION)
            ((struct claim *)plan->claims)[i].visit = 1;
    }
    struct forests forests = forests_of(owner, dataset);
    assert_int_equal(forests.count, before + 1);
    assert_int_equal(forests.at[before].visit, 1);
    talloc_free(owner);
}

static void test_analysis_subgroups_what_cannot_be_estimated_has_a_reason(void **state)
{
    (void)state;
    static const struct weeks_shape shapes[] = {
        {.subjects = 0},
        {.subjects = 1},
        {.subjects = 20, .one_cohort = true},
        {.subjects = 20, .unmeasured = true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        const struct results *results = run(owner, &shapes[i]);
        assert_result_status(results, NAMES(FOREST, "at work yes", "PLASMA - SALINE", "diff"),
                             "not_estimable");
        assert_result_status(results, NAMES(FOREST, "at work no", "PLASMA - SALINE", "interaction"),
                             "not_estimable");
        assert_result_status(results, NAMES(FOREST, "at work", "interaction", "p"), "not_estimable");
        talloc_free(owner);
    }
}

static void test_analysis_subgroups_six_cohorts_have_each_contrast(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct study *study = study_new_with_forms(owner, DOSES "/protocol.yaml", DOSES "/forms");
    struct results *results = results_new(owner);
    analysis_subgroups(study_finish(study), results);
    static const char *const contrasts[] = {"DOSE1 - PLACEBO", "DOSE2 - PLACEBO", "DOSE3 - PLACEBO",
                                            "DOSE4 - PLACEBO", "DOSE5 - PLACEBO"};
    for (size_t c = 0; c < sizeof contrasts / sizeof contrasts[0]; c++)
        assert_result(results, NAMES("forest V10 tasks", "grade of the film 1-2", contrasts[c], "n1"), 0);
    study_dataset(study)->pooled = true;
    struct results *masked = results_new(owner);
    analysis_subgroups(study_dataset(study), masked);
    assert_int_equal(results_count(masked), 0);
    talloc_free(owner);
}

/* -- hypotheses ------------------------------------------------------------------------------------------ */

struct raw {
    const char *table, *row, *col, *stat;
    double p;                    /* NAN: not estimable */
};

static struct results *adjust(const void *owner, const char *protocol, const struct raw *raw, size_t count)
{
    struct results *results = results_new(owner);
    for (size_t i = 0; i < count; i++) {
        struct result row = {raw[i].table, raw[i].row,      raw[i].col,        raw[i].stat,
                             (double)NAN,  "not_estimable", "too few subjects"};
        if (isnan(raw[i].p))
            results_add_missing(results, &row);
        else
            results_add(results, row.table, row.row, row.col, row.stat, raw[i].p);
    }
    analysis_multiplicity(study_finish(study_new(owner, protocol)), results);
    return results;
}

static void test_analysis_multiplicity_holm_adjusts_the_p_values_of_the_models(void **state)
{
    (void)state;
    static const struct raw raw[] = {
        {"MMRM pain", "diff M12", "AD-MSC - PLACEBO", "p_satt", 0.5},
        {"MMRM pain", "diff M12", "AD-MSC - PLACEBO", "p_kr", 0.03},
        {"MMRM pain", "diff M12", "UC-MSC - PLACEBO", "p_kr", 0.02},
    };
    void *owner = memory_owner(NULL, "test");
    const struct results *results = adjust(owner, "tests/golden/trial1000/protocol.yaml", raw, 3);
    assert_result(results, NAMES("multiplicity", "pain M12", "AD-MSC - PLACEBO", "p_raw"), 0.03);
    assert_result(results, NAMES("multiplicity", "pain M12", "AD-MSC - PLACEBO", "p_adjusted"), 0.04);
    assert_result(results, NAMES("multiplicity", "pain M12", "UC-MSC - PLACEBO", "p_adjusted"), 0.04);
    assert_result(results, NAMES("multiplicity", "pain M12", "UC-MSC - PLACEBO", "order"), 2);
    talloc_free(owner);
}

static void test_analysis_multiplicity_ordered_ends_with_what_could_not_be_tested(void **state)
{
    (void)state;
    static const struct raw raw[] = {
        {"MMRM pain", "diff M12", "UC-MSC - PLACEBO", "p_satt", 0.01},
        {"MMRM vas", "diff M6", "AD-MSC - PLACEBO", "p_satt", (double)NAN},
        {"MMRM pain", "diff M24", "AD-MSC - PLACEBO", "p_satt", 0.001},
    };
    void *owner = memory_owner(NULL, "test");
    const struct results *results = adjust(owner, COVARIANCE, raw, 3);
    assert_result(results, NAMES("multiplicity", "pain M12", "UC-MSC - PLACEBO", "p_adjusted"), 0.01);
    assert_result_status(results, NAMES("multiplicity", "vas M6", "AD-MSC - PLACEBO", "p_raw"),
                         "not_estimable");
    assert_result(results, NAMES("multiplicity", "pain M24", "AD-MSC - PLACEBO", "p_raw"), 0.001);
    assert_result_status(results, NAMES("multiplicity", "pain M24", "AD-MSC - PLACEBO", "p_adjusted"),
                         "not_estimable");
    const struct result *found =
        results_find(results, "multiplicity", "vas M6", "AD-MSC - PLACEBO", "p_adjusted");
    assert_string_equal(found->note, "too few subjects");
    talloc_free(owner);
}

static void test_analysis_multiplicity_ordered_never_falls_below_an_earlier_p(void **state)
{
    (void)state;
    static const struct raw raw[] = {
        {"MMRM pain", "diff M12", "UC-MSC - PLACEBO", "p_satt", 0.01},
        {"MMRM vas", "diff M6", "AD-MSC - PLACEBO", "p_satt", 0.2},
        {"MMRM pain", "diff M24", "AD-MSC - PLACEBO", "p_satt", 0.001},
    };
    void *owner = memory_owner(NULL, "test");
    const struct results *results = adjust(owner, COVARIANCE, raw, 3);
    assert_result(results, NAMES("multiplicity", "pain M24", "AD-MSC - PLACEBO", "p_adjusted"), 0.2);
    const struct results *none = adjust(owner, COVARIANCE, raw, 0);
    assert_result_status(none, NAMES("multiplicity", "pain M12", "UC-MSC - PLACEBO", "p_raw"),
                         "not_estimable");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_subgroups_levels_make_up_all_subjects),
        cmocka_unit_test(test_analysis_subgroups_other_endpoints_at_the_primary_visit_alone),
        cmocka_unit_test(test_analysis_subgroups_subjects_without_an_answer_are_told),
        cmocka_unit_test(test_analysis_subgroups_code_that_is_left_out_is_in_no_level),
        cmocka_unit_test(test_analysis_subgroups_two_of_one_title_have_rows_of_their_own),
        cmocka_unit_test(test_analysis_subgroups_claims_of_an_interaction_have_their_forest),
        cmocka_unit_test(test_analysis_subgroups_what_cannot_be_estimated_has_a_reason),
        cmocka_unit_test(test_analysis_subgroups_six_cohorts_have_each_contrast),
        cmocka_unit_test(test_analysis_multiplicity_holm_adjusts_the_p_values_of_the_models),
        cmocka_unit_test(test_analysis_multiplicity_ordered_ends_with_what_could_not_be_tested),
        cmocka_unit_test(test_analysis_multiplicity_ordered_never_falls_below_an_earlier_p),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
