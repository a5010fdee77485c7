/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever the quick reader takes, jansson reads in the same way: whole submissions, and thousands spoilt at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/submission_read.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FIELDS "\"id\":\"0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b\",\"subject\":\"01-0001\",\"form\":\"koos\""

static const char *const plain_texts[] = {
    "{" FIELDS "}",
    "{\"answers\":{}}",
    " {\n\t" FIELDS " ,\r\n \"form_version\" : 12 , \"answers\" : { \"p1\" : 0 , \"p2\" : -5 , \"p3\":4 } } \n",
    "{" FIELDS ",\"form_version\":1,\"knee\":\"right\",\"visit\":\"M3\",\"instance\":2,\"version\":3,"
    "\"status\":\"complete\",\"date\":\"2026-03-01\",\"reason\":\"typing error\",\"answers\":{\"s1\":0,\"s2\":\"4\","
    "\"text\":\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\x7f\",\"yes\":true,\"no\":false,\"none\":null,"
    "\"large\":999999999999999},\"not_answered\":{\"q1\":\"refused\",\"q2\":\"\"}}",
    "{\"not_answered\":{},\"answers\":{\"\":\"\",\"a\":1}}",
};

static const char *const other_texts[] = {
    "", "{}", "[]", "1", "{\"id\":\"a\\u0062\"}", "{\"id\":\"a\\\"\"}", "{\"id\":\"a\tb\"}", "{\"id\":\"\xc0\x80\"}",
    "{\"id\":\"\xed\xa0\x80\"}", "{\"id\":\"a\"", "{\"id\":\"a", "{\"id\":\"a\",}", "{\"id\":\"a\"}x",
    "{\"id\":\"a\",\"id\":\"a\"}", "{\"id\":1}", "{\"id\":null}", "{\"more\":1}", "{\"version\":0}",
    "{\"version\":-1}", "{\"version\":1.0}", "{\"version\":1e2}", "{\"version\":01}", "{\"version\":\"1\"}",
    "{\"answers\":{\"a\":1,\"a\":1}}", "{\"answers\":{\"a\":-0}}", "{\"answers\":{\"a\":00}}",
    "{\"answers\":{\"a\":1.5}}", "{\"answers\":{\"a\":1E5}}", "{\"answers\":{\"a\":1234567890123456}}",
    "{\"answers\":{\"a\":-}}", "{\"answers\":{\"a\":tru}}", "{\"answers\":{\"a\":truex}}", "{\"answers\":{\"a\":[]}}",
    "{\"answers\":{\"a\":{}}}", "{\"answers\":{\"a\":1,}}", "{\"answers\":{\"a\":1]}", "{\"answers\":[]}",
    "{\"answers\":{\"a\" 1}}", "{\"not_answered\":{\"a\":1}}", "{\"not_answered\":{\"a\":\"x\",\"a\":\"x\"}}",
    "{\"confirmed\":[]}", "{\"id\" \"a\"}", "{'id':'a'}", "{id:\"a\"}", "\xef\xbb\xbf{\"id\":\"a\"}",
};

static void assert_texts_equal(const char *a, const char *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL && b != NULL)
        assert_string_equal(a, b);
}

static void assert_inputs_equal(const struct submission_input *a, const struct submission_input *b)
{
    assert_texts_equal(a->id, b->id);
    assert_texts_equal(a->subject, b->subject);
    assert_texts_equal(a->knee, b->knee);
    assert_texts_equal(a->form, b->form);
    assert_texts_equal(a->visit, b->visit);
    assert_texts_equal(a->status, b->status);
    assert_texts_equal(a->date, b->date);
    assert_texts_equal(a->reason, b->reason);
    assert_int_equal(a->form_version, b->form_version);
    assert_int_equal(a->instance, b->instance);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->answer_count, b->answer_count);
    for (size_t i = 0; i < a->answer_count; i++) {
        assert_string_equal(a->answers[i].item, b->answers[i].item);
        assert_int_equal(a->answers[i].kind, b->answers[i].kind);
        assert_string_equal(a->answers[i].text, b->answers[i].text);
    }
    assert_int_equal(a->not_answered_count, b->not_answered_count);
    for (size_t i = 0; i < a->not_answered_count; i++) {
        assert_string_equal(a->not_answered[i].item, b->not_answered[i].item);
        assert_null(a->not_answered[i].rule);
        assert_string_equal(a->not_answered[i].reason, b->not_answered[i].reason);
    }
    assert_int_equal(a->confirmed_count, b->confirmed_count);
}

/* True when the quick reader takes it; then the full one must have read the same. */
static bool is_taken(const char *text, size_t length)
{
    void *owner = memory_owner(NULL, "test");
    char *exact = memory_resize_array(owner, NULL, char, length);    /* a step behind its end is seen by ASan */
    if (length > 0)
        memcpy(exact, text, length);
    const struct submission_input *plain = submission_read_plain(owner, exact, length);
    if (plain != NULL) {
        struct problem_list problems = {NULL, 0};
        const struct submission_input *full = submission_read_full(owner, exact, length, &problems);
        if (full == NULL)
            fail_msg("taken, but refused with \"%s\": %s", problems.problems[0].text, text);
        assert_inputs_equal(plain, full);
    }
    talloc_free(owner);
    return plain != NULL;
}

static void test_submission_read_plain_takes_what_programs_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plain_texts); i++)
        if (!is_taken(plain_texts[i], strlen(plain_texts[i])))
            fail_msg("not taken: %s", plain_texts[i]);
}

static void test_submission_read_plain_leaves_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(other_texts); i++)
        if (is_taken(other_texts[i], strlen(other_texts[i])))
            fail_msg("taken: %s", other_texts[i]);
    assert_false(is_taken("{\"id\":\"a\0b\"}", 12));
    assert_false(is_taken("{\"id\":\"a\"}\0", 11));
}

static void test_submission_read_plain_leaves_more_than_256_answers(void **state)
{
    (void)state;
    for (int count = 255; count <= 258; count++) {
        struct text *text = text_new(NULL);
        for (int i = 0; i < count; i++)
            text_append_format(text, "%s\"item%d\":%d", i == 0 ? "{\"answers\":{" : ",", i, i);
        text_append(text, "}}");
        assert_int_equal(is_taken(text->bytes, text->length), count <= 256);
        talloc_free(text);
    }
}

/* Bytes put, dropped, doubled and moved: most of it is no JSON any more, and some of it still is. */
static void spoil(char *text, size_t *length, uint32_t *random)
{
    static const char bytes[] = "\"\"{}{},,::019-.eE \n\\[]tfnu\xc3\x80";
    *random = *random * 1664525 + 1013904223;
    size_t at = (*random >> 8) % *length, from = (*random >> 16) % *length;
    switch (*random >> 29) {
    case 0:
    case 1:
    case 2: text[at] = bytes[(*random >> 4) % (sizeof bytes - 1)]; break;
    case 3:
    case 4:
        memmove(text + at, text + at + 1, *length - at - 1);
        (*length)--;
        break;
    case 5:
        memmove(text + at + 1, text + at, *length - at);
        (*length)++;
        break;
    default: text[at] = text[from]; break;
    }
}

static void test_submission_read_plain_spoilt_texts_are_read_as_jansson_does(void **state)
{
    (void)state;
    uint32_t random = 1;
    size_t taken = 0, left = 0;
    for (int turn = 0; turn < 60000; turn++) {
        char text[1024];
        const char *original = plain_texts[(size_t)turn % COUNT(plain_texts)];
        size_t length = strlen(original);
        memcpy(text, original, length);
        for (int change = 0; change <= turn % 3; change++)
            spoil(text, &length, &random);
        text[length] = '\0';
        if (is_taken(text, length))
            taken++;
        else
            left++;
    }
    assert_true(taken > 5000);    /* else the test shows nothing */
    assert_true(left > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submission_read_plain_takes_what_programs_write),
        cmocka_unit_test(test_submission_read_plain_leaves_the_rest),
        cmocka_unit_test(test_submission_read_plain_leaves_more_than_256_answers),
        cmocka_unit_test(test_submission_read_plain_spoilt_texts_are_read_as_jansson_does),
    };
    return cmocka_run_group_tests_name("submission plain", tests, NULL, NULL);
}
