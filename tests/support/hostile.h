/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients that mean ill, many at a time, in a thread of their own: each holds a connection for as long as it can with
 * as little as it can, or, where it has a token, asks for as much work or memory as it can.
 *
 *   struct hostile *hostile = hostile_start(owner, &(struct hostile_options){
 *       .kind = HOSTILE_HEAD, .port = daemon->port, .connections = 200, .source = "127.0.0.2"});
 *   ... hostile_peek(hostile).closed ...
 *   hostile_stop(hostile);
 *
 * Nothing in here uses cmocka.  Only 127.0.0.0/8 is reached.
 */
#ifndef PATELLA_TEST_HOSTILE_H
#define PATELLA_TEST_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hostile_kind {
    HOSTILE_SILENT,              /* connects and says nothing */
    HOSTILE_HELLO,               /* a ClientHello, a byte a second */
    HOSTILE_HEAD,                /* the head of a request, a byte a second */
    HOSTILE_BODY,                /* a submission, with a token: its body, a byte a second */
    HOSTILE_READER,              /* asks for much and reads nothing */
    HOSTILE_FLOOD,               /* a handshake, the end, and again as fast as it can */
    /* With a token of site 1 of the study demo: */
    HOSTILE_ARRAYS,              /* arrays of 256 submissions, all of them right, as fast as they are answered */
    HOSTILE_REPEATS,             /* the same, one submission 256 times in each array */
    HOSTILE_HELD,                /* bodies of 1 MiB: 880,000 bytes at once, then 1,300 a second */
    HOSTILE_KINDS
};

struct hostile_options {
    enum hostile_kind kind;
    int port;                    /* of 127.0.0.1 */
    int connections;
    const char *source;          /* own address, "127.0.0.2" */
    const char *token;           /* of HOSTILE_BODY and of those with a token */
    int first_subject;           /* (1) of 64 of site 1; HOSTILE_ARRAYS and HOSTILE_REPEATS enrol them */
    bool again;                  /* who is closed comes again at once; else only who could not begin */
};

struct hostile;

/* NULL when sockets or threads are lacking, or subjects cannot be enrolled.  The texts must live as long as it does. */
struct hostile *hostile_start(const void *owner, const struct hostile_options *options);

struct hostile_counts {
    uint64_t connects;           /* TCP connections that the server's kernel took */
    uint64_t begun;              /* of these, those that could begin what they are here for */
    uint64_t closed;             /* by the server, of those that had begun */
    uint64_t open;               /* now, those that have begun */
    uint64_t sent;               /* arrays, or beginnings of bodies that are held, that were sent wholly */
    uint64_t answered;           /* arrays that were judged: 200, 201, 207 */
    uint64_t refused;            /* other answers to those with a token */
    bool failed;                 /* a socket of our own was lacking */
};
struct hostile_counts hostile_peek(const struct hostile *hostile);

/* Leaves, and frees; the end of the owner does the same. */
void hostile_stop(struct hostile *hostile);

/* "hello" and so on; NULL behind the last. */
const char *hostile_kind_name(enum hostile_kind kind);

#endif
