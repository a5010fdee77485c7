/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reader of a body in chunks (RFC 9112, 7.1), as far as it has come: a pure function over bytes and a state.
 *
 * Strict where laxness lets two programs see two ends of one body: sizes of 1 to 8 hexadecimal digits, CR LF and
 * nothing else behind them, no extension, no trailer.
 * Not for: bodies with Content-Length, or chunks that are sent (stream.h).
 */
#ifndef PATELLA_CHUNKS_H
#define PATELLA_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum chunks_state {
    CHUNKS_SIZE,             /* the digits of a size */
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_END_CR,           /* behind the chunk of size 0 */
    CHUNKS_END_LF,
    CHUNKS_ENDED,
    CHUNKS_BROKEN            /* these are no chunks: nobody can tell where the body ends */
};

/* All zeros is the state before the first byte. */
struct chunks {
    enum chunks_state state;
    unsigned digits;
    uint64_t left;           /* of the size's digits, then of the chunk's bytes */
};

/*
 * Reads from `in`, at most until `room` bytes of the body stand in `out` or the body has ended; `*made` is their
 * number.  How many bytes of `in` were read: all of them, unless there was no room, or the state is CHUNKS_ENDED or
 * CHUNKS_BROKEN.
 */
size_t chunks_read(struct chunks *chunks, const char *in, size_t length, char *out, size_t room, size_t *made);

#endif
