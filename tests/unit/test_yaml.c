/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/yaml.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct yaml *parse(const void *owner, const char *text)
{
    struct error error = {0};
    const struct yaml *root = yaml_parse(owner, "file.yaml", text, strlen(text), &error);
    if (root == NULL)
        fail_msg("line %d: %s", error.line, error.message);
    return root;
}

static void test_yaml_parse_tree_knows_lines_and_kinds(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct yaml *root = parse(owner, "# a comment\n"
                                           "form: koos\n"
                                           "items:\n"
                                           "  - {id: p1, text: \"null\"}\n"
                                           "  - id: p2\n"
                                           "    text: |\n"
                                           "      two\n"
                                           "      lines\n");
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->count, 2);
    assert_string_equal(yaml_find(root, "form")->text, "koos");
    assert_int_equal(yaml_find(root, "form")->line, 2);
    const struct yaml *items = yaml_find(root, "items");
    assert_int_equal(items->kind, YAML_LIST);
    assert_int_equal(items->key_line, 3);
    assert_int_equal(items->count, 2);
    assert_true(yaml_find(items->children[0], "text")->quoted);
    assert_int_equal(yaml_find(items->children[1], "id")->line, 5);
    assert_string_equal(yaml_find(items->children[1], "text")->text, "two\nlines\n");
    assert_null(yaml_find(root, "absent"));
    assert_null(yaml_find(items, "id"));
    talloc_free(owner);
}

static void test_yaml_parse_what_is_not_allowed_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *says;
    } cases[] = {
        {"", 1, "empty"},
        {"# only a comment\n", 2, "empty"},
        {"a: 1\na: 2\n", 2, "twice"},
        {"a:\n  b: 1\n  c: 2\n  b: 3\n", 4, "first in line 2"},
        {"a: &x 1\nb: *x\n", 1, "anchors"},
        {"a: *x\n", 1, "alias"},
        {"a: 1\n? *x\n: 2\n", 2, "alias"},
        {"a: !!str 1\n", 1, "tags"},
        {"a: !own {b: 1}\n", 1, "tags"},
        {"a: &x [1]\n", 1, "anchors"},
        {"? [a, b]\n: 1\n", 1, "plain word"},
        {"a: 1\n---\nb: 2\n", 2, "second document"},
        {"a: 1\n b: 2\n", 2, "not YAML"},
        {"a: [1, 2\n", 2, "not YAML"},
        {"a: 1\nb: \"x\n", 3, "not YAML"},
        {"a: \"x\\0y\"\n", 1, "NUL"},
        {"a: 1\nb: \xff\n", 2, "UTF-8"},
        {"\xff\xfe\x61", 1, "UTF-8"},
        {"\ta: 1\n", 1, "not YAML"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct error error = {0};
        const struct yaml *root =
            yaml_parse(owner, "file.yaml", cases[i].text, strlen(cases[i].text), &error);
        if (root != NULL || error.kind != ERROR_INPUT || error.line != cases[i].line
            || strstr(error.message, cases[i].says) == NULL)
            fail_msg("case %zu: line %d: %s", i, error.line, error.message);
        assert_string_equal(error.file, "file.yaml");
        talloc_free(owner);
    }
}

static void test_yaml_parse_nul_byte_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    assert_null(yaml_parse(owner, "file.yaml", "a: \0b\n", 6, &error));
    assert_non_null(strstr(error.message, "UTF-8"));
    talloc_free(owner);
}

/* `depth` maps inside each other. */
static bool parses_depth(int depth)
{
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    for (int i = 0; i < depth; i++)
        text_append(text, i + 1 < depth ? "{a: " : "{a: 1");
    for (int i = 0; i < depth; i++)
        text_append(text, "}");
    struct error error = {0};
    bool parsed = yaml_parse(owner, "file.yaml", text->bytes, text->length, &error) != NULL;
    if (!parsed)
        assert_non_null(strstr(error.message, "deeper than 16"));
    talloc_free(owner);
    return parsed;
}

static void test_yaml_parse_depth_16_is_the_limit(void **state)
{
    (void)state;
    assert_true(parses_depth(16));
    assert_false(parses_depth(17));
    assert_false(parses_depth(10000));
}

static void test_yaml_parse_size_limits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    struct text *text = text_new(owner);
    text_append(text, "a: ");
    while (text->length < YAML_SIZE_LIMIT)
        text_append_bytes(text, "x", 1);
    assert_non_null(yaml_parse(owner, "file.yaml", text->bytes, text->length, &error));
    text_append_bytes(text, "x", 1);
    assert_null(yaml_parse(owner, "file.yaml", text->bytes, text->length, &error));
    assert_non_null(strstr(error.message, "1 MiB"));
    text_clear(text);
    for (int i = 0; i <= YAML_KEY_LIMIT; i++)
        text_append_format(text, "k%d: 1\n", i);
    assert_null(yaml_parse(owner, "file.yaml", text->bytes, text->length, &error));
    assert_non_null(strstr(error.message, "4096 keys"));
    assert_int_equal(error.line, YAML_KEY_LIMIT + 1);
    talloc_free(owner);
}

/* The only fault after `read` looked at the document. */
static void assert_fault(const char *text, void (*read)(const struct yaml *root, struct faults *faults),
                         int line, const char *says)
{
    void *owner = memory_owner(NULL, "test");
    struct faults faults = faults_begin(owner);
    read(parse(owner, text), &faults);
    if (faults.count != 1 || faults.faults[0].line != line || strcmp(faults.faults[0].text, says) != 0)
        fail_msg("%zu faults, line %d: %s", faults.count, faults.count > 0 ? faults.faults[0].line : 0,
                 faults.count > 0 ? faults.faults[0].text : "");
    talloc_free(owner);
}

static void read_text(const struct yaml *root, struct faults *faults)
{
    assert_null(yaml_get_text(root, "a", YAML_REQUIRED, faults));
}

static void read_integer(const struct yaml *root, struct faults *faults)
{
    int value = 77;
    yaml_get_integer(root, "a", YAML_REQUIRED, (struct yaml_bounds){1, 9}, &value, faults);
    assert_int_equal(value, 77);
}

static void read_number(const struct yaml *root, struct faults *faults)
{
    double value = 77;
    yaml_get_number(root, "a", YAML_REQUIRED, &value, faults);
    assert_true(value == 77);
}

static void read_boolean(const struct yaml *root, struct faults *faults)
{
    bool value = true;
    yaml_get_boolean(root, "a", YAML_REQUIRED, &value, faults);
    assert_true(value);
}

static void read_list(const struct yaml *root, struct faults *faults)
{
    assert_null(yaml_get_list(root, "a", YAML_REQUIRED, faults));
}

static void read_word(const struct yaml *root, struct faults *faults)
{
    static const char *const words[] = {"sum", "mean", "none", NULL};
    assert_int_equal(yaml_get_word(root, "a", YAML_REQUIRED, words, faults), -1);
}

static void read_keys(const struct yaml *root, struct faults *faults)
{
    static const char *const keys[] = {"id", "required", "text", NULL};
    yaml_allow_keys(root, keys, faults);
}

static void test_yaml_get_wrong_values_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        void (*read)(const struct yaml *root, struct faults *faults);
        int line;
        const char *says;
    } cases[] = {
        {"b: 1", read_text, 1, "\"a\" is missing; add it"},
        {"id: p3\nb: 1", read_text, 1, "p3: \"a\" is missing; add it"},
        {"b: 1\na:\n", read_text, 2, "\"a\" has no value; give one or remove the key"},
        {"a: ~", read_text, 1, "\"a\" has no value; give one or remove the key"},
        {"a: \"\"", read_text, 1, "\"a\" has no value; give one or remove the key"},
        {"a: \"x\\ey\"", read_text, 1, "a control character in \"a\"; remove it"},
        {"a: [1]", read_text, 1, "\"a\" must be a text, not a list; write one value after the colon"},
        {"a: b", read_list, 1, "\"a\" must be a list, not a text; write [a, b] or one \"- \" line for each"},
        {"a: 0", read_integer, 1, "\"a\" must be a whole number from 1 to 9, not \"0\""},
        {"a: 1.5", read_integer, 1, "\"a\" must be a whole number from 1 to 9, not \"1.5\""},
        {"a: 99999999999999999999", read_integer, 1,
         "\"a\" must be a whole number from 1 to 9, not \"99999999999999999999\""},
        {"a: 1e3", read_number, 1, "\"a\" must be a number such as 12 or 0.5, not \"1e3\""},
        {"a: yes", read_boolean, 1, "\"a\" must be false or true, not \"yes\""},
        {"a: media", read_word, 1, "\"a\" must be sum, mean or none, not \"media\""},
        {"id: p3\nrequird: true", read_keys, 2, "p3: unknown key \"requird\"; did you mean \"required\"?"},
        {"id: p3\nweight: true", read_keys, 2, "p3: unknown key \"weight\"; remove it"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fault(cases[i].text, cases[i].read, cases[i].line, cases[i].says);
}

static void test_yaml_get_right_values_are_read(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct faults faults = faults_begin(owner);
    const struct yaml *root =
        parse(owner, "t: a text\nq: \"null\"\ni: -7\nn: 0.25\nb: true\nw: mean\nl: []\nm: {}\n");
    static const char *const words[] = {"sum", "mean", NULL};
    int integer = 0, absent = 5;
    double number = 0;
    bool boolean = false;
    assert_string_equal(yaml_get_text(root, "t", YAML_REQUIRED, &faults), "a text");
    assert_string_equal(yaml_get_text(root, "q", YAML_REQUIRED, &faults), "null");
    yaml_get_integer(root, "i", YAML_REQUIRED, (struct yaml_bounds){-10, 10}, &integer, &faults);
    yaml_get_integer(root, "absent", YAML_OPTIONAL, (struct yaml_bounds){-10, 10}, &absent, &faults);
    yaml_get_number(root, "n", YAML_REQUIRED, &number, &faults);
    yaml_get_boolean(root, "b", YAML_REQUIRED, &boolean, &faults);
    assert_int_equal(yaml_get_word(root, "w", YAML_REQUIRED, words, &faults), 1);
    assert_non_null(yaml_get_list(root, "l", YAML_REQUIRED, &faults));
    assert_non_null(yaml_get_map(root, "m", YAML_REQUIRED, &faults));
    assert_null(yaml_get_map(root, "absent", YAML_OPTIONAL, &faults));
    assert_int_equal(integer, -7);
    assert_int_equal(absent, 5);
    assert_true(number == 0.25);
    assert_true(boolean);
    assert_int_equal(faults.count, 0);
    talloc_free(owner);
}

static void test_faults_to_error_first_line_wins(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    struct faults faults = faults_begin(owner);
    assert_true(faults_to_error(&faults, &error));
    faults_add(&faults, "a.yaml", 9, "later");
    faults_add(&faults, "a.yaml", 3, "earlier");
    assert_false(faults_to_error(&faults, &error));
    assert_int_equal(error.line, 3);
    assert_string_equal(error.message, "earlier");
    for (int i = 0; i < 1000; i++)
        faults_add(&faults, "a.yaml", i, "many");
    assert_int_equal(faults.count, 101);
    assert_string_equal(faults.faults[99].text, "many");
    assert_string_equal(faults.faults[100].text, "there are more faults; correct these first");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_parse_tree_knows_lines_and_kinds),
        cmocka_unit_test(test_yaml_parse_what_is_not_allowed_is_refused_with_its_line),
        cmocka_unit_test(test_yaml_parse_nul_byte_is_refused),
        cmocka_unit_test(test_yaml_parse_depth_16_is_the_limit),
        cmocka_unit_test(test_yaml_parse_size_limits),
        cmocka_unit_test(test_yaml_get_wrong_values_say_what_and_where),
        cmocka_unit_test(test_yaml_get_right_values_are_read),
        cmocka_unit_test(test_faults_to_error_first_line_wins),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
