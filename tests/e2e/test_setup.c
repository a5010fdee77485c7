/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the administrator of a study sees of how it is set up, and the tokens of programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/people.h"

#define TOKENS DEMO "/tokens"
#define MACHINE "{\"account\":\"site-1-export\",\"full_name\":\"Export of site 1\",\"role\":\"site_machine\"," \
                "\"sites\":[1],\"days\":30}"

#define NEXT "{\"account\":\"nightly\",\"full_name\":\"Nightly\",\"role\":\"site_machine\",\"sites\":[1]}"

static json_t *first(struct registry *registry, const char *path, const char *list)
{
    struct client_reply *reply = api_get(registry, "administrator", path);
    assert_status(reply, 200);
    return json_array_get(json_object_get(reply->json, list), 0);
}

static void test_token_works_until_it_is_revoked_and_is_told_once(void **state)
{
    struct registry *registry = *state;
    struct client_reply *made = api_send(registry, "administrator", "POST", TOKENS, MACHINE);
    assert_status(made, 201);
    const char *token = memory_copy_string(registry, json_text_at(made->json, "token"));
    assert_int_equal(strncmp(token, "site-1-export_", strlen("site-1-export_")), 0);
    long long number = json_integer_value(json_object_get(made->json, "number"));

    struct client_reply *me = api_get(registry, token, "/api/v1/me");
    assert_status(me, 200);
    assert_string_equal(json_text_at(me->json, "role"), "site_machine");
    json_t *listed = first(registry, TOKENS, "tokens");
    assert_int_equal(json_integer_value(json_object_get(listed, "number")), number);
    assert_string_equal(json_text_at(listed, "full_name"), "Export of site 1");
    assert_true(json_is_null(json_object_get(listed, "revoked_at")));
    assert_null(strstr(api_get(registry, "administrator", TOKENS)->body, token));

    const char *path = memory_format(registry, TOKENS "/%lld", number);
    assert_status(api_send(registry, "administrator", "DELETE", path, NULL), 204);
    assert_problem(api_get(registry, token, "/api/v1/uploads?study=demo"), 401, "bad_token");
    assert_true(json_is_string(json_object_get(first(registry, TOKENS, "tokens"), "revoked_at")));
    assert_problem(api_send(registry, "administrator", "DELETE", TOKENS "/99999", NULL), 404, "not_found");
    assert_problem(api_send(registry, "administrator", "DELETE", TOKENS "/x", NULL), 404, "not_found");
}

static void test_token_follows_one_of_the_same_program(void **state)
{
    struct registry *registry = *state;
    assert_problem(api_send(registry, "administrator", "POST", TOKENS,
                            "{\"account\":\"nightly\",\"role\":\"site_machine\",\"sites\":[1]}"),
                   404, "not_found");
    assert_status(api_send(registry, "administrator", "POST", TOKENS, NEXT), 201);
    assert_problem(api_send(registry, "administrator", "POST", TOKENS, NEXT), 409, "exists");
    assert_status(api_send(registry, "administrator", "POST", TOKENS,
                           "{\"account\":\"nightly\",\"role\":\"site_machine\",\"sites\":[1]}"), 201);
}

/* Neither in a person's name, nor in the name of another study's program. */
static void test_token_of_an_account_that_is_no_program_of_the_study_is_refused(void **state)
{
    struct registry *registry = *state;
    people_invite(registry, "hanna", "\"role\":\"monitor\",\"all_sites\":true");
    assert_problem(api_send(registry, "administrator", "POST", TOKENS,
                            "{\"account\":\"hanna\",\"role\":\"monitor\",\"all_sites\":true}"), 409, "not_a_program");
    assert_status(api_send(registry, "administrator", "DELETE", DEMO "/memberships/hanna", NULL), 204);
    assert_problem(api_send(registry, "administrator", "POST", TOKENS,
                            "{\"account\":\"hanna\",\"role\":\"monitor\",\"all_sites\":true}"), 409, "not_a_program");
    test_run(registry->db, "SELECT admin.add_account('elsewhere', 'Of another study');"
                           "SELECT admin.add_token('elsewhere', 'other', 'monitor', '{}', sha256('elsewhere'), "
                           "now() + interval '1 day')");
    assert_problem(api_send(registry, "administrator", "POST", TOKENS,
                            "{\"account\":\"elsewhere\",\"role\":\"monitor\",\"all_sites\":true}"),
                   409, "not_a_program");
}

static void test_token_that_does_not_fit_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"administrator\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician_unmasked\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"robot\",\"all_sites\":true}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"site_machine\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician\",\"sites\":[1]}",
        "{\"account\":\"New\",\"full_name\":\"N\",\"role\":\"statistician\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician\",\"days\":0}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician\",\"days\":367}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician\",\"days\":\"30\"}",
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_problem(api_send(registry, "administrator", "POST", TOKENS, bodies[i]), 422, "invalid");
    assert_problem(api_send(registry, "administrator", "POST", TOKENS,
                            "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\",\"sites\":[77]}"),
                   404, "not_found");
}

static void test_setup_needs_the_second_factor(void **state)
{
    static const char *const paths[] = {TOKENS, DEMO "/protocols", DEMO "/sites"};
    struct registry *registry = *state;
    const char *path = memory_format(registry, "/api/v1/invitations/%s",
                                     people_invite(registry, "ida", "\"role\":\"administrator\""));
    assert_status(api_send(registry, NULL, "POST", path, "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 200);
    struct client_reply *reply = people_try_login(registry, "ida", PEOPLE_PASSWORD, "");
    assert_status(reply, 200);
    const char *bare = memory_copy_string(registry, json_text_at(reply->json, "token"));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_problem(api_get(registry, bare, paths[i]), 403, "second_factor_missing");
    assert_problem(api_send(registry, bare, "POST", TOKENS, MACHINE), 403, "second_factor_missing");
}

static void test_setup_shows_versions_sites_and_certificates(void **state)
{
    struct registry *registry = *state;
    json_t *version = first(registry, DEMO "/protocols", "protocols");
    assert_true(json_integer_value(json_object_get(version, "version")) >= 1);
    assert_int_equal(strlen(json_text_at(version, "sha256")), 64);
    assert_string_equal(json_text_at(version, "sha256"),
                        test_value(registry->db, "SELECT encode(p.sha256, 'hex') FROM core.protocol p JOIN core.study "
                                                 "USING (study_id) WHERE code = 'demo' ORDER BY version DESC LIMIT 1"));
    assert_string_equal(json_text_at(version, "added_by"),
                        test_value(registry->db, "SELECT actor FROM audit.event WHERE object = 'core.protocol' "
                                                 "AND study_id = 1 ORDER BY seq DESC LIMIT 1"));
    json_t *site = first(registry, DEMO "/sites", "sites");
    assert_int_equal(json_integer_value(json_object_get(site, "site")), 1);
    json_t *certificate = first(registry, DEMO "/certificates", "certificates");
    assert_string_equal(json_text_at(certificate, "kind"), "server_certificate");
    assert_int_equal(strlen(json_text_at(certificate, "ends_at")), strlen("2026-01-01T00:00:00Z"));
}

static int setup(void **state)
{
    *state = people_registry_new(NULL, NULL);
    return 0;
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_works_until_it_is_revoked_and_is_told_once),
        cmocka_unit_test(test_token_follows_one_of_the_same_program),
        cmocka_unit_test(test_token_of_an_account_that_is_no_program_of_the_study_is_refused),
        cmocka_unit_test(test_token_that_does_not_fit_is_refused),
        cmocka_unit_test(test_setup_needs_the_second_factor),
        cmocka_unit_test(test_setup_shows_versions_sites_and_certificates),
    };
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
