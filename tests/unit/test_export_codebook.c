/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The codebook beside a form's file of an export: which version explains a column, what is left out or disarmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/export_codebook.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "tests/support/definitions.h"

#define HEAD "title: Test\nsource: none\nabout: subject\nsections:\n  - id: s\n    title: S\n    items:\n"

/* The second version has one item more and one less, and another range. */
static const char older[] =
    "form: test\nversion: 1\n" HEAD
    "      - {id: a, text: as it was, type: integer, min: 0, max: 4}\n"
    "      - {id: gone, text: asked no more, type: integer, min: 0, max: 9}\n"
    "scores: [{id: a, title: Old, method: sum, items: [a, gone], direction: higher_worse}]\n";
static const char newer[] =
    "form: test\nversion: 2\nchoices: {why: [{code: pain, label: \"it hurts, much\"}, {code: other, label: other}]}\n"
    HEAD
    "      - {id: why, text: \"=why\", type: choice, choices: why, required: true}\n"
    "      - {id: a, text: as it is, type: decimal, unit: mm, decimals: 1, min: -5, max: 5, show: \"why != 'other'\"}\n"
    "      - {id: words, text: free, type: text, max_length: 100}\n"
    "scores:\n"
    "  - {id: a, title: Part, method: mean, items: [a], direction: higher_worse}\n"
    "  - {id: whole, title: Whole, method: sum, scores: [a], direction: higher_worse}\n";

static const struct form *parse(const void *owner, const char *text)
{
    struct error error = {0};
    const struct form *form = form_parse(owner, "test.yaml", text, strlen(text), &error);
    if (form == NULL)
        fail_msg("test.yaml:%d: %s", error.line, error.message);
    return form;
}

static const struct csv_table *read_codebook(const void *owner, bool masked)
{
    const struct form **forms = memory_new_array(owner, const struct form *, 2);
    struct catalogue *catalogue = memory_new(owner, struct catalogue);
    struct text *text = text_new(owner);
    struct error error = {0};
    forms[0] = parse(owner, newer);
    forms[1] = parse(owner, older);
    catalogue->forms = forms;
    catalogue->form_count = 2;
    export_codebook_append(export_columns_new(owner, catalogue, "test", masked), text);
    const struct csv_table *table = csv_table_read(owner, "codebook.csv", text->bytes, text->length, &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    return table;
}

/* NULL when there is no such line. */
static const char *cell(const struct csv_table *table, const char *column, const char *name)
{
    for (size_t i = 0; i < table->row_count; i++)
        if (strcmp(table->rows[i].cells[csv_table_column(table, "column")], column) == 0)
            return table->rows[i].cells[csv_table_column(table, name)];
    return NULL;
}

static void test_codebook_explains_each_column_by_its_newest_version(void **state)
{
    static const struct {
        const char *column, *name, *value;
    } cells[] = {
        {"why", "form_version", "2"},    {"why", "text", "'=why"},
        {"why", "codes", "pain=it hurts, much; other=other"},
        {"why", "required", "true"},     {"a", "kind", "item"},
        {"a", "form_version", "2"},      {"a", "text", "as it is"},
        {"a", "type", "decimal"},        {"a", "min", "-5"},
        {"a", "max", "5"},               {"a", "decimals", "1"},
        {"a", "unit", "mm"},             {"a", "shown_when", "why != 'other'"},
        {"a", "required", "false"},      {"a", "scored_in", "a"},
        {"gone", "form_version", "1"},   {"gone", "text", "asked no more"},
        {"gone", "scored_in", "a"},      {"a_score", "kind", "score"},
        {"a_score", "form_version", "2"}, {"a_score", "text", "Part"},
        {"a_score", "type", "mean"},     {"a_score", "scored_in", "whole"},
        {"whole", "type", "sum"},        {"whole", "scored_in", ""},
    };
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct csv_table *table = read_codebook(owner, false);
    assert_int_equal(table->row_count, 4 + 2);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        const char *found = cell(table, cells[i].column, cells[i].name);
        if (found == NULL || strcmp(found, cells[i].value) != 0)
            fail_msg("%s.%s: %s", cells[i].column, cells[i].name, found != NULL ? found : "no line");
    }
    talloc_free(owner);
}

static void test_codebook_of_a_masked_study_leaves_out_what_the_file_does(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_null(cell(read_codebook(owner, true), "words", "text"));
    assert_non_null(cell(read_codebook(owner, false), "words", "text"));
    assert_non_null(cell(read_codebook(owner, true), "a", "text"));
    talloc_free(owner);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codebook_explains_each_column_by_its_newest_version),
        cmocka_unit_test(test_codebook_of_a_masked_study_leaves_out_what_the_file_does),
    };
    return cmocka_run_group_tests_name("export codebook", tests, NULL, NULL);
}
