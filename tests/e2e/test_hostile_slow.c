/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hundreds of clients that hold connections with as little as they can: each is closed at its deadline and counted, and
 * honest clients have every submission acknowledged meanwhile.  How fast: tests/bench/hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/counters.h"
#include "tests/support/hostile.h"
#include "tests/support/load.h"
#include "tests/support/registry.h"

enum { HONEST = 64, HOSTILE = 100, DEADLINE_MS = 60000 };

struct fixture {
    struct registry *registry;
    struct client *client;
    struct load *load;
};

static struct fixture begin(struct registry *registry, int site, const char *const *settings)
{
    struct fixture fixture = {.registry = registry};
    struct error error;
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    registry->daemon = daemon_start(registry, conninfo, settings);
    fixture.client = client_new(registry, registry->daemon, NULL);
    struct load_options options = {.port = registry->daemon->port, .certificate = registry->daemon->certificate,
                                   .site = site, .connections = HONEST};
    fixture.load = load_new(registry, &options, &error);
    if (fixture.load == NULL || !load_enrol(fixture.load, &error) || !load_start(fixture.load, &error))
        fail_msg("%s", error.message);
    return fixture;
}

static void wait_for_acknowledged(const struct load *load, uint64_t more)
{
    long long until_ms = test_now_ms() + DEADLINE_MS;
    uint64_t wanted = load_peek(load).acknowledged + more;
    while (load_peek(load).acknowledged < wanted) {
        if (test_now_ms() > until_ms)
            fail_msg("only %llu were acknowledged", (unsigned long long)load_peek(load).acknowledged);
        test_pause();
    }
}

/* The honest ones go on, and have lost nothing. */
static void end(struct fixture *fixture)
{
    struct load_findings findings;
    wait_for_acknowledged(fixture->load, 2 * HONEST);
    load_stop(fixture->load);
    load_join(fixture->load);
    struct load_counts counts = load_peek(fixture->load);
    assert_int_equal(counts.connects, HONEST);
    assert_int_equal(counts.connect_failures + counts.unanswered + counts.unavailable + counts.failed, 0);
    assert_int_equal(counts.refused, 0);
    assert_int_equal(counts.acknowledged, counts.submissions);
    if (!load_check_ledger(fixture->load, fixture->registry->db, &findings))
        fail_msg("%s", findings.text);
    assert_int_equal(daemon_stop(fixture->registry->daemon), 0);
}

static struct hostile *attack(struct registry *registry, enum hostile_kind kind, const char *source, bool again)
{
    struct hostile_options options = {.kind = kind, .port = registry->daemon->port, .connections = HOSTILE,
                                      .source = source, .token = "machine1", .again = again};
    struct hostile *hostile = hostile_start(registry, &options);
    assert_non_null(hostile);
    return hostile;
}

static void wait_for_closed(const struct hostile *hostile, enum hostile_kind kind, uint64_t wanted)
{
    long long until_ms = test_now_ms() + DEADLINE_MS;
    struct hostile_counts counts;
    while ((counts = hostile_peek(hostile)).closed < wanted) {
        if (test_now_ms() > until_ms || counts.failed)
            fail_msg("%s: %llu of %llu closed%s", hostile_kind_name(kind), (unsigned long long)counts.closed,
                     (unsigned long long)counts.begun, counts.failed ? ", a socket was lacking" : "");
        test_pause();
    }
}

static void test_slow_clients_are_closed_at_their_deadlines(void **state)
{
    static const char *const settings[] = {"handshake_deadline_ms=3000", "head_deadline_ms=2000",
                                           "rate_grace_ms=2000", NULL};
    static const struct {
        enum hostile_kind kind;
        const char *source, *counter;
        const char *problem;     /* what it is told, if anything */
    } kinds[] = {
        {HOSTILE_SILENT, "127.0.0.2", "patella_deadlines_total{phase=\"handshake\"}", NULL},
        {HOSTILE_HELLO, "127.0.0.3", "patella_deadlines_total{phase=\"handshake\"}", NULL},
        {HOSTILE_HEAD, "127.0.0.4", "patella_deadlines_total{phase=\"head\"}",
         "patella_problems_total{code=\"head_too_slow\"}"},
        {HOSTILE_BODY, "127.0.0.5", "patella_deadlines_total{phase=\"body\"}",
         "patella_problems_total{code=\"body_too_slow\"}"},
        {HOSTILE_READER, "127.0.0.6", "patella_deadlines_total{phase=\"reply\"}", NULL},
    };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct hostile *hostile[KINDS];
    struct fixture fixture = begin(*state, 1, settings);
    wait_for_acknowledged(fixture.load, HONEST);
    for (size_t i = 0; i < KINDS; i++)
        hostile[i] = attack(*state, kinds[i].kind, kinds[i].source, false);
    for (size_t i = 0; i < KINDS; i++)
        wait_for_closed(hostile[i], kinds[i].kind, HOSTILE);
    for (size_t i = 0; i < KINDS; i++) {
        struct hostile_counts counts = hostile_peek(hostile[i]);
        assert_int_equal(counts.begun, HOSTILE);
        assert_int_equal(counts.closed, HOSTILE);
        hostile_stop(hostile[i]);
        /* Where a machine is slow, the deadline of the handshake can be first, though the client has done its part. */
        counters_wait(fixture.client, kinds[i].counter, HOSTILE / 2);
        if (kinds[i].problem != NULL)
            counters_wait(fixture.client, kinds[i].problem, HOSTILE / 2);
    }
    assert_true(counters_sum(counters_read(fixture.client), "patella_deadlines_total") >= KINDS * HOSTILE);
    end(&fixture);
}

/* Those that are closed come back at once, for ever. */
static void test_one_address_takes_its_share_and_no_more(void **state)
{
    static const char *const settings[] = {"max_connections=200", "max_connections_per_address=70", NULL};
    struct fixture fixture = begin(*state, 2, settings);
    wait_for_acknowledged(fixture.load, HONEST);
    struct hostile *hostile = attack(*state, HOSTILE_HEAD, "127.0.0.2", true);
    counters_wait(fixture.client, "patella_connections_refused_total{reason=\"address_limit\"}", 5 * HOSTILE);
    assert_in_range(hostile_peek(hostile).open, 1, 70);
    const char *counters = counters_read(fixture.client);
    assert_in_range(counters_value(counters, "patella_connections_open"), HONEST + 1, HONEST + 1 + 70);
    assert_int_equal(counters_value(counters, "patella_connections_refused_total{reason=\"total_limit\"}"), 0);
    wait_for_acknowledged(fixture.load, 2 * HONEST);
    hostile_stop(hostile);
    end(&fixture);
}

static void test_flood_of_handshakes_stops_no_honest_client(void **state)
{
    struct fixture fixture = begin(*state, 3, NULL);
    wait_for_acknowledged(fixture.load, HONEST);
    struct hostile *hostile = attack(*state, HOSTILE_FLOOD, "127.0.0.2", true);
    long long until_ms = test_now_ms() + DEADLINE_MS;
    while (hostile_peek(hostile).begun < 10 * HOSTILE && test_now_ms() < until_ms)
        test_pause();
    assert_true(hostile_peek(hostile).begun >= 10 * HOSTILE);
    wait_for_acknowledged(fixture.load, 2 * HONEST);
    hostile_stop(hostile);
    end(&fixture);
}

static int set_up(void **state)
{
    *state = registry_new_stopped(NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct registry *registry = *state;
    talloc_free(registry->db);
    talloc_free(registry);
    return 0;
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_clients_are_closed_at_their_deadlines),
        cmocka_unit_test(test_one_address_takes_its_share_and_no_more),
        cmocka_unit_test(test_flood_of_handshakes_stops_no_honest_client),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
