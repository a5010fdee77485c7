/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits for the writer's threads, and which of them may execute.  Not for callers: they use writer.h.
 *
 * One thread at a time has the right to execute.  Only who has it takes requests from the queue and calls
 * api.submit_batch; once the verdicts are there and COMMIT takes its time, it passes the right on, and the
 * other thread executes what has queued up while the first one waits for a slow disk or a standby.  So who
 * executes may wait for locks of a transaction that commits, and who commits waits for nobody's: COMMIT takes
 * no locks (there is no deferred constraint), and who waits for the right again has committed or rolled
 * back.  Hence no deadlock between the threads.
 *
 * Who is served next, writer_shares.h says.  The rows of a transaction are held until they are decided, with
 * those of its requests that are to follow in further ones; a request of which a row depends on a held one
 * (batch_depends_on) stays, and what its account has sent after it, until the held rows are released.  What
 * is taken is therefore independent of all that is under way, and the verdicts are those of a single thread.
 *
 * A request that is not decided as a whole comes back: its rest is to follow, its study is locked, the
 * connection was lost, or PostgreSQL refused what it was written with.  So whatever has to wait does so here,
 * where its time can run out (writer_queue_await_expired), and nobody waits behind it for longer than for one
 * transaction.
 */
#ifndef PATELLA_WRITER_QUEUE_H
#define PATELLA_WRITER_QUEUE_H

#include "collector/writer.h"

enum {
    WRITER_THREADS = 2,          /* with PostgreSQL */
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

/*
 * What may go into one transaction, NULL when nothing is left; its rows are held.  With the right.
 * `commit_us`: how long a COMMIT takes here; a piece of a long array (shares_begin_batch) is worth two.
 */
struct batch_request *writer_queue_take(struct writer_place *place, int64_t commit_us);

/* Rows of the shares that are ready: what the next transaction may take at most. */
size_t writer_queue_ready_rows(void);

/*
 * The verdicts on what was taken are there, COMMIT takes its time.  The right passes, once for what was
 * taken, unless that goes alone.
 */
void writer_queue_pass(struct writer_place *place);

/* Waits for the right, to execute again; from now on it is kept until writer_queue_release. */
void writer_queue_return(struct writer_place *place);

/*
 * Nothing is held any longer, the right is free.  Of `group`, which was taken, the requests of which rows
 * still wait go back to their places; the others are returned, to be finished.
 */
struct batch_request *writer_queue_release(struct writer_place *place,
                                           struct batch_request *group) MUST_CHECK;

/* The connection was lost: the other threads look after theirs. */
void writer_queue_doubt_others(const struct writer_place *place);

/*
 * Waits until the time of requests is over, which are returned, or a while; never for PostgreSQL.  False at
 * the end.
 */
bool writer_queue_await_expired(struct batch_request **expired) MUST_CHECK;

/* All that waits, when there is no time left for it. */
struct batch_request *writer_queue_take_rest(void);

/* True, once, when another thread has lost its connection. */
bool writer_queue_is_doubted(struct writer_place *place);

/* For /readyz; true when that is news. */
bool writer_queue_set_connected(struct writer_place *place, bool connected);

void writer_queue_count_batch(bool again);
void writer_queue_count_rows(const struct batch_request *request);
void writer_queue_count_busy(size_t rows);

/* A pause before the next try to connect, shorter when the end comes. */
void writer_queue_pause(void);

/* True when there is nothing more to do, or no time left for it. */
bool writer_queue_has_ended(void);

/* A thread ends, `place` NULL: the one that waits for deadlines. */
void writer_queue_leave(struct writer_place *place);

/* No more requests; true when `threads` have ended before the deadline. */
bool writer_queue_stop(size_t threads, int deadline_ms);

#endif
