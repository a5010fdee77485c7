/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_text_append_format_long_text_grows(void **state)
{
    (void)state;
    struct text *text = text_new(NULL);
    for (int i = 0; i < 1000; i++)
        text_append_format(text, "%04d,%s", i, "0123456789012345678901234567890123456789");
    assert_int_equal(text->length, 45 * 1000);
    assert_int_equal(strlen(text->bytes), text->length);
    assert_memory_equal(text->bytes + 45 * 999, "0999,", 5);
    text_clear(text);
    assert_string_equal(text->bytes, "");
    talloc_free(text);
}

static void test_text_append_escapers_give_safe_text(void **state)
{
    (void)state;
    static const struct {
        void (*append)(struct text *text, const char *string);
        const char *string, *expected;
    } cases[] = {
        {text_append_json, "", "\"\""},
        {text_append_json, "a\"b\\c", "\"a\\\"b\\\\c\""},
        {text_append_json, "\n\t\r\b\f\x01\x7f", "\"\\n\\t\\r\\b\\f\\u0001\x7f\""},
        {text_append_json, "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {text_append_html, "<a href=\"x\" b='y'>&", "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;"},
        {text_append_csv, "plain", "plain"},
        {text_append_csv, "a,b", "\"a,b\""},
        {text_append_csv, "say \"x\"\n", "\"say \"\"x\"\"\n\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text *text = text_new(NULL);
        cases[i].append(text, cases[i].string);
        assert_string_equal(text->bytes, cases[i].expected);
        talloc_free(text);
    }
}

static void test_text_append_integer_is_what_printf_prints(void **state)
{
    (void)state;
    static const int64_t cases[] = {0, 1, -1, 9, 10, 99, 100, -100, 1234567890123456789, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text *text = text_new(NULL);
        char expected[TEXT_NUMBER_SIZE + 2];
        snprintf(expected, sizeof expected, "a%lld", (long long)cases[i]);
        text_append(text, "a");
        text_append_integer(text, cases[i]);
        assert_string_equal(text->bytes, expected);
        assert_int_equal(text->length, strlen(expected));
        talloc_free(text);
    }
}

static void test_text_from_number_fills_up_with_zeros(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        size_t width;
        const char *expected;
    } cases[] = {
        {0, 1, "0"}, {0, 0, "0"}, {7, 2, "07"}, {12, 4, "0012"}, {123456, 4, "123456"},
        {UINT64_MAX, 1, "18446744073709551615"}, {1, 20, "00000000000000000001"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[TEXT_NUMBER_SIZE];
        assert_int_equal(text_from_number(cases[i].number, cases[i].width, out), strlen(cases[i].expected));
        assert_string_equal(out, cases[i].expected);
    }
}

static void test_text_is_utf8_cases(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        bool valid;
    } cases[] = {
        {"", 0, true},
        {"abc", 3, true},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, true},
        {"a\0b", 3, false},             /* NUL */
        {"\x80", 1, false},             /* continuation first */
        {"\xc3", 1, false},             /* cut off */
        {"\xc0\xaf", 2, false},         /* overlong */
        {"\xe0\x80\xaf", 3, false},     /* overlong */
        {"\xed\xa0\x80", 3, false},     /* surrogate */
        {"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
        {"\xff", 1, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_is_utf8(cases[i].bytes, cases[i].length), cases[i].valid);
}

static void test_text_drop_broken_keeps_whole_characters(void **state)
{
    (void)state;
    static const struct {
        const char *given, *kept;
    } cases[] = {
        {"", ""},
        {"whole \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "whole \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"cut \xc3", "cut "},
        {"cut \xf0\x9f\x98", "cut "},
        {"'\xe2\x82', and on", "'', and on"},
        {"\xff\xc0\xaf", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char string[40] = {0};
        memcpy(string, cases[i].given, strlen(cases[i].given));
        text_drop_broken(string);
        assert_string_equal(string, cases[i].kept);
    }
}

static void test_text_to_nfc_composes(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const char *ascii = "plain";
    assert_ptr_equal(text_to_nfc(owner, ascii), ascii);
    const char *composed = "\xc3\xbc";
    assert_ptr_equal(text_to_nfc(owner, composed), composed);
    assert_string_equal(text_to_nfc(owner, "u\xcc\x88"), composed);
    assert_string_equal(text_to_nfc(owner, "\xe2\x84\xab"), "\xc3\x85");   /* angstrom sign */
    assert_string_equal(text_to_nfc(owner, "\xf0\x9d\x85\x9e"),
                        "\xf0\x9d\x85\x97\xf0\x9d\x85\xa5"); /* grows */
    talloc_free(owner);
}

static void test_text_has_control_cases(void **state)
{
    (void)state;
    assert_false(text_has_control("tab\t, line\n, \xc3\xa4, \xc2\xa0"));
    assert_true(text_has_control("return\r"));
    assert_true(text_has_control("\x1b[31m"));
    assert_true(text_has_control("\x7f"));
    assert_true(text_has_control("\xc2\x85"));
}

static void test_text_count_characters_counts_code_points(void **state)
{
    (void)state;
    assert_int_equal(text_count_characters(""), 0);
    assert_int_equal(text_count_characters("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 4);
}

static void test_text_count_visible_leaves_blanks_out(void **state)
{
    (void)state;
    /* the same characters as in core.is_reason: U+0009 .. U+000D, 0020, 00A0, 00AD, 1680, 180E, 2000, 200F, 2028, 202F,
     * 205F, 2060, 3000, FEFF */
    static const char *const blanks[] = {
        "\t", "\n", "\v", "\f", "\r", " ", "\xc2\xa0", "\xc2\xad", "\xe1\x9a\x80", "\xe1\xa0\x8e", "\xe2\x80\x80",
        "\xe2\x80\x8b", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe2\x81\xa0", "\xe3\x80\x80",
        "\xef\xbb\xbf", "\xc2\x85",
    };
    /* neighbours of them, and longer sequences: U+0021, 00A1, 00AE, 1681, 2010, 2030, 2061, 3001, 1F600 */
    static const char *const visible[] = {
        "!", "\xc2\xa1", "\xc2\xae", "\xe1\x9a\x81", "\xe2\x80\x90", "\xe2\x80\xb0", "\xe2\x81\xa1", "\xe3\x80\x81",
        "\xf0\x9f\x98\x80",
    };
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        assert_int_equal(text_count_visible(blanks[i]), 0);
    for (size_t i = 0; i < sizeof visible / sizeof visible[0]; i++)
        assert_int_equal(text_count_visible(visible[i]), 1);
    assert_int_equal(text_count_visible("a\xc2\xa0\xc3\xa4 \xe2\x82\xac"), 3);
}

static void test_text_to_int64_cases(void **state)
{
    (void)state;
    static const struct {
        const char *string;
        bool valid;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-17", true, -17},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;
        assert_int_equal(text_to_int64(cases[i].string, &value), cases[i].valid);
        assert_true(value == cases[i].value);
    }
}

static void test_text_to_decimal_cases(void **state)
{
    (void)state;
    static const struct {
        const char *string;
        bool valid;
        double value;
    } cases[] = {
        {"0", true, 0},       {"27.40", true, 27.4},
        {"-3.5", true, -3.5}, {"123456789012345678", true, 123456789012345678.0},
        {"", false, 0},       {".5", false, 0},
        {"5.", false, 0},     {"1e3", false, 0},
        {"+1", false, 0},     {"1,5", false, 0},
        {"nan", false, 0},    {"inf", false, 0},
        {"0x1p3", false, 0},  {"1.5.2", false, 0},
        {"1 ", false, 0},     {"1234567890123456789", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = 0;
        assert_int_equal(text_to_decimal(cases[i].string, &value), cases[i].valid);
        assert_true(value == cases[i].value);
    }
}

static void test_text_to_uuid_cases(void **state)
{
    (void)state;
    uint8_t uuid[16];
    char text[37];
    assert_true(text_to_uuid("0188B3A0-1234-7000-8000-00000000abCD", uuid));
    text_from_uuid(uuid, text);
    assert_string_equal(text, "0188b3a0-1234-7000-8000-00000000abcd");
    assert_false(text_to_uuid("", uuid));
    assert_false(text_to_uuid("0188b3a0123470008000000000000abcd123", uuid));
    assert_false(text_to_uuid("0188b3a0-1234-7000-8000-00000000abcg", uuid));
    assert_false(text_to_uuid("0188b3a0-1234-7000-8000-00000000abcd ", uuid));
}

static void test_text_read_file_limit_and_absence_are_errors(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    char path[] = "/tmp/patella_test_text_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, "12345", 5), 5);
    close(file);
    size_t length = 0;
    assert_string_equal(text_read_file(owner, path, 5, &length, &error), "12345");
    assert_int_equal(length, 5);
    assert_null(text_read_file(owner, path, 4, &length, &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    unlink(path);
    assert_null(text_read_file(owner, path, 5, &length, &error));
    assert_int_equal(error.kind, ERROR_IO);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_append_format_long_text_grows),
        cmocka_unit_test(test_text_append_escapers_give_safe_text),
        cmocka_unit_test(test_text_append_integer_is_what_printf_prints),
        cmocka_unit_test(test_text_from_number_fills_up_with_zeros),
        cmocka_unit_test(test_text_is_utf8_cases),
        cmocka_unit_test(test_text_drop_broken_keeps_whole_characters),
        cmocka_unit_test(test_text_to_nfc_composes),
        cmocka_unit_test(test_text_has_control_cases),
        cmocka_unit_test(test_text_count_characters_counts_code_points),
        cmocka_unit_test(test_text_count_visible_leaves_blanks_out),
        cmocka_unit_test(test_text_to_int64_cases),
        cmocka_unit_test(test_text_to_decimal_cases),
        cmocka_unit_test(test_text_to_uuid_cases),
        cmocka_unit_test(test_text_read_file_limit_and_absence_are_errors),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
