/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/submission.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char body[] =
    "choices:\n"
    "  five: [{code: 0, label: none}, {code: 1, label: mild}, {code: 4, label: extreme}]\n"
    "  why: [{code: pain, label: pain}, {code: other, label: other}]\n"
    "sections:\n  - id: only\n    title: Only\n    items:\n"
    "      - {id: p1, text: pain one, type: choice, choices: five}\n"
    "      - {id: p2, text: pain two, type: choice, choices: five}\n"
    "      - {id: why, text: reason, type: choice, choices: why}\n"
    "      - {id: other, text: which other, type: text, show: \"why = 'other'\", required: true}\n"
    "      - {id: more, text: more on it, type: integer, show: \"answered(other)\"}\n"
    "      - {id: bmi, text: body mass index, type: decimal, unit: kg/m2, decimals: 1, min: 10, max: 80, "
    "warn_min: 16,\n"
    "         warn_max: 45, required: true}\n"
    "      - {id: onset, text: onset, type: partial_date}\n"
    "      - {id: stop, text: stop, type: partial_date}\n"
    "      - {id: ok, text: fine, type: boolean}\n"
    "rules:\n"
    "  - {id: stop_after_onset, item: stop, check: \"stop >= onset\", text: \"the end lies before the onset; "
    "correct one\"}\n"
    "  - {id: few, item: more, check: \"more <= 20\", text: \"that is too many; count again\"}\n"
    "  - {id: heavy, item: bmi, soft: true, check: \"bmi <= 40\", text: \"very heavy; look again\"}\n"
    "  - {id: both_pains, check: \"answered(p1) = answered(p2)\", text: \"answer both pains or none\"}\n"
    "  - {id: not_late, soft: true, check: \"days(date, today) <= 30\", text: \"entered late; look at the "
    "date\"}\n"
    "scores:\n"
    "  - {id: pain, title: Pain, method: sum, items: [p1, p2], direction: higher_worse}\n";

struct world {
    void *owner;
    const struct catalogue *catalogue;
    date_days today;
    struct problem_list problems;
};

static struct world world_new(const char *head, const char *form_body)
{
    struct world world = {.owner = memory_owner(NULL, "test"), .today = date_from_civil(2026, 4, 1)};
    struct error error = {0};
    const char *text =
        memory_format(world.owner, "form: test\nversion: 1\ntitle: Test\nsource: s\n%s%s", head, form_body);
    const struct form *form = form_parse(world.owner, "test.yaml", text, strlen(text), &error);
    if (form == NULL)
        fail_msg("test.yaml:%d: %s", error.line, error.message);
    world.catalogue = definitions_catalogue(world.owner, form);
    return world;
}

/* Reads and judges JSON; `fields` stands between the braces. */
static const struct submission *judge(struct world *world, const char *fields)
{
    const char *json = memory_format(world->owner, "{%s}", fields);
    world->problems = (struct problem_list){NULL, 0};
    const struct submission_input *input =
        submission_read_json(world->owner, json, strlen(json), &world->problems);
    return input != NULL
               ? submission_check(world->owner, world->catalogue, input, world->today, &world->problems)
               : NULL;
}

#define RECORD                                                                                               \
    "\"id\":\"0188b3a0-0000-7000-8000-000000000001\",\"subject\":\"07-0012\",\"form\":\"test\","            \
    "\"form_version\":1,\"visit\":"                                                                          \
    "\"M3\","                                                                                                \
    "\"date\":\"2026-03-15\""

/* The problem with that item (NULL: none named) and rule; the test fails when it is not there. */
static const struct problem *find_problem(const struct world *world, const char *item, const char *rule)
{
    for (size_t i = 0; i < world->problems.count; i++) {
        const struct problem *problem = &world->problems.problems[i];
        bool same =
            item == NULL || problem->item == NULL ? item == problem->item : strcmp(item, problem->item) == 0;
        if (same && strcmp(rule, problem->rule) == 0)
            return problem;
    }
    for (size_t i = 0; i < world->problems.count; i++)
        print_message("# %s %s: %s\n", world->problems.problems[i].item, world->problems.problems[i].rule,
                      world->problems.problems[i].text);
    fail_msg("no problem %s %s among %zu", item != NULL ? item : "-", rule, world->problems.count);
    return NULL;
}

static const struct submission *accept(struct world *world, const char *fields)
{
    const struct submission *submission = judge(world, fields);
    if (submission == NULL)
        fail_msg("%s: %s: %s", fields, world->problems.problems[0].rule, world->problems.problems[0].text);
    assert_int_equal(world->problems.count, 0);
    return submission;
}

static void test_submission_check_good_one_is_canonical_and_scored(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    const struct submission *submission = accept(
        &world, RECORD
        ",\"answers\":{\"stop\":\"2026-02\",\"bmi\":\"27.4\",\"ok\":false,\"p2\":\"4\",\"p1\":1,"
        "\"why\":\"other\",\"other\":\"u\\u0308ber \\\"x\\\"\"},\"not_answered\":{\"onset\":\"unknown\"}");
    assert_string_equal(
        submission->canonical,
        "{\"study\":\"demo\",\"subject\":\"07-0012\",\"knee\":\"none\",\"form\":\"test\",\"form_version\":1,"
        "\"visit\":\"M3\",\"instance\":1,\"version\":1,\"status\":\"complete\",\"date\":\"2026-03-15\","
        "\"answers\":{\"p1\":1,\"p2\":4,\"why\":\"other\",\"other\":\"\xc3\xbc"
        "ber \\\"x\\\"\",\"bmi\":\"27.4\","
        "\"stop\":\"2026-02\",\"ok\":false},\"not_answered\":{\"onset\":\"unknown\"}}");
    assert_int_equal(submission->site, 7);
    assert_int_equal(submission->subject, 12);
    assert_string_equal(submission->study, "demo");
    assert_int_equal(submission->id[0], 0x01);
    assert_true(submission->scores[0] == 5);
    assert_null(submission->reason);
    talloc_free(world.owner);
}

static void test_submission_check_same_content_has_one_canonical_text(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    const char *first =
        accept(&world, RECORD ",\"answers\":{\"bmi\":\"27\",\"p1\":1,\"p2\":0,\"ok\":true}")->canonical;
    static const char *const same[] = {
        RECORD ",\"answers\":{\"ok\":\"true\",\"p2\":\"0\",\"p1\":\"1\",\"bmi\":27}",
        RECORD ",\"knee\":\"none\",\"instance\":1,\"version\":1,\"status\":\"complete\","
               "\"answers\":{\"bmi\":\"27\",\"p1\":1,\"p2\":0,\"ok\":true,\"why\":null,\"onset\":\"\"},\"not_"
               "answered\":{},"
               "\"confirmed\":[]",
    };
    for (size_t i = 0; i < COUNT(same); i++)
        assert_string_equal(accept(&world, same[i])->canonical, first);
    assert_string_not_equal(
        accept(&world, RECORD ",\"answers\":{\"bmi\":\"27.0\",\"p1\":1,\"p2\":0,\"ok\":true}")->canonical,
        first);
    talloc_free(world.owner);
}

static void test_submission_check_canonical_text_gives_the_same_answers(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    const struct submission *submission =
        accept(&world, RECORD ",\"answers\":{\"bmi\":\"27.5\",\"p1\":1,\"p2\":0,\"onset\":\"2025\",\"why\":"
                              "\"other\",\"other\":\"a\\nb\","
                              "\"more\":12},\"not_answered\":{\"ok\":\"refused\"}");
    struct error error = {0};
    const struct answer *answers =
        submission_read_answers(world.owner, submission->form, submission->canonical, &error);
    if (answers == NULL)
        fail_msg("%s", error.message);
    for (size_t i = 0; i < submission->form->item_count; i++) {
        assert_int_equal(answers[i].state, submission->answers[i].state);
        if (answers[i].state != ANSWER_MISSING)
            assert_string_equal(answers[i].text, submission->answers[i].text);
        assert_true(answers[i].number == submission->answers[i].number || isnan(answers[i].number));
        assert_memory_equal(&answers[i].date, &submission->answers[i].date, sizeof answers[i].date);
    }
    talloc_free(world.owner);
}

static void test_submission_check_wrong_fields_are_problems(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *item, *rule;
    } cases[] = {
        {"\"form\":\"test\",\"form_version\":1,\"version\":2,"
         "\"reason\":\"\\u00a0\\u200b\\u2003\\ufeff\\u3000 ok\"",
         "reason", "format"},
        {"\"subject\":\"07-0012\",\"form\":\"test\",\"form_version\":1,\"date\":\"2026-03-15\"", "id", "required"},
        {"\"id\":\"x\",\"subject\":\"07-0012\",\"form\":\"test\",\"form_version\":1,\"date\":\"2026-03-15\"", "id",
         "format"},
        {"\"form\":\"test\",\"form_version\":1", "subject", "required"},
        {"\"form\":\"test\",\"form_version\":1,\"subject\":\"7-12\"", "subject", "format"},
        {"\"form\":\"test\",\"form_version\":1", "date", "required"},
        {"\"form\":\"test\",\"form_version\":1,\"date\":\"2026-02-30\"", "date", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"date\":\"2026-04-02\"", "date", "future"},
        {"\"date\":\"2026-03-15\"", "form", "required"},
        {"\"form\":\"tets\"", "form", "unknown"},
        {"\"form\":\"test\"", "form_version", "required"},
        {"\"form\":\"test\",\"form_version\":2", "form_version", "unknown"},
        {"\"form\":\"test\",\"form_version\":4294967297", "form_version", "unknown"},
        {"\"form\":\"test\",\"form_version\":1,\"knee\":\"both\"", "knee", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"knee\":\"left\"", "knee", "knee"},
        {"\"form\":\"test\",\"form_version\":1,\"visit\":\"M99\"", "visit", "unknown"},
        {"\"form\":\"test\",\"form_version\":1,\"visit\":\"M6\"", "visit", "visit"},
        {"\"form\":\"test\",\"form_version\":1,\"visit\":\"M3\",\"instance\":2", "instance", "instance"},
        {"\"form\":\"test\",\"form_version\":1,\"instance\":10000", "instance", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"version\":10000", "version", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"version\":4294967298", "version", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"status\":\"draft\"", "status", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"status\":\"void\"", "status", "status"},
        {"\"form\":\"test\",\"form_version\":1,\"status\":\"void\",\"version\":2,\"reason\":\"wrong "
         "knee\",\"answers\":{\"p1\":1}",
         "answers", "status"},
        {"\"form\":\"test\",\"form_version\":1,\"version\":2", "reason", "required"},
        {"\"form\":\"test\",\"form_version\":1,\"version\":2,\"reason\":\"a b c \"", "reason", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"version\":2,\"reason\":\"line\\rbreak\"", "reason", "format"},
        {"\"form\":\"test\",\"form_version\":1,\"reason\":\"none needed\"", "reason", "version"},
    };
    struct world world = world_new("about: subject\n", body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(judge(&world, cases[i].fields));
        find_problem(&world, cases[i].item, cases[i].rule);
    }
    talloc_free(world.owner);
}

static void test_submission_check_date_of_today_is_accepted(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    accept(&world,
           "\"id\":\"0188b3a0-0000-7000-8000-000000000001\",\"subject\":\"07-0012\",\"form\":\"test\","
           "\"form_version\":1,"
           "\"date\":\"2026-04-01\",\"answers\":{\"bmi\":\"20\"}");
    talloc_free(world.owner);
}

static void test_submission_check_knee_fits_what_the_form_is_about(void **state)
{
    (void)state;
    static const char items[] = "sections: [{id: s, title: S, items: [{id: a, text: a, type: integer}]}]\n";
    static const struct {
        const char *about, *knee;
        bool fits;
    } cases[] = {
        {"subject", "none", true}, {"subject", "right", false}, {"knee", "none", false},
        {"knee", "left", true},    {"either", "none", true},    {"either", "right", true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char head[64], fields[256];
        snprintf(head, sizeof head, "about: %s\n", cases[i].about);
        snprintf(fields, sizeof fields, "%s,\"knee\":\"%s\"", RECORD, cases[i].knee);
        struct world world = world_new(head, items);
        const struct submission *submission = judge(&world, fields);
        assert_int_equal(submission != NULL, cases[i].fits);
        if (submission != NULL)
            assert_string_equal(submission->knee, cases[i].knee);
        else
            find_problem(&world, "knee", "knee");
        talloc_free(world.owner);
    }
}

static void test_submission_check_instances_of_repeating_and_unscheduled_forms(void **state)
{
    (void)state;
    static const char items[] = "sections: [{id: s, title: S, items: [{id: a, text: a, type: integer}]}]\n";
    struct world once = world_new("about: subject\n", items);
    struct world often = world_new("about: subject\nrepeats: true\n", items);
    accept(&often, RECORD ",\"instance\":7");
    accept(&once, "\"id\":\"0188b3a0-0000-7000-8000-000000000001\",\"subject\":\"07-0012\",\"form\":\"test\","
                  "\"form_version\":1,"
                  "\"date\":\"2026-03-15\",\"instance\":2");
    assert_null(judge(&once, RECORD ",\"instance\":2"));
    talloc_free(once.owner);
    talloc_free(often.owner);
}

static void test_submission_check_form_outside_the_protocol_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *first = definitions_form_of_items(owner, "{id: a, text: a, type: integer}\n");
    const struct catalogue *made = definitions_catalogue(owner, first);
    struct error error = {0};
    static const char other[] = "form: elsewhere\nversion: 1\ntitle: E\nsource: s\nabout: subject\n"
                                "sections: [{id: s, title: S, items: [{id: a, text: a, type: integer}]}]\n";
    const struct form *forms[] = {form_parse(owner, "e", other, strlen(other), &error), first};
    struct catalogue catalogue = *made;
    catalogue.forms = forms;
    struct world world = {.owner = owner, .catalogue = &catalogue, .today = date_from_civil(2026, 4, 1)};
    assert_null(judge(&world, "\"form\":\"elsewhere\""));
    find_problem(&world, "form", "visit");
    talloc_free(owner);
}

static void test_submission_check_wrong_answers_are_problems(void **state)
{
    (void)state;
    static const struct {
        const char *answers;   /* and what follows */
        const char *item, *rule;
        bool soft;
    } cases[] = {
        {"{\"bmi\":\"20\",\"p9\":1}", "p9", "unknown", false},
        {"{\"bmi\":\"20\",\"p1\":2}", "p1", "choice", false},
        {"{\"bmi\":27.4}", "bmi", "type", false},
        {"{\"bmi\":\"9\"}", "bmi", "range", false},
        {"{\"bmi\":\"27.44\"}", "bmi", "decimals", false},
        {"{\"bmi\":\"15\"}", "bmi", "soft_range", true},
        {"{\"bmi\":\"41\"}", "bmi", "heavy", true},
        {"{}", "bmi", "required", false},
        {"{\"bmi\":null}", "bmi", "required", false},
        {"{\"bmi\":\"20\",\"other\":\"x\"}", "other", "skipped", false},
        {"{\"bmi\":\"20\",\"why\":\"pain\",\"other\":\"x\"}", "other", "skipped", false},
        {"{\"bmi\":\"20\"},\"not_answered\":{\"other\":\"refused\"}", "other", "skipped", false},
        {"{\"bmi\":\"20\",\"why\":\"other\"}", "other", "required", false},
        {"{\"bmi\":\"20\",\"why\":\"other\",\"more\":1}", "more", "skipped", false},
        {"{\"bmi\":\"20\",\"onset\":\"2026-02\",\"stop\":\"2026-01\"}", "stop", "stop_after_onset", false},
        {"{\"bmi\":\"20\",\"p1\":1}", NULL, "both_pains", false},
        {"{\"bmi\":\"20\",\"p1\":1},\"not_answered\":{\"p1\":\"refused\"}", "p1", "not_answered", false},
        {"{\"bmi\":\"20\",\"p1\":9},\"not_answered\":{\"p1\":\"refused\"}", "p1", "not_answered", false},
        {"{\"bmi\":\"20\"},\"not_answered\":{\"p1\":\"lazy\"}", "p1", "not_answered", false},
        {"{\"bmi\":\"20\"},\"not_answered\":{\"p9\":\"refused\"}", "p9", "unknown", false},
        {"{\"bmi\":\"20\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured\"}"
         "]",
         "bmi", "confirmed", false},
        {"{\"bmi\":\"20\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"nonsense\",\"reason\":\"measured\"}]",
         "bmi", "confirmed", false},
        {"{\"bmi\":\"15\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"ok\"}]",
         "bmi", "confirmed", false},
        {"{\"bmi\":\"15\"},\"confirmed\":[{\"item\":\"ok\",\"rule\":\"soft_range\",\"reason\":\"measured\"}]",
         "bmi", "soft_range", true},
        {"{\"bmi\":\"15\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured\"},"
         "{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured\"}]",
         "bmi", "doubled", false},
    };
    struct world world = world_new("about: subject\n", body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_null(judge(&world, memory_format(world.owner, "%s,\"answers\":%s", RECORD, cases[i].answers)));
        const struct problem *problem = find_problem(&world, cases[i].item, cases[i].rule);
        assert_int_equal(problem->soft, cases[i].soft);
        assert_true(strlen(problem->text) > 15);
    }
    talloc_free(world.owner);
}

static void test_submission_check_right_answers_are_accepted(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"bmi\":\"16\"}",
        "{\"bmi\":\"10\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured "
        "twice\"}]",
        "{},\"not_answered\":{\"bmi\":\"not_done\"}", /* declined is an answer to "required" */
        "{\"bmi\":\"20\",\"why\":\"other\"},\"not_answered\":{\"other\":\"refused\"}",
        "{\"bmi\":\"20\",\"why\":\"other\",\"other\":\"x\",\"more\":1}",
        "{\"bmi\":\"20\",\"onset\":\"2026\",\"stop\":\"2026-01\"}", /* unknown is not violated */
        "{\"bmi\":\"20\",\"stop\":\"2026-01\"}",
        "{\"bmi\":\"20\"},\"not_answered\":{\"why\":\"unknown\"}", /* hides what depends on it */
    };
    struct world world = world_new("about: subject\n", body);
    for (size_t i = 0; i < COUNT(cases); i++)
        accept(&world, memory_format(world.owner, "%s,\"answers\":%s", RECORD, cases[i]));
    talloc_free(world.owner);
}

static void test_submission_check_all_problems_come_at_once(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    assert_null(judge(
        &world,
        "\"subject\":\"7\",\"form\":\"test\",\"form_version\":1,\"knee\":\"left\",\"visit\":\"M6\","
        "\"date\":\"2027-01-01\","
        "\"answers\":{\"p1\":9,\"bmi\":\"15\",\"onset\":\"x\",\"stop\":\"2026\",\"zz\":1,\"other\":\"a\"}"));
    static const struct {
        const char *item, *rule;
    } expected[] = {{"id", "required"}, {"subject", "format"}, {"date", "future"}, {"knee", "knee"},
                    {"visit", "visit"}, {"p1", "choice"},      {"onset", "type"},  {"zz", "unknown"},
                    {"other", "skipped"}, {"bmi", "soft_range"}};
    for (size_t i = 0; i < COUNT(expected); i++)
        find_problem(&world, expected[i].item, expected[i].rule);
    assert_int_equal(world.problems.count, COUNT(expected));
    talloc_free(world.owner);
}

static void test_submission_check_rules_over_wrong_items_are_not_judged(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    /* p1 is wrong: whether both pains are answered is not said; `why` is wrong: whether `other` is asked for
     * is not */
    assert_null(judge(&world, RECORD
                      ",\"answers\":{\"bmi\":\"20\",\"p1\":9,\"p2\":1,\"why\":\"x\",\"other\":\"a\"}"));
    find_problem(&world, "p1", "choice");
    find_problem(&world, "why", "choice");
    assert_int_equal(world.problems.count, 2);
    talloc_free(world.owner);
}

static void test_submission_check_rules_over_skipped_items_are_not_judged(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    assert_null(judge(&world, RECORD ",\"answers\":{\"bmi\":\"20\",\"more\":21}"));
    find_problem(&world, "more", "skipped");
    assert_int_equal(world.problems.count, 1);
    assert_null(
        judge(&world, RECORD ",\"answers\":{\"bmi\":\"20\",\"why\":\"other\",\"other\":\"x\",\"more\":21}"));
    find_problem(&world, "more", "few");
    talloc_free(world.owner);
}

static void test_submission_check_confirmations_stand_in_the_canonical_text(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    world.today = date_from_civil(2026, 5, 1);   /* not_late finds something, beside no item */
    const struct submission *submission = accept(
        &world, RECORD
        ",\"answers\":{\"bmi\":\"46\"},\"confirmed\":[{\"rule\":\"not_late\",\"reason\":\"paper came late\"},"
        "{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured twice\"},"
        "{\"item\":\"bmi\",\"rule\":\"heavy\",\"reason\":\"measured twice\"}]");
    assert_non_null(
        strstr(submission->canonical,
               "\"answers\":{\"bmi\":\"46\"},\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"heavy\",\"reason\":"
               "\"measured twice\"},{\"item\":\"bmi\",\"rule\":\"soft_range\",\"reason\":\"measured twice\"},"
               "{\"rule\":\"not_late\",\"reason\":\"paper came late\"}]}"));
    talloc_free(world.owner);
}

static void test_submission_check_soft_findings_do_not_hide_behind_hard_ones(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    assert_null(judge(&world, RECORD
                      ",\"answers\":{\"bmi\":\"46\",\"p1\":9},"
                      "\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"heavy\",\"reason\":\"measured twice\"}]"));
    assert_true(find_problem(&world, "bmi", "soft_range")->soft);
    find_problem(&world, "p1", "choice");
    assert_int_equal(world.problems.count, 2);
    /* a confirmation of a check that found nothing is named only once everything else is right */
    assert_null(judge(&world, RECORD
                      ",\"answers\":{\"bmi\":\"9\"},"
                      "\"confirmed\":[{\"item\":\"bmi\",\"rule\":\"heavy\",\"reason\":\"measured twice\"}]"));
    assert_int_equal(world.problems.count, 1);
    talloc_free(world.owner);
}

static void test_submission_check_correction_and_void(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    const struct submission *corrected =
        accept(&world, RECORD ",\"version\":2,\"reason\":\"typing error\",\"answers\":{\"bmi\":\"20\"}");
    assert_non_null(strstr(corrected->canonical,
                           "\"version\":2,\"status\":\"complete\",\"date\":\"2026-03-15\","
                           "\"reason\":\"typing error\",\"answers\":{\"bmi\":\"20\"}}"));
    assert_string_equal(corrected->reason, "typing error");
    const struct submission *voided =
        accept(&world, RECORD ",\"version\":3,\"status\":\"void\",\"reason\":\"wrong subject\"");
    assert_int_equal(voided->status, SUBMISSION_VOID);
    assert_null(voided->scores);
    assert_non_null(strstr(voided->canonical,
                           "\"status\":\"void\",\"date\":\"2026-03-15\",\"reason\":\"wrong subject\","
                           "\"answers\":{}}"));
    talloc_free(world.owner);
}

static void test_submission_check_required_always_takes_no_reason(void **state)
{
    (void)state;
    static const char items[] =
        "choices: {side: [{code: left, label: l}, {code: right, label: r}]}\n"
        "sections: [{id: s, title: S, items: [{id: index_knee, text: k, type: choice, choices: side,\n"
        "  required: always}, {id: a, text: a, type: integer}]}]\n";
    struct world world = world_new("about: subject\ncreates_subject: true\n", items);
    accept(&world, RECORD ",\"answers\":{\"index_knee\":\"left\"}");
    assert_null(judge(&world, RECORD ",\"not_answered\":{\"index_knee\":\"unknown\"}"));
    assert_non_null(strstr(find_problem(&world, "index_knee", "required")->text, "no reason can stand for it"));
    assert_int_equal(world.problems.count, 1);
    assert_null(judge(&world, RECORD ",\"answers\":{}"));
    assert_non_null(strstr(find_problem(&world, "index_knee", "required")->text, "an answer is needed (k); give it"));
    talloc_free(world.owner);
}

static void test_submission_check_item_sent_twice_is_refused(void **state)
{
    (void)state;
    struct world world = world_new("about: subject\n", body);
    /* JSON cannot say it; other doors can. */
    const struct raw_answer answers[] = {{"bmi", RAW_TEXT, "20"}, {"bmi", RAW_TEXT, "20"}};
    const struct raw_reason reasons[] = {{"p1", NULL, "refused"}, {"p1", NULL, "refused"}};
    const struct submission_input input = {
        .id = "0188b3a0-0000-7000-8000-000000000001",
        .subject = "07-0012",
        .form = "test",
        .date = "2026-03-15",
        .answers = answers,
        .answer_count = 2,
        .not_answered = reasons,
        .not_answered_count = 2,
    };
    assert_null(submission_check(world.owner, world.catalogue, &input, world.today, &world.problems));
    find_problem(&world, "bmi", "doubled");
    find_problem(&world, "p1", "doubled");
    talloc_free(world.owner);
}

static void test_subject_parse_one_spelling_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int site, subject;   /* 0: refused */
    } cases[] = {
        {"07-0012", 7, 12},
        {"01-0001", 1, 1},
        {"9999-999999", 9999, 999999},
        {"123-45678", 123, 45678},
        {"7-0012", 0, 0},
        {"07-12", 0, 0},
        {"007-0012", 0, 0},
        {"07-00012", 0, 0},
        {"00-0001", 0, 0},
        {"01-0000", 0, 0},
        {"", 0, 0},
        {"07", 0, 0},
        {"07-", 0, 0},
        {"-0012", 0, 0},
        {"07-0012 ", 0, 0},
        {"07-0012-1", 0, 0},
        {"10000-0001", 0, 0},
        {"07-1000000", 0, 0},
        {"07-00x2", 0, 0},
        {"+7-0012", 0, 0},
        {"99999999999-0001", 0, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int site = 0, subject = 0;
        if (subject_parse(cases[i].text, &site, &subject) != (cases[i].site > 0))
            fail_msg("%s", cases[i].text);
        assert_int_equal(site, cases[i].site);
        assert_int_equal(subject, cases[i].subject);
        char text[SUBJECT_TEXT_SIZE];
        if (cases[i].site > 0) {
            subject_format(site, subject, text);
            assert_string_equal(text, cases[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submission_check_good_one_is_canonical_and_scored),
        cmocka_unit_test(test_submission_check_same_content_has_one_canonical_text),
        cmocka_unit_test(test_submission_check_canonical_text_gives_the_same_answers),
        cmocka_unit_test(test_submission_check_wrong_fields_are_problems),
        cmocka_unit_test(test_submission_check_date_of_today_is_accepted),
        cmocka_unit_test(test_submission_check_knee_fits_what_the_form_is_about),
        cmocka_unit_test(test_submission_check_instances_of_repeating_and_unscheduled_forms),
        cmocka_unit_test(test_submission_check_form_outside_the_protocol_is_refused),
        cmocka_unit_test(test_submission_check_wrong_answers_are_problems),
        cmocka_unit_test(test_submission_check_right_answers_are_accepted),
        cmocka_unit_test(test_submission_check_all_problems_come_at_once),
        cmocka_unit_test(test_submission_check_rules_over_wrong_items_are_not_judged),
        cmocka_unit_test(test_submission_check_rules_over_skipped_items_are_not_judged),
        cmocka_unit_test(test_submission_check_confirmations_stand_in_the_canonical_text),
        cmocka_unit_test(test_submission_check_soft_findings_do_not_hide_behind_hard_ones),
        cmocka_unit_test(test_submission_check_correction_and_void),
        cmocka_unit_test(test_submission_check_required_always_takes_no_reason),
        cmocka_unit_test(test_submission_check_item_sent_twice_is_refused),
        cmocka_unit_test(test_subject_parse_one_spelling_only),
    };
    return cmocka_run_group_tests_name("submission", tests, NULL, NULL);
}
