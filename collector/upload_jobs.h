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

struct upload_jobs_options {
    const char *conninfo;        /* as for store_open */
    int work_deadline_ms;        /* whoever waits is answered before the connection gives up */
};

bool upload_jobs_start(const struct upload_jobs_options *options, struct error *error) MUST_CHECK;

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

/*
 * Begins nothing more: a check ends after its batch and is queued again, a commit is rolled back unless COMMIT is under
 * way; whoever waits is answered as things stand.  False when a thread has not ended after `deadline_ms`.
 */
bool upload_jobs_stop(int deadline_ms) MUST_CHECK;

#endif
