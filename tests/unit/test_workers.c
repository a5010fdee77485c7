/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/workers.h"
#include "tests/support/daemon.h"

static int calls_until_failure;   /* 0: never */

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Stands before the C library's, and fails once. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the header's names are reserved */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context)
{
    create_function *real;
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &found, sizeof real);
    if (calls_until_failure > 0 && --calls_until_failure == 0)
        return EAGAIN;
    return real(thread, attributes, run, context);
}

static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count;
}

/* A thread that was joined may be in the list of tasks for a moment more. */
static void assert_threads(size_t wanted)
{
    long long deadline = test_now_ms() + 5000;
    while (count_threads() != wanted && test_now_ms() < deadline)
        test_pause();
    assert_int_equal(count_threads(), wanted);
}

static const struct workers_options options = {
    .conninfo = "host=/nowhere connect_timeout=1", .threads = 4, .queue_limit = 10};

static void test_workers_start_that_fails_midway_leaves_no_thread(void **state)
{
    (void)state;
    size_t before = count_threads();
    for (int at = 1; at <= 4; at++) {
        struct error error = {0};
        calls_until_failure = at;
        assert_null(workers_start(NULL, &options, &error));
        assert_int_equal(error.kind, ERROR_IO);
        assert_threads(before);
    }
}

static void test_workers_start_and_stop_leave_no_thread(void **state)
{
    (void)state;
    struct error error = {0};
    size_t before = count_threads();
    calls_until_failure = 0;
    struct workers *workers = workers_start(NULL, &options, &error);
    assert_non_null(workers);
    assert_true(workers_stop(workers, 10000));
    assert_threads(before);
}

static void *do_nothing(void *context)
{
    return context;
}

/* With the first thread of a program the thread sanitizer starts one of its own. */
static int start_first_thread(void **state)
{
    (void)state;
    pthread_t thread;
    return pthread_create(&thread, NULL, do_nothing, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_start_and_stop_leave_no_thread),
        cmocka_unit_test(test_workers_start_that_fails_midway_leaves_no_thread),
    };
    return cmocka_run_group_tests_name("workers", tests, start_first_thread, NULL);
}
