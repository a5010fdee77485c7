/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_stream against a real server: row by row, errors on the way, stopping early. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

enum statement { DIVIDE, COUNT_TO, STATEMENTS };

static const struct db_statement statements[STATEMENTS] = {
    [DIVIDE] = {"divide", "SELECT 1 / $1::int"},
    [COUNT_TO] = {"count_to", "SELECT g, 10 / (5 - g) FROM generate_series(1, $1::int) g"},
};

struct fixture {
    void *owner;
    struct test_database *database;
    struct db *db;
};

static int setup(void **state)
{
    void *owner = memory_owner(NULL, "test");
    struct fixture *fixture = memory_new(owner, struct fixture);
    fixture->owner = owner;
    fixture->database = test_database_new(owner);
    const struct db_options options = {
        .conninfo = test_database_conninfo(owner, fixture->database, NULL),
        .application_name = "patella-test",
        .statements = statements,
        .statement_count = STATEMENTS,
    };
    struct error error = {0};
    fixture->db = db_open(owner, &options, &error);
    if (fixture->db == NULL)
        fail_msg("%s", error.message);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    const struct fixture *fixture = *state;
    talloc_free(fixture->owner);
    return 0;
}

static const struct db_parameters *one_int(const struct fixture *fixture, int value)
{
    struct db_parameters *parameters = db_parameters_new(fixture->owner, 1);
    db_set_int(parameters, 0, value);
    return parameters;
}

struct sum {
    int64_t total;
    int stop_at;             /* row number, 0: never */
};

static bool add_row(void *context, const struct db_result *result, struct error *error)
{
    struct sum *sum = context;
    int64_t value = db_int(result, 0, 0);
    if (value == sum->stop_at)
        return error_set(error, ERROR_INPUT, "enough");
    sum->total += value;
    return true;
}

static void test_db_stream_calls_for_every_row(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct sum sum = {0, 0};
    assert_true(db_stream(fixture->db, COUNT_TO, one_int(fixture, 4), add_row, &sum, &error));
    assert_int_equal(sum.total, 10);
    assert_true(db_stream(fixture->db, COUNT_TO, one_int(fixture, 0), add_row, &sum, &error));
    assert_int_equal(sum.total, 10);
}

static void test_db_stream_error_in_the_middle_is_reported(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct sum sum = {0, 0};
    assert_false(db_stream(fixture->db, COUNT_TO, one_int(fixture, 9), add_row, &sum, &error));
    assert_string_equal(error.sqlstate, "22012");
    assert_true(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
}

static void test_db_stream_stopped_by_the_caller_leaves_the_connection_usable(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct sum sum = {0, 3};
    assert_false(db_stream(fixture->db, COUNT_TO, one_int(fixture, 4), add_row, &sum, &error));
    assert_string_equal(error.message, "enough");
    assert_int_equal(sum.total, 3);
    assert_true(db_run(fixture->db, DIVIDE, one_int(fixture, 1), &error));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_db_stream_calls_for_every_row),
        CASE(test_db_stream_error_in_the_middle_is_reported),
        CASE(test_db_stream_stopped_by_the_caller_leaves_the_connection_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
