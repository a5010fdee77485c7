/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a CSV file: refused with a line, or a table that is the same when it is written and read again. */
#define FUZZ_TARGET fuzz_csv_table
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"

/* Every cell in quotes: what cells hold at their edges, and rows that are one empty cell, are kept so. */
static void write_row(struct text *out, const char *const *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append(out, i > 0 ? ",\"" : "\"");
        for (const char *c = cells[i]; *c != '\0'; c++)
            text_append_bytes(out, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
        text_append(out, "\"");
    }
    text_append(out, "\r\n");
}

static void require_same_cells(const char *const *one, const char *const *other, size_t count)
{
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE_WITH(strcmp(one[i], other[i]) == 0, one[i]);
}

static void require_same_again(const void *owner, const struct csv_table *table)
{
    struct text *text = text_new(owner);
    write_row(text, table->columns, table->column_count);
    for (size_t i = 0; i < table->row_count; i++)
        write_row(text, table->rows[i].cells, table->column_count);
    struct error error = {0};
    const struct csv_table *again = csv_table_read(owner, "again.csv", text->bytes, text->length, &error);
    FUZZ_REQUIRE_WITH(again != NULL, error.message);
    FUZZ_REQUIRE(again->column_count == table->column_count && again->row_count == table->row_count);
    require_same_cells(again->columns, table->columns, table->column_count);
    for (size_t i = 0; i < table->row_count; i++)
        require_same_cells(again->rows[i].cells, table->rows[i].cells, table->column_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct error error = {0};
    const struct csv_table *table = csv_table_read(owner, "fuzz.csv", (const char *)data, size, &error);
    if (table == NULL) {
        fuzz_require_refusal(&error, ERROR_INPUT);
    } else {
        FUZZ_REQUIRE(table->column_count > 0);
        for (size_t i = 0; i < table->column_count && i < 64; i++)
            FUZZ_REQUIRE(csv_table_column(table, table->columns[i]) == (int)i);
        int last_line = 1;
        for (size_t i = 0; i < size; i++)
            last_line += data[i] == '\n' || data[i] == '\r';
        for (size_t i = 0; i < table->row_count; i++) {
            FUZZ_REQUIRE(table->rows[i].line >= 2 || i > 0);
            FUZZ_REQUIRE(i == 0 || table->rows[i].line > table->rows[i - 1].line);
            FUZZ_REQUIRE(table->rows[i].line <= last_line);
        }
        require_same_again(owner, table);
    }
    talloc_free(owner);
    return 0;
}
