/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Locks of records and subjects, freezing, and redaction by two persons. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_acts.h"
#include "tests/support/test_submission.h"

#define LOCK_AS(token, locked) "api.lock_record('" token "', 1, '" TEST_ID(1) "', " locked ", 'data are clean')"
#define LOCK_SUBJECT_AS(token, locked) "api.lock_subject('" token "', 1, 1, 1, " locked ", 'data are clean')"
#define FREEZE_AS(token, frozen) "api.freeze_study('" token "', 1, " frozen ", 'database lock')"
#define ASK_AS(token) "api.ask_redaction('" token "', 1, '" TEST_ID(1) "', '" TEST_ID(5) "', 'a name in a remark')"
#define DECIDE_AS(token, decision, why) \
    "api.decide_redaction('" token "', 1, '" TEST_ID(5) "', '" decision "', " why ")"

static const struct test_row correction = {.id = 3, .version = 2, .reason = "read wrongly"};

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

static const char *stored(void **state, const char *sql)
{
    const struct test_fixture *fixture = *state;
    return test_value(fixture->superuser, sql);
}

static const char *submit(void **state, const struct test_row *row)
{
    const struct test_fixture *fixture = *state;
    return test_submit(fixture->collector, row, 1);
}

/* Each token with what `call` (with one %s for it) must answer. */
static void assert_answers(void **state, const char *before, const char *after, const char *const cases[][2],
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *call = memory_format(*state, "%s'%s'%s", before, cases[i][0], after);
        if (strcmp(act(state, call), cases[i][1]) != 0)
            fail_msg("%s: not %s", call, cases[i][1]);
    }
}

/* ---- locks ---- */

static void test_lock_of_a_record_refuses_its_next_version_only(void **state)
{
    const struct test_row other = {.id = 4, .visit = "M6"}, void_row = {.id = 6, .version = 2, .status = "void",
                                                                      .reason = "never done"};
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &correction), "record_locked");
    assert_string_equal(submit(state, &void_row), "record_locked");
    assert_string_equal(submit(state, &other), "accepted");
    assert_string_equal(act(state, LOCK_AS("data_manager", "false")), "done");
    assert_string_equal(submit(state, &correction), "accepted");
}

static void test_lock_of_a_record_lets_replays_and_first_versions_be_judged_as_before(void **state)
{
    const struct test_row first = {.id = 1}, again = {.id = 7};
    assert_string_equal(submit(state, &correction), "accepted");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &first), "replayed");
    assert_string_equal(submit(state, &correction), "replayed");
    assert_string_equal(submit(state, &again), "record_exists");
}

static void test_lock_in_a_mixed_call_refuses_its_row_only(void **state)
{
    const struct test_fixture *fixture = *state;
    const struct test_row rows[] = {{.id = 4, .visit = "M6"}, correction,
                                    {.id = 8, .site = 2, .version = 2, .reason = "read wrongly"}};
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(test_submit(fixture->collector, rows, 3), "accepted record_locked accepted");
    assert_string_equal(stored(state, "SELECT concat_ws(' ', operation, site_id, row_id) FROM audit.event "
                                      "WHERE operation LIKE 'REFUSE%'"), "REFUSE record_locked 1 " TEST_ID(3));
}

/* A token that does not see the site learns nothing of its locks. */
static void test_lock_of_another_site_is_not_told(void **state)
{
    const struct test_row row = {.token = "coordinator2", .id = 3, .version = 2, .reason = "read wrongly"};
    assert_string_equal(submit(state, &row), "unknown_subject");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &row), "unknown_subject");
}

static void test_lock_is_one_event_however_often_it_is_sent(void **state)
{
    assert_string_equal(act(state, LOCK_AS("data_manager", "false")), "done");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(act(state, LOCK_AS("manager1", "true")), "done");
    assert_string_equal(act(state, LOCK_AS("manager1", "false")), "done");
    assert_string_equal(stored(state, "SELECT string_agg(concat_ws(' ', event_no, locked, recorded_by), ', ' "
                                      "ORDER BY event_no) FROM core.record_lock"),
                        "1 t data_manager, 2 f manager1");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', id, site_id, form, state, reason, recorded_by) "
                                   "FROM api.list_locks('monitor', 1, NULL, NULL, NULL, NULL, NULL, NULL, 9)"),
                        TEST_ID(1) " 1 koos unlocked data are clean manager1");
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_locks('monitor', 1, NULL, NULL, NULL, 'locked', "
                                   "NULL, NULL, 9)"), "0");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(ask(state, "SELECT state FROM api.list_locks('monitor', 1, NULL, NULL, NULL, 'locked', NULL, "
                                   "NULL, 9)"), "locked");
    assert_string_equal(ask(state, "SELECT count(*) FROM api.list_locks('coordinator2', 1, NULL, NULL, NULL, NULL, "
                                   "NULL, NULL, 9)"), "0");
}

static void test_lock_roles(void **state)
{
    static const char *const cases[][2] = {
        {"coordinator", "42501"}, {"investigator1", "42501"}, {"monitor", "42501"}, {"statistician", "42501"},
        {"unmasked", "42501"}, {"administrator", "42501"}, {"machine1", "42501"}, {"manager_other", "42501"},
        {"revoked", "28000"}, {"expired", "28000"}, {"nobody", "28000"}, {"manager1", "done"},
    };
    size_t count = sizeof cases / sizeof cases[0];
    assert_answers(state, "api.lock_record(", ", 1, '" TEST_ID(1) "', true, 'data are clean')", cases, count);
    assert_answers(state, "api.lock_subject(", ", 1, 1, 1, true, 'data are clean')", cases, count);
}

static void test_lock_without_reason_or_of_nothing_is_refused(void **state)
{
    assert_string_equal(act(state, "api.lock_record('data_manager', 1, '" TEST_ID(1) "', true, NULL)"),
                        "reason_missing");
    assert_string_equal(act(state, "api.lock_record('data_manager', 1, '" TEST_ID(1) "', true, ' x  ')"),
                        "reason_missing");
    assert_string_equal(act(state, "api.lock_record('data_manager', 1, '" TEST_ID(9) "', true, 'data are clean')"),
                        "P0002");
    assert_string_equal(
        act(state, "api.lock_record('manager1', 1, '" TEST_ID(2) "', true, 'data are clean')"), "P0002");
    assert_string_equal(act(state, "api.lock_record('data_manager', 1, '" TEST_ID(1) "', NULL, 'data are clean')"),
                        "23502");
    assert_string_equal(act(state, "api.lock_subject('data_manager', 1, 1, 1, true, NULL)"), "reason_missing");
    assert_string_equal(act(state, "api.lock_subject('data_manager', 1, 1, 9, true, 'data are clean')"), "P0002");
    assert_string_equal(act(state, "api.lock_subject('manager1', 1, 2, 1, true, 'data are clean')"), "P0002");
    assert_string_equal(act(state, "api.lock_subject('data_manager', 1, 1, 1, NULL, 'data are clean')"), "23502");
}

static void test_lock_waits_for_submissions_under_way(void **state)
{
    const struct test_fixture *fixture = *state;
    struct db *writer = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_run(writer, "BEGIN");
    assert_string_equal(test_submit(writer, &correction, 1), "accepted");
    test_run(fixture->collector, "SET lock_timeout = '50ms'");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "55P03");
    assert_string_equal(act(state, LOCK_SUBJECT_AS("data_manager", "true")), "55P03");
    assert_string_equal(act(state, FREEZE_AS("data_manager", "true")), "55P03");
    test_run(writer, "COMMIT");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
}

static void test_lock_under_way_makes_the_study_busy(void **state)
{
    const struct test_fixture *fixture = *state;
    struct db *holder = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_run(holder, "BEGIN");
    assert_string_equal(test_act(holder, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &correction), "study_busy");
    test_run(holder, "COMMIT");
    assert_string_equal(submit(state, &correction), "record_locked");
}

static void test_lock_of_a_subject_refuses_everything_about_it(void **state)
{
    const struct test_row other = {.id = 4, .visit = "M6"};
    assert_string_equal(act(state, LOCK_SUBJECT_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &other), "subject_locked");
    assert_string_equal(submit(state, &correction), "subject_locked");
    assert_string_equal(act(state, LOCK_SUBJECT_AS("manager1", "false")), "done");
    assert_string_equal(submit(state, &other), "accepted");
    assert_string_equal(stored(state, "SELECT string_agg(concat_ws(' ', actor, old ->> 'locked', new ->> 'locked', "
                                      "reason), ', ' ORDER BY seq) FROM audit.event WHERE operation = 'UPDATE' "
                                      "AND object = 'core.subject'"),
                        "data_manager false true data are clean, manager1 true false data are clean");
}

static void test_lock_table_refuses_change_gaps_and_records_that_are_not(void **state)
{
    const struct test_fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"UPDATE core.record_lock SET locked = false", "42501"},
        {"DELETE FROM core.record_lock", "42501"},
        {"TRUNCATE core.record_lock", "42501"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 2, true, 'a reason')", "23514"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 3, false, 'a reason')", "23514"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 2, false, '    ')", "23514"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 2, false, NULL)", "23502"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 2, NULL, 'a reason')", "23502"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M6', 1, 1, true, 'a reason')", "23503"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 1, true, 'a reason')", "23505"},
        {"INSERT INTO core.record_lock VALUES (1, 1, 1, 'koos', 'left', 'M3', 1, 2, false, 'a reason', 2)", "23514"},
    };
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, cases[i][0]), cases[i][1]) != 0)
            fail_msg("%s: not %s", cases[i][0], cases[i][1]);
}

/* ---- freezing ---- */

static void test_freeze_takes_no_submissions_until_it_ends(void **state)
{
    assert_string_equal(act(state, FREEZE_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &correction), "study_frozen");
    assert_string_equal(act(state, FREEZE_AS("administrator", "false")), "done");
    assert_string_equal(submit(state, &correction), "accepted");
    assert_string_equal(stored(state, "SELECT string_agg(actor || ' ' || reason, ', ' ORDER BY seq) FROM audit.event "
                                      "WHERE operation = 'UPDATE' AND object = 'core.study'"),
                        "data_manager database lock, administrator database lock");
}

static void test_freeze_of_one_study_leaves_the_other_alone(void **state)
{
    const struct test_row other = {.id = 9, .study = 2, .index_knee = "left", .token = "coordinator_other"};
    assert_string_equal(act(state, FREEZE_AS("data_manager", "true")), "done");
    assert_string_equal(submit(state, &other), "accepted");
    assert_string_equal(act(state, "api.freeze_study('data_manager', 2, true, 'database lock')"), "42501");
}

static void test_freeze_roles(void **state)
{
    static const char *const cases[][2] = {
        {"coordinator", "42501"}, {"investigator1", "42501"}, {"monitor", "42501"}, {"statistician", "42501"},
        {"machine1", "42501"}, {"unmasked", "42501"}, {"manager_other", "42501"}, {"revoked", "28000"},
        {"manager1", "42501"},      /* of one site */
    };
    assert_answers(state, "api.freeze_study(", ", 1, true, 'database lock')", cases, sizeof cases / sizeof cases[0]);
    assert_string_equal(act(state, "api.freeze_study('data_manager', 1, true, NULL)"), "reason_missing");
    assert_string_equal(act(state, "api.freeze_study('data_manager', 1, NULL, 'database lock')"), "23502");
}

/* ---- redaction ---- */

static void test_redaction_by_two_persons_takes_the_body_and_nothing_else(void **state)
{
    static const char rest[] = "SELECT to_jsonb(v) - '{content,scores}'::text[] FROM core.submission v WHERE id = '"
                               TEST_ID(1) "'";
    const char *before = stored(state, rest);
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(stored(state, "SELECT content::text FROM core.submission WHERE id = '" TEST_ID(1) "'"),
                        "{\"form\":\"koos\",\"id\":1}");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(stored(state, "SELECT content::text || scores::text FROM core.submission WHERE id = '"
                                      TEST_ID(1) "'"), "{\"form\":\"koos\",\"id\":1,\"redacted\":true}{NaN,NaN}");
    assert_string_equal(stored(state, rest), before);
    assert_string_equal(ask(state, "SELECT content FROM api.find_submission('monitor', 1, '" TEST_ID(1) "')"),
                        "{\"form\":\"koos\",\"id\":1,\"redacted\":true}");
}

static void test_redaction_keeps_what_holds_the_record_together(void **state)
{
    const struct test_row row = {
        .id = 4, .visit = "M6",
        .content = "{\"study\":\"demo\",\"form\":\"koos\",\"version\":1,\"reason\":\"he told me\",\"answers\":"
                   "{\"index_knee\":\"Miller\",\"remark\":\"Mr Miller\",\"continues\":\"01-0002\"},"
                   "\"not_answered\":{\"p1\":\"refused\"},\"confirmed\":[{\"reason\":\"Mr Miller\"}]}"};
    assert_string_equal(submit(state, &row), "accepted");
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(4) "', '" TEST_ID(5)
                                   "', 'a name in a remark')"), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(stored(state, "SELECT content::text FROM core.submission WHERE id = '" TEST_ID(4) "'"),
                        "{\"study\":\"demo\",\"form\":\"koos\",\"version\":1,\"answers\":{\"continues\":\"01-0002\"},"
                        "\"redacted\":true}");
}

static void test_redaction_of_an_enrolment_leaves_the_subject_listed(void **state)
{
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '00000000-0000-0000-0000-000000001001', '"
                                   TEST_ID(5) "', 'a name in a remark')"), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(ask(state, "SELECT string_agg(concat_ws(' ', site_id, index_knee), ', ') "
                                   "FROM api.list_subjects('monitor', 1, 0, 0, 9)"), "1 left, 2 left");
}

static void test_redaction_leaves_chain_replays_and_next_versions_as_they_are(void **state)
{
    const struct test_row first = {.id = 1}, third = {.id = 7, .version = 3, .reason = "once more"};
    assert_string_equal(submit(state, &correction), "accepted");
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(submit(state, &first), "replayed");
    assert_string_equal(submit(state, &third), "accepted");
    assert_string_equal(
        stored(state, "SELECT bool_and(v.prev_sha256 = p.sha256) FROM core.submission v "
                      "JOIN core.submission p ON (p.study_id, p.site_id, p.subject_no, p.form, p.visit) "
                      "= (v.study_id, v.site_id, v.subject_no, v.form, v.visit) "
                      "AND p.version = v.version - 1"),
        "t");
}

static void test_redaction_leaves_its_trail(void **state)
{
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(stored(state, "SELECT string_agg(concat_ws(' ', actor, operation, object), ', ' ORDER BY seq) "
                                      "FROM audit.event WHERE object LIKE 'core.redaction%' OR operation = 'REDACT'"),
                        "data_manager INSERT core.redaction, administrator REDACT core.submission, "
                        "administrator INSERT core.redaction_decision");
    assert_string_equal(stored(state, "SELECT e.digest = sha256(convert_to(v.content::text, 'UTF8')) "
                                      "AND e.digest <> v.sha256 FROM audit.event e "
                                      "JOIN core.submission v ON v.id = e.row_id WHERE e.operation = 'REDACT'"), "t");
}

/* Should one ever have both roles: the table asks, too. */
static void test_redaction_by_one_person_is_refused(void **state)
{
    const struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.add_token('data_manager', 'demo', 'administrator', '{}', "
                                 "sha256('both'), now() + interval '9 days')");
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, DECIDE_AS("both", "approved", "NULL")), "same_account");
    static const char sql[] =
        "INSERT INTO core.redaction_decision (study_id, site_id, redaction_id, asked_by, decision, "
        "reason, recorded_by) VALUES (1, 1, '" TEST_ID(5) "', %s)";
    static const char *const cases[][2] = {
        {"'data_manager', 'approved', NULL, 'data_manager'", "23514"},
        {"'somebody', 'approved', NULL, 'data_manager'", "23503"},
        {"NULL, 'approved', NULL, 'administrator'", "23502"},
        {"'data_manager', NULL, NULL, 'administrator'", "23502"},
        {"'data_manager', 'perhaps', NULL, 'administrator'", "23514"},
        {"'data_manager', 'declined', NULL, 'administrator'", "23514"},
        {"'data_manager', 'declined', '     ', 'administrator'", "23514"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(test_sqlstate(fixture->superuser, memory_format(*state, sql, cases[i][0])), cases[i][1]);
}

static void test_redaction_declined_leaves_the_body(void **state)
{
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "declined", "NULL")), "reason_missing");
    assert_string_equal(act(state, DECIDE_AS("administrator", "declined", "'no name there'")), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "decided_already");
    assert_string_equal(stored(state, "SELECT content::text FROM core.submission WHERE id = '" TEST_ID(1) "'"),
                        "{\"form\":\"koos\",\"id\":1}");
    assert_string_equal(ask(state, "SELECT concat_ws(' ', state, asked_by, decided_by, decision_reason) FROM "
                                   "api.list_redactions('administrator', 1, NULL, NULL, NULL, NULL, NULL, NULL, 9)"),
                        "declined data_manager administrator no name there");
}

static void test_redaction_sent_again_is_the_same(void **state)
{
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, ASK_AS("manager1")), "uuid_reused");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(stored(state, "SELECT count(*) FROM audit.event WHERE operation = 'REDACT'"), "1");
}

static void test_redaction_roles(void **state)
{
    static const char *const asking[][2] = {
        {"administrator", "42501"}, {"coordinator", "42501"}, {"investigator1", "42501"}, {"monitor", "42501"},
        {"statistician", "42501"}, {"machine1", "42501"}, {"unmasked", "42501"}, {"manager_other", "42501"},
        {"revoked", "28000"}, {"nobody", "28000"}, {"manager1", "done"},
    };
    static const char *const deciding[][2] = {
        {"data_manager", "42501"}, {"coordinator", "42501"}, {"investigator1", "42501"}, {"monitor", "42501"},
        {"statistician", "42501"}, {"machine1", "42501"}, {"unmasked", "42501"}, {"manager_other", "42501"},
        {"revoked", "28000"}, {"nobody", "28000"}, {"administrator", "done"},
    };
    assert_answers(state, "api.ask_redaction(",
                   ", 1, '" TEST_ID(1) "', '" TEST_ID(5) "', 'a name in a remark')", asking,
                   sizeof asking / sizeof asking[0]);
    assert_answers(state, "api.decide_redaction(", ", 1, '" TEST_ID(5) "', 'approved', NULL)", deciding,
                   sizeof deciding / sizeof deciding[0]);
}

static void test_redaction_of_nothing_or_without_reason_is_refused(void **state)
{
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(1) "', '" TEST_ID(5) "', NULL)"),
                        "reason_missing");
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(9) "', '" TEST_ID(5)
                                   "', 'a name in it')"), "P0002");
    assert_string_equal(act(state, "api.ask_redaction('manager1', 1, '" TEST_ID(2) "', '" TEST_ID(5)
                                   "', 'a name in it')"), "P0002");
    assert_string_equal(act(state, "api.ask_redaction('data_manager', 1, '" TEST_ID(1) "', NULL, 'a name in it')"),
                        "23502");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "P0002");
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(act(state, "api.decide_redaction('administrator', 1, '" TEST_ID(5) "', NULL, NULL)"), "23502");
}

/* Even for the superuser: only this body, and only after an approval. */
static void test_redaction_is_the_only_change_that_a_version_takes(void **state)
{
    const struct test_fixture *fixture = *state;
    static const char redact[] = "UPDATE core.submission v SET content = core.redacted_content(v), "
                                 "scores = core.redacted_scores(v.scores) WHERE v.id = '" TEST_ID(1) "'";
    assert_string_equal(test_sqlstate(fixture->superuser, redact), "42501");
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(test_sqlstate(fixture->superuser, redact), "42501");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    static const char *const changes[] = {
        "UPDATE core.submission SET content = '{}' WHERE id = '" TEST_ID(1) "'",
        "UPDATE core.submission SET scores = '{1,2}' WHERE id = '" TEST_ID(1) "'",
        "UPDATE core.submission SET sha256 = sha256('x') WHERE id = '" TEST_ID(1) "'",
        "UPDATE core.submission SET reason = 'x' WHERE id = '" TEST_ID(1) "'",
        "UPDATE core.submission v SET content = core.redacted_content(v), scores = core.redacted_scores(v.scores) "
        "WHERE v.id = '" TEST_ID(2) "'",
        "DELETE FROM core.submission WHERE id = '" TEST_ID(1) "'",
        "UPDATE core.redaction SET reason = 'other words'", "DELETE FROM core.redaction_decision",
        "TRUNCATE core.redaction CASCADE",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, changes[i]), "42501") != 0)
            fail_msg("not refused: %s", changes[i]);
}

static void test_redaction_list_shows_its_sites_only(void **state)
{
    static const char sql[] =
        "SELECT count(*) FROM api.list_redactions('%s', 1, NULL, NULL, NULL, 'asked', NULL, NULL, 9)";
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(ask(state, memory_format(*state, sql, "coordinator1")), "1");
    assert_string_equal(ask(state, memory_format(*state, sql, "coordinator2")), "0");
}

/* ---- for operators ---- */

static void test_holds_and_redactions_are_listed_for_operators(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = test_database_connect(fixture->owner, fixture->database, "patella_admin");
    static const char holds[] = "SELECT COALESCE(string_agg(concat_ws(' ', hold, subject, form, reason), ', '), '') "
                                "FROM admin.list_holds('demo')";
    static const char redactions[] = "SELECT string_agg(concat_ws(' ', state, asked_by, decided_by), ', ') "
                                     "FROM admin.list_redactions('demo')";
    assert_string_equal(act(state, ASK_AS("data_manager")), "done");
    assert_string_equal(test_value(admin, redactions), "asked data_manager");
    assert_string_equal(act(state, DECIDE_AS("administrator", "approved", "NULL")), "done");
    assert_string_equal(test_value(admin, redactions), "approved data_manager administrator");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.list_redactions('other')"), "0");

    assert_string_equal(test_value(admin, holds), "");
    assert_string_equal(act(state, LOCK_AS("data_manager", "true")), "done");
    assert_string_equal(test_value(admin, holds), "record 01-0001 koos data are clean");
    assert_string_equal(act(state, LOCK_AS("data_manager", "false")), "done");
    assert_string_equal(act(state, LOCK_SUBJECT_AS("data_manager", "true")), "done");
    assert_string_equal(act(state, FREEZE_AS("data_manager", "true")), "done");
    assert_string_equal(test_value(admin, holds), "study, subject 01-0001");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.list_holds('other')"), "0");
    assert_string_equal(test_sqlstate(admin, "SELECT * FROM admin.list_holds('nowhere')"), "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT * FROM admin.list_holds('demo')"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT * FROM admin.list_redactions('demo')"), "42501");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_acts_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_lock_of_a_record_refuses_its_next_version_only),
        CASE(test_lock_of_a_record_lets_replays_and_first_versions_be_judged_as_before),
        CASE(test_lock_in_a_mixed_call_refuses_its_row_only),
        CASE(test_lock_of_another_site_is_not_told),
        CASE(test_lock_is_one_event_however_often_it_is_sent),
        CASE(test_lock_roles),
        CASE(test_lock_without_reason_or_of_nothing_is_refused),
        CASE(test_lock_waits_for_submissions_under_way),
        CASE(test_lock_under_way_makes_the_study_busy),
        CASE(test_lock_of_a_subject_refuses_everything_about_it),
        CASE(test_lock_table_refuses_change_gaps_and_records_that_are_not),
        CASE(test_freeze_takes_no_submissions_until_it_ends),
        CASE(test_freeze_of_one_study_leaves_the_other_alone),
        CASE(test_freeze_roles),
        CASE(test_redaction_by_two_persons_takes_the_body_and_nothing_else),
        CASE(test_redaction_keeps_what_holds_the_record_together),
        CASE(test_redaction_of_an_enrolment_leaves_the_subject_listed),
        CASE(test_redaction_leaves_chain_replays_and_next_versions_as_they_are),
        CASE(test_redaction_leaves_its_trail),
        CASE(test_redaction_by_one_person_is_refused),
        CASE(test_redaction_declined_leaves_the_body),
        CASE(test_redaction_sent_again_is_the_same),
        CASE(test_redaction_roles),
        CASE(test_redaction_of_nothing_or_without_reason_is_refused),
        CASE(test_redaction_is_the_only_change_that_a_version_takes),
        CASE(test_redaction_list_shows_its_sites_only),
        CASE(test_holds_and_redactions_are_listed_for_operators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
