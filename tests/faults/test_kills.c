/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kill -9 at random points under load: of patellad, which the test starts again as a service manager would,
 * of PostgreSQL as a whole, of its postmaster alone, and of single backends, upon which PostgreSQL ends all
 * the others.  The daemon has to find its way back without help.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "tests/support/fault_run.h"

enum victim { DAEMON, WRITER, WORKER, AUXILIARY, POSTMASTER, EVERYTHING, VICTIMS };

static const char *const victim_names[VICTIMS] = {
    [DAEMON] = "patellad",
    [WRITER] = "the writer's backend",
    [WORKER] = "another backend of patellad",
    [AUXILIARY] = "a process of PostgreSQL's own",
    [POSTMASTER] = "the postmaster",
    [EVERYTHING] = "all of PostgreSQL at once",
};

/* Over all tests. */
static struct {
    int count;
    int64_t sum_ms, most_ms;     /* from the kill to acknowledgements of what was sent after it */
} tally[VICTIMS];

/*
 * Which backend: under load the writer's is the one that was busy last.  In SQL, because the list changes
 * while it is read.
 */
static const char *const choose_backend[VICTIMS] = {
    [WRITER] = "SELECT pid FROM pg_stat_activity WHERE application_name = 'patellad' "
               "ORDER BY query_start DESC LIMIT 1",
    [WORKER] = "SELECT pid FROM (SELECT pid FROM pg_stat_activity WHERE application_name = 'patellad' "
               "ORDER BY query_start DESC OFFSET 1) others ORDER BY random() LIMIT 1",
    [AUXILIARY] = "SELECT pid FROM pg_stat_activity WHERE backend_type NOT IN "
                  "('client backend', 'autovacuum worker', 'parallel worker') ORDER BY random() LIMIT 1",
};

static void kill_backend(struct fault_run *run, enum victim victim, int64_t *struck_us)
{
    pid_t pid = 0;
    for (long long deadline = test_now_ms() + 30000; pid == 0; test_pause()) {
        assert_true(test_now_ms() < deadline);
        pid = (pid_t)atoi(test_value(fault_run_db(run), choose_backend[victim]));
    }
    *struck_us = clock_now_us();
    assert_int_equal(kill(pid, SIGKILL), 0);
}

/* Gives the time of the kill. */
static int64_t strike(struct fault_run *run, enum victim victim)
{
    int64_t struck_us = clock_now_us();
    switch (victim) {
    case DAEMON:
        kill(run->daemon->pid, SIGKILL);
        assert_int_equal(daemon_wait(run->daemon), 128 + SIGKILL);
        daemon_restart(run->daemon);
        break;
    case POSTMASTER:
        cluster_kill(run->cluster, CLUSTER_POSTMASTER);
        cluster_start(run->cluster);
        break;
    case EVERYTHING:
        cluster_kill(run->cluster, CLUSTER_EVERYTHING);
        cluster_start(run->cluster);
        break;
    case WRITER:
    case WORKER:
    case AUXILIARY:
        kill_backend(run, victim, &struck_us);
        break;
    case VICTIMS:
        break;
    }
    return struck_us;
}

/* Some progress, and then a moment within a batch. */
static void wait_for_random_point(struct fault_run *run)
{
    fault_run_wait(run, fault_random(200));
    int64_t until = clock_now_us() + (int64_t)fault_random(8000);
    while (clock_now_us() < until)
        continue;
}

static void kill_at_random(struct fault_run *run, enum victim first, enum victim last, int kills)
{
    uint64_t connections = load_peek(run->load).open;
    for (int i = 0; i < kills; i++) {
        enum victim victim = first + (enum victim)((uint64_t)i % (uint64_t)(last - first + 1));
        wait_for_random_point(run);
        int64_t struck_us = strike(run, victim);
        fault_run_wait(run, 2 * connections);    /* more than can have been on its way */
        int64_t took_ms = (clock_now_us() - struck_us) / 1000;
        tally[victim].count++;
        tally[victim].sum_ms += took_ms;
        if (took_ms > tally[victim].most_ms)
            tally[victim].most_ms = took_ms;
    }
}

static void run_kills(const char *label, int connections, enum victim first, enum victim last, int kills)
{
    struct cluster *cluster = cluster_new(NULL, NULL);
    struct fault_run *run =
        fault_run_new(cluster, &(struct fault_options){.label = label, .connections = connections});
    fault_run_begin(run);
    kill_at_random(run, first, last, kills);
    fault_run_end(run);
    talloc_free(cluster);
}

static void test_patellad_killed(void **state)
{
    (void)state;
    int kills = faults_are_long() ? 60 : 2;
    run_kills("patellad killed, 16 connections", 16, DAEMON, DAEMON, kills);
}

/* The daemon is not started again, and gets ready: fault_run_end. */
static void test_postgresql_killed(void **state)
{
    (void)state;
    int kills = faults_are_long() ? 90 : 5;
    run_kills("PostgreSQL killed, 64 connections", 64, WRITER, EVERYTHING, kills);
}

static void test_both_killed(void **state)
{
    (void)state;
    int kills = faults_are_long() ? 60 : 3;
    run_kills("both killed, 32 connections", 32, DAEMON, POSTMASTER, kills);
}

static int print_tally(void **state)
{
    (void)state;
    int sum = 0;
    for (enum victim victim = 0; victim < VICTIMS; victim++) {
        sum += tally[victim].count;
        if (tally[victim].count > 0)
            fault_note("%4d x kill -9 of %-32s acknowledging again after %5" PRId64 " ms, at most %5" PRId64
                       " ms",
                       tally[victim].count, victim_names[victim], tally[victim].sum_ms / tally[victim].count,
                       tally[victim].most_ms);
    }
    fault_note("%4d kills", sum);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patellad_killed),
        cmocka_unit_test(test_postgresql_killed),
        cmocka_unit_test(test_both_killed),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, print_tally);
}
