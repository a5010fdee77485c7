/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A thread that puts judged batches into the transaction of a commit, one after the other, while the next one is read,
 * looked up and judged: PostgreSQL and the daemon work at the same time.  From start to end the connection `writer` of
 * the work is the sender's.
 */
#ifndef PATELLA_UPLOAD_SENDER_H
#define PATELLA_UPLOAD_SENDER_H

#include "collector/upload_send.h"

struct upload_sender;

/* The transaction has begun.  NULL and `error` when there is no thread to be had. */
struct upload_sender *upload_sender_start(struct upload_work *work, struct error *error) MUST_CHECK;

/*
 * Takes the calls, which have no owner, over, once those before are stored.  False: a failure of an earlier one.
 * `rejection` is the first row that the database has refused so far; behind it nothing is sent.
 */
bool upload_sender_give(struct upload_sender *sender, struct upload_calls *calls, struct upload_rejection *rejection,
                        struct error *error) MUST_CHECK;

/* Waits for what was given, and ends the thread; as upload_sender_give. */
bool upload_sender_end(struct upload_sender *sender, struct upload_rejection *rejection,
                       struct error *error) MUST_CHECK;

#endif
