/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_copy against a real server: types, several connections at once, failures on the way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "migrations/db_copy.h"
#include "tests/support/test_database.h"

enum statement { EVERY_TYPE, NULLS, COUNT, DIVIDE, ONE, STATEMENTS };

static const struct db_statement statements[STATEMENTS] = {
    [EVERY_TYPE] = {.name = "every type", .copies = true, .sql =
        "COPY (SELECT -5::bigint << 40, -7::int, -9::smallint, 'right'::text, date '1999-12-31',\n"
        "    timestamptz '1970-01-01 00:00:01.5+00', '{1.5,-0.25,NaN,NULL}'::float8[], '{}'::float8[]\n"
        ") TO STDOUT (FORMAT binary)"},
    [NULLS] = {.name = "nulls", .copies = true, .sql =
        "COPY (SELECT NULL::int, NULL::text, NULL::date, NULL::float8[], 4::int, true\n"
        ") TO STDOUT (FORMAT binary)"},
    /* The setting says how far; an empty result has a header and an end alone. */
    [COUNT] = {.name = "count", .copies = true, .sql =
        "COPY (SELECT g, repeat('x', 1000) FROM generate_series(1, current_setting('test.most')::int) g\n"
        ") TO STDOUT (FORMAT binary)"},
    [DIVIDE] = {.name = "divide", .copies = true, .sql =
        "COPY (SELECT 10 / (5000 - g), repeat('x', 100) FROM generate_series(1, 9000) g) TO STDOUT (FORMAT binary)"},
    [ONE] = {.name = "one", .sql = "SELECT 1"},
};

enum { CONNECTIONS = 2 };

struct fixture {
    void *owner;
    struct db *db[CONNECTIONS];
};

static int setup(void **state)
{
    void *owner = memory_owner(NULL, "test");
    struct fixture *fixture = memory_new(owner, struct fixture);
    fixture->owner = owner;
    const struct db_options options = {
        .conninfo = test_database_conninfo(owner, test_database_new(owner), NULL),
        .application_name = "patella-test",
        .statements = statements,
        .statement_count = STATEMENTS,
    };
    struct error error = {0};
    fixture->db[0] = db_open(owner, &options, &error);
    fixture->db[1] = fixture->db[0] != NULL ? db_open_beside(owner, fixture->db[0], &error) : NULL;
    if (fixture->db[1] == NULL)
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

/* ---- rows ---- */

static bool check_every_type(void *context, struct db_row *row, struct error *error)
{
    int64_t number;
    int32_t days;
    const char *text;
    size_t length, count;
    double values[8];
    (void)error;
    assert_true(db_row_int(row, &number) && number == -(INT64_C(5) << 40));
    assert_true(db_row_int(row, &number) && number == -7);
    assert_true(db_row_int(row, &number) && number == -9);
    assert_true(db_row_bytes(row, &text, &length) && length == 5 && memcmp(text, "right", 5) == 0);
    assert_true(db_row_date(row, &days) && days == 10956);
    assert_true(db_row_bytes(row, &text, &length) && length == 8 && db_time_of_bytes(text) == 1500000);
    assert_true(db_row_doubles(row, values, 8, &count) && count == 4);
    assert_true(values[0] == 1.5 && values[1] == -0.25 && isnan(values[2]) && isnan(values[3]));
    assert_true(db_row_doubles(row, values, 8, &count) && count == 0);
    assert_false(db_row_bytes(row, &text, &length));     /* there are no more columns */
    (*(int *)context)++;
    return true;
}

static void test_db_copy_values_come_as_they_are(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    int rows = 0;
    assert_true(db_copy(&(struct db_copy){fixture->db[0], EVERY_TYPE, check_every_type, &rows}, 1, &error));
    assert_int_equal(rows, 1);
}

static bool check_nulls(void *context, struct db_row *row, struct error *error)
{
    int64_t number;
    int32_t days;
    const char *text;
    size_t length, count;
    double value;
    (void)context, (void)error;
    assert_false(db_row_int(row, &number));
    assert_false(db_row_bytes(row, &text, &length));
    assert_string_equal(text, "");
    assert_false(db_row_date(row, &days));
    assert_false(db_row_doubles(row, &value, 1, &count));
    assert_int_equal(count, 0);
    assert_true(db_row_int(row, &number) && number == 4);
    assert_false(db_row_int(row, &number));      /* a boolean has one byte */
    return true;
}

static void test_db_copy_nulls_and_other_types_are_told(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    assert_true(db_copy(&(struct db_copy){fixture->db[0], NULLS, check_nulls, NULL}, 1, &error));
}

/* ---- several connections ---- */

struct sum {
    int64_t total, rows;
    int64_t stop_at;             /* row; 0: none */
};

static bool add(void *context, struct db_row *row, struct error *error)
{
    struct sum *sum = context;
    int64_t number;
    assert_true(db_row_int(row, &number));
    sum->total += number;
    return ++sum->rows != sum->stop_at || error_set(error, ERROR_INPUT, "enough");
}

/* Both count in a transaction of their own, so far. */
static void begin(const struct fixture *fixture, int first, int second)
{
    struct error error = {0};
    const int most[CONNECTIONS] = {first, second};
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_true(db_begin(fixture->db[i], DB_READ_COMMITTED, &error));
        test_run(fixture->db[i], memory_format(fixture->owner, "SET LOCAL test.most = '%d'", most[i]));
    }
}

static bool count_both(const struct fixture *fixture, struct sum sums[CONNECTIONS], struct error *error)
{
    const struct db_copy copies[CONNECTIONS] = {
        {fixture->db[0], COUNT, add, &sums[0]}, {fixture->db[1], COUNT, add, &sums[1]},
    };
    return db_copy(copies, CONNECTIONS, error);
}

static void test_db_copy_over_two_connections_gives_the_rows_of_both(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    struct sum sums[CONNECTIONS] = {{0}, {0}};
    begin(fixture, 20000, 0);
    assert_true(count_both(fixture, sums, &error));
    assert_int_equal(sums[0].rows, 20000);
    assert_int_equal(sums[0].total, 20000 * INT64_C(20001) / 2);
    assert_int_equal(sums[1].rows, 0);
}

static void assert_usable(const struct fixture *fixture)
{
    struct error error = {0};
    for (int i = 0; i < CONNECTIONS; i++) {
        db_rollback(fixture->db[i]);
        struct db_result *result = db_execute(fixture->owner, fixture->db[i], ONE, NULL, &error);
        assert_non_null(result);
        assert_int_equal(db_int(result, 0, 0), 1);
    }
}

static void test_db_copy_stopped_in_the_middle_leaves_the_connections_usable(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    struct sum sums[CONNECTIONS] = {{0}, {.stop_at = 77}};
    begin(fixture, 100000, 100000);
    assert_false(count_both(fixture, sums, &error));
    assert_string_equal(error.message, "enough");
    assert_int_equal(sums[1].rows, 77);
    assert_usable(fixture);
}

static void test_db_copy_refused_by_postgresql_says_so(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    struct sum sums[CONNECTIONS] = {{0}, {0}};
    begin(fixture, 100000, 0);
    const struct db_copy copies[CONNECTIONS] = {
        {fixture->db[0], COUNT, add, &sums[0]}, {fixture->db[1], DIVIDE, add, &sums[1]},
    };
    assert_false(db_copy(copies, CONNECTIONS, &error));
    assert_string_equal(error.sqlstate, "22012");
    assert_usable(fixture);
}

static void test_db_copy_lost_connection_is_an_error(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    struct sum sums[CONNECTIONS] = {{0}, {0}};
    begin(fixture, 10, 10);
    db_rollback(fixture->db[0]);
    const char *pid = test_value(fixture->db[1], "SELECT pg_backend_pid()");
    test_run(fixture->db[0], memory_format(fixture->owner, "SELECT pg_terminate_backend(%s, 10000)", pid));
    const struct db_copy copy = {fixture->db[1], COUNT, add, &sums[1]};
    assert_false(db_copy(&copy, 1, &error));
    assert_true(db_is_transient(&error));
}

static void test_db_copy_of_a_statement_that_does_not_copy_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct error error = {0};
    const struct db_copy copy = {fixture->db[0], ONE, add, NULL};
    assert_false(db_copy(&copy, 1, &error));
    assert_int_equal(error.kind, ERROR_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_db_copy_values_come_as_they_are),
        TEST(test_db_copy_nulls_and_other_types_are_told),
        TEST(test_db_copy_over_two_connections_gives_the_rows_of_both),
        TEST(test_db_copy_stopped_in_the_middle_leaves_the_connections_usable),
        TEST(test_db_copy_refused_by_postgresql_says_so),
        TEST(test_db_copy_lost_connection_is_an_error),
        TEST(test_db_copy_of_a_statement_that_does_not_copy_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
