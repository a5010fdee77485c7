/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/json_reply.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "forms/json_write.h"

enum { DIGITS_SIZE = 32, KNOWN_BITS = 10, KNOWN_NUMBERS = 1 << KNOWN_BITS };

/* The fewest digits that read back as `value`. */
static void find_digits(double value, char digits[DIGITS_SIZE])
{
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, DIGITS_SIZE, "%.*g", precision, value);
        double read = strtod(digits, NULL);
        if (!(read < value) && !(read > value))
            break;
    }
}

/* A score has few possible values, and finding its digits is the dearest part of a receipt: they are kept. */
void json_reply_number(struct text *out, double value)
{
    static _Thread_local struct {
        uint64_t bits;
        char digits[DIGITS_SIZE];   /* "": nothing yet */
    } known[KNOWN_NUMBERS];
    if (!isfinite(value)) {
        text_append(out, "null");
        return;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t slot = bits * 0x9E3779B97F4A7C15U >> (64 - KNOWN_BITS);   /* Fibonacci hashing */
    if (known[slot].bits != bits || known[slot].digits[0] == '\0') {
        known[slot].bits = bits;
        find_digits(value, known[slot].digits);
    }
    text_append(out, known[slot].digits);
}

void json_reply_scores(struct text *out, const struct form *form, const double *values)
{
    text_append(out, "{");
    for (size_t i = 0; values != NULL && i < form->score_count; i++) {
        text_append(out, i > 0 ? "," : "");
        text_append_json(out, form->scores[i].id);
        text_append(out, ":");
        json_reply_number(out, values[i]);
    }
    text_append(out, "}");
}

void json_reply_nullable(struct text *out, const char *key, const char *value)
{
    json_key(out, key);
    if (value != NULL)
        text_append_json(out, value);
    else
        text_append(out, "null");
}

void json_reply_instant(struct text *out, const char *key, int64_t unix_seconds)
{
    time_t seconds = (time_t)unix_seconds;
    struct tm utc;
    char string[32];
    if (gmtime_r(&seconds, &utc) != NULL && strftime(string, sizeof string, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0)
        json_text(out, key, string);
}

void json_reply_sites(struct text *out, const int *sites, size_t count)
{
    json_boolean(out, "all_sites", count == 0);
    json_key(out, "sites");
    text_append(out, "[");
    for (size_t i = 0; i < count; i++)
        text_append_format(out, "%s%d", i > 0 ? "," : "", sites[i]);
    text_append(out, "]");
}
