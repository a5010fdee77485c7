/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_refused.h"

#include <string.h>

#include <jansson.h>
#undef json_boolean   /* a macro of the name that forms/json_write.h has for its function */

#include "collector/upload_reading.h"
#include "forms/base/memory.h"

enum { PAGE = 200, ERRORS = 4 };

static const char *const error_columns[ERRORS] = {"error_line", "error_column", "error_code", "error_text"};

struct upload_refused {
    struct store_upload_at at;
    struct csv_dialect dialect;
    const char *const *header;
    size_t header_count;
    bool begun;
    int after;                   /* line */
};

struct upload_refused *upload_refused_new(const void *owner, const struct store_upload_at *at,
                                          const struct store_upload *upload)
{
    struct upload_refused *refused = memory_new(owner, struct upload_refused);
    refused->at = *at;
    refused->header =
        upload_dialect_from_json(refused, upload->dialect, &refused->dialect, &refused->header_count);
    return refused->header != NULL ? refused : NULL;
}

const char *upload_refused_type(const struct upload_refused *refused)
{
    switch (refused->dialect.encoding) {
    case CSV_WINDOWS_1252: return "text/csv; charset=windows-1252";
    case CSV_UTF16LE: return "text/csv; charset=utf-16le";
    case CSV_UTF16BE: return "text/csv; charset=utf-16be";
    case CSV_ENCODING_UNKNOWN:
    case CSV_UTF8: break;
    }
    return "text/csv; charset=utf-8";
}

/* Of a file that was mended before: the columns are written anew. */
static bool is_error_column(const struct upload_refused *refused, size_t column)
{
    for (size_t i = 0; column < refused->header_count && i < ERRORS; i++)
        if (upload_same_name(refused->header[column], error_columns[i]))
            return true;
    return false;
}

/* A row that is too short is filled up, so that what is said of it stands below its name. */
static void write_row(const struct upload_refused *refused, struct text *out, const char *const *cells, size_t count,
                      const char *const *errors)
{
    size_t at = 0, most = count > refused->header_count ? count : refused->header_count;
    const char **all = memory_new_array(out, const char *, most + ERRORS);
    for (size_t i = 0; i < most; i++)
        if (!is_error_column(refused, i))
            all[at++] = i < count ? cells[i] : "";
    for (size_t i = 0; i < ERRORS; i++)
        all[at++] = errors[i];
    csv_write_row(out, &refused->dialect, all, at);
    talloc_free(all);
}

/* ---- what is said of a row ---- */

/* Line ends would make two rows of it where nothing is quoted; so would tabs. */
static void append_said(struct text *out, const char *said)
{
    if (said == NULL)
        return;
    size_t from = out->length;
    text_append(out, out->length > 0 ? "; " : "");
    text_append(out, said);
    for (char *c = out->bytes + from; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r' || *c == '\t')
            *c = ' ';
}

/* What a spreadsheet would take for a formula gets an apostrophe, which upload_row_read takes away; numbers do not. */
static const char *disarm(const void *owner, const char *cell)
{
    bool is_signed = cell[0] == '-' || cell[0] == '+';
    bool is_number = is_signed && cell[1] != '\0' && cell[1 + strspn(cell + 1, "0123456789.,")] == '\0';
    if (cell[0] == '\0' || strchr("=+-@\t\r", cell[0]) == NULL || is_number)
        return cell;
    return memory_format(owner, "'%s", cell);
}

static void write_refused(const struct upload_refused *refused, struct text *out, const struct store_upload_row *row)
{
    void *owner = memory_owner(out, "row");
    struct text *said[] = {text_new(owner), text_new(owner), text_new(owner)};
    static const char *const members[] = {"column", "code", "text"};
    json_t *detail = json_loads(row->detail, 0, NULL), *cells = json_loads(row->cells, 0, NULL), *finding;
    size_t index, count = json_array_size(cells);
    json_array_foreach(json_object_get(detail, "findings"), index, finding) {
        const char *severity = json_string_value(json_object_get(finding, "severity"));
        if (severity == NULL || strstr(severity, "refused") == NULL)
            continue;
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
            append_said(said[i], json_string_value(json_object_get(finding, members[i])));
    }
    const char **values = memory_new_array(owner, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        values[i] = disarm(owner, json_string_value(json_array_get(cells, i)));
    const char *errors[ERRORS] = {memory_format(owner, "%d", row->line), disarm(owner, said[0]->bytes), said[1]->bytes,
                                  said[2]->bytes};
    write_row(refused, out, values, count, errors);
    json_decref(detail);
    json_decref(cells);
    talloc_free(owner);
}

bool upload_refused_write(void *context, struct store *store, struct text *out, bool *last, struct error *error)
{
    struct upload_refused *refused = context;
    struct store_upload_row_filter filter = {.verdict = "refused", .after = refused->after, .most = PAGE};
    struct store_upload_rows *rows = store_list_upload_rows(refused, store, &refused->at, &filter, error);
    if (rows == NULL)
        return false;
    if (!refused->begun) {
        csv_write_begin(out, &refused->dialect);
        write_row(refused, out, refused->header, refused->header_count, error_columns);
    }
    refused->begun = true;
    for (size_t i = 0; i < rows->count; i++) {
        write_refused(refused, out, &rows->rows[i]);
        refused->after = rows->rows[i].line;
    }
    *last = rows->count < PAGE;
    talloc_free(rows);
    return true;
}
