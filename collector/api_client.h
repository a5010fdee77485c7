/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection of a client to a collector: HTTPS with a token, one request after the other (libcurl).
 *
 *   struct api_client *client = api_client_new(owner, &target, error);
 *   switch (api_client_send(client, &(struct api_request){.method = "GET", .path = "/api/v1/..."}, &reply)) ...
 *
 * It tells what came of a request; whether and how often it is tried again is for whoever asks.
 */
#ifndef PATELLA_API_CLIENT_H
#define PATELLA_API_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "forms/base/text.h"

struct api_client;

struct api_target {
    const char *url;             /* "https://localhost:8443"; a slash behind it does not matter */
    const char *token_file;      /* its first line is the token */
    const char *ca_file;         /* PEM; NULL: the system's */
    const char *certificate_file, *key_file;     /* of this machine, PEM; NULL: none */
    int silence_s;               /* so long without a byte either way is no answer */
};

struct api_request {
    const char *method;
    const char *path;            /* "/api/v1/uploads?study=demo": escaped already */
    const char *const *headers;  /* "Content-Type: application/json", the last one NULL; or NULL */
    const void *body;            /* NULL: none */
    size_t length;
    int file;                    /* > 0: the body of a reply with status 200 is written there */
};

struct api_reply {
    long status;                 /* 0: no reply */
    const struct text *body;     /* until the next request; nothing of what went to a file */
    int64_t file_bytes;
};

enum api_outcome {
    API_REPLY,                   /* the server has answered */
    API_AWAY,                    /* no answer, or 429 or 503: may change in a moment */
    API_NEVER,                   /* no answer that trying again would change: a wrong certificate or address */
    API_FILE                     /* the reply could not be written to `file`: errno is in api_client_errno */
};

/* Fails when the token cannot be read. */
struct api_client *api_client_new(const void *owner, const struct api_target *target, struct error *error) MUST_CHECK;

enum api_outcome api_client_send(struct api_client *client, const struct api_request *request,
                                 struct api_reply *reply) MUST_CHECK;

/* A header of the last reply, NULL when it had none of that name; until the next request. */
const char *api_client_header(struct api_client *client, const char *name);

int api_client_errno(const struct api_client *client);

/* `part` as it may stand in a path or query. */
const char *api_client_escape(struct api_client *client, const void *owner, const char *part);

/* Why there was no reply: ERROR_IO without one, ERROR_BUSY for 429 and 503, with the server's words. */
bool api_client_set_away(const struct api_client *client, const struct api_reply *reply, struct error *error);

/* The server's refusal of `what` ("request") in its own words: code and detail of the problem in the reply. */
bool api_client_set_refused(const struct api_reply *reply, const char *what, struct error *error);

/* The first pauses between two tries are short, later ones a second. */
void api_client_pause(int attempt);

#endif
