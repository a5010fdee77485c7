/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Report jobs: asked for by the API, done by patella-report, read through the API; and the door of the allocation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "SELECT api.make_cut('statistician', 1, 'first')");
    return 0;
}

static struct db *connect_reporter(const struct test_fixture *fixture)
{
    return test_database_connect(fixture->owner, fixture->database, "patella_reporter");
}

static const char *request(const struct test_fixture *fixture)
{
    return test_value(fixture->collector, "SELECT api.request_report('statistician', 1, 1, NULL)");
}

static const char *state_of(const struct test_fixture *fixture, const char *job)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT concat_ws(' ', state, requested_by, cut_label, message) FROM api.list_reports('statistician', 1) "
        "WHERE job_id = '%s'", job));
}

static const char *request_file(const struct test_fixture *fixture, const char *job, const char *name)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT api.request_report_file('statistician', 1, '%s', '%s')", job, name));
}

static void test_job_is_taken_done_and_read(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    const char *job = request(fixture);
    assert_string_equal(state_of(fixture, job), "queued statistician first");
    assert_string_equal(test_value(reporter, "SELECT concat_ws(' ', job_id, study_id, study, cut_no) "
                                             "FROM rep.take_job()"),
                        memory_format(fixture->owner, "%s 1 demo 1", job));
    assert_string_equal(state_of(fixture, job), "running statistician first");
    test_run(reporter, memory_format(fixture->owner,
        "SELECT rep.add_file('%s', 'results.csv', 'text/csv; charset=utf-8', 'a,b'), "
        "rep.add_file('%s', 'report.html', 'text/html; charset=utf-8', '<p>')", job, job));
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT count(*) FROM api.list_report_files('statistician', 1, '%s')", job)), "0");
    test_run(reporter, memory_format(fixture->owner, "SELECT rep.finish_job('%s', true, NULL)", job));
    assert_string_equal(state_of(fixture, job), "done statistician first");
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(concat_ws(' ', name, size, media_type), ', ') "
        "FROM api.list_report_files('administrator', 1, '%s')", job)),
        "report.html 3 text/html; charset=utf-8, results.csv 3 text/csv; charset=utf-8");
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT convert_from(bytes, 'UTF8') || (sha256 = sha256(bytes)) "
        "FROM api.read_report_file('statistician', 1, '%s')", request_file(fixture, job, "results.csv"))), "a,btrue");
}

static void test_job_hash_is_that_of_its_list_of_files(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    const char *job = request(fixture);
    test_run(reporter, "SELECT rep.add_file(j, 'b.csv', 'text/csv', 'B'), rep.add_file(j, 'a.csv', 'text/csv', 'A'), "
                       "rep.finish_job(j, true, NULL) FROM (SELECT job_id AS j FROM rep.take_job()) t");
    /* printf A > a.csv; printf B > b.csv; sha256sum a.csv b.csv | sha256sum */
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT sha256 = sha256(convert_to(encode(sha256('A'), 'hex') || '  a.csv' || chr(10) || "
        "encode(sha256('B'), 'hex') || '  b.csv' || chr(10), 'UTF8')) "
        "FROM api.list_reports('statistician', 1) WHERE job_id = '%s'", job)), "t");
}

/* A report that is done, with file a.csv: its id. */
static const char *make_report(const struct test_fixture *fixture)
{
    const char *job = request(fixture);
    test_run(connect_reporter(fixture), "SELECT rep.add_file(j, 'a.csv', 'text/csv', 'A'), "
             "rep.finish_job(j, true, NULL) FROM (SELECT job_id AS j FROM rep.take_job()) t");
    return job;
}

/* Read, then rolled back: the trace would be gone. */
static void test_job_file_is_not_read_before_the_request_for_it_has_committed(void **state)
{
    struct test_fixture *fixture = *state;
    const char *job = make_report(fixture);
    static const char read[] = "SELECT * FROM api.read_report_file('statistician', 1, '%s')";
    test_run(fixture->collector, "BEGIN");
    const char *same = request_file(fixture, job, "a.csv");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, read, same)), "P0002");
    test_run(fixture->collector, "ROLLBACK");
    test_run(fixture->collector, "BEGIN; SAVEPOINT s");
    same = request_file(fixture, job, "a.csv");
    test_run(fixture->collector, "RELEASE SAVEPOINT s");
    struct db *other = test_database_connect(fixture->owner, fixture->database, "patella_collector");
    assert_string_equal(test_sqlstate(other, memory_format(fixture->owner, read, same)), "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, read, same)), "P0002");
    test_run(fixture->collector, "ROLLBACK");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner, read, same)), "P0002");
}

static void test_job_file_is_read_by_who_asked_and_soon(void **state)
{
    struct test_fixture *fixture = *state;
    const char *asked = request_file(fixture, make_report(fixture), "a.csv");
    test_run(fixture->superuser, "SELECT admin.add_account('second', 'Second statistician'); "
             "SELECT admin.add_token('second', 'demo', 'statistician', '{}', sha256('second'), "
             "now() + interval '1 day')");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT * FROM api.read_report_file('second', 1, '%s')", asked)), "P0002");
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT bytes FROM api.read_report_file('statistician', 1, '%s')", asked)), "\\x41");
    test_run(fixture->superuser, "SET session_replication_role = replica; "
             "UPDATE rep.export SET requested_at = requested_at - interval '5 minutes'; "
             "RESET session_replication_role");
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT * FROM api.read_report_file('statistician', 1, '%s')", asked)), "P0002");
}

static void test_cut_that_is_opened_leaves_a_trace(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    test_run(reporter, "SELECT rep.open_cut(1, 1)");
    assert_string_equal(test_sqlstate(reporter, "SELECT rep.open_cut(1, 2)"), "P0002");
    assert_string_equal(test_sqlstate(reporter, "SELECT rep.open_cut(2, 1)"), "42501");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', actor, object, study_id, new ->> 'cut_no'), ', ') FROM audit.event "
        "WHERE operation = 'EXPORT'"), "db:patella_reporter core.cut 1 1");
}

static void test_subjects_of_a_cut_are_as_their_newest_enrolment_says(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    static const char list[] = "SELECT string_agg(concat_ws(' ', site_id, subject_no, index_knee, enrolled_on, "
                               "continues), ', ') FROM rep.list_subjects(1, %d)";
    const struct test_row corrected = {.id = 2, .form = "enrolment", .knee = "none", .visit = "unscheduled",
        .version = 2, .reason = "wrong knee", .date = "2026-02-01", .continues = "02-0001",
        .content = "{\"answers\":{\"index_knee\":\"right\",\"continues\":\"02-0001\"}}"};
    const struct test_row ended = {.id = 3, .site = 2, .form = "enrolment", .knee = "none", .visit = "unscheduled",
        .version = 2, .reason = "never came", .status = "void"};
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'second')");
    assert_string_equal(test_submit(fixture->collector, &corrected, 1), "accepted");
    assert_string_equal(test_submit(fixture->collector, &ended, 1), "accepted");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'third')");
    assert_string_equal(test_value(reporter, memory_format(fixture->owner, list, 1)), "");
    assert_string_equal(test_value(reporter, memory_format(fixture->owner, list, 2)),
                        "1 1 left 2026-03-01, 2 1 left 2026-03-01");
    assert_string_equal(test_value(reporter, memory_format(fixture->owner, list, 3)), "1 1 right 2026-02-01 02-0001");
    struct db *ungranted = test_database_connect(fixture->owner, fixture->database, "patella_auditor");
    assert_string_equal(test_sqlstate(ungranted, memory_format(fixture->owner, list, 3)), "42501");
}

static void test_job_reading_a_file_is_audited(void **state)
{
    struct test_fixture *fixture = *state;
    const char *job = make_report(fixture);
    request_file(fixture, job, "a.csv");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT concat_ws(' ', actor, object, row_id, new ->> 'name', digest = sha256('A')) FROM audit.event "
        "WHERE operation = 'EXPORT'"), memory_format(fixture->owner, "statistician rep.file %s a.csv t", job));
}

static void test_job_two_workers_never_take_the_same(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *first = connect_reporter(fixture), *second = connect_reporter(fixture);
    const char *one = request(fixture), *two = request(fixture);
    test_run(first, "BEGIN");
    assert_string_equal(test_value(first, "SELECT job_id FROM rep.take_job()"), one);
    assert_string_equal(test_value(second, "SELECT job_id FROM rep.take_job()"), two);
    assert_string_equal(test_value(second, "SELECT job_id FROM rep.take_job()"), "");
    test_run(first, "COMMIT");
    assert_string_equal(test_value(second, "SELECT job_id FROM rep.take_job()"), "");
}

static void test_job_of_a_dead_worker_waits_again_three_times(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *watcher = connect_reporter(fixture);
    const char *job = request(fixture);
    for (int attempt = 1; attempt <= 3; attempt++) {
        struct db *worker = connect_reporter(fixture);
        assert_string_equal(test_value(worker, "SELECT job_id FROM rep.take_job()"), job);
        assert_string_equal(test_value(watcher, "SELECT rep.release_stale_jobs()"), "0");
        /* The backend has gone, not only been told to. */
        test_run(fixture->superuser, memory_format(fixture->owner, "SELECT pg_terminate_backend(%s, 10000)",
                                                   test_value(worker, "SELECT pg_backend_pid()")));
        assert_string_equal(test_value(watcher, "SELECT rep.release_stale_jobs()"), "1");
        talloc_free(worker);
    }
    assert_string_equal(state_of(fixture, job), "failed statistician first the program that made this report ended "
                                                "before it was done; ask for it again");
    assert_string_equal(test_value(watcher, "SELECT job_id FROM rep.take_job()"), "");
}

static void test_job_that_failed_shows_its_message_and_no_files(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    const char *job = request(fixture);
    test_run(reporter, "SELECT rep.add_file(j, 'a.csv', 'text/csv', 'A'), rep.finish_job(j, false, 'no cohorts') "
                       "FROM (SELECT job_id AS j FROM rep.take_job()) t");
    assert_string_equal(state_of(fixture, job), "failed statistician first no cohorts");
    assert_string_equal(test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT count(*) FROM api.list_report_files('statistician', 1, '%s')", job)), "0");
    assert_string_equal(test_sqlstate(reporter, memory_format(fixture->owner,
        "SELECT rep.add_file('%s', 'b.csv', 'text/csv', 'B')", job)), "P0002");
}

static void test_job_files_with_odd_names_or_types_are_refused(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    const char *job = request(fixture);
    test_run(reporter, "SELECT * FROM rep.take_job()");
    static const char *const files[] = {
        "'../passwd', 'text/html', 'x'", "'', 'text/html', 'x'", "'.hidden', 'text/html', 'x'",
        "'a/b', 'text/html', 'x'",
        "'a.html', 'html', 'x'", "'a.html', 'text/html\r\nX-Evil: 1', 'x'",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        assert_string_equal(test_sqlstate(reporter, memory_format(fixture->owner, "SELECT rep.add_file('%s', %s)", job,
                                                                  files[i])), "23514");
    assert_string_equal(test_sqlstate(reporter, memory_format(fixture->owner,
        "SELECT rep.add_file('%s', 'a.html', 'text/html', NULL)", job)), "23502");
}

static void test_job_of_a_study_not_granted_is_not_taken(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    test_run(fixture->collector, "SELECT api.make_cut('statistician_other', 2, 'first')");
    test_run(fixture->collector, "SELECT api.request_report('statistician_other', 2, 1, NULL)");
    assert_string_equal(test_value(reporter, "SELECT job_id FROM rep.take_job()"), "");
    assert_string_equal(test_value(fixture->collector, "SELECT count(*) FROM api.list_reports('statistician', 1)"),
                        "0");
}

static void test_job_for_an_unknown_cut_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_report('statistician', 1, 2, NULL)"),
                        "P0002");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.request_report('statistician', 1, NULL, NULL)"),
                        "P0002");
}

static void test_allocation_of_a_masked_study_stays_closed(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    const struct test_row row = {.study = 2, .index_knee = "left", .token = "coordinator_other"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
    test_run(fixture->superuser, "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{CS}', NULL), "
                                 "admin.grant_reporter('other', 'patella_reporter'), admin.make_cut('other', 'first')");
    assert_string_equal(test_value(reporter, "SELECT count(*) FROM core.subject WHERE study_id = 2"), "1");
    assert_string_equal(test_sqlstate(reporter, "SELECT * FROM rep.allocation(2, 1)"), "42501");
}

static void test_allocation_of_an_open_study_is_read_as_of_a_cut(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = connect_reporter(fixture);
    test_enrol(fixture->collector, 1, 1);
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1,1}', '{1,1}', '{left,right}', '{CS,AD-MSC}', "
                                 "NULL)");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'second')");
    assert_string_equal(test_value(reporter, "SELECT string_agg(concat_ws(' ', site_id, subject_no, knee, cohort), "
                                             "', ') FROM rep.allocation(1, 2)"), "1 1 left CS, 1 1 right AD-MSC");
    assert_string_equal(test_value(reporter, "SELECT count(*) FROM rep.allocation(1, 1)"), "0");
    assert_string_equal(test_sqlstate(reporter, "SELECT * FROM rep.allocation(1, 9)"), "P0002");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

/* Places are of all workers together, and of none that has died or is done. */
static void test_job_waits_while_all_workers_make_as_many_as_may_be_at_once(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *workers[] = {connect_reporter(fixture), connect_reporter(fixture), connect_reporter(fixture)};
    const char *jobs[] = {request(fixture), request(fixture), request(fixture)};
    static const char take[] = "SELECT job_id FROM rep.take_job(2)";
    assert_string_equal(test_value(workers[0], take), jobs[0]);
    assert_string_equal(test_value(workers[1], take), jobs[1]);
    assert_string_equal(test_value(workers[2], take), "");
    assert_string_equal(state_of(fixture, jobs[2]), "queued statistician first");
    test_run(workers[0], memory_format(fixture->owner, "SELECT rep.finish_job('%s', true, NULL)", jobs[0]));
    assert_string_equal(test_value(workers[2], take), "");       /* worker 0 has not said yet that it is free */
    assert_string_equal(test_value(workers[0], take), jobs[2]);
    request(fixture);
    talloc_free(workers[1]);
    /* Its backend ends on its own time: wait for its place. */
    test_run(fixture->superuser, "SELECT pg_advisory_lock(78, 2); SELECT pg_advisory_unlock(78, 2)");
    assert_string_not_equal(test_value(workers[2], take), "");
}

static void test_job_place_is_free_again_when_nothing_waits(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *first = connect_reporter(fixture), *second = connect_reporter(fixture);
    assert_string_equal(test_value(first, "SELECT job_id FROM rep.take_job(1)"), "");
    const char *job = request(fixture);
    assert_string_equal(test_value(second, "SELECT job_id FROM rep.take_job(1)"), job);
    assert_string_equal(test_sqlstate(first, "SELECT rep.take_job(0)"), "22023");
    assert_string_equal(test_sqlstate(first, "SELECT rep.take_job(NULL::int)"), "22023");
}

static void test_job_of_an_account_with_five_that_wait_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    static const char ask[] = "SELECT api.request_report('statistician', 1, 1, NULL)";
    for (int i = 0; i < 5; i++)
        request(fixture);
    assert_string_equal(test_sqlstate(fixture->collector, ask), "53400");
    test_run(fixture->superuser, "SELECT admin.add_account('third', 'Third statistician'); "
             "SELECT admin.add_token('third', 'demo', 'statistician', '{}', sha256('third'), "
             "now() + interval '1 day')");
    test_run(fixture->collector, "SELECT api.request_report('third', 1, 1, NULL)");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_job_is_taken_done_and_read),
        CASE(test_job_hash_is_that_of_its_list_of_files),
        CASE(test_job_reading_a_file_is_audited),
        CASE(test_job_file_is_not_read_before_the_request_for_it_has_committed),
        CASE(test_job_file_is_read_by_who_asked_and_soon),
        CASE(test_cut_that_is_opened_leaves_a_trace),
        CASE(test_subjects_of_a_cut_are_as_their_newest_enrolment_says),
        CASE(test_job_two_workers_never_take_the_same),
        CASE(test_job_of_a_dead_worker_waits_again_three_times),
        CASE(test_job_that_failed_shows_its_message_and_no_files),
        CASE(test_job_files_with_odd_names_or_types_are_refused),
        CASE(test_job_of_a_study_not_granted_is_not_taken),
        CASE(test_job_for_an_unknown_cut_is_refused),
        CASE(test_job_waits_while_all_workers_make_as_many_as_may_be_at_once),
        CASE(test_job_place_is_free_again_when_nothing_waits),
        CASE(test_job_of_an_account_with_five_that_wait_is_refused),
        CASE(test_allocation_of_a_masked_study_stays_closed),
        CASE(test_allocation_of_an_open_study_is_read_as_of_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
