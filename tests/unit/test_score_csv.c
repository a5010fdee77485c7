/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/score_csv.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char body[] = "sections:\n  - id: s\n    title: S\n    items:\n"
                           "      - {id: a, text: a, type: integer, min: 0, max: 4}\n"
                           "      - {id: b, text: b, type: integer, min: 0, max: 4}\n"
                           "      - {id: remark, text: remark, type: text}\n"
                           "scores:\n"
                           "  - {id: total, title: T, method: sum, items: [a, b], min_answered: 1, missing: "
                           "person_mean, direction: higher_worse}\n"
                           "  - {id: percent, title: P, method: sum, items: [a, b], from: [0, 8], to: [0, "
                           "100], direction: higher_worse}\n";

struct outcome {
    bool scored;
    struct text *out;
    struct faults faults;
};

static struct outcome score(const void *owner, const char *csv)
{
    struct error error = {0};
    const struct csv_table *table = csv_table_read(owner, "in.csv", csv, strlen(csv), &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    struct outcome outcome = {.out = text_new(owner), .faults = faults_begin(owner)};
    outcome.scored =
        score_csv_write(definitions_form(owner, body), "in.csv", table, outcome.out, &outcome.faults);
    return outcome;
}

static void test_score_csv_write_passes_keys_through_and_adds_scores(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct outcome outcome =
        score(owner, "b,subject,a,\"no, item\"\n1,07-0001,2,\"x \"\"y\"\"\"\n,07-0002,3,\n,07-0003,,z\n");
    assert_true(outcome.scored);
    assert_string_equal(outcome.out->bytes, "subject,\"no, item\",total,percent\n"
                                            "07-0001,\"x \"\"y\"\"\",3,37.5\n"
                                            "07-0002,,6,\n"
                                            "07-0003,z,,\n");
    talloc_free(owner);
}

static void test_score_csv_write_wrong_cells_are_all_named(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct outcome outcome = score(owner, "subject,a,b\n1,5,2\n2,1,x\n3,1,1\n");
    assert_false(outcome.scored);
    assert_int_equal(outcome.faults.count, 2);
    assert_int_equal(outcome.faults.faults[0].line, 2);
    assert_string_equal(outcome.faults.faults[0].text, "column 2 (a): \"5\" lies outside 0 to 4; correct it");
    assert_int_equal(outcome.faults.faults[1].line, 3);
    assert_non_null(strstr(outcome.faults.faults[1].text, "column 3 (b): \"x\" is no number"));
    talloc_free(owner);
}

static void test_score_csv_write_columns_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *says;
    } cases[] = {
        {"subject,date\n1,2\n", "no column is an item of form test"},
        {"a,total\n1,2\n", "column 2: \"total\" is the name of a score"},
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outcome outcome = score(owner, cases[i].csv);
        assert_false(outcome.scored);
        assert_non_null(strstr(outcome.faults.faults[0].text, cases[i].says));
    }
    talloc_free(owner);
}

static void test_score_csv_list_absent_names_scored_items_without_column(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    struct text *out = text_new(owner);
    score_csv_list_absent(definitions_form(owner, body), csv_table_read(owner, "x", "a\n1\n", 4, &error),
                          out);
    assert_string_equal(out->bytes, "b");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_csv_write_passes_keys_through_and_adds_scores),
        cmocka_unit_test(test_score_csv_write_wrong_cells_are_all_named),
        cmocka_unit_test(test_score_csv_write_columns_that_cannot_be_are_refused),
        cmocka_unit_test(test_score_csv_list_absent_names_scored_items_without_column),
    };
    return cmocka_run_group_tests_name("score_csv", tests, NULL, NULL);
}
