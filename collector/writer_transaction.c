/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer_transaction.h"

#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/store.h"
#include "forms/base/log.h"

enum {
    TRANSACTION_LIMIT_US = 2400000,   /* with one statement more a transaction stays below 5 s */
    SOON_MS = 1,                      /* for a COMMIT: several syncs of a good disk, less than one of a slow one */
    ATTEMPTS = 3                      /* of a group that lost a race */
};

/* rows[from..end) of the `count` of the transaction. */
static bool submit_segment(struct store *store, struct batch_row **rows, const size_t bounds[2], size_t count,
                           bool *unknown, struct error *error)
{
    const struct store_write *writes[WRITER_BATCH_ROWS];
    struct store_verdict *verdicts[WRITER_BATCH_ROWS];
    size_t from = bounds[0], end = bounds[1];
    struct store_segment segment = {
        .rows = writes, .verdicts = verdicts, .count = end - from, .first = from == 0, .last = end == count};
    if (segment.count > WRITER_BATCH_ROWS)
        return error_set(error, ERROR_INTERNAL, "a batch of %zu rows", segment.count);
    for (size_t i = 0; i < segment.count; i++) {
        writes[i] = &rows[from + i]->write;
        verdicts[i] = &rows[from + i]->verdict;
    }
    return store_submit(store, &segment, unknown, error);
}

/*
 * A COMMIT that ends soon is waited for with the right to execute in hand: on a disk that syncs at once, two
 * transactions side by side are two small ones where one would do.  Behind a slow one the other thread goes on.
 */
static bool commit(struct writer_session *session, bool *unknown, struct error *error)
{
    int64_t sent_us = clock_now_us();
    if (session->commits_slowly || !store_await_commit(session->store, SOON_MS))
        writer_queue_pass(session->place);
    bool committed = store_commit(session->store, unknown, error);
    session->commits_slowly = clock_now_us() - sent_us > (int64_t)SOON_MS * 1000;
    return committed;
}

static bool attempt(struct writer_session *session, struct batch_row **rows, size_t count,
                    bool *unknown, struct error *error)
{
    int64_t started_us = clock_now_us();
    *unknown = false;
    for (size_t from = 0; from < count;) {
        size_t end = batch_segment_end(rows, from, count);
        if (clock_now_us() - started_us > TRANSACTION_LIMIT_US)
            return error_set(error, ERROR_BUSY, "the batch takes too long");
        if (!submit_segment(session->store, rows, (const size_t[2]){from, end}, count, unknown, error))
            return false;
        from = end;
    }
    return commit(session, unknown, error);
}

static void log_rollback(const struct error *error, struct batch_row *const *rows, size_t row_count,
                         bool unknown)
{
    char count[24], requests[BATCH_IDS_SIZE];
    snprintf(count, sizeof count, "%zu", row_count);
    batch_name_requests(rows, row_count, requests);
    log_write(LOG_LEVEL_WARNING, unknown ? "outcome of a commit is unknown" : "batch was rolled back",
              "requests", requests, "rows", count, "reason", error->message, "sqlstate", error->sqlstate,
              "constraint", error->constraint[0] != '\0' ? error->constraint : NULL, NULL);
}

/* Judged rows leave the list, those that lost a race stay; the new count. */
static size_t keep_conflicts(struct batch_row **rows, size_t count, bool last_attempt)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_verdict *verdict = &rows[i]->verdict;
        if (!last_attempt && verdict->kind == STORE_REFUSED && strcmp(verdict->code, "conflict") == 0)
            rows[kept++] = rows[i];
        else
            batch_settle(rows[i]);
    }
    return kept;
}

/* What was accepted before its COMMIT got lost is a replay next time, but the client's first sending. */
static void remember_accepted(struct batch_row **rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i]->verdict.kind == STORE_ACCEPTED)
            rows[i]->accepted_before = true;
}

enum writer_outcome writer_write_rows(struct writer_session *session, struct batch_row **rows, size_t count,
                                      const char **failure)
{
    struct error error = {0};
    for (int tries = 1; count > 0; tries++) {
        bool unknown = false;
        writer_queue_count_batch(tries > 1);
        if (tries > 1)
            writer_queue_return(session->place);
        if (attempt(session, rows, count, &unknown, &error)) {
            count = keep_conflicts(rows, count, tries >= ATTEMPTS);
            continue;
        }
        log_rollback(&error, rows, count, unknown);
        if (unknown)
            remember_accepted(rows, count);
        if (unknown || !store_is_connected(session->store))
            return WRITER_LOST;
        store_rollback(session->store);
        *failure = store_is_unavailable(&error) ? "unavailable" : "internal";
        if (!store_is_unavailable(&error) || tries >= ATTEMPTS || error.kind != ERROR_BUSY ||
            strncmp(error.sqlstate, "40", 2) != 0)
            return WRITER_REJECTED;
    }
    return WRITER_WRITTEN;
}
