/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "forms/base/memory.h"
#include "forms/form.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A form with one of everything; each line of it is known to the tests below. */
static const char
    whole[] = "form: whole\n" /* 1 */
              "version: 3\n"
              "title: \"A \\\"whole\\\" form\"\n"
              "source: nobody\n"
              "recall: 1 week\n" /* 5 */
              "about: knee\n"
              "repeats: true\n"
              "choices:\n"
              "  five: [{code: 0, label: none}, {code: 1, label: mild}, {code: 4, label: extreme}]\n"
              "  why: [{code: pain, label: pain}, {code: other, label: other}]\n" /* 10 */
              "sections:\n"
              "  - id: first\n"
              "    title: First\n"
              "    items:\n"
              "      - {id: p1, code: P1, text: pain at night, type: choice, choices: five}\n" /* 15 */
              "      - {id: p2, text: pain by day, type: choice, choices: five, required: true}\n"
              "      - {id: why, text: reason, type: choice, choices: why}\n"
              "  - id: second\n"
              "    title: Second\n"
              "    items:\n" /* 20 */
              "      - {id: other, text: which, type: text, max_length: 40, show: \"why = 'other'\", "
              "required: true}\n"
              "      - {id: bmi, text: index, type: decimal, unit: kg/m2, decimals: 1, min: 10, max: 80, "
              "warn_min: 16, warn_max: 45}\n"
              "      - {id: lot, text: product lot, type: text, reveals_arm: true}\n"
              "      - {id: onset, text: onset, type: partial_date}\n"
              "      - {id: stop, text: end, type: date}\n" /* 25 */
              "rules:\n"
              "  - {id: order, item: stop, check: \"stop >= onset\", text: \"the end lies before the onset; "
              "correct one\"}\n"
              "  - {id: heavy, soft: true, check: \"bmi <= 40\", text: \"very heavy; look again\"}\n"
              "scores:\n"
              "  - {id: pain, title: Pain, method: mean, items: [p1, p2], min_answered: 1, missing: "
              "person_mean,\n" /* 30 */
              "     from: [0, 4], to: [100, 0], direction: higher_better, source: them, note: mind}\n"
              "  - {id: raw, title: Raw, method: sum, items: [p1, p2], direction: higher_worse, derived: "
              "true}\n"
              "  - {id: both, title: Both, method: mean, scores: [pain], direction: higher_better}\n";

static const struct form *parse_whole(const void *owner)
{
    struct error error = {0};
    const struct form *form = form_parse(owner, "whole.yaml", whole, strlen(whole), &error);
    if (form == NULL)
        fail_msg("%d: %s", error.line, error.message);
    return form;
}

static void test_form_parse_head_and_sections(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = parse_whole(owner);
    assert_string_equal(form->id, "whole");
    assert_int_equal(form->version, 3);
    assert_string_equal(form->title, "A \"whole\" form");
    assert_string_equal(form->recall, "1 week");
    assert_int_equal(form->about, FORM_ABOUT_KNEE);
    assert_true(form->repeats);
    assert_false(form->creates_subject);
    assert_int_equal(form->section_count, 2);
    assert_string_equal(form->sections[1].id, "second");
    assert_int_equal(form->sections[1].first_item, 3);
    assert_int_equal(form->sections[1].item_count, 5);
    assert_int_equal(form->item_count, 8);
    talloc_free(owner);
}

static void test_form_parse_items(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = parse_whole(owner);
    const struct item *p1 = &form->items[form_find_item(form, "p1")],
                      *bmi = &form->items[form_find_item(form, "bmi")];
    const struct item *why = &form->items[form_find_item(form, "why")],
                      *other = &form->items[form_find_item(form, "other")];
    assert_true(!p1->required && !p1->must_be_answered);
    assert_true(bmi->required == false && other->required && !other->must_be_answered);
    assert_string_equal(p1->code, "P1");
    assert_int_equal(p1->line, 15);
    assert_string_equal(p1->section, "first");
    assert_true(p1->choices_are_numbers);
    assert_true(item_find_choice(p1, "4")->number == 4);
    assert_null(item_find_choice(p1, "2"));
    assert_false(why->choices_are_numbers);
    assert_true(isnan(why->choices[0].number));
    assert_string_equal(bmi->unit, "kg/m2");
    assert_int_equal(bmi->decimals, 1);
    assert_true(bmi->min == 10 && bmi->max == 80 && bmi->warn_min == 16 && bmi->warn_max == 45);
    assert_true(isnan(p1->min) && isnan(p1->warn_max));
    assert_int_equal(other->max_length, 40);
    assert_non_null(other->show);
    assert_true(form->items[form_find_item(form, "lot")].reveals_arm);
    assert_int_equal(form->items[form_find_item(form, "onset")].type, ITEM_PARTIAL_DATE);
    assert_string_equal(item_type_name(ITEM_PARTIAL_DATE), "partial_date");
    talloc_free(owner);
}

static void test_form_parse_rules_and_scores(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = parse_whole(owner);
    assert_int_equal(form->rule_count, 2);
    assert_string_equal(form->rules[0].item, "stop");
    assert_false(form->rules[0].soft);
    assert_null(form->rules[1].item);
    assert_true(form->rules[1].soft);
    assert_int_equal(form->score_count, 3);
    const struct score *pain = &form->scores[form_find_score(form, "pain")];
    assert_int_equal(pain->part_count, 2);
    assert_int_equal(pain->min_answered, 1);
    assert_int_equal(pain->missing, SCORE_MISSING_PERSON_MEAN);
    assert_true(pain->rescaled && pain->range[0] == 0 && pain->range[1] == 100);
    const struct score *raw = &form->scores[form_find_score(form, "raw")];
    assert_int_equal(raw->min_answered, 2);
    assert_true(!raw->rescaled && raw->range[0] == 0 && raw->range[1] == 8);
    assert_true(raw->derived);
    const struct score *both = &form->scores[form_find_score(form, "both")];
    assert_true(both->of_scores && both->range[0] == 0 && both->range[1] == 100);
    assert_int_equal(form_find_score(form, "none"), FORM_NONE);
    talloc_free(owner);
}

static void test_form_find_item_every_id_and_no_other(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = parse_whole(owner);
    for (size_t i = 0; i < form->item_count; i++)
        assert_int_equal(form_find_item(form, form->items[i].id), i);
    static const char *const absent[] = {"", "a", "p", "p11", "zzz", "P1"};
    for (size_t i = 0; i < COUNT(absent); i++)
        assert_int_equal(form_find_item(form, absent[i]), FORM_NONE);
    talloc_free(owner);
}

static void test_form_parse_faults_name_line_and_hint(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"form: whole", "form: Whole", 1, "form id \"Whole\" must begin with a small letter"},
        {"version: 3", "version: 0", 2, "whole number from 1"},
        {"title: \"A \\\"whole\\\" form\"\n", "", 1, "\"title\" is missing"},
        {"recall:", "recal:", 5, "unknown key \"recal\"; did you mean \"recall\"?"},
        {"about: knee", "about: knees", 6, "must be subject, knee or either"},
        {"repeats: true", "repeats: yes", 7, "false or true"},
        {"code: 4, label: extreme", "code: 1, label: extreme", 9, "code \"1\" is in this list twice"},
        {"code: 4, label: extreme", "code: 04, label: extreme", 9,
         "code \"04\" must be an integer or a word"},
        {"code: 4, label: extreme", "code: much, label: extreme", 9, "all integers or all words"},
        {"code: 4, label: extreme", "code: 4, lable: extreme", 9, "did you mean \"label\"?"},
        {"  why: [{code: pain, label: pain}, {code: other, label: other}]\n", "  why: []\n", 10, "from 1 to"},
        {"choices: why}", "choices: wy}", 17, "unknown choice list \"wy\"; did you mean \"why\"?"},
        {"  why: [", "  how: [{code: a, label: a}]\n  why: [", 10, "used by no item"},
        {"id: p1,", "id: p2,", 16, "item p2 is here twice (first in line 15)"},
        {"id: p1,", "id: min,", 15, "word of the expression language"},
        {"id: p1,", "id: P1,", 15, "must begin with a small letter"},
        {"id: second", "id: first", 18, "section first is here twice"},
        {"pain at night, type: choice", "pain at night, type: choise", 15,
         "\"type\" must be choice, integer"},
        {"type: date}", "type: date, min: 3}", 25, "\"min\" fits an integer or a decimal, not type date"},
        {"type: partial_date}", "type: text, decimals: 3}", 24, "\"decimals\" fits a decimal"},
        {"required: true}\n      - {id: why", "required: maybe}\n      - {id: why", 16,
         "must be false, true or always"},
        {"min: 10, max: 80, warn_min: 16, warn_max: 45", "max: 80, warn_min: 90", 22,
         "warn_min and max: 90 is above 80"},
        {"min: 10, max: 80, warn_min: 16, warn_max: 45", "min: 10, warn_max: 5", 22, "min and warn_max: 10 is above 5"},
        {"warn_min: 16, warn_max: 45", "warn_min: 45, warn_max: 16", 22, "warn_min and warn_max: 45 is above 16"},
        {"min: 10, max: 80", "min: 10, max: 80.25", 22, "\"max\" is 80.25, but the item has 1 digits after the point"},
        {"warn_max: 45}", "warn_max: 45.05}", 22, "\"warn_max\" is 45.05"},
        {"type: date}", "type: integer, min: 0.5}", 25, "\"min\" of an integer must be a whole number, not 0.5"},
        {"bmi <= 40", "today > '2020-01-01'", 28, "must depend on an item of the form or on its date"},
        {"items: [p1, p2], min_answered", "items: [p1, p3], min_answered", 30, "no item \"p3\""},
        {"choices: five}\n      - {id: p2", "choices: five}\n      - {id: p2, show: \"p1 = 1\"", 30,
         "item p2 is not always asked"},
        {"min: 10, max: 80", "min: 80, max: 10", 22, "min and max: 80 is above 10"},
        {"warn_min: 16", "warn_min: 6", 22, "min and warn_min: 10 is above 6"},
        {"warn_max: 45", "warn_max: 85", 22, "warn_max and max"},
        {"max: 80,", "max: eighty,", 22, "must be a number"},
        {"show: \"why = 'other'\"", "show: \"why = 'othr'\"", 21, "column 7: item why has no choice 'othr'"},
        {"show: \"why = 'other'\"", "show: \"bmi > 3\"", 21, "does not stand before it"},
        {"show: \"why = 'other'\"", "show: \"answered(other)\"", 21, "does not stand before it"},
        {"show: \"why = 'other'\"", "show: \"date < today\"", 21, "must depend on an item"},
        {"item: stop, check", "item: stopp, check", 27,
         "no item \"stopp\" in this form; did you mean \"stop\"?"},
        {"stop >= onset", "stop >= onst", 27, "no item \"onst\""},
        {"id: heavy", "id: order", 28, "first in line 27"},
        {"id: heavy", "id: soft_range", 28, "name of the check"},
        {", text: \"very heavy; look again\"", "", 28, "\"text\" is missing"},
        {"items: [p1, p2], min_answered", "items: [p1, p9], min_answered", 30, "no item \"p9\""},
        {"items: [p1, p2], min_answered", "items: [p1, why], min_answered", 30, "item why has no numbers"},
        {"items: [p1, p2], min_answered", "items: [p1, p1], min_answered", 30, "in this score twice"},
        {"min_answered: 1", "min_answered: 3", 30, "from 1 to 2"},
        {"from: [0, 4]", "from: [0, 5]", 31, "\"from\" is [0, 5], but the parts can give 0 to 4"},
        {"from: [0, 4], ", "", 30, "belong together"},
        {"to: [100, 0]", "to: [100]", 31, "must be two numbers"},
        {"to: [100, 0]", "to: [100, 100]", 30, "two different numbers"},
        {"direction: higher_better, source", "source", 30, "\"direction\" is missing"},
        {"title: Raw, method: sum", "title: Raw, method: sum, min_answered: 1", 32, "no total"},
        {"title: Raw, method: sum, items: [p1, p2]", "title: Raw, method: sum, items: [bmi], scores: [pain]",
         32, "one of the two"},
        {"scores: [pain]", "scores: [later]", 33, "no score \"later\" before this one"},
        {"id: both", "id: raw", 33, "first in line 32"},
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = definitions_refused_form(definitions_altered(owner, whole, cases[i].from, cases[i].to));
        if (error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s -> %s: line %d: %s", cases[i].from, cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

static void test_form_parse_rule_over_the_date_and_score_of_one_skipped_item_are_accepted(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(
        owner, "sections: [{id: a, title: A, items: [{id: b, text: b, type: boolean, required: always},\n"
               "  {id: n, text: n, type: integer, min: 0, max: 4, show: b}]}]\n"
               "rules: [{id: late, soft: true, check: \"days(date, today) <= 30\", text: late}]\n"
               "scores: [{id: s, title: S, method: sum, items: [n], direction: higher_worse}]\n");
    assert_true(form->items[0].required && form->items[0].must_be_answered);
    struct text *json = text_new(owner);
    form_to_json(json, form);
    assert_non_null(strstr(json->bytes, "\"required\":true,\"must_be_answered\":true"));
    assert_non_null(strstr(json->bytes, "\"required\":false,\"must_be_answered\":false"));
    talloc_free(owner);
}

static void test_form_parse_open_range_of_a_raw_score_is_refused(void **state)
{
    (void)state;
    struct error error = definitions_refused_form(
        "form: f\nversion: 1\ntitle: F\nsource: s\nabout: subject\n"
        "sections: [{id: a, title: A, items: [{id: n, text: n, type: integer, min: 0}]}]\n"
        "scores: [{id: s, title: S, method: sum, items: [n], direction: higher_worse}]\n");
    assert_non_null(strstr(error.message, "range of this score is not known"));
}

static void test_form_parse_enrolment_needs_an_index_knee(void **state)
{
    (void)state;
    static const char *const items[] = {
        "{id: n, text: n, type: integer}",
        "{id: index_knee, text: n, type: integer, required: always}",
        "{id: index_knee, text: n, type: choice, choices: side, required: true}",
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(items); i++) {
        struct error error = definitions_refused_form(memory_format(
            owner, "form: f\nversion: 1\ntitle: F\nsource: s\nabout: subject\ncreates_subject: true\n%s"
                   "sections: [{id: a, title: A, items: [%s]}]\n",
            i == 2 ? "choices: {side: [{code: left, label: l}, {code: right, label: r}]}\n" : "", items[i]));
        assert_non_null(strstr(error.message, "index_knee"));
        assert_int_equal(error.line, 6);
    }
    talloc_free(owner);
}

static void test_form_to_json_is_json_with_everything(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    form_to_json(text, parse_whole(owner));
    json_error_t error;
    json_t *json = json_loads(text->bytes, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("%s in %s", error.text, text->bytes);
    const char *form, *title, *code, *label, *operation, *method, *part;
    double max = 0, from = 0, range = 0;
    int required = 0, soft = 0;
    assert_int_equal(json_unpack(json, "{s:s, s:s}", "form", &form, "title", &title), 0);
    assert_string_equal(title, "A \"whole\" form");
    json_t *second =
        json_array_get(json_object_get(json_array_get(json_object_get(json, "sections"), 1), "items"), 0);
    assert_int_equal(json_unpack(second, "{s:b, s:{s:s}}", "required", &required, "show", "op", &operation),
                     0);
    assert_string_equal(operation, "=");
    json_t *first =
        json_array_get(json_object_get(json_array_get(json_object_get(json, "sections"), 0), "items"), 0);
    assert_int_equal(json_unpack(first, "{s:s, s:[{s:i, s:s}*]}", "code", &code, "choices", "code", &soft,
                                 "label", &label),
                     0);
    json_t *bmi =
        json_array_get(json_object_get(json_array_get(json_object_get(json, "sections"), 1), "items"), 1);
    assert_int_equal(json_unpack(bmi, "{s:F}", "max", &max), 0);
    assert_true(max == 80);
    json_t *rule = json_array_get(json_object_get(json, "rules"), 1);
    assert_int_equal(json_unpack(rule, "{s:b}", "soft", &soft), 0);
    assert_true(soft);
    json_t *score = json_array_get(json_object_get(json, "scores"), 0);
    assert_int_equal(json_unpack(score, "{s:s, s:[s*], s:[F*], s:[F*]}", "method", &method, "items", &part,
                                 "to", &from, "range", &range),
                     0);
    assert_string_equal(part, "p1");
    assert_true(from == 100 && range == 0);
    json_decref(json);
    talloc_free(owner);
}

/* Calls `check` for each *.yaml of a directory; returns how many there were. */
static size_t for_each_yaml(const char *directory, void (*check)(const void *owner, const char *path))
{
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0)
            continue;
        void *owner = memory_owner(NULL, "test");
        check(owner, memory_format(owner, "%s/%s", directory, entry->d_name));
        talloc_free(owner);
        count++;
    }
    closedir(entries);
    return count;
}

static void check_instrument(const void *owner, const char *path)
{
    struct error error = {0};
    const struct form *form = form_load(owner, path, &error);
    if (form == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    const char *name = strrchr(path, '/') + 1;
    assert_memory_equal(name, form->id, strlen(form->id));   /* koos.yaml holds form koos */
    struct text *text = text_new(owner);
    form_to_json(text, form);
    json_t *json = json_loads(text->bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
}

static void check_protocol(const void *owner, const char *path)
{
    struct error error = {0};
    if (catalogue_load(owner, path, "forms/instruments", &error) == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
}

static void test_form_load_every_instrument_that_ships(void **state)
{
    (void)state;
    assert_true(for_each_yaml("forms/instruments", check_instrument) >= 18);
}

static void test_catalogue_load_every_protocol_that_ships(void **state)
{
    (void)state;
    assert_true(for_each_yaml("forms/protocols", check_protocol) >= 1);
}

static void test_form_load_absent_file_is_an_io_error(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    assert_null(form_load(owner, "forms/instruments/absent.yaml", &error));
    assert_int_equal(error.kind, ERROR_IO);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_parse_head_and_sections),
        cmocka_unit_test(test_form_parse_items),
        cmocka_unit_test(test_form_parse_rules_and_scores),
        cmocka_unit_test(test_form_find_item_every_id_and_no_other),
        cmocka_unit_test(test_form_parse_faults_name_line_and_hint),
        cmocka_unit_test(test_form_parse_rule_over_the_date_and_score_of_one_skipped_item_are_accepted),
        cmocka_unit_test(test_form_parse_open_range_of_a_raw_score_is_refused),
        cmocka_unit_test(test_form_parse_enrolment_needs_an_index_knee),
        cmocka_unit_test(test_form_to_json_is_json_with_everything),
        cmocka_unit_test(test_form_load_every_instrument_that_ships),
        cmocka_unit_test(test_catalogue_load_every_protocol_that_ships),
        cmocka_unit_test(test_form_load_absent_file_is_an_io_error),
    };
    return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
