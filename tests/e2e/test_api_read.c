/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is stored, read back: subjects, submissions, versions, cuts, adverse events. */
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/registry.h"

static size_t count_of(const struct client_reply *reply, const char *list)
{
    return json_array_size(json_object_get(reply->json, list));
}

/* ---- what a client needs before it sends ---- */

static void test_study_shows_sites_that_the_token_sees(void **state)
{
    struct registry *registry = *state;
    struct client_reply *all = api_get(registry, "coordinator", DEMO),
                        *one = api_get(registry, "coordinator2", DEMO);
    assert_int_equal(count_of(all, "sites"), 3);
    assert_int_equal(count_of(one, "sites"), 1);
    assert_int_equal(json_number_at(one->json, "sites.0.site"), 2);
    assert_string_equal(json_text_at(one->json, "sites.0.time_zone"), "Pacific/Kiritimati");
    assert_int_equal(strlen(json_text_at(one->json, "sites.0.today")), 10);
    assert_string_equal(json_text_at(one->json, "protocol.id"), "demo");
}

static void test_me_says_what_the_token_is_bound_to(void **state)
{
    struct registry *registry = *state;
    struct client_reply *me = api_get(registry, "coordinator2", "/api/v1/me");
    assert_string_equal(json_text_at(me->json, "account"), "coordinator2");
    assert_int_equal(json_number_at(me->json, "sites.0"), 2);
    assert_null(strstr(me->body, "Name of"));
    assert_true(json_is_true(json_object_get(api_get(registry, "statistician", "/api/v1/me")->json, "all_"
                                                                                                    "site"
                                                                                                    "s")));
}

static void test_every_form_that_ships_is_described(void **state)
{
    struct registry *registry = *state;
    struct client_reply *list = api_get(registry, "machine1", DEMO "/forms");
    assert_true(count_of(list, "forms") >= 18);
    size_t index;
    json_t *form;
    json_array_foreach(json_object_get(list->json, "forms"), index, form) {
        const char *id = json_text_at(form, "form");
        struct client_reply *reply =
            api_get(registry, "machine1", memory_format(registry, DEMO "/forms/%s?version=1", id));
        assert_status(reply, 200);
        assert_string_equal(json_text_at(reply->json, "form"), id);
    }
    assert_problem(api_get(registry, "machine1", DEMO "/forms/koos?version=2"), 404, "not_found");
    assert_problem(api_get(registry, "machine1", DEMO "/forms/lysholm"), 404, "not_found");
}

static void test_openapi_is_served_as_it_is(void **state)
{
    struct registry *registry = *state;
    struct error error;
    size_t length = 0;
    char *file = text_read_file(registry, "collector/openapi.yaml", 1 << 20, &length, &error);
    struct client_reply *reply = api_get(registry, NULL, "/api/v1/openapi.yaml");
    assert_non_null(file);
    assert_int_equal(reply->length, length);
    assert_string_equal(reply->body, file);
}

/* ---- submissions ---- */

static void assert_hash_of_content(const json_t *submission)
{
    unsigned char digest[32];
    char hex[65];
    char *content = json_dumps(json_object_get(submission, "content"), JSON_COMPACT);
    assert_int_equal(EVP_Digest(content, strlen(content), digest, NULL, EVP_sha256(), NULL), 1);
    text_to_hex(digest, sizeof digest, hex);
    assert_string_equal(json_text_at(submission, "sha256"), hex);
    free(content);
}

static void test_submission_content_has_the_hash_that_it_says(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0201");
    const char *first = registry_new_id(registry), *second = registry_new_id(registry);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, first, "01-0201", 10, "")),
                  201);
    assert_status(api_submit(registry, "coordinator1",
                             registry_pain(registry, second, "01-0201", 20,
                                           ",\"version\":2,\"reason\":\"typing error\"")),
                  201);
    json_t *v1 =
        api_get(registry, "statistician", memory_format(registry, DEMO "/submissions/%s", first))->json;
    json_t *v2 =
        api_get(registry, "statistician", memory_format(registry, DEMO "/submissions/%s", second))->json;
    assert_hash_of_content(v1);
    assert_hash_of_content(v2);
    assert_string_equal(json_text_at(v2, "prev_sha256"), json_text_at(v1, "sha256"));
    assert_string_equal(json_text_at(v2, "reason"), "typing error");
    assert_string_equal(json_text_at(v2, "recorded_by"), "coordinator1");
    assert_int_equal(json_number_at(v2, "scores.vas"), 20);
}

static void test_submissions_latest_and_all_versions(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0202");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0202", 10, "")),
                  201);
    assert_status(api_submit(registry, "coordinator1",
                             registry_pain(registry, NULL, "01-0202", 20,
                                           ",\"version\":2,\"reason\":\"typing error\"")),
                  201);
    struct client_reply *latest =
        api_get(registry, "coordinator1", DEMO "/submissions?subject=01-0202&form=pain_vas");
    struct client_reply *all = api_get(
        registry, "coordinator1", DEMO "/submissions?subject=01-0202&form=pain_vas&visit=BL&versions=all");
    assert_int_equal(count_of(latest, "submissions"), 1);
    assert_int_equal(json_number_at(latest->json, "submissions.0.version"), 2);
    assert_int_equal(count_of(all, "submissions"), 2);
    assert_int_equal(count_of(api_get(registry, "coordinator1", DEMO "/submissions?subject=01-0202&visit=M3"),
                              "submissions"),
                     0);
}

static void test_submissions_pages_hold_everything_once(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0203");
    for (int i = 1; i <= 10; i++)
        assert_status(api_submit(registry, "coordinator1", registry_event(
            registry, NULL, "01-0203", "swelling", memory_format(registry, ",\"instance\":%d", i))), 201);
    const char *after = NULL;
    size_t seen = 0, pages = 0;
    do {
        const char *path = after == NULL ? DEMO "/submissions?subject=01-0203&limit=4"
            : memory_format(registry, DEMO "/submissions?subject=01-0203&limit=4&after=%s", after);
        struct client_reply *page = api_get(registry, "coordinator1", path);
        assert_status(page, 200);
        seen += count_of(page, "submissions");
        after = json_string_value(json_object_get(page->json, "next"));
        pages++;
    } while (after != NULL && pages < 10);
    assert_int_equal(seen, 11);
    assert_int_equal(pages, 3);
}

/* Each has 8 KB: a page of many ends before its limit. */
static void test_submissions_page_of_long_texts_ends_early(void **state)
{
    enum { ARRAYS = 6, ROWS = 110 };
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0290");
    struct text *words = text_new(registry);
    for (int i = 0; i < 1000; i++)
        text_append(words, "\xF0\x9F\xA6\xB5");
    for (int array = 0; array < ARRAYS; array++) {
        struct text *body = text_new(registry);
        for (int row = 0; row < ROWS; row++)
            text_append_format(
                body,
                "%s{\"id\":\"%s\",\"subject\":\"01-0290\",\"form\":\"protocol_deviation\","
                "\"form_version\":1,\"date\":\"2024-03-01\",\"instance\":%d,\"answers\":{\"category\":"
                "\"other\",\"important\":false,\"description\":\"%s\",\"action\":\"%s\"}}",
                row > 0 ? "," : "[", registry_new_id(registry), array * ROWS + row + 1, words->bytes,
                words->bytes);
        text_append(body, "]");
        assert_status(api_submit(registry, "coordinator1", body->bytes), 201);
        talloc_free(body);
    }
    const char *after = "";
    size_t seen = 0, pages = 0;
    for (; after != NULL && pages < 10; pages++) {
        const char *path = DEMO "/submissions?subject=01-0290&form=protocol_deviation&limit=1000";
        struct client_reply *page = api_get(registry, "coordinator1", memory_format(registry, "%s%s%s", path,
                                            *after != '\0' ? "&after=" : "", after));
        assert_status(page, 200);
        assert_true(page->length < 6000000);
        seen += count_of(page, "submissions");
        after = json_string_value(json_object_get(page->json, "next"));
    }
    assert_int_equal(seen, ARRAYS * ROWS);
    assert_int_equal(pages, 2);
}

static void test_submissions_as_of_a_cut_stay_what_they_were(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0204");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0204", 10, "")),
                  201);
    struct client_reply *made =
        api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"before the correction\"}");
    assert_status(made, 201);
    long long cut = json_number_at(made->json, "cut");
    const char *path = memory_format(registry, DEMO "/submissions?subject=01-0204&cut=%lld", cut);
    struct client_reply *before = api_get(registry, "statistician", path);
    assert_int_equal(count_of(before, "submissions"), 2);
    assert_status(api_submit(registry, "coordinator1",
                             registry_pain(registry, NULL, "01-0204", 20,
                                           ",\"version\":2,\"reason\":\"typing error\"")),
                  201);
    assert_status(
        api_submit(registry, "coordinator1", registry_event(registry, NULL, "01-0204", "swelling", "")), 201);
    struct client_reply *after = api_get(registry, "statistician", path);
    assert_string_equal(after->body, before->body);
    assert_int_equal(
        count_of(api_get(registry, "statistician", DEMO "/submissions?subject=01-0204"), "submissions"), 3);
    assert_int_equal(count_of(api_get(registry, "statistician", memory_format(
        registry, DEMO "/adverse-events?subject=01-0204&cut=%lld", cut)), "adverse_events"), 0);
    assert_problem(api_get(registry, "statistician", DEMO "/submissions?cut=999"), 404, "not_found");
    assert_problem(
        api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"before the correction\"}"),
        409, "exists");
}

static void test_cuts_are_listed(void **state)
{
    struct registry *registry = *state;
    assert_status(api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"for the list\"}"),
                  201);
    struct client_reply *list = api_get(registry, "administrator", DEMO "/cuts");
    assert_status(list, 200);
    assert_non_null(strstr(list->body, "\"label\":\"for the "
                                       "list\",\"protocol_version\":1,\"made_by\":\"statistician\""));
}

static void test_queries_that_do_not_fit_are_refused(void **state)
{
    static const struct {
        const char *path;
        int status;
    } cases[] = {
        {DEMO "/submissions?limit=0", 400},
        {DEMO "/submissions?limit=1001", 400},
        {DEMO "/submissions?limit=ten", 400},
        {DEMO "/submissions?limit=1&limit=2", 400},
        {DEMO "/submissions?cut=0", 400},
        {DEMO "/submissions?cut=99999999999999999999", 400},
        {DEMO "/submissions?subject=7", 400},
        {DEMO "/submissions?versions=some", 400},
        {DEMO "/submissions?after=x", 400},
        {DEMO "/submissions?after=1", 400},
        {DEMO "/submissions?after=1.x", 400},
        {DEMO "/submissions?after=0.00000000-0000-7000-8000-000000000000", 400},
        {DEMO "/submissions?after=00000000-0000-7000-8000-000000000000", 400},
        {DEMO "/submissions?color=red", 400},
        {DEMO "/submissions?after=1.00000000-0000-7000-8000-000000000000", 404},
        {DEMO "/submissions/not-a-uuid", 404},
        {DEMO "/submissions/00000000-0000-7000-8000-000000000000", 404},
        {DEMO "/subjects?after=x", 400},
        {DEMO "/subjects/x", 404},
        {DEMO "/subjects/01-0999", 404},
        {DEMO "/forms/koos?version=0", 400},
        {"/api/v1/me?x=1", 400},
        {DEMO "/adverse-events?form=koos", 400},
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply = api_get(registry, "coordinator", cases[i].path);
        if (reply->status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].path, reply->status, reply->body);
    }
}

/* ---- subjects and events ---- */

static void test_subject_shows_its_records(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0205");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, NULL, "01-0205", 10, "")),
                  201);
    struct client_reply *subject = api_get(registry, "coordinator1", DEMO "/subjects/01-0205");
    assert_status(subject, 200);
    assert_string_equal(json_text_at(subject->json, "index_knee"), "right");
    assert_string_equal(json_text_at(subject->json, "enrolled_on"), "2024-02-01");
    assert_int_equal(json_number_at(subject->json, "record_count"), 2);
    assert_int_equal(count_of(subject, "knees"), 2);
    assert_int_equal(count_of(subject, "records"), 2);
}

static void test_subjects_pages_follow_each_other(void **state)
{
    struct registry *registry = *state;
    for (int i = 1; i <= 5; i++)
        registry_enrol(registry, "coordinator", memory_format(registry, "03-%04d", i));
    struct client_reply *page = api_get(registry, "coordinator", DEMO "/subjects?after=03-0001&limit=2");
    assert_int_equal(count_of(page, "subjects"), 2);
    assert_string_equal(json_text_at(page->json, "subjects.0.subject"), "03-0002");
    assert_string_equal(json_text_at(page->json, "next"), "03-0003");
    page = api_get(registry, "coordinator", DEMO "/subjects?after=03-0003&limit=1000");
    assert_int_equal(count_of(page, "subjects"), 2);
    assert_true(json_is_null(json_object_get(page->json, "next")));
}

static void test_adverse_events_show_answers_and_no_void_ones(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0206");
    assert_status(
        api_submit(registry, "coordinator1", registry_event(registry, NULL, "01-0206", "swelling", "")), 201);
    assert_status(
        api_submit(registry, "coordinator1",
                   registry_event(registry, NULL, "01-0206", "entered by mistake", ",\"instance\":2")),
        201);
    const char *void_body = memory_format(
        registry,
        "{\"id\":\"%s\",\"subject\":\"01-0206\",\"form\":\"adverse_event\",\"form_version\":1,\"date\":"
        "\"2024-03-01\",\"instance\":2,\"version\":2,\"status\":\"void\",\"reason\":"
        "\"entered twice\"}",
        registry_new_id(registry));
    assert_status(api_submit(registry, "coordinator1", void_body), 201);
    struct client_reply *events = api_get(registry, "statistician", DEMO "/adverse-events?subject=01-0206");
    assert_int_equal(count_of(events, "adverse_events"), 1);
    assert_string_equal(json_text_at(events->json, "adverse_events.0.answers.term"), "swelling");
    assert_string_equal(json_text_at(events->json, "adverse_events.0.answers.onset"), "2024-02");
    assert_non_null(strstr(events->body, "\"serious\":false"));
}

/* ---- isolation between sites ---- */

static void test_other_sites_are_not_seen(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0210");
    registry_enrol(registry, "coordinator2", "02-0210");
    const char *id = registry_new_id(registry);
    assert_status(api_submit(registry, "coordinator2", registry_pain(registry, id, "02-0210", 10, "")), 201);
    const char *const hidden[] = {DEMO "/subjects/02-0210",
                                  memory_format(registry, DEMO "/submissions/%s", id)};
    const char *const missing[] = {DEMO "/subjects/02-0999", DEMO "/submissions/"
                                                                  "00000000-0000-7000-8000-000000000000"};
    for (size_t i = 0; i < 2; i++) {
        struct client_reply *there = api_get(registry, "coordinator1", hidden[i]);
        assert_problem(there, 404, "not_found");
        assert_string_equal(there->body, api_get(registry, "coordinator1", missing[i])->body);
        assert_status(api_get(registry, "coordinator2", hidden[i]), 200);
        assert_status(api_get(registry, "statistician", hidden[i]), 200);
        assert_status(api_get(registry, "statistician1", hidden[i]), 404);
    }
    struct client_reply *subjects = api_get(registry, "coordinator1", DEMO "/subjects?limit=1000");
    assert_null(strstr(subjects->body, "\"02-"));
    struct client_reply *submissions = api_get(registry, "coordinator1", DEMO "/submissions?subject=02-0210");
    assert_int_equal(count_of(submissions, "submissions"), 0);
    assert_problem(
        api_get(registry, "coordinator1", memory_format(registry, DEMO "/submissions?after=2.%s", id)), 404,
        "not_found");
}

/* The same id at two sites: neither learns of the other. */
static void test_same_id_at_another_site_is_no_oracle(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator1", "01-0211");
    registry_enrol(registry, "coordinator2", "02-0211");
    const char *id = registry_new_id(registry);
    assert_status(api_submit(registry, "coordinator2", registry_pain(registry, id, "02-0211", 10, "")), 201);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0211", 10, "")), 201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_study_shows_sites_that_the_token_sees),
        cmocka_unit_test(test_me_says_what_the_token_is_bound_to),
        cmocka_unit_test(test_every_form_that_ships_is_described),
        cmocka_unit_test(test_openapi_is_served_as_it_is),
        cmocka_unit_test(test_submission_content_has_the_hash_that_it_says),
        cmocka_unit_test(test_submissions_latest_and_all_versions),
        cmocka_unit_test(test_submissions_pages_hold_everything_once),
        cmocka_unit_test(test_submissions_page_of_long_texts_ends_early),
        cmocka_unit_test(test_submissions_as_of_a_cut_stay_what_they_were),
        cmocka_unit_test(test_cuts_are_listed),
        cmocka_unit_test(test_queries_that_do_not_fit_are_refused),
        cmocka_unit_test(test_subject_shows_its_records),
        cmocka_unit_test(test_subjects_pages_follow_each_other),
        cmocka_unit_test(test_adverse_events_show_answers_and_no_void_ones),
        cmocka_unit_test(test_other_sites_are_not_seen),
        cmocka_unit_test(test_same_id_at_another_site_is_no_oracle),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
