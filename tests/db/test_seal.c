/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the database itself keeps of sealing: who may what, what is finished, blocks that follow, sealed cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

static int set_up(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    return 0;
}

static struct db *connect_as(const struct test_fixture *fixture, const char *role)
{
    return test_database_connect(fixture->owner, fixture->database, role);
}

/* A block that goes on where the last one ends, up to the place `upto` ("'733', 0"); its hashes are made up. */
static const char *block_sql(const struct test_fixture *fixture, const char *upto)
{
    return memory_format(fixture->owner,
        "SELECT audit.add_block(COALESCE(s.block_no, 0) + 1, s.era, COALESCE(s.upto_xid, '0'), COALESCE(s.upto_seq, 0),"
        " %s, 0, sha256('r'), sha256('l'), COALESCE(s.hash, decode(repeat('00', 32), 'hex')), 5, "
        "'\\x0102030405060708', "
        "sha256(COALESCE(s.hash, '')), sha256('a') || sha256('b'), '', '') FROM audit.seal_state() s", upto);
}

/* ---------------------------------------------------------------------------------------------- roles */

static void test_seal_roles_may_call_what_is_theirs(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct {
        const char *role, *sql, *sqlstate;
    } cases[] = {
        {"patella_sealer", "SELECT count(*) FROM audit.block", "42501"},
        {"patella_sealer", "SELECT count(*) FROM audit.event", "42501"},
        {"patella_sealer", "SELECT count(*) FROM core.submission", "42501"},
        {"patella_sealer", "SELECT count(*) FROM audit.rows_between(1::smallint, '0', 0, '9999999', 0, 10)", ""},
        {"patella_sealer", "SELECT count(*) FROM audit.submission_rows(1, 1)", ""},
        {"patella_sealer", "SELECT count(*) FROM audit.table_rows('sec.account')", ""},
        {"patella_sealer", "SELECT audit.table_rows('pg_catalog.pg_authid')", "P0002"},
        {"patella_sealer", "SELECT audit.table_rows('sec.reporter_grant; SELECT 1')", "P0002"},
        {"patella_sealer", "SELECT audit.open_era('restored')", "42501"},
        {"patella_sealer", "SELECT audit.record('X', 'x', 1, 1, NULL, NULL, NULL, NULL)", "42501"},
        {"patella_sealer", "SELECT api.seal_status()", "42501"},
        {"patella_sealer", "SELECT rep.cut_is_sealed(1, 1)", "42501"},
        {"patella_auditor", "SELECT count(*) FROM audit.block", ""},
        {"patella_auditor", "SELECT count(*) FROM audit.list_blocks(1, 1)", ""},
        {"patella_auditor", "SELECT audit.open_era('restored')", "42501"},
        {"patella_collector", "SELECT audit.seal_state()", "42501"},
        {"patella_collector", "SELECT audit.submission_rows(1, 1)", "42501"},
        {"patella_collector", "SELECT api.seal_status()", ""},
        {"patella_reporter", "SELECT audit.is_sealed('1:1:', 1::smallint)", "42501"},
        {"patella_reporter", "SELECT count(*) FROM audit.block", "42501"},
        {"patella_admin", "SELECT audit.open_era('restored')", "42501"},
        {"patella_migrator", "SELECT audit.seal_state()", "42501"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct db *db = connect_as(fixture, cases[i].role);
        const char *sqlstate = test_sqlstate(db, cases[i].sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("%s: SQLSTATE \"%s\": %s", cases[i].role, sqlstate, cases[i].sql);
        talloc_free(db);
    }
}

static void test_seal_only_the_sealer_adds_blocks(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const others[] = {"patella_auditor", "patella_collector", "patella_admin", "patella_reporter",
                                         "patella_migrator", "patella_auth", "patella_unblinder"};
    const char *call = "SELECT audit.add_block(1, 1::smallint, '0', 0, '1', 0, 0, '', '', '', 0, '', '', '', '', '')";
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_string_equal(test_sqlstate(connect_as(fixture, others[i]), call), "42501");
    assert_string_equal(test_sqlstate(connect_as(fixture, "patella_sealer"), block_sql(fixture, "'5', 0")), "");
}

static void test_seal_blocks_are_never_changed(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(connect_as(fixture, "patella_sealer"), block_sql(fixture, "'5', 0"));
    static const char *const changes[] = {"UPDATE audit.block SET era = 1", "DELETE FROM audit.block",
                                          "TRUNCATE audit.block"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        assert_string_equal(test_sqlstate(fixture->superuser, changes[i]), "42501");
}

/* ---------------------------------------------------------------------------------------------- what is finished */

static void test_seal_horizon_waits_for_the_oldest_transaction(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *old = connect_as(fixture, NULL), *sealer = connect_as(fixture, "patella_sealer");
    test_run(old, "BEGIN; SELECT pg_current_xact_id()");
    const char *old_xid = test_value(old, "SELECT pg_current_xact_id()");
    test_run(fixture->superuser, "SELECT admin.add_account('later', 'Later')");
    assert_string_equal(test_value(sealer, memory_format(fixture->owner,
        "SELECT horizon = '%s' AND next_xid > '%s' FROM audit.seal_state()", old_xid, old_xid)), "t");
    const char *place = memory_format(fixture->owner, "('%s'::xid8::text::bigint + 1)::text::xid8, 0", old_xid);
    const char *beyond = block_sql(fixture, place);
    assert_string_equal(test_sqlstate(sealer, beyond), "55000");
    test_run(old, "ROLLBACK");
    assert_string_equal(test_sqlstate(sealer, beyond), "");
}

static void test_seal_rows_between_keeps_to_range_era_and_limit(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *sealer = connect_as(fixture, "patella_sealer");
    test_run(fixture->superuser, "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object) "
             "SELECT x::text::xid8, e, now(), 'x', 'x', 'EXPORT', 'core.cut' FROM generate_series(11, 13) x, "
             "(VALUES (1::smallint), (1), (2)) v (e)");
#define ROWS(range) "SELECT string_agg(xid::text, ' ') FROM audit.rows_between(" range ")"
    assert_string_equal(test_value(sealer, ROWS("1::smallint, '11', 0, '13', 0, 100")), "11 11 12 12");
    assert_string_equal(test_value(sealer, ROWS("2::smallint, '0', 0, '13', 0, 100")), "11 12");
    assert_string_equal(test_value(sealer, ROWS("1::smallint, '12', 0, '14', 0, 3")), "12 12 13");
    assert_string_equal(test_value(sealer, memory_format(fixture->owner, ROWS("1::smallint, '11', %s, '11', %s, 9"),
        test_value(fixture->superuser, "SELECT max(seq) FROM audit.event WHERE xid = '11' AND era = 1"),
        test_value(fixture->superuser, "SELECT max(seq) + 1 FROM audit.event WHERE xid = '11' AND era = 1"))), "11");
}

/* ---------------------------------------------------------------------------------------------- following blocks */

static void test_seal_add_block_refuses_what_does_not_follow(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *sealer = connect_as(fixture, "patella_sealer");
    static const char format[] = "SELECT audit.add_block(%s, %s::smallint, %s, '9', 0, 0, sha256('r'), "
                                 "sha256('l'), %s, "
                                 "5, '\\x0102030405060708', sha256('h'), sha256('a') || sha256('b'), '', '')";
    test_run(sealer, block_sql(fixture, "'7', 3"));
    static const struct {
        const char *number, *era, *from, *before, *sqlstate;
    } cases[] = {
        {"1", "1", "'7', 3", "sha256('')", "55000"}, {"3", "1", "'7', 3", "sha256('')", "55000"},
        {"2", "1", "'7', 3", "sha256('x')", "55000"}, {"2", "1", "'7', 4", "sha256('')", "55000"},
        {"2", "1", "'6', 3", "sha256('')", "55000"}, {"2", "2", "'0', 0", "sha256('')", "55000"},
        {"2", "0", "'7', 3", "sha256('')", "55000"}, {"2", "1", "'7', 3", "sha256('')", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *sql = memory_format(fixture->owner, format, cases[i].number, cases[i].era, cases[i].from,
                                        cases[i].before);
        const char *sqlstate = test_sqlstate(sealer, sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("SQLSTATE \"%s\" instead of \"%s\": %s", sqlstate, cases[i].sqlstate, sql);
    }
}

static void test_seal_checks_of_block_refuse_null_and_wrong_sizes(void **state)
{
    struct test_fixture *fixture = *state;
    static const char good[] = "INSERT INTO audit.block SELECT (jsonb_populate_record(NULL::audit.block, "
                               "to_jsonb(b) || "
                               "'%s')).* FROM audit.block b WHERE b.block_no = 1";
    test_run(connect_as(fixture, "patella_sealer"), block_sql(fixture, "'7', 3"));
    static const struct {
        const char *change, *sqlstate;
    } cases[] = {
        {"{\"block_no\": 0}", "23514"}, {"{\"block_no\": null}", "23502"}, {"{\"root\": \"\\\\x00\"}", "23514"},
        {"{\"root\": null}", "23502"},
        {"{\"list_sha256\": \"\\\\x00\"}", "23514"}, {"{\"before\": \"\\\\x\"}", "23514"},
        {"{\"key_id\": \"\\\\x00\"}", "23514"}, {"{\"signature\": \"\\\\x00\"}", "23514"},
        {"{\"hash\": \"\\\\x00\"}", "23514"},
        {"{\"row_count\": 1}", "23514"}, {"{\"row_count\": -1}", "23514"}, {"{\"entries\": \"\\\\x00\"}", "23514"},
        {"{\"entries\": null}", "23502"}, {"{\"from_xid\": \"8\"}", "23514"}, {"{\"upto_xid\": null}", "23502"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *sqlstate = test_sqlstate(fixture->superuser, memory_format(fixture->owner, good, cases[i].change));
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("SQLSTATE \"%s\" instead of \"%s\": %s", sqlstate, cases[i].sqlstate, cases[i].change);
    }
}

/* ---------------------------------------------------------------------------------------------- cuts */

#define SEALED "SELECT rep.cut_is_sealed(1, 1)"

static void test_cut_is_sealed_when_all_its_rows_are(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *sealer = connect_as(fixture, "patella_sealer"), *reporter = connect_as(fixture, "patella_reporter");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'first')");
    const char *last = test_value(fixture->superuser,
        "SELECT e.xid FROM audit.event e, core.cut c WHERE pg_visible_in_snapshot(e.xid, c.snapshot) "
        "ORDER BY e.xid DESC, e.seq DESC LIMIT 1");
    assert_string_equal(test_value(reporter, SEALED), "f");
    test_run(sealer, block_sql(fixture, memory_format(fixture->owner, "'%s', 0", last)));      /* all but the last */
    assert_string_equal(test_value(reporter, SEALED), "f");
    test_run(sealer, block_sql(fixture, memory_format(fixture->owner, "'%s', 1000000000", last)));
    assert_string_equal(test_value(reporter, SEALED), "t");
    assert_string_equal(test_sqlstate(reporter, "SELECT rep.cut_is_sealed(1, 2)"), "P0002");
    assert_string_equal(test_sqlstate(reporter, "SELECT rep.cut_is_sealed(2, 1)"), "42501");
}

/* A transaction was under way when the cut was made: it is not in it, and need not be sealed. */
static void test_cut_is_sealed_without_what_was_under_way(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *sealer = connect_as(fixture, "patella_sealer"), *reporter = connect_as(fixture, "patella_reporter");
    struct db *old = connect_as(fixture, NULL);
    test_run(old, "BEGIN; SELECT admin.add_account('slow', 'Slow')");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'first')");
    test_run(sealer, block_sql(fixture, "s.horizon, 0"));
    assert_string_equal(test_value(reporter, SEALED), "t");
    test_run(old, "COMMIT");
    assert_string_equal(test_value(reporter, SEALED), "t");
}

/* ---------------------------------------------------------------------------------------------- eras */

static void test_open_era_writes_down_what_cuts_held(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_submit(fixture->collector, &(struct test_row){.id = 1}, 1), "accepted");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'first')");
    assert_string_equal(test_submit(fixture->collector, &(struct test_row){.id = 2, .visit = "M6"}, 1), "accepted");
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT audit.open_era('restored')"), "55006");
    talloc_free(fixture->collector);
    fixture->collector = NULL;
    while (test_value(fixture->superuser, "SELECT 'x' FROM pg_stat_activity WHERE datname = current_database() "
                                          "AND usename = 'patella_collector'")[0] != '\0')
        continue;
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT audit.open_era('    ')"), "22023");
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT audit.open_era(NULL)"), "22023");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT era || ' ' || after_block FROM audit.open_era('restored')"), "2 0");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(site_id || ':' || right(id::text, 2), ' ' ORDER BY id) "
        "FROM core.cut_versions v, unnest(v.ids) id WHERE (study_id, cut_no) = (1, 1)"), "1:01 1:01");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(DISTINCT era::text, ' ') FROM audit.event "
        "WHERE object IN ('core.cut_versions', 'audit.era')"),
        "2");
    assert_string_equal(test_value(fixture->superuser, "SELECT audit.current_era()"), "2");
}

static void test_open_era_after_rows_among_the_sealed_ones_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    talloc_free(fixture->collector);
    fixture->collector = NULL;
    test_run(connect_as(fixture, "patella_sealer"), block_sql(fixture, "s.horizon, 0"));
    test_run(fixture->superuser, "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object) "
                                 "VALUES ('5', 1, now(), 'x', 'x', 'EXPORT', 'core.cut')");
    while (test_value(fixture->superuser, "SELECT 'x' FROM pg_stat_activity WHERE datname = current_database() "
                                          "AND usename = 'patella_collector'")[0] != '\0')
        continue;
    assert_string_equal(test_sqlstate(fixture->superuser, "SELECT audit.open_era('restored')"), "55000");
}

/* ---------------------------------------------------------------------------------------------- metrics */

static void test_seal_status_tells_the_oldest_row_that_waits(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SET session_replication_role = replica; "
                                 "UPDATE audit.event SET at = at - interval '1 hour' WHERE object = 'core.subject'; "
                                 "RESET session_replication_role");
    const char *status = "SELECT (oldest_unsealed_s >= 0) || ' ' || (last_block_s IS NULL) FROM api.seal_status()";
    assert_string_equal(test_value(fixture->collector, status), "true true");
    struct db *sealer = connect_as(fixture, "patella_sealer");
    test_run(sealer, block_sql(fixture, memory_format(fixture->owner, "'%s', 0",
        test_value(fixture->superuser, "SELECT min(xid::text::bigint) FROM audit.event "
                                       "WHERE object = 'core.subject'"))));
    assert_string_equal(test_value(fixture->collector, "SELECT oldest_unsealed_s BETWEEN 3600 AND 7200 "
                                                       "FROM api.seal_status()"), "t");
    test_run(sealer, block_sql(fixture, "s.horizon, 0"));
    assert_string_equal(test_value(fixture->collector, "SELECT oldest_unsealed_s = 0 AND last_block_s > 0 "
                                                       "FROM api.seal_status()"), "t");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        TEST(test_seal_roles_may_call_what_is_theirs),
        TEST(test_seal_only_the_sealer_adds_blocks),
        TEST(test_seal_blocks_are_never_changed),
        TEST(test_seal_horizon_waits_for_the_oldest_transaction),
        TEST(test_seal_rows_between_keeps_to_range_era_and_limit),
        TEST(test_seal_add_block_refuses_what_does_not_follow),
        TEST(test_seal_checks_of_block_refuse_null_and_wrong_sizes),
        TEST(test_cut_is_sealed_when_all_its_rows_are),
        TEST(test_cut_is_sealed_without_what_was_under_way),
        TEST(test_open_era_writes_down_what_cuts_held),
        TEST(test_open_era_after_rows_among_the_sealed_ones_is_refused),
        TEST(test_seal_status_tells_the_oldest_row_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
