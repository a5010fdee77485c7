/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_reading.h"

#include <string.h>

#include <jansson.h>
#undef json_boolean   /* a macro of the name that forms/json_write.h has for its function */
#include <openssl/evp.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { ROW_BYTES_GUESS = 64, NOTE_ROWS = 2000, FILE_FINDINGS_MOST = 1000 };

/* The bytes of the upload; a csv_read_bytes has it as context. */
struct bytes {
    struct upload_work *work;
    const void *owner;
    struct store_upload_bytes *piece;
    int64_t offset;
    EVP_MD_CTX *hash;            /* NULL: not wanted */
};

static bool read_bytes(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct bytes *from = context;
    TALLOC_FREE(from->piece);
    from->piece = store_read_upload(from->owner, from->work->store, &from->work->at, from->offset, error);
    if (from->piece == NULL)
        return false;
    *bytes = from->piece->bytes;
    *length = from->piece->length;
    from->offset += (int64_t)*length;
    if (from->hash != NULL && EVP_DigestUpdate(from->hash, *bytes, *length) != 1)
        return error_set(error, ERROR_INTERNAL, "SHA-256 cannot be made");
    return true;
}

/* ---- the first reading ---- */

static bool find_dialect(struct upload_reading *reading, struct csv_source *source, struct error *error)
{
    const char *head = NULL;
    size_t length = 0;
    if (!csv_source_peek(source, &head, &length, error)) {
        reading->refused = reading->findings.file_refused;
        return reading->refused;
    }
    if (reading->profile != NULL)
        reading->dialect = reading->profile->dialect;
    reading->refused = !csv_dialect_find(head, length, upload_is_header, (void *)(uintptr_t)reading->profile,
                                         &reading->dialect, &reading->findings);
    return true;
}

/* The header's cells live with the reading. */
static void keep_header(struct upload_reading *reading, const struct csv_line *line)
{
    const char **cells = memory_new_array(reading, const char *, line->cell_count + 1);
    for (size_t i = 0; i < line->cell_count; i++)
        cells[i] = memory_copy_string(reading, line->cells[i]);
    reading->header = cells;
    reading->header_count = line->cell_count;
}

static void plan_header(struct upload_work *work, struct upload_reading *reading, int64_t line)
{
    struct csv_header header = {reading->header, reading->header_count, line, reading->upload->form,
                                reading->upload->site};
    reading->plan = upload_plan_make(reading, &work->study->catalogue, reading->profile, &reading->dialect, &header,
                                     &reading->findings);
    reading->refused = reading->plan == NULL;
    if (!reading->refused)
        reading->scan = upload_scan_new(reading, reading->plan, reading->upload->received / ROW_BYTES_GUESS + 1);
}

static void make_plan(struct upload_work *work, struct upload_reading *reading, const struct csv_line *line)
{
    keep_header(reading, line);
    plan_header(work, reading, line->line);
    if (!reading->refused && reading->plan->tool == UPLOAD_REDCAP_EAV)
        reading->fields = upload_fields_new(reading, reading->plan);
}

static void scan_row(struct upload_reading *reading, const struct csv_line *line)
{
    if (reading->fields == NULL) {
        upload_scan_row(reading->scan, line);
    } else if (!upload_fields_add(reading->fields, line)) {
        upload_finding_add(&reading->findings, UPLOAD_FILE_REFUSED, "too_large",
                           &(struct upload_place){.line = line->line},
                           "the file has more than %d different fields; is this the column with their names?",
                           CSV_ROW_CELLS);
        reading->refused = true;
    }
}

static bool scan_flat_row(void *context, const struct csv_line *line, struct error *error)
{
    struct upload_reading *reading = context;
    (void)error;
    upload_scan_row(reading->scan, line);
    return true;
}

/* The columns are known now: the fields.  Another reading scans the flat rows. */
static bool scan_fields(struct upload_work *work, struct upload_reading *reading, struct error *error)
{
    struct upload_pass pass = {.on_line = scan_flat_row, .context = reading};
    TALLOC_FREE(reading->scan);
    TALLOC_FREE(reading->plan);
    reading->header = upload_fields_header(reading->fields, &reading->header_count);
    plan_header(work, reading, reading->dialect.header_line);
    return reading->refused || upload_reading_pass(work, reading, &pass, error);
}

static bool note(struct upload_work *work, const struct upload_reading *reading, struct upload_progress *progress,
                 const struct csv_reader *reader, struct error *error)
{
    progress->bytes = csv_reader_bytes(reader);
    progress->of_bytes = reading->upload->received;
    return upload_job_note(work, progress) || error_set(error, ERROR_BUSY, "the daemon ends");
}

static bool scan_rows(struct upload_work *work, struct upload_reading *reading, struct csv_reader *reader,
                      struct error *error)
{
    struct upload_progress progress = {.phase = UPLOAD_READING, .began_us = clock_now_us()};
    const struct csv_line *line = NULL;
    enum csv_next next = csv_reader_next(reader, &line, error);
    if (next == CSV_ROW)
        make_plan(work, reading, line);
    if (next == CSV_END)
        upload_finding_add(&reading->findings, UPLOAD_FILE_REFUSED, "no_header", &(struct upload_place){0},
                           "no line is the header; the first line must name the columns");
    while (next == CSV_ROW && !reading->refused) {
        next = csv_reader_next(reader, &line, error);
        if (next == CSV_ROW) {
            scan_row(reading, line);
            if (++progress.rows % NOTE_ROWS == 0 && !note(work, reading, &progress, reader, error))
                return false;
        }
    }
    if (next == CSV_FAILED)
        return false;
    reading->refused = reading->refused || next == CSV_FILE_REFUSED || reading->findings.file_refused;
    if (!reading->refused && reading->fields != NULL && !scan_fields(work, reading, error))
        return false;
    if (!reading->refused)
        reading->refused = !upload_scan_end(reading->scan, reading->plan, &reading->findings);
    if (!reading->refused && csv_reader_empty_rows(reader) > 0)
        upload_finding_add(&reading->findings, UPLOAD_ASSUMED, "empty_rows", &(struct upload_place){0},
                           "%lld empty rows are passed over", (long long)csv_reader_empty_rows(reader));
    return true;
}

/* What a refused file has left to read, for its hash. */
static bool read_rest(struct bytes *bytes, struct error *error)
{
    const char *piece = NULL;
    size_t length = 0;
    do
        if (!read_bytes(bytes, &piece, &length, error))
            return false;
    while (length > 0);
    return true;
}

static bool read_file(struct upload_work *work, struct upload_reading *reading, struct bytes *bytes,
                      struct error *error)
{
    const void *owner = bytes->owner;
    struct csv_source *source = csv_source_open(owner, read_bytes, bytes, &reading->findings, error);
    reading->refused = source == NULL && reading->findings.file_refused;
    if (source == NULL && !reading->refused)
        return false;
    if (!reading->refused && !find_dialect(reading, source, error))
        return false;
    struct csv_reader *reader = NULL;
    if (!reading->refused) {
        reader = csv_reader_new(owner, source, &reading->dialect, &reading->findings, error);
        reading->refused = reader == NULL && reading->findings.file_refused;
        if (reader == NULL && !reading->refused)
            return false;
    }
    return (reading->refused || scan_rows(work, reading, reader, error)) && read_rest(bytes, error);
}

static bool finish_hash(EVP_MD_CTX *hash, char sha256[65], struct error *error)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(hash, digest, &length) != 1 || length != 32)
        return error_set(error, ERROR_INTERNAL, "SHA-256 cannot be made");
    text_to_hex(digest, length, sha256);
    return true;
}

/* ---- the profile ---- */

/* It was checked when it was added; forms and visits may have gone since. */
static bool find_profile(struct upload_work *work, struct upload_reading *reading, struct error *error)
{
    const struct store_upload *upload = reading->upload;
    if (upload->profile == NULL)
        return true;
    struct store_reader reader = {work->at.token, work->at.study_id};
    struct store_upload_profile wanted = {.site = upload->profile_site, .name = upload->profile,
                                          .version = upload->profile_version};
    struct store_upload_profile *stored = store_find_upload_profile(reading, work->store, &reader, &wanted, error);
    if (stored == NULL)
        return false;
    struct faults faults = faults_begin(reading);
    struct upload_profile *profile = upload_profile_parse(reading, stored->name, stored->yaml, strlen(stored->yaml),
                                                          &work->study->catalogue, &faults);
    if (profile == NULL || faults.count > 0) {
        upload_finding_add(&reading->findings, UPLOAD_FILE_REFUSED, "bad_profile", &(struct upload_place){0},
                           "profile %s, version %d, does not fit the study's forms any more: %s; add a new version",
                           stored->name, stored->version, faults.count > 0 ? faults.faults[0].text : "unreadable");
        reading->refused = true;
    } else {
        profile->version = stored->version;
        profile->name = stored->name;
        reading->profile = profile;
    }
    return true;
}

/* ---- sweeps ---- */

enum upload_sweep upload_sweep_of(const struct form *form)
{
    if (form->creates_subject)
        return SWEEP_ENROLMENTS;
    return strcmp(form->id, UPLOAD_TREATMENT_FORM) == 0 ? SWEEP_TREATMENTS : SWEEP_OTHERS;
}

enum upload_sweep upload_sweep_of_nothing(const struct upload_plan *plan)
{
    return plan->form != NULL ? upload_sweep_of(plan->form) : SWEEP_OTHERS;
}

static bool is_any_form(enum upload_role role)
{
    return role == UPLOAD_FORM || role == UPLOAD_REPEAT_FORM || role == UPLOAD_FIELD_NAME;
}

/* What the columns can make: one sweep when all rows are one form. */
static void choose_sweeps(struct upload_reading *reading)
{
    const struct upload_plan *plan = reading->plan;
    reading->wanted[upload_sweep_of_nothing(plan)] = true;
    for (size_t i = 0; plan->form == NULL && i < plan->column_count; i++) {
        const struct upload_column *column = &plan->columns[i];
        for (int sweep = 0; sweep < SWEEP_COUNT; sweep++)
            if (is_any_form(column->role) ||
                (column->form != NULL && upload_sweep_of(column->form) == (enum upload_sweep)sweep))
                reading->wanted[sweep] = true;
    }
}

static bool read_all(struct upload_work *work, struct upload_reading *reading, struct error *error)
{
    void *owner = memory_owner(reading, "first reading");
    struct bytes bytes = {.work = work, .owner = owner, .hash = EVP_MD_CTX_new()};
    bool good = bytes.hash != NULL && EVP_DigestInit_ex(bytes.hash, EVP_sha256(), NULL) == 1;
    if (!good)
        error_set(error, ERROR_INTERNAL, "SHA-256 cannot be made");
    good = good && (reading->refused ? read_rest(&bytes, error) : read_file(work, reading, &bytes, error)) &&
           finish_hash(bytes.hash, reading->sha256, error);
    EVP_MD_CTX_free(bytes.hash);
    talloc_free(owner);
    return good;
}

struct upload_reading *upload_reading_new(struct upload_work *work, const struct store_upload *upload,
                                          struct error *error)
{
    struct upload_reading *reading = memory_new(work->owner, struct upload_reading);
    reading->upload = upload;
    reading->findings = upload_findings_begin(reading);
    reading->findings.limit = FILE_FINDINGS_MOST;
    if (!find_profile(work, reading, error) || !read_all(work, reading, error)) {
        talloc_free(reading);
        return NULL;
    }
    if (!reading->refused)
        choose_sweeps(reading);
    return reading;
}

/* A row of the file, or the record that it ends. */
static bool give_row(struct upload_pivot *pivot, const struct csv_line *line, const struct upload_pass *pass,
                     struct error *error)
{
    const struct csv_line *given = pivot == NULL ? line : upload_pivot_add(pivot, line);
    return given == NULL || pass->on_line(pass->context, given, error);
}

static bool give_rows(const struct upload_reading *reading, struct csv_reader *reader, struct upload_pass *pass,
                      struct error *error)
{
    struct upload_pivot *pivot = reading->fields != NULL ? upload_pivot_new(reader, reading->fields) : NULL;
    const struct csv_line *line = NULL;
    enum csv_next next = csv_reader_next(reader, &line, error);   /* the header */
    while (next == CSV_ROW && (next = csv_reader_next(reader, &line, error)) == CSV_ROW) {
        pass->bytes = csv_reader_bytes(reader);
        if (!give_row(pivot, line, pass, error))
            return false;
    }
    line = pivot != NULL && next == CSV_END ? upload_pivot_end(pivot) : NULL;
    if (line != NULL && !pass->on_line(pass->context, line, error))
        return false;
    if (next == CSV_FILE_REFUSED)
        error_set(error, ERROR_INTERNAL, "upload %s is read in another way than before", reading->upload->id);
    return next == CSV_END;
}

bool upload_reading_pass(struct upload_work *work, const struct upload_reading *reading, struct upload_pass *pass,
                         struct error *error)
{
    void *owner = memory_owner(reading, "reading");
    struct bytes bytes = {.work = work, .owner = owner};
    struct upload_findings known = upload_findings_begin(owner);   /* said at the first reading */
    struct csv_source *source = csv_source_open(owner, read_bytes, &bytes, &known, error);
    struct csv_reader *reader =
        source != NULL ? csv_reader_new(owner, source, &reading->dialect, &known, error) : NULL;
    bool good = reader != NULL ? give_rows(reading, reader, pass, error)
                               : !known.file_refused && error->kind == ERROR_NONE &&
                                     error_set(error, ERROR_INTERNAL, "the upload cannot be read again");
    talloc_free(owner);
    return good;
}

/* ---- the dialect, kept for the refused rows ---- */

void upload_dialect_to_json(struct text *out, const struct upload_reading *reading)
{
    const struct csv_dialect *dialect = &reading->dialect;
    char delimiter[2] = {dialect->delimiter, '\0'};
    text_append(out, "{");
    json_text(out, "encoding", csv_encoding_name(dialect->encoding));
    json_text(out, "delimiter", delimiter);
    json_boolean(out, "quoting", dialect->quoting);
    json_boolean(out, "byte_order_mark", dialect->byte_order_mark);
    json_boolean(out, "sep_line", dialect->sep_line);
    json_text(out, "newline", dialect->newline);
    json_texts(out, "header", reading->header, reading->header_count);
    text_append(out, "}");
}

const char *const *upload_dialect_from_json(const void *owner, const char *json, struct csv_dialect *dialect,
                                            size_t *count)
{
    json_t *root = json != NULL ? json_loads(json, 0, NULL) : NULL;
    json_t *header = json_object_get(root, "header");
    const char *newline = json_string_value(json_object_get(root, "newline"));
    const char *delimiter = json_string_value(json_object_get(root, "delimiter"));
    const char *encoding = json_string_value(json_object_get(root, "encoding"));
    const char **cells = NULL;
    if (header != NULL && newline != NULL && delimiter != NULL && encoding != NULL) {
        *dialect = (struct csv_dialect){
            .encoding = csv_encoding_of(encoding), .delimiter = delimiter[0],
            .quoting = json_is_true(json_object_get(root, "quoting")),
            .byte_order_mark = json_is_true(json_object_get(root, "byte_order_mark")),
            .sep_line = json_is_true(json_object_get(root, "sep_line")),
            .newline = memory_copy_string(owner, newline)};
        *count = json_array_size(header);
        cells = memory_new_array(owner, const char *, *count + 1);
        for (size_t i = 0; i < *count; i++)
            cells[i] = memory_copy_string(owner, json_string_value(json_array_get(header, i)));
    }
    json_decref(root);
    return cells;
}
