/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PostgreSQL is away: when patellad starts, for a while in service, and standing still without a word.  The
 * queue stays within its limit and the memory within bounds, every answer is a 503 that says when to come
 * again, and the daemon recovers by itself.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/fault_run.h"
#include "tests/support/tls_client.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true            /* AddressSanitizer keeps what is freed for a while, up to 256 MiB */
#else
#define SANITIZED false
#endif

enum {
    CONNECTIONS = 64,
    QUEUE_LIMIT = 8,
    QUEUE_MOST = 4 * QUEUE_LIMIT,
    GROWTH_KIB = 32 << 10,
    WAIT_MS = 60000,
    PROBES = 4
};

/*
 * write_wait_ms, and 3 s.  Who waits in the queue gets his 503 after write_wait_ms; who is with PostgreSQL
 * when it stops answering, 4.5 s after he was taken: statement_timeout, and 2 s more until the client gives it
 * up.
 */
enum { ANSWER_MS = 3000 + 3000 };

/* Whose token it is, is not asked of a database that is away. */
static const char *const settings[] = {"queue_limit=8", "write_wait_ms=3000", "token_cache_ms=60000", NULL};

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

/* ---- what must hold ---- */

static long resident_kib(const struct fault_run *run)
{
    void *work = memory_owner(NULL, "status");
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)run->daemon->pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    fclose(file);
    talloc_free(work);
    assert_true(kib > 0);
    return kib;
}

static long queued(const struct fault_run *run)
{
    static const char name[] = "\npatella_writer_queued ";
    struct client_reply *metrics = api_get(run->registry, NULL, "/metrics");
    const char *line = strstr(metrics->body, name);
    long rows = line != NULL ? strtol(line + strlen(name), NULL, 10) : -1;
    talloc_free(metrics);
    return rows;
}

/* One that would be refused for its subject, were there somebody to ask. */
static void assert_unavailable(const struct fault_run *run)
{
    struct client_reply *reply =
        api_submit(run->registry, "coordinator2", registry_pain(run->registry, NULL, "02-0001", 10, ""));
    assert_problem(reply, 503, "unavailable");
    assert_non_null(client_header(reply, "Retry-After"));
    talloc_free(reply);
}

/* Several of that kind at once, of somebody who has room in the queue. */
static void begin_probes(const struct fault_run *run, struct tls_client *probes[PROBES])
{
    const char *body = registry_pain(run->registry, NULL, "02-0001", 10, "");
    assert_status(api_submit(run->registry, "coordinator2", body), 422);
    for (size_t i = 0; i < PROBES; i++) {
        probes[i] = tls_client_open(run, &(struct tls_client_options){.port = run->daemon->port});
        assert_non_null(probes[i]);
    }
}

static void send_probes(const struct fault_run *run, struct tls_client *const probes[PROBES])
{
    const char *body = registry_pain(run->registry, NULL, "02-0001", 10, "");
    const char *request = memory_format(run,
                                        "POST " DEMO "/submissions HTTP/1.1\r\nHost: localhost\r\n"
                                        "Authorization: Bearer coordinator2\r\n"
                                        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                        strlen(body), body);
    for (size_t i = 0; i < PROBES; i++)
        assert_true(tls_client_send_text(probes[i], request));
}

/* All were told in time; the last one's time is printed. */
static void end_probes(const struct fault_run *run, struct tls_client *probes[PROBES], long long sent_ms)
{
    size_t late = 0;
    for (size_t i = 0; i < PROBES; i++) {
        long long left_ms = sent_ms + ANSWER_MS - test_now_ms();
        struct tls_reply reply = tls_client_read_reply(probes[i], left_ms > 0 ? (int)left_ms : 0);
        late += reply.status == -1;
        if (reply.status != -1)
            assert_int_equal(reply.status, 503);
    }
    fault_note("%s: %d that were sent then were answered within %lld ms, %zu were late", run->label, PROBES,
               test_now_ms() - sent_ms, late);
    assert_int_equal(late, 0);
}

static int readiness(const struct fault_run *run)
{
    struct client_reply *reply = api_get(run->registry, NULL, "/readyz");
    int status = reply->status;
    talloc_free(reply);
    return status;
}

static void wait_until_not_ready(const struct fault_run *run)
{
    long long deadline = test_now_ms() + WAIT_MS;
    while (readiness(run) != 503) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
}

/* For `while_ms`, and until everybody was told to come again. */
static void watch_outage(const struct fault_run *run, int while_ms, long resident_before_kib)
{
    uint64_t before = load_peek(run->load).unavailable;
    long most_kib = 0, most_queued = 0;
    long long end = test_now_ms() + while_ms, deadline = end + WAIT_MS;
    while (test_now_ms() < end || load_peek(run->load).unavailable < before + CONNECTIONS) {
        long kib = resident_kib(run), rows = queued(run);
        most_kib = kib > most_kib ? kib : most_kib;
        most_queued = rows > most_queued ? rows : most_queued;
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    fault_note("%s: at most %ld submissions queued (limit %d), %+ld KiB of memory, %" PRIu64 " answers 503",
               run->label, most_queued, QUEUE_LIMIT, most_kib - resident_before_kib,
               load_peek(run->load).unavailable - before);
    /* What was with PostgreSQL goes back in front of what waits, so that there may be more than the limit. */
    assert_in_range(most_queued, 0, QUEUE_MOST);
    if (!SANITIZED)
        assert_true(most_kib - resident_before_kib < GROWTH_KIB);
}

static void note_recovery(const struct fault_run *run, long long back_ms)
{
    fault_note("%s: acknowledging again after %lld ms", run->label, test_now_ms() - back_ms);
}

/* ---- tests ---- */

static void test_away_at_start(void **state)
{
    (void)state;
    struct fault_run *run = fault_run_new(cluster, &(struct fault_options){
        .label = "away at start", .connections = CONNECTIONS, .settings = settings, .away = true});
    assert_int_equal(readiness(run), 503);
    assert_status(api_get(run->registry, NULL, "/healthz"), 200);
    assert_unavailable(run);
    cluster_start(cluster);
    long long back_ms = test_now_ms();
    assert_true(daemon_wait_ready(run->daemon, WAIT_MS));
    fault_run_enrol(run);
    note_recovery(run, back_ms);
    fault_run_begin(run);
    fault_run_end(run);
}

static void run_outage(const char *label, void (*leave)(struct cluster *),
                       void (*come_back)(struct cluster *))
{
    struct fault_run *run = fault_run_new(
        cluster, &(struct fault_options){.label = label, .connections = CONNECTIONS, .settings = settings});
    fault_run_begin(run);
    fault_run_wait(run, 200);
    long resident_before_kib = resident_kib(run);
    struct tls_client *probes[PROBES];
    begin_probes(run, probes);
    leave(cluster);
    long long left_ms = test_now_ms();
    send_probes(run, probes);
    end_probes(run, probes, left_ms);
    wait_until_not_ready(run);
    assert_unavailable(run);
    watch_outage(run, faults_are_long() ? 60000 : 2000, resident_before_kib);
    come_back(cluster);
    long long back_ms = test_now_ms();
    fault_run_wait(run, 2 * CONNECTIONS);
    note_recovery(run, back_ms);
    fault_run_end(run);
}

static void test_away_in_service(void **state)
{
    (void)state;
    run_outage("away in service", cluster_stop, cluster_start);
}

static void signal_all(const struct cluster *standing, int number)
{
    pid_t pids[256];
    size_t count = cluster_processes(standing, pids, sizeof pids / sizeof pids[0]);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], number);
}

static void stand_still(struct cluster *standing)
{
    signal_all(standing, SIGSTOP);
}

static void go_on(struct cluster *standing)
{
    signal_all(standing, SIGCONT);
}

/* It takes connections and says nothing: what libpq waits for longest. */
static void test_standing_still(void **state)
{
    (void)state;
    run_outage("standing still", stand_still, go_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_away_at_start),
        cmocka_unit_test(test_away_in_service),
        cmocka_unit_test(test_standing_still),
    };
    memory_init();
    return cmocka_run_group_tests(tests, start_cluster, end_cluster);
}
