/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The allocation of a masked study: who may open it, in two steps, and what it leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define WHY "'anaphylaxis after injection'"
#define ASK_AS(token, id) "api.request_unblinding('" token "', 2, '" TEST_ID(id) "', 'interim analysis')"
#define APPROVE_AS(token, id) "api.approve_unblinding('" token "', 2, '" TEST_ID(id) "')"
#define EMERGENCY_AS(token, id) "api.request_emergency('" token "', 2, 1, 1, '" TEST_ID(id) "', " WHY ")"
#define REVEAL_AS(token, id) "api.reveal_allocation('" token "', 2, 1, 1, '" TEST_ID(id) "', NULL)"
#define STATE "SELECT string_agg(state, ',') FROM api.list_unblindings('unmasked_other', 2)"

static const struct {
    const char *account, *role;
} further[] = {
    {"administrator_other", "administrator"},  {"unmasked_other", "statistician_unmasked"},
    {"investigator_other", "investigator"},    {"colleague_other", "investigator"},
};

struct unblinding {
    struct test_fixture *fixture;
    struct db *collector, *superuser, *reporter;
};

/* Subject 01-0001 of the masked study, allocated twice, and a cut. */
static struct unblinding start(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof further / sizeof further[0]; i++)
        test_run(fixture->superuser,
                 memory_format(fixture->owner,
                               "SELECT admin.add_account('%1$s', 'Name'); SELECT admin.add_token('%1$s', 'other', "
                               "'%2$s', '{}', sha256('%1$s'), now() + interval '9 days')",
                               further[i].account, further[i].role));
    const struct test_row row = {.study = 2, .index_knee = "left", .token = "coordinator_other"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    test_run(fixture->superuser,
             "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{CS}', NULL);"
             "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{AD-MSC}', 'entered wrongly');"
             "SELECT admin.grant_reporter('other', 'patella_reporter')");
    test_run(fixture->superuser, "SELECT admin.make_cut('other', 'first')");
    return (struct unblinding){fixture, fixture->collector, fixture->superuser,
                               test_database_connect(fixture->owner, fixture->database, "patella_reporter")};
}

static int setup(void **state)
{
    struct unblinding *started = memory_new(NULL, struct unblinding);
    *started = start(state);
    *state = started;
    return 0;
}

static int teardown(void **state)
{
    struct unblinding *started = *state;
    void *fixture = started->fixture;
    talloc_free(started);
    return test_fixture_teardown(&fixture);
}

/* ---- of one subject ---- */

/* In the request's own transaction, which commits before anything is revealed. */
static void test_emergency_leaves_one_notice_without_cohort_and_reason(void **state)
{
    struct unblinding *at = *state;
    static const char notices[] = "SELECT count(*) FROM audit.notice";
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator_other', 2, 1, 1, '" TEST_ID(1)
                                 "', '.')"), "reason_missing");
    test_run(at->collector, "BEGIN");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    test_run(at->collector, "ROLLBACK");
    assert_string_equal(test_value(at->superuser, notices), "0");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("colleague_other", 1)), "uuid_reused");
    assert_string_equal(test_value(at->superuser,
        "SELECT concat_ws(' ', kind, severity, study_id, site_id, subject_no, object, count(*) OVER ()) "
        "FROM audit.notice"), "emergency_unblinding serious 2 1 1 blind.emergency " TEST_ID(1) " 1");
    struct db *admin = test_database_connect(at->fixture->owner, at->fixture->database, "patella_admin");
    const char *message = test_value(admin, "SELECT message FROM admin.take_notice(60)");
    assert_non_null(strstr(message, "\"subject\": \"01-0001\""));
    assert_null(strstr(message, "AD-MSC"));
    assert_null(strstr(message, "anaphylaxis"));
}

static void test_emergency_is_revealed_by_the_request_behind(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_value(at->collector, "SELECT concat_ws(' ', code, knee, cohort) FROM "
                                   REVEAL_AS("investigator_other", 1)), "none AD-MSC");
    assert_string_equal(test_value(at->superuser,
                                   "SELECT string_agg(operation || ' ' || object || ' ' || actor, ', ' ORDER BY seq) "
                                   "FROM audit.event WHERE object IN ('blind.emergency', 'blind.allocation') "
                                   "AND actor = 'investigator_other'"),
                        "INSERT blind.emergency investigator_other, REVEAL blind.allocation investigator_other");
}

/* A transaction that is rolled back would take the trace with it. */
static void test_emergency_is_not_revealed_in_the_transaction_that_asks(void **state)
{
    struct unblinding *at = *state;
    test_run(at->collector, "BEGIN");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM " REVEAL_AS("investigator_other", 1)), "P0002");
    test_run(at->collector, "ROLLBACK");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM " REVEAL_AS("investigator_other", 1)), "P0002");
}

static void test_emergency_is_for_who_asked(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM " REVEAL_AS("colleague_other", 1)), "P0002");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("colleague_other", 1)), "uuid_reused");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
}

/* The same person asks with one token and comes back with one for another site. */
static void test_emergency_is_revealed_to_a_token_of_the_site_alone(void **state)
{
    struct unblinding *at = *state;
    test_run(at->superuser, "SELECT admin.add_site('other', 2, 'Second clinic', 'Europe/Berlin');"
                            "SELECT admin.add_token('investigator_other', 'other', 'investigator', '{2}', "
                            "sha256('investigator of site 2'), now() + interval '9 days')");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM " REVEAL_AS("investigator of site 2", 1)),
                        "P0002");
    assert_string_equal(test_value(at->collector, "SELECT cohort FROM " REVEAL_AS("investigator_other", 1)), "AD-MSC");
}

static void test_emergency_ends_after_ten_minutes(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    test_run(at->superuser, "SET session_replication_role = replica;"
                            "UPDATE blind.emergency SET recorded_at = recorded_at - interval '10 minutes'");
    assert_string_equal(test_value(at->collector, "SELECT code || ' ' || (cohort IS NULL) FROM "
                                   REVEAL_AS("investigator_other", 1)), "request_expired true");
}

static void test_emergency_needs_role_study_subject_and_reason(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("unmasked_other", 1)), "42501");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("coordinator_other", 1)), "42501");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator1", 1)), "42501");
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator_other', 2, 1, 2, '" TEST_ID(1)
                                                "', " WHY ")"), "P0002");
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator_other', 2, NULL, NULL, '"
                                                TEST_ID(1) "', " WHY ")"), "P0002");
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator_other', 2, 1, 1, '" TEST_ID(1)
                                                "', '   ')"), "reason_missing");
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator_other', 2, 1, 1, '" TEST_ID(1)
                                                "', NULL)"), "reason_missing");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM " REVEAL_AS("investigator_other", 1)), "P0002");
}

static void test_emergency_of_an_open_study_is_refused(void **state)
{
    struct unblinding *at = *state;
    test_enrol(at->collector, 1, 1);
    assert_string_equal(test_act(at->collector, "api.request_emergency('investigator1', 1, 1, 1, '" TEST_ID(1) "', "
                                                WHY ")"), "not_masked");
}

/* ---- for reports ---- */

static void approve(struct unblinding *at)
{
    assert_string_equal(test_act(at->collector, ASK_AS("unmasked_other", 2)), "done");
    assert_string_equal(test_act(at->collector, APPROVE_AS("administrator_other", 2)), "done");
}

static void test_report_is_opened_by_an_approved_request(void **state)
{
    struct unblinding *at = *state;
    approve(at);
    test_run(at->reporter, "SELECT rep.open_allocation(2, 1, '" TEST_ID(2) "')");
    assert_string_equal(test_value(at->reporter, "SELECT string_agg(concat_ws(' ', subject_no, knee, cohort), ', ') "
                                                 "FROM rep.allocation(2, 1, '" TEST_ID(2) "')"), "1 none AD-MSC");
    assert_string_equal(test_value(at->superuser, "SELECT count(*) FROM audit.event WHERE object = 'blind.opening' "
                                                  "AND actor = 'db:patella_reporter' AND site_id IS NULL"), "1");
    assert_string_equal(test_sqlstate(at->reporter, "SELECT * FROM rep.allocation(2, 1, NULL)"), "42501");
}

static void test_report_is_not_opened_without_approval(void **state)
{
    struct unblinding *at = *state;
    static const char open[] = "SELECT rep.open_allocation(2, 1, '" TEST_ID(2) "')";
    assert_string_equal(test_sqlstate(at->reporter, open), "42501");
    assert_string_equal(test_act(at->collector, ASK_AS("unmasked_other", 2)), "done");
    assert_string_equal(test_sqlstate(at->reporter, open), "42501");
    assert_string_equal(test_value(at->collector, STATE), "asked");
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    assert_string_equal(test_sqlstate(at->reporter, "SELECT rep.open_allocation(2, 1, '" TEST_ID(1) "')"), "42501");
}

static void test_report_of_a_study_that_is_not_granted_is_not_opened(void **state)
{
    struct unblinding *at = *state;
    test_run(at->superuser, "SELECT admin.add_study('third', 'Third study', 'double', 'patella_auditor');"
                            "SELECT admin.add_token('unmasked_other', 'third', 'statistician_unmasked', '{}', "
                            "sha256('unmasked_third'), now() + interval '9 days');"
                            "SELECT admin.add_token('administrator_other', 'third', 'administrator', '{}', "
                            "sha256('administrator_third'), now() + interval '9 days')");
    assert_string_equal(test_act(at->collector, "api.request_unblinding('unmasked_third', 3, '" TEST_ID(3)
                                                "', 'interim analysis')"), "done");
    assert_string_equal(test_act(at->collector, "api.approve_unblinding('administrator_third', 3, '" TEST_ID(3) "')"),
                        "done");
    assert_string_equal(test_sqlstate(at->reporter, "SELECT rep.open_allocation(3, 1, '" TEST_ID(3) "')"), "42501");
    assert_string_equal(test_value(at->superuser, "SELECT count(*) FROM blind.opening"), "0");
}

static void test_report_of_a_cut_that_is_not_there_has_no_allocation(void **state)
{
    struct unblinding *at = *state;
    approve(at);
    test_run(at->reporter, "SELECT rep.open_allocation(2, 9, '" TEST_ID(2) "')");
    assert_string_equal(test_sqlstate(at->reporter, "SELECT * FROM rep.allocation(2, 9, '" TEST_ID(2) "')"), "P0002");
}

static void test_report_is_not_read_in_the_transaction_that_opens(void **state)
{
    struct unblinding *at = *state;
    static const char read[] = "SELECT * FROM rep.allocation(2, 1, '" TEST_ID(2) "')";
    approve(at);
    assert_string_equal(test_sqlstate(at->reporter, read), "42501");
    test_run(at->reporter, "BEGIN; SELECT rep.open_allocation(2, 1, '" TEST_ID(2) "')");
    assert_string_equal(test_sqlstate(at->reporter, read), "42501");
    test_run(at->reporter, "ROLLBACK");
    assert_string_equal(test_sqlstate(at->reporter, read), "42501");
}

static void test_approval_is_by_another_account_that_is_administrator(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, APPROVE_AS("administrator_other", 2)), "P0002");
    assert_string_equal(test_act(at->collector, ASK_AS("unmasked_other", 2)), "done");
    assert_string_equal(test_act(at->collector, APPROVE_AS("unmasked_other", 2)), "42501");
    test_run(at->superuser, "SELECT admin.add_token('unmasked_other', 'other', 'administrator', '{}', "
                            "sha256('both'), now() + interval '9 days')");
    assert_string_equal(test_act(at->collector, APPROVE_AS("both", 2)), "same_account");
    assert_string_equal(test_value(at->collector, STATE), "asked");
    assert_string_equal(test_act(at->collector, APPROVE_AS("administrator_other", 2)), "done");
    assert_string_equal(test_act(at->collector, APPROVE_AS("administrator_other", 2)), "done");
    assert_string_equal(test_value(at->collector, STATE), "approved");
}

static void test_approval_ends_after_seven_days(void **state)
{
    struct unblinding *at = *state;
    approve(at);
    test_run(at->superuser, "SET session_replication_role = replica;"
                            "UPDATE blind.approval SET recorded_at = recorded_at - interval '7 days'");
    assert_string_equal(test_value(at->collector, STATE), "ended");
    assert_string_equal(test_sqlstate(at->reporter, "SELECT rep.open_allocation(2, 1, '" TEST_ID(2) "')"), "42501");
}

static void test_request_is_by_an_unmasked_statistician_of_a_masked_study(void **state)
{
    struct unblinding *at = *state;
    assert_string_equal(test_act(at->collector, ASK_AS("statistician_other", 2)), "42501");
    assert_string_equal(test_act(at->collector, ASK_AS("administrator_other", 2)), "42501");
    assert_string_equal(test_act(at->collector, ASK_AS("unmasked", 2)), "42501");
    assert_string_equal(test_act(at->collector, "api.request_unblinding('unmasked', 1, '" TEST_ID(2)
                                                "', 'interim analysis')"), "not_masked");
    assert_string_equal(test_act(at->collector, "api.request_unblinding('unmasked_other', 2, '" TEST_ID(2)
                                                "', NULL)"), "reason_missing");
}

/* ---- jobs ---- */

static void test_job_by_cohort_is_for_unmasked_statisticians(void **state)
{
    struct unblinding *at = *state;
#define ORDER_AS(token) "SELECT api.request_report('" token "', 2, 1, '" TEST_ID(2) "')"
    assert_string_equal(test_sqlstate(at->collector, ORDER_AS("unmasked_other")), "42501");
    approve(at);
    assert_string_equal(test_sqlstate(at->collector, ORDER_AS("statistician_other")), "42501");
    const char *job = test_value(at->collector, ORDER_AS("unmasked_other"));
    assert_string_equal(test_value(at->reporter, memory_format(at, "SELECT rep.job_unblinding('%s')", job)),
                        TEST_ID(2));
    static const char list[] = "SELECT count(*) FROM api.list_report_files('%s', 2, '%s')";
    assert_string_equal(test_value(at->collector, memory_format(at, list, "unmasked_other", job)), "0");
    assert_string_equal(test_sqlstate(at->collector, memory_format(at, list, "statistician_other", job)), "42501");
    assert_string_equal(test_sqlstate(at->collector, memory_format(at, list, "administrator_other", job)), "42501");
    static const char file[] = "SELECT api.request_report_file('%s', 2, '%s', 'report.html')";
    assert_string_equal(test_sqlstate(at->collector, memory_format(at, file, "unmasked_other", job)), "P0002");
    assert_string_equal(test_sqlstate(at->collector, memory_format(at, file, "statistician_other", job)), "42501");
}

/* ---- what stays closed ---- */

static void test_trail_never_holds_a_cohort(void **state)
{
    struct unblinding *at = *state;
    approve(at);
    assert_string_equal(test_act(at->collector, EMERGENCY_AS("investigator_other", 1)), "done");
    test_run(at->collector, "SELECT * FROM " REVEAL_AS("investigator_other", 1));
    test_run(at->reporter, "SELECT rep.open_allocation(2, 1, '" TEST_ID(2) "')");
    assert_string_equal(test_value(at->superuser, "SELECT count(*) FROM audit.event e "
                                                  "WHERE e::text ~ 'AD-MSC' AND object LIKE 'blind.%'"), "0");
}

static void test_tables_are_closed_to_all_who_log_in(void **state)
{
    struct unblinding *at = *state;
    static const char *const tables[] = {"request", "approval", "emergency", "opening", "allocation"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const char *sql = memory_format(at, "SELECT * FROM blind.%s", tables[i]);
        assert_string_equal(test_sqlstate(at->collector, sql), "42501");
        assert_string_equal(test_sqlstate(at->reporter, sql), "42501");
    }
    assert_string_equal(test_sqlstate(at->collector, "SELECT blind.is_granted(2, '" TEST_ID(2) "')"), "42501");
    assert_string_equal(test_sqlstate(at->collector, "SELECT * FROM blind.reveal(2, 1, 1, '" TEST_ID(1)
                                                     "', 'investigator_other', NULL)"), "42501");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_emergency_leaves_one_notice_without_cohort_and_reason),
        CASE(test_emergency_is_revealed_by_the_request_behind),
        CASE(test_emergency_is_not_revealed_in_the_transaction_that_asks),
        CASE(test_emergency_is_for_who_asked),
        CASE(test_emergency_is_revealed_to_a_token_of_the_site_alone),
        CASE(test_emergency_ends_after_ten_minutes),
        CASE(test_emergency_needs_role_study_subject_and_reason),
        CASE(test_emergency_of_an_open_study_is_refused),
        CASE(test_report_is_opened_by_an_approved_request),
        CASE(test_report_is_not_opened_without_approval),
        CASE(test_report_of_a_study_that_is_not_granted_is_not_opened),
        CASE(test_report_of_a_cut_that_is_not_there_has_no_allocation),
        CASE(test_report_is_not_read_in_the_transaction_that_opens),
        CASE(test_approval_is_by_another_account_that_is_administrator),
        CASE(test_approval_ends_after_seven_days),
        CASE(test_request_is_by_an_unmasked_statistician_of_a_masked_study),
        CASE(test_job_by_cohort_is_for_unmasked_statisticians),
        CASE(test_trail_never_holds_a_cohort),
        CASE(test_tables_are_closed_to_all_who_log_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
