/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * No function here opens a lost connection again: with it the upload that was taken is lost, and a transaction that
 * was begun.
 */
#include <stdio.h>
#include <string.h>

#include "collector/store_statements.h"
#include "collector/store_upload_values.h"
#include "forms/base/memory.h"

/* The statement's first value, when it has one, is a code. */
static bool act(struct store *store, enum store_statement statement, struct db_parameters *parameters,
                struct store_upload_outcome *outcome, struct error *error)
{
    if (parameters == NULL)
        return false;
    struct db_result *result = db_execute(parameters, store->db, statement, parameters, error);
    if (result != NULL && outcome != NULL)
        upload_read_outcome(result, 0, outcome);
    talloc_free(parameters);
    return result != NULL;
}

/* ---- slots ---- */

bool store_take_slot(struct store *store, bool *taken, struct error *error)
{
    struct db_result *result = db_execute(NULL, store->db, STATEMENT_TAKE_UPLOAD_SLOT, NULL, error);
    *taken = result != NULL && db_bool(result, 0, 0);
    bool done = result != NULL;
    talloc_free(result);
    return done;
}

bool store_leave_slot(struct store *store, struct error *error)
{
    return db_run(store->db, STATEMENT_LEAVE_UPLOAD_SLOT, NULL, error);
}

bool store_take_upload(struct store *store, const struct store_upload_at *at, struct store_upload_outcome *outcome,
                       struct error *error)
{
    return act(store, STATEMENT_TAKE_UPLOAD, upload_parameters(NULL, at, 3, error), outcome, error);
}

bool store_put_upload_back(struct store *store, const struct store_upload_at *at, struct error *error)
{
    return act(store, STATEMENT_PUT_UPLOAD_BACK, upload_parameters(NULL, at, 3, error), NULL, error);
}

/* ---- reading ---- */

struct store_upload_bytes *store_read_upload(const void *owner, struct store *store,
                                             const struct store_upload_at *at, int64_t offset, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 4, error);
    if (parameters == NULL)
        return NULL;
    db_set_int(parameters, 3, offset);
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_READ_UPLOAD, parameters, error);
    struct store_upload_bytes *bytes = NULL;
    if (result != NULL) {
        bytes = memory_new(owner, struct store_upload_bytes);
        if (!db_is_null(result, 0, 0))
            bytes->bytes = db_bytes(bytes, result, 0, 0, &bytes->length);
    }
    talloc_free(parameters);
    return bytes;
}

bool store_note_upload(struct store *store, const struct store_upload_at *at,
                       const struct store_upload_progress *progress, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 6, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, progress->phase);
    db_set_int(parameters, 4, progress->rows);
    db_set_int(parameters, 5, progress->bytes);
    return act(store, STATEMENT_NOTE_UPLOAD, parameters, NULL, error);
}

bool store_hash_upload(struct store *store, const struct store_upload_at *at, const char *sha256,
                       struct store_upload_outcome *outcome, struct error *error)
{
    memset(outcome, 0, sizeof *outcome);
    struct db_parameters *parameters = upload_parameters(NULL, at, 4, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, sha256);
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_HASH_UPLOAD, parameters, error);
    if (result != NULL)
        snprintf(outcome->id, sizeof outcome->id, "%s", db_text(result, 0, 0));
    talloc_free(parameters);
    return result != NULL;
}

/* ---- lines ---- */

bool store_add_upload_rows(struct store *store, const struct store_upload_at *at,
                           const struct store_upload_rows *rows, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 9, error);
    if (parameters == NULL)
        return false;
    size_t count = rows->count;
    int32_t *lines = memory_new_array(parameters, int32_t, count);
    int32_t *warned = memory_new_array(parameters, int32_t, count);
    const char **verdicts = memory_new_array(parameters, const char *, count);
    const char **records = memory_new_array(parameters, const char *, count);
    const char **details = memory_new_array(parameters, const char *, count);
    const char **cells = memory_new_array(parameters, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const struct store_upload_row *row = &rows->rows[i];
        lines[i] = row->line;
        verdicts[i] = row->verdict;
        warned[i] = row->warned;
        records[i] = row->record;
        details[i] = row->detail;
        cells[i] = row->cells;
    }
    db_set_int_array(parameters, 3, lines, count);
    db_set_text_array(parameters, 4, verdicts, count);
    db_set_int_array(parameters, 5, warned, count);
    db_set_text_array(parameters, 6, records, count);
    db_set_text_array(parameters, 7, details, count);
    db_set_text_array(parameters, 8, cells, count);
    return act(store, STATEMENT_ADD_UPLOAD_LINES, parameters, NULL, error);
}

struct store_upload_rows *store_list_upload_rows(const void *owner, struct store *store,
                                                 const struct store_upload_at *at,
                                                 const struct store_upload_row_filter *filter, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 6, error);
    if (parameters == NULL)
        return NULL;
    db_set_text(parameters, 3, filter->verdict);
    db_set_int(parameters, 4, filter->after);
    db_set_int(parameters, 5, filter->most);
    struct db_result *result = store_query(parameters, store, STATEMENT_LIST_UPLOAD_LINES, parameters, error);
    struct store_upload_rows *rows = NULL;
    if (result != NULL) {
        rows = memory_new(owner, struct store_upload_rows);
        rows->count = db_rows(result);
        rows->rows = memory_new_array(rows, struct store_upload_row, rows->count);
        for (size_t row = 0; row < rows->count; row++)
            rows->rows[row] = (struct store_upload_row){
                .line = (int)db_int(result, row, 0),
                .verdict = store_copy(rows, result, row, 1),
                .warned = db_bool(result, row, 2),
                .record = store_copy(rows, result, row, 3),
                .detail = store_copy(rows, result, row, 4),
                .cells = store_copy(rows, result, row, 5),
            };
    }
    talloc_free(parameters);
    return rows;
}

bool store_end_check(struct store *store, const struct store_upload_at *at, const struct store_upload_check *check,
                     int64_t *preview_ends_s, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 11, error);
    if (parameters == NULL)
        return false;
    const char *const texts[] = {check->state,   check->problem, check->counts,       check->findings,
                                 check->dialect, check->digest,  check->token_sha256};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        db_set_text(parameters, 3 + i, texts[i]);
    db_set_text(parameters, 10, check->reason_needed ? "true" : "false");
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_END_UPLOAD_CHECK, parameters, error);
    if (result != NULL)
        *preview_ends_s = db_int(result, 0, 0);
    talloc_free(parameters);
    return result != NULL;
}

/* ---- what is stored ---- */

static void set_keys(struct db_parameters *parameters, const struct store_upload_keys *keys)
{
    size_t count = keys->count;
    int32_t *sites = memory_new_array(parameters, int32_t, count);
    int32_t *subjects = memory_new_array(parameters, int32_t, count);
    int32_t *instances = memory_new_array(parameters, int32_t, count);
    const char **knees = memory_new_array(parameters, const char *, count);
    const char **forms = memory_new_array(parameters, const char *, count);
    const char **visits = memory_new_array(parameters, const char *, count);
    for (size_t i = 0; i < count; i++) {
        sites[i] = keys->keys[i].site;
        subjects[i] = keys->keys[i].subject;
        knees[i] = keys->keys[i].knee;
        forms[i] = keys->keys[i].form;
        visits[i] = keys->keys[i].visit;
        instances[i] = keys->keys[i].instance;
    }
    db_set_int_array(parameters, 2, sites, count);
    db_set_int_array(parameters, 3, subjects, count);
    db_set_text_array(parameters, 4, knees, count);
    db_set_text_array(parameters, 5, forms, count);
    db_set_text_array(parameters, 6, visits, count);
    db_set_int_array(parameters, 7, instances, count);
    db_set_text(parameters, 8, keys->treatment);
}

struct store_upload_found *store_look_up(const void *owner, struct store *store, const struct store_reader *reader,
                                         const struct store_upload_keys *keys, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(NULL, reader, 9);
    set_keys(parameters, keys);
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_LOOK_UP_RECORDS, parameters, error);
    struct store_upload_found *found = NULL;
    if (result != NULL && db_rows(result) != keys->count)
        error_set(error, ERROR_INTERNAL, "look_up_records gave %zu rows for %zu keys", db_rows(result), keys->count);
    else if (result != NULL)
        found = memory_new_array(owner, struct store_upload_found, keys->count);
    for (size_t row = 0; found != NULL && row < keys->count; row++)
        found[row] = (struct store_upload_found){
            .subject_known = db_bool(result, row, 0),
            .subject_locked = db_bool(result, row, 1),
            .record_locked = db_bool(result, row, 2),
            .record_signed = db_bool(result, row, 3),
            .study_frozen = db_bool(result, row, 4),
            .version = (int)db_int(result, row, 5),
            .is_void = db_bool(result, row, 6),
            .taken_back = db_bool(result, row, 7),
            .form_version = (int)db_int(result, row, 8),
            .dated = store_copy(found, result, row, 9),
            .content = store_copy(found, result, row, 10),
            .treated_on = store_copy(found, result, row, 11),
            .index_knee = store_copy(found, result, row, 12),
        };
    talloc_free(parameters);
    return found;
}

/* ---- committing ---- */

bool store_begin(struct store *store, struct error *error)
{
    return db_begin(store->db, DB_READ_COMMITTED, error);
}

bool store_ask_commit(struct store *store, const struct store_upload_at *at,
                      const struct store_upload_commit *commit, struct store_upload_outcome *outcome,
                      struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 6, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, commit->token_sha256);
    db_set_text(parameters, 4, commit->mode);
    db_set_text(parameters, 5, commit->reason);
    return act(store, STATEMENT_ASK_UPLOAD_COMMIT, parameters, outcome, error);
}

bool store_fail_commit(struct store *store, const struct store_upload_at *at, const char *state, const char *problem,
                       struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 5, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, state);
    db_set_text(parameters, 4, problem);
    return act(store, STATEMENT_FAIL_UPLOAD_COMMIT, parameters, NULL, error);
}

struct store_upload_batch *store_number_upload(const void *owner, struct store *store,
                                               const struct store_upload_at *at, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 3, error);
    if (parameters == NULL)
        return NULL;
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_NUMBER_UPLOAD, parameters, error);
    struct store_upload_batch *batch = NULL;
    if (result != NULL) {
        batch = memory_new(owner, struct store_upload_batch);
        batch->batch = (int)db_int(result, 0, 0);
        batch->committed_at = store_copy(batch, result, 0, 1);
        batch->committed_by = store_copy(batch, result, 0, 2);
    }
    talloc_free(parameters);
    return batch;
}

bool store_finish_upload(struct store *store, const struct store_upload_at *at,
                         const struct store_upload_receipt *receipt, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 7, error);
    if (parameters == NULL)
        return false;
    db_set_int(parameters, 3, receipt->batch->batch);
    db_set_text(parameters, 4, receipt->batch->committed_at);
    db_set_text(parameters, 5, receipt->counts);
    db_set_text(parameters, 6, receipt->receipt);
    return act(store, STATEMENT_FINISH_UPLOAD, parameters, NULL, error);
}

/* ---- taking back ---- */

bool store_ask_take_back(struct store *store, const struct store_upload_at *at, const char *reason,
                         struct store_upload_outcome *outcome, struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 4, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, reason);
    return act(store, STATEMENT_ASK_UPLOAD_TAKE_BACK, parameters, outcome, error);
}

static struct store_upload_content read_content(const void *owner, const struct db_result *result, size_t row,
                                                size_t column)
{
    return (struct store_upload_content){
        .content = store_copy(owner, result, row, column),
        .status = store_copy(owner, result, row, column + 1),
        .dated = store_copy(owner, result, row, column + 2),
        .form_version = (int)db_int(result, row, column + 3),
        .protocol_version = (int)db_int(result, row, column + 4),
    };
}

static void read_version(const void *owner, const struct db_result *result, size_t row,
                         struct store_upload_version *version)
{
    *version = (struct store_upload_version){
        .place = db_int(result, row, 0),
        .id = store_copy(owner, result, row, 1),
        .key =
            {
                .site = (int)db_int(result, row, 2),
                .subject = (int)db_int(result, row, 3),
                .knee = store_copy(owner, result, row, 4),
                .form = store_copy(owner, result, row, 5),
                .visit = store_copy(owner, result, row, 6),
                .instance = (int)db_int(result, row, 7),
            },
        .version = (int)db_int(result, row, 8),
        .newest = (int)db_int(result, row, 9),
        .redacted = db_bool(result, row, 10),
        .now = read_content(owner, result, row, 11),
        .before = read_content(owner, result, row, 16),
    };
}

struct store_upload_versions *store_list_upload_versions(const void *owner, struct store *store,
                                                         const struct store_upload_at *at, int64_t after, int most,
                                                         struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 5, error);
    if (parameters == NULL)
        return NULL;
    db_set_int(parameters, 3, after);
    db_set_int(parameters, 4, most);
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_LIST_UPLOAD_VERSIONS, parameters, error);
    struct store_upload_versions *versions = NULL;
    if (result != NULL) {
        versions = memory_new(owner, struct store_upload_versions);
        versions->count = db_rows(result);
        versions->rows = memory_new_array(versions, struct store_upload_version, versions->count);
        for (size_t row = 0; row < versions->count; row++)
            read_version(versions, result, row, &versions->rows[row]);
    }
    talloc_free(parameters);
    return versions;
}

bool store_finish_take_back(struct store *store, const struct store_upload_at *at, struct error *error)
{
    return act(store, STATEMENT_FINISH_UPLOAD_TAKE_BACK, upload_parameters(NULL, at, 3, error), NULL, error);
}

bool store_fail_take_back(struct store *store, const struct store_upload_at *at, const char *problem,
                          struct error *error)
{
    struct db_parameters *parameters = upload_parameters(NULL, at, 4, error);
    if (parameters == NULL)
        return false;
    db_set_text(parameters, 3, problem);
    return act(store, STATEMENT_FAIL_UPLOAD_TAKE_BACK, parameters, NULL, error);
}
