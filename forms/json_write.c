/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/json_write.h"

#include <math.h>

void json_key(struct text *out, const char *key)
{
    const char *last = out->length > 0 ? out->bytes + out->length - 1 : "{";
    bool is_first = *last == '{' || *last == '[';
    if (!is_first)
        text_append(out, ",");
    text_append_json(out, key);
    text_append(out, ":");
}

void json_text(struct text *out, const char *key, const char *value)
{
    if (value == NULL)
        return;
    json_key(out, key);
    text_append_json(out, value);
}

void json_number(struct text *out, const char *key, double value)
{
    if (!isfinite(value))
        return;
    json_key(out, key);
    int64_t whole = fabs(value) < 1e15 ? (int64_t)value : 0;
    if (whole != 0 && !((double)whole < value) && !((double)whole > value))
        text_append_integer(out, whole);
    else
        text_append_format(out, "%.15g", value);
}

void json_boolean(struct text *out, const char *key, bool value)
{
    json_key(out, key);
    text_append(out, value ? "true" : "false");
}

void json_pair(struct text *out, const char *key, const double pair[2])
{
    json_key(out, key);
    text_append_format(out, "[%.15g,%.15g]", pair[0], pair[1]);
}

void json_texts(struct text *out, const char *key, const char *const *texts, size_t count)
{
    json_key(out, key);
    text_append(out, "[");
    for (size_t i = 0; i < count; i++) {
        text_append(out, i > 0 ? "," : "");
        text_append_json(out, texts[i]);
    }
    text_append(out, "]");
}
