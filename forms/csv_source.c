/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "forms/base/memory.h"

enum { SIGNATURE_BYTES = 8, PIECE_BYTES = 64 * 1024 };

struct csv_source {
    csv_read_bytes *read;
    void *context;
    struct upload_findings *findings;
    int64_t bytes;               /* of the upload, read so far */
    struct text *first;          /* the bytes by which it was known what the upload is */
    bool first_given;

    struct archive *archive;     /* NULL: the upload is the file */
    struct error read_error;     /* of `read`, which libarchive would not keep */
    const char *name;            /* of the file in the ZIP */
    char *piece;                 /* of its bytes */
    int64_t expanded;            /* bytes that came out of the ZIP */
    size_t others;               /* files in it that are no CSV */

    struct text *head;           /* what csv_source_peek read; NULL: nothing */
    bool head_given;
    const char *rest;            /* of the piece that the head ends in */
    size_t rest_length;
    bool has_ended;
    bool is_refused;
};

static bool refuse(struct csv_source *source, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);

/* False, for the caller to return. */
static bool refuse(struct csv_source *source, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(source, format, arguments);
    va_end(arguments);
    upload_finding_add(source->findings, UPLOAD_FILE_REFUSED, code, NULL, "%s", text);
    talloc_free(text);
    source->is_refused = true;
    return false;
}

/* Of the upload: the first bytes once more, then what comes. */
static bool read_upload(struct csv_source *source, const char **bytes, size_t *length, struct error *error)
{
    if (!source->first_given) {
        source->first_given = true;
        *bytes = source->first->bytes;
        *length = source->first->length;
        if (*length > 0)
            return true;
    }
    if (!source->read(source->context, bytes, length, error))
        return false;
    source->bytes += (int64_t)*length;
    return true;
}

static bool read_first(struct csv_source *source, struct error *error)
{
    source->first = text_new(source);
    const char *bytes;
    size_t length = 1;
    while (source->first->length < SIGNATURE_BYTES && length > 0) {
        if (!source->read(source->context, &bytes, &length, error))
            return false;
        text_append_bytes(source->first, bytes, length);
    }
    source->bytes = (int64_t)source->first->length;
    return true;
}

/* ---- what is no CSV file, by its first bytes ---- */

static const struct {
    const char *bytes;
    size_t length;
    const char *code;
    const char *text;
} signatures[] = {
    {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8, "spreadsheet_file",
     "the file is a workbook (.xls) or another file of an office program; open it there, save it as \"CSV UTF-8\" and "
     "upload that"},
    {"PK\5\6", 4, "zip_not_one_file", "the ZIP file is empty; put the CSV file into it, or upload that as it is"},
    {"PK\7\10", 4, "zip_not_one_file",
     "the ZIP file is one of several parts; make one ZIP of the CSV file, or upload that as it is"},
    {"\x1F\x8B", 2, "zip_not_one_file", "the file is packed with gzip; upload the CSV file as it is, or in a ZIP"},
    {"7z\xBC\xAF\x27\x1C", 6, "zip_not_one_file",
     "the file is packed with 7-Zip; upload the CSV file as it is, or in a ZIP"},
    {"Rar!\x1A\x07", 6, "zip_not_one_file", "the file is packed as RAR; upload the CSV file as it is, or in a ZIP"},
    {"\xFD" "7zXZ", 5, "zip_not_one_file", "the file is packed with xz; upload the CSV file as it is, or in a ZIP"},
    {"%PDF-", 5, "no_header", "the file is a PDF; upload the data as a CSV file"},
};

static bool begins_with(const struct text *text, const char *bytes, size_t length)
{
    return text->length >= length && memcmp(text->bytes, bytes, length) == 0;
}

static bool check_signature(struct csv_source *source)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (begins_with(source->first, signatures[i].bytes, signatures[i].length))
            return refuse(source, signatures[i].code, "%s", signatures[i].text);
    return true;
}

/* ---- ZIP ---- */

static int free_archive(struct csv_source *source)
{
    if (source->archive != NULL)
        archive_read_free(source->archive);
    return 0;
}

static la_ssize_t on_read(struct archive *archive, void *context, const void **bytes)
{
    struct csv_source *source = context;
    const char *piece = NULL;
    size_t length = 0;
    if (!read_upload(source, &piece, &length, &source->read_error)) {
        archive_set_error(archive, EIO, "the upload cannot be read");
        return -1;
    }
    *bytes = piece;
    return (la_ssize_t)length;
}

/* A failed call: the upload could not be read, or the ZIP is no good. */
static bool fail(struct csv_source *source, struct error *error)
{
    if (source->read_error.kind != ERROR_NONE) {
        *error = source->read_error;
        return false;
    }
    const char *why = archive_error_string(source->archive);
    return refuse(source, "zip_not_one_file",
                  "the ZIP file cannot be read (%s); make it again, or upload the CSV file as it is",
                  why != NULL ? why : "it is damaged");
}

static bool check_size(struct csv_source *source, int64_t more)
{
    source->expanded += more;
    if (source->expanded > CSV_ZIP_BYTES)
        return refuse(source, "too_large",
                      "what is in the ZIP file is larger than %lld bytes; upload the data in several files",
                      (long long)CSV_ZIP_BYTES);
    if (source->expanded > CSV_ZIP_FREE_BYTES && source->expanded / CSV_ZIP_RATIO > source->bytes)
        return refuse(source, "too_large",
                      "what is in the ZIP file is more than %d times as large as the ZIP file, which no data are; "
                      "upload the CSV file as it is", CSV_ZIP_RATIO);
    return true;
}

/* Bytes of the file in the ZIP that is being read; `*length` 0 at its end. */
static bool read_packed(struct csv_source *source, const char **bytes, size_t *length, struct error *error)
{
    la_ssize_t got;
    do {
        got = archive_read_data(source->archive, source->piece, PIECE_BYTES);
    } while (got == ARCHIVE_RETRY);
    if (got < 0)
        return fail(source, error);
    *bytes = source->piece;
    *length = (size_t)got;
    return check_size(source, got);
}

static bool skip_packed(struct csv_source *source, struct error *error)
{
    const char *bytes;
    size_t length = 1;
    while (length > 0)
        if (!read_packed(source, &bytes, &length, error))
            return false;
    return true;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), wanted = strlen(suffix);
    return length >= wanted && strcasecmp(name + length - wanted, suffix) == 0;
}

static bool is_csv(const char *name)
{
    return ends_with(name, ".csv") || ends_with(name, ".tsv") || ends_with(name, ".txt");
}

/* Folders, and what the Finder of macOS adds. */
static bool is_nothing(struct archive_entry *entry, const char *name)
{
    return archive_entry_filetype(entry) == AE_IFDIR || *base_name(name) == '\0' ||
           strncmp(name, "__MACOSX/", 9) == 0 || strncmp(base_name(name), "._", 2) == 0 ||
           strcmp(base_name(name), ".DS_Store") == 0;
}

/* Workbooks of Excel (Office Open XML) and LibreOffice (OpenDocument) are ZIP files with such files in them. */
static bool is_of_workbook(const char *name)
{
    static const char *const names[] = {"[Content_Types].xml", "mimetype", "content.xml", "META-INF/manifest.xml"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strncmp(name, "xl/", 3) == 0 || strncmp(name, "docProps/", 9) == 0 || ends_with(name, ".iwa");
}

/* Other ways to pack ask for as much memory as they like. */
static bool check_packing(struct csv_source *source, struct archive_entry *entry, const char *name)
{
    const char *format = archive_format_name(source->archive);
    if (archive_entry_is_data_encrypted(entry) == 1 || archive_entry_is_metadata_encrypted(entry) == 1)
        return refuse(source, "zip_not_one_file",
                      "%s in the ZIP file is encrypted; make a ZIP without a password, or upload the file as it is",
                      name);
    if (format == NULL || (strstr(format, "(deflation)") == NULL && strstr(format, "(uncompressed)") == NULL))
        return refuse(source, "zip_not_one_file",
                      "%s is packed in a way that few programs know (%s); make an ordinary ZIP (deflate), or upload "
                      "the file as it is", name, format != NULL ? format : "?");
    return true;
}

/* Up to the next CSV file in the ZIP, or its end (`*name` NULL).  Other files in it are counted. */
static bool find_csv(struct csv_source *source, const char **found, struct error *error)
{
    *found = NULL;
    for (;;) {
        struct archive_entry *entry;
        int result = archive_read_next_header(source->archive, &entry);
        if (result == ARCHIVE_EOF)
            return true;
        if (result == ARCHIVE_RETRY)
            continue;
        if (result < ARCHIVE_WARN)
            return fail(source, error);
        const char *name = archive_entry_pathname_utf8(entry);
        name = name != NULL ? name : archive_entry_pathname(entry);
        char *shown = memory_copy_string(source, name != NULL ? name : "?");
        text_drop_broken(shown);
        if (is_of_workbook(shown))
            return refuse(source, "spreadsheet_file",
                          "the file is a workbook (.xlsx, .ods) and no CSV file; open it, save it as \"CSV UTF-8\" "
                          "and upload that");
        if (!check_packing(source, entry, shown))
            return false;
        bool is_passed_over = is_nothing(entry, shown);
        if (is_csv(shown) && !is_passed_over) {
            *found = shown;
            return true;
        }
        source->others += !is_passed_over;
        if (!skip_packed(source, error))
            return false;
    }
}

static bool open_zip(struct csv_source *source, struct error *error)
{
    source->archive = archive_read_new();
    if (source->archive == NULL)
        memory_exhausted();
    talloc_set_destructor(source, free_archive);
    source->piece = memory_resize_array(source, NULL, char, PIECE_BYTES);
    if (archive_read_support_format_zip_streamable(source->archive) != ARCHIVE_OK ||
        archive_read_open(source->archive, source, NULL, on_read, NULL) != ARCHIVE_OK)
        return fail(source, error);
    if (!find_csv(source, &source->name, error))
        return false;
    if (source->name == NULL)
        return refuse(source, "zip_not_one_file",
                      "the ZIP file holds no file that ends with .csv, .tsv or .txt; put the CSV file into it");
    upload_finding_add(source->findings, UPLOAD_ASSUMED, "zip", NULL, "read %s in the ZIP file", source->name);
    return true;
}

/* What libarchive does not ask for: whoever gives the bytes may want to have given all of them. */
static bool read_rest(struct csv_source *source, struct error *error)
{
    const char *bytes;
    size_t length = 1;
    while (length > 0)
        if (!read_upload(source, &bytes, &length, error))
            return false;
    return true;
}

/* Behind the file: there must not be another. */
static bool end_zip(struct csv_source *source, struct error *error)
{
    const char *second;
    if (!find_csv(source, &second, error))
        return false;
    if (second != NULL)
        return refuse(source, "zip_not_one_file",
                      "the ZIP file holds %s and %s; upload one file at a time", source->name, second);
    if (source->others > 0)
        upload_finding_add(source->findings, UPLOAD_ASSUMED, "zip", NULL,
                           "passed over in the ZIP file: %zu %s no CSV", source->others,
                           source->others == 1 ? "file that is" : "files that are");
    return read_rest(source, error);
}

/* ---- the file ---- */

struct csv_source *csv_source_open(const void *owner, csv_read_bytes *read, void *context,
                                   struct upload_findings *findings, struct error *error)
{
    struct csv_source *source = memory_new(owner, struct csv_source);
    source->read = read;
    source->context = context;
    source->findings = findings;
    bool is_open = read_first(source, error) && check_signature(source) &&
                   (!begins_with(source->first, "PK\3\4", 4) || open_zip(source, error));
    return is_open ? source : (talloc_free(source), NULL);
}

static bool read_file(struct csv_source *source, const char **bytes, size_t *length, struct error *error)
{
    *length = 0;
    if (source->has_ended)
        return true;
    bool is_read = source->archive == NULL ? read_upload(source, bytes, length, error)
                                           : read_packed(source, bytes, length, error);
    source->has_ended = is_read && *length == 0;
    if (source->has_ended && source->archive != NULL)
        return end_zip(source, error);
    return is_read;
}

bool csv_source_peek(struct csv_source *source, const char **bytes, size_t *length, struct error *error)
{
    if (source->head == NULL)
        source->head = text_new_with_room(source, CSV_HEAD_BYTES);
    struct text *head = source->head;
    while (head->length < CSV_HEAD_BYTES && !source->has_ended) {
        const char *piece = NULL;
        size_t got;
        if (!read_file(source, &piece, &got, error))
            return false;
        size_t room = CSV_HEAD_BYTES - head->length, kept = got < room ? got : room;
        text_append_bytes(head, piece, kept);
        source->rest = piece + kept;
        source->rest_length = got - kept;
    }
    *bytes = head->bytes;
    *length = head->length;
    return true;
}

bool csv_source_next(struct csv_source *source, const char **bytes, size_t *length, struct error *error)
{
    if (source->head != NULL && !source->head_given) {
        source->head_given = true;
        *bytes = source->head->bytes;
        *length = source->head->length;
        if (*length > 0)
            return true;
    }
    if (source->rest_length > 0) {
        *bytes = source->rest;
        *length = source->rest_length;
        source->rest_length = 0;
        return true;
    }
    return read_file(source, bytes, length, error);
}

bool csv_source_is_refused(const struct csv_source *source)
{
    return source->is_refused;
}

int64_t csv_source_bytes(const struct csv_source *source)
{
    return source->bytes;
}
