/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "reports/results_compare.h"

#define HEAD "table,row,col,stat,value,status,note\n"

static struct differences *compare(const void *owner, const char *before, const char *after, double tolerance)
{
    struct error error;
    const struct results_text old = {before, strlen(before)}, new = {after, strlen(after)};
    struct differences *differences = results_compare(owner, &old, &new, tolerance, &error);
    if (differences == NULL)
        fail_msg("%s", error.message);
    return differences;
}

static void assert_difference(const struct differences *differences, size_t at, enum difference_kind kind,
                              const char *stat)
{
    assert_true(at < differences->count);
    assert_int_equal(differences->at[at].kind, kind);
    assert_string_equal(differences->at[at].stat, stat);
}

static void test_results_compare_tells_new_gone_and_changed(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct differences *found = compare(owner,
                                              HEAD "t,r,c,n,3,,\nt,r,c,mean,1.5,,\nt,r,c,old,1,,\n",
                                              HEAD "t,r,c,new,9,,\nt,r,c,mean,1.25,,\nt,r,c,n,3,,\n", 0);
    assert_int_equal(found->count, 3);
    assert_difference(found, 0, DIFFERENCE_NEW, "new");
    assert_null(found->at[0].before);
    assert_difference(found, 1, DIFFERENCE_CHANGED, "mean");
    assert_string_equal(found->at[1].before, "1.5");
    assert_string_equal(found->at[1].after, "1.25");
    assert_difference(found, 2, DIFFERENCE_GONE, "old");
    assert_null(found->at[2].after);
    talloc_free(owner);
}

static void test_results_compare_row_that_can_no_longer_be_computed_has_changed(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct differences *found = compare(owner, HEAD "t,r,c,sd,2.5,,\n",
                                              HEAD "t,r,c,sd,,not_estimable,one value\n", 1e-9);
    assert_difference(found, 0, DIFFERENCE_CHANGED, "sd");
    assert_string_equal(found->at[0].after, "not_estimable");
    talloc_free(owner);
}

static void test_results_compare_tolerance_is_relative(void **state)
{
    static const struct {
        const char *before, *after;
        size_t differ;
    } cases[] = {{"1000000", "1000000.0001", 0}, {"1e-12", "2e-12", 1}, {"0", "0", 0}, {"0", "1e-300", 1},
                 {"5", "-5", 1},                 {"3", "3.00000001", 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        const struct differences *found =
            compare(owner, memory_format(owner, HEAD "t,r,c,n,%s,,\n", cases[i].before),
                    memory_format(owner, HEAD "t,r,c,n,%s,,\n", cases[i].after), 1e-9);
        if (found->count != cases[i].differ)
            fail_msg("%s and %s", cases[i].before, cases[i].after);
        talloc_free(owner);
    }
}

static void test_results_compare_name_that_stands_twice_counts_in_order(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct differences *found = compare(owner, HEAD "t,r,c,n,1,,\nt,r,c,n,2,,\n",
                                              HEAD "t,r,c,n,1,,\nt,r,c,n,7,,\nt,r,c,n,3,,\n", 0);
    assert_int_equal(found->count, 2);
    assert_string_equal(found->at[0].before, "2");
    assert_string_equal(found->at[0].after, "7");
    assert_difference(found, 1, DIFFERENCE_NEW, "n");
    talloc_free(owner);
}

static void test_results_compare_refuses_what_is_no_results_file(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "a,b\n1,2\n", "table,row,col,stat,value,status\n", HEAD "t,r\n"};
    const struct results_text good = {HEAD, strlen(HEAD)};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct error error = {.kind = ERROR_NONE};
        const struct results_text bad = {cases[i], strlen(cases[i])};
        assert_null(results_compare(owner, &bad, &good, 0, &error));
        assert_int_equal(error.kind, ERROR_INPUT);
        assert_null(results_compare(owner, &good, &bad, 0, &error));
        talloc_free(owner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_compare_tells_new_gone_and_changed),
        cmocka_unit_test(test_results_compare_row_that_can_no_longer_be_computed_has_changed),
        cmocka_unit_test(test_results_compare_tolerance_is_relative),
        cmocka_unit_test(test_results_compare_name_that_stands_twice_counts_in_order),
        cmocka_unit_test(test_results_compare_refuses_what_is_no_results_file),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
