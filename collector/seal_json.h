/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole rows as JSON in a form that two sessions agree on: keys in order; without the columns that are left out and
 * without those that are null (a column that came with a later migration is null in older rows); instants in UTC,
 * because PostgreSQL writes them in the time zone of the session.
 */
#ifndef PATELLA_SEAL_JSON_H
#define PATELLA_SEAL_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "forms/base/text.h"

/* NULL when it is no JSON object. */
json_t *seal_json_read(const char *bytes, size_t length, const char *const *left_out, size_t left_out_count);

void seal_json_write(const json_t *row, struct text *text);

/* "2026-03-01T13:00:00.5+01:00" as microseconds since 1970; false for what is no such text. */
bool seal_json_read_instant(const char *text, int64_t *us);

#endif
