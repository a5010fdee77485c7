/* SPDX-License-Identifier: GPL-3.0-or-later */
/* migrations/db.h against a real server: values there and back, errors, lost connections, what COMMIT means. */
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "tests/support/test_database.h"

enum statement {
    ECHO_SCALARS, ECHO_ARRAYS, DIVIDE, ADD_ROW, WARN, WARN_AT_COMMIT, SLEEP, STATEMENTS
};

static const struct db_statement statements[STATEMENTS] = {
    [ECHO_SCALARS] = {"echo_scalars",
        "SELECT $1::text, $2::int, $3::bytea, $4::uuid, $1::text IS NULL, $2::int > 0, '2026-03-01'::date"},
    [ECHO_ARRAYS] = {"echo_arrays",
        "SELECT $1::int[], $2::float8[], $3::text[], $4::bytea[], $5::uuid[], $6::date[]"},
    [DIVIDE] = {"divide", "SELECT 1 / $1::int"},
    [ADD_ROW] = {"add_row", "INSERT INTO public.thing (id) VALUES ($1::int)"},
    [WARN] = {"warn", "SELECT public.warn()"},
    [WARN_AT_COMMIT] = {"warn_at_commit", "INSERT INTO public.loud (id) VALUES ($1::int)"},
    [SLEEP] = {"sleep", "SELECT pg_sleep($1::int)"},
};

struct fixture {
    void *owner;
    struct test_database *database;
    struct db *superuser;
    struct db *db;           /* with the statements above, as the daemon has them */
};

static const char make_tables[] =
    "CREATE TABLE public.thing (id int PRIMARY KEY CHECK (id < 100));"
    "CREATE TABLE public.loud (id int);"
    "CREATE FUNCTION public.warn() RETURNS int LANGUAGE plpgsql AS "
    "'BEGIN RAISE WARNING ''a standby may not have it''; RETURN 1; END';"
    "CREATE FUNCTION public.warn_trigger() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RAISE WARNING ''a standby may not have it''; RETURN NULL; END';"
    "CREATE CONSTRAINT TRIGGER loud AFTER INSERT ON public.loud DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION public.warn_trigger();";

static struct db_options options_for(const struct fixture *fixture)
{
    return (struct db_options){
        .conninfo = test_database_conninfo(fixture->owner, fixture->database, NULL),
        .application_name = "patella-test",
        .statements = statements,
        .statement_count = STATEMENTS,
        .statement_timeout_ms = 500,
    };
}

static int setup(void **state)
{
    void *owner = memory_owner(NULL, "db test");
    struct fixture *fixture = memory_new(owner, struct fixture);
    struct error error;
    fixture->owner = owner;
    fixture->database = test_database_new_empty(owner);
    fixture->superuser = test_database_connect(owner, fixture->database, NULL);
    test_run(fixture->superuser, make_tables);
    struct db_options options = options_for(fixture);
    fixture->db = db_open(owner, &options, &error);
    if (!fixture->db)
        fail_msg("%s", error.message);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    talloc_free(fixture->owner);
    return 0;
}

static struct db_parameters *one_int(const struct fixture *fixture, int value)
{
    struct db_parameters *parameters = db_parameters_new(fixture->owner, 1);
    db_set_int(parameters, 0, value);
    return parameters;
}

/* ---------------------------------------------------------------------------------------------- values */

static void test_db_execute_scalars_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_parameters *parameters = db_parameters_new(fixture->owner, 4);
    db_set_text(parameters, 0, "Kn\xc3\xa4'\"\\{},");
    db_set_int(parameters, 1, -2147483648LL);
    db_set_bytes(parameters, 2, "a\0b\xff", 4);
    db_set_text(parameters, 3, "DEADBEEF-0000-0000-0000-000000000001");
    struct db_result *result = db_execute(fixture->owner, fixture->db, ECHO_SCALARS, parameters, &error);
    assert_non_null(result);
    assert_int_equal(db_rows(result), 1);
    assert_string_equal(db_text(result, 0, 0), "Kn\xc3\xa4'\"\\{},");
    assert_int_equal(db_int(result, 0, 1), -2147483648LL);
    size_t length = 0;
    assert_memory_equal(db_bytes(fixture->owner, result, 0, 2, &length), "a\0b\xff", 4);
    assert_int_equal(length, 4);
    assert_string_equal(db_text(result, 0, 3), "deadbeef-0000-0000-0000-000000000001");
    assert_false(db_bool(result, 0, 4));
    assert_false(db_bool(result, 0, 5));
    assert_string_equal(db_text(result, 0, 6), "2026-03-01");
}

static void test_db_execute_nulls_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_result *result = db_execute(fixture->owner, fixture->db, ECHO_SCALARS,
                                          db_parameters_new(fixture->owner, 4), &error);
    assert_non_null(result);
    size_t length = 1;
    assert_true(db_is_null(result, 0, 0));
    assert_string_equal(db_text(result, 0, 0), "");
    assert_int_equal(db_int(result, 0, 1), 0);
    assert_non_null(db_bytes(fixture->owner, result, 0, 2, &length));
    assert_int_equal(length, 0);
    assert_true(db_bool(result, 0, 4));
    assert_false(db_bool(result, 0, 5));
    assert_string_equal(db_text(result, 0, 1), "");
}

static struct db_parameters *arrays(const struct fixture *fixture, size_t count)
{
    static const int32_t ints[] = {0, -1, INT32_MAX};
    static const double doubles[] = {0.1, NAN, -1e300};
    static const char *const texts[] = {"", NULL, "a\"b,{}\\\n\xc3\xa4"};
    static const uint8_t uuids[3][16] = {{1}, {2}, {3}};
    const int32_t days[] = {date_from_civil(1999, 12, 31), DATE_NONE, date_from_civil(2026, 3, 1)};
    struct db_parameters *parameters = db_parameters_new(fixture->owner, 6);
    db_set_int_array(parameters, 0, ints, count);
    db_set_double_array(parameters, 1, doubles, count);
    db_set_text_array(parameters, 2, texts, count);
    db_set_text_as_bytes_array(parameters, 3, texts, count);
    db_set_uuid_array(parameters, 4, uuids, count);
    db_set_date_array(parameters, 5, days, count);
    return parameters;
}

static void test_db_execute_arrays_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_result *result = db_execute(fixture->owner, fixture->db, ECHO_ARRAYS, arrays(fixture, 3), &error);
    assert_non_null(result);
    assert_string_equal(db_text(result, 0, 0), "{0,-1,2147483647}");
    assert_string_equal(db_text(result, 0, 1), "{0.1,NaN,-1e+300}");
    assert_string_equal(db_text(result, 0, 2), "{\"\",NULL,\"a\\\"b,{}\\\\\n\xc3\xa4\"}");
    assert_string_equal(db_text(result, 0, 3), "{\"\\\\x\",NULL,\"\\\\x6122622c7b7d5c0ac3a4\"}");
    assert_string_equal(db_text(result, 0, 4), "{01000000-0000-0000-0000-000000000000,"
                        "02000000-0000-0000-0000-000000000000,03000000-0000-0000-0000-000000000000}");
    assert_string_equal(db_text(result, 0, 5), "{1999-12-31,NULL,2026-03-01}");
}

static void test_db_execute_empty_arrays_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_result *result = db_execute(fixture->owner, fixture->db, ECHO_ARRAYS, arrays(fixture, 0), &error);
    assert_non_null(result);
    for (size_t column = 0; column < 6; column++)
        assert_string_equal(db_text(result, 0, column), "{}");
}

static void test_db_doubles_reads_every_kind_of_number(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_result *result = db_query(fixture->owner, fixture->db,
        "SELECT '{0.1,NULL,NaN,-1e-300,5e-324,12345678.901234567,Infinity}'::float8[], '{}'::float8[], NULL::float8[]",
        NULL, &error);
    assert_non_null(result);
    size_t count = 0;
    double *values = db_doubles(fixture->owner, result, 0, 0, &count);
    assert_int_equal(count, 7);
    assert_true(values[0] == 0.1 && isnan(values[1]) && isnan(values[2]) && values[3] == -1e-300);
    assert_true(values[4] == 5e-324 && values[5] == 12345678.901234567 && isinf(values[6]));
    assert_non_null(db_doubles(fixture->owner, result, 0, 1, &count));
    assert_int_equal(count, 0);
    assert_non_null(db_doubles(fixture->owner, result, 0, 2, &count));
    assert_int_equal(count, 0);
}

/* ---------------------------------------------------------------------------------------------- errors */

static void test_db_execute_error_keeps_values_to_itself(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 7), &error));
    assert_false(db_run(fixture->db, ADD_ROW, one_int(fixture, 7), &error));
    assert_int_equal(error.kind, ERROR_CONFLICT);
    assert_string_equal(error.sqlstate, "23505");
    assert_string_equal(error.constraint, "thing_pkey");
    assert_string_equal(error.message, "add_row: the database refused (SQLSTATE 23505, constraint thing_pkey)");
    assert_false(db_run(fixture->db, ADD_ROW, one_int(fixture, 777), &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    assert_null(strstr(error.message, "777"));
}

static void test_db_execute_sqlstate_gives_the_kind(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *sqlstate;
        enum error_kind kind;
        bool transient;
    } cases[] = {
        {"28000", ERROR_DENIED, false}, {"42501", ERROR_DENIED, false},   {"P0002", ERROR_NOT_FOUND, false},
        {"42S2F", ERROR_DENIED, false},
        {"23505", ERROR_CONFLICT, false}, {"23514", ERROR_INPUT, false},  {"22P02", ERROR_INPUT, false},
        {"40001", ERROR_BUSY, true},    {"40P01", ERROR_BUSY, true},      {"55P03", ERROR_BUSY, true},
        {"57014", ERROR_BUSY, false},   {"53100", ERROR_BUSY, false},     {"53300", ERROR_BUSY, true},
        {"57P01", ERROR_DATABASE, true}, {"XX000", ERROR_DATABASE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error;
        char *sql = memory_format(fixture->owner, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '%s'; END $$",
                                  cases[i].sqlstate);
        assert_false(db_run_script(fixture->db, sql, &error));
        assert_string_equal(error.sqlstate, cases[i].sqlstate);
        assert_int_equal(error.kind, cases[i].kind);
        assert_int_equal(db_is_transient(&error), cases[i].transient);
    }
}

static void test_db_open_verbose_errors_carry_message_and_hint(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_false(db_run_script(fixture->superuser, "DO $$ BEGIN RAISE EXCEPTION 'no study' USING HINT = 'make one'; "
                               "END $$", &error));
    assert_string_equal(error.message, "no study; make one");
}

static void test_db_open_statement_that_does_not_fit_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    const struct db_statement odd[] = {{"odd", "SELECT api.no_such_function()", false}};
    struct db_options options = options_for(fixture);
    options.statements = odd;
    options.statement_count = 1;
    assert_null(db_open(fixture->owner, &options, &error));
    assert_string_equal(error.sqlstate, "3F000");
    assert_non_null(strstr(error.message, "odd: "));
}

static void test_db_open_nobody_there_says_what_to_do(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_options options = options_for(fixture);
    options.conninfo = "host=/nonexistent dbname=x user=x";
    assert_null(db_open(fixture->owner, &options, &error));
    assert_true(db_is_transient(&error));
    assert_non_null(strstr(error.message, "PGHOST"));
}

static void test_db_open_bad_conninfo_is_a_wrong_call(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_options options = options_for(fixture);
    options.conninfo = "dbname=x nonsense=1";
    assert_null(db_open(fixture->owner, &options, &error));
    assert_int_equal(error.kind, ERROR_USAGE);
    assert_non_null(strstr(error.message, "nonsense"));
}

static void test_db_open_default_user_and_database_are_used_when_nothing_names_one(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct db_options options = options_for(fixture);
    char *user = memory_copy_string(fixture->owner, getenv("PGUSER") ? getenv("PGUSER") : "");
    options.default_user = "nobody_at_all";
    struct db *db = db_open(fixture->owner, &options, &error);      /* PGUSER counts */
    assert_non_null(db);
    unsetenv("PGUSER");
    options.conninfo = "";
    assert_null(db_open(fixture->owner, &options, &error));
    setenv("PGUSER", user, 1);
    assert_non_null(strstr(error.message, "nobody_at_all"));
    options.conninfo = "";
    struct db *other = db_open(fixture->owner, &options, &error);
    if (!other)
        assert_non_null(strstr(error.message, "\"patella\""));
}

/* ---------------------------------------------------------------------------------------------- settings */

static void test_db_open_settings_are_pinned(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(fixture->superuser, memory_format(fixture->owner,
        "ALTER DATABASE %s SET TimeZone = 'Asia/Tokyo'; ALTER DATABASE %s SET search_path = public; "
        "ALTER DATABASE %s SET DateStyle = 'German'; ALTER DATABASE %s SET bytea_output = 'escape'; "
        "ALTER DATABASE %s SET client_min_messages = 'error'",
        test_database_name(fixture->database), test_database_name(fixture->database),
        test_database_name(fixture->database), test_database_name(fixture->database),
        test_database_name(fixture->database)));
    setenv("PGOPTIONS", "-c search_path=public -c statement_timeout=0", 1);
    setenv("PGCLIENTENCODING", "LATIN1", 1);
    bool opened = db_reopen(fixture->db, &error);
    unsetenv("PGOPTIONS");
    unsetenv("PGCLIENTENCODING");
    assert_true(opened);
    struct db_result *result = db_query(fixture->owner, fixture->db,
        "SELECT concat_ws('|', current_setting('search_path'), current_setting('TimeZone'), "
        "current_setting('DateStyle'), current_setting('bytea_output'), current_setting('client_encoding'), "
        "current_setting('statement_timeout'), current_setting('application_name'), "
        "current_setting('client_min_messages'))", NULL, &error);
    assert_non_null(result);
    assert_string_equal(db_text(result, 0, 0), "|UTC|ISO, YMD|hex|UTF8|500ms|patella-test|warning");
    assert_false(db_run(fixture->db, WARN, NULL, &error));      /* a lost standby would not be heard of */
}

static void test_db_open_that_would_acknowledge_too_early_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    static const char alter[] = "ALTER DATABASE %s SET synchronous_commit = %s";
    const char *name = test_database_name(fixture->database);
    test_run(fixture->superuser, memory_format(fixture->owner, alter, name, "off"));
    assert_false(db_reopen(fixture->db, &error));
    assert_non_null(strstr(error.message, "synchronous_commit is off"));
    assert_false(db_is_transient(&error));
    test_run(fixture->superuser, memory_format(fixture->owner, alter, name, "local"));
    assert_true(db_reopen(fixture->db, &error));     /* there is no standby to wait for */
}

/* What is loaded into the server later does not reach a session that acknowledges. */
static void test_db_open_keeps_synchronous_commit_for_the_session(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    static const char alter[] = "ALTER DATABASE %s SET synchronous_commit = %s";
    static const char setting[] =
        "SELECT source || ' ' || setting FROM pg_settings WHERE name = 'synchronous_commit'";
    const char *const kept[][2] = {
        {"on", "session on"}, {"remote_apply", "session remote_apply"}, {"local", "session on"},
    };
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        test_run(fixture->superuser, memory_format(fixture->owner, alter, test_database_name(fixture->database),
                                                   kept[i][0]));
        assert_true(db_reopen(fixture->db, &error));
        assert_string_equal(test_value(fixture->db, setting), kept[i][1]);
    }
}

/* ---------------------------------------------------------------------------------------------- standbys */

/* Every COMMIT of the cluster but the superuser's waits for a standby that never comes. */
static int setup_missing_standby(void **state)
{
    setup(state);
    struct fixture *fixture = *state;
    test_run(fixture->superuser, "SET synchronous_commit = local");
    test_run(fixture->superuser, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    test_run(fixture->superuser, "SELECT pg_reload_conf()");
    return 0;
}

static int teardown_missing_standby(void **state)
{
    struct fixture *fixture = *state;
    test_run(fixture->superuser, "ALTER SYSTEM RESET synchronous_standby_names");
    test_run(fixture->superuser, "SELECT pg_reload_conf()");
    return teardown(state);
}

/* Asks again and again, 10 s at most; the answer. */
static const char *wait_for(struct db *db, const char *sql, const char *wanted)
{
    const char *value = "";
    for (int tries = 0; tries < 1000 && strcmp(value, wanted) != 0; tries++) {
        test_run(db, "SELECT pg_sleep(0.01)");
        value = test_value(db, sql);
    }
    return value;
}

static void test_db_open_local_commit_beside_standbys_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(fixture->superuser, memory_format(fixture->owner, "ALTER DATABASE %s SET synchronous_commit = local",
                                               test_database_name(fixture->database)));
    wait_for(fixture->superuser, "SHOW synchronous_standby_names", "nobody");
    assert_false(db_reopen(fixture->db, &error));
    assert_non_null(strstr(error.message, "synchronous_commit is local"));
    assert_non_null(strstr(error.message, "synchronous standbys"));
}

/* statement_timeout does not end the wait, nor does the end of the connection. */
static void test_db_commit_that_no_standby_confirms_leaves_no_backend_waiting(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = false;
    static const char waiting[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    wait_for(fixture->superuser, "SHOW synchronous_standby_names", "nobody");
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_true(unknown);
    assert_string_equal(wait_for(fixture->superuser, waiting, "0"), "0");
}

/* ---------------------------------------------------------------------------------------------- transactions */

static void test_db_commit_keeps_and_rollback_drops(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
    assert_true(db_commit(fixture->db, &unknown, &error));
    assert_false(unknown);
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 2), &error));
    db_rollback(fixture->db);
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(id::text, ' ') FROM public.thing"), "1");
}

static void test_db_commit_of_a_failed_transaction_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = true;
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
    assert_false(db_run(fixture->db, DIVIDE, one_int(fixture, 0), &error));
    assert_false(db_commit(fixture->db, &unknown, &error));    /* PostgreSQL answers ROLLBACK, as a success */
    assert_false(unknown);
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM public.thing"), "0");
}

static void test_db_commit_with_a_warning_is_not_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = false;
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, WARN_AT_COMMIT, one_int(fixture, 1), &error));
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_true(unknown);
    assert_string_equal(error.sqlstate, "01000");
}

static void test_db_execute_alone_with_a_warning_is_not_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_false(db_run(fixture->db, WARN, NULL, &error));
    assert_string_equal(error.sqlstate, "01000");
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, WARN, NULL, &error));    /* COMMIT is still to come */
    db_rollback(fixture->db);
}

static void test_db_commit_on_a_killed_connection_is_unknown_or_lost(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    bool unknown = false;
    assert_true(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
    test_run(fixture->superuser, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                                 "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_false(db_commit(fixture->db, &unknown, &error));
    assert_true(unknown);    /* it was sent: only the database knows */
    assert_true(db_is_transient(&error));
    assert_false(db_is_alive(fixture->db));
    assert_true(db_reopen(fixture->db, &error));
    assert_true(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
}

static void test_db_execute_on_a_lost_connection_fails_until_reopened(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(fixture->superuser, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                                 "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    assert_false(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
    assert_true(db_is_transient(&error));
    assert_false(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
    assert_string_equal(error.sqlstate, "08006");
    assert_false(db_begin(fixture->db, DB_READ_COMMITTED, &error));
    db_rollback(fixture->db);
    assert_true(db_reopen(fixture->db, &error));
    assert_true(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
}

static void test_db_execute_longer_than_the_timeout_is_ended(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_false(db_run(fixture->db, SLEEP, one_int(fixture, 60), &error));
    assert_string_equal(error.sqlstate, "57014");
    assert_true(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
}

/* statement_timeout does not end every wait, so the client has a deadline of its own. */
static void test_db_execute_server_that_never_answers_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    test_run(fixture->db, "SET statement_timeout = 0");
    assert_false(db_run(fixture->db, SLEEP, one_int(fixture, 60), &error));
    assert_string_equal(error.sqlstate, "08006");
    assert_false(db_is_alive(fixture->db));
    assert_string_equal(wait_for(fixture->superuser, "SELECT count(*) FROM pg_stat_activity "
                                 "WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()", "0"), "0");
    assert_true(db_reopen(fixture->db, &error));
}

/* More than a socket holds: the server sleeps, so sending comes to a stop as well. */
static void test_db_execute_server_that_takes_nothing_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    enum { SIZE = 16 << 20 };
    char *large = memory_new_array(fixture->owner, char, SIZE);
    memset(large, 'x', SIZE - 1);
    struct db_parameters *parameters = db_parameters_new(fixture->owner, 4);
    db_set_text(parameters, 0, large);
    db_set_int(parameters, 1, 1);
    const char *pid = test_value(fixture->db, "SELECT pg_backend_pid()");
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGSTOP), 0);
    struct db_result *result = db_execute(fixture->owner, fixture->db, ECHO_SCALARS, parameters, &error);
    assert_int_equal(kill((pid_t)strtol(pid, NULL, 10), SIGCONT), 0);
    assert_null(result);
    assert_string_equal(error.sqlstate, "08006");
}

static void test_db_begin_read_only_refuses_to_write(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    assert_true(db_begin(fixture->db, DB_REPEATABLE_READ_ONLY, &error));
    assert_false(db_run(fixture->db, ADD_ROW, one_int(fixture, 1), &error));
    assert_string_equal(error.sqlstate, "25006");
    db_rollback(fixture->db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WITHOUT_STANDBY(name) cmocka_unit_test_setup_teardown(name, setup_missing_standby, teardown_missing_standby)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_db_execute_scalars_come_back),
        CASE(test_db_execute_nulls_come_back),
        CASE(test_db_execute_arrays_come_back),
        CASE(test_db_execute_empty_arrays_come_back),
        CASE(test_db_doubles_reads_every_kind_of_number),
        CASE(test_db_execute_error_keeps_values_to_itself),
        CASE(test_db_execute_sqlstate_gives_the_kind),
        CASE(test_db_open_verbose_errors_carry_message_and_hint),
        CASE(test_db_open_statement_that_does_not_fit_is_named),
        CASE(test_db_open_nobody_there_says_what_to_do),
        CASE(test_db_open_bad_conninfo_is_a_wrong_call),
        CASE(test_db_open_default_user_and_database_are_used_when_nothing_names_one),
        CASE(test_db_open_settings_are_pinned),
        CASE(test_db_open_that_would_acknowledge_too_early_is_refused),
        CASE(test_db_open_keeps_synchronous_commit_for_the_session),
        WITHOUT_STANDBY(test_db_open_local_commit_beside_standbys_is_refused),
        WITHOUT_STANDBY(test_db_commit_that_no_standby_confirms_leaves_no_backend_waiting),
        CASE(test_db_commit_keeps_and_rollback_drops),
        CASE(test_db_commit_of_a_failed_transaction_is_refused),
        CASE(test_db_commit_with_a_warning_is_not_acknowledged),
        CASE(test_db_execute_alone_with_a_warning_is_not_acknowledged),
        CASE(test_db_commit_on_a_killed_connection_is_unknown_or_lost),
        CASE(test_db_execute_on_a_lost_connection_fails_until_reopened),
        CASE(test_db_execute_longer_than_the_timeout_is_ended),
        CASE(test_db_execute_server_that_never_answers_is_given_up),
        CASE(test_db_execute_server_that_takes_nothing_is_given_up),
        CASE(test_db_begin_read_only_refuses_to_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
