/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tables themselves refuse: change, loss, and values that no function should have let through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

/* One row in every table. */
static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    const struct test_row rows[] = {
        {.id = 1}, {.id = 2, .version = 2, .reason = "wrong knee"},
    };
    assert_string_equal(test_submit(fixture->collector, &rows[0], 1), "accepted");
    assert_string_equal(test_submit(fixture->collector, &rows[1], 1), "accepted");
    test_run(fixture->superuser, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', NULL)");
    test_run(fixture->superuser, "SELECT admin.make_cut('demo', 'first')");
    test_run(fixture->collector, "SELECT api.request_report('statistician', 1, 1, NULL)");
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    test_run(reporter, "SELECT rep.add_file(j, 'report.html', 'text/html', 'abc'), rep.finish_job(j, true, NULL) "
                       "FROM (SELECT job_id AS j FROM rep.take_job()) t");
    test_run(fixture->collector, "SELECT api.request_report_file('statistician', 1, r.job_id, 'report.html') "
                                 "FROM api.list_reports('statistician', 1) r");
    return 0;
}

/* ---------------------------------------------------------------------------------------------- nothing changes */

/* Even for the superuser, as long as he leaves the triggers alone. */
static void test_tables_of_the_record_refuse_delete_and_truncate(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const tables[] = {
        "core.study", "core.site", "core.protocol", "core.form", "core.subject", "core.knee", "core.submission",
        "core.cut", "core.catalogue_state", "sec.account", "sec.credential", "sec.reporter_grant", "audit.event",
        "audit.era", "blind.allocation", "rep.job", "rep.file", "rep.export",
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char *delete = memory_format(fixture->owner, "DELETE FROM %s", tables[i]);
        char *truncate = memory_format(fixture->owner, "TRUNCATE %s CASCADE", tables[i]);
        assert_string_equal(test_sqlstate(fixture->superuser, delete), "42501");
        assert_string_equal(test_sqlstate(fixture->superuser, truncate), "42501");
    }
}

static void test_columns_of_the_record_refuse_update(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const updates[] = {
        "UPDATE core.study SET title = 'x'", "UPDATE core.study SET masking = 'double'",
        "UPDATE core.site SET name = 'x'", "UPDATE core.protocol SET yaml = 'x'", "UPDATE core.form SET yaml = 'x'",
        "UPDATE core.subject SET index_knee = 'right'", "UPDATE core.subject SET enrolled_on = '2020-01-01'",
        "UPDATE core.knee SET knee = 'left'", "UPDATE core.submission SET content = '{}'",
        "UPDATE core.submission SET recorded_at = now()", "UPDATE core.submission SET status = 'void'",
        "UPDATE core.cut SET label = 'x'", "UPDATE core.cut SET snapshot = pg_current_snapshot()",
        "UPDATE sec.account SET full_name = 'x'", "UPDATE sec.credential SET role = 'administrator'",
        "UPDATE sec.credential SET expires_at = now()", "UPDATE sec.reporter_grant SET study_id = 2",
        "UPDATE audit.event SET actor = 'x'", "UPDATE audit.era SET reason = 'x'",
        "UPDATE blind.allocation SET cohort = 'x'", "UPDATE rep.job SET requested_by = 'x'",
        "UPDATE rep.file SET bytes = 'x'", "UPDATE rep.export SET requested_by = 'x'",
    };
    for (size_t i = 0; i < sizeof updates / sizeof updates[0]; i++)
        if (strcmp(test_sqlstate(fixture->superuser, updates[i]), "42501") != 0)
            fail_msg("not refused: %s", updates[i]);
}

static void test_switches_may_change_and_are_audited(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', true, 'database lock')");
    test_run(fixture->superuser, "SELECT admin.lock_subject('demo', 1, 1, true, 'data are clean')");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', object, old ->> 'frozen', new ->> 'frozen', old ->> 'locked', "
        "new ->> 'locked', reason), ', ' ORDER BY seq) FROM audit.event "
        "WHERE operation = 'UPDATE' AND object LIKE 'core.%'"),
        "core.study false true database lock, core.subject false true data are clean");
}

/* ---------------------------------------------------------------------------------------------- checks */

struct insert_case {
    const char *label;
    const char *table;
    const char *changes;     /* JSON: columns of a good row that are different */
    const char *sqlstate;
};

/* Every CHECK has a case with NULL: CHECK lets NULL through, unless it says otherwise. */
static const struct insert_case insert_cases[] = {
    {"a good row", "submission", "{\"instance\":2}", ""},
    {"reason NULL", "submission", "{\"instance\":2,\"version\":2,\"prev_sha256\":\"HASH\"}", "23514"},
    {"reason blank", "submission", "{\"instance\":2,\"version\":2,\"prev_sha256\":\"HASH\",\"reason\":\"  \\t    \"}",
     "23514"},
    {"reason of wide blanks", "submission",
     "{\"instance\":2,\"version\":2,\"prev_sha256\":\"HASH\","
     "\"reason\":\"\\u3000\\u00a0\\u2003\\u200b\\ufeff\\u2028\"}",
     "23514"},
    {"reason given", "submission", "{\"instance\":2,\"version\":2,\"prev_sha256\":\"HASH\",\"reason\":\"typed\"}", ""},
    {"chain missing", "submission", "{\"instance\":2,\"version\":2,\"reason\":\"typed wrong\"}", "23514"},
    {"chain too short", "submission", "{\"instance\":2,\"version\":2,\"prev_sha256\":\"\\\\x00\",\"reason\":\"typed\"}",
     "23514"},
    {"chain of a first version", "submission", "{\"instance\":2,\"prev_sha256\":\"HASH\"}", "23514"},
    {"version 0", "submission", "{\"instance\":2,\"version\":0}", "23514"},
    {"version NULL", "submission", "{\"instance\":2,\"version\":null}", "23502"},
    {"instance 0", "submission", "{\"instance\":0}", "23514"},
    {"instance NULL", "submission", "{\"instance\":null}", "23502"},
    {"knee middle", "submission", "{\"instance\":2,\"knee\":\"middle\"}", "23514"},
    {"knee NULL", "submission", "{\"instance\":2,\"knee\":null}", "23502"},
    {"visit empty", "submission", "{\"instance\":2,\"visit\":\"\"}", "23514"},
    {"visit NULL", "submission", "{\"instance\":2,\"visit\":null}", "23502"},
    {"status draft", "submission", "{\"instance\":2,\"status\":\"draft\"}", "23514"},
    {"status NULL", "submission", "{\"instance\":2,\"status\":null}", "23502"},
    {"first version void", "submission", "{\"instance\":2,\"status\":\"void\"}", "23514"},
    {"content NULL", "submission", "{\"instance\":2,\"content\":null}", "23502"},
    {"hash NULL", "submission", "{\"instance\":2,\"sha256\":null}", "23502"},
    {"hash too short", "submission", "{\"instance\":2,\"sha256\":\"\\\\x00\"}", "23514"},
    {"scores NULL", "submission", "{\"instance\":2,\"scores\":null}", "23502"},
    {"door NULL", "submission", "{\"instance\":2,\"door\":null}", "23502"},
    {"door odd", "submission", "{\"instance\":2,\"door\":\"Front door\"}", "23514"},
    {"date NULL", "submission", "{\"instance\":2,\"dated\":null}", "23502"},
    {"the same number again", "submission", "{\"instance\":2,\"id\":\"00000000-0000-0000-0000-000000000001\"}",
     "23505"},
    {"the same record again", "submission", "{}", "23505"},
    {"subject 0", "subject", "{\"subject_no\":0}", "23514"},
    {"subject NULL", "subject", "{\"subject_no\":null}", "23502"},
    {"subject at no site", "subject", "{\"subject_no\":2,\"site_id\":9}", "23503"},
    {"index knee none", "subject", "{\"subject_no\":2,\"index_knee\":\"none\"}", "23514"},
    {"index knee NULL", "subject", "{\"subject_no\":2,\"index_knee\":null}", "23502"},
    {"continues NULL", "subject", "{\"subject_no\":2,\"continues\":null}", ""},
    {"continues a number with a zero too many", "subject", "{\"subject_no\":2,\"continues\":\"007-0012\"}", "23514"},
    {"continues subject 0", "subject", "{\"subject_no\":2,\"continues\":\"07-0000\"}", "23514"},
    {"continues a long number", "subject", "{\"subject_no\":2,\"continues\":\"1007-123456\"}", ""},
    {"enrolling form NULL", "subject", "{\"subject_no\":2,\"form\":null}", "23502"},
    {"continues nonsense", "subject", "{\"subject_no\":2,\"continues\":\"him\"}", "23514"},
    {"knee of nobody", "knee", "{\"subject_no\":9}", "23503"},
    {"knee none", "knee", "{\"knee\":\"none\"}", "23514"},
    {"knee of a subject NULL", "knee", "{\"knee\":null}", "23502"},
    {"site 0", "site", "{\"site_id\":0}", "23514"},
    {"site 10000", "site", "{\"site_id\":10000}", "23514"},
    {"site NULL", "site", "{\"site_id\":null}", "23502"},
    {"site without a name", "site", "{\"site_id\":3,\"name\":\" \"}", "23514"},
    {"site name NULL", "site", "{\"site_id\":3,\"name\":null}", "23502"},
    {"time zone NULL", "site", "{\"site_id\":3,\"time_zone\":null}", "23502"},
    {"time zone empty", "site", "{\"site_id\":3,\"time_zone\":\"\"}", "23514"},
    {"site of no study", "site", "{\"study_id\":9}", "23503"},
    {"study code", "study", "{\"study_id\":3,\"code\":\"A B\"}", "23514"},
    {"study code NULL", "study", "{\"study_id\":3,\"code\":null}", "23502"},
    {"study number 0", "study", "{\"study_id\":0,\"code\":\"x\"}", "23514"},
    {"title NULL", "study", "{\"study_id\":3,\"code\":\"x\",\"title\":null}", "23502"},
    {"title blank", "study", "{\"study_id\":3,\"code\":\"x\",\"title\":\" \"}", "23514"},
    {"masking NULL", "study", "{\"study_id\":3,\"code\":\"x\",\"masking\":null}", "23502"},
    {"masking unknown", "study", "{\"study_id\":3,\"code\":\"x\",\"masking\":\"half\"}", "23514"},
    {"frozen NULL", "study", "{\"study_id\":3,\"code\":\"x\",\"frozen\":null}", "23502"},
    {"protocol version 0", "protocol", "{\"version\":0}", "23514"},
    {"protocol version NULL", "protocol", "{\"version\":null}", "23502"},
    {"protocol empty", "protocol", "{\"version\":2,\"yaml\":\"\"}", "23514"},
    {"protocol NULL", "protocol", "{\"version\":2,\"yaml\":null}", "23502"},
    {"protocol hash NULL", "protocol", "{\"version\":2,\"sha256\":null}", "23502"},
    {"form id", "form", "{\"form\":\"Koos\"}", "23514"},
    {"form id NULL", "form", "{\"form\":null}", "23502"},
    {"form version 0", "form", "{\"version\":0}", "23514"},
    {"form NULL", "form", "{\"version\":2,\"yaml\":null}", "23502"},
    {"cut without a label", "cut", "{\"cut_no\":2,\"label\":\" \"}", "23514"},
    {"cut label NULL", "cut", "{\"cut_no\":2,\"label\":null}", "23502"},
    {"cut label twice", "cut", "{\"cut_no\":2}", "23505"},
    {"cut snapshot NULL", "cut", "{\"cut_no\":2,\"label\":\"x\",\"snapshot\":null}", "23502"},
    {"cut number 0", "cut", "{\"cut_no\":0,\"label\":\"x\"}", "23514"},
    {"cut of no protocol", "cut", "{\"cut_no\":2,\"label\":\"x\",\"protocol_version\":7}", "23503"},
};

/* HASH in a case stands for 32 bytes. */
static const char *insert_sql(const void *owner, const struct insert_case *one)
{
    const char *new_id = strcmp(one->table, "submission") == 0 ? "'{\"id\":\"00000000-0000-0000-0000-0000000000ff\"}'"
                                                               : "'{}'";
    return memory_format(owner,
        "INSERT INTO core.%s SELECT r.* FROM (SELECT * FROM core.%s t WHERE t.study_id = 1 %s LIMIT 1) t, "
        "jsonb_populate_record(t::core.%s, %s::jsonb || replace($json$%s$json$, 'HASH', '\\\\x' || "
        "repeat('00', 32))::jsonb) r",
        one->table, one->table, strcmp(one->table, "submission") == 0 ? "AND form = 'koos' AND version = 1" : "",
        one->table, new_id, one->changes);
}

static void test_tables_bad_values_are_refused(void **state)
{
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof insert_cases / sizeof insert_cases[0]; i++) {
        test_run(fixture->superuser, "BEGIN");
        const char *sqlstate = test_sqlstate(fixture->superuser, insert_sql(fixture->owner, &insert_cases[i]));
        if (strcmp(sqlstate, insert_cases[i].sqlstate) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", insert_cases[i].label, sqlstate, insert_cases[i].sqlstate);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_submissions_of_too_much_text_are_refused(void **state)
{
    struct test_fixture *fixture = *state;
    /* The content is a JSON string, two bytes longer than its text. */
    static const char sql[] =
        "INSERT INTO core.submission SELECT r.* FROM (SELECT * FROM core.submission WHERE form = 'koos' LIMIT 1) t, "
        "jsonb_populate_record(t::core.submission, jsonb_build_object('instance', 2, 'version', 1, "
        "'prev_sha256', NULL, 'id', gen_random_uuid(), 'content', repeat('x', %d))) r";
    assert_string_equal(test_sqlstate(fixture->superuser, memory_format(fixture->owner, sql, 262143)), "23514");
    assert_string_equal(test_sqlstate(fixture->superuser, memory_format(fixture->owner, sql, 262142)), "");
}

static void test_credentials_bad_values_are_refused(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct {
        const char *changes, *sqlstate;
    } cases[] = {
        {"{}", ""},
        {"{\"token_sha256\":\"\\\\x00\"}", "23514"},
        {"{\"token_sha256\":null}", "23502"},
        {"{\"role\":\"king\"}", "23514"},
        {"{\"role\":null}", "23502"},
        {"{\"site_ids\":null}", "23502"},
        {"{\"site_ids\":[1,null]}", "23514"},
        {"{\"expires_at\":null}", "23502"},
        {"{\"expires_at\":\"2999-01-01\"}", "23514"},
        {"{\"account\":\"nobody\"}", "23503"},
        {"{\"study_id\":9}", "23503"},
        {"{\"token_no\":0}", "23514"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_run(fixture->superuser, "BEGIN");
        char *sql = memory_format(fixture->owner,
            "INSERT INTO sec.credential SELECT r.* FROM (SELECT * FROM sec.credential WHERE token_no = 1) t, "
            "jsonb_populate_record(t::sec.credential, jsonb_build_object('token_no', 999, 'token_sha256', "
            "sha256('new')) || '%s'::jsonb) r", cases[i].changes);
        if (strcmp(test_sqlstate(fixture->superuser, sql), cases[i].sqlstate) != 0)
            fail_msg("%s: not \"%s\"", cases[i].changes, cases[i].sqlstate);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_allocation_second_entry_without_a_reason_is_refused(void **state)
{
    struct test_fixture *fixture = *state;
    static const char sql[] = "INSERT INTO blind.allocation "
                              "SELECT study_id, site_id, subject_no, knee, 2, 'AD-MSC', %s, entered_by, entered_at, "
                              "xid, era FROM blind.allocation";
    assert_string_equal(test_sqlstate(fixture->superuser, memory_format(fixture->owner, sql, "NULL")), "23514");
    assert_string_equal(test_sqlstate(fixture->superuser, memory_format(fixture->owner, sql, "'     '")), "23514");
    assert_string_equal(test_sqlstate(fixture->superuser, memory_format(fixture->owner, sql, "'entered wrongly'")), "");
}

/* ---------------------------------------------------------------------------------------------- audit */

static void test_audit_every_table_leaves_its_insert(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(DISTINCT object, ' ' ORDER BY object) FROM audit.event WHERE operation = 'INSERT'"),
        "blind.allocation core.cut core.form core.knee core.protocol core.site core.study core.subject core.submission "
        "rep.export rep.file rep.job sec.account sec.credential sec.reporter_grant");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(actor || ' ' || (new ->> 'knee'), ', ' ORDER BY new ->> 'knee') FROM audit.event "
        "WHERE object = 'core.knee'"), "coordinator left, coordinator right");
}

static void test_audit_holds_no_cohort_no_token_and_no_file(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM audit.event e WHERE e.new ?| '{cohort,token_sha256,bytes,yaml,content}'"), "0");
}

static void test_audit_forged_account_setting_is_not_believed(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "SET patella.account = 'root'; SET patella.study = '2'");
    test_run(fixture->collector, "SELECT api.make_cut('statistician', 1, 'forged')");
    const struct test_row rows[] = {{.id = 9, .visit = "M6"}, {.id = 10, .subject = 2, .index_knee = "left"}};
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.event WHERE actor = 'root'"), "0");
    assert_string_equal(test_value(fixture->superuser, "SELECT made_by FROM core.cut WHERE label = 'forged'"),
                        "statistician");
}

static void test_audit_administration_names_role_and_operator(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = test_database_connect(fixture->owner, fixture->database, "patella_admin");
    test_run(admin, "SET patella.operator = 'alice'");
    test_run(admin, "SET patella.account = 'somebody else'");
    test_run(admin, "SELECT admin.add_site('demo', 3, 'Third clinic', 'Asia/Tokyo')");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT actor || ' ' || db_role FROM audit.event WHERE object = 'core.site' AND site_id = 3"),
        "db:patella_admin:alice patella_admin");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_tables_of_the_record_refuse_delete_and_truncate),
        CASE(test_columns_of_the_record_refuse_update),
        CASE(test_switches_may_change_and_are_audited),
        CASE(test_tables_bad_values_are_refused),
        CASE(test_submissions_of_too_much_text_are_refused),
        CASE(test_credentials_bad_values_are_refused),
        CASE(test_allocation_second_entry_without_a_reason_is_refused),
        CASE(test_audit_every_table_leaves_its_insert),
        CASE(test_audit_holds_no_cohort_no_token_and_no_file),
        CASE(test_audit_forged_account_setting_is_not_believed),
        CASE(test_audit_administration_names_role_and_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
