/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/fault_run.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "forms/base/memory.h"

enum { PROGRESS_MS = 120000, READY_MS = 30000, BEGUN = 50, LOG_SHOWN = 4000 };

/* ---- chance ---- */

static uint64_t first_seed(void)
{
    const char *given = getenv("FAULTS_SEED");
    uint64_t seed = 0;
    if (given != NULL)
        seed = strtoull(given, NULL, 10);
    else
        assert_int_equal(getrandom(&seed, sizeof seed, 0), sizeof seed);
    fault_note("seed: FAULTS_SEED=%" PRIu64, seed);
    return seed;
}

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
uint64_t fault_random(uint64_t below)
{
    static uint64_t state;
    static bool seeded;
    if (!seeded)
        state = first_seed();
    seeded = true;
    uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (z ^ z >> 31) % below;
}

bool faults_are_long(void)
{
    const char *wanted = getenv("FAULTS");
    return wanted != NULL && strcmp(wanted, "long") == 0;
}

/* ---- what is said ---- */

void fault_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("# ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
}

void fault_fail(const struct fault_run *run, const char *what)
{
    const char *log = daemon_read_log(run, run->daemon);
    size_t length = strlen(log);
    print_error("%s: %s; the end of the daemon's log:\n%s\n", run->label, what,
                log + (length > LOG_SHOWN ? length - LOG_SHOWN : 0));
    fail();
}

/* ---- a run ---- */

static void check_durable(struct db *db)
{
    assert_string_equal(test_value(db, "SHOW fsync"), "on");
    assert_string_equal(test_value(db, "SHOW synchronous_commit"), "on");
}

static void start_daemon(struct fault_run *run, const struct fault_options *options)
{
    const char *conninfo = memory_format(
        run, "host=%s dbname=%s user=patella_collector %s",
        options->host != NULL ? options->host : cluster_socket(run->cluster),
        test_database_name(run->registry->database),
        options->database_more != NULL ? options->database_more : "");
    if (options->away)
        cluster_stop(run->cluster);
    run->daemon = options->away ? daemon_start_unready(run->registry, conninfo, options->settings)
                                : daemon_start(run->registry, conninfo, options->settings);
    run->registry->daemon = run->daemon;
}

void fault_run_enrol(struct fault_run *run)
{
    struct error error;
    if (!load_enrol(run->load, &error))
        fail_msg("%s: %s", run->label, error.message);
}

struct fault_run *fault_run_new(struct cluster *cluster, const struct fault_options *options)
{
    struct error error;
    struct fault_run *run = memory_new(NULL, struct fault_run);
    run->label = options->label;
    run->cluster = cluster;
    cluster_use(cluster);
    run->registry = registry_new_stopped(run);
    check_durable(run->registry->db);
    start_daemon(run, options);
    const struct load_options load = {
        .port = run->daemon->port,
        .certificate = run->daemon->certificate,
        .connections = options->connections > 0 ? options->connections : 16,
    };
    run->load = load_new(run, &load, &error);
    if (run->load == NULL)
        fail_msg("%s: %s", run->label, error.message);
    if (!options->away)
        fault_run_enrol(run);
    return run;
}

void fault_run_begin(struct fault_run *run)
{
    struct error error;
    if (!load_start(run->load, &error))
        fail_msg("%s: %s", run->label, error.message);
    fault_run_wait(run, BEGUN);
}

void fault_run_wait(struct fault_run *run, uint64_t more)
{
    uint64_t wanted = load_peek(run->load).acknowledged + more;
    long long deadline = test_now_ms() + PROGRESS_MS;
    while (load_peek(run->load).acknowledged < wanted) {
        if (test_now_ms() > deadline)
            fault_fail(run, "no progress within two minutes");
        test_pause();
    }
}

static bool answers(struct db *db)
{
    struct error ignored;
    struct db_result *result = db_query(db, db, "SELECT 1", NULL, &ignored);
    talloc_free(result);
    return result != NULL;
}

struct db *fault_run_db(struct fault_run *run)
{
    if (answers(run->registry->db))
        return run->registry->db;
    talloc_free(run->registry->db);
    run->registry->db =
        cluster_connect(run->registry, run->cluster, test_database_name(run->registry->database));
    return run->registry->db;
}

/* ---- its end ---- */

static void print_counts(const struct fault_run *run, const struct load_findings *findings)
{
    struct load_counts counts = load_peek(run->load);
    fault_note("%-44s acknowledged %7" PRIu64 "  sent again %6" PRIu64 " (no answer %" PRIu64 ", 503 %" PRIu64
               ", 500 %" PRIu64 ")  replayed %5" PRIu64 "  lost %" PRIu64 "  doubled %" PRIu64,
               run->label, counts.acknowledged, counts.unanswered + counts.unavailable + counts.failed,
               counts.unanswered, counts.unavailable, counts.failed, counts.replayed, findings->lost,
               findings->doubled);
}

static void end(struct fault_run *run, bool failures)
{
    struct load_findings findings;
    load_stop(run->load);
    load_join(run->load);
    if (!daemon_wait_ready(run->daemon, READY_MS))
        fault_fail(run, "the daemon does not get ready again");
    bool right = load_check_ledger(run->load, fault_run_db(run), &findings);
    print_counts(run, &findings);
    if (!right)
        fault_fail(run, findings.text);
    struct load_counts counts = load_peek(run->load);
    if (counts.unknown_now > 0)
        fault_fail(run, "submissions were left open");
    if (counts.refused > 0)
        fault_fail(run, load_first_refusal(run->load));
    if (counts.failed > 0 && !failures)
        fault_fail(run, "there were answers 500");
    assert_int_equal(daemon_stop(run->daemon), 0);
    talloc_free(run->registry->db);
    talloc_free(run);
}

void fault_run_end(struct fault_run *run)
{
    end(run, false);
}

void fault_run_end_with_failures(struct fault_run *run)
{
    end(run, true);
}
