/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection of the load engine: opened, cut, written and read without waiting (see load.h). */
#ifndef PATELLA_TEST_LOAD_CONNECTION_H
#define PATELLA_TEST_LOAD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

enum load_state {
    LOAD_CLOSED,                 /* opens again at due_us */
    LOAD_CONNECTING,
    LOAD_SHAKING_HANDS,
    LOAD_IDLE,                   /* open; sends at due_us, or when told */
    LOAD_WRITING,
    LOAD_READING,
    LOAD_DONE                    /* closed, and never opened again */
};

enum { LOAD_INPUT_LIMIT = 65536 };

struct load_connection {
    enum load_state state;
    int socket;
    SSL *ssl;
    int64_t due_us;              /* when to do the next, or by when an answer must be there */
    int64_t entry;               /* number of the submission that is not settled; -1: none */
    int64_t first_sent_us;       /* of that submission */
    char *input;                 /* LOAD_INPUT_LIMIT bytes */
    size_t filled;
    unsigned interest;           /* what epoll was asked for */
};

/* Where connections come from and go to. */
struct load_place {
    SSL_CTX *context;
    int epoll;                   /* connections are its data.ptr */
    int port;
    const char *source;          /* NULL: any */
};

enum load_outcome { LOAD_GOES_ON, LOAD_WAITS, LOAD_LOST };

/* Opens the socket: waits (CONNECTING), or lost at once. */
enum load_outcome load_connection_open(struct load_connection *connection, const struct load_place *place);

/* Drives the opening on: GOES_ON once the handshake is complete. */
enum load_outcome load_connection_shake_hands(struct load_connection *connection, const struct load_place *place);

/* Writes all of it: GOES_ON, or WAITS and wants to be called with the same bytes again. */
enum load_outcome load_connection_write(struct load_connection *connection, const struct load_place *place,
                                        const void *bytes, size_t length);

/* Reads what is there into `input`: GOES_ON when there was something. */
enum load_outcome load_connection_read(struct load_connection *connection, const struct load_place *place);

/* Closes; `politely`: with close_notify. */
void load_connection_close(struct load_connection *connection, bool politely);

/* Client side of TLS 1.3, without tickets; `certificate` NULL: any server is trusted.  NULL when it cannot be read. */
SSL_CTX *load_tls_new(const char *certificate);

#endif
