/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads for what must wait for PostgreSQL: a bounded queue, and one store for each thread.
 *
 * A worker connects by itself, also again after a loss; while it cannot, work is run at once with a NULL
 * store.
 * Not for submissions: those go to the writer.
 */
#ifndef PATELLA_WORKERS_H
#define PATELLA_WORKERS_H

#include <stddef.h>

#include "collector/store.h"
#include "forms/base/error.h"

struct workers;

/* Part of what is to be done; belongs to the workers until `run` is called with it. */
struct work {
    struct work *next;
    void (*run)(struct work *work, struct store *store);
};

struct workers_options {
    const char *conninfo;
    size_t threads;
    size_t queue_limit;
};

struct workers *workers_start(const void *owner, const struct workers_options *options, struct error *error)
    MUST_CHECK;

/* False when the queue is full. */
bool workers_push(struct workers *workers, struct work *work) MUST_CHECK;

/*
 * Runs what is queued, ends the threads.  False when one has not ended after `deadline_ms`; then it still
 * runs.
 */
bool workers_stop(struct workers *workers, int deadline_ms) MUST_CHECK;

#endif
