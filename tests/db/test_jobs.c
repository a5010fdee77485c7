/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "reports/jobs.h"
#include "reports/report.h"
#include "tests/support/collected.h"

#define STATES "SELECT string_agg(state, ' ' ORDER BY requested_at) FROM rep.job"

struct fixture {
    struct collected *collected;
    const char *conninfo;        /* of the reporter */
    struct db *reporter;
};

static struct db *open_reporter(const struct fixture *fixture)
{
    struct error error;
    struct db *db = extract_open(fixture, fixture->conninfo, &error);
    if (db == NULL)
        fail_msg("%s", error.message);
    return db;
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->collected = collected_new(fixture, "none");
    collected_fill(fixture->collected);
    collected_cut(fixture->collected, "first");
    fixture->conninfo =
        test_database_conninfo(fixture, collected_database(fixture->collected), "patella_reporter");
    fixture->reporter = open_reporter(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

static void request(const struct fixture *fixture)
{
    test_run(collected_db(fixture->collected), "SELECT api.request_report('statistician', 1, 1, NULL)");
}

static const char *value(const struct fixture *fixture, const char *sql)
{
    return test_value(collected_db(fixture->collected), sql);
}

/* The parameter of EXTRACT_TAKE_JOB. */
static struct db_parameters *at_once(const struct fixture *fixture)
{
    struct db_parameters *parameters = db_parameters_new(fixture, 1);
    db_set_int(parameters, 0, 2);
    return parameters;
}

static void run_once(const struct fixture *fixture)
{
    struct error error;
    const struct jobs_order order = {.once = true, .at_once = 2};
    if (!jobs_run(fixture->reporter, &order, &error))
        fail_msg("%s", error.message);
}

static void test_jobs_run_stores_the_files_of_the_report(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    request(fixture);
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "done");
    const struct report_order order = {.study = "demo", .cut = "1"};
    const struct report *report = report_make(fixture, fixture->reporter, &order, &error);
    assert_non_null(report);
    assert_int_equal(atoi(value(fixture, "SELECT count(*) FROM rep.file")), report->file_count);
    assert_string_equal(
        value(fixture, "SELECT encode(sha256, 'hex') FROM rep.file WHERE name = 'results.csv'"),
        report->files[1].sha256);
    assert_string_equal(value(fixture, "SELECT name FROM rep.file WHERE name LIKE 't6-value-vas%'"),
                        "t6-value-vas.csv");
    assert_string_equal(value(fixture, "SELECT COALESCE(message, 'none') FROM rep.job"), "none");
}

static void test_jobs_run_takes_all_that_wait(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 3; i++)
        request(fixture);
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "done done done");
    assert_string_equal(value(fixture, "SELECT count(DISTINCT sha256) FROM rep.job"), "1");
}

static void test_jobs_run_without_a_job_ends(void **state)
{
    struct fixture *fixture = *state;
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "");
}

static void test_jobs_run_failing_job_is_marked_and_does_not_stop_the_next(void **state)
{
    struct fixture *fixture = *state;
    /* The second cut has a form that no program can read; the first has not. */
    test_run(collected_db(fixture->collected),
             "SELECT admin.put_form('demo', 'broken', 1, 'no form at all')");
    collected_cut(fixture->collected, "second");
    test_run(collected_db(fixture->collected), "SELECT api.request_report('statistician', 1, 2, NULL)");
    request(fixture);
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "failed done");
    assert_non_null(strstr(value(fixture, "SELECT message FROM rep.job WHERE state = 'failed'"),
                           "form broken version 1"));
}

static void test_jobs_run_job_of_a_worker_that_died_is_done_by_another(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    request(fixture);
    struct db *dying = open_reporter(fixture);
    assert_true(db_run(dying, EXTRACT_TAKE_JOB, at_once(fixture), &error));
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "running");      /* its worker still lives */
    talloc_free(dying);
    /* The dead session's lock goes with its backend, which PostgreSQL ends on its own time. */
    test_run(collected_db(fixture->collected),
             "SELECT pg_advisory_lock(77, hashtext(job_id::text)) FROM rep.job");
    test_run(collected_db(fixture->collected), "SELECT pg_advisory_unlock_all()");
    run_once(fixture);
    assert_string_equal(value(fixture, STATES), "done");
    assert_string_equal(value(fixture, "SELECT attempts FROM rep.job"), "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_run_stores_the_files_of_the_report),
        TEST(test_jobs_run_takes_all_that_wait),
        TEST(test_jobs_run_without_a_job_ends),
        TEST(test_jobs_run_failing_job_is_marked_and_does_not_stop_the_next),
        TEST(test_jobs_run_job_of_a_worker_that_died_is_done_by_another),
    };
    log_set_level(LOG_LEVEL_ERROR);      /* one job fails on purpose, and says so */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
