/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies of requests about people: JSON objects whose texts may hold what no other field may (passwords), lists and
 * switches.  Each function answers a body that does not fit with its problem and returns NULL or false.
 */
#ifndef PATELLA_JSON_BODY_H
#define PATELLA_JSON_BODY_H

#include <jansson.h>
#undef json_boolean   /* a macro of the name that forms/json_write.h has for its function */

#include "collector/exchange.h"

/* The object, which lives as long as the exchange; it has no field but those of `names` (NULL-terminated). */
json_t *json_body_read(struct exchange *exchange, const char *const *names);

/* A text of 1 to `most` bytes; NULL in `value` when it is absent and not required. */
bool json_body_text(struct exchange *exchange, json_t *body, const char *name, bool required, size_t most,
                    const char **value);

/* `account`: the readable half of its tokens, so that it keeps to what a token may hold. */
bool json_body_account(struct exchange *exchange, json_t *body, const char **value);

bool json_body_switch(struct exchange *exchange, json_t *body, const char *name, bool *value);

/* Whole numbers 1 to 9999, none when absent. */
bool json_body_numbers(struct exchange *exchange, json_t *body, const char *name, int32_t **values, size_t *count);

#endif
