/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries, verification, signatures, locks, redaction and double entry, through the running daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

static struct client_reply *post(struct registry *registry, const char *token, const char *path, const char *body)
{
    return api_send(registry, token, "POST", memory_format(registry, DEMO "%s", path), body);
}

static struct client_reply *post_to(struct registry *registry, const char *token, const char *folder, const char *id,
                                    const char *act, const char *body)
{
    return post(registry, token, memory_format(registry, "/%s/%s/%s", folder, id, act), body);
}

/* A subject with one record, whose submission's id it gives. */
static const char *add_record(struct registry *registry, const char *subject)
{
    const char *id = registry_new_id(registry);
    registry_enrol(registry, "coordinator1", subject);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, subject, 10, "")), 201);
    return id;
}

static struct client_reply *correct(struct registry *registry, const char *id, const char *subject, int vas)
{
    return api_submit(registry, "coordinator1",
                      registry_pain(registry, id, subject, vas, ",\"version\":2,\"reason\":\"read wrongly\""));
}

static const char *stored_sha256(struct registry *registry, const char *id)
{
    struct client_reply *reply = api_get(registry, "monitor", memory_format(registry, DEMO "/submissions/%s", id));
    assert_status(reply, 200);
    return memory_copy_string(registry, json_text_at(reply->json, "sha256"));
}

/* ---- queries ---- */

static const char *query_body(struct registry *registry, const char *id, const char *subject, const char *more)
{
    return memory_format(registry, "{\"query\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"knee\":\"right\","
                         "\"visit\":\"BL\",\"text\":\"10.5 in the source?\"%s}", id, subject, more);
}

static void test_query_goes_its_way(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    add_record(registry, "01-0701");
    assert_status(post(registry, "data_manager", "/queries",
                       query_body(registry, id, "01-0701", ",\"item\":\"vas\"")), 200);
    assert_status(post_to(registry, "coordinator1", "queries", id, "answer", "{\"text\":\"yes, 10.5\"}"), 200);
    assert_problem(post_to(registry, "monitor", "queries", id, "close", "{\"text\":\"seen\"}"), 403,
                   "query_of_another");
    assert_status(post_to(registry, "data_manager", "queries", id, "close", "{\"text\":\"seen\"}"), 200);
    assert_problem(post_to(registry, "coordinator1", "queries", id, "answer", "{\"text\":\"once more\"}"), 409,
                   "query_state");
    struct client_reply *shown = api_get(registry, "monitor", memory_format(registry, DEMO "/queries/%s", id));
    assert_status(shown, 200);
    assert_string_equal(json_text_at(shown->json, "state"), "closed");
    assert_string_equal(json_text_at(shown->json, "item"), "vas");
    assert_string_equal(json_text_at(shown->json, "events.1.text"), "yes, 10.5");
    assert_int_equal(json_array_size(json_object_get(shown->json, "events")), 3);
    struct client_reply *other = api_get(registry, "coordinator2", memory_format(registry, DEMO "/queries/%s", id));
    assert_problem(other, 404, "not_found");
}

static void test_query_about_what_is_not_there_is_refused(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    registry_enrol(registry, "coordinator1", "01-0702");
    assert_problem(post(registry, "investigator1", "/queries", query_body(registry, id, "02-0702", "")), 422,
                   "unknown_subject");
    struct client_reply *unknown = post(registry, "investigator1", "/queries", query_body(registry, id, "01-0799", ""));
    assert_problem(unknown, 422, "unknown_subject");
    assert_problem(post(registry, "monitor", "/queries", query_body(registry, id, "01-0702", ",\"item\":\"p1\"")), 422,
                   "invalid");
    assert_problem(post(registry, "monitor", "/queries",
                        memory_format(registry, "{\"query\":\"%s\",\"subject\":\"01-0702\",\"form\":\"lysholm\","
                                      "\"text\":\"?\"}", id)), 422, "unknown_form");
    assert_problem(post(registry, "monitor", "/queries",
                        memory_format(registry, "{\"query\":\"%s\",\"subject\":\"01-0702\",\"form\":\"koos\","
                                      "\"visit\":\"M99\",\"text\":\"?\"}", id)), 422, "invalid");
    /* Not entered yet: a query may say so. */
    assert_status(post(registry, "monitor", "/queries", query_body(registry, id, "01-0702", "")), 200);
}

static void test_bodies_that_do_not_fit_are_refused_in_words(void **state)
{
    static const struct {
        const char *body, *code, *says;
        int status;
    } cases[] = {
        {"", "not_json", "line", 400},
        {"[]", "malformed", "`query`", 400},
        {"{\"query\":\"x\"}", "malformed", "`subject`", 400},
        {"{\"query\":\"x\",\"subject\":\"01-0001\",\"form\":\"koos\",\"text\":\"?\",\"extra\":1}",
         "malformed", "no other field", 400},
        {"{\"query\":\"x\",\"query\":\"y\",\"subject\":\"01-0001\",\"form\":\"koos\",\"text\":\"?\"}",
         "not_json", "not JSON", 400},
        {"{\"query\":\"x\",\"subject\":\"01-0001\",\"form\":\"koos\",\"text\":\"?\"}", "invalid",
         "`query` must be a UUID", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"1-1\",\"form\":\"koos\",\"text\":"
         "\"?\"}",
         "invalid", "`subject` must be site-subject", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"koos\","
         "\"text\":\" \"}",
         "invalid", "`text` must be a text of 1 to 2000", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"ko\\nos\","
         "\"text\":\"?\"}",
         "invalid", "on one line", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"koos\","
         "\"text\":\"?\","
         "\"knee\":\"both\"}",
         "invalid", "one of none, left, right", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"koos\","
         "\"text\":\"?\","
         "\"instance\":0}",
         "invalid", "a whole number from 1 to 9999", 422},
        {"{\"query\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"koos\","
         "\"text\":7}",
         "invalid", "`text` must be", 422},
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply = post(registry, "monitor", "/queries", cases[i].body);
        if (reply->status != cases[i].status || strcmp(json_text_at(reply->json, "code"), cases[i].code) != 0 ||
            strstr(json_text_at(reply->json, "detail"), cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].body, reply->body);
    }
}

static void test_queries_page_and_filter(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0703");
    for (int i = 0; i < 3; i++)
        assert_status(post(registry, "monitor", "/queries",
                           query_body(registry, registry_new_id(registry), "01-0703", "")), 200);
    struct client_reply *page = api_get(registry, "monitor", DEMO "/queries?subject=01-0703&limit=2");
    assert_int_equal(json_array_size(json_object_get(page->json, "queries")), 2);
    const char *next = memory_format(registry, DEMO "/queries?subject=01-0703&limit=2&after=%s",
                                     json_text_at(page->json, "next"));
    page = api_get(registry, "monitor", next);
    assert_int_equal(json_array_size(json_object_get(page->json, "queries")), 1);
    assert_true(json_is_null(json_object_get(page->json, "next")));
    page = api_get(registry, "monitor", DEMO "/queries?subject=01-0703&state=closed");
    assert_int_equal(json_array_size(json_object_get(page->json, "queries")), 0);
    assert_problem(api_get(registry, "monitor", DEMO "/queries?state=lost"), 400, "invalid_parameter");
}

/* ---- verification and signatures ---- */

static void test_verification_is_of_a_version(void **state)
{
    struct registry *registry = *state;
    const char *id = add_record(registry, "01-0711"), *second = registry_new_id(registry);
    assert_status(post_to(registry, "monitor", "submissions", id, "verify", "{}"), 200);
    struct client_reply *list = api_get(registry, "coordinator1", DEMO "/verifications?subject=01-0711");
    assert_true(json_is_true(
        json_object_get(json_array_get(json_object_get(list->json, "verifications"), 0), "covers")));
    assert_status(correct(registry, second, "01-0711", 20), 201);
    list = api_get(registry, "coordinator1", DEMO "/verifications?subject=01-0711");
    assert_true(json_is_false(
        json_object_get(json_array_get(json_object_get(list->json, "verifications"), 0), "covers")));
    assert_problem(post_to(registry, "monitor", "submissions", second, "withdraw-verification",
                           "{\"reason\":\"wrong chart\"}"), 409, "not_verified");
    assert_status(post_to(registry, "monitor", "submissions", id, "withdraw-verification",
                          "{\"reason\":\"wrong chart\"}"), 200);
}

static const char *signature_body(struct registry *registry, const char *id, const char *sha256)
{
    return memory_format(registry, "{\"signature\":\"%s\",\"sha256\":\"%s\",\"meaning\":\"approval\"}", id, sha256);
}

/* A token of a program holds no password; with a confirmed session in its place the signature is there. */
static void test_signature_needs_a_confirmed_session(void **state)
{
    struct registry *registry = *state;
    const char *id = add_record(registry, "01-0712"), *signature = registry_new_id(registry);
    const char *body = signature_body(registry, signature, stored_sha256(registry, id));
    assert_problem(post_to(registry, "investigator1", "submissions", id, "sign", body), 403, "not_confirmed");
    test_run(registry->db, "CREATE OR REPLACE FUNCTION sec.confirmed(token bytea) RETURNS boolean LANGUAGE plpgsql "
                           "SECURITY DEFINER SET search_path = '' AS $$BEGIN RETURN true; END$$");
    const char *other = memory_format(registry, "%064d", 0);
    assert_problem(post_to(registry, "investigator1", "submissions", id, "sign",
                           signature_body(registry, signature, other)), 409, "content_differs");
    assert_status(post_to(registry, "investigator1", "submissions", id, "sign", body), 200);
    struct client_reply *list = api_get(registry, "monitor", DEMO "/signatures?subject=01-0712&state=current");
    assert_string_equal(json_text_at(list->json, "signatures.0.printed_name"), "Name of investigator1");
    assert_string_equal(json_text_at(list->json, "signatures.0.meaning"), "approval");
    assert_string_equal(json_text_at(list->json, "signatures.0.signature"), signature);
    assert_status(correct(registry, registry_new_id(registry), "01-0712", 20), 201);
    list = api_get(registry, "monitor", DEMO "/signatures?subject=01-0712&state=current");
    assert_int_equal(json_array_size(json_object_get(list->json, "signatures")), 0);
}

/* ---- holds ---- */

static void test_locks_refuse_submissions_until_they_end(void **state)
{
    static const char reason[] = "{\"reason\":\"data are clean\"}";
    struct registry *registry = *state;
    const char *id = add_record(registry, "01-0721"), *second = registry_new_id(registry);
    assert_problem(post_to(registry, "data_manager", "submissions", id, "lock", "{\"reason\":\"  x \"}"), 422,
                   "reason_missing");
    assert_status(post_to(registry, "data_manager", "submissions", id, "lock", reason), 200);
    assert_problem(correct(registry, second, "01-0721", 20), 423, "record_locked");
    struct client_reply *list = api_get(registry, "coordinator1", DEMO "/locks?subject=01-0721&state=locked");
    assert_string_equal(json_text_at(list->json, "locks.0.id"), id);
    assert_status(post_to(registry, "data_manager", "submissions", id, "unlock", reason), 200);
    assert_status(post_to(registry, "data_manager", "subjects", "01-0721", "lock", reason), 200);
    assert_problem(correct(registry, second, "01-0721", 20), 423, "subject_locked");
    assert_status(post_to(registry, "data_manager", "subjects", "01-0721", "unlock", reason), 200);
    assert_status(post(registry, "administrator", "/freeze", reason), 200);
    assert_problem(correct(registry, second, "01-0721", 20), 423, "study_frozen");
    assert_status(post(registry, "data_manager", "/unfreeze", reason), 200);
    assert_status(correct(registry, second, "01-0721", 20), 201);
    assert_problem(post_to(registry, "data_manager", "subjects", "01-0798", "lock", reason), 404, "not_found");
    assert_problem(post_to(registry, "data_manager", "subjects", "nobody", "lock", reason), 404, "not_found");
}

static void test_redaction_takes_the_answers_and_leaves_the_hash(void **state)
{
    struct registry *registry = *state;
    const char *id = add_record(registry, "01-0722"), *redaction = registry_new_id(registry);
    const char *sha256 = stored_sha256(registry, id);
    assert_status(
        post_to(registry, "data_manager", "submissions", id, "redact",
                memory_format(registry, "{\"redaction\":\"%s\",\"reason\":\"a name in it\"}", redaction)),
        200);
    assert_status(post_to(registry, "administrator", "redactions", redaction, "approve", "{}"), 200);
    struct client_reply *shown = api_get(registry, "monitor", memory_format(registry, DEMO "/submissions/%s", id));
    assert_string_equal(json_text_at(shown->json, "sha256"), sha256);
    const json_t *content = json_object_get(shown->json, "content");
    assert_true(json_is_true(json_object_get(content, "redacted")));
    assert_int_equal(json_object_size(json_object_get(content, "answers")), 0);
    assert_string_equal(json_text_at(content, "subject"), "01-0722");
    assert_true(json_is_null(json_object_get(json_object_get(shown->json, "scores"), "vas")));
    struct client_reply *list = api_get(registry, "administrator", DEMO "/redactions?subject=01-0722");
    assert_string_equal(json_text_at(list->json, "redactions.0.state"), "approved");
    /* Subject, retry and correction go on. */
    assert_status(api_get(registry, "coordinator1", DEMO "/subjects/01-0722"), 200);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0722", 10, "")), 200);
    assert_status(correct(registry, registry_new_id(registry), "01-0722", 20), 201);
}

static void test_redaction_of_an_adverse_event_leaves_the_list_readable(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry), *redaction = registry_new_id(registry);
    registry_enrol(registry, "coordinator1", "01-0723");
    assert_status(
        api_submit(registry, "coordinator1", registry_event(registry, id, "01-0723", "Mr Miller fell", "")),
        201);
    assert_status(
        post_to(registry, "data_manager", "submissions", id, "redact",
                memory_format(registry, "{\"redaction\":\"%s\",\"reason\":\"a name in it\"}", redaction)),
        200);
    assert_status(post_to(registry, "administrator", "redactions", redaction, "approve", "{}"), 200);
    struct client_reply *list = api_get(registry, "coordinator1", DEMO "/adverse-events?subject=01-0723");
    assert_status(list, 200);
    assert_null(strstr(list->body, "Miller"));
}

/* ---- double entry ---- */

static void test_second_entry_that_agrees(void **state)
{
    struct registry *registry = *state;
    add_record(registry, "01-0731");
    const char *entry = registry_new_id(registry);
    assert_problem(post(registry, "coordinator1", "/second-entries", registry_pain(registry, entry, "01-0731", 10, "")),
                   409, "same_account");
    assert_status(
        post(registry, "coordinator", "/second-entries", registry_pain(registry, entry, "01-0731", 10, "")),
        200);
    struct client_reply *shown =
        api_get(registry, "monitor", memory_format(registry, DEMO "/second-entries/%s", entry));
    assert_string_equal(json_text_at(shown->json, "state"), "agrees");
    assert_int_equal(json_number_at(shown->json, "differences"), 0);
}

static void test_second_entry_that_differs_is_settled_by_a_version(void **state)
{
    struct registry *registry = *state;
    add_record(registry, "01-0732");
    const char *entry = registry_new_id(registry), *second = registry_new_id(registry);
    assert_status(
        post(registry, "coordinator", "/second-entries", registry_pain(registry, entry, "01-0732", 20, "")),
        200);
    struct client_reply *shown =
        api_get(registry, "monitor", memory_format(registry, DEMO "/second-entries/%s", entry));
    assert_string_equal(json_text_at(shown->json, "items.0.item"), "vas");
    assert_string_equal(json_text_at(shown->json, "items.0.first"), "10.5");
    assert_string_equal(json_text_at(shown->json, "items.0.second"), "20.5");
    const char *body = memory_format(
        registry, "{\"items\":[{\"item\":\"vas\",\"choice\":\"second\"}],\"result\":\"%s\"}", second);
    assert_problem(post_to(registry, "coordinator", "second-entries", entry, "reconcile", body), 409, "result_differs");
    assert_status(correct(registry, second, "01-0732", 20), 201);
    assert_status(post_to(registry, "coordinator", "second-entries", entry, "reconcile", body), 200);
    struct client_reply *list = api_get(registry, "monitor", DEMO "/second-entries?subject=01-0732&state=reconciled");
    assert_string_equal(json_text_at(list->json, "second_entries.0.result"), second);
}

static void test_second_entry_is_checked_like_a_submission(void **state)
{
    struct registry *registry = *state;
    add_record(registry, "01-0733");
    const char *entry = registry_new_id(registry);
    struct client_reply *reply = post(registry, "coordinator", "/second-entries",
                                      registry_pain(registry, entry, "01-0733", 900, ""));
    assert_problem(reply, 422, "invalid");
    assert_string_equal(json_text_at(reply->json, "problems.0.item"), "vas");
    assert_problem(post(registry, "coordinator", "/second-entries", "{\"id\":1}"), 400, "malformed");
    assert_problem(post(registry, "coordinator", "/second-entries",
                        registry_pain(registry, entry, "01-0733", 10, ",\"version\":2,\"reason\":\"read wrongly\"")),
                   422, "invalid");
    static const char *const wrong[] = {
        "{\"items\":[]}", "{\"items\":[{\"item\":\"vas\"}]}", "{\"items\":[{\"item\":\"vas\",\"choice\":\"third\"}]}",
        "{\"items\":[{\"item\":\"vas\",\"choice\":\"first\",\"more\":1}]}", "{\"items\":{}}", "{\"items\":[7]}",
        "{\"items\":[{\"item\":\"vas\",\"choice\":\"neither\",\"reason\":7}]}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_problem(post_to(registry, "coordinator", "second-entries", entry, "reconcile", wrong[i]), 422,
                       "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_goes_its_way),
        cmocka_unit_test(test_query_about_what_is_not_there_is_refused),
        cmocka_unit_test(test_bodies_that_do_not_fit_are_refused_in_words),
        cmocka_unit_test(test_queries_page_and_filter),
        cmocka_unit_test(test_verification_is_of_a_version),
        cmocka_unit_test(test_signature_needs_a_confirmed_session),
        cmocka_unit_test(test_locks_refuse_submissions_until_they_end),
        cmocka_unit_test(test_redaction_takes_the_answers_and_leaves_the_hash),
        cmocka_unit_test(test_redaction_of_an_adverse_event_leaves_the_list_readable),
        cmocka_unit_test(test_second_entry_that_agrees),
        cmocka_unit_test(test_second_entry_that_differs_is_settled_by_a_version),
        cmocka_unit_test(test_second_entry_is_checked_like_a_submission),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
