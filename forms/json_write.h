/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of a JSON object that is being written; the comma before each is put where one is needed. */
#ifndef PATELLA_JSON_WRITE_H
#define PATELLA_JSON_WRITE_H

#include <stdbool.h>

#include "forms/base/text.h"

/* `"key":`, for a value that the caller writes. */
void json_key(struct text *out, const char *key);

/* Nothing at all when `value` is NULL. */
void json_text(struct text *out, const char *key, const char *value);

/* Fifteen significant digits; nothing at all when `value` is not finite. */
void json_number(struct text *out, const char *key, double value);

void json_boolean(struct text *out, const char *key, bool value);
void json_pair(struct text *out, const char *key, const double pair[2]);
void json_texts(struct text *out, const char *key, const char *const *texts, size_t count);

#endif
