/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two daemons on one primary, both under load, and a standby: what goes through both is stored once, and a cut that is
 * sealed on the primary gives the same report on the standby.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/drill.h"

enum { SENT_TWICE = 40, WAIT_MS = 60000, SECOND_SUBJECTS = 201 };

struct two {
    struct drill *drill;
    struct daemon_process *second;
    struct load *load;           /* on the second */
    struct cluster *standby;
};

static int set_up(void **state)
{
    struct error error;
    struct two *two = memory_new(NULL, struct two);
    two->drill = drill_new("two daemons", NULL);
    struct registry *registry = two->drill->run->registry;
    two->second = daemon_start(registry, registry->daemon->conninfo, NULL);
    two->load = load_new(two, &(struct load_options){
        .port = two->second->port,
        .certificate = two->second->certificate,
        .connections = 8,
        .first_subject = SECOND_SUBJECTS,
    }, &error);
    assert_non_null(two->load);
    assert_true(load_enrol(two->load, &error));
    *state = two;
    return 0;
}

static int tear_down(void **state)
{
    struct two *two = *state;
    drill_free(two->drill);
    talloc_free(two);
    return 0;
}

/* ---- the same ids through both ---- */

/* Sends records 1 to SENT_TWICE of a subject; how many were new. */
static int send_all(struct registry *registry, const struct daemon_process *daemon)
{
    int stored = 0;
    struct client *client = client_new(NULL, daemon, "coordinator");
    for (int i = 1; i <= SENT_TWICE; i++) {
        const char *id = memory_format(client, "0190a1b2-c3d4-7e5f-8a9b-e%011x", i);
        const char *more = memory_format(client, ",\"instance\":%d", i);
        const char *body = registry_event(registry, id, "02-0001", "rash", more);
        const struct client_reply *reply = client_send(client, "POST", DEMO "/submissions", body);
        if (reply->status != 200 && reply->status != 201)
            fail_msg("%d: %s", reply->status, reply->body);
        stored += reply->status == 201;
    }
    talloc_free(client);
    return stored;
}

static void test_one_id_through_two_daemons_is_one_row(void **state)
{
    struct two *two = *state;
    struct registry *registry = two->drill->run->registry;
    int status = 0;
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0)
        _exit(send_all(registry, two->second));
    int stored = send_all(registry, registry->daemon);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_true(WIFEXITED(status));
    fault_note("new through the first %d, through the second %d", stored, WEXITSTATUS(status));
    assert_int_equal(stored + WEXITSTATUS(status), SENT_TWICE);
    static const char rows[] = "SELECT count(*) FROM core.submission WHERE form = 'adverse_event'";
    static const char trail[] = "SELECT count(*) FROM audit.event e JOIN core.submission s ON s.id = e.row_id "
                                "WHERE s.form = 'adverse_event' AND e.operation = 'INSERT'";
    assert_int_equal(strtol(drill_value(two->drill, rows), NULL, 10), SENT_TWICE);
    assert_int_equal(strtol(drill_value(two->drill, trail), NULL, 10), SENT_TWICE);
}

/* ---- a report from the standby ---- */

static void begin_loads(struct two *two)
{
    struct error error;
    two->standby = cluster_new_standby(two, two->drill->run->cluster);
    fault_run_begin(two->drill->run);
    assert_true(load_start(two->load, &error));
    fault_run_wait(two->drill->run, 200);
    assert_true(load_peek(two->load).acknowledged > 0);
}

static void end_loads(struct two *two)
{
    struct load_findings findings;
    load_stop(two->load);
    load_join(two->load);
    assert_int_equal(load_peek(two->load).unknown_now, 0);
    if (!load_check_ledger(two->load, two->drill->run->registry->db, &findings))
        fail_msg("the second daemon's: %s", findings.text);
    assert_int_equal(daemon_stop(two->second), 0);
    drill_end_load(two->drill);
}

/* The standby has what the primary has now. */
static void wait_for_standby(struct two *two)
{
    const char *place = memory_copy_string(two, drill_value(two->drill, "SELECT pg_current_wal_flush_lsn()"));
    struct db *db = cluster_connect(two, two->standby, "postgres");
    const char *replayed = memory_format(two, "SELECT pg_last_wal_replay_lsn() >= '%s'", place);
    for (long long deadline = test_now_ms() + WAIT_MS; strcmp(test_value(db, replayed), "t") != 0;) {
        if (test_now_ms() > deadline)
            fail_msg("the standby does not get to %s", place);
        test_pause();
    }
    talloc_free(db);
}

static const char exports[] = "SELECT count(*) FROM audit.event WHERE operation = 'EXPORT' AND object = 'core.cut'";

#define FROM_STANDBY "PGHOST='%s' patella-report --study demo --cut before --formats html,csv,ars,datasets --out %s "

static void test_sealed_cut_gives_the_same_report_on_the_standby(void **state)
{
    struct two *two = *state;
    struct drill *drill = two->drill;
    begin_loads(two);
    drill_shell(drill, DRILL_OWN, "patella-admin cut demo --label before");
    assert_drill(drill, 0, "");
    fault_run_wait(drill->run, 100);
    drill_seal(drill);
    drill_report(drill, "before");
    wait_for_standby(two);
    long before = strtol(drill_value(drill, exports), NULL, 10);

    const char *primary = cluster_socket(drill->run->cluster), *standby = cluster_socket(two->standby);
    drill_shell(drill, DRILL_OWN, FROM_STANDBY, standby, "untold");
    assert_drill(drill, 2, "the database is a standby");
    drill_shell(drill, DRILL_OWN, "test -e untold");
    assert_drill(drill, 1, "");
    drill_shell(drill, DRILL_OWN, FROM_STANDBY "--record-on 'host=%s'", standby, "after", primary);
    assert_drill(drill, 0, "manifest.json");
    drill_shell(drill, DRILL_OWN, "diff -r before after && grep '\"sealed\": true' after/manifest.json");
    assert_drill(drill, 0, "");
    drill_shell(drill, DRILL_OWN, "PGHOST='%s' patella-report verify after --record-on 'host=%s'", standby, primary);
    assert_drill(drill, 0, "same bytes");
    assert_int_equal(strtol(drill_value(drill, exports), NULL, 10), before + 2);
    end_loads(two);
}

static void test_record_on_wrongly_is_refused(void **state)
{
    struct two *two = *state;
    struct drill *drill = two->drill;
    drill_shell(drill, DRILL_OWN, "patella-report --study demo --out new --record-on 'host=x'");
    assert_drill(drill, 2, "--record-on goes with verify or --cut");
    drill_shell(drill, DRILL_OWN, "patella-report --jobs --record-on 'host=x'");
    assert_drill(drill, 2, "--record-on goes with verify or --cut");
    drill_shell(drill, DRILL_OWN, "patella-report --study demo --cut 1 --out new --record-on 'host=x' "
                                  "--unblinding 0190a1b2-c3d4-7e5f-8a9b-000000000001");
    assert_drill(drill, 2, "leave --record-on away");
    /* Another database, which has no such cut. */
    struct test_database *other = test_database_new(drill->run->registry);
    drill_shell(drill, DRILL_OWN, "patella-admin cut demo --label here && patella-report --study demo --cut 1 "
                                  "--out new --record-on 'dbname=%s'", test_database_name(other));
    assert_drill(drill, 1, "it is not the primary of the one that is read");
    assert_string_equal(drill_value(drill, exports), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_id_through_two_daemons_is_one_row),
        cmocka_unit_test(test_record_on_wrongly_is_refused),
        cmocka_unit_test(test_sealed_cut_gives_the_same_report_on_the_standby),
    };
    memory_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
