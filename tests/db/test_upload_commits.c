/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Uploads are committed, with their versions in one transaction, and taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/test_submission.h"
#include "tests/support/test_upload.h"

static const char *ask_commit(const struct test_fixture *fixture, const char *token, const char *id, const char *rest)
{
    return ASK("SELECT COALESCE(api.ask_upload_commit('%s', 1, '%s', %s), '-')", token, id, rest);
}

#define GOOD "sha256('token'), 'good-rows', NULL"

/* A file of site 1 that is committing, by coordinator1. */
static const char *make_committing(const struct test_fixture *fixture, const char *bytes)
{
    const char *id = test_upload_queued(fixture, "coordinator1", "1", bytes);
    test_upload_preview(fixture, "coordinator1", id, bytes);
    assert_string_equal(ask_commit(fixture, "coordinator1", id, GOOD), "-");
    return id;
}

static const char *number(const struct test_fixture *fixture, const char *token, const char *id)
{
    return ASK("SELECT n.batch_no || ' ' || n.committed_by FROM api.number_upload('%s', 1, '%s') n", token, id);
}

static const char *finish(const struct test_fixture *fixture, const char *token, const char *id, int batch)
{
    return ASK("SELECT api.finish_upload('%s', 1, '%s', %d, now(), '{\"new\": 2}', '{\"receipt\":  \"%s\"}')", token,
               id, batch, id);
}

/* Stores these rows as the upload's, and commits. */
static void commit(const struct test_fixture *fixture, const char *id, const struct test_row *rows, size_t count)
{
    test_run(fixture->collector, "BEGIN");
    for (size_t i = 0; i < count; i++)
        assert_string_equal(test_submit(fixture->collector, &rows[i], 1), "accepted");
    const char *batch = number(fixture, "coordinator1", id);
    assert_string_equal(finish(fixture, "coordinator1", id, batch[0] - '0'), "");
    test_run(fixture->collector, "COMMIT");
}

/* ---------------------------------------------------------------------------------------------- asking */

static void test_commit_is_asked_for_with_what_the_preview_gave(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    assert_string_equal(ask_commit(fixture, "coordinator1", id, GOOD), "not_previewed");
    test_upload_preview(fixture, "coordinator1", id, "a,b");
    static const char *const cases[][2] = {
        {"sha256('other'), 'good-rows', NULL", "token_wrong"},
        {"NULL, 'good-rows', NULL", "token_wrong"},
        {"sha256('token'), NULL, NULL", "bad_mode"},
        {"sha256('token'), 'some', NULL", "bad_mode"},
        {"sha256('token'), 'good-rows', '  x '", "reason_missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(ask_commit(fixture, "coordinator1", id, cases[i][0]), cases[i][1]);
    assert_string_equal(ask_commit(fixture, "coordinator2", id, GOOD), "(P0002)");
    assert_string_equal(ask_commit(fixture, "monitor", id, GOOD), "(42501)");
    assert_string_equal(test_upload_state(fixture, id), "previewed");
    assert_string_equal(ask_commit(fixture, "coordinator1", id, "sha256('token'), 'all-or-nothing', 'typing errors'"),
                        "-");
    assert_string_equal(ask_commit(fixture, "coordinator1", id, GOOD), "under_way");
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.mode, u.reason) "
                            "FROM api.find_upload('monitor', 1, '%s') u", id),
                        "committing all-or-nothing typing errors");
}

static void test_commit_of_changes_wants_a_reason(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_take(fixture->collector, "coordinator1", id);
    ASK("SELECT api.hash_upload('coordinator1', 1, '%s', sha256('a,b'))", id);
    ASK("SELECT api.end_upload_check('coordinator1', 1, '%s', 'previewed', NULL, '{}', '[]', '{}', sha256('e'), "
        "sha256('token'), true)", id);
    assert_string_equal(ask_commit(fixture, "coordinator1", id, GOOD), "reason_missing");
    assert_string_equal(ask_commit(fixture, "coordinator1", id, "sha256('token'), 'good-rows', 'typing errors'"),
                        "-");
}

static void test_commit_without_a_preview_has_the_mode_of_the_beginning(void **state)
{
    struct test_fixture *fixture = *state;
    const char *plain = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_take(fixture->collector, "coordinator1", plain);
    assert_string_equal(ask_commit(fixture, "coordinator1", plain, "NULL, NULL, NULL"), "not_previewed");
    const char *id = ASK("SELECT u.upload_id FROM api.begin_upload('coordinator1', 1, 1, 'a.csv', NULL, NULL, 0, "
                         "NULL, 'all-or-nothing', 'typing errors', NULL, 24) u");
    test_upload_append(fixture, "coordinator1", id, 0, "a,b");
    test_upload_end(fixture, "coordinator1", id, 3);
    assert_string_equal(ask_commit(fixture, "coordinator1", id, "NULL, NULL, NULL"), "not_previewed");
    test_upload_take(fixture->collector, "coordinator1", id);
    assert_string_equal(ask_commit(fixture, "coordinator1", id, "NULL, NULL, NULL"), "-");
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(number(fixture, "coordinator1", id), "1 coordinator1");
    assert_string_equal(finish(fixture, "coordinator1", id, 1), "");
    test_run(fixture->collector, "COMMIT");
    assert_string_equal(test_upload_state(fixture, id), "committed");
}

static void test_commit_that_fails_comes_to_another_preview(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    ASK("SELECT api.fail_upload_commit('coordinator1', 1, '%s', 'queued', 'changed_since_preview')", id);
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.problem, u.mode) "
                            "FROM api.find_upload('monitor', 1, '%s') u", id), "queued changed_since_preview");
    assert_string_equal(ASK("SELECT api.fail_upload_commit('coordinator1', 1, '%s', 'queued', 'x')", id), "(55000)");
    test_upload_preview(fixture, "coordinator1", id, "a,b");
    assert_string_equal(ASK("SELECT u.problem FROM api.find_upload('monitor', 1, '%s') u", id),
                        "changed_since_preview");
    assert_string_equal(ask_commit(fixture, "coordinator1", id, GOOD), "-");
    assert_string_equal(ASK("SELECT u.problem FROM api.find_upload('monitor', 1, '%s') u", id), "");
    assert_string_equal(ASK("SELECT api.fail_upload_commit('coordinator1', 1, '%s', 'committed', 'x')", id),
                        "(55000)");
}

/* ---------------------------------------------------------------------------------------------- committing */

static void test_commit_is_whole_or_not_at_all(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const char *id = make_committing(fixture, "a,b");
    const struct test_row rows[] = {{.id = 1, .token = "coordinator1"},
                                    {.id = 2, .token = "coordinator1", .visit = "M6"}};
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
    assert_string_equal(number(fixture, "coordinator1", id), "1 coordinator1");
    assert_string_equal(finish(fixture, "coordinator1", id, 1), "");
    test_run(fixture->collector, "ROLLBACK");
    assert_string_equal(test_upload_state(fixture, id), "committing");
    assert_string_equal(test_count(fixture, "core.submission WHERE form = 'koos'"), "0");
    commit(fixture, id, rows, 2);
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.batch_no, u.committed_by, u.counts, u.receipt) "
                            "FROM api.find_upload('machine1', 1, '%s') u", id),
                        memory_format(fixture->owner, "committed 1 coordinator1 {\"new\": 2} {\"receipt\":  \"%s\"}",
                                      id));
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM core.submission s JOIN upload.file f ON (s.xid, s.era) = (f.committed_xid, "
        "f.committed_era) WHERE s.door IS NOT NULL"), "2");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT receipt_sha256 = sha256(convert_to(receipt::text, 'UTF8')) FROM upload.file"), "t");
    assert_string_equal(finish(fixture, "coordinator1", id, 2), "(55000)");
}

static void test_commit_is_written_down_by_who_has_the_upload(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    assert_string_equal(finish(fixture, "coordinator", id, 1), "(55000)");     /* who did not ask */
    assert_string_equal(number(fixture, "coordinator", id), "(55000)");
    ASK("SELECT api.leave_upload_slot()");                                     /* the connection was lost */
    assert_string_equal(number(fixture, "coordinator1", id), "(55000)");
    assert_string_equal(finish(fixture, "coordinator1", id, 1), "(55000)");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator1", id), "-");
    assert_string_equal(number(fixture, "coordinator1", id), "1 coordinator1");
}

static void test_commit_stays(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    commit(fixture, id, NULL, 0);
    static const char *const refused[] = {
        "SET mode = 'all-or-nothing'", "SET reason = 'another'",     "SET counts = '{}'", "SET batch_no = 2",
        "SET committed_by = 'eve'",    "SET receipt = '{}'",         "SET digest = NULL", "SET committed_xid = '3'",
        "SET state = 'deleted'",       "SET state = 'taken_back'",   "SET state = 'queued'",
        "SET committed_at = now()",    "SET receipt_sha256 = sha256('x')",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *sql = memory_format(fixture->owner, "UPDATE upload.file %s", refused[i]);
        if (strcmp(test_sqlstate(fixture->superuser, sql), "42501") != 0)
            fail_msg("%s is not refused", refused[i]);
    }
    assert_string_equal(ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id), "committed");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
    assert_string_equal(test_count(fixture, "upload.file WHERE receipt IS NOT NULL"), "1");
}

static void test_commit_numbers_count_for_each_site(void **state)
{
    struct test_fixture *fixture = *state;
    const char *first = make_committing(fixture, "a"), *second = make_committing(fixture, "b");
    commit(fixture, first, NULL, 0);
    commit(fixture, second, NULL, 0);
    const char *other = test_upload_queued(fixture, "coordinator2", "2", "a");
    test_upload_preview(fixture, "coordinator2", other, "a");
    ask_commit(fixture, "coordinator2", other, GOOD);
    assert_string_equal(number(fixture, "coordinator2", other), "1 coordinator2");
    const char *third = make_committing(fixture, "c");
    assert_string_equal(number(fixture, "coordinator1", third), "3 coordinator1");
}

static void test_commit_leaves_its_steps_in_the_trail(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    commit(fixture, id, NULL, 0);
    assert_string_equal(ASK("SELECT api.ask_upload_take_back('coordinator', 1, '%s', 'wrong file')", id), "");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(e.actor || ' ' || (e.new ->> 'state'), ', ' ORDER BY e.xid, e.seq) FROM audit.event e "
        "WHERE e.object = 'upload.file' AND e.operation = 'UPDATE' AND e.new ->> 'state' <> e.old ->> 'state'"),
        "coordinator1 queued, coordinator1 checking, coordinator1 previewed, coordinator1 committing, "
        "coordinator1 committed, coordinator taking_back");
    assert_string_equal(test_count(fixture, "audit.event e WHERE e.object = 'upload.file' AND e.new ? 'receipt'"),
                        "0");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT e.new = to_jsonb(f) - '{name,metadata,received,expires_at,reading_no,phase,rows_done,bytes_done,"
        "phase_began_at,noted_at,preview_token,receipt,keeps_bytes,keeps_rows,committed_xid,taken_back_xid}'::text[] "
        "FROM audit.event e, upload.file f WHERE e.object = 'upload.file' ORDER BY e.xid DESC, e.seq DESC LIMIT 1"),
        "t");
}

/* ---------------------------------------------------------------------------------------------- beside others */

/* Somebody sends a record that is in an upload under way: he is answered soon, and others are not held up. */
static void test_commit_under_way_holds_up_nobody_for_long(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 1, 2);
    make_committing(fixture, "a,b");
    struct db *other = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    const struct test_row ours = {.id = 1}, theirs = {.id = 2}, another = {.id = 3, .subject = 2};
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(test_submit(fixture->collector, &ours, 1), "accepted");
    assert_string_equal(test_submit(other, &another, 1), "accepted");
    test_run(other, "SET statement_timeout = '4s'");        /* it ends by itself, long before lock_timeout would */
    assert_string_equal(test_value(other, "SHOW lock_timeout"), "5s");
    assert_string_equal(test_submit_sqlstate(other, &theirs, 1), "55P03");
    assert_string_equal(test_value(other, "SHOW lock_timeout"), "5s");
    test_run(fixture->collector, "COMMIT");
    assert_string_equal(test_submit(other, &theirs, 1), "record_exists");
}

/* Without an upload under way, or beside one of another study, the wait is what it was. */
static void test_commit_shortens_waits_in_its_study_only(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->collector;
    const struct test_row ours = {.id = 1, .index_knee = "left"};
    const struct test_row others = {.id = 2, .study = 2, .index_knee = "left", .token = "coordinator_other"};
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_run(db, "BEGIN");
    assert_string_equal(test_submit(db, &ours, 1), "accepted");
    assert_string_equal(test_value(db, "SHOW lock_timeout"), "5s");
    test_run(db, "COMMIT");
    test_upload_take(db, "coordinator1", id);
    test_run(db, "BEGIN");
    assert_string_equal(test_submit(db, &others, 1), "accepted");
    assert_string_equal(test_value(db, "SHOW lock_timeout"), "5s");
    assert_string_equal(test_submit(db, &ours, 1), "replayed");
    assert_string_equal(test_value(db, "SHOW lock_timeout"), "500ms");
    test_run(db, "COMMIT");
}

static void test_commit_under_way_lets_progress_be_told(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    struct db *other = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    test_run(other, "SET lock_timeout = '50ms'");
    test_run(fixture->collector, "BEGIN");
    number(fixture, "coordinator1", id);
    assert_string_equal(ASK_AT(other, "SELECT api.note_upload('coordinator1', 1, '%s', 'committing', 1, 2)", id), "");
    assert_string_equal(finish(fixture, "coordinator1", id, 1), "");
    test_run(fixture->collector, "COMMIT");
}

/* ---------------------------------------------------------------------------------------------- taking back */

static const char *list_versions(const struct test_fixture *fixture, const char *id, const char *page)
{
    return ASK("SELECT string_agg(concat_ws(' ', v.visit, v.version, v.newest, "
               "COALESCE(v.before_dated::text, 'new'), CASE WHEN v.redacted THEN 'redacted' END), ', ' "
               "ORDER BY v.place DESC) "
               "FROM api.list_upload_versions('coordinator1', 1, '%s', %s) v", id, page);
}

static const char *ask_back(const struct test_fixture *fixture, const char *token, const char *id, const char *reason)
{
    return ASK("SELECT COALESCE(api.ask_upload_take_back('%s', 1, '%s', '%s'), '-')", token, id, reason);
}

static const struct test_row committed_rows[] = {
    {.id = 11, .token = "coordinator1", .visit = "M6"},
    {.id = 12, .token = "coordinator1", .visit = "M3", .version = 2, .date = "2026-03-02", .reason = "typing error"},
    {.id = 13, .token = "coordinator1", .visit = "M12"},
};

/* With a record that was there before, and one of others in the meantime. */
static const char *make_committed(const struct test_fixture *fixture)
{
    test_enrol(fixture->collector, 1, 1);
    const struct test_row before = {.id = 1, .date = "2026-03-01"}, after = {.id = 2, .visit = "M24"};
    assert_string_equal(test_submit(fixture->collector, &before, 1), "accepted");
    const char *id = make_committing(fixture, "a,b");
    commit(fixture, id, committed_rows, 3);
    assert_string_equal(test_submit(fixture->collector, &after, 1), "accepted");
    return id;
}

/* The page of two behind the first `most`. */
static const char *behind(const struct test_fixture *fixture, const char *id, int most)
{
    return ASK("SELECT min(v.place) || ', 2' FROM api.list_upload_versions('coordinator1', 1, '%s', 0, %d) v", id,
               most);
}

static void test_take_back_lists_versions_from_the_newest(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committed(fixture);
    assert_string_equal(list_versions(fixture, id, "0, 1000"), "M12 1 1 new, M3 2 2 2026-03-01, M6 1 1 new");
    assert_string_equal(list_versions(fixture, id, "NULL, 2"), "M12 1 1 new, M3 2 2 2026-03-01");
    assert_string_equal(list_versions(fixture, id, behind(fixture, id, 2)), "M6 1 1 new");
    assert_string_equal(list_versions(fixture, id, behind(fixture, id, 3)), "");
    assert_string_equal(ASK("SELECT v.content || v.before_content FROM api.list_upload_versions('coordinator1', 1, "
                            "'%s', 0, 9) v WHERE v.visit = 'M3'", id),
                        "{\"form\":\"koos\",\"id\":12}{\"form\":\"koos\",\"id\":1}");
    assert_string_equal(ASK("SELECT count(*) FROM api.list_upload_versions('coordinator2', 1, '%s', 0, 9)", id),
                        "(P0002)");
    /* A later change stands on one. */
    const struct test_row later = {.id = 20, .visit = "M6", .version = 2, .reason = "typing error"};
    assert_string_equal(test_submit(fixture->collector, &later, 1), "accepted");
    assert_string_equal(list_versions(fixture, id, "0, 9"), "M12 1 1 new, M3 2 2 2026-03-01, M6 1 2 new");
}

static void test_take_back_knows_what_was_redacted(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committed(fixture);
    test_run(fixture->superuser, "SET session_replication_role = replica; UPDATE core.submission "
                                 "SET content = '{\"redacted\":true}' "
                                 "WHERE (visit, version) IN (('M3', 1), ('M12', 1))");
    assert_string_equal(list_versions(fixture, id, "0, 9"),
                        "M12 1 1 new redacted, M3 2 2 2026-03-01 redacted, M6 1 1 new");
}

static void test_take_back_is_asked_for_once_and_with_a_reason(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committing(fixture, "a,b");
    assert_string_equal(ask_back(fixture, "coordinator1", id, "wrong file"), "not_committed");
    commit(fixture, id, NULL, 0);
    assert_string_equal(ask_back(fixture, "coordinator1", id, "  x "), "reason_missing");
    assert_string_equal(ask_back(fixture, "coordinator2", id, "wrong file"), "(P0002)");
    assert_string_equal(ask_back(fixture, "monitor", id, "wrong file"), "(42501)");
    assert_string_equal(ask_back(fixture, "coordinator", id, "wrong file"), "-");
    assert_string_equal(ask_back(fixture, "coordinator1", id, "wrong file"), "under_way");
    ASK("SELECT api.leave_upload_slot()");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator1", id), "not_yours");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator", id), "-");
    ASK("SELECT api.fail_upload_take_back('coordinator', 1, '%s', 'later_change')", id);
    assert_string_equal(ASK("SELECT api.fail_upload_take_back('coordinator', 1, '%s', 'another')", id), "(55000)");
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.problem, u.taken_back_by) "
                            "FROM api.find_upload('monitor', 1, '%s') u", id), "committed later_change");
    assert_string_equal(ask_back(fixture, "coordinator1", id, "wrong file"), "-");
}

static void test_take_back_lets_the_same_bytes_come_again(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = make_committed(fixture);
    assert_string_equal(ask_back(fixture, "coordinator1", id, "wrong file"), "-");
    static const struct test_row undone[] = {
        {.id = 31, .visit = "M12", .version = 2, .status = "void", .reason = "wrong file"},
        {.id = 32, .visit = "M3", .version = 3, .reason = "wrong file"},
        {.id = 33, .visit = "M6", .version = 2, .status = "void", .reason = "wrong file"},
    };
    test_run(fixture->collector, "BEGIN");
    assert_string_equal(test_submit(fixture->collector, undone, 3), "accepted accepted accepted");
    assert_string_equal(ASK("SELECT api.finish_upload_take_back('coordinator', 1, '%s')", id), "(55000)");
    test_run(fixture->collector, "ROLLBACK; BEGIN");
    assert_string_equal(test_submit(fixture->collector, undone, 3), "accepted accepted accepted");
    assert_string_equal(ASK("SELECT api.finish_upload_take_back('coordinator1', 1, '%s')", id), "");
    test_run(fixture->collector, "COMMIT");
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.taken_back_by, u.taken_back_reason, "
                            "u.taken_back_at IS NOT NULL) FROM api.find_upload('monitor', 1, '%s') u", id),
                        "taken_back coordinator1 wrong file t");
    /* What is void because of it says so; what somebody made void does not. */
    const struct test_row other = {.id = 40, .visit = "M24", .version = 2, .status = "void", .reason = "not hers"};
    assert_string_equal(test_submit(fixture->collector, &other, 1), "accepted");
    assert_string_equal(ASK("SELECT string_agg(concat_ws(' ', r.version, r.is_void, r.taken_back), ', ' "
                            "ORDER BY r.ord) FROM api.look_up_records('machine1', 1, '{1,1,1}', '{1,1,1}', "
                            "'{left,left,left}', '{koos,koos,koos}', '{M12,M3,M24}', '{1,1,1}', 'treatment') r"),
                        "2 t t, 3 f f, 2 t f");
    const char *again = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_preview(fixture, "coordinator1", again, "a,b");
    assert_string_equal(test_upload_state(fixture, again), "previewed");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_commit_is_asked_for_with_what_the_preview_gave),
        CASE(test_commit_of_changes_wants_a_reason),
        CASE(test_commit_without_a_preview_has_the_mode_of_the_beginning),
        CASE(test_commit_that_fails_comes_to_another_preview),
        CASE(test_commit_is_whole_or_not_at_all),
        CASE(test_commit_is_written_down_by_who_has_the_upload),
        CASE(test_commit_stays),
        CASE(test_commit_numbers_count_for_each_site),
        CASE(test_commit_leaves_its_steps_in_the_trail),
        CASE(test_commit_under_way_holds_up_nobody_for_long),
        CASE(test_commit_shortens_waits_in_its_study_only),
        CASE(test_commit_under_way_lets_progress_be_told),
        CASE(test_take_back_lists_versions_from_the_newest),
        CASE(test_take_back_knows_what_was_redacted),
        CASE(test_take_back_is_asked_for_once_and_with_a_reason),
        CASE(test_take_back_lets_the_same_bytes_come_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
