/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A statement with its BEGIN and COMMIT in one round trip: what is committed, and what is known of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

enum statement {
    ADD_ROW, ADD_LOUD_ROW, ADD_LATE_ROW, ADD_SLOW_ROW, ADD_DELAYED_ROW, ADD_ROW_AND_DIE, SLEEP, STATEMENTS
};

static const struct db_statement statements[STATEMENTS] = {
    [ADD_ROW] = {"add_row", "INSERT INTO public.thing (id) VALUES ($1::int) RETURNING id"},
    [ADD_LOUD_ROW] = {"add_loud_row", "INSERT INTO public.loud (id) VALUES ($1::int) RETURNING public.warn()"},
    [ADD_LATE_ROW] = {"add_late_row", "INSERT INTO public.late (id) VALUES ($1::int) RETURNING id"},
    [ADD_SLOW_ROW] = {"add_slow_row", "INSERT INTO public.slow (id) VALUES ($1::int) RETURNING id"},
    [ADD_DELAYED_ROW] = {"add_delayed_row", "INSERT INTO public.delayed (id) VALUES ($1::int) RETURNING id"},
    [ADD_ROW_AND_DIE] = {"add_row_and_die",
        "INSERT INTO public.thing (id) VALUES ($1::int) RETURNING pg_terminate_backend(pg_backend_pid())"},
    [SLEEP] = {"sleep", "SELECT pg_sleep($1::int)"},
};

static const char make_tables[] =
    "CREATE TABLE public.thing (id int PRIMARY KEY);"
    "CREATE TABLE public.loud (id int);"
    "CREATE TABLE public.late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
    "CREATE FUNCTION public.warn() RETURNS int LANGUAGE plpgsql AS "
    "'BEGIN RAISE WARNING ''of the statement''; RETURN 1; END';"
    "CREATE FUNCTION public.warn_trigger() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN IF NEW.id > 10 THEN RAISE WARNING ''a standby may not have it''; END IF; RETURN NULL; END';"
    "CREATE CONSTRAINT TRIGGER loud AFTER INSERT ON public.loud DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION public.warn_trigger();"
    "CREATE TABLE public.slow (id int);"
    "CREATE TABLE public.delayed (id int);"
    "CREATE FUNCTION public.sleep_trigger() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN PERFORM pg_sleep(TG_ARGV[0]::float); RETURN NULL; END';"
    "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON public.slow DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION public.sleep_trigger('60');"
    "CREATE CONSTRAINT TRIGGER delayed AFTER INSERT ON public.delayed DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION public.sleep_trigger('0.5');";

enum { ALONE = DB_BEGINS | DB_COMMITS };

struct fixture {
    struct test_database *database;
    struct db *superuser;
    struct db *db;
};

static int setup(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->database = test_database_new_empty(fixture);
    fixture->superuser = test_database_connect(fixture, fixture->database, NULL);
    test_run(fixture->superuser, make_tables);
    struct error error;
    struct db_options options = {
        .conninfo = test_database_conninfo(fixture, fixture->database, NULL),
        .application_name = "patella-test",
        .statements = statements,
        .statement_count = STATEMENTS,
        .statement_timeout_ms = 2000,
    };
    fixture->db = db_open(fixture, &options, &error);
    if (!fixture->db)
        fail_msg("%s", error.message);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    talloc_free(fixture->db);
    talloc_free(fixture->superuser);
    talloc_free(fixture);
    return 0;
}

static struct db_result *add(const struct fixture *fixture, enum statement statement, int id, unsigned bounds,
                             struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(fixture, 1);
    db_set_int(parameters, 0, id);
    return db_execute_bound(fixture, fixture->db, statement, parameters, bounds, error);
}

static void assert_things(const struct fixture *fixture, const char *count)
{
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM public.thing"), count);
}

static void test_db_execute_bound_alone_commits_after_its_result(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    for (int id = 7; id <= 9; id++) {    /* again and again on one connection */
        struct db_result *result = add(fixture, ADD_ROW, id, ALONE, &error);
        assert_non_null(result);
        assert_int_equal(db_int(result, 0, 0), id);
        assert_true(db_commit(fixture->db, &unknown, &error));
        assert_false(unknown);
    }
    assert_things(fixture, "3");
}

static void test_db_execute_bound_in_parts_is_one_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown;
    assert_non_null(add(fixture, ADD_ROW, 1, DB_BEGINS, &error));
    assert_non_null(add(fixture, ADD_ROW, 2, 0, &error));
    assert_things(fixture, "0");
    assert_non_null(add(fixture, ADD_ROW, 3, DB_COMMITS, &error));
    assert_true(db_commit(fixture->db, &unknown, &error));
    assert_things(fixture, "3");
    assert_non_null(add(fixture, ADD_ROW, 4, DB_BEGINS, &error));
    db_rollback(fixture->db);
    assert_things(fixture, "3");
}

static void test_db_execute_bound_that_fails_is_not_committed(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown;
    assert_non_null(add(fixture, ADD_ROW, 1, DB_BEGINS, &error));
    assert_null(add(fixture, ADD_ROW, 1, DB_COMMITS, &error));
    assert_string_equal(error.sqlstate, "23505");
    db_rollback(fixture->db);
    assert_things(fixture, "0");
    assert_non_null(add(fixture, ADD_ROW, 2, ALONE, &error));    /* the connection is as good as new */
    assert_true(db_commit(fixture->db, &unknown, &error));
    assert_things(fixture, "1");
}

static void test_db_execute_bound_refused_at_commit_is_not_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    assert_non_null(add(fixture, ADD_LATE_ROW, 1, DB_BEGINS, &error));
    assert_non_null(add(fixture, ADD_LATE_ROW, 1, DB_COMMITS, &error));
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_false(unknown);
    assert_string_equal(error.sqlstate, "23505");
    db_rollback(fixture->db);
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM public.late"), "0");
}

static void test_db_execute_bound_warning_counts_at_commit_only(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    assert_non_null(add(fixture, ADD_LOUD_ROW, 1, ALONE, &error));
    assert_true(db_commit(fixture->db, &unknown, &error));    /* the statement's own means nothing */
    assert_non_null(add(fixture, ADD_LOUD_ROW, 11, ALONE, &error));
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_true(unknown);
    assert_string_equal(error.sqlstate, "01000");
}

static void test_db_rollback_of_a_commit_under_way_leaves_the_connection_usable(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_non_null(add(fixture, ADD_ROW, 1, ALONE, &error));
    db_rollback(fixture->db);    /* too late, but in order */
    assert_things(fixture, "1");
    assert_true(db_run_script(fixture->db, "SELECT 1", &error));
}

static void test_db_execute_bound_backend_ended_by_the_server_has_not_committed(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_null(add(fixture, ADD_ROW_AND_DIE, 1, ALONE, &error));
    assert_string_equal(error.sqlstate, "57P01");
    assert_false(db_is_alive(fixture->db));
    assert_true(db_reopen(fixture->db, &error));
    assert_things(fixture, "0");
    assert_non_null(add(fixture, ADD_ROW, 1, ALONE, &error));
    bool unknown;
    assert_true(db_commit(fixture->db, &unknown, &error));
}

/* Its trigger sleeps in the COMMIT: the result is there all the same, and the end of the backend leaves it open. */
static void test_db_commit_under_way_on_a_killed_connection_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = false;
    assert_non_null(add(fixture, ADD_SLOW_ROW, 1, ALONE, &error));
    test_run(fixture->superuser, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                                 "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_true(unknown);
    assert_true(db_is_transient(&error));
    assert_true(db_reopen(fixture->db, &error));
}

/* Nobody has said whether the COMMIT behind the statement was reached. */
static void test_db_execute_bound_given_up_is_of_unknown_outcome(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(fixture->db, "SET statement_timeout = 0");
    assert_null(add(fixture, SLEEP, 60, ALONE, &error));
    assert_string_equal(error.sqlstate, DB_UNKNOWN_OUTCOME);
    assert_true(db_is_transient(&error));
    assert_false(db_is_alive(fixture->db));
    assert_null(add(fixture, ADD_ROW, 1, ALONE, &error));
    assert_string_equal(error.sqlstate, "08006");    /* nothing was sent */
    assert_true(db_reopen(fixture->db, &error));
}

static void test_db_await_commit_says_whether_it_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    assert_true(db_await_commit(fixture->db, 0));    /* there is none */
    assert_non_null(add(fixture, ADD_DELAYED_ROW, 1, ALONE, &error));
    assert_false(db_await_commit(fixture->db, 20));
    assert_true(db_await_commit(fixture->db, 60000));
    assert_true(db_commit(fixture->db, &unknown, &error));
    assert_non_null(add(fixture, ADD_ROW, 2, ALONE, &error));
    assert_true(db_await_commit(fixture->db, 60000));
    assert_true(db_commit(fixture->db, &unknown, &error));
    assert_things(fixture, "1");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_db_execute_bound_alone_commits_after_its_result),
        CASE(test_db_execute_bound_in_parts_is_one_transaction),
        CASE(test_db_execute_bound_that_fails_is_not_committed),
        CASE(test_db_execute_bound_refused_at_commit_is_not_acknowledged),
        CASE(test_db_execute_bound_warning_counts_at_commit_only),
        CASE(test_db_rollback_of_a_commit_under_way_leaves_the_connection_usable),
        CASE(test_db_execute_bound_backend_ended_by_the_server_has_not_committed),
        CASE(test_db_commit_under_way_on_a_killed_connection_is_unknown),
        CASE(test_db_await_commit_says_whether_it_has_ended),
        CASE(test_db_execute_bound_given_up_is_of_unknown_outcome),
    };
    return cmocka_run_group_tests_name("db bound", tests, NULL, NULL);
}
