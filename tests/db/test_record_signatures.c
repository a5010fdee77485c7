/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Source data verification and signatures: of which version, by whom, and what a new version makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define VERIFY_AS(token) "api.verify_version('" token "', 1, '" TEST_ID(1) "', 'verified', NULL)"
#define WITHDRAW_AS(token, why) "api.verify_version('" token "', 1, '" TEST_ID(1) "', 'withdrawn', '" why "')"
#define SHA_OF(id) "(SELECT s.sha256 FROM api.find_submission('monitor', 1, '" TEST_ID(id) "') s)"
#define SIGN_AS(token, signature, meaning) \
    "api.sign('" token "', 1, '" TEST_ID(1) "', '" TEST_ID(signature) "', " SHA_OF(1) ", '" meaning "')"
#define LIST(what) "api.list_" what "('monitor', 1, NULL, NULL, NULL, NULL, NULL, NULL, 100)"

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

/* ---- verification ---- */

static void test_verify_marks_the_version(void **state)
{
    assert_string_equal(act(state, VERIFY_AS("monitor1")), "done");
    assert_string_equal(act(state, VERIFY_AS("monitor1")), "done");
    assert_string_equal(
        ask(state, "SELECT concat_ws(' ', site_id, subject_no, form, version, state, covers, recorded_by) "
                   "FROM " LIST("verifications")),
        "1 1 koos 1 verified t monitor1");
}

static void test_verify_a_new_version_is_not_covered(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    test_correct(fixture->collector);
    assert_string_equal(ask(state, "SELECT concat_ws(' ', state, covers) FROM " LIST("verifications")), "verified f");
}

static void test_verify_an_old_version_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    test_correct(fixture->collector);
    assert_string_equal(act(state, VERIFY_AS("monitor")), "superseded");
}

static void test_verify_withdrawn_with_a_reason_and_set_again(void **state)
{
    assert_string_equal(act(state, WITHDRAW_AS("monitor", "wrong chart")), "not_verified");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    assert_string_equal(act(state, WITHDRAW_AS("monitor", "  ")), "reason_missing");
    assert_string_equal(act(state, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'withdrawn', NULL)"),
                        "reason_missing");
    assert_string_equal(act(state, WITHDRAW_AS("monitor", "wrong chart")), "done");
    assert_string_equal(act(state, WITHDRAW_AS("monitor", "wrong chart")), "done");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', state, covers, reason) FROM " LIST("verifications")),
                        "withdrawn f wrong chart");
    assert_string_equal(act(state, VERIFY_AS("monitor2")), "P0002");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
}

static void test_verify_withdrawing_works_on_an_old_version(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    test_correct(fixture->collector);
    assert_string_equal(act(state, WITHDRAW_AS("monitor", "wrong chart")), "done");
}

static void test_verify_roles(void **state)
{
    static const char *const cases[][2] = {
        {"data_manager", "42501"}, {"coordinator", "42501"}, {"investigator1", "42501"}, {"statistician", "42501"},
        {"unmasked", "42501"}, {"administrator", "42501"}, {"machine1", "42501"}, {"revoked", "28000"},
        {"expired", "28000"}, {"nobody", "28000"}, {"manager_other", "42501"}, {"monitor2", "P0002"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(*state, "api.verify_version('%s', 1, '" TEST_ID(1) "', 'verified', NULL)",
                                   cases[i][0]);
        if (strcmp(act(state, call), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
    }
}

static void test_verify_null_and_bad_values_are_refused(void **state)
{
    assert_string_equal(act(state, "api.verify_version('monitor', 1, NULL, 'verified', NULL)"), "P0002");
    assert_string_equal(act(state, "api.verify_version('monitor', 1, '" TEST_ID(9) "', 'verified', NULL)"), "P0002");
    assert_string_equal(act(state, "api.verify_version('monitor', 1, '" TEST_ID(1) "', NULL, NULL)"), "23502");
    assert_string_equal(act(state, "api.verify_version('monitor', 1, '" TEST_ID(1) "', 'seen', NULL)"), "23514");
    assert_string_equal(act(state, "api.verify_version('monitor', NULL, '" TEST_ID(1) "', 'verified', NULL)"), "42501");
}

static void test_verify_rivals_mark_once(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *rival = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_run(rival, "BEGIN");
    assert_string_equal(test_act(rival, VERIFY_AS("monitor1")), "done");
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "55P03");
    test_run(rival, "COMMIT");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    assert_string_equal(test_value(fixture->superuser, "SELECT string_agg(recorded_by, ' ') FROM core.verification"),
                        "monitor1");
}

/* ---- signatures ---- */

/* As a session that was confirmed a moment ago. */
static void confirm(void **state)
{
    const struct test_fixture *fixture = *state;
    test_run(fixture->superuser,
             "CREATE OR REPLACE FUNCTION sec.confirmed(token bytea) RETURNS boolean LANGUAGE plpgsql STABLE "
             "SECURITY DEFINER SET search_path = '' AS $$BEGIN RETURN token = 'investigator1'; END$$");
}

static void test_sign_without_a_confirmed_session_is_refused_and_recorded(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "not_confirmed");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT concat_ws(' ', actor, operation, object, row_id) FROM audit.event ORDER BY seq DESC LIMIT 1"),
        "investigator1 REFUSE not_confirmed core.signature " TEST_ID(1));
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.signature"), "0");
}

static void test_sign_holds_name_meaning_and_hash(void **state)
{
    struct test_fixture *fixture = *state;
    confirm(state);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', printed_name, meaning, version, covers, recorded_by) FROM "
                                   LIST("signatures")), "Name of investigator1 approval 1 t investigator1");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT bool_and(s.sha256 = v.sha256 AND s.recorded_at <= clock_timestamp() AND s.era = v.era) "
        "FROM core.signature s JOIN core.submission v ON v.id = s.submission_id"), "t");
}

static void test_sign_sent_again_is_the_same_signature(void **state)
{
    struct test_fixture *fixture = *state;
    confirm(state);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "review")), "uuid_reused");
    assert_string_equal(act(state, SIGN_AS("investigator1", 5, "approval")), "signed_already");
    assert_string_equal(act(state, SIGN_AS("investigator1", 5, "review")), "done");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM core.signature"), "2");
}

static void test_sign_other_content_than_shown_is_refused(void **state)
{
    confirm(state);
    assert_string_equal(act(state, "api.sign('investigator1', 1, '" TEST_ID(1) "', '" TEST_ID(4) "', sha256('other'), "
                                   "'approval')"), "content_differs");
    assert_string_equal(
        act(state, "api.sign('investigator1', 1, '" TEST_ID(1) "', '" TEST_ID(4) "', NULL, 'approval')"),
        "content_differs");
}

static void test_sign_an_old_version_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    confirm(state);
    test_correct(fixture->collector);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "superseded");
}

static void test_sign_a_new_version_is_not_covered(void **state)
{
    struct test_fixture *fixture = *state;
    confirm(state);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    test_correct(fixture->collector);
    assert_string_equal(ask(state, "SELECT concat_ws(' ', version, covers) FROM " LIST("signatures")), "1 f");
    assert_string_equal(
        ask(state, "SELECT count(*) FROM api.list_signatures('monitor', 1, NULL, NULL, NULL, 'current', "
                   "NULL, NULL, 100)"),
        "0");
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_signatures('monitor', 1, NULL, NULL, NULL, "
                                   "'superseded', NULL, NULL, 100)"), "1");
}

static void test_sign_roles(void **state)
{
    static const char *const cases[][2] = {
        {"data_manager", "42501"}, {"coordinator", "42501"}, {"monitor", "42501"}, {"statistician", "42501"},
        {"unmasked", "42501"}, {"administrator", "42501"}, {"machine1", "42501"}, {"revoked", "28000"},
        {"expired", "28000"}, {"nobody", "28000"}, {"manager_other", "42501"}, {"investigator2", "P0002"},
    };
    confirm(state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *call = memory_format(*state, "api.sign('%s', 1, '" TEST_ID(1) "', '" TEST_ID(4) "', " SHA_OF(1)
                                   ", 'approval')", cases[i][0]);
        if (strcmp(act(state, call), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
    }
}

static void test_sign_null_and_bad_values_are_refused(void **state)
{
    static const char *const values[][2] = {
        {"NULL, '" TEST_ID(4) "', " SHA_OF(1) ", 'approval'", "P0002"},
        {"'" TEST_ID(9) "', '" TEST_ID(4) "', " SHA_OF(1) ", 'approval'", "P0002"},
        {"'" TEST_ID(1) "', NULL, " SHA_OF(1) ", 'approval'", "23502"},
        {"'" TEST_ID(1) "', '" TEST_ID(4) "', " SHA_OF(1) ", NULL", "23502"},
        {"'" TEST_ID(1) "', '" TEST_ID(4) "', " SHA_OF(1) ", 'agreed'", "23514"},
    };
    confirm(state);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *call = memory_format(*state, "api.sign('investigator1', 1, %s)", values[i][0]);
        if (strcmp(act(state, call), values[i][1]) != 0)
            fail_msg("%s: %s", call, act(state, call));
    }
}

/* What no function would do: the table refuses it. */
static void test_signature_of_another_hash_or_version_is_refused_by_the_table(void **state)
{
    struct test_fixture *fixture = *state;
    static const char sql[] =
        "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name) "
        "SELECT %s, v.site_id, gen_random_uuid(), %s, %s, 'review', %s FROM core.submission v WHERE v.id = '"
        TEST_ID(1) "'";
    static const char *const cases[][5] = {
        {"1", "v.id", "v.sha256", "'Name'", ""},
        {"1", "v.id", "sha256('x')", "'Name'", "23503"},
        {"1", "'" TEST_ID(2) "'", "v.sha256", "'Name'", "23503"},      /* of site 2 */
        {"2", "v.id", "v.sha256", "'Name'", "23503"},
        {"1", "v.id", "v.sha256", "' '", "23514"},
        {"1", "v.id", "v.sha256", "NULL", "23502"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_run(fixture->superuser, "BEGIN");
        char *insert = memory_format(*state, sql, cases[i][0], cases[i][1], cases[i][2], cases[i][3]);
        const char *sqlstate = test_sqlstate(fixture->superuser, insert);
        if (strcmp(sqlstate, cases[i][4]) != 0)
            fail_msg("%s: \"%s\"", insert, sqlstate);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_signature_tables_refuse_change(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const changes[] = {
        "UPDATE core.signature SET meaning = 'review'", "UPDATE core.signature SET printed_name = 'x'",
        "DELETE FROM core.signature", "TRUNCATE core.signature", "UPDATE core.verification SET reason = 'x'",
        "DELETE FROM core.verification", "TRUNCATE core.verification",
    };
    confirm(state);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, changes[i]), "42501") != 0)
            fail_msg("not refused: %s", changes[i]);
}

static void test_verification_table_refuses_gaps_and_no_reason(void **state)
{
    struct test_fixture *fixture = *state;
    static const char sql[] =
        "INSERT INTO core.verification (study_id, site_id, submission_id, event_no, kind, reason) "
        "VALUES (1, 1, '" TEST_ID(1) "', %s)";
    static const char *const cases[][2] = {
        {"1, 'verified', NULL", ""}, {"1, 'withdrawn', 'wrong chart'", "23514"}, {"2, 'withdrawn', NULL", "23514"},
        {"2, 'withdrawn', '     '", "23514"}, {"2, 'withdrawn', 'wrong chart'", ""}, {"2, 'verified', NULL", "23514"},
        {"0, 'verified', NULL", "23514"}, {"NULL, 'verified', NULL", "23502"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_run(fixture->superuser, "BEGIN");
        assert_string_equal(test_sqlstate(fixture->superuser, memory_format(*state, sql, cases[i][0])), cases[i][1]);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_lists_show_their_sites_only(void **state)
{
    static const char sql[] = "SELECT count(*) FROM api.list_%s('%s', 1, NULL, NULL, NULL, NULL, NULL, NULL, 9)";
    confirm(state);
    assert_string_equal(act(state, SIGN_AS("investigator1", 4, "approval")), "done");
    assert_string_equal(act(state, VERIFY_AS("monitor")), "done");
    static const char *const lists[] = {"signatures", "verifications"};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(ask(state, memory_format(*state, sql, lists[i], "coordinator1")), "1");
        assert_string_equal(ask(state, memory_format(*state, sql, lists[i], "coordinator2")), "0");
        assert_string_equal(ask(state, memory_format(*state, sql, lists[i], "statistician")), "1");
    }
}

static void test_lists_roles(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const lists[] = {"signatures", "verifications"};
    static const char *const cases[][2] = {
        {"administrator", "42501"}, {"machine1", "42501"}, {"manager_other", "42501"}, {"revoked", "28000"},
        {"expired", "28000"}, {"unmasked", ""}, {"investigator2", ""},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        char *sql = memory_format(*state, "SELECT * FROM api.list_%s('%s', 1, NULL, NULL, NULL, NULL, NULL, NULL, 9)",
                                  lists[i % 2], cases[i / 2][0]);
        assert_string_equal(test_sqlstate(fixture->collector, sql), cases[i / 2][1]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_verify_marks_the_version),
        CASE(test_verify_a_new_version_is_not_covered),
        CASE(test_verify_an_old_version_is_refused),
        CASE(test_verify_withdrawn_with_a_reason_and_set_again),
        CASE(test_verify_withdrawing_works_on_an_old_version),
        CASE(test_verify_roles),
        CASE(test_verify_null_and_bad_values_are_refused),
        CASE(test_verify_rivals_mark_once),
        CASE(test_sign_without_a_confirmed_session_is_refused_and_recorded),
        CASE(test_sign_holds_name_meaning_and_hash),
        CASE(test_sign_sent_again_is_the_same_signature),
        CASE(test_sign_other_content_than_shown_is_refused),
        CASE(test_sign_an_old_version_is_refused),
        CASE(test_sign_a_new_version_is_not_covered),
        CASE(test_sign_roles),
        CASE(test_sign_null_and_bad_values_are_refused),
        CASE(test_signature_of_another_hash_or_version_is_refused_by_the_table),
        CASE(test_signature_tables_refuse_change),
        CASE(test_verification_table_refuses_gaps_and_no_reason),
        CASE(test_lists_show_their_sites_only),
        CASE(test_lists_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
