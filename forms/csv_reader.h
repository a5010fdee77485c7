/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A CSV file of any size, row by row, in bounded memory.  Knows the dialects of csv_dialect.h; the bytes come from a
 * csv_source, so that a file in a ZIP or in UTF-16 is read as any other.
 * Not for: small files in our own dialect (csv_table.h).
 */
#ifndef PATELLA_CSV_READER_H
#define PATELLA_CSV_READER_H

#include "forms/base/text.h"
#include "forms/csv_dialect.h"

/* The next bytes of the upload as they were sent; `*length` 0 at its end.  They live until the next call. */
typedef bool csv_read_bytes(void *context, const char **bytes, size_t *length, struct error *error);

struct csv_source;
struct csv_reader;

/*
 * The bytes of the CSV file itself: of the upload, or of the one CSV file within it when it is a ZIP (by its first
 * bytes; several files in it, or a workbook, are findings that refuse the file).  NULL with a finding or an error.
 */
struct csv_source *csv_source_open(const void *owner, csv_read_bytes *read, void *context,
                                   struct upload_findings *findings, struct error *error) MUST_CHECK;

/*
 * The first CSV_HEAD_BYTES, for csv_dialect_find; they are read again by the reader.  False with an error, or with a
 * finding that refuses the file (a ZIP with a second CSV file).
 */
bool csv_source_peek(struct csv_source *source, const char **bytes, size_t *length, struct error *error) MUST_CHECK;

/* Limits of a row; a longer one refuses the file, for its quote was hardly meant to stay open. */
enum { CSV_ROW_BYTES = 1 << 20, CSV_ROW_CELLS = 16384 };

struct csv_line {
    int64_t number;              /* of the row: 1 is the first after the header, which is 0 */
    int64_t line;                /* 1-based, that it begins on in the file */
    const char *const *cells;    /* UTF-8, neither trimmed nor otherwise read, but that line ends within quotes are LF;
                                  * they live until the next row */
    const bool *quoted;
    size_t cell_count;           /* may differ from the header's: the caller says so */
    const char *fault;           /* NULL, "control_character" or "invalid_utf8": the row is refused; the bytes that
                                  * could not be read are U+FFFD */
    size_t fault_cell;
};

/* Stands before the header.  NULL with a finding or an error. */
struct csv_reader *csv_reader_new(const void *owner, struct csv_source *source, const struct csv_dialect *dialect,
                                  struct upload_findings *findings, struct error *error) MUST_CHECK;

enum csv_next { CSV_ROW, CSV_END, CSV_FILE_REFUSED, CSV_FAILED };

/*
 * The next row, the header first; rows that are empty, or of which all cells are, are passed over
 * (csv_reader_empty_rows counts them).  CSV_FILE_REFUSED: a finding says why (unterminated_quote and bad_quote with the
 * line that the quote opened on, row_too_long; two_encodings and encoding_undeclared where the encoding was guessed;
 * zip_not_one_file, too_large); CSV_FAILED: `error`, the bytes could not be had.
 */
enum csv_next csv_reader_next(struct csv_reader *reader, const struct csv_line **line, struct error *error) MUST_CHECK;

int64_t csv_reader_empty_rows(const struct csv_reader *reader);
int64_t csv_reader_bytes(const struct csv_reader *reader);   /* of the upload, read so far: for progress */

/* What stands in front of the first row: byte order mark and "sep=" line, where the file had them. */
void csv_write_begin(struct text *out, const struct csv_dialect *dialect);

/*
 * One row in the file's own dialect and encoding, with its newline: what a site's own program reads again.  A character
 * that windows-1252 lacks is written as <U+043E>; without quoting, delimiters and line ends in a cell become blanks.
 */
void csv_write_row(struct text *out, const struct csv_dialect *dialect, const char *const *cells, size_t count);

#endif
