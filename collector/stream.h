/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies that are made and sent piece by piece: as long as they like, with one piece of each in memory.
 *
 * A worker makes a piece and is free again; the next one is asked for when the client has taken the piece before from
 * the daemon.  So a slow reader holds no thread and no transaction, and is judged as any reader of a reply is.  Pieces
 * are chunks (RFC 9112, 7.1): a body that cannot be ended has no last chunk, so that nobody takes it for a whole one.
 * Not for: what stands in the pieces (stream_function in exchange.h).
 */
#ifndef PATELLA_STREAM_H
#define PATELLA_STREAM_H

#include <stdbool.h>
#include <stdint.h>

struct call;         /* call.h */
struct connection;   /* connection.h */

/* The head of the reply is in the output; takes the call over.  The first piece is made already. */
void stream_begin(struct connection *connection, struct call *call);

/* The output is empty, or a moment has passed: asks for the next piece, unless it is being made. */
void stream_go_on(struct connection *connection);

/* True while the client has taken all that there is and waits for the daemon. */
bool stream_waits(const struct connection *connection);

/* The connection ends before its body does. */
void stream_drop(struct connection *connection);

#endif
