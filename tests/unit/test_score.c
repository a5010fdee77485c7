/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "forms/score.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct answer *new_answers(const void *owner, const struct form *form)
{
    struct answer *answers = memory_new_array(owner, struct answer, form->item_count);
    for (size_t i = 0; i < form->item_count; i++)
        answers[i] = answer_missing();
    return answers;
}

static void answer_item(const void *owner, const struct form *form, struct answer *answers, const char *id,
                        const char *text)
{
    int index = form_find_item(form, id);
    struct problem_list problems = {NULL, 0};
    struct raw_answer raw = {id, RAW_TEXT, text};
    if (index == FORM_NONE || !answer_read(owner, &form->items[index], &raw, &answers[index], &problems))
        fail_msg("%s = %s", id, text);
}

static double score_of(const void *owner, const struct form *form, const struct answer *answers,
                       const char *id)
{
    double *values = memory_new_array(owner, double, form->score_count);
    score_compute(form, answers, values);
    int index = form_find_score(form, id);
    if (index == FORM_NONE)
        fail_msg("form %s has no score %s", form->id, id);
    return values[index];
}

static bool same_value(double actual, double expected)
{
    return isnan(expected) ? isnan(actual) : fabs(actual - expected) <= 1e-9;
}

static const char body[] =
    "choices: {five: [{code: 0, label: a}, {code: 1, label: b}, {code: 2, label: c}, {code: 3, label: d}, "
    "{code: 4, label: e}]}\n"
    "sections:\n  - id: s\n    title: S\n    items:\n"
    "      - {id: a, text: a, type: choice, choices: five}\n"
    "      - {id: b, text: b, type: choice, choices: five}\n"
    "      - {id: c, text: c, type: choice, choices: five}\n"
    "      - {id: d, text: d, type: boolean}\n"
    "      - {id: v, text: v, type: decimal, decimals: 1, min: 0, max: 100}\n"
    "scores:\n"
    "  - {id: total, title: T, method: sum, items: [a, b, c], direction: higher_worse}\n"
    "  - {id: person, title: T, method: sum, items: [a, b, c], min_answered: 2, missing: person_mean, "
    "direction: higher_worse}\n"
    "  - {id: average, title: T, method: mean, items: [a, b, c], min_answered: 2, missing: person_mean, "
    "from: [0, 4],\n"
    "     to: [100, 0], direction: higher_better}\n"
    "  - {id: single, title: T, method: sum, items: [v], direction: higher_worse}\n"
    "  - {id: truth, title: T, method: sum, items: [d, a], direction: higher_worse}\n"
    "  - {id: of_two, title: T, method: sum, scores: [person, single], direction: higher_worse}\n"
    "  - {id: of_any, title: T, method: mean, scores: [person, single], min_answered: 1, direction: "
    "higher_worse}\n";

static void test_score_compute_rules_of_missing_parts(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b, *c, *v;
        const char *score;
        double value;
    } cases[] = {
        {"1", "2", "4", "", "total", 7},      {"1", "2", "", "", "total", NAN},
        {"0", "0", "0", "", "total", 0},      {"1", "2", "4", "", "person", 7},
        {"1", "2", "", "", "person", 4.5},    {"1", "", "", "", "person", NAN},
        {"", "", "", "", "person", NAN},      {"4", "4", "4", "", "average", 0},
        {"0", "0", "", "", "average", 100},   {"1", "2", "", "", "average", 62.5},
        {"1", "", "", "", "average", NAN},    {"", "", "", "12.5", "single", 12.5},
        {"", "", "", "", "single", NAN},      {"3", "", "", "", "truth", 4},
        {"1", "2", "", "10", "of_two", 14.5}, {"1", "", "", "10", "of_two", NAN},
        {"1", "", "", "10", "of_any", 10},    {"1", "2", "", "10", "of_any", 7.25},
        {"1", "", "", "", "of_any", NAN},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct answer *answers = new_answers(owner, form);
        const char *const values[] = {cases[i].a, cases[i].b, cases[i].c, "true", cases[i].v};
        for (size_t j = 0; j < form->item_count; j++)
            answer_item(owner, form, answers, form->items[j].id, values[j]);
        double value = score_of(owner, form, answers, cases[i].score);
        if (!same_value(value, cases[i].value))
            fail_msg("case %zu, %s: %g, not %g", i, cases[i].score, value, cases[i].value);
    }
    talloc_free(owner);
}

static void test_score_compute_declined_answer_does_not_count(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = definitions_form(owner, body);
    struct answer *answers = new_answers(owner, form);
    answer_item(owner, form, answers, "a", "1");
    answer_item(owner, form, answers, "b", "2");
    answers[2] = (struct answer){.state = ANSWER_DECLINED, .text = "refused", .number = NAN};
    assert_true(same_value(score_of(owner, form, answers, "total"), NAN));
    assert_true(same_value(score_of(owner, form, answers, "person"), 4.5));
    talloc_free(owner);
}

static const struct form *instrument(const void *owner, const char *path)
{
    struct error error = {0};
    const struct form *form = form_load(owner, path, &error);
    if (form == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    return form;
}

static const struct csv_table *golden(const void *owner, const char *name)
{
    struct error error = {0};
    const struct csv_table *table =
        csv_table_load(owner, memory_format(owner, "tests/golden/cases/%s.csv", name), &error);
    if (table == NULL)
        fail_msg("%s", error.message);
    return table;
}

/* Expected by R: see README of the golden cases.  Tolerance 1e-9; the file has 12 digits. */
static void test_score_compute_womac_lk_equals_the_reference(void **state)
{
    (void)state;
    static const char *const scores[][2] = {
        {"pain", "pain"},
        {"stiff", "stiffness"},
        {"func", "function"},
        {"total", "total"},
        {"pain100", "pain_0_100"},
        {"stiff100", "stiffness_0_100"},
        {"func100", "function_0_100"},
        {"total100", "total_0_100"},
    };
    void *owner = memory_owner(NULL, "test");
    const struct form *form = instrument(owner, "forms/instruments/womac_lk.yaml");
    const struct csv_table *items = golden(owner, "womac_items"), *expected = golden(owner, "womac_scores");
    assert_int_equal(items->row_count, expected->row_count);
    for (size_t i = 0; i < items->row_count; i++) {
        struct answer *answers = new_answers(owner, form);
        for (int q = 1; q <= 24; q++)
            answer_item(owner, form, answers, memory_format(owner, "w%d", q), items->rows[i].cells[q]);
        for (size_t j = 0; j < COUNT(scores); j++) {
            const char *cell = expected->rows[i].cells[csv_table_column(expected, scores[j][0])];
            double reference = cell[0] != '\0' ? strtod(cell, NULL) : (double)NAN;
            double value = score_of(owner, form, answers, scores[j][1]);
            if (!same_value(value, reference))
                fail_msg("case %s, %s: %.12g, not %s", items->rows[i].cells[0], scores[j][1], value, cell);
        }
    }
    talloc_free(owner);
}

/* Whole points on a scale of 20 are whole ones of 100, to the last bit: equal changes have to tie. */
static void test_score_compute_whole_points_stay_whole_when_rescaled(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = instrument(owner, "forms/instruments/womac_lk.yaml");
    for (int points = 0; points <= 20; points++) {
        struct answer *answers = new_answers(owner, form);
        for (int q = 1; q <= 5; q++) {
            int value = (points + q - 1) / 5;
            answer_item(owner, form, answers, memory_format(owner, "w%d", q), memory_format(owner, "%d", value));
        }
        double value = score_of(owner, form, answers, "pain_0_100");
        if (value != 5 * points)
            fail_msg("%d points: %.17g", points, value);
    }
    talloc_free(owner);
}

/* Every item of a section gets `value`; those from `answered` on stay open. */
static struct answer *fill_section(const void *owner, const struct form *form, const char *section,
                                   size_t answered)
{
    struct answer *answers = new_answers(owner, form);
    size_t count = 0;
    for (size_t i = 0; i < form->item_count; i++)
        if (strcmp(form->items[i].section, section) == 0 && count++ < answered)
            answer_item(owner, form, answers, form->items[i].id, "1");
    return answers;
}

/* Source: KOOS scoring 2012: at least half of the items of a subscale. */
static void test_score_compute_koos_needs_half_of_each_subscale(void **state)
{
    (void)state;
    static const struct {
        const char *score, *first;   /* an item of its section */
        size_t needed;
    } cases[] = {
        {"pain", "p1", 5}, {"symptoms", "s1", 4}, {"adl", "a1", 9}, {"sport", "sp1", 3}, {"qol", "q1", 2}};
    void *owner = memory_owner(NULL, "test");
    const struct form *form = instrument(owner, "forms/instruments/koos.yaml");
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *section = form->items[form_find_item(form, cases[i].first)].section;
        struct answer *enough = fill_section(owner, form, section, cases[i].needed);
        struct answer *too_few = fill_section(owner, form, section, cases[i].needed - 1);
        assert_true(same_value(score_of(owner, form, enough, cases[i].score), 75));
        assert_true(same_value(score_of(owner, form, too_few, cases[i].score), NAN));
    }
    talloc_free(owner);
}

static void test_score_compute_womac_from_koos_turns_the_direction(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct form *form = instrument(owner, "forms/instruments/koos.yaml");
    struct answer *answers = new_answers(owner, form);
    for (size_t i = 0; i < form->item_count; i++)
        answer_item(owner, form, answers, form->items[i].id, "4");
    static const char *const p1_to_p4[] = {"p1", "p2", "p3", "p4"};   /* WOMAC pain is P5 to P9 */
    for (size_t i = 0; i < COUNT(p1_to_p4); i++)
        answer_item(owner, form, answers, p1_to_p4[i], "0");
    assert_true(same_value(score_of(owner, form, answers, "womac_pain"), 20));
    assert_true(same_value(score_of(owner, form, answers, "womac_pain_0_100"), 100));
    assert_true(same_value(score_of(owner, form, answers, "womac_stiffness"), 8));
    assert_true(same_value(score_of(owner, form, answers, "womac_function"), 68));
    assert_true(same_value(score_of(owner, form, answers, "womac_total"), 96));
    assert_true(same_value(score_of(owner, form, answers, "qol"), 0));
    assert_true(same_value(score_of(owner, form, answers, "pain"), 100 - 20.0 / 9 * 25));
    const struct score *derived = &form->scores[form_find_score(form, "womac_pain_0_100")];
    assert_int_equal(derived->direction, SCORE_HIGHER_WORSE);
    assert_true(derived->derived);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_compute_rules_of_missing_parts),
        cmocka_unit_test(test_score_compute_declined_answer_does_not_count),
        cmocka_unit_test(test_score_compute_womac_lk_equals_the_reference),
        cmocka_unit_test(test_score_compute_whole_points_stay_whole_when_rescaled),
        cmocka_unit_test(test_score_compute_koos_needs_half_of_each_subscale),
        cmocka_unit_test(test_score_compute_womac_from_koos_turns_the_direction),
    };
    return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
