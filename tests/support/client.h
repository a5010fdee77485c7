/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of patellad over TLS (libcurl), one kept connection. */
#ifndef PATELLA_TEST_CLIENT_H
#define PATELLA_TEST_CLIENT_H

#include <jansson.h>
#include <stddef.h>

#include "tests/support/daemon.h"

struct client;

struct client_reply {
    int status;
    const char *type;            /* media type, "" when none */
    const char *headers;         /* all of them, as sent */
    const char *body;            /* NUL-terminated */
    size_t length;
    json_t *json;                /* the body when it is JSON, else NULL */
};

/* `token` NULL: none is sent. */
struct client *client_new(const void *owner, const struct daemon_process *daemon, const char *token);

/*
 * Goes to the door for machines instead, on `port`, with a client certificate and its key (NULL: none).  Before the
 * first request.
 */
void client_use_certificate(struct client *client, int port, const char *certificate, const char *key);

/* A header that every further request sends, "Name: value". */
void client_add_header(struct client *client, const char *header);

/* The reply, which belongs to the client; `body` NULL: none, else it is JSON.  No reply fails the test. */
struct client_reply *client_send(struct client *client, const char *method, const char *path,
                                 const char *body);

/* The same, NULL when there was no reply. */
struct client_reply *client_try(struct client *client, const char *method, const char *path,
                                const char *body);

/* POST of a body whose content type is one of the headers that were added. */
struct client_reply *client_send_typed(struct client *client, const char *path, const char *body);
struct client_reply *client_send_bytes(struct client *client, const char *path, const void *bytes, size_t length);

/* Value of a header, NULL when the reply has none of that name. */
const char *client_header(const struct client_reply *reply, const char *name);

#endif
