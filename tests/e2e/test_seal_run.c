/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-seal run, export and new-era: several sealers, crashes, files that stayed behind or went ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/seal_run.h"

static int set_up(void **state)
{
    *state = seal_run_new();
    return 0;
}

static void assert_whole(struct report_run *run)
{
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
}

static struct db *superuser(struct report_run *run)
{
    return collected_db(run->collected);
}

#define RUN "run --once --key key --checkpoints checkpoints"

static void test_run_blocks_hold_no_more_rows_than_asked(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", RUN " --rows 4");
    assert_report(run, 0, "msg=sealed block=1 rows=4");
    assert_string_equal(seal_value(run, "SELECT max(row_count) <= 4 AND count(*) > 5 AND sum(row_count) = "
                                        "(SELECT count(*) FROM audit.event) FROM audit.block"), "t");
    assert_whole(run);
    seal_program(run, "patella_sealer", "verify --from-block 3 --public-key key.pub --checkpoints checkpoints");
    assert_report(run, 0, "note: blocks below 3 and the tables were not looked at");
}

static void test_run_two_sealers_take_turns(void **state)
{
    struct report_run *run = *state;
    report_shell(run, "printf 'one\ntwo\n' | PGDATABASE='%s' PGUSER=patella_sealer xargs -P 2 -I FILE '%s' run "
                      "--once --rows 2 --key key --checkpoints FILE",
                 test_database_name(collected_database(run->collected)), seal_path(run));
    assert_report(run, 0, "msg=sealed");
    seal_program(run, "patella_sealer", "run --once --key key --checkpoints one");
    seal_program(run, "patella_sealer", "run --once --key key --checkpoints two");
    seal_program(run, "patella_sealer", "verify --public-key key.pub --checkpoints one");
    assert_report(run, 0, "all as they were sealed");
    report_shell(run, "cmp one two");
    assert_report(run, 0, "");
}

/* Rows of a transaction that began before others and ended after them are sealed when they have all ended. */
static void test_run_waits_for_a_transaction_that_is_open(void **state)
{
    struct report_run *run = *state;
    struct db *slow = test_database_connect(run, collected_database(run->collected), NULL);
    test_run(slow, "BEGIN; SELECT admin.add_account('slow', 'Slow')");
    test_run(superuser(run), "SELECT admin.add_account('quick', 'Quick')");
    seal_once(run);
    const char *unsealed = "SELECT string_agg(e.new ->> 'account', ' ' ORDER BY e.xid) FROM audit.event e WHERE "
                           "(e.xid, e.seq) >= (SELECT b.upto_xid, b.upto_seq FROM audit.block b "
                           "ORDER BY 1 DESC LIMIT 1)";
    assert_string_equal(seal_value(run, unsealed), "quick");
    assert_whole(run);
    test_run(slow, "COMMIT");
    assert_string_equal(seal_value(run, unsealed), "slow quick");
    seal_once(run);
    assert_string_equal(seal_value(run, unsealed), "");
    assert_whole(run);
}

/* The line is on the disk, the block is not committed. */
static void test_run_killed_between_file_and_commit_goes_on(void **state)
{
    struct report_run *run = *state;
    struct db *holder = test_database_connect(run, collected_database(run->collected), NULL);
    test_run(holder, "BEGIN; LOCK TABLE audit.block IN EXCLUSIVE MODE");
    report_shell(run, "{ PGDATABASE='%s' PGUSER=patella_sealer '%s' " RUN " > log 2>&1 & }; sealer=$!; "
                      "timeout 60 tail -n +1 -F checkpoints 2> /dev/null | grep -q -m 1 '^patella block 1 '; found=$?; "
                      "kill -9 $sealer; wait $sealer; test $found = 0",
                 test_database_name(collected_database(run->collected)), seal_path(run));
    assert_report(run, 0, "");
    test_run(holder, "ROLLBACK");
    report_shell(run, "wc -l < checkpoints");
    assert_report(run, 0, "1\n");
    assert_string_equal(seal_value(run, "SELECT count(*) FROM audit.block"), "0");
    seal_verify(run);
    assert_report(run, 1, "cut_off: block 1");
    test_run(superuser(run), "SELECT admin.add_account('later', 'Later')");
    seal_once(run);
    assert_string_equal(seal_value(run, "SELECT count(*) FROM audit.block"), "2");
    report_shell(run, "wc -l < checkpoints");
    assert_report(run, 0, "2\n");
    assert_whole(run);
}

static void test_run_file_that_stayed_behind_gets_its_lines(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", RUN " --rows 10");
    report_shell(run, "cp checkpoints whole && head -n 1 whole > checkpoints");
    seal_program(run, "patella_sealer", RUN);
    assert_report(run, 0, "lines added that the checkpoint file was missing");
    report_shell(run, "cmp checkpoints whole && rm checkpoints");
    assert_report(run, 0, "");
    seal_once(run);
    report_shell(run, "cmp checkpoints whole");
    assert_report(run, 0, "");
}

static void test_run_refuses_a_file_that_does_not_belong_to_the_database(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", RUN " --rows 10");
    seal_tamper(run, "DELETE FROM audit.block WHERE block_no > 1");
    report_shell(run, "cp checkpoints whole");
    seal_program(run, "patella_sealer", RUN);
    assert_report(run, 1, "the database ends with block 1: blocks were lost or cut off");
    report_shell(run, "cmp checkpoints whole");
    assert_report(run, 0, "");
    seal_program(run, "patella_sealer", "keygen --key key3 --public-key key3.pub");
    seal_tamper(run, "DELETE FROM audit.block");
    seal_program(run, "patella_sealer", "run --once --key key3 --checkpoints other");
    assert_report(run, 0, "msg=sealed block=1");
    report_shell(run, "cp whole mixed; head -n 1 whole > checkpoints");
    seal_program(run, "patella_sealer", RUN);
    assert_report(run, 1, "block 1 of the database is another one than that of the checkpoint file");
}

static void test_run_used_wrongly_exits_2(void **state)
{
    struct report_run *run = *state;
    static const char *const cases[] = {
        "", "seal", "run", "run --key key", RUN " --every 0", RUN " --every x", RUN " --rows 0",
        "verify --from-block 0",
        "verify --file x --db y", "export", "keygen --key a", "new-era --reason x",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seal_program(run, "patella_sealer", "%s", cases[i]);
        assert_report(run, 2, "patella-seal: ");
    }
    seal_program(run, "patella_collector", RUN);
    assert_report(run, 1, "patella-seal: ");
}

/* ---- offline ---- */

static void test_export_is_verified_without_a_database(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", RUN " --rows 10");
    seal_program(run, "patella_sealer", "export one");
    assert_report(run, 0, "");
    seal_program(run, "nobody", "verify --file one --public-key key.pub --checkpoints checkpoints");
    assert_report(run, 0, "all as they were sealed");
    seal_program(run, "nobody", "verify --file one --public-key key.pub --checkpoints checkpoints --json");
    assert_report(run, 0, "{\"whole\":true,\"blocks\":");
    seal_program(run, "patella_sealer", "export one");
    assert_report(run, 1, "one is there already");
    report_shell(run, "sed 's/Clara Clerk/Clara Clark/' one > two && head -c 20000 one > three && : > four");
    seal_program(run, "nobody", "verify --file two --public-key key.pub --checkpoints checkpoints --json");
    assert_report(run, 1, "{\"fault\":\"edited\",\"block\":");
    seal_program(run, "nobody", "verify --file three");
    assert_report(run, 1, "three: not a whole file of `patella-seal export`");
    seal_program(run, "nobody", "verify --file four");
    assert_report(run, 1, "four: not a whole file of `patella-seal export`");
    /* Answers do not leave the database with it. */
    report_shell(run, "grep -c '\"answers\"' one");
    assert_report(run, 1, "0\n");
}

/* ---- eras ---- */

static void test_run_refuses_when_transactions_went_back(void **state)
{
    struct report_run *run = *state;
    seal_once(run);
    seal_tamper(run, "UPDATE audit.block SET upto_xid = '4000000000000'");
    report_shell(run, "rm checkpoints");
    seal_program(run, "patella_sealer", RUN);
    assert_report(run, 1, "numbers of transactions went back");
    assert_report(run, 1, "patella-seal new-era");
}

#define ERA "new-era --reason 'restored from the dump of Friday' --key key --checkpoints checkpoints --db dbname=%s"

static void test_new_era_goes_on_behind_the_last_block(void **state)
{
    struct report_run *run = *state;
    seal_program(run, "patella_sealer", RUN " --rows 10");
    test_run(superuser(run), "SELECT admin.add_account('tail', 'Not sealed yet')");
    const char *database = test_database_name(collected_database(run->collected));
    seal_program(run, "patella_sealer", ERA, database);
    assert_report(run, 1, "");                       /* patella_sealer may not */
    const char *user = seal_value(run, "SELECT current_user");
    seal_program(run, user, ERA, database);
    assert_report(run, 1, "a collector is connected to the database; stop patellad");
    test_run(superuser(run), "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
                             "WHERE usename = 'patella_collector' AND datname = current_database()");
    seal_program(run, user, ERA, database);
    assert_report(run, 0, "is open; blocks up to ");
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
    test_run(superuser(run), "SELECT admin.add_account('new', 'In the new era')");
    seal_once(run);
    assert_string_equal(seal_value(run, "SELECT count(DISTINCT era) || ' ' || sum(row_count) - (SELECT count(*) FROM "
                                        "audit.event) FROM audit.block"), "2 0");
    assert_whole(run);
    report_shell(run, "grep -v '^patella era' checkpoints > without");
    seal_program(run, "patella_sealer", "verify --public-key key.pub --checkpoints without");
    assert_report(run, 1, "checkpoint: the database has an era 2 behind block ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_run_blocks_hold_no_more_rows_than_asked),
        TEST(test_run_two_sealers_take_turns),
        TEST(test_run_waits_for_a_transaction_that_is_open),
        TEST(test_run_killed_between_file_and_commit_goes_on),
        TEST(test_run_file_that_stayed_behind_gets_its_lines),
        TEST(test_run_refuses_a_file_that_does_not_belong_to_the_database),
        TEST(test_run_used_wrongly_exits_2),
        TEST(test_export_is_verified_without_a_database),
        TEST(test_run_refuses_when_transactions_went_back),
        TEST(test_new_era_goes_on_behind_the_last_block),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
