/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adverse events of a study small enough to count by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/adverse_event.h"
#include "reports/analysis.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})

enum { MOST_ANSWERS = 8 };

struct answers {
    const char *item, *text;
};

/*
 * Two treated subjects with cells (0, 1), one with corticosteroid (2), one not treated (3); day 1 is
 * 2024-03-15.
 */
static int set_up(void **state)
{
    struct study *study = study_new(NULL, "tests/support/study.yaml");
    for (int i = 0; i < 4; i++) {
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, i < 2 ? "CELLS" : "CS");
        if (i < 3)
            study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled",
                             study_date("2024-03-15"));
    }
    *state = study;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* `answers` end with an empty entry. */
static void add_event(struct study *study, size_t subject, const struct answers *answers)
{
    struct study_record *record = study_add_record(study, subject, "adverse_event", KNEE_NONE, "unscheduled",
                                             study_date("2024-12-01"));
    for (; answers->item != NULL; answers++)
        study_answer(study, record, answers->item, answers->text);
}

static const struct results *run(struct study *study)
{
    struct results *results = results_new(study);
    analysis_adverse_events(study_finish(study), results);
    return results;
}

/* -- treatment-emergent ---------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct answers answers[MOST_ANSWERS];
    bool counted, imputed;
} emergent_cases[] = {
    {"on day 1", {{"onset", "2024-03-15"}}, true, false},
    {"the day before", {{"onset", "2024-03-14"}}, false, false},
    {"the day before, worsened",
     {{"onset", "2024-03-14"}, {"worsened_after_treatment", "true"}},
     true,
     false},
    {"the day before, not worsened",
     {{"onset", "2024-03-14"}, {"worsened_after_treatment", "false"}},
     false,
     false},
    {"month of treatment", {{"onset", "2024-03"}}, true, true},
    {"month of treatment, over before", {{"onset", "2024-03"}, {"end", "2024-03-10"}}, false, false},
    {"month of treatment, over after", {{"onset", "2024-03"}, {"end", "2024-03-20"}}, true, true},
    {"month before", {{"onset", "2024-02"}}, false, false},
    {"month after", {{"onset", "2024-04"}}, true, false},
    {"year of treatment", {{"onset", "2024"}}, true, true},
    {"year before", {{"onset", "2023"}}, false, false},
    {"onset not given", {{"severity", "mild"}}, true, true},
    {"onset not given, over before", {{"end", "2024-02"}}, false, false},
};

static void test_adverse_events_of_partial_dates_count_when_they_may_be_after_treatment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof emergent_cases / sizeof emergent_cases[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        add_event(fresh, 0, emergent_cases[i].answers);
        struct adverse_events list = adverse_events_of(fresh, study_finish(fresh));
        if (list.count != emergent_cases[i].counted
            || (list.count == 1 && list.events[0].imputed != emergent_cases[i].imputed))
            fail_msg("%s: found %zu events", emergent_cases[i].label, list.count);
        tear_down(&fresh);
    }
}

static void test_adverse_events_of_first_treatment_of_either_knee_counts(void **state)
{
    struct study *study = *state;
    study_add_record(study, 0, "treatment", KNEE_LEFT, "unscheduled", study_date("2024-03-01"));
    add_event(study, 0, (const struct answers[]){{"onset", "2024-03-05"}, {0}});
    add_event(study, 3, (const struct answers[]){{"onset", "2024-05-05"}, {0}});
    struct adverse_events list = adverse_events_of(study, study_finish(study));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.events[0].subject, 0);
}

/* -- classification -------------------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct answers answers[MOST_ANSWERS];
    bool related, missing;
} relation_cases[] = {
    {"none", {{"related_product", "none"}}, false, false},
    {"unlikely", {{"related_product", "unlikely"}}, false, false},
    {"possible", {{"related_product", "possible"}}, true, false},
    {"probable", {{"related_product", "probable"}}, true, false},
    {"definite", {{"related_product", "definite"}}, true, false},
    {"to the procedure", {{"related_product", "none"}, {"related_procedure", "possible"}}, true, false},
    {"not given", {{"severity", "mild"}}, true, true},
    {"product not given, procedure none", {{"related_procedure", "none"}}, true, true},
    {"product not given, procedure probable", {{"related_procedure", "probable"}}, true, false},
};

static void test_adverse_events_of_missing_relation_counts_as_related(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof relation_cases / sizeof relation_cases[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        add_event(fresh, 0, relation_cases[i].answers);
        struct adverse_events list = adverse_events_of(fresh, study_finish(fresh));
        assert_int_equal(list.count, 1);
        if (list.events[0].related != relation_cases[i].related
            || list.events[0].relation_missing != relation_cases[i].missing)
            fail_msg("%s: related %d, missing %d", relation_cases[i].label, list.events[0].related,
                     list.events[0].relation_missing);
        tear_down(&fresh);
    }
}

static void test_analysis_adverse_events_severity_is_the_worst_of_each_subject(void **state)
{
    struct study *study = *state;
    add_event(study, 0, (const struct answers[]){{"onset", "2024-04-01"}, {"severity", "mild"}, {0}});
    add_event(study, 0, (const struct answers[]){{"onset", "2024-04-02"}, {"ctcae_grade", "3"}, {0}});
    add_event(study, 0, (const struct answers[]){{"onset", "2024-04-03"}, {0}});
    add_event(study, 1, (const struct answers[]){{"onset", "2024-04-03"}, {0}});
    add_event(study, 2, (const struct answers[]){{"onset", "2024-04-03"}, {"severity", "mild"},
                                                 {"ctcae_grade", "2"}, {0}});
    const struct results *results = run(study);
    assert_result(results, NAMES("AE max severity", "MILD", "CELLS", "subjects"), 0);
    assert_result(results, NAMES("AE max severity", "SEVERE", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE max severity", "MISSING", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE max severity", "MILD", "CS", "subjects"), 1);
    assert_result(results, NAMES("AE overview", "severe", "CELLS", "events"), 1);
    assert_result(results, NAMES("AE overview", "any", "CELLS", "subjects"), 2);
    assert_result(results, NAMES("AE overview", "any", "CELLS", "events"), 4);
    assert_result(results, NAMES("AE overview", "related_missing", "CELLS", "events"), 4);
}

static void add_terms(struct study *study, size_t subject, const char *soc, const char *coded,
                      const char *verbatim)
{
    struct answers answers[] = {
        {"term", verbatim}, {"onset", "2024-04-01"}, {"system_organ_class", soc}, {"coded_term", coded}, {0},
    };
    struct answers kept[MOST_ANSWERS] = {{0}};
    for (size_t i = 0, n = 0; i < 4; i++) {
        if (answers[i].text != NULL)
            kept[n++] = answers[i];
    }
    add_event(study, subject, kept);
}

static void test_analysis_adverse_events_terms_count_a_subject_once(void **state)
{
    struct study *study = *state;
    add_terms(study, 0, "Joints", "Swelling", "swollen");
    add_terms(study, 0, "Joints", "Swelling", "swollen again");
    add_terms(study, 0, "Joints", "Pain", "hurts");
    add_terms(study, 1, "Joints", "Swelling", "thick knee");
    add_terms(study, 1, NULL, NULL, "felt odd");
    add_terms(study, 2, "ANY", "A | B", "odd names");
    const struct results *results = run(study);
    assert_result(results, NAMES("AE", "ANY", "CELLS", "subjects"), 2);
    assert_result(results, NAMES("AE", "ANY", "CELLS", "events"), 5);
    assert_result(results, NAMES("AE", "ANY", "CS", "pct"), 100);
    assert_result(results, NAMES("AE", "Joints", "CELLS", "subjects"), 2);
    assert_result(results, NAMES("AE", "Joints", "CELLS", "events"), 4);
    assert_result(results, NAMES("AE", "Joints | Swelling", "CELLS", "subjects"), 2);
    assert_result(results, NAMES("AE", "Joints | Swelling", "CELLS", "events"), 3);
    assert_result(results, NAMES("AE", "Joints | Swelling", "CS", "subjects"), 0);
    assert_result(results, NAMES("AE", "Uncoded | felt odd", "CELLS", "events"), 1);
    assert_result(results, NAMES("AE", "Any | A / B", "CS", "events"), 1);
}

static void test_analysis_adverse_events_flags_and_special_interest(void **state)
{
    struct study *study = *state;
    static const struct answers first[] = {
        {"onset", "2024-04-01"},           {"serious", "true"},
        {"serious_death", "true"},         {"related_product", "possible"},
        {"special_interest", "infection"}, {0},
    };
    static const struct answers second[] = {
        {"onset", "2024-04-01"},     {"serious", "false"},         {"led_to_withdrawal", "true"},
        {"related_product", "none"}, {"special_interest", "none"}, {0},
    };
    add_event(study, 0, first);
    add_event(study, 1, second);
    const struct results *results = run(study);
    assert_result(results, NAMES("AE flags", "related/serious", "CELLS", "related_subjects"), 1);
    assert_result(results, NAMES("AE flags", "related/serious", "CELLS", "serious_subjects"), 1);
    assert_result(results, NAMES("AE flags", "related/serious", "CELLS", "serious_events"), 1);
    assert_result(results, NAMES("AE flags", "related/serious", "CS", "serious_events"), 0);
    assert_result(results, NAMES("AE overview", "serious_related", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE overview", "death", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE overview", "withdrawal", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE overview", "special_interest", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("AE special interest", "infection", "CELLS", "pct"), 50);
    assert_result(results, NAMES("AE special interest", "neoplasm", "CELLS", "subjects"), 0);
    assert_null(results_find(results, "AE special interest", "none", "CELLS", "subjects"));
}

static const struct {
    const char *label;
    struct answers answers[MOST_ANSWERS];
    bool serious, missing, fatal;
} serious_cases[] = {
    {"not serious", {{"serious", "false"}}, false, false, false},
    {"serious", {{"serious", "true"}}, true, false, false},
    {"not answered", {{"severity", "mild"}}, true, true, false},
    {"resulted in death", {{"serious", "true"}, {"serious_death", "true"}}, true, false, true},
    {"death denied", {{"serious", "true"}, {"serious_death", "false"}}, true, false, false},
    {"fatal outcome", {{"serious", "true"}, {"outcome", "fatal"}}, true, false, true},
    {"grade 5", {{"serious", "true"}, {"ctcae_grade", "5"}}, true, false, true},
    {"grade 4", {{"serious", "true"}, {"ctcae_grade", "4"}}, true, false, false},
    {"fatal, seriousness not answered", {{"outcome", "fatal"}}, true, false, true},
    {"fatal, not serious", {{"serious", "false"}, {"ctcae_grade", "5"}}, true, false, true},
};

static void test_adverse_events_of_every_sign_of_death_counts_as_fatal_and_serious(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof serious_cases / sizeof serious_cases[0]; i++) {
        void *fresh = NULL;
        assert_int_equal(set_up(&fresh), 0);
        add_event(fresh, 0, serious_cases[i].answers);
        const struct results *results = run(fresh);
        const double expected[] = {serious_cases[i].serious, serious_cases[i].missing,
                                   serious_cases[i].fatal};
        static const char *const rows[] = {"serious", "serious_missing", "death"};
        for (size_t r = 0; r < 3; r++) {
            const struct result *row = results_find(results, "AE overview", rows[r], "CELLS", "events");
            if (row == NULL || row->value != expected[r])
                fail_msg("%s: %s is not %g", serious_cases[i].label, rows[r], expected[r]);
        }
        tear_down(&fresh);
    }
}

/* Harvested on 2024-03-10, treated on 2024-03-15. */
static void test_adverse_events_of_harvest_site_counts_from_the_harvest(void **state)
{
    struct study *study = *state;
    static const char *const kinds[] = {"harvest_site", "swelling", "harvest_site"};
    static const char *const onsets[] = {"2024-03-10", "2024-03-10", "2024-03-09"};
    struct study_record *record = study_add_record(study, 0, "treatment", KNEE_RIGHT, "unscheduled",
                                             study_date("2024-03-15"));
    study_answer(study, record, "harvest_date", "2024-03-10");
    for (size_t i = 0; i < 3; i++) {
        const struct answers answers[] = {{"onset", onsets[i]}, {"special_interest", kinds[i]}, {0}};
        add_event(study, 0, answers);
        add_event(study, 1, answers);     /* no date of a harvest: from the treatment on */
    }
    struct adverse_events list = adverse_events_of(study, study_finish(study));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.events[0].subject, 0);
    assert_string_equal(list.events[0].interest, "harvest_site");
}

static void test_analysis_adverse_events_pooled_leaves_out_the_harvest_site(void **state)
{
    struct study *study = *state;
    static const char *const pooled[] = {"Pooled"};
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    add_event(study, 0, (const struct answers[]){{"onset", "2024-04-01"}, {"coded_term", "Harvest site pain"},
                                                 {"special_interest", "harvest_site"}, {0}});
    add_event(study, 0, (const struct answers[]){{"onset", "2024-04-01"}, {"term", "after the cells"}, {0}});
    const struct results *results = run(study);
    assert_result(results, NAMES("AE", "ANY", "Pooled", "events"), 2);
    assert_result(results, NAMES("AE", "Uncoded | Uncoded", "Pooled", "events"), 1);
    assert_result_status(results, NAMES("AE special interest", "harvest_site", "Pooled", "subjects"),
                         "refused");
    for (size_t i = 0; i < results_count(results); i++)
        assert_null(strstr(results_at(results, i)->row, "Harvest"));
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adverse_events_of_partial_dates_count_when_they_may_be_after_treatment),
        WITH_STUDY(test_adverse_events_of_first_treatment_of_either_knee_counts),
        cmocka_unit_test(test_adverse_events_of_missing_relation_counts_as_related),
        WITH_STUDY(test_analysis_adverse_events_severity_is_the_worst_of_each_subject),
        WITH_STUDY(test_analysis_adverse_events_terms_count_a_subject_once),
        WITH_STUDY(test_analysis_adverse_events_flags_and_special_interest),
        cmocka_unit_test(test_adverse_events_of_every_sign_of_death_counts_as_fatal_and_serious),
        WITH_STUDY(test_adverse_events_of_harvest_site_counts_from_the_harvest),
        WITH_STUDY(test_analysis_adverse_events_pooled_leaves_out_the_harvest_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
