/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the elements of an array begin and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/json_array.h"

/* The elements with '|' behind each, then "end" or "broken". */
static void split(const char *text, size_t length, char out[400])
{
    struct json_array array = json_array_begin(text, length);
    const char *element = NULL;
    size_t element_length = 0;
    enum json_array_step step;
    out[0] = '\0';
    while ((step = json_array_next(&array, &element, &element_length)) == JSON_ARRAY_ELEMENT)
        snprintf(out + strlen(out), 400 - strlen(out), "%.*s|", (int)element_length, element);
    strcat(out, step == JSON_ARRAY_END ? "end" : "broken");
    assert_true(array.at >= text && array.at <= text + length);
}

static void test_json_array_next_gives_each_element(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"[]", "end"},
        {" [ ] \n", "end"},
        {"[1]", "1|end"},
        {"[1, 2 ,\n3]", "1|2 |3|end"},
        {"[{\"a\":[1,{\"b\":2}]},[],{}]", "{\"a\":[1,{\"b\":2}]}|[]|{}|end"},
        {"[\"]\",\"\\\"],[\",{\"a\":\"}\"}]", "\"]\"|\"\\\"],[\"|{\"a\":\"}\"}|end"},
        {"[\"\\\\\",1]", "\"\\\\\"|1|end"},
        {"[1e999,12345678901234567890123,{\"x\":tru}]", "1e999|12345678901234567890123|{\"x\":tru}|end"},
        {"[", "broken"},
        {"[1", "broken"},
        {"[1,", "1|broken"},
        {"[1,]", "1|broken"},
        {"[,1]", "broken"},
        {"[1,,2]", "1|broken"},
        {"[1]]", "1|broken"},
        {"[1] x", "1|broken"},
        {"[{]}]", "broken"},
        {"[{\"a\":1]", "broken"},
        {"[1}]", "broken"},
        {"[\"a]", "broken"},
        {"[\"a\\", "broken"},
        {"[\"a\\\"", "broken"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[400];
        /* A copy of just these bytes, so that reading behind them is seen. */
        size_t length = strlen(cases[i].text);
        char *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, cases[i].text, length);
        split(copy, length, out);
        free(copy);
        if (strcmp(out, cases[i].expected) != 0)
            fail_msg("%s: %s, not %s", cases[i].text, out, cases[i].expected);
    }
}

static void test_json_array_next_depth_is_limited(void **state)
{
    (void)state;
    char text[300] = "[", out[400];
    memset(text + 1, '[', 64);
    memset(text + 65, ']', 64);
    strcpy(text + 129, "]");
    split(text, strlen(text), out);
    assert_string_equal(out + strlen(out) - 4, "|end");
    memset(text + 1, '[', 65);
    memset(text + 66, ']', 65);
    strcpy(text + 131, "]");
    split(text, strlen(text), out);
    assert_string_equal(out, "broken");
}

static void test_json_array_next_nul_bytes_are_bytes(void **state)
{
    static const char text[] = "[\"a\0]\",\0]";
    (void)state;
    struct json_array array = json_array_begin(text, sizeof text - 1);
    const char *element = NULL;
    size_t length = 0;
    assert_int_equal(json_array_next(&array, &element, &length), JSON_ARRAY_ELEMENT);
    assert_int_equal(length, 5);
    assert_int_equal(json_array_next(&array, &element, &length), JSON_ARRAY_ELEMENT);
    assert_int_equal(length, 1);
    assert_int_equal(json_array_next(&array, &element, &length), JSON_ARRAY_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_array_next_gives_each_element),
        cmocka_unit_test(test_json_array_next_depth_is_limited),
        cmocka_unit_test(test_json_array_next_nul_bytes_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
