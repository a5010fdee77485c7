/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request and its reply, and the table of routes.
 *
 * An exchange is a talloc context of its own (no parent), so that it can be handed from the event loop to a
 * worker thread or the writer and back; one thread holds it at a time.  Handlers allocate from it and never
 * free.
 */
#ifndef PATELLA_EXCHANGE_H
#define PATELLA_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "forms/base/text.h"

struct catalogues;   /* catalogues.h */
struct store;        /* store.h */

/* Who may call a route; a bit each.  ROLE_ANYONE needs no token. */
enum role {
    ROLE_ANYONE = 0,
    ROLE_ADMINISTRATOR = 1,
    ROLE_COORDINATOR = 2,
    ROLE_SITE_MACHINE = 4,
    ROLE_STATISTICIAN = 8,
    ROLE_DATA_MANAGER = 16,
    ROLE_INVESTIGATOR = 32,
    ROLE_MONITOR = 64,
    ROLE_STATISTICIAN_UNMASKED = 128,
    ROLE_EVERYONE = 255,         /* anyone with a token for one study */
    ROLE_SESSION = 256,          /* a person who has logged in, where no study is named */
    ROLE_PARTICIPANT = 512       /* a subject, by a link: its own form and nothing else */
};

/* Whoever holds the token; from the database, kept in a cache for a few seconds. */
struct principal {
    char *token;                 /* as sent; goes to every function of the database; never logged */
    char *account;
    enum role role;
    int study_id;
    char *study;                 /* code of the study that the token is bound to; NULL for a session as such */
    char **studies;              /* of a session as such: codes of the studies that it opens */
    size_t study_count;
    int *sites;                  /* site numbers; all sites of the study when site_count is 0 */
    size_t site_count;
    int64_t expires_at;          /* unix seconds */
};

struct query_parameter {
    const char *name;
    const char *value;
};

struct reply_header {
    const char *name;
    const char *value;
};

enum { EXCHANGE_PARAMETERS = 4, EXCHANGE_REPLY_HEADERS = 8 };

/* Bytes of a piece, more or less: one that is larger is sent, too. */
enum { STREAM_PIECE_BYTES = 128 * 1024 };

/*
 * Appends the next piece of a body to `out`, on any worker; sets `*last` with the last one.  An empty piece is asked
 * for again.  False: the body cannot be ended, and the connection is cut, so that the client knows it.
 */
typedef bool stream_function(void *context, struct store *store, struct text *out, bool *last, struct error *error);

/* What a handler of HANDLE_IN_PIECES is called for; receive.h. */
enum body_part {
    BODY_AWAITED,        /* nothing of the body has been read: who may not send it gets the reply now */
    BODY_PIECE,          /* `body` is the next piece, and more comes */
    BODY_LAST,           /* `body` is the last one, perhaps empty: the reply is due */
    BODY_TOO_LONG,       /* more came than `body_most`, and is dropped: the reply is due */
    BODY_CUT             /* no more will come: `body` came since the last piece; the reply is not the handler's */
};

/* Header fields that only some handlers look at. */
enum exchange_field {
    FIELD_PREFER,
    FIELD_ACCEPT_ENCODING,
    FIELD_TUS_RESUMABLE,
    FIELD_UPLOAD_LENGTH,
    FIELD_UPLOAD_OFFSET,
    FIELD_UPLOAD_METADATA,
    FIELD_UPLOAD_CHECKSUM,
    EXCHANGE_FIELDS
};

struct exchange;

/* `store` is NULL in the event loop. */
typedef void route_handler(struct exchange *exchange, struct store *store);

struct exchange {
    const struct route *route;
    char request_id[20];
    const char *method;                              /* "HEAD" for a HEAD on a GET route */
    const char *path;                                /* as sent, without the query */
    char peer[46];                                   /* numeric address of the client */
    const char *parameters[EXCHANGE_PARAMETERS];     /* values of {..} in the pattern, decoded, valid UTF-8 */
    const struct query_parameter *query;             /* decoded, valid UTF-8 */
    size_t query_count;
    const char *content_type;                        /* "" when none */
    const char *if_none_match;                       /* "" when none */
    const char *fields[EXCHANGE_FIELDS];             /* NULL when not sent */
    const char *body;                                /* NUL-terminated; may contain NUL bytes */
    size_t body_length;
    enum body_part body_part;
    int64_t body_announced;                          /* by Content-Length; -1: it comes in chunks */
    size_t body_most;                                /* for the handler to set at BODY_AWAITED: bytes of the body */
    size_t piece_most;                               /* the same: bytes of a piece; RECEIVE_PIECE_BYTES at first */
    bool body_resumable;                             /* the same: a server that stops need not wait for the rest */
    bool body_hears_cut;                             /* the same: BODY_CUT comes also when no byte did since the last */
    void *receiving;                                 /* the handler's own, from one piece to the next */
    route_handler *then;                             /* instead of a reply: goes on in the loop, as HANDLE_BY_WRITER;
                                                        for HANDLE_ON_WORKER and HANDLE_IN_PIECES */
    const struct principal *principal;               /* NULL when the route is for anyone */
    const char *session;                             /* token of the session that the caller showed; NULL: none */
    bool by_cookie;                                  /* it came, or is to go, as a cookie */
    const struct catalogues *catalogues;             /* held for the time of the exchange */

    int status;                                      /* HTTP status; 0: no reply yet */
    const char *reply_type;                          /* media type */
    struct text *reply;                              /* body */
    stream_function *stream;                         /* makes the body piece by piece, instead of `reply` */
    void *stream_context;
    struct text *piece;                              /* the next one */
    bool piece_is_last;
    struct reply_header reply_headers[EXCHANGE_REPLY_HEADERS];
    size_t reply_header_count;
};

enum handling {
    HANDLE_ON_LOOP,      /* at once, in the event loop: must not block; `store` is NULL */
    HANDLE_ON_WORKER,    /* on a worker thread, with its store */
    HANDLE_BY_WRITER,    /* in the loop; it, or the writer or desk that it queues for, calls exchange_finish */
    HANDLE_IN_PIECES     /* on a worker, again and again: before the body and with each piece of it */
};

struct route {
    const char *method;      /* "GET", "POST" */
    const char *pattern;     /* "/api/v1/studies/{study}/submissions" */
    unsigned roles;          /* bits of enum role */
    size_t body_limit;       /* bytes; 0: no body allowed */
    enum handling handling;
    route_handler *handler;
};

/* routes.c: the one table. */
extern const struct route route_table[];
extern const size_t route_count;

/* First value of a query parameter, NULL when absent. */
const char *exchange_query(const struct exchange *exchange, const char *name);

/* Value of `{name}` in the route's pattern. */
const char *exchange_parameter(const struct exchange *exchange, const char *name);

/*
 * Code of the study that the request is about: `{study}` of the path, or for uploads `?study=`, which whoever has a
 * token for one study may leave out; NULL when none is named.
 */
const char *exchange_study(const struct exchange *exchange);
bool exchange_takes_study_in_query(const struct exchange *exchange);

/*
 * A reply of 200 whose body `stream` makes piece by piece, with `context`, which belongs to the exchange; the first
 * piece and whether it is the last are set already (`piece`, `piece_is_last`).
 */
void exchange_reply_stream(struct exchange *exchange, const char *type, stream_function *stream, void *context);

/* Adds a header of the reply, or replaces the one of that name; control characters in `value` become '?'. */
void exchange_add_header(struct exchange *exchange, const char *name, const char *value);

/*
 * Content-Security-Policy of every reply: it is no page, loads nothing, sends nothing and stands in no other page.  For
 * files that somebody made there is "; sandbox" behind it.
 */
#define REPLY_POLICY "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* A JSON reply; `body` belongs to the exchange. */
void exchange_reply_json(struct exchange *exchange, int status, struct text *body);

/*
 * A reply as application/problem+json (RFC 9457):
 * {"type":"urn:patella:problem:CODE","title":...,"status":...,"code":CODE,"detail":...}
 * The request id is in the header X-Request-Id, so that the same problem has the same bytes.  A 503 or 429
 * gets "Retry-After: 1" and a 401 gets WWW-Authenticate (RFC 6750) when the handler has set none.
 */
void exchange_reply_problem(struct exchange *exchange, int status, const char *code, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with a body that is written already (problem_details.h). */
void exchange_reply_details(struct exchange *exchange, int status, struct text *details);

/*
 * Counts `bytes` that a handler on the loop lets another thread keep; false and a reply of 503 when the
 * daemon holds too much already.
 */
bool exchange_hold(struct exchange *exchange, size_t bytes);

/*
 * In the loop, once a HANDLE_BY_WRITER handler (or `then`) has been called: the work may take `ms` longer than
 * work_deadline_ms, for a client that asked to wait.
 */
void exchange_wait_longer(struct exchange *exchange, int ms);

/*
 * Hands an exchange that has its reply back to the event loop, from any thread, exactly once for each
 * exchange of a HANDLE_BY_WRITER route (for a worker's, the worker does it).  The client may be gone; then it
 * is only freed.
 */
void exchange_finish(struct exchange *exchange);

#endif
