/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/json_reply.h"
#include "forms/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_number(double value, const char *expected)
{
    struct text *text = text_new(NULL);
    json_reply_number(text, value);
    assert_string_equal(text->bytes, expected);
    talloc_free(text);
}

static void test_json_reply_number_known_texts(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *expected;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {100, "100"},
        {0.1, "0.1"},
        {58.333333333333336, "58.333333333333336"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e300, "1e+300"},
        {(double)NAN, "null"},
        {(double)INFINITY, "null"},
    };
    for (int turn = 0; turn < 2; turn++)   /* the second time what was kept is printed */
        for (size_t i = 0; i < COUNT(cases); i++)
            assert_number(cases[i].value, cases[i].expected);
}

/* More values than are kept: those that share a place put each other out. */
static void test_json_reply_number_many_values_come_back(void **state)
{
    (void)state;
    struct text *text = text_new(NULL);
    for (int turn = 0; turn < 2; turn++)
        for (int n = 0; n < 20000; n++) {
            double value = 100 - n * 100 / 36.0, read = 0;
            text_clear(text);
            json_reply_number(text, value);
            read = strtod(text->bytes, NULL);
            assert_memory_equal(&read, &value, sizeof value);
        }
    talloc_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_reply_number_known_texts),
        cmocka_unit_test(test_json_reply_number_many_values_come_back),
    };
    return cmocka_run_group_tests_name("json reply", tests, NULL, NULL);
}
