/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A restore drill: a base backup and archived WAL, taken under load, brought back to a point or a time, as
 * migrations/README.md says.  Everything acknowledged before the point is there, nothing behind it; patella-seal names
 * what is behind it, and a new era lets everything go on.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/drill.h"

enum { WAIT_MS = 60000 };

#define LATER_ID "0190a1b2-c3d4-7e5f-8a9b-f00000000002"

static const char archiving[] =
    "archive_mode = on\n"
    "archive_command = 'mkdir -p ../archive && test ! -f ../archive/%f && cp %p ../archive/%f'\n";

static const char stored_ids[] = "SELECT array_agg(s.id) FROM core.submission s";

enum target { TO_NAME, TO_TIME };

struct point {
    const char *least;           /* ids that were there before it was made */
    const char *next;            /* number of a transaction that began behind it */
    int64_t blocks;              /* that were sealed */
};

static int64_t number_of(struct drill *drill, const char *sql)
{
    return strtoll(drill_value(drill, sql), NULL, 10);
}

static void take_backup(struct drill *drill)
{
    drill_step(drill, DRILL_SUPERUSER, "pg_basebackup --checkpoint=fast --wal-method=none --pgdata=\"$BACKUP\"");
    assert_drill(drill, 0, "");
    drill_step(drill, DRILL_SUPERUSER, "pg_verifybackup --no-parse-wal \"$BACKUP\"");
    assert_drill(drill, 0, "successfully verified");
}

/* A cut, sealed, and its report; the load goes on. */
static void report_before(struct drill *drill)
{
    drill_shell(drill, DRILL_OWN, "patella-admin cut demo --label before");
    assert_drill(drill, 0, "1");
    fault_run_wait(drill->run, 50);
    drill_seal(drill);
    drill_report(drill, "before");
}

static struct point make_point(struct drill *drill, enum target target)
{
    struct point point = {.blocks = number_of(drill, "SELECT count(*) FROM audit.block")};
    point.least = memory_copy_string(drill, drill_value(drill, stored_ids));
    if (target == TO_NAME)
        drill_step(drill, DRILL_SUPERUSER, "psql -X --command=\"SELECT pg_create_restore_point('$POINT')\"");
    else
        drill_shell(drill, DRILL_OWN, "echo '%s' > moment", drill_value(drill, "SELECT clock_timestamp()"));
    assert_drill(drill, 0, "");
    point.next = memory_copy_string(drill, drill_value(drill, "SELECT pg_current_xact_id()"));
    return point;
}

/* Behind the point: blocks, a record, and rows that are not sealed. */
static void go_behind(struct drill *drill, int blocks)
{
    struct registry *registry = drill->run->registry;
    assert_status(api_submit(registry, "coordinator",
                             registry_event(registry, LATER_ID, "02-0001", "rash", "")), 201);
    for (int i = 0; i < blocks; i++) {
        fault_run_wait(drill->run, 100);
        drill_seal(drill);
    }
    fault_run_wait(drill->run, 100);
}

/* All of the WAL is in the archive, and the machine is gone. */
static void lose_primary(struct drill *drill)
{
    const char *last = memory_copy_string(drill, drill_value(drill, "SELECT pg_walfile_name(pg_switch_wal())"));
    const char *archived = memory_format(drill, "SELECT last_archived_wal >= '%s' FROM pg_stat_archiver", last);
    long long deadline = test_now_ms() + WAIT_MS;
    while (strcmp(drill_value(drill, archived), "t") != 0) {
        if (test_now_ms() > deadline)
            fail_msg("%s is not archived", last);
        test_pause();
    }
    cluster_kill(drill->run->cluster, CLUSTER_EVERYTHING);
}

#define RECOVERY(target) \
    "cp -a \"$BACKUP\" \"$NEW\"\n" \
    "cat >> \"$NEW/postgresql.auto.conf\" <<END\n" \
    "restore_command = 'cp \"$ARCHIVE/%f\" \"%p\"'\n" \
    target "\n" \
    "recovery_target_action = 'promote'\n" \
    "END\n" \
    "touch \"$NEW/recovery.signal\""

static void restore(struct drill *drill, enum target target)
{
    drill_step(drill, DRILL_SUPERUSER, target == TO_NAME ? RECOVERY("recovery_target_name = '$POINT'")
                                                         : RECOVERY("recovery_target_time = '$MOMENT'"));
    assert_drill(drill, 0, "");
    drill_move_to(drill, cluster_new_restored(drill, memory_format(drill, "%s/new", drill->folder)));
    drill_connect(drill);
}

/* How many of `ids` are not stored. */
static int64_t count_missing(struct drill *drill, const char *ids)
{
    return number_of(drill, memory_format(drill, "SELECT count(*) FROM (SELECT unnest('%s'::uuid[]) "
                                                 "EXCEPT SELECT id FROM core.submission) m", ids));
}

/* How many stored ones are of transactions from `next` on. */
static int64_t count_beyond(struct drill *drill, const char *next)
{
    return number_of(drill, memory_format(drill, "SELECT count(*) FROM core.submission WHERE xid >= '%s'", next));
}

/* What lies behind the point is lost; nothing else is, and nothing is otherwise than it was sent. */
static void check_ledger(struct drill *drill, const struct point *point)
{
    struct load_findings found;
    assert_false(load_check_ledger(drill->run->load, drill->run->registry->db, &found));
    fault_note("%s: %s", drill->run->label, found.text);
    assert_true(found.lost >= 200);
    assert_int_equal(found.lost + found.stored, found.acknowledged);
    assert_int_equal(found.doubled + found.altered + found.not_as_sent + found.without_sha256 + found.misaudited +
                     found.refused_stored + found.never_sent, 0);
    assert_int_equal(count_missing(drill, point->least), 0);
    assert_int_equal(count_beyond(drill, point->next), 0);
}

static void check_cut_off(struct drill *drill, const struct point *point, int blocks)
{
    drill_step(drill, DRILL_SUPERUSER, "patella-migrate verify");
    assert_drill(drill, 0, "exactly the migrations");
    assert_int_equal(number_of(drill, "SELECT count(*) FROM audit.block"), point->blocks);
    drill_step(drill, DRILL_OWN, "patella-seal verify --checkpoints \"$CHECKPOINTS\" --public-key \"$PUBLIC_KEY\"");
    for (int i = 1; i <= blocks; i++)
        assert_drill(drill, 1, memory_format(drill, "cut_off: block %" PRId64 ": ", point->blocks + i));
    assert_drill(drill, 1, memory_format(drill, ": %d fault(s)\n", blocks));
    drill_step(drill, DRILL_OWN, "patella-seal run --once --key \"$KEY\" --checkpoints \"$CHECKPOINTS\"");
    assert_drill(drill, 1, "new era");
}

static void open_era(struct drill *drill, const struct point *point, int blocks)
{
    drill_step(drill, DRILL_SUPERUSER,
               "patella-seal new-era --reason \"$REASON\" --key \"$KEY\" --checkpoints \"$CHECKPOINTS\" "
               "--db \"dbname=$PGDATABASE user=postgres\"");
    assert_drill(drill, 0, memory_format(drill, "era 2 is open; blocks up to %" PRId64 " count", point->blocks));
    drill_seal(drill);
    drill_verify(drill);
    const char *given_up = memory_format(drill, "blocks %" PRId64 " to %" PRId64 " of the checkpoint file were given "
                                         "up when era 2 was opened: a drill", point->blocks + 1,
                                         point->blocks + blocks);
    assert_drill(drill, 0, given_up);
}

/* Sites send what is gone again, under the same ids. */
static void go_on(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    drill_start_daemon(drill);
    drill_go_on(drill);
    assert_status(api_submit(registry, "coordinator",
                             registry_event(registry, LATER_ID, "02-0001", "rash", "")), 201);
    drill_seal(drill);
    drill_verify(drill);
    assert_int_equal(number_of(drill, "SELECT count(DISTINCT era) FROM core.submission"), 2);
}

static void restore_to_point(const char *label, enum target target, int blocks)
{
    struct drill *drill = drill_new(label, archiving);
    fault_run_begin(drill->run);
    take_backup(drill);
    fault_run_wait(drill->run, 100);
    report_before(drill);
    fault_run_wait(drill->run, fault_random(500));
    const struct point point = make_point(drill, target);
    go_behind(drill, blocks);
    drill_end_load(drill);
    lose_primary(drill);
    restore(drill, target);
    check_ledger(drill, &point);
    check_cut_off(drill, &point, blocks);
    open_era(drill, &point, blocks);
    drill_report(drill, "after");
    assert_same_report(drill, "before", "after");
    go_on(drill);
    drill_shell(drill, DRILL_OWN, "rm -r after");
    drill_report(drill, "after");
    assert_same_report(drill, "before", "after");
    drill_free(drill);
}

static void test_restore_to_a_point_holds_what_was_acknowledged_before_it(void **state)
{
    (void)state;
    restore_to_point("restored to a point", TO_NAME, 2);
}

/* The time is one of the server's clock; transactions that end behind it are not there. */
static void test_restore_to_a_time_holds_what_was_acknowledged_before_it(void **state)
{
    (void)state;
    restore_to_point("restored to a time", TO_TIME, 2);
}

/* The line of that block could be taken for one whose COMMIT was lost. */
static void test_restore_with_one_block_behind_the_point(void **state)
{
    (void)state;
    if (!faults_are_long())
        skip();
    restore_to_point("restored, one block behind the point", TO_NAME, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restore_to_a_point_holds_what_was_acknowledged_before_it),
        cmocka_unit_test(test_restore_to_a_time_holds_what_was_acknowledged_before_it),
        cmocka_unit_test(test_restore_with_one_block_behind_the_point),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
