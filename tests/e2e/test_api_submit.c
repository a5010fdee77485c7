/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POST of one submission: receipts, replays, and every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

static void test_submit_accepted_gives_a_receipt_with_scores(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0001");
    const char *id = registry_new_id(registry);
    struct client_reply *reply =
        api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0001", 45, ""));
    assert_status(reply, 201);
    assert_string_equal(json_text_at(reply->json, "id"), id);
    assert_string_equal(json_text_at(reply->json, "subject"), "01-0001");
    assert_string_equal(json_text_at(reply->json, "status"), "complete");
    assert_int_equal(json_number_at(reply->json, "form_version"), 1);
    assert_non_null(strstr(reply->body, "\"scores\":{\"vas\":45.5}"));
    assert_string_equal(client_header(reply, "Location"), memory_format(reply, DEMO "/submissions/%s", id));
}

static void test_submit_again_gives_the_same_bytes(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0002");
    const char *body = registry_pain(registry, NULL, "01-0002", 20, "");
    struct client_reply *first = api_submit(registry, "coordinator1", body);
    struct client_reply *again = api_submit(registry, "coordinator1", body);
    struct client_reply *by_machine = api_submit(registry, "machine1", body);
    assert_status(first, 201);
    assert_status(again, 200);
    assert_string_equal(again->body, first->body);
    assert_status(by_machine, 200);   /* account and door are not part of the content */
    assert_string_equal(by_machine->body, first->body);
}

static void test_submit_in_other_order_of_keys_is_the_same_content(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0003");
    const char *id = registry_new_id(registry);
    const char *other = memory_format(registry,
                                      "{ \"answers\": {\"vas\": \"33.5\"}, \"visit\":\"BL\", \"date\":"
                                      "\"2024-02-02\", \"version\": 1,\n "
                                      "\"knee\":\"right\",\"form\":\"pain_vas\",\"form_version\":1, "
                                      "\"subject\":\"01-0003\",\"id\":\"%s\" }",
                                      id);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0003", 33, "")), 201);
    assert_status(api_submit(registry, "coordinator1", other), 200);
}

static char *voided(struct registry *registry, const char *subject, const char *form, int version)
{
    return memory_format(
        registry,
        "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"%s\",\"form_version\":1,\"date\":"
        "\"2024-03-01\",\"version\":%d,\"status\":\"void\",\"reason\":\"entered by mistake\"}",
        registry_new_id(registry), subject, form, version);
}

static void test_submit_refused_says_why(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0004");
    const char *known = registry_new_id(registry);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, known, "01-0004", 10, "")),
                  201);
    const char *void_event = registry_event(registry, NULL, "01-0004", "swelling", "");
    assert_status(api_submit(registry, "coordinator1", void_event), 201);
    const char *void_body = memory_format(
        registry,
        "{\"id\":\"%s\",\"subject\":\"01-0004\",\"form\":\"adverse_event\",\"form_version\":1,\"date\":"
        "\"2024-03-01\",\"version\":2,\"status\":\"void\",\"reason\":\"entered twice\"}",
        registry_new_id(registry));
    assert_status(api_submit(registry, "coordinator1", void_body), 201);
    const struct {
        const char *label, *body;
        int status;
        const char *code;
    } cases[] = {
        {"the same record again", registry_pain(registry, NULL, "01-0004", 11, ""), 409, "record_exists"},
        {"the same id with other content", registry_pain(registry, known, "01-0004", 11, ""), 409,
         "uuid_reused"},
        {"a version too far",
         registry_pain(registry, NULL, "01-0004", 12, ",\"version\":3,\"reason\":\"typing error\""), 409,
         "version_conflict"},
        {"a version of nothing",
         registry_pain(registry, NULL, "01-0004", 12,
                       ",\"instance\":2,\"version\":2,\"reason\":\"typing error\""),
         422, "invalid"},
        {"a void version of what is void", voided(registry, "01-0004", "adverse_event", 3), 409,
         "record_void"},
        {"the subject again", registry_enrolment(registry, NULL, "01-0004"), 409, "subject_exists"},
        {"a subject that was not enrolled", registry_pain(registry, NULL, "01-0999", 10, ""), 422,
         "unknown_subject"},
        {"another site's number", registry_pain(registry, NULL, "02-0004", 10, ""), 422, "unknown_subject"},
        {"a site that does not exist", registry_pain(registry, NULL, "99-0004", 10, ""), 422,
         "unknown_subject"},
        {"an enrolment at another site", registry_enrolment(registry, NULL, "02-0004"), 403, "not_allowed"},
        {"no JSON", "{\"id\":", 400, "malformed"},
        {"a text", "\"hello\"", 400, "malformed"},
        {"nothing", "", 400, "malformed"},
        {"an unknown field", registry_pain(registry, NULL, "01-0004", 10, ",\"colour\":\"red\""), 400,
         "malformed"},
        {"a doubled field", registry_pain(registry, NULL, "01-0004", 10, ",\"date\":\"2024-02-02\""), 400,
         "malformed"},
        {"an empty array", "[]", 400, "malformed"},
        {"half an array", "[{}", 400, "not_json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply = api_submit(registry, "coordinator1", cases[i].body);
        if (reply->status != cases[i].status || strcmp(json_text_at(reply->json, "code"), cases[i].code) != 0)
            fail_msg("%s: %d %s", cases[i].label, reply->status, reply->body);
        assert_string_equal(reply->type, "application/problem+json");
    }
}

static void test_submit_void_record_is_entered_anew(void **state)
{
    struct registry *registry = *state;
    static const char anew[] = ",\"version\":3,\"reason\":\"void by mistake\"";
    registry_enrol(registry, "coordinator1", "01-0040");
    const char *event = registry_event(registry, NULL, "01-0040", "swelling", "");
    assert_status(api_submit(registry, "coordinator1", event), 201);
    assert_problem(api_submit(registry, "coordinator1", voided(registry, "01-0040", "enrolment", 2)), 409,
                   "subject_has_records");
    assert_status(api_submit(registry, "coordinator1", voided(registry, "01-0040", "adverse_event", 2)), 201);
    event = registry_event(registry, NULL, "01-0040", "swelling", anew);
    assert_status(api_submit(registry, "coordinator1", event), 201);
}

/* In one array: each of them needs what the one before it did. */
static void test_submit_enrolment_is_voided_and_entered_anew(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0041");
    char *again = memory_copy_string(registry, registry_enrolment(registry, NULL, "01-0041"));
    size_t length = strlen(again);
    assert_int_equal(again[length - 1], '}');
    again[length - 1] = '\0';
    const char *body = memory_format(registry, "[%s,%s,%s,\"version\":3,\"reason\":\"void by mistake\"},%s]",
                                     voided(registry, "01-0041", "enrolment", 2),
                                     registry_pain(registry, NULL, "01-0041", 10, ""), again,
                                     registry_pain(registry, NULL, "01-0041", 10, ""));
    struct client_reply *reply = api_submit(registry, "coordinator1", body);
    assert_status(reply, 207);
    static const int statuses[] = {201, 422, 201, 201};
    for (size_t i = 0; i < 4; i++)
        if (json_number_at(reply->json, memory_format(registry, "results.%zu.status", i)) != statuses[i])
            fail_msg("row %zu: %s", i, reply->body);
    assert_string_equal(json_text_at(reply->json, "results.1.problem.code"), "unknown_subject");
}

static void test_submit_invalid_answers_lists_every_problem(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0005");
    struct client_reply *reply =
        api_submit(registry, "coordinator1",
                   memory_format(registry,
                                 "{\"id\":\"%s\",\"subject\":\"01-0005\",\"form\":"
                                 "\"adverse_event\",\"form_version\":1,\"date\":\"2024-03-01\","
                                 "\"answers\":"
                                 "{\"onset\":\"2024-05\",\"severity\":\"enormous\","
                                 "\"serious\":true,\"shoe_size\":44}}",
                                 registry_new_id(registry)));
    static const char *const items[] = {"term", "onset", "severity", "shoe_size"};
    assert_problem(reply, 422, "invalid");
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        bool found = false;
        size_t index;
        json_t *problem;
        json_array_foreach(json_object_get(reply->json, "problems"), index, problem) {
            const char *item = json_string_value(json_object_get(problem, "item"));
            found = found || (item != NULL && strcmp(item, items[i]) == 0);
        }
        if (!found)
            fail_msg("no problem with %s: %s", items[i], reply->body);
    }
}

static void test_submit_unknown_subject_has_the_same_bytes_wherever_it_is(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator2", "02-0007");
    static const char *const subjects[] = {"01-0777", "02-0007", "02-0777", "03-0001", "77-0001"};
    struct client_reply *first = NULL;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        struct client_reply *reply =
            api_submit(registry, "coordinator1", registry_pain(registry, NULL, subjects[i], 1, ""));
        first = i == 0 ? reply : first;
        assert_problem(reply, 422, "unknown_subject");
        assert_string_equal(reply->body, first->body);
    }
    /* Neither do the problems of a form tell: dates are judged by a site that the caller sees. */
    struct client_reply *own =
        api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0777", 999, ""));
    struct client_reply *hidden =
        api_submit(registry, "coordinator1", registry_pain(registry, NULL, "02-0007", 999, ""));
    assert_problem(own, 422, "invalid");
    assert_string_equal(own->body, hidden->body);
}

static void test_submit_correction_needs_reason_and_follows_the_newest(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0006");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0006", 10, "")),
                  201);
    assert_status(
        api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0006", 20, ",\"version\":2")),
        422);
    assert_status(api_submit(registry, "coordinator1",
                             registry_pain(registry, NULL, "01-0006", 20,
                                           ",\"version\":2,\"reason\":\"typing error\"")),
                  201);
    assert_problem(api_submit(registry, "coordinator1",
                              registry_pain(registry, NULL, "01-0006", 30,
                                            ",\"version\":2,\"reason\":\"typing error\"")),
                   409, "version_conflict");
}

static void test_submit_to_a_locked_subject_or_frozen_study_is_refused(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0008");
    test_run(registry->db, "SELECT admin.lock_subject('demo', 1, 8, true, 'database lock')");
    assert_problem(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0008", 10, "")),
                   423, "subject_locked");
    test_run(registry->db, "SELECT admin.lock_subject('demo', 1, 8, false, 'lock was too early')");
    test_run(registry->db, "SELECT admin.freeze_study('demo', true, 'interim analysis')");
    assert_problem(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0008", 10, "")),
                   423, "study_frozen");
    test_run(registry->db, "SELECT admin.freeze_study('demo', false, 'interim analysis done')");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0008", 10, "")),
                  201);
}

static void test_submit_with_other_content_type_is_refused(void **state)
{
    static const struct {
        const char *header;
        int status;
    } cases[] = {
        {"Content-Type: text/plain", 415},
        {"Content-Type: application/jsonp", 415},
        {"Content-Type:", 415},
        {"Content-Type: application/json; charset=latin1", 415},
        {"Content-Type: Application/JSON; charset=UTF-8", 422},
    };
    struct registry *registry = *state;
    const char *body = registry_pain(registry, NULL, "01-0999", 10, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client *client = client_new(registry, registry->daemon, "coordinator1");
        client_add_header(client, cases[i].header);
        struct client_reply *reply = client_send_typed(client, DEMO "/submissions", body);
        if (reply->status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].header, reply->status, reply->body);
        talloc_free(client);
    }
}

static const char *left_knee(struct registry *registry, const char *subject, const char *date)
{
    return memory_format(
        registry,
        "{\"id\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"form_version\":1,\"knee\":\"left\","
        "\"visit\":\"M24\",\"date\":\"%s\",\"answers\":{}}",
        registry_new_id(registry), subject, date);
}

static void test_submit_today_is_judged_at_the_site(void **state)
{
    struct registry *registry = *state;
    struct client_reply *study = api_get(registry, "coordinator", DEMO);
    const char *kiritimati = json_text_at(study->json, "sites.1.today"),
               *niue = json_text_at(study->json, "sites.2.today");
    assert_string_not_equal(kiritimati, niue);   /* 25 hours apart */
    registry_enrol(registry, "coordinator", "02-0020");
    registry_enrol(registry, "coordinator", "03-0020");
    const char *there = left_knee(registry, "02-0020", kiritimati),
               *here = left_knee(registry, "03-0020", kiritimati);
    assert_status(api_submit(registry, "coordinator", there), 201);
    assert_problem(api_submit(registry, "coordinator", here), 422, "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submit_accepted_gives_a_receipt_with_scores),
        cmocka_unit_test(test_submit_again_gives_the_same_bytes),
        cmocka_unit_test(test_submit_in_other_order_of_keys_is_the_same_content),
        cmocka_unit_test(test_submit_refused_says_why),
        cmocka_unit_test(test_submit_void_record_is_entered_anew),
        cmocka_unit_test(test_submit_enrolment_is_voided_and_entered_anew),
        cmocka_unit_test(test_submit_invalid_answers_lists_every_problem),
        cmocka_unit_test(test_submit_unknown_subject_has_the_same_bytes_wherever_it_is),
        cmocka_unit_test(test_submit_correction_needs_reason_and_follows_the_newest),
        cmocka_unit_test(test_submit_to_a_locked_subject_or_frozen_study_is_refused),
        cmocka_unit_test(test_submit_with_other_content_type_is_refused),
        cmocka_unit_test(test_submit_today_is_judged_at_the_site),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
