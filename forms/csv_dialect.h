/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a CSV file is written: found by looking at its beginning, or declared by a site's profile.
 *
 * Whatever is found is said as a finding; whatever could be read in two ways is refused until it is declared.
 */
#ifndef PATELLA_CSV_DIALECT_H
#define PATELLA_CSV_DIALECT_H

#include "forms/upload_finding.h"

/* CSV_ENCODING_UNKNOWN in a declaration: to be found. */
enum csv_encoding { CSV_ENCODING_UNKNOWN, CSV_UTF8, CSV_WINDOWS_1252, CSV_UTF16LE, CSV_UTF16BE };

struct csv_dialect {
    enum csv_encoding encoding;
    char delimiter;          /* ',' ';' '\t' '|' '^'; 0 in a declaration: to be found */
    char decimal;            /* '.' or ','; 0: not known from the dialect alone (upload_scan.h) */
    bool quoting;            /* false: a quote is a character like others (LibreClinica) */
    bool quoting_declared;   /* in a declaration: `quoting` is meant; else it is to be found */
    bool encoding_guessed;   /* neither declared nor marked: bytes that do not fit refuse the file, not their row */
    bool byte_order_mark;
    bool sep_line;           /* the first line is "sep=;" */
    int64_t header_line;     /* 1-based line of the file that the header begins on */
    const char *newline;     /* "\n", "\r\n" or "\r": the one that ends the header's line */
    const char *banner;      /* lines above the header, in UTF-8, which the findings' owner has; NULL: none */
};

/* Bytes of a file that csv_dialect_find wants to see (all of a shorter one). */
enum { CSV_HEAD_BYTES = 256 * 1024, CSV_BANNER_LINES = 50 };

/* True when a line with these cells (trimmed) is the header: it names a key column or a column of the profile. */
typedef bool csv_is_header(void *context, const char *const *cells, size_t count);

/*
 * Fills in what `dialect` does not declare, from the first bytes of the file as they are (not decoded).  False when the
 * file is refused: empty_file, spreadsheet_file, two_encodings, encoding_undeclared, no_header, mixed_delimiters.
 * A byte order mark, and characters that are valid UTF-8, stand above a declared encoding, and that is said.
 */
bool csv_dialect_find(const void *bytes, size_t length, csv_is_header *is_header, void *context,
                      struct csv_dialect *dialect, struct upload_findings *findings) MUST_CHECK;

/* "utf-8", "windows-1252", "utf-16le", "utf-16be"; and back, CSV_ENCODING_UNKNOWN for another name. */
const char *csv_encoding_name(enum csv_encoding encoding);
enum csv_encoding csv_encoding_of(const char *name);

#endif
