/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The safeguards of the forms that ship: what a coordinator must not be able to send without noticing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/submission.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Answers of a form of the demo study, and the one thing that is wrong with them; no rule: nothing is. */
struct judgement {
    const char *form, *fields;
    const char *item, *rule;
    bool soft;
};

static const struct problem *find_problem(const struct problem_list *problems, const char *item,
                                          const char *rule)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problems[i];
        bool same =
            item == NULL || problem->item == NULL ? item == problem->item : strcmp(item, problem->item) == 0;
        if (same && strcmp(rule, problem->rule) == 0)
            return problem;
    }
    return NULL;
}

static void judge(const void *owner, const struct catalogue *catalogue, const struct judgement *judgement)
{
    const struct form *form = catalogue_find_form(catalogue, judgement->form, 0);
    if (form == NULL) {
        fail_msg("no form %s", judgement->form);
        return;
    }
    const char *date = strstr(judgement->fields, "\"date\"") != NULL ? "" : ",\"date\":\"2026-03-15\"";
    const char *json = memory_format(
        owner,
        "{\"id\":\"0188b3a0-0000-7000-8000-000000000001\",\"subject\":\"07-0012\",\"form\":\"%s\","
        "\"form_version\":%d%s%s,%s}",
        form->id, form->version, form->about == FORM_ABOUT_KNEE ? ",\"knee\":\"left\"" : "", date,
        judgement->fields);
    struct problem_list problems = {NULL, 0};
    const struct submission_input *input = submission_read_json(owner, json, strlen(json), &problems);
    if (input == NULL)
        fail_msg("%s: %s", json, problems.problems[0].text);
    (void)!submission_check(owner, catalogue, input, date_from_civil(2026, 4, 1), &problems);
    if (judgement->rule == NULL && problems.count > 0)
        fail_msg("%s: %s %s: %s", json, problems.problems[0].item, problems.problems[0].rule,
                 problems.problems[0].text);
    if (judgement->rule == NULL)
        return;
    const struct problem *problem = find_problem(&problems, judgement->item, judgement->rule);
    if (problem == NULL)
        fail_msg("%s: no problem %s %s among %zu", json, judgement->item, judgement->rule, problems.count);
    else
        assert_int_equal(problem->soft, judgement->soft);
}

static void judge_all(const struct judgement *judgements, size_t count)
{
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const struct catalogue *catalogue =
        catalogue_load(owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (catalogue == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    for (size_t i = 0; i < count; i++)
        judge(owner, catalogue, &judgements[i]);
    talloc_free(owner);
}

#define EVENT "\"answers\":{\"term\":\"heart attack\",\"onset\":\"2026-03-01\","
#define HOSPITAL "\"serious_hospitalisation\":true,"

static void test_adverse_event_death_is_serious_and_fatal(void **state)
{
    (void)state;
    static const struct judgement cases[] = {
        {"adverse_event", EVENT "\"serious\":false}", NULL, NULL, false},
        {"adverse_event",
         EVENT "\"serious\":true,\"serious_death\":true,\"outcome\":\"fatal\",\"ctcae_grade\":5}", NULL, NULL,
         false},
        {"adverse_event", EVENT "\"serious\":true," HOSPITAL "\"outcome\":\"recovered\",\"ctcae_grade\":4}",
         NULL, NULL, false},
        {"adverse_event", EVENT "\"serious\":true," HOSPITAL "\"outcome\":\"fatal\"}", "outcome",
         "fatal_is_serious", false},
        {"adverse_event", EVENT "\"serious\":true,\"serious_death\":false,\"outcome\":\"fatal\"}", "outcome",
         "fatal_is_serious", false},
        {"adverse_event", EVENT "\"serious\":false,\"outcome\":\"fatal\"}", "outcome", "fatal_is_serious",
         false},
        {"adverse_event", EVENT "\"serious\":true,\"serious_death\":true,\"ctcae_grade\":5}", "ctcae_grade",
         "grade_5_is_fatal", false},
        {"adverse_event",
         EVENT "\"serious\":true,\"serious_death\":true,\"ctcae_grade\":5,\"outcome\":\"unknown\"}",
         "ctcae_grade", "grade_5_is_fatal", false},
        {"adverse_event", EVENT "\"serious\":true," HOSPITAL "\"ctcae_grade\":5,\"outcome\":\"fatal\"}",
         "ctcae_grade", "grade_5_is_serious", false},
        {"adverse_event", EVENT "\"serious\":false,\"ctcae_grade\":4}", "ctcae_grade", "grade_4_is_serious",
         false},
        {"adverse_event", EVENT "\"severity\":\"mild\"}", "serious", "required", false},
        {"adverse_event", EVENT "\"severity\":\"mild\"},\"not_answered\":{\"serious\":\"unknown\"}",
         "serious", "required", false},
        {"adverse_event", EVENT "\"outcome\":\"fatal\"},\"not_answered\":{\"serious\":\"unknown\"}",
         "serious", "required", false},
        {"adverse_event", "\"answers\":{\"onset\":\"2005-03\",\"term\":\"fall\",\"serious\":false}", "onset",
         "onset_lately", true},
        {"adverse_event", "\"answers\":{\"onset\":\"2006\",\"term\":\"fall\",\"serious\":false}", NULL, NULL,
         false},
    };
    judge_all(cases, COUNT(cases));
}

#define CONSENT                                                                                              \
    "\"answers\":{\"occasion\":\"screening\",\"consent_version\":\"1.0\",\"consent_date\":\"2026-03-01\","
#define CRITERIA                                                                                             \
    "\"knee_pain_3_months\":true,\"imaging_confirms\":true,\"no_injection_3_months\":true,"                  \
    "\"no_active_infection\":true,\"no_malignancy_5_years\":true"

static void test_screening_needs_consent_and_every_criterion(void **state)
{
    (void)state;
    static const struct judgement cases[] = {
        {"screening", CONSENT CRITERIA ",\"not_pregnant\":true,\"eligible\":true}", NULL, NULL, false},
        {"screening", CONSENT CRITERIA ",\"eligible\":true}", "eligible", "eligible_despite_criterion", true},
        {"screening", CONSENT CRITERIA ",\"eligible\":true},\"not_answered\":{\"not_pregnant\":\"unknown\"}",
         "eligible", "eligible_despite_criterion", true},
        {"screening", CONSENT CRITERIA ",\"not_pregnant\":false,\"eligible\":true}", "eligible",
         "eligible_despite_criterion", true},
        {"screening", CONSENT "\"eligible\":false,\"not_eligible_reason\":\"declined\"}", NULL, NULL, false},
        {"screening", CONSENT CRITERIA "},\"not_answered\":{\"eligible\":\"unknown\"}", "eligible",
         "required", false},
        {"screening",
         "\"answers\":{\"occasion\":\"renewed_consent\",\"consent_version\":\"2.0\",\"consent_date\":\"2026-"
         "03-01\"}",
         NULL, NULL, false},
        {"screening",
         "\"answers\":{\"occasion\":\"renewed_consent\",\"consent_version\":\"2.0\"},"
         "\"not_answered\":{\"consent_date\":\"unknown\"}",
         "consent_date", "required", false},
        {"screening", "\"answers\":{},\"not_answered\":{\"occasion\":\"unknown\"}", "occasion", "required",
         false},
    };
    judge_all(cases, COUNT(cases));
}

#define PERSON "\"answers\":{\"age_years\":60,\"sex\":\"f\",\"bmi\":\"27\",\"kl_grade\":2"

static void test_baseline_exclusions_are_answered_or_confirmed(void **state)
{
    (void)state;
    static const struct judgement cases[] = {
        {"baseline",
         PERSON
         ",\"rheumatoid_arthritis\":false,\"other_autoimmune_disease\":false,\"active_infection\":false}",
         NULL, NULL, false},
        {"baseline",
         PERSON
         ",\"rheumatoid_arthritis\":true,\"other_autoimmune_disease\":false,\"active_infection\":false}",
         NULL, "exclusion_present", true},
        {"baseline", PERSON ",\"rheumatoid_arthritis\":false,\"active_infection\":false}", NULL,
         "exclusion_present", true},
        {"baseline", PERSON "}", NULL, "exclusion_present", true},
    };
    judge_all(cases, COUNT(cases));
}

static void test_essentials_take_no_reason_for_a_value(void **state)
{
    (void)state;
    static const struct judgement cases[] = {
        {"enrolment", "\"not_answered\":{\"index_knee\":\"unknown\"}", "index_knee", "required", false},
        {"joint_event", "\"not_answered\":{\"kind\":\"unknown\"}", "kind", "required", false},
        {"concomitant_treatment",
         "\"answers\":{\"ongoing\":true,\"start\":\"2026\"},\"not_answered\":{\"kind\":\"unknown\"}", "kind",
         "required", false},
        {"imaging", "\"not_answered\":{\"modality\":\"unknown\"}", "modality", "required", false},
        {"end_of_study",
         "\"answers\":{\"last_contact\":\"2026-03-01\"},\"not_answered\":{\"reason\":\"unknown\"}", "reason",
         "required", false},
        {"end_of_study",
         "\"answers\":{\"reason\":\"completed\"},\"not_answered\":{\"last_contact\":\"unknown\"}",
         "last_contact", "required", false},
        {"end_of_study", "\"answers\":{\"reason\":\"completed\",\"last_contact\":\"2026-03-01\"}", NULL, NULL,
         false},
    };
    judge_all(cases, COUNT(cases));
}

static void test_dates_of_another_decade_are_confirmed(void **state)
{
    (void)state;
    static const struct judgement cases[] = {
        {"treatment", "\"date\":\"2006-03-01\",\"answers\":{\"injections_planned\":1}", NULL,
         "treated_lately", true},
        {"treatment", "\"date\":\"2006-04-01\",\"answers\":{\"injections_planned\":1}", NULL, NULL, false},
        {"enrolment", "\"date\":\"1926-03-01\",\"answers\":{\"index_knee\":\"left\"}", NULL,
         "enrolled_lately", true},
        {"joint_event", "\"date\":\"2006-03-01\",\"answers\":{\"kind\":\"reinjection\"}", NULL,
         "event_lately", true},
        {"end_of_study", "\"answers\":{\"reason\":\"completed\",\"last_contact\":\"2006-03-01\"}",
         "last_contact", "contact_lately", true},
    };
    judge_all(cases, COUNT(cases));
}

static void test_treatment_currency_is_a_code(void **state)
{
    (void)state;
#define PRICE "\"answers\":{\"injections_planned\":1,\"price\":\"100\""
    static const struct judgement cases[] = {
        {"treatment", PRICE ",\"currency\":\"EUR\"}", NULL, NULL, false},
        {"treatment", PRICE ",\"currency\":\"eur\"}", "currency", "known_currency", true},
        {"treatment", PRICE ",\"currency\":\"\xe2\x82\xac\"}", "currency", "known_currency", true},
        {"treatment", PRICE "}", "currency", "required", false},
        {"treatment", PRICE "},\"not_answered\":{\"currency\":\"unknown\"}", NULL, NULL, false},
    };
    judge_all(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adverse_event_death_is_serious_and_fatal),
        cmocka_unit_test(test_screening_needs_consent_and_every_criterion),
        cmocka_unit_test(test_baseline_exclusions_are_answered_or_confirmed),
        cmocka_unit_test(test_essentials_take_no_reason_for_a_value),
        cmocka_unit_test(test_dates_of_another_decade_are_confirmed),
        cmocka_unit_test(test_treatment_currency_is_a_code),
    };
    return cmocka_run_group_tests_name("instruments", tests, NULL, NULL);
}
