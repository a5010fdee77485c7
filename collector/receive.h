/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies that are taken piece by piece (HANDLE_IN_PIECES): as long as they like, with one piece of each in memory.
 *
 * Who may send is asked first; then a worker calls the route's handler before any byte of the body has been read,
 * with each piece, and with the last one.  While a worker has a piece the socket is not read beyond a small buffer, so
 * a fast sender waits for the database.  A sender may take as long as it likes for the whole, but not for any stretch
 * (body_min_bytes_per_s).  When the body ends too early, by a cut line, a slow sender or a server that stops, the
 * handler gets what had come since the last piece (BODY_CUT), if anything did or it wants to hear of every end
 * (body_hears_cut).
 * Not for: what becomes of the pieces (the handlers), bodies that are small (connection.c).
 */
#ifndef PATELLA_RECEIVE_H
#define PATELLA_RECEIVE_H

#include "collector/call.h"

enum { RECEIVE_PIECE_BYTES = 256 * 1024 };

/* The caller may: asks the handler whether the body is wanted. */
void receive_begin(struct call *call);

/* PHASE_BODY, and there is input. */
void receive_read(struct connection *connection);

/* PHASE_BODY ends before the body does: what has come is kept, then the connection's call has this reply. */
void receive_cut(struct connection *connection, int status, const char *code, const char *detail);

/* The connection has ended, in PHASE_BODY; true when a worker has the call now, which is freed when it comes back. */
bool receive_leave(struct call *call, char *body, size_t length);

#endif
