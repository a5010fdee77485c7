/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Double entry: by whom, compared with what, and how what differs is settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define FIRST "{\"form\":\"koos\",\"date\":\"2026-03-01\",\"answers\":{\"p1\":1,\"p2\":2,\"p3\":3}}"
#define SECOND \
    "{\"form\":\"koos\",\"date\":\"2026-03-01\",\"answers\":{\"p1\":1,\"p2\":4},\"not_answered\":{\"p3\":\"refused\"}}"
#define SETTLED "{\"form\":\"koos\",\"date\":\"2026-03-01\",\"answers\":{\"p1\":1,\"p2\":4,\"p3\":3}}"
#define THIRD "{\"form\":\"koos\",\"date\":\"2026-03-01\",\"answers\":{\"p1\":1,\"p2\":0,\"p3\":3}}"

#define ENTER_AS(token, content) \
    "api.enter_second('" token "', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M6', 1, 1, '" content "')"
#define RECONCILE_AS(token, result, items, choices, reasons) \
    "api.reconcile('" token "', 1, '" TEST_ID(5) "', " result ", '" items "', '" choices "', '" reasons "')"
#define ALL_FIRST(token) RECONCILE_AS(token, "NULL", "{p2,p3}", "{first,first}", "{NULL,NULL}")
#define LIST "api.list_second_entries('monitor', 1, NULL, NULL, NULL, NULL, NULL, NULL, 9)"
#define STATE "SELECT concat_ws(' ', state, differences, version, first_by, recorded_by) FROM " LIST

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

static const char *submit(void **state, int id, int version, const char *content)
{
    const struct test_fixture *fixture = *state;
    const struct test_row row = {.token = "coordinator1", .id = id, .visit = "M6", .version = version,
                                 .reason = version > 1 ? "entered twice" : NULL, .content = content};
    return test_submit(fixture->collector, &row, 1);
}

/* The first entry is coordinator1's, as TEST_ID(4). */
static int setup(void **state)
{
    test_acts_setup(state);
    assert_string_equal(submit(state, 4, 1, FIRST), "accepted");
    return 0;
}

/* ---- entering ---- */

static void test_enter_second_that_agrees_marks_the_record(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", FIRST)), "done");
    assert_string_equal(ask(state, STATE), "agrees 0 1 coordinator1 coordinator");
}

static void test_enter_second_is_compared_item_by_item(void **state)
{
    assert_string_equal(act(state, ENTER_AS("data_manager", SECOND)), "done");
    assert_string_equal(ask(state, STATE), "differs 2 1 coordinator1 data_manager");
    assert_string_equal(ask(state, "SELECT string_agg(concat_ws(' ', item, first_value, second_value), ', ') "
                                   "FROM api.list_differences('monitor', 1, 1, '" TEST_ID(5) "')"),
                        "p2 2 4, p3 3 not answered: refused");
}

static void test_enter_second_another_date_differs(void **state)
{
    assert_string_equal(act(state, "api.enter_second('coordinator', 1, '" TEST_ID(
                                       5) "', 1, 1, 'koos', 'left', 'M6', 1, "
                                          "1, replace('" FIRST "', '03-01', '03-02'))"),
                        "done");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', item, first_value, second_value) "
                                   "FROM api.list_differences('monitor', 1, 1, '" TEST_ID(5) "')"),
                        "date 2026-03-01 2026-03-02");
}

static void test_enter_second_by_the_first_account_is_refused(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator1", FIRST)), "same_account");
}

static void test_enter_second_of_nothing_void_or_redacted_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row void_row = {.id = 6, .version = 2, .status = "void", .reason = "never done"};
    assert_string_equal(
        act(state, "api.enter_second('coordinator', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M12', 1, "
                                                                     "1, '{}')"),
        "no_first_entry");
    assert_string_equal(test_submit(fixture->collector, &void_row, 1), "accepted");
    assert_string_equal(
        act(state, "api.enter_second('coordinator1', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M3', 1, "
                                                                      "1, '{}')"),
        "no_first_entry");
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(4) "', '" TEST_ID(7)
                                   "', 'a name in it')"), "done");
    assert_string_equal(act(state, "api.decide_redaction('administrator', 1, '" TEST_ID(7) "', 'approved', NULL)"),
                        "done");
    assert_string_equal(act(state, ENTER_AS("coordinator", FIRST)), "no_first_entry");
}

static void test_enter_second_with_another_form_version_is_refused(void **state)
{
    assert_string_equal(
        act(state, "api.enter_second('coordinator', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M6', 1, "
                                                                     "2, '" FIRST "')"),
        "other_form_version");
}

static void test_enter_second_sent_again_is_the_same_entry(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ENTER_AS("coordinator", FIRST)), "uuid_reused");
    assert_string_equal(act(state, ENTER_AS("data_manager", SECOND)), "uuid_reused");
    assert_string_equal(ask(state, "SELECT count(*) FROM " LIST), "1");
}

static void test_enter_second_roles_and_sites(void **state)
{
    static const char *const cases[][2] = {
        {"investigator1", "42501"}, {"monitor", "42501"}, {"statistician", "42501"}, {"unmasked", "42501"},
        {"machine1", "42501"}, {"administrator", "42501"}, {"manager_other", "42501"}, {"revoked", "28000"},
        {"nobody", "28000"}, {"coordinator2", "no_first_entry"}, {"manager1", "done"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(
            *state,
            "api.enter_second('%s', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M6', 1, 1, '" FIRST "')",
            cases[i][0]);
        if (strcmp(act(state, call), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
    }
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_second_entries('coordinator2', 1, NULL, NULL, NULL, "
                                   "NULL, NULL, NULL, 9)"), "0");
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_differences('coordinator2', 1, 1, '" TEST_ID(5) "')"),
                        "0");
}

static void test_enter_second_null_values_are_refused(void **state)
{
    assert_string_equal(act(state, "api.enter_second('coordinator', 1, NULL, 1, 1, 'koos', 'left', 'M6', 1, 1, '{}')"),
                        "23502");
    assert_string_equal(
        act(state, "api.enter_second('coordinator', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M6', 1, "
                                                                     "1, NULL)"),
        "23502");
    assert_string_equal(
        act(state, "api.enter_second('coordinator', 1, '" TEST_ID(5) "', 1, 1, 'koos', 'left', 'M6', 1, "
                                                                     "NULL, '{}')"),
        "other_form_version");
    assert_string_equal(act(state, "api.enter_second('coordinator', 1, '" TEST_ID(5) "', 1, 1, 'koos', NULL, 'M6', 1, "
                                   "1, '{}')"), "no_first_entry");
}

/* ---- settling ---- */

static void test_reconcile_with_the_first_entry_needs_no_version(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "done");
    assert_string_equal(ask(state, STATE), "reconciled 2 1 coordinator1 coordinator");
    assert_string_equal(ask(state, "SELECT result FROM " LIST), TEST_ID(4));
}

static void test_reconcile_names_the_version_that_holds_what_was_settled(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{second,first}",
                                                "{NULL,NULL}")), "result_differs");
    assert_string_equal(submit(state, 6, 2, SETTLED), "accepted");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{first,first}",
                                                "{NULL,NULL}")), "result_differs");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "NULL", "{p2,p3}", "{second,first}", "{NULL,NULL}")),
                        "result_differs");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p3,p2}", "{first,second}",
                                                "{NULL,NULL}")), "done");
    assert_string_equal(ask(state, "SELECT string_agg(concat_ws(' ', item, choice, recorded_by), ', ') "
                                   "FROM api.list_differences('monitor', 1, 1, '" TEST_ID(5) "')"),
                        "p2 second coordinator, p3 first coordinator");
}

static void test_reconcile_neither_needs_a_reason_and_a_third_value(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(submit(state, 6, 2, THIRD), "accepted");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{neither,first}",
                                                "{NULL,NULL}")), "reason_missing");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{neither,neither}",
                                                "{0 in the source,as above}")), "result_differs");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{neither,first}",
                                                "{0 in the source,NULL}")), "done");
}

/* What nobody settled must not change on the way. */
static void test_reconcile_another_item_changed_is_refused(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(submit(state, 6, 2, "{\"form\":\"koos\",\"date\":\"2026-03-01\",\"answers\":{\"p1\":0,\"p2\":4,"
                                            "\"p3\":3}}"), "accepted");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "'" TEST_ID(6) "'", "{p2,p3}", "{second,first}",
                                                "{NULL,NULL}")), "result_differs");
}

static void test_reconcile_other_items_than_differ_are_refused(void **state)
{
    static const char *const items[][2] = {
        {"'{p2}', '{first}'", "items_differ"}, {"'{p1,p2,p3}', '{first,first,first}'", "items_differ"},
        {"'{p2,p2}', '{first,first}'", "items_differ"}, {"'{}', '{}'", "items_differ"}, {"NULL, NULL", "items_differ"},
        {"'{p2,p3}', '{first}'", "items_differ"}, {"'{p2,p3}', NULL", "items_differ"},
        {"'{p2,NULL}', '{first,first}'", "items_differ"}, {"'{p2,p3}', '{first,NULL}'", "23502"},
        {"'{p2,p3}', '{first,third}'", "result_differs"},
    };
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        char *call = memory_format(*state, "api.reconcile('coordinator', 1, '" TEST_ID(5) "', NULL, %s, '{NULL,NULL}')",
                                   items[i][0]);
        if (strcmp(act(state, call), items[i][1]) != 0)
            fail_msg("%s: %s", call, act(state, call));
    }
}

static void test_reconcile_of_an_entry_that_agrees_is_refused(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", FIRST)), "done");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "NULL", "{}", "{}", "{}")), "items_differ");
}

static void test_reconcile_by_the_first_account_is_refused(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ALL_FIRST("coordinator1")), "same_account");
    assert_string_equal(act(state, ALL_FIRST("data_manager")), "done");
}

static void test_reconcile_twice_is_the_same_or_refused(void **state)
{
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "done");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "done");
    assert_string_equal(act(state, ALL_FIRST("data_manager")), "decided_already");
    assert_string_equal(act(state, RECONCILE_AS("coordinator", "NULL", "{p2,p3}", "{first,second}", "{NULL,NULL}")),
                        "decided_already");
}

static void test_reconcile_roles_and_sites(void **state)
{
    static const char *const cases[][2] = {
        {"investigator1", "42501"}, {"monitor", "42501"}, {"statistician", "42501"}, {"machine1", "42501"},
        {"administrator", "42501"}, {"manager_other", "42501"}, {"revoked", "28000"}, {"coordinator2", "P0002"},
    };
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(*state, "api.reconcile('%s', 1, '" TEST_ID(5) "', NULL, '{p2,p3}', '{first,first}', "
                                   "'{NULL,NULL}')", cases[i][0]);
        if (strcmp(act(state, call), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
    }
    assert_string_equal(
        act(state, "api.reconcile('coordinator', 1, '" TEST_ID(9) "', NULL, '{p2}', '{first}', '{NULL}')"),
        "P0002");
}

/* ---- the record of it ---- */

static void test_second_entry_keeps_its_answers_out_of_the_trail(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT concat_ws(' ', actor, operation, new ? 'content', new ->> 'sha256' = (SELECT e.sha256::text FROM "
        "core.second_entry e)) FROM audit.event WHERE object = 'core.second_entry'"), "coordinator INSERT f t");
}

static void test_second_entry_is_redacted_with_its_version(void **state)
{
    struct test_fixture *fixture = *state;
    static const char content[] = "SELECT content::text FROM core.second_entry";
    static const char redact[] = "UPDATE core.second_entry SET content = '{\"redacted\":true}'";
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(test_sqlstate(fixture->superuser, redact), "42501");
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(4) "', '" TEST_ID(7)
                                   "', 'a name in it')"), "done");
    assert_string_equal(test_value(fixture->superuser, content), SECOND);
    assert_string_equal(act(state, "api.decide_redaction('administrator', 1, '" TEST_ID(7) "', 'approved', NULL)"),
                        "done");
    assert_string_equal(test_value(fixture->superuser, content), "{\"redacted\":true}");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', state, differences) FROM " LIST), "redacted 0");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "no_first_entry");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE core.second_entry SET content = '{}'"), "42501");
}

static void test_second_entry_tables_refuse_change(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const changes[] = {
        "UPDATE core.second_entry SET content = '{}'", "UPDATE core.second_entry SET sha256 = sha256('x')",
        "DELETE FROM core.second_entry", "TRUNCATE core.second_entry CASCADE",
        "UPDATE core.reconciliation SET choice = 'second'", "DELETE FROM core.reconciliation",
        "TRUNCATE core.reconciliation",
    };
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "done");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, changes[i]), "42501") != 0)
            fail_msg("not refused: %s", changes[i]);
}

static void test_second_entry_lists_by_state(void **state)
{
    static const char sql[] =
        "SELECT count(*) FROM api.list_second_entries('monitor', 1, NULL, 1, 1, '%s', NULL, NULL, 9)";
    assert_string_equal(act(state, ENTER_AS("coordinator", SECOND)), "done");
    assert_string_equal(ask(state, memory_format(*state, sql, "differs")), "1");
    assert_string_equal(ask(state, memory_format(*state, sql, "agrees")), "0");
    assert_string_equal(act(state, ALL_FIRST("coordinator")), "done");
    assert_string_equal(ask(state, memory_format(*state, sql, "differs")), "0");
    assert_string_equal(ask(state, memory_format(*state, sql, "reconciled")), "1");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_enter_second_that_agrees_marks_the_record),
        CASE(test_enter_second_is_compared_item_by_item),
        CASE(test_enter_second_another_date_differs),
        CASE(test_enter_second_by_the_first_account_is_refused),
        CASE(test_enter_second_of_nothing_void_or_redacted_is_refused),
        CASE(test_enter_second_with_another_form_version_is_refused),
        CASE(test_enter_second_sent_again_is_the_same_entry),
        CASE(test_enter_second_roles_and_sites),
        CASE(test_enter_second_null_values_are_refused),
        CASE(test_reconcile_with_the_first_entry_needs_no_version),
        CASE(test_reconcile_names_the_version_that_holds_what_was_settled),
        CASE(test_reconcile_neither_needs_a_reason_and_a_third_value),
        CASE(test_reconcile_another_item_changed_is_refused),
        CASE(test_reconcile_other_items_than_differ_are_refused),
        CASE(test_reconcile_of_an_entry_that_agrees_is_refused),
        CASE(test_reconcile_by_the_first_account_is_refused),
        CASE(test_reconcile_twice_is_the_same_or_refused),
        CASE(test_reconcile_roles_and_sites),
        CASE(test_second_entry_keeps_its_answers_out_of_the_trail),
        CASE(test_second_entry_is_redacted_with_its_version),
        CASE(test_second_entry_tables_refuse_change),
        CASE(test_second_entry_lists_by_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
