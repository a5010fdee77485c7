/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A proxy between the daemon and PostgreSQL, in a thread, that breaks a connection exactly at COMMIT.
 *
 * It reads the frontend's and the backend's messages as far as it must: a COMMIT begins with its Query
 * message, or with the Bind of a statement whose text is COMMIT, and ends with that Query or the Sync after
 * it; its answer ends with the ReadyForQuery of that Sync.  So a pipeline is cut in its middle, too.
 */
#ifndef PATELLA_TEST_PG_PROXY_H
#define PATELLA_TEST_PG_PROXY_H

#include <stdbool.h>
#include <stdint.h>

enum pg_proxy_fault {
    PG_PROXY_PASS,
    PG_PROXY_CUT_BEFORE,         /* both sides are closed, and PostgreSQL never sees the COMMIT */
    PG_PROXY_CUT_AFTER,          /* at once behind the COMMIT */
    PG_PROXY_CUT_ANSWER,         /* PostgreSQL has answered, and nothing of it arrives */
    PG_PROXY_CUT_IN_ANSWER,      /* a part of the answer arrives */
    PG_PROXY_HANG_BEFORE,        /* as CUT_BEFORE and CUT_ANSWER, but neither side hears of it: as when a */
    PG_PROXY_HANG_ANSWER         /* network forgets a connection; over TCP only */
};

struct pg_proxy;

/*
 * `socket` is the folder of PostgreSQL's socket; NULL: its TCP port, 127.0.0.1:5432.  Freeing it closes every
 * connection.
 */
struct pg_proxy *pg_proxy_new(const void *owner, const char *socket);

/* libpq's host: the folder of the proxy's socket. */
const char *pg_proxy_socket(const struct pg_proxy *proxy);

/* The next COMMIT meets this; `chance` chooses how much of an answer arrives. */
void pg_proxy_arm(struct pg_proxy *proxy, enum pg_proxy_fault fault, uint64_t chance);

/* True once it has happened. */
bool pg_proxy_has_struck(struct pg_proxy *proxy);

#endif
