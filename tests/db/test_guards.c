/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What functions refuse before a constraint would, or where none would: by whom, what is called, and the words of the
 * answer, since SQLSTATE alone does not tell a function's refusal from the constraint's behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

struct guard_case {
    const char *sql;
    const char *sqlstate;    /* "": it goes well */
    const char *words;       /* in the message */
};

static void check_cases(struct test_fixture *fixture, const char *role, const struct guard_case *cases, size_t count)
{
    struct db *db = test_database_connect(fixture->owner, fixture->database, role);
    unsigned failed = 0;
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        bool done = db_run_script(db, cases[i].sql, &error);
        if (done && !cases[i].sqlstate[0])
            continue;
        if (done || strcmp(error.sqlstate, cases[i].sqlstate) != 0 || !strstr(error.message, cases[i].words)) {
            print_error("%s %s: %s\n", error.sqlstate, done ? "was not refused" : error.message, cases[i].sql);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

#define CHECK_CASES(fixture, role, cases) check_cases(fixture, role, cases, sizeof(cases) / sizeof(cases)[0])

static void test_guard_memberships_invitations_and_sessions_must_fit(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT admin.add_membership('monitor', 'demo', 'monitor', '{9}')", "P0002", "no site 9"},
        {"SELECT admin.add_membership('nobody', 'demo', 'monitor', '{}')", "P0002", "no account \"nobody\""},
        {"SELECT admin.add_membership('monitor', 'demo', 'monitor', '{1}')", "", ""},
        {"SELECT admin.add_membership('monitor', 'demo', 'coordinator', '{}')", "23505", "end it first"},
        {"SELECT admin.end_membership('data_manager', 'demo')", "P0002", "has no role in the study"},
        {"SELECT admin.invite_account('nobody', sha256('link'))", "P0002", "no account \"nobody\""},
        {"SELECT admin.end_invitation(99)", "P0002", "no open invitation 99"},
        {"SELECT admin.end_session(99)", "P0002", "no open session 99"},
        {"SELECT admin.disable_account('nobody')", "P0002", "no account \"nobody\""},
        {"SELECT admin.disable_account('monitor')", "", ""},
        {"SELECT admin.invite_account('monitor', sha256('link'))", "P0002", "that is not disabled"},
        {"SELECT admin.add_membership('monitor', 'other', 'monitor', '{}')", "P0002", "that is not disabled"},
    };
    CHECK_CASES(*state, "patella_admin", cases);
}

static void test_guard_what_is_there_is_named(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT admin.add_study('demo', 'Again', 'none')", "23505", "demo"},
        {"SELECT admin.add_site('demo', 1, 'Again', 'UTC')", "23505", "1"},
        {"SELECT admin.add_account('monitor', 'Again')", "23505", "monitor"},
        {"SELECT admin.add_account('Monitor', 'Again')", "22023", "Monitor"},
        {"SELECT admin.revoke_token(99)", "P0002", "99"},
        {"SELECT admin.put_form('demo', 'koos', 3, 'third')", "", ""},
        {"SELECT admin.put_form('demo', 'koos', 2, 'second, too late')", "23505", "3"},
        {"SELECT admin.add_notice('serious_event', 'x')", "22023", "no notice of kind"},
        {"SELECT * FROM admin.read_audit('demo', gen_random_uuid(), NULL, NULL, 10)", "P0002", ""},
    };
    CHECK_CASES(*state, "patella_admin", cases);
}

static void test_guard_administrator_disposes_of_the_accounts_of_the_study_alone(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT api.add_invitation('administrator', 1, 'eve', sha256('1'))", "P0002", "no role in the study"},
        {"SELECT api.disable_account('administrator', 1, 'eve')", "P0002", "no role in the study"},
        {"SELECT api.add_invitation('administrator', 1, 'adam', sha256('2'))", "42501", "other studies too"},
        {"SELECT api.disable_account('administrator', 1, 'adam')", "42501", "other studies too"},
        {"SELECT api.add_invitation('administrator', 1, 'cain', sha256('3'))", "42501", "other studies too"},
        {"SELECT api.disable_account('administrator', 1, 'cain')", "42501", "other studies too"},
        {"SELECT api.add_invitation('administrator', 1, 'abel', sha256('4'))", "", ""},
        {"SELECT api.disable_account('administrator', 1, 'abel')", "", ""},
    };
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser,
        "SELECT admin.add_account(name, name) FROM unnest('{eve,adam,cain,abel}'::text[]) name;"
        "SELECT admin.add_membership(name, 'demo', 'monitor', '{}') FROM unnest('{adam,cain,abel}'::text[]) name;"
        "SELECT admin.add_membership(name, 'other', 'monitor', '{}') FROM unnest('{eve,adam}'::text[]) name;"
        "SELECT admin.add_token('cain', 'other', 'monitor', '{}', sha256('cain'), now() + interval '1 day')");
    CHECK_CASES(fixture, "patella_collector", cases);
}

static void test_guard_readings_are_of_a_kind_and_of_a_cut_that_is_there(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT api.request_review('monitor', 1, 'birthdays', NULL, NULL, 1, 1, 1, 1, 1)", "22023", "of this kind"},
        {"SELECT api.request_export('data_manager', 1, 9)", "P0002", "no such cut"},
        {"SELECT api.request_report('statistician', 1, 9, NULL)", "P0002", "no such cut"},
        {"SELECT api.conclude_review('monitor', 1, gen_random_uuid(), 'nothing found')", "P0002", ""},
        {"SELECT api.make_cut('statistician', 1, ' ')", "23514", "cut_label_check"},
    };
    CHECK_CASES(*state, "patella_collector", cases);
}

static void test_guard_reports_are_of_what_is_there(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT * FROM rep.take_job(0)", "22023", "from 1 to 64"},
        {"SELECT * FROM rep.take_job(65)", "22023", "from 1 to 64"},
        {"SELECT * FROM rep.take_job(NULL)", "22023", "from 1 to 64"},
        {"SELECT rep.open_cut(1, 9)", "P0002", "no such cut"},
        {"SELECT rep.cut_is_sealed(1, 9)", "P0002", "no such cut"},
        {"SELECT rep.open_cut(2, 1)", "42501", ""},
        {"SELECT rep.cut_is_sealed(2, 1)", "42501", ""},
        {"SELECT rep.make_cut(2, 'two')", "42501", ""},
        {"SELECT rep.finish_job(gen_random_uuid(), true, NULL)", "P0002", ""},
        {"SELECT * FROM rep.allocation(1, 9)", "P0002", "no such cut"},
        {"SELECT * FROM rep.allocation(2, 1)", "42501", ""},
    };
    CHECK_CASES(*state, "patella_reporter", cases);
}

static void test_guard_of_the_seal_names_tables_that_are_none(void **state)
{
    static const struct guard_case cases[] = {
        {"SELECT * FROM audit.table_rows('core.nothing')", "P0002", "no such table"},
        {"SELECT * FROM audit.table_rows('audit.event')", "P0002", "no such table"},
    };
    CHECK_CASES(*state, "patella_sealer", cases);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_guard_memberships_invitations_and_sessions_must_fit),
        CASE(test_guard_what_is_there_is_named),
        CASE(test_guard_administrator_disposes_of_the_accounts_of_the_study_alone),
        CASE(test_guard_readings_are_of_a_kind_and_of_a_cut_that_is_there),
        CASE(test_guard_reports_are_of_what_is_there),
        CASE(test_guard_of_the_seal_names_tables_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
