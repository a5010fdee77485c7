/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the catalogue must say, line by line: a key, a privilege or a NOT NULL that goes away, or comes, is seen here.
 * Who adds a table adds its lines; a failure prints them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

#define SCHEMAS "('audit', 'core', 'sec', 'blind', 'rep', 'upload', 'guard', 'patella_meta')"

/* Columns that may be NULL, which means that there is none, or not yet. */
static const char *const nullable[] = {
    "audit.era: after_block",
    "audit.event: digest new old reason row_id site_id study_id token_no",
    "audit.notice: authority_due delivered_at form instance knee last_outcome site_id sponsor_due "
        "study_id subject_no version visit",
    "blind.allocation: cohort cohort_sealed cohort_sealed_sha256 reason",
    "core.participant_link: answers language revoked_at revoked_by",
    "core.query: item",
    "core.reconciliation: reason",
    "core.redaction_decision: reason",
    "core.subject: continues",
    "core.submission: prev_sha256 reason",
    "core.verification: reason",
    "rep.casebook: subject_no unblinding",
    "rep.job: finished_at message sha256 started_at unblinding",
    "rep.reading: cut_no",
    "sec.account: disabled_at",
    "sec.credential: last_used_at revoked_at session_no",
    "sec.invitation: closed_at closed_why opened_at",
    "sec.membership: ended_at",
    "sec.person: second_factor_at",
    "sec.session: confirmation_used_at confirmed_at ended_at ended_why second_factor_at",
    "upload.file: asked_by batch_no committed_at committed_by committed_era committed_xid counts digest form metadata "
        "mode noted_at phase phase_began_at preview_ends_at preview_token previewed_at problem profile "
        "profile_site profile_version reason receipt receipt_sha256 same_as sha256 size taken_back_at "
        "taken_back_by taken_back_era taken_back_reason taken_back_xid",
    "upload.line: cells record",
    NULL
};
static const char nullable_sql[] =
    "SELECT n.nspname || '.' || c.relname || ': ' || string_agg(a.attname, ' ' ORDER BY a.attname) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname IN " SCHEMAS " GROUP BY n.nspname, c.relname ORDER BY 1";

/* What is there once: primary keys and unique ones. */
static const char *const keys[] = {
    "audit.block (block_no)",
    "audit.block (hash)",
    "audit.era (era)",
    "audit.event (xid, seq)",
    "audit.notice (notice_id)",
    "blind.allocation (study_id, site_id, subject_no, knee, entry)",
    "blind.approval (study_id, request_id)",
    "blind.emergency (study_id, site_id, request_id)",
    "blind.key (study_id, key_id)",
    "blind.key (study_id, key_no)",
    "blind.opening (study_id, opening_id)",
    "blind.request (study_id, request_id)",
    "core.catalogue_state (only_row)",
    "core.cut (study_id, cut_no)",
    "core.cut (study_id, label)",
    "core.cut_versions (study_id, site_id, cut_no)",
    "core.draft (study_id, site_id, recorded_by, draft_id)",
    "core.form (study_id, form, version)",
    "core.knee (study_id, site_id, subject_no, knee)",
    "core.participant_link (study_id, site_id, link_id)",
    "core.participant_link (study_id, site_id, token_no)",
    "core.protocol (study_id, version)",
    "core.query (study_id, site_id, query_id)",
    "core.query_event (study_id, site_id, query_id, event_no)",
    "core.reconciliation (study_id, site_id, entry_id, item)",
    "core.record_lock (study_id, site_id, subject_no, form, knee, visit, instance, event_no)",
    "core.redaction (study_id, site_id, redaction_id)",
    "core.redaction (study_id, site_id, redaction_id, recorded_by)",
    "core.redaction_decision (study_id, site_id, redaction_id)",
    "core.second_entry (study_id, site_id, entry_id)",
    "core.signature (study_id, site_id, signature_id)",
    "core.signature (study_id, site_id, submission_id, recorded_by, meaning)",
    "core.site (study_id, site_id)",
    "core.study (code)",
    "core.study (study_id)",
    "core.subject (study_id, site_id, subject_no)",
    "core.submission (study_id, id, site_id)",
    "core.submission (study_id, site_id, subject_no, form, knee, visit, instance, version)",
    "core.verification (study_id, site_id, submission_id, event_no)",
    "core.wording (study_id, form, version, language, revision)",
    "guard.protection (kind, object)",
    "patella_meta.migration (number)",
    "rep.casebook (study_id, site_id, request_id)",
    "rep.export (study_id, request_id)",
    "rep.file (study_id, job_id, name)",
    "rep.job (study_id, job_id)",
    "rep.reading (study_id, request_id)",
    "rep.review (study_id, request_id)",
    "sec.account (account)",
    "sec.credential (token_no)",
    "sec.credential (token_sha256)",
    "sec.invitation (account) WHERE (closed_at IS NULL)",
    "sec.invitation (invitation_no)",
    "sec.invitation (token_sha256)",
    "sec.login_failure (failure_no)",
    "sec.membership (account, study_id) WHERE (ended_at IS NULL)",
    "sec.membership (membership_no)",
    "sec.offline_key (account, browser)",
    "sec.person (account)",
    "sec.reporter_grant (role, study_id)",
    "sec.session (session_no)",
    "sec.session (session_sha256)",
    "upload.chunk (study_id, site_id, upload_id, start)",
    "upload.file (study_id, site_id, site_ids, batch_no)",
    "upload.file (study_id, site_id, upload_id)",
    "upload.line (study_id, site_id, upload_id, reading_no, line)",
    "upload.profile (study_id, site_id, name, version)",
    "upload.reading (study_id, site_id, upload_id, reading_no)",
    NULL
};
static const char keys_sql[] =
    "SELECT n.nspname || '.' || c.relname || regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING btree', '') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname IN " SCHEMAS " ORDER BY 1";

/* What must be there for a row to be there. */
static const char *const references[] = {
    "audit.block (era) in audit.era",
    "blind.allocation (study_id, site_id, subject_no) in core.subject",
    "blind.approval (study_id, request_id) in blind.request",
    "blind.emergency (study_id, site_id, subject_no) in core.subject",
    "blind.opening (study_id, request_id) in blind.request",
    "core.cut (study_id) in core.study",
    "core.cut (study_id, protocol_version) in core.protocol",
    "core.cut_versions (study_id, cut_no) in core.cut",
    "core.draft (study_id, form, form_version) in core.form",
    "core.draft (study_id, site_id) in core.site",
    "core.form (study_id) in core.study",
    "core.knee (study_id, site_id, subject_no) in core.subject",
    "core.participant_link (study_id, form, form_version) in core.form",
    "core.participant_link (study_id, site_id, subject_no) in core.subject",
    "core.protocol (study_id) in core.study",
    "core.query (study_id, site_id, subject_no) in core.subject",
    "core.query_event (study_id, site_id, query_id) in core.query",
    "core.reconciliation (study_id, site_id, entry_id) in core.second_entry",
    "core.reconciliation (study_id, submission_id, site_id) in core.submission",
    "core.record_lock (study_id, site_id, subject_no, form, knee, visit, instance, first_version) in "
        "core.submission",
    "core.redaction (study_id, submission_id, site_id) in core.submission",
    "core.redaction_decision (study_id, site_id, redaction_id, asked_by) in core.redaction",
    "core.second_entry (study_id, submission_id, site_id) in core.submission",
    "core.signature (study_id, submission_id, site_id) in core.submission",
    "core.site (study_id) in core.study",
    "core.subject (study_id, site_id) in core.site",
    "core.verification (study_id, submission_id, site_id) in core.submission",
    "core.wording (study_id, form, version) in core.form",
    "rep.casebook (study_id, cut_no) in core.cut",
    "rep.export (study_id, job_id, name) in rep.file",
    "rep.file (study_id, job_id) in rep.job",
    "rep.job (study_id, cut_no) in core.cut",
    "rep.reading (study_id, cut_no) in core.cut",
    "rep.review (study_id, request_id) in rep.reading",
    "sec.credential (account) in sec.account",
    "sec.credential (session_no) in sec.session",
    "sec.credential (study_id) in core.study",
    "sec.invitation (account) in sec.account",
    "sec.membership (account) in sec.account",
    "sec.membership (study_id) in core.study",
    "sec.offline_key (account) in sec.account",
    "sec.person (account) in sec.account",
    "sec.reporter_grant (study_id) in core.study",
    "sec.session (account) in sec.account",
    "upload.chunk (study_id, site_id, upload_id) in upload.file",
    "upload.file (study_id) in core.study",
    "upload.file (study_id, profile_site, profile, profile_version) in upload.profile",
    "upload.file (study_id, site_id, same_as) in upload.file",
    "upload.line (study_id, site_id, upload_id) in upload.file",
    "upload.profile (study_id) in core.study",
    "upload.reading (study_id, site_id, upload_id) in upload.file",
    NULL
};
static const char references_sql[] =
    "SELECT n.nspname || '.' || c.relname || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY k.no) "
    "FROM unnest(f.conkey) WITH ORDINALITY k (at, no) "
    "JOIN pg_attribute a ON (a.attrelid, a.attnum) = (c.oid, k.at)) "
    "|| ') in ' || f.confrelid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' "
    "WHERE n.nspname IN " SCHEMAS " ORDER BY 1";

/* Who may do what with tables of others: select, insert, update, delete, truncate; in brackets: with some columns. */
static const char *const privileges[] = {
    "patella_admin_owner (s): sec.invitation sec.person sec.session",
    "patella_admin_owner s(u): audit.notice core.subject",
    "patella_admin_owner s: core.cut core.record_lock core.redaction core.redaction_decision sec.membership",
    "patella_admin_owner si(u): core.study sec.account sec.credential",
    "patella_admin_owner si: core.form core.protocol core.site core.wording rep.reading sec.reporter_grant",
    "patella_api s(u): core.study core.subject",
    "patella_api s: audit.notice core.catalogue_state core.cut core.form core.knee core.protocol "
        "core.site core.submission core.wording patella_meta.migration rep.file",
    "patella_api si(u): core.participant_link",
    "patella_api si(u)d: core.draft",
    "patella_api si: core.query core.query_event core.reconciliation core.record_lock core.redaction "
        "core.redaction_decision core.second_entry core.signature core.verification rep.export rep.job "
        "rep.reading rep.review upload.chunk upload.line upload.profile upload.reading",
    "patella_api siu: upload.file",
    "patella_auditor s: audit.block audit.era audit.event",
    "patella_blind_owner s: core.cut core.study core.subject",
    "patella_report_owner s: core.cut core.study sec.reporter_grant",
    "patella_reporter s: core.cut core.form core.knee core.protocol core.query core.query_event "
        "core.reconciliation core.record_lock core.redaction core.redaction_decision core.second_entry "
        "core.signature core.site core.study core.subject core.submission core.verification "
        "sec.reporter_grant",
    "patella_sec_owner s: core.site core.study",
    "patella_writer s: audit.era core.form core.participant_link core.protocol core.record_lock core.site core.study "
        "sec.credential",
    "patella_writer si: core.knee core.subject core.submission",
    NULL
};
static const char privileges_sql[] =
    "SELECT r.rolname || ' ' || p.may || ': ' || string_agg(n.nspname || '.' || c.relname, ' ' "
    "ORDER BY n.nspname, c.relname) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN pg_roles r "
    "CROSS JOIN LATERAL (SELECT string_agg(CASE WHEN has_table_privilege(r.oid, c.oid, w) THEN left(lower(w), 1) "
    "ELSE '(' || left(lower(w), 1) || ')' END, '' ORDER BY o) AS may "
    "FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) WITH ORDINALITY x (w, o) "
    "WHERE has_table_privilege(r.oid, c.oid, w) OR (o <= 3 AND has_any_column_privilege(r.oid, c.oid, w))) p "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname IN " SCHEMAS " AND r.rolname LIKE 'patella\\_%' "
    "AND r.oid <> c.relowner AND p.may <> '' GROUP BY r.rolname, p.may ORDER BY 1";

/* Who may name what is in which schema; nobody but its owner adds to it. */
static const char *const schemas[] = {
    "patella_admin: admin api",
    "patella_admin_owner: api audit core patella_meta rep sec",
    "patella_api: audit blind core patella_meta rep sec upload",
    "patella_audit_owner: sec",
    "patella_auditor: api audit",
    "patella_auth: api auth",
    "patella_blind_owner: admin audit core rep sec",
    "patella_collector: api",
    "patella_migrator: api",
    "patella_owner: audit",
    "patella_report_owner: audit blind core sec",
    "patella_reporter: api core rep sec",
    "patella_sealer: api audit",
    "patella_sec_owner: api audit core",
    "patella_unblinder: api",
    "patella_upload_owner: audit core",
    "patella_writer: api audit core sec upload",
    NULL
};
static const char schemas_sql[] =
    "SELECT r.rolname || ': ' || string_agg(n.nspname || CASE WHEN has_schema_privilege(r.oid, n.oid, 'CREATE') "
    "THEN ' (adds to it)' ELSE '' END, ' ' ORDER BY n.nspname) FROM pg_roles r, pg_namespace n "
    "WHERE r.rolname LIKE 'patella\\_%' AND r.oid <> n.nspowner AND n.nspname NOT LIKE 'pg\\_%' "
    "AND n.nspname <> 'information_schema' AND has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE') "
    "GROUP BY r.rolname ORDER BY 1";

/* Whose new functions may be called by nobody until they say by whom. */
static const char *const closed_owners[] = {
    "patella_admin_owner",
    "patella_api",
    "patella_audit_owner",
    "patella_blind_owner",
    "patella_owner",
    "patella_report_owner",
    "patella_sec_owner",
    "patella_upload_owner",
    "patella_writer",
    "the superuser",
    NULL
};
static const char closed_owners_sql[] =
    "SELECT CASE WHEN r.rolsuper THEN 'the superuser' ELSE r.rolname END FROM pg_default_acl d "
    "JOIN pg_roles r ON r.oid = d.defaclrole WHERE d.defaclobjtype = 'f' AND d.defaclnamespace = 0 "
    "AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0) ORDER BY 1";

/* What everybody may do in a fresh database, and nobody in ours. */
static const char *const large_objects[] = {NULL};
static const char large_objects_sql[] =
    "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace "
    "AND (p.proname LIKE 'lo\\_%' OR p.proname IN ('loread', 'lowrite')) "
    "AND has_function_privilege('patella_collector', p.oid, 'EXECUTE')";

static bool is_listed(const char *const *lines, const char *line)
{
    for (; *lines; lines++)
        if (strcmp(*lines, line) == 0)
            return true;
    return false;
}

static bool is_found(const struct db_result *result, const char *line)
{
    for (size_t row = 0; row < db_rows(result); row++)
        if (strcmp(db_text(result, row, 0), line) == 0)
            return true;
    return false;
}

static void check_list(void **state, const char *sql, const char *const *expected)
{
    struct test_fixture *fixture = *state;
    struct error error;
    struct db_result *result = db_query(fixture->superuser, fixture->superuser, sql, NULL, &error);
    if (!result)
        fail_msg("%s", error.message);
    unsigned differences = 0;
    for (size_t row = 0; row < db_rows(result); row++) {
        if (!is_listed(expected, db_text(result, row, 0))) {
            print_error("not in the list: \"%s\",\n", db_text(result, row, 0));
            differences++;
        }
    }
    for (; *expected; expected++) {
        if (!is_found(result, *expected)) {
            print_error("not in the database: \"%s\"\n", *expected);
            differences++;
        }
    }
    assert_int_equal(differences, 0);
}

static void test_schema_columns_that_may_be_null_are_listed(void **state)
{
    check_list(state, nullable_sql, nullable);
}

static void test_schema_keys_are_listed(void **state)
{
    check_list(state, keys_sql, keys);
}

static void test_schema_references_are_listed(void **state)
{
    check_list(state, references_sql, references);
}

static void test_schema_privileges_on_tables_are_listed(void **state)
{
    check_list(state, privileges_sql, privileges);
}

static void test_schema_schemas_are_open_to_those_listed(void **state)
{
    check_list(state, schemas_sql, schemas);
}

static void test_schema_new_functions_may_be_called_by_nobody(void **state)
{
    check_list(state, closed_owners_sql, closed_owners);
}

static void test_schema_large_objects_are_for_nobody(void **state)
{
    check_list(state, large_objects_sql, large_objects);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_schema_columns_that_may_be_null_are_listed),
        CASE(test_schema_keys_are_listed),
        CASE(test_schema_references_are_listed),
        CASE(test_schema_privileges_on_tables_are_listed),
        CASE(test_schema_schemas_are_open_to_those_listed),
        CASE(test_schema_new_functions_may_be_called_by_nobody),
        CASE(test_schema_large_objects_are_for_nobody),
    };
    return cmocka_run_group_tests(tests, test_fixture_setup, test_fixture_teardown);
}
