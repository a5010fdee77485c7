/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-seal verify: what a superuser changes behind the triggers is found and named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/seal_run.h"

static int set_up(void **state)
{
    struct report_run *run = seal_run_new();
    *state = run;
    seal_once(run);
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
    return 0;
}

/* The first and the last row about submissions of site 1, as verify writes them. */
#define FIRST "(SELECT seq FROM audit.event WHERE object = 'core.submission' AND site_id = 1 ORDER BY seq LIMIT 1)"
#define LAST "(SELECT seq FROM audit.event WHERE object = 'core.submission' AND site_id = 1 ORDER BY seq DESC LIMIT 1)"

static const char *name_row(struct report_run *run, const char *row)
{
    return memory_copy_string(run, seal_value(run, memory_format(run,
        "SELECT 'block 1 row ' || xid || '.' || seq || ' of ' || object || ' study ' || study_id || ' site ' || "
        "site_id FROM audit.event WHERE seq = %s", row)));
}

static void check_found(struct report_run *run, const char *kind, const char *where)
{
    seal_verify(run);
    assert_report(run, 1, memory_format(run, "%s: %s", kind, where));
}

/* ---- the trail ---- */

static void test_verify_row_edited_is_named(void **state)
{
    struct report_run *run = *state;
    const char *row = name_row(run, FIRST);
    seal_tamper(run, "UPDATE audit.event SET actor = 'somebody' WHERE seq = " FIRST);
    check_found(run, "edited", row);
}

static void test_verify_row_deleted_is_named(void **state)
{
    struct report_run *run = *state;
    const char *row = name_row(run, FIRST);
    seal_tamper(run, "DELETE FROM audit.event WHERE seq = " FIRST);
    check_found(run, "deleted", memory_format(run, "%s: sealed, and gone", row));
    assert_report(run, 1, "added: of core.submission study 1 site 1: no row of the trail brought it");
}

static void test_verify_row_inserted_is_named(void **state)
{
    struct report_run *run = *state;
    seal_tamper(run, "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id) "
                     "SELECT xid, era, at, actor, db_role, 'EXPORT', 'core.cut', study_id, site_id FROM audit.event "
                     "WHERE seq = " FIRST);
    check_found(run, "inserted", "block 1 row ");
    assert_report(run, 1, " of core.cut study 1 site 1: was not there when the block was sealed");
    assert_report(run, 1, "1 fault(s)");
}

static void test_verify_rows_swapped_are_named(void **state)
{
    struct report_run *run = *state;
    const char *row = name_row(run, FIRST);
    seal_tamper(run,
                "UPDATE audit.event e SET (at, actor, token_no, db_role, operation, object, study_id, site_id, row_id, "
                "digest, old, new, reason) = (SELECT o.at, o.actor, o.token_no, o.db_role, o.operation, o.object, "
                "o.study_id, o.site_id, o.row_id, o.digest, o.old, o.new, o.reason FROM audit.event o "
                "WHERE o.seq = CASE WHEN e.seq = " FIRST " THEN " LAST " ELSE " FIRST " END) "
                "WHERE e.seq IN (" FIRST ", " LAST ")");
    check_found(run, "swapped", memory_format(run, "%s: has changed places with row ", row));
    assert_report_without(run, "edited:");
}

static void test_verify_tail_cut_off_is_named(void **state)
{
    struct report_run *run = *state;
    test_run(collected_db(run->collected), "SELECT admin.add_account('dora', 'Dora')");
    seal_once(run);
    seal_tamper(run, "DELETE FROM audit.event WHERE (xid, seq) >= (SELECT from_xid, from_seq FROM audit.block "
                     "WHERE block_no = 2); DELETE FROM audit.block WHERE block_no = 2; "
                     "DELETE FROM sec.account WHERE account = 'dora'");
    check_found(run, "cut_off", "block 2: the checkpoint file has this block with 1 rows");
    assert_report(run, 1, "1 fault(s)");
    seal_program(run, "patella_sealer", "run --once --key key --checkpoints checkpoints");
    assert_report(run, 1, "the rows of block 2 are no longer those that the checkpoint file was told: 1 then, 0 now");
}

/* A row whose era does not exist lies in no block. */
static void test_verify_row_of_no_era_is_counted(void **state)
{
    struct report_run *run = *state;
    seal_tamper(run, "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object) "
                     "VALUES ('7', 0, now(), 'x', 'x', 'EXPORT', 'core.cut')");
    check_found(run, "count", "of audit.event: ");
}

/* ---- blocks ---- */

static void test_verify_block_changed_is_named(void **state)
{
    static const struct {
        const char *sql, *kind, *text;
    } cases[] = {
        {"UPDATE audit.block SET sealed_at = sealed_at - interval '1 day'", "signature", "block 1: the block is not"},
        {"UPDATE audit.block SET root = sha256('x')", "signature", "block 1: the block is not what was signed"},
        {"UPDATE audit.block SET root = sha256('x')", "block", "block 1: its leaf hashes do not make its root"},
        {"UPDATE audit.block SET root = sha256('x')", "checkpoint", "block 1: another block than the one in the"},
        {"UPDATE audit.block SET entries = overlay(entries placing '\\x00' from 30)", "block",
         "block 1: its list of rows does not have the hash of the list"},
        {"UPDATE audit.block SET objects = replace(objects, 'core.submission', 'core.subsection')", "block",
         "block 1: its list of rows does not have"},
        {"UPDATE audit.block SET signature = sha256('x') || sha256('y')", "signature", "block 1: the block is not"},
        {"UPDATE audit.block SET key_id = '\\x0102030405060708'", "signature",
         "block 1: signed with a key that is not"},
        {"UPDATE audit.block SET upto_seq = upto_seq + 1", "signature", "block 1: the block is not what was signed"},
    };
    struct report_run *run = *state;
    test_run(collected_db(run->collected), "CREATE TABLE public.kept AS TABLE audit.block");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seal_tamper(run, cases[i].sql);
        check_found(run, cases[i].kind, cases[i].text);
        seal_tamper(run, "DELETE FROM audit.block; INSERT INTO audit.block TABLE public.kept");
    }
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
}

static void test_verify_block_in_the_middle_dropped_is_named(void **state)
{
    struct report_run *run = *state;
    for (int i = 0; i < 2; i++) {
        test_run(collected_db(run->collected), memory_format(run, "SELECT admin.add_account('a%d', 'A')", i));
        seal_once(run);
    }
    seal_tamper(run, "DELETE FROM audit.block WHERE block_no = 2");
    check_found(run, "chain", "block 3: stands behind block 1: 1 block(s) between them are gone");
}

/* The newest block is in the file; the sealer makes it again of the same rows. */
static void test_run_newest_block_dropped_is_made_again(void **state)
{
    struct report_run *run = *state;
    const char *hash = memory_copy_string(run, seal_value(run, "SELECT hash FROM audit.block"));
    seal_tamper(run, "DELETE FROM audit.block");
    check_found(run, "cut_off", "block 1: the checkpoint file has this block");
    seal_once(run);
    assert_string_equal(seal_value(run, "SELECT hash FROM audit.block"), hash);
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
}

/* ---- tables ---- */

#define CHANGED "changed", "block 1 row "

static void test_verify_table_changed_is_named(void **state)
{
    static const struct {
        const char *sql, *kind, *text;
    } cases[] = {
        {"UPDATE sec.account SET full_name = 'Carla Clerk' WHERE account = 'clara'", CHANGED},
        {"UPDATE core.site SET name = 'Elsewhere' WHERE site_id = 2", CHANGED},
        {"UPDATE core.form SET yaml = yaml || '# x' WHERE form = 'pain_vas'", CHANGED},
        {"UPDATE core.subject SET index_knee = 'left' WHERE (site_id, subject_no) = (1, 2)", CHANGED},
        {"UPDATE core.cut SET snapshot = '5:5:'", CHANGED},
        {"UPDATE sec.credential SET role = 'statistician' WHERE token_no = 1", CHANGED},
        {"UPDATE core.signature SET meaning = 'approval'", CHANGED},
        {"UPDATE core.signature SET printed_name = 'Somebody'", CHANGED},
        {"DELETE FROM core.signature", "missing", "block 1 row "},
        {"DELETE FROM core.knee WHERE (site_id, subject_no, knee) = (2, 1, 'left')", "missing", "block 1 row "},
        {"INSERT INTO core.knee VALUES (1, 1, 77, 'left')", "added",
         "of core.knee study 1 site 1: no row of the trail"},
        {"UPDATE core.submission SET status = 'void' WHERE version = 2", CHANGED},
        {"UPDATE core.submission SET scores = '{77}' WHERE version = 2", CHANGED},
        {"UPDATE core.submission SET visit = 'M6' WHERE version = 2", CHANGED},
        {"UPDATE core.submission SET dated = dated - 1 WHERE version = 2", CHANGED},
        {"UPDATE core.submission SET recorded_by = 'x' WHERE version = 2", CHANGED},
        {"UPDATE core.submission SET content = replace(content::text, '41', '14')::json WHERE version = 2", "content",
         "of core.submission study 1 site 1: submission "},
        {"UPDATE core.submission SET content = '{\"a\":1}', sha256 = sha256('{\"a\":1}') WHERE version = 2",
         CHANGED},
        {"UPDATE core.submission SET prev_sha256 = sha256('x') WHERE version = 2", "link",
         "of core.submission study 1 site 1: submission "},
        {"UPDATE core.submission SET version = 3 WHERE version = 2", "link", "of core.submission study 1 site 1: "},
        {"DELETE FROM core.submission WHERE version = 2", "missing", "block 1 row "},
        {"INSERT INTO core.submission SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), "
         "'visit', 'M12'))).* FROM core.submission s WHERE version = 1 AND form = 'pain_vas' LIMIT 1", "added",
         "of core.submission study 1 site "},
    };
    struct report_run *run = *state;
    static const char *const tables[] = {"sec.account", "core.site", "core.form", "core.subject", "core.cut",
                                         "core.knee", "sec.credential", "core.submission", "core.signature"};
    enum { TABLES = sizeof tables / sizeof *tables };
    for (size_t i = 0; i < TABLES; i++)
        test_run(collected_db(run->collected),
                 memory_format(run, "CREATE TABLE public.kept%zu AS TABLE %s", i, tables[i]));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seal_tamper(run, cases[i].sql);
        check_found(run, cases[i].kind, cases[i].text);
        for (size_t t = 0; t < TABLES; t++)
            seal_tamper(run, memory_format(run, "DELETE FROM %s; INSERT INTO %s TABLE public.kept%zu", tables[t],
                                           tables[t], t));
    }
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
}

/* Two persons take answers out: what stands there instead is what the trail says, and nothing else of it changed. */
static void test_verify_redacted_answers_are_as_the_trail_says(void **state)
{
    struct report_run *run = *state;
    test_run(collected_db(run->collected),
             "INSERT INTO core.redaction (study_id, site_id, redaction_id, submission_id, reason, "
             "recorded_by) SELECT study_id, site_id, gen_random_uuid(), id, 'a name in a comment', 'somebody else' "
             "FROM core.submission WHERE version = 2; "
             "INSERT INTO core.redaction_decision (study_id, site_id, redaction_id, asked_by, decision) "
             "SELECT study_id, site_id, redaction_id, recorded_by, 'approved' FROM core.redaction");
    assert_string_equal(seal_value(run, "SELECT content ->> 'redacted' FROM core.submission WHERE version = 2"),
                        "true");
    seal_once(run);
    seal_verify(run);
    assert_report(run, 0, "all as they were sealed");
    seal_tamper(run, "UPDATE core.submission SET status = 'void' WHERE version = 2");
    check_found(run, "changed", "block 1 row ");
    seal_tamper(run, "UPDATE core.submission SET status = 'complete', content = '{\"redacted\":true}' "
                     "WHERE version = 2");
    check_found(run, "content", "of core.submission study 1 site 1: submission ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, report_run_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_verify_row_edited_is_named),
        TEST(test_verify_row_deleted_is_named),
        TEST(test_verify_row_inserted_is_named),
        TEST(test_verify_rows_swapped_are_named),
        TEST(test_verify_tail_cut_off_is_named),
        TEST(test_verify_row_of_no_era_is_counted),
        TEST(test_verify_block_changed_is_named),
        TEST(test_verify_block_in_the_middle_dropped_is_named),
        TEST(test_run_newest_block_dropped_is_made_again),
        TEST(test_verify_table_changed_is_named),
        TEST(test_verify_redacted_answers_are_as_the_trail_says),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
