/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store.h"

#include <string.h>

#include "collector/store_statements.h"
#include "forms/base/memory.h"

/* Columns of STATEMENT_LIST_SUBMISSIONS and STATEMENT_FIND_SUBMISSION. */
enum record_column {
    RECORD_ID,
    RECORD_SITE,
    RECORD_SUBJECT,
    RECORD_KNEE,
    RECORD_FORM,
    RECORD_VISIT,
    RECORD_INSTANCE,
    RECORD_VERSION,
    RECORD_STATUS,
    RECORD_FORM_VERSION,
    RECORD_PROTOCOL_VERSION,
    RECORD_DATED,
    RECORD_CONTENT,
    RECORD_SHA256,
    RECORD_PREV_SHA256,
    RECORD_SCORES,
    RECORD_REASON,
    RECORD_DOOR,
    RECORD_RECORDED_BY,
    RECORD_RECORDED_AT
};

static void read_record(const void *owner, const struct db_result *result, size_t row,
                        struct store_record *record)
{
    *record = (struct store_record){
        .id = store_copy(owner, result, row, RECORD_ID),
        .site = (int)db_int(result, row, RECORD_SITE),
        .subject = (int)db_int(result, row, RECORD_SUBJECT),
        .knee = store_copy(owner, result, row, RECORD_KNEE),
        .form = store_copy(owner, result, row, RECORD_FORM),
        .visit = store_copy(owner, result, row, RECORD_VISIT),
        .instance = (int)db_int(result, row, RECORD_INSTANCE),
        .version = (int)db_int(result, row, RECORD_VERSION),
        .status = store_copy(owner, result, row, RECORD_STATUS),
        .form_version = (int)db_int(result, row, RECORD_FORM_VERSION),
        .protocol_version = (int)db_int(result, row, RECORD_PROTOCOL_VERSION),
        .dated = store_copy(owner, result, row, RECORD_DATED),
        .content = store_copy(owner, result, row, RECORD_CONTENT),
        .sha256 = store_copy(owner, result, row, RECORD_SHA256),
        .prev_sha256 = store_copy(owner, result, row, RECORD_PREV_SHA256),
        .reason = store_copy(owner, result, row, RECORD_REASON),
        .door = store_copy(owner, result, row, RECORD_DOOR),
        .recorded_by = store_copy(owner, result, row, RECORD_RECORDED_BY),
        .recorded_at = store_copy(owner, result, row, RECORD_RECORDED_AT),
    };
    record->scores = db_doubles(owner, result, row, RECORD_SCORES, &record->score_count);
}

static void set_int_or_null(struct db_parameters *parameters, size_t at, int value)
{
    if (value != 0)
        db_set_int(parameters, at, value);
}

/* So many rows at a time, so that one answer of PostgreSQL stays small, whatever the records hold. */
enum { ROWS_AT_ONCE = 100 };

static struct db_result *query_records(const void *owner, struct store *store,
                                       const struct store_reader *reader, const struct store_filter *filter,
                                       struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 11);
    set_int_or_null(parameters, 2, filter->site);
    set_int_or_null(parameters, 3, filter->subject);
    db_set_text(parameters, 4, filter->form);
    db_set_text(parameters, 5, filter->visit);
    set_int_or_null(parameters, 6, filter->cut);
    db_set_text(parameters, 7, filter->all_versions ? "true" : "false");
    set_int_or_null(parameters, 8, filter->after != NULL ? filter->after_site : 0);
    db_set_text(parameters, 9, filter->after);
    db_set_int(parameters, 10, filter->most);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_SUBMISSIONS, parameters, error);
    talloc_free(parameters);
    return result;
}

/* Takes rows over until the page has enough bytes; false when it has. */
static bool add_records(struct store_records *records, const struct db_result *result, size_t *bytes)
{
    for (size_t row = 0; row < db_rows(result); row++) {
        if (*bytes >= STORE_PAGE_BYTES)
            return false;
        struct store_record *record = &records->rows[records->count++];
        read_record(records, result, row, record);
        *bytes += strlen(record->content);
    }
    return true;
}

struct store_records *store_list_records(const void *owner, struct store *store,
                                         const struct store_reader *reader, const struct store_filter *filter,
                                         struct error *error)
{
    struct store_records *records = memory_new(owner, struct store_records);
    struct store_filter next = *filter;
    size_t bytes = 0, most = (size_t)filter->most;
    for (records->more = true; records->more && records->count < most;) {
        size_t wanted = most - records->count < ROWS_AT_ONCE ? most - records->count : ROWS_AT_ONCE;
        next.most = (int)wanted;
        struct db_result *result = query_records(owner, store, reader, &next, error);
        if (result == NULL)
            return NULL;
        records->rows = memory_resize_array(records, records->rows, struct store_record,
                                            records->count + db_rows(result));
        bool fits = add_records(records, result, &bytes);
        records->more = !fits || db_rows(result) == wanted;
        talloc_free(result);
        if (!fits || records->count == 0)
            break;
        next.after_site = records->rows[records->count - 1].site;
        next.after = records->rows[records->count - 1].id;
    }
    return records;
}

struct store_record *store_find_record(const void *owner, struct store *store,
                                       const struct store_reader *reader, const char *id, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 3);
    db_set_text(parameters, 2, id);
    struct db_result *result = store_query(owner, store, STATEMENT_FIND_SUBMISSION, parameters, error);
    if (result == NULL)
        return NULL;
    if (db_rows(result) == 0) {
        error_set(error, ERROR_NOT_FOUND, "no submission with this id at your sites");
        return NULL;
    }
    struct store_record *record = memory_new(owner, struct store_record);
    read_record(owner, result, 0, record);
    return record;
}

struct store_subjects *store_list_subjects(const void *owner, struct store *store,
                                           const struct store_reader *reader,
                                           const struct store_subject_page *page, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 5);
    db_set_int(parameters, 2, page->after_site);
    db_set_int(parameters, 3, page->after_subject);
    db_set_int(parameters, 4, page->most);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_SUBJECTS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_subjects *subjects = memory_new(owner, struct store_subjects);
    subjects->count = db_rows(result);
    subjects->rows = memory_new_array(subjects, struct store_subject, subjects->count);
    for (size_t row = 0; row < subjects->count; row++)
        subjects->rows[row] = (struct store_subject){
            .site = (int)db_int(result, row, 0),
            .subject = (int)db_int(result, row, 1),
            .index_knee = store_copy(subjects, result, row, 2),
            .enrolled_on = store_copy(subjects, result, row, 3),
            .locked = db_bool(result, row, 4),
            .records = db_int(result, row, 5),
        };
    talloc_free(result);
    return subjects;
}

const char *store_request_export(const void *owner, struct store *store, const struct store_reader *reader, int cut,
                                 struct error *error)
{
    if (!store_ensure(store, error))
        return NULL;
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 3);
    db_set_int(parameters, 2, cut);
    struct db_result *result = db_execute(owner, store->db, STATEMENT_REQUEST_EXPORT, parameters, error);
    return result != NULL ? db_text(result, 0, 0) : NULL;
}

struct store_records *store_read_export(const void *owner, struct store *store, const struct store_reader *reader,
                                        const struct store_export_page *page, struct error *error)
{
    const struct store_record *after = page->after;
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 12);
    db_set_text(parameters, 2, page->request);
    db_set_text(parameters, 3, page->form);
    if (after != NULL) {
        db_set_int(parameters, 4, after->site);
        db_set_int(parameters, 5, after->subject);
        db_set_text(parameters, 6, after->form);
        db_set_text(parameters, 7, after->knee);
        db_set_text(parameters, 8, after->visit);
        db_set_int(parameters, 9, after->instance);
        db_set_int(parameters, 10, after->version);
    }
    db_set_int(parameters, 11, page->most);
    struct db_result *result = store_query(owner, store, STATEMENT_READ_EXPORT, parameters, error);
    talloc_free(parameters);
    if (result == NULL)
        return NULL;
    struct store_records *records = memory_new(owner, struct store_records);
    records->count = db_rows(result);
    records->rows = memory_new_array(records, struct store_record, records->count);
    for (size_t row = 0; row < records->count; row++)
        read_record(records, result, row, &records->rows[row]);
    records->more = records->count == (size_t)page->most;
    talloc_free(result);
    return records;
}
