/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load engine that other tests lean on: its counts, and that a ledger that is not right is found out. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/load_engine.h"
#include "tests/support/registry.h"

enum { CONNECTIONS = 16, SUBMISSIONS = 600 };

static struct load *new_load(struct registry *registry, struct load_options options)
{
    struct error error;
    options.port = registry->daemon->port;
    options.certificate = registry->daemon->certificate;
    struct load *load = load_new(registry, &options, &error);
    if (load == NULL || !load_enrol(load, &error))
        fail_msg("%s", error.message);
    return load;
}

static void assert_ledger(const struct load *load, struct registry *registry)
{
    struct load_findings findings;
    if (!load_check_ledger(load, registry->db, &findings))
        fail_msg("%s", findings.text);
    struct load_counts counts = load_peek(load);
    assert_int_equal(findings.acknowledged, counts.acknowledged);
    assert_int_equal(findings.refused, counts.refused);
    assert_int_equal(findings.unknown, counts.unknown_now);
}

static void wait_for_acknowledged(const struct load *load, uint64_t wanted)
{
    long long deadline = test_now_ms() + 60000;
    while (load_peek(load).acknowledged < wanted) {
        if (test_now_ms() > deadline)
            fail_msg("only %llu were acknowledged", (unsigned long long)load_peek(load).acknowledged);
        test_pause();
    }
}

/* ---- runs ---- */

static void test_run_of_a_number_is_acknowledged_wholly(void **state)
{
    struct registry *registry = *state;
    struct load *load = new_load(registry, (struct load_options){
        .connections = CONNECTIONS, .subjects = 300, .submissions = SUBMISSIONS, .together = true});
    load_run(load);
    struct load_counts counts = load_peek(load);
    assert_string_equal(load_first_refusal(load), "");
    assert_int_equal(counts.acknowledged, SUBMISSIONS);
    assert_int_equal(counts.submissions, SUBMISSIONS);
    assert_int_equal(counts.connects, CONNECTIONS);
    assert_int_equal(counts.open, 0);
    assert_int_equal(counts.unanswered + counts.unavailable + counts.failed + counts.replayed, 0);
    assert_true(counts.begun && counts.ended);
    assert_true(load_elapsed_us(load) > 0 && load_cpu_us(load) > 0);
    assert_true(load_latency_us(load, 0.5) > 0 && load_latency_us(load, 0.99) >= load_latency_us(load, 0.5));
    assert_ledger(load, registry);
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM core.submission WHERE form = 'koos' "
                                                 "AND site_id = 1 AND substr(id::text, 15, 1) = '7'"), "600");
}

/* Two engines at once, one with random ids and another address; both end when they are told. */
static void test_two_engines_run_beside_each_other_until_stopped(void **state)
{
    struct registry *registry = *state;
    struct error error;
    struct load *loads[] = {
        new_load(registry, (struct load_options){.connections = 4, .site = 2, .subjects = 3}),
        new_load(registry, (struct load_options){.connections = 4, .site = 2, .subjects = 3, .first_subject = 4,
                                                 .ids = LOAD_IDS_VERSION_4, .source = "127.0.0.2"}),
    };
    for (size_t i = 0; i < 2; i++)
        assert_true(load_start(loads[i], &error));
    for (size_t i = 0; i < 2; i++)
        wait_for_acknowledged(loads[i], 50);
    for (size_t i = 0; i < 2; i++) {
        load_stop(loads[i]);
        load_join(loads[i]);
        assert_int_equal(load_peek(loads[i]).unknown_now, 0);
        assert_ledger(loads[i], registry);
    }
    assert_string_equal(test_value(registry->db, "SELECT count(*) > 0 FROM core.submission WHERE form = 'koos' "
                                                 "AND site_id = 2 AND substr(id::text, 15, 1) = '4'"), "t");
}

static void test_refusals_are_kept_with_their_code(void **state)
{
    struct registry *registry = *state;
    struct load *load = new_load(registry, (struct load_options){.connections = 2, .site = 3, .submissions = 10});
    test_run(registry->db, "SELECT admin.freeze_study('demo', true, 'a test')");
    load_run(load);
    test_run(registry->db, "SELECT admin.freeze_study('demo', false, 'a test')");
    assert_int_equal(load_peek(load).refused, 10);
    assert_string_equal(load_first_refusal(load), "423 study_frozen");
    assert_ledger(load, registry);
}

/* The daemon is killed and started again on another port: everything is acknowledged in the end, each once. */
static void test_kill_and_restart_leave_nothing_unknown(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_collector");
    struct error error;
    /* Any certificate is trusted, for the new daemon has one of its own. */
    struct load_options options = {.port = registry->daemon->port, .connections = CONNECTIONS};
    struct load *load = load_new(registry, &options, &error);
    assert_non_null(load);
    assert_true(load_enrol(load, &error));
    assert_true(load_start(load, &error));
    wait_for_acknowledged(load, 200);
    kill(registry->daemon->pid, SIGKILL);
    assert_int_equal(daemon_wait(registry->daemon), 128 + SIGKILL);
    registry->daemon = daemon_start(registry, conninfo, NULL);
    load_set_port(load, registry->daemon->port);
    wait_for_acknowledged(load, load_peek(load).acknowledged + 200);
    load_stop(load);
    load_join(load);
    struct load_counts counts = load_peek(load);
    assert_true(counts.unanswered > 0 && counts.connects > CONNECTIONS);
    assert_int_equal(counts.unknown_now, 0);
    assert_int_equal(counts.refused, 0);
    assert_int_equal(counts.acknowledged, counts.submissions);
    assert_ledger(load, registry);
    talloc_free(registry->db);
    talloc_free(registry);
}

static void test_without_a_daemon_the_engine_gives_up_in_time(void **state)
{
    struct registry *registry = *state;
    struct error error;
    struct load_options options = {.port = 1, .connections = 2, .duration_ms = 1};
    struct load *load = load_new(registry, &options, &error);
    assert_non_null(load);
    assert_true(load_start(load, &error));
    long long deadline = test_now_ms() + 20000;
    while (load_peek(load).connect_failures < 4 && test_now_ms() < deadline)
        test_pause();
    load_stop(load);
    load_join(load);
    assert_true(load_peek(load).connect_failures >= 4);
    assert_int_equal(load_peek(load).submissions, 0);
}

/* ---- ledgers that are not right ---- */

/* The ids of the first two submissions are in pg_temp.pair. */
#define EXCHANGE(columns, values)                                                                                     \
    "UPDATE core.submission s SET (" columns ") = (SELECT " values " FROM core.submission o "                         \
    "WHERE o.id IN (p.one, p.other) AND o.id <> s.id) FROM pair p WHERE s.id IN (p.one, p.other); "
#define EXCHANGE_CONTENTS EXCHANGE("content, sha256, scores", "o.content, o.sha256, o.scores")
#define AUDIT_EXCHANGED                                                                                               \
    "UPDATE audit.event e SET digest = s.sha256 FROM core.submission s, pair p "                                      \
    "WHERE e.row_id = s.id AND s.id IN (p.one, p.other)"

/* What the ledger has of the first two submissions. */
enum receipts { RECEIPTS_KEPT, RECEIPTS_EXCHANGED, RECEIPT_UNREADABLE };

static const struct forgery {
    const char *label;
    const char *sql;
    size_t offset;               /* of the count that must be `count` */
    uint64_t count;
    enum receipts receipts;
} forgeries[] = {
    {"one that was acknowledged is gone",
     "DELETE FROM core.submission WHERE id = (SELECT min(id::text)::uuid FROM core.submission WHERE form = 'koos')",
     offsetof(struct load_findings, lost), 1, RECEIPTS_KEPT},
    {"one is there twice",
     "INSERT INTO core.submission SELECT (jsonb_populate_record(s, '{\"site_id\": 2}')).* FROM core.submission s "
     "WHERE form = 'koos' ORDER BY id LIMIT 1",
     offsetof(struct load_findings, doubled), 1, RECEIPTS_KEPT},
    {"two were never sent",
     "INSERT INTO core.submission SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), "
     "'instance', 9000 + s.instance))).* FROM core.submission s WHERE form = 'koos' ORDER BY id LIMIT 2",
     offsetof(struct load_findings, never_sent), 2, RECEIPTS_KEPT},
    {"another knee than was sent",
     "UPDATE core.submission SET instance = 9999 WHERE id = (SELECT min(id::text)::uuid FROM core.submission "
     "WHERE form = 'koos')",
     offsetof(struct load_findings, altered), 1, RECEIPTS_KEPT},
    {"another content than was acknowledged",
     "UPDATE core.submission SET content = replace(content::text, '\"s1\":', '\"s9\":')::json "
     "WHERE id = (SELECT min(id::text)::uuid FROM core.submission WHERE form = 'koos')",
     offsetof(struct load_findings, altered), 1, RECEIPTS_KEPT},
    {"two contents are exchanged behind their receipts", EXCHANGE_CONTENTS AUDIT_EXCHANGED,
     offsetof(struct load_findings, altered), 2, RECEIPTS_KEPT},
    {"two contents are exchanged before they are hashed", EXCHANGE_CONTENTS AUDIT_EXCHANGED,
     offsetof(struct load_findings, not_as_sent), 2, RECEIPTS_EXCHANGED},
    {"two have each other's answers",
     "UPDATE core.submission s SET content = made.content, sha256 = sha256(convert_to(made.content::text, 'UTF8')) "
     "FROM (SELECT mine.id, replace(mine.content::text, mine.content->>'answers', others.content->>'answers')::json "
     "AS content FROM pair p, core.submission mine, core.submission others WHERE mine.id IN (p.one, p.other) "
     "AND others.id IN (p.one, p.other) AND mine.id <> others.id) made WHERE s.id = made.id; " AUDIT_EXCHANGED,
     offsetof(struct load_findings, not_as_sent), 2, RECEIPTS_KEPT},
    {"two have each other's scores", EXCHANGE("scores", "o.scores"),
     offsetof(struct load_findings, not_as_sent), 2, RECEIPTS_KEPT},
    {"one without scores",
     "UPDATE core.submission s SET scores = '{}' FROM pair WHERE s.id = one",
     offsetof(struct load_findings, not_as_sent), 1, RECEIPTS_KEPT},
    {"one by another account than sent it",
     "UPDATE core.submission s SET (token_no, recorded_by) = (SELECT c.token_no, c.account FROM sec.credential c "
     "WHERE c.account = 'machine1') FROM pair WHERE s.id = one",
     offsetof(struct load_findings, not_as_sent), 1, RECEIPTS_KEPT},
    {"one of another date", "UPDATE core.submission s SET dated = dated + 1 FROM pair WHERE s.id = one",
     offsetof(struct load_findings, not_as_sent), 1, RECEIPTS_KEPT},
    {"a receipt without a sha256 that can be read", "SELECT", offsetof(struct load_findings, without_sha256), 1,
     RECEIPT_UNREADABLE},
    {"three without their audit rows",
     "DELETE FROM audit.event WHERE row_id IN (SELECT id FROM core.submission WHERE form = 'koos' LIMIT 3)",
     offsetof(struct load_findings, misaudited), 3, RECEIPTS_KEPT},
    {"an audit row too many",
     "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, row_id, digest) "
     "SELECT xid, era, at, actor, db_role, operation, object, row_id, digest FROM audit.event "
     "WHERE object = 'core.submission' AND row_id IN (SELECT id FROM core.submission WHERE form = 'koos' LIMIT 1)",
     offsetof(struct load_findings, misaudited), 1, RECEIPTS_KEPT},
};

static void name_pair(struct registry *registry, const struct load *load)
{
    char one[37], other[37];
    text_from_uuid(load->ledger.entries[0].id, one);
    text_from_uuid(load->ledger.entries[1].id, other);
    test_run(registry->db, memory_format(registry, "CREATE TEMP TABLE pair AS SELECT '%s'::uuid AS one, "
                                         "'%s'::uuid AS other", one, other));
}

/* Before the comparison, and again behind it. */
static void forge_receipts(struct load *load, enum receipts receipts)
{
    struct load_entry *one = &load->ledger.entries[0], *other = &load->ledger.entries[1];
    uint8_t kept[sizeof one->sha256];
    if (receipts == RECEIPTS_EXCHANGED) {
        memcpy(kept, one->sha256, sizeof kept);
        memcpy(one->sha256, other->sha256, sizeof kept);
        memcpy(other->sha256, kept, sizeof kept);
    } else if (receipts == RECEIPT_UNREADABLE) {
        one->has_sha256 = !one->has_sha256;
    }
}

/* As no role but the superuser could, and back again. */
static void test_every_fault_of_a_ledger_is_found(void **state)
{
    (void)state;
    struct registry *registry = registry_new(NULL);
    struct load *load = new_load(registry, (struct load_options){.connections = 4, .subjects = 5, .submissions = 60});
    load_run(load);
    assert_ledger(load, registry);
    name_pair(registry, load);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        struct load_findings findings;
        test_run(registry->db, "BEGIN; SET LOCAL session_replication_role = replica");
        test_run(registry->db, forgeries[i].sql);
        forge_receipts(load, forgeries[i].receipts);
        bool right = load_check_ledger(load, registry->db, &findings);
        forge_receipts(load, forgeries[i].receipts);
        test_run(registry->db, "ROLLBACK");
        uint64_t count;
        memcpy(&count, (char *)&findings + forgeries[i].offset, sizeof count);
        if (right || count != forgeries[i].count)
            fail_msg("%s: %s", forgeries[i].label, findings.text);
    }
    assert_ledger(load, registry);
    talloc_free(registry->db);
    talloc_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_of_a_number_is_acknowledged_wholly),
        cmocka_unit_test(test_two_engines_run_beside_each_other_until_stopped),
        cmocka_unit_test(test_refusals_are_kept_with_their_code),
        cmocka_unit_test(test_kill_and_restart_leave_nothing_unknown),
        cmocka_unit_test(test_without_a_daemon_the_engine_gives_up_in_time),
        cmocka_unit_test(test_every_fault_of_a_ledger_is_found),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
