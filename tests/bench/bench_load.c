/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/bench/bench.h"
#include "tests/bench/processes.h"
#include "tests/support/load.h"
#include "tests/support/registry.h"

enum { SITES = 200 };            /* a round has a site of its own */

/* ---- the registry ---- */

static void add_sites(struct registry *registry)
{
    test_run(registry->db, memory_format(registry,
                                         "SELECT admin.add_site('demo', n, 'Clinic ' || n, 'Europe/Berlin') "
                                         "FROM generate_series(11, %d) n", SITES));
}

int bench_registry(const struct bench_options *options, const char *const *settings)
{
    (void)options;
    struct registry *registry = registry_new_stopped(NULL);
    add_sites(registry);
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = daemon_start(registry, conninfo, settings);
    printf("database=%s port=%d daemon=%d certificate=%s\n", test_database_name(registry->database),
           registry->daemon->port, (int)registry->daemon->pid, registry->daemon->certificate);
    fflush(stdout);
    while (getchar() != EOF)
        continue;
    return registry_teardown((void *[]){registry}) == 0 ? 0 : 1;
}

/* ---- rounds ---- */

static struct load *new_load(const struct bench_options *options, struct error *error)
{
    struct load_options load_options = {
        .port = options->port,
        .certificate = options->certificate,
        .site = options->site,
        .first_subject = options->first_subject,
        .subjects = options->subjects,
        .connections = options->connections,
        .ids = strcmp(options->ids, "v4") == 0 ? LOAD_IDS_VERSION_4 : LOAD_IDS_VERSION_7,
        .duration_ms = options->submissions > 0 ? 0 : options->seconds * 1000,
        .submissions = (uint64_t)options->submissions,
        .together = true,
    };
    return load_new(NULL, &load_options, error);
}

int bench_enrol(const struct bench_options *options)
{
    struct error error;
    struct load *load = new_load(options, &error);
    bool done = load != NULL && load_enrol(load, &error);
    if (!done)
        error_print(&error, "bench");
    talloc_free(load);
    return done ? 0 : 1;
}

struct moment {
    long long ms;
    uint64_t acknowledged;
    struct process_use daemon, postgres;
};

static struct moment take_moment(const struct bench_options *options, const struct load *load)
{
    return (struct moment){.ms = test_now_ms(), .acknowledged = load_peek(load).acknowledged,
                           .daemon = process_use(options->daemon),
                           .postgres = process_use_postgres(options->postmaster)};
}

/* rate, latencies in ms, CPU microseconds of daemon, PostgreSQL and client, switches of daemon and PostgreSQL, count */
static void print_round(const struct load *load, const struct moment *from, const struct moment *to)
{
    double count = (double)(to->acknowledged - from->acknowledged), all = (double)load_peek(load).acknowledged;
    printf("%.1f\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%.0f\n", all * 1e6 / (double)load_elapsed_us(load),
           load_latency_us(load, 0.5) / 1e3, load_latency_us(load, 0.95) / 1e3, load_latency_us(load, 0.99) / 1e3,
           (double)(to->daemon.cpu_us - from->daemon.cpu_us) / count,
           (double)(to->postgres.cpu_us - from->postgres.cpu_us) / count, (double)load_cpu_us(load) / all,
           (double)(to->daemon.switches - from->daemon.switches) / count,
           (double)(to->postgres.switches - from->postgres.switches) / count, all);
}

/* False, with a line on stderr, when anything was not acknowledged or is not in the database. */
static bool is_right(const struct bench_options *options, const struct load *load)
{
    void *work = memory_owner(NULL, "ledger");
    struct error error = {0};
    struct load_findings findings = {0};
    struct load_counts counts = load_peek(load);
    const struct db_options db_options = {.conninfo = memory_format(work, "dbname=%s", options->database),
                                          .application_name = "bench", .verbose_errors = true};
    struct db *db = db_open(work, &db_options, &error);
    bool right = db != NULL && load_check_ledger(load, db, &findings);
    bool calm = counts.acknowledged > 0 && counts.acknowledged == counts.submissions &&
                counts.unanswered + counts.failed + (options->patient != 0 ? 0 : counts.unavailable) == 0;
    if (!right || !calm)
        fprintf(stderr, "bench: %s%s; %" PRIu64 " submissions, %" PRIu64 " refused (%s), %" PRIu64 " unanswered, "
                "%" PRIu64 " times 503\n", error.message, findings.text, counts.submissions, counts.refused,
                load_first_refusal(load), counts.unanswered, counts.unavailable);
    talloc_free(work);
    return right && calm;
}

int bench_load(const struct bench_options *options)
{
    struct error error;
    struct load *load = new_load(options, &error);
    if (load == NULL || !load_start(load, &error)) {
        error_print(&error, "bench");
        talloc_free(load);
        return 1;
    }
    while (!load_peek(load).begun && !load_peek(load).ended)
        test_pause();
    struct moment from = take_moment(options, load);
    load_join(load);
    struct moment to = take_moment(options, load);
    print_round(load, &from, &to);
    bool right = is_right(options, load);
    talloc_free(load);
    return right ? 0 : 1;
}
