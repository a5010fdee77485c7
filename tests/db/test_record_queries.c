/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries: who may ask, answer, close and reopen, in which order, and who sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define OPEN_AS(token, id) \
    "api.open_query('" token "', 1, '" TEST_ID(id) "', 1, 1, 'koos', 'left', 'M3', 1, 'p1', '2 in the source?')"
#define EVENT_AS(token, kind) "api.add_query_event('" token "', 1, '" TEST_ID(1) "', '" kind "', 'see " kind "')"
#define LIST_AS(token) "api.list_queries('" token "', 1, NULL, NULL, NULL, NULL, NULL, NULL, 100)"

static const char *act(void **state, const char *call)
{
    const struct test_fixture *fixture = *state;
    return test_act(fixture->collector, call);
}

static const char *ask(void **state, const char *sql)
{
    const struct test_fixture *fixture = *state;
    return test_value(fixture->collector, sql);
}

/* ---- opening ---- */

static void test_open_query_on_an_item_is_open_and_says_the_version(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', site_id, subject_no, form, knee, visit, instance, item, "
                                   "version, state, text, opened_by) FROM " LIST_AS("monitor")),
                        "1 1 koos left M3 1 p1 1 open 2 in the source? data_manager");
}

static void test_open_query_on_a_record_that_is_not_entered_has_version_0(void **state)
{
    assert_string_equal(act(state, "api.open_query('monitor', 1, '" TEST_ID(1) "', 1, 1, 'koos', 'right', 'M6', 1, "
                                   "NULL, 'not there yet')"), "done");
    assert_string_equal(ask(state, "SELECT version || COALESCE(item, ' whole') FROM " LIST_AS("monitor")), "0 whole");
}

static void test_open_query_sent_again_is_the_same_query(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.query_event"), "1");
}

static void test_open_query_same_id_for_something_else_is_refused(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    static const char *const others[] = {
        OPEN_AS("monitor", 1),
        "api.open_query('data_manager', 1, '" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, 'p2', '2 in the source?')",
        "api.open_query('data_manager', 1, '" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, NULL, '2 in the source?')",
        "api.open_query('data_manager', 1, '" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, 'p1', 'other words')",
        "api.open_query('data_manager', 1, '" TEST_ID(1) "', 2, 1, 'koos', 'left', 'M3', 1, 'p1', '2 in the source?')",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(act(state, others[i]), "uuid_reused") != 0)
            fail_msg("not refused: %s", others[i]);
}

/* What a site cannot see is not taken either: the same id is free there. */
static void test_open_query_same_id_at_a_site_that_is_not_seen_is_another_query(void **state)
{
    assert_string_equal(act(state, OPEN_AS("monitor1", 1)), "done");
    assert_string_equal(act(state, "api.open_query('monitor2', 1, '" TEST_ID(1) "', 2, 1, 'koos', 'left', 'M3', 1, "
                                   "'p1', 'at the other site')"), "done");
    assert_string_equal(ask(state, "SELECT string_agg(site_id::text, ' ') FROM " LIST_AS("monitor")), "1 2");
}

static void test_open_query_of_another_site_and_of_nobody_are_equally_unknown(void **state)
{
    static const char other[] =
        "api.open_query('monitor1', 1, '" TEST_ID(1) "', 2, 1, 'koos', 'left', 'M3', 1, NULL, 'x')";
    static const char nobody[] =
        "api.open_query('monitor1', 1, '" TEST_ID(1) "', 1, 9, 'koos', 'left', 'M3', 1, NULL, 'x')";
    assert_string_equal(act(state, other), "unknown_subject");
    assert_string_equal(act(state, nobody), "unknown_subject");
}

static void test_open_query_of_a_form_that_the_study_lacks_is_refused(void **state)
{
    assert_string_equal(act(state, "api.open_query('monitor', 1, '" TEST_ID(1) "', 1, 1, 'lysholm', 'left', 'M3', 1, "
                                   "NULL, 'x')"), "unknown_form");
}

static void test_open_query_roles(void **state)
{
    static const struct {
        const char *token, *answer;
    } cases[] = {
        {"coordinator", "42501"}, {"statistician", "42501"}, {"machine1", "42501"}, {"administrator", "42501"},
        {"unmasked", "42501"}, {"manager_other", "42501"}, {"revoked", "28000"}, {"expired", "28000"},
        {"nobody", "28000"}, {"investigator1", "done"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(*state, "api.open_query('%s', 1, '" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, "
                                   "NULL, 'x')", cases[i].token);
        if (strcmp(act(state, call), cases[i].answer) != 0)
            fail_msg("%s: not %s", cases[i].token, cases[i].answer);
    }
}

static void test_open_query_null_and_bad_values_are_refused(void **state)
{
    static const char *const values[][2] = {
        {"NULL, 1, 1, 'koos', 'left', 'M3', 1, NULL, 'x'", "23502"},
        {"'" TEST_ID(1) "', NULL, 1, 'koos', 'left', 'M3', 1, NULL, 'x'", "unknown_subject"},
        {"'" TEST_ID(1) "', 1, NULL, 'koos', 'left', 'M3', 1, NULL, 'x'", "unknown_subject"},
        {"'" TEST_ID(1) "', 1, 1, NULL, 'left', 'M3', 1, NULL, 'x'", "unknown_form"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', NULL, 'M3', 1, NULL, 'x'", "23502"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'middle', 'M3', 1, NULL, 'x'", "23514"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', NULL, 1, NULL, 'x'", "23502"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', '', 1, NULL, 'x'", "23514"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', NULL, NULL, 'x'", "23502"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 0, NULL, 'x'", "23514"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, '', 'x'", "23514"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, NULL, NULL", "23502"},
        {"'" TEST_ID(1) "', 1, 1, 'koos', 'left', 'M3', 1, NULL, '  '", "23514"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *call = memory_format(*state, "api.open_query('monitor', 1, %s)", values[i][0]);
        if (strcmp(act(state, call), values[i][1]) != 0)
            fail_msg("%s: %s", call, act(state, call));
    }
}

/* ---- what follows ---- */

static void test_query_is_answered_closed_and_reopened(void **state)
{
    assert_string_equal(act(state, OPEN_AS("monitor", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("coordinator1", "answered")), "done");
    assert_string_equal(act(state, EVENT_AS("monitor", "closed")), "done");
    assert_string_equal(act(state, EVENT_AS("data_manager", "reopened")), "done");
    assert_string_equal(act(state, EVENT_AS("investigator1", "answered")), "done");
    assert_string_equal(ask(state, "SELECT state || ' ' || changed_by FROM " LIST_AS("monitor")),
                        "answered investigator1");
    assert_string_equal(ask(state, "SELECT string_agg(concat_ws(' ', event_no, kind, recorded_by), ', ') "
                                   "FROM api.list_query_events('monitor', 1, 1, '" TEST_ID(1) "')"),
                        "1 opened monitor, 2 answered coordinator1, 3 closed monitor, 4 reopened data_manager, "
                        "5 answered investigator1");
}

static void test_query_events_in_the_wrong_state_are_refused(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("data_manager", "reopened")), "query_state");
    assert_string_equal(act(state, EVENT_AS("coordinator", "answered")), "done");
    assert_string_equal(act(state, EVENT_AS("investigator1", "answered")), "query_state");
    assert_string_equal(act(state, EVENT_AS("data_manager", "closed")), "done");
    assert_string_equal(act(state, EVENT_AS("investigator1", "answered")), "query_state");
    assert_string_equal(act(state, EVENT_AS("manager1", "closed")), "query_state");
}

static void test_query_event_sent_again_is_the_same_event(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("coordinator", "answered")), "done");
    assert_string_equal(act(state, EVENT_AS("coordinator", "answered")), "done");
    assert_string_equal(
        ask(state, "SELECT count(*) FROM api.list_query_events('monitor', 1, 1, '" TEST_ID(1) "')"), "2");
}

static void test_query_of_somebody_else_is_not_closed_by_a_monitor(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("monitor", "closed")), "query_of_another");
    assert_string_equal(act(state, EVENT_AS("manager1", "closed")), "done");
    assert_string_equal(act(state, EVENT_AS("monitor", "reopened")), "query_of_another");
}

static void test_query_event_roles(void **state)
{
    static const char *const cases[][3] = {
        {"monitor", "answered", "42501"},     {"statistician", "answered", "42501"}, {"machine1", "answered", "42501"},
        {"coordinator", "closed", "42501"},   {"investigator1", "closed", "42501"},  {"unmasked", "closed", "42501"},
        {"coordinator", "reopened", "42501"}, {"revoked", "answered", "28000"},      {"expired", "closed", "28000"},
        {"manager_other", "closed", "42501"}, {"administrator", "closed", "42501"},
    };
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(*state, "api.add_query_event('%s', 1, '" TEST_ID(1) "', '%s', 'x')", cases[i][0],
                                   cases[i][1]);
        if (strcmp(act(state, call), cases[i][2]) != 0)
            fail_msg("%s: not %s", call, cases[i][2]);
    }
}

static void test_query_event_null_and_bad_values_are_refused(void **state)
{
    static const char *const values[][2] = {
        {"NULL, 'closed', 'x'", "P0002"},
        {"'" TEST_ID(1) "', NULL, 'x'", "23502"},
        {"'" TEST_ID(1) "', 'opened', 'x'", "query_state"},
        {"'" TEST_ID(1) "', 'closed', NULL", "23502"},
        {"'" TEST_ID(1) "', 'closed', ' '", "23514"},
    };
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *call = memory_format(*state, "api.add_query_event('data_manager', 1, %s)", values[i][0]);
        if (strcmp(act(state, call), values[i][1]) != 0)
            fail_msg("%s: %s", call, act(state, call));
    }
}

static void test_query_of_another_site_is_not_there(void **state)
{
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, "api.add_query_event('coordinator2', 1, '" TEST_ID(1) "', 'answered', 'x')"),
                        "P0002");
    assert_string_equal(act(state, "api.add_query_event('coordinator2', 1, '" TEST_ID(9) "', 'answered', 'x')"),
                        "P0002");
    assert_string_equal(ask(state, "SELECT count(*) FROM " LIST_AS("coordinator2")), "0");
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_query_events('coordinator2', 1, 1, '"
                                   TEST_ID(1) "')"), "0");
}

/* The second waits for the first, and then meets the new state. */
static void test_query_rivals_answer_once(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    test_run(rival, "BEGIN");
    assert_string_equal(test_act(rival, EVENT_AS("coordinator1", "answered")), "done");
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(act(state, EVENT_AS("investigator1", "answered")), "55P03");
    test_run(rival, "COMMIT");
    assert_string_equal(act(state, EVENT_AS("investigator1", "answered")), "query_state");
}

/* ---- lists ---- */

static void test_list_queries_filters_and_pages(void **state)
{
    static const char sql[] = "SELECT string_agg(right(query_id::text, 1), '') FROM api.list_queries('monitor', 1, %s)";
    static const char *const cases[][2] = {
        {"NULL, NULL, NULL, NULL, NULL, NULL, 100", "123"},
        {"NULL, 1, 1, NULL, NULL, NULL, 100", "12"},
        {"NULL, NULL, NULL, 'open', NULL, NULL, 100", "23"},
        {"NULL, NULL, NULL, 'closed', NULL, NULL, 100", "1"},
        {"NULL, NULL, NULL, NULL, NULL, NULL, 2", "12"},
        {"NULL, NULL, NULL, NULL, 1, '" TEST_ID(1) "', 100", "23"},
        {"'" TEST_ID(2) "', NULL, NULL, NULL, NULL, NULL, 100", "2"},
        {"NULL, NULL, NULL, NULL, NULL, NULL, 0", "1"},
    };
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("data_manager", "closed")), "done");
    assert_string_equal(act(state, OPEN_AS("data_manager", 2)), "done");
    assert_string_equal(act(state, "api.open_query('monitor2', 1, '" TEST_ID(3) "', 2, 1, 'koos', 'left', 'M3', 1, "
                                   "NULL, 'x')"), "done");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(ask(state, memory_format(*state, sql, cases[i][0])), cases[i][1]);
}

static void test_list_queries_roles(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"data_manager", ""}, {"coordinator1", ""}, {"investigator1", ""}, {"monitor", ""}, {"statistician", ""},
        {"unmasked", ""}, {"administrator", "42501"}, {"machine1", "42501"}, {"manager_other", "42501"},
        {"revoked", "28000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sql = memory_format(*state, "SELECT * FROM api.list_queries('%s', 1, NULL, NULL, NULL, NULL, NULL, NULL, "
                                  "9)", cases[i][0]);
        assert_string_equal(test_sqlstate(fixture->collector, sql), cases[i][1]);
        sql = memory_format(*state, "SELECT * FROM api.list_query_events('%s', 1, 1, '" TEST_ID(1) "')", cases[i][0]);
        assert_string_equal(test_sqlstate(fixture->collector, sql), cases[i][1]);
    }
}

/* ---- the record of it ---- */

static void test_query_leaves_audit_rows_also_of_refusals(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("monitor", "closed")), "query_of_another");
    assert_string_equal(act(state, EVENT_AS("coordinator1", "answered")), "done");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', actor, operation, object, new ->> 'kind'), ', ' ORDER BY seq) "
        "FROM audit.event WHERE object LIKE 'core.query%'"),
        "data_manager INSERT core.query, data_manager INSERT core.query_event opened, "
        "monitor REFUSE query_of_another core.query, coordinator1 INSERT core.query_event answered");
}

static void test_query_may_be_asked_of_a_locked_subject_in_a_frozen_study(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')");
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
    assert_string_equal(act(state, OPEN_AS("monitor", 1)), "done");
    assert_string_equal(act(state, EVENT_AS("coordinator1", "answered")), "done");
}

static void test_query_tables_refuse_change_and_gaps(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"UPDATE core.query SET item = 'p2'", "42501"},
        {"UPDATE core.query_event SET text = 'other words'", "42501"},
        {"DELETE FROM core.query_event", "42501"},
        {"TRUNCATE core.query CASCADE", "42501"},
        {"INSERT INTO core.query_event (study_id, site_id, query_id, event_no, kind, text) "
         "VALUES (1, 1, '" TEST_ID(1) "', 2, 'opened', 'x')", "23514"},
        {"INSERT INTO core.query_event (study_id, site_id, query_id, event_no, kind, text) "
         "VALUES (1, 1, '" TEST_ID(1) "', 1, 'opened', 'x')", "23505"},
        {"INSERT INTO core.query_event (study_id, site_id, query_id, event_no, kind, text) "
         "VALUES (1, 1, '" TEST_ID(9) "', 1, 'opened', 'x')", "23503"},
    };
    assert_string_equal(act(state, OPEN_AS("data_manager", 1)), "done");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, cases[i][0]), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
}

static void test_query_forged_context_does_not_name_the_asker(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "SET patella.account = 'root'; SET patella.sites = '{1,2}'");
    assert_string_equal(act(state, OPEN_AS("monitor1", 1)), "done");
    assert_string_equal(test_value(fixture->superuser, "SELECT recorded_by FROM core.query"), "monitor1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_open_query_on_an_item_is_open_and_says_the_version),
        CASE(test_open_query_on_a_record_that_is_not_entered_has_version_0),
        CASE(test_open_query_sent_again_is_the_same_query),
        CASE(test_open_query_same_id_for_something_else_is_refused),
        CASE(test_open_query_same_id_at_a_site_that_is_not_seen_is_another_query),
        CASE(test_open_query_of_another_site_and_of_nobody_are_equally_unknown),
        CASE(test_open_query_of_a_form_that_the_study_lacks_is_refused),
        CASE(test_open_query_roles),
        CASE(test_open_query_null_and_bad_values_are_refused),
        CASE(test_query_is_answered_closed_and_reopened),
        CASE(test_query_events_in_the_wrong_state_are_refused),
        CASE(test_query_event_sent_again_is_the_same_event),
        CASE(test_query_of_somebody_else_is_not_closed_by_a_monitor),
        CASE(test_query_event_roles),
        CASE(test_query_event_null_and_bad_values_are_refused),
        CASE(test_query_of_another_site_is_not_there),
        CASE(test_query_rivals_answer_once),
        CASE(test_list_queries_filters_and_pages),
        CASE(test_list_queries_roles),
        CASE(test_query_leaves_audit_rows_also_of_refusals),
        CASE(test_query_may_be_asked_of_a_locked_subject_in_a_frozen_study),
        CASE(test_query_tables_refuse_change_and_gaps),
        CASE(test_query_forged_context_does_not_name_the_asker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
