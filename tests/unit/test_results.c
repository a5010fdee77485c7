/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/results.h"

static void test_results_find_many_rows_finds_each(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    struct results *results = results_new(NULL);
    char name[16];
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "%d", i);
        results_add(results, "table", name, "col", "stat", i);
    }
    assert_int_equal(results_count(results), ROWS);
    for (int i = 0; i < ROWS; i++) {
        snprintf(name, sizeof name, "%d", i);
        const struct result *row = results_find(results, "table", name, "col", "stat");
        assert_non_null(row);
        assert_true(row->value == i);
        assert_ptr_equal(row, results_at(results, (size_t)i));
    }
    assert_null(results_find(results, "table", "5000", "col", "stat"));
    assert_null(results_find(results, "table1", "0", "col", "stat"));
    assert_null(results_find(results, "tab", "le0", "col", "stat"));
    talloc_free(results);
}

static void test_results_add_without_a_finite_number_is_a_row_with_a_reason(void **state)
{
    (void)state;
    struct results *results = results_new(NULL);
    results_add(results, "t", "r", "c", "inf", (double)INFINITY);
    results_add(results, "t", "r", "c", "nan", (double)NAN);
    results_add(results, "t", "r", "c", "zero", -0.0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(isnan(results_at(results, i)->value));
        assert_string_equal(results_at(results, i)->status, "not_estimable");
        assert_string_not_equal(results_at(results, i)->note, "");
    }
    assert_false(signbit(results_at(results, 2)->value));
    talloc_free(results);
}

static void test_results_write_csv_quotes_names_and_writes_12_digits(void **state)
{
    (void)state;
    struct results *results = results_new(NULL);
    results_add(results, "AE", "Skin, other | \"Rash\"", "A", "pct", 100.0 / 3);
    results_add(results, "AE", "", "A", "n", 1000000);
    const struct result missing = {"value", "M3", "A", "sd", 3, "not_estimable", "needs at least two values"};
    results_add_missing(results, &missing);
    struct text *csv = text_new(results);
    results_write_csv(results, csv);
    assert_string_equal(csv->bytes, "table,row,col,stat,value,status,note\n"
                        "AE,\"Skin, other | \"\"Rash\"\"\",A,pct,33.3333333333,,\n"
                        "AE,,A,n,1000000,,\n"
                        "value,M3,A,sd,,not_estimable,needs at least two values\n");
    talloc_free(results);
}

static void test_results_write_csv_disarms_rows_that_people_named(void **state)
{
    (void)state;
    struct results *results = results_new(NULL);
    static const char *const rows[] = {"=1+1", "+x", "-x | y", "@x", "-1", "plain"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        results_add(results, "AE", rows[i], "A", "n", -2);
    struct text *csv = text_new(results);
    results_write_csv(results, csv);
    assert_string_equal(csv->bytes, "table,row,col,stat,value,status,note\n"
                        "AE,'=1+1,A,n,-2,,\nAE,'+x,A,n,-2,,\nAE,'-x | y,A,n,-2,,\nAE,'@x,A,n,-2,,\n"
                        "AE,-1,A,n,-2,,\nAE,plain,A,n,-2,,\n");
    talloc_free(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_find_many_rows_finds_each),
        cmocka_unit_test(test_results_add_without_a_finite_number_is_a_row_with_a_reason),
        cmocka_unit_test(test_results_write_csv_disarms_rows_that_people_named),
        cmocka_unit_test(test_results_write_csv_quotes_names_and_writes_12_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
