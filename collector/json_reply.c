/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/json_reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "forms/json_write.h"

void json_reply_number(struct text *out, double value)
{
    char digits[32];
    if (!isfinite(value)) {
        text_append(out, "null");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (!(strtod(digits, NULL) < value) && !(strtod(digits, NULL) > value))
            break;
    }
    text_append(out, digits);
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
