/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judged rows into the transaction of a commit: by api.submit_batch, as every door's.  Whatever it does not accept has
 * changed since the rows were judged, and the whole commit is rolled back.
 */
#ifndef PATELLA_UPLOAD_SEND_H
#define PATELLA_UPLOAD_SEND_H

#include "collector/upload_rows.h"

/* The first row that the database refuses. */
struct upload_rejection {
    int64_t line;                /* 0: none */
    char code[32];
};

/* What goes to the database of a batch: what is new and changed of the rows that are not refused. */
struct upload_calls;
struct upload_calls *upload_calls_of(const void *owner, const struct upload_work *work,
                                     const struct upload_batch *batch);
/* Stores it; false: a failure. */
bool upload_send_calls(struct upload_work *work, const struct upload_calls *calls, struct upload_rejection *rejection,
                       struct error *error) MUST_CHECK;

/*
 * The same for versions that are made: `writes` may depend on each other, in their order.  The position of the first
 * that is refused, `count` when none is.
 */
bool upload_send_writes(struct upload_work *work, const struct store_write *writes, size_t count, size_t *refused,
                        char code[32], struct error *error) MUST_CHECK;

/* What goes to the database for a checked submission. */
struct store_write upload_write_of(const struct upload_work *work, const struct submission *submission);

#endif
