/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text that comes in pieces of so many bytes; after `fails_at` bytes it cannot be read any more. */
struct pieces {
    const char *bytes;
    size_t length, at, step;
    size_t fails_at;
    char *piece;             /* a copy that is overwritten, as the promise of csv_read_bytes allows */
};

static bool read_pieces(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct pieces *pieces = context;
    if (pieces->fails_at != 0 && pieces->at >= pieces->fails_at)
        return error_set(error, ERROR_DATABASE, "the database went away");
    *length = pieces->length - pieces->at < pieces->step ? pieces->length - pieces->at : pieces->step;
    free(pieces->piece);
    pieces->piece = malloc(*length + 1);
    assert_non_null(pieces->piece);
    memcpy(pieces->piece, pieces->bytes + pieces->at, *length);
    pieces->at += *length;
    *bytes = pieces->piece;
    return true;
}

/* What was read, written down: "line:cell|cell" and a fault for each row, then what ended it. */
struct reading {
    void *owner;
    struct text *shown;
    struct upload_findings findings;
    struct error error;
    enum csv_next end;
    int64_t empty_rows, bytes;
};

static void show_row(struct text *shown, const struct csv_line *line)
{
    text_append_format(shown, "%d@%d", (int)line->number, (int)line->line);
    for (size_t i = 0; i < line->cell_count; i++)
        text_append_format(shown, "%s%s", line->quoted[i] ? "|\"" : "|", line->cells[i]);
    if (line->fault != NULL)
        text_append_format(shown, " %s in %zu", line->fault, line->fault_cell);
    text_append(shown, "\n");
}

static struct reading read_text(const char *bytes, size_t length, const struct csv_dialect *dialect, size_t step)
{
    struct reading reading = {.owner = memory_owner(NULL, "reading")};
    struct pieces pieces = {.bytes = bytes, .length = length, .step = step};
    reading.shown = text_new(reading.owner);
    reading.findings = upload_findings_begin(reading.owner);
    struct csv_source *source =
        csv_source_open(reading.owner, read_pieces, &pieces, &reading.findings, &reading.error);
    assert_non_null(source);
    struct csv_reader *reader = csv_reader_new(reading.owner, source, dialect, &reading.findings, &reading.error);
    assert_non_null(reader);
    const struct csv_line *line;
    while ((reading.end = csv_reader_next(reader, &line, &reading.error)) == CSV_ROW)
        show_row(reading.shown, line);
    reading.empty_rows = csv_reader_empty_rows(reader);
    reading.bytes = csv_reader_bytes(reader);
    free(pieces.piece);
    return reading;
}

static const struct csv_dialect commas = {
    .encoding = CSV_UTF8, .delimiter = ',', .quoting = true, .header_line = 1, .newline = "\n"};
static const struct csv_dialect cr_lines = {
    .encoding = CSV_UTF8, .delimiter = ',', .quoting = true, .header_line = 1, .newline = "\r"};
static const struct csv_dialect libreclinica = {
    .encoding = CSV_UTF8, .delimiter = '\t', .header_line = 3, .newline = "\n"};
static const struct csv_dialect ansi = {
    .encoding = CSV_WINDOWS_1252, .delimiter = ';', .quoting = true, .header_line = 1, .newline = "\r\n"};
static const struct csv_dialect wide = {.encoding = CSV_UTF16LE, .delimiter = '\t', .quoting = true,
                                        .byte_order_mark = true, .header_line = 1, .newline = "\r\n"};
static const struct csv_dialect wide_big_end = {.encoding = CSV_UTF16BE, .delimiter = ',', .quoting = true,
                                                .header_line = 1, .newline = "\n"};
static const struct csv_dialect marked = {.encoding = CSV_UTF8, .delimiter = ',', .quoting = true,
                                          .byte_order_mark = true, .header_line = 2, .newline = "\n"};

static const struct {
    const char *name;
    const struct csv_dialect *dialect;
    const char *bytes;
    size_t length;
    const char *rows;
    int empty_rows;
} files[] = {
#define FILE_OF(bytes) bytes, sizeof(bytes) - 1
    {"plain", &commas, FILE_OF("a,b\n1,2\n3,4\n"), "0@1|a|b\n1@2|1|2\n2@3|3|4\n", 0},
    {"no last line end", &commas, FILE_OF("a,b\n1,2"), "0@1|a|b\n1@2|1|2\n", 0},
    {"last cell empty", &commas, FILE_OF("a,b\n1,"), "0@1|a|b\n1@2|1|\n", 0},
    {"nothing", &commas, FILE_OF(""), "", 0},
    {"CRLF", &commas, FILE_OF("a,b\r\n1,2\r\n"), "0@1|a|b\n1@2|1|2\n", 0},
    {"CR at the very end", &commas, FILE_OF("a,b\r\n1,2\r"), "0@1|a|b\n1@2|1|2\n", 0},
    {"CR", &cr_lines, FILE_OF("a,b\r1,2\r\r3,4\r"), "0@1|a|b\n1@2|1|2\n2@4|3|4\n", 1},
    {"CR and others", &cr_lines, FILE_OF("a\r1\r\n2\n3"), "0@1|a\n1@2|1\n2@3|2\n3@4|3\n", 0},
    {"a CR within a line", &commas, FILE_OF("a,b\n1\r2,3\n"), "0@1|a|b\n1@2|1\r2|3 control_character in 0\n", 0},
    {"empty rows", &commas, FILE_OF("a,b\n\n,\n , \t\n\"\",\n\xC2\xA0,\n1,\n\n"), "0@1|a|b\n1@7|1|\n", 6},
    {"other counts of cells", &commas, FILE_OF("a,b\n1\n1,2,3\n"), "0@1|a|b\n1@2|1\n2@3|1|2|3\n", 0},
    {"blanks stay", &commas, FILE_OF(" a ,b\n 1,2 \n"), "0@1| a |b\n1@2| 1|2 \n", 0},
    {"quotes", &commas, FILE_OF("\"a\",b\n\"1,\"\"x\"\"\",\"\"\n"), "0@1|\"a|b\n1@2|\"1,\"x\"|\"\n", 0},
    {"blanks around quotes", &commas, FILE_OF("a, \"b,c\" ,d\n"), "0@1|a|\"b,c|d\n", 0},
    {"lines in quotes", &commas, FILE_OF("a,b\n\"1\n2\",\"x\r\n\r\ny\"\n3,4\n"),
     "0@1|a|b\n1@2|\"1\n2|\"x\n\ny\n2@6|3|4\n", 0},
    {"CR lines in quotes", &cr_lines, FILE_OF("a\r\"1\r2\r\n3\"\r4\r"), "0@1|a\n1@2|\"1\n2\n3\n2@5|4\n", 0},
    {"no quoting", &libreclinica, FILE_OF("Dataset\n\"x\nA\tB\n\"1\t2\" 3\n"), "0@3|A|B\n1@4|\"1|2\" 3\n", 0},
    {"control characters", &commas, FILE_OF("a,b\n1,\x01\nx\x7F,2\n\xC2\x85,\0\n3\t,4\n"),
     "0@1|a|b\n1@2|1|\x01 control_character in 1\n2@3|x\x7F|2 control_character in 0\n"
     "3@4|\xC2\x85|\xEF\xBF\xBD control_character in 0\n4@5|3\t|4\n", 0},
    {"a NUL alone is no empty row", &commas, FILE_OF("a,b\n\0,\n"),
     "0@1|a|b\n1@2|\xEF\xBF\xBD| control_character in 0\n", 0},
    {"UTF-8", &commas, FILE_OF("a\n\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n"),
     "0@1|a\n1@2|\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\n", 0},
    {"no UTF-8", &commas, FILE_OF("a,b\n\xC3\xA4,x\xFCy\xE2\x82\n1,2\n"),
     "0@1|a|b\n1@2|\xC3\xA4|x\xEF\xBF\xBDy\xEF\xBF\xBD\xEF\xBF\xBD invalid_utf8 in 1\n2@3|1|2\n", 0},
    {"windows-1252", &ansi, FILE_OF("a;b\r\n\xE4\x80;\"\x93x\x94\"\r\n\x81;1\r\n"),
     "0@1|a|b\n1@2|\xC3\xA4\xE2\x82\xAC|\"\xE2\x80\x9Cx\xE2\x80\x9D\n2@3|\xEF\xBF\xBD|1 invalid_utf8 in 0\n", 0},
    {"UTF-16 with its mark", &wide, FILE_OF("\xFF\xFE" "a\0\t\0b\0\r\0\n\0\xAC\x20\t\0\x3D\xD8\x00\xDE\r\0\n\0"),
     "0@1|a|b\n1@2|\xE2\x82\xAC|\xF0\x9F\x98\x80\n", 0},
    {"halves of pairs", &wide_big_end, FILE_OF("\0a\0\n\xD8\x3D\0\n\xDE\0\0\n\0b\0"),
     "0@1|a\n1@2|\xEF\xBF\xBD invalid_utf8 in 0\n2@3|\xEF\xBF\xBD invalid_utf8 in 0\n"
     "3@4|b\xEF\xBF\xBD invalid_utf8 in 0\n", 0},
    {"a mark and a line above", &marked, FILE_OF("\xEF\xBB\xBFsep=,\na,b\n1,2\n"), "0@2|a|b\n1@3|1|2\n", 0},
};

static void test_csv_reader_next_gives_the_same_rows_for_pieces_of_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(files); i++)
        for (size_t step = 1; step <= files[i].length + 1; step++) {
            struct reading reading = read_text(files[i].bytes, files[i].length, files[i].dialect, step);
            if (reading.end != CSV_END || strcmp(reading.shown->bytes, files[i].rows) != 0)
                fail_msg("%s, pieces of %zu: ends with %d, rows are\n%s", files[i].name, step, (int)reading.end,
                         reading.shown->bytes);
            assert_int_equal(reading.empty_rows, files[i].empty_rows);
            assert_int_equal(reading.bytes, files[i].length);
            assert_int_equal(reading.findings.count, 0);
            talloc_free(reading.owner);
        }
}

static struct csv_dialect guessed(void)
{
    struct csv_dialect dialect = commas;
    dialect.encoding_guessed = true;
    return dialect;
}

static void test_csv_reader_next_refused_file_says_code_and_line(void **state)
{
    (void)state;
    const struct csv_dialect guess = guessed();
    const struct {
        const struct csv_dialect *dialect;
        const char *text, *code;
        int line;
    } cases[] = {
        {&commas, "a,b\n1,\"2\n3,4\n5,6\n", "unterminated_quote", 2},
        {&commas, "a,b\n\"1\n\",\"2\n3,4\n", "unterminated_quote", 3},
        {&commas, "a,b\n1,\"", "unterminated_quote", 2},
        {&commas, "a,b\n1,5\" pipe\n", "bad_quote", 2},
        {&commas, "a,b\n\"x\ny\"z,1\n", "bad_quote", 2},
        {&commas, "a,b\n\"x\" \"y\",1\n", "bad_quote", 2},
        {&commas, "a,b\n\"x\"\ry,1\n", "bad_quote", 2},
        {&commas, "a,b\n1,\"2\n3,\"4\n", "bad_quote", 2},
        {&guess, "a,b\n1,2\n\xFC,3\n", "encoding_undeclared", 3},
        {&guess, "a,b\n\xC3\xBC,2\n1,\xFC\n", "two_encodings", 3},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t step = 1; step <= strlen(cases[i].text); step++) {
            struct reading reading = read_text(cases[i].text, strlen(cases[i].text), cases[i].dialect, step);
            assert_int_equal(reading.end, CSV_FILE_REFUSED);
            assert_int_equal(reading.findings.count, 1);
            assert_true(reading.findings.file_refused);
            assert_string_equal(reading.findings.findings[0].code, cases[i].code);
            assert_int_equal(reading.findings.findings[0].line, cases[i].line);
            talloc_free(reading.owner);
        }
}

/* A header and one row: `cells` cells of `bytes` characters each, the first within quotes that stay open or not. */
static struct reading read_large_row(const char *open, size_t cells, size_t bytes, size_t step)
{
    void *owner = memory_owner(NULL, "large");
    struct text *text = text_new(owner);
    text_append(text, "a\n");
    text_append(text, open);
    char *cell = memory_zeroed(owner, bytes + 1, 1, "cell");
    memset(cell, 'x', bytes);
    for (size_t i = 0; i < cells; i++)
        text_append_format(text, "%s%s", i > 0 ? "," : "", cell);
    text_append(text, "\n");
    struct reading reading = read_text(text->bytes, text->length, &commas, step);
    talloc_free(owner);
    return reading;
}

static void test_csv_reader_next_limits_of_a_row(void **state)
{
    (void)state;
    static const struct {
        const char *open;
        size_t cells, bytes;
        const char *code;        /* NULL: it is read */
    } cases[] = {
        {"", 1, CSV_ROW_BYTES - 1, NULL},
        {"", 1, CSV_ROW_BYTES, "row_too_long"},
        {"", 2, CSV_ROW_BYTES / 2 - 1, NULL},
        {"", 2, CSV_ROW_BYTES / 2, "row_too_long"},
        {"", CSV_ROW_CELLS, 1, NULL},
        {"", CSV_ROW_CELLS + 1, 1, "row_too_long"},
        {"\"", 1, CSV_ROW_BYTES, "unterminated_quote"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t step = 1009; step < 4 * CSV_ROW_BYTES; step *= 37) {
            struct reading reading = read_large_row(cases[i].open, cases[i].cells, cases[i].bytes, step);
            assert_int_equal(reading.end, cases[i].code == NULL ? CSV_END : CSV_FILE_REFUSED);
            if (cases[i].code != NULL) {
                assert_string_equal(reading.findings.findings[0].code, cases[i].code);
                assert_int_equal(reading.findings.findings[0].line, 2);
            }
            talloc_free(reading.owner);
        }
}

static void test_csv_reader_next_lost_database_is_an_error(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct pieces pieces = {.bytes = "a,b\n1,2\n3,4\n5,6\n", .length = 16, .step = 4, .fails_at = 12};
    struct upload_findings findings = upload_findings_begin(owner);
    struct error error = {0};
    struct csv_source *source = csv_source_open(owner, read_pieces, &pieces, &findings, &error);
    struct csv_reader *reader = csv_reader_new(owner, source, &commas, &findings, &error);
    const struct csv_line *line;
    enum csv_next next;
    int rows = 0;
    while ((next = csv_reader_next(reader, &line, &error)) == CSV_ROW)
        rows++;
    assert_int_equal(next, CSV_FAILED);
    assert_int_equal(rows, 3);
    assert_int_equal(error.kind, ERROR_DATABASE);
    assert_false(findings.file_refused);
    free(pieces.piece);
    talloc_free(owner);
}

/* ---- writing ---- */

static void test_csv_write_row_quotes_only_what_wants_it(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner);
    static const char *const cells[] = {"plain", "a;b",   "1,5", "say \"x\"", "two\nlines",
                                        " edge", "", "\xD0\xBE\xE2\x82\xAC"};
    csv_write_row(out, &ansi, cells, COUNT(cells));
    assert_string_equal(out->bytes,
                        "plain;\"a;b\";1,5;\"say \"\"x\"\"\";\"two\nlines\";\" edge\";;<U+043E>\x80\r\n");
    text_clear(out);
    static const char *const bare[] = {"a\tb", "say \"x\"\n", "-"};
    csv_write_row(out, &libreclinica, bare, COUNT(bare));
    assert_string_equal(out->bytes, "a b\tsay \"x\" \t-\n");
    talloc_free(owner);
}

static void test_csv_write_begin_writes_mark_and_sep_line(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *out = text_new(owner);
    csv_write_begin(out, &commas);
    assert_int_equal(out->length, 0);
    struct csv_dialect dialect = wide;
    dialect.sep_line = true;
    csv_write_begin(out, &dialect);
    assert_int_equal(out->length, 16);
    assert_memory_equal(out->bytes, "\xFF\xFEs\0e\0p\0=\0\t\0\r\0\n\0", 16);
    talloc_free(owner);
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525U + 1013904223U;
    return *random >> 8;
}

/* A cell of characters that mean something somewhere; every encoding has them, `without` are left out. */
static const char *make_cell(void *owner, uint32_t *random, const char *without)
{
    static const char *const characters[] = {"a", "1", " ", ",", ";", "\t", "|", "^", "\"", "\n", "\xC3\xA4",
                                             "\xE2\x82\xAC", "\xC2\xA0", "'", "=", ".", "-"};
    struct text *cell = text_new(owner);
    for (uint32_t left = next_random(random) % 8; left > 0; left--) {
        const char *character = characters[next_random(random) % COUNT(characters)];
        if (strstr(without, character) == NULL)
            text_append(cell, character);
    }
    return cell->bytes;
}

enum { RANDOM_ROWS = 40, RANDOM_CELLS = 4 };

static void check_random_rows(const struct csv_dialect *dialect, uint32_t *random)
{
    void *owner = memory_owner(NULL, "random");
    struct text *file = text_new(owner), *expected = text_new(owner);
    const char without[] = {dialect->delimiter, '\n', '"', '\0'};
    csv_write_begin(file, dialect);
    for (int row = 0; row < RANDOM_ROWS; row++) {
        const char *cells[RANDOM_CELLS] = {"x"};   /* no row is empty */
        for (int i = 1; i < RANDOM_CELLS; i++)
            cells[i] = make_cell(owner, random, dialect->quoting ? "" : without);
        csv_write_row(file, dialect, cells, RANDOM_CELLS);
        text_append_format(expected, "x|%s|%s|%s\n", cells[1], cells[2], cells[3]);
    }
    struct pieces pieces = {.bytes = file->bytes, .length = file->length, .step = 1 + next_random(random) % 50};
    struct upload_findings findings = upload_findings_begin(owner);
    struct error error = {0};
    struct csv_source *source = csv_source_open(owner, read_pieces, &pieces, &findings, &error);
    struct csv_reader *reader = csv_reader_new(owner, source, dialect, &findings, &error);
    struct text *found = text_new(owner);
    const struct csv_line *line;
    while (csv_reader_next(reader, &line, &error) == CSV_ROW) {
        assert_int_equal(line->cell_count, RANDOM_CELLS);
        assert_null(line->fault);
        text_append_format(found, "%s|%s|%s|%s\n", line->cells[0], line->cells[1], line->cells[2], line->cells[3]);
    }
    assert_string_equal(found->bytes, expected->bytes);
    assert_int_equal(findings.count, 0);
    free(pieces.piece);
    talloc_free(owner);
}

static void test_csv_write_row_is_read_again_with_the_same_cells_in_every_dialect(void **state)
{
    (void)state;
    static const char *const newlines[] = {"\n", "\r\n", "\r"};
    static const enum csv_encoding encodings[] = {CSV_UTF8, CSV_WINDOWS_1252, CSV_UTF16LE, CSV_UTF16BE};
    uint32_t random = 20261122;
    for (size_t encoding = 0; encoding < COUNT(encodings); encoding++)
        for (size_t newline = 0; newline < COUNT(newlines); newline++)
            for (const char *delimiter = ",;\t|^"; *delimiter != '\0'; delimiter++)
                for (int flags = 0; flags < 4; flags++) {
                    bool has_sep = flags & 1;
                    struct csv_dialect dialect = {
                        .encoding = encodings[encoding], .delimiter = *delimiter, .quoting = (flags & 2) != 0,
                        .byte_order_mark = encodings[encoding] != CSV_WINDOWS_1252, .sep_line = has_sep,
                        .header_line = has_sep ? 2 : 1, .newline = newlines[newline]};
                    check_random_rows(&dialect, &random);
                }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_reader_next_gives_the_same_rows_for_pieces_of_every_size),
        cmocka_unit_test(test_csv_reader_next_refused_file_says_code_and_line),
        cmocka_unit_test(test_csv_reader_next_limits_of_a_row),
        cmocka_unit_test(test_csv_reader_next_lost_database_is_an_error),
        cmocka_unit_test(test_csv_write_row_quotes_only_what_wants_it),
        cmocka_unit_test(test_csv_write_begin_writes_mark_and_sep_line),
        cmocka_unit_test(test_csv_write_row_is_read_again_with_the_same_cells_in_every_dialect),
    };
    return cmocka_run_group_tests_name("csv_reader", tests, NULL, NULL);
}
