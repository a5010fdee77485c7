/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: two threads, each with a connection of its own, that store submissions in groups, and one that
 * answers whoever has waited too long.
 *
 * The event loop hands over exchanges with checked and scored submissions; a thread takes those whose turn it
 * is (at most 256 submissions or 1 MiB; writer_shares.h), writes them in one transaction, and finishes the
 * exchanges after COMMIT.  Nothing is acknowledged before.  While one waits for its COMMIT the other may
 * execute (writer_queue.h).  A group that fails is rolled back and retried one by one; an unknown outcome of
 * COMMIT is resolved by sending the same UUIDs again; submissions of a study that is locked are tried again
 * after a pause.  While PostgreSQL is away, requests wait for it until their time is over and are then
 * answered 503; the threads connect again by themselves.
 */
#ifndef PATELLA_WRITER_H
#define PATELLA_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "collector/batch.h"
#include "collector/exchange.h"
#include "forms/base/error.h"

struct writer_options {
    const char *conninfo;        /* as for store_open */
    size_t queue_limit;          /* submissions that may wait; further ones are answered 503 */
    int wait_ms;                 /* a request that has waited so long for PostgreSQL is answered 503 */
};

struct writer_counts {           /* for /metrics; totals since start */
    uint64_t accepted, replayed, refused, batches, retries, failures;
    uint64_t busy;               /* times that a submission was put off because its study was locked */
    size_t queued;               /* submissions waiting now */
};

/* Starts the threads; they connect by themselves, and again whenever PostgreSQL comes back. */
bool writer_start(const struct writer_options *options, struct error *error) MUST_CHECK;

/* Whether so many submissions of this account would find room now.  Thread-safe. */
bool writer_has_room(const struct principal *principal, size_t rows);

/*
 * Queues a request with at least one row that waits for the database's verdict; its exchange is the writer's
 * from then on.  False when the queue has no room for this account or the writer has stopped: then the
 * exchange is still the caller's.  Thread-safe.
 */
bool writer_submit(struct batch_request *request) MUST_CHECK;

/*
 * From now on no request waits longer than until `deadline_ms` from now: what is not begun then is answered
 * 503.
 */
void writer_hurry(int deadline_ms);

/*
 * Stops taking, writes what is queued (the rest is answered 503), ends the threads.  False when one has not
 * ended after `deadline_ms`, for PostgreSQL holds it: then it still runs.
 */
bool writer_stop(int deadline_ms) MUST_CHECK;

/* True while a thread runs whose last contact with PostgreSQL was good: for /readyz. */
bool writer_is_connected(void);

struct writer_counts writer_read_counts(void);

#endif
