/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_rows.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_reader.h"

enum { PLAIN, BLANK, ODD, DELIMITER, QUOTE, CR, LF };

enum {
    START,       /* of a cell: nothing but blanks so far */
    BARE,        /* in a cell without quotes */
    QUOTED,
    QUOTE_SEEN,  /* within quotes: the closing one, or the first of two */
    CLOSED,      /* blanks behind the closing quote */
    CR_SEEN      /* LF completes it */
};

static void set_kinds(uint8_t kinds[256], char delimiter, bool quoting)
{
    for (int byte = 0; byte < 256; byte++)
        kinds[byte] = byte < 0x20 || byte >= 0x7F ? ODD : PLAIN;
    kinds[' '] = kinds['\t'] = BLANK;
    kinds['\r'] = CR;
    kinds['\n'] = LF;
    if (quoting)
        kinds['"'] = QUOTE;
    kinds[(unsigned char)delimiter] = DELIMITER;
}

struct csv_rows *csv_rows_new(const void *owner)
{
    struct csv_rows *rows = memory_new(owner, struct csv_rows);
    rows->row = memory_resize_array(rows, NULL, char, CSV_ROW_BYTES + 1);
    rows->cells = memory_resize_array(rows, NULL, const char *, CSV_ROW_CELLS);
    rows->quoted = memory_resize_array(rows, NULL, bool, CSV_ROW_CELLS);
    return rows;
}

static void begin_row(struct csv_rows *rows)
{
    rows->has_ended = false;
    rows->row_line = rows->line;
    rows->length = 0;
    rows->cell_count = 0;
    rows->is_odd = false;
    rows->cells[0] = rows->row;
    rows->quoted[0] = false;
}

void csv_rows_begin(struct csv_rows *rows, char delimiter, bool quoting, bool is_cr_newline, int64_t line)
{
    set_kinds(rows->kinds, delimiter, quoting);
    rows->is_cr_newline = is_cr_newline;
    rows->state = START;
    rows->was_cr = false;
    rows->line = line;
    rows->quote_line = 0;
    begin_row(rows);
}

static inline void end_cell(struct csv_rows *rows)
{
    rows->row[rows->length++] = '\0';
    rows->cell_count++;
    rows->state = START;
}

static enum csv_step end_row(struct csv_rows *rows)
{
    end_cell(rows);
    rows->line++;
    rows->has_ended = true;
    return CSV_STEP_ROW;
}

/* The cell that follows, unless there are too many. */
static inline enum csv_step begin_cell(struct csv_rows *rows)
{
    if (rows->cell_count == CSV_ROW_CELLS)
        return CSV_STEP_TOO_LONG;
    rows->cells[rows->cell_count] = rows->row + rows->length;
    rows->quoted[rows->cell_count] = false;
    return CSV_STEP_MORE;
}

/* The delimiter or the line end `kind` behind a cell. */
static enum csv_step take_end(struct csv_rows *rows, uint8_t kind)
{
    if (kind == LF)
        return end_row(rows);
    if (kind == CR) {
        rows->state = CR_SEEN;
        return CSV_STEP_MORE;
    }
    end_cell(rows);
    return begin_cell(rows);
}

static enum csv_step take_bare(struct csv_rows *rows, const char **bytes, const char *end)
{
    const char *from = *bytes;
    char *out = rows->row + rows->length;
    uint8_t kind;
    bool is_odd = false, is_begun = rows->state == BARE;
    while ((kind = rows->kinds[(unsigned char)*from]) <= ODD) {
        is_odd = is_odd || kind == ODD;
        is_begun = is_begun || kind != BLANK;
        *out++ = *from++;
        if (from == end)
            break;
    }
    rows->length = (size_t)(out - rows->row);
    rows->is_odd = rows->is_odd || is_odd;
    rows->state = is_begun ? BARE : START;
    *bytes = from;
    if (from == end)
        return CSV_STEP_MORE;
    if (kind != QUOTE) {
        ++*bytes;
        return take_end(rows, kind);
    }
    rows->quote_line = rows->line;
    if (is_begun)
        return CSV_STEP_BAD_QUOTE;
    rows->length = (size_t)(rows->cells[rows->cell_count] - rows->row);
    rows->quoted[rows->cell_count] = true;
    rows->state = QUOTED;
    rows->was_cr = false;
    ++*bytes;
    return CSV_STEP_MORE;
}

/* A line end within quotes is one LF. */
static void take_quoted_newline(struct csv_rows *rows, char byte)
{
    bool is_rest_of_crlf = byte == '\n' && rows->was_cr;
    if (!is_rest_of_crlf)
        rows->row[rows->length++] = '\n';
    if (rows->is_cr_newline ? !is_rest_of_crlf : byte == '\n')
        rows->line++;
    rows->was_cr = byte == '\r';
}

static enum csv_step take_quoted(struct csv_rows *rows, const char **bytes, const char *end)
{
    const char *from = *bytes;
    while (from < end) {
        char byte = *from++;
        uint8_t kind = rows->kinds[(unsigned char)byte];
        if (kind == QUOTE) {
            rows->state = QUOTE_SEEN;
            break;
        }
        if (kind == CR || kind == LF) {
            take_quoted_newline(rows, byte);
            continue;
        }
        rows->is_odd = rows->is_odd || kind == ODD;
        rows->row[rows->length++] = byte;
        rows->was_cr = false;
    }
    *bytes = from;
    return CSV_STEP_MORE;
}

static enum csv_step take_behind_quote(struct csv_rows *rows, const char **bytes)
{
    uint8_t kind = rows->kinds[(unsigned char)**bytes];
    if (kind == QUOTE && rows->state == QUOTE_SEEN) {
        rows->row[rows->length++] = '"';
        rows->state = QUOTED;
        rows->was_cr = false;
    } else if (kind == BLANK) {
        rows->state = CLOSED;
    } else if (kind == DELIMITER || kind == CR || kind == LF) {
        ++*bytes;
        return take_end(rows, kind);
    } else {
        return CSV_STEP_BAD_QUOTE;
    }
    ++*bytes;
    return CSV_STEP_MORE;
}

static enum csv_step take_behind_cr(struct csv_rows *rows, const char **bytes)
{
    bool is_crlf = **bytes == '\n';
    *bytes += is_crlf;
    if (is_crlf || rows->is_cr_newline)
        return end_row(rows);
    if (rows->quoted[rows->cell_count])
        return CSV_STEP_BAD_QUOTE;
    rows->row[rows->length++] = '\r';
    rows->is_odd = true;
    rows->state = BARE;
    return CSV_STEP_MORE;
}

enum csv_step csv_rows_take(struct csv_rows *rows, const char **bytes, const char *end)
{
    if (rows->has_ended && *bytes < end)
        begin_row(rows);
    enum csv_step step = CSV_STEP_MORE;
    while (*bytes < end && step == CSV_STEP_MORE) {
        if (rows->length >= CSV_ROW_BYTES)
            return rows->state == QUOTED ? CSV_STEP_OPEN_QUOTE : CSV_STEP_TOO_LONG;
        size_t room = CSV_ROW_BYTES - rows->length;
        const char *last = (size_t)(end - *bytes) > room ? *bytes + room : end;
        switch (rows->state) {
        case START:
        case BARE: step = take_bare(rows, bytes, last); break;
        case QUOTED: step = take_quoted(rows, bytes, last); break;
        case CR_SEEN: step = take_behind_cr(rows, bytes); break;
        default: step = take_behind_quote(rows, bytes); break;
        }
    }
    return step;
}

enum csv_step csv_rows_finish(struct csv_rows *rows)
{
    if (rows->state == QUOTED)
        return CSV_STEP_OPEN_QUOTE;
    bool is_begun = !rows->has_ended && (rows->cell_count > 0 || rows->length > 0 || rows->state != START);
    return is_begun ? end_row(rows) : CSV_STEP_MORE;
}

size_t csv_rows_cell_length(const struct csv_rows *rows, size_t cell)
{
    const char *end = cell + 1 < rows->cell_count ? rows->cells[cell + 1] : rows->row + rows->length;
    return (size_t)(end - rows->cells[cell]) - 1;
}

bool csv_rows_is_empty(const struct csv_rows *rows)
{
    static const char no_break_space[] = "\xC2\xA0";
    size_t nuls = 0;
    for (size_t i = 0; i < rows->length; i++) {
        char byte = rows->row[i];
        if (byte == no_break_space[0] && rows->row[i + 1] == no_break_space[1])
            i++;
        else if (byte == '\0')
            nuls++;
        else if (byte != ' ' && byte != '\t')
            return false;
    }
    return nuls == rows->cell_count;   /* further ones are bytes of cells */
}
