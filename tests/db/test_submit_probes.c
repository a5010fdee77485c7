/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What api.submit_batch reads of core.submission for each row, when its plans were made on a database with nearly
 * nothing in it and one site has many records since, of which the planner has not been told: counted by PostgreSQL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

enum { ROWS = 16, READ_PER_ROW = 8 };

/* Of this session, not yet handed over to the statistics: within a transaction they only grow. */
#define SUM_OVER_INDEXES(counter) \
    "SELECT COALESCE(sum(" counter "(i.indexrelid)), 0) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid " \
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname, c.relname) = ('core', 'submission')"
static const char sum_of_idx_tup_read[] = SUM_OVER_INDEXES("pg_stat_get_xact_tuples_returned");
static const char sum_of_idx_scan[] = SUM_OVER_INDEXES("pg_stat_get_xact_numscans");

/* The records of another 20,000 subjects of site 1 and none of ANALYZE: what a day of load brings. */
static const char many_records_of_site_1[] =
    "INSERT INTO core.submission (study_id, site_id, subject_no, form, knee, visit, instance, version, id, status, "
    "form_version, protocol_version, dated, content, sha256, scores, door, token_no, recorded_by, recorded_at, "
    "xid, era) "
    "SELECT v.study_id, 1, 100000 + g, v.form, v.knee, v.visit, v.instance, 1, gen_random_uuid(), v.status, "
    "v.form_version, v.protocol_version, v.dated, v.content, v.sha256, v.scores, v.door, v.token_no, v.recorded_by, "
    "v.recorded_at, pg_current_xact_id(), v.era "
    "FROM generate_series(1, 20000) g, (SELECT * FROM core.submission LIMIT 1) v";

/* Calls that each take another way through the judgement, one after the other about the same records. */
struct call_case {
    const char *label;
    struct test_row row;            /* of the first row: those after it differ by id and instance, or by subject */
    bool by_subject;
    const char *verdict;
};

#define ENROLMENT .form = "enrolment", .knee = "none", .visit = "unscheduled"
static const struct call_case call_cases[] = {
    {"enrolments", {.id = 100, .subject = 11, .index_knee = "left"}, true, "accepted"},
    {"enrolments that continue one", {.id = 200, .subject = 31, .index_knee = "left", .continues = "01-0001"}, true,
     "accepted"},
    {"plain rows", {.id = 300, .instance = 1}, false, "accepted"},
    {"corrections", {.id = 400, .instance = 1, .version = 2, .reason = "wrong knee"}, false, "accepted"},
    {"voids", {.id = 500, .instance = 1, .version = 3, .status = "void", .reason = "wrong knee"}, false, "accepted"},
    {"replays of plain rows", {.id = 300, .instance = 1}, false, "replayed"},
    {"replays of voids", {.id = 500, .instance = 1, .version = 3, .status = "void", .reason = "wrong knee"}, false,
     "replayed"},
    {"first versions of what is there", {.id = 600, .instance = 1}, false, "record_exists"},
    {"versions that follow none", {.id = 700, .instance = 1, .version = 6, .reason = "wrong knee"}, false,
     "version_conflict"},
    {"corrections of enrolments", {.id = 800, .subject = 11, .index_knee = "right", .version = 2,
     .reason = "wrong knee"}, true, "accepted"},
    {"ends of enrolments", {.id = 900, .subject = 11, ENROLMENT, .version = 3, .status = "void",
     .reason = "wrong person"}, true, "accepted"},
};
enum { CASES = sizeof call_cases / sizeof call_cases[0] };

/* `round` moves ids, instances and subjects on, so that a second round meets nothing of the first. */
static void fill_rows(struct test_row *rows, const struct call_case *item, int round)
{
    for (int i = 0; i < ROWS; i++) {
        rows[i] = item->row;
        rows[i].id += 1000 * round + i;
        *(item->by_subject ? &rows[i].subject : &rows[i].instance) += 100 * round + i;
    }
}

static void send_all(struct db *db, const struct call_case *item, int round, size_t rows_of_a_call)
{
    struct test_row rows[ROWS];
    fill_rows(rows, item, round);
    for (size_t at = 0; at < ROWS; at += rows_of_a_call) {
        const char *expected = item->verdict;
        for (size_t i = 1; i < rows_of_a_call; i++)
            expected = memory_format(db, "%s %s", expected, item->verdict);
        const char *verdicts = test_submit(db, rows + at, rows_of_a_call);
        if (strcmp(verdicts, expected) != 0)
            fail_msg("%s: %s", item->label, verdicts);
    }
}

static long count_of(struct db *db, const char *sum)
{
    return strtol(test_value(db, sum), NULL, 10);
}

static void check_reads(struct db *db, int round, size_t rows_of_a_call)
{
    for (size_t i = 0; i < CASES; i++) {
        test_run(db, "BEGIN");
        long before = count_of(db, sum_of_idx_tup_read);
        send_all(db, &call_cases[i], round, rows_of_a_call);
        long read = count_of(db, sum_of_idx_tup_read) - before;
        test_run(db, "COMMIT");
        print_message("# %s, %zu a call: %ld index entries for %d rows\n", call_cases[i].label, rows_of_a_call, read,
                      ROWS);
        if (read > ROWS * READ_PER_ROW)
            fail_msg("%s, %zu a call: %ld index entries read for %d rows", call_cases[i].label, rows_of_a_call, read,
                     ROWS);
    }
}

static void test_submit_batch_planned_on_an_empty_database_reads_few_index_entries_a_row(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->collector;
    test_run(fixture->superuser, "ALTER TABLE core.submission SET (autovacuum_enabled = off)");
    test_enrol(db, 1, 1);
    for (size_t i = 0; i < CASES; i++)
        send_all(db, &call_cases[i], 0, ROWS);
    test_run(fixture->superuser, many_records_of_site_1);
    check_reads(db, 1, ROWS);
    check_reads(db, 2, 1);
}

static void test_submit_batch_row_that_the_credential_refuses_looks_nothing_up(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->collector;
    test_enrol(db, 1, 1);
    const struct test_row rows[] = {
        {.id = 1, .token = "coordinator2"},
        {.id = 2, .token = "coordinator2", .version = 2, .reason = "wrong knee"},
        {.id = 3, .token = "coordinator_other"},
        {.id = 4, .token = "nobody"},
    };
    test_run(db, "BEGIN");
    long before = count_of(db, sum_of_idx_scan);
    assert_string_equal(test_submit(db, rows, 4), "unknown_subject unknown_subject not_allowed no_session");
    assert_int_equal(count_of(db, sum_of_idx_scan) - before, 0);
    const struct test_row good = {.id = 1};
    assert_string_equal(test_submit(db, &good, 1), "accepted");
    assert_true(count_of(db, sum_of_idx_scan) > before);
    test_run(db, "COMMIT");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, test_fixture_setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_planned_on_an_empty_database_reads_few_index_entries_a_row),
        CASE(test_submit_batch_row_that_the_credential_refuses_looks_nothing_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
