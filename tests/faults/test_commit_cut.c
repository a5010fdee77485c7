/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection to PostgreSQL ends, or falls silent, exactly at COMMIT: before PostgreSQL has it, after
 * it, and in the middle of the answer.  Whether it is committed, only PostgreSQL knows; the same ids go
 * again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/fault_run.h"
#include "tests/support/pg_proxy.h"

enum { CONNECTIONS = 32, STRIKE_MS = 60000 };

static void strike(struct fault_run *run, struct pg_proxy *proxy, enum pg_proxy_fault fault)
{
    fault_run_wait(run, fault_random(100));
    pg_proxy_arm(proxy, fault, fault_random(UINT32_MAX));
    for (long long deadline = test_now_ms() + STRIKE_MS; !pg_proxy_has_struck(proxy); test_pause())
        if (test_now_ms() > deadline)
            fault_fail(run, "the proxy sees no COMMIT");
    fault_run_wait(run, 2 * CONNECTIONS);
}

static struct cluster *cluster;
static bool has_network;

/* Silence takes TCP, and that takes a network that nobody else is in. */
static int start_cluster(void **state)
{
    (void)state;
    const char *why = NULL;
    has_network = cluster_enter_network(&why);
    if (!has_network)
        fault_note("no network of its own: %s", why);
    cluster = cluster_new(NULL, NULL);
    if (has_network)
        cluster_listen(cluster);
    return 0;
}

static int end_cluster(void **state)
{
    (void)state;
    talloc_free(cluster);
    return 0;
}

static void run_faults(const char *label, enum pg_proxy_fault fault, int times)
{
    bool tcp = fault == PG_PROXY_HANG_BEFORE || fault == PG_PROXY_HANG_ANSWER;
    if (times == 0 || (tcp && !has_network))
        skip();
    struct pg_proxy *proxy = pg_proxy_new(cluster, tcp ? NULL : cluster_socket(cluster));
    struct fault_run *run = fault_run_new(cluster, &(struct fault_options){
        .label = label, .connections = CONNECTIONS, .host = pg_proxy_socket(proxy)});
    fault_run_begin(run);
    for (int i = 0; i < times; i++)
        strike(run, proxy, fault);
    fault_run_end(run);
    talloc_free(proxy);
}

static void test_cut_before_commit(void **state)
{
    (void)state;
    run_faults("cut before COMMIT", PG_PROXY_CUT_BEFORE, faults_are_long() ? 50 : 3);
}

static void test_cut_after_commit(void **state)
{
    (void)state;
    run_faults("cut behind COMMIT", PG_PROXY_CUT_AFTER, faults_are_long() ? 50 : 3);
}

static void test_cut_before_answer(void **state)
{
    (void)state;
    run_faults("cut before the answer to COMMIT", PG_PROXY_CUT_ANSWER, faults_are_long() ? 50 : 3);
}

static void test_cut_within_answer(void **state)
{
    (void)state;
    run_faults("cut within the answer to COMMIT", PG_PROXY_CUT_IN_ANSWER, faults_are_long() ? 50 : 3);
}

/* PostgreSQL has the batch but not its COMMIT, and keeps the ids to itself until it finds out. */
static void test_silence_before_commit(void **state)
{
    (void)state;
    run_faults("silence before COMMIT", PG_PROXY_HANG_BEFORE, faults_are_long() ? 6 : 1);
}

static void test_silence_instead_of_answer(void **state)
{
    (void)state;
    run_faults("silence instead of the answer", PG_PROXY_HANG_ANSWER, faults_are_long() ? 6 : 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_before_commit),
        cmocka_unit_test(test_cut_after_commit),
        cmocka_unit_test(test_cut_before_answer),
        cmocka_unit_test(test_cut_within_answer),
        cmocka_unit_test(test_silence_before_commit),
        cmocka_unit_test(test_silence_instead_of_answer),
    };
    memory_init();
    return cmocka_run_group_tests(tests, start_cluster, end_cluster);
}
