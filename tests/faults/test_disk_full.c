/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disk is full under load: where the tables are, which PostgreSQL survives and refuses, and where the
 * WAL is, which it does not survive.  Then there is room again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/fault_run.h"
#include "tests/support/small_disk.h"

enum { MIB = 1 << 20, CONNECTIONS = 32, WAIT_MS = 60000 };

static struct small_disk *need_disk(const void *owner, size_t bytes)
{
    const char *why = NULL;
    struct small_disk *disk = small_disk_new(owner, bytes, &why);
    if (disk == NULL) {
        fault_note("no small disk: mounting is not allowed here: %s", why);
        skip();
    }
    return disk;
}

/* ---- tables ---- */

/* Databases are copies of the template, also of its place. */
static void put_databases_on(struct cluster *cluster, const struct small_disk *disk)
{
    char *folder = memory_format(cluster, "%s/tables", small_disk_folder(disk));
    assert_int_equal(mkdir(folder, 0700), 0);
    cluster_give(cluster, folder);
    cluster_use(cluster);
    talloc_free(test_database_new(cluster));
    struct db *db = cluster_connect(cluster, cluster, "postgres");
    test_run(db, memory_format(db, "CREATE TABLESPACE small LOCATION '%s'", folder));
    test_run(db, "ALTER DATABASE patella_template SET TABLESPACE small");
    talloc_free(db);
}

static void wait_for_refusals(struct fault_run *run, const char *sqlstate)
{
    long long deadline = test_now_ms() + WAIT_MS;
    uint64_t before = load_peek(run->load).unavailable;
    while (load_peek(run->load).unavailable < before + CONNECTIONS) {
        if (test_now_ms() > deadline)
            fault_fail(run, "a full disk is no 503");
        test_pause();
    }
    if (strstr(daemon_read_log(run, run->daemon), sqlstate) == NULL)
        fault_fail(run, "the log does not tell of the full disk");
}

static void test_no_room_for_tables(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "disk");
    struct small_disk *disk = need_disk(owner, (size_t)96 * MIB);
    struct cluster *cluster = cluster_new(owner, "autovacuum = off\n");
    put_databases_on(cluster, disk);
    struct fault_run *run = fault_run_new(
        cluster, &(struct fault_options){.label = "no room for tables", .connections = CONNECTIONS});
    fault_run_begin(run);
    for (int i = 0; i < (faults_are_long() ? 10 : 1); i++) {
        small_disk_fill(disk);
        wait_for_refusals(run, "sqlstate=53100");
        small_disk_relieve(disk);
        fault_run_wait(run, 2 * CONNECTIONS);
    }
    fault_run_end(run);
    talloc_free(cluster);
    talloc_free(owner);
}

/* ---- WAL ---- */

static int count_panics(struct cluster *cluster)
{
    int count = 0;
    void *work = memory_owner(NULL, "log");
    const char *log = cluster_read_log(work, cluster);
    for (const char *at = log; (at = strstr(at, "PANIC")) != NULL; at++)
        count++;
    talloc_free(work);
    return count;
}

/* Segments are used up faster than by submissions alone. */
static void wait_for_panic(struct fault_run *run)
{
    static const struct db_options options = {
        .conninfo = "dbname=postgres", .application_name = "patella-test",
    };
    struct error ignored;
    long long deadline = test_now_ms() + WAIT_MS;
    int before = count_panics(run->cluster);
    while (count_panics(run->cluster) == before) {
        struct db *db = db_open(NULL, &options, &ignored);
        if (db != NULL)
            (void)!db_run_script(db, "SELECT pg_switch_wal()", &ignored);
        talloc_free(db);
        if (test_now_ms() > deadline)
            fault_fail(run, "PostgreSQL lives without room for WAL");
        test_pause();
    }
}

/* PostgreSQL tries to recover once, and gives up where there is no room for that either. */
static void start_until_it_goes_on(struct fault_run *run)
{
    uint64_t wanted = load_peek(run->load).acknowledged + 2 * CONNECTIONS;
    long long deadline = test_now_ms() + WAIT_MS;
    while (load_peek(run->load).acknowledged < wanted) {
        if (test_now_ms() > deadline)
            fault_fail(run, "no recovery after there is room for WAL again");
        if (cluster_postmaster(run->cluster) == 0)
            (void)cluster_try_start(run->cluster);
        test_pause();
    }
}

/* Once for a disk: it is filled with WAL then, and PostgreSQL keeps segments for later. */
static void fill_wal(void)
{
    void *owner = memory_owner(NULL, "disk");
    struct small_disk *disk = need_disk(owner, (size_t)128 * MIB);
    struct cluster *cluster = cluster_new(owner, "max_wal_size = 10GB\nmin_wal_size = 32MB\n");
    char *folder = memory_format(owner, "%s/wal", small_disk_folder(disk));
    assert_int_equal(mkdir(folder, 0700), 0);
    cluster_give(cluster, folder);
    cluster_move_wal(cluster, folder);
    struct fault_run *run = fault_run_new(
        cluster, &(struct fault_options){.label = "no room for WAL", .connections = CONNECTIONS});
    fault_run_begin(run);
    small_disk_fill(disk);
    wait_for_panic(run);
    small_disk_relieve(disk);
    start_until_it_goes_on(run);
    fault_run_end(run);
    talloc_free(cluster);
    talloc_free(owner);
}

static void test_no_room_for_wal(void **state)
{
    (void)state;
    for (int i = 0; i < (faults_are_long() ? 5 : 1); i++)
        fill_wal();
}

/* ---- the daemon's own log ---- */

/* It goes without its log rather than without submissions. */
static void test_no_room_for_the_log(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "disk");
    struct small_disk *disk = need_disk(owner, MIB);
    struct cluster *cluster = cluster_new(owner, NULL);
    const char *temporary = getenv("TMPDIR");
    char *before = temporary != NULL ? memory_copy_string(owner, temporary) : NULL;
    /* Where the daemon has its log; the cluster has its folder already. */
    assert_int_equal(setenv("TMPDIR", small_disk_folder(disk), 1), 0);
    struct fault_run *run = fault_run_new(
        cluster, &(struct fault_options){.label = "no room for the log", .connections = CONNECTIONS});
    fault_run_begin(run);
    small_disk_fill(disk);
    fault_run_wait(run, 1000);
    small_disk_relieve(disk);
    fault_run_wait(run, 2 * CONNECTIONS);
    assert_int_equal(load_peek(run->load).unavailable, 0);
    assert_int_equal(load_peek(run->load).unanswered, 0);
    assert_non_null(strstr(daemon_read_log(run, run->daemon), "msg=request"));
    fault_run_end(run);
    assert_int_equal(before != NULL ? setenv("TMPDIR", before, 1) : unsetenv("TMPDIR"), 0);
    talloc_free(cluster);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_room_for_tables),
        cmocka_unit_test(test_no_room_for_wal),
        cmocka_unit_test(test_no_room_for_the_log),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
