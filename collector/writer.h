/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: one thread that stores submissions in groups.
 *
 * The event loop hands over exchanges with checked and scored submissions; the writer takes all that wait (at most 256
 * submissions or 1 MiB), writes them in one transaction, and finishes the exchanges after COMMIT.  Nothing is
 * acknowledged before.  A group that fails is rolled back and retried one by one; an unknown outcome of COMMIT is
 * resolved by sending the same UUIDs again.
 */
#ifndef PATELLA_WRITER_H
#define PATELLA_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "collector/exchange.h"
#include "forms/base/error.h"

struct writer_counts {           /* for /metrics; totals since start */
    uint64_t accepted, replayed, refused, batches, retries, failures;
    size_t queued;               /* submissions waiting now */
};

/* Starts the one writer thread with a connection of its own; it connects by itself whenever PostgreSQL comes back. */
bool writer_start(const char *conninfo, size_t queue_limit, struct error *error) MUST_CHECK;

/* Stops taking, writes what is queued (at most `deadline_ms`), ends the thread. */
void writer_stop(int deadline_ms);

struct writer_counts writer_read_counts(void);

#endif
