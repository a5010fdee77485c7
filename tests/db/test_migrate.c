/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bringing a database to the schema, and telling when it is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "migrations/migrate.h"
#include "migrations/migration_list.h"
#include "tests/support/test_database.h"

struct fixture {
    void *owner;
    struct test_database *database;
    struct db *db;           /* superuser */
};

static int setup_with(void **state, struct test_database *make(const void *owner))
{
    void *owner = memory_owner(NULL, "migrate test");
    struct fixture *fixture = memory_new(owner, struct fixture);
    fixture->owner = owner;
    fixture->database = make(owner);
    fixture->db = test_database_connect(owner, fixture->database, NULL);
    *state = fixture;
    return 0;
}

static int setup_empty(void **state)
{
    return setup_with(state, test_database_new_empty);
}

static int setup_migrated(void **state)
{
    return setup_with(state, test_database_new);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    talloc_free(fixture->owner);
    return 0;
}

/* What migrate_up prints; *done as it returns. */
static char *run_up(const struct fixture *fixture, bool *done, struct error *error)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    *done = migrate_up(fixture->db, out, error);
    fclose(out);
    char *copy = memory_copy_string(fixture->owner, printed);
    free(printed);
    return copy;
}

static char *print_status(const struct fixture *fixture)
{
    struct error error;
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    bool done = migrate_print_status(fixture->db, out, &error);
    fclose(out);
    char *copy = memory_copy_string(fixture->owner, printed);
    free(printed);
    assert_true(done);
    return copy;
}

static void check_refused(const struct fixture *fixture, const char *wanted)
{
    struct error error;
    assert_false(migrate_check(fixture->db, &error));
    if (!strstr(error.message, wanted))
        fail_msg("\"%s\" without \"%s\"", error.message, wanted);
}

static void test_migrate_up_empty_database_applies_all(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    const char *printed = run_up(fixture, &done, &error);
    assert_true(done);
    assert_non_null(strstr(printed, "0001 roles applied\n"));
    assert_true(migrate_check(fixture->db, &error));
    assert_string_equal(test_value(fixture->db, "SELECT count(*) = max(number) FROM patella_meta.migration"), "t");
}

static void test_migrate_up_twice_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    const char *before = test_value(fixture->db, "SELECT sum(hashtext(m::text)) FROM patella_meta.migration m");
    assert_string_equal(run_up(fixture, &done, &error), "");
    assert_true(done);
    assert_string_equal(test_value(fixture->db, "SELECT sum(hashtext(m::text)) FROM patella_meta.migration m"), before);
}

static void test_migrate_up_closes_the_database_again(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    test_run(fixture->db, memory_format(fixture->owner, "GRANT TEMP ON DATABASE %s TO PUBLIC",
                                        test_database_name(fixture->database)));
    run_up(fixture, &done, &error);
    assert_true(done);
    struct db *collector = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    assert_string_equal(test_sqlstate(collector, "CREATE TEMP TABLE t (a int)"), "42501");
}

static void test_migrate_up_by_no_superuser_is_denied(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db *migrator = test_database_connect(fixture->owner, fixture->database, "patella_migrator");
    assert_false(migrate_up(migrator, stdout, &error));
    assert_int_equal(error.kind, ERROR_DENIED);
    assert_non_null(strstr(error.message, "patella_migrator is no superuser"));
}

static void test_migrate_up_waits_for_another_one(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db *other = test_database_connect(fixture->owner, fixture->database, NULL);
    test_run(other, "SELECT pg_advisory_lock(70, 0)");
    test_run(fixture->db, "SET lock_timeout = '50ms'");
    assert_false(migrate_up(fixture->db, stdout, &error));
    assert_string_equal(error.sqlstate, "55P03");
}

static void test_migrate_check_empty_database_is_refused(void **state)
{
    check_refused(*state, "no tables of Patella yet; run `patella-migrate up`");
}

static void test_migrate_check_every_login_role_may_ask(void **state)
{
    struct fixture *fixture = *state;
    static const char *const roles[] = {
        "patella_collector", "patella_auth", "patella_reporter", "patella_auditor", "patella_sealer",
        "patella_unblinder", "patella_admin", "patella_migrator",
    };
    struct error error;
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        assert_true(migrate_check(test_database_connect(fixture->owner, fixture->database, roles[i]), &error));
}

static void test_migrate_check_pending_migration_is_refused(void **state)
{
    struct fixture *fixture = *state;
    test_run(fixture->db, "DELETE FROM patella_meta.migration WHERE number = "
                          "(SELECT max(number) FROM patella_meta.migration)");
    check_refused(fixture, "is pending; run `patella-migrate up`");
    assert_non_null(strstr(print_status(fixture), " pending\n"));
}

static void test_migrate_up_pending_migration_below_an_applied_one_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    test_run(fixture->db, "DELETE FROM patella_meta.migration WHERE number = 3");
    check_refused(fixture, memory_format(fixture->owner, "migration 0003 (core) is not in the database, "
                                         "which has %04zu already", migration_count));
    assert_string_equal(run_up(fixture, &done, &error), "");
    assert_false(done);
    assert_int_equal(error.kind, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "migration 0003 (core) is not in the database"));
}

static void test_migrate_check_altered_migration_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    test_run(fixture->db, "UPDATE patella_meta.migration SET sha256 = sha256('another text') WHERE number = 3");
    check_refused(fixture, "migration 0003 (core) in the database has another text");
    assert_non_null(strstr(print_status(fixture), "0003 core             ALTERED"));
    run_up(fixture, &done, &error);
    assert_false(done);
    assert_non_null(strstr(error.message, "0003 (core)"));
}

static void test_migrate_check_unknown_migration_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    test_run(fixture->db, "INSERT INTO patella_meta.migration (number, name, sha256) "
                          "VALUES (900, 'later', sha256('x'))");
    check_refused(fixture, "migration 0900 (later), which this program does not know");
    assert_non_null(strstr(print_status(fixture), "0900 later            UNKNOWN"));
    run_up(fixture, &done, &error);
    assert_false(done);
}

static void test_migrate_status_empty_database_is_all_pending(void **state)
{
    const char *printed = print_status(*state);
    assert_non_null(strstr(printed, "0001 roles            pending\n"));
    assert_null(strstr(printed, "applied"));
}

static void test_migrate_up_failing_migration_leaves_those_before(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool done;
    test_run(fixture->db, "CREATE SCHEMA core");   /* migration 1 makes it: it stumbles, and leaves nothing */
    run_up(fixture, &done, &error);
    assert_false(done);
    assert_string_equal(error.sqlstate, "42P06");
    assert_non_null(strstr(error.message, "migration 0001 (roles): "));
    assert_string_equal(test_value(fixture->db, "SELECT count(*) FROM patella_meta.migration"), "0");
    assert_string_equal(test_value(fixture->db, "SELECT count(*) FROM pg_namespace WHERE nspname = 'audit'"), "0");
    test_run(fixture->db, "DROP SCHEMA core");
    run_up(fixture, &done, &error);
    assert_true(done);
}

static void test_migration_list_is_numbered_without_gaps(void **state)
{
    (void)state;
    for (size_t i = 0; i < migration_count; i++) {
        assert_int_equal(migration_list[i].number, (int)i + 1);
        assert_int_equal(migration_list[i].length, strlen(migration_list[i].sql));
    }
}

#define ON_EMPTY(name) cmocka_unit_test_setup_teardown(name, setup_empty, teardown)
#define ON_MIGRATED(name) cmocka_unit_test_setup_teardown(name, setup_migrated, teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        ON_EMPTY(test_migrate_up_empty_database_applies_all),
        ON_MIGRATED(test_migrate_up_twice_changes_nothing),
        ON_MIGRATED(test_migrate_up_closes_the_database_again),
        ON_MIGRATED(test_migrate_up_by_no_superuser_is_denied),
        ON_MIGRATED(test_migrate_up_waits_for_another_one),
        ON_EMPTY(test_migrate_check_empty_database_is_refused),
        ON_MIGRATED(test_migrate_check_every_login_role_may_ask),
        ON_MIGRATED(test_migrate_check_pending_migration_is_refused),
        ON_MIGRATED(test_migrate_up_pending_migration_below_an_applied_one_is_refused),
        ON_MIGRATED(test_migrate_check_altered_migration_is_refused),
        ON_MIGRATED(test_migrate_check_unknown_migration_is_refused),
        ON_EMPTY(test_migrate_status_empty_database_is_all_pending),
        ON_EMPTY(test_migrate_up_failing_migration_leaves_those_before),
        cmocka_unit_test(test_migration_list_is_numbered_without_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
