/* SPDX-License-Identifier: GPL-3.0-or-later */
/* migrations/server_check.h: which releases and settings of PostgreSQL are refused, and what is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "migrations/server_check.h"

/* Fails the test unless the message has every text of the list, which ends with NULL. */
static void assert_says(const struct error *error, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        if (strstr(error->message, *texts) == NULL)
            fail_msg("'%s' is not in: %s", *texts, error->message);
}

/* The first good minor releases are those that the release notes of 2025-08-14 name (18: its first). */
static void test_server_check_version_before_the_first_good_one_is_refused(void **state)
{
    (void)state;
    static const struct {
        int version;
        bool good;
        const char *found, *wanted;
    } cases[] = {
        {90624, false, "PostgreSQL 9 ", "14.19"},
        {130023, false, "PostgreSQL 13 ", "14.19"},
        {140000, false, "PostgreSQL 14.0,", "14.19"},
        {140018, false, "PostgreSQL 14.18,", "14.19"},
        {140019, true, NULL, NULL},
        {140020, true, NULL, NULL},
        {150013, false, "PostgreSQL 15.13,", "15.14"},
        {150014, true, NULL, NULL},
        {150020, true, NULL, NULL},
        {160009, false, "PostgreSQL 16.9,", "16.10"},
        {160010, true, NULL, NULL},
        {170005, false, "PostgreSQL 17.5,", "17.6"},
        {170006, true, NULL, NULL},
        {180000, true, NULL, NULL},
        {180001, true, NULL, NULL},
        {190000, true, NULL, NULL},
        {270003, true, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        bool good = server_check_version(cases[i].version, &error);
        if (good != cases[i].good)
            fail_msg("%d: %s", cases[i].version, good ? "accepted" : error.message);
        if (good)
            continue;
        assert_int_equal(error.kind, ERROR_DATABASE);
        assert_says(&error, (const char *const[]){cases[i].found, cases[i].wanted, "or newer", NULL});
    }
}

static void test_server_check_settings_that_lose_what_was_acknowledged_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct server_settings settings;
        const char *refused;         /* NULL: accepted */
    } cases[] = {
        {{"on", "on", "on", false}, NULL},
        {{"on", "on", "on", true}, NULL},
        {{"on", "on", "remote_apply", true}, NULL},
        {{"on", "on", "remote_write", true}, NULL},
        {{"on", "on", "local", false}, NULL},
        {{"off", "on", "on", false}, "fsync is off"},
        {{"on", "off", "on", false}, "full_page_writes is off"},
        {{"on", "on", "off", false}, "synchronous_commit is off"},
        {{"on", "on", "off", true}, "synchronous_commit is off"},
        {{"on", "on", "local", true}, "synchronous_commit is local"},
        {{"off", "off", "off", true}, "fsync is off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        bool good = server_check_settings(&cases[i].settings, &error);
        assert_int_equal(good, cases[i].refused == NULL);
        if (!good)
            assert_says(&error, (const char *const[]){cases[i].refused, "to on", "postgresql.conf", NULL});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_check_version_before_the_first_good_one_is_refused),
        cmocka_unit_test(test_server_check_settings_that_lose_what_was_acknowledged_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
