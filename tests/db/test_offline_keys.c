/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys for what browsers keep without a network: one of an account and browser, to whom they are given, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

#define BROWSER "0190a1b2-0000-7000-8000-000000000001"
#define FRESH(letter) "decode(repeat('" letter "', 64), 'hex')"
#define RELEASE(token, why) \
    "SELECT concat(code, substr(encode(key, 'hex'), 1, 4)) " \
    "FROM api.release_offline_key('" token "', 1, '" BROWSER "', 'ben', '" why "')"

/* Ben, a coordinator of site 1, with a session for each of the tokens a, b. */
static int setup(void **state)
{
    if (test_fixture_setup(state))
        return -1;
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser,
             "SELECT admin.add_account('ben', 'Ben Example'); "
             "SELECT admin.add_membership('ben', 'demo', 'coordinator', '{1}'); "
             "INSERT INTO sec.session (session_no, session_sha256, account, address, idle, expires_at, ends_at) "
             "SELECT n, sha256(convert_to(t, 'UTF8')), 'ben', '10.0.0.1', '15 min', now() + interval '15 min', "
             "now() + interval '1 hour' FROM (VALUES (1, 'a'), (2, 'b')) x (n, t)");
    return 0;
}

static const char *key(struct test_fixture *fixture, const char *token, const char *browser, const char *fresh)
{
    return test_value(fixture->collector,
                      memory_format(fixture->owner, "SELECT concat(code, substr(encode(key, 'hex'), 1, 4)) "
                                    "FROM api.offline_key('%s', '%s', decode(repeat('%s', 64), 'hex'))",
                                    token, browser, fresh));
}

static void test_key_stays_the_same_at_each_sign_in(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(key(fixture, "a", BROWSER, "1"), "1111");
    assert_string_equal(key(fixture, "b", BROWSER, "2"), "1111");
    assert_string_equal(key(fixture, "b", "0190a1b2-0000-7000-8000-000000000002", "2"), "2222");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.offline_key('nobody', '" BROWSER "', "
                                      FRESH("3") ")"), "28000");
    test_run(fixture->superuser, "UPDATE sec.session SET ended_at = now(), ended_why = 'logout' WHERE session_no = 1");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.offline_key('a', '" BROWSER "', "
                                      FRESH("3") ")"), "28000");
}

static void test_new_browsers_of_an_account_are_counted(void **state)
{
    struct test_fixture *fixture = *state;
    for (int i = 0; i < 10; i++)
        assert_string_equal(key(fixture, "a", memory_format(fixture->owner, "0190a1b2-0000-7000-8000-%012d", i), "1"),
                            "1111");
    assert_string_equal(key(fixture, "a", "0190a1b2-0000-7000-8000-000000000010", "1"), "too_many_browsers");
    assert_string_equal(key(fixture, "a", BROWSER, "1"), "1111");
    test_run(fixture->superuser, "ALTER TABLE sec.offline_key DISABLE TRIGGER keep_rows");
    test_run(fixture->superuser, "UPDATE sec.offline_key SET made_at = made_at - interval '2 days'");
    assert_string_equal(key(fixture, "a", "0190a1b2-0000-7000-8000-000000000010", "1"), "1111");
    test_run(fixture->superuser, "INSERT INTO sec.offline_key SELECT 'ben', gen_random_uuid(), key, made_at "
                                 "FROM sec.offline_key, generate_series(1, 89) WHERE browser = '" BROWSER "'");
    assert_string_equal(key(fixture, "a", "0190a1b2-0000-7000-8000-000000000099", "1"), "too_many_browsers");
}

static void test_key_is_released_when_its_account_may_not_send(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_sqlstate(fixture->collector, RELEASE("data_manager", "left the clinic")), "P0002");
    key(fixture, "a", BROWSER, "1");
    assert_string_equal(test_value(fixture->collector, RELEASE("data_manager", "left the clinic")), "account_active");
    test_run(fixture->superuser, "SELECT admin.end_membership('ben', 'demo')");
    assert_string_equal(test_value(fixture->collector, RELEASE("data_manager", "ab")), "reason_missing");
    assert_string_equal(test_value(fixture->collector, RELEASE("data_manager", "left the clinic")), "1111");
    assert_string_equal(test_sqlstate(fixture->collector, RELEASE("coordinator", "left the clinic")), "42501");
    test_run(fixture->superuser, "SELECT admin.add_token('data_manager', 'demo', 'data_manager', '{2}', "
                                 "sha256('manager of site 2'), now() + interval '1 day')");
    assert_string_equal(test_sqlstate(fixture->collector, RELEASE("manager of site 2", "left the clinic")), "P0002");
    test_run(fixture->superuser, "SELECT admin.add_membership('ben', 'demo', 'coordinator', '{1}')");
    assert_string_equal(test_value(fixture->collector, RELEASE("data_manager", "left the clinic")), "account_active");
    test_run(fixture->superuser, "SELECT admin.disable_account('ben')");
    assert_string_equal(test_value(fixture->collector, RELEASE("data_manager", "left the clinic")), "1111");
}

static void test_trail_says_who_got_a_key_and_never_the_key(void **state)
{
    struct test_fixture *fixture = *state;
    key(fixture, "a", BROWSER, "a");
    key(fixture, "b", BROWSER, "b");
    test_run(fixture->superuser, "SELECT admin.disable_account('ben')");
    test_run(fixture->collector, RELEASE("data_manager", "left the clinic"));
    assert_string_equal(test_value(fixture->superuser,
                                   "SELECT string_agg(concat_ws(' ', operation, actor, reason), ', ' ORDER BY seq) "
                                   "FROM audit.event WHERE object = 'sec.offline_key'"),
                        "INSERT ben, HAND OUT ben, HAND OUT ben, RELEASE data_manager left the clinic");
    assert_string_equal(test_value(fixture->superuser,
                                   "SELECT count(*) FROM audit.event e WHERE e::text LIKE '%aaaaaaaa%'"), "0");
}

static void test_keys_are_read_by_nobody_who_logs_in(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT key FROM sec.offline_key"), "42501");
    assert_string_equal(
        test_value(fixture->superuser,
                   "SELECT string_agg(r.rolname, ' ') FROM pg_roles r WHERE r.rolname LIKE 'patella\\_%' AND "
                   "has_any_column_privilege(r.oid, 'sec.offline_key', 'SELECT')"), "patella_sec_owner");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_key_stays_the_same_at_each_sign_in),
        CASE(test_new_browsers_of_an_account_are_counted),
        CASE(test_key_is_released_when_its_account_may_not_send),
        CASE(test_trail_says_who_got_a_key_and_never_the_key),
        CASE(test_keys_are_read_by_nobody_who_logs_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
