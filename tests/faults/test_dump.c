/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump and what it takes to live on it, as migrations/README.md says: nothing is lost on the way, dumps of other
 * roles are refused or found out, and a database whose transactions are numbered from the start again is refused
 * until a new era is open.
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
#include "tests/support/tus.h"
#include "tests/support/upload_run.h"

#define WENT_BACK "numbers of transactions went back"

static const char in_cut[] =
    "SELECT count(*) FROM core.cut c JOIN core.submission s USING (study_id) "
    "WHERE c.label = 'before' AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)";

/* As many transactions as a server has had that was in use; a new cluster is behind them. */
static const char use_numbers[] =
    "DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$";

/* ---- uploaded files ---- */

#define PAIN "site=2&form=pain_vas"
#define HEADER "subject,knee,visit,date,vas\n"

enum { HALF = 20 };

static const char stored_file[] = HEADER "02-0002,right,BL,2024-02-02,61.5\n02-0002,right,M3,2024-05-02,140\n";
static const char shown_file[] = HEADER "02-0002,right,M6,2024-08-02,30\n";

/* One that is committed in part, one that is shown, and one of which half has come. */
struct files {
    const char *stored, *shown, *receipt, *refused;
    struct tus_upload *half;
};

static const char *receipt_of(struct registry *registry, const char *id)
{
    json_t *receipt = json_object_get(upload_get(registry, "coordinator", id)->json, "receipt");
    char *text = json_dumps(receipt, JSON_COMPACT);
    const char *copy = memory_copy_string(registry, text);
    free(text);
    return copy;
}

static struct files send_files(struct drill *drill)
{
    struct registry *registry = drill->run->registry;
    struct files files = {.stored = NULL};
    registry_enrol(registry, "coordinator", "02-0002");
    files.stored = upload_to(registry, "coordinator", PAIN "&commit=good-rows", stored_file, "committed");
    files.shown = upload_to(registry, "coordinator", PAIN, shown_file, "previewed");
    files.receipt = receipt_of(registry, files.stored);
    files.refused = memory_copy_string(registry, upload_part(registry, "coordinator", files.stored, "refused")->body);
    struct tus_line *line = tus_open(registry, "coordinator");
    files.half = tus_begin(line, sizeof stored_file - 1);
    tus_patch(line, files.half, 0, stored_file, HALF);
    return files;
}

/* All three go on where they were, in another era. */
static void go_on_with_files(struct drill *drill, const struct files *files)
{
    struct registry *registry = drill->run->registry;
    assert_string_equal(receipt_of(registry, files->stored), files->receipt);
    assert_string_equal(upload_part(registry, "coordinator", files->stored, "refused")->body, files->refused);
    upload_to(registry, "coordinator", PAIN "&commit=good-rows", stored_file, "repeated");
    assert_status(upload_commit(registry, "coordinator", files->shown, "all-or-nothing", NULL), 200);
    assert_status(upload_take_back(registry, "coordinator", files->stored, "the export was of another visit"), 200);
    assert_string_equal(drill_value(drill, "SELECT string_agg(concat_ws(' ', visit, version, status, era), ', ' ORDER "
                                           "BY visit, version) FROM core.submission WHERE site_id = 2 AND subject_no = "
                                           "2 AND form = 'pain_vas'"),
                        "BL 1 complete 1, BL 2 void 2, M6 1 complete 2");
    struct tus_line *line = tus_open(registry, "coordinator");
    assert_int_equal(tus_offset(line, files->half), HALF);
    tus_patch(line, files->half, HALF, stored_file, sizeof stored_file - 1 - HALF);
    upload_get(registry, "coordinator", files->half->id);
    assert_string_equal(drill_value(drill, memory_format(drill, "SELECT count(sha256) || ' ' || count(DISTINCT sha256) "
                                                         "FROM upload.file WHERE upload_id IN ('%s', '%s')",
                                                         files->half->id, files->stored)), "2 1");
}

/* ---- a database in use ---- */

static void fill(struct drill *drill, struct files *files)
{
    test_run(drill->run->registry->db, use_numbers);
    *files = send_files(drill);
    fault_run_begin(drill->run);
    fault_run_wait(drill->run, 200);
    drill_shell(drill, DRILL_OWN, "patella-admin cut demo --label before");
    assert_drill(drill, 0, "1");
    fault_run_wait(drill->run, 200);
    drill_seal(drill);
    drill_report(drill, "before");
    fault_run_wait(drill->run, 100);
    drill_end_load(drill);
}

/* ---- who may dump ---- */

/* Rows of a table in a dump as text. */
#define COUNT_DUMPED " | sed -n '/^COPY core.submission /,/^\\\\\\.$/p' | wc -l"

static void check_other_roles(struct drill *drill)
{
    static const char *const refused[] = {
        "pg_dump --username=patella_migrator",
        "pg_dump --username=patella_reporter --enable-row-security",
        "pg_dump --username=patella_migrator --role=patella_owner --schema=core",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        drill_shell(drill, DRILL_SUPERUSER, "%s > part", refused[i]);
        assert_drill(drill, 1, "pg_dump: error: ");
    }
    /* Exit status 0, and none of the rows. */
    drill_shell(drill, DRILL_SUPERUSER, "pg_dump --username=patella_migrator --role=patella_owner --schema=core "
                                        "--enable-row-security > part && cat part" COUNT_DUMPED);
    assert_drill(drill, 0, "2\n");
    drill_shell(drill, DRILL_SUPERUSER, "pg_dump --schema=core" COUNT_DUMPED);
    assert_int_equal(strtoll(drill->output, NULL, 10) - 2,
                     strtoll(drill_value(drill, "SELECT count(*) FROM core.submission"), NULL, 10));
}

/* ---- out and in again ---- */

static const char count_sql[] =
    "cat > \"$DUMP/count.sql\" <<'END'\n"
    "SELECT format('SELECT %L, count(*) FROM %s', t.oid::regclass, t.oid::regclass) FROM pg_class t\n"
    "JOIN pg_namespace n ON n.oid = t.relnamespace WHERE t.relkind = 'r' AND n.nspname !~ "
    "'^pg_|^information_schema$'\n"
    "ORDER BY t.oid::regclass::text COLLATE \"C\" \\gexec\n"
    "END";

static void dump(struct drill *drill)
{
    static const char *const steps[] = {
        count_sql,
        "pg_dumpall --roles-only > \"$DUMP/roles.sql\"",
        "pg_dump --format=custom --file=\"$DUMP/patella.dump\"",
        "psql -XAtq --file=\"$DUMP/count.sql\" > \"$DUMP/counted\"",
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        drill_step(drill, DRILL_SUPERUSER, steps[i]);
        assert_drill(drill, 0, "");
    }
    drill_shell(drill, DRILL_OWN, "cat counted");
    assert_drill(drill, 0, "core.submission|");
}

static const char closed[] =
    "SELECT count(*) FROM pg_database d, aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a "
    "WHERE d.datname = current_database() AND a.grantee = 0";

static void restore(struct drill *drill)
{
    drill_step(drill, DRILL_SUPERUSER, "psql -Xq --dbname=postgres --file=\"$DUMP/roles.sql\"");
    assert_drill(drill, 0, "role \"postgres\" already exists");
    drill_step(drill, DRILL_SUPERUSER, "createdb --template=template0 --encoding=UTF8 \"$PGDATABASE\"");
    assert_drill(drill, 0, "");
    drill_step(drill, DRILL_SUPERUSER, "pg_restore --exit-on-error --dbname=\"$PGDATABASE\" \"$DUMP/patella.dump\"");
    assert_drill(drill, 0, "");
    drill_connect(drill);
    assert_string_not_equal(drill_value(drill, closed), "0");
    drill_step(drill, DRILL_SUPERUSER, "patella-migrate up");
    assert_drill(drill, 0, "");
    assert_string_equal(drill_value(drill, closed), "0");
    drill_step(drill, DRILL_SUPERUSER, "psql -XAtq --file=\"$DUMP/count.sql\" | diff \"$DUMP/counted\" -");
    assert_drill(drill, 0, "");
    assert_string_equal(drill_value(drill, "SELECT string_agg(l.fault, ', ') FROM guard.list_faults() l"), "");
}

/* Whatever writes would give rows that count among those of old cuts. */
static void check_refused(struct drill *drill)
{
    const struct registry *registry = drill->run->registry;
    const char *log;
    assert_int_not_equal(daemon_refuse(drill, test_database_conninfo(drill, registry->database, "patella_collector"),
                                       NULL, &log), 0);
    assert_non_null(strstr(log, WENT_BACK));
    static const char *const programs[] = {
        "patella-admin account add olga --name 'Olga'",
        "patella-admin cut demo --label low",
        "patella-report --study demo --cut before --out low",
        "patella-report --jobs --once",
        "patella-seal run --once --key \"$KEY\" --checkpoints \"$CHECKPOINTS\"",
    };
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        drill_shell(drill, DRILL_OWN, "%s", programs[i]);
        assert_drill(drill, 1, WENT_BACK);
        assert_drill(drill, 1, "patella-seal new-era");
    }
}

static void open_era(struct drill *drill)
{
    drill_step(drill, DRILL_SUPERUSER,
               "patella-seal new-era --reason \"$REASON\" --key \"$KEY\" --checkpoints \"$CHECKPOINTS\" "
               "--db \"dbname=$PGDATABASE user=postgres\"");
    assert_drill(drill, 0, "era 2 is open; blocks up to 1 count");
    drill_seal(drill);
    drill_verify(drill);
}

static void test_dump_brought_back_opens_an_era_and_goes_on(void **state)
{
    (void)state;
    struct drill *drill = drill_new("brought back from a dump", NULL);
    struct files files;
    fill(drill, &files);
    check_other_roles(drill);
    dump(drill);
    const char *held = memory_copy_string(drill, drill_value(drill, in_cut));
    drill_move_to(drill, cluster_new(drill, NULL));
    restore(drill);
    check_refused(drill);
    open_era(drill);
    drill_report(drill, "after");
    assert_same_report(drill, "before", "after");
    drill_start_daemon(drill);
    drill_go_on(drill);
    go_on_with_files(drill, &files);
    struct load_findings found;
    if (!load_check_ledger(drill->run->load, drill->run->registry->db, &found))
        fail_msg("%s", found.text);
    assert_string_equal(drill_value(drill, in_cut), held);
    drill_shell(drill, DRILL_OWN, "rm -r after");
    drill_report(drill, "after");
    assert_same_report(drill, "before", "after");
    drill_seal(drill);
    drill_verify(drill);
    drill_free(drill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_brought_back_opens_an_era_and_goes_on),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
