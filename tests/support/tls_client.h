/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client that says any bytes over TLS: what no HTTP library would send.  Every read has a deadline; what
 * goes wrong in the client itself fails the test.
 */
#ifndef PATELLA_TLS_CLIENT_H
#define PATELLA_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

struct tls_client;

/* How to connect; zeros: 127.0.0.1, any version, OpenSSL's own offers. */
struct tls_client_options {
    int port;
    int version;                 /* TLS1_2_VERSION, TLS1_3_VERSION; 0: any from 1.0 on */
    const char *ciphers;         /* of TLS 1.2 and below */
    const char *protocol;        /* ALPN */
    int socket;                  /* of tls_client_connect_plain, taken over; 0: connects */
};

/* NULL when the handshake is refused or the connection is cut. */
struct tls_client *tls_client_open(const void *owner, const struct tls_client_options *options);

/* A TCP connection without a handshake. */
int tls_client_connect_plain(int port);

SSL *tls_client_ssl(struct tls_client *client);

/* False when the server has closed. */
bool tls_client_send(struct tls_client *client, const void *bytes, size_t length);
bool tls_client_send_text(struct tls_client *client, const char *text);

struct tls_reply {
    int status;                  /* 0: the connection ended before one; -1: nothing came in time */
    char *head;                  /* NUL-terminated, with its last CRLF */
    char *body;                  /* NUL-terminated */
    size_t body_length;
};

/* The next reply, interim ones too; the second one for a reply to HEAD. */
struct tls_reply tls_client_read_reply(struct tls_client *client, int deadline_ms);
struct tls_reply tls_client_read_head_reply(struct tls_client *client, int deadline_ms);

/* Value of a header, NULL when there is none; on the client. */
const char *tls_reply_header(struct tls_client *client, const struct tls_reply *reply, const char *name);

/* True when the server ends the connection in time, without another byte; `clean`: with close_notify. */
bool tls_client_is_closed(struct tls_client *client, int deadline_ms, bool *clean);

/* Closes at once, with a reset when `reset`. */
void tls_client_abort(struct tls_client *client, bool reset);

#endif
