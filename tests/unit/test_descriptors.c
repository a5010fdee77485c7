/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many connections the limit of open files leaves, also where the system does not let it be raised. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/descriptors.h"
#include "forms/base/log.h"

enum { SOFT = 128, WORKERS = 4, OTHERS = 64 };

static bool refuses;

/*
 * In the place of the C library's: a system that forbids it (seccomp, a container) cannot be had in every test.  The
 * thread sanitizer calls it before it can watch anything.
 */
__attribute__((no_sanitize_thread)) int setrlimit(__rlimit_resource_t resource, const struct rlimit *rlimits)
{
    if (!refuses)
        return prlimit(0, resource, rlimits, NULL);
    errno = EPERM;
    return -1;
}

static struct rlimit limit_of_now(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit;
}

static void set_soft_limit(rlim_t soft)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = limit_of_now().rlim_max};
    assert_int_equal(prlimit(0, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void test_descriptors_limit_is_raised_for_all_connections(void **state)
{
    (void)state;
    const struct settings settings = {.max_connections = 200, .workers = WORKERS};
    refuses = false;
    set_soft_limit(SOFT);
    assert_int_equal(descriptors_allow_connections(&settings), 200);
    assert_int_equal(limit_of_now().rlim_cur, 200 + WORKERS + OTHERS);
}

static void test_descriptors_limit_that_stays_leaves_fewer_connections(void **state)
{
    (void)state;
    const struct settings settings = {.max_connections = 200, .workers = WORKERS};
    refuses = true;
    set_soft_limit(SOFT);
    assert_int_equal(descriptors_allow_connections(&settings), SOFT - WORKERS - OTHERS);
    assert_int_equal(limit_of_now().rlim_cur, SOFT);
}

static void test_descriptors_limit_below_the_others_leaves_one_connection(void **state)
{
    (void)state;
    const struct settings settings = {.max_connections = 200, .workers = WORKERS};
    refuses = true;
    set_soft_limit(OTHERS);
    assert_int_equal(descriptors_allow_connections(&settings), 1);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);   /* the warnings are no test's */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_limit_is_raised_for_all_connections),
        cmocka_unit_test(test_descriptors_limit_that_stays_leaves_fewer_connections),
        cmocka_unit_test(test_descriptors_limit_below_the_others_leaves_one_connection),
    };
    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
