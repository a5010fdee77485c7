/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes into rows of cells: the machine within csv_reader.h and csv_dialect.h.  RFC 4180 with any delimiter; pieces may
 * end anywhere.  Blanks between a delimiter and a quote do not count, as libcsv has it; a quote within a cell that did
 * not begin with one, or text behind a closing quote, ends the reading.
 * A row ends with LF or CRLF, and with CR where the file's lines do; another CR is a control character.  Line ends
 * within quotes are LF in the cell.
 */
#ifndef PATELLA_CSV_ROWS_H
#define PATELLA_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum csv_step {
    CSV_STEP_MORE,           /* all bytes are taken, the row has not ended */
    CSV_STEP_ROW,
    CSV_STEP_BAD_QUOTE,
    CSV_STEP_OPEN_QUOTE,     /* the file ended within quotes, or the row grew too long in them */
    CSV_STEP_TOO_LONG
};

struct csv_rows {
    uint8_t kinds[256];          /* of bytes */
    bool is_cr_newline;
    int state;
    bool was_cr;                 /* within quotes: the byte before */
    bool has_ended;              /* the row is the last one's; the next byte begins another */
    int64_t line;                /* that the next byte stands on */
    int64_t row_line;            /* that the row began on */
    int64_t quote_line;          /* that its last quote opened on */
    char *row;                   /* the cells, each with a NUL behind */
    size_t length;               /* of them together */
    const char **cells;
    bool *quoted;
    size_t cell_count;
    bool is_odd;                 /* control characters, or bytes that are not ASCII, are in it */
};

/* Takes nothing before csv_rows_begin. */
struct csv_rows *csv_rows_new(const void *owner);

/* To begin, or to begin anew; `line`: of the first byte that comes. */
void csv_rows_begin(struct csv_rows *rows, char delimiter, bool quoting, bool is_cr_newline, int64_t line);

/* Takes bytes up to the end of a row; `*bytes` moves on.  The row lives until the next call. */
enum csv_step csv_rows_take(struct csv_rows *rows, const char **bytes, const char *end);

/* There are no further bytes: CSV_STEP_ROW for a row without a line end, then CSV_STEP_MORE. */
enum csv_step csv_rows_finish(struct csv_rows *rows);

/* Bytes of a cell of the row that has ended; it may hold NULs. */
size_t csv_rows_cell_length(const struct csv_rows *rows, size_t cell);

/* Nothing but blanks in every cell. */
bool csv_rows_is_empty(const struct csv_rows *rows);

#endif
