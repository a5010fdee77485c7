/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/submission.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_submission_read_json_every_field_is_read(void **state)
{
    (void)state;
    static const char json[] =
        "{\"id\":\"0188b3a0-0000-7000-8000-000000000001\",\"subject\":\"07-0012\",\"knee\":\"right\","
        "\"form\":\"koos\","
        "\"form_version\":2,\"visit\":\"M3\",\"instance\":3,\"version\":4,\"status\":\"complete\",\"date\":"
        "\"2026-03-01\","
        "\"reason\":\"typing "
        "error\",\"answers\":{\"a\":2,\"b\":\"27.4\",\"c\":true,\"d\":1.5,\"e\":null,\"f\":[1]},"
        "\"not_answered\":{\"g\":\"refused\"},\"confirmed\":[{\"item\":\"b\",\"rule\":\"soft_range\","
        "\"reason\":\"measured\"},"
        "{\"item\":null,\"rule\":\"x\",\"reason\":\"y\"},{\"rule\":\"x\",\"reason\":\"y\"}]}";
    static const struct raw_answer expected[] = {
        {"a", RAW_INTEGER, "2"}, {"b", RAW_TEXT, "27.4"}, {"c", RAW_BOOLEAN, "true"},
        {"d", RAW_REAL, "1.5"},  {"e", RAW_NULL, ""},     {"f", RAW_OTHER, ""},
    };
    void *owner = memory_owner(NULL, "test");
    struct problem_list problems = {NULL, 0};
    const struct submission_input *input = submission_read_json(owner, json, strlen(json), &problems);
    assert_non_null(input);
    assert_int_equal(problems.count, 0);
    assert_string_equal(input->id, "0188b3a0-0000-7000-8000-000000000001");
    assert_string_equal(input->subject, "07-0012");
    assert_string_equal(input->knee, "right");
    assert_string_equal(input->form, "koos");
    assert_string_equal(input->visit, "M3");
    assert_string_equal(input->status, "complete");
    assert_string_equal(input->date, "2026-03-01");
    assert_string_equal(input->reason, "typing error");
    assert_true(input->form_version == 2 && input->instance == 3 && input->version == 4);
    assert_int_equal(input->answer_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_string_equal(input->answers[i].item, expected[i].item);
        assert_int_equal(input->answers[i].kind, expected[i].kind);
        assert_string_equal(input->answers[i].text, expected[i].text);
    }
    assert_int_equal(input->not_answered_count, 1);
    assert_string_equal(input->not_answered[0].reason, "refused");
    assert_int_equal(input->confirmed_count, 3);
    assert_string_equal(input->confirmed[0].rule, "soft_range");
    assert_null(input->confirmed[1].item);
    assert_null(input->confirmed[2].item);
    talloc_free(owner);
}

static void test_submission_read_json_large_integers_keep_their_digits(void **state)
{
    (void)state;
    static const char json[] = "{\"answers\":{\"a\":9223372036854775807,\"b\":-9007199254740993}}";
    void *owner = memory_owner(NULL, "test");
    struct problem_list problems = {NULL, 0};
    const struct submission_input *input = submission_read_json(owner, json, strlen(json), &problems);
    assert_non_null(input);
    assert_string_equal(input->answers[0].text, "9223372036854775807");
    assert_string_equal(input->answers[1].text, "-9007199254740993");
    talloc_free(owner);
}

static void test_submission_read_json_wrong_shapes_are_problems(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *item;   /* NULL: the whole */
        const char *says;
    } cases[] = {
        {"", NULL, "line 1"},
        {"{", NULL, "line 1"},
        {"[]", NULL, "must be a JSON object"},
        {"null", NULL, "line 1"},
        {"{} {}", NULL, "end of file expected"},
        {"{\"id\":\"a\",\"id\":\"b\"}", NULL, "duplicate"},
        {"{\"answers\":{\"a\":1,\"a\":2}}", NULL, "duplicate"},
        {"{\"id\":1}", "id", "must be a JSON string"},
        {"{\"reason\":null}", "reason", "must be a JSON string"},
        {"{\"version\":\"1\"}", "version", "must be a whole number"},
        {"{\"version\":0}", "version", "must be a whole number from 1"},
        {"{\"instance\":-1}", "instance", "must be a whole number from 1"},
        {"{\"form_version\":1.0}", "form_version", "must be a whole number from 1"},
        {"{\"answer\":{}}", "answer", "unknown field \"answer\""},
        {"{\"answers\":[]}", "answers", "must be an object"},
        {"{\"not_answered\":[]}", "not_answered", "must be an object"},
        {"{\"not_answered\":{\"a\":1}}", "a", "must be a JSON string"},
        {"{\"confirmed\":{}}", "confirmed", "must be a list"},
        {"{\"confirmed\":[1]}", "confirmed", "entry 1"},
        {"{\"confirmed\":[{\"rule\":\"a\"}]}", "confirmed", "entry 1"},
        {"{\"confirmed\":[{\"rule\":\"a\",\"reason\":1}]}", "confirmed", "entry 1"},
        {"{\"confirmed\":[{\"rule\":\"a\",\"reason\":\"b\",\"more\":\"c\"}]}", "confirmed", "entry 1"},
        {"{\"answers\":{\"a\":99999999999999999999}}", NULL, "JSON strings"},
        {"{\"answers\":{\"a\":1e999}}", NULL, "JSON strings"},
        {"{\"id\":\"\\ud800\"}", NULL, "line 1"},
        {"{\"id\":\"\\u0000\"}", NULL, "line 1"},
        {"{\"id\":\"\xff\"}", NULL, "line 1"},
        {"{\"answers\":{\"a\":[[[[[[[1]]]]]]]}}", NULL, "deeper than 8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct problem_list problems = {NULL, 0};
        assert_null(submission_read_json(owner, cases[i].json, strlen(cases[i].json), &problems));
        assert_int_equal(problems.count, 1);
        const struct problem *problem = &problems.problems[0];
        if (strstr(problem->text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].json, problem->text);
        assert_string_equal(problem->rule, "json");
        if (cases[i].item == NULL)
            assert_null(problem->item);
        else
            assert_string_equal(problem->item, cases[i].item);
        talloc_free(owner);
    }
}

static void test_submission_read_json_all_problems_at_once(void **state)
{
    (void)state;
    static const char json[] = "{\"id\":1,\"knee\":2,\"versions\":1,\"answers\":3,\"instance\":\"x\"}";
    void *owner = memory_owner(NULL, "test");
    struct problem_list problems = {NULL, 0};
    assert_null(submission_read_json(owner, json, strlen(json), &problems));
    assert_int_equal(problems.count, 5);
    talloc_free(owner);
}

static void test_submission_read_json_size_and_depth_are_limited(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct problem_list problems = {NULL, 0};
    struct text *text = text_new(owner);
    text_append(text, "{\"reason\":\"");
    while (text->length < SUBMISSION_JSON_LIMIT - 2)
        text_append(text, "x");
    text_append(text, "\"}");
    assert_non_null(submission_read_json(owner, text->bytes, text->length, &problems));
    text_append(text, " ");
    assert_null(submission_read_json(owner, text->bytes, text->length, &problems));
    assert_non_null(strstr(problems.problems[0].text, "256 KiB"));
    text_clear(text);
    for (int i = 0; i < 100000; i++)
        text_append(text, "[");
    assert_null(submission_read_json(owner, text->bytes, text->length, &problems));
    assert_non_null(strstr(problems.problems[1].text, "deeper"));
    /* brackets inside a string are text */
    static const char brackets[] = "{\"reason\":\"[[[[[[[[[[[[\\\"{{{{{{{{{{\"}";
    assert_non_null(submission_read_json(owner, brackets, strlen(brackets), &problems));
    talloc_free(owner);
}

static void test_problem_add_stops_at_the_limit(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct problem_list problems = {NULL, 0};
    for (int i = 0; i < 1000; i++)
        problem_add(owner, &problems, true, "item", "rule", "problem %d", i);
    assert_int_equal(problems.count, PROBLEM_LIMIT);
    assert_string_equal(problems.problems[0].text, "problem 0");
    assert_non_null(strstr(problems.problems[PROBLEM_LIMIT - 1].text, "more problems"));
    assert_false(problems.problems[PROBLEM_LIMIT - 1].soft);
    talloc_free(owner);
}

static void test_submission_read_answers_canonical_text_comes_back(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form_of_items(owner, "{id: a, text: a, type: integer}\n"
                                                               "{id: b, text: b, type: decimal}\n"
                                                               "{id: c, text: c, type: boolean}\n"
                                                               "{id: d, text: d, type: partial_date}\n"
                                                               "{id: e, text: e, type: text}\n"
                                                               "{id: f, text: f, type: integer}\n");
    struct error error = {0};
    const struct answer *answers = submission_read_answers(
        owner, form,
        "{\"study\":\"demo\",\"form\":\"test\",\"form_version\":1,\"answers\":{\"a\":5,\"b\":\"2.50\",\"c\":"
        "true,"
        "\"d\":\"2026-03\",\"e\":\"say \\\"x\\\"\"},\"not_answered\":{\"f\":\"refused\"}}",
        &error);
    assert_non_null(answers);
    assert_true(answers[0].number == 5 && answers[1].number == 2.5 && answers[2].number == 1);
    assert_string_equal(answers[1].text, "2.50");
    assert_int_equal(answers[3].date.month, 3);
    assert_string_equal(answers[4].text, "say \"x\"");
    assert_int_equal(answers[5].state, ANSWER_DECLINED);
    assert_string_equal(answers[5].text, "refused");
    talloc_free(owner);
}

static void test_submission_read_answers_other_text_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "not JSON"},
        {"[]", "not of form"},
        {"{\"form\":\"other\",\"form_version\":1,\"answers\":{}}", "not of form"},
        {"{\"form\":\"test\",\"form_version\":2,\"answers\":{}}", "not of form"},
        {"{\"form\":\"test\",\"form_version\":1}", "no answers"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{\"z\":1}}", "item z"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{\"a\":\"x\"}}", "item a"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{\"a\":null}}", "item a"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{\"b\":1,\"a\":1}}", "item a"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{\"a\":1},\"not_answered\":{\"a\":\"refused\"}}",
         "item a"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{},\"not_answered\":{\"a\":\"lazy\"}}", "item a"},
        {"{\"form\":\"test\",\"form_version\":1,\"answers\":{},\"not_answered\":{\"b\":\"refused\",\"a\":"
         "\"refused\"}}",
         "item a"},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form_of_items(
        owner, "{id: a, text: a, type: integer}\n{id: b, text: b, type: integer}\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        assert_null(submission_read_answers(owner, form, cases[i].text, &error));
        if (strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].text, error.message);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_submission_read_json_every_field_is_read),
        cmocka_unit_test(test_submission_read_json_large_integers_keep_their_digits),
        cmocka_unit_test(test_submission_read_json_wrong_shapes_are_problems),
        cmocka_unit_test(test_submission_read_json_all_problems_at_once),
        cmocka_unit_test(test_submission_read_json_size_and_depth_are_limited),
        cmocka_unit_test(test_problem_add_stops_at_the_limit),
        cmocka_unit_test(test_submission_read_answers_canonical_text_comes_back),
        cmocka_unit_test(test_submission_read_answers_other_text_is_refused),
    };
    return cmocka_run_group_tests_name("submission_json", tests, NULL, NULL);
}
