/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/exchange.h"
#include "collector/handlers.h"
#include "collector/metrics.h"

#define STUDY "/api/v1/studies/{study}"
#define UPLOADS "/api/v1/uploads"
#define UPLOAD_LIMIT ((size_t)2 << 30)

enum {
    SUBMISSIONS_LIMIT = 1 << 20,
    ENTRY_LIMIT = 256 << 10,
    SMALL_LIMIT = 4096,
    WORDS_LIMIT = 16384,         /* a text of 2000 characters, each of up to six bytes */
    CONCLUSION_LIMIT = 1 << 15,
    STATISTICIANS = ROLE_STATISTICIAN | ROLE_STATISTICIAN_UNMASKED,
    UNBLINDINGS = ROLE_ADMINISTRATOR | ROLE_DATA_MANAGER | ROLE_INVESTIGATOR | ROLE_STATISTICIAN_UNMASKED,
    READERS = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR | ROLE_MONITOR | STATISTICIANS,
    CUTTERS = ROLE_DATA_MANAGER | STATISTICIANS,
    CUTS = CUTTERS | ROLE_ADMINISTRATOR | ROLE_COORDINATOR,
    REPORTS = ROLE_ADMINISTRATOR | STATISTICIANS,
    ASKERS = ROLE_DATA_MANAGER | ROLE_MONITOR | ROLE_INVESTIGATOR,
    ANSWERERS = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR,
    CLOSERS = ROLE_DATA_MANAGER | ROLE_MONITOR,
    NOTIFIED = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR | ROLE_MONITOR,
    TRAIL = ROLE_ADMINISTRATOR | ROLE_DATA_MANAGER | ROLE_MONITOR,
    FREEZERS = ROLE_DATA_MANAGER | ROLE_ADMINISTRATOR,
    SECONDS = ROLE_DATA_MANAGER | ROLE_COORDINATOR,
    SENDERS = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR | ROLE_SITE_MACHINE,
    PROFILE_LIMIT = 1 << 18,
    FILE_READERS = SENDERS | ROLE_MONITOR,   /* of what stands in uploaded files */
    LEDGER = READERS | SENDERS
};

/* Who may do what: authorisation, body limit and way of handling act before the handler is called. */
const struct route route_table[] = {
    {"GET", "/healthz", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_healthz},
    {"GET", "/readyz", ROLE_ANYONE, 0, HANDLE_ON_WORKER, handle_readyz},
    {"GET", "/metrics", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_metrics},

    {"GET", "/api/v1/openapi.yaml", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_openapi},
    {"POST", "/api/v1/session", ROLE_ANYONE, SMALL_LIMIT, HANDLE_BY_WRITER, handle_log_in},
    {"GET", "/api/v1/session", ROLE_SESSION, 0, HANDLE_ON_WORKER, handle_show_session},
    {"DELETE", "/api/v1/session", ROLE_SESSION, 0, HANDLE_BY_WRITER, handle_log_out},
    {"POST", "/api/v1/session/confirm", ROLE_SESSION, SMALL_LIMIT, HANDLE_BY_WRITER, handle_confirm_session},
    {"POST", "/api/v1/invitations/{token}", ROLE_ANYONE, SMALL_LIMIT, HANDLE_BY_WRITER, handle_accept_invitation},
    {"POST", "/api/v1/invitations/{token}/confirm", ROLE_ANYONE, SMALL_LIMIT, HANDLE_BY_WRITER,
     handle_confirm_invitation},

    {"GET", "/api/v1/me", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_me},
    {"GET", "/api/v1/studies", ROLE_EVERYONE | ROLE_SESSION, 0, HANDLE_ON_LOOP, handle_list_studies},
    {"GET", STUDY, ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_show_study},
    {"GET", STUDY "/forms", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_list_forms},
    {"GET", STUDY "/forms/{form}", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_show_form},

    {"GET", STUDY "/subjects", READERS, 0, HANDLE_ON_WORKER, handle_list_subjects},
    {"GET", STUDY "/subjects/{subject}", READERS, 0, HANDLE_ON_WORKER, handle_show_subject},
    {"POST", STUDY "/submissions", SENDERS, SUBMISSIONS_LIMIT, HANDLE_BY_WRITER, handle_submit},
    {"GET", STUDY "/submissions", READERS, 0, HANDLE_ON_WORKER, handle_list_submissions},
    {"GET", STUDY "/submissions/{id}", READERS, 0, HANDLE_ON_WORKER, handle_show_submission},
    {"GET", STUDY "/adverse-events", READERS, 0, HANDLE_ON_WORKER, handle_list_adverse_events},

    {"GET", STUDY "/queries", READERS, 0, HANDLE_ON_WORKER, handle_list_queries},
    {"POST", STUDY "/queries", ASKERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_open_query},
    {"GET", STUDY "/queries/{query}", READERS, 0, HANDLE_ON_WORKER, handle_show_query},
    {"POST", STUDY "/queries/{query}/answer", ANSWERERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_answer_query},
    {"POST", STUDY "/queries/{query}/close", CLOSERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_close_query},
    {"POST", STUDY "/queries/{query}/reopen", CLOSERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_reopen_query},
    {"GET", STUDY "/verifications", READERS, 0, HANDLE_ON_WORKER, handle_list_verifications},
    {"POST", STUDY "/submissions/{id}/verify", ROLE_MONITOR, SMALL_LIMIT, HANDLE_ON_WORKER, handle_verify_version},
    {"POST", STUDY "/submissions/{id}/withdraw-verification", ROLE_MONITOR, WORDS_LIMIT, HANDLE_ON_WORKER,
     handle_withdraw_verification},
    {"GET", STUDY "/signatures", READERS, 0, HANDLE_ON_WORKER, handle_list_signatures},
    {"POST", STUDY "/submissions/{id}/sign", ROLE_INVESTIGATOR, SMALL_LIMIT, HANDLE_ON_WORKER, handle_sign},

    {"GET", STUDY "/locks", READERS, 0, HANDLE_ON_WORKER, handle_list_locks},
    {"POST", STUDY "/submissions/{id}/lock", ROLE_DATA_MANAGER, WORDS_LIMIT, HANDLE_ON_WORKER, handle_lock_record},
    {"POST", STUDY "/submissions/{id}/unlock", ROLE_DATA_MANAGER, WORDS_LIMIT, HANDLE_ON_WORKER, handle_unlock_record},
    {"POST", STUDY "/subjects/{subject}/lock", ROLE_DATA_MANAGER, WORDS_LIMIT, HANDLE_ON_WORKER, handle_lock_subject},
    {"POST", STUDY "/subjects/{subject}/unlock", ROLE_DATA_MANAGER, WORDS_LIMIT, HANDLE_ON_WORKER,
     handle_unlock_subject},
    {"POST", STUDY "/freeze", FREEZERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_freeze_study},
    {"POST", STUDY "/unfreeze", FREEZERS, WORDS_LIMIT, HANDLE_ON_WORKER, handle_unfreeze_study},
    {"GET", STUDY "/redactions", READERS | ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_list_redactions},
    {"POST", STUDY "/submissions/{id}/redact", ROLE_DATA_MANAGER, WORDS_LIMIT, HANDLE_ON_WORKER,
     handle_ask_redaction},
    {"POST", STUDY "/redactions/{redaction}/approve", ROLE_ADMINISTRATOR, SMALL_LIMIT, HANDLE_ON_WORKER,
     handle_approve_redaction},
    {"POST", STUDY "/redactions/{redaction}/decline", ROLE_ADMINISTRATOR, WORDS_LIMIT, HANDLE_ON_WORKER,
     handle_decline_redaction},
    {"GET", STUDY "/second-entries", READERS, 0, HANDLE_ON_WORKER, handle_list_second_entries},
    {"POST", STUDY "/second-entries", SECONDS, ENTRY_LIMIT, HANDLE_ON_WORKER, handle_enter_second},
    {"GET", STUDY "/second-entries/{entry}", READERS, 0, HANDLE_ON_WORKER, handle_show_second_entry},
    {"POST", STUDY "/second-entries/{entry}/reconcile", SECONDS, ENTRY_LIMIT, HANDLE_ON_WORKER, handle_reconcile},
    {"GET", STUDY "/unblindings", UNBLINDINGS, 0, HANDLE_ON_WORKER, handle_list_unblindings},
    {"POST", STUDY "/unblindings", ROLE_STATISTICIAN_UNMASKED, SMALL_LIMIT, HANDLE_ON_WORKER,
     handle_request_unblinding},
    {"POST", STUDY "/unblindings/{request}/approve", ROLE_ADMINISTRATOR, SMALL_LIMIT, HANDLE_ON_WORKER,
     handle_approve_unblinding},
    {"POST", STUDY "/subjects/{subject}/unblindings", ROLE_INVESTIGATOR, SMALL_LIMIT, HANDLE_ON_WORKER,
     handle_request_emergency},
    {"POST", STUDY "/subjects/{subject}/unblindings/{request}/reveal", ROLE_INVESTIGATOR, SMALL_LIMIT,
     HANDLE_ON_WORKER, handle_reveal_allocation},

    {"GET", STUDY "/cuts", CUTS, 0, HANDLE_ON_WORKER, handle_list_cuts},
    {"POST", STUDY "/cuts", CUTTERS, SMALL_LIMIT, HANDLE_ON_WORKER, handle_make_cut},
    {"GET", STUDY "/reports", REPORTS, 0, HANDLE_ON_WORKER, handle_list_reports},
    {"POST", STUDY "/reports", STATISTICIANS, SMALL_LIMIT, HANDLE_ON_WORKER, handle_request_report},
    {"GET", STUDY "/reports/{report}", REPORTS, 0, HANDLE_ON_WORKER, handle_show_report},
    {"GET", STUDY "/reports/{report}/files/{name}", STATISTICIANS, 0, HANDLE_ON_WORKER,
     handle_download_file},

    {"POST", UPLOADS, SENDERS, UPLOAD_LIMIT, HANDLE_IN_PIECES, handle_receive_upload},
    {"OPTIONS", UPLOADS, ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_upload_options},
    {"HEAD", UPLOADS "/{id}", SENDERS, 0, HANDLE_ON_WORKER, handle_show_upload_offset},
    {"PATCH", UPLOADS "/{id}", SENDERS, UPLOAD_LIMIT, HANDLE_IN_PIECES, handle_append_upload},
    {"DELETE", UPLOADS "/{id}", SENDERS, 0, HANDLE_ON_WORKER, handle_delete_upload},

    {"GET", STUDY "/memberships", ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_list_memberships},
    {"POST", STUDY "/memberships", ROLE_ADMINISTRATOR, SMALL_LIMIT, HANDLE_ON_WORKER, handle_add_membership},
    {"DELETE", STUDY "/memberships/{account}", ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_end_membership},
    {"DELETE", STUDY "/accounts/{account}", ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_disable_account},
    {"GET", STUDY "/invitations", ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_list_invitations},
    {"POST", STUDY "/invitations", ROLE_ADMINISTRATOR, SMALL_LIMIT, HANDLE_ON_WORKER, handle_add_invitation},
    {"DELETE", STUDY "/invitations/{number}", ROLE_ADMINISTRATOR, 0, HANDLE_ON_WORKER, handle_end_invitation},
    {"GET", STUDY "/export", CUTTERS, 0, HANDLE_ON_WORKER, handle_export},
    {"GET", UPLOADS, LEDGER, 0, HANDLE_ON_WORKER, handle_list_uploads},
    {"GET", UPLOADS "/{id}", LEDGER, 0, HANDLE_BY_WRITER, handle_show_upload},
    {"GET", UPLOADS "/{id}/rows", FILE_READERS, 0, HANDLE_ON_WORKER, handle_list_upload_rows},
    {"GET", UPLOADS "/{id}/refused", FILE_READERS, 0, HANDLE_ON_WORKER, handle_download_refused},
    {"POST", UPLOADS "/{id}/commit", SENDERS, SMALL_LIMIT, HANDLE_BY_WRITER, handle_commit_upload},
    {"POST", UPLOADS "/{id}/take-back", SENDERS, WORDS_LIMIT, HANDLE_BY_WRITER, handle_take_back_upload},
    {"GET", STUDY "/upload-profiles", FILE_READERS, 0, HANDLE_ON_WORKER, handle_list_profiles},
    {"POST", STUDY "/upload-profiles", SECONDS, PROFILE_LIMIT, HANDLE_ON_WORKER, handle_add_profile},
    {"GET", STUDY "/upload-profiles/{name}", FILE_READERS, 0, HANDLE_ON_WORKER, handle_show_profile},
    {"GET", STUDY "/notices", NOTIFIED, 0, HANDLE_ON_WORKER, handle_list_notices},
    {"GET", STUDY "/audit", TRAIL, 0, HANDLE_ON_WORKER, handle_list_audit},
    {"GET", STUDY "/audit/review", TRAIL, 0, HANDLE_ON_WORKER, handle_review_audit},
    {"GET", STUDY "/audit/reviews", TRAIL, 0, HANDLE_ON_WORKER, handle_list_reviews},
    {"POST", STUDY "/audit/reviews/{review}", TRAIL, CONCLUSION_LIMIT, HANDLE_ON_WORKER, handle_conclude_review},
};

const size_t route_count = sizeof route_table / sizeof route_table[0];
