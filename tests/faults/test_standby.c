/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A synchronous standby.  It takes over after kill -9 of the primary, and the daemon, which knows both by
 * one connection string, follows: nothing acknowledged is lost.  And it goes away: commits wait for it, and
 * what an administrator lets go without it is not acknowledged.
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

#include "forms/base/memory.h"
#include "tests/support/fault_run.h"
#include "tests/support/upload_run.h"

enum { CONNECTIONS = 32, WAIT_MS = 60000 };

struct pair {
    void *owner;
    struct cluster *primary, *standby;
    struct fault_run *run;
};

static void wait_for_value(const struct cluster *cluster, const char *sql, const char *wanted)
{
    struct db *db = cluster_connect(NULL, cluster, "postgres");
    long long deadline = test_now_ms() + WAIT_MS;
    while (strcmp(test_value(db, sql), wanted) != 0) {
        if (test_now_ms() > deadline)
            fail_msg("%s is not %s", sql, wanted);
        test_pause();
    }
    talloc_free(db);
}

static const char standby_state[] =
    "SELECT coalesce(max(sync_state), 'none') FROM pg_stat_replication WHERE application_name = 'standby'";

/* From here on COMMIT waits for the standby. */
static void require_standby(const struct cluster *primary)
{
    struct db *db = cluster_connect(NULL, primary, "postgres");
    test_run(db, "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    test_run(db, "SELECT pg_reload_conf()");
    talloc_free(db);
    wait_for_value(primary, standby_state, "sync");
}

static struct pair begin(const char *label, bool synchronous)
{
    struct pair pair = {.owner = memory_owner(NULL, "pair")};
    pair.primary = cluster_new(pair.owner, NULL);
    pair.standby = cluster_new_standby(pair.owner, pair.primary);
    if (synchronous)
        require_standby(pair.primary);
    pair.run = fault_run_new(pair.primary, &(struct fault_options){
        .label = label,
        .connections = CONNECTIONS,
        .host = memory_format(pair.owner, "%s,%s", cluster_socket(pair.primary),
                              cluster_socket(pair.standby)),
        .database_more = "target_session_attrs=read-write",
    });
    fault_run_begin(pair.run);
    fault_run_wait(pair.run, fault_random(1000));
    return pair;
}

/* The old primary stays dead: two that both take submissions are what no client can mend. */
static void promote(struct pair *pair)
{
    struct db *db = cluster_connect(NULL, pair->standby, "postgres");
    test_run(db, "SELECT pg_promote(true, 60)");
    talloc_free(db);
    cluster_use(pair->standby);
    pair->run->cluster = pair->standby;
}

static void take_over(const char *label, enum cluster_victims victims)
{
    struct pair pair = begin(label, true);
    cluster_kill(pair.primary, victims);
    long long killed_ms = test_now_ms();
    promote(&pair);
    fault_run_wait(pair.run, 2 * CONNECTIONS);
    fault_note("%s: acknowledging again after %lld ms", label, test_now_ms() - killed_ms);
    fault_run_end(pair.run);
    talloc_free(pair.owner);
}

static void test_standby_takes_over(void **state)
{
    (void)state;
    for (int i = 0; i < (faults_are_long() ? 5 : 1); i++)
        take_over("standby promoted", CLUSTER_EVERYTHING);
}

static void test_standby_takes_over_from_orphans(void **state)
{
    (void)state;
    if (!faults_are_long())
        skip();
    for (int i = 0; i < 5; i++)
        take_over("standby promoted, postmaster killed", CLUSTER_POSTMASTER);
}

static void signal_all(const struct cluster *cluster, int number)
{
    pid_t pids[256];
    size_t count = cluster_processes(cluster, pids, sizeof pids / sizeof pids[0]);
    for (size_t i = 0; i < count; i++)
        kill(pids[i], number);
}

/* That the ledger would see it: nobody waits for this standby, and what it has not received is lost. */
static void test_loss_behind_asynchronous_standby_is_found(void **state)
{
    (void)state;
    struct load_findings findings;
    struct pair pair = begin("asynchronous standby promoted", false);
    signal_all(pair.standby, SIGSTOP);
    fault_run_wait(pair.run, 500);
    cluster_kill(pair.primary, CLUSTER_EVERYTHING);
    signal_all(pair.standby, SIGCONT);
    promote(&pair);
    fault_run_wait(pair.run, 2 * CONNECTIONS);
    load_stop(pair.run->load);
    load_join(pair.run->load);
    assert_false(load_check_ledger(pair.run->load, fault_run_db(pair.run), &findings));
    assert_true(findings.lost > 0);
    fault_note("%s: the ledger finds %" PRIu64 " lost of %" PRIu64 ", as it should", pair.run->label,
               findings.lost, findings.acknowledged);
    assert_int_equal(daemon_stop(pair.run->daemon), 0);
    talloc_free(pair.run->registry->db);
    talloc_free(pair.run);
    talloc_free(pair.owner);
}

/* ---- the standby is away ---- */

static void wait_for_503(struct fault_run *run)
{
    uint64_t before = load_peek(run->load).unavailable;
    long long deadline = test_now_ms() + WAIT_MS;
    while (load_peek(run->load).unavailable < before + CONNECTIONS) {
        if (test_now_ms() > deadline)
            fault_fail(run, "a missing standby is no 503");
        test_pause();
    }
}

/* Backends of the daemon that wait for the standby are let go: PostgreSQL warns, and the COMMIT stands. */
static void cancel_waits(struct pair *pair)
{
    test_run(fault_run_db(pair->run), "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
                                      "WHERE application_name = 'patellad' AND wait_event = 'SyncRep'");
}

/* Without the standby nothing is acknowledged, cancelled or not; when it is back, all of it is. */
static void test_standby_away(void **state)
{
    (void)state;
    struct pair pair = begin("standby away", true);
    cluster_kill(pair.standby, CLUSTER_EVERYTHING);
    wait_for_value(pair.primary, "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
                   "t");
    uint64_t before = load_peek(pair.run->load).acknowledged;
    for (int i = 0; i < 20; i++) {
        cancel_waits(&pair);
        test_pause();
    }
    wait_for_503(pair.run);
    uint64_t more = load_peek(pair.run->load).acknowledged - before;
    if (more > CONNECTIONS)    /* answers that were on their way */
        fault_fail(pair.run, "acknowledged without the standby");
    cluster_start(pair.standby);
    fault_run_wait(pair.run, 2 * CONNECTIONS);
    fault_run_end(pair.run);
    talloc_free(pair.owner);
}

/* ---- a file is committed meanwhile ---- */

static const char pain_rows[] = "subject,knee,visit,date,vas\n02-0002,right,BL,2024-02-02,61.5\n"
                                "02-0002,right,M3,2024-05-02,40\n";

/* A connection that has an upload, or notes how far it is, waits. */
#define UPLOAD_WAITS(condition) \
    "SELECT count(*) > 0 FROM pg_stat_activity a WHERE " condition " AND (a.query LIKE '%note_upload%' OR EXISTS " \
    "(SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.classid = 85))"

/* A commit that is held back by a lock until the standby is gone; the upload's id. */
static const char *commit_without_standby(struct pair *pair)
{
    struct registry *registry = pair->run->registry;
    registry_enrol(registry, "coordinator", "02-0002");
    const char *id = upload_to(registry, "coordinator", "site=2&form=pain_vas", pain_rows, "previewed");
    const char *token = memory_copy_string(registry, json_text_at(upload_get(registry, "coordinator", id)->json,
                                                                  "preview.token"));
    struct db *holder = test_database_connect(registry, registry->database, NULL);
    test_run(holder, "BEGIN");
    test_run(holder, "LOCK TABLE core.submission IN SHARE MODE");
    assert_status(api_send(registry, "coordinator", "POST", memory_format(registry, UPLOADS "/%s/commit?wait=0", id),
                           memory_format(registry, "{\"token\":\"%s\",\"mode\":\"all-or-nothing\"}", token)), 202);
    wait_for_value(pair->primary, UPLOAD_WAITS("a.wait_event_type = 'Lock'"), "t");
    cluster_kill(pair->standby, CLUSTER_EVERYTHING);
    test_run(holder, "COMMIT");
    talloc_free(holder);
    wait_for_value(pair->primary, UPLOAD_WAITS("a.wait_event = 'SyncRep'"), "t");
    return id;
}

/* Nobody gets the receipt of a file that the standby does not have, though the primary has it. */
static void test_receipt_of_a_file_waits_for_the_standby(void **state)
{
    (void)state;
    struct pair pair = begin("file committed while the standby is away", true);
    struct registry *registry = pair.run->registry;
    const char *id = commit_without_standby(&pair), *path = memory_format(registry, UPLOADS "/%s", id);
    struct client_reply *waiting = api_get(registry, "coordinator", path);
    assert_string_equal(json_text_at(waiting->json, "state"), "committing");
    const char *stored = memory_format(registry, "SELECT state FROM upload.file WHERE upload_id = '%s'", id);
    long long deadline = test_now_ms() + WAIT_MS;
    while (strcmp(test_value(fault_run_db(pair.run), stored), "committed") != 0) {
        if (test_now_ms() > deadline)
            fault_fail(pair.run, "the file is not committed");
        cancel_waits(&pair);
        test_pause();
    }
    assert_problem(api_get(registry, "coordinator", path), 503, "unavailable");
    cluster_start(pair.standby);
    const char *shown = "";
    while (strcmp(shown, "committed") != 0) {
        if (test_now_ms() > deadline)
            fault_fail(pair.run, "the receipt is not given when the standby is back");
        struct client_reply *reply = api_get(registry, "coordinator", path);
        shown = reply->status == 200 ? json_text_at(reply->json, "state") : "";
    }
    assert_int_equal(count_submissions(registry, "WHERE site_id = 2 AND subject_no = 2 AND form = 'pain_vas'"), 2);
    upload_to(registry, "coordinator", "site=2&form=pain_vas", pain_rows, "repeated");
    fault_run_wait(pair.run, 2 * CONNECTIONS);
    fault_run_end(pair.run);
    talloc_free(pair.owner);
}

/*
 * The standby goes, waits are cancelled, it comes back and takes over: whatever was committed by the
 * primary alone and never acknowledged may be gone, but nothing else.
 */
static void test_standby_away_and_promoted(void **state)
{
    (void)state;
    if (!faults_are_long())
        skip();
    struct pair pair = begin("standby away, back and promoted", true);
    cluster_kill(pair.standby, CLUSTER_EVERYTHING);
    for (int i = 0; i < 20; i++) {
        cancel_waits(&pair);
        test_pause();
    }
    cluster_kill(pair.primary, CLUSTER_EVERYTHING);
    cluster_start(pair.standby);
    promote(&pair);
    fault_run_wait(pair.run, 2 * CONNECTIONS);
    fault_run_end(pair.run);
    talloc_free(pair.owner);
}

/* ---- connected to a standby alone ---- */

/* As in a switch-over, with an address that moves: it is read-only until it is promoted. */
static void test_read_only_until_promoted(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "pair");
    struct cluster *primary = cluster_new(owner, NULL);
    cluster_use(primary);
    struct fault_run *run =
        fault_run_new(primary, &(struct fault_options){.label = "read-only until promoted"});
    assert_int_equal(daemon_stop(run->daemon), 0);
    struct cluster *standby = cluster_new_standby(owner, primary);
    wait_for_value(standby, "SELECT pg_is_in_recovery()", "t");
    cluster_kill(primary, CLUSTER_EVERYTHING);
    run->cluster = standby;
    cluster_use(standby);
    run->daemon->conninfo =
        memory_format(run, "host=%s dbname=%s user=patella_collector", cluster_socket(standby),
                      test_database_name(run->registry->database));
    daemon_restart(run->daemon);
    long long deadline = test_now_ms() + WAIT_MS;
    struct error error;
    assert_true(load_start(run->load, &error));
    while (load_peek(run->load).unavailable + load_peek(run->load).failed < 32) {
        assert_true(test_now_ms() < deadline);
        test_pause();
    }
    struct db *db = cluster_connect(NULL, standby, "postgres");
    test_run(db, "SELECT pg_promote(true, 60)");
    talloc_free(db);
    fault_run_wait(run, 100);
    fault_run_end(run);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standby_takes_over),
        cmocka_unit_test(test_standby_takes_over_from_orphans),
        cmocka_unit_test(test_loss_behind_asynchronous_standby_is_found),
        cmocka_unit_test(test_standby_away),
        cmocka_unit_test(test_receipt_of_a_file_waits_for_the_standby),
        cmocka_unit_test(test_standby_away_and_promoted),
        cmocka_unit_test(test_read_only_until_promoted),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
