/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "forms/base/memory.h"

/* True when `act` ends the process by abort(). */
static bool aborts(void (*act)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        act();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void overflow_product(void)
{
    (void)memory_size_product(SIZE_MAX / 2, 3);
}

static void overflow_sum(void)
{
    (void)memory_size_sum(SIZE_MAX, 1);
}

static void overflow_array(void)
{
    (void)memory_new_array(NULL, uint64_t, SIZE_MAX / 4);
}

static void ask_too_much(void)
{
    (void)memory_new_array(NULL, char, SIZE_MAX / 4);
}

static void test_memory_sizes_that_overflow_abort(void **state)
{
    (void)state;
    assert_int_equal(memory_size_product(6, 7), 42);
    assert_int_equal(memory_size_sum(SIZE_MAX - 1, 1), SIZE_MAX);
    assert_true(aborts(overflow_product));
    assert_true(aborts(overflow_sum));
    assert_true(aborts(overflow_array));
    assert_true(aborts(ask_too_much));
}

static void test_memory_new_array_is_zeroed_and_owned(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    int *numbers = memory_new_array(owner, int, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_ptr_equal(talloc_parent(numbers), owner);
    assert_non_null(memory_new_array(owner, int, 0));
    talloc_free(owner);
}

static void test_memory_resize_array_keeps_what_was_there(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    int *numbers = NULL;
    for (size_t i = 0; i < 1000; i++) {
        numbers = memory_resize_array(owner, numbers, int, i + 1);
        numbers[i] = (int)i;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], i);
    assert_non_null(memory_resize_array(owner, numbers, int, 0));
    talloc_free(owner);
}

static void test_memory_copies_end_with_nul(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    assert_string_equal(memory_copy_bytes(owner, "abcdef", 3), "abc");
    assert_string_equal(memory_copy_bytes(owner, NULL, 0), "");
    assert_string_equal(memory_copy_string(owner, "text"), "text");
    assert_string_equal(memory_format(owner, "%s-%d", "a", 7), "a-7");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_sizes_that_overflow_abort),
        cmocka_unit_test(test_memory_new_array_is_zeroed_and_owned),
        cmocka_unit_test(test_memory_resize_array_keeps_what_was_there),
        cmocka_unit_test(test_memory_copies_end_with_nul),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
