/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "forms/base/log.h"

/* What one call writes to stderr. */
static void capture(enum log_level level, const char *message, const char *key, const char *value,
                    char out[4096])
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_write(level, message, key, value, NULL);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t length = read(ends[0], out, 4095);
    close(ends[0]);
    out[length > 0 ? length : 0] = '\0';
}

static void test_log_write_is_one_logfmt_line(void **state)
{
    (void)state;
    char line[4096];
    capture(LOG_LEVEL_INFO, "listening", "port", "8443", line);
    assert_non_null(strstr(line, " level=info msg=listening port=8443\n"));
    assert_memory_equal(line, "ts=2", 4);
}

static void test_log_write_value_cannot_make_a_line(void **state)
{
    (void)state;
    char line[4096];
    capture(LOG_LEVEL_ERROR, "refused", "path", "/a\nts=1 \"x\"", line);
    assert_non_null(strstr(line, "path=\"/a ts=1 \\\"x\\\"\"\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_log_write_long_value_is_cut_and_ended(void **state)
{
    (void)state;
    char line[4096], value[3000];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    capture(LOG_LEVEL_INFO, "long", "value", value, line);
    assert_true(strlen(line) <= 2048);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

static void test_log_set_level_silences_what_is_below(void **state)
{
    (void)state;
    char line[4096];
    enum log_level level;
    assert_true(log_parse_level("warning", &level));
    assert_false(log_parse_level("loud", &level));
    log_set_level(level);
    capture(LOG_LEVEL_INFO, "quiet", "a", "b", line);
    assert_string_equal(line, "");
    capture(LOG_LEVEL_WARNING, "heard", "a", "b", line);
    assert_non_null(strstr(line, "msg=heard"));
    log_set_level(LOG_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_write_is_one_logfmt_line),
        cmocka_unit_test(test_log_write_value_cannot_make_a_line),
        cmocka_unit_test(test_log_write_long_value_is_cut_and_ended),
        cmocka_unit_test(test_log_set_level_silences_what_is_below),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
