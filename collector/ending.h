/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a connection ends.  What a closed socket has left to send, the kernel keeps for whoever does not read it,
 * for minutes and beyond every limit.  So the server keeps the connection, and counts it as any other, until
 * the client's machine has taken everything, or is slower than a reader of replies may be: then it is reset.
 * Not for: when it ends (connection.h).
 */
#ifndef PATELLA_ENDING_H
#define PATELLA_ENDING_H

#include <stddef.h>
#include <stdint.h>

struct connection;   /* connection.h */

/* ---- none of these needs the connection any more: it may be gone afterwards ---- */

/* Says "close_notify", so that the client knows that nothing was cut off, and ends when that has been taken. */
void ending_part(struct connection *connection);

/* The same after a last reply: what still comes is dropped for a moment, lest a reset overtakes it. */
void ending_linger(struct connection *connection);

/* The client has gone, has ended its side, or does not speak TLS: it is told nothing more. */
void ending_leave(struct connection *connection);

/* Closes at once; what the client's machine has not taken is dropped. */
void ending_cut(struct connection *connection);

/* ---- in PHASE_LINGER ---- */

void ending_drop_input(struct connection *connection);
void ending_tick(struct connection *connection, int64_t now_us);

/* ---- of a connection with TLS ---- */

/* Bytes, and the end, that the kernel has and the client's machine has not taken. */
size_t ending_untaken(const struct connection *connection);

#endif
