/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first line of the input is an expression, what follows are answers to a small form.  An expression that is
 * taken can be written as JSON, is the opposite of its negation, and does not change its mind: what it says while an
 * item is open, or a date known in part, it still says once more is known, unless it asks answered().
 */
#define FUZZ_TARGET fuzz_expression
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"

static const char form_text[] =
    "form: fuzz\nversion: 1\ntitle: Fuzz\nsource: none\nabout: subject\n"
    "choices:\n"
    "  level: [{code: 0, label: none}, {code: 1, label: mild}, {code: 4, label: severe}]\n"
    "  kind: [{code: fall, label: fall}, {code: other, label: other}]\n"
    "sections:\n  - id: only\n    title: Only\n    items:\n"
    "      - {id: level, text: level, type: choice, choices: level}\n"
    "      - {id: kind, text: kind, type: choice, choices: kind}\n"
    "      - {id: count, text: count, type: integer, min: -9, max: 1000000}\n"
    "      - {id: bmi, text: bmi, type: decimal, decimals: 2, min: -1000, max: 1000}\n"
    "      - {id: seen, text: seen, type: date}\n"
    "      - {id: onset, text: onset, type: partial_date}\n"
    "      - {id: end, text: end, type: partial_date}\n"
    "      - {id: note, text: note, type: text, max_length: 20}\n"
    "      - {id: serious, text: serious, type: boolean}\n";

/* Values that meet each other often; an item takes those that it can read and stays open for the others. */
static const char *const values[] = {
    "0", "1", "4", "fall", "other", "-9", "1000000", "0.1", "0.3", "-1000", "27.45", "2024-02-29", "2024-02",
    "2024", "2026-03-01", "2026-03", "0001-01-01", "9999-12-31", "9999", "true", "false", "x", "0.20", "",
};

static const struct form *fuzz_form_of_items(void)
{
    static const struct form *form;
    struct error error = {0};
    if (form == NULL)
        form = form_parse(NULL, "form.yaml", form_text, sizeof form_text - 1, &error);
    FUZZ_REQUIRE_WITH(form != NULL, error.message);
    return form;
}

static struct answer *read_answers(const void *owner, const struct form *form, const uint8_t *data, size_t size)
{
    struct answer *answers = memory_new_array(owner, struct answer, form->item_count);
    for (size_t i = 0; i < form->item_count; i++) {
        answers[i] = answer_missing();
        if (i >= size)
            continue;
        struct raw_answer raw = {form->items[i].id, RAW_TEXT, values[data[i] % (sizeof values / sizeof *values)]};
        struct problem_list problems = {NULL, 0};
        if (!answer_read(owner, &form->items[i], &raw, &answers[i], &problems))
            answers[i] = answer_missing();
    }
    return answers;
}

static void require_constancy(const struct expression *expression, const struct expression_input *input,
                              struct answer *answers)
{
    enum truth whole = expression_evaluate(expression, input);
    for (size_t i = 0; i < input->form->item_count; i++) {
        struct answer kept = answers[i];
        answers[i] = answer_missing();
        enum truth before = expression_evaluate(expression, input);
        FUZZ_REQUIRE_WITH(before == TRUTH_UNKNOWN || before == whole, input->form->items[i].id);
        answers[i] = kept;
        if (kept.date.month == 0 || input->form->items[i].type != ITEM_PARTIAL_DATE)
            continue;
        *(kept.date.day != 0 ? &answers[i].date.day : &answers[i].date.month) = 0;
        before = expression_evaluate(expression, input);
        FUZZ_REQUIRE_WITH(before == TRUTH_UNKNOWN || before == whole, input->form->items[i].id);
        answers[i] = kept;
    }
}

static void require_negation(const void *owner, const struct expression *expression,
                             const struct expression_input *input)
{
    static const enum truth opposite[] = {TRUTH_TRUE, TRUTH_FALSE, TRUTH_UNKNOWN};
    struct error error = {0};
    const char *source = memory_format(owner, "not (%s)", expression_source(expression));
    const struct expression *negation = expression_parse(owner, input->form, source, "fuzz.yaml", 1, &error);
    if (negation == NULL)   /* deeper than 64, or longer than 4096 */
        fuzz_require_refusal(&error, ERROR_INPUT);
    else
        FUZZ_REQUIRE(expression_evaluate(negation, input) == opposite[expression_evaluate(expression, input)]);
}

static void require_tree(const void *owner, const struct form *form, const struct expression *expression)
{
    struct text *json = text_new(owner);
    expression_to_json(json, expression);
    fuzz_require_json(json->bytes);
    int last = expression_last_item(expression);
    FUZZ_REQUIRE(last >= FORM_NONE && last < (int)form->item_count);
    bool *marked = memory_new_array(owner, bool, form->item_count);
    FUZZ_REQUIRE(!expression_names_any(expression, marked));
    if (last != FORM_NONE)
        marked[last] = true;
    FUZZ_REQUIRE(expression_names_any(expression, marked) == (last != FORM_NONE));
    expression_names_form_date(expression);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    const struct form *form = fuzz_form_of_items();
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t length = newline != NULL ? (size_t)(newline - data) : size;
    const char *source = memory_copy_bytes(owner, data, length);
    if (!text_is_utf8(source, strlen(source))) {   /* the YAML reader lets nothing else through */
        talloc_free(owner);
        return 0;
    }
    size_t rest = newline != NULL ? size - length - 1 : 0;
    struct error error = {0};
    const struct expression *expression = expression_parse(owner, form, source, "fuzz.yaml", 1, &error);
    if (expression == NULL) {
        fuzz_require_refusal(&error, ERROR_INPUT);
    } else {
        struct answer *answers = read_answers(owner, form, newline != NULL ? newline + 1 : data, rest);
        struct expression_input input = {form, answers, rest % 2 == 0 ? date_from_civil(2026, 3, 1) : DATE_NONE,
                                         date_from_civil(2026, 6, 30)};
        require_tree(owner, form, expression);
        require_negation(owner, expression, &input);
        if (strstr(source, "answered") == NULL)
            require_constancy(expression, &input, answers);
    }
    talloc_free(owner);
    return 0;
}
