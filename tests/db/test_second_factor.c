/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session without the second factor is refused, in both steps of a reading; tokens of programs go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

#define NOBODY "'00000000-0000-0000-0000-000000000000'"
#define AUDIT "request_audit", "'json', NULL, NULL, NULL, NULL, NULL, NULL, NULL"
#define REVIEW "request_review", "'accounts', NULL, NULL, NULL, NULL, NULL, NULL, NULL"
#define EXPORT "request_export", "1"

/* Whose tokens are their names, of a program; NAME-bare and NAME-both are those of sessions. */
static const char *const accounts[][2] = {
    {"data_manager", "data_manager"}, {"unmasked", "statistician_unmasked"}, {"administrator", "administrator"},
};

/* A second step reads what the first one (`maker`) gave to the good session: its id comes before the arguments. */
static const struct {
    const char *account, *function, *arguments, *maker, *making;
} calls[] = {
    {"data_manager", AUDIT, NULL, NULL},
    {"data_manager", "read_audit", "NULL, NULL, 9", AUDIT},
    {"data_manager", REVIEW, NULL, NULL},
    {"data_manager", "read_review", "9", REVIEW},
    {"data_manager", "conclude_review", "'nothing odd'", REVIEW},
    {"data_manager", EXPORT, NULL, NULL},
    {"unmasked", EXPORT, NULL, NULL},
    {"data_manager", "read_export", "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9", EXPORT},
    {"data_manager", "read_export_queries", "NULL, NULL, NULL, 9", EXPORT},
    {"data_manager", "read_export_signatures", "NULL, NULL, NULL, 9", EXPORT},
    {"data_manager", "read_export_verifications", "NULL, NULL, NULL, 9", EXPORT},
    {"unmasked", "request_report_file", NOBODY ", 'report.html'", NULL, NULL},
    {"unmasked", "read_report_file", NOBODY, NULL, NULL},
    {"unmasked", "request_unblinding", NOBODY ", 'for the board'", NULL, NULL},
    {"administrator", "approve_unblinding", NOBODY, NULL, NULL},
};

static void open_sessions(struct test_fixture *fixture, struct db *auth, const char *account, const char *role)
{
    test_run(fixture->superuser, memory_format(fixture->owner,
        "SELECT admin.add_membership('%s', 'demo', '%s', '{}'); "
        "SELECT admin.invite_account('%s', sha256('invitation of %s'))", account, role, account, account));
    test_run(auth, memory_format(fixture->owner,
        "SELECT auth.set_password('invitation of %s', '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA', true, "
        "decode(repeat('00', 20), 'hex'), '{}'); SELECT auth.accept_invitation('invitation of %s', 100)", account,
        account));
}

static void open_session(struct test_fixture *fixture, struct db *auth, const char *account, const char *token,
                         const char *step)
{
    test_run(auth, memory_format(fixture->owner,
        "SELECT auth.open_session('%s', sha256('session %s-%s'), '10.0.0.1', 900, %s, NULL, NULL, '{1}', "
        "ARRAY[sha256('%s-%s')])", account, account, token, step, account, token));
}

static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    struct db *auth = test_database_connect(fixture->owner, fixture->database, "patella_auth");
    for (size_t i = 0; i < sizeof accounts / sizeof accounts[0]; i++) {
        open_sessions(fixture, auth, accounts[i][0], accounts[i][1]);
        open_session(fixture, auth, accounts[i][0], "bare", "NULL");
        open_session(fixture, auth, accounts[i][0], "both", "101");
    }
    test_run(fixture->collector, "SELECT api.make_cut('statistician', 1, 'first')");
    return 0;
}

static const char *call_with(struct test_fixture *fixture, size_t i, const char *suffix)
{
    const char *made = "";
    if (calls[i].maker != NULL)
        made = test_value(fixture->collector, memory_format(fixture->owner,
            "SELECT quote_literal(api.%s('%s-both', 1, %s)) || ', '", calls[i].maker, calls[i].account,
            calls[i].making));
    return test_sqlstate(fixture->collector, memory_format(fixture->owner, "SELECT api.%s('%s%s', 1, %s%s)",
                                                           calls[i].function, calls[i].account, suffix, made,
                                                           calls[i].arguments));
}

static void test_session_without_the_second_factor_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(call_with(fixture, i, "-bare"), "42S2F") != 0)
            fail_msg("%s: \"%s\"", calls[i].function, call_with(fixture, i, "-bare"));
}

/* What is not there is not found: the call got past the question. */
static void test_session_with_it_and_token_of_a_program_go_on(void **state)
{
    static const char *const suffixes[] = {"-both", ""};
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        for (size_t j = 0; j < 2; j++) {
            const char *sqlstate = call_with(fixture, i, suffixes[j]);
            if (strcmp(sqlstate, "") != 0 && strcmp(sqlstate, "P0002") != 0)
                fail_msg("%s%s: %s", calls[i].function, suffixes[j], sqlstate);
        }
}

/* A request by a session that has it is no way round it for another session of the same account. */
static void test_request_of_a_good_session_is_not_read_by_a_bare_one(void **state)
{
    struct test_fixture *fixture = *state;
    const char *request = test_value(fixture->collector, "SELECT api.request_export('data_manager-both', 1, 1)");
    static const char read[] = "SELECT api.read_export_queries('data_manager-%s', 1, '%s', NULL, NULL, NULL, 9)";
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, read, "bare", request)),
                        "42S2F");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, read, "both", request)), "");
}

static void test_who_has_no_token_or_another_role_is_told_that(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_export('unknown', 1, 1)"), "28000");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_export('coordinator', 1, 1)"), "42501");
}

/* Other readings do not ask. */
static void test_session_without_it_reads_records(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const others[] = {
        "SELECT api.list_subjects('data_manager-bare', 1, NULL, NULL, 9)",
        "SELECT api.list_cuts('data_manager-bare', 1)",
        "SELECT api.list_notices('data_manager-bare', 1, NULL, 9)",
        "SELECT api.list_reports('unmasked-bare', 1)",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_string_equal(test_sqlstate(fixture->collector, others[i]), "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_session_without_the_second_factor_is_refused),
        CASE(test_session_with_it_and_token_of_a_program_go_on),
        CASE(test_request_of_a_good_session_is_not_read_by_a_bare_one),
        CASE(test_who_has_no_token_or_another_role_is_told_that),
        CASE(test_session_without_it_reads_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
