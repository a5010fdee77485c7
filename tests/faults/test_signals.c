/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SIGTERM and a start on the same port, and a lack of file descriptors, under load: what the daemon has taken is
 * answered, what it cannot take is closed before anything of it was done, and no client is left without either.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "tests/support/fault_run.h"
#include "tests/support/tls_client.h"

enum { DEADLINE_MS = 20000, QUEUED = 48, CROWD = 64, KNOCKERS = 4, TICK_MS = 100 };

static const char get_health[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

static size_t count_in_log(const struct daemon_process *daemon, const char *text)
{
    size_t count = 0;
    void *work = memory_owner(NULL, "log");
    for (const char *at = daemon_read_log(work, daemon); (at = strstr(at, text)) != NULL; at++)
        count++;
    talloc_free(work);
    return count;
}

static void wait_for_log(const struct fault_run *run, const char *text, size_t times)
{
    long long deadline = test_now_ms() + DEADLINE_MS;
    while (count_in_log(run->daemon, text) < times) {
        if (test_now_ms() > deadline)
            fault_fail(run, memory_format(run, "the log never says %s", text));
        test_pause();
    }
}

/* ---- SIGTERM ---- */

/* Connects again and again: what the kernel has accepted for the daemon must be served. */
struct knocker {
    pthread_t thread;
    int port;
    atomic_bool stops;
    uint64_t served, refused, cut;       /* refused: nobody listened */
};

static bool is_served(struct tls_client *client)
{
    bool served = client != NULL && tls_client_send_text(client, get_health) &&
                  tls_client_read_reply(client, DEADLINE_MS).status == 200;
    talloc_free(client);
    return served;
}

static void *knock(void *context)
{
    struct knocker *knocker = context;
    void *owner = memory_owner(NULL, "knocker");
    while (!atomic_load(&knocker->stops)) {
        int connected = tls_client_connect_plain(knocker->port);
        if (connected < 0)
            knocker->refused++;
        else if (is_served(tls_client_open(owner, &(struct tls_client_options){.socket = connected})))
            knocker->served++;
        else
            knocker->cut++;
        if (connected < 0)
            test_pause();
    }
    talloc_free(owner);
    return NULL;
}

static void start_knocking(struct knocker *knockers, int port)
{
    for (size_t i = 0; i < KNOCKERS; i++) {
        knockers[i] = (struct knocker){.port = port};
        assert_int_equal(pthread_create(&knockers[i].thread, NULL, knock, &knockers[i]), 0);
    }
}

/* The sum of what they saw. */
static struct knocker end_knocking(struct knocker *knockers)
{
    struct knocker sum = {.port = 0};
    for (size_t i = 0; i < KNOCKERS; i++)
        atomic_store(&knockers[i].stops, true);
    for (size_t i = 0; i < KNOCKERS; i++) {
        pthread_join(knockers[i].thread, NULL);
        sum.served += knockers[i].served;
        sum.refused += knockers[i].refused;
        sum.cut += knockers[i].cut;
    }
    return sum;
}

static void test_restarts_under_load_leave_no_request_unanswered(void **state)
{
    struct fault_run *run = fault_run_new(
        *state, &(struct fault_options){.label = "SIGTERM and start, 64 connections", .connections = 64});
    int restarts = faults_are_long() ? 30 : 4;
    int64_t most_ms = 0;
    struct knocker knockers[KNOCKERS];
    start_knocking(knockers, run->daemon->port);
    fault_run_begin(run);
    for (int i = 0; i < restarts; i++) {
        fault_run_wait(run, fault_random(500));
        int64_t struck_us = clock_now_us();
        assert_int_equal(daemon_stop(run->daemon), 0);
        daemon_restart(run->daemon);
        fault_run_wait(run, 128);
        int64_t took_ms = (clock_now_us() - struck_us) / 1000;
        most_ms = took_ms > most_ms ? took_ms : most_ms;
    }
    struct knocker knocked = end_knocking(knockers);
    load_stop(run->load);
    load_join(run->load);
    struct load_counts counts = load_peek(run->load);
    fault_note("new connections meanwhile: served %" PRIu64 ", nobody listened %" PRIu64 ", cut %" PRIu64,
               knocked.served, knocked.refused, knocked.cut);
    fault_note("%4d x SIGTERM and start: %" PRIu64 " connections, unanswered %" PRIu64 ", 503 %" PRIu64
               ", acknowledging again after at most %" PRId64 " ms",
               restarts, counts.connects, counts.unanswered, counts.unavailable, most_ms);
    if (counts.unanswered > 0 || counts.unavailable > 0)
        fault_fail(run, "requests were dropped");
    if (knocked.cut > 0)
        fault_fail(run, "connections were cut before they were served");
    fault_run_end(run);
}

/* The daemon stands still while clients connect, so that all of them wait to be accepted when SIGTERM comes. */
static void test_connections_that_wait_to_be_accepted_at_stop_are_served(void **state)
{
    struct fault_run *run = fault_run_new(*state, &(struct fault_options){.label = "accept queue at SIGTERM"});
    int sockets[QUEUED];
    int served = 0;
    assert_int_equal(kill(run->daemon->pid, SIGSTOP), 0);
    for (size_t i = 0; i < QUEUED; i++) {
        sockets[i] = tls_client_connect_plain(run->daemon->port);
        assert_true(sockets[i] > 0);
    }
    assert_int_equal(kill(run->daemon->pid, SIGTERM), 0);
    assert_int_equal(kill(run->daemon->pid, SIGCONT), 0);
    for (size_t i = 0; i < QUEUED; i++) {
        struct tls_client *client = tls_client_open(NULL, &(struct tls_client_options){.socket = sockets[i]});
        served += is_served(client);
    }
    fault_note("accept queue at SIGTERM: %d connections, served %d", QUEUED, served);
    assert_int_equal(served, QUEUED);
    assert_int_equal(daemon_wait(run->daemon), 0);
    daemon_restart(run->daemon);
    fault_run_begin(run);
    fault_run_end(run);
}

/* A request whose first half came before SIGTERM, one that never gets whole, and an idle connection: an answer, or an
 * end that says so. */
static void test_what_has_begun_at_stop_is_answered(void **state)
{
    static const char half[] = "GET /healthz HTTP/1.1\r\nHo";
    static const char *const settings[] = {"stop_deadline_ms=4000", NULL};
    struct fault_run *run = fault_run_new(
        *state, &(struct fault_options){.label = "half a head at SIGTERM", .settings = settings});
    const struct tls_client_options there = {.port = run->daemon->port};
    struct tls_client *begun = tls_client_open(NULL, &there), *idle = tls_client_open(NULL, &there),
                      *never = tls_client_open(NULL, &there);
    assert_true(begun != NULL && idle != NULL && never != NULL);
    assert_true(tls_client_send_text(never, half));
    assert_true(tls_client_send_text(idle, get_health));
    assert_int_equal(tls_client_read_reply(idle, DEADLINE_MS).status, 200);
    assert_true(tls_client_send_text(begun, half));
    fault_run_begin(run);
    assert_int_equal(kill(run->daemon->pid, SIGTERM), 0);
    wait_for_log(run, "msg=stopping", 1);
    bool clean = false;
    assert_true(tls_client_is_closed(idle, DEADLINE_MS, &clean));
    assert_true(clean);
    clean = false;
    assert_true(tls_client_send_text(begun, get_health + sizeof half - 1));
    struct tls_reply reply = tls_client_read_reply(begun, DEADLINE_MS);
    assert_int_equal(reply.status, 200);
    assert_string_equal(tls_reply_header(begun, &reply, "Connection"), "close");
    assert_true(tls_client_is_closed(never, DEADLINE_MS, &clean));
    assert_true(clean);
    talloc_free(begun);
    talloc_free(idle);
    talloc_free(never);
    assert_int_equal(daemon_wait(run->daemon), 0);
    daemon_restart(run->daemon);
    fault_run_end(run);
}

/* ---- file descriptors ---- */

static rlim_t open_descriptors(const struct fault_run *run)
{
    char path[64];
    rlim_t count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)run->daemon->pid);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static long long refused_for_descriptors(struct client *client)
{
    static const char name[] = "patella_connections_refused_total{reason=\"descriptors\"} ";
    struct client_reply *reply = client_send(client, "GET", "/metrics", NULL);
    const char *found = strstr(reply->body, name);
    assert_non_null(found);
    return strtoll(found + strlen(name), NULL, 10);
}

static int64_t cpu_us_of(const struct fault_run *run)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)run->daemon->pid);   /* of the event loop's thread */
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    long long ns = 0;
    assert_int_equal(fscanf(file, "%lld", &ns), 1);
    fclose(file);
    return ns / 1000;
}

static void test_lack_of_descriptors_pauses_and_passes(void **state)
{
    struct fault_run *run =
        fault_run_new(*state, &(struct fault_options){.label = "out of descriptors, 16 connections"});
    struct client *watcher = client_new(run, run->daemon, NULL);
    assert_int_equal(refused_for_descriptors(watcher), 0);   /* its connection is kept */
    fault_run_begin(run);
    struct rlimit before, tight;
    rlim_t in_use = open_descriptors(run);
    if (in_use == 0 || prlimit(run->daemon->pid, RLIMIT_NOFILE, NULL, &before) != 0)
        skip();   /* the limits of another process are root's to change */
    tight = (struct rlimit){.rlim_cur = in_use + 4, .rlim_max = before.rlim_max};
    assert_int_equal(prlimit(run->daemon->pid, RLIMIT_NOFILE, &tight, NULL), 0);
    int64_t begun_us = clock_now_us(), begun_cpu_us = cpu_us_of(run);
    int crowd[CROWD];
    for (size_t i = 0; i < CROWD; i++)
        assert_true((crowd[i] = tls_client_connect_plain(run->daemon->port)) > 0);
    long long refused = 0;
    while (refused < 20) {       /* of one attempt a tick */
        refused = refused_for_descriptors(watcher);
        assert_true(clock_now_us() - begun_us < DEADLINE_MS * 1000LL);
        test_pause();
    }
    fault_run_wait(run, 100);    /* who is connected does not notice */
    refused = refused_for_descriptors(watcher);
    int64_t ticks = (clock_now_us() - begun_us) / 1000 / TICK_MS + 1;
    fault_note("out of descriptors: %lld attempts in %" PRId64 " ticks, event loop's CPU %" PRId64
               " ms of %" PRId64 " ms (with load), %zu lines in the log",
               refused, ticks, (cpu_us_of(run) - begun_cpu_us) / 1000, (clock_now_us() - begun_us) / 1000,
               count_in_log(run->daemon, "cannot take a connection"));
    assert_true(refused <= ticks + 1);
    assert_int_equal(count_in_log(run->daemon, "cannot take a connection"), 1);
    for (size_t i = 0; i < CROWD; i++)
        close(crowd[i]);
    assert_int_equal(prlimit(run->daemon->pid, RLIMIT_NOFILE, &before, NULL), 0);
    wait_for_log(run, "taking connections again", 1);
    struct tls_client *client = tls_client_open(run, &(struct tls_client_options){.port = run->daemon->port});
    assert_non_null(client);
    talloc_free(client);
    fault_run_end(run);
}

/* Clients hold on to every connection that they are given: the way back to the database stays open. */
static void test_held_connections_leave_descriptors_for_the_database(void **state)
{
    struct fault_run *run =
        fault_run_new(*state, &(struct fault_options){.label = "all connections held, 16 of load"});
    fault_run_begin(run);
    struct rlimit before, tight;
    rlim_t in_use = open_descriptors(run);
    if (in_use == 0 || prlimit(run->daemon->pid, RLIMIT_NOFILE, NULL, &before) != 0)
        skip();
    tight = (struct rlimit){.rlim_cur = in_use + CROWD, .rlim_max = in_use + CROWD};
    assert_int_equal(prlimit(run->daemon->pid, RLIMIT_NOFILE, &tight, NULL), 0);
    assert_int_equal(kill(run->daemon->pid, SIGHUP), 0);
    wait_for_log(run, "fewer connections than max_connections", 1);
    struct tls_client *crowd[CROWD];
    int held = 0;
    for (size_t i = 0; i < CROWD; i++) {
        crowd[i] = tls_client_open(NULL, &(struct tls_client_options){.port = run->daemon->port});
        held += crowd[i] != NULL;
    }
    for (int i = 0; i < 3; i++) {
        test_run(run->registry->db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                    "WHERE application_name = 'patellad'");
        fault_run_wait(run, 100);
    }
    fault_note("all connections held: %d of %d were given, and patellad found its database again three times", held,
               CROWD);
    assert_true(held > 0 && held < CROWD);
    for (size_t i = 0; i < CROWD; i++)
        talloc_free(crowd[i]);
    fault_run_end(run);
}

static int make_cluster(void **state)
{
    *state = cluster_new(NULL, NULL);
    return 0;
}

static int remove_cluster(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restarts_under_load_leave_no_request_unanswered),
        cmocka_unit_test(test_connections_that_wait_to_be_accepted_at_stop_are_served),
        cmocka_unit_test(test_what_has_begun_at_stop_is_answered),
        cmocka_unit_test(test_lack_of_descriptors_pauses_and_passes),
        cmocka_unit_test(test_held_connections_leave_descriptors_for_the_database),
    };
    memory_init();
    return cmocka_run_group_tests(tests, make_cluster, remove_cluster);
}
