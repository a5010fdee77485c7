/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Growing text, and the few questions that are asked of text from outside.
 *
 * A `struct text` grows by appending and never fails (out of memory aborts); `text.bytes` always ends with a NUL.
 * Not for parsing: JSON is jansson's, YAML is forms/yaml's.
 */
#ifndef PATELLA_TEXT_H
#define PATELLA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

struct text {
    char *bytes;       /* NUL-terminated; owned by the text */
    size_t length;     /* without the NUL */
    size_t capacity;
};

struct text *text_new(const void *owner);
struct text *text_new_with_room(const void *owner, size_t room);   /* for so many bytes at first */
void text_clear(struct text *text);

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const void *bytes, size_t length);
void text_append_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_append_integer(struct text *text, int64_t number);

/* `string` as a JSON string with its quotes; valid UTF-8 is assumed and left as it is. */
void text_append_json(struct text *text, const char *string);

/* `string` with & < > " ' escaped: safe as HTML text and in a quoted attribute.  The one escaper for HTML. */
void text_append_html(struct text *text, const char *string);

/* `string` as one CSV cell (RFC 4180 quoting). */
void text_append_csv(struct text *text, const char *string);

/* True when the bytes are valid UTF-8 without NUL. */
bool text_is_utf8(const char *bytes, size_t length);

/* Bytes of the valid UTF-8 character, not NUL, at the beginning of the `left` bytes; 0: there is none. */
size_t text_character_length(const char *bytes, size_t left);

/* Takes out of `string` what is no valid UTF-8: halves of characters where a fixed room or a %.40s cut a text. */
void text_drop_broken(char *string);

/* Unicode NFC form of valid UTF-8; the string itself when it is NFC already.  (ICU) */
const char *text_to_nfc(const void *owner, const char *string);

/* True when valid UTF-8 `string` holds a control character other than tab and newline. */
bool text_has_control(const char *string);

size_t text_count_characters(const char *string);   /* code points of valid UTF-8 */

/*
 * Code points of valid UTF-8 that a reader sees: all but white space of any width, also of none, soft hyphens and marks
 * of direction.  Never more than core.is_reason of the database counts.
 */
size_t text_count_visible(const char *string);

/* The whole of a file, at most `limit` bytes; ERROR_IO, or ERROR_INPUT when it is larger. */
char *text_read_file(const void *owner, const char *path, size_t limit, size_t *length, struct error *error)
    MUST_CHECK;

/* A whole decimal number -2^63 .. 2^63-1 with nothing around it. */
bool text_to_int64(const char *string, int64_t *value) MUST_CHECK;

/* A decimal number as Patella writes them: [-]digits[.digits], no exponent, no blanks, no leading '+'. */
bool text_to_decimal(const char *string, double *value) MUST_CHECK;

/*
 * `number` in decimal digits into `out`, with leading zeros up to `width` (at most 20) digits; their count.
 * For what is written with every submission: snprintf costs ten times as much.
 */
enum { TEXT_NUMBER_SIZE = 24 };
size_t text_from_number(uint64_t number, size_t width, char *out);

/* `bytes` as lower-case hexadecimal into `out`, which holds 2 * length + 1. */
void text_to_hex(const void *bytes, size_t length, char *out);

/* UUIDs in the 8-4-4-4-12 form; letters of either case are read, lower case is written. */
bool text_to_uuid(const char *string, uint8_t uuid[16]) MUST_CHECK;
void text_from_uuid(const uint8_t uuid[16], char out[37]);

#endif
