/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of an exchange: where it came from and how it gets back.
 *
 * One block of memory from the head of the request to the end of its reply.  `connection` is looked at in the
 * loop's thread only; it is NULL once the client has gone.
 */
#ifndef PATELLA_CALL_H
#define PATELLA_CALL_H

#include "collector/chunks.h"
#include "collector/exchange.h"
#include "collector/http.h"
#include "collector/inbox.h"
#include "collector/workers.h"

struct connection;   /* connection.h */
struct loop;         /* loop.h */

/* What a browser says of the page that a request comes from. */
enum call_origin { ORIGIN_UNSAID, ORIGIN_OURS, ORIGIN_FOREIGN };

struct call {
    struct exchange exchange;          /* first: exchange_finish finds the call by it */
    struct loop *loop;
    struct connection *connection;
    struct address *address;           /* looked at only while `held` is not 0: else it may be gone */
    struct inbox_message message;      /* the way back from another thread */
    struct work work;                  /* the way to a worker */
    int64_t started_us;
    size_t body_length;                /* as announced */
    bool chunked;                      /* nothing is announced */
    bool in_pieces;                    /* the body: receive.h, which has what follows */
    size_t received;                   /* bytes of it */
    bool body_ended;
    struct chunks chunks;
    const char *cut_code, *cut_detail; /* what is replied once the last piece is kept; NULL */
    int cut_status;
    size_t held;                       /* bytes of the call that count for max_held_bytes */
    bool keep_alive;
    bool expects_continue;
    struct text *reply_bytes;          /* once it has its reply: reply.h */
    bool body_apart;
    bool making_piece;                 /* of a body in pieces: a worker has the call; stream.h */
    const char *piece_failed;          /* why there is no next piece; NULL */
    int64_t piece_asked_us;
    uint64_t streamed;                 /* bytes of the body so far */
    bool is_http_1_0;                  /* which knows no chunks */
    struct principal *found;           /* what a worker found for the token */
    bool denied;
    char *token;                       /* that the database is asked about: of a session for a study, derived */
    uint8_t token_sha256[32];
    enum call_origin origin;
    bool shows_form_token;             /* X-Patella-Form is the session's */
};

/*
 * A call for a head that was read, with what is needed of it copied, and the catalogues held.  NULL `head`:
 * for a request that could not be read.
 */
struct call *call_new(struct loop *loop, struct connection *connection, const struct http_head *head);

/* Finds the route and reads what stands in the target; false when the exchange has its refusal instead. */
bool call_route(struct call *call, const struct http_head *head) MUST_CHECK;

/*
 * Counts `bytes` more of the call's memory, until its end: body, checked submissions, reply.  Nothing that is
 * there already is refused; call_has_room asks first.
 */
void call_hold(struct call *call, size_t bytes);

/*
 * False when `bytes` more would be too many: of all calls of the loop together, or of the client's address,
 * which may hold a third of what nobody holds.
 */
bool call_has_room(const struct call *call, size_t bytes);

void call_free(struct call *call);

static inline struct call *call_of(struct exchange *exchange)
{
    return (struct call *)exchange;
}

#endif
