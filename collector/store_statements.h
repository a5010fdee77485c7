/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's statements; for store*.c only.  This is all the SQL of the collector: functions of schema
 * api.
 */
#ifndef PATELLA_STORE_STATEMENTS_H
#define PATELLA_STORE_STATEMENTS_H

#include "collector/store.h"
#include "collector/store_record.h"
#include "migrations/db.h"

struct store {
    struct db *db;
};

enum store_statement {
    STATEMENT_PING,
    STATEMENT_FIND_CREDENTIAL,
    STATEMENT_FIND_SESSION,
    STATEMENT_LIST_MEMBERSHIPS,
    STATEMENT_ADD_MEMBERSHIP,
    STATEMENT_END_MEMBERSHIP,
    STATEMENT_DISABLE_ACCOUNT,
    STATEMENT_LIST_INVITATIONS,
    STATEMENT_ADD_INVITATION,
    STATEMENT_END_INVITATION,
    STATEMENT_LIST_TOKENS,
    STATEMENT_ADD_TOKEN,
    STATEMENT_REVOKE_TOKEN,
    STATEMENT_LIST_PROTOCOL_VERSIONS,
    STATEMENT_LIST_STUDY_SITES,
    STATEMENT_CATALOGUE_VERSION,
    STATEMENT_SEAL_STATUS,
    STATEMENT_NOTE_EXPIRY,
    STATEMENT_LIST_STUDIES,
    STATEMENT_LIST_SITES,
    STATEMENT_LIST_PROTOCOLS,
    STATEMENT_LIST_FORMS,
    STATEMENT_LIST_SUBJECTS,
    STATEMENT_LIST_SUBMISSIONS,
    STATEMENT_FIND_SUBMISSION,
    STATEMENT_LIST_CUTS,
    STATEMENT_MAKE_CUT,
    STATEMENT_LIST_REPORTS,
    STATEMENT_REQUEST_REPORT,
    STATEMENT_LIST_FILES,
    STATEMENT_REQUEST_FILE,
    STATEMENT_READ_FILE,
    STATEMENT_LIST_NOTICES,
    STATEMENT_REQUEST_AUDIT,
    STATEMENT_READ_AUDIT,
    STATEMENT_REQUEST_REVIEW,
    STATEMENT_READ_REVIEW,
    STATEMENT_CONCLUDE_REVIEW,
    STATEMENT_LIST_REVIEWS,
    STATEMENT_REQUEST_EXPORT,
    STATEMENT_READ_EXPORT,
    STATEMENT_READ_EXPORT_QUERIES,
    STATEMENT_READ_EXPORT_SIGNATURES,
    STATEMENT_READ_EXPORT_VERIFICATIONS,
    STATEMENT_SUBMIT,
    STATEMENT_SUBMIT_ALL,
    STATEMENT_FIND_UPLOAD,
    STATEMENT_LIST_UPLOADS,
    STATEMENT_BEGIN_UPLOAD,
    STATEMENT_APPEND_UPLOAD,
    STATEMENT_END_UPLOAD,
    STATEMENT_DELETE_UPLOAD,
    STATEMENT_ADD_UPLOAD_PROFILE,
    STATEMENT_LIST_UPLOAD_PROFILES,
    STATEMENT_FIND_UPLOAD_PROFILE,
    STATEMENT_PURGE_UPLOADS,
    STATEMENT_TAKE_UPLOAD_SLOT,
    STATEMENT_LEAVE_UPLOAD_SLOT,
    STATEMENT_TAKE_UPLOAD,
    STATEMENT_PUT_UPLOAD_BACK,
    STATEMENT_READ_UPLOAD,
    STATEMENT_NOTE_UPLOAD,
    STATEMENT_HASH_UPLOAD,
    STATEMENT_ADD_UPLOAD_LINES,
    STATEMENT_LIST_UPLOAD_LINES,
    STATEMENT_END_UPLOAD_CHECK,
    STATEMENT_LOOK_UP_RECORDS,
    STATEMENT_ASK_UPLOAD_COMMIT,
    STATEMENT_FAIL_UPLOAD_COMMIT,
    STATEMENT_NUMBER_UPLOAD,
    STATEMENT_FINISH_UPLOAD,
    STATEMENT_ASK_UPLOAD_TAKE_BACK,
    STATEMENT_LIST_UPLOAD_VERSIONS,
    STATEMENT_FINISH_UPLOAD_TAKE_BACK,
    STATEMENT_FAIL_UPLOAD_TAKE_BACK,
    STATEMENT_LIST_DESK_SUBJECTS,
    STATEMENT_LIST_DESK_ENDINGS,
    STATEMENT_LIST_DESK_RECORDS,
    STATEMENT_LIST_DESK_MARKS,
    STATEMENT_LIST_DESK_ITEMS,
    STATEMENT_OFFLINE_KEY,
    STATEMENT_CALLS,             /* and one for each of enum store_call */
    STATEMENT_COUNT = STATEMENT_CALLS + CALL_COUNT
};

extern const struct db_statement store_statements[STATEMENT_COUNT];

/*
 * Executes a statement that only reads; when the connection turns out to be lost (PostgreSQL was restarted
 * since), it is opened again and the statement executed once more.
 */
struct db_result *store_query(const void *owner, struct store *store, enum store_statement statement,
                              const struct db_parameters *parameters, struct error *error) MUST_CHECK;

/* `count` parameters of which the first two are the reader's token and study. */
struct db_parameters *store_reader_parameters(const void *owner, const struct store_reader *reader,
                                              size_t count);

/* A value that lives with `owner`; NULL for SQL NULL. */
const char *store_copy(const void *owner, const struct db_result *result, size_t row, size_t column);

#endif
