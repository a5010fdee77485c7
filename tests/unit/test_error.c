/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/error.h"

static void test_error_set_old_message_as_argument_is_wrapped(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(error_set(&error, ERROR_INPUT, "no such cut"));
    assert_false(error_set(&error, ERROR_DATABASE, "while reading: %s", error.message));
    assert_string_equal(error.message, "while reading: no such cut");
    assert_int_equal(error.kind, ERROR_DATABASE);
}

static void test_error_set_long_message_is_cut(void **state)
{
    (void)state;
    struct error error = {0};
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_false(error_set(&error, ERROR_INPUT, "%s", text));
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static void test_error_set_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    struct error error = {0};
    char text[3000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    text[sizeof text - 1] = '\0';
    assert_false(error_set(&error, ERROR_INPUT, "%s", text));
    assert_int_equal(strlen(error.message), sizeof error.message - 2);
}

static void test_error_set_forgets_the_state_before(void **state)
{
    (void)state;
    struct error error = {0};
    memcpy(error.sqlstate, "23505", 6);
    error.line = 7;
    assert_false(error_set(&error, ERROR_BUSY, "later"));
    assert_string_equal(error.sqlstate, "");
    assert_int_equal(error.line, 0);
}

static void test_error_at_keeps_file_and_line(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(error_at(&error, ERROR_INPUT, "koos.yaml", 14, "item %s", "p3"));
    assert_string_equal(error.file, "koos.yaml");
    assert_int_equal(error.line, 14);
    assert_string_equal(error.message, "item p3");
    assert_false(error_at(&error, ERROR_INPUT, error.file, 15, "again"));
    assert_string_equal(error.file, "koos.yaml");
}

static void test_error_io_names_the_reason(void **state)
{
    (void)state;
    struct error error = {0};
    assert_false(error_io(&error, ENOENT, "demo.yaml"));
    assert_string_equal(error.message, "demo.yaml: No such file or directory");
    assert_int_equal(error.kind, ERROR_IO);
}

static void test_error_exit_status_wrong_use_is_2(void **state)
{
    (void)state;
    struct error error = {.kind = ERROR_USAGE};
    assert_int_equal(error_exit_status(&error), 2);
    error.kind = ERROR_INPUT;
    assert_int_equal(error_exit_status(&error), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_set_old_message_as_argument_is_wrapped),
        cmocka_unit_test(test_error_set_long_message_is_cut),
        cmocka_unit_test(test_error_set_long_message_is_cut_between_characters),
        cmocka_unit_test(test_error_set_forgets_the_state_before),
        cmocka_unit_test(test_error_at_keeps_file_and_line),
        cmocka_unit_test(test_error_io_names_the_reason),
        cmocka_unit_test(test_error_exit_status_wrong_use_is_2),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
