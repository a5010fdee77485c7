/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/suggestion.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_suggestion_distance_cases(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"a", "", 1},
        {"", "abc", 3},
        {"choice", "choise", 1},
        {"required", "requird", 1},
        {"ab", "ba", 1},
        {"abcd", "acbd", 1},
        {"kitten", "sitting", 3},
        {"same", "same", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(suggestion_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(suggestion_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}

static void test_suggestion_distance_long_word_is_far(void **state)
{
    (void)state;
    char word[200];
    memset(word, 'x', sizeof word);
    word[sizeof word - 1] = '\0';
    assert_int_equal(suggestion_distance(word, word), 199);
}

static void test_suggestion_offer_takes_the_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"likert", "side", "frequency5", "frequency4"};
    static const struct {
        const char *word, *best;
    } cases[] = {
        {"likrt", "likert"}, {"sied", "side"}, {"frequency3", "frequency5"},
        {"weight", NULL},    {"x", NULL},      {"", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct suggestion suggestion = suggestion_begin(cases[i].word);
        for (size_t j = 0; j < COUNT(words); j++)
            suggestion_offer(&suggestion, words[j]);
        if (cases[i].best == NULL)
            assert_null(suggestion.best);
        else
            assert_string_equal(suggestion.best, cases[i].best);
    }
}

static void test_suggestion_format_says_it_or_nothing(void **state)
{
    (void)state;
    char out[SUGGESTION_TEXT_SIZE];
    struct suggestion suggestion = suggestion_begin("likrt");
    suggestion_format(&suggestion, out);
    assert_string_equal(out, "");
    suggestion_offer(&suggestion, "likert");
    suggestion_format(&suggestion, out);
    assert_string_equal(out, "; did you mean \"likert\"?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suggestion_distance_cases),
        cmocka_unit_test(test_suggestion_distance_long_word_is_far),
        cmocka_unit_test(test_suggestion_offer_takes_the_nearest),
        cmocka_unit_test(test_suggestion_format_says_it_or_nothing),
    };
    return cmocka_run_group_tests_name("suggestion", tests, NULL, NULL);
}
