/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploads by tus, byte by byte over TLS, against the daemon of a registry; what is stored is read from the tables.
 * Whatever is not as it should be fails the test.
 */
#ifndef PATELLA_TEST_TUS_H
#define PATELLA_TEST_TUS_H

#include <stddef.h>

#include "tests/support/registry.h"
#include "tests/support/tls_client.h"

#define POST_TUS "POST /api/v1/uploads?study=demo&site=1"
#define TUS "Tus-Resumable: 1.0.0\r\n"
#define PIECE_TYPE "Content-Type: application/offset+octet-stream\r\n"

enum { TUS_DEADLINE_MS = 30000, TUS_ID_SIZE = 37, KIB = 1024, MIB = 1 << 20 };

struct tus_line {
    struct registry *registry;
    struct tls_client *client;
    const char *token;
};

struct tus_upload {
    char id[TUS_ID_SIZE];
    char *patch, *head, *delete;         /* "PATCH /api/v1/uploads/...", without version */
};

struct tus_line *tus_open(struct registry *registry, const char *token);

/* The head of a request ("PATCH /api/...") with the token; `fields` end with CR LF each. */
void tus_say(struct tus_line *line, const char *request, const char *fields);
void tus_send(struct tus_line *line, const char *bytes, size_t length);
void tus_send_chunks(struct tus_line *line, const char *bytes, size_t length, size_t chunk);

/* The next reply, which has this status (and problem code). */
struct tls_reply tus_reply(struct tus_line *line, int status);
void tus_expect(struct tus_line *line, int status, const char *code);
const char *tus_header(struct tus_line *line, const struct tls_reply *reply, const char *name);

/* Bytes that no two places have alike. */
char *tus_bytes(const void *owner, size_t length);

void tus_read_location(struct tus_upload *upload, const void *owner, const char *location);

/* Begun by tus, with `size` bytes to come. */
struct tus_upload *tus_begin(struct tus_line *line, size_t size);

void tus_patch_head(struct tus_line *line, const struct tus_upload *upload, size_t offset, size_t length,
                    const char *more);

/* `length` bytes from `bytes` + `offset`. */
void tus_patch(struct tus_line *line, const struct tus_upload *upload, size_t offset, const char *bytes,
               size_t length);
long tus_offset(struct tus_line *line, const struct tus_upload *upload);
void tus_wait_for_offset(struct tus_line *line, const struct tus_upload *upload, long offset);

/* What is stored of it is `length` bytes of `bytes`, each of them once. */
void tus_expect_stored(struct registry *registry, const struct tus_upload *upload, const char *bytes, size_t length);
const char *tus_state(struct registry *registry, const struct tus_upload *upload);

#endif
