/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients with a token of their own that ask for as much work and memory as they can: others have every submission
 * acknowledged meanwhile.  How fast: tests/bench/hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/hostile.h"
#include "tests/support/load.h"
#include "tests/support/registry.h"

/* A queue without shares gives the honest ones 1.6 a second, and refuses most; sanitizers on a busy machine still 8. */
enum { HONEST = 8, SUBMISSIONS = 600, SENDERS = 40, HOLDERS = 256, DEADLINE_MS = 150000 };

static int next_subject = 1;     /* of the senders: each crowd has records of its own */

static struct hostile *attack(struct registry *registry, enum hostile_kind kind, const char *source)
{
    struct hostile_options options = {
        .kind = kind, .port = registry->daemon->port, .source = source, .token = "machine1", .again = true,
        .connections = kind == HOSTILE_HELD ? HOLDERS : SENDERS, .first_subject = next_subject};
    next_subject += 64;
    struct hostile *hostile = hostile_start(registry, &options);
    assert_non_null(hostile);
    return hostile;
}

/* Until each has sent what it came for, or been turned away. */
static void wait_for_attack(const struct hostile *hostile, uint64_t connections)
{
    long long until_ms = test_now_ms() + DEADLINE_MS;
    struct hostile_counts counts = hostile_peek(hostile);
    while (counts.sent + counts.closed < connections) {
        if (test_now_ms() > until_ms || counts.failed)
            fail_msg("only %llu were sent", (unsigned long long)counts.sent);
        test_pause();
        counts = hostile_peek(hostile);
    }
}

static void wait_for_all(const struct load *load)
{
    long long until_ms = test_now_ms() + DEADLINE_MS;
    struct load_counts counts;
    while ((counts = load_peek(load)).acknowledged < SUBMISSIONS) {
        if (test_now_ms() > until_ms)
            fail_msg("only %llu were acknowledged, %llu times 503", (unsigned long long)counts.acknowledged,
                     (unsigned long long)counts.unavailable);
        test_pause();
    }
}

/* Beside arrays of the kind and bodies that are held. */
static void expect_all_acknowledged(struct registry *registry, enum hostile_kind kind, int site)
{
    struct error error;
    struct load_findings findings;
    struct load_options options = {.port = registry->daemon->port, .certificate = registry->daemon->certificate,
                                   .site = site, .connections = HONEST, .submissions = SUBMISSIONS};
    struct load *load = load_new(registry, &options, &error);
    if (load == NULL || !load_enrol(load, &error))
        fail_msg("%s", error.message);
    struct hostile *senders = attack(registry, kind, "127.0.0.2");
    struct hostile *holders = attack(registry, HOSTILE_HELD, "127.0.0.3");
    wait_for_attack(senders, SENDERS);
    wait_for_attack(holders, HOLDERS);
    uint64_t answered_before = hostile_peek(senders).answered;
    if (!load_start(load, &error))
        fail_msg("%s", error.message);
    wait_for_all(load);
    load_join(load);
    assert_true(hostile_peek(senders).answered > answered_before);
    assert_true(hostile_peek(holders).open > 0);
    hostile_stop(senders);
    hostile_stop(holders);
    struct load_counts counts = load_peek(load);
    assert_int_equal(counts.refused + counts.failed + counts.unknown_now, 0);
    if (!load_check_ledger(load, registry->db, &findings))
        fail_msg("%s", findings.text);
    assert_int_equal(findings.acknowledged, SUBMISSIONS);
}

static void test_arrays_of_one_token_stop_no_other(void **state)
{
    expect_all_acknowledged(*state, HOSTILE_ARRAYS, 2);
}

static void test_arrays_that_repeat_one_row_stop_no_other(void **state)
{
    expect_all_acknowledged(*state, HOSTILE_REPEATS, 3);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays_of_one_token_stop_no_other),
        cmocka_unit_test(test_arrays_that_repeat_one_row_stop_no_other),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
