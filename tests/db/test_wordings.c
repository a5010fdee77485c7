/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wordings in the database: added by an administrator's program, never changed, the newest counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static struct db *connect_admin(const struct test_fixture *fixture)
{
    return test_database_connect(fixture->owner, fixture->database, "patella_admin");
}

static void test_wording_is_added_once_and_the_newest_counts(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = connect_admin(fixture);
    assert_string_equal(test_value(admin, "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'erste')"), "t");
    assert_string_equal(test_value(admin, "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'erste')"), "f");
    assert_string_equal(test_value(admin, "SELECT admin.put_wording('demo', 'koos', 1, 'fr', 'autre')"), "t");
    assert_string_equal(test_value(admin, "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'zweite')"), "t");
    assert_string_equal(test_value(admin, "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'erste')"), "t");
    const char *newest = "SELECT string_agg(concat_ws(' ', study_id, form, version, language, yaml), ', ') "
                         "FROM api.list_wordings()";
    assert_string_equal(test_value(fixture->collector, newest), "1 koos 1 de erste, 1 koos 1 fr autre");
    assert_string_equal(test_value(admin, "SELECT string_agg(concat_ws(' ', form, version, language, revision, "
                                          "added_by), ', ') FROM admin.list_wordings('demo')"),
                        "koos 1 de 3 db:patella_admin, koos 1 fr 1 db:patella_admin");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.list_wordings('other')"), "0");
}

static void test_wording_of_what_is_not_there_is_refused(void **state)
{
    static const struct {
        const char *sql, *sqlstate;
    } cases[] = {
        {"SELECT admin.put_wording('none', 'koos', 1, 'de', 'x')", "P0002"},
        {"SELECT admin.put_wording('demo', 'lysholm', 1, 'de', 'x')", "P0002"},
        {"SELECT admin.put_wording('demo', 'koos', 2, 'de', 'x')", "P0002"},
        {"SELECT admin.put_wording('demo', NULL, 1, 'de', 'x')", "P0002"},
        {"SELECT admin.put_wording('demo', 'koos', 1, 'German', 'x')", "23514"},
        {"SELECT admin.put_wording('demo', 'koos', 1, NULL, 'x')", "23502"},
        {"SELECT admin.put_wording('demo', 'koos', 1, 'de', '')", "23514"},
        {"SELECT admin.put_wording('demo', 'koos', 1, 'de', NULL)", "23502"},
        {"SELECT * FROM admin.list_wordings('none')", "P0002"},
    };
    struct db *admin = connect_admin(*state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *sqlstate = test_sqlstate(admin, cases[i].sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("SQLSTATE \"%s\": %s", sqlstate, cases[i].sql);
    }
}

static void test_wording_is_never_changed(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const changes[] = {
        "UPDATE core.wording SET yaml = 'x'", "UPDATE core.wording SET language = 'fr'", "DELETE FROM core.wording",
        "TRUNCATE core.wording",
    };
    test_run(connect_admin(fixture), "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'erste')");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_string_equal(test_sqlstate(fixture->superuser, changes[i]), "42501");
}

static void test_wording_is_added_by_nobody_else(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const roles[] = {"patella_collector", "patella_reporter", "patella_auth", "patella_auditor"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        struct db *db = test_database_connect(fixture->owner, fixture->database, roles[i]);
        assert_string_equal(test_sqlstate(db, "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'x')"), "42501");
        assert_string_equal(test_sqlstate(db, "SELECT * FROM core.wording"), "42501");
    }
    assert_string_equal(test_sqlstate(connect_admin(fixture), "SELECT * FROM core.wording"), "42501");
}

static void test_wording_leaves_who_added_it_and_its_hash_on_the_trail(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(connect_admin(fixture), "SELECT admin.put_wording('demo', 'koos', 1, 'de', 'WORDS')");
    assert_string_equal(
        test_value(fixture->superuser,
                   "SELECT concat_ws(' ', operation, actor, study_id, new ->> 'form', new ->> 'language', "
                   "new ->> 'sha256' = '\\x' || encode(sha256('WORDS'), 'hex'), e::text LIKE '%WORDS%') "
                   "FROM audit.event e WHERE object = 'core.wording'"),
        "INSERT db:patella_admin 1 koos de t f");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_wording_is_added_once_and_the_newest_counts),
        CASE(test_wording_of_what_is_not_there_is_refused),
        CASE(test_wording_is_never_changed),
        CASE(test_wording_is_added_by_nobody_else),
        CASE(test_wording_leaves_who_added_it_and_its_hash_on_the_trail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
