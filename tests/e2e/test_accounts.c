/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a person's account through the running daemon: invited, joined, logged in, confirmed, ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>
#include <cmocka.h>

#include "collector/session_token.h"
#include "forms/base/memory.h"
#include "tests/support/people.h"

#define INVESTIGATOR "\"role\":\"investigator\",\"sites\":[1]"
#define SESSION "/api/v1/session"

static int setup(void **state)
{
    *state = people_registry_new(NULL, NULL);
    return 0;
}

static const char *code_member(struct person *person)
{
    return memory_format(person, "\"code\":\"%s\"", people_next_code(person));
}

static void test_invitation_sets_password_and_second_factor_once(void **state)
{
    struct registry *registry = *state;
    const char *path = memory_format(registry, "/api/v1/invitations/%s",
                                     people_invite(registry, "ida", INVESTIGATOR));
    const char *confirm = memory_format(registry, "%s/confirm", path);
    assert_problem(api_send(registry, NULL, "POST", confirm, "{\"code\":\"000000\"}"), 401, "login_failed");
    assert_problem(api_send(registry, NULL, "POST", path, "{\"password\":\"short\"}"), 422, "weak_password");
    assert_problem(api_send(registry, NULL, "POST", path, "{\"password\":\"Password2026!\"}"), 422, "weak_password");
    assert_problem(api_send(registry, NULL, "POST", path, "{}"), 400, "malformed");
    assert_status(api_send(registry, NULL, "POST", path, "{\"password\":\"tulips fly\"}"), 200);
    /* Too short to count without the second factor, which nobody has confirmed. */
    assert_problem(people_try_login(registry, "ida", "tulips fly", ""), 401, "login_failed");
    assert_problem(api_send(registry, NULL, "POST", confirm, "{\"code\":\"12345\"}"), 401, "login_failed");
    struct person *person = memory_new(registry, struct person);
    struct client_reply *reply = api_send(registry, NULL, "POST", path, "{\"password\":\"tulips fly\"}");
    assert_status(reply, 200);
    person->secret = memory_copy_string(person, json_text_at(reply->json, "totp_secret"));
    assert_non_null(strstr(json_text_at(reply->json, "totp_uri"), person->secret));
    const char *body = memory_format(registry, "{%s}", code_member(person));
    assert_status(api_send(registry, NULL, "POST", confirm, body), 204);
    assert_problem(api_send(registry, NULL, "POST", confirm, body), 404, "not_found");
    assert_problem(api_send(registry, NULL, "POST", path, "{\"password\":\"other fish\"}"), 404, "not_found");
    assert_status(people_try_login(registry, "ida", "tulips fly", code_member(person)), 200);
}

static void test_session_opens_the_studies_of_its_roles_and_no_others(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "anna", INVESTIGATOR);
    assert_problem(people_try_login(registry, "anna", PEOPLE_PASSWORD, ""), 401, "login_failed");
    const char *member = code_member(person);
    struct client_reply *reply = people_try_login(registry, "anna", PEOPLE_PASSWORD, member);
    assert_status(reply, 200);
    const char *token = memory_copy_string(registry, json_text_at(reply->json, "token"));
    assert_true(json_is_true(json_object_get(reply->json, "second_factor")));
    assert_problem(people_try_login(registry, "anna", PEOPLE_PASSWORD, member), 401, "login_failed");   /* again */

    struct client_reply *session = api_get(registry, token, SESSION);
    assert_status(session, 200);
    assert_string_equal(json_text_at(session->json, "full_name"), "Name of anna");
    assert_string_equal(json_text_at(session->json, "memberships.0.role"), "investigator");
    assert_string_equal(json_text_at(api_get(registry, token, "/api/v1/studies")->json, "studies.0.study"), "demo");
    assert_status(api_submit(registry, token, registry_enrolment(registry, NULL, "01-0500")), 201);
    assert_problem(api_submit(registry, token, registry_enrolment(registry, NULL, "02-0500")), 403, "not_allowed");
    assert_status(api_get(registry, token, DEMO "/subjects/01-0500"), 200);
    assert_problem(api_get(registry, token, DEMO "/memberships"), 403, "not_allowed");
    assert_problem(api_get(registry, token, "/api/v1/studies/other"), 404, "not_found");
    assert_problem(api_get(registry, token, "/api/v1/studies/nowhere"), 404, "not_found");
    assert_problem(api_get(registry, token, "/api/v1/me"), 403, "not_allowed");
}

static void test_confirmation_renews_the_session_and_needs_both_factors_first(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "bert", INVESTIGATOR);
    const char *old = people_log_in(person);
    assert_problem(api_send(registry, old, "POST", SESSION "/confirm", "{}"), 401, "login_failed");
    assert_problem(api_send(registry, old, "POST", SESSION "/confirm",
                            "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 401, "login_failed");
    const char *body = memory_format(registry, "{\"password\":\"" PEOPLE_PASSWORD "\",%s}", code_member(person));
    struct client_reply *reply = api_send(registry, old, "POST", SESSION "/confirm", body);
    assert_status(reply, 200);
    const char *token = memory_copy_string(registry, json_text_at(reply->json, "token"));
    assert_problem(api_get(registry, old, SESSION), 401, "bad_token");
    assert_problem(api_get(registry, old, DEMO "/subjects"), 401, "bad_token");
    assert_string_not_equal(json_text_at(api_get(registry, token, SESSION)->json, "confirmed_at"), "");
    /* Within ten minutes one of them is enough. */
    assert_problem(api_send(registry, token, "POST", SESSION "/confirm", "{\"password\":\"wrong\"}"), 401,
                   "login_failed");
    assert_status(api_send(registry, token, "POST", SESSION "/confirm", "{\"password\":\"" PEOPLE_PASSWORD "\"}"),
                  200);
}

static void test_logout_ends_the_session(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "carl", INVESTIGATOR);
    const char *token = people_log_in(person);
    assert_status(api_get(registry, token, DEMO "/subjects"), 200);
    assert_status(api_send(registry, token, "DELETE", SESSION, NULL), 204);
    assert_problem(api_get(registry, token, SESSION), 401, "bad_token");
    assert_problem(api_get(registry, token, DEMO "/subjects"), 401, "bad_token");
    assert_problem(api_send(registry, token, "DELETE", SESSION, NULL), 401, "bad_token");
    const char *used = memory_format(registry, "\"recovery_code\":\"%s\"", person->recovery_codes[0]);
    assert_problem(people_try_login(registry, "carl", PEOPLE_PASSWORD, used), 401, "login_failed");
}

static void test_account_disabled_ends_its_sessions_at_once_and_never_comes_back(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "dora", INVESTIGATOR);
    const char *token = people_log_in(person);
    assert_status(api_get(registry, token, DEMO "/subjects"), 200);
    assert_problem(api_send(registry, token, "DELETE", DEMO "/accounts/dora", NULL), 403, "not_allowed");
    assert_status(api_send(registry, "administrator", "DELETE", DEMO "/accounts/dora", NULL), 204);
    assert_problem(api_get(registry, token, DEMO "/subjects"), 401, "bad_token");
    assert_problem(api_get(registry, token, SESSION), 401, "bad_token");
    const char *code = memory_format(registry, "\"recovery_code\":\"%s\"", people_next_recovery_code(person));
    assert_problem(people_try_login(registry, "dora", PEOPLE_PASSWORD, code), 401, "login_failed");
    assert_problem(api_send(registry, "administrator", "POST", DEMO "/memberships",
                            "{\"account\":\"dora\",\"full_name\":\"Another\",\"role\":\"monitor\",\"sites\":[1]}"),
                   409, "exists");
    assert_problem(api_send(registry, "administrator", "POST", DEMO "/invitations", "{\"account\":\"dora\"}"), 404,
                   "not_found");
}

static void test_membership_ended_closes_the_study_at_once(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "emma", "\"role\":\"monitor\",\"all_sites\":true");
    const char *token = people_log_in(person);
    assert_status(api_get(registry, token, DEMO "/subjects"), 200);
    assert_status(api_send(registry, "administrator", "DELETE", DEMO "/memberships/emma", NULL), 204);
    assert_problem(api_get(registry, token, DEMO "/subjects"), 401, "bad_token");
    assert_status(api_get(registry, token, SESSION), 200);
    assert_int_equal(json_array_size(json_object_get(api_get(registry, token, SESSION)->json, "memberships")), 0);
}

static void test_administration_needs_the_second_factor(void **state)
{
    struct registry *registry = *state;
    const char *path = memory_format(registry, "/api/v1/invitations/%s",
                                     people_invite(registry, "frank", "\"role\":\"administrator\""));
    assert_status(api_send(registry, NULL, "POST", path, "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 200);
    struct client_reply *reply = people_try_login(registry, "frank", PEOPLE_PASSWORD, "");
    assert_status(reply, 200);
    assert_true(json_is_false(json_object_get(reply->json, "second_factor")));
    const char *bare = memory_copy_string(registry, json_text_at(reply->json, "token"));
    assert_problem(api_get(registry, bare, DEMO "/memberships"), 403, "second_factor_missing");
    assert_status(api_get(registry, bare, DEMO "/cuts"), 200);

    struct person *person = people_join(registry, "gerda", "\"role\":\"administrator\"");
    const char *token = people_log_in(person);
    assert_status(api_get(registry, token, DEMO "/memberships"), 200);
    assert_status(api_get(registry, token, DEMO "/invitations"), 200);
}

static void test_administrator_of_one_study_does_not_dispose_of_accounts_of_another(void **state)
{
    struct registry *registry = *state;
    static const char add[] = "{\"account\":\"coordinator-other\",\"full_name\":\"N\",\"role\":\"monitor\","
                              "\"sites\":[1]}";
    assert_status(api_send(registry, "administrator", "POST", DEMO "/memberships", add), 204);
    test_run(registry->db, "SELECT admin.add_membership('coordinator-other', 'other', 'monitor', '{}')");
    assert_problem(api_send(registry, "administrator", "POST", DEMO "/invitations",
                            "{\"account\":\"coordinator-other\"}"), 403, "not_allowed");
    assert_problem(api_send(registry, "administrator", "DELETE", DEMO "/accounts/coordinator-other", NULL), 403,
                   "not_allowed");
    assert_problem(api_send(registry, "administrator", "DELETE", DEMO "/accounts/nobody", NULL), 404, "not_found");
    assert_status(api_send(registry, "administrator", "DELETE", DEMO "/memberships/coordinator-other", NULL), 204);
}

static void test_membership_that_does_not_fit_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"doctor\",\"all_sites\":true}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"site_machine\",\"sites\":[1]}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"statistician\",\"sites\":[1]}",
        "{\"account\":\"s\",\"full_name\":\"N\",\"role\":\"administrator\"}",
        "{\"account\":\"New\",\"full_name\":\"N\",\"role\":\"administrator\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\",\"sites\":[0]}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\",\"sites\":\"1\"}",
        "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\",\"sites\":[1],\"all_sites\":true}",
    };
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_problem(api_send(registry, "administrator", "POST", DEMO "/memberships", bodies[i]), 422, "invalid");
    assert_problem(api_send(registry, "administrator", "POST", DEMO "/memberships",
                            "{\"account\":\"new\",\"full_name\":\"N\",\"role\":\"monitor\",\"sites\":[99]}"), 404,
                   "not_found");
    assert_problem(api_send(registry, "administrator", "POST", DEMO "/memberships",
                            "{\"account\":\"new\",\"role\":\"monitor\",\"sites\":[1],\"more\":1}"), 400, "malformed");
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM sec.account WHERE account = 'new'"), "0");
}

static void test_invitation_withdrawn_or_replaced_opens_nothing(void **state)
{
    struct registry *registry = *state;
    const char *first = people_invite(registry, "hugo", INVESTIGATOR);
    struct client_reply *reply = api_send(registry, "administrator", "POST", DEMO "/invitations",
                                          "{\"account\":\"hugo\"}");
    assert_status(reply, 201);
    const char *second = memory_copy_string(registry, json_text_at(reply->json, "token"));
    long long number = json_number_at(reply->json, "invitation");
    assert_problem(api_send(registry, NULL, "POST", memory_format(registry, "/api/v1/invitations/%s", first),
                            "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 404, "not_found");
    const char *path = memory_format(registry, DEMO "/invitations/%lld", number);
    assert_status(api_send(registry, "administrator", "DELETE", path, NULL), 204);
    assert_problem(api_send(registry, "administrator", "DELETE", path, NULL), 404, "not_found");
    assert_problem(api_send(registry, NULL, "POST", memory_format(registry, "/api/v1/invitations/%s", second),
                            "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 404, "not_found");
}

/*
 * Everything that a superuser reads about an account in schema sec, by the catalogue: each value as it
 * stands, and what is bytes as hexadecimal and base64url, with and without the mark of a session.
 */
static const char *read_stolen(struct registry *registry, const char *account)
{
    const char *tables = test_value(
        registry->db,
        "SELECT string_agg(format('SELECT to_jsonb(t) AS r FROM sec.%I t', c.relname), ' UNION ALL ') "
        "FROM pg_class c WHERE c.relnamespace = 'sec'::regnamespace AND c.relkind = 'r'");
    return test_value(
        registry->db,
        memory_format(
            registry,
            "WITH kept AS (SELECT DISTINCT e.value FROM (%s) t, jsonb_each_text(t.r) e "
            "WHERE t.r ->> 'account' = '%s'), "
            "bytes AS (SELECT DISTINCT decode(m[1], 'hex') AS b FROM kept, "
            "regexp_matches(value, '[\\\\]x((?:[0-9a-f]{2})+)', 'g') m), "
            "coded AS (SELECT encode(b, 'hex') AS c FROM bytes UNION "
            "SELECT translate(rtrim(replace(encode(b, 'base64'), E'\\n', ''), '='), '+/', '-_') FROM bytes) "
            "SELECT string_agg(word, E'\\n') FROM (SELECT value AS word FROM kept UNION SELECT c FROM coded "
            "UNION SELECT 's_' || c FROM coded) w WHERE word <> ''",
            tables, account));
}

/* As a token and as a cookie, with the form token that its bearer derives from it. */
static bool opens(struct registry *registry, const char *word)
{
    static const char *const paths[] = {SESSION, DEMO "/subjects", "/api/v1/studies"};
    char form_token[SESSION_SECRET_SIZE] = "";
    bool opened = false;
    for (size_t i = 0; i < 2; i++) {
        struct client *client = client_new(registry, registry->daemon, NULL);
        client_add_header(client, i == 0 ? memory_format(registry, "Authorization: Bearer %s", word)
                                         : memory_format(registry, "Cookie: " SESSION_COOKIE "=%s", word));
        if (session_token_is(word))
            session_token_for_form(word, form_token);
        if (*form_token != '\0')
            client_add_header(client, memory_format(registry, "X-Patella-Form: %s", form_token));
        for (size_t j = 0; j < sizeof paths / sizeof paths[0]; j++) {
            int status = client_send(client, "GET", paths[j], NULL)->status;
            opened = opened || (status != 401 && status != 400);
        }
        talloc_free(client);
    }
    return opened;
}

/* What the database keeps of a session opens nothing, neither as a token nor as a cookie. */
static void test_session_stolen_from_the_database_is_useless(void **state)
{
    struct registry *registry = *state;
    const char *token = people_log_in(people_join(registry, "iris", INVESTIGATOR));
    assert_true(opens(registry, token));
    char *stolen = memory_copy_string(registry, read_stolen(registry, "iris")), *rest = NULL;
    const char *session = test_value(registry->db, "SELECT encode(session_sha256, 'hex') FROM sec.session "
                                                   "WHERE account = 'iris'");
    const char *credential =
        test_value(registry->db, "SELECT encode(token_sha256, 'hex') FROM sec.credential "
                                 "WHERE account = 'iris'");
    assert_true(strlen(session) == 64 && strstr(stolen, session) != NULL);
    assert_true(strlen(credential) == 64 && strstr(stolen, credential) != NULL);
    size_t tries = 0;
    for (char *word = strtok_r(stolen, "\n", &rest); word != NULL;
         word = strtok_r(NULL, "\n", &rest), tries++)
        if (opens(registry, word))
            fail_msg("%s opens something", word);
    print_message("# %zu texts were tried as token and as cookie\n", tries);
    assert_true(tries > 50);
}

/* A hash that was made with less work is made anew when its password is there. */
static void test_password_hash_of_other_costs_is_made_anew_at_login(void **state)
{
    static const char cheap_costs[] = "SELECT password_hash LIKE '$argon2id$v=19$m=1024,t=1,p=1$%' FROM sec.person "
                                      "WHERE account = 'kurt'";
    struct registry *registry = *state;
    struct person *person = people_join(registry, "kurt", INVESTIGATOR);
    char cheap[128];
    assert_int_equal(argon2id_hash_encoded(1, 1024, 1, PEOPLE_PASSWORD, strlen(PEOPLE_PASSWORD), "saltsaltsalt", 12,
                                           32, cheap, sizeof cheap), ARGON2_OK);
    test_run(registry->db, memory_format(registry, "UPDATE sec.person SET password_hash = '%s' "
                                         "WHERE account = 'kurt'", cheap));
    assert_problem(people_try_login(registry, "kurt", "another sentence", ""), 401, "login_failed");
    assert_string_equal(test_value(registry->db, cheap_costs), "t");
    people_log_in(person);
    assert_string_equal(test_value(registry->db, cheap_costs), "f");
    assert_string_equal(test_value(registry->db, "SELECT password_hash LIKE '$argon2id$v=19$m=65536,t=3,p=1$%' "
                                   "FROM sec.person WHERE account = 'kurt'"), "t");
    people_log_in(person);
}

static void test_log_holds_no_secret(void **state)
{
    struct registry *registry = *state;
    struct person *person = people_join(registry, "jane", INVESTIGATOR);
    const char *token = people_log_in(person);
    const char *log = daemon_read_log(registry, registry->daemon);
    assert_non_null(strstr(log, "/api/v1/invitations/{token}"));
    assert_null(strstr(log, PEOPLE_PASSWORD));
    assert_null(strstr(log, token));
    assert_null(strstr(log, person->secret));
    assert_null(strstr(log, person->recovery_codes[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invitation_sets_password_and_second_factor_once),
        cmocka_unit_test(test_session_opens_the_studies_of_its_roles_and_no_others),
        cmocka_unit_test(test_confirmation_renews_the_session_and_needs_both_factors_first),
        cmocka_unit_test(test_logout_ends_the_session),
        cmocka_unit_test(test_account_disabled_ends_its_sessions_at_once_and_never_comes_back),
        cmocka_unit_test(test_membership_ended_closes_the_study_at_once),
        cmocka_unit_test(test_administration_needs_the_second_factor),
        cmocka_unit_test(test_administrator_of_one_study_does_not_dispose_of_accounts_of_another),
        cmocka_unit_test(test_membership_that_does_not_fit_is_refused),
        cmocka_unit_test(test_invitation_withdrawn_or_replaced_opens_nothing),
        cmocka_unit_test(test_session_stolen_from_the_database_is_useless),
        cmocka_unit_test(test_password_hash_of_other_costs_is_made_anew_at_login),
        cmocka_unit_test(test_log_holds_no_secret),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
