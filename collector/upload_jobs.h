/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who works on uploads: two threads that check, commit and take back, and a clerk who answers those who wait for them.
 *
 * What is to be done stands in the database; what the threads know of it is a list of "somebody has asked for this
 * upload, with this token", in the order of asking, in memory only: no token is stored.  So an upload that was begun
 * when the daemon ended goes on as soon as its owner asks for it again.  Over all daemons of a database two uploads are
 * worked on at once; others wait for their turn.
 * Not for: receiving bytes (that is done once a job begins), what a reading does (upload_reading.h, upload_commit.h).
 */
#ifndef PATELLA_UPLOAD_JOBS_H
#define PATELLA_UPLOAD_JOBS_H

#include "collector/exchange.h"
#include "forms/base/error.h"

enum { UPLOAD_WAIT_MS = 10000, UPLOAD_WAIT_MOST_MS = 60000 };

/* `conninfo` as for store_open. */
bool upload_jobs_start(const char *conninfo, struct error *error) MUST_CHECK;

/*
 * There may be something to do for this upload (a UUID as text): its body is complete, or somebody who may read it has
 * asked for it.  Costs nothing when there is nothing to do, or when it is worked on already.  Thread-safe.
 */
void upload_jobs_wake(const struct principal *principal, const char *upload);

/*
 * Answers with the upload as JSON and `status` once nothing is left to do for it before somebody decides (it is
 * previewed, refused, committed or taken back), or when `wait_ms` are over; wakes it first.  The exchange is the jobs'
 * from then on, which finish it: for routes with HANDLE_BY_WRITER.  False when the jobs have stopped or too many wait:
 * then it is still the caller's.  Thread-safe.
 */
bool upload_jobs_answer(struct exchange *exchange, const char *upload, int wait_ms, int status) MUST_CHECK;

/* What somebody has decided about an upload. */
enum upload_order_kind { UPLOAD_COMMIT, UPLOAD_TAKE_BACK };

struct upload_order {
    enum upload_order_kind kind;
    const char *token_sha256;    /* hexadecimal, of the preview that is to be committed */
    const char *mode;            /* "all-or-nothing", "good-rows" */
    const char *reason;          /* or NULL */
};

/*
 * The same after an order: 200 with the upload once it is carried out, or why it cannot be; 202 when it goes on after
 * `wait_ms`.  `order` belongs to the exchange.
 */
bool upload_jobs_order(struct exchange *exchange, const char *upload, const struct upload_order *order,
                       int wait_ms) MUST_CHECK;

/* True while it is worked on, or waits for that: how far it is. */
struct upload_progress;
bool upload_jobs_look(const char *upload, struct upload_progress *progress);

/*
 * The daemon is about to end: nothing more is begun, a check ends after its batch and is queued again, a commit is
 * rolled back unless COMMIT is under way; whoever waits is answered as things stand.
 */
void upload_jobs_hurry(void);

/* Ends the threads; false when one has not ended after `deadline_ms`. */
bool upload_jobs_stop(int deadline_ms) MUST_CHECK;

#endif
