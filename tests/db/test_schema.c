/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules that every table, function and role keeps, asked of PostgreSQL's catalogue: new ones are held to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

#define OUR_SCHEMAS "('audit', 'core', 'sec', 'blind', 'rep', 'upload', 'api', 'admin', 'auth', 'guard', " \
    "'patella_meta')"
#define TABLES \
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
    "WHERE c.relkind IN ('r', 'p') AND n.nspname IN " OUR_SCHEMAS " "
#define FUNCTIONS \
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN " OUR_SCHEMAS " "

/* What breaks a rule, by name: "" when nothing does. */
static void check_none(const struct test_fixture *fixture, const char *sql)
{
    const char *found = test_value(fixture->superuser, sql);
    if (found[0])
        fail_msg("%s", found);
}

static void test_schema_tables_with_rows_of_studies_force_row_security(void **state)
{
    check_none(*state,
        "SELECT string_agg(n.nspname || '.' || c.relname, ', ') " TABLES
        "AND n.nspname IN ('core', 'blind', 'rep', 'upload') AND c.relname <> 'catalogue_state' "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)");
}

static void test_schema_study_and_site_lead_every_key(void **state)
{
    /*
     * The first column of every unique key is study_id; the second is site_id where the table has one.  The ids of
     * submissions are the exception: unique for a site, and looked for at several.
     */
    check_none(*state,
        "SELECT string_agg(c.conrelid::regclass || ' ' || c.conname, ', ') FROM pg_constraint c "
        "JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace "
        "WHERE c.contype IN ('p', 'u') AND n.nspname IN ('core', 'blind', 'rep', 'upload') "
        "AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'study_id') "
        "AND c.conname NOT IN ('study_code_key', 'submission_id_key') AND ("
        "(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum = c.conkey[1]) <> 'study_id' "
        "OR (EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = 'site_id') "
        "AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum = c.conkey[2]) "
        "IS DISTINCT FROM 'site_id'))");
}

static void test_schema_study_leads_every_foreign_key_between_clinical_tables(void **state)
{
    check_none(*state,
        "SELECT string_agg(c.conrelid::regclass || ' ' || c.conname, ', ') FROM pg_constraint c "
        "JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace "
        "WHERE c.contype = 'f' AND n.nspname IN ('core', 'blind', 'rep', 'upload') "
        "AND (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum = c.conkey[1]) <> 'study_id'");
}

static void test_schema_tables_refuse_delete_and_truncate_by_trigger(void **state)
{
    check_none(*state,
        "SELECT string_agg(n.nspname || '.' || c.relname, ', ') " TABLES
        "AND n.nspname IN ('audit', 'core', 'sec', 'blind', 'rep', 'upload') AND NOT ("
        "EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'keep_table' AND t.tgenabled = 'O') "
        "AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE 'keep_rows%' "
        "AND t.tgenabled = 'O' AND t.tgtype & 8 > 0))");
}

static void test_schema_tables_are_audited(void **state)
{
    /* Not what stands beside the ledger of uploads for a while: bytes, lines and findings of files. */
    check_none(*state,
        "SELECT string_agg(n.nspname || '.' || c.relname, ', ') " TABLES
        "AND n.nspname IN ('core', 'sec', 'blind', 'rep', 'upload') AND c.relname <> 'catalogue_state' "
        "AND (n.nspname, c.relname) NOT IN (('upload', 'chunk'), ('upload', 'reading'), ('upload', 'line')) "
        "AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE 'record_%')");
}

static void test_schema_definer_functions_pin_search_path(void **state)
{
    check_none(*state,
        "SELECT string_agg(p.oid::regprocedure::text, ', ') " FUNCTIONS
        "AND p.prosecdef AND NOT COALESCE('search_path=\"\"' = ANY (p.proconfig), false)");
}

static void test_schema_functions_may_not_be_called_by_public(void **state)
{
    check_none(*state,
        "SELECT string_agg(p.oid::regprocedure::text, ', ') " FUNCTIONS
        "AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)");
}

static void test_schema_types_and_tables_give_public_nothing(void **state)
{
    check_none(*state,
        "SELECT string_agg(n.nspname || '.' || c.relname, ', ') " TABLES
        "AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)");
    check_none(*state,
        "SELECT string_agg(n.nspname, ', ') FROM pg_namespace n WHERE n.nspname IN " OUR_SCHEMAS " "
        "AND EXISTS (SELECT FROM aclexplode(n.nspacl) a WHERE a.grantee = 0)");
}

static void test_schema_collector_and_admin_have_no_privilege_on_any_table(void **state)
{
    check_none(*state,
        "SELECT string_agg(r.rolname || ' ' || n.nspname || '.' || c.relname, ', ') "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles r "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname IN " OUR_SCHEMAS " "
        "AND r.rolname IN ('patella_collector', 'patella_admin', 'patella_auth', 'patella_sealer', "
        "'patella_unblinder') "
        "AND (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') "
        "OR (c.relkind <> 'S' AND has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')))");
}

static void test_schema_collector_may_call_the_functions_of_the_list_only(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(n.nspname || '.' || p.proname, ' ' ORDER BY n.nspname, p.proname) " FUNCTIONS
        "AND has_function_privilege('patella_collector', p.oid, 'EXECUTE')"),
        "api.add_invitation api.add_membership api.add_participant_link api.add_query_event api.add_token "
        "api.add_upload_lines api.add_upload_profile api.append_upload api.approve_unblinding "
        "api.ask_redaction api.ask_upload_commit api.ask_upload_take_back api.begin_upload "
        "api.catalogue_version api.conclude_review api.decide_redaction api.delete_upload "
        "api.disable_account api.drop_draft api.end_invitation api.end_membership api.end_upload "
        "api.end_upload_check api.enter_second api.fail_upload_commit api.fail_upload_take_back "
        "api.find_credential api.find_participant_link api.find_session api.find_submission "
        "api.find_upload api.find_upload_profile api.finish_upload api.finish_upload_take_back "
        "api.freeze_study api.hash_upload api.leave_upload_slot api.list_cuts api.list_desk_drafts "
        "api.list_desk_endings api.list_desk_items api.list_desk_marks api.list_desk_records "
        "api.list_desk_subjects api.list_differences api.list_drafts api.list_forms api.list_invitations "
        "api.list_locks api.list_memberships api.list_notices api.list_participant_links "
        "api.list_protocol_versions api.list_protocols api.list_queries api.list_query_events "
        "api.list_redactions api.list_report_files api.list_reports api.list_reviews "
        "api.list_second_entries api.list_signatures api.list_sites api.list_studies api.list_study_sites "
        "api.list_subjects api.list_submissions api.list_tokens api.list_unblindings "
        "api.list_upload_lines api.list_upload_profiles api.list_upload_versions api.list_uploads "
        "api.list_verifications api.list_wordings api.lock_record api.lock_subject api.look_up_records api.make_cut "
        "api.note_expiry api.note_upload api.number_upload api.offline_key api.open_query "
        "api.purge_uploads api.put_draft api.put_participant_answers api.put_upload_back api.read_audit "
        "api.read_export api.read_export_queries api.read_export_signatures api.read_export_verifications "
        "api.read_report_file api.read_review api.read_upload api.reconcile api.release_offline_key "
        "api.request_audit api.request_emergency api.request_export api.request_report "
        "api.request_report_file api.request_review api.request_unblinding api.reveal_allocation "
        "api.revoke_participant_link api.revoke_token api.schema_status api.seal_status api.sign "
        "api.submit_batch api.take_upload api.take_upload_slot api.transactions_went_back "
        "api.verify_version");
}

static void test_schema_owners_cannot_log_in_and_logins_own_nothing(void **state)
{
    check_none(*state,
        "SELECT string_agg(DISTINCT r.rolname, ', ') FROM pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper AND ("
        "EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) "
        "OR EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid) "
        "OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspowner = r.oid))");
    check_none(*state,
        "SELECT string_agg(r.rolname, ', ') FROM pg_roles r WHERE r.rolname LIKE 'patella\\_%' "
        "AND (r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolbypassrls OR r.rolreplication OR r.rolinherit "
        "OR r.rolcanlogin <> (r.rolname NOT LIKE '%owner' AND r.rolname NOT IN ('patella_api', 'patella_writer')))");
}

static void test_schema_function_owners_own_no_table(void **state)
{
    check_none(*state,
        "SELECT string_agg(c.relname, ', ') FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') "
        "AND pg_get_userbyid(c.relowner) IN ('patella_api', 'patella_writer', 'patella_admin_owner')");
}

static void test_schema_only_the_migrator_may_become_another_role(void **state)
{
    struct test_fixture *fixture = *state;
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(pg_get_userbyid(m.member) || ' -> ' || pg_get_userbyid(m.roleid), ', ') "
        "FROM pg_auth_members m WHERE pg_get_userbyid(m.roleid) LIKE 'patella\\_%'"),
        "patella_migrator -> patella_owner");
}

static void test_schema_daemon_roles_keep_values_out_of_the_log(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *collector = fixture->collector;
    assert_string_equal(test_value(collector, "SELECT concat_ws(' ', current_setting('log_min_messages'), "
        "current_setting('log_min_error_statement'), current_setting('log_error_verbosity'), "
        "current_setting('log_statement'), current_setting('log_parameter_max_length'), "
        "current_setting('log_parameter_max_length_on_error'))"), "log panic terse none 0 0");
    assert_string_equal(test_value(collector, "SELECT concat_ws(' ', current_setting('lock_timeout'), "
        "current_setting('idle_in_transaction_session_timeout'))"), "5s 15s");
}

static void test_schema_no_materialized_view_and_no_sequence_that_anybody_reads(void **state)
{
    check_none(*state,
        "SELECT string_agg(c.relname, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN " OUR_SCHEMAS " AND (c.relkind = 'm' OR (c.relkind = 'S' AND c.relacl IS NOT NULL))");
}

static void test_schema_database_is_closed_to_public(void **state)
{
    check_none(*state,
        "SELECT string_agg(a.privilege_type, ', ') FROM pg_database d, "
        "aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) a "
        "WHERE d.datname = current_database() AND a.grantee = 0");
}

/* ---------------------------------------------------------------------------------------------- the guard */

/* The owner of the tables, in the hands of whoever makes a release. */
static void test_guard_owner_cannot_take_protection_away(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *migrator = test_database_connect(fixture->owner, fixture->database, "patella_migrator");
    static const char *const weakenings[] = {
        "ALTER TABLE core.submission DISABLE TRIGGER keep_rows",
        "ALTER TABLE core.submission DISABLE TRIGGER ALL",
        "DROP TRIGGER record_submissions ON core.submission",
        "DROP TRIGGER keep_table ON core.cut",
        "ALTER TABLE core.submission NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE core.submission DISABLE ROW LEVEL SECURITY",
        "DROP POLICY context ON core.submission",
        "ALTER POLICY context ON core.submission USING (true)",
        "CREATE POLICY open ON core.submission FOR SELECT TO patella_owner USING (true)",
        "DROP TABLE core.submission CASCADE",
        "ALTER TABLE core.submission RENAME TO old_submission",
        "CREATE OR REPLACE FUNCTION core.exclude_writer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "ALTER FUNCTION core.move_catalogue() SECURITY INVOKER",
        "CREATE OR REPLACE FUNCTION audit.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "ALTER EVENT TRIGGER patella_guard_end DISABLE",
        "DROP EVENT TRIGGER patella_guard_drop",
        "DELETE FROM guard.protection",
        "SELECT guard.record()",
        "UPDATE core.submission SET content = '{}'",
        "TRUNCATE core.submission CASCADE",
        "SELECT * FROM blind.allocation",
    };
    test_run(migrator, "SET ROLE patella_owner");
    for (size_t i = 0; i < sizeof weakenings / sizeof weakenings[0]; i++) {
        const char *sqlstate = test_sqlstate(migrator, weakenings[i]);
        /* Where nothing can be seen, an UPDATE finds no row. */
        if (strcmp(sqlstate, "42501") != 0 && strncmp(weakenings[i], "UPDATE", 6) != 0)
            fail_msg("SQLSTATE \"%s\": %s", sqlstate, weakenings[i]);
    }
    assert_string_equal(test_value(migrator, "SELECT count(*) FROM core.submission"), "0");
}

static void test_guard_owner_may_still_add_a_table(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *migrator = test_database_connect(fixture->owner, fixture->database, "patella_migrator");
    test_run(migrator, "SET ROLE patella_owner; CREATE TABLE core.visit_note (study_id int)");
}

static void test_guard_everything_recorded_is_there(void **state)
{
    struct test_fixture *fixture = *state;
    check_none(*state, "SELECT string_agg(fault, ', ') FROM guard.list_faults()");
    check_none(*state, "SELECT string_agg(f.object, ', ') FROM guard.found() f "
                       "WHERE NOT EXISTS (SELECT FROM guard.protection p WHERE p.object = f.object)");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) > 80 FROM guard.protection"), "t");
}

#define CASE(name) cmocka_unit_test(name)

/* Nothing here changes what the others look at, so one database serves all. */
int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_schema_tables_with_rows_of_studies_force_row_security),
        CASE(test_schema_study_and_site_lead_every_key),
        CASE(test_schema_study_leads_every_foreign_key_between_clinical_tables),
        CASE(test_schema_tables_refuse_delete_and_truncate_by_trigger),
        CASE(test_schema_tables_are_audited),
        CASE(test_schema_definer_functions_pin_search_path),
        CASE(test_schema_functions_may_not_be_called_by_public),
        CASE(test_schema_types_and_tables_give_public_nothing),
        CASE(test_schema_collector_and_admin_have_no_privilege_on_any_table),
        CASE(test_schema_collector_may_call_the_functions_of_the_list_only),
        CASE(test_schema_owners_cannot_log_in_and_logins_own_nothing),
        CASE(test_schema_function_owners_own_no_table),
        CASE(test_schema_only_the_migrator_may_become_another_role),
        CASE(test_schema_daemon_roles_keep_values_out_of_the_log),
        CASE(test_schema_no_materialized_view_and_no_sequence_that_anybody_reads),
        CASE(test_schema_database_is_closed_to_public),
        CASE(test_guard_owner_cannot_take_protection_away),
        CASE(test_guard_everything_recorded_is_there),
        CASE(test_guard_owner_may_still_add_a_table),
    };
    return cmocka_run_group_tests(tests, test_fixture_setup, test_fixture_teardown);
}
