/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_statements.h"

/* TimeZone is pinned to UTC on every connection. */
#define RFC3339(column) "pg_catalog.to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define HEX(column) "pg_catalog.encode(" column ", 'hex')"

#define RECORD_COLUMNS \
    "SELECT r.id, r.site_id, r.subject_no, r.knee, r.form, r.visit, r.instance, r.version, r.status,\n" \
    "       r.form_version, r.protocol_version, r.dated, r.content,\n" \
    "       " HEX("r.sha256") ", " HEX("r.prev_sha256") ", r.scores, r.reason, r.door, r.recorded_by,\n" \
    "       " RFC3339("r.recorded_at") "\n"

/* An act on a record, or an event of it. */
#define OUTCOME "SELECT o.code, o.number, " RFC3339("o.at") "\n"

#define EPOCH(column) "extract(epoch FROM " column ")::bigint"

#define FROM_SUBMIT_BATCH \
    "FROM api.submit_batch($1::bytea[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[],\n" \
    "                      $7::text[], $8::int[], $9::text[], $10::int[], $11::int[], $12::text[],\n" \
    "                      $13::date[], $14::int[], $15::text[], $16::float8[], $17::int[], $18::int[],\n" \
    "                      $19::text[], $20::text[],\n" \
    "                      $21::text[], $22::text[]) v"

#define UPLOAD_COLUMNS \
    "SELECT u.upload_id, u.site_id, u.account, u.name, u.form, u.profile, u.profile_version, u.profile_site,\n" \
    "       u.metadata, u.size, u.received, " HEX("u.sha256") ", u.state, u.problem, u.mode, u.reason,\n" \
    "       " RFC3339("u.begun_at") ", " EPOCH("u.expires_at") ", u.phase, u.rows_done, u.bytes_done,\n" \
    "       " EPOCH("u.phase_began_at") ", " EPOCH("u.noted_at") ", u.counts, " HEX("u.digest") ",\n" \
    "       u.reason_needed, " RFC3339("u.previewed_at") ", " EPOCH("u.preview_ends_at") ", u.batch_no,\n" \
    "       u.committed_by, " RFC3339("u.committed_at") ", u.receipt, u.same_as, u.taken_back_by,\n" \
    "       " RFC3339("u.taken_back_at") ", u.taken_back_reason, u.findings, u.dialect\n"

#define UPLOAD_PROFILE_COLUMNS \
    "SELECT p.site_id, p.name, p.version, p.yaml, " HEX("p.sha256") ", p.recorded_by, " \
    RFC3339("p.recorded_at") "\n"

/* Token, study, one, site, subject, state, after_site, after_id, most. */
#define LIST_PARAMETERS "($1::bytea, $2::int, $3::uuid, $4::int, $5::int, $6::text, $7::int, $8::uuid, $9::int)"

/* Token, study, request, after_site, after_id, after_no, most. */
#define EXPORT_PARAMETERS "($1::bytea, $2::int, $3::uuid, $4::int, $5::uuid, $6::int, $7::int)"

const struct db_statement store_statements[STATEMENT_COUNT] = {
    [STATEMENT_PING] = {"ping", "SELECT 1"},

    [STATEMENT_FIND_CREDENTIAL] = {"find_credential",
        "SELECT c.account, c.role, c.study_id, c.study, c.site_ids,\n"
        "       extract(epoch FROM c.expires_at)::bigint\n"
        "FROM api.find_credential($1::bytea) c"},

    [STATEMENT_FIND_SESSION] = {"find_session",
        "SELECT s.account, s.full_name, s.second_factor, " RFC3339("s.confirmed_at") ", " RFC3339("s.expires_at") ",\n"
        "       " RFC3339("s.ends_at") ", extract(epoch FROM s.expires_at)::bigint, s.study, s.role, s.site_ids\n"
        "FROM api.find_session($1::bytea) s"},

    [STATEMENT_LIST_MEMBERSHIPS] = {"list_memberships",
        "SELECT m.account, m.full_name, m.role, m.site_ids, " RFC3339("m.added_at") ", m.password_set,\n"
        "       m.second_factor, " RFC3339("m.invited_until") "\n"
        "FROM api.list_memberships($1::bytea, $2::int) m"},

    [STATEMENT_ADD_MEMBERSHIP] = {"add_membership",
        "SELECT api.add_membership($1::bytea, $2::int, $3::text, $4::text, $5::text, $6::int[])"},

    [STATEMENT_END_MEMBERSHIP] = {"end_membership", "SELECT api.end_membership($1::bytea, $2::int, $3::text)"},

    [STATEMENT_DISABLE_ACCOUNT] = {"disable_account", "SELECT api.disable_account($1::bytea, $2::int, $3::text)"},

    [STATEMENT_LIST_INVITATIONS] = {"list_invitations",
        "SELECT i.invitation_no, i.account, " RFC3339("i.made_at") ", " RFC3339("i.expires_at") ",\n"
        "       " RFC3339("i.opened_at") "\n"
        "FROM api.list_invitations($1::bytea, $2::int) i"},

    [STATEMENT_ADD_INVITATION] = {"add_invitation",
        "SELECT i.invitation_no, " RFC3339("i.expires_at") "\n"
        "FROM api.add_invitation($1::bytea, $2::int, $3::text, $4::bytea) i"},

    [STATEMENT_END_INVITATION] = {"end_invitation", "SELECT api.end_invitation($1::bytea, $2::int, $3::int)"},

    [STATEMENT_LIST_TOKENS] = {"list_tokens",
        "SELECT k.number, k.account, k.full_name, k.role, k.site_ids, " RFC3339("k.created_at") ",\n"
        "       " RFC3339("k.expires_at") ", " RFC3339("k.revoked_at") ", " RFC3339("k.last_used_at") "\n"
        "FROM api.list_tokens($1::bytea, $2::int) k"},

    [STATEMENT_ADD_TOKEN] = {"add_token",
        "SELECT k.number, " RFC3339("k.expires_at") "\n"
        "FROM api.add_token($1::bytea, $2::int, $3::text, $4::text, $5::text, $6::int[], $7::bytea, $8::int) k"},

    [STATEMENT_REVOKE_TOKEN] = {"revoke_token", "SELECT api.revoke_token($1::bytea, $2::int, $3::int)"},

    [STATEMENT_LIST_PROTOCOL_VERSIONS] = {"list_protocol_versions",
        "SELECT p.version, " HEX("p.sha256") ", " RFC3339("p.added_at") ", p.added_by\n"
        "FROM api.list_protocol_versions($1::bytea, $2::int) p"},

    [STATEMENT_LIST_STUDY_SITES] = {"list_study_sites",
        "SELECT s.site_id, s.name, s.time_zone, " RFC3339("s.added_at") ", s.subjects\n"
        "FROM api.list_study_sites($1::bytea, $2::int) s"},

    [STATEMENT_CATALOGUE_VERSION] = {"catalogue_version", "SELECT api.catalogue_version()"},

    [STATEMENT_SEAL_STATUS] = {"seal_status",
        "SELECT s.oldest_unsealed_s, COALESCE(s.last_block_s, -1)\n"
        "FROM api.seal_status() s"},

    [STATEMENT_NOTE_EXPIRY] = {"note_expiry",
        "SELECT api.note_expiry($1::text, pg_catalog.to_timestamp($2::bigint))"},

    [STATEMENT_LIST_STUDIES] = {"list_studies",
        "SELECT s.study_id, s.code, s.title, s.frozen\n"
        "FROM api.list_studies() s\n"
        "ORDER BY s.code"},

    [STATEMENT_LIST_SITES] = {"list_sites",
        "SELECT s.study_id, s.site_id, s.name, s.time_zone\n"
        "FROM api.list_sites() s\n"
        "ORDER BY s.study_id, s.site_id"},

    [STATEMENT_LIST_PROTOCOLS] = {"list_protocols",
        "SELECT p.study_id, p.version, p.yaml\n"
        "FROM api.list_protocols() p\n"
        "ORDER BY p.study_id, p.version DESC"},

    [STATEMENT_LIST_FORMS] = {"list_forms",
        "SELECT f.study_id, f.form, f.version, f.yaml\n"
        "FROM api.list_forms() f\n"
        "ORDER BY f.study_id, f.form, f.version DESC"},

    [STATEMENT_LIST_WORDINGS] = {"list_wordings",
        "SELECT w.study_id, w.form, w.version, w.language, w.yaml\n"
        "FROM api.list_wordings() w\n"
        "ORDER BY w.study_id, w.form, w.version, w.language"},

    [STATEMENT_LIST_SUBJECTS] = {"list_subjects",
        "SELECT s.site_id, s.subject_no, s.index_knee, s.enrolled_on, s.locked, s.records\n"
        "FROM api.list_subjects($1::bytea, $2::int, $3::int, $4::int, $5::int) s"},

    [STATEMENT_LIST_SUBMISSIONS] = {"list_submissions",
        RECORD_COLUMNS
        "FROM api.list_submissions($1::bytea, $2::int, $3::int, $4::int, $5::text, $6::text, $7::int,\n"
        "                          $8::bool, $9::int, $10::uuid, $11::int) r"},

    [STATEMENT_FIND_SUBMISSION] = {"find_submission",
        RECORD_COLUMNS
        "FROM api.find_submission($1::bytea, $2::int, $3::uuid) r"},

    [STATEMENT_LIST_CUTS] = {"list_cuts",
        "SELECT c.cut_no, c.label, c.protocol_version, c.made_by, " RFC3339("c.made_at") "\n"
        "FROM api.list_cuts($1::bytea, $2::int) c"},

    [STATEMENT_MAKE_CUT] = {"make_cut", "SELECT api.make_cut($1::bytea, $2::int, $3::text)"},

    [STATEMENT_LIST_REPORTS] = {"list_reports",
        "SELECT r.job_id, r.cut_no, r.cut_label, r.state, r.requested_by, " RFC3339("r.requested_at") ",\n"
        "       " RFC3339("r.started_at") ", " RFC3339("r.finished_at") ", r.message, " HEX("r.sha256") ",\n"
        "       r.unblinding\n"
        "FROM api.list_reports($1::bytea, $2::int) r"},

    [STATEMENT_REQUEST_REPORT] = {"request_report", 
        "SELECT api.request_report($1::bytea, $2::int, $3::int, $4::uuid)"},

    [STATEMENT_LIST_FILES] = {"list_files",
        "SELECT f.name, f.media_type, f.size, " HEX("f.sha256") "\n"
        "FROM api.list_report_files($1::bytea, $2::int, $3::uuid) f"},

    [STATEMENT_REQUEST_FILE] = {"request_file",
        "SELECT api.request_report_file($1::bytea, $2::int, $3::uuid, $4::text)"},

    [STATEMENT_READ_FILE] = {"read_file",
        "SELECT f.media_type, f.bytes, " HEX("f.sha256") "\n"
        "FROM api.read_report_file($1::bytea, $2::int, $3::uuid) f"},

    [STATEMENT_LIST_NOTICES] = {"list_notices",
        "SELECT n.notice_id, " RFC3339("n.noticed_at") ", n.kind, n.severity, n.site_id,\n"
        "       n.subject, n.form, n.knee, n.visit, n.instance,\n"
        "       n.version, n.object, " RFC3339("n.sponsor_due") ", " RFC3339("n.authority_due") ",\n"
        "       n.tries, " RFC3339("n.delivered_at") "\n"
        "FROM api.list_notices($1::bytea, $2::int, $3::uuid, $4::int) n"},

    [STATEMENT_REQUEST_AUDIT] = {"request_audit",
        "SELECT api.request_audit($1::bytea, $2::int, $3::text, $4::timestamptz, $5::timestamptz, $6::text,\n"
        "                         $7::text, $8::text, $9::int, $10::int)"},

    [STATEMENT_READ_AUDIT] = {"read_audit",
        "SELECT " RFC3339("e.at") ", e.actor, e.operation, e.object, e.site_id, e.subject, e.row_id,\n"
        "       " HEX("e.digest") ", e.old, e.new, e.reason, e.withheld, e.nth\n"
        "FROM api.read_audit($1::bytea, $2::int, $3::uuid, $4::timestamptz, $5::int, $6::int) e"},

    [STATEMENT_REQUEST_REVIEW] = {"request_review",
        "SELECT api.request_review($1::bytea, $2::int, $3::text, $4::timestamptz, $5::timestamptz, $6::int,\n"
        "                          $7::int, $8::int, $9::int, $10::int)"},

    [STATEMENT_READ_REVIEW] = {"read_review",
        "SELECT " RFC3339("r.at") ", r.account, r.site_id, r.subject, r.detail, r.found\n"
        "FROM api.read_review($1::bytea, $2::int, $3::uuid, $4::int) r"},

    [STATEMENT_CONCLUDE_REVIEW] = {"conclude_review",
        "SELECT api.conclude_review($1::bytea, $2::int, $3::uuid, $4::text)"},

    [STATEMENT_LIST_REVIEWS] = {"list_reviews",
        "SELECT r.request_id, r.requested_by, " RFC3339("r.requested_at") ", r.filter, r.conclusion,\n"
        "       " RFC3339("r.concluded_at") "\n"
        "FROM api.list_reviews($1::bytea, $2::int, $3::int) r"},

    [STATEMENT_REQUEST_EXPORT] = {"request_export", "SELECT api.request_export($1::bytea, $2::int, $3::int)"},

    [STATEMENT_READ_EXPORT] = {"read_export",
        RECORD_COLUMNS
        "FROM api.read_export($1::bytea, $2::int, $3::uuid, $4::text, $5::int, $6::int, $7::text, $8::text,\n"
        "                     $9::text, $10::int, $11::int, $12::int) r"},

    [STATEMENT_READ_EXPORT_QUERIES] = {"read_export_queries",
        "SELECT q.subject, q.knee, q.form, q.visit, q.instance, q.version, q.item, q.query_id, q.event_no, q.kind,\n"
        "       q.recorded_by, " RFC3339("q.recorded_at") ", q.text, q.site_id\n"
        "FROM api.read_export_queries" EXPORT_PARAMETERS " q"},

    [STATEMENT_READ_EXPORT_SIGNATURES] = {"read_export_signatures",
        "SELECT s.subject, s.knee, s.form, s.visit, s.instance, s.version, s.id, s.signature_id, s.meaning,\n"
        "       s.printed_name, s.recorded_by, " RFC3339("s.recorded_at") ", " HEX("s.sha256") ", s.covers,\n"
        "       s.site_id\n"
        "FROM api.read_export_signatures" EXPORT_PARAMETERS " s"},

    [STATEMENT_READ_EXPORT_VERIFICATIONS] = {"read_export_verifications",
        "SELECT v.subject, v.knee, v.form, v.visit, v.instance, v.version, v.id, v.event_no, v.kind,\n"
        "       v.recorded_by, " RFC3339("v.recorded_at") ", v.covers, v.reason, v.site_id\n"
        "FROM api.read_export_verifications" EXPORT_PARAMETERS " v"},

    [STATEMENT_SUBMIT] = {"submit",
        "SELECT v.ord, v.verdict, v.code, " HEX("v.sha256") ", " RFC3339("v.recorded_at") "\n"
        FROM_SUBMIT_BATCH},

    [STATEMENT_SUBMIT_ALL] = {"submit_all",
        "SELECT v.ord, v.verdict, v.code\n"
        FROM_SUBMIT_BATCH "\n"
        "WHERE v.verdict <> 'accepted'\n"
        "ORDER BY v.ord\n"
        "LIMIT 1"},

    [STATEMENT_FIND_UPLOAD] = {"find_upload",
        UPLOAD_COLUMNS
        "FROM api.find_upload($1::bytea, $2::int, $3::uuid) u"},

    [STATEMENT_LIST_UPLOADS] = {"list_uploads",
        UPLOAD_COLUMNS
        "FROM api.list_uploads($1::bytea, $2::int, $3::int, $4::text, $5::uuid, $6::int) u"},

    [STATEMENT_BEGIN_UPLOAD] = {"begin_upload",
        "SELECT u.code, u.upload_id, u.site_id, " EPOCH("u.expires_at") "\n"
        "FROM api.begin_upload($1::bytea, $2::int, $3::int, $4::text, $5::text, $6::text, $7::int, $8::bigint,\n"
        "                      $9::text, $10::text, $11::text, $12::int) u"},

    [STATEMENT_APPEND_UPLOAD] = {"append_upload",
        "SELECT u.code, u.received, " EPOCH("u.expires_at") "\n"
        "FROM api.append_upload($1::bytea, $2::int, $3::uuid, $4::bigint, $5::bytea) u"},

    [STATEMENT_END_UPLOAD] = {"end_upload",
        "SELECT u.code, u.same_as\n"
        "FROM api.end_upload($1::bytea, $2::int, $3::uuid, $4::bigint, pg_catalog.decode($5::text, 'hex')) u"},

    [STATEMENT_DELETE_UPLOAD] = {"delete_upload", "SELECT api.delete_upload($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_ADD_UPLOAD_PROFILE] = {"add_upload_profile",
        UPLOAD_PROFILE_COLUMNS
        "FROM api.add_upload_profile($1::bytea, $2::int, $3::int, $4::text, $5::text) p"},

    [STATEMENT_LIST_UPLOAD_PROFILES] = {"list_upload_profiles",
        UPLOAD_PROFILE_COLUMNS
        "FROM api.list_upload_profiles($1::bytea, $2::int) p"},

    [STATEMENT_FIND_UPLOAD_PROFILE] = {"find_upload_profile",
        UPLOAD_PROFILE_COLUMNS
        "FROM api.find_upload_profile($1::bytea, $2::int, $3::int, $4::text, $5::int) p"},

    [STATEMENT_PURGE_UPLOADS] = {"purge_uploads", "SELECT api.purge_uploads()"},

    [STATEMENT_TAKE_UPLOAD_SLOT] = {"take_upload_slot", "SELECT api.take_upload_slot()"},

    [STATEMENT_LEAVE_UPLOAD_SLOT] = {"leave_upload_slot", "SELECT api.leave_upload_slot()"},

    [STATEMENT_TAKE_UPLOAD] = {"take_upload", "SELECT api.take_upload($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_PUT_UPLOAD_BACK] = {"put_upload_back", "SELECT api.put_upload_back($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_READ_UPLOAD] = {"read_upload", "SELECT api.read_upload($1::bytea, $2::int, $3::uuid, $4::bigint)"},

    [STATEMENT_NOTE_UPLOAD] = {"note_upload",
        "SELECT api.note_upload($1::bytea, $2::int, $3::uuid, $4::text, $5::bigint, $6::bigint)"},

    [STATEMENT_HASH_UPLOAD] = {"hash_upload",
        "SELECT api.hash_upload($1::bytea, $2::int, $3::uuid, pg_catalog.decode($4::text, 'hex'))"},

    [STATEMENT_ADD_UPLOAD_LINES] = {"add_upload_lines",
        "SELECT api.add_upload_lines($1::bytea, $2::int, $3::uuid, $4::int[], $5::text[], $6::int[], $7::text[],\n"
        "                            $8::text[], $9::text[])"},

    [STATEMENT_LIST_UPLOAD_LINES] = {"list_upload_lines",
        "SELECT l.line, l.verdict, l.warned, l.record, l.detail, l.cells\n"
        "FROM api.list_upload_lines($1::bytea, $2::int, $3::uuid, $4::text, $5::int, $6::int) l"},

    [STATEMENT_END_UPLOAD_CHECK] = {"end_upload_check",
        "SELECT " EPOCH("api.end_upload_check($1::bytea, $2::int, $3::uuid, $4::text, $5::text, $6::text, $7::text,\n"
        "    $8::text, pg_catalog.decode($9::text, 'hex'), pg_catalog.decode($10::text, 'hex'), $11::bool)")},

    [STATEMENT_LOOK_UP_RECORDS] = {"look_up_records",
        "SELECT r.subject_known, r.subject_locked, r.record_locked, r.record_signed, r.study_frozen, r.version,\n"
        "       r.is_void, r.taken_back, r.form_version, r.dated, r.content, r.treated_on, r.index_knee\n"
        "FROM api.look_up_records($1::bytea, $2::int, $3::int[], $4::int[], $5::text[], $6::text[], $7::text[],\n"
        "                         $8::int[], $9::text) r\n"
        "ORDER BY r.ord"},

    [STATEMENT_ASK_UPLOAD_COMMIT] = {"ask_upload_commit",
        "SELECT api.ask_upload_commit($1::bytea, $2::int, $3::uuid, pg_catalog.decode($4::text, 'hex'), $5::text,\n"
        "                             $6::text)"},

    [STATEMENT_FAIL_UPLOAD_COMMIT] = {"fail_upload_commit",
        "SELECT api.fail_upload_commit($1::bytea, $2::int, $3::uuid, $4::text, $5::text)"},

    [STATEMENT_NUMBER_UPLOAD] = {"number_upload",
        "SELECT n.batch_no, " RFC3339("n.committed_at") ", n.committed_by\n"
        "FROM api.number_upload($1::bytea, $2::int, $3::uuid) n"},

    [STATEMENT_FINISH_UPLOAD] = {"finish_upload",
        "SELECT api.finish_upload($1::bytea, $2::int, $3::uuid, $4::int, $5::timestamptz, $6::text, $7::text)"},

    [STATEMENT_ASK_UPLOAD_TAKE_BACK] = {"ask_upload_take_back",
        "SELECT api.ask_upload_take_back($1::bytea, $2::int, $3::uuid, $4::text)"},

    [STATEMENT_LIST_UPLOAD_VERSIONS] = {"list_upload_versions",
        "SELECT v.place, v.id, v.site_id, v.subject_no, v.knee, v.form, v.visit, v.instance, v.version, v.newest,\n"
        "       v.redacted, v.content, v.status, v.dated, v.form_version, v.protocol_version, v.before_content,\n"
        "       v.before_status, v.before_dated, v.before_form_version, v.before_protocol_version\n"
        "FROM api.list_upload_versions($1::bytea, $2::int, $3::uuid, $4::bigint, $5::int) v\n"
        "ORDER BY v.place DESC"},

    [STATEMENT_FINISH_UPLOAD_TAKE_BACK] = {"finish_upload_take_back",
        "SELECT api.finish_upload_take_back($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_FAIL_UPLOAD_TAKE_BACK] = {"fail_upload_take_back",
        "SELECT api.fail_upload_take_back($1::bytea, $2::int, $3::uuid, $4::text)"},

    [STATEMENT_LIST_DESK_SUBJECTS] = {"list_desk_subjects",
        "SELECT s.site_id, s.subject_no, s.index_knee, s.enrolled_on, s.locked, s.coordinator, s.left_day1,\n"
        "       s.right_day1, s.there, s.gone\n"
        "FROM api.list_desk_subjects($1::bytea, $2::int, $3::int, $4::int, $5::text, $6::text[], $7::text[]) s"},

    [STATEMENT_LIST_DESK_ENDINGS] = {"list_desk_endings",
        "SELECT e.site_id, e.subject_no, e.form, e.form_version, e.dated, e.content\n"
        "FROM api.list_desk_endings($1::bytea, $2::int, $3::int, $4::int, $5::text, $6::text, $7::text) e"},

    [STATEMENT_LIST_DESK_RECORDS] = {"list_desk_records",
        "SELECT r.site_id, r.subject_no, r.form, r.knee, r.visit, r.id, r.dated\n"
        "FROM api.list_desk_records($1::bytea, $2::int, $3::int[], $4::int[]) r"},

    [STATEMENT_LIST_DESK_MARKS] = {"list_desk_marks",
        "SELECT m.site_id, m.subject_no, m.open_queries, m.cohort, m.left_cohort, m.right_cohort\n"
        "FROM api.list_desk_marks($1::bytea, $2::int, $3::int[], $4::int[]) m"},

    [STATEMENT_LIST_DESK_ITEMS] = {"list_desk_items",
        "SELECT i.kind, i.site_id, i.subject_no, i.knee, i.visit, i.form, i.id, i.record, i.title,\n"
        "       " RFC3339("i.since") ", " RFC3339("i.until") ",\n"
        "       i.person, 0\n"
        "FROM api.list_desk_items($1::bytea, $2::int, $3::int) i"},

    [STATEMENT_LIST_DESK_DRAFTS] = {"list_desk_drafts",
        "SELECT 'draft', d.site_id, d.subject_no, d.knee, d.visit, d.form, d.id, NULL, NULL,\n"
        "       " RFC3339("d.saved_at") ", NULL, d.person, d.version\n"
        "FROM api.list_desk_drafts($1::bytea, $2::int, $3::int, $4::int) d"},

    [STATEMENT_OFFLINE_KEY] = {"offline_key",
        "SELECT k.code, k.account, pg_catalog.encode(k.key, 'base64'), " RFC3339("k.made_at") "\n"
        "FROM api.offline_key($1::bytea, $2::uuid, $3::bytea) k"},

    [STATEMENT_CALLS + CALL_OPEN_QUERY] = {"open_query",
        OUTCOME
        "FROM api.open_query($1::bytea, $2::int, $3::uuid, $4::int, $5::int, $6::text, $7::text, $8::text,\n"
        "                    $9::int, $10::text, $11::text) o"},

    [STATEMENT_CALLS + CALL_ADD_QUERY_EVENT] = {"add_query_event",
        OUTCOME
        "FROM api.add_query_event($1::bytea, $2::int, $3::uuid, $4::text, $5::text) o"},

    [STATEMENT_CALLS + CALL_LIST_QUERIES] = {"list_queries",
        "SELECT q.query_id, q.site_id, q.subject_no, q.form, q.knee, q.visit, q.instance, q.version, q.item,\n"
        "       q.state, q.text, q.opened_by, " RFC3339("q.opened_at") ", q.changed_by,\n"
        "       " RFC3339("q.changed_at") "\n"
        "FROM api.list_queries" LIST_PARAMETERS " q"},

    [STATEMENT_CALLS + CALL_LIST_QUERY_EVENTS] = {"list_query_events",
        "SELECT e.event_no, e.kind, e.text, e.recorded_by, " RFC3339("e.recorded_at") "\n"
        "FROM api.list_query_events($1::bytea, $2::int, $3::int, $4::uuid) e"},

    [STATEMENT_CALLS + CALL_VERIFY_VERSION] = {"verify_version",
        OUTCOME
        "FROM api.verify_version($1::bytea, $2::int, $3::uuid, $4::text, $5::text) o"},

    [STATEMENT_CALLS + CALL_LIST_VERIFICATIONS] = {"list_verifications",
        "SELECT v.id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, v.state, v.covers,\n"
        "       v.reason, v.recorded_by, " RFC3339("v.recorded_at") "\n"
        "FROM api.list_verifications" LIST_PARAMETERS " v"},

    [STATEMENT_CALLS + CALL_SIGN] = {"sign",
        OUTCOME
        "FROM api.sign($1::bytea, $2::int, $3::uuid, $4::uuid, pg_catalog.decode($5::text, 'hex'), $6::text) o"},

    [STATEMENT_CALLS + CALL_LIST_SIGNATURES] = {"list_signatures",
        "SELECT s.signature_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance, s.version, s.id,\n"
        "       " HEX("s.sha256") ", s.covers, s.meaning, s.printed_name, s.recorded_by,\n"
        "       " RFC3339("s.recorded_at") "\n"
        "FROM api.list_signatures" LIST_PARAMETERS " s"},

    [STATEMENT_CALLS + CALL_LOCK_RECORD] = {"lock_record",
        OUTCOME
        "FROM api.lock_record($1::bytea, $2::int, $3::uuid, $4::bool, $5::text) o"},

    [STATEMENT_CALLS + CALL_LOCK_SUBJECT] = {"lock_subject",
        OUTCOME
        "FROM api.lock_subject($1::bytea, $2::int, $3::int, $4::int, $5::bool, $6::text) o"},

    [STATEMENT_CALLS + CALL_FREEZE_STUDY] = {"freeze_study",
        OUTCOME
        "FROM api.freeze_study($1::bytea, $2::int, $3::bool, $4::text) o"},

    [STATEMENT_CALLS + CALL_LIST_LOCKS] = {"list_locks",
        "SELECT l.id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance, l.state, l.reason,\n"
        "       l.recorded_by, " RFC3339("l.recorded_at") "\n"
        "FROM api.list_locks" LIST_PARAMETERS " l"},

    [STATEMENT_CALLS + CALL_ASK_REDACTION] = {"ask_redaction",
        OUTCOME
        "FROM api.ask_redaction($1::bytea, $2::int, $3::uuid, $4::uuid, $5::text) o"},

    [STATEMENT_CALLS + CALL_DECIDE_REDACTION] = {"decide_redaction",
        OUTCOME
        "FROM api.decide_redaction($1::bytea, $2::int, $3::uuid, $4::text, $5::text) o"},

    [STATEMENT_CALLS + CALL_LIST_REDACTIONS] = {"list_redactions",
        "SELECT r.redaction_id, r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance, r.version, r.id,\n"
        "       r.state, r.reason, r.asked_by, " RFC3339("r.asked_at") ", r.decided_by,\n"
        "       " RFC3339("r.decided_at") ", r.decision_reason\n"
        "FROM api.list_redactions" LIST_PARAMETERS " r"},

    [STATEMENT_CALLS + CALL_ENTER_SECOND] = {"enter_second",
        OUTCOME
        "FROM api.enter_second($1::bytea, $2::int, $3::uuid, $4::int, $5::int, $6::text, $7::text, $8::text,\n"
        "                      $9::int, $10::int, $11::text) o"},

    [STATEMENT_CALLS + CALL_RECONCILE] = {"reconcile",
        OUTCOME
        "FROM (SELECT pg_catalog.array_agg(d.v ->> 'item' ORDER BY d.n) AS items,\n"
        "             pg_catalog.array_agg(d.v ->> 'choice' ORDER BY d.n) AS choices,\n"
        "             pg_catalog.array_agg(d.v ->> 'reason' ORDER BY d.n) AS reasons\n"
        "      FROM pg_catalog.json_array_elements($5::json) WITH ORDINALITY d (v, n)) d,\n"
        "     api.reconcile($1::bytea, $2::int, $3::uuid, $4::uuid, d.items, d.choices, d.reasons) o"},

    [STATEMENT_CALLS + CALL_LIST_SECOND_ENTRIES] = {"list_second_entries",
        "SELECT e.entry_id, e.site_id, e.subject_no, e.form, e.knee, e.visit, e.instance, e.version, e.id,\n"
        "       e.state, e.differences, e.result, e.first_by, e.recorded_by, " RFC3339("e.recorded_at") "\n"
        "FROM api.list_second_entries" LIST_PARAMETERS " e"},

    [STATEMENT_CALLS + CALL_LIST_DIFFERENCES] = {"list_differences",
        "SELECT d.item, d.first_value, d.second_value, d.choice, d.reason, d.recorded_by\n"
        "FROM api.list_differences($1::bytea, $2::int, $3::int, $4::uuid) d"},

    [STATEMENT_CALLS + CALL_REQUEST_UNBLINDING] = {"request_unblinding",
        OUTCOME
        "FROM api.request_unblinding($1::bytea, $2::int, $3::uuid, $4::text) o"},

    [STATEMENT_CALLS + CALL_APPROVE_UNBLINDING] = {"approve_unblinding",
        OUTCOME
        "FROM api.approve_unblinding($1::bytea, $2::int, $3::uuid) o"},

    [STATEMENT_CALLS + CALL_LIST_UNBLINDINGS] = {"list_unblindings",
        "SELECT r.request_id, r.site_id, r.subject_no, r.state, r.reason, r.requested_by,\n"
        "       " RFC3339("r.requested_at") ", r.approved_by, " RFC3339("r.approved_at") "\n"
        "FROM api.list_unblindings($1::bytea, $2::int) r"},

    [STATEMENT_CALLS + CALL_REQUEST_EMERGENCY] = {"request_emergency",
        OUTCOME
        "FROM api.request_emergency($1::bytea, $2::int, $3::int, $4::int, $5::uuid, $6::text) o"},

    [STATEMENT_CALLS + CALL_REVEAL_ALLOCATION] = {"reveal_allocation",
        "SELECT r.code, r.knee, r.cohort, " RFC3339("r.entered_at") ", r.entry, " HEX("r.sealed") ", r.key_id\n"
        "FROM api.reveal_allocation($1::bytea, $2::int, $3::int, $4::int, $5::uuid, $6::text[]) r"},

    [STATEMENT_CALLS + CALL_PUT_DRAFT] = {"put_draft",
        OUTCOME
        "FROM api.put_draft($1::bytea, $2::int, $3::uuid, $4::int, $5::int, $6::text, $7::int, $8::text, $9::text,\n"
        "                   $10::int, $11::int, $12::text, $13::int) o"},

    [STATEMENT_CALLS + CALL_LIST_DRAFTS] = {"list_drafts",
        "SELECT d.draft_id, d.site_id, d.subject_no, d.form, d.form_version, d.knee, d.visit, d.instance, d.version,\n"
        "       d.revision, " RFC3339("d.made_at") ", " RFC3339("d.saved_at") ", d.content\n"
        "FROM api.list_drafts" LIST_PARAMETERS " d"},

    [STATEMENT_CALLS + CALL_DROP_DRAFT] = {"drop_draft", "SELECT api.drop_draft($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_CALLS + CALL_RELEASE_OFFLINE_KEY] = {"release_offline_key",
        "SELECT k.code, k.account, pg_catalog.encode(k.key, 'base64'), " RFC3339("k.made_at") "\n"
        "FROM api.release_offline_key($1::bytea, $2::int, $3::uuid, $4::text, $5::text) k"},

    [STATEMENT_CALLS + CALL_ADD_PARTICIPANT_LINK] = {"add_participant_link",
        "SELECT l.code, l.link_id, " RFC3339("l.expires_at") "\n"
        "FROM api.add_participant_link($1::bytea, $2::int, pg_catalog.decode($3::text, 'hex'), $4::int, $5::int,\n"
        "                              $6::text, $7::int, $8::text, $9::text, $10::text, $11::int) l"},

    [STATEMENT_CALLS + CALL_LIST_PARTICIPANT_LINKS] = {"list_participant_links",
        "SELECT l.link_id, l.site_id, l.subject_no, l.form, l.form_version, l.knee, l.visit, l.language, l.state,\n"
        "       " RFC3339("l.expires_at") ", l.recorded_by, " RFC3339("l.recorded_at") "\n"
        "FROM api.list_participant_links" LIST_PARAMETERS " l"},

    [STATEMENT_CALLS + CALL_REVOKE_PARTICIPANT_LINK] = {"revoke_participant_link",
        "SELECT api.revoke_participant_link($1::bytea, $2::int, $3::uuid)"},

    [STATEMENT_CALLS + CALL_FIND_PARTICIPANT_LINK] = {"find_participant_link",
        "SELECT l.code, l.link_id, l.site_id, l.subject_no, l.form, l.form_version, l.knee, l.visit, l.language,\n"
        "       " RFC3339("l.expires_at") ", l.answers, l.revision, l.sent_on\n"
        "FROM api.find_participant_link($1::bytea, $2::int) l"},

    [STATEMENT_CALLS + CALL_PUT_PARTICIPANT_ANSWERS] = {"put_participant_answers",
        OUTCOME
        "FROM api.put_participant_answers($1::bytea, $2::int, $3::text, $4::int) o"},
};
