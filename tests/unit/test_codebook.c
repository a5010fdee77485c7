/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/codebook.h"
#include "forms/csv_table.h"
#include "tests/support/definitions.h"

static const char body[] =
    "choices: {why: [{code: pain, label: \"<pain> & more\"}, {code: other, label: other}]}\n"
    "sections:\n  - id: s\n    title: \"<script>alert(1)</script>\"\n    items:\n"
    "      - {id: why, code: W1, text: \"why, then\", type: choice, choices: why, required: true}\n"
    "      - {id: bmi, text: index, type: decimal, unit: kg/m2, decimals: 1, min: 10, warn_max: 45, show: "
    "\"why != 'other'\"}\n"
    "      - {id: a, text: a, type: integer, min: 0, max: 4}\n"
    "rules: [{id: light, item: bmi, soft: true, check: \"bmi < 40\", text: look again}]\n"
    "scores: [{id: total, title: Total, method: sum, items: [a], direction: higher_worse, source: them, "
    "note: mind}]\n";

static const char *cell(const struct csv_table *table, const char *kind, const char *id, const char *column)
{
    for (size_t i = 0; i < table->row_count; i++) {
        const char *const *cells = table->rows[i].cells;
        if (strcmp(cells[csv_table_column(table, "kind")], kind) == 0
            && strcmp(cells[csv_table_column(table, "id")], id) == 0)
            return cells[csv_table_column(table, column)];
    }
    fail_msg("no %s %s", kind, id);
    return NULL;
}

static void test_codebook_write_csv_has_a_row_for_everything(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    struct error error = {0};
    codebook_write_csv(text, definitions_catalogue(owner, definitions_form(owner, body)));
    const struct csv_table *table = csv_table_read(owner, "codebook.csv", text->bytes, text->length, &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    assert_int_equal(table->row_count,
                     1 + 3 + 1 + 1); /* the enrolment's item; items, rule and score of the form */
    static const struct {
        const char *kind, *id, *column, *value;
    } cells[] = {
        {"item", "why", "code", "W1"},
        {"item", "why", "text", "why, then"},
        {"item", "why", "choices", "pain=<pain> & more; other=other"},
        {"item", "why", "required", "true"},
        {"item", "bmi", "unit", "kg/m2"},
        {"item", "bmi", "min", "10"},
        {"item", "bmi", "max", ""},
        {"item", "bmi", "warn_max", "45"},
        {"item", "bmi", "decimals", "1"},
        {"item", "bmi", "shown_when", "why != 'other'"},
        {"rule", "light", "type", "soft"},
        {"rule", "light", "parts", "bmi"},
        {"rule", "light", "check", "bmi < 40"},
        {"score", "total", "type", "sum"},
        {"score", "total", "parts", "a"},
        {"score", "total", "range_most", "4"},
        {"score", "total", "direction", "higher_worse"},
        {"score", "total", "source", "them"},
        {"score", "total", "note", "mind"},
        {"item", "index_knee", "form", "enrolment"},
        {"item", "index_knee", "required", "always"},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        assert_string_equal(cell(table, cells[i].kind, cells[i].id, cells[i].column), cells[i].value);
    talloc_free(owner);
}

static void test_codebook_write_html_escapes_and_stands_alone(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    codebook_write_html(text, definitions_catalogue(owner, definitions_form(owner, body)));
    assert_memory_equal(text->bytes, "<!DOCTYPE html>", 15);
    assert_null(strstr(text->bytes, "<script"));
    assert_non_null(strstr(text->bytes, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(text->bytes, "&lt;pain&gt; &amp; more"));
    assert_null(strstr(text->bytes, "http"));   /* nothing from elsewhere */
    assert_non_null(strstr(text->bytes, "up to 1"));
    assert_non_null(strstr(text->bytes, "why != &#39;other&#39;"));
    assert_non_null(strstr(text->bytes, "at least 1 of 1"));
    assert_non_null(strstr(text->bytes, "required, a reason is not enough"));
    talloc_free(owner);
}

static void test_codebook_forms_enrolment_first_each_once(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0;
    const struct form **forms =
        codebook_forms(owner, definitions_catalogue(owner, definitions_form(owner, body)), &count);
    assert_int_equal(count, 2);
    assert_string_equal(forms[0]->id, "enrolment");
    assert_string_equal(forms[1]->id, "test");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codebook_write_csv_has_a_row_for_everything),
        cmocka_unit_test(test_codebook_write_html_escapes_and_stands_alone),
        cmocka_unit_test(test_codebook_forms_enrolment_first_each_once),
    };
    return cmocka_run_group_tests_name("codebook", tests, NULL, NULL);
}
