/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/chunks.h"

#include <string.h>

enum { SIZE_DIGITS = 8 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum chunks_state read_size(struct chunks *chunks, char c)
{
    int digit = hex_digit(c);
    if (c == '\r' && chunks->digits > 0)
        return CHUNKS_SIZE_LF;
    if (digit < 0 || chunks->digits == SIZE_DIGITS)
        return CHUNKS_BROKEN;
    chunks->left = chunks->left << 4 | (unsigned)digit;
    chunks->digits++;
    return CHUNKS_SIZE;
}

/* A byte that is none of the body's. */
static enum chunks_state read_framing(struct chunks *chunks, char c)
{
    switch (chunks->state) {
    case CHUNKS_SIZE:
        return read_size(chunks, c);
    case CHUNKS_SIZE_LF:
        if (c != '\n')
            return CHUNKS_BROKEN;
        return chunks->left > 0 ? CHUNKS_DATA : CHUNKS_END_CR;
    case CHUNKS_DATA_CR:
        return c == '\r' ? CHUNKS_DATA_LF : CHUNKS_BROKEN;
    case CHUNKS_DATA_LF:
        chunks->digits = 0;
        return c == '\n' ? CHUNKS_SIZE : CHUNKS_BROKEN;
    case CHUNKS_END_CR:
        return c == '\r' ? CHUNKS_END_LF : CHUNKS_BROKEN;
    case CHUNKS_END_LF:
        return c == '\n' ? CHUNKS_ENDED : CHUNKS_BROKEN;
    case CHUNKS_DATA:
    case CHUNKS_ENDED:
    case CHUNKS_BROKEN:
        break;
    }
    return chunks->state;
}

size_t chunks_read(struct chunks *chunks, const char *in, size_t length, char *out, size_t room, size_t *made)
{
    size_t at = 0;
    *made = 0;
    while (at < length && chunks->state != CHUNKS_ENDED && chunks->state != CHUNKS_BROKEN) {
        if (chunks->state != CHUNKS_DATA) {
            chunks->state = read_framing(chunks, in[at++]);
            continue;
        }
        size_t count = length - at < room - *made ? length - at : room - *made;
        if (count > chunks->left)
            count = (size_t)chunks->left;
        if (count == 0)
            break;
        memcpy(out + *made, in + at, count);
        *made += count;
        at += count;
        chunks->left -= count;
        if (chunks->left == 0)
            chunks->state = CHUNKS_DATA_CR;
    }
    return at;
}
