/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a ZIP of CSV files, one page of records after the other.  A cut is the same for ever, so that
 * the pages of many transactions fit together.
 */
#include "collector/handlers.h"

#include <string.h>
#include <time.h>

#include "collector/export_columns.h"
#include "collector/export_zip.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/codebook.h"
#include "forms/csv_cell.h"

enum { PAGE_RECORDS = 200, CUT_MOST = 2000000000 };

/* Files in their order; FILE_FORM is there once for each form. */
enum export_file { FILE_README, FILE_CODEBOOK, FILE_FORM, FILE_VERSIONS, FILE_END };

struct export {
    struct store_reader reader;
    const struct catalogue_study *study;
    const char *account;
    const struct store_cut *cut;
    const char *request;
    bool masked;
    struct export_zip *zip;
    enum export_file file;
    const char **forms;                  /* ids, in the order of the alphabet */
    size_t form_count, form;             /* the one that is written */
    struct export_columns *columns;      /* of that form */
    bool begun;                          /* the file has */
    struct store_records *page;          /* the last one: behind its last record it goes on */
};

static void list_forms(struct export *export)
{
    const struct catalogue *catalogue = &export->study->catalogue;
    export->forms = memory_new_array(export, const char *, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const char *id = catalogue->forms[i]->id;
        if (export->form_count == 0 || strcmp(export->forms[export->form_count - 1], id) != 0)
            export->forms[export->form_count++] = id;
    }
}

/* ---- files that are written in one go ---- */

static void append_left_out(const struct export *export, struct text *out)
{
    if (!export->masked)
        return;
    text_append(out,
                "\r\nThe study is masked.  Items that may name the arm and texts in somebody's own words are left\r\n"
                     "out, and so are the reasons for changes:\r\n");
    for (size_t i = 0; i < export->form_count; i++) {
        struct export_columns *columns =
            export_columns_new(out, &export->study->catalogue, export->forms[i], export->masked);
        for (size_t j = 0; j < columns->hidden_count; j++)
            text_append_format(out, "  %s.%s\r\n", export->forms[i], columns->hidden[j]);
        talloc_free(columns);
    }
}

static void append_readme(const struct export *export, struct text *out)
{
    text_append_format(out, "Study %s: data of cut %d (%s), made %s by %s under version %d of the protocol.\r\n",
                       export->study->code, export->cut->cut, export->cut->label, export->cut->made_at,
                       export->cut->made_by, export->cut->protocol_version);
    text_append_format(out, "Exported by %s; request %s of the audit trail.\r\n\r\n", export->account, export->request);
    text_append(out,
                "codebook.csv    items, rules and scores of the newest version of each form\r\n"
                "forms/FORM.csv  a line for each record, as the newest version of the cut says it, void ones too\r\n"
                "versions.csv    all versions of all records: who, when, why, and their SHA-256\r\n\r\n"
                "A score that is called as an item is has the column ID_score.\r\n"
                "UTF-8, commas, CRLF (RFC 4180).  An empty cell is not answered; not_answered has the reasons.\r\n"
                "Texts that begin with = + - @, a tab or a carriage return have an apostrophe in front, lest a\r\n"
                "spreadsheet takes them for a formula; numbers, dates and codes never have one.\r\n");
    append_left_out(export, out);
}

static bool write_whole_file(struct export *export, const char *name, struct text *text, struct error *error)
{
    export->file++;
    return export_zip_begin_file(export->zip, name, error) && export_zip_write(export->zip, text, error);
}

/* ---- files of records ---- */

static void append_version_names(const struct export *export, struct text *out)
{
    text_append(out,
                "subject,knee,form,visit,instance,version,status,date,form_version,id,door,recorded_by,recorded_at,");
    text_append_format(out, "%ssha256,prev_sha256\r\n", export->masked ? "" : "reason,");
}

static void append_version(const struct export *export, const struct store_record *record, struct text *out)
{
    char subject[SUBJECT_TEXT_SIZE];
    subject_format(record->site, record->subject, subject);
    text_append_format(out, "%s,%s,%s,", subject, record->knee, record->form);
    text_append_csv(out, record->visit);
    text_append_format(out, ",%d,%d,%s,%s,%d,%s,%s,%s,%s,", record->instance, record->version, record->status,
                       record->dated, record->form_version, record->id, record->door, record->recorded_by,
                       record->recorded_at);
    if (!export->masked) {
        csv_append_text(out, record->reason != NULL ? record->reason : "");
        text_append(out, ",");
    }
    text_append_format(out, "%s,%s\r\n", record->sha256, record->prev_sha256 != NULL ? record->prev_sha256 : "");
}

static bool begin_records(struct export *export, struct text *out, struct error *error)
{
    export->begun = true;
    if (export->file == FILE_VERSIONS) {
        append_version_names(export, out);
        return export_zip_begin_file(export->zip, "versions.csv", error);
    }
    const char *form = export->forms[export->form];
    talloc_free(export->columns);
    export->columns = export_columns_new(export, &export->study->catalogue, form, export->masked);
    export_columns_append_names(export->columns, out);
    return export_zip_begin_file(export->zip, memory_format(out, "forms/%s.csv", form), error);
}

static void end_records(struct export *export)
{
    export->begun = false;
    TALLOC_FREE(export->page);
    if (export->file == FILE_VERSIONS || ++export->form == export->form_count)
        export->file++;
}

/* The next page of the file. */
static bool write_records(struct export *export, struct store *store, struct text *text, struct error *error)
{
    if (!export->begun && !begin_records(export, text, error))
        return false;
    struct store_records *before = export->page;
    const struct store_export_page place = {
        .request = export->request,
        .form = export->file == FILE_FORM ? export->forms[export->form] : NULL,
        .after = before != NULL ? &before->rows[before->count - 1] : NULL,
        .most = PAGE_RECORDS,
    };
    struct store_records *page = store_read_export(export, store, &export->reader, &place, error);
    if (page == NULL)
        return false;
    for (size_t i = 0; i < page->count; i++) {
        if (export->file == FILE_VERSIONS)
            append_version(export, &page->rows[i], text);
        else if (!export_columns_append_record(export->columns, &page->rows[i], text, error))
            return false;
    }
    talloc_free(before);
    export->page = page;
    if (!export_zip_write(export->zip, text, error))
        return false;
    if (!page->more)
        end_records(export);
    return true;
}

/* ---- the whole ---- */

static bool write_step(struct export *export, struct store *store, struct text *text, bool *last, struct error *error)
{
    switch (export->file) {
    case FILE_README:
        append_readme(export, text);
        return write_whole_file(export, "README.txt", text, error);
    case FILE_CODEBOOK:
        codebook_write_csv(text, &export->study->catalogue);
        return write_whole_file(export, "codebook.csv", text, error);
    case FILE_FORM:
    case FILE_VERSIONS: return write_records(export, store, text, error);
    case FILE_END: break;
    }
    *last = true;
    return export_zip_end(export->zip, error);
}

/* A stream_function; `context` is an export. */
static bool stream_export(void *context, struct store *store, struct text *out, bool *last, struct error *error)
{
    struct export *export = context;
    struct text *text = text_new(export);
    export_zip_set_output(export->zip, out);
    bool written = write_step(export, store, text, last, error);
    talloc_free(text);
    return written;
}

static int64_t instant_of(const char *rfc3339)
{
    struct tm utc = {0};
    return strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc) != NULL ? (int64_t)timegm(&utc) : 0;
}

static const struct store_cut *find_cut(struct exchange *exchange, struct store *store,
                                        const struct store_reader *reader, int number)
{
    struct error error = {0};
    struct store_cuts *cuts = store_list_cuts(exchange, store, reader, &error);
    for (size_t i = 0; cuts != NULL && i < cuts->count; i++)
        if (cuts->rows[i].cut == number)
            return &cuts->rows[i];
    if (cuts != NULL)
        error_set(&error, ERROR_NOT_FOUND, "no such cut");
    request_reply_error(exchange, &error);
    return NULL;
}

void handle_export(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"cut", NULL};
    struct error error = {0};
    int cut = 0;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "cut", 1, CUT_MOST, &cut))
        return;
    if (cut == 0) {
        exchange_reply_problem(exchange, 400, "invalid_parameter",
                               "query parameter `cut` is missing: the number of a cut");
        return;
    }
    struct export *export = memory_new(exchange, struct export);
    export->reader = request_reader(exchange, study);
    export->study = study;
    export->account = exchange->principal->account;
    export->masked = study->catalogue.protocol->masking != MASKING_NONE &&
                     exchange->principal->role != ROLE_STATISTICIAN_UNMASKED;
    export->cut = find_cut(exchange, store, &export->reader, cut);
    if (export->cut == NULL)
        return;
    export->request = store_request_export(exchange, store, &export->reader, cut, &error);
    if (export->request == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    list_forms(export);
    export->zip = export_zip_new(export, instant_of(export->cut->made_at));
    exchange_add_header(exchange, "Content-Disposition",
                        memory_format(exchange, "attachment; filename=\"%s-cut-%d.zip\"", study->code, cut));
    exchange_add_header(exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    request_reply_stream(exchange, store, "application/zip", stream_export, export);
}
