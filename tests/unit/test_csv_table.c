/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"

static struct csv_table *read_table(const void *owner, const char *text, struct error *error)
{
    return csv_table_read(owner, "file.csv", text, strlen(text), error);
}

static void test_csv_table_read_quotes_and_line_ends_gives_cells_and_lines(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    struct csv_table *table = read_table(owner, "\xEF\xBB\xBFsubject,note\r\n"
                                         "01-0001,\"two\nlines, and a \"\"quote\"\"\"\r\n"
                                         "\r\n"
                                         "01-0002,", &error);
    assert_non_null(table);
    assert_int_equal(table->column_count, 2);
    assert_string_equal(table->columns[0], "subject");
    assert_int_equal(table->row_count, 2);
    assert_string_equal(table->rows[0].cells[1], "two\nlines, and a \"quote\"");
    assert_int_equal(table->rows[0].line, 2);
    assert_string_equal(table->rows[1].cells[0], "01-0002");
    assert_string_equal(table->rows[1].cells[1], "");
    assert_int_equal(table->rows[1].line, 5);
    assert_int_equal(csv_table_column(table, "note"), 1);
    assert_int_equal(csv_table_column(table, "knee"), CSV_NO_COLUMN);
    talloc_free(owner);
}

static void test_csv_table_read_malformed_text_names_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *says;
    } cases[] = {
        {"", 1, "empty"},
        {"\n\n", 1, "empty"},
        {"a,b\n1,2\n1\n", 3, "1 cells"},
        {"a,b\n1,2,3\n", 2, "3 cells"},
        {"a,b,a\n", 1, "two columns"},
        {"a,,b\n", 1, "no name"},
        {"a,b\n\"1\"x,2\n", 2, "quote"},
        {"a,b\n\"1,2\n", 2, "quote"},
        {"a,b\n\"x\ny\",2\n1\n", 4, "1 cells"},
        {"a,b\r1,2\r1\r", 3, "1 cells"},
        {"a,b\r\n\r\n1,2\r\n1\r\n", 4, "1 cells"},
        {"a\n\xff\n", 0, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct error error = {0};
        assert_null(read_table(owner, cases[i].text, &error));
        assert_int_equal(error.kind, ERROR_INPUT);
        assert_int_equal(error.line, cases[i].line);
        assert_string_equal(error.file, "file.csv");
        assert_non_null(strstr(error.message, cases[i].says));
        assert_int_equal(talloc_total_blocks(owner), 1);
        talloc_free(owner);
    }
}

static void test_csv_table_load_missing_file_fails(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    assert_null(csv_table_load(owner, "tests/there-is-no-such-file.csv", &error));
    assert_int_equal(error.kind, ERROR_IO);
    talloc_free(owner);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_table_read_quotes_and_line_ends_gives_cells_and_lines),
        cmocka_unit_test(test_csv_table_read_malformed_text_names_the_line),
        cmocka_unit_test(test_csv_table_load_missing_file_fails),
    };
    return cmocka_run_group_tests_name("csv_table", tests, NULL, NULL);
}
