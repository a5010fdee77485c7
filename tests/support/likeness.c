/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/likeness.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

#define UUID "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
#define RECOVERY_CODE "AAAA-AAAA-AAAA-AAAA"
#define NUMBER_KEY "\"invitation\":"
#define DAY_AND_MINUTE "dddd-dd-ddTdd:dd"

enum { AROUND = 160 };

struct likeness {
    json_t *ids; /* of the server, with their numbers */
};

static int destroy(struct likeness *likeness)
{
    json_decref(likeness->ids);
    return 0;
}

struct likeness *likeness_new(const void *owner)
{
    struct likeness *likeness = memory_new(owner, struct likeness);
    likeness->ids = json_object();
    talloc_set_destructor(likeness, destroy);
    return likeness;
}

/* d: a digit, x: a hexadecimal digit, A: a capital or a digit, T: T or a blank; everything else is itself. */
static bool has_shape(const char *at, const char *shape)
{
    for (; *shape != '\0'; shape++, at++) {
        bool fits = *shape == 'd'   ? isdigit((unsigned char)*at) != 0
                    : *shape == 'x' ? isxdigit((unsigned char)*at) != 0
                    : *shape == 'A' ? isupper((unsigned char)*at) || isdigit((unsigned char)*at)
                    : *shape == 'T' ? *at == 'T' || *at == ' '
                                    : *at == *shape;
        if (!fits)
            return false;
    }
    return true;
}

/* Length of a time, with or without seconds, fractions and zone; how many digits it has says nothing. */
static size_t length_of_time(const char *at)
{
    size_t length = strlen(DAY_AND_MINUTE);
    if (!has_shape(at, DAY_AND_MINUTE))
        return 0;
    length += strspn(at + length, "0123456789:.");
    if (at[length] == 'Z')
        return length + 1;
    return at[length] == '+' ? length + 1 + strspn(at + length + 1, "0123456789:") : length;
}

/* Length of what stands behind a key that holds a secret; 0: there is none. */
static size_t length_of_secret(const char *at)
{
    static const char *const keys[] = {"\"token\":\"", "\"form_token\":\"", "\"totp_secret\":\"",
                                       "\"totp_uri\":\"", "\"path\":\"/participant#",
                                       "\"key\":\""};
    static const char hash[] = "receipt_sha256";    /* in CSV its quotes are doubled */
    if (strncmp(at, hash, strlen(hash)) == 0)
        return strcspn(at, ",}");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strncmp(at, keys[i], strlen(keys[i])) == 0)
            return strlen(keys[i]) + strcspn(at + strlen(keys[i]), "\"") + 1;
    return 0;
}

static void append_id(struct likeness *likeness, struct text *out, const char *at)
{
    char id[37];
    memcpy(id, at, 36);
    id[36] = '\0';
    if (strncmp(id, LIKENESS_OWN_ID, strlen(LIKENESS_OWN_ID)) == 0) {
        text_append(out, id);
        return;
    }
    if (json_object_get(likeness->ids, id) == NULL)
        json_object_set_new(likeness->ids, id, json_integer((json_int_t)json_object_size(likeness->ids) + 1));
    text_append_format(out, "<id %lld>", (long long)json_integer_value(json_object_get(likeness->ids, id)));
}

static void append_likeness(struct likeness *likeness, struct text *out, const char *bytes, size_t length)
{
    for (const char *at = bytes, *end = bytes + length; at < end;) {
        size_t time = length_of_time(at), secret = length_of_secret(at);
        if (time > 0) {
            text_append(out, "<time>");
            at += time;
        } else if (secret > 0) {
            text_append_bytes(out, at, strcspn(at, ":"));
            text_append_format(out, ":<%zu bytes>", secret);
            at += secret;
        } else if (strncmp(at, NUMBER_KEY, strlen(NUMBER_KEY)) == 0) {
            text_append(out, NUMBER_KEY "<number>");
            at += strlen(NUMBER_KEY);
            at += strspn(at, "0123456789");
        } else if (has_shape(at, RECOVERY_CODE)) {
            text_append(out, "<code>");
            at += strlen(RECOVERY_CODE);
        } else if (has_shape(at, UUID)) {
            append_id(likeness, out, at);
            at += strlen(UUID);
        } else {
            text_append_bytes(out, at++, 1);
        }
    }
}

static void append_headers(struct likeness *likeness, struct text *out, const char *headers)
{
    static const char *const left_out[] = {"date:", "x-request-id:", "content-length:"};
    for (const char *line = headers; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        bool is_left_out = false;
        for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
            is_left_out = is_left_out || strncasecmp(line, left_out[i], strlen(left_out[i])) == 0;
        if (!is_left_out)
            append_likeness(likeness, out, line, length);
        line += length;
    }
}

static void append_zip(struct likeness *likeness, struct text *out, const struct client_reply *reply)
{
    struct archive *zip = archive_read_new();
    struct archive_entry *entry = NULL;
    int next;
    archive_read_support_format_zip(zip);
    assert_int_equal(archive_read_open_memory(zip, reply->body, reply->length), ARCHIVE_OK);
    while ((next = archive_read_next_header(zip, &entry)) == ARCHIVE_OK) {
        char buffer[4096];
        struct text *content = text_new(reply);
        text_append_format(out, "---- %s\n", archive_entry_pathname(entry));
        for (la_ssize_t got; (got = archive_read_data(zip, buffer, sizeof buffer)) > 0;)
            text_append_bytes(content, buffer, (size_t)got);
        append_likeness(likeness, out, content->bytes, content->length);
        talloc_free(content);
    }
    assert_int_equal(next, ARCHIVE_EOF);
    archive_read_free(zip);
}

const char *likeness_of(struct likeness *likeness, const void *owner, const struct client_reply *reply)
{
    struct text *out = text_new(owner);
    append_headers(likeness, out, reply->headers);
    if (strcmp(reply->type, "application/zip") == 0 && reply->status == 200)
        append_zip(likeness, out, reply);
    else
        append_likeness(likeness, out, reply->body, reply->length);
    return out->bytes;
}

const char *likeness_difference(const void *owner, const char *first, const char *second)
{
    size_t at = 0;
    while (first[at] != '\0' && first[at] == second[at])
        at++;
    if (first[at] == second[at])
        return NULL;
    size_t from = at > AROUND ? at - AROUND : 0;
    return memory_format(owner, "at byte %zu:\n%.*s\ninstead of:\n%.*s", at, (int)(at - from) + AROUND,
                         second + from, (int)(at - from) + AROUND, first + from);
}
