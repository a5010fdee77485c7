/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drafts through the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

static const char *draft_body(struct registry *registry, const char *subject, const char *more)
{
    return memory_format(registry, "{\"subject\":\"%s\",\"knee\":\"right\",\"form\":\"pain_vas\",\"form_version\":1,"
                         "\"visit\":\"BL\",\"instance\":1,\"version\":1,%s}", subject, more);
}

static struct client_reply *put(struct registry *registry, const char *token, const char *id, const char *subject,
                                const char *more)
{
    return api_send(registry, token, "PUT", memory_format(registry, DEMO "/drafts/%s", id),
                    draft_body(registry, subject, more));
}

static void test_draft_is_saved_read_and_dropped(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry), *path = memory_format(registry, DEMO "/drafts/%s", id);
    struct client_reply *saved = put(registry, "coordinator1", id, "01-0001",
                                     "\"answers\":{\"vas\":\"3\xC2\xBD\",\"other\":true,\"n\":2},\"date\":\"1 3\","
                                     "\"not_answered\":{\"x\":\"refused\"},\"confirmed\":null,\"revision\":0");
    assert_status(saved, 200);
    assert_int_equal(json_number_at(saved->json, "revision"), 1);
    struct client_reply *read = api_get(registry, "coordinator1", path);
    assert_string_equal(read->body, saved->body);
    assert_string_equal(json_text_at(read->json, "answers.vas"), "3\xC2\xBD");
    assert_string_equal(json_text_at(read->json, "date"), "1 3");
    assert_status(api_get(registry, "coordinator2", path), 404);
    assert_status(api_get(registry, "data_manager", path), 404);

    struct client_reply *list = api_get(registry, "coordinator1", DEMO "/drafts?subject=01-0001");
    assert_int_equal(json_array_size(json_object_get(list->json, "drafts")), 1);
    assert_null(strstr(list->body, "answers"));
    assert_status(api_send(registry, "coordinator1", "DELETE", path, NULL), 204);
    assert_status(api_send(registry, "coordinator1", "DELETE", path, NULL), 404);
}

static void test_draft_changed_elsewhere_comes_with_the_problem(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    assert_status(put(registry, "coordinator1", id, "01-0001", "\"answers\":{\"vas\":\"1\"},\"revision\":0"), 200);
    struct client_reply *changed =
        put(registry, "coordinator1", id, "01-0001", "\"answers\":{\"vas\":\"2\"},\"revision\":0");
    assert_problem(changed, 409, "draft_changed");
    assert_string_equal(json_text_at(changed->json, "draft.answers.vas"), "1");
    struct client_reply *gone = put(registry, "coordinator1", registry_new_id(registry), "01-0001",
                                    "\"answers\":{},\"revision\":3");
    assert_problem(gone, 409, "draft_changed");
    assert_true(json_is_null(json_object_get(gone->json, "draft")));
}

static void test_draft_that_is_submitted_has_ended(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry), *path = memory_format(registry, DEMO "/drafts/%s", id);
    registry_enrol(registry, "coordinator1", "01-0001");
    assert_status(put(registry, "coordinator1", id, "01-0001", "\"answers\":{\"vas\":\"17\"},\"revision\":0"), 200);
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, id, "01-0001", 17, "")), 201);
    assert_problem(put(registry, "coordinator1", id, "01-0001", "\"answers\":{\"vas\":\"18\"},\"revision\":1"), 409,
                   "draft_stored");
    assert_status(api_get(registry, "coordinator1", path), 404);
    assert_string_equal(test_value(registry->db, memory_format(registry, "SELECT count(*) FROM core.draft "
                                                               "WHERE draft_id = '%s'", id)), "0");
}

static void test_draft_is_in_no_cut_and_no_export(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    assert_status(put(registry, "coordinator1", id, "01-0007", "\"answers\":{\"vas\":\"DRAFTED\"},\"revision\":0"),
                  200);
    struct client_reply *cut = api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"with a draft\"}");
    assert_status(cut, 201);
    long long number = json_number_at(cut->json, "cut");
    static const char *const paths[] = {"/submissions?cut=%lld", "/adverse-events?cut=%lld"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *path = memory_format(registry, i == 0 ? DEMO "/submissions?cut=%lld" : DEMO
                                         "/adverse-events?cut=%lld", number);
        struct client_reply *reply = api_get(registry, "statistician", path);
        assert_status(reply, 200);
        assert_null(strstr(reply->body, "DRAFTED"));
        assert_null(strstr(reply->body, id));
    }
    assert_null(strstr(api_get(registry, "data_manager", DEMO "/submissions?versions=all")->body, id));
    struct client_reply *export =
        api_get(registry, "statistician", memory_format(registry, DEMO "/export?cut=%lld", number));
    assert_status(export, 200);
    assert_null(memmem(export->body, export->length, "0007", 4));
}

static void test_draft_that_does_not_fit_is_refused(void **state)
{
    static const struct {
        const char *label, *more;
        int status;
    } cases[] = {
        {"no revision", "\"answers\":{}", 400},
        {"unknown field", "\"answers\":{},\"revision\":0,\"cohort\":1", 400},
        {"answers are no object", "\"answers\":[],\"revision\":0", 422},
        {"an answer is a list", "\"answers\":{\"vas\":[1]},\"revision\":0", 422},
        {"revision below 0", "\"answers\":{},\"revision\":-1", 422},
        {"revision is no whole number", "\"answers\":{},\"revision\":1.5", 422},
        {"revision is a text", "\"answers\":{},\"revision\":\"1\"", 422},
        {"second_of is no UUID", "\"answers\":{},\"revision\":0,\"second_of\":\"x\"", 422},
        {"not answered is a text", "\"answers\":{},\"revision\":0,\"not_answered\":\"x\"", 422},
        {"half-typed date of a book", "\"answers\":{},\"revision\":0,\"date\":"
         "\"12345678901234567890123456789012345678901\"", 422},
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply *reply =
            put(registry, "coordinator1", registry_new_id(registry), "01-0001", cases[i].more);
        if (reply->status != cases[i].status)
            fail_msg("%s: %d %s", cases[i].label, reply->status, reply->body);
    }
    assert_problem(put(registry, "coordinator2", registry_new_id(registry), "01-0001",
                       "\"answers\":{},\"revision\":0"), 422, "unknown_subject");
    assert_problem(api_send(registry, "coordinator1", "PUT",
                            memory_format(registry, DEMO "/drafts/%s", registry_new_id(registry)),
                            "{\"subject\":\"01-0001\",\"knee\":\"right\",\"form\":\"nothing\",\"form_version\":1,"
                            "\"visit\":\"BL\",\"instance\":1,\"version\":1,\"answers\":{},\"revision\":0}"),
                   422, "unknown_form");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draft_is_saved_read_and_dropped),
        cmocka_unit_test(test_draft_changed_elsewhere_comes_with_the_problem),
        cmocka_unit_test(test_draft_that_is_submitted_has_ended),
        cmocka_unit_test(test_draft_is_in_no_cut_and_no_export),
        cmocka_unit_test(test_draft_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
