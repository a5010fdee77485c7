/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_reader.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_encoding.h"
#include "forms/csv_rows.h"
#include "forms/csv_source.h"

struct csv_reader {
    struct csv_source *source;
    struct csv_dialect dialect;
    struct upload_findings *findings;
    struct csv_rows *rows;
    struct csv_decoder decoder;
    struct text *decoded;        /* of a piece; not for UTF-8, which is read where it stands */
    const char *at, *end;        /* of the piece */
    size_t mark_left;            /* bytes of the byte order mark that are still to come */
    bool has_ended;
    bool has_multibyte;          /* characters of UTF-8 that are not ASCII were read */
    int64_t row_count;           /* the header too */
    int64_t empty_rows;
    struct text *mended;         /* a row with U+FFFD in it */
    struct csv_line line;
};

/* The next piece in UTF-8; at == end at the end of the file. */
static bool read_piece(struct csv_reader *reader, struct error *error)
{
    const char *bytes = NULL;
    size_t length = 0, marked = 0;
    do {
        if (!csv_source_next(reader->source, &bytes, &length, error))
            return false;
        marked = reader->mark_left < length ? reader->mark_left : length;
        reader->mark_left -= marked;
    } while (length > 0 && marked == length);
    reader->at = bytes + marked;
    reader->end = bytes + length;
    reader->has_ended = length == 0;
    if (reader->decoder.encoding == CSV_UTF8)
        return true;
    text_clear(reader->decoded);
    if (reader->has_ended)
        csv_decode_end(&reader->decoder, reader->decoded);
    else
        csv_decode(&reader->decoder, bytes + marked, length - marked, reader->decoded);
    reader->at = reader->decoded->bytes;
    reader->end = reader->at + reader->decoded->length;
    return true;
}

/* What stands above the header, line by line, whatever quotes are in it. */
static bool skip_lines(struct csv_reader *reader, int64_t count, struct error *error)
{
    bool is_cr_newline = strcmp(reader->dialect.newline, "\r") == 0, was_cr = false;
    while (count > 0 || was_cr) {
        if (reader->at == reader->end) {
            if (reader->has_ended)
                return true;
            if (!read_piece(reader, error))
                return false;
            continue;
        }
        if (*reader->at == '\n')
            count -= !was_cr;
        else if (count == 0)
            break;
        was_cr = *reader->at == '\r' && is_cr_newline;
        count -= was_cr;
        reader->at++;
    }
    return true;
}

struct csv_reader *csv_reader_new(const void *owner, struct csv_source *source, const struct csv_dialect *dialect,
                                  struct upload_findings *findings, struct error *error)
{
    struct csv_reader *reader = memory_new(owner, struct csv_reader);
    reader->source = source;
    reader->dialect = *dialect;
    if (reader->dialect.newline == NULL)
        reader->dialect.newline = "\n";
    reader->findings = findings;
    reader->decoder.encoding = dialect->encoding == CSV_ENCODING_UNKNOWN ? CSV_UTF8 : dialect->encoding;
    reader->decoded = text_new(reader);
    if (dialect->byte_order_mark)
        csv_encoding_mark(reader->decoder.encoding, &reader->mark_left);
    int64_t header_line = dialect->header_line > 0 ? dialect->header_line : 1;
    bool is_cr_newline = strcmp(reader->dialect.newline, "\r") == 0;
    reader->rows = csv_rows_new(reader);
    csv_rows_begin(reader->rows, dialect->delimiter, dialect->quoting, is_cr_newline, header_line);
    return skip_lines(reader, header_line - 1, error) ? reader : (talloc_free(reader), NULL);
}

/* ---- what cells hold ---- */

/* Length of the character at `cell`; *fault says what is wrong with it. */
static size_t look_at_character(const char *cell, size_t left, const char **fault)
{
    size_t length = text_character_length(cell, left);
    unsigned char first = (unsigned char)cell[0];
    bool is_c1 = length == 2 && first == 0xC2 && (unsigned char)cell[1] < 0xA0;
    *fault = NULL;
    if (first == '\0' || is_c1 || first == 0x7F || (first < 0x20 && first != '\t' && first != '\n'))
        *fault = "control_character";
    else if (length == 0)
        *fault = "invalid_utf8";
    return length;
}

static enum csv_next refuse(struct csv_reader *reader, const char *code, int64_t line, const char *text)
{
    upload_finding_add(reader->findings, UPLOAD_FILE_REFUSED, code, &(struct upload_place){.line = line}, "%s", text);
    return CSV_FILE_REFUSED;
}

/* A byte that UTF-8 does not have, in a file of which nobody said that it is UTF-8. */
static enum csv_next refuse_encoding(struct csv_reader *reader, unsigned char byte)
{
    int64_t line = reader->rows->row_line;
    char shown[4];
    snprintf(shown, sizeof shown, "%02X", (unsigned)byte);
    char *text = memory_format(
        reader, reader->has_multibyte
            ? "the file holds characters of UTF-8, and the byte %s that is none: two encodings in one file; save it "
              "as \"CSV UTF-8\" once more from where the data are right, or declare its encoding in the profile"
            : "the byte %s is no UTF-8, which this file was taken for; save it as \"CSV UTF-8\", or declare its "
              "encoding in the profile (encoding: windows-1252)", shown);
    enum csv_next next = refuse(reader, reader->has_multibyte ? "two_encodings" : "encoding_undeclared", line, text);
    talloc_free(text);
    return next;
}

/* Looks at each character of a row that is not plain: sets the line's fault. */
static enum csv_next look_at_row(struct csv_reader *reader, bool *is_to_mend)
{
    const struct csv_rows *rows = reader->rows;
    for (size_t cell = 0; cell < rows->cell_count; cell++) {
        size_t length = csv_rows_cell_length(rows, cell);
        for (size_t i = 0; i < length;) {
            const char *fault;
            const char *character = rows->cells[cell] + i;
            size_t step = look_at_character(character, length - i, &fault);
            if (step == 0 && *character != '\0' && reader->dialect.encoding_guessed)
                return refuse_encoding(reader, (unsigned char)*character);
            reader->has_multibyte = reader->has_multibyte || step > 1;
            if (fault != NULL && reader->line.fault == NULL) {
                reader->line.fault = fault;
                reader->line.fault_cell = cell;
            }
            *is_to_mend = *is_to_mend || step == 0;
            i += step > 0 ? step : 1;
        }
    }
    return CSV_ROW;
}

/* The row once more, with U+FFFD for what could not be read. */
static void mend_row(struct csv_reader *reader)
{
    struct csv_rows *rows = reader->rows;
    if (reader->mended == NULL)
        reader->mended = text_new(reader);
    struct text *mended = reader->mended;
    text_clear(mended);
    size_t *starts = memory_new_array(reader, size_t, rows->cell_count);
    for (size_t cell = 0; cell < rows->cell_count; cell++) {
        size_t length = csv_rows_cell_length(rows, cell);
        starts[cell] = mended->length;
        for (size_t i = 0; i < length;) {
            size_t step = text_character_length(rows->cells[cell] + i, length - i);
            text_append_bytes(mended, step > 0 ? rows->cells[cell] + i : "\xEF\xBF\xBD", step > 0 ? step : 3);
            i += step > 0 ? step : 1;
        }
        text_append_bytes(mended, "", 1);
    }
    for (size_t cell = 0; cell < rows->cell_count; cell++)
        rows->cells[cell] = mended->bytes + starts[cell];
    talloc_free(starts);
}

static enum csv_next give_row(struct csv_reader *reader, const struct csv_line **line)
{
    const struct csv_rows *rows = reader->rows;
    reader->line = (struct csv_line){
        .number = reader->row_count++,
        .line = rows->row_line,
        .cells = rows->cells,
        .quoted = rows->quoted,
        .cell_count = rows->cell_count,
    };
    *line = &reader->line;
    if (!rows->is_odd)
        return CSV_ROW;
    bool is_to_mend = false;
    enum csv_next next = look_at_row(reader, &is_to_mend);
    if (next == CSV_ROW && is_to_mend)
        mend_row(reader);
    return next;
}

/* ---- rows ---- */

static enum csv_next refuse_step(struct csv_reader *reader, enum csv_step step)
{
    const struct csv_rows *rows = reader->rows;
    if (step == CSV_STEP_TOO_LONG)
        return refuse(reader, "row_too_long", rows->row_line,
                      "the row that begins here is longer than 1 MiB or has more than 16384 cells; is this the file "
                      "that you meant to send?");
    if (step == CSV_STEP_OPEN_QUOTE)
        return refuse(reader, "unterminated_quote", rows->quote_line,
                      "the quote that opens here is not closed, or not within 1 MiB; take it away, or close it behind "
                      "the cell's text");
    return refuse(reader, "bad_quote", rows->quote_line,
                  "a quote stands within the text of a cell; such a cell has quotes around it and each quote in it "
                  "doubled (\"\"), or the profile says that the file has no quoting (quotes: false)");
}

enum csv_next csv_reader_next(struct csv_reader *reader, const struct csv_line **line, struct error *error)
{
    for (;;) {
        enum csv_step step = csv_rows_take(reader->rows, &reader->at, reader->end);
        if (step == CSV_STEP_MORE && !reader->has_ended) {
            if (!read_piece(reader, error))
                return csv_source_is_refused(reader->source) ? CSV_FILE_REFUSED : CSV_FAILED;
            continue;
        }
        if (step == CSV_STEP_MORE)
            step = csv_rows_finish(reader->rows);
        if (step == CSV_STEP_MORE)
            return CSV_END;
        if (step != CSV_STEP_ROW)
            return refuse_step(reader, step);
        if (!csv_rows_is_empty(reader->rows))
            return give_row(reader, line);
        reader->empty_rows++;
    }
}

int64_t csv_reader_empty_rows(const struct csv_reader *reader)
{
    return reader->empty_rows;
}

int64_t csv_reader_bytes(const struct csv_reader *reader)
{
    return csv_source_bytes(reader->source);
}

/* ---- writing ---- */

void csv_write_begin(struct text *out, const struct csv_dialect *dialect)
{
    if (dialect->byte_order_mark) {
        size_t length;
        const char *mark = csv_encoding_mark(dialect->encoding, &length);
        text_append_bytes(out, mark, length);
    }
    if (dialect->sep_line) {
        const char line[] = {'s', 'e', 'p', '=', dialect->delimiter};
        const char *newline = dialect->newline != NULL ? dialect->newline : "\n";
        csv_encode(dialect->encoding, line, sizeof line, out);
        csv_encode(dialect->encoding, newline, strlen(newline), out);
    }
}

static void write_quoted(struct text *out, enum csv_encoding encoding, const char *cell)
{
    csv_encode(encoding, "\"", 1, out);
    while (*cell != '\0') {
        size_t length = strcspn(cell, "\"");
        csv_encode(encoding, cell, length, out);
        cell += length;
        if (*cell == '"') {
            csv_encode(encoding, "\"\"", 2, out);
            cell++;
        }
    }
    csv_encode(encoding, "\"", 1, out);
}

static void write_plain(struct text *out, enum csv_encoding encoding, const char *cell, const char *special)
{
    while (*cell != '\0') {
        size_t length = strcspn(cell, special);
        csv_encode(encoding, cell, length, out);
        cell += length;
        if (*cell != '\0') {
            csv_encode(encoding, " ", 1, out);
            cell++;
        }
    }
}

/* Blanks at the edges are quoted too: other programs would take them away. */
static bool wants_quotes(const char *cell, const char *special)
{
    size_t length = strlen(cell);
    if (length == 0)
        return false;
    return strpbrk(cell, special) != NULL || strchr(" \t", cell[0]) != NULL || strchr(" \t", cell[length - 1]) != NULL;
}

void csv_write_row(struct text *out, const struct csv_dialect *dialect, const char *const *cells, size_t count)
{
    const char special[] = {dialect->delimiter, '\r', '\n', dialect->quoting ? '"' : '\0', '\0'};
    const char *newline = dialect->newline != NULL ? dialect->newline : "\n";
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            csv_encode(dialect->encoding, &dialect->delimiter, 1, out);
        if (dialect->quoting && wants_quotes(cells[i], special))
            write_quoted(out, dialect->encoding, cells[i]);
        else
            write_plain(out, dialect->encoding, cells[i], special);
    }
    csv_encode(dialect->encoding, newline, strlen(newline), out);
}
