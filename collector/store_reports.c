/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store.h"

#include "collector/store_statements.h"
#include "forms/base/memory.h"

struct store_cuts *store_list_cuts(const void *owner, struct store *store, const struct store_reader *reader,
                                     struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_CUTS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_cuts *cuts = memory_new(owner, struct store_cuts);
    cuts->count = db_rows(result);
    cuts->rows = memory_new_array(cuts, struct store_cut, cuts->count);
    for (size_t row = 0; row < cuts->count; row++)
        cuts->rows[row] = (struct store_cut){
            .cut = (int)db_int(result, row, 0),
            .label = store_copy(cuts, result, row, 1),
            .protocol_version = (int)db_int(result, row, 2),
            .made_by = store_copy(cuts, result, row, 3),
            .made_at = store_copy(cuts, result, row, 4),
        };
    talloc_free(result);
    return cuts;
}

/* Not store_query: what writes is not sent a second time when the answer was lost. */
bool store_make_cut(struct store *store, const struct store_reader *reader, const char *label, int *cut,
                    struct error *error)
{
    if (!store_ensure(store, error))
        return false;
    struct db_parameters *parameters = store_reader_parameters(store, reader, 3);
    db_set_text(parameters, 2, label);
    struct db_result *result = db_execute(parameters, store->db, STATEMENT_MAKE_CUT, parameters, error);
    if (result != NULL)
        *cut = (int)db_int(result, 0, 0);
    talloc_free(parameters);
    return result != NULL;
}

struct store_reports *store_list_reports(const void *owner, struct store *store,
                                         const struct store_reader *reader, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 2);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_REPORTS, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_reports *reports = memory_new(owner, struct store_reports);
    reports->count = db_rows(result);
    reports->rows = memory_new_array(reports, struct store_report, reports->count);
    for (size_t row = 0; row < reports->count; row++)
        reports->rows[row] = (struct store_report){
            .id = store_copy(reports, result, row, 0),
            .cut = (int)db_int(result, row, 1),
            .cut_label = store_copy(reports, result, row, 2),
            .state = store_copy(reports, result, row, 3),
            .requested_by = store_copy(reports, result, row, 4),
            .requested_at = store_copy(reports, result, row, 5),
            .started_at = store_copy(reports, result, row, 6),
            .finished_at = store_copy(reports, result, row, 7),
            .message = store_copy(reports, result, row, 8),
            .sha256 = store_copy(reports, result, row, 9),
            .unblinding = store_copy(reports, result, row, 10),
        };
    talloc_free(result);
    return reports;
}

const char *store_request_report(const void *owner, struct store *store, const struct store_reader *reader,
                                 int cut, const char *unblinding, struct error *error)
{
    if (!store_ensure(store, error))
        return NULL;
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 4);
    db_set_int(parameters, 2, cut);
    db_set_text(parameters, 3, unblinding);
    struct db_result *result = db_execute(owner, store->db, STATEMENT_REQUEST_REPORT, parameters, error);
    return result != NULL ? db_text(result, 0, 0) : NULL;
}

struct store_files *store_list_files(const void *owner, struct store *store,
                                     const struct store_reader *reader, const char *report,
                                     struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 3);
    db_set_text(parameters, 2, report);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_FILES, parameters, error);
    if (result == NULL)
        return NULL;
    struct store_files *files = memory_new(owner, struct store_files);
    files->count = db_rows(result);
    files->rows = memory_new_array(files, struct store_file, files->count);
    for (size_t row = 0; row < files->count; row++)
        files->rows[row] = (struct store_file){
            .name = store_copy(files, result, row, 0),
            .media_type = store_copy(files, result, row, 1),
            .size = db_int(result, row, 2),
            .sha256 = store_copy(files, result, row, 3),
        };
    talloc_free(result);
    return files;
}

/* That somebody asks for the file is on record before it leaves the database. */
static const char *request_file(const void *owner, struct store *store, const struct store_reader *reader,
                                const char *report, const char *name, struct error *error)
{
    if (!store_ensure(store, error))
        return NULL;
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 4);
    db_set_text(parameters, 2, report);
    db_set_text(parameters, 3, name);
    struct db_result *result = db_execute(owner, store->db, STATEMENT_REQUEST_FILE, parameters, error);
    return result != NULL ? db_text(result, 0, 0) : NULL;
}

struct store_file_content *store_read_file(const void *owner, struct store *store,
                                           const struct store_reader *reader, const char *report,
                                           const char *name, struct error *error)
{
    const char *request = request_file(owner, store, reader, report, name, error);
    if (request == NULL)
        return NULL;
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 3);
    db_set_text(parameters, 2, request);
    struct db_result *result = store_query(owner, store, STATEMENT_READ_FILE, parameters, error);
    if (result == NULL)
        return NULL;
    if (db_rows(result) == 0) {
        error_set(error, ERROR_NOT_FOUND, "the report has no file of this name");
        return NULL;
    }
    struct store_file_content *content = memory_new(owner, struct store_file_content);
    content->media_type = store_copy(owner, result, 0, 0);
    content->bytes = db_bytes(owner, result, 0, 1, &content->length);
    content->sha256 = store_copy(owner, result, 0, 2);
    talloc_free(result);   /* the file a second time, in hexadecimal */
    return content;
}
