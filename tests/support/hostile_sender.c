/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/hostile_sender.h"

#include <string.h>

#include <openssl/err.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/load_record.h"
#include "tests/support/load_reply.h"

enum {
    ROWS = 256,                  /* the most that an array may hold */
    SUBJECTS = 64,
    HELD_BODY = 1048576,         /* the most that a body may hold */
    HELD_FIRST_BODY = 1048319,   /* of one of them, so that 256 fit into max_held_bytes and nothing else does */
    HELD_AT_ONCE = 880000,
    HELD_BYTES_PER_S = 1300,
    CHUNK = 16384
};

struct hostile_bodies {
    enum hostile_kind kind;
    struct load_options options;
    struct load_request *row;                /* one submission; patched, and copied into an array */
    const char *row_body;
    size_t row_length;
    struct load_random random;
    uint64_t number;                         /* of the next record */
    char *empty_array;                       /* a request with ROWS such submissions */
    char *held[2];                           /* requests whose bodies are blanks: the first connection's, the others' */
};

/* ---- bodies ---- */

static char *blanks(const void *owner, const struct load_options *options, size_t length)
{
    char *body = memory_new_array(NULL, char, length + 1);
    memset(body, ' ', length);
    char *request = load_request_text(owner, options, body);
    talloc_free(body);
    return request;
}

static char *array_of_rows(const void *owner, const struct hostile_bodies *bodies)
{
    struct text *body = text_new(NULL);
    for (int i = 0; i < ROWS; i++)
        text_append_format(body, "%s%s", i > 0 ? "," : "[", bodies->row_body);
    text_append(body, "]");
    char *request = load_request_text(owner, &bodies->options, body->bytes);
    talloc_free(body);
    return request;
}

static bool enrol(struct hostile_bodies *bodies, struct error *error)
{
    struct load *load = load_new(bodies, &bodies->options, error);
    bool done = load != NULL && load_enrol(load, error);
    talloc_free(load);
    return done;
}

struct hostile_bodies *hostile_bodies_new(const void *owner, const struct hostile_options *options, struct error *error)
{
    struct hostile_bodies *bodies = memory_new(owner, struct hostile_bodies);
    bodies->kind = options->kind;
    bodies->options = (struct load_options){
        .port = options->port, .source = options->source, .token = options->token, .study = "demo", .site = 1,
        .first_subject = options->first_subject > 0 ? options->first_subject : 1, .subjects = SUBJECTS};
    if (bodies->kind == HOSTILE_HELD) {
        bodies->held[0] = blanks(bodies, &bodies->options, HELD_FIRST_BODY);
        bodies->held[1] = blanks(bodies, &bodies->options, HELD_BODY);
        return bodies;
    }
    bodies->random = load_random_seed();
    bodies->row = load_request_new(bodies, &bodies->options);
    bodies->row_body = strstr(bodies->row->bytes, "\r\n\r\n") + 4;
    bodies->row_length = strlen(bodies->row_body);
    bodies->empty_array = array_of_rows(bodies, bodies);
    if (enrol(bodies, error))
        return bodies;
    talloc_free(bodies);
    return NULL;
}

static void draw_row(struct hostile_bodies *bodies)
{
    uint8_t id[16];
    uint64_t number = bodies->number++ % load_record_limit(&bodies->options);
    struct load_record record = load_record_at(&bodies->options, number);
    load_make_id(&bodies->random, LOAD_IDS_VERSION_7, id);
    load_request_patch(bodies->row, &record, id, number);
}

/* Into the connection's own copy of the array. */
static void fill_array(struct hostile_bodies *bodies, char *bytes)
{
    char *row = strstr(bytes, "\r\n\r\n") + 5;
    for (int i = 0; i < ROWS; i++, row += bodies->row_length + 1) {
        if (i == 0 || bodies->kind == HOSTILE_ARRAYS)
            draw_row(bodies);
        memcpy(row, bodies->row_body, bodies->row_length);
    }
}

/* ---- a connection ---- */

void hostile_sender_begin(struct hostile_sender *sender, struct hostile_bodies *bodies, int connection)
{
    char *bytes = sender->bytes;
    if (bodies->kind == HOSTILE_HELD)
        bytes = bodies->held[connection > 0];
    else if (bytes == NULL)
        bytes = memory_copy_string(bodies, bodies->empty_array);
    if (bodies->kind != HOSTILE_HELD)
        fill_array(bodies, bytes);
    *sender = (struct hostile_sender){.bytes = bytes, .length = strlen(bytes)};
    sender->at_once = bodies->kind == HOSTILE_HELD ? HELD_AT_ONCE : sender->length;
    sender->allowed = sender->at_once;
}

void hostile_sender_allow_more(struct hostile_sender *sender)
{
    size_t left = sender->length - sender->allowed;
    sender->allowed += left < HELD_BYTES_PER_S ? left : HELD_BYTES_PER_S;
}

static void send_some(struct hostile_sender *sender, SSL *ssl)
{
    while (sender->sent < sender->allowed) {
        size_t left = sender->allowed - sender->sent;
        int sent = SSL_write(ssl, sender->bytes + sender->sent, (int)(left < CHUNK ? left : CHUNK));
        if (sent <= 0)
            return;              /* whether it has ended, reading tells */
        sender->sent += (size_t)sent;
    }
}

/* Takes part of a reply; false when it is none. */
static bool take(struct hostile_sender *sender, const char *bytes, size_t length)
{
    size_t room = sizeof sender->head - sender->received;
    if (sender->whole == 0) {
        struct load_reply reply;
        size_t kept = sender->received + (length < room ? length : room);
        memcpy(sender->head + sender->received, bytes, kept - sender->received);
        if (load_reply_read(sender->head, kept, &reply) == LOAD_READ_NONSENSE ||
            (reply.length == 0 && kept == sizeof sender->head))
            return false;
        sender->whole = reply.length;
        sender->status = reply.status;
        sender->closes = reply.closes;
    }
    sender->received += length;
    return true;
}

enum hostile_progress hostile_sender_go_on(struct hostile_sender *sender, SSL *ssl)
{
    char bytes[CHUNK];
    ERR_clear_error();
    send_some(sender, ssl);
    for (;;) {
        ERR_clear_error();
        int got = SSL_read(ssl, bytes, sizeof bytes);
        int reason = SSL_get_error(ssl, got);
        ERR_clear_error();
        if (got <= 0)
            return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? HOSTILE_GOES_ON : HOSTILE_ENDED;
        if (!take(sender, bytes, (size_t)got))
            return HOSTILE_ENDED;
        if (sender->whole > 0 && sender->received >= sender->whole)
            return HOSTILE_ANSWERED;
    }
}
