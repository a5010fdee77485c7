/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CSV text in memory: column names from the first row, then rows of as many cells, each with its line.
 *
 * RFC 4180 with comma, UTF-8 (a byte order mark is skipped), lines ended by LF, CRLF or CR; empty lines
 * are skipped. Blanks around a cell that is not quoted do not count.  Not for: files too large for memory, other
 * separators.
 */
#ifndef PATELLA_CSV_TABLE_H
#define PATELLA_CSV_TABLE_H

#include <stddef.h>

#include "forms/base/error.h"

struct csv_row {
    int line;                    /* 1-based line that the row begins on */
    const char *const *cells;    /* column_count of them, "" when empty */
};

struct csv_table {
    const char *const *columns;
    size_t column_count;
    const struct csv_row *rows;
    size_t row_count;
};

enum { CSV_FILE_LIMIT = 64 << 20, CSV_NO_COLUMN = -1 };

/*
 * Reads `text`; `file` names it in messages.  NULL and ERROR_INPUT with file:line for what is not CSV or not
 * UTF-8, a row that is longer or shorter than the first, or a column name that is empty or stands twice.
 */
struct csv_table *csv_table_read(const void *owner, const char *file, const char *text, size_t length,
                                 struct error *error) MUST_CHECK;
struct csv_table *csv_table_load(const void *owner, const char *path, struct error *error) MUST_CHECK;

/* Index of a column, CSV_NO_COLUMN when there is none. */
int csv_table_column(const struct csv_table *table, const char *name);

#endif
