/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/export_archive.h"

#include <string.h>
#include <time.h>

#include "collector/export_codebook.h"
#include "collector/export_columns.h"
#include "collector/export_zip.h"
#include "collector/store_listing.h"
#include "forms/base/memory.h"
#include "forms/codebook.h"
#include "forms/csv_cell.h"

enum { PAGE_RECORDS = 200 };

/* Files in their order; FILE_FORM and FILE_FORM_CODEBOOK are there once for each form, FILE_LIST for each list. */
enum export_file { FILE_README, FILE_CODEBOOK, FILE_FORM, FILE_FORM_CODEBOOK, FILE_VERSIONS, FILE_LIST, FILE_END };

struct export_archive {
    const struct export_order *order;
    struct export_zip *zip;
    enum export_file file;
    const char **forms;                  /* ids, in the order of the alphabet */
    size_t form_count, form;             /* the one that is written */
    struct export_columns *columns;      /* of that form */
    bool begun;                          /* the file has */
    struct store_records *page;          /* the last one: behind its last record it goes on */
    size_t list;                         /* the one that is written */
    struct store_listing *rows;          /* the last page of it */
};

/* What stands beside the versions. */
enum export_list { LIST_QUERIES, LIST_SIGNATURES, LIST_VERIFICATIONS, LISTS };

/* Columns of a list as its statement gives them, the site of the row behind them. */
static const struct export_list_file {
    const char *name;
    enum store_statement statement;
    struct listing_column columns[14];
    size_t count;
    size_t id, number;                   /* columns of the key; number 0: it has none */
    bool ends_in_words;                  /* the last column is somebody's own words */
} list_files[LISTS] = {
    [LIST_QUERIES] = {"queries.csv", STATEMENT_READ_EXPORT_QUERIES, {
        {"subject", LISTING_TEXT}, {"knee", LISTING_TEXT}, {"form", LISTING_TEXT}, {"visit", LISTING_TEXT},
        {"instance", LISTING_NUMBER}, {"version", LISTING_NUMBER}, {"item", LISTING_TEXT}, {"query", LISTING_TEXT},
        {"event", LISTING_NUMBER}, {"kind", LISTING_TEXT}, {"recorded_by", LISTING_TEXT},
        {"recorded_at", LISTING_TEXT}, {"text", LISTING_TEXT}}, 13, 7, 8, true},
    [LIST_SIGNATURES] = {"signatures.csv", STATEMENT_READ_EXPORT_SIGNATURES, {
        {"subject", LISTING_TEXT}, {"knee", LISTING_TEXT}, {"form", LISTING_TEXT}, {"visit", LISTING_TEXT},
        {"instance", LISTING_NUMBER}, {"version", LISTING_NUMBER}, {"id", LISTING_TEXT}, {"signature", LISTING_TEXT},
        {"meaning", LISTING_TEXT}, {"printed_name", LISTING_TEXT}, {"signed_by", LISTING_TEXT},
        {"signed_at", LISTING_TEXT}, {"sha256", LISTING_TEXT}, {"covers", LISTING_BOOLEAN}}, 14, 7, 0, false},
    [LIST_VERIFICATIONS] = {"verifications.csv", STATEMENT_READ_EXPORT_VERIFICATIONS, {
        {"subject", LISTING_TEXT}, {"knee", LISTING_TEXT}, {"form", LISTING_TEXT}, {"visit", LISTING_TEXT},
        {"instance", LISTING_NUMBER}, {"version", LISTING_NUMBER}, {"id", LISTING_TEXT}, {"event", LISTING_NUMBER},
        {"kind", LISTING_TEXT}, {"recorded_by", LISTING_TEXT}, {"recorded_at", LISTING_TEXT},
        {"covers", LISTING_BOOLEAN}, {"reason", LISTING_TEXT}}, 13, 6, 7, true},
};

static void list_forms(struct export_archive *archive)
{
    const struct catalogue *catalogue = archive->order->catalogue;
    archive->forms = memory_new_array(archive, const char *, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const char *id = catalogue->forms[i]->id;
        if (archive->form_count == 0 || strcmp(archive->forms[archive->form_count - 1], id) != 0)
            archive->forms[archive->form_count++] = id;
    }
}

/* ---- files that are written in one go ---- */

static void append_left_out(const struct export_archive *archive, struct text *out)
{
    if (!archive->order->masked)
        return;
    text_append(out,
                "\r\nThe study is masked.  Items that may name the arm and texts in somebody's own words are left\r\n"
                     "out, and so are the reasons for changes and the words of queries:\r\n");
    for (size_t i = 0; i < archive->form_count; i++) {
        struct export_columns *columns =
            export_columns_new(out, archive->order->catalogue, archive->forms[i], archive->order->masked);
        for (size_t j = 0; j < columns->hidden_count; j++)
            text_append_format(out, "  %s.%s\r\n", archive->forms[i], columns->hidden[j]);
        talloc_free(columns);
    }
}

static void append_readme(const struct export_archive *archive, struct text *out)
{
    const struct export_order *order = archive->order;
    text_append_format(out, "Study %s: data of cut %d (%s), made %s by %s under version %d of the protocol.\r\n",
                       order->study, order->cut->cut, order->cut->label, order->cut->made_at, order->cut->made_by,
                       order->cut->protocol_version);
    text_append_format(out, "Exported by %s; request %s of the audit trail.\r\n\r\n", order->account, order->request);
    text_append(out,
                "codebook.csv    items, rules and scores of the newest version of each form\r\n"
                "forms/FORM.csv  a line for each record, as the newest version of the cut says it, void ones too\r\n"
                "forms/FORM.codebook.csv\r\n"
                "                a line for each column of that file: what was asked, type, range, codes, unit\r\n"
                "versions.csv    all versions of all records: who, when, why, and their SHA-256\r\n"
                "queries.csv     a line for each event of a query, with its words; version 0: not entered yet\r\n"
                "signatures.csv  who signed which version, as what; covers: the cut has no newer one\r\n"
                "verifications.csv\r\n"
                "                marks of source data verification, set and withdrawn; covers: it stands, and\r\n"
                "                the cut has no newer version\r\n\r\n"
                "A score that is called as an item is has the column ID_score.\r\n"
                "UTF-8, commas, CRLF (RFC 4180).  An empty cell is not answered; not_answered has the reasons.\r\n"
                "Texts that begin with = + - @, a tab or a carriage return have an apostrophe in front, lest a\r\n"
                "spreadsheet takes them for a formula; numbers, dates and codes never have one.\r\n");
    append_left_out(archive, out);
}

static bool write_whole_file(struct export_archive *archive, const char *name, struct text *text, struct error *error)
{
    archive->file++;
    return export_zip_begin_file(archive->zip, name, error) && export_zip_write(archive->zip, text, error);
}

/* Behind the file of the form; then comes the next form. */
static bool write_form_codebook(struct export_archive *archive, struct text *text, struct error *error)
{
    const char *name = memory_format(text, "forms/%s.codebook.csv", archive->forms[archive->form]);
    export_codebook_append(archive->columns, text);
    bool written = export_zip_begin_file(archive->zip, name, error) && export_zip_write(archive->zip, text, error);
    archive->file = ++archive->form < archive->form_count ? FILE_FORM : FILE_VERSIONS;
    return written;
}

/* ---- files of records ---- */

static void append_version_names(const struct export_archive *archive, struct text *out)
{
    text_append(out,
                "subject,knee,form,visit,instance,version,status,date,form_version,id,door,recorded_by,recorded_at,");
    text_append_format(out, "%ssha256,prev_sha256\r\n", archive->order->masked ? "" : "reason,");
}

static void append_version(const struct export_archive *archive, const struct store_record *record, struct text *out)
{
    char subject[SUBJECT_TEXT_SIZE];
    subject_format(record->site, record->subject, subject);
    text_append_format(out, "%s,%s,%s,", subject, record->knee, record->form);
    text_append_csv(out, record->visit);
    text_append_format(out, ",%d,%d,%s,%s,%d,%s,%s,%s,%s,", record->instance, record->version, record->status,
                       record->dated, record->form_version, record->id, record->door, record->recorded_by,
                       record->recorded_at);
    if (!archive->order->masked) {
        csv_append_text(out, record->reason != NULL ? record->reason : "");
        text_append(out, ",");
    }
    text_append_format(out, "%s,%s\r\n", record->sha256, record->prev_sha256 != NULL ? record->prev_sha256 : "");
}

static bool begin_records(struct export_archive *archive, struct text *out, struct error *error)
{
    archive->begun = true;
    if (archive->file == FILE_VERSIONS) {
        append_version_names(archive, out);
        return export_zip_begin_file(archive->zip, "versions.csv", error);
    }
    const char *form = archive->forms[archive->form];
    talloc_free(archive->columns);
    archive->columns = export_columns_new(archive, archive->order->catalogue, form, archive->order->masked);
    export_columns_append_names(archive->columns, out);
    return export_zip_begin_file(archive->zip, memory_format(out, "forms/%s.csv", form), error);
}

static void end_records(struct export_archive *archive)
{
    archive->begun = false;
    TALLOC_FREE(archive->page);
    archive->file++;
}

/* The next page of the file. */
static bool write_records(struct export_archive *archive, struct store *store, struct text *text,
                          struct error *error)
{
    if (!archive->begun && !begin_records(archive, text, error))
        return false;
    struct store_records *before = archive->page;
    const struct store_export_page place = {
        .request = archive->order->request,
        .form = archive->file == FILE_FORM ? archive->forms[archive->form] : NULL,
        .after = before != NULL ? &before->rows[before->count - 1] : NULL,
        .most = PAGE_RECORDS,
    };
    struct store_records *page = store_read_export(archive, store, &archive->order->reader, &place, error);
    if (page == NULL)
        return false;
    for (size_t i = 0; i < page->count; i++) {
        if (archive->file == FILE_VERSIONS)
            append_version(archive, &page->rows[i], text);
        else if (!export_columns_append_record(archive->columns, &page->rows[i], text, error))
            return false;
    }
    talloc_free(before);
    archive->page = page;
    if (!export_zip_write(archive->zip, text, error))
        return false;
    if (!page->more)
        end_records(archive);
    return true;
}

/* ---- lists beside the records ---- */

static bool begin_list(struct export_archive *archive, const struct export_list_file *file, size_t shown,
                       struct text *out, struct error *error)
{
    archive->begun = true;
    listing_append_csv_names(out, file->columns, shown);
    return export_zip_begin_file(archive->zip, file->name, error);
}

static void end_list(struct export_archive *archive)
{
    archive->begun = false;
    TALLOC_FREE(archive->rows);
    if (++archive->list == LISTS)
        archive->file++;
}

/* Behind the last row of the page before. */
static struct store_listing *read_list(const struct export_archive *archive, struct store *store,
                                       const struct export_list_file *file, struct error *error)
{
    const struct store_listing *before = archive->rows;
    struct db_parameters *given = store_reader_parameters(archive, &archive->order->reader, 7);
    db_set_text(given, 2, archive->order->request);
    if (before != NULL) {
        db_set_text(given, 3, listing_cell(before, before->rows - 1, file->count));
        db_set_text(given, 4, listing_cell(before, before->rows - 1, file->id));
        if (file->number > 0)
            db_set_text(given, 5, listing_cell(before, before->rows - 1, file->number));
    }
    db_set_int(given, 6, PAGE_RECORDS);
    struct store_listing *rows = store_read_listing(archive, store, file->statement, given, false, error);
    talloc_free(given);
    return rows;
}

/* The next page of the list. */
static bool write_list(struct export_archive *archive, struct store *store, struct text *text, struct error *error)
{
    const struct export_list_file *file = &list_files[archive->list];
    size_t shown = file->count - (archive->order->masked && file->ends_in_words ? 1 : 0);
    if (!archive->begun && !begin_list(archive, file, shown, text, error))
        return false;
    struct store_listing *page = read_list(archive, store, file, error);
    if (page == NULL)
        return false;
    for (size_t row = 0; row < page->rows; row++)
        listing_append_csv(text, page, row, file->columns, shown);
    talloc_free(archive->rows);
    archive->rows = page;
    if (!export_zip_write(archive->zip, text, error))
        return false;
    if (page->rows < PAGE_RECORDS)
        end_list(archive);
    return true;
}

/* ---- the whole ---- */

static bool write_step(struct export_archive *archive, struct store *store, struct text *text, bool *last,
                       struct error *error)
{
    switch (archive->file) {
    case FILE_README:
        append_readme(archive, text);
        return write_whole_file(archive, "README.txt", text, error);
    case FILE_CODEBOOK:
        codebook_write_csv(text, archive->order->catalogue);
        return write_whole_file(archive, "codebook.csv", text, error);
    case FILE_FORM:
    case FILE_VERSIONS: return write_records(archive, store, text, error);
    case FILE_FORM_CODEBOOK: return write_form_codebook(archive, text, error);
    case FILE_LIST: return write_list(archive, store, text, error);
    case FILE_END: break;
    }
    *last = true;
    return export_zip_end(archive->zip, error);
}

bool export_archive_write(struct export_archive *archive, struct store *store, struct text *out, bool *last,
                          struct error *error)
{
    struct text *text = text_new(archive);
    export_zip_set_output(archive->zip, out);
    bool written = write_step(archive, store, text, last, error);
    talloc_free(text);
    return written;
}

static int64_t instant_of(const char *rfc3339)
{
    struct tm utc = {0};
    return strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc) != NULL ? (int64_t)timegm(&utc) : 0;
}

struct export_archive *export_archive_new(const void *owner, const struct export_order *order)
{
    struct export_archive *archive = memory_new(owner, struct export_archive);
    archive->order = order;
    list_forms(archive);
    archive->zip = export_zip_new(archive, instant_of(order->cut->made_at));
    return archive;
}
