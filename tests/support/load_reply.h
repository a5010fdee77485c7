/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load engine's reader of replies: as little as it needs (see load.h).  Not for judging HTTP. */
#ifndef PATELLA_TEST_LOAD_REPLY_H
#define PATELLA_TEST_LOAD_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct load_reply {
    int status;
    size_t length;               /* of head and body */
    const char *body;
    size_t body_length;
    int retry_after_s;           /* 0: none */
    bool closes;                 /* Connection: close */
};

enum load_reading { LOAD_READ_PART, LOAD_READ_WHOLE, LOAD_READ_NONSENSE };

/* Reads the reply that the bytes begin with. */
enum load_reading load_reply_read(const char *bytes, size_t length, struct load_reply *reply);

/* The text of the first member `name` in a body, NUL-terminated and cut to `size`; "" when there is none. */
void load_reply_member(const struct load_reply *reply, const char *name, char *out, size_t size);

#endif
