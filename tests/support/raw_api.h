/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests as bytes to a running daemon, each held against what must be answered: the status, the problem with its
 * words, the media type, and the counters of /metrics, of which exactly the right one moves, by one.
 */
#ifndef PATELLA_TEST_RAW_API_H
#define PATELLA_TEST_RAW_API_H

#include "forms/base/text.h"
#include "tests/support/daemon.h"
#include "tests/support/tls_client.h"

struct raw_api;

/* `token` NULL: none is sent by raw_api_send. */
struct raw_api *raw_api_new(const void *owner, const struct daemon_process *daemon, const char *token);

struct raw_wanted {
    int status;
    const char *code;            /* of the problem; NULL: there is none */
    const char *says;            /* stands in the reply's body; NULL: anything */
};

/* Sends the bytes on a kept connection, anew when the last one has ended, and fails the test, naming `label`. */
void raw_api_expect(struct raw_api *api, const char *label, const void *bytes, size_t length,
                    const struct raw_wanted *wanted);

/* A request with Host, the token and, unless `body` is NULL, the body as application/json. */
void raw_api_send(struct raw_api *api, const char *label, const char *method, const char *target,
                  const struct text *body, const struct raw_wanted *wanted);

/* Whether the reply to the last one left the connection open. */
bool raw_api_is_open(const struct raw_api *api);

/* The body of the last reply. */
const char *raw_api_body(const struct raw_api *api);

#endif
