/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows in one transaction, and in further ones those that lost a race.  Not for callers: they use writer.h.
 */
#ifndef PATELLA_WRITER_TRANSACTION_H
#define PATELLA_WRITER_TRANSACTION_H

#include "collector/writer_queue.h"

/* How a group of rows fared. */
enum writer_outcome {
    WRITER_WRITTEN,      /* committed: every row has its verdict, but for those whose study is locked */
    WRITER_LOST,         /* connection lost, or outcome of COMMIT unknown: all of it again, once connected */
    WRITER_REJECTED      /* rolled back: something in it does not go */
};

struct writer_session {
    struct writer_place *place;
    struct store *store;
    int64_t commit_us;           /* how long its last COMMIT took */
};

/*
 * Writes `count` rows, with the right to execute, which it may have passed on when it returns.  `rows` is
 * reordered; `failure` (out) is "unavailable" or "internal" when they are rejected.  Rows of a study that
 * somebody has locked are not judged: they wait still, and their requests are told to pause.
 */
enum writer_outcome writer_write_rows(struct writer_session *session, struct batch_row **rows, size_t count,
                                      const char **failure);

#endif
