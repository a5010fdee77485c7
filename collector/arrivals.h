/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections whose first byte is awaited, or has come and waits for its turn.
 *
 * A TLS handshake costs more than a submission.  A crowd that comes at once, or one after the other without
 * end, may take a part of each turn of the loop and leaves the rest to those who are there; who says nothing
 * costs no TLS at all.
 * Not for: deadlines (connection.h), limits (addresses.h).
 */
#ifndef PATELLA_ARRIVALS_H
#define PATELLA_ARRIVALS_H

#include <stdbool.h>

#include <event2/event.h>

#include "forms/base/error.h"

struct arrivals;

/* A part of a connection; zeroed before its first use. */
struct arrival {
    struct arrivals *arrivals;
    struct event *event;         /* NULL once the socket was taken */
    struct arrival *next, **link;
};

/* Called in the loop: the first byte is there and it is this one's turn, or `ended`: no byte will come. */
typedef void arrivals_begin(struct arrival *arrival, bool ended);

/* NULL when libevent cannot; freed before the loop's base. */
struct arrivals *arrivals_new(const void *owner, struct event_base *base, arrivals_begin *begin);

/* Waits for the first byte on `socket`; false when libevent cannot. */
bool arrivals_wait(struct arrivals *arrivals, struct arrival *arrival, evutil_socket_t socket) MUST_CHECK;

/* Ends the waiting: the socket, -1 when it was taken before. */
evutil_socket_t arrivals_take(struct arrival *arrival);

#endif
