/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each role may call, asked of the database's functions without the collector's table of routes before them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

/* Letters as in the table of the issue: who may, by the token of each role. */
static const struct {
    char letter;
    const char *token;
} roles[] = {
    {'a', "administrator"}, {'d', "data_manager"}, {'c', "coordinator1"}, {'i', "investigator1"},
    {'o', "monitor"},       {'s', "statistician"}, {'u', "unmasked"},     {'m', "machine1"},
};
enum { ROLES = sizeof roles / sizeof roles[0] };

static void test_submit_batch_takes_every_kind_of_row_from_those_who_send_only(void **state)
{
    static const char senders[] = "dcim";
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    for (int i = 0; i < (int)ROLES; i++) {
        const struct test_row rows[] = {
            {.id = 100 + i, .token = roles[i].token, .instance = 1 + i},
            {.id = 200 + i, .token = roles[i].token, .instance = 1 + i, .version = 2, .reason = "wrong knee"},
            {.id = 300 + i, .token = roles[i].token, .subject = 20 + i, .index_knee = "left"},
        };
        bool sends = strchr(senders, roles[i].letter) != NULL;
        for (size_t row = 0; row < 3; row++) {
            const char *verdict = test_submit(fixture->collector, &rows[row], 1);
            if (strcmp(verdict, sends ? "accepted" : "not_allowed") != 0)
                fail_msg("%s, row %zu: %s", roles[i].token, row, verdict);
        }
    }
}

static void test_functions_let_in_the_roles_of_the_table_only(void **state)
{
    static const struct {
        const char *call;        /* of schema api, behind its token */
        const char *allowed;
    } calls[] = {
        {"list_subjects('%s', 1, NULL, NULL, 10)", "dciosu"},
        {"list_submissions('%s', 1, NULL, NULL, NULL, NULL, NULL, true, NULL, NULL, 10)", "dciosu"},
        {"find_submission('%s', 1, '00000000-0000-7000-8000-000000000000')", "dciosu"},
        {"list_cuts('%s', 1)", "adcsu"},
        {"make_cut('%s', 1, 'one')", "dsu"},
        {"list_reports('%s', 1)", "asu"},
        {"request_report('%s', 1, 1, NULL)", "su"},
        {"list_report_files('%s', 1, '00000000-0000-7000-8000-000000000000')", "asu"},
        {"request_report_file('%s', 1, '00000000-0000-7000-8000-000000000000', 'a')", "su"},
        {"read_report_file('%s', 1, '00000000-0000-7000-8000-000000000000')", "su"},
    };
    struct test_fixture *fixture = *state;
    for (size_t call = 0; call < sizeof calls / sizeof calls[0]; call++) {
        for (size_t i = 0; i < ROLES; i++) {
            const char *at = strstr(calls[call].call, "%s");
            const char *sql = memory_format(fixture->owner, "SELECT * FROM api.%.*s%s%s",
                                            (int)(at - calls[call].call), calls[call].call, roles[i].token, at + 2);
            bool refused = strcmp(test_sqlstate(fixture->collector, sql), "42501") == 0;
            if (refused == (strchr(calls[call].allowed, roles[i].letter) != NULL))
                fail_msg("%s: %s", refused ? "refused" : "let in", sql);
        }
    }
}

static void test_credential_role_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {"'doctor'", "''", "NULL", "'Monitor'"};
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *sql = memory_format(fixture->owner, "SELECT admin.add_token('monitor', 'demo', %s, '{}', "
                                        "sha256('x'), now() + interval '1 day')", wrong[i]);
        const char *sqlstate = test_sqlstate(fixture->superuser, sql);
        assert_string_equal(sqlstate, strcmp(wrong[i], "NULL") == 0 ? "23502" : "23514");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_takes_every_kind_of_row_from_those_who_send_only),
        CASE(test_functions_let_in_the_roles_of_the_table_only),
        CASE(test_credential_role_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
