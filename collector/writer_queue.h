/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits for the writer's threads, and which of them may execute.  Not for callers: they use writer.h.
 *
 * One thread at a time has the right to execute.  Only who has it takes requests from the queue and calls
 * api.submit_batch; once the verdicts are there and COMMIT takes its time, it passes the right on, and the
 * other thread executes what has queued up while the first one waits for a slow disk or a standby.  So who
 * executes may wait for locks of a transaction that commits, and who commits waits for nobody's: COMMIT
 * takes no locks (there is no deferred constraint), and who waits for the right again has committed or
 * rolled back.  Hence no deadlock between the threads.
 *
 * Effects come in the order of the queue all the same.  The rows of a transaction are held until they are
 * decided, and a request of which a row depends on a held one (batch_depends_on) ends what may be taken: it
 * stays, and whatever is behind it, until the held rows are released or put back before it.  What is taken is
 * therefore independent of all that is under way, and the verdicts are those of a single thread.
 */
#ifndef PATELLA_WRITER_QUEUE_H
#define PATELLA_WRITER_QUEUE_H

#include "collector/writer.h"

enum {
    WRITER_THREADS = 2,
    WRITER_BATCH_ROWS = 256,
    WRITER_BATCH_BYTES = 1 << 20
};

struct writer_place;             /* of one thread */

/* Before the threads; `conninfo` of the options is not used. */
void writer_queue_start(const struct writer_options *options);
struct writer_place *writer_queue_place(size_t thread);

/*
 * Waits until the thread may execute and something can be taken: true, and it has the right.  False: nothing
 * to execute now, for the end has come or another thread has lost its connection.
 */
bool writer_queue_await(struct writer_place *place) MUST_CHECK;

/* What may go into one transaction, NULL when nothing is left; its rows are held.  With the right. */
struct batch_request *writer_queue_take(struct writer_place *place);

/*
 * The verdicts are there, COMMIT takes its time.  The right passes, once for what was taken, unless that goes alone.
 */
void writer_queue_pass(struct writer_place *place);

/* Waits for the right, to execute again; from now on it is kept until writer_queue_release. */
void writer_queue_return(struct writer_place *place);

/* All that was taken is decided: nothing is held, the right is free.  Before the first request is freed. */
void writer_queue_release(struct writer_place *place);

/*
 * The same for what is not decided, because the connection was lost over it: the requests go back before all
 * that came later, each alone from now on, and the other threads look after their connections.
 */
void writer_queue_put_back(struct writer_place *place, struct batch_request *requests);

/* The first request when its time is over at `now_ms`, else NULL. */
struct batch_request *writer_queue_take_expired(int64_t now_ms);

/* True, once, when another thread has lost its connection. */
bool writer_queue_is_doubted(struct writer_place *place);

/* For /readyz; true when that is news. */
bool writer_queue_set_connected(struct writer_place *place, bool connected);

void writer_queue_count_batch(bool again);
void writer_queue_count_rows(const struct batch_request *request);

/* A pause before the next try to connect, shorter when the end comes. */
void writer_queue_pause(void);

/* True when there is nothing more to do, or no time left for it. */
bool writer_queue_has_ended(void);
bool writer_queue_is_out_of_time(void);

/* A thread ends; and: no more requests, and true when `threads` have ended before the deadline. */
void writer_queue_leave(struct writer_place *place);
bool writer_queue_stop(size_t threads, int deadline_ms);

#endif
