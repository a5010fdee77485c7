/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The elements of a JSON array as pieces of its text, so that each can be read, and fail, alone.
 *
 * Only brackets, strings and commas are looked at: what stands in an element is the reader's business.  In
 * valid JSON the pieces are exactly the elements.
 */
#ifndef PATELLA_JSON_ARRAY_H
#define PATELLA_JSON_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

struct json_array {
    const char *at;              /* where it goes on */
    const char *end;
    bool first;
};

enum json_array_step {
    JSON_ARRAY_ELEMENT,
    JSON_ARRAY_END,      /* behind it nothing but blanks */
    JSON_ARRAY_BROKEN    /* brackets, strings or commas do not fit, or are nested deeper than 64; `at` is there */
};

/* `text` begins with '[', after blanks. */
struct json_array json_array_begin(const char *text, size_t length);

enum json_array_step json_array_next(struct json_array *array, const char **element, size_t *length);

#endif
