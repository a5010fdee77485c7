/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/arguments.h"
#include "forms/base/memory.h"

static const struct argument_option cut_options[] = {
    {"label", "TEXT", true, "what people call it"},
    {"json", NULL, false, "as JSON"},
};

static const struct argument_command commands[] = {
    {"cut", "STUDY", cut_options, 2, "make a cut"},
    {"cut list", "[STUDY]", NULL, 0, "list cuts"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static bool parse(const void *owner, const char *const *words, struct arguments *arguments,
                  struct error *error)
{
    return arguments_parse(owner, commands, COMMANDS, (char *const *)words, arguments, error);
}

static void test_arguments_parse_options_in_any_place_are_found(void **state)
{
    (void)state;
    static const char *const lines[][6] = {
        {"program", "cut", "demo", "--label", "first cut", NULL},
        {"program", "cut", "--label", "first cut", "demo", NULL},
        {"program", "cut", "--label=first cut", "demo", NULL},
        {"program", "cut", "--label=first cut", "--", "demo", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct arguments arguments;
        struct error error = {0};
        assert_true(parse(owner, lines[i], &arguments, &error));
        assert_ptr_equal(arguments.command, &commands[0]);
        assert_string_equal(arguments.operands[0], "demo");
        assert_string_equal(arguments_value(&arguments, "label"), "first cut");
        assert_null(arguments_value(&arguments, "json"));
        assert_null(arguments_value(&arguments, "out"));
        talloc_free(owner);
    }
}

static void test_arguments_parse_longest_command_counts(void **state)
{
    (void)state;
    static const char *const line[] = {"program", "cut", "list", NULL};
    void *owner = memory_owner(NULL, "test");
    struct arguments arguments;
    struct error error = {0};
    assert_true(parse(owner, line, &arguments, &error));
    assert_ptr_equal(arguments.command, &commands[1]);
    assert_null(arguments.operands[0]);
    talloc_free(owner);
}

static void test_arguments_parse_help_is_asked_for_before_all_else(void **state)
{
    (void)state;
    static const char *const lines[][4] = {
        {"program", "--help", NULL}, {"program", "cut", "--help", NULL}, {"program", "nonsense", "-h", NULL}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct arguments arguments;
        struct error error = {0};
        assert_true(parse(NULL, lines[i], &arguments, &error));
        assert_true(arguments.help);
        assert_true((arguments.command != NULL) == (i == 1));
    }
}

static void test_arguments_parse_wrong_lines_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        const char *says;
    } cases[] = {
        {{"program", NULL}, "no command"},
        {{"program", "study", "add", NULL}, "\"study add\""},
        {{"program", "cut", "--label", "x", NULL}, "STUDY is missing"},
        {{"program", "cut", "demo", NULL}, "--label TEXT is missing"},
        {{"program", "cut", "demo", "--label", NULL}, "--label wants a value"},
        {{"program", "cut", "demo", "--label", "x", "--label", "y", NULL}, "stands twice"},
        {{"program", "cut", "demo", "--label", "x", "--json=yes", NULL}, "takes no value"},
        {{"program", "cut", "demo", "--labels", "x", NULL}, "no option --labels"},
        {{"program", "cut", "demo", "more", "--label", "x", NULL}, "\"more\" is one word too many"},
        {{"program", "cut", "list", "demo", "more", NULL}, "\"more\" is one word too many"},
        {{"program", "cut", "list", "--label", "x", NULL}, "no option --label"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct arguments arguments;
        struct error error = {0};
        assert_false(parse(owner, cases[i].words, &arguments, &error));
        assert_int_equal(error.kind, ERROR_USAGE);
        if (!strstr(error.message, cases[i].says))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, error.message, cases[i].says);
        talloc_free(owner);
    }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_parse_options_in_any_place_are_found),
        cmocka_unit_test(test_arguments_parse_longest_command_counts),
        cmocka_unit_test(test_arguments_parse_help_is_asked_for_before_all_else),
        cmocka_unit_test(test_arguments_parse_wrong_lines_say_what_is_wrong),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
