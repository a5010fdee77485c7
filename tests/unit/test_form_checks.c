/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verdicts of tests/golden/checks, which the browser is held to as well (test_form_checks.sh).
 * Called with "definitions" it prints what the browser's side needs, as the API gives it:
 * {"forms": {"koos 1": {...}, ...}, "expression_form": {...}, "expressions": [tree, ...]}.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/expression.h"
#include "tests/support/definitions.h"

static const char *const truth_names[] = {[TRUTH_FALSE] = "false", [TRUTH_TRUE] = "true",
                                          [TRUTH_UNKNOWN] = "unknown"};

static json_t *load(const char *path)
{
    json_error_t error;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return document;
}

static json_t *load_expressions(void)
{
    return load("tests/golden/checks/expressions.json");
}

static json_t *load_forms(void)
{
    return load("tests/golden/checks/forms.json");
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL)
        fail_msg("\"%s\" is missing or no text", key);
    return text;
}

static date_days date_at(const json_t *object, const char *key)
{
    date_days days = DATE_NONE;
    if (!date_parse(text_at(object, key), &days))
        fail_msg("\"%s\" is no date", key);
    return days;
}

/* "koos" and 1, or one of the document's own definitions. */
static const struct form *find_form(const void *owner, const json_t *document, const char *id, int version)
{
    const json_t *body = json_object_get(json_object_get(document, "definitions"), id);
    if (body != NULL)
        return definitions_form(owner, json_string_value(body));
    const char *suffix = version > 1 ? memory_format(owner, "_%d", version) : "";
    struct error error = {0};
    const struct form *form =
        form_load(owner, memory_format(owner, "forms/instruments/%s%s.yaml", id, suffix), &error);
    if (form == NULL)
        fail_msg("%s", error.message);
    return form;
}

static int version_of(const json_t *verdict)
{
    const json_t *version = json_object_get(verdict, "version");
    return version != NULL ? (int)json_integer_value(version) : 1;
}

/* What a submission of the case's answers is, as JSON text; `extra` is one more item that is declined, or NULL. */
static char *write_submission(const json_t *document, const json_t *verdict, const struct form *form,
                              const char *extra)
{
    json_t *answers = json_object();
    const char *from = json_string_value(json_object_get(verdict, "from"));
    if (from != NULL)
        json_object_update(answers, json_object_get(json_object_get(document, "starts"), from));
    json_object_update(answers, json_object_get(verdict, "answers"));
    json_t *declined = json_object();
    json_object_update(declined, json_object_get(verdict, "not_answered"));
    if (extra != NULL)
        json_object_set_new(declined, extra, json_string("unknown"));
    json_t *submission = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o}", "id", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "subject",
        "07-0012", "form", form->id, "form_version", form->version, "visit", "unscheduled", "knee",
        form->about == FORM_ABOUT_SUBJECT ? "none" : "right", "answers", answers, "not_answered", declined);
    const json_t *date = json_object_get(verdict, "date");
    if (!json_is_null(date))
        json_object_set_new(submission, "date", json_string(date != NULL ? json_string_value(date)
                                                                         : text_at(document, "date")));
    if (json_object_get(verdict, "confirmed") != NULL)
        json_object_set(submission, "confirmed", json_object_get(verdict, "confirmed"));
    char *text = json_dumps(submission, JSON_COMPACT);
    json_decref(submission);
    return text;
}

static struct problem_list judge(const void *owner, const json_t *document, const json_t *verdict,
                                 const struct form *form, const char *extra)
{
    struct problem_list problems = {NULL, 0};
    char *text = write_submission(document, verdict, form, extra);
    const struct submission_input *input = submission_read_json(owner, text, strlen(text), &problems);
    free(text);
    if (input == NULL)
        fail_msg("%s: the submission cannot be read", text_at(verdict, "is"));
    date_days today = date_at(json_object_get(verdict, "today") != NULL ? verdict : document, "today");
    const struct submission *submission =
        submission_check(owner, definitions_catalogue(owner, form), input, today, &problems);
    assert_true((submission == NULL) == (problems.count > 0));
    return problems;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts sorted, one a line. */
static const char *join_sorted(const void *owner, const char **texts, size_t count)
{
    if (count > 1)
        qsort(texts, count, sizeof texts[0], compare_texts);
    struct text *joined = text_new(owner);
    for (size_t i = 0; i < count; i++)
        text_append_format(joined, "%s\n", texts[i]);
    return joined->bytes;
}

static const char *found_problems(const void *owner, const struct problem_list *problems)
{
    const char **texts = memory_new_array(owner, const char *, problems->count + 1);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problems[i];
        texts[i] = memory_format(owner, "%s %s%s", problem->item != NULL ? problem->item : "-", problem->rule,
                                 problem->soft ? " soft" : "");
    }
    return join_sorted(owner, texts, problems->count);
}

static const char *expected_list(const void *owner, const json_t *list)
{
    size_t count = json_array_size(list);
    const char **texts = memory_new_array(owner, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        texts[i] = json_string_value(json_array_get(list, i));
    return join_sorted(owner, texts, count);
}

static bool is_skipped(const struct problem_list *problems, const char *item)
{
    for (size_t i = 0; i < problems->count; i++)
        if (problems->problems[i].item != NULL && strcmp(problems->problems[i].item, item) == 0
            && strcmp(problems->problems[i].rule, "skipped") == 0)
            return true;
    return false;
}

/* An item is hidden when whatever is said about it is refused as skipped. */
static const char *found_hidden(const void *owner, const json_t *document, const json_t *verdict,
                                const struct form *form)
{
    const char **texts = memory_new_array(owner, const char *, form->item_count);
    size_t count = 0;
    for (size_t i = 0; i < form->item_count; i++) {
        struct problem_list problems = judge(owner, document, verdict, form, form->items[i].id);
        if (is_skipped(&problems, form->items[i].id))
            texts[count++] = form->items[i].id;
    }
    return join_sorted(owner, texts, count);
}

static void test_expression_evaluate_each_vector_has_its_truth(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    json_t *document = load_expressions();
    const struct form *form = definitions_form(owner, text_at(document, "form"));
    struct answer *answers = memory_new_array(owner, struct answer, form->item_count);
    for (size_t i = 0; i < form->item_count; i++) {
        const json_t *value = json_object_get(json_object_get(document, "answers"), form->items[i].id);
        char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        struct raw_answer raw = {form->items[i].id, RAW_TEXT,
                                 json_is_string(value) ? json_string_value(value) : text != NULL ? text : ""};
        struct problem_list problems = {NULL, 0};
        assert_true(answer_read(owner, &form->items[i], &raw, &answers[i], &problems));
        free(text);
    }
    struct expression_input input = {form, answers, date_at(document, "date"), date_at(document, "today")};
    const json_t *cases = json_object_get(document, "cases");
    size_t wrong = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *source = json_string_value(json_array_get(json_array_get(cases, i), 0));
        const char *truth = json_string_value(json_array_get(json_array_get(cases, i), 1));
        struct error error = {0};
        const struct expression *expression = expression_parse(owner, form, source, "case", (int)i, &error);
        if (expression == NULL)
            fail_msg("%s: %s", source, error.message);
        const char *found = truth_names[expression_evaluate(expression, &input)];
        if (strcmp(found, truth) == 0)
            continue;
        print_error("%s: expected %s, is %s\n", source, truth, found);
        wrong++;
    }
    assert_true(json_array_size(cases) > 150);
    assert_int_equal(wrong, 0);
    json_decref(document);
    talloc_free(owner);
}

static bool case_holds(const json_t *document, const json_t *verdict)
{
    void *owner = memory_owner(NULL, "case");
    const char *id = text_at(verdict, "form");
    const struct form *form = find_form(owner, document, id, version_of(verdict));
    struct problem_list problems = judge(owner, document, verdict, form, NULL);
    const char *found = found_problems(owner, &problems);
    const char *expected = expected_list(owner, json_object_get(verdict, "problems"));
    bool holds = strcmp(found, expected) == 0;
    if (!holds)
        print_error("%s: %s: problems expected:\n%sfound:\n%s", id, text_at(verdict, "is"), expected, found);
    const json_t *hidden = json_object_get(verdict, "hidden");
    if (hidden != NULL) {
        const char *skipped = found_hidden(owner, document, verdict, form);
        const char *meant = expected_list(owner, hidden);
        if (strcmp(skipped, meant) != 0)
            print_error("%s: %s: hidden expected:\n%sfound:\n%s", id, text_at(verdict, "is"), meant, skipped);
        holds = holds && strcmp(skipped, meant) == 0;
    }
    talloc_free(owner);
    return holds;
}

static void test_submission_check_each_vector_has_its_verdict(void **state)
{
    (void)state;
    json_t *document = load_forms();
    const json_t *cases = json_object_get(document, "cases");
    size_t wrong = 0;
    for (size_t i = 0; i < json_array_size(cases); i++)
        wrong += !case_holds(document, json_array_get(cases, i));
    assert_true(json_array_size(cases) > 150);
    assert_int_equal(wrong, 0);
    json_decref(document);
}

static void print_expressions(const void *owner, struct text *out)
{
    json_t *document = load_expressions();
    const struct form *form = definitions_form(owner, text_at(document, "form"));
    const json_t *cases = json_object_get(document, "cases");
    text_append(out, "\"expression_form\":");
    form_to_json(out, form);
    text_append(out, ",\"expressions\":[");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *source = json_string_value(json_array_get(json_array_get(cases, i), 0));
        struct error error = {0};
        const struct expression *expression = expression_parse(owner, form, source, "case", (int)i, &error);
        text_append(out, i > 0 ? "," : "");
        if (expression != NULL)
            expression_to_json(out, expression);
        else
            text_append(out, "null");
    }
    text_append(out, "]");
    json_decref(document);
}

static int print_definitions(void)
{
    void *owner = memory_owner(NULL, "definitions");
    json_t *document = load_forms();
    json_t *printed = json_object();
    struct text *out = text_new(owner);
    text_append(out, "{\"forms\":{");
    const json_t *cases = json_object_get(document, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *verdict = json_array_get(cases, i);
        const char *key = memory_format(owner, "%s %d", text_at(verdict, "form"), version_of(verdict));
        if (json_object_get(printed, key) != NULL)
            continue;
        text_append_format(out, "%s\"%s\":", json_object_size(printed) > 0 ? "," : "", key);
        form_to_json(out, find_form(owner, document, text_at(verdict, "form"), version_of(verdict)));
        json_object_set_new(printed, key, json_true());
    }
    text_append(out, "},");
    print_expressions(owner, out);
    text_append(out, "}");
    puts(out->bytes);
    json_decref(printed);
    json_decref(document);
    talloc_free(owner);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "definitions") == 0)
        return print_definitions();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expression_evaluate_each_vector_has_its_truth),
        cmocka_unit_test(test_submission_check_each_vector_has_its_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
