/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes on their way out in bounded memory: a writer appends to a text, the sink passes on what has piled up
 * and keeps count and SHA-256.
 *
 * What fails is remembered: the writer goes on, the rest is dropped, and sink_end says so.
 */
#ifndef PATELLA_SINK_H
#define PATELLA_SINK_H

#include "forms/base/text.h"

struct sink;

/* Takes the next `length` bytes; false with `error` set when it cannot. */
typedef bool sink_function(void *context, const void *bytes, size_t length, struct error *error);

/* `pass` NULL: the bytes are only counted and hashed. */
struct sink *sink_new(const void *owner, sink_function *pass, void *context);

/* Where to append; cleared whenever its bytes are passed on, so that nothing may point into it. */
struct text *sink_text(struct sink *sink);

/* To be called after each row: passes on what is there once it is 64 KiB. */
void sink_step(struct sink *sink);

/*
 * Passes on the rest.  `size` and `sha256` (64 hexadecimal digits and a NUL) are those of all bytes; false
 * with the first error that `pass` gave.
 */
bool sink_end(struct sink *sink, size_t *size, char sha256[65], struct error *error) MUST_CHECK;

#endif
