/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reports/format.h"

static void test_format_number_halves_go_away_from_zero(void **state)
{
    (void)state;
    /* 42.65, 1.005 and 2.675 lie below the half in binary: printf would print 42.6, 1.00, 2.67. */
    static const struct {
        double value;
        int decimals;
        const char *expected;
    } cases[] = {
        {42.65, 1, "42.7"},
        {-42.65, 1, "-42.7"},
        {1.005, 2, "1.01"},
        {2.675, 2, "2.68"},
        {0.5, 0, "1"},
        {-0.5, 0, "-1"},
        {2.5, 0, "3"},
        {2.4999, 0, "2"},
        {0.125, 2, "0.13"},
        {99.95, 1, "100.0"},
        {-0.04, 1, "0.0"},
        {-0.0, 2, "0.00"},
        {0, 0, "0"},
        {1e6 / 3, 1, "333333.3"},
        {12.0, 3, "12.000"},
        {-7.05, 1, "-7.1"},
        {1234567.125, 2, "1234567.13"},
    };
    char out[FORMAT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_number(out, cases[i].value, cases[i].decimals), cases[i].expected);
}

static void test_format_number_without_value_says_not_estimable(void **state)
{
    (void)state;
    char out[FORMAT_SIZE];
    assert_string_equal(format_number(out, (double)NAN, 1), "NE");
}

static void test_format_number_beyond_precision_keeps_digits(void **state)
{
    (void)state;
    char out[FORMAT_SIZE];
    assert_string_equal(format_number(out, 1e20, 2), "1e+20");
    assert_string_equal(format_number(out, -(double)INFINITY, 2), "-inf");
}

static void test_format_stat_decimals_follow_the_name(void **state)
{
    (void)state;
    static const struct {
        const char *stat;
        double value;
        int collected;
        const char *expected;
    } cases[] = {
        {"mean", 49.2307692308, 0, "49.2"},
        {"sd", 17.77705653, 0, "17.78"},
        {"median", 12.25, 1, "12.25"},
        {"min", 3.5, 0, "4"},
        {"n", 338, 0, "338"},
        {"pct", 75.5162241888, 2, "75.5"},
        {"smd", -0.0049, 0, "0.00"},
        {"lo", -4.95, 0, "-5.0"},
        {"n", 12, 3, "12"},
        {"rr_lo", 1.005, 1, "1.01"},
        {"se_kr", 0.8195, 0, "0.82"},
        {"df_satt", 712.345, 0, "712.3"},
        {"hedges_g", -0.345, 1, "-0.35"},
        {"expected_submissions", 12, 2, "12"},
        {"p", 0.03455, 0, "0.0346"},
        {"fisher_p", 0.00001, 2, "<.0001"},
        {"p_kr", 0.99999, 2, ">.9999"},
    };
    char out[FORMAT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_stat(out, cases[i].stat, cases[i].value, cases[i].collected),
                            cases[i].expected);
}

static void test_format_p_has_four_decimals_and_says_what_it_cannot_show(void **state)
{
    (void)state;
    static const struct {
        double p;
        const char *expected;
    } cases[] = {
        {0.05, "0.0500"},     {0.0001, "0.0001"}, {0.00009999, "<.0001"}, {0, "<.0001"}, {0.9999, "0.9999"},
        {0.99990001, ">.9999"}, {1, ">.9999"},      {0.12345, "0.1235"},    {(double)NAN, "NE"},
    };
    char out[FORMAT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_p(out, cases[i].p), cases[i].expected);
}

static void test_format_exact_keeps_the_digits_that_are_there(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *expected;
    } cases[] = {{0.75, "0.75"}, {19.9, "19.9"},           {100, "100"},   {0, "0"},
                 {-10, "-10"},   {1.0 / 3, "0.333333333"}, {32.3, "32.3"}, {1e20, "1e+20"}};
    char out[FORMAT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(format_exact(out, cases[i].value), cases[i].expected);
}

static void test_format_percent_of_proportion_has_one_decimal(void **state)
{
    (void)state;
    char out[FORMAT_SIZE];
    assert_string_equal(format_percent_of(out, 0.330065359477), "33.0");
    assert_string_equal(format_percent_of(out, 0), "0.0");
    assert_string_equal(format_percent_of(out, 1), "100.0");
}

static void test_format_instant_is_utc(void **state)
{
    (void)state;
    char out[FORMAT_SIZE];
    assert_string_equal(format_instant(out, INT64_C(1772366400123456)), "2026-03-01 12:00:00 UTC");
    assert_string_equal(format_instant(out, -1), "1969-12-31 23:59:59 UTC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_number_halves_go_away_from_zero),
        cmocka_unit_test(test_format_number_without_value_says_not_estimable),
        cmocka_unit_test(test_format_number_beyond_precision_keeps_digits),
        cmocka_unit_test(test_format_stat_decimals_follow_the_name),
        cmocka_unit_test(test_format_p_has_four_decimals_and_says_what_it_cannot_show),
        cmocka_unit_test(test_format_exact_keeps_the_digits_that_are_there),
        cmocka_unit_test(test_format_percent_of_proportion_has_one_decimal),
        cmocka_unit_test(test_format_instant_is_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
