/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exports and the audit trail through the API: refused to a session without the second factor, in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/people.h"

#define NOTHING "00000000-0000-7000-8000-000000000000"

/* Role, what it asks, and the status when it is let through. */
static const struct {
    const char *role, *method, *path, *body;
    int status;
} asked[] = {
    {"data_manager", "GET", DEMO "/export?cut=1", NULL, 200},
    {"data_manager", "GET", DEMO "/audit", NULL, 200},
    {"data_manager", "GET", DEMO "/audit?format=csv", NULL, 200},
    {"data_manager", "GET", DEMO "/audit/review?kind=accounts", NULL, 200},
    {"data_manager", "POST", DEMO "/audit/reviews/" NOTHING, "{\"conclusion\":\"nothing odd\"}", 404},
    {"unmasked", "GET", DEMO "/export?cut=1", NULL, 200},
    {"unmasked", "GET", DEMO "/reports/" NOTHING "/files/report.html", NULL, 404},
    {"unmasked", "POST", DEMO "/unblindings", "{\"request\":\"" NOTHING "\",\"reason\":\"for the board\"}", 409},
};

static int setup(void **state)
{
    struct registry *registry = people_registry_new(NULL, NULL);
    assert_status(api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"first\"}"), 201);
    *state = registry;
    return 0;
}

/* Role members of an invitation for who has a token of that name. */
static const char *role_members(const char *role)
{
    return strcmp(role, "unmasked") == 0 ? "\"role\":\"statistician_unmasked\",\"all_sites\":true"
                                         : "\"role\":\"data_manager\",\"all_sites\":true";
}

/* The token of a session by a password alone, which nobody has set a second factor beside. */
static const char *bare_session(struct registry *registry, const char *account, const char *role)
{
    const char *path = memory_format(registry, "/api/v1/invitations/%s",
                                     people_invite(registry, account, role_members(role)));
    assert_status(api_send(registry, NULL, "POST", path, "{\"password\":\"" PEOPLE_PASSWORD "\"}"), 200);
    struct client_reply *reply = people_try_login(registry, account, PEOPLE_PASSWORD, "");
    assert_status(reply, 200);
    return memory_copy_string(registry, json_text_at(reply->json, "token"));
}

static void test_bare_session_is_refused_in_words_and_leaves_no_request(void **state)
{
    struct registry *registry = *state;
    const char *manager = bare_session(registry, "bare-manager", "data_manager");
    const char *unmasked = bare_session(registry, "bare-unmasked", "unmasked");
    const char *before = test_value(registry->db, "SELECT count(*) FROM rep.reading");
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct client_reply *reply = api_send(registry, strcmp(asked[i].role, "unmasked") == 0 ? unmasked : manager,
                                              asked[i].method, asked[i].path, asked[i].body);
        assert_problem(reply, 403, "second_factor_missing");
        assert_non_null(strstr(json_text_at(reply->json, "detail"), "log in with a code"));
    }
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM rep.reading"), before);
    assert_status(api_get(registry, manager, DEMO "/subjects"), 200);
    assert_status(api_get(registry, manager, DEMO "/notices"), 200);
}

static void test_session_with_it_goes_on(void **state)
{
    struct registry *registry = *state;
    const char *manager = people_log_in(people_join(registry, "manager", role_members("data_manager")));
    const char *unmasked = people_log_in(people_join(registry, "unmasked2", role_members("unmasked")));
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        assert_status(api_send(registry, strcmp(asked[i].role, "unmasked") == 0 ? unmasked : manager, asked[i].method,
                               asked[i].path, asked[i].body), asked[i].status);
}

static void test_token_of_a_program_goes_on(void **state)
{
    struct registry *registry = *state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        assert_status(api_send(registry, asked[i].role, asked[i].method, asked[i].path, asked[i].body),
                      asked[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bare_session_is_refused_in_words_and_leaves_no_request),
        cmocka_unit_test(test_session_with_it_goes_on),
        cmocka_unit_test(test_token_of_a_program_goes_on),
    };
    memory_init();
    return cmocka_run_group_tests(tests, setup, registry_teardown);
}
