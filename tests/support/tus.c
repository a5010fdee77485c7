/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/tus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

struct tus_line *tus_open(struct registry *registry, const char *token)
{
    struct tus_line *line = memory_new(registry, struct tus_line);
    line->registry = registry;
    line->token = token;
    line->client = tls_client_open(line, &(struct tls_client_options){.port = registry->daemon->port});
    assert_non_null(line->client);
    return line;
}

void tus_say(struct tus_line *line, const char *request, const char *fields)
{
    struct text *head = text_new(line);
    text_append_format(head, "%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n", request,
                       line->token, fields);
    assert_true(tls_client_send(line->client, head->bytes, head->length));
}

struct tls_reply tus_reply(struct tus_line *line, int status)
{
    struct tls_reply reply = tls_client_read_reply(line->client, TUS_DEADLINE_MS);
    if (reply.status != status)
        fail_msg("status %d, not %d: %s", reply.status, status, reply.body != NULL ? reply.body : "");
    return reply;
}

void tus_expect(struct tus_line *line, int status, const char *code)
{
    struct tls_reply reply = tus_reply(line, status);
    char *wanted = memory_format(line, "\"code\":\"%s\"", code);
    if (strstr(reply.body, wanted) == NULL)
        fail_msg("not %s: %s", code, reply.body);
}

const char *tus_header(struct tus_line *line, const struct tls_reply *reply, const char *name)
{
    const char *value = tls_reply_header(line->client, reply, name);
    if (value == NULL)
        fail_msg("no header %s in %s", name, reply->head);
    return value;
}

char *tus_bytes(const void *owner, size_t length)
{
    char *bytes = memory_new_array(owner, char, length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)((i * 2654435761U) >> 13);
    return bytes;
}

static const char *sha256_of(const void *owner, const char *bytes, size_t length)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *hex = memory_new_array(owner, char, 2 * sizeof digest + 1);
    SHA256((const unsigned char *)bytes, length, digest);
    text_to_hex(digest, sizeof digest, hex);
    return hex;
}

/* ---- uploads ---- */

void tus_read_location(struct tus_upload *upload, const void *owner, const char *location)
{
    const char *id = strstr(location, "/uploads/");
    assert_non_null(id);
    assert_non_null(strstr(location, "?study=demo"));
    snprintf(upload->id, sizeof upload->id, "%s", id + strlen("/uploads/"));
    upload->patch = memory_format(owner, "PATCH %s", location);
    upload->head = memory_format(owner, "HEAD %s", location);
    upload->delete = memory_format(owner, "DELETE %s", location);
}

struct tus_upload *tus_begin(struct tus_line *line, size_t size)
{
    struct tus_upload *upload = memory_new(line->registry, struct tus_upload);
    tus_say(line, POST_TUS, memory_format(line, TUS "Upload-Length: %zu\r\nContent-Length: 0\r\n"
                                           "Upload-Metadata: filename a29vcy5jc3Y=\r\n", size));
    struct tls_reply reply = tus_reply(line, 201);
    tus_read_location(upload, line->registry, tus_header(line, &reply, "Location"));
    assert_string_equal(tus_header(line, &reply, "Tus-Resumable"), "1.0.0");
    return upload;
}

void tus_patch_head(struct tus_line *line, const struct tus_upload *upload, size_t offset, size_t length,
                    const char *more)
{
    tus_say(line, upload->patch, memory_format(line, TUS PIECE_TYPE "Upload-Offset: %zu\r\nContent-Length: %zu\r\n%s",
                                                offset, length, more));
}

void tus_send(struct tus_line *line, const char *bytes, size_t length)
{
    assert_true(tls_client_send(line->client, bytes, length));
}

void tus_patch(struct tus_line *line, const struct tus_upload *upload, size_t offset, const char *bytes,
               size_t length)
{
    tus_patch_head(line, upload, offset, length, "");
    tus_send(line, bytes + offset, length);
    struct tls_reply reply = tus_reply(line, 204);
    assert_int_equal(atol(tus_header(line, &reply, "Upload-Offset")), (long)(offset + length));
}

long tus_offset(struct tus_line *line, const struct tus_upload *upload)
{
    tus_say(line, upload->head, TUS);
    struct tls_reply reply = tls_client_read_head_reply(line->client, TUS_DEADLINE_MS);
    assert_int_equal(reply.status, 200);
    return atol(tus_header(line, &reply, "Upload-Offset"));
}

void tus_expect_stored(struct registry *registry, const struct tus_upload *upload, const char *bytes, size_t length)
{
    char *sql = memory_format(registry,
                              "SELECT sum(octet_length(bytes)) || ' ' || encode(sha256(string_agg(bytes, ''::bytea "
                              "ORDER BY start)), 'hex') FROM upload.chunk WHERE upload_id = '%s'", upload->id);
    assert_string_equal(test_value(registry->db, sql),
                        memory_format(registry, "%zu %s", length, sha256_of(registry, bytes, length)));
}

const char *tus_state(struct registry *registry, const struct tus_upload *upload)
{
    return test_value(registry->db, memory_format(registry, "SELECT state FROM upload.file WHERE upload_id = '%s'",
                                                  upload->id));
}

void tus_wait_for_offset(struct tus_line *line, const struct tus_upload *upload, long offset)
{
    long long until_ms = test_now_ms() + TUS_DEADLINE_MS;
    long got = 0;
    while ((got = tus_offset(line, upload)) != offset && test_now_ms() < until_ms)
        test_pause();
    if (got != offset)
        fail_msg("%ld bytes are stored, not %ld", got, offset);
}

void tus_send_chunks(struct tus_line *line, const char *bytes, size_t length, size_t chunk)
{
    for (size_t at = 0; at < length; at += chunk) {
        size_t count = length - at < chunk ? length - at : chunk;
        struct text *framed = text_new(line);
        text_append_format(framed, "%zx\r\n", count);
        text_append_bytes(framed, bytes + at, count);
        text_append(framed, "\r\n");
        tus_send(line, framed->bytes, framed->length);
        talloc_free(framed);
    }
    tus_send(line, "0\r\n\r\n", 5);
}
