/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as the API writes them, beyond what forms/json_write.h has. */
#ifndef PATELLA_JSON_REPLY_H
#define PATELLA_JSON_REPLY_H

#include "forms/form.h"

/* The shortest decimal that reads back as the same double; null for NAN and infinities. */
void json_reply_number(struct text *out, double value);

/* {"id":number|null,...} with the ids of the form's scores; "{}" when `values` is NULL. */
void json_reply_scores(struct text *out, const struct form *form, const double *values);

/* "key":"value" or "key":null, with a comma before it where one is needed. */
void json_reply_nullable(struct text *out, const char *key, const char *value);

/* "key":"2026-03-01T09:30:00Z", with a comma before it where one is needed. */
void json_reply_instant(struct text *out, const char *key, int64_t unix_seconds);

/* "all_sites":true|false,"sites":[1,2]: every site when there is none in the list. */
void json_reply_sites(struct text *out, const int *sites, size_t count);

#endif
