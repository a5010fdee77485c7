/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value behind "Name:" when the line has that name; every line ends with CR LF within the head. */
static const char *value_of(const char *line, const char *name, size_t length)
{
    return strncasecmp(line, name, length) == 0 ? line + length + strspn(line + length, " ") : NULL;
}

#define VALUE_OF(line, name) value_of(line, name, sizeof(name) - 1)

static bool read_fields(const char *line, const char *end, struct load_reply *reply)
{
    bool has_length = false;
    while (line < end) {
        const char *value;
        if ((value = VALUE_OF(line, "Content-Length:")) != NULL) {
            reply->body_length = strtoul(value, NULL, 10);
            has_length = true;
        } else if ((value = VALUE_OF(line, "Connection:")) != NULL) {
            reply->closes = strncasecmp(value, "close", 5) == 0;
        } else if ((value = VALUE_OF(line, "Retry-After:")) != NULL) {
            reply->retry_after_s = atoi(value);
        }
        const char *next = memchr(line, '\n', (size_t)(end - line));
        line = next != NULL ? next + 1 : end;
    }
    return has_length;
}

enum load_reading load_reply_read(const char *bytes, size_t length, struct load_reply *reply)
{
    *reply = (struct load_reply){0};
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (end == NULL)
        return LOAD_READ_PART;
    if (end - bytes < 12 || memcmp(bytes, "HTTP/1.1 ", 9) != 0)
        return LOAD_READ_NONSENSE;
    reply->status = atoi(bytes + 9);
    if (!read_fields(bytes, end + 2, reply))
        return LOAD_READ_NONSENSE;
    reply->body = end + 4;
    reply->length = (size_t)(reply->body - bytes) + reply->body_length;
    return length >= reply->length ? LOAD_READ_WHOLE : LOAD_READ_PART;
}

void load_reply_member(const struct load_reply *reply, const char *name, char *out, size_t size)
{
    char key[64];
    int length = snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *found = memmem(reply->body, reply->body_length, key, (size_t)length);
    out[0] = '\0';
    if (found == NULL)
        return;
    found += length;
    size_t left = (size_t)(reply->body + reply->body_length - found), end = 0;
    while (end < left && end + 1 < size && found[end] != '"')
        end++;
    memcpy(out, found, end);
    out[end] = '\0';
}
