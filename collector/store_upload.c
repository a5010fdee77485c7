/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_upload.h"

#include <stdio.h>
#include <string.h>

#include "collector/store_statements.h"
#include "collector/store_upload_values.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

/* ---- what all of them need ---- */

struct db_parameters *upload_parameters(const void *owner, const struct store_upload_at *at, size_t count,
                                        struct error *error)
{
    uint8_t uuid[16];
    if (!text_to_uuid(at->id, uuid)) {
        error_set(error, ERROR_NOT_FOUND, "no upload with this id at your sites");
        return NULL;
    }
    const struct store_reader reader = {.token = at->token, .study_id = at->study_id};
    struct db_parameters *parameters = store_reader_parameters(owner, &reader, count);
    db_set_text(parameters, 2, at->id);
    return parameters;
}

void upload_read_outcome(const struct db_result *result, size_t column, struct store_upload_outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    snprintf(outcome->code, sizeof outcome->code, "%s", db_text(result, 0, column));
}

/* Over a connection that may have been lost since; it is not sent a second time when the answer was lost. */
static struct db_result *tell(const void *owner, struct store *store, enum store_statement statement,
                              const struct db_parameters *parameters, struct error *error)
{
    if (parameters == NULL || !store_ensure(store, error))
        return NULL;
    return db_execute(owner, store->db, statement, parameters, error);
}

/* ---- the ledger ---- */

static int64_t int_or(const struct db_result *result, size_t row, size_t column, int64_t otherwise)
{
    return db_is_null(result, row, column) ? otherwise : db_int(result, row, column);
}

/* The order of the columns that find_upload and list_uploads give. */
enum upload_column {
    UPLOAD_ID,
    UPLOAD_SITE,
    UPLOAD_ACCOUNT,
    UPLOAD_NAME,
    UPLOAD_FORM,
    UPLOAD_PROFILE,
    UPLOAD_PROFILE_VERSION,
    UPLOAD_PROFILE_SITE,
    UPLOAD_METADATA,
    UPLOAD_SIZE,
    UPLOAD_RECEIVED,
    UPLOAD_SHA256,
    UPLOAD_STATE,
    UPLOAD_PROBLEM,
    UPLOAD_MODE,
    UPLOAD_REASON,
    UPLOAD_BEGUN_AT,
    UPLOAD_EXPIRES,
    UPLOAD_PHASE,
    UPLOAD_ROWS_DONE,
    UPLOAD_BYTES_DONE,
    UPLOAD_PHASE_BEGAN,
    UPLOAD_NOTED,
    UPLOAD_COUNTS,
    UPLOAD_DIGEST,
    UPLOAD_REASON_NEEDED,
    UPLOAD_PREVIEWED_AT,
    UPLOAD_PREVIEW_ENDS,
    UPLOAD_BATCH,
    UPLOAD_COMMITTED_BY,
    UPLOAD_COMMITTED_AT,
    UPLOAD_RECEIPT,
    UPLOAD_SAME_AS,
    UPLOAD_TAKEN_BACK_BY,
    UPLOAD_TAKEN_BACK_AT,
    UPLOAD_TAKEN_BACK_REASON,
    UPLOAD_FINDINGS,
    UPLOAD_DIALECT
};

static void read_texts(const void *owner, const struct db_result *result, size_t row, struct store_upload *upload)
{
    const struct {
        const char **text;
        enum upload_column column;
    } texts[] = {
        {&upload->id, UPLOAD_ID},
        {&upload->account, UPLOAD_ACCOUNT},
        {&upload->name, UPLOAD_NAME},
        {&upload->form, UPLOAD_FORM},
        {&upload->profile, UPLOAD_PROFILE},
        {&upload->metadata, UPLOAD_METADATA},
        {&upload->sha256, UPLOAD_SHA256},
        {&upload->state, UPLOAD_STATE},
        {&upload->problem, UPLOAD_PROBLEM},
        {&upload->mode, UPLOAD_MODE},
        {&upload->reason, UPLOAD_REASON},
        {&upload->begun_at, UPLOAD_BEGUN_AT},
        {&upload->phase, UPLOAD_PHASE},
        {&upload->counts, UPLOAD_COUNTS},
        {&upload->digest, UPLOAD_DIGEST},
        {&upload->previewed_at, UPLOAD_PREVIEWED_AT},
        {&upload->committed_by, UPLOAD_COMMITTED_BY},
        {&upload->committed_at, UPLOAD_COMMITTED_AT},
        {&upload->receipt, UPLOAD_RECEIPT},
        {&upload->same_as, UPLOAD_SAME_AS},
        {&upload->taken_back_by, UPLOAD_TAKEN_BACK_BY},
        {&upload->taken_back_at, UPLOAD_TAKEN_BACK_AT},
        {&upload->taken_back_reason, UPLOAD_TAKEN_BACK_REASON},
        {&upload->findings, UPLOAD_FINDINGS},
        {&upload->dialect, UPLOAD_DIALECT},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i].text = store_copy(owner, result, row, texts[i].column);
}

static void read_upload(const void *owner, const struct db_result *result, size_t row, struct store_upload *upload)
{
    *upload = (struct store_upload){
        .site = (int)db_int(result, row, UPLOAD_SITE),
        .profile_version = (int)db_int(result, row, UPLOAD_PROFILE_VERSION),
        .profile_site = (int)db_int(result, row, UPLOAD_PROFILE_SITE),
        .size = int_or(result, row, UPLOAD_SIZE, -1),
        .received = db_int(result, row, UPLOAD_RECEIVED),
        .expires_s = db_int(result, row, UPLOAD_EXPIRES),
        .rows_done = db_int(result, row, UPLOAD_ROWS_DONE),
        .bytes_done = db_int(result, row, UPLOAD_BYTES_DONE),
        .phase_began_s = db_int(result, row, UPLOAD_PHASE_BEGAN),
        .noted_s = db_int(result, row, UPLOAD_NOTED),
        .reason_needed = db_bool(result, row, UPLOAD_REASON_NEEDED),
        .preview_ends_s = db_int(result, row, UPLOAD_PREVIEW_ENDS),
        .batch = (int)db_int(result, row, UPLOAD_BATCH),
    };
    read_texts(owner, result, row, upload);
}

struct store_upload *store_find_upload(const void *owner, struct store *store, const struct store_upload_at *at,
                                       struct error *error)
{
    struct store_upload *upload = memory_new(owner, struct store_upload);
    struct db_parameters *parameters = upload_parameters(upload, at, 3, error);
    struct db_result *result =
        parameters != NULL ? store_query(upload, store, STATEMENT_FIND_UPLOAD, parameters, error) : NULL;
    if (result == NULL) {
        talloc_free(upload);
        return NULL;
    }
    read_upload(upload, result, 0, upload);
    talloc_free(result);
    return upload;
}

struct store_uploads *store_list_uploads(const void *owner, struct store *store, const struct store_reader *reader,
                                         const struct store_upload_filter *filter, struct error *error)
{
    struct store_uploads *uploads = memory_new(owner, struct store_uploads);
    struct db_parameters *parameters = store_reader_parameters(uploads, reader, 6);
    if (filter->site != 0)
        db_set_int(parameters, 2, filter->site);
    db_set_text(parameters, 3, filter->state);
    db_set_text(parameters, 4, filter->after);
    db_set_int(parameters, 5, filter->most);
    struct db_result *result = store_query(uploads, store, STATEMENT_LIST_UPLOADS, parameters, error);
    if (result == NULL) {
        talloc_free(uploads);
        return NULL;
    }
    uploads->count = db_rows(result);
    uploads->rows = memory_new_array(uploads, struct store_upload, uploads->count);
    for (size_t row = 0; row < uploads->count; row++)
        read_upload(uploads, result, row, &uploads->rows[row]);
    talloc_free(result);
    return uploads;
}

/* ---- receiving ---- */

bool store_begin_upload(struct store *store, const struct store_reader *reader,
                        const struct store_new_upload *upload, struct store_upload_begun *begun, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(NULL, reader, 12);
    if (upload->site != 0)
        db_set_int(parameters, 2, upload->site);
    db_set_text(parameters, 3, upload->name);
    db_set_text(parameters, 4, upload->form);
    db_set_text(parameters, 5, upload->profile);
    db_set_int(parameters, 6, upload->profile_version);
    if (upload->size >= 0)
        db_set_int(parameters, 7, upload->size);
    db_set_text(parameters, 8, upload->mode);
    db_set_text(parameters, 9, upload->reason);
    db_set_text(parameters, 10, upload->metadata);
    db_set_int(parameters, 11, upload->hours);
    struct db_result *result = tell(parameters, store, STATEMENT_BEGIN_UPLOAD, parameters, error);
    if (result != NULL) {
        upload_read_outcome(result, 0, &begun->outcome);
        snprintf(begun->outcome.id, sizeof begun->outcome.id, "%s", db_text(result, 0, 1));
        begun->site = (int)db_int(result, 0, 2);
        begun->expires_s = db_int(result, 0, 3);
    }
    talloc_free(parameters);
    return result != NULL;
}

bool store_append_upload(struct store *store, const struct store_upload_at *at,
                         const struct store_upload_piece *piece, struct store_upload_offset *now,
                         struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 5, error);
    if (parameters == NULL)
        return false;
    db_set_int(parameters, 3, piece->offset);
    db_set_bytes(parameters, 4, piece->bytes, piece->length);
    struct db_result *result = tell(parameters, store, STATEMENT_APPEND_UPLOAD, parameters, error);
    if (result != NULL) {
        upload_read_outcome(result, 0, &now->outcome);
        now->offset = db_int(result, 0, 1);
        now->expires_s = db_int(result, 0, 2);
    }
    talloc_free(parameters);
    return result != NULL;
}

bool store_end_upload(struct store *store, const struct store_upload_at *at, int64_t size, const char *sha256,
                      struct store_upload_outcome *outcome, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 5, error);
    if (parameters == NULL)
        return false;
    db_set_int(parameters, 3, size);
    db_set_text(parameters, 4, sha256);
    struct db_result *result = tell(parameters, store, STATEMENT_END_UPLOAD, parameters, error);
    if (result != NULL) {
        upload_read_outcome(result, 0, outcome);
        snprintf(outcome->id, sizeof outcome->id, "%s", db_text(result, 0, 1));
    }
    talloc_free(parameters);
    return result != NULL;
}

bool store_delete_upload(struct store *store, const struct store_upload_at *at,
                         struct store_upload_outcome *outcome, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 3, error);
    if (parameters == NULL)
        return false;
    struct db_result *result = tell(parameters, store, STATEMENT_DELETE_UPLOAD, parameters, error);
    if (result != NULL)
        upload_read_outcome(result, 0, outcome);
    talloc_free(parameters);
    return result != NULL;
}

/* ---- profiles ---- */

static void read_profile(const void *owner, const struct db_result *result, size_t row,
                         struct store_upload_profile *profile)
{
    *profile = (struct store_upload_profile){
        .site = (int)db_int(result, row, 0),
        .name = store_copy(owner, result, row, 1),
        .version = (int)db_int(result, row, 2),
        .yaml = store_copy(owner, result, row, 3),
        .sha256 = store_copy(owner, result, row, 4),
        .added_by = store_copy(owner, result, row, 5),
        .added_at = store_copy(owner, result, row, 6),
    };
}

static struct store_upload_profile *new_profile(const void *owner, struct db_result *result)
{
    if (result == NULL)
        return NULL;
    struct store_upload_profile *profile = memory_new(owner, struct store_upload_profile);
    read_profile(profile, result, 0, profile);
    return profile;
}

/* What the constraints of upload.profile say, for people. */
static void explain_profile(struct error *error)
{
    if (strcmp(error->constraint, "profile_name_check") == 0)
        error_set(error, ERROR_INPUT, "the name of a profile has 1 to 63 letters, digits, '.', '_' and '-', and begins "
                                      "with a letter or a digit");
    else if (strcmp(error->constraint, "profile_yaml_check") == 0)
        error_set(error, ERROR_INPUT, "a profile has 1 byte to 1 MiB");
}

struct store_upload_profile *store_add_upload_profile(const void *owner, struct store *store,
                                                      const struct store_reader *reader,
                                                      const struct store_upload_profile *added, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(NULL, reader, 5);
    db_set_int(parameters, 2, added->site);
    db_set_text(parameters, 3, added->name);
    db_set_text(parameters, 4, added->yaml);
    struct db_result *result = tell(parameters, store, STATEMENT_ADD_UPLOAD_PROFILE, parameters, error);
    struct store_upload_profile *profile = new_profile(owner, result);
    if (profile == NULL)
        explain_profile(error);
    talloc_free(parameters);
    return profile;
}

struct store_upload_profiles *store_list_upload_profiles(const void *owner, struct store *store,
                                                         const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(NULL, reader, 2);
    struct db_result *result = store_query(parameters, store, STATEMENT_LIST_UPLOAD_PROFILES, parameters, error);
    struct store_upload_profiles *profiles = NULL;
    if (result != NULL) {
        profiles = memory_new(owner, struct store_upload_profiles);
        profiles->count = db_rows(result);
        profiles->rows = memory_new_array(profiles, struct store_upload_profile, profiles->count);
        for (size_t row = 0; row < profiles->count; row++) {
            read_profile(profiles, result, row, &profiles->rows[row]);
            profiles->rows[row].yaml = NULL;
        }
    }
    talloc_free(parameters);
    return profiles;
}

struct store_upload_profile *store_find_upload_profile(const void *owner, struct store *store,
                                                       const struct store_reader *reader,
                                                       const struct store_upload_profile *wanted, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(NULL, reader, 5);
    db_set_int(parameters, 2, wanted->site);
    db_set_text(parameters, 3, wanted->name);
    db_set_int(parameters, 4, wanted->version);
    struct db_result *result = store_query(parameters, store, STATEMENT_FIND_UPLOAD_PROFILE, parameters, error);
    struct store_upload_profile *profile = new_profile(owner, result);
    talloc_free(parameters);
    return profile;
}

/* ---- keeping house ---- */

bool store_purge_uploads(struct store *store, bool *more, struct error *error)
{
    struct db_parameters *none = db_parameters_new(NULL, 0);
    struct db_result *result = tell(none, store, STATEMENT_PURGE_UPLOADS, none, error);
    *more = result != NULL && db_bool(result, 0, 0);
    talloc_free(none);
    return result != NULL;
}
