/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs that read uploads: slots, who has an upload, what a check leaves behind, and what is stored of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/test_submission.h"
#include "tests/support/test_upload.h"

static struct db *connect_collector(const struct test_fixture *fixture)
{
    return test_database_connect(fixture->owner, fixture->database, "patella_collector");
}

static const char *ask_commit(const struct test_fixture *fixture, const char *token, const char *id)
{
    return ASK("SELECT api.ask_upload_commit('%s', 1, '%s', sha256('token'), 'good-rows', NULL)", token, id);
}

/* ---------------------------------------------------------------------------------------------- slots */

static void test_upload_slots_are_two_for_all(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *first = connect_collector(fixture), *second = connect_collector(fixture);
    assert_string_equal(test_ask(first, "SELECT api.take_upload_slot()"), "t");
    assert_string_equal(test_ask(second, "SELECT api.take_upload_slot()"), "t");
    assert_string_equal(ASK("SELECT api.take_upload_slot()"), "f");
    test_run(second, "SELECT api.leave_upload_slot()");
    assert_string_equal(ASK("SELECT api.take_upload_slot()"), "t");
    assert_string_equal(test_ask(second, "SELECT api.take_upload_slot()"), "f");
    talloc_free(first);                             /* a daemon died */
    while (strcmp(test_ask(second, "SELECT api.take_upload_slot()"), "t") != 0)
        ;
}

static void test_upload_is_had_by_one_connection(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *other = connect_collector(fixture);
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator1", id), "-");
    assert_string_equal(test_upload_state(fixture, id), "checking");
    assert_string_equal(test_upload_take(other, "coordinator1", id), "taken");
    ASK("SELECT api.leave_upload_slot()");
    assert_string_equal(test_upload_take(other, "coordinator1", id), "-");     /* checking -> checking */
    ASK_AT(other, "SELECT api.put_upload_back('coordinator1', 1, '%s')", id);
    assert_string_equal(test_upload_state(fixture, id), "queued");
    assert_string_equal(ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id), "");
    test_run(other, "SELECT api.leave_upload_slot()");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator1", id), "not_queued");
    assert_string_equal(test_upload_take(other, "coordinator1", id), "not_queued");
}

static void test_upload_is_taken_for_who_asked_only(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator", id), "not_yours");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator2", id), "(P0002)");
    test_upload_preview(fixture, "coordinator1", id, "a,b");
    assert_string_equal(ask_commit(fixture, "coordinator", id), "");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator1", id), "not_yours");
    assert_string_equal(test_upload_take(fixture->collector, "coordinator", id), "-");
    assert_string_equal(test_upload_state(fixture, id), "committing");
}

static void test_upload_under_way_is_neither_deleted_nor_purged(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_take(fixture->collector, "coordinator1", id);
    assert_string_equal(ASK("SELECT api.delete_upload('coordinator1', 1, '%s')", id), "under_way");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.chunk"), "1");
}

/* ---------------------------------------------------------------------------------------------- reading */

static void test_upload_is_read_from_any_byte(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", id, 0, "abc");
    test_upload_append(fixture, "coordinator1", id, 3, "defgh");
    static const char *const from[] = {"abc", "bc", "c", "defgh", "efgh", "fgh", "gh", "h", "", ""};
    for (int at = 0; at < 10; at++)
        assert_string_equal(ASK("SELECT convert_from(api.read_upload('coordinator', 1, '%s', %d), 'UTF8')", id, at),
                            from[at]);
    assert_string_equal(ASK("SELECT api.read_upload('coordinator1', 1, '%s', -1)", id), "");
    assert_string_equal(ASK("SELECT api.read_upload('coordinator2', 1, '%s', 0)", id), "(P0002)");
}

static void test_upload_tells_how_far_it_is(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *other = connect_collector(fixture);
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    const char *note = memory_format(fixture->owner,
                                     "SELECT api.note_upload('coordinator1', 1, '%s', 'checking', 7, 70)", id);
    const char *told = memory_format(fixture->owner, "SELECT concat_ws(' ', u.phase, u.rows_done, u.bytes_done) "
                                     "FROM api.find_upload('monitor', 1, '%s') u", id);
    test_run(other, note);
    assert_string_equal(test_ask(other, told), "0 0");
    test_upload_take(fixture->collector, "coordinator1", id);
    test_run(other, note);
    assert_string_equal(test_ask(other, told), "checking 7 70");
    assert_string_equal(test_count(fixture, "audit.event WHERE object = 'upload.file' AND operation = 'UPDATE'"),
                        "2");
    test_upload_take(fixture->collector, "coordinator1", id);
    assert_string_equal(test_ask(other, told), "0 0");
}

static const char *add_lines(const struct test_fixture *fixture, const char *id, const char *lines)
{
    return ASK("SELECT api.add_upload_lines('coordinator1', 1, '%s', %s)", id, lines);
}

#define TWO_LINES "'{2,3}', '{changed,refused}', '{1,0}', '{\"07-0012 M3\",NULL}', " \
    "'{\"{\\\"a\\\": 1}\",\"{}\"}', '{NULL,\"[\\\"x\\\"]\"}'"

static const char *list_lines(const struct test_fixture *fixture, const char *id, const char *filter)
{
    return ASK("SELECT string_agg(concat_ws(' ', l.line, l.verdict, l.warned, l.record, l.detail, l.cells), '; ') "
               "FROM api.list_upload_lines('monitor', 1, '%s', %s) l", id, filter);
}

static void test_upload_lines_are_of_the_last_reading(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    assert_string_equal(add_lines(fixture, id, TWO_LINES), "(55000)");
    test_upload_take(fixture->collector, "coordinator1", id);
    assert_string_equal(add_lines(fixture, id, TWO_LINES), "");
    assert_string_equal(add_lines(fixture, id, TWO_LINES), "");        /* the answer was lost */
    assert_string_equal(list_lines(fixture, id, "NULL, 0, 10"),
                        "2 changed t 07-0012 M3 {\"a\": 1}; 3 refused f {} [\"x\"]");
    assert_string_equal(list_lines(fixture, id, "'refused', 0, 10"), "3 refused f {} [\"x\"]");
    assert_string_equal(list_lines(fixture, id, "'warned', 0, 10"), "2 changed t 07-0012 M3 {\"a\": 1}");
    assert_string_equal(list_lines(fixture, id, "NULL, 2, 10"), "3 refused f {} [\"x\"]");
    assert_string_equal(list_lines(fixture, id, "NULL, NULL, 1"), "2 changed t 07-0012 M3 {\"a\": 1}");
    assert_string_equal(ASK("SELECT count(*) FROM api.list_upload_lines('coordinator2', 1, '%s', NULL, 0, 9)", id),
                        "(P0002)");
    test_upload_take(fixture->collector, "coordinator1", id);          /* and reads it again */
    assert_string_equal(list_lines(fixture, id, "NULL, 0, 10"), "");
    assert_string_equal(test_count(fixture, "upload.line"), "2");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.line"), "0");
    assert_string_equal(test_count(fixture, "upload.chunk"), "1");
}

static void test_upload_lines_and_findings_stay_for_30_days(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_take(fixture->collector, "coordinator1", id);
    add_lines(fixture, id, TWO_LINES);
    assert_string_equal(ASK("SELECT api.end_upload_check('coordinator1', 1, '%s', 'refused', 'mixed_dates', "
                            "'{\"read\": 2}', '[{\"code\": \"mixed_dates\"}]', '{\"delimiter\": \";\"}', NULL, NULL, "
                            "false)", id), "");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
    assert_string_equal(test_count(fixture, "upload.line"), "2");
    assert_string_equal(test_sqlstate(fixture->superuser, "DELETE FROM upload.line"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "DELETE FROM upload.reading"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE upload.line SET cells = NULL"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE upload.reading SET findings = '[]'"), "42501");
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.problem, u.counts, u.findings, u.dialect) "
                            "FROM api.find_upload('machine1', 1, '%s') u", id),
                        "refused mixed_dates {\"read\": 2} [{\"code\": \"mixed_dates\"}] {\"delimiter\": \";\"}");
    static const char *const masked[] = {"statistician", "unmasked"};
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.counts, u.findings, u.dialect) "
                                "FROM api.find_upload('%s', 1, '%s') u", masked[i], id), "refused {\"read\": 2}");
    test_run(fixture->superuser, "UPDATE upload.file SET state_at = state_at - interval '30 days'");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.line"), "0");
    assert_string_equal(test_count(fixture, "upload.reading"), "0");
    assert_string_equal(test_count(fixture, "upload.file WHERE NOT keeps_rows AND counts IS NOT NULL"), "1");
}

/* ---------------------------------------------------------------------------------------------- how it ends */

static void test_upload_preview_is_good_for_a_day(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_preview(fixture, "coordinator1", id, "a,b");
    assert_string_equal(test_value(fixture->superuser, "SELECT preview_ends_at = previewed_at + interval '24 hours' "
                                                        "FROM upload.file"), "t");
    test_run(fixture->superuser, "UPDATE upload.file SET preview_ends_at = now()");
    assert_string_equal(test_upload_state(fixture, id), "expired");
    assert_string_equal(ask_commit(fixture, "coordinator1", id), "preview_expired");
    ASK("SELECT api.purge_uploads()");
    assert_string_equal(test_count(fixture, "upload.chunk"), "0");
    assert_string_equal(ask_commit(fixture, "coordinator1", id), "preview_expired");
}

static void test_upload_check_ends_once_and_whole(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_take(fixture->collector, "coordinator1", id);
    static const char *const ends[][2] = {
        {"'previewed', NULL, '{}', '[]', '{}', sha256('e'), sha256('t'), false", "(23514)"},     /* no sha256 yet */
        {"'committed', NULL, '{}', '[]', '{}', sha256('e'), sha256('t'), false", "(55000)"},
        {"'refused', 'Mr X', '{}', '[]', '{}', NULL, NULL, false", "(23514)"},
        {"'refused', 'bad', '{\"name\": \"Mr X\"}', '[]', '{}', NULL, NULL, false", "(23514)"},
        {"'refused', 'bad', '{}', '[]', '{}', NULL, NULL, false", ""},
        {"'refused', 'bad', '{}', '[]', '{}', NULL, NULL, false", "(55000)"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        assert_string_equal(ASK("SELECT api.end_upload_check('coordinator1', 1, '%s', %s)", id, ends[i][0]),
                            ends[i][1]);
}

static void test_upload_that_is_refused_is_told_once(void **state)
{
    struct test_fixture *fixture = *state;
    const char *id = test_upload_queued(fixture, "machine1", "1", "a,b");
    test_upload_preview(fixture, "machine1", id, "a,b");
    assert_string_equal(test_count(fixture, "audit.notice"), "0");
    ASK("SELECT api.ask_upload_commit('machine1', 1, '%s', sha256('token'), 'all-or-nothing', NULL)", id);
    ASK("SELECT api.fail_upload_commit('machine1', 1, '%s', 'refused', 'refused_rows')", id);
    assert_string_equal(test_upload_state(fixture, id), "refused");
    assert_string_equal(ASK("SELECT string_agg(concat_ws(' ', n.kind, n.severity, n.site_id, n.object), ', ') "
                            "FROM api.list_notices('coordinator1', 1, NULL, 10) n"),
                        memory_format(fixture->owner, "upload_refused failure 1 upload %s", id));
    const char *another = test_upload_queued(fixture, "coordinator", NULL, "a,b");
    test_upload_take(fixture->collector, "coordinator", another);
    ASK("SELECT api.end_upload_check('coordinator', 1, '%s', 'refused', 'bad', '{}', '[]', '{}', NULL, NULL, false)",
        another);
    assert_string_equal(test_count(fixture, "audit.notice WHERE kind = 'upload_refused' AND site_id IS NULL"), "1");
}

static void test_upload_of_committed_bytes_is_repeated(void **state)
{
    struct test_fixture *fixture = *state;
    const char *first = test_upload_queued(fixture, "coordinator1", "1", "a,b");
    test_upload_preview(fixture, "coordinator1", first, "a,b");
    ASK("SELECT api.ask_upload_commit('coordinator1', 1, '%s', sha256('token'), 'good-rows', NULL)", first);
    assert_string_equal(ASK("SELECT api.finish_upload('coordinator1', 1, '%s', 1, now(), '{}', '{\"receipt\":  1}')",
                            first), "");
    const char *same = test_upload_queued(fixture, "coordinator", "1", "a,b");
    const char *elsewhere = test_upload_queued(fixture, "coordinator", "2", "a,b");
    const char *other = test_upload_queued(fixture, "coordinator", "1", "a,c");
    assert_string_equal(ASK("SELECT api.hash_upload('coordinator', 1, '%s', sha256('a,c'))", same), "(55000)");
    test_upload_take(fixture->collector, "coordinator", same);
    test_upload_take(fixture->collector, "coordinator", elsewhere);
    test_upload_take(fixture->collector, "coordinator", other);
    assert_string_equal(ASK("SELECT api.hash_upload('coordinator', 1, '%s', sha256('a,b'))", elsewhere), "");
    assert_string_equal(ASK("SELECT api.hash_upload('coordinator', 1, '%s', sha256('a,c'))", other), "");
    assert_string_equal(ASK("SELECT api.hash_upload('coordinator', 1, '%s', sha256('a,b'))", same), first);
    assert_string_equal(ASK("SELECT concat_ws(' ', u.state, u.same_as, u.receipt) "
                            "FROM api.find_upload('coordinator', 1, '%s') u", same),
                        memory_format(fixture->owner, "repeated %s {\"receipt\":  1}", first));
    /* And at once when who received it knows the hash. */
    const char *again = test_upload_begin(fixture, "coordinator1", "1");
    test_upload_append(fixture, "coordinator1", again, 0, "a,b");
    assert_string_equal(ASK("SELECT u.same_as FROM api.end_upload('coordinator1', 1, '%s', 3, sha256('a,b')) u",
                            again), first);
    assert_string_equal(test_upload_state(fixture, again), "repeated");
}

/* ---------------------------------------------------------------------------------------------- what is stored */

/* Of subject 1 of site 1: left knee, koos, M3, instance 1, and the words that follow it in the list. */
static const char *look_up(const struct test_fixture *fixture, const char *token)
{
    return ASK("SELECT string_agg(concat_ws(' ', CASE WHEN r.subject_known THEN 'known' ELSE 'unknown' END, "
               "CASE WHEN r.subject_locked THEN 'subject_locked' END, CASE WHEN r.record_locked THEN 'record_locked' "
               "END, CASE WHEN r.record_signed THEN 'signed' END, CASE WHEN r.study_frozen THEN 'frozen' END, "
               "r.version, CASE WHEN r.is_void THEN 'void' END, r.dated, r.treated_on, r.index_knee), ', ' "
               "ORDER BY r.ord) FROM api.look_up_records('%s', 1, '{1,1,1,1,2}', '{1,1,1,2,1}', "
               "'{left,left,none,left,left}', '{koos,koos,enrolment,koos,koos}', '{M3,M6,unscheduled,M3,M3}', "
               "'{1,1,1,1,1}', 'adverse_event') r", token);
}

static void test_look_up_tells_of_each_key_in_their_order(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    const struct test_row first = {.id = 1, .date = "2026-05-01"};
    assert_string_equal(test_submit(fixture->collector, &first, 1), "accepted");
    assert_string_equal(look_up(fixture, "coordinator"),
                        "known 1 2026-05-01 left, known 0 left, known 1 2026-03-01 left, unknown 0, known 0 left");
    assert_string_equal(look_up(fixture, "coordinator1"),
                        "known 1 2026-05-01 left, known 0 left, known 1 2026-03-01 left, unknown 0, unknown 0");
    /* Within a transaction it sees what that has stored. */
    test_run(fixture->collector, "BEGIN");
    const struct test_row second = {.id = 2, .date = "2026-05-02", .version = 2, .reason = "typing error"};
    assert_string_equal(test_submit(fixture->collector, &second, 1), "accepted");
    assert_string_equal(look_up(fixture, "coordinator1"),
                        "known 2 2026-05-02 left, known 0 left, known 1 2026-03-01 left, unknown 0, unknown 0");
    test_run(fixture->collector, "ROLLBACK");
    test_run(fixture->superuser, "SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')");
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
    assert_string_equal(look_up(fixture, "machine1"),
                        "known subject_locked frozen 1 2026-05-01 left, known subject_locked frozen 0 left, "
                        "known subject_locked frozen 1 2026-03-01 left, unknown frozen 0, unknown frozen 0");
}

static void test_look_up_tells_what_holds_a_record(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row row = {.id = 1, .date = "2026-05-01"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    const char *id = test_value(fixture->superuser, "SELECT id FROM core.submission WHERE form = 'koos'");
    test_run(fixture->superuser,
             memory_format(fixture->owner, "INSERT INTO core.signature (study_id, site_id, signature_id, "
                           "submission_id, sha256, meaning, printed_name) SELECT study_id, site_id, "
                           "gen_random_uuid(), id, sha256, 'authorship', 'Eve' FROM core.submission "
                           "WHERE id = '%s'", id));
    ASK("SELECT o.code FROM api.lock_record('data_manager', 1, '%s', true, 'reviewed') o", id);
    assert_memory_equal(look_up(fixture, "coordinator"), "known record_locked signed 1 2026-05-01 left,", 45);
    ASK("SELECT o.code FROM api.lock_record('data_manager', 1, '%s', false, 'reviewed') o", id);
    assert_memory_equal(look_up(fixture, "coordinator"), "known signed 1 2026-05-01 left,", 31);
    const struct test_row next = {.id = 2, .version = 2, .status = "void", .reason = "wrong subject"};
    assert_string_equal(test_submit(fixture->collector, &next, 1), "accepted");
    assert_memory_equal(look_up(fixture, "coordinator"), "known 2 void 2026-03-01 left,", 29);
}

static void test_look_up_finds_day_1_of_the_knee(void **state)
{
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {.id = 1, .form = "adverse_event", .knee = "left", .date = "2026-04-09"},
        {.id = 2, .form = "adverse_event", .knee = "left", .date = "2026-04-02", .instance = 2},
        {.id = 3, .form = "adverse_event", .knee = "right", .date = "2026-04-01"},
    };
    assert_string_equal(test_submit(fixture->collector, &rows[2], 1), "accepted");
    /* The index knee is not treated: about the subject it is the other one's day. */
    assert_string_equal(look_up(fixture, "coordinator"),
                        "known 0 left, known 0 left, known 1 2026-03-01 2026-04-01 left, unknown 0, unknown 0");
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
    assert_string_equal(look_up(fixture, "coordinator"), "known 0 2026-04-02 left, known 0 2026-04-02 left, "
                                                         "known 1 2026-03-01 2026-04-02 left, unknown 0, unknown 0");
    const struct test_row gone = {.id = 4, .form = "adverse_event", .knee = "left", .instance = 2, .version = 2,
                                  .status = "void", .reason = "never happened"};
    assert_string_equal(test_submit(fixture->collector, &gone, 1), "accepted");
    assert_memory_equal(look_up(fixture, "coordinator"), "known 0 2026-04-09 left,", 24);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_upload_slots_are_two_for_all),
        CASE(test_upload_is_had_by_one_connection),
        CASE(test_upload_is_taken_for_who_asked_only),
        CASE(test_upload_under_way_is_neither_deleted_nor_purged),
        CASE(test_upload_is_read_from_any_byte),
        CASE(test_upload_tells_how_far_it_is),
        CASE(test_upload_lines_are_of_the_last_reading),
        CASE(test_upload_lines_and_findings_stay_for_30_days),
        CASE(test_upload_preview_is_good_for_a_day),
        CASE(test_upload_check_ends_once_and_whole),
        CASE(test_upload_that_is_refused_is_told_once),
        CASE(test_upload_of_committed_bytes_is_repeated),
        CASE(test_look_up_tells_of_each_key_in_their_order),
        CASE(test_look_up_tells_what_holds_a_record),
        CASE(test_look_up_finds_day_1_of_the_knee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
