/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as an uploaded CSV file in any dialect: the same rows in pieces of every size, the same again when they are
 * written and read, the cells that libcsv finds, and the header where csv_dialect_find says that it is.
 * The first three bytes are no part of the file: delimiter, flags (enum), bytes of a piece.
 */
#define FUZZ_TARGET fuzz_csv_reader
#include "tests/fuzz/fuzz.h"

#include <csv.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_encoding.h"
#include "forms/csv_reader.h"

enum { CR_LINES = 1, NO_QUOTING = 2, ENCODING_SHIFT = 2, MARK = 16, OPTIONS = 3 };

struct input {
    const char *bytes;
    size_t length;
    size_t step;
    struct csv_dialect dialect;
};

struct pieces {
    const struct input *input;
    size_t at, step;
};

static bool read_pieces(void *context, const char **bytes, size_t *length, struct error *error)
{
    (void)error;
    struct pieces *pieces = context;
    size_t left = pieces->input->length - pieces->at;
    *bytes = pieces->input->bytes + pieces->at;
    *length = left < pieces->step ? left : pieces->step;
    pieces->at += *length;
    return true;
}

/* Rows as a text in which no two lists of rows look alike; blanks around bare cells may be left out. */
struct reading {
    struct text *rows;
    struct text *again;          /* rows without a fault, written anew */
    struct text *kept;           /* the same as `rows` would show them */
    bool is_refused;
    bool has_fault;
};

static void show_cell(struct text *out, const char *cell, size_t length, bool is_trimmed)
{
    while (is_trimmed && length > 0 && (*cell == ' ' || *cell == '\t'))
        cell++, length--;
    while (is_trimmed && length > 0 && (cell[length - 1] == ' ' || cell[length - 1] == '\t'))
        length--;
    text_append_format(out, "%zu:", length);
    text_append_bytes(out, cell, length);
}

static void show_row(struct text *out, const struct csv_line *line, bool is_trimmed)
{
    for (size_t i = 0; i < line->cell_count; i++)
        show_cell(out, line->cells[i], strlen(line->cells[i]), is_trimmed && !line->quoted[i]);
    text_append(out, "\n");
}

static void check_line(const struct csv_line *line, int64_t number, int64_t last_line)
{
    FUZZ_REQUIRE(line->number == number);
    FUZZ_REQUIRE(line->line > last_line);
    FUZZ_REQUIRE(line->cell_count > 0 && line->cell_count <= CSV_ROW_CELLS);
    bool is_empty = true;
    for (size_t i = 0; i < line->cell_count; i++) {
        FUZZ_REQUIRE(text_is_utf8(line->cells[i], strlen(line->cells[i])));
        is_empty = is_empty && line->cells[i][strspn(line->cells[i], " \t\xC2\xA0")] == '\0';
        FUZZ_REQUIRE(line->fault != NULL || strchr(line->cells[i], '\r') == NULL);
    }
    FUZZ_REQUIRE(!is_empty);
    FUZZ_REQUIRE(line->fault == NULL || line->fault_cell < line->cell_count);
}

static struct reading read_rows(const void *owner, const struct input *input, size_t step, bool is_trimmed)
{
    struct reading reading = {text_new(owner), text_new(owner), text_new(owner), false, false};
    struct upload_findings findings = upload_findings_begin(owner);
    struct error error = {0};
    struct pieces pieces = {.input = input, .step = step};
    struct csv_source *source = csv_source_open(owner, read_pieces, &pieces, &findings, &error);
    struct csv_reader *reader =
        source != NULL ? csv_reader_new(owner, source, &input->dialect, &findings, &error) : NULL;
    enum csv_next next = reader != NULL ? CSV_ROW : CSV_FILE_REFUSED;
    csv_write_begin(reading.again, &input->dialect);
    static const char *const first[] = {"x"};   /* so that nothing is taken for a ZIP */
    csv_write_row(reading.again, &input->dialect, first, 1);
    show_cell(reading.kept, first[0], 1, false);
    text_append(reading.kept, "\n");
    const struct csv_line *line;
    int64_t number = 0, last_line = 0;
    while (reader != NULL && (next = csv_reader_next(reader, &line, &error)) == CSV_ROW) {
        check_line(line, number++, last_line);
        last_line = line->line;
        show_row(reading.rows, line, is_trimmed);
        reading.has_fault = reading.has_fault || line->fault != NULL;
        if (line->fault == NULL) {
            csv_write_row(reading.again, &input->dialect, line->cells, line->cell_count);
            show_row(reading.kept, line, is_trimmed);
        }
    }
    FUZZ_REQUIRE_WITH(error.kind == ERROR_NONE, error.message);
    reading.is_refused = next == CSV_FILE_REFUSED;
    FUZZ_REQUIRE(findings.file_refused == reading.is_refused);
    for (size_t i = 0; i < findings.count; i++)
        FUZZ_REQUIRE(text_is_utf8(findings.findings[i].text, strlen(findings.findings[i].text)));
    return reading;
}

static void require_same_again(const void *owner, const struct input *input, const struct reading *reading)
{
    struct input again = *input;
    again.bytes = reading->again->bytes;
    again.length = reading->again->length;
    again.dialect.header_line = 1;
    struct reading other = read_rows(owner, &again, input->step, false);
    FUZZ_REQUIRE(!other.is_refused && !other.has_fault);
    FUZZ_REQUIRE_WITH(strcmp(other.rows->bytes, reading->kept->bytes) == 0, other.rows->bytes);
}

/* ---- libcsv ---- */

struct oracle {
    struct text *rows, *row;
    size_t cells;
    bool is_empty;               /* blanks only, which our reader passes over */
};

/* Line ends within quotes are LF in ours. */
static void take_cell(void *bytes, size_t length, void *context)
{
    struct oracle *oracle = context;
    char *cell = memory_copy_bytes(oracle->row, bytes, length);
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        if (cell[i] != '\r')
            cell[kept++] = cell[i];
        else if (i + 1 == length || cell[i + 1] != '\n')
            cell[kept++] = '\n';
    }
    cell[kept] = '\0';
    show_cell(oracle->row, cell, kept, false);
    for (const char *c = cell; *c != '\0'; c++)
        if (strncmp(c, "\xC2\xA0", 2) == 0)
            c++;
        else
            oracle->is_empty = oracle->is_empty && (*c == ' ' || *c == '\t');
    oracle->cells++;
    talloc_free(cell);
}

static void take_row_end(int end, void *context)
{
    (void)end;
    struct oracle *oracle = context;
    text_append(oracle->row, "\n");
    if (oracle->cells > 0 && !oracle->is_empty)
        text_append_bytes(oracle->rows, oracle->row->bytes, oracle->row->length);
    text_clear(oracle->row);
    oracle->cells = 0;
    oracle->is_empty = true;
}

/* libcsv takes CR for the end of a row everywhere, and blanks around bare cells away. */
static void require_cells_of_libcsv(const void *owner, const struct input *input)
{
    struct text *file = text_new(owner);
    text_append(file, "x\n");   /* so that nothing is taken for a ZIP */
    text_append_bytes(file, input->bytes, input->length);
    struct input plain = {.bytes = file->bytes, .length = file->length};
    plain.dialect = (struct csv_dialect){.encoding = CSV_UTF8, .delimiter = input->dialect.delimiter, .quoting = true,
                                         .header_line = 1, .newline = "\r"};
    struct reading reading = read_rows(owner, &plain, input->step, true);
    struct oracle oracle = {.rows = text_new(owner), .row = text_new(owner), .is_empty = true};
    struct csv_parser parser;
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser, (unsigned char)input->dialect.delimiter);
    size_t parsed = csv_parse(&parser, plain.bytes, plain.length, take_cell, take_row_end, &oracle);
    bool is_refused = parsed != plain.length || csv_fini(&parser, take_cell, take_row_end, &oracle) != 0;
    csv_free(&parser);
    FUZZ_REQUIRE(is_refused == reading.is_refused);
    FUZZ_REQUIRE_WITH(strcmp(oracle.rows->bytes, reading.rows->bytes) == 0, reading.rows->bytes);
}

/* ---- the dialect ---- */

static bool names_a(void *context, const char *const *cells, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        if (strcmp(cells[i], "a") == 0)
            return true;
    return false;
}

/* The first row that is read is the header that was found; only blanks around its cells may differ. */
static void require_header(const void *owner, const struct input *input)
{
    struct upload_findings findings = upload_findings_begin(owner);
    struct input found = *input;
    found.dialect = (struct csv_dialect){.encoding = input->step % 2 == 0 ? CSV_ENCODING_UNKNOWN : CSV_WINDOWS_1252};
    if (!csv_dialect_find(input->bytes, input->length, names_a, NULL, &found.dialect, &findings)) {
        FUZZ_REQUIRE(findings.file_refused);
        return;
    }
    FUZZ_REQUIRE(!findings.file_refused);
    struct error error = {0};
    struct pieces pieces = {.input = input, .step = input->step};
    struct csv_source *source = csv_source_open(owner, read_pieces, &pieces, &findings, &error);
    if (source == NULL)
        return;
    struct csv_reader *reader = csv_reader_new(owner, source, &found.dialect, &findings, &error);
    const struct csv_line *line = NULL;
    FUZZ_REQUIRE(reader != NULL && csv_reader_next(reader, &line, &error) == CSV_ROW);
    FUZZ_REQUIRE(line->number == 0 && line->line == found.dialect.header_line);
    bool has_a = false;
    for (size_t i = 0; i < line->cell_count; i++) {
        size_t blanks = strspn(line->cells[i], " \t\xC2\xA0");
        has_a = has_a || (line->cells[i][blanks] == 'a' &&
                          line->cells[i][blanks + 1 + strspn(line->cells[i] + blanks + 1, " \t\xC2\xA0")] == '\0');
    }
    FUZZ_REQUIRE(has_a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum csv_encoding encodings[] = {CSV_UTF8, CSV_WINDOWS_1252, CSV_UTF16LE, CSV_UTF16BE};
    if (size < OPTIONS)
        return 0;
    void *owner = memory_owner(NULL, "fuzz");
    struct input input = {.bytes = (const char *)data + OPTIONS, .length = size - OPTIONS, .step = 1 + data[2] % 64};
    input.dialect = (struct csv_dialect){
        .encoding = encodings[(data[1] >> ENCODING_SHIFT) & 3],
        .delimiter = ",;\t|^"[data[0] % 5],
        .quoting = (data[1] & NO_QUOTING) == 0,
        .byte_order_mark = (data[1] & MARK) != 0,
        .header_line = 1,
        .newline = (data[1] & CR_LINES) != 0 ? "\r" : "\n",
    };
    struct reading whole = read_rows(owner, &input, input.length + 1, false);
    struct reading pieces = read_rows(owner, &input, input.step, false);
    FUZZ_REQUIRE(whole.is_refused == pieces.is_refused && whole.has_fault == pieces.has_fault);
    FUZZ_REQUIRE_WITH(strcmp(whole.rows->bytes, pieces.rows->bytes) == 0, pieces.rows->bytes);
    require_same_again(owner, &input, &whole);
    if (text_is_utf8(input.bytes, input.length))
        require_cells_of_libcsv(owner, &input);
    require_header(owner, &input);
    talloc_free(owner);
    return 0;
}
