/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/expression.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char body[] =
    "choices:\n"
    "  five: [{code: 0, label: none}, {code: 1, label: mild}, {code: 2, label: more}]\n"
    "  why: [{code: other, label: other}, {code: pain, label: pain}]\n"
    "sections:\n"
    "  - id: only\n"
    "    title: Only\n"
    "    items:\n"
    "      - {id: n, text: a number, type: integer}\n"
    "      - {id: m, text: a decimal, type: decimal, decimals: 3}\n"
    "      - {id: p, text: a choice of numbers, type: choice, choices: five}\n"
    "      - {id: c, text: a choice of words, type: choice, choices: why}\n"
    "      - {id: b, text: a truth value, type: boolean}\n"
    "      - {id: d, text: a date, type: date}\n"
    "      - {id: e, text: a partial date, type: partial_date}\n"
    "      - {id: t, text: a text, type: text}\n"
    "      - {id: gone, text: never answered, type: integer}\n"
    "      - {id: gone_text, text: never answered, type: text}\n"
    "      - {id: gone_truth, text: never answered, type: boolean}\n"
    "      - {id: gone_date, text: never answered, type: date}\n";

/* n = 5, m = 2.5, p = 2, c = pain, b = true, d = 2026-03-15, e = 2026-03, t = grün; the rest unanswered. */
static const struct {
    const char *item, *text;
} given[] = {{"n", "5"}, {"m", "2.5"}, {"p", "2"}, {"c", "pain"}, {"b", "true"}, {"d", "2026-03-15"},
             {"e", "2026-03"}, {"t", "gr\xc3\xbcn"}};

struct world {
    void *owner;
    const struct form *form;
    struct answer *answers;
    struct expression_input input;
};

static struct world world_new(void)
{
    struct world world = {.owner = memory_owner(NULL, "test")};
    world.form = definitions_form(world.owner, body);
    world.answers = memory_new_array(world.owner, struct answer, world.form->item_count);
    for (size_t i = 0; i < world.form->item_count; i++)
        world.answers[i] = answer_missing();
    for (size_t i = 0; i < COUNT(given); i++) {
        struct problem_list problems = {NULL, 0};
        int index = form_find_item(world.form, given[i].item);
        struct raw_answer raw = {given[i].item, RAW_TEXT, given[i].text};
        assert_true(
            answer_read(world.owner, &world.form->items[index], &raw, &world.answers[index], &problems));
    }
    world.input = (struct expression_input){world.form, world.answers, date_from_civil(2026, 4, 1),
                                            date_from_civil(2026, 4, 2)};
    return world;
}

static const struct expression *must_parse(const struct world *world, const char *source)
{
    struct error error = {0};
    const struct expression *expression =
        expression_parse(world->owner, world->form, source, "f.yaml", 7, &error);
    if (expression == NULL)
        fail_msg("%s: %s", source, error.message);
    return expression;
}

struct truth_case {
    const char *source;
    enum truth truth;
};

static void check_cases(const struct truth_case *cases, size_t count)
{
    struct world world = world_new();
    for (size_t i = 0; i < count; i++) {
        enum truth truth = expression_evaluate(must_parse(&world, cases[i].source), &world.input);
        if (truth != cases[i].truth)
            fail_msg("%s is %d, not %d", cases[i].source, (int)truth, (int)cases[i].truth);
    }
    talloc_free(world.owner);
}

static void test_expression_evaluate_numbers(void **state)
{
    (void)state;
    static const struct truth_case cases[] = {
        {"n = 5", TRUTH_TRUE},
        {"n != 5", TRUTH_FALSE},
        {"n < 5", TRUTH_FALSE},
        {"n <= 5", TRUTH_TRUE},
        {"n > 5", TRUTH_FALSE},
        {"n >= 5", TRUTH_TRUE},
        {"m = 2.50", TRUTH_TRUE},
        {"p = 2", TRUTH_TRUE},
        {"p < 9 and p > -1", TRUTH_TRUE},
        {"p = n - 3", TRUTH_TRUE},
        {"1 + 2 * 3 = 7", TRUTH_TRUE},
        {"(1 + 2) * 3 = 9", TRUTH_TRUE},
        {"8 / 4 / 2 = 1", TRUTH_TRUE},
        {"8 - 4 - 2 = 2", TRUTH_TRUE},
        {"-n = 0 - 5", TRUTH_TRUE},
        {"--n = 5", TRUTH_TRUE},
        {"2 - -3 = 5", TRUTH_TRUE},
        {"min(n, m, 9) = 2.5", TRUTH_TRUE},
        {"max(n, m, 9) = 9", TRUTH_TRUE},
        {"abs(m - n) = 2.5", TRUTH_TRUE},
        {"abs(n) = 5", TRUTH_TRUE},
        {"n in (1, 3, 5)", TRUTH_TRUE},
        {"n in (1, 3)", TRUTH_FALSE},
        {"n in (1, m * 2)", TRUTH_TRUE},
        {"n / 0 = 1", TRUTH_UNKNOWN},
        {"n / (n - 5) > 0", TRUTH_UNKNOWN},
        {"0.1 + 0.2 <= 0.30001", TRUTH_TRUE},
        {"0.1 + 0.2 = 0.3", TRUTH_TRUE},
        {"0.1 + 0.2 != 0.3", TRUTH_FALSE},
        {"0.1 + 0.2 <= 0.3", TRUTH_TRUE},
        {"0.1 + 0.2 > 0.3", TRUTH_FALSE},
        {"0.3 < 0.1 + 0.2", TRUTH_FALSE},
        {"0.3 >= 0.1 + 0.2", TRUTH_TRUE},
        {"0.1 + 0.2 in (0.3, 1)", TRUTH_TRUE},
        {"100000000.1 + 0.2 = 100000000.3", TRUTH_TRUE},
        {"m - 2.4 = 0.1", TRUTH_TRUE},
        {"0.3000000005 = 0.3", TRUTH_TRUE},
        {"0.3000001 = 0.3", TRUTH_FALSE},
        {"0.3000001 > 0.3", TRUTH_TRUE},
    };
    check_cases(cases, COUNT(cases));
}

static void test_expression_evaluate_logic_is_kleene(void **state)
{
    (void)state;
    static const struct truth_case cases[] = {
        {"b", TRUTH_TRUE},
        {"not b", TRUTH_FALSE},
        {"not not b", TRUTH_TRUE},
        {"b = true", TRUTH_TRUE},
        {"b != false", TRUTH_TRUE},
        {"gone_truth", TRUTH_UNKNOWN},
        {"not gone_truth", TRUTH_UNKNOWN},
        {"b and gone_truth", TRUTH_UNKNOWN},
        {"gone_truth and b", TRUTH_UNKNOWN},
        {"not b and gone_truth", TRUTH_FALSE},
        {"gone_truth and not b", TRUTH_FALSE},
        {"b or gone_truth", TRUTH_TRUE},
        {"gone_truth or b", TRUTH_TRUE},
        {"not b or gone_truth", TRUTH_UNKNOWN},
        {"gone_truth or gone_truth", TRUTH_UNKNOWN},
        {"b or not b and not b", TRUTH_TRUE},
        {"(b or not b) and not b", TRUTH_FALSE},
        {"not n = 5", TRUTH_FALSE},
        {"true", TRUTH_TRUE},
        {"false", TRUTH_FALSE},
        {"b and b and b and not b", TRUTH_FALSE},
        {"answered(n)", TRUTH_TRUE},
        {"answered(gone)", TRUTH_FALSE},
        {"not answered(gone_text)", TRUTH_TRUE},
        {"answered(d) and answered(t) and answered(c)", TRUTH_TRUE},
    };
    check_cases(cases, COUNT(cases));
}

static void test_expression_evaluate_unanswered_is_unknown(void **state)
{
    (void)state;
    static const struct truth_case cases[] = {
        {"gone = 1", TRUTH_UNKNOWN},
        {"gone != 1", TRUTH_UNKNOWN},
        {"gone + 1 > 0", TRUTH_UNKNOWN},
        {"gone_text = 'a'", TRUTH_UNKNOWN},
        {"min(n, gone) < 9", TRUTH_UNKNOWN},
        {"max(gone, n) < 9", TRUTH_UNKNOWN},
        {"gone in (1, 2)", TRUTH_UNKNOWN},
        {"n in (1, gone)", TRUTH_UNKNOWN},
        {"n in (5, gone)", TRUTH_TRUE},
        {"gone_date <= date", TRUTH_UNKNOWN},
        {"days(gone_date, date) > 0", TRUTH_UNKNOWN},
        {"-gone < 0", TRUTH_UNKNOWN},
        {"gone * 0 = 0", TRUTH_UNKNOWN},
        {"gone = gone", TRUTH_UNKNOWN},
    };
    check_cases(cases, COUNT(cases));
}

static void test_expression_evaluate_texts(void **state)
{
    (void)state;
    static const struct truth_case cases[] = {
        {"c = 'pain'", TRUTH_TRUE}, {"c != 'pain'", TRUTH_FALSE}, {"c in ('other', 'pain')", TRUTH_TRUE},
        {"'other' = c", TRUTH_FALSE}, {"t = 'gr\xc3\xbcn'", TRUTH_TRUE}, {"t = 'gru\xcc\x88n'", TRUTH_TRUE},
        {"t = ''", TRUTH_FALSE}, {"t in ('a b', 'gr\xc3\xbcn')", TRUTH_TRUE},
    };
    check_cases(cases, COUNT(cases));
}

static void test_expression_evaluate_partial_dates_are_intervals(void **state)
{
    (void)state;
    static const struct truth_case cases[] = {
        {"d = '2026-03-15'", TRUTH_TRUE},
        {"d < '2026-03-16'", TRUTH_TRUE},
        {"d <= date", TRUTH_TRUE},
        {"today > date", TRUTH_TRUE},
        {"days(d, date) = 17", TRUTH_TRUE},
        {"days(date, d) = -17", TRUTH_TRUE},
        {"days('2026-03-01', d) = 14", TRUTH_TRUE},
        /* e may be any day of March */
        {"e <= date", TRUTH_TRUE},
        {"e > d", TRUTH_UNKNOWN},
        {"e < d", TRUTH_UNKNOWN},
        {"e = d", TRUTH_UNKNOWN},
        {"e != d", TRUTH_UNKNOWN},
        {"e = e", TRUTH_UNKNOWN},
        {"e >= '2026-02-28'", TRUTH_TRUE},
        {"e >= '2026-03-01'", TRUTH_TRUE},
        {"e > '2026-03-31'", TRUTH_FALSE},
        {"e >= '2026-03-31'", TRUTH_UNKNOWN},
        {"e = '2026-04'", TRUTH_FALSE},
        {"e != '2026-04'", TRUTH_TRUE},
        {"e >= '2025'", TRUTH_TRUE},
        {"'2026' = d", TRUTH_UNKNOWN},
        {"d in ('2026-01-01', '2026-03-15')", TRUTH_TRUE},
        {"e in ('2025', '2024')", TRUTH_FALSE},
        {"days(e, date) >= 1", TRUTH_TRUE},
        {"days(e, date) > 31", TRUTH_FALSE},
        {"days(e, date) > 10", TRUTH_UNKNOWN},
        {"abs(days(d, e)) <= 16", TRUTH_TRUE},
        {"abs(days(d, e)) <= 10", TRUTH_UNKNOWN},
        {"days(d, e) * 2 <= 32", TRUTH_TRUE},
        {"-days(d, e) <= 14", TRUTH_TRUE},
        {"min(days(d, e), 100) <= 16", TRUTH_TRUE},
        {"max(days(d, e), -100) >= -14", TRUTH_TRUE},
        {"10 / days(e, date) > 0", TRUTH_TRUE},
        {"50 - days(d, e) >= 34", TRUTH_TRUE},
        {"50 - days(d, e) >= 35", TRUTH_UNKNOWN},
        {"days(d, e) + 1 <= 17", TRUTH_TRUE},
        {"1 / days(d, e) > 0", TRUTH_UNKNOWN},
    };
    check_cases(cases, COUNT(cases));
}

static void test_expression_evaluate_no_form_date_is_unknown(void **state)
{
    (void)state;
    struct world world = world_new();
    world.input.date = DATE_NONE;
    assert_int_equal(expression_evaluate(must_parse(&world, "d <= date"), &world.input), TRUTH_UNKNOWN);
    talloc_free(world.owner);
}

static void test_expression_parse_errors_name_column_and_hint(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int column;
        const char *says;
    } cases[] = {
        {"", 1, "ends where"},
        {"n", 1, "true or false was expected here, this is a number"},
        {"n + 1", 1, "true or false was expected"},
        {"n = ", 5, "ends where an item"},
        {"n = 1 1", 7, "the end or an operator was expected"},
        {"(n = 1", 7, "ends where )"},
        {"n = 1)", 6, "the end or an operator"},
        {"gonn = 1", 1, "no item \"gonn\" in this form; did you mean \"gone\"?"},
        {"weight = 1", 1, "no item \"weight\" in this form; texts stand in quotes"},
        {"n == 1", 4, "was expected, not \"=\""},
        {"n & 1", 3, "unexpected \"&\""},
        {"n = '1'", 5, "a number is compared with a text"},
        {"c = 1", 5, "a text is compared with a number"},
        {"c = 'othr'", 5, "item c has no choice 'othr'; did you mean \"other\"?"},
        {"c in ('pain', 'x')", 15, "has no choice 'x'"},
        {"p = 9", 5, "item p has no choice 9; write one of 0, 1, 2"},
        {"p != -1", 7, "item p has no choice -1"},
        {"9 = p", 1, "item p has no choice 9"},
        {"p in (1, 3)", 10, "item p has no choice 3"},
        {"c = 'weight'", 5, "item c has no choice 'weight'; write one of other, pain"},
        {"c < 'pain'", 3, "only be compared with = and !="},
        {"b < true", 3, "only be compared with = and !="},
        {"t = 'open", 5, "closing quote"},
        {"b and n", 7, "true or false was expected"},
        {"not n", 5, "true or false was expected"},
        {"-b = 1", 2, "a number was expected here"},
        {"b + 1 = 2", 1, "a number was expected here"},
        {"d = 'yesterday'", 5, "is no date"},
        {"d + 1 = date", 1, "a number was expected here, this is a date"},
        {"days(d) = 1", 1, "days() takes 2 arguments, not 1"},
        {"min(n) = 1", 1, "min() takes 2 or more arguments, not 1"},
        {"abs(n, m) = 1", 1, "abs() takes 1 arguments, not 2"},
        {"answered(n + 1)", 10, "answered() takes an item id"},
        {"days(n, d) = 1", 6, "a date was expected"},
        {"1.2.3 = n", 1, "is no number"},
        {"b in (true)", 1, "\"in\" needs"},
        {"n in 1", 6, "( was expected"},
        {"n = 1 and", 10, "ends where"},
        {"and n = 1", 1, "an item, a number"},
        {"min = 1", 5, "( was expected"},
        {"\xc3\xbc = 1", 1, "unexpected"},
    };
    struct world world = world_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        char column[32];
        snprintf(column, sizeof column, "column %d:", cases[i].column);
        const struct expression *parsed =
            expression_parse(world.owner, world.form, cases[i].source, "f.yaml", 7, &error);
        if (parsed != NULL || strstr(error.message, cases[i].says) == NULL
            || strstr(error.message, column) == NULL)
            fail_msg("%s: %s", cases[i].source, error.message);
        assert_int_equal(error.line, 7);
    }
    talloc_free(world.owner);
}

static bool parses(const struct world *world, const struct text *source)
{
    struct error error = {0};
    return expression_parse(world->owner, world->form, source->bytes, "f.yaml", 1, &error) != NULL;
}

static void test_expression_parse_depth_and_length_are_limited(void **state)
{
    (void)state;
    struct world world = world_new();
    struct text *source = text_new(world.owner);
    for (int depth = 60; depth <= 2000; depth += 1940) {
        text_clear(source);
        for (int i = 0; i < depth; i++)
            text_append(source, "(");
        text_append(source, "b");
        for (int i = 0; i < depth; i++)
            text_append(source, ")");
        assert_int_equal(parses(&world, source), depth == 60);
    }
    text_clear(source);
    for (int i = 0; i < 1300; i++)
        text_append(source, "not ");
    text_append(source, "b");   /* 5201 characters */
    assert_false(parses(&world, source));
    text_clear(source);
    for (int i = 0; i < 200; i++)
        text_append(source, "1+");
    text_append(source, "1 = n");   /* a chain of 200 sums is a tree 200 deep */
    assert_false(parses(&world, source));
    text_clear(source);
    for (int i = 0; i < 400; i++)
        text_append(source, "b and ");
    text_append(source, "b");       /* a list of conditions is not deep */
    assert_true(parses(&world, source));
    talloc_free(world.owner);
}

static void test_expression_to_json_is_the_tree(void **state)
{
    (void)state;
    static const struct {
        const char *source, *json;
    } cases[] = {
        {"p = 2 and c = 'other' and b",
         "{\"op\":\"and\",\"args\":[{\"op\":\"=\",\"args\":[{\"item\":\"p\"},{\"number\":\"2\"}]},"
         "{\"op\":\"=\",\"args\":[{\"item\":\"c\"},{\"text\":\"other\"}]},{\"item\":\"b\"}]}"},
        {"not (d >= '2026-03') or false",
         "{\"op\":\"or\",\"args\":[{\"op\":\"not\",\"args\":[{\"op\":\">=\",\"args\":[{\"item\":\"d\"},"
         "{\"date\":\"2026-03\"}]}]},{\"boolean\":false}]}"},
        {"days(d, today) - -0.50 in (1, abs(n))",
         "{\"op\":\"in\",\"args\":[{\"op\":\"-\",\"args\":[{\"op\":\"days\",\"args\":[{\"item\":\"d\"},{"
         "\"field\":\"today\"}]},"
         "{\"op\":\"negate\",\"args\":[{\"number\":\"0.50\"}]}]},{\"number\":\"1\"},{\"op\":\"abs\",\"args\":"
         "[{\"item\":\"n\"}]}]}"},
        {"answered(t) != true", "{\"op\":\"!=\",\"args\":[{\"op\":\"answered\",\"args\":[{\"item\":\"t\"}]},"
                                "{\"boolean\":true}]}"},
    };
    struct world world = world_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text *text = text_new(world.owner);
        expression_to_json(text, must_parse(&world, cases[i].source));
        assert_string_equal(text->bytes, cases[i].json);
        assert_string_equal(expression_source(must_parse(&world, cases[i].source)), cases[i].source);
    }
    talloc_free(world.owner);
}

static void test_expression_names_any_and_last_item(void **state)
{
    (void)state;
    struct world world = world_new();
    const struct expression *expression = must_parse(&world, "n = 1 and answered(c) or max(n, m) > 2");
    bool *marked = memory_new_array(world.owner, bool, world.form->item_count);
    assert_int_equal(expression_last_item(expression), form_find_item(world.form, "c"));
    assert_false(expression_names_any(expression, marked));
    marked[form_find_item(world.form, "d")] = true;
    assert_false(expression_names_any(expression, marked));
    marked[form_find_item(world.form, "m")] = true;
    assert_true(expression_names_any(expression, marked));
    assert_int_equal(expression_last_item(must_parse(&world, "date < today")), FORM_NONE);
    assert_true(expression_names_form_date(must_parse(&world, "days(date, today) > 3 and b")));
    assert_false(expression_names_form_date(must_parse(&world, "today > '2026-01-01' and b")));
    talloc_free(world.owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expression_evaluate_numbers),
        cmocka_unit_test(test_expression_evaluate_logic_is_kleene),
        cmocka_unit_test(test_expression_evaluate_unanswered_is_unknown),
        cmocka_unit_test(test_expression_evaluate_texts),
        cmocka_unit_test(test_expression_evaluate_partial_dates_are_intervals),
        cmocka_unit_test(test_expression_evaluate_no_form_date_is_unknown),
        cmocka_unit_test(test_expression_parse_errors_name_column_and_hint),
        cmocka_unit_test(test_expression_parse_depth_and_length_are_limited),
        cmocka_unit_test(test_expression_to_json_is_the_tree),
        cmocka_unit_test(test_expression_names_any_and_last_item),
    };
    return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
