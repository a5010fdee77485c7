/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"

enum { DATE_LENGTH = 10 };
#define SECOND_US INT64_C(1000000)
#define MINUTE_S INT64_C(60)
#define HOUR_S INT64_C(3600)
#define DAY_S INT64_C(86400)

/* Two digits behind `before`, which moves *at on; false when they are not there. */
static bool read_two(const char **at, char before, int64_t *number)
{
    const char *text = *at;
    if (text[0] != before || text[1] < '0' || text[1] > '9' || text[2] < '0' || text[2] > '9')
        return false;
    *number = (text[1] - '0') * 10 + (text[2] - '0');
    *at = text + 3;
    return true;
}

/* "+01", "-03:30" or "+05:53:28" as seconds, to the end of the text. */
static bool read_offset(const char *at, int64_t *seconds)
{
    int64_t hours, minutes = 0, second = 0, sign = *at == '-' ? -1 : 1;
    if (!read_two(&at, sign < 0 ? '-' : '+', &hours))
        return false;
    if (read_two(&at, ':', &minutes))
        (void)read_two(&at, ':', &second);
    *seconds = sign * (hours * HOUR_S + minutes * MINUTE_S + second);
    return *at == '\0';
}

static bool read_clock(const char **at, int64_t *us)
{
    int64_t hours, minutes, seconds;
    if (!read_two(at, 'T', &hours) || !read_two(at, ':', &minutes) || !read_two(at, ':', &seconds))
        return false;
    *us = (hours * HOUR_S + minutes * MINUTE_S + seconds) * SECOND_US;
    if (**at == '.')
        for (int64_t unit = SECOND_US / 10; *++*at >= '0' && **at <= '9'; unit /= 10)
            *us += (**at - '0') * unit;
    return true;
}

bool seal_json_read_instant(const char *text, int64_t *us)
{
    char date[DATE_LENGTH + 1];
    date_days day;
    int64_t offset;
    if (strlen(text) <= DATE_LENGTH)
        return false;
    memcpy(date, text, DATE_LENGTH);
    date[DATE_LENGTH] = '\0';
    const char *at = text + DATE_LENGTH;
    if (!date_parse(date, &day) || !read_clock(&at, us) || !read_offset(at, &offset))
        return false;
    *us += (day * DAY_S - offset) * SECOND_US;
    return true;
}

static bool is_left_out(const char *key, const char *const *left_out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, left_out[i]) == 0)
            return true;
    return false;
}

json_t *seal_json_read(const char *bytes, size_t length, const char *const *left_out, size_t left_out_count)
{
    const char *key;
    json_t *value;
    void *next;
    int64_t us;
    char instant[32];
    json_t *row = json_loadb(bytes, length, 0, NULL);
    if (row == NULL || !json_is_object(row)) {
        json_decref(row);
        return NULL;
    }
    json_object_foreach_safe(row, next, key, value) {
        if (json_is_null(value) || is_left_out(key, left_out, left_out_count)) {
            json_object_del(row, key);
        } else if (json_is_string(value) && seal_json_read_instant(json_string_value(value), &us)) {
            snprintf(instant, sizeof instant, "@%" PRId64, us);
            json_object_set_new(row, key, json_string(instant));
        }
    }
    return row;
}

void seal_json_write(const json_t *row, struct text *text)
{
    char *bytes = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
    text_append(text, bytes != NULL ? bytes : "");
    free(bytes);     /* jansson's allocator is malloc's (memory_init) */
}
