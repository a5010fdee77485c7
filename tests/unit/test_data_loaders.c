/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load.sas, which no test can run: each of its statements is read back and held against the files that it is to
 * read.  load.R is run by tests/e2e/test_report_formats.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "reports/data_csv.h"
#include "tests/support/study.h"

enum { LONGEST_NAME = 32, LONGEST_LABEL = 256, LONGEST_TEXT = 32767, DATE_WIDTH = 10 };

struct fixture {
    struct data_table **tables;
    size_t count;
    char **statements;           /* of load.sas, without comments, blanks in a row as one */
    size_t statement_count, at;
    const char *word;            /* what is left of the statement at hand */
};

/* Texts that are hard to read: quotes, delimiters, formulas, two bytes a letter, more than one line. */
static void fill(struct study *study)
{
    for (int i = 0; i < 3; i++) {
        size_t subject = study_add_subject(study, 7, i + 1, KNEE_RIGHT, i % 2 == 0 ? "CELLS" : "CS");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2026-01-10"));
        struct study_record *record =
            study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "BL", study_date("2026-01-09"));
        study_answer(study, record, "vas", "61");
        record = study_add_record(study, subject, "adverse_event", KNEE_RIGHT, "unscheduled", study_date("2026-03-01"));
        study_answer(study, record, "term",
                     i == 0 ? "=1+1, \"hot\";\nand 'sore' & %worse" : "Schmerz \u00fc\u00fc\u00fc");
        study_answer(study, record, "onset", "2026-02");
    }
}

/* Statements end at a semicolon that stands outside of quotes and comments. */
static void split_statements(struct fixture *fixture, const char *script)
{
    struct text *statement = text_new(fixture);
    char quote = '\0';
    for (const char *c = script; *c != '\0'; c++) {
        if (quote == '\0' && strncmp(c, "/*", 2) == 0) {
            c = strstr(c, "*/");
            if (c == NULL)
                fail_msg("a comment does not end");
            c++;
        } else if (quote == '\0' && *c == ';') {
            fixture->statements = memory_resize_array(fixture, fixture->statements, char *,
                                                      fixture->statement_count + 1);
            fixture->statements[fixture->statement_count++] = memory_copy_string(fixture, statement->bytes);
            statement = text_new(fixture);
        } else if (quote == '\0' && isspace((unsigned char)*c)) {
            if (statement->length > 0 && statement->bytes[statement->length - 1] != ' ')
                text_append(statement, " ");
        } else {
            if (quote == '\0' && (*c == '\'' || *c == '"'))
                quote = *c;
            else if (quote == *c)
                quote = '\0';
            text_append_bytes(statement, c, 1);
        }
    }
    assert_int_equal(quote, '\0');
    assert_int_equal(statement->length, 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = study_new(fixture, "tests/support/study.yaml");
    fill(study);
    fixture->tables = data_tables(fixture, study_finish(study), &fixture->count);
    struct text *script = text_new(fixture);
    data_loader_sas_write(script, fixture->tables, fixture->count);
    split_statements(fixture, script->bytes);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

static bool collect(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)error;
    text_append_bytes(context, bytes, length);
    return true;
}

static const struct csv_table *read_csv(const struct fixture *fixture, const struct data_table *table)
{
    struct text *text = text_new(fixture);
    struct error error;
    size_t size, lines = 0;
    char hash[65];
    struct sink *sink = sink_new(fixture, collect, text);
    data_csv_write(sink, table);
    assert_true(sink_end(sink, &size, hash, &error));
    for (size_t i = 0; i < text->length; i++)
        lines += text->bytes[i] == '\n';
    assert_int_equal(lines, table->row_count + 1);       /* a value over two lines would be two rows for SAS */
    assert_null(strchr(text->bytes, '\r'));
    const struct csv_table *csv = csv_table_read(fixture, table->name, text->bytes, text->length, &error);
    if (csv == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    return csv;
}

/* --- words of a statement ------------------------------------------------------------------------------ */

/* The next statement, which begins with that word. */
static void begin_statement(struct fixture *fixture, const char *word)
{
    if (fixture->at == fixture->statement_count)
        fail_msg("the script ends before \"%s\"", word);
    fixture->word = fixture->statements[fixture->at++];
    size_t length = strlen(word);
    if (strncmp(fixture->word, word, length) != 0 || (fixture->word[length] != ' ' && fixture->word[length] != '\0'))
        fail_msg("\"%s\" where \"%s\" should stand", fixture->word, word);
    fixture->word += length;
}

static bool is_next(const struct fixture *fixture, const char *word)
{
    return fixture->at < fixture->statement_count &&
           strncmp(fixture->statements[fixture->at], word, strlen(word)) == 0;
}

static void take(struct fixture *fixture, const char *expected)
{
    fixture->word += strspn(fixture->word, " ");
    if (strncmp(fixture->word, expected, strlen(expected)) != 0)
        fail_msg("\"%.60s\" where \"%s\" should stand", fixture->word, expected);
    fixture->word += strlen(expected);
    assert_true(expected[strlen(expected) - 1] == '=' || strchr(" =()", *fixture->word) != NULL);
}

static long take_number(struct fixture *fixture)
{
    char *end;
    long number = strtol(fixture->word, &end, 10);
    assert_true(end != fixture->word);
    fixture->word = end;
    return number;
}

/* In single quotes, in which SAS takes nothing for a macro; returns its length. */
static size_t take_quoted(struct fixture *fixture)
{
    size_t length = 0;
    fixture->word += strspn(fixture->word, " ");
    assert_int_equal(*fixture->word++, '\'');
    for (; fixture->word[0] != '\'' || fixture->word[1] == '\''; fixture->word++, length++) {
        assert_true(fixture->word[0] != '\0');
        fixture->word += fixture->word[0] == '\'';
    }
    fixture->word++;
    return length;
}

static void end_statement(const struct fixture *fixture)
{
    assert_int_equal(strspn(fixture->word, " "), strlen(fixture->word));
}

/* --- a table ------------------------------------------------------------------------------------------- */

static void check_lengths(struct fixture *fixture, const struct data_table *table, const struct csv_table *csv)
{
    begin_statement(fixture, "length");
    for (size_t i = 0; i < table->column_count; i++) {
        assert_string_equal(csv->columns[i], table->columns[i].name);
        assert_true(strlen(table->columns[i].name) <= LONGEST_NAME);
        take(fixture, table->columns[i].name);
        if (table->columns[i].type == DATA_TEXT)
            take(fixture, "$");
        long width = take_number(fixture);
        assert_true(table->columns[i].type == DATA_TEXT ? width <= LONGEST_TEXT : width == 8);
        for (size_t row = 0; row < csv->row_count; row++)
            if (table->columns[i].type == DATA_TEXT)
                assert_true(strlen(csv->rows[row].cells[i]) <= (size_t)width);
    }
    end_statement(fixture);
}

/* The dates and nothing else; how they are written fits the width that SAS reads. */
static void check_dates(struct fixture *fixture, const struct data_table *table, const struct csv_table *csv)
{
    static const char *const statements[][2] = {{"informat", "e8601da10."}, {"format", "yymmdd10."}};
    size_t dates = 0;
    for (size_t i = 0; i < table->column_count; i++)
        dates += table->columns[i].type == DATA_DATE;
    if (dates == 0) {
        assert_false(is_next(fixture, "informat") || is_next(fixture, "format"));
        return;
    }
    for (size_t s = 0; s < 2; s++) {
        begin_statement(fixture, statements[s][0]);
        for (size_t i = 0; i < table->column_count; i++)
            if (table->columns[i].type == DATA_DATE)
                take(fixture, table->columns[i].name);
        take(fixture, statements[s][1]);
        end_statement(fixture);
    }
    for (size_t row = 0; row < csv->row_count; row++)
        for (size_t i = 0; i < table->column_count; i++) {
            size_t length = strlen(csv->rows[row].cells[i]);
            assert_true(table->columns[i].type != DATA_DATE || length == 0 || length == DATE_WIDTH);
        }
}

static void check_numbers(const struct data_table *table, const struct csv_table *csv)
{
    for (size_t row = 0; row < csv->row_count; row++)
        for (size_t i = 0; i < table->column_count; i++) {
            const char *cell = csv->rows[row].cells[i];
            char *end;
            if (table->columns[i].type != DATA_INTEGER && table->columns[i].type != DATA_NUMBER)
                continue;
            strtod(cell, &end);
            assert_int_equal(*end, '\0');
            assert_true(strspn(cell, "+-.0123456789eE") == strlen(cell));
        }
}

static void check_table(struct fixture *fixture, const struct data_table *table)
{
    const struct csv_table *csv = read_csv(fixture, table);
    char *file = data_file_name(fixture, table, ".csv"), *name = data_file_name(fixture, table, "");
    begin_statement(fixture, "data");
    take(fixture, name);
    take(fixture, "(label=");
    assert_true(take_quoted(fixture) <= LONGEST_LABEL);
    take(fixture, ")");
    end_statement(fixture);
    begin_statement(fixture, "infile");
    take(fixture, memory_format(fixture, "\"&folder/%s\"", file));
    take(fixture, "dsd dlm=',' firstobs=2 truncover lrecl=1000000 termstr=lf encoding='utf-8'");
    end_statement(fixture);
    check_lengths(fixture, table, csv);
    check_dates(fixture, table, csv);
    check_numbers(table, csv);
    begin_statement(fixture, "label");
    for (size_t i = 0; i < table->column_count; i++) {
        take(fixture, table->columns[i].name);
        take(fixture, "=");
        assert_true(take_quoted(fixture) <= LONGEST_LABEL);
    }
    end_statement(fixture);
    begin_statement(fixture, "input");
    for (size_t i = 0; i < table->column_count; i++)
        take(fixture, table->columns[i].name);
    end_statement(fixture);
    begin_statement(fixture, "run");
    end_statement(fixture);
}

static void test_load_sas_reads_each_file_column_by_column(void **state)
{
    struct fixture *fixture = *state;
    begin_statement(fixture, "%let");
    take(fixture, "folder = .");
    end_statement(fixture);
    for (size_t i = 0; i < fixture->count; i++)
        check_table(fixture, fixture->tables[i]);
    assert_int_equal(fixture->at, fixture->statement_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_load_sas_reads_each_file_column_by_column, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
