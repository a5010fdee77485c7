/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schema admin, as patella_admin calls it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

struct admin_case {
    const char *sql;
    const char *sqlstate;
};

static struct db *connect_admin(const struct test_fixture *fixture)
{
    return test_database_connect(fixture->owner, fixture->database, "patella_admin");
}

/* One connection, one after the other, so that a case may follow from those before. */
static void check_cases(struct db *admin, const struct admin_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *sqlstate = test_sqlstate(admin, cases[i].sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("SQLSTATE \"%s\" instead of \"%s\": %s", sqlstate, cases[i].sqlstate, cases[i].sql);
    }
}

#define CHECK_CASES(admin, cases) check_cases(admin, cases, sizeof(cases) / sizeof(cases)[0])

static void test_admin_studies_and_sites_are_made_once(void **state)
{
    static const struct admin_case cases[] = {
        {"SELECT admin.add_study('new', 'New study', 'none')", ""},
        {"SELECT admin.add_study('new', 'New study', 'none')", "23505"},
        {"SELECT admin.add_study('New', 'New study', 'none')", "22023"},
        {"SELECT admin.add_study('newer', 'New study', 'half')", "23514"},
        {"SELECT admin.add_study('newer', NULL, 'none')", "23502"},
        {"SELECT admin.add_study('newer', 'New study', 'none', 'nobody_there')", "P0002"},
        {"SELECT admin.add_site('new', 1, 'First', 'Europe/Berlin')", ""},
        {"SELECT admin.add_site('new', 1, 'First', 'Europe/Berlin')", "23505"},
        {"SELECT admin.add_site('new', 0, 'Zero', 'Europe/Berlin')", "23514"},
        {"SELECT admin.add_site('new', 2, 'Second', 'Europe/Atlantis')", "22023"},
        {"SELECT admin.add_site('newest', 1, 'First', 'Europe/Berlin')", "P0002"},
        {"SELECT admin.grant_reporter('new', 'patella_reporter')", ""},
        {"SELECT admin.grant_reporter('new', 'nobody_there')", "P0002"},
        {"SELECT admin.grant_reporter('new', session_user)", ""},
        {"SELECT admin.grant_reporter('new', 'pg_monitor')", "22023"},     /* its settings let values into the log */
    };
    CHECK_CASES(connect_admin(*state), cases);
}

static void test_admin_numbers_of_studies_are_counted(void **state)
{
    struct db *admin = connect_admin(*state);
    /* A sequence would leave a hole. */
    test_run(admin, "BEGIN; SELECT admin.add_study('gone', 'Gone', 'none'); ROLLBACK");
    assert_string_equal(test_value(admin, "SELECT admin.add_study('third', 'Third', 'none')"), "3");
}

static void test_admin_protocols_and_forms_go_up_by_version(void **state)
{
    static const struct admin_case cases[] = {
        {"SELECT admin.put_protocol('demo', 1, 'protocol of demo', 'none')", ""},
        {"SELECT admin.put_protocol('demo', 1, 'another text', 'none')", "23505"},
        {"SELECT admin.put_protocol('demo', 3, 'third', 'double')", "22023"},
        {"SELECT admin.put_protocol('demo', 3, 'third', NULL)", "22023"},
        {"SELECT admin.put_protocol('other', 2, 'second', 'none')", "22023"},
        {"SELECT admin.put_protocol('other', 2, 'second', 'double')", ""},
        {"SELECT admin.put_protocol('demo', 3, 'third', 'none')", ""},
        {"SELECT admin.put_protocol('demo', 2, 'second, too late', 'none')", "23505"},
        {"SELECT admin.put_protocol('demo', 4, NULL, 'none')", "23502"},
        {"SELECT admin.put_protocol('demo', 4, '', 'none')", "23514"},
        {"SELECT admin.put_protocol('none', 1, 'x', 'none')", "P0002"},
        {"SELECT admin.put_form('demo', 'koos', 1, 'form koos')", ""},
        {"SELECT admin.put_form('demo', 'koos', 1, 'another text')", "23505"},
        {"SELECT admin.put_form('demo', 'koos', 2, 'second')", ""},
        {"SELECT admin.put_form('demo', 'Koos', 1, 'second')", "23514"},
        {"SELECT admin.put_form('none', 'koos', 1, 'x')", "P0002"},
    };
    struct db *admin = connect_admin(*state);
    CHECK_CASES(admin, cases);
    assert_string_equal(test_value(admin, "SELECT admin.put_form('demo', 'koos', 2, 'second')"), "f");
    assert_string_equal(test_value(admin, "SELECT admin.put_form('demo', 'koos', 3, 'third')"), "t");
    assert_string_equal(test_value(admin, "SELECT string_agg(version::text, ' ') FROM admin.list_protocols('demo')"),
                        "3 1");
}

static void test_admin_accounts_and_tokens(void **state)
{
    static const struct admin_case cases[] = {
        {"SELECT admin.add_account('carla', 'Carla C.')", ""},
        {"SELECT admin.add_account('carla', 'Another Carla')", "23505"},
        {"SELECT admin.add_account('Carla', 'Carla C.')", "22023"},
        {"SELECT admin.add_account('karl', ' ')", "23514"},
        {"SELECT admin.add_account('karl', NULL)", "23502"},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{1,2}', sha256('1'), now() + interval '1 day')", ""},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{1}', sha256('1'), now() + interval '1 day')",
         "23505"},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{3}', sha256('2'), now() + interval '1 day')",
         "P0002"},
        {"SELECT admin.add_token('nobody', 'demo', 'coordinator', '{}', sha256('2'), now() + interval '1 day')",
         "P0002"},
        {"SELECT admin.add_token('carla', 'none', 'coordinator', '{}', sha256('2'), now() + interval '1 day')",
         "P0002"},
        {"SELECT admin.add_token('carla', 'demo', 'king', '{}', sha256('2'), now() + interval '1 day')", "23514"},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{}', 'x', now() + interval '1 day')", "23514"},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{}', sha256('2'), now() - interval '1 day')",
         "22023"},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{}', sha256('2'), now() + interval '2 years')",
         "22023"},
        {"SELECT admin.revoke_token(999)", "P0002"},
        {"SELECT admin.disable_account('nobody')", "P0002"},
        {"SELECT admin.disable_account('carla')", ""},
        {"SELECT admin.disable_account('carla')", ""},
        {"SELECT admin.add_token('carla', 'demo', 'coordinator', '{}', sha256('2'), now() + interval '1 day')",
         "P0002"},
        {"SELECT admin.add_account('carla', 'A third Carla')", "23505"},
    };
    struct db *admin = connect_admin(*state);
    CHECK_CASES(admin, cases);
    assert_string_equal(test_value(admin, "SELECT disabled FROM admin.list_accounts() WHERE account = 'carla'"), "t");
    assert_string_equal(test_value(admin, "SELECT concat_ws(' ', study, role, sites, revoked_at IS NOT NULL) "
                                          "FROM admin.list_tokens('demo') WHERE account = 'carla'"),
                        "demo coordinator {1,2} t");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.list_tokens(NULL)"), "15");
}

static void test_admin_lists_say_what_there_is(void **state)
{
    struct db *admin = connect_admin(*state);
    assert_string_equal(test_value(admin, "SELECT string_agg(concat_ws(' ', code, masking, frozen, protocol_version), "
                                          "', ') FROM admin.list_studies()"), "demo none f 1, other double f 1");
    assert_string_equal(test_value(admin, "SELECT string_agg(concat_ws(' ', site_id, name, time_zone), ', ') "
                                          "FROM admin.list_sites('demo')"),
                        "1 First clinic Europe/Berlin, 2 Second clinic America/New_York");
    assert_string_equal(test_value(admin, "SELECT string_agg(form, ' ') FROM admin.list_forms('demo')"),
                        "adverse_event enrolment koos");
    assert_string_equal(test_value(admin, "SELECT admin.make_cut('demo', 'first')"), "1");
    assert_string_equal(test_value(admin, "SELECT concat_ws(' ', cut_no, label, made_by) FROM admin.list_cuts('demo')"),
                        "1 first db:patella_admin");
    assert_string_equal(test_sqlstate(admin, "SELECT * FROM admin.list_cuts('none')"), "P0002");
}

static void test_admin_switches_need_a_reason(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct admin_case cases[] = {
        {"SELECT admin.freeze_study('demo', true, NULL)", "22023"},
        {"SELECT admin.freeze_study('demo', true, '     ')", "22023"},
        {"SELECT admin.freeze_study('none', true, 'database lock')", "P0002"},
        {"SELECT admin.freeze_study('demo', true, 'database lock')", ""},
        {"SELECT admin.freeze_study('demo', NULL, 'database lock')", "23502"},
        {"SELECT admin.lock_subject('demo', 1, 1, true, NULL)", "22023"},
        {"SELECT admin.lock_subject('demo', 1, 9, true, 'data are clean')", "P0002"},
        {"SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')", ""},
    };
    test_enrol(fixture->collector, 1, 1);
    CHECK_CASES(connect_admin(fixture), cases);
}

static void test_admin_allocate_adds_what_is_new(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = connect_admin(fixture);
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    assert_string_equal(test_value(admin, "SELECT admin.allocate('demo', '{1,2}', '{1,1}', '{none,none}', "
                                          "'{CS,AD-MSC}', NULL)"), "2");
    assert_string_equal(test_value(admin, "SELECT admin.allocate('demo', '{1,2}', '{1,1}', '{none,none}', "
                                          "'{CS,AD-MSC}', NULL)"), "0");
    assert_string_equal(test_sqlstate(admin, "SELECT admin.allocate('demo', '{1,2}', '{1,1}', '{none,none}', "
                                             "'{CS,UC-MSC}', NULL)"), "22023");
    assert_string_equal(test_value(admin, "SELECT admin.allocate('demo', '{1,2}', '{1,1}', '{none,none}', "
                                          "'{CS,UC-MSC}', 'wrong line in the list')"), "1");
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(cohort, ' ' ORDER BY entry) "
                                   "FROM blind.allocation WHERE site_id = 2"), "AD-MSC UC-MSC");
}

static void test_admin_allocate_bad_list_enters_nothing(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct admin_case cases[] = {
        {"SELECT admin.allocate('demo', '{1,1}', '{1,9}', '{none,none}', '{CS,CS}', NULL)", "P0002"},
        {"SELECT admin.allocate('demo', '{1,1}', '{1,1}', '{none,none}', '{CS,AD-MSC}', NULL)", "23505"},
        {"SELECT admin.allocate('demo', '{1,1}', '{1}', '{none}', '{CS}', NULL)", "P0002"},
        {"SELECT admin.allocate('demo', '{1}', '{1}', '{middle}', '{CS}', NULL)", "23514"},
        {"SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{\" \"}', NULL)", "23514"},
        {"SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{NULL}', NULL)", "23514"},
        {"SELECT admin.allocate('none', '{1}', '{1}', '{none}', '{CS}', NULL)", "P0002"},
    };
    test_enrol(fixture->collector, 1, 1);
    CHECK_CASES(connect_admin(fixture), cases);
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM blind.allocation"), "0");
}

/* Each function that changes something, in an order that lets it; one a transaction, which is how long a name lasts. */
static const char *const changes[] = {
    "SELECT admin.add_study('mine', 'Mine', 'none')",
    "SELECT admin.add_site('demo', 7, 'Seventh clinic', 'UTC')",
    "SELECT admin.put_protocol('demo', 2, 'second', 'none')",
    "SELECT admin.put_form('demo', 'koos', 2, 'second')",
    "SELECT admin.put_wording('demo', 'koos', 2, 'de', 'zweite')",
    "SELECT admin.grant_reporter('other', 'patella_reporter')",
    "SELECT admin.add_account('eve', 'Eve')",
    "SELECT admin.add_membership('eve', 'demo', 'monitor', '{}')",
    "SELECT admin.invite_account('eve', sha256('link'))",
    "SELECT admin.end_invitation(invitation_no) FROM admin.list_invitations()",
    "SELECT admin.add_token('eve', 'demo', 'monitor', '{}', sha256('eve'), now() + interval '1 day')",
    "SELECT admin.revoke_token(1)",
    "SELECT admin.end_session(1)",
    "SELECT admin.end_membership('eve', 'demo')",
    "SELECT admin.disable_account('eve')",
    "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', NULL)",
    "SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')",
    "SELECT admin.freeze_study('demo', true, 'database lock')",
    "SELECT admin.add_notice('seal_failed', 'block 1')",
    "SELECT admin.take_notice(60)",
    "SELECT admin.finish_notice(notice_id, true, 'sent') FROM admin.list_notices(NULL)",
};

static void test_admin_changes_name_role_and_operator_whatever_the_session_says(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_run(fixture->superuser, "INSERT INTO sec.session (session_no, session_sha256, account, address, idle, "
             "expires_at, ends_at) VALUES (1, sha256('session'), 'monitor', '192.0.2.1', '1 minute', "
             "now() + interval '1 minute', now() + interval '1 hour')");
    struct db *admin = connect_admin(fixture);
    test_run(admin, "SET patella.operator = 'alice'; SET patella.account = 'somebody else'");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *before = test_value(fixture->superuser, "SELECT count(*) FROM audit.event");
        test_run(admin, changes[i]);
        const char *after = test_value(fixture->superuser, "SELECT count(*) FROM audit.event");
        if (strcmp(before, after) == 0 && !strstr(changes[i], "add_notice"))
            fail_msg("no trace: %s", changes[i]);
        const char *others = test_value(fixture->superuser, "SELECT string_agg(actor, ', ') FROM audit.event "
                                        "WHERE db_role = 'patella_admin' AND actor <> 'db:patella_admin:alice'");
        if (others[0])
            fail_msg("%s: %s", others, changes[i]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_admin_studies_and_sites_are_made_once),
        CASE(test_admin_numbers_of_studies_are_counted),
        CASE(test_admin_protocols_and_forms_go_up_by_version),
        CASE(test_admin_accounts_and_tokens),
        CASE(test_admin_lists_say_what_there_is),
        CASE(test_admin_switches_need_a_reason),
        CASE(test_admin_changes_name_role_and_operator_whatever_the_session_says),
        CASE(test_admin_allocate_adds_what_is_new),
        CASE(test_admin_allocate_bad_list_enters_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
