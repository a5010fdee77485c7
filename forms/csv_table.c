/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_table.h"

#include <csv.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

struct reading {
    struct csv_table *table;
    const char *file;
    struct error *error;
    int line;                    /* that the parser stands on */
    int row_line;                /* that the row began on */
    const char **cells;          /* of the row so far */
    size_t cell_count, cell_capacity;
    struct csv_row *rows;
    size_t row_capacity;
    int row_end;                 /* '\r' when the last row ended so and nothing came behind it */
    bool failed;
};

static void fail(struct reading *reading, int line, const char *what)
{
    if (!reading->failed)
        error_at(reading->error, ERROR_INPUT, reading->file, line, "%s", what);
    reading->failed = true;
}

static void add_cell(void *bytes, size_t length, void *context)
{
    struct reading *reading = context;
    reading->row_end = 0;
    if (reading->cell_count == 0)
        reading->row_line = reading->line;
    if (reading->cell_count == reading->cell_capacity) {
        reading->cell_capacity = memory_size_sum(reading->cell_capacity * 2, 16);
        reading->cells =
            memory_resize_array(reading->table, reading->cells, const char *, reading->cell_capacity);
    }
    const char *cell = memory_copy_bytes(reading->table, bytes, length);
    for (const char *newline = strchr(cell, '\n'); newline; newline = strchr(newline + 1, '\n'))
        reading->line++;
    reading->cells[reading->cell_count++] = cell;
}

static void check_columns(struct reading *reading)
{
    const struct csv_table *table = reading->table;
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i][0] == '\0')
            fail(reading, reading->row_line, "a column has no name; the first line must name every column");
        if (csv_table_column(table, table->columns[i]) != (int)i) {
            char what[200];
            snprintf(what, sizeof what, "two columns are called \"%.100s\"; remove one", table->columns[i]);
            fail(reading, reading->row_line, what);
        }
    }
}

static void add_row(struct reading *reading)
{
    struct csv_table *table = reading->table;
    if (table->row_count == reading->row_capacity) {
        reading->row_capacity = memory_size_sum(reading->row_capacity * 2, 64);
        reading->rows = memory_resize_array(table, reading->rows, struct csv_row, reading->row_capacity);
    }
    reading->rows[table->row_count++] = (struct csv_row){.line = reading->row_line, .cells = reading->cells};
}

static void end_row(int end, void *context)
{
    struct reading *reading = context;
    struct csv_table *table = reading->table;
    if (reading->cell_count > 0) {
        if (!table->columns) {
            table->columns = reading->cells;
            table->column_count = reading->cell_count;
            check_columns(reading);
        } else if (reading->cell_count != table->column_count) {
            char what[120];
            snprintf(what, sizeof what, "the row has %zu cells and the first line names %zu columns",
                     reading->cell_count, table->column_count);
            fail(reading, reading->row_line, what);
        } else {
            add_row(reading);
        }
        reading->cells = NULL;
        reading->cell_count = reading->cell_capacity = 0;
    }
    bool is_rest_of_crlf = end == '\n' && reading->row_end == '\r';
    if (!is_rest_of_crlf)
        reading->line++;
    reading->row_end = end;
}

struct csv_table *csv_table_read(const void *owner, const char *file, const char *text, size_t length,
                                 struct error *error)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (length >= 3 && memcmp(text, mark, 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (!text_is_utf8(text, length)) {
        error_at(error, ERROR_INPUT, file, 0, "the file is not UTF-8; save it as UTF-8 and try again");
        return NULL;
    }
    struct reading reading = {
        .table = memory_new(owner, struct csv_table), .file = file, .error = error, .line = 1};
    struct csv_parser parser;
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    /* REPALL_NL reports the LF of CRLF and of empty lines as rows without cells: so lines can be counted. */
    size_t parsed = csv_parse(&parser, text, length, add_cell, end_row, &reading);
    if (parsed != length || csv_fini(&parser, add_cell, end_row, &reading) != 0)
        fail(&reading, reading.line,
             "a quote is out of place; a cell with quotes has them doubled and quotes around");
    csv_free(&parser);
    reading.table->rows = reading.rows;
    if (!reading.table->columns)
        fail(&reading, 1, "the file is empty; the first line must name the columns");
    return reading.failed ? (talloc_free(reading.table), NULL) : reading.table;
}

struct csv_table *csv_table_load(const void *owner, const char *path, struct error *error)
{
    size_t length;
    void *scratch = memory_owner(owner, "csv file");   /* the table has copies of its cells */
    char *text = text_read_file(scratch, path, CSV_FILE_LIMIT, &length, error);
    struct csv_table *table = text != NULL ? csv_table_read(owner, path, text, length, error) : NULL;
    talloc_free(scratch);
    return table;
}

int csv_table_column(const struct csv_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i], name) == 0)
            return (int)i;
    return CSV_NO_COLUMN;
}
