/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PostgreSQL is there and says no, or nothing in time: locks that are held for longer than a statement may
 * take, deadlocks, sessions that are ended, and errors of every kind in the middle of a batch.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/fault_run.h"

enum { CONNECTIONS = 32, WAIT_MS = 30000 };

static struct cluster *cluster;

static int start_cluster(void **state)
{
    (void)state;
    cluster = cluster_new(NULL, NULL);
    return 0;
}

static int end_cluster(void **state)
{
    (void)state;
    talloc_free(cluster);
    return 0;
}

static struct fault_run *begin(const char *label)
{
    struct fault_run *run =
        fault_run_new(cluster, &(struct fault_options){.label = label, .connections = CONNECTIONS});
    fault_run_begin(run);
    return run;
}

/* A second session, which is in the way. */
static struct db *other_session(struct fault_run *run)
{
    return cluster_connect(run, cluster, test_database_name(run->registry->database));
}

static void wait_for_true(struct fault_run *run, const char *sql)
{
    long long deadline = test_now_ms() + WAIT_MS;
    while (strcmp(test_value(fault_run_db(run), sql), "t") != 0) {
        if (test_now_ms() > deadline)
            fault_fail(run, sql);
        test_pause();
    }
}

/* ---- locks ---- */

/* Held until some have been told to come again, which is after the statement timeout. */
static void hold_until_503(struct fault_run *run, const char *lock)
{
    struct db *other = other_session(run);
    uint64_t before = load_peek(run->load).unavailable;
    test_run(other, memory_format(other, "BEGIN; %s", lock));
    long long deadline = test_now_ms() + WAIT_MS;
    while (load_peek(run->load).unavailable == before) {
        if (test_now_ms() > deadline)
            fault_fail(run, "a held lock is no 503");
        test_pause();
    }
    test_run(other, "COMMIT");
    fault_run_wait(run, 2 * CONNECTIONS);
    talloc_free(other);
}

static void test_table_locked(void **state)
{
    (void)state;
    struct fault_run *run = begin("core.submission locked");
    hold_until_503(run, "LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    fault_run_end(run);
}

static void test_trail_locked(void **state)
{
    (void)state;
    struct fault_run *run = begin("audit.event locked");
    hold_until_503(run, "LOCK TABLE audit.event IN SHARE MODE");
    fault_run_end(run);
}

/* As freezing a study holds it. */
static void test_advisory_lock_held(void **state)
{
    (void)state;
    struct fault_run *run = begin("advisory lock of the study held");
    hold_until_503(run, "SELECT pg_advisory_xact_lock(71, s.study_id) FROM core.study s "
                        "WHERE s.code = 'demo'");
    fault_run_end(run);
}

/*
 * The writer holds core.submission and wants audit.event, the other session has it the other way round; the
 * writer is the first to look for deadlocks, and is the victim.
 */
static void meet_in_deadlock(struct fault_run *run)
{
    struct db *other = other_session(run);
    test_run(other, "SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE audit.event IN EXCLUSIVE MODE");
    wait_for_true(run, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted "
                       "AND relation = 'audit.event'::regclass");
    test_run(other, "LOCK TABLE core.submission IN EXCLUSIVE MODE; COMMIT");
    fault_run_wait(run, 2 * CONNECTIONS);
    talloc_free(other);
}

static void test_deadlock_victim(void **state)
{
    (void)state;
    struct fault_run *run = begin("deadlock, the writer is the victim");
    for (int i = 0; i < (faults_are_long() ? 10 : 1); i++)
        meet_in_deadlock(run);
    if (strstr(daemon_read_log(run, run->daemon), "sqlstate=40P01") == NULL)
        fault_fail(run, "no deadlock was met");
    fault_run_end(run);
}

/* ---- sessions that are ended ---- */

static void test_sessions_terminated(void **state)
{
    (void)state;
    struct fault_run *run = begin("pg_terminate_backend");
    for (int i = 0; i < (faults_are_long() ? 50 : 5); i++) {
        fault_run_wait(run, fault_random(100));
        test_run(fault_run_db(run), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE application_name = 'patellad'");
        fault_run_wait(run, 2 * CONNECTIONS);
    }
    fault_run_end(run);
}

static void test_statements_cancelled(void **state)
{
    (void)state;
    struct fault_run *run = begin("pg_cancel_backend");
    for (int i = 0; i < (faults_are_long() ? 200 : 20); i++) {
        fault_run_wait(run, fault_random(50));
        test_run(fault_run_db(run), "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                                    "WHERE application_name = 'patellad'");
    }
    fault_run_wait(run, 2 * CONNECTIONS);
    fault_run_end(run);
}

/* ---- errors in the middle of a batch ---- */

/* `when`: every how many calls; a sequence counts on through rollbacks. */
static void raise_errors(struct fault_run *run, const char *sqlstate, const char *timing, int when)
{
    struct db *db = fault_run_db(run);
    test_run(db, memory_format(
        db,
        "CREATE SEQUENCE IF NOT EXISTS public.calls; GRANT USAGE ON SCHEMA public TO PUBLIC; "
        "GRANT USAGE ON SEQUENCE public.calls TO PUBLIC; "
        "CREATE FUNCTION public.raise_error() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF nextval('public.calls') %% %d = 0 THEN RAISE EXCEPTION 'a fault' USING ERRCODE = '%s'; END IF; "
        "RETURN NULL; END $$; "
        "CREATE CONSTRAINT TRIGGER raise_error AFTER INSERT ON core.submission DEFERRABLE INITIALLY %s "
        "FOR EACH ROW EXECUTE FUNCTION public.raise_error()", when, sqlstate, timing));
}

static void raise_no_errors(struct fault_run *run)
{
    test_run(fault_run_db(run), "DROP TRIGGER raise_error ON core.submission; "
                                "DROP FUNCTION public.raise_error()");
}

static const struct {
    const char *sqlstate, *timing, *what;
    bool internal;               /* 500 is the right answer: trying again would not help */
} errors[] = {
    {"40001", "IMMEDIATE", "serialization failure", false},
    {"40001", "DEFERRED", "serialization failure at COMMIT", false},
    {"40P01", "IMMEDIATE", "deadlock", false},
    {"55P03", "IMMEDIATE", "lock not available", false},
    {"57014", "IMMEDIATE", "statement cancelled", false},
    {"57014", "DEFERRED", "COMMIT cancelled", false},
    {"53100", "IMMEDIATE", "disk full", false},
    {"53100", "DEFERRED", "disk full at COMMIT", false},
    {"53200", "IMMEDIATE", "out of memory", false},
    {"53400", "IMMEDIATE", "configuration limit", false},
    {"58030", "IMMEDIATE", "I/O error", false},
    {"25006", "IMMEDIATE", "read-only", false},
    {"XX000", "IMMEDIATE", "internal error", true},
    {"XX001", "IMMEDIATE", "data corrupted", true},
    {"23514", "DEFERRED", "constraint at COMMIT", true},
};

static void meet_error(struct fault_run *run, const char *sqlstate, const char *timing, const char *what)
{
    struct load_counts before = load_peek(run->load);
    raise_errors(run, sqlstate, timing, 3);
    fault_run_wait(run, faults_are_long() ? 2000 : 100);
    raise_no_errors(run);
    fault_run_wait(run, 2 * CONNECTIONS);
    struct load_counts after = load_peek(run->load);
    fault_note("%s %-32s %6" PRIu64 " acknowledged, %5" PRIu64 " x 503, %5" PRIu64 " x 500", sqlstate, what,
               after.acknowledged - before.acknowledged, after.unavailable - before.unavailable,
               after.failed - before.failed);
}

static void test_passing_errors_within_batches(void **state)
{
    (void)state;
    struct fault_run *run = begin("errors that pass");
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (!errors[i].internal)
            meet_error(run, errors[i].sqlstate, errors[i].timing, errors[i].what);
    fault_run_end(run);
}

static void test_other_errors_within_batches(void **state)
{
    (void)state;
    struct fault_run *run = begin("errors that do not");
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].internal)
            meet_error(run, errors[i].sqlstate, errors[i].timing, errors[i].what);
    fault_run_end_with_failures(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_locked),
        cmocka_unit_test(test_trail_locked),
        cmocka_unit_test(test_advisory_lock_held),
        cmocka_unit_test(test_deadlock_victim),
        cmocka_unit_test(test_sessions_terminated),
        cmocka_unit_test(test_statements_cancelled),
        cmocka_unit_test(test_passing_errors_within_batches),
        cmocka_unit_test(test_other_errors_within_batches),
    };
    memory_init();
    return cmocka_run_group_tests(tests, start_cluster, end_cluster);
}
