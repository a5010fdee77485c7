/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What hostile clients with a token send (see hostile.h): submissions that are right, many in a body, and bodies that
 * never end.  Requests and replies of one connection at a time; who opens and closes it is hostile.c.
 */
#ifndef PATELLA_TEST_HOSTILE_SENDER_H
#define PATELLA_TEST_HOSTILE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "forms/base/error.h"
#include "tests/support/hostile.h"

enum { HOSTILE_HEAD_MOST = 2048 };

struct hostile_sender {
    char *bytes;                 /* the request; of HOSTILE_ARRAYS and HOSTILE_REPEATS this connection's own */
    size_t length, at_once, allowed, sent;
    char head[HOSTILE_HEAD_MOST];            /* of the reply, with the beginning of its body */
    size_t received, whole;                  /* bytes of the reply; `whole` 0: its head is not complete */
    int status;                              /* of the reply, once it is whole */
    bool closes;                             /* the reply says that the connection ends */
};

struct hostile_bodies;

/*
 * What the senders of one crowd share.  Enrols the subjects of HOSTILE_ARRAYS and HOSTILE_REPEATS, in the order of
 * load_enrol.  NULL when that fails.
 */
struct hostile_bodies *hostile_bodies_new(const void *owner, const struct hostile_options *options,
                                          struct error *error);

/* The next request of the connection with this number. */
void hostile_sender_begin(struct hostile_sender *sender, struct hostile_bodies *bodies, int connection);

/* Sends what is allowed and reads what is there.  ANSWERED: see `status`; the connection may go on unless it closes. */
enum hostile_progress { HOSTILE_GOES_ON, HOSTILE_ANSWERED, HOSTILE_ENDED };
enum hostile_progress hostile_sender_go_on(struct hostile_sender *sender, SSL *ssl);

/* Once a second: a little more of a body that is not sent at once. */
void hostile_sender_allow_more(struct hostile_sender *sender);

#endif
