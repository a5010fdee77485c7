/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/csv_dialect.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(text) text, sizeof(text) - 1

/* The header names the subject's column. */
static bool names_subject(void *context, const char *const *cells, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(cells[i], "subject") == 0 || strcmp(cells[i], "Study Subject ID") == 0)
            return true;
    return false;
}

/* What a finding with this code says; "" when there is none. */
static const char *text_of(const struct upload_findings *findings, const char *code)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->findings[i].code, code) == 0)
            return findings->findings[i].text;
    return "";
}

/* "delimiter encoding header_line newline", newlines as letters, and marks for what else was found. */
static const char *describe(const void *owner, const struct csv_dialect *dialect)
{
    const char *newline = dialect->newline;
    newline = strcmp(newline, "\n") == 0 ? "LF" : strcmp(newline, "\r") == 0 ? "CR" : "CRLF";
    const char delimiter[] = {dialect->delimiter, '\0'};
    return memory_format(owner, "%s %s %d %s%s%s%s", strcmp(delimiter, "\t") == 0 ? "tab" : delimiter,
                         csv_encoding_name(dialect->encoding), (int)dialect->header_line, newline,
                         dialect->quoting ? "" : " bare", dialect->byte_order_mark ? " mark" : "",
                         dialect->sep_line ? " sep" : "");
}

static void test_csv_dialect_find_says_what_it_found(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t length;
        const char *dialect;
        const char *codes;       /* of all findings, in their order */
    } cases[] = {
        {"commas", BYTES("subject,a\n1,2\n"), ", utf-8 1 LF", "encoding delimiter"},
        {"semicolons", BYTES("a;Subject\r\n1,5;2\r\n"), "; utf-8 1 CRLF", "encoding delimiter newline"},
        {"tabs", BYTES("subject\ta\n1\t2\n"), "tab utf-8 1 LF", "encoding delimiter"},
        {"bars", BYTES("subject|a\n1|2\n"), "| utf-8 1 LF", "encoding delimiter"},
        {"carets", BYTES("subject^a\n1^2\n"), "^ utf-8 1 LF", "encoding delimiter"},
        {"one column", BYTES("subject\n1\n"), ", utf-8 1 LF", "encoding delimiter"},
        {"no rows", BYTES("subject,a"), ", utf-8 1 LF", "encoding delimiter"},
        {"CR", BYTES("subject,a\r1,2\r"), ", utf-8 1 CR", "encoding delimiter newline"},
        {"names with blanks", BYTES(" subject ,\xC2\xA0" "a\n1,2\n"), ", utf-8 1 LF", "encoding delimiter"},
        {"a mark", BYTES("\xEF\xBB\xBFsubject,a\n1,2\n"), ", utf-8 1 LF mark", "byte_order_mark delimiter"},
        {"sep line", BYTES("sep=;\r\nsubject;a\r\n"), "; utf-8 2 CRLF sep", "encoding sep_line newline"},
        {"sep line in quotes", BYTES("\"sep=|\"\nsubject|a\n"), "| utf-8 2 LF sep", "encoding sep_line"},
        {"mark and sep line", BYTES("\xEF\xBB\xBFsep=\t\nsubject\ta\n"), "tab utf-8 2 LF mark sep",
         "byte_order_mark sep_line"},
        {"a title above", BYTES("Our \"data, 5\n,,\nsubject,a\n"), ", utf-8 3 LF", "encoding delimiter banner"},
        {"UTF-16", BYTES("\xFF\xFEs\0u\0b\0j\0e\0c\0t\0\t\0\xE4\0\r\0\n\0"), "tab utf-16le 1 CRLF mark",
         "byte_order_mark delimiter newline"},
        {"UTF-16, big end", BYTES("\xFE\xFF\0s\0u\0b\0j\0e\0c\0t\0,\0a\0\n"), ", utf-16be 1 LF mark",
         "byte_order_mark delimiter"},
        {"quoted newline in the header", BYTES("\"a\nb\",subject\r\n1,2\r\n"), ", utf-8 1 CRLF",
         "encoding delimiter newline"},
        {"LibreClinica", BYTES("Dataset Name:\tx\nSubjects:\t5\n\nStudy Subject ID\tA \t B\n1\t\"2\t3\n"),
         "tab utf-8 4 LF bare", "encoding delimiter banner"},
        {"quotes in tabs", BYTES("subject\ta\n1\t\"x\ty\"\n"), "tab utf-8 1 LF", "encoding delimiter"},
        {"inches in tabs", BYTES("subject\ta\n1\t5\" pipe\n2\t\"\n"), "tab utf-8 1 LF bare", "encoding delimiter"},
        {"a row of another count", BYTES("subject;a;b\n1,5;2,5\n1;2;3\n"), "; utf-8 1 LF", "encoding delimiter"},
        {"quotes are for the reader", BYTES("subject,a\n\"1,2\n"), ", utf-8 1 LF", "encoding delimiter"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct upload_findings findings = upload_findings_begin(owner);
        struct csv_dialect dialect = {0};
        if (!csv_dialect_find(cases[i].bytes, cases[i].length, names_subject, NULL, &dialect, &findings))
            fail_msg("%s: %s", cases[i].name, findings.findings[findings.count - 1].text);
        struct text *codes = text_new(owner);
        for (size_t j = 0; j < findings.count; j++) {
            assert_int_equal(findings.findings[j].severity, UPLOAD_ASSUMED);
            text_append_format(codes, "%s%s", j > 0 ? " " : "", findings.findings[j].code);
        }
        if (strcmp(describe(owner, &dialect), cases[i].dialect) != 0 || strcmp(codes->bytes, cases[i].codes) != 0)
            fail_msg("%s: found %s (%s)", cases[i].name, describe(owner, &dialect), codes->bytes);
        assert_int_equal(dialect.encoding_guessed, *text_of(&findings, "encoding") != '\0');
        talloc_free(owner);
    }
}

static void test_csv_dialect_find_refused_file_says_code_line_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *code;
        int line;
        const char *says;
    } cases[] = {
        {BYTES(""), "empty_file", 0, "empty"},
        {BYTES("\r\n \t\n"), "empty_file", 0, "empty"},
        {BYTES("\xEF\xBB\xBF"), "empty_file", 0, "empty"},
        {BYTES("a,b\n1,2\n"), "no_header", 1, "subject, record_id"},
        {BYTES("\xFE\xFF\0s\0u\0b\0j\0e\0c\0t\0"), "no_header", 1, "is a header"},
        {BYTES("subject\0,a\n1,2,3,4\n"), "no_header", 1, "is a header"},
        {BYTES("sep=;\nsubject,a\n"), "no_header", 2, "line 2 is one"},
        {BYTES("<html><table>subject"), "spreadsheet_file", 0, "HTML"},
        {BYTES("\n<?xml version='1.0'?>"), "spreadsheet_file", 0, "save it as \"CSV UTF-8\""},
        {BYTES("subject,a\n1,2\n2,M\xFCller\n"), "encoding_undeclared", 3,
         "byte FC, which is no UTF-8; as windows-1252 it is \"M\xC3\xBCller\""},
        {BYTES("subject,a\n1,\xC3\xBC\n2,\xFC\n"), "two_encodings", 3,
         "line 2 holds a character of UTF-8, and line 3"},
        {BYTES("s\0u\0b\0j\0e\0c\0t\0,\0a\0\n\0"), "encoding_undeclared", 1, "encoding: utf-16le"},
        {BYTES("\0s\0u\0b\0j\0e\0c\0t\0,\0a\0\n"), "encoding_undeclared", 1, "encoding: utf-16be"},
        {BYTES("subject,a\n1,2\n1;2\n"), "mixed_delimiters", 3,
         "the header has commas between its cells, and this line has semicolons"},
        {BYTES("subject\ta\tb\n\n1|2|3\n"), "mixed_delimiters", 3, "vertical bars"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct upload_findings findings = upload_findings_begin(owner);
        struct csv_dialect dialect = {0};
        assert_false(csv_dialect_find(cases[i].bytes, cases[i].length, names_subject, NULL, &dialect, &findings));
        assert_true(findings.file_refused);
        const struct upload_finding *last = &findings.findings[findings.count - 1];
        assert_string_equal(last->code, cases[i].code);
        assert_int_equal(last->line, cases[i].line);
        if (strstr(last->text, cases[i].says) == NULL)
            fail_msg("%s: \"%s\" is not said: %s", cases[i].code, cases[i].says, last->text);
        talloc_free(owner);
    }
}

static void test_csv_dialect_find_declared_dialect_is_kept_and_not_said(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    struct csv_dialect dialect = {
        .encoding = CSV_WINDOWS_1252, .delimiter = '\t', .decimal = ',', .quoting_declared = true};
    static const char file[] = "subject\ta\n1\t\"\xFC\n";
    assert_true(csv_dialect_find(BYTES(file), names_subject, NULL, &dialect, &findings));
    assert_string_equal(describe(owner, &dialect), "tab windows-1252 1 LF bare");
    assert_int_equal(dialect.decimal, ',');
    assert_false(dialect.encoding_guessed);
    assert_int_equal(findings.count, 0);
    talloc_free(owner);
}

static void test_csv_dialect_find_declared_delimiter_that_is_not_there_names_the_other(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    struct csv_dialect dialect = {.delimiter = ';'};
    assert_false(csv_dialect_find(BYTES("subject,a\n1,2\n"), names_subject, NULL, &dialect, &findings));
    assert_non_null(strstr(text_of(&findings, "no_header"), "semicolons"));
    assert_non_null(strstr(text_of(&findings, "no_header"), "with commas line 1 is one"));
    talloc_free(owner);
}

static void test_csv_dialect_find_declared_encoding_gives_way_to_what_the_bytes_are(void **state)
{
    (void)state;
    static const struct {
        enum csv_encoding declared;
        const char *bytes;
        size_t length;
        const char *dialect, *code;
    } cases[] = {
        {CSV_WINDOWS_1252, BYTES("subject,\xC3\xBC\n"), ", utf-8 1 LF", "encoding"},
        {CSV_WINDOWS_1252, BYTES("\xEF\xBB\xBFsubject,a\n"), ", utf-8 1 LF mark", "byte_order_mark"},
        {CSV_UTF16LE, BYTES("subject,a\n"), ", utf-8 1 LF", "encoding"},
        {CSV_UTF8, BYTES("\xFE\xFF\0s\0u\0b\0j\0e\0c\0t\0\n"), ", utf-16be 1 LF mark", "byte_order_mark"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct upload_findings findings = upload_findings_begin(owner);
        struct csv_dialect dialect = {.encoding = cases[i].declared, .delimiter = ','};
        assert_true(csv_dialect_find(cases[i].bytes, cases[i].length, names_subject, NULL, &dialect, &findings));
        assert_string_equal(describe(owner, &dialect), cases[i].dialect);
        assert_non_null(strstr(text_of(&findings, cases[i].code), csv_encoding_name(cases[i].declared)));
        talloc_free(owner);
    }
}

/* Bytes that no UTF-8 has are a matter of their rows where the encoding is declared or marked. */
static void test_csv_dialect_find_declared_utf8_leaves_bad_bytes_to_the_rows(void **state)
{
    (void)state;
    static const struct {
        enum csv_encoding declared;
        const char *bytes;
        size_t length;
    } cases[] = {
        {CSV_UTF8, BYTES("subject,a\n1,\xFC\xC3\xBC\n")},
        {CSV_ENCODING_UNKNOWN, BYTES("\xEF\xBB\xBFsubject,a\n1,\xFC\xC3\xBC\n")},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct upload_findings findings = upload_findings_begin(owner);
        struct csv_dialect dialect = {.encoding = cases[i].declared};
        assert_true(csv_dialect_find(cases[i].bytes, cases[i].length, names_subject, NULL, &dialect, &findings));
        assert_int_equal(dialect.encoding, CSV_UTF8);
        assert_false(dialect.encoding_guessed);
        talloc_free(owner);
    }
}

static struct text *make_banner(void *owner, int lines)
{
    struct text *file = text_new(owner);
    for (int i = 0; i < lines; i++)
        text_append(file, "a line of the banner\n");
    text_append(file, "subject,a\n1,2\n");
    return file;
}

static void test_csv_dialect_find_header_stands_within_the_first_fifty_lines(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    struct csv_dialect dialect = {0}, beyond = {0};
    struct text *file = make_banner(owner, CSV_BANNER_LINES - 1);
    assert_true(csv_dialect_find(file->bytes, file->length, names_subject, NULL, &dialect, &findings));
    assert_int_equal(dialect.header_line, CSV_BANNER_LINES);
    file = make_banner(owner, CSV_BANNER_LINES);
    assert_false(csv_dialect_find(file->bytes, file->length, names_subject, NULL, &beyond, &findings));
    assert_string_not_equal(text_of(&findings, "no_header"), "");
    talloc_free(owner);
}

/* A head is cut where it is full: in a character, in quotes, in a row. */
static void test_csv_dialect_find_cut_head_is_not_held_against_the_file(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *file = text_new(owner);
    text_append(file, "subject\ta\n");
    while (file->length < CSV_HEAD_BYTES + 100)
        text_append(file, "1\t\"\xF0\x9F\x98\x80\"\n");
    for (size_t drop = 0; drop < 10; drop++) {
        struct upload_findings findings = upload_findings_begin(owner);
        struct csv_dialect dialect = {0};
        if (!csv_dialect_find(file->bytes, CSV_HEAD_BYTES, names_subject, NULL, &dialect, &findings))
            fail_msg("%s", findings.findings[findings.count - 1].text);
        assert_string_equal(describe(owner, &dialect), "tab utf-8 1 LF");
        memmove(file->bytes + 8, file->bytes + 7, CSV_HEAD_BYTES);   /* one blank more in the header */
        file->bytes[7] = ' ';
    }
    talloc_free(owner);
}

static void test_csv_encoding_names_are_read_back(void **state)
{
    (void)state;
    static const enum csv_encoding encodings[] = {CSV_UTF8, CSV_WINDOWS_1252, CSV_UTF16LE, CSV_UTF16BE};
    for (size_t i = 0; i < COUNT(encodings); i++)
        assert_int_equal(csv_encoding_of(csv_encoding_name(encodings[i])), encodings[i]);
    assert_string_equal(csv_encoding_name(CSV_WINDOWS_1252), "windows-1252");
    assert_int_equal(csv_encoding_of("latin-9"), CSV_ENCODING_UNKNOWN);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_dialect_find_says_what_it_found),
        cmocka_unit_test(test_csv_dialect_find_refused_file_says_code_line_and_what_to_do),
        cmocka_unit_test(test_csv_dialect_find_declared_dialect_is_kept_and_not_said),
        cmocka_unit_test(test_csv_dialect_find_declared_delimiter_that_is_not_there_names_the_other),
        cmocka_unit_test(test_csv_dialect_find_declared_encoding_gives_way_to_what_the_bytes_are),
        cmocka_unit_test(test_csv_dialect_find_declared_utf8_leaves_bad_bytes_to_the_rows),
        cmocka_unit_test(test_csv_dialect_find_header_stands_within_the_first_fifty_lines),
        cmocka_unit_test(test_csv_dialect_find_cut_head_is_not_held_against_the_file),
        cmocka_unit_test(test_csv_encoding_names_are_read_back),
    };
    return cmocka_run_group_tests_name("csv_dialect", tests, NULL, NULL);
}
