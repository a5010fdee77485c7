/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "forms/base/log.h"
#include "forms/base/text.h"

/* A pipe in the place of stderr. */
struct capture {
    int read_end, saved;
};

static struct capture capture_begin(void)
{
    int ends[2];
    struct capture capture = {.saved = dup(STDERR_FILENO)};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    capture.read_end = ends[0];
    return capture;
}

/* What was written since the last look; "" for nothing. */
static void capture_read(const struct capture *capture, char out[8192])
{
    ssize_t length = read(capture->read_end, out, 8191);
    out[length > 0 ? length : 0] = '\0';
}

static void capture_end(const struct capture *capture)
{
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    close(capture->read_end);
}

/* What one call writes to stderr. */
static void capture(enum log_level level, const char *message, const char *key, const char *value,
                    char out[8192])
{
    struct capture capture = capture_begin();
    log_write(level, message, key, value, NULL);
    capture_read(&capture, out);
    capture_end(&capture);
}

static void test_log_write_is_one_logfmt_line(void **state)
{
    (void)state;
    char line[8192];
    capture(LOG_LEVEL_INFO, "listening", "port", "8443", line);
    assert_non_null(strstr(line, " level=info msg=listening port=8443\n"));
    assert_memory_equal(line, "ts=2", 4);
}

static void test_log_write_value_cannot_make_a_line(void **state)
{
    (void)state;
    char line[8192];
    capture(LOG_LEVEL_ERROR, "refused", "path", "/a\nts=1 \"x\"", line);
    assert_non_null(strstr(line, "path=\"/a ts=1 \\\"x\\\"\"\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

/* What follows is no character then, and is written as it is. */
static void test_log_write_control_character_takes_nothing_with_it(void **state)
{
    (void)state;
    char line[8192];
    capture(LOG_LEVEL_ERROR, "refused", "path", "a\n\x80\x81\x82\x83\x84\x85z", line);
    assert_non_null(strstr(line, "path=\"a \x80\x81\x82\x83\x84\x85z\"\n"));
}

static void test_log_write_long_value_is_cut_and_ended(void **state)
{
    (void)state;
    char line[8192], value[3000];
    memset(value, 'v', sizeof value);
    value[sizeof value - 1] = '\0';
    capture(LOG_LEVEL_INFO, "long", "value", value, line);
    assert_true(strlen(line) <= 2048);
    assert_int_equal(line[strlen(line) - 1], '\n');
}

/* Wherever the line's room ends, quoted or not: never within a character. */
static void test_log_write_cut_is_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        char line[8192], value[3000], *end = value;
        end += sprintf(end, "%.*s", (int)shift, shift % 2 == 0 ? "aaaaaaaa" : "a a a a a");
        while (end < value + sizeof value - 8)
            end += sprintf(end, "\xe2\x82\xac");
        capture(LOG_LEVEL_INFO, "long", "value", value, line);
        assert_true(strlen(line) <= 2048);
        assert_true(text_is_utf8(line, strlen(line)));
        assert_int_equal(line[strlen(line) - 1], '\n');
    }
}

static void test_log_write_later_waits_for_the_flush(void **state)
{
    (void)state;
    char first[8192], flushed[8192], again[8192];
    struct capture capture = capture_begin();
    log_write_later(LOG_LEVEL_INFO, "one", NULL);
    log_write_later(LOG_LEVEL_DEBUG, "silent", NULL);
    log_write_later(LOG_LEVEL_INFO, "two", NULL);
    capture_read(&capture, first);
    log_flush();
    capture_read(&capture, flushed);
    log_flush();
    capture_read(&capture, again);
    capture_end(&capture);
    assert_string_equal(first, "");
    assert_non_null(strstr(flushed, "msg=one\nts="));
    assert_non_null(strstr(flushed, "msg=two\n"));
    assert_null(strstr(flushed, "silent"));
    assert_string_equal(again, "");
}

static void test_log_write_puts_what_was_kept_first(void **state)
{
    (void)state;
    char lines[8192];
    struct capture capture = capture_begin();
    log_write_later(LOG_LEVEL_INFO, "before", NULL);
    log_write(LOG_LEVEL_INFO, "after", NULL);
    capture_read(&capture, lines);
    capture_end(&capture);
    assert_non_null(strstr(lines, "msg=before\nts="));
    assert_non_null(strstr(lines, "msg=after\n"));
    assert_true(strstr(lines, "before") < strstr(lines, "after"));
}

static void test_log_write_later_loses_no_line_of_many(void **state)
{
    (void)state;
    char lines[200 * 64], *end = lines;
    struct capture capture = capture_begin();
    for (int i = 0; i < 200; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        log_write_later(LOG_LEVEL_INFO, "many", "n", number, NULL);
    }
    log_flush();
    for (ssize_t got; (got = read(capture.read_end, end, (size_t)(lines + sizeof lines - 1 - end))) > 0;) {
        assert_int_equal(end[got - 1], '\n');    /* whole lines in each write */
        end += got;
    }
    *end = '\0';
    capture_end(&capture);
    const char *at = lines;
    for (int i = 0; i < 200; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "msg=many n=%d\n", i);
        at = strstr(at, expected);
        assert_non_null(at);
    }
}

static void test_log_set_level_silences_what_is_below(void **state)
{
    (void)state;
    char line[8192];
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
        cmocka_unit_test(test_log_write_control_character_takes_nothing_with_it),
        cmocka_unit_test(test_log_write_long_value_is_cut_and_ended),
        cmocka_unit_test(test_log_write_cut_is_between_characters),
        cmocka_unit_test(test_log_write_later_waits_for_the_flush),
        cmocka_unit_test(test_log_write_puts_what_was_kept_first),
        cmocka_unit_test(test_log_write_later_loses_no_line_of_many),
        cmocka_unit_test(test_log_set_level_silences_what_is_below),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
