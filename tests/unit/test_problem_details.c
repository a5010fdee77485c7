/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of problem codes: complete, in order, and what /metrics counts by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/http.h"
#include "collector/metrics.h"
#include "collector/problem_details.h"
#include "forms/base/memory.h"

static bool is_in_table(const char *code)
{
    for (size_t i = 0; problem_details_code(i) != NULL; i++)
        if (strcmp(problem_details_code(i), code) == 0)
            return true;
    return false;
}

static void test_problem_details_codes_are_in_order_without_repeats(void **state)
{
    (void)state;
    for (size_t i = 1; problem_details_code(i) != NULL; i++)
        assert_true(strcmp(problem_details_code(i - 1), problem_details_code(i)) < 0);
}

static void test_problem_details_every_refusal_of_a_head_is_in_the_table(void **state)
{
    (void)state;
    for (int i = 0; i < HTTP_REFUSAL_COUNT; i++)
        if (!is_in_table(http_refusal_code((enum http_refusal)i)))
            fail_msg("%s is not in the table", http_refusal_code((enum http_refusal)i));
}

/* Value of the code's counter, -1 when there is none. */
static long count_of(const char *code)
{
    char name[96];
    struct text *counters = text_new(NULL);
    snprintf(name, sizeof name, "\npatella_problems_total{code=\"%s\"} ", code);
    metrics_append(counters);
    const char *line = strstr(counters->bytes, name);
    long value = -1;
    if (line != NULL)
        sscanf(line + strlen(name), "%ld", &value);
    talloc_free(counters);
    return value;
}

static void test_metrics_count_problem_moves_the_counter_of_its_code_alone(void **state)
{
    (void)state;
    for (size_t i = 0; problem_details_code(i) != NULL; i++) {
        const char *code = problem_details_code(i);
        long others = count_of("other");
        assert_int_equal(count_of(code), 0);   /* those before it have moved nothing here */
        metrics_count_problem(code);
        assert_int_equal(count_of(code), 1);
        assert_int_equal(count_of("other"), others);
    }
    metrics_count_problem("of no table");
    assert_int_equal(count_of("other"), 1);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_problem_details_codes_are_in_order_without_repeats),
        cmocka_unit_test(test_problem_details_every_refusal_of_a_head_is_in_the_table),
        cmocka_unit_test(test_metrics_count_problem_moves_the_counter_of_its_code_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
