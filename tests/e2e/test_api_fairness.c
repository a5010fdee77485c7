/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One account sends as much as it can, and others are served beside it: the queue has room for them, and the
 * writer takes them by turns.  What is asserted is counted, not timed; the times are printed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/hostile.h"
#include "tests/support/load.h"
#include "tests/support/registry.h"
#include "tests/support/tls_client.h"

enum {
    HONEST = 16,                     /* connections */
    GREEDY = 6,
    SUBMISSIONS = 1000,
    ARRAY_ROWS = 256,
    TIMES_MOST = 128,                /* in an array each costs a fraction of what a submission alone does */
    WAIT_MS = 120000
};

static struct registry *start_with(const char *const *settings)
{
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    return registry;
}

static void free_registry(struct registry *registry)
{
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* ---- side by side ---- */

static struct load *start_honest(struct registry *registry)
{
    struct error error;
    const struct daemon_process *daemon = registry->daemon;
    struct load_options options = {.port = daemon->port, .certificate = daemon->certificate, .site = 2,
                                   .connections = HONEST, .submissions = SUBMISSIONS};
    struct load *load = load_new(registry, &options, &error);
    if (load == NULL || !load_enrol(load, &error) || !load_start(load, &error))
        fail_msg("%s", error.message);
    return load;
}

static struct hostile *start_greedy(struct registry *registry, enum hostile_kind kind)
{
    struct hostile_options options = {.kind = kind, .port = registry->daemon->port, .connections = GREEDY,
                                      .source = "127.0.0.2", .token = "machine1", .again = true};
    struct hostile *greedy = hostile_start(registry, &options);
    assert_non_null(greedy);
    long long deadline = test_now_ms() + WAIT_MS;
    while (hostile_peek(greedy).answered + hostile_peek(greedy).refused < GREEDY) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    return greedy;
}

/* Six arrays of 256 ask for twice the room that there is. */
static void run_beside(enum hostile_kind kind)
{
    static const char *const settings[] = {"queue_limit=768", "access_log=false", NULL};
    struct registry *registry = start_with(settings);
    struct hostile *greedy = start_greedy(registry, kind);
    uint64_t arrays_before = hostile_peek(greedy).answered;
    struct load *honest = start_honest(registry);
    long long deadline = test_now_ms() + WAIT_MS;
    while (load_peek(honest).acknowledged < SUBMISSIONS && test_now_ms() < deadline)
        test_pause();
    struct load_counts counts = load_peek(honest);
    uint64_t rows = (hostile_peek(greedy).answered - arrays_before) * ARRAY_ROWS;
    uint64_t refused = hostile_peek(greedy).refused;
    hostile_stop(greedy);
    load_abort(honest);
    load_join(honest);
    printf("# beside %s: %" PRIu64 " in %" PRId64 " ms, median %.1f ms, %" PRIu64 " times 503; "
           "the others: %" PRIu64 " rows, %" PRIu64 " times 503\n",
           hostile_kind_name(kind), counts.acknowledged, load_elapsed_us(honest) / 1000,
           load_latency_us(honest, 0.5) / 1000, counts.unavailable, rows, refused);
    assert_int_equal(counts.acknowledged, SUBMISSIONS);
    assert_int_equal(counts.unavailable, 0);
    assert_in_range(rows, 0, TIMES_MOST * SUBMISSIONS);
    free_registry(registry);
}

static void test_arrays_of_one_leave_others_their_share(void **state)
{
    (void)state;
    run_beside(HOSTILE_ARRAYS);
}

static void test_repeats_of_one_leave_others_their_share(void **state)
{
    (void)state;
    run_beside(HOSTILE_REPEATS);
}

/* ---- room ---- */

/* About subject 01-0001. */
static struct tls_client *send_event(struct registry *registry, const char *token, int instance)
{
    const char *more = memory_format(registry, ",\"instance\":%d", instance);
    const char *body = registry_event(registry, NULL, "01-0001", "swelling", more);
    struct tls_client *client =
        tls_client_open(registry, &(struct tls_client_options){.port = registry->daemon->port});
    assert_non_null(client);
    assert_true(tls_client_send_text(
        client, memory_format(registry,
                              "POST " DEMO "/submissions HTTP/1.1\r\nHost: localhost\r\n"
                              "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                              "Content-Length: %zu\r\n\r\n%s", token, strlen(body), body)));
    return client;
}

static void wait_for_queued(struct registry *registry, int count)
{
    const char *line = memory_format(registry, "\npatella_writer_queued %d\n", count);
    long long deadline = test_now_ms() + 10000;
    while (strstr(api_get(registry, NULL, "/metrics")->body, line) == NULL) {
        if (test_now_ms() > deadline)
            fail_msg("there are not %d in the queue", count);
        test_pause();
    }
}

static void expect(struct tls_client *client, int status)
{
    assert_int_equal(tls_client_read_reply(client, 10000).status, status);
}

/*
 * One is with PostgreSQL, which waits for the table; of the eight places one account gets four, the next one
 * two.
 */
static void test_account_leaves_room_in_the_queue(void **state)
{
    static const char *const settings[] = {"queue_limit=8", NULL};
    (void)state;
    struct registry *registry = start_with(settings);
    registry_enrol(registry, "coordinator", "01-0001");
    const char *body = registry_event(registry, NULL, "01-0001", "swelling", "");
    assert_status(api_submit(registry, "coordinator1", body), 201);
    struct db *holder = test_database_connect(registry, registry->database, NULL);
    test_run(holder, "BEGIN; LOCK TABLE core.submission IN ACCESS EXCLUSIVE MODE");
    struct tls_client *taken[7];
    taken[0] = send_event(registry, "coordinator", 100);
    long long deadline = test_now_ms() + 10000;
    while (strcmp(test_value(registry->db, "SELECT count(*) FROM pg_locks WHERE NOT granted "
                                           "AND relation = 'core.submission'::regclass"), "1") != 0) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    for (int i = 1; i <= 4; i++) {
        taken[i] = send_event(registry, "coordinator", 100 + i);
        wait_for_queued(registry, i);
    }
    expect(send_event(registry, "coordinator", 200), 503);
    for (int i = 5; i <= 6; i++) {
        taken[i] = send_event(registry, "coordinator1", 100 + i);
        wait_for_queued(registry, i);
    }
    expect(send_event(registry, "coordinator1", 201), 503);
    test_run(holder, "ROLLBACK");
    for (int i = 0; i <= 6; i++)
        expect(taken[i], 201);
    free_registry(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_of_one_leave_others_their_share),
        cmocka_unit_test(test_repeats_of_one_leave_others_their_share),
        cmocka_unit_test(test_account_leaves_room_in_the_queue),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
