/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection of a client: which part of a request it is in, and until when.
 *
 * Every phase has an absolute deadline, or a least rate after a time of grace; a tick of the loop looks at
 * them.  One request is worked on at a time; the next one waits in the input buffer, which is bounded.
 */
#ifndef PATELLA_CONNECTION_H
#define PATELLA_CONNECTION_H

#include <event2/bufferevent.h>

#include "collector/addresses.h"
#include "collector/arrivals.h"
#include "collector/call.h"
#include "collector/listener.h"
#include "collector/machine_sites.h"

enum connection_phase {
    PHASE_HANDSHAKE,     /* from the first moment on, also while no byte has come */
    PHASE_HEAD,          /* the head of a request is awaited or arriving */
    PHASE_IDLE,          /* between two requests */
    PHASE_ADMISSION,     /* a worker looks for the holder of the token */
    PHASE_BODY,
    PHASE_WORK,          /* with a handler on another thread */
    PHASE_REPLY,         /* bytes of the reply are leaving */
    PHASE_LINGER         /* ending.h: nothing more is said, but not all that was said has been taken */
};

struct connection {
    struct loop *loop;
    struct connection *next, **link;
    struct arrival arrival;          /* until TLS begins */
    struct bufferevent *stream;      /* from then on; NULL before */
    enum connection_phase phase;
    int64_t deadline_us;             /* of the phase */
    int64_t stretch_since_us;        /* begin of the phase, or of its last stretch whose rate is judged */
    int64_t stretch_moved;           /* bytes that had moved in the phase by then */
    size_t reply_untaken;            /* PHASE_REPLY, LINGER: connection_untaken at first; 0 while `replying` */
    size_t lingered;                 /* bytes dropped in PHASE_LINGER */
    int linger_ms;                   /* PHASE_LINGER: time for more input once all has been taken */
    int64_t linger_until_us;
    bool unsaid;                     /* PHASE_LINGER: "close_notify" waits for room in the socket */
    struct call *call;               /* NULL in PHASE_HANDSHAKE, HEAD, IDLE, REPLY, LINGER */
    struct call *replying;           /* in PHASE_REPLY, until the end of the loop's turn */
    struct connection *next_reply, **reply_link;
    struct call *streaming;          /* in PHASE_REPLY: whose body leaves in pieces; stream.h */
    char *body;                      /* of the call; grows with what arrives */
    size_t body_got, body_capacity;
    bool closes;                     /* after the reply */
    bool said_all;                   /* the client: what is in the input buffer is the rest */
    enum door door;
    struct machine_sites *machine;   /* DOOR_MACHINES: whom the client's certificate names; from the handshake on */
    struct address *address;
    char peer[ADDRESS_TEXT_SIZE];
};

/* Takes a connected socket over; false (and the socket is closed) when libevent cannot watch it. */
bool connection_open(struct loop *loop, evutil_socket_t socket, const struct sockaddr *peer, enum door door,
                     struct address *address);

/* For arrivals_new: TLS begins. */
void connection_begin_tls(struct arrival *arrival, bool ended);

/* Closes what is late; `connection` may be gone afterwards. */
void connection_tick(struct connection *connection, int64_t now_us);

/* The loop is stopping: an idle connection has little time left for one more request. */
void connection_hurry(struct connection *connection);

/*
 * The loop is about to end: what another thread still has, or what still arrives, is answered 503; where no
 * request has come, `connection` is closed and gone.
 */
void connection_give_up(struct connection *connection);

/* At once; what has been sent is left to the kernel. */
void connection_close(struct connection *connection);

/*
 * Bytes of replies that the client's machine has not taken in: in the output buffer and in the kernel, which takes a
 * lot for a client that reads nothing.
 */
size_t connection_untaken(const struct connection *connection);

/* ---- for ending.c ---- */

void connection_set_phase(struct connection *connection, enum connection_phase phase, int deadline_ms);

/*
 * True when less than `least` bytes a second have moved in a stretch of rate_grace_ms; `moved` counts from
 * the begin of the phase.  Stretch by stretch, so that a burst at the begin buys no time to stand still
 * afterwards.
 */
bool connection_is_too_slow(struct connection *connection, int64_t moved, int least, int64_t now_us)
    MUST_CHECK;

/* Nobody waits for the reply any more. */
void connection_drop_calls(struct connection *connection);

/* ---- for replies.c ---- */

/* The reply has left, and the next request may begin; `connection` may be gone afterwards. */
void connection_end_reply(struct connection *connection);

/* ---- for stream.c ---- */

/* So many bytes more are in the reply: the deadline for reading it moves in proportion. */
void connection_extend_reply(struct connection *connection, size_t bytes);

/* ---- for dispatch.c, with the connection's call; none of these ends the connection but the last ---- */

/* The caller may: now its body. */
void connection_receive_body(struct connection *connection);

/* A phase in which another thread has the call. */
void connection_await(struct connection *connection, enum connection_phase phase);

/* In PHASE_WORK: the client has asked for that. */
void connection_wait_longer(struct connection *connection, int ms);

/* The call has its reply. */
void connection_reply(struct connection *connection);

/*
 * Behind the others, last of all that an event leads to: takes in more, within the bound, or ends with the
 * client that has said all and asked for nothing whole; `connection` may be gone afterwards.
 */
void connection_go_on(struct connection *connection);

#endif
