/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the database keeps of people: who may ask what, what is refused, what the trail says and what it never holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

/* Accounts of the tests have this hash; nothing here checks a password. */
#define HASH "'$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$CANARYHASH'"
#define SECRET "'CANARYSECRET12345678'::bytea"
#define OPEN(session) \
    "SELECT * FROM auth.open_session('ben', sha256('" session "'), '10.0.0.1', 900, NULL, NULL, NULL, '{1,2}', " \
    "ARRAY[sha256('" session "-1'), sha256('" session "-2')])"

#define OPEN_WITH(session, step, recovery) \
    "SELECT * FROM auth.open_session('ben', sha256('" session "'), '10.0.0.1', 900, " step ", " recovery ", NULL, " \
    "'{}', '{}')"

struct accounts {
    struct test_fixture *fixture;
    struct db *auth, *admin;
};

/* Ben is a monitor of study 1, invited, with a password and a second factor. */
static struct accounts accounts_new(void **state)
{
    struct test_fixture *fixture = *state;
    struct accounts accounts = {.fixture = fixture,
                                .auth = test_database_connect(fixture->owner, fixture->database, "patella_auth"),
                                .admin = test_database_connect(fixture->owner, fixture->database, "patella_admin")};
    test_run(accounts.admin, "SELECT admin.add_account('ben', 'Ben Example'); "
                             "SELECT admin.add_membership('ben', 'demo', 'monitor', '{1}'); "
                             "SELECT admin.invite_account('ben', sha256('invitation'))");
    test_run(accounts.auth, "SELECT auth.set_password('invitation', " HASH ", true, " SECRET ", "
                            "ARRAY[sha256('one'), sha256('two')]); "
                            "SELECT auth.accept_invitation('invitation', 100)");
    return accounts;
}

/* Reads as the collector for a token: SQLSTATE. */
static const char *read_with(const struct accounts *accounts, const char *token)
{
    return test_sqlstate(accounts->fixture->collector,
                         memory_format(accounts->fixture->owner,
                                       "SELECT * FROM api.list_subjects('%s', 1, NULL, NULL, 10)", token));
}

static void test_functions_of_schema_auth_are_for_patella_auth_alone(void **state)
{
    struct accounts accounts = accounts_new(state);
    assert_string_equal(test_value(accounts.fixture->superuser,
        "SELECT string_agg(r.rolname || ' ' || p.proname, ', ') FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace, pg_roles r "
        "WHERE n.nspname = 'auth' AND NOT r.rolsuper AND r.rolname LIKE 'patella%' "
        "AND r.rolname NOT IN ('patella_auth', 'patella_sec_owner') "
        "AND has_function_privilege(r.oid, p.oid, 'EXECUTE')"), "");
    assert_string_equal(test_value(accounts.fixture->superuser,
        "SELECT string_agg(n.nspname || '.' || p.proname, ' ' ORDER BY n.nspname, p.proname) FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('api', 'admin', 'auth', 'sec', 'core', 'rep', 'blind', 'audit') "
        "AND has_function_privilege('patella_auth', p.oid, 'EXECUTE')"),
        "api.schema_status auth.accept_invitation auth.begin_login auth.close_session auth.fail_login "
        "auth.find_invitation auth.find_session auth.list_studies auth.open_session auth.renew_session "
        "auth.set_password");
    static const char *const others[] = {"patella_collector", "patella_admin", "patella_reporter", "patella_migrator"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct db *db = test_database_connect(accounts.fixture->owner, accounts.fixture->database, others[i]);
        assert_string_equal(test_sqlstate(db, "SELECT * FROM auth.begin_login('ben', '10.0.0.1')"), "42501");
        assert_string_equal(test_sqlstate(db, OPEN("stolen")), "42501");
        assert_string_equal(test_sqlstate(db, "SELECT password_hash FROM sec.person"), "42501");
        assert_string_equal(test_sqlstate(db, "SELECT session_sha256 FROM sec.session"), "42501");
    }
    assert_string_equal(test_sqlstate(accounts.auth, "SELECT * FROM sec.person"), "42501");
    assert_string_equal(test_sqlstate(accounts.auth, "SELECT * FROM core.submission"), "42501");
}

static void test_session_opens_credentials_of_its_roles_and_ends_with_them(void **state)
{
    struct accounts accounts = accounts_new(state);
    test_run(accounts.auth, OPEN("a"));
    assert_string_equal(read_with(&accounts, "a-1"), "");
    assert_string_equal(read_with(&accounts, "a-2"), "28000");      /* no role there, whatever was asked for */
    assert_string_equal(read_with(&accounts, "a"), "28000");        /* the session as such opens nothing */
    assert_string_equal(test_value(accounts.auth, "SELECT auth.close_session('a')"), "t");
    assert_string_equal(test_value(accounts.auth, "SELECT auth.close_session('a')"), "f");
    assert_string_equal(read_with(&accounts, "a-1"), "28000");
    test_run(accounts.auth, OPEN("b"));
    test_run(accounts.admin, "SELECT admin.end_membership('ben', 'demo')");
    assert_string_equal(read_with(&accounts, "b-1"), "28000");
    test_run(accounts.admin, "SELECT admin.add_membership('ben', 'demo', 'coordinator', '{1}')");
    test_run(accounts.auth, OPEN("c"));
    test_run(accounts.admin, "SELECT admin.end_session(session_no) FROM admin.list_sessions()");
    assert_string_equal(read_with(&accounts, "c-1"), "28000");
    test_run(accounts.auth, OPEN("d"));
    test_run(accounts.admin, "SELECT admin.disable_account('ben')");
    assert_string_equal(read_with(&accounts, "d-1"), "28000");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN("e")), "P0002");
    assert_string_equal(test_sqlstate(accounts.admin, "SELECT admin.add_account('ben', 'Another Ben')"), "23505");
    assert_string_equal(test_value(accounts.fixture->superuser,
        "SELECT string_agg(ended_why, ' ' ORDER BY session_no) FROM sec.session"),
        "logout administrator administrator disabled");
}

static void test_second_factor_counts_once(void **state)
{
    struct accounts accounts = accounts_new(state);
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("a", "100", "NULL")), "28000");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("a", "99", "NULL")), "28000");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("a", "101", "NULL")), "");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("b", "101", "NULL")), "28000");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("b", "NULL", "sha256('one')")), "");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("c", "NULL", "sha256('one')")), "28000");
    assert_string_equal(test_sqlstate(accounts.auth, OPEN_WITH("c", "NULL", "sha256('six')")), "28000");
    assert_string_equal(test_value(accounts.fixture->superuser, "SELECT recovery_left FROM sec.person"), "1");
    assert_string_equal(test_value(accounts.fixture->superuser, "SELECT count(*) FROM sec.session"), "2");
}

static void test_confirmation_is_taken_once_and_needs_a_second_factor(void **state)
{
    struct accounts accounts = accounts_new(state);
    struct db *superuser = accounts.fixture->superuser;
    test_run(accounts.auth, OPEN("a"));
    assert_string_equal(test_value(superuser, "SELECT sec.take_confirmation('a-1')"), "f");
    test_run(accounts.auth, "SELECT auth.renew_session('a', sha256('b'), NULL, NULL, '{1}', ARRAY[sha256('b-1')])");
    assert_string_equal(test_value(superuser, "SELECT sec.take_confirmation('b-1')"), "f");   /* password alone */
    assert_string_equal(test_sqlstate(superuser, "SELECT sec.need_second_factor('b-1')"), "42S2F");
    test_run(accounts.auth, "SELECT auth.renew_session('b', sha256('c'), 101, NULL, '{1}', ARRAY[sha256('c-1')])");
    assert_string_equal(test_sqlstate(superuser, "SELECT sec.need_second_factor('c-1')"), "");
    assert_string_equal(test_value(superuser, "SELECT sec.take_confirmation('c-1')"), "t");
    assert_string_equal(test_value(superuser, "SELECT sec.take_confirmation('c-1')"), "f");
    assert_string_equal(test_value(superuser, "SELECT sec.confirmed('c-1')"), "f");
    assert_string_equal(test_value(superuser, "SELECT sec.take_confirmation('monitor')"), "f");   /* no session */
    assert_string_equal(read_with(&accounts, "b-1"), "28000");
    assert_string_equal(read_with(&accounts, "c-1"), "");
    assert_string_equal(test_sqlstate(accounts.auth,      /* the same code again */
        "SELECT auth.renew_session('c', sha256('d'), 101, NULL, '{1}', ARRAY[sha256('d-1')])"), "28000");
    assert_string_equal(test_sqlstate(accounts.auth,
        "SELECT auth.renew_session('b', sha256('d'), 102, NULL, '{1}', ARRAY[sha256('d-1')])"), "28000");
}

static void test_throttle_closes_a_name_a_network_and_all_alike(void **state)
{
    struct accounts accounts = accounts_new(state);
    void *owner = accounts.fixture->owner;
    static const char *const names[] = {"ben", "nobody"};
    for (size_t i = 0; i < 2; i++) {
        const char *wait = memory_format(owner, "SELECT wait_s FROM auth.begin_login('%s', '192.0.2.1')", names[i]);
        for (int n = 0; n < 10; n++) {
            assert_string_equal(test_value(accounts.auth, wait), "0");
            test_run(accounts.auth, memory_format(owner, "SELECT auth.fail_login('%s', '10.%zu.0.%d', 'password')",
                                                  names[i], i, n));
        }
        assert_string_not_equal(test_value(accounts.auth, wait), "0");
    }
    assert_string_equal(test_value(accounts.fixture->superuser,
        "SELECT string_agg(name, ' ' ORDER BY failure_no) FROM sec.login_failure WHERE locks_out"),
        memory_format(owner, "ben #%s", test_value(accounts.fixture->superuser,
                                                   "SELECT left(encode(sha256('nobody'), 'hex'), 8)")));
    /* An IPv6 network is one. */
    for (int n = 0; n < 30; n++)
        test_run(accounts.auth, memory_format(owner, "SELECT auth.fail_login('n%d', '2001:db8::%d', 'name')", n, n));
    assert_string_not_equal(test_value(accounts.auth,
        "SELECT wait_s FROM auth.begin_login('other', '2001:db8::ffff:1')"), "0");
    assert_string_equal(test_value(accounts.auth,
        "SELECT wait_s FROM auth.begin_login('other', '2001:db8:0:1::1')"), "0");
    for (int n = 0; n < 70; n++)
        test_run(accounts.auth, memory_format(owner, "SELECT auth.fail_login('m%d', '10.9.%d.1', 'name')", n, n));
    assert_string_not_equal(test_value(accounts.auth, "SELECT wait_s FROM auth.begin_login('more', '10.8.0.1')"), "0");
}

static void test_throttle_does_not_shut_out_whoever_logged_in_from_there_before(void **state)
{
    struct accounts accounts = accounts_new(state);
    test_run(accounts.auth, OPEN("a"));
    for (int n = 0; n < 10; n++)
        test_run(accounts.auth, "SELECT auth.fail_login('ben', '192.0.2.1', 'password')");
    assert_string_equal(test_value(accounts.auth, "SELECT wait_s FROM auth.begin_login('ben', '10.0.0.1')"), "0");
    assert_string_not_equal(test_value(accounts.auth, "SELECT wait_s FROM auth.begin_login('ben', '10.0.0.2')"), "0");
    for (int n = 0; n < 10; n++)
        test_run(accounts.auth, "SELECT auth.fail_login('ben', '10.0.0.1', 'password')");
    assert_string_not_equal(test_value(accounts.auth, "SELECT wait_s FROM auth.begin_login('ben', '10.0.0.1')"), "0");
}

static void test_invitation_ends_after_72_hours_and_with_the_next_one(void **state)
{
    static const char find[] = "SELECT account FROM auth.find_invitation('next')";
    struct accounts accounts = accounts_new(state);
    struct db *superuser = accounts.fixture->superuser;
    assert_string_equal(test_value(accounts.auth, "SELECT account FROM auth.find_invitation('invitation')"), "");
    test_run(accounts.admin, "SELECT admin.invite_account('ben', sha256('next'))");
    assert_string_equal(test_value(accounts.auth, find), "ben");
    test_run(superuser, "SET session_replication_role = replica; "
                        "UPDATE sec.invitation SET made_at = made_at - interval '73 hours', "
                        "expires_at = expires_at - interval '73 hours'; RESET session_replication_role");
    assert_string_equal(test_value(accounts.auth, find), "");
    assert_string_equal(test_sqlstate(accounts.auth,
        "SELECT auth.set_password('next', " HASH ", true, " SECRET ", '{}')"), "28000");
    test_run(accounts.admin, "SELECT admin.invite_account('ben', sha256('third'))");
    assert_string_equal(test_value(superuser, "SELECT string_agg(closed_why, ' ' ORDER BY made_at) "
                                   "FROM sec.invitation"), "accepted replaced");
    assert_string_equal(test_sqlstate(accounts.auth, "SELECT auth.accept_invitation('third', 500)"), "28000");
    assert_string_equal(test_sqlstate(accounts.admin, "SELECT admin.invite_account('nobody', sha256('x'))"), "P0002");
}

static void test_password_set_anew_ends_sessions_and_the_second_factor(void **state)
{
    struct accounts accounts = accounts_new(state);
    test_run(accounts.auth, OPEN("a"));
    test_run(accounts.admin, "SELECT admin.invite_account('ben', sha256('next'))");
    assert_string_equal(read_with(&accounts, "a-1"), "");
    test_run(accounts.auth, "SELECT auth.set_password('next', " HASH ", false, " SECRET ", '{}')");
    assert_string_equal(read_with(&accounts, "a-1"), "28000");
    assert_string_equal(test_value(accounts.fixture->superuser, "SELECT second_factor_at IS NULL FROM sec.person"),
                        "t");
}

/* Nothing of an account changes while somebody else changes accounts: disabling one would be slipped past. */
static void test_changes_of_an_account_wait_for_each_other(void **state)
{
    static const char *const changes[] = {
        "SELECT auth.set_password('next', " HASH ", true, " SECRET ", '{}')",
        "SELECT auth.accept_invitation('next', 500)",
        "SELECT auth.renew_session('b', sha256('c'), 601, NULL, '{1}', ARRAY[sha256('c-1')])",
    };
    struct accounts accounts = accounts_new(state);
    test_run(accounts.admin, "SELECT admin.invite_account('ben', sha256('next'))");
    test_run(accounts.auth, "SET lock_timeout = '200ms'");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (i == 2)
            test_run(accounts.auth, OPEN("b"));
        test_run(accounts.fixture->superuser, "BEGIN; SELECT pg_advisory_xact_lock(75, 0)");
        assert_string_equal(test_sqlstate(accounts.auth, changes[i]), "55P03");
        test_run(accounts.fixture->superuser, "ROLLBACK");
        assert_string_equal(test_sqlstate(accounts.auth, changes[i]), "");
    }
}

static void test_trail_tells_everything_and_no_secret(void **state)
{
    struct accounts accounts = accounts_new(state);
    struct db *superuser = accounts.fixture->superuser;
    test_run(accounts.auth, "SELECT auth.fail_login('ben', '10.0.0.1', 'password')");
    test_run(accounts.auth, OPEN("a"));
    test_run(accounts.auth, "SELECT auth.close_session('a')");
    test_run(accounts.admin, "SELECT admin.disable_account('ben')");
    assert_string_equal(test_value(superuser,
        "SELECT string_agg(operation || ' ' || object, ', ' ORDER BY xid, seq) FROM audit.event "
        "WHERE object LIKE 'sec.%' AND COALESCE(new ->> 'account', new ->> 'name') = 'ben'"),
        "INSERT sec.account, INSERT sec.membership, INSERT sec.invitation, INSERT sec.person, UPDATE sec.invitation, "
        "UPDATE sec.person, UPDATE sec.invitation, INSERT sec.login_failure, INSERT sec.session, "
        "INSERT sec.credential, UPDATE sec.credential, UPDATE sec.session, UPDATE sec.account, "
        "UPDATE sec.membership");
    assert_string_equal(test_value(superuser, "SELECT string_agg(DISTINCT actor, ' ' ORDER BY actor) FROM audit.event "
                                   "WHERE object IN ('sec.person', 'sec.session', 'sec.login_failure')"), "ben");
    /* Neither the canaries nor any column that holds a hash. */
    assert_string_equal(test_value(superuser,
        "SELECT count(*) FROM audit.event WHERE concat(old, new, reason) ~ "
        "'CANARY|43414e415259|argon2id|_sha256|totp_secret|password_hash'"), "0");
}

static void test_tables_refuse_what_does_not_fit(void **state)
{
    static const struct {
        const char *sql, *sqlstate;
    } cases[] = {
        {"INSERT INTO sec.membership VALUES (9, 'ben', 1, 'doctor', '{}')", "23514"},
        {"INSERT INTO sec.membership VALUES (9, 'ben', 1, NULL, '{}')", "23502"},
        {"INSERT INTO sec.membership VALUES (9, 'monitor', 1, 'statistician', '{1}')", "23514"},
        {"INSERT INTO sec.membership VALUES (9, 'monitor', 1, 'monitor', '{NULL}')", "23514"},
        {"INSERT INTO sec.membership VALUES (9, 'monitor', 1, 'monitor', NULL)", "23502"},
        {"INSERT INTO sec.membership VALUES (0, 'monitor', 1, 'monitor', '{}')", "23514"},
        {"INSERT INTO sec.membership VALUES (9, 'ben', 1, 'monitor', '{}')", "23505"},
        {"UPDATE sec.membership SET role = 'administrator'", "42501"},
        {"DELETE FROM sec.membership", "42501"},
        {"TRUNCATE sec.membership", "42501"},
        {"INSERT INTO sec.person VALUES ('monitor', 'plain', now(), true, " SECRET ", 0, NULL, '{}', 0)", "23514"},
        {"INSERT INTO sec.person VALUES ('monitor', NULL, now(), true, " SECRET ", 0, NULL, '{}', 0)", "23502"},
        {"INSERT INTO sec.person VALUES ('monitor', " HASH ", now(), true, 'short', 0, NULL, '{}', 0)", "23514"},
        {"INSERT INTO sec.person VALUES ('monitor', " HASH ", now(), true, " SECRET ", 0, NULL, '{}', 3)", "23514"},
        {"INSERT INTO sec.person VALUES ('monitor', " HASH ", now(), true, " SECRET ", 0, NULL, '{NULL}', 1)", "23514"},
        {"UPDATE sec.person SET account = 'monitor'", "42501"},
        {"DELETE FROM sec.person", "42501"},
        {"TRUNCATE sec.person", "42501"},
        {"INSERT INTO sec.invitation VALUES (9, 'monitor', sha256('x'), now(), now() + interval '73 hours')", "23514"},
        {"INSERT INTO sec.invitation VALUES (9, 'monitor', 'short', now(), now())", "23514"},
        {"INSERT INTO sec.invitation VALUES (9, 'monitor', sha256('x'), now(), now(), NULL, now(), NULL)", "23514"},
        {"INSERT INTO sec.invitation VALUES (9, 'monitor', sha256('x'), now(), now(), NULL, NULL, 'accepted')",
         "23514"},
        {"UPDATE sec.invitation SET expires_at = now()", "42501"},
        {"DELETE FROM sec.invitation", "42501"},
        {"INSERT INTO sec.session VALUES (9, sha256('x'), 'ben', '10.0.0.1', now(), NULL, NULL, NULL, '1 minute', "
         "now(), now() + interval '13 hours')", "23514"},
        {"INSERT INTO sec.session VALUES (9, sha256('x'), 'ben', '10.0.0.1', now(), NULL, NULL, NULL, '2 hours', "
         "now(), now())", "23514"},
        {"INSERT INTO sec.session VALUES (9, sha256('x'), 'ben', '10.0.0.1', now(), NULL, NULL, NULL, '1 minute', "
         "now() + interval '1 hour', now())", "23514"},
        {"UPDATE sec.session SET confirmed_at = now()", "42501"},
        {"UPDATE sec.session SET second_factor_at = now()", "42501"},
        {"UPDATE sec.session SET ends_at = ends_at + interval '1 hour'", "42501"},
        {"DELETE FROM sec.session", "42501"},
        {"UPDATE sec.login_failure SET locks_out = false", "42501"},
        {"DELETE FROM sec.login_failure", "42501"},
        {"UPDATE sec.credential SET expires_at = expires_at + interval '1 hour' WHERE session_no IS NULL", "42501"},
        {"UPDATE sec.credential SET role = 'administrator' WHERE session_no IS NOT NULL", "42501"},
        {"UPDATE sec.credential SET session_no = NULL WHERE session_no IS NOT NULL", "42501"},
    };
    struct accounts accounts = accounts_new(state);
    test_run(accounts.auth, OPEN("a"));
    test_run(accounts.auth, "SELECT auth.fail_login('ben', '10.0.0.1', 'password')");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *sqlstate = test_sqlstate(accounts.fixture->superuser, cases[i].sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("SQLSTATE \"%s\": %s", sqlstate, cases[i].sql);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_functions_of_schema_auth_are_for_patella_auth_alone),
        CASE(test_session_opens_credentials_of_its_roles_and_ends_with_them),
        CASE(test_second_factor_counts_once),
        CASE(test_confirmation_is_taken_once_and_needs_a_second_factor),
        CASE(test_throttle_closes_a_name_a_network_and_all_alike),
        CASE(test_throttle_does_not_shut_out_whoever_logged_in_from_there_before),
        CASE(test_invitation_ends_after_72_hours_and_with_the_next_one),
        CASE(test_password_set_anew_ends_sessions_and_the_second_factor),
        CASE(test_changes_of_an_account_wait_for_each_other),
        CASE(test_trail_tells_everything_and_no_secret),
        CASE(test_tables_refuse_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
