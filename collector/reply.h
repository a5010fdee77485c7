/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as the API writes them, beyond what forms/json_write.h has. */
#ifndef PATELLA_REPLY_H
#define PATELLA_REPLY_H

#include "forms/form.h"

/* The shortest decimal that reads back as the same double; null for NAN and infinities. */
void reply_append_number(struct text *out, double value);

/* {"id":number|null,...} with the ids of the form's scores; "{}" when `values` is NULL. */
void reply_append_scores(struct text *out, const struct form *form, const double *values);

/* "key":"value" or "key":null, with a comma before it where one is needed. */
void reply_append_nullable(struct text *out, const char *key, const char *value);

#endif
