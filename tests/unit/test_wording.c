/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/wording.h"
#include "forms/yaml.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char body[] =
    "choices: {five: [{code: 0, label: none}, {code: 1, label: mild}]}\n"
    "sections:\n  - id: first\n    title: First\n    items:\n"
    "      - {id: p1, text: one, type: choice, choices: five}\n"
    "      - {id: p2, text: two, type: choice, choices: five, show: \"p1 = 1\"}\n"
    "scores: [{id: s, title: S, method: sum, items: [p1], direction: higher_worse}]\n";

static const char overlay[] =
    "wording: {form: test, version: 1, language: de, source: a licence}\n"   /* 1 */
    "title: \xc3\x9c" "berschrift\n"
    "items:\n"
    "  p1: Erste Frage\n"
    "choices:\n"                                                             /* 5 */
    "  p1: {0: keine}\n"
    "sections:\n"
    "  first: Erster Teil\n";

static const struct form *apply(const void *owner, const struct form *form, const char *text, struct error *error)
{
    struct faults faults = faults_begin(owner);
    const struct yaml *root = yaml_parse(owner, "de.yaml", text, strlen(text), error);
    const struct form *copy = root != NULL ? wording_apply(owner, form, root, &faults) : NULL;
    assert_int_equal(copy != NULL, faults_to_error(&faults, error));
    return copy;
}

static void test_wording_apply_lays_texts_over_a_copy(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const struct form *form = definitions_form(owner, body);
    const struct form *german = apply(owner, form, overlay, &error);
    if (german == NULL)
        fail_msg("%s", error.message);
    assert_string_equal(german->title, "\xc3\x9c" "berschrift");
    assert_string_equal(german->items[0].text, "Erste Frage");
    assert_string_equal(german->items[1].text, "two");
    assert_string_equal(german->items[0].choices[0].label, "keine");
    assert_string_equal(german->items[0].choices[1].label, "mild");
    assert_string_equal(german->items[1].choices[0].label, "none");   /* lists are laid over per item */
    assert_string_equal(german->sections[0].title, "Erster Teil");
    assert_int_equal(form_find_item(german, "p2"), 1);
    assert_string_equal(form->items[0].text, "one");
    assert_string_equal(form->items[0].choices[0].label, "none");
    talloc_free(owner);
}

static void test_wording_apply_unknown_names_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"form: test", "form: koos", 1, "this wording is for koos version 1, the form is test version 1"},
        {"version: 1", "version: 2", 1, "this wording is for test version 2"},
        {"language: de, ", "", 1, "\"language\" is missing"},
        {"language: de,", "language: German,", 1, "\"German\" is no language"},
        {"language: de,", "language: de-,", 1, "such as de or de-CH"},
        {"language: de,", "language: de-abcdefghi,", 1, "such as de or de-CH"},
        {"language: de,", "language: de-abcdefgh-abcdefgh-1,", 1, "such as de or de-CH"},
        {"source: a licence", "licence: x", 1, "unknown key \"licence\""},
        {"  p1: Erste", "  p9: Erste", 4, "form test has no item \"p9\""},
        {"Erste Frage", "[1]", 4, "must be a text"},
        {"{0: keine}", "{2: keine}", 6, "item p1 has no choice \"2\""},
        {"{0: keine}", "keine", 6, "must be a map"},
        {"  p1: {0: keine}", "  zz: {0: keine}", 6, "no item \"zz\""},
        {"  first:", "  last:", 8, "form test has no section \"last\""},
        {"sections:", "section:", 7, "did you mean \"sections\"?"},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *place = strstr(overlay, cases[i].from);
        assert_non_null(place);
        const char *text = memory_format(owner, "%.*s%s%s", (int)(place - overlay), overlay, cases[i].to,
                                         place + strlen(cases[i].from));
        struct error error = {0};
        assert_null(apply(owner, form, text, &error));
        if (error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s: line %d: %s", cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wording_apply_lays_texts_over_a_copy),
        cmocka_unit_test(test_wording_apply_unknown_names_are_refused),
    };
    return cmocka_run_group_tests_name("wording", tests, NULL, NULL);
}
