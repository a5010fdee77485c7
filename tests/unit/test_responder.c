/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "forms/responder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct response_domain worse(double baseline, double value)
{
    return (struct response_domain){baseline, value, {0, 100}, SCORE_HIGHER_WORSE, true};
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

static double cell_number(const struct csv_table *table, size_t row, const char *column)
{
    const char *cell = table->rows[row].cells[csv_table_column(table, column)];
    return cell[0] != '\0' ? strtod(cell, NULL) : (double)NAN;
}

/* `domains` as they stand in the case, on another scale when `turn`: 0 to 50, higher is better. */
static void read_domains(const struct csv_table *cases, size_t row, bool turn,
                         struct response_domain domains[3])
{
    static const char *const names[][2] = {{"pain_bl", "pain"}, {"func_bl", "func"}, {"pga_bl", "pga"}};
    for (size_t i = 0; i < 3; i++) {
        domains[i] = worse(cell_number(cases, row, names[i][0]), cell_number(cases, row, names[i][1]));
        if (turn)
            domains[i] = (struct response_domain){(100 - domains[i].baseline) / 2,
                                                  (100 - domains[i].value) / 2,
                                                  {0, 50},
                                                  SCORE_HIGHER_BETTER,
                                                  true};
    }
}

/* Case 20 is decided; in 17, 18 and 22 a completion could respond, as the reference has it. */
static void test_responder_omeract_oarsi_equals_the_reference(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct csv_table *cases = golden(owner, "oarsi_cases"), *expected = golden(owner, "oarsi");
    assert_int_equal(cases->row_count, expected->row_count);
    for (size_t i = 0; i < cases->row_count; i++)
        for (int turn = 0; turn < 2; turn++) {
            struct response_domain domains[3];
            read_domains(cases, i, turn == 1, domains);
            int rule = -1;
            enum response response = responder_omeract_oarsi(domains, &rule);
            double responder = cell_number(expected, i, "responder");
            enum response wanted = isnan(responder) ? RESPONSE_NOT_EVALUABLE
                                   : responder > 0  ? RESPONSE_YES
                                                    : RESPONSE_NO;
            double wanted_rule = cell_number(expected, i, "rule");
            if (response != wanted || rule != (isnan(wanted_rule) ? 0 : (int)wanted_rule))
                fail_msg("case %zu, turned %d: %d by rule %d", i + 1, turn, (int)response, rule);
        }
    talloc_free(owner);
}

static void test_responder_omeract_oarsi_missing_values_by_completion(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        double pain[2], function[2], global[2];
        bool global_collected;
        enum response response;
    } cases[] = {
        {"nothing known", {NAN, NAN}, {NAN, NAN}, {NAN, NAN}, true, RESPONSE_NOT_EVALUABLE},
        {"pain missing at follow-up, too low at baseline to matter",
         {9, NAN},
         {50, 50},
         {50, 50},
         true,
         RESPONSE_NO},
        {"pain missing, baseline 10 could be the second low one",
         {10, NAN},
         {50, 40},
         {50, 50},
         true,
         RESPONSE_NOT_EVALUABLE},
        {"pain missing, baseline 15 cannot be high", {15, NAN}, {50, 50}, {50, 50}, true, RESPONSE_NO},
        {"pain missing, baseline 20 could be high",
         {20, NAN},
         {50, 50},
         {50, 50},
         true,
         RESPONSE_NOT_EVALUABLE},
        {"pain baseline missing, follow-up 50 could be high",
         {NAN, 50},
         {50, 50},
         {50, 50},
         true,
         RESPONSE_NOT_EVALUABLE},
        {"pain baseline missing, follow-up 51 cannot be high",
         {NAN, 51},
         {50, 50},
         {50, 50},
         true,
         RESPONSE_NO},
        {"pain baseline missing, follow-up 80 could be low",
         {NAN, 80},
         {50, 40},
         {50, 50},
         true,
         RESPONSE_NOT_EVALUABLE},
        {"pain baseline missing, follow-up 81 cannot", {NAN, 81}, {50, 40}, {50, 50}, true, RESPONSE_NO},
        {"global missing, one low improvement", {50, 40}, {50, 50}, {50, NAN}, true, RESPONSE_NOT_EVALUABLE},
        {"global not collected, one low improvement", {50, 40}, {50, 50}, {NAN, NAN}, false, RESPONSE_NO},
        {"global not collected, two low improvements", {50, 40}, {50, 40}, {NAN, NAN}, false, RESPONSE_YES},
        {"global alone cannot be a high improvement", {50, 50}, {50, 50}, {80, 0}, true, RESPONSE_NO},
        {"decided by function whatever pain is", {NAN, NAN}, {60, 30}, {NAN, NAN}, true, RESPONSE_YES},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct response_domain domains[3] = {worse(cases[i].pain[0], cases[i].pain[1]),
                                             worse(cases[i].function[0], cases[i].function[1]),
                                             worse(cases[i].global[0], cases[i].global[1])};
        domains[2].collected = cases[i].global_collected;
        enum response response = responder_omeract_oarsi(domains, NULL);
        if (response != cases[i].response)
            fail_msg("%s: %d", cases[i].label, (int)response);
    }
}

static void test_responder_evaluate_threshold_rules(void **state)
{
    (void)state;
    static const struct {
        enum responder_kind kind;
        double threshold;
        enum score_direction direction;
        double baseline, value;
        enum response response;
    } cases[] = {
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_WORSE, 50, 40, RESPONSE_YES},
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_WORSE, 50, 40.001, RESPONSE_NO},
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_WORSE, 40, 50, RESPONSE_NO},
        {RESPONDER_IMPROVED_BY, 0.3, SCORE_HIGHER_WORSE, 0.4, 0.1, RESPONSE_YES},   /* 0.30000000000000004 */
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_BETTER, 40, 50, RESPONSE_YES},
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_BETTER, 50, 40, RESPONSE_NO},
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_WORSE, NAN, 40, RESPONSE_NOT_EVALUABLE},
        {RESPONDER_IMPROVED_BY, 10, SCORE_HIGHER_WORSE, 40, NAN, RESPONSE_NOT_EVALUABLE},
        {RESPONDER_IMPROVED_PERCENT, 30, SCORE_HIGHER_WORSE, 50, 35, RESPONSE_YES},
        {RESPONDER_IMPROVED_PERCENT, 30, SCORE_HIGHER_WORSE, 50, 35.1, RESPONSE_NO},
        {RESPONDER_IMPROVED_PERCENT, 30, SCORE_HIGHER_WORSE, 0, 0, RESPONSE_NO},
        {RESPONDER_IMPROVED_PERCENT, 50, SCORE_HIGHER_BETTER, 60, 80, RESPONSE_YES},  /* 40 down to 20 */
        {RESPONDER_IMPROVED_PERCENT, 50, SCORE_HIGHER_BETTER, 60, 79, RESPONSE_NO},
        {RESPONDER_IMPROVED_PERCENT, 50, SCORE_HIGHER_WORSE, 60, NAN, RESPONSE_NOT_EVALUABLE},
        {RESPONDER_STATE, 32.3, SCORE_HIGHER_WORSE, NAN, 32.3, RESPONSE_YES},
        {RESPONDER_STATE, 32.3, SCORE_HIGHER_WORSE, 10, 32.4, RESPONSE_NO},
        {RESPONDER_STATE, 80, SCORE_HIGHER_BETTER, 10, 80, RESPONSE_YES},
        {RESPONDER_STATE, 80, SCORE_HIGHER_BETTER, 10, 79, RESPONSE_NO},
        {RESPONDER_STATE, 32.3, SCORE_HIGHER_WORSE, 10, NAN, RESPONSE_NOT_EVALUABLE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct responder responder = {.kind = cases[i].kind, .threshold = cases[i].threshold};
        struct response_domain domain = worse(cases[i].baseline, cases[i].value);
        domain.direction = cases[i].direction;
        if (responder_evaluate(&responder, &domain) != cases[i].response)
            fail_msg("case %zu", i);
    }
}

static void test_responder_evaluate_oarsi_uses_three_domains(void **state)
{
    (void)state;
    struct responder responder = {.kind = RESPONDER_OMERACT_OARSI, .threshold = NAN};
    struct response_domain domains[3] = {worse(50, 50), worse(50, 40), worse(50, 40)};
    assert_int_equal(responder_evaluate(&responder, domains), RESPONSE_YES);
    domains[2].value = 45;
    assert_int_equal(responder_evaluate(&responder, domains), RESPONSE_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_responder_omeract_oarsi_equals_the_reference),
        cmocka_unit_test(test_responder_omeract_oarsi_missing_values_by_completion),
        cmocka_unit_test(test_responder_evaluate_threshold_rules),
        cmocka_unit_test(test_responder_evaluate_oarsi_uses_three_domains),
    };
    return cmocka_run_group_tests_name("responder", tests, NULL, NULL);
}
