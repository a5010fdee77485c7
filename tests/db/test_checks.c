/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each CHECK refuses what it is there for: a row of this table for each of the catalogue's, and none without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"

struct check_case {
    const char *table;
    const char *check;
    const char *columns;
    const char *refused;     /* the columns' values, just beyond what is taken */
    const char *taken;       /* and just within */
};

#define ABOUT_BYTES(n) "'\\x00'", "decode(repeat('00', " #n "), 'hex')"
#define NO_REASON "'four'", "'five5'"

/* So many bytes. */
#define SEALED(count) "pg_catalog.decode(pg_catalog.repeat('00', " count "), 'hex')"

/* The rest of an upload that was committed. */
#define COMMITTED ", committed_by, committed_at, committed_xid, committed_era, receipt, receipt_sha256"
#define IN_FULL ", 'eve', now(), '5', 1, '{}', decode(repeat('00', 32), 'hex')"

static const struct check_case checks[] = {
    {"audit.block", "block_before_check", "before", ABOUT_BYTES(32)},
    {"audit.block", "block_block_no_check", "block_no", "0", "1"},
    {"audit.block", "block_entries_check", "row_count, entries", "1, decode(repeat('00', 57), 'hex')",
     "1, decode(repeat('00', 58), 'hex')"},
    {"audit.block", "block_hash_check", "hash", ABOUT_BYTES(32)},
    {"audit.block", "block_key_id_check", "key_id", ABOUT_BYTES(8)},
    {"audit.block", "block_list_sha256_check", "list_sha256", ABOUT_BYTES(32)},
    {"audit.block", "block_range_check", "from_xid, from_seq, upto_xid, upto_seq", "'5', 2, '5', 1",
     "'5', 1, '5', 1"},
    {"audit.block", "block_root_check", "root", ABOUT_BYTES(32)},
    {"audit.block", "block_row_count_check", "row_count", "-1", "0"},
    {"audit.block", "block_signature_check", "signature", ABOUT_BYTES(64)},
    {"audit.era", "era_era_check", "era", "0", "1"},
    {"audit.notice", "notice_kind_check", "kind", "'birthday'", "'seal_failed'"},
    {"audit.notice", "notice_last_outcome_check", "last_outcome", "repeat('x', 61)", "repeat('x', 60)"},
    {"audit.notice", "notice_object_check", "object", "E'a\\nb'", "'a b'"},
    {"audit.notice", "notice_severity_check", "severity", "'mild'", "'serious'"},
    {"audit.notice", "notice_site_check", "study_id, site_id", "NULL, 1", "1, 1"},
    {"audit.notice", "notice_subject_check", "site_id, subject_no", "NULL, 1", "NULL, NULL"},
    {"blind.allocation", "allocation_cohort_check", "cohort", "'  '", "'A'"},
    {"blind.allocation", "allocation_cohort_one_check", "cohort, cohort_sealed", "'A', " SEALED("100"), "'A', NULL"},
    {"blind.allocation", "allocation_cohort_sealed_check", "cohort_sealed", SEALED("99"), SEALED("100")},
    {"blind.allocation", "allocation_entry_check", "cohort, entry", "'A', 0", "'A', 1"},
    {"blind.allocation", "allocation_knee_check", "cohort, knee", "'A', 'both'", "'A', 'none'"},
    {"blind.allocation", "allocation_reason_check", "cohort, entry, reason", "'A', 2, NULL", "'A', 1, NULL"},
    {"blind.emergency", "emergency_reason_check", "reason", NO_REASON},
    {"blind.key", "key_key_id_check", "key_id", "'0123456789ABCDEF'", "'0123456789abcdef'"},
    {"blind.key", "key_key_no_check", "key_no", "0", "1"},
    {"blind.request", "request_reason_check", "reason", NO_REASON},
    {"core.catalogue_state", "catalogue_state_only_row_check", "only_row", "false", "true"},
    {"core.cut", "cut_cut_no_check", "cut_no", "0", "1"},
    {"core.cut", "cut_label_check", "label", "'   '", "'x'"},
    {"core.cut_versions", "cut_versions_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.draft", "draft_instance_check", "instance", "10000", "9999"},
    {"core.draft", "draft_knee_check", "knee", "'both'", "'none'"},
    {"core.draft", "draft_revision_check", "revision", "0", "1"},
    {"core.draft", "draft_size_check", "content", "to_json(repeat('x', 262143))", "to_json(repeat('x', 262142))"},
    {"core.draft", "draft_subject_no_check", "subject_no", "1000000", "999999"},
    {"core.draft", "draft_version_check", "version", "0", "1"},
    {"core.draft", "draft_visit_check", "visit", "repeat('v', 64)", "repeat('v', 63)"},
    {"core.form", "form_form_check", "form", "'Form'", "'form_1'"},
    {"core.form", "form_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.form", "form_version_check", "version", "0", "1"},
    {"core.form", "form_yaml_check", "yaml", "''", "'x'"},
    {"core.knee", "knee_knee_check", "knee", "'none'", "'left'"},
    {"core.participant_link", "participant_link_days_check", "recorded_at, expires_at",
     "now(), now() + interval '32 days'",
     "now(), now() + interval '31 days'"},
    {"core.participant_link", "participant_link_knee_check", "knee", "'both'", "'none'"},
    {"core.participant_link", "participant_link_language_check", "language", "'German'", "'de-CH'"},
    {"core.participant_link", "participant_link_revision_check", "revision", "-1", "0"},
    {"core.participant_link", "participant_link_revoked_check", "revoked_at, revoked_by", "now(), NULL", "NULL, NULL"},
    {"core.participant_link", "participant_link_size_check", "answers", "to_json(repeat('x', 262143))",
     "to_json(repeat('x', 262142))"},
    {"core.participant_link", "participant_link_visit_check", "visit", "repeat('v', 64)", "repeat('v', 63)"},
    {"core.protocol", "protocol_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.protocol", "protocol_version_check", "version", "0", "1"},
    {"core.protocol", "protocol_yaml_check", "yaml", "repeat('x', 1048577)", "repeat('x', 1048576)"},
    {"core.query", "query_instance_check", "instance", "10000", "9999"},
    {"core.query", "query_item_check", "item", "''", "NULL"},
    {"core.query", "query_knee_check", "knee", "'both'", "'none'"},
    {"core.query", "query_version_check", "version", "-1", "0"},
    {"core.query", "query_visit_check", "visit", "repeat('v', 64)", "repeat('v', 63)"},
    {"core.query_event", "query_event_event_no_check", "event_no", "0", "1"},
    {"core.query_event", "query_event_first_check", "event_no, kind", "2, 'opened'", "1, 'opened'"},
    {"core.query_event", "query_event_kind_check", "kind", "'deleted'", "'answered'"},
    {"core.query_event", "query_event_text_check", "text", "'  '", "'x'"},
    {"core.reconciliation", "reconciliation_choice_check", "choice", "'both'", "'first'"},
    {"core.reconciliation", "reconciliation_reason_check", "choice, reason", "'neither', NULL", "'first', NULL"},
    {"core.record_lock", "record_lock_event_no_check", "event_no", "0", "1"},
    {"core.record_lock", "record_lock_first_version_check", "first_version", "2", "1"},
    {"core.record_lock", "record_lock_order_check", "event_no, locked", "2, true", "1, true"},
    {"core.record_lock", "record_lock_reason_check", "reason", NO_REASON},
    {"core.redaction", "redaction_reason_check", "reason", NO_REASON},
    {"core.redaction_decision", "redaction_decision_decision_check", "decision", "'perhaps'", "'approved'"},
    {"core.redaction_decision", "redaction_decision_persons_check", "recorded_by, asked_by", "'eve', 'eve'",
     "'eve', 'adam'"},
    {"core.redaction_decision", "redaction_decision_reason_check", "decision, reason", "'declined', NULL",
     "'approved', NULL"},
    {"core.second_entry", "second_entry_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.second_entry", "second_entry_size_check", "content", "to_json(repeat('x', 262143))",
     "to_json(repeat('x', 262142))"},
    {"core.signature", "signature_meaning_check", "meaning", "'decoration'", "'review'"},
    {"core.signature", "signature_printed_name_check", "printed_name", "' '", "'Eve'"},
    {"core.signature", "signature_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.site", "site_name_check", "name", "' '", "'x'"},
    {"core.site", "site_site_id_check", "site_id", "10000", "9999"},
    {"core.site", "site_time_zone_check", "time_zone", "''", "'UTC'"},
    {"core.study", "study_code_check", "code", "'Demo'", "'demo'"},
    {"core.study", "study_masking_check", "masking", "'single'", "'double'"},
    {"core.study", "study_study_id_check", "study_id", "0", "1"},
    {"core.study", "study_title_check", "title", "' '", "'x'"},
    {"core.subject", "subject_continues_check", "continues", "'7-12'", "'07-0012'"},
    {"core.subject", "subject_index_knee_check", "index_knee", "'none'", "'left'"},
    {"core.subject", "subject_subject_no_check", "subject_no", "1000000", "999999"},
    {"core.submission", "submission_chain_check", "version, prev_sha256", "2, NULL", "2, sha256('x')"},
    {"core.submission", "submission_door_check", "door", "'api 1'", "'api'"},
    {"core.submission", "submission_instance_check", "instance", "0", "1"},
    {"core.submission", "submission_knee_check", "knee", "'both'", "'none'"},
    {"core.submission", "submission_reason_check", "version, reason, prev_sha256", "2, 'four', sha256('x')",
     "2, 'five5', sha256('x')"},
    {"core.submission", "submission_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.submission", "submission_size_check", "content", "to_json(repeat('x', 262143))",
     "to_json(repeat('x', 262142))"},
    {"core.submission", "submission_status_check", "status", "'deleted'", "'complete'"},
    {"core.submission", "submission_version_check", "version, prev_sha256, reason", "0, sha256('x'), 'five5'",
     "1, NULL, NULL"},
    {"core.submission", "submission_visit_check", "visit", "''", "'V'"},
    {"core.submission", "submission_void_check", "version, status", "1, 'void'", "1, 'complete'"},
    {"core.verification", "verification_event_no_check", "event_no", "0", "1"},
    {"core.verification", "verification_kind_check", "kind", "'guessed'", "'verified'"},
    {"core.verification", "verification_order_check", "event_no, kind", "2, 'verified'", "1, 'verified'"},
    {"core.verification", "verification_reason_check", "kind, reason", "'withdrawn', NULL", "'verified', NULL"},
    {"core.wording", "wording_language_check", "language", "'German'", "'de-CH'"},
    {"core.wording", "wording_revision_check", "revision", "0", "1"},
    {"core.wording", "wording_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"core.wording", "wording_yaml_check", "yaml", "''", "'x'"},
    {"patella_meta.migration", "migration_number_check", "number", "0", "1"},
    {"rep.file", "file_bytes_check", "bytes", "convert_to(repeat('x', 67108865), 'UTF8')",
     "decode(repeat('00', 1000), 'hex')"},
    {"rep.file", "file_media_type_check", "media_type", "'text'", "'text/html; charset=utf-8'"},
    {"rep.file", "file_name_check", "name", "'../report.pdf'", "'report.pdf'"},
    {"rep.file", "file_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"rep.job", "job_state_check", "state", "'lost'", "'done'"},
    {"rep.reading", "reading_cut_check", "what, cut_no", "'export', NULL", "'export', 1"},
    {"rep.reading", "reading_what_check", "what", "'all'", "'audit'"},
    {"rep.review", "review_conclusion_check", "conclusion", "repeat('x', 4001)", "repeat('x', 4000)"},
    {"rep.review", "review_words_check", "conclusion", NO_REASON},
    {"sec.account", "account_account_check", "account", "'Eve'", "'eve'"},
    {"sec.account", "account_full_name_check", "full_name", "' '", "'Eve'"},
    {"sec.credential", "credential_participant_check", "role, account", "'participant', 'eve'",
     "'participant', 'participant'"},
    {"sec.credential", "credential_role_check", "role", "'root'", "'monitor'"},
    {"sec.credential", "credential_site_ids_check", "site_ids", "'{1,NULL}'", "'{1}'"},
    {"sec.credential", "credential_token_no_check", "token_no", "0", "1"},
    {"sec.credential", "credential_token_sha256_check", "token_sha256", ABOUT_BYTES(32)},
    {"sec.credential", "credential_year_check", "created_at, expires_at", "'2026-01-01', '2027-01-03'",
     "'2026-01-01', '2027-01-02'"},
    {"sec.invitation", "invitation_72_h_check", "made_at, expires_at", "'2026-01-01', '2026-01-04 00:00:01'",
     "'2026-01-01', '2026-01-04'"},
    {"sec.invitation", "invitation_closed_why_check", "closed_at, closed_why", "now(), 'bored'", "now(), 'accepted'"},
    {"sec.invitation", "invitation_end_check", "closed_at, closed_why", "NULL, 'accepted'", "NULL, NULL"},
    {"sec.invitation", "invitation_invitation_no_check", "invitation_no", "0", "1"},
    {"sec.invitation", "invitation_token_sha256_check", "token_sha256", ABOUT_BYTES(32)},
    {"sec.login_failure", "login_failure_why_check", "why", "'bored'", "'password'"},
    {"sec.membership", "membership_membership_no_check", "membership_no", "0", "1"},
    {"sec.membership", "membership_participant_check", "account", "'participant'", "'eve'"},
    {"sec.membership", "membership_role_check", "site_ids, role", "'{}', 'site_machine'", "'{}', 'monitor'"},
    {"sec.membership", "membership_site_ids_check", "site_ids", "'{NULL}'", "'{1}'"},
    {"sec.membership", "membership_sites_check", "site_ids, role", "'{1}', 'statistician'", "'{1}', 'monitor'"},
    {"sec.offline_key", "offline_key_key_check", "key", ABOUT_BYTES(32)},
    {"sec.person", "person_participant_check", "account", "'participant'", "'eve'"},
    {"sec.person", "person_password_hash_check", "password_hash", "'$1$x'", "'$argon2id$x'"},
    {"sec.person", "person_recovery_check", "recovery_left, recovery_sha256", "1, '{}'", "0, '{}'"},
    {"sec.person", "person_recovery_sha256_check", "recovery_sha256", "'{NULL}'", "'{}'"},
    {"sec.person", "person_totp_secret_check", "totp_secret", ABOUT_BYTES(20)},
    {"sec.session", "session_12_h_check", "opened_at, expires_at, ends_at",
     "'2026-01-01', '2026-01-01', '2026-01-01 12:00:01'", "'2026-01-01', '2026-01-01', '2026-01-01 12:00'"},
    {"sec.session", "session_end_check", "ended_at, ended_why", "now(), NULL", "now(), 'logout'"},
    {"sec.session", "session_ended_why_check", "ended_at, ended_why", "now(), 'bored'", "now(), 'logout'"},
    {"sec.session", "session_idle_check", "idle", "'2 hours'", "'1 hour'"},
    {"sec.session", "session_session_no_check", "session_no", "0", "1"},
    {"sec.session", "session_session_sha256_check", "session_sha256", ABOUT_BYTES(32)},
    {"upload.chunk", "chunk_bytes_check", "bytes", SEALED("262145"), SEALED("262144")},
    {"upload.chunk", "chunk_start_check", "start", "-1", "0"},
    {"upload.file", "file_asked_check", "state, asked_by", "'committing', NULL", "'committing', 'eve'"},
    {"upload.file", "file_batch_no_check", "state, batch_no" COMMITTED, "'committed', 0" IN_FULL,
     "'committed', 1" IN_FULL},
    {"upload.file", "file_committed_check", "state, batch_no" COMMITTED, "'queued', 1" IN_FULL,
     "'committed', 1" IN_FULL},
    {"upload.file", "file_counts_check", "counts", "'{\"cell\": \"12\"}'", "'{\"rows\": 12, \"x\": true}'"},
    {"upload.file", "file_digest_check", "digest", ABOUT_BYTES(32)},
    {"upload.file", "file_hours_check", "hours", "169", "168"},
    {"upload.file", "file_metadata_check", "metadata", "repeat('x', 4097)", "repeat('x', 4096)"},
    {"upload.file", "file_mode_check", "mode", "'some-rows'", "NULL"},
    {"upload.file", "file_name_check", "name", "''", "'x'"},
    {"upload.file", "file_phase_check", "phase", "repeat('x', 41)", "repeat('x', 40)"},
    {"upload.file", "file_preview_check", "state, counts, digest, preview_token, preview_ends_at, sha256",
     "'previewed', '{}', " SEALED("32") ", NULL, now(), " SEALED("32"),
     "'previewed', '{}', " SEALED("32") ", " SEALED("32") ", now(), " SEALED("32")},
    {"upload.file", "file_preview_token_check", "preview_token", ABOUT_BYTES(32)},
    {"upload.file", "file_problem_check", "problem", "'what they wrote'", "'mixed_dates'"},
    {"upload.file", "file_profile_check", "profile, profile_site", "'p', 1", "NULL, NULL"},
    {"upload.file", "file_reason_check", "reason", NO_REASON},
    {"upload.file", "file_received_check", "received, size", "11, 10", "2147483648, NULL"},
    {"upload.file", "file_repeated_check", "state, same_as", "'repeated', NULL", "'queued', NULL"},
    {"upload.file", "file_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"upload.file", "file_site_id_check", "site_id", "-1", "0"},
    {"upload.file", "file_site_ids_check", "site_ids", "'{}'", "'{1}'"},
    {"upload.file", "file_sites_check", "site_id, site_ids", "1, '{1,2}'", "0, '{1,2}'"},
    {"upload.file", "file_size_check", "size", "2147483649", "2147483648"},
    {"upload.file", "file_state_check", "state", "'lost'", "'queued'"},
    {"upload.file", "file_taken_back_check", "state, taken_back_by, taken_back_reason, batch_no" COMMITTED,
     "'taking_back', 'eve', NULL, 1" IN_FULL, "'taking_back', 'eve', 'five5', 1" IN_FULL},
    {"upload.file", "file_taken_back_reason_check",
     "state, taken_back_by, taken_back_reason, batch_no" COMMITTED,
     "'taking_back', 'eve', 'four', 1" IN_FULL, "'taking_back', 'eve', 'five5', 1" IN_FULL},
    {"upload.file", "file_taken_back_xid_check", "taken_back_at, taken_back_xid, taken_back_era", "now(), NULL, 1",
     "now(), '5', 1"},
    {"upload.line", "line_line_check", "line", "0", "1"},
    {"upload.line", "line_reading_no_check", "reading_no", "0", "1"},
    {"upload.line", "line_verdict_check", "verdict", "'lost'", "'refused'"},
    {"upload.profile", "profile_name_check", "name", "'../x'", "'redcap-2.1'"},
    {"upload.profile", "profile_sha256_check", "sha256", ABOUT_BYTES(32)},
    {"upload.profile", "profile_site_id_check", "site_id", "-1", "0"},
    {"upload.profile", "profile_version_check", "version", "0", "1"},
    {"upload.profile", "profile_yaml_check", "yaml", "''", "'x'"},
    {"upload.reading", "reading_reading_no_check", "reading_no", "0", "1"},
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

/*
 * A table with the same columns and CHECKs.  Columns that a case does not name are NULL, so that only what is asked
 * can refuse, but for two without which other CHECKs do: a reason, and the number of a record's first version.
 */
static void make_copy(struct db *db, const char *table)
{
    test_run(db, memory_format(db, "DROP TABLE IF EXISTS checked; CREATE TEMP TABLE checked (LIKE %s "
                                   "INCLUDING CONSTRAINTS)", table));
    test_run(db, "DO $$ DECLARE col name; BEGIN FOR col IN SELECT attname FROM pg_attribute "
                 "WHERE attrelid = 'checked'::regclass AND attnum > 0 LOOP "
                 "EXECUTE format('ALTER TABLE checked ALTER %I DROP NOT NULL', col); "
                 "IF col IN ('reason', 'version') THEN EXECUTE format('ALTER TABLE checked ALTER %I SET DEFAULT %s', "
                 "col, CASE col WHEN 'reason' THEN quote_literal('five5') ELSE '1' END); END IF; "
                 "END LOOP; END $$");
}

static void test_check_refuses_what_is_beyond_and_takes_what_is_within(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->superuser;
    unsigned failed = 0;
    for (size_t i = 0; i < CHECKS; i++) {
        const struct check_case *c = &checks[i];
        if (i == 0 || strcmp(c->table, checks[i - 1].table) != 0)
            make_copy(db, c->table);
        struct error error = {0};
        char *refused = memory_format(db, "INSERT INTO checked (%s) VALUES (%s)", c->columns, c->refused);
        bool taken = db_run_script(db, refused, &error);
        if (taken || strcmp(error.sqlstate, "23514") != 0 || !strstr(error.message, c->check)) {
            print_error("%s: %s: %s\n", c->check, taken ? "takes" : error.message, refused);
            failed++;
        }
        char *within = memory_format(db, "INSERT INTO checked (%s) VALUES (%s)", c->columns, c->taken);
        if (!db_run_script(db, within, &error)) {
            print_error("%s: %s: %s\n", c->check, error.message, within);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void test_check_of_the_catalogue_has_a_case(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *db = fixture->superuser;
    test_run(db, "CREATE TEMP TABLE tried (name text PRIMARY KEY)");
    for (size_t i = 0; i < CHECKS; i++)
        test_run(db, memory_format(db, "INSERT INTO tried VALUES ('%s %s')", checks[i].table, checks[i].check));
    assert_string_equal(test_value(db,
        "SELECT string_agg(COALESCE(c.name || ' is tried by no case', t.name || ' is not there'), ', ') "
        "FROM tried t FULL JOIN (SELECT n.nspname || '.' || r.relname || ' ' || c.conname AS name "
        "FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace "
        "WHERE c.contype = 'c' AND n.nspname IN ('audit', 'core', 'sec', 'blind', 'rep', 'upload', 'guard', "
        "'patella_meta')) c "
        "ON c.name = t.name WHERE t.name IS NULL OR c.name IS NULL"), "");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_refuses_what_is_beyond_and_takes_what_is_within),
        cmocka_unit_test(test_check_of_the_catalogue_has_a_case),
    };
    return cmocka_run_group_tests(tests, test_fixture_setup, test_fixture_teardown);
}
