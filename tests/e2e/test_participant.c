/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links by which a subject answers one form: made, used once, and dead afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/registry.h"

#define ANSWERS "{\"answers\":{\"vas\":\"17\"},\"not_answered\":{},\"confirmed\":[]}"
#define SO_FAR(vas, revision) \
    "{\"answers\":{\"vas\":\"" vas "\"},\"not_answered\":{},\"confirmed\":[],\"section\":null," \
    "\"revision\":" revision "}"

static struct client_reply *make(struct registry *registry, const char *token, const char *subject)
{
    return api_send(registry, token, "POST", DEMO "/participant-links",
                    memory_format(registry, "{\"subject\":\"%s\",\"form\":\"pain_vas\",\"knee\":\"right\","
                                  "\"visit\":\"M3\",\"language\":\"de\",\"days\":14}", subject));
}

/* Token of a new link of a newly enrolled subject; `id`: the link's. */
static const char *new_link(struct registry *registry, const char *subject, const char **id)
{
    registry_enrol(registry, "coordinator1", subject);
    struct client_reply *made = make(registry, "coordinator1", subject);
    assert_status(made, 201);
    *id = memory_copy_string(registry, json_text_at(made->json, "id"));
    const char *token = memory_copy_string(registry, json_text_at(made->json, "token"));
    assert_string_equal(json_text_at(made->json, "path"), memory_format(registry, "/participant#%s", token));
    return token;
}

static struct client_reply *send_answers(struct registry *registry, const char *token, const char *body)
{
    return api_send(registry, token, "POST", "/api/v1/participant/submission", body);
}

static void test_link_opens_its_form_and_is_sent_once(void **state)
{
    struct registry *registry = *state;
    const char *id, *token = new_link(registry, "01-0001", &id);
    struct client_reply *shown = api_get(registry, token, "/api/v1/participant");
    assert_status(shown, 200);
    assert_string_equal(json_text_at(shown->json, "form.form"), "pain_vas");
    assert_string_equal(json_text_at(shown->json, "language"), "de");
    assert_null(strstr(shown->body, "0001"));                              /* no subject number */
    assert_status(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("1", "0")), 200);
    assert_status(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("1", "0")), 200);
    assert_problem(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("2", "0")), 409, "draft_changed");
    assert_string_equal(json_text_at(api_get(registry, token, "/api/v1/participant")->json, "answers.vas"), "1");

    assert_problem(send_answers(registry, token, "{\"answers\":{\"vas\":\"170\"},\"not_answered\":{},"
                                "\"confirmed\":[]}"), 422, "invalid");
    struct client_reply *sent = send_answers(registry, token, ANSWERS);
    assert_status(sent, 201);
    assert_int_equal(json_object_size(sent->json), 1);                      /* nothing of the record */
    struct client_reply *again = send_answers(registry, token, ANSWERS);
    assert_status(again, 200);
    assert_string_equal(again->body, sent->body);
    assert_problem(send_answers(registry, token, "{\"answers\":{\"vas\":\"18\"},\"not_answered\":{},"
                                "\"confirmed\":[]}"), 409, "uuid_reused");
    assert_problem(api_get(registry, token, "/api/v1/participant"), 410, "link_sent");
    assert_problem(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("3", "1")), 410, "link_sent");

    struct client_reply *record = api_get(registry, "monitor", memory_format(registry, DEMO "/submissions/%s", id));
    assert_status(record, 200);
    assert_string_equal(json_text_at(record->json, "door"), "participant");
    assert_string_equal(json_text_at(record->json, "recorded_by"), "participant");
    assert_string_equal(test_value(registry->db, memory_format(registry, "SELECT answers IS NULL FROM "
                                   "core.participant_link WHERE link_id = '%s'", id)), "t");
    struct client_reply *list = api_get(registry, "coordinator1", DEMO "/participant-links?subject=01-0001&state=sent");
    assert_int_equal(json_array_size(json_object_get(list->json, "links")), 1);
    assert_null(strstr(list->body, token));
    assert_problem(make(registry, "coordinator1", "01-0001"), 409, "record_exists");
}

static void test_link_is_dead_when_revoked_expired_locked_or_left(void **state)
{
    struct registry *registry = *state;
    const char *id, *token = new_link(registry, "01-0002", &id);
    assert_status(api_send(registry, "data_manager", "POST", DEMO "/subjects/01-0002/lock",
                           "{\"reason\":\"data are clean\"}"), 200);
    assert_problem(api_get(registry, token, "/api/v1/participant"), 423, "subject_locked");
    assert_problem(send_answers(registry, token, ANSWERS), 423, "subject_locked");
    assert_problem(make(registry, "coordinator1", "01-0002"), 423, "subject_locked");
    assert_status(api_send(registry, "data_manager", "POST", DEMO "/subjects/01-0002/unlock",
                           "{\"reason\":\"data are not\"}"), 200);
    const char *path = memory_format(registry, DEMO "/participant-links/%s", id);
    assert_status(api_send(registry, "coordinator2", "DELETE", path, NULL), 404);
    assert_status(api_send(registry, "coordinator1", "DELETE", path, NULL), 204);
    assert_status(api_get(registry, token, "/api/v1/participant"), 401);
    assert_status(send_answers(registry, token, ANSWERS), 401);

    token = new_link(registry, "01-0003", &id);
    test_run(registry->db, "ALTER TABLE sec.credential DISABLE TRIGGER USER");
    test_run(registry->db, "UPDATE sec.credential SET expires_at = now() WHERE role = 'participant'");
    test_run(registry->db, "ALTER TABLE sec.credential ENABLE TRIGGER USER");
    assert_status(api_get(registry, token, "/api/v1/participant"), 401);
    assert_status(send_answers(registry, token, ANSWERS), 401);

    token = new_link(registry, "01-0004", &id);
    assert_status(api_submit(registry, "coordinator1", memory_format(registry,
                  "{\"id\":\"%s\",\"subject\":\"01-0004\",\"form\":\"end_of_study\",\"form_version\":1,"
                  "\"date\":\"2024-05-01\",\"answers\":{\"reason\":\"withdrew_consent\","
                  "\"last_contact\":\"2024-05-01\"}}",
                  registry_new_id(registry))), 201);
    assert_problem(api_get(registry, token, "/api/v1/participant"), 423, "subject_left");
    assert_problem(send_answers(registry, token, ANSWERS), 423, "subject_left");
}

static void test_links_of_a_subject_are_counted_and_fit_the_protocol(void **state)
{
    struct registry *registry = *state;
    const char *id;
    new_link(registry, "01-0005", &id);
    for (int i = 0; i < 4; i++)
        assert_status(make(registry, "coordinator1", "01-0005"), 201);
    assert_problem(make(registry, "coordinator1", "01-0005"), 409, "too_many_links");
    assert_problem(make(registry, "coordinator2", "01-0005"), 422, "unknown_subject");
    static const char *const wrong[] = {
        "\"form\":\"enrolment\",\"knee\":\"none\",\"visit\":\"M3\",\"days\":1",
        "\"form\":\"pain_vas\",\"knee\":\"none\",\"visit\":\"M3\",\"days\":1",
        "\"form\":\"pain_vas\",\"knee\":\"left\",\"visit\":\"M99\",\"days\":1",
        "\"form\":\"pain_vas\",\"knee\":\"left\",\"visit\":\"M3\",\"days\":31",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(api_send(registry, "coordinator1", "POST", DEMO "/participant-links",
                               memory_format(registry, "{\"subject\":\"01-0005\",%s}", wrong[i])), 422);
}

/* Asked of the database itself: a participant's token stores its own record and no other, whoever calls. */
static void test_token_of_a_link_stores_no_other_record(void **state)
{
    struct registry *registry = *state;
    const char *id, *token = new_link(registry, "01-0006", &id);
    registry_enrol(registry, "coordinator1", "01-0007");
    const char *const others[] = {
        memory_format(registry, "'%s', 7, 'right', 'pain_vas', 'M3', 1", id),
        memory_format(registry, "'%s', 6, 'left', 'pain_vas', 'M3', 1", id),
        memory_format(registry, "'%s', 6, 'right', 'koos', 'M3', 1", id),
        memory_format(registry, "'%s', 6, 'right', 'pain_vas', 'M6', 1", id),
        memory_format(registry, "'%s', 6, 'right', 'pain_vas', 'M3', 2", id),
        memory_format(registry, "'%s', 6, 'right', 'pain_vas', 'M3', 1", registry_new_id(registry)),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_string_equal(
            test_value(registry->db, memory_format(registry,
                       "SELECT v.verdict || ' ' || v.code FROM (VALUES (%s)) x (id, subject, knee, form, visit, n), "
                       "api.submit_batch(ARRAY['%s'::bytea], ARRAY[x.id::uuid], '{1}', '{1}', ARRAY[x.subject], "
                       "ARRAY[x.knee], ARRAY[x.form], '{1}', ARRAY[x.visit], ARRAY[x.n], '{1}', '{complete}', "
                       "'{2024-02-02}', '{1}', ARRAY['{}'], '{}', '{1}', '{0}', '{NULL}', '{participant}', '{NULL}', "
                       "'{NULL}') v", others[i], token)),
            "refused not_allowed");
}

/* The last one: its coordinator is gone then. */
static void test_links_end_with_who_made_them(void **state)
{
    struct registry *registry = *state;
    const char *id, *token = new_link(registry, "01-0030", &id);
    assert_status(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("1", "0")), 200);
    test_run(registry->db, memory_format(registry, "SELECT sec.disable_account((SELECT recorded_by FROM "
                                         "core.participant_link WHERE link_id = '%s'))", id));
    assert_status(api_send(registry, token, "PUT", "/api/v1/participant", SO_FAR("2", "1")), 401);
    assert_status(send_answers(registry, token, ANSWERS), 401);
    struct client_reply *list = api_get(registry, "data_manager",
                                        DEMO "/participant-links?subject=01-0030&state=revoked");
    assert_status(list, 200);
    assert_int_equal(json_array_size(json_object_get(list->json, "links")), 1);
    assert_string_equal(test_value(registry->db, memory_format(registry, "SELECT answers IS NULL FROM "
                                   "core.participant_link WHERE link_id = '%s'", id)), "t");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_opens_its_form_and_is_sent_once),
        cmocka_unit_test(test_link_is_dead_when_revoked_expired_locked_or_left),
        cmocka_unit_test(test_links_of_a_subject_are_counted_and_fit_the_protocol),
        cmocka_unit_test(test_token_of_a_link_stores_no_other_record),
        cmocka_unit_test(test_links_end_with_who_made_them),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
