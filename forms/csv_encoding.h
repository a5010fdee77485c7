/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Characters of an uploaded file: its encoding into UTF-8 piece by piece, and back into its encoding.
 * Not for: finding out which encoding it is (csv_dialect.h).
 */
#ifndef PATELLA_CSV_ENCODING_H
#define PATELLA_CSV_ENCODING_H

#include <stdint.h>

#include "forms/base/text.h"
#include "forms/csv_dialect.h"

/* Stands in decoded text for what its encoding cannot have meant: no byte of UTF-8. */
#define CSV_UNREADABLE "\xFF"

/* State between two pieces: pieces may end anywhere in a character. */
struct csv_decoder {
    enum csv_encoding encoding;
    uint16_t high;           /* first half of a surrogate pair, or 0 */
    uint8_t half;            /* first byte of a UTF-16 unit */
    bool has_half;
};

/* Appends a piece as UTF-8.  UTF-8 itself is copied as it is and not looked at. */
void csv_decode(struct csv_decoder *decoder, const char *bytes, size_t length, struct text *out);

/* At the end of the file: CSV_UNREADABLE when it ended within a character of UTF-16. */
void csv_decode_end(struct csv_decoder *decoder, struct text *out);

/* Appends valid UTF-8 in `encoding`; "<U+043E>" for a character that windows-1252 lacks, as R writes them. */
void csv_encode(enum csv_encoding encoding, const char *string, size_t length, struct text *out);

/* The byte order mark of an encoding ("" for windows-1252), and its length. */
const char *csv_encoding_mark(enum csv_encoding encoding, size_t *length);

#endif
