/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char body[] =
    "choices:\n"
    "  five: [{code: -1, label: worse}, {code: 0, label: none}, {code: 4, label: extreme}]\n"
    "  why: [{code: pain, label: pain}, {code: other, label: other}]\n"
    "sections:\n  - id: only\n    title: Only\n    items:\n"
    "      - {id: n, text: n, type: integer, unit: a, min: 10, max: 110, warn_min: 18, warn_max: 90}\n"
    "      - {id: any, text: any, type: integer}\n"
    "      - {id: low, text: low, type: decimal, min: 0}\n"
    "      - {id: m, text: m, type: decimal, unit: kg/m2, decimals: 2, min: 10, max: 80}\n"
    "      - {id: p, text: p, type: choice, choices: five}\n"
    "      - {id: c, text: c, type: choice, choices: why}\n"
    "      - {id: b, text: b, type: boolean}\n"
    "      - {id: d, text: d, type: date}\n"
    "      - {id: e, text: e, type: partial_date}\n"
    "      - {id: t, text: t, type: text, max_length: 5}\n";

static void test_answer_read_right_values_become_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        enum raw_kind kind;
        const char *sent, *canonical;
        double number;   /* compared unless NAN */
    } cases[] = {
        {"n", RAW_INTEGER, "42", "42", 42},
        {"n", RAW_TEXT, "42", "42", 42},
        {"any", RAW_TEXT, "-7", "-7", -7},
        {"any", RAW_TEXT, "0", "0", 0},
        {"any", RAW_INTEGER, "9007199254740992", "9007199254740992", 9007199254740992.0},
        {"m", RAW_TEXT, "27.4", "27.4", 27.4},
        {"m", RAW_TEXT, "27.40", "27.40", 27.4},
        {"m", RAW_TEXT, "27", "27", 27},
        {"m", RAW_INTEGER, "27", "27", 27},
        {"low", RAW_TEXT, "0.5", "0.5", 0.5},
        {"p", RAW_INTEGER, "4", "4", 4},
        {"p", RAW_TEXT, "-1", "-1", -1},
        {"c", RAW_TEXT, "other", "other", NAN},
        {"b", RAW_BOOLEAN, "true", "true", 1},
        {"b", RAW_TEXT, "false", "false", 0},
        {"d", RAW_TEXT, "2026-03-01", "2026-03-01", NAN},
        {"e", RAW_TEXT, "2026-03", "2026-03", NAN},
        {"e", RAW_TEXT, "2026", "2026", NAN},
        {"t", RAW_TEXT, "gru\xcc\x88n\n", "gr\xc3\xbcn\n", NAN},
        {"t", RAW_TEXT, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
         "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", NAN},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct problem_list problems = {NULL, 0};
        struct answer answer;
        struct raw_answer raw = {cases[i].item, cases[i].kind, cases[i].sent};
        const struct item *item = &form->items[form_find_item(form, cases[i].item)];
        if (!answer_read(owner, item, &raw, &answer, &problems))
            fail_msg("%s = %s: %s", cases[i].item, cases[i].sent, problems.problems[0].text);
        assert_int_equal(answer.state, ANSWER_GIVEN);
        assert_string_equal(answer.text, cases[i].canonical);
        if (isnan(cases[i].number))
            assert_true(isnan(answer.number));
        else
            assert_true(answer.number == cases[i].number);
        assert_ptr_not_equal(answer.text, cases[i].sent);
    }
    talloc_free(owner);
}

static void test_answer_read_nothing_sent_is_missing(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    for (size_t i = 0; i < form->item_count; i++) {
        struct problem_list problems = {NULL, 0};
        struct answer answer;
        struct raw_answer empty = {form->items[i].id, RAW_TEXT, ""}, null = {form->items[i].id, RAW_NULL, ""};
        assert_true(answer_read(owner, &form->items[i], &empty, &answer, &problems));
        assert_int_equal(answer.state, ANSWER_MISSING);
        assert_true(answer_read(owner, &form->items[i], &null, &answer, &problems));
        assert_int_equal(answer.state, ANSWER_MISSING);
    }
    talloc_free(owner);
}

static void test_answer_read_wrong_values_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        enum raw_kind kind;
        const char *sent, *rule, *says;
    } cases[] = {
        {"n", RAW_TEXT, "9", "range", "\"9\" lies outside 10 to 110 a; correct it"},
        {"n", RAW_TEXT, "111", "range", "outside 10 to 110"},
        {"n", RAW_TEXT, "042", "type", "leading zero"},
        {"n", RAW_TEXT, "42.0", "type", "no whole number"},
        {"n", RAW_TEXT, "+42", "type", "is no number"},
        {"n", RAW_TEXT, " 42", "type", "is no number"},
        {"n", RAW_TEXT, "42 years", "type", "is no number"},
        {"n", RAW_TEXT, "4e1", "type", "exponent"},
        {"n", RAW_TEXT, "1,000", "type", "comma"},
        {"n", RAW_TEXT, "-", "type", "is no number"},
        {"n", RAW_REAL, "42.5", "type", "fraction"},
        {"n", RAW_BOOLEAN, "true", "type", "true or false"},
        {"n", RAW_OTHER, "", "type", "list or an object"},
        {"any", RAW_TEXT, "-0", "type", "zero with a sign"},
        {"any", RAW_TEXT, "00", "type", "leading zero"},
        {"any", RAW_TEXT, "9007199254740993000", "type", "is no number"},
        {"any", RAW_TEXT, "9007199254740994", "range", "larger than any"},
        {"low", RAW_TEXT, "-0.5", "range", "is below 0, the least"},
        {"low", RAW_TEXT, "-0.0", "type", "zero with a sign"},
        {"m", RAW_TEXT, "27,4", "type", "decimal mark as a point"},
        {"m", RAW_TEXT, ".5", "type", "no digit before the point"},
        {"m", RAW_TEXT, "27.", "type", "is no number"},
        {"m", RAW_TEXT, "27.456", "decimals", "more than 2 digits"},
        {"m", RAW_TEXT, "80.01", "range", "outside 10 to 80 kg/m2"},
        {"m", RAW_REAL, "27.4", "type", "send it as a JSON string"},
        {"m", RAW_TEXT, "nan", "type", "is no number"},
        {"p", RAW_INTEGER, "3", "choice", "send one of -1, 0, 4"},
        {"p", RAW_TEXT, "none", "choice", "is no choice"},
        {"p", RAW_REAL, "4", "type", "fraction"},
        {"c", RAW_TEXT, "Other", "choice", "send one of pain, other"},
        {"c", RAW_INTEGER, "1", "type", "send a JSON string"},
        {"b", RAW_TEXT, "yes", "type", "neither true nor false"},
        {"b", RAW_INTEGER, "1", "type", "JSON number"},
        {"d", RAW_TEXT, "2026-03", "type", "only a part of a date"},
        {"d", RAW_TEXT, "2026-02-30", "type", "no date; write it as YYYY-MM-DD"},
        {"d", RAW_TEXT, "01.03.2026", "type", "is no date"},
        {"e", RAW_TEXT, "03-2026", "type", "as far as it is known"},
        {"t", RAW_TEXT, "123456", "length", "6 characters, at most 5"},
        {"t", RAW_TEXT, " \n ", "type", "only blanks"},
        {"t", RAW_TEXT, "\xc2\xa0\xe2\x80\x8b\xe2\x80\x83", "type", "only blanks"},
        {"t", RAW_TEXT, "a\rb", "control", "control character"},
        {"t", RAW_TEXT, "\x1b", "control", "control character"},
        {"t", RAW_BOOLEAN, "true", "type", "true or false"},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct problem_list problems = {NULL, 0};
        struct answer answer;
        struct raw_answer raw = {cases[i].item, cases[i].kind, cases[i].sent};
        const struct item *item = &form->items[form_find_item(form, cases[i].item)];
        if (answer_read(owner, item, &raw, &answer, &problems))
            fail_msg("%s = %s was accepted", cases[i].item, cases[i].sent);
        assert_int_equal(problems.count, 1);
        const struct problem *problem = &problems.problems[0];
        if (strcmp(problem->rule, cases[i].rule) != 0 || strstr(problem->text, cases[i].says) == NULL)
            fail_msg("%s = %s: %s: %s", cases[i].item, cases[i].sent, problem->rule, problem->text);
        assert_string_equal(problem->item, cases[i].item);
        assert_false(problem->soft);
        assert_int_equal(answer.state, ANSWER_MISSING);
    }
    talloc_free(owner);
}

static void test_answer_is_unusual_outside_the_soft_range_only(void **state)
{
    (void)state;
    static const struct {
        const char *sent;
        bool unusual;
    } cases[] = {{"17", true}, {"18", false}, {"90", false}, {"91", true}};
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    const struct item *item = &form->items[form_find_item(form, "n")];
    struct answer missing = answer_missing();
    assert_false(answer_is_unusual(item, &missing));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct problem_list problems = {NULL, 0};
        struct answer answer;
        struct raw_answer raw = {"n", RAW_TEXT, cases[i].sent};
        assert_true(answer_read(owner, item, &raw, &answer, &problems));
        assert_int_equal(answer_is_unusual(item, &answer), cases[i].unusual);
    }
    talloc_free(owner);
}

static void test_answer_quote_cuts_between_characters(void **state)
{
    (void)state;
    char out[ANSWER_QUOTE_SIZE], text[400] = "";
    for (int i = 0; i < 60; i++)
        strcat(text, "\xe2\x82\xac");
    answer_quote(text, out);
    assert_int_equal(strlen(out), 40 * 3 + 5);
    assert_true(text_is_utf8(out, strlen(out)));
    assert_string_equal(answer_quote("short", out), "\"short\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_read_right_values_become_canonical),
        cmocka_unit_test(test_answer_read_nothing_sent_is_missing),
        cmocka_unit_test(test_answer_read_wrong_values_say_why),
        cmocka_unit_test(test_answer_is_unusual_outside_the_soft_range_only),
        cmocka_unit_test(test_answer_quote_cuts_between_characters),
    };
    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
