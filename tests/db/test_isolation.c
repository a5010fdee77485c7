/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a site, a study or a role gets to see and to do: its own, and nothing that tells of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

/* Subjects 1 and 2 at site 1, 1 at site 2, each with one KOOS (ids 11, 12, 21); one subject in study 2. */
static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 1, 2);
    test_enrol(fixture->collector, 2, 1);
    const struct test_row rows[] = {
        {.id = 11}, {.id = 12, .subject = 2}, {.id = 21, .site = 2},
        {.id = 31, .study = 2, .index_knee = "left", .token = "coordinator_other"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 4), "accepted accepted accepted accepted");
    return 0;
}

static void check_value(struct db *db, const char *sql, const char *expected)
{
    const char *value = test_value(db, sql);
    if (strcmp(value, expected) != 0)
        fail_msg("\"%s\" instead of \"%s\": %s", value, expected, sql);
}

static void check_sqlstate(struct db *db, const char *sql, const char *expected)
{
    const char *sqlstate = test_sqlstate(db, sql);
    if (strcmp(sqlstate, expected) != 0)
        fail_msg("SQLSTATE \"%s\" instead of \"%s\": %s", sqlstate, expected, sql);
}

/* ---------------------------------------------------------------------------------------------- reading by token */

#define SUBJECTS(token, study) \
    "SELECT string_agg(site_id || '-' || subject_no, ' ') FROM api.list_subjects('" token "', " study ", 0, 0, 100)"
#define RECORDS(token, study, filter) \
    "SELECT string_agg(right(id::text, 2), ' ' ORDER BY id) FROM api.list_submissions('" token "', " study ", " filter \
    ", false, NULL, NULL, 100) WHERE form = 'koos'"

static void test_list_subjects_shows_the_sites_of_the_token(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, SUBJECTS("coordinator1", "1"), "1-1 1-2");
    check_value(fixture->collector, SUBJECTS("coordinator2", "1"), "2-1");
    check_value(fixture->collector, SUBJECTS("coordinator", "1"), "1-1 1-2 2-1");
    check_value(fixture->collector, SUBJECTS("statistician", "1"), "1-1 1-2 2-1");
    check_value(fixture->collector, SUBJECTS("coordinator_other", "2"), "1-1");
}

static void test_list_subjects_counts_records_and_pages(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, "SELECT string_agg(subject_no || ' ' || index_knee || ' ' || locked || ' ' || "
                "records, ', ') FROM api.list_subjects('coordinator1', 1, 0, 0, 100)",
                "1 left false 2, 2 left false 2");
    check_value(fixture->collector, "SELECT string_agg(site_id || '-' || subject_no, ' ') "
                "FROM api.list_subjects('coordinator', 1, 1, 1, 1)", "1-2");
    check_value(fixture->collector, "SELECT string_agg(site_id || '-' || subject_no, ' ') "
                "FROM api.list_subjects('coordinator', 1, 1, 2, 100)", "2-1");
}

static void test_list_submissions_shows_the_sites_of_the_token(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, RECORDS("coordinator1", "1", "NULL, NULL, NULL, NULL, NULL"), "11 12");
    check_value(fixture->collector, RECORDS("coordinator2", "1", "NULL, NULL, NULL, NULL, NULL"), "21");
    check_value(fixture->collector, RECORDS("statistician", "1", "NULL, NULL, NULL, NULL, NULL"), "11 12 21");
    check_value(fixture->collector, RECORDS("coordinator1", "1", "2, 1, NULL, NULL, NULL"), "");
    check_value(fixture->collector, RECORDS("coordinator1", "1", "2, 9, NULL, NULL, NULL"), "");
}

static void test_list_submissions_filters_and_orders(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row rows[] = {
        {.id = 13, .visit = "M6"}, {.id = 14, .version = 2, .reason = "typing error"},
        {.id = 15, .form = "adverse_event", .knee = "none", .visit = "unscheduled"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 3), "accepted accepted accepted");
    check_value(fixture->collector, RECORDS("coordinator1", "1", "1, 1, NULL, NULL, NULL"), "13 14");
    check_value(fixture->collector, RECORDS("coordinator1", "1", "1, NULL, 'koos', 'M3', NULL"), "12 14");
    check_value(fixture->collector, "SELECT string_agg(right(id::text, 2), ' ') FROM api.list_submissions("
                "'coordinator1', 1, 1, 1, NULL, NULL, NULL, true, NULL, NULL, 100)", "15 01 11 14 13");
    check_value(fixture->collector, "SELECT string_agg(right(id::text, 2), ' ') FROM api.list_submissions("
                "'coordinator1', 1, 1, 1, NULL, NULL, NULL, true, 1, '00000000-0000-0000-0000-000000000011', 1)", "14");
}

static void test_list_submissions_pages_behind_an_id(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, "SELECT id::text FROM api.list_submissions('coordinator', 1, NULL, NULL, NULL, "
                "NULL, NULL, false, NULL, NULL, 1)", "00000000-0000-0000-0000-000000001001");
    check_value(fixture->collector, "SELECT right(id::text, 2) FROM api.list_submissions('coordinator', 1, NULL, NULL, "
                "NULL, NULL, NULL, false, 1, '00000000-0000-0000-0000-000000001001', 1)", "11");
    check_sqlstate(fixture->collector, "SELECT * FROM api.list_submissions('coordinator1', 1, NULL, NULL, NULL, NULL, "
                   "NULL, false, 2, '00000000-0000-0000-0000-000000000021', 1)", "P0002");
    check_sqlstate(fixture->collector, "SELECT * FROM api.list_submissions('coordinator1', 1, NULL, NULL, NULL, NULL, "
                   "NULL, false, NULL, '00000000-0000-0000-0000-000000000011', 1)", "22023");
}

/* The same id at two sites, whose coordinators do not see each other: who sees both comes to the end of the list. */
static void test_list_submissions_pages_behind_an_id_that_two_sites_gave(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const expected[] = {"1 01", "1 11", "1 44", "1 02", "1 12", "2 01", "2 21", "2 44"};
    const struct test_row rows[] = {
        {.id = 44, .visit = "M6", .token = "coordinator1"},
        {.id = 44, .site = 2, .visit = "M6", .token = "coordinator2"},
    };
    assert_string_equal(test_submit(fixture->collector, rows, 2), "accepted accepted");
    const char *after = "NULL, NULL";
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char *from = memory_format(fixture->owner, "FROM api.list_submissions('coordinator', 1, NULL, NULL, NULL, "
                                   "NULL, NULL, false, %s, 1)", after);
        check_value(fixture->collector, memory_format(fixture->owner, "SELECT site_id || ' ' || right(id::text, 2) %s",
                                                      from), expected[i]);
        after = test_value(fixture->collector, memory_format(fixture->owner,
                           "SELECT site_id || ', ''' || id || '''' %s", from));
    }
    check_value(fixture->collector, memory_format(fixture->owner, "SELECT count(*) FROM api.list_submissions("
                "'coordinator', 1, NULL, NULL, NULL, NULL, NULL, false, %s, 1)", after), "0");
}

static void test_find_submission_hidden_and_missing_are_the_same(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, "SELECT subject_no || content FROM api.find_submission('coordinator2', 1, "
                "'00000000-0000-0000-0000-000000000021')", "1{\"form\":\"koos\",\"id\":21}");
    check_sqlstate(fixture->collector, "SELECT * FROM api.find_submission('coordinator1', 1, "
                   "'00000000-0000-0000-0000-000000000021')", "P0002");
    check_sqlstate(fixture->collector, "SELECT * FROM api.find_submission('coordinator1', 1, "
                   "'00000000-0000-0000-0000-0000000000ff')", "P0002");
}

static void test_read_functions_bad_token_is_28000(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const tokens[] = {"'nobody'", "'expired'", "'revoked'", "''", "NULL"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        check_sqlstate(fixture->collector, memory_format(fixture->owner,
            "SELECT * FROM api.list_subjects(%s, 1, 0, 0, 1)", tokens[i]), "28000");
        check_sqlstate(fixture->collector, memory_format(fixture->owner,
            "SELECT * FROM api.list_cuts(%s, 1)", tokens[i]), "28000");
        check_value(fixture->collector, memory_format(fixture->owner,
            "SELECT count(*) FROM api.find_credential(%s)", tokens[i]), "0");
    }
}

/* Rows: function; columns: role.  "" allowed, else SQLSTATE.  Written by hand, compared in both directions. */
static void test_read_functions_allow_the_roles_of_the_table(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const tokens[] = {"coordinator", "machine1", "statistician", "administrator",
                                         "coordinator_other"};
    static const struct {
        const char *function, *arguments;
        const char *sqlstates[5];
    } table[] = {
        {"api.list_subjects", "1, 0, 0, 1", {"", "42501", "", "42501", "42501"}},
        {"api.list_submissions", "1, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, 1",
         {"", "42501", "", "42501", "42501"}},
        {"api.find_submission", "1, '00000000-0000-0000-0000-000000000011'", {"", "42501", "", "42501", "42501"}},
        {"api.list_cuts", "1", {"", "42501", "", "", "42501"}},
        {"api.make_cut", "1, 'label'", {"42501", "42501", "", "42501", "42501"}},
        {"api.list_reports", "1", {"42501", "42501", "", "", "42501"}},
        {"api.request_report", "1, 1, NULL", {"42501", "42501", "P0002", "42501", "42501"}},
        {"api.list_report_files", "1, '00000000-0000-0000-0000-000000000000'",
         {"42501", "42501", "P0002", "P0002", "42501"}},
        {"api.request_report_file", "1, '00000000-0000-0000-0000-000000000000', 'x'",
         {"42501", "42501", "P0002", "42501", "42501"}},
        {"api.read_report_file", "1, '00000000-0000-0000-0000-000000000000'",
         {"42501", "42501", "P0002", "42501", "42501"}},
    };
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        for (size_t column = 0; column < 5; column++) {
            test_run(fixture->collector, "BEGIN");
            check_sqlstate(fixture->collector, memory_format(fixture->owner, "SELECT * FROM %s('%s', %s)",
                           table[row].function, tokens[column], table[row].arguments), table[row].sqlstates[column]);
            test_run(fixture->collector, "ROLLBACK");
        }
}

/* A report counts all sites, and a cut is for reports. */
static void test_reports_and_cuts_are_refused_to_a_token_of_some_sites(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const calls[] = {
        "api.make_cut('statistician1', 1, 'label')",
        "api.list_reports('statistician1', 1)",
        "api.request_report('statistician1', 1, 1, NULL)",
        "api.list_report_files('statistician1', 1, '00000000-0000-0000-0000-000000000000')",
        "api.request_report_file('statistician1', 1, '00000000-0000-0000-0000-000000000000', 'x')",
        "api.read_report_file('statistician1', 1, '00000000-0000-0000-0000-000000000000')",
    };
    test_run(fixture->superuser, "SELECT admin.add_token('statistician', 'demo', 'statistician', '{1,2}', "
                                 "sha256('statistician1'), now() + interval '1 day')");
    check_value(fixture->collector, SUBJECTS("statistician1", "1"), "1-1 1-2 2-1");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        check_sqlstate(fixture->collector, memory_format(fixture->owner, "SELECT * FROM %s", calls[i]), "42501");
}

static void test_read_functions_forged_settings_are_overwritten(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "SET patella.study = '2'; SET patella.sites = '{1,2,3}'; "
                                 "SET patella.account = 'root'");
    check_value(fixture->collector, SUBJECTS("coordinator2", "1"), "2-1");
    check_value(fixture->collector, RECORDS("coordinator2", "1", "NULL, NULL, NULL, NULL, NULL"), "21");
    check_sqlstate(fixture->collector, "SELECT * FROM api.list_subjects('coordinator2', 2, 0, 0, 1)", "42501");
    /* What one call set is not there for a call with another token in the same transaction. */
    test_run(fixture->collector, "BEGIN");
    check_value(fixture->collector, SUBJECTS("coordinator", "1"), "1-1 1-2 2-1");
    check_value(fixture->collector, SUBJECTS("coordinator2", "1"), "2-1");
    test_run(fixture->collector, "COMMIT");
}

static void test_find_credential_tells_role_and_sites_and_stamps_the_use(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, "SELECT concat_ws(' ', account, role, study_id, study, site_ids) "
                "FROM api.find_credential('coordinator1')", "coordinator1 coordinator 1 demo {1}");
    check_value(fixture->superuser, "SELECT last_used_at IS NOT NULL FROM sec.credential "
                "WHERE account = 'coordinator1'", "t");
    test_run(fixture->superuser, "CREATE TABLE public.stamp AS SELECT last_used_at FROM sec.credential "
             "WHERE account = 'coordinator1'");
    check_value(fixture->collector, "SELECT account FROM api.find_credential('coordinator1')", "coordinator1");
    check_value(fixture->superuser, "SELECT count(*) FROM sec.credential c JOIN public.stamp s USING (last_used_at)",
                "1");
}

static void test_find_credential_waits_for_no_standby_with_its_stamp(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "BEGIN; SELECT * FROM api.find_credential('coordinator1')");
    check_value(fixture->collector, "SHOW synchronous_commit", "off");
    test_run(fixture->collector, "COMMIT");
    test_run(fixture->collector, "BEGIN; SELECT * FROM api.find_credential('coordinator1')");
    check_value(fixture->collector, "SHOW synchronous_commit", "on");     /* stamped already */
    test_run(fixture->collector, "COMMIT");
}

/* ---------------------------------------------------------------------------------------------- the catalogue */

static void test_catalogue_lists_studies_sites_protocols_and_forms(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, "SELECT string_agg(concat_ws(' ', study_id, code, masking, frozen), ', ') "
                "FROM api.list_studies()", "1 demo none f, 2 other double f");
    check_value(fixture->collector, "SELECT string_agg(study_id || '-' || site_id, ' ') FROM api.list_sites()",
                "1-1 1-2 2-1");
    check_value(fixture->collector, "SELECT count(*) FROM api.list_protocols()", "2");
    check_value(fixture->collector, "SELECT count(*) FROM api.list_forms()", "6");
    check_value(fixture->collector, "SELECT count(*) FROM api.list_wordings()", "0");
}

static void test_catalogue_version_moves_on_with_every_change(void **state)
{
    struct test_fixture *fixture = *state;
    static const char *const changes[] = {
        "SELECT admin.add_study('third', 'Third study', 'none')",
        "SELECT admin.add_site('demo', 3, 'Third clinic', 'UTC')",
        "SELECT admin.put_protocol('demo', 2, 'second', 'none')",
        "SELECT admin.put_form('demo', 'koos', 2, 'second')",
        "SELECT admin.put_wording('demo', 'koos', 2, 'de', 'zweite')",
        "SELECT admin.freeze_study('demo', true, 'database lock')",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const char *before = test_value(fixture->collector, "SELECT api.catalogue_version()");
        test_run(fixture->superuser, changes[i]);
        assert_string_not_equal(test_value(fixture->collector, "SELECT api.catalogue_version()"), before);
    }
    test_run(fixture->superuser, "SELECT admin.freeze_study('demo', false, 'opened again')");
    const char *before = test_value(fixture->collector, "SELECT api.catalogue_version()");
    test_enrol(fixture->collector, 1, 3);
    assert_string_equal(test_value(fixture->collector, "SELECT api.catalogue_version()"), before);
}

/* ---------------------------------------------------------------------------------------------- roles */

/* What SQL injected into a program could try. */
static void test_roles_may_not_do_what_is_not_theirs(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct {
        const char *role, *sql, *sqlstate;
    } cases[] = {
        {"patella_collector", "SELECT * FROM core.submission", "42501"},
        {"patella_collector", "SELECT * FROM core.study", "42501"},
        {"patella_collector", "SELECT * FROM sec.credential", "42501"},
        {"patella_collector", "SELECT * FROM audit.event", "42501"},
        {"patella_collector", "SELECT * FROM blind.allocation", "42501"},
        {"patella_collector", "SELECT * FROM rep.file", "42501"},
        {"patella_collector", "INSERT INTO audit.event DEFAULT VALUES", "42501"},
        {"patella_collector", "SELECT sec.enter('coordinator', 1, 'coordinator')", "42501"},
        {"patella_collector", "SELECT audit.record('X', 'x', 1, 1, NULL, NULL, NULL, NULL)", "42501"},
        {"patella_collector", "SELECT api.enrolment_status(1, 1, 1)", "42501"},
        {"patella_collector", "SELECT core.add_cut(1, 'x', 'root')", "42501"},
        {"patella_collector", "SELECT admin.add_study('x', 'x', 'none')", "42501"},
        {"patella_collector", "SELECT rep.allocation(1, 1)", "42501"},
        {"patella_collector", "SET ROLE patella_api", "42501"},
        {"patella_collector", "SET ROLE patella_writer", "42501"},
        {"patella_collector", "SET SESSION AUTHORIZATION postgres", "42501"},
        {"patella_collector", "SET session_replication_role = replica", "42501"},
        {"patella_collector", "SET log_min_messages = debug5", "42501"},
        {"patella_collector", "CREATE TEMP TABLE t (a int)", "42501"},
        {"patella_collector", "CREATE TABLE public.t (a int)", "42501"},
        {"patella_collector", "CREATE FUNCTION api.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "42501"},
        {"patella_collector", "CREATE SCHEMA s", "42501"},
        {"patella_collector", "SELECT lo_create(0)", "42501"},
        {"patella_collector", "SELECT lo_from_bytea(0, 'x')", "42501"},
        {"patella_collector", "SELECT pg_read_file('/etc/passwd')", "42501"},
        {"patella_collector", "COPY (SELECT 1) TO PROGRAM 'id'", "42501"},
        {"patella_collector", "CREATE EXTENSION pgcrypto SCHEMA api", "42501"},
        {"patella_collector", "ALTER FUNCTION api.submit_batch SECURITY INVOKER", "42501"},
        {"patella_admin", "SELECT * FROM core.submission", "42501"},
        {"patella_admin", "SELECT * FROM sec.credential", "42501"},
        {"patella_admin", "SELECT * FROM blind.allocation", "42501"},
        {"patella_admin", "UPDATE core.study SET frozen = true", "42501"},
        {"patella_admin", "SELECT api.find_credential('coordinator')", "42501"},
        {"patella_admin", "SELECT rep.allocation(1, 1)", "42501"},
        {"patella_admin", "GRANT patella_owner TO patella_admin", "42501"},
        {"patella_reporter", "SELECT * FROM blind.allocation", "42501"},
        {"patella_reporter", "SELECT * FROM audit.event", "42501"},
        {"patella_reporter", "SELECT * FROM sec.credential", "42501"},
        {"patella_reporter", "SELECT * FROM rep.job", "42501"},
        {"patella_reporter", "INSERT INTO core.cut SELECT * FROM core.cut", "42501"},
        {"patella_reporter", "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{CS}', NULL)", "42501"},
        {"patella_auditor", "SELECT * FROM core.submission", "42501"},
        {"patella_auditor", "UPDATE audit.event SET actor = 'x'", "42501"},
        {"patella_auditor", "SELECT count(*) FROM audit.event", ""},
        {"patella_unblinder", "SELECT * FROM blind.allocation", "42501"},
        {"patella_auth", "SELECT * FROM sec.credential", "42501"},
        {"patella_sealer", "SELECT * FROM audit.event", "42501"},
        {"patella_migrator", "SELECT * FROM core.submission", "42501"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct db *db = test_database_connect(fixture->owner, fixture->database, cases[i].role);
        const char *sqlstate = test_sqlstate(db, cases[i].sql);
        if (strcmp(sqlstate, cases[i].sqlstate) != 0)
            fail_msg("%s: SQLSTATE \"%s\": %s", cases[i].role, sqlstate, cases[i].sql);
        talloc_free(db);
    }
}

static void test_reporter_sees_granted_studies_only(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    static const char *const tables[] = {"study", "site", "protocol", "form", "subject", "knee", "submission"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        check_value(reporter, memory_format(fixture->owner, "SELECT count(*) > 0 FROM core.%s", tables[i]), "t");
        check_value(reporter, memory_format(fixture->owner, "SELECT count(*) FROM core.%s WHERE study_id = 2",
                                            tables[i]), "0");
    }
    test_run(fixture->superuser, "SELECT admin.grant_reporter('other', 'patella_reporter')");
    check_value(reporter, "SELECT count(*) FROM core.subject WHERE study_id = 2", "1");
}

static void test_reporter_of_no_study_makes_no_cut(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *reporter = test_database_connect(fixture->owner, fixture->database, "patella_reporter");
    check_sqlstate(reporter, "SELECT rep.make_cut(2, 'x')", "42501");
    /* Not masked, only not granted. */
    test_run(fixture->superuser, "SELECT admin.add_study('third', 'Third study', 'none', 'patella_auditor'), "
                                 "admin.put_protocol('third', 1, 'x', 'none'), admin.make_cut('third', 'first')");
    check_sqlstate(reporter, "SELECT rep.allocation(3, 1)", "42501");
    check_sqlstate(reporter, "SELECT rep.make_cut(3, 'x')", "42501");
}

/* The policy alone, without a function's own WHERE. */
static void test_context_policy_shows_nothing_else(void **state)
{
    struct test_fixture *fixture = *state;
    static const char count[] = "SELECT count(*) || ' ' || count(*) FILTER (WHERE (study_id, site_id) <> (1, 1)) "
                                "FROM core.%s";
    static const char *const tables[] = {"subject", "knee", "submission"};
    static const char *const counts[] = {"2 0", "4 0", "4 0"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char *sql = memory_format(fixture->owner, count, tables[i]);
        test_run(fixture->superuser, "BEGIN; SET LOCAL ROLE patella_api");
        check_value(fixture->superuser, sql, "0 0");
        test_run(fixture->superuser, "SET LOCAL patella.study = '1'; SET LOCAL patella.sites = '{1}'");
        check_value(fixture->superuser, sql, counts[i]);
        test_run(fixture->superuser, "SET LOCAL patella.sites = '{}'");
        check_value(fixture->superuser, sql, "0 0");
        test_run(fixture->superuser, "ROLLBACK");
    }
}

/* The second lock on the way in: were the batch function wrong, the policy on the credential would refuse. */
static void test_writer_policy_refuses_rows_beyond_the_credential(void **state)
{
    struct test_fixture *fixture = *state;
    static const struct {
        const char *changes, *sqlstate;
    } cases[] = {
        {"{\"instance\":2}", ""},
        {"{\"instance\":2,\"site_id\":2}", "42501"},
        {"{\"instance\":2,\"study_id\":2}", "42501"},
        {"{\"instance\":2,\"recorded_by\":\"root\"}", "42501"},
        {"{\"instance\":2,\"token_no\":3,\"recorded_by\":\"coordinator\",\"site_id\":2}", ""},
        {"{\"instance\":2,\"token_no\":5,\"recorded_by\":\"statistician\"}", "42501"},
        {"{\"instance\":2,\"token_no\":9,\"recorded_by\":\"expired\"}", "42501"},
        {"{\"instance\":2,\"token_no\":10,\"recorded_by\":\"revoked\"}", "42501"},
        {"{\"instance\":2,\"token_no\":99}", "42501"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_run(fixture->superuser, "BEGIN");
        test_run(fixture->superuser, memory_format(fixture->owner,
            "CREATE TABLE public.row AS SELECT r.* FROM (SELECT * FROM core.submission WHERE form = 'koos' LIMIT 1) t, "
            "jsonb_populate_record(t::core.submission, '{\"id\":\"00000000-0000-0000-0000-0000000000ff\", "
            "\"token_no\":1, \"recorded_by\":\"coordinator1\", \"site_id\":1}'::jsonb || '%s'::jsonb) r",
            cases[i].changes));
        test_run(fixture->superuser, "GRANT USAGE ON SCHEMA public TO patella_writer; "
                 "GRANT SELECT ON public.row TO patella_writer; SET LOCAL ROLE patella_writer");
        check_sqlstate(fixture->superuser, "INSERT INTO core.submission SELECT * FROM public.row", cases[i].sqlstate);
        test_run(fixture->superuser, "ROLLBACK");
    }
}

static void test_writer_policy_refuses_knees_of_an_earlier_enrolment(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->superuser, "BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM core.knee "
             "WHERE subject_no = 2; SET LOCAL ROLE patella_writer");
    check_sqlstate(fixture->superuser, "INSERT INTO core.knee VALUES (1, 1, 2, 'left')", "42501");
    test_run(fixture->superuser, "ROLLBACK");
}

static void test_revoked_token_ends_at_once(void **state)
{
    struct test_fixture *fixture = *state;
    check_value(fixture->collector, SUBJECTS("coordinator2", "1"), "2-1");
    test_run(fixture->superuser, "SELECT admin.disable_account('coordinator2')");
    check_sqlstate(fixture->collector, SUBJECTS("coordinator2", "1"), "28000");
    const struct test_row row = {.id = 40, .site = 2, .visit = "M6", .token = "coordinator2"};
    assert_string_equal(test_submit(fixture->collector, &row, 1), "no_session");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_list_subjects_shows_the_sites_of_the_token),
        CASE(test_list_subjects_counts_records_and_pages),
        CASE(test_list_submissions_shows_the_sites_of_the_token),
        CASE(test_list_submissions_filters_and_orders),
        CASE(test_list_submissions_pages_behind_an_id),
        CASE(test_list_submissions_pages_behind_an_id_that_two_sites_gave),
        CASE(test_find_submission_hidden_and_missing_are_the_same),
        CASE(test_read_functions_bad_token_is_28000),
        CASE(test_read_functions_allow_the_roles_of_the_table),
        CASE(test_reports_and_cuts_are_refused_to_a_token_of_some_sites),
        CASE(test_read_functions_forged_settings_are_overwritten),
        CASE(test_find_credential_tells_role_and_sites_and_stamps_the_use),
        CASE(test_find_credential_waits_for_no_standby_with_its_stamp),
        CASE(test_catalogue_lists_studies_sites_protocols_and_forms),
        CASE(test_catalogue_version_moves_on_with_every_change),
        CASE(test_roles_may_not_do_what_is_not_theirs),
        CASE(test_reporter_sees_granted_studies_only),
        CASE(test_reporter_of_no_study_makes_no_cut),
        CASE(test_context_policy_shows_nothing_else),
        CASE(test_writer_policy_refuses_rows_beyond_the_credential),
        CASE(test_writer_policy_refuses_knees_of_an_earlier_enrolment),
        CASE(test_revoked_token_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
