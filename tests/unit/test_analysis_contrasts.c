/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparisons of cohorts where little or nothing can be compared, in the small study and in studies unlike it. */
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
#include "reports/analysis_rows.h"
#include "reports/analysis_strata.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define WEEKS "tests/golden/other_studies/weeks"
#define DOSES "tests/golden/other_studies/doses"

static int set_up(void **state)
{
    *state = study_new(NULL, "tests/support/study.yaml");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* Day 1 is 2024-03-01, so that day 92 is 2024-05-31. */
static size_t add_treated(struct study *study, int number, const char *cohort)
{
    size_t subject = study_add_subject(study, 1, number, KNEE_RIGHT, cohort);
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
    return subject;
}

static void add_vas(struct study *study, size_t subject, const char *visit, const char *date, const char *value)
{
    study_answer(study, study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, study_date(date)), "vas",
                 value);
}

/* A subject whose pain falls from 60 to `value` at month 3. */
static size_t add_changed(struct study *study, int number, const char *cohort, const char *value)
{
    size_t subject = add_treated(study, number, cohort);
    add_vas(study, subject, "BL", "2024-02-20", "60");
    add_vas(study, subject, "M3", "2024-05-31", value);
    return subject;
}

static const struct results *run(struct study *study)
{
    struct results *results = results_new(study);
    const struct dataset *dataset = study_finish(study);
    analysis_responders(dataset, results);
    analysis_effect_sizes(dataset, results);
    analysis_exposure(dataset, results);
    analysis_adverse_events(dataset, results);
    return results;
}

static void assert_reason(const struct results *results, const char *const names[4], const char *reason)
{
    const struct result *row = results_find(results, names[0], names[1], names[2], names[3]);
    if (row == NULL)
        fail_msg("no row %s / %s / %s / %s", names[0], names[1], names[2], names[3]);
    assert_string_equal(row->status, "not_estimable");
    assert_string_equal(row->note, reason);
}

/* Nothing that is not a number gets through without a reason. */
static void assert_reasons(const struct results *results)
{
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        if (isnan(row->value) != (row->status[0] != '\0') || (row->status[0] != '\0' && row->note[0] == '\0')
            || strcmp(row->note, "the computation gave no finite number") == 0)
            fail_msg("%s / %s / %s / %s: %s %s", row->table, row->row, row->col, row->stat, row->status, row->note);
    }
}

static bool has_contrast(const struct results *results)
{
    for (size_t i = 0; i < results_count(results); i++) {
        if (strstr(results_at(results, i)->col, " - ") != NULL)
            return true;
    }
    return false;
}

/* -- responders, effect sizes ---------------------------------------------------------------------------- */

static void test_analysis_responders_cohort_with_nobody_has_reasons(void **state)
{
    static const char table[] = "responder better observed", col[] = "CELLS - CS";
    add_changed(*state, 1, "CELLS", "30");
    add_changed(*state, 2, "CELLS", "55");
    const struct results *results = run(*state);
    assert_result(results, NAMES(table, "M3", col, "x1"), 1);
    assert_result(results, NAMES(table, "M3", col, "n1"), 2);
    assert_result(results, NAMES(table, "M3", col, "n2"), 0);
    assert_reason(results, NAMES(table, "M3", col, "rd"), "nobody in the second group");
    assert_reason(results, NAMES(table, "M3", col, "nnt"), "nobody in the second group");
    assert_reason(results, NAMES(table, "M3", col, "fisher_p"), "nobody in the second group");
    assert_reason(results, NAMES("effect size vas", "M3", col, "W"), "no value in the second group");
    assert_result(results, NAMES("effect size vas", "M3", "CELLS", "n"), 2);
    assert_null(results_find(results, table, "M3", col, "mh_rd"));    /* the protocol has no strata */
    assert_reasons(results);
}

/* 2 of 2 against 0 of 2: the difference is there, ratios are not. */
static void test_analysis_responders_all_against_none_has_a_difference_and_no_ratio(void **state)
{
    static const char table[] = "responder better observed", col[] = "CELLS - CS";
    add_changed(*state, 1, "CELLS", "30");
    add_changed(*state, 2, "CELLS", "20");
    add_changed(*state, 3, "CS", "60");
    add_changed(*state, 4, "CS", "58");
    const struct results *results = run(*state);
    assert_result(results, NAMES(table, "M3", col, "rd"), 1);
    assert_result(results, NAMES(table, "M3", col, "nnt"), 1);
    assert_result(results, NAMES(table, "M3", col, "nnt_through_infinity"), 0);
    assert_reason(results, NAMES(table, "M3", col, "rr"), "no event in the second group");
    assert_result(results, NAMES("effect size vas", "M3", col, "diff"), -34);
    assert_result(results, NAMES("effect size vas", "M3", col, "W"), 0);
    assert_result(results, NAMES("effect size vas", "M3", col, "hl"), -34);
    assert_reasons(results);
}

static void test_analysis_contrasts_equal_changes_have_reasons(void **state)
{
    for (int i = 0; i < 4; i++)
        add_changed(*state, i + 1, i < 2 ? "CELLS" : "CS", "50");
    const struct results *results = run(*state);
    assert_result_status(results, NAMES("effect size vas", "M3", "CELLS - CS", "hedges_g"), "not_estimable");
    assert_result_status(results, NAMES("effect size vas", "M3", "CELLS", "srm"), "not_estimable");
    assert_result(results, NAMES("effect size vas", "M3", "CELLS - CS", "auc"), 0.5);
    assert_result(results, NAMES("responder better observed", "M3", "CELLS - CS", "rd"), 0);
    assert_reason(results, NAMES("responder better observed", "M3", "CELLS - CS", "nnt"),
                  "the groups do not differ");
    assert_reasons(results);
}

static void test_analysis_contrasts_nobody_treated_has_reasons(void **state)
{
    study_add_subject(*state, 1, 1, KNEE_RIGHT, "CELLS");
    const struct results *results = run(*state);
    assert_result(results, NAMES("AE", "ANY", "CELLS", "subjects"), 0);
    assert_result(results, NAMES("exposure", "injections", "CELLS", "total"), 0);
    assert_reason(results, NAMES("AE", "ANY", "CELLS - CS", "irr"), "no time under observation in either group");
    assert_reasons(results);
}

static void test_analysis_contrasts_pooled_compares_nothing(void **state)
{
    static const char *const pooled[] = {"Pooled"};
    for (int i = 0; i < 4; i++)
        add_changed(*state, i + 1, i < 2 ? "CELLS" : "CS", i % 2 == 0 ? "30" : "50");
    struct dataset *dataset = study_dataset(*state);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    const struct results *results = run(*state);
    assert_result(results, NAMES("responder better observed", "M3", "Pooled", "n.Pooled"), 4);
    assert_result_status(results, NAMES("exposure", "dose", "Pooled", "n"), "refused");
    assert_result_status(results, NAMES("AE special interest", "harvest_site", "Pooled", "subjects"), "refused");
    assert_null(results_find(results, "AE special interest period 0-7", "harvest_site", "Pooled", "subjects"));
    assert_false(has_contrast(results));
    assert_reasons(results);
}

/* -- strata ---------------------------------------------------------------------------------------------- */

static size_t add_stratum(struct study *study, int site, int number, const char *cohort, const char *severity)
{
    size_t subject = study_add_subject(study, site, number, KNEE_RIGHT, cohort);
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
    struct study_record *record =
        study_add_record(study, subject, "baseline", KNEE_NONE, "W0", study_date("2024-02-28"));
    if (severity != NULL)
        study_answer(study, record, "severity", severity);
    return subject;
}

static void test_strata_of_site_and_answers_that_occur(void **state)
{
    (void)state;
    struct study *study = study_new_with_forms(NULL, WEEKS "/protocol.yaml", WEEKS "/forms");
    const struct protocol *protocol = study_dataset(study)->catalogue->protocol;
    const struct item *item = NULL;
    const struct form *form = catalogue_find_form(study_dataset(study)->catalogue, "baseline", 0);
    item = &form->items[form_find_item(form, "severity")];
    const char *first = item->choices[0].code, *second = item->choices[1].code;
    add_stratum(study, 1, 1, "PLASMA", first);
    add_stratum(study, 1, 2, "SALINE", first);
    add_stratum(study, 1, 3, "PLASMA", second);
    add_stratum(study, 2, 4, "PLASMA", first);
    add_stratum(study, 2, 5, "SALINE", NULL);
    add_stratum(study, 2, 6, "SALINE", NULL);
    struct strata strata =
        strata_of(study, study_finish(study), protocol->plan.strata, protocol->plan.stratum_count);
    static const uint32_t expected[] = {0, 0, 1, 2, 3, 3};
    assert_int_equal(strata.count, 4);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(strata.of_subject[i], expected[i]);
    assert_int_equal(strata_of(study, study_dataset(study), NULL, 0).count, 1);
    talloc_free(study);
}

/* Enough different sites that the table of strata has to grow. */
static void test_strata_of_many_sites_are_as_many(void **state)
{
    (void)state;
    static const struct model_term site = {.kind = TERM_SITE};
    struct study *study = study_new_with_forms(NULL, WEEKS "/protocol.yaml", WEEKS "/forms");
    for (int i = 0; i < 500; i++)
        study_add_subject(study, 1 + i / 2, i + 1, KNEE_RIGHT, "PLASMA");
    struct strata strata = strata_of(study, study_finish(study), &site, 1);
    assert_int_equal(strata.count, 250);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(strata.of_subject[i], i / 2);
    talloc_free(study);
}

static void test_analysis_contrasts_other_studies_have_rows_and_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *protocol, *forms, *cohorts[2], *contrast, *responder, *visit, *periods[2];
    } studies[] = {
        {WEEKS "/protocol.yaml", WEEKS "/forms", {"PLASMA", "SALINE"}, "PLASMA - SALINE",
         "responder good observed", "W13", {"AE period 0-7", "AE period > 30"}},
        {DOSES "/protocol.yaml", DOSES "/forms", {"DOSE1", "PLACEBO"}, "DOSE3 - PLACEBO",
         "responder able observed", "V10", {"AE period 0", "AE period > 28"}},
    };
    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
        struct study *study = study_new_with_forms(NULL, studies[i].protocol, studies[i].forms);
        for (int s = 0; s < 2; s++) {
            size_t subject = study_add_subject(study, 1, s + 1, KNEE_RIGHT, studies[i].cohorts[s]);
            study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2024-03-01"));
        }
        const struct results *results = run(study);
        assert_result(results, NAMES(studies[i].responder, studies[i].visit, studies[i].contrast, "n1"), 0);
        assert_result_status(results, NAMES(studies[i].responder, studies[i].visit, studies[i].contrast, "mh_rd"),
                             "not_estimable");
        for (int p = 0; p < 2; p++)
            assert_result(results, NAMES(studies[i].periods[p], "ANY", studies[i].cohorts[0], "events"), 0);
        assert_null(results_find(results, "exposure", "dose", studies[i].cohorts[0], "n"));
        assert_reasons(results);
        talloc_free(study);
    }
}

/* -- exposure, adverse events ---------------------------------------------------------------------------- */

static void test_analysis_exposure_adds_injections_and_doses_of_both_knees(void **state)
{
    size_t subject = add_treated(*state, 1, "CELLS");
    static const struct {
        enum knee_side knee;
        const char *date, *dose;
    } more[] = {{KNEE_RIGHT, "2024-03-20", "50"}, {KNEE_LEFT, "2024-02-01", "25.5"}};
    for (size_t i = 0; i < 2; i++) {
        struct study_record *record = study_add_record(*state, subject, "treatment", more[i].knee, "unscheduled",
                                                       study_date(more[i].date));
        study_answer(*state, record, "dose_million_cells", more[i].dose);
    }
    add_treated(*state, 2, "CELLS");
    const struct results *results = run(*state);
    assert_result(results, NAMES("exposure", "injections", "CELLS", "total"), 4);
    assert_result(results, NAMES("exposure", "injections", "CELLS", "mean"), 2);
    assert_result(results, NAMES("exposure", "3", "CELLS", "subjects"), 1);
    assert_result(results, NAMES("exposure", "5+", "CELLS", "subjects"), 0);
    assert_result(results, NAMES("exposure", "1", "CELLS", "pct"), 50);
    assert_result(results, NAMES("exposure", "dose", "CELLS", "n"), 1);
    assert_result(results, NAMES("exposure", "dose", "CELLS", "mean"), 75.5);
    /* 2024-02-01 to 2024-03-20, both counted, and a day of the one who was never seen again */
    assert_result(results, NAMES("exposure", "follow_up", "CELLS", "py"), (49 + 1) / 365.25);
    assert_reasons(results);
}

struct answers {
    const char *item, *text;
};

/* `answers` end with an empty entry. */
static void add_event(struct study *study, size_t subject, const struct answers *answers)
{
    struct study_record *record = study_add_record(study, subject, "adverse_event", KNEE_NONE, "unscheduled",
                                                   study_date("2024-12-01"));
    study_answer(study, record, "system_organ_class", "Joint");
    study_answer(study, record, "coded_term", "Pain");
    for (; answers->item != NULL; answers++)
        study_answer(study, record, answers->item, answers->text);
}

/* Injections on 2024-03-01 and 2024-03-20. */
static const struct {
    const char *label;
    struct answers answers[3];
    const char *period;
} period_cases[] = {
    {"day of the first", {{"onset", "2024-03-01"}}, "0-7"},
    {"a week after the first", {{"onset", "2024-03-08"}}, "0-7"},
    {"eight days after the first", {{"onset", "2024-03-09"}}, "8-30"},
    {"day of the second", {{"onset", "2024-03-20"}}, "0-7"},
    {"thirty days after the second", {{"onset", "2024-04-19"}}, "8-30"},
    {"a month after the second", {{"onset", "2024-04-20"}}, "> 30"},
    {"month of the injections", {{"onset", "2024-03"}}, "0-7"},
    {"month after them, as early as it can be", {{"onset", "2024-04"}}, "8-30"},
    {"before, worsened after", {{"onset", "2024-02-20"}, {"worsened_after_treatment", "true"}}, "other"},
    {"not given", {{"severity", "mild"}}, "other"},
};

static void test_analysis_adverse_events_count_from_the_last_injection(void **state)
{
    (void)state;
    static const char *const periods[] = {"0-7", "8-30", "> 30", "other"};
    for (size_t i = 0; i < sizeof period_cases / sizeof period_cases[0]; i++) {
        void *fresh = NULL;
        set_up(&fresh);
        size_t subject = add_treated(fresh, 1, "CELLS");
        study_add_record(fresh, subject, "treatment", KNEE_LEFT, "unscheduled", study_date("2024-03-20"));
        add_event(fresh, subject, period_cases[i].answers);
        const struct results *results = run(fresh);
        for (size_t p = 0; p < sizeof periods / sizeof periods[0]; p++) {
            char table[64];
            snprintf(table, sizeof table, "AE period %s", periods[p]);
            const struct result *row = results_find(results, table, "Joint | Pain", "CELLS", "events");
            if (row == NULL || row->value != (strcmp(periods[p], period_cases[i].period) == 0))
                fail_msg("%s: period %s", period_cases[i].label, periods[p]);
        }
        tear_down(&fresh);
    }
}

/* Followed for 10 days: 2024-03-01 to 2024-03-10. */
static const struct {
    const char *label;
    struct answers first[3], second[3];
    int days;
} risk_cases[] = {
    {"on the third day", {{"onset", "2024-03-03"}}, {{0}}, 3},
    {"the first of two counts", {{"onset", "2024-03-08"}}, {{"onset", "2024-03-03"}}, 3},
    {"after the last contact", {{"onset", "2024-05-03"}}, {{0}}, 10},
    {"before, worsened", {{"onset", "2024-02-03"}, {"worsened_after_treatment", "true"}}, {{0}}, 1},
    {"not given", {{"severity", "mild"}}, {{0}}, 1},
};

static void test_analysis_adverse_events_time_at_risk_ends_with_the_first_event(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof risk_cases / sizeof risk_cases[0]; i++) {
        void *fresh = NULL;
        set_up(&fresh);
        size_t subject = add_treated(fresh, 1, "CELLS");
        struct study_record *end = study_add_record(fresh, subject, "end_of_study", KNEE_NONE, "unscheduled",
                                                    study_date("2024-03-10"));
        study_answer(fresh, end, "last_contact", "2024-03-10");
        add_event(fresh, subject, risk_cases[i].first);
        if (risk_cases[i].second[0].item != NULL)
            add_event(fresh, subject, risk_cases[i].second);
        const struct results *results = run(fresh);
        const struct result *row = results_find(results, "AE", "Joint | Pain", "CELLS", "py");
        if (row == NULL || fabs(row->value - risk_cases[i].days / 365.25) > 1e-12)
            fail_msg("%s: %g days", risk_cases[i].label, row != NULL ? row->value * 365.25 : (double)NAN);
        assert_result(results, NAMES("exposure", "follow_up", "CELLS", "py"), 10 / 365.25);
        tear_down(&fresh);
    }
}

static void test_analysis_adverse_events_each_subject_once_at_its_worst(void **state)
{
    size_t subject = add_treated(*state, 1, "CELLS");
    add_treated(*state, 2, "CS");
    add_event(*state, subject, (const struct answers[]){{"onset", "2024-03-03"}, {"severity", "severe"},
                                                        {"related_product", "none"}, {0}});
    add_event(*state, subject, (const struct answers[]){{"onset", "2024-03-04"}, {"severity", "mild"},
                                                        {"related_product", "possible"}, {0}});
    add_event(*state, subject, (const struct answers[]){{"onset", "2024-03-05"}, {0}});
    const struct results *results = run(*state);
    assert_result(results, NAMES("AE severity", "Joint", "CELLS", "severe"), 1);
    assert_result(results, NAMES("AE severity", "Joint", "CELLS", "mild"), 0);
    assert_result(results, NAMES("AE severity", "Joint", "CELLS", "missing"), 0);
    assert_result(results, NAMES("AE relation", "Joint | Pain", "CELLS", "related"), 1);
    assert_result(results, NAMES("AE relation", "Joint | Pain", "CELLS", "not_given"), 0);
    assert_result(results, NAMES("AE relation", "ANY", "CELLS", "pct_related"), 100);
    assert_result(results, NAMES("AE serious", "Joint", "CELLS", "events"), 3);    /* not answered: serious */
    assert_result(results, NAMES("AE", "Joint", "CELLS - CS", "rd"), 1);
    assert_reason(results, NAMES("AE", "Joint", "CELLS - CS", "irr"), "no event in the second group");
    assert_null(results_find(results, "AE", "Joint | Pain", "CELLS - CS", "irr"));
    assert_reasons(results);
}

/* No event is no proof that there is none: the upper limit says what can be ruled out. */
static void test_analysis_adverse_events_special_interest_of_nobody_has_upper_limits(void **state)
{
    add_treated(*state, 1, "CELLS");
    add_treated(*state, 2, "CS");
    const struct results *results = run(*state);
    const struct codes codes =
        codes_of_item(*state, study_dataset(*state)->catalogue, "adverse_event", "special_interest");
    size_t shown = 0;
    for (size_t i = 0; i < codes.count; i++) {
        if (strcmp(codes.at[i], "none") == 0)
            continue;
        assert_result(results, NAMES("AE special interest", codes.at[i], "CELLS", "subjects"), 0);
        const struct result *limit = results_find(results, "AE special interest", codes.at[i], "CELLS", "eair_hi");
        assert_non_null(limit);
        assert_true(limit->value > 0);
        assert_reason(results, NAMES("AE special interest", codes.at[i], "CELLS - CS", "irr"),
                      "no event in either group");
        shown++;
    }
    assert_true(shown > 0);
    assert_result(results, NAMES("AE serious", "ANY", "CELLS", "subjects"), 0);
    assert_reasons(results);
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STUDY(test_analysis_responders_cohort_with_nobody_has_reasons),
        WITH_STUDY(test_analysis_responders_all_against_none_has_a_difference_and_no_ratio),
        WITH_STUDY(test_analysis_contrasts_equal_changes_have_reasons),
        WITH_STUDY(test_analysis_contrasts_nobody_treated_has_reasons),
        WITH_STUDY(test_analysis_contrasts_pooled_compares_nothing),
        cmocka_unit_test(test_strata_of_site_and_answers_that_occur),
        cmocka_unit_test(test_strata_of_many_sites_are_as_many),
        cmocka_unit_test(test_analysis_contrasts_other_studies_have_rows_and_reasons),
        WITH_STUDY(test_analysis_exposure_adds_injections_and_doses_of_both_knees),
        cmocka_unit_test(test_analysis_adverse_events_count_from_the_last_injection),
        cmocka_unit_test(test_analysis_adverse_events_time_at_risk_ends_with_the_first_event),
        WITH_STUDY(test_analysis_adverse_events_each_subject_once_at_its_worst),
        WITH_STUDY(test_analysis_adverse_events_special_interest_of_nobody_has_upper_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
