/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replies that leave at the end of the loop's turn: the log's lines of all of them first, in one write.
 *
 * A reply may lead to the next request of its connection, which waits in the input.  The reply to that one
 * leaves in another turn: whoever has sent many requests at once has one of them answered each turn, as
 * everybody else.
 * Not for: the bytes of a reply (reply.h), what comes after it (connection.h).
 */
#ifndef PATELLA_REPLIES_H
#define PATELLA_REPLIES_H

#include <event2/event.h>

#include "collector/call.h"

struct connection;   /* connection.h */
struct replies;

/* NULL when libevent cannot; freed before the loop's base. */
struct replies *replies_new(const void *owner, struct event_base *base);

/* The connection's reply, made (reply_make), leaves once the events that this turn has found are handled. */
void replies_post(struct connection *connection, struct call *call);

/* Takes the call back whose reply has not left yet; there is one. */
struct call *replies_take(struct connection *connection);

#endif
