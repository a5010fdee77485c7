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
    ATTEMPTS = 3,                     /* of a group that lost a race */
    PAUSE_MS = 30,                    /* before a study that was locked is tried again */
    PAUSE_MOST_MS = 1000
};

/* How one transaction fared. */
enum attempt {
    ATTEMPT_COMMITTED,
    ATTEMPT_BROKEN_OFF,               /* a study is locked: nothing more was sent, nothing is committed */
    ATTEMPT_UNREADABLE,               /* COMMIT was sent, but the verdicts cannot be read */
    ATTEMPT_FAILED
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

/* The rows of a call share its time. */
static void charge_segment(struct batch_row **rows, size_t from, size_t end, int64_t spent_us)
{
    for (size_t i = from; i < end; i++)
        rows[i]->request->spent_us += spent_us / (int64_t)(end - from);
}

static bool is_busy(const struct batch_row *row)
{
    return row->verdict.kind == STORE_REFUSED && strcmp(row->verdict.code, "study_busy") == 0;
}

/* True when a study of the segment is locked: the verdict of all its rows, of other segments too. */
static bool spread_busy(struct batch_row *const *rows, const size_t bounds[2], size_t count)
{
    bool any = false;
    for (size_t i = bounds[0]; i < bounds[1]; i++) {
        if (!is_busy(rows[i]))
            continue;
        any = true;
        for (size_t other = 0; other < count; other++)
            if (rows[other]->write.study_id == rows[i]->write.study_id)
                rows[other]->verdict = rows[i]->verdict;
    }
    return any;
}

/*
 * A COMMIT that ends soon is waited for with the right to execute in hand: on a disk that syncs at once, two
 * transactions side by side are two small ones where one would do.  Behind a slow one the other thread goes
 * on, and when about as much waits as is being committed: that makes no small one.
 */
static bool commit(struct writer_session *session, size_t count, bool *unknown, struct error *error)
{
    int64_t sent_us = clock_now_us();
    bool slow = session->commit_us > (int64_t)SOON_MS * 1000;
    bool much = 4 * writer_queue_ready_rows() >= 3 * count;
    if (slow || much || !store_await_commit(session->store, SOON_MS))
        writer_queue_pass(session->place);
    bool committed = store_commit(session->store, unknown, error);
    session->commit_us = clock_now_us() - sent_us;
    return committed;
}

/*
 * Where a study is locked nothing of the call was stored, so that calls behind it would judge rows without
 * those that they depend on.
 */
static enum attempt attempt(struct writer_session *session, struct batch_row **rows, size_t count,
                            bool *unknown, struct error *error)
{
    int64_t started_us = clock_now_us();
    *unknown = false;
    for (size_t from = 0, end; from < count; from = end) {
        int64_t sent_us = clock_now_us();
        end = batch_segment_end(rows, from, count);
        if (sent_us - started_us > TRANSACTION_LIMIT_US) {
            error_set(error, ERROR_BUSY, "the batch takes too long");
            return ATTEMPT_FAILED;
        }
        const size_t bounds[2] = {from, end};
        bool done = submit_segment(session->store, rows, bounds, count, unknown, error);
        charge_segment(rows, from, end, clock_now_us() - sent_us);
        if (!done && end == count && error->sqlstate[0] == '\0' && store_is_connected(session->store))
            return ATTEMPT_UNREADABLE;
        if (!done)
            return ATTEMPT_FAILED;
        if (end < count && spread_busy(rows, bounds, count))
            return ATTEMPT_BROKEN_OFF;
    }
    return commit(session, count, unknown, error) ? ATTEMPT_COMMITTED : ATTEMPT_FAILED;
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

/*
 * Whoever wants a locked study for itself waits for it in the database, and holds up those who are with it:
 * it comes alone from then on, and the less often the longer that takes.
 */
static void pause_request(struct batch_request *request, int64_t spent_us)
{
    if (request->pause_ms > 0)
        return;
    request->pause_ms = PAUSE_MS;
    if (!batch_excludes_others(request))
        return;
    int64_t wanted_ms = 4 * spent_us / 1000;
    if (wanted_ms > PAUSE_MS)
        request->pause_ms = wanted_ms < PAUSE_MOST_MS ? (int)wanted_ms : PAUSE_MOST_MS;
    if (request->company == BATCH_TOGETHER)
        request->company = BATCH_ALONE;
}

/* Rows of studies that are locked leave the list and wait still; the new count. */
static size_t put_off_busy(struct batch_row **rows, size_t count, int64_t spent_us)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_busy(rows[i]))
            pause_request(rows[i]->request, spent_us);
        else
            rows[kept++] = rows[i];
    }
    writer_queue_count_busy(count - kept);
    return kept;
}

/*
 * Judged rows leave the list, those that lost a race stay, and those that were refused for want of one of
 * these; the new count.
 */
static size_t keep_conflicts(struct batch_row **rows, size_t count, bool last_attempt)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_verdict *verdict = &rows[i]->verdict;
        bool refused = !last_attempt && verdict->kind == STORE_REFUSED;
        if (refused && (strcmp(verdict->code, "conflict") == 0 || batch_row_depends_on(rows[i], rows, kept)))
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

/* Whether another attempt may help, with the same connection. */
static bool is_lost_race(const struct error *error)
{
    return store_is_unavailable(error) && error->kind == ERROR_BUSY && strncmp(error->sqlstate, "40", 2) == 0;
}

/* Who was put off, or judged without somebody who was, has lost no race: that is no attempt. */
enum writer_outcome writer_write_rows(struct writer_session *session, struct batch_row **rows, size_t count,
                                      const char **failure)
{
    struct error error = {0};
    int tries = 0;
    for (bool again = false; count > 0; again = true) {
        bool unknown = false;
        writer_queue_count_batch(again);
        if (again)
            writer_queue_return(session->place);
        int64_t started_us = clock_now_us();
        enum attempt end = attempt(session, rows, count, &unknown, &error);
        if (end == ATTEMPT_COMMITTED || end == ATTEMPT_BROKEN_OFF) {
            size_t left = put_off_busy(rows, count, clock_now_us() - started_us);
            tries += left == count;
            if (end == ATTEMPT_BROKEN_OFF)
                store_rollback(session->store);
            count = end == ATTEMPT_COMMITTED ? keep_conflicts(rows, left, tries >= ATTEMPTS) : left;
            continue;
        }
        tries++;
        log_rollback(&error, rows, count, unknown || end == ATTEMPT_UNREADABLE);
        if (unknown)
            remember_accepted(rows, count);
        if (unknown || !store_is_connected(session->store))
            return WRITER_LOST;
        store_rollback(session->store);
        *failure = store_is_unavailable(&error) ? "unavailable" : "internal";
        if (tries >= ATTEMPTS || !is_lost_race(&error))
            return WRITER_REJECTED;
    }
    return WRITER_WRITTEN;
}
