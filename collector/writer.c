/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/receipt.h"
#include "collector/store.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    BATCH_ROWS = 256,
    BATCH_BYTES = 1 << 20,
    STATEMENT_TIMEOUT_MS = 2500,
    TRANSACTION_LIMIT_MS = 2400,   /* with one statement more a transaction stays below 5 s */
    RECONNECT_PAUSE_MS = 200,
    ATTEMPTS = 3                   /* of a group that lost a race */
};

/* How a group of rows fared. */
enum outcome {
    OUTCOME_WRITTEN,    /* committed: every row has its verdict */
    OUTCOME_LOST,       /* connection lost, or outcome of COMMIT unknown: all of it again, once connected */
    OUTCOME_REJECTED    /* rolled back: something in it does not go */
};

static struct {
    pthread_mutex_t mutex;            /* guards everything down to `counts` */
    pthread_cond_t work;              /* something was queued, or stop */
    pthread_cond_t stop;
    struct batch_request *first;
    struct batch_request **end;       /* where the next request is linked */
    bool running, stopping, ended, connected;
    int64_t stop_deadline_ms;
    int64_t hurry_deadline_ms;        /* no request has a later deadline */
    struct writer_counts counts;

    pthread_t thread;                 /* from here on the writer's own, or fixed at start */
    struct writer_options options;
    char *conninfo;
    struct store *store;              /* NULL until PostgreSQL was reached for the first time */
} writer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- the queue ---- */

static void link_last(struct batch_request *request)
{
    request->next = NULL;
    *writer.end = request;
    writer.end = &request->next;
}

static struct batch_request *unlink_first(void)
{
    struct batch_request *request = writer.first;
    writer.first = request->next;
    if (writer.first == NULL)
        writer.end = &writer.first;
    writer.counts.queued -= batch_count_waiting(request);
    request->next = NULL;
    return request;
}

bool writer_submit(struct batch_request *request)
{
    size_t rows = batch_count_waiting(request);
    pthread_mutex_lock(&writer.mutex);
    size_t queued = writer.counts.queued;   /* an empty queue takes an array that is longer than its limit */
    bool room =
        writer.running && !writer.stopping && (queued == 0 || queued + rows <= writer.options.queue_limit);
    if (room) {
        request->deadline_ms = earlier(now_ms() + writer.options.wait_ms, writer.hurry_deadline_ms);
        link_last(request);
        writer.counts.queued += rows;
        pthread_cond_signal(&writer.work);
    }
    pthread_mutex_unlock(&writer.mutex);
    return room;
}

/* Puts requests back where they came from, in their order; each goes alone from now on. */
static void put_back(struct batch_request *requests)
{
    struct batch_request **end = &requests;
    size_t rows = 0;
    pthread_mutex_lock(&writer.mutex);
    for (; *end != NULL; end = &(*end)->next) {
        (*end)->alone = true;
        (*end)->deadline_ms = earlier((*end)->deadline_ms, writer.hurry_deadline_ms);
        rows += batch_count_waiting(*end);
    }
    *end = writer.first;
    if (writer.first == NULL)
        writer.end = end;
    writer.first = requests;
    writer.counts.queued += rows;
    pthread_mutex_unlock(&writer.mutex);
}

/* Takes what may go into one transaction; under the mutex. */
static struct batch_request *take_group(void)
{
    struct batch_request *group = NULL, **end = &group;
    size_t rows = 0, bytes = 0;
    while (writer.first != NULL) {
        struct batch_request *request = writer.first;
        size_t more = batch_count_waiting(request);
        if (group != NULL &&
            (request->alone || rows + more > BATCH_ROWS || bytes + request->bytes > BATCH_BYTES))
            break;
        *end = unlink_first();
        end = &request->next;
        rows += more;
        bytes += request->bytes;
        if (request->alone)
            break;
    }
    return group;
}

/* ---- finishing ---- */

static void count_rows(const struct batch_request *request)
{
    pthread_mutex_lock(&writer.mutex);
    for (size_t i = 0; i < request->count; i++) {
        int status = receipt_row_status(&request->rows[i]);
        writer.counts.accepted += status == 201;
        writer.counts.replayed += status == 200;
        writer.counts.refused += status >= 400 && status < 500;
        writer.counts.failures += status >= 500;
    }
    pthread_mutex_unlock(&writer.mutex);
}

/* The exchange owns the request: neither may be touched afterwards. */
static void finish(struct batch_request *request)
{
    count_rows(request);
    receipt_reply(request);
    exchange_finish(request->exchange);
}

static void fail_waiting(struct batch_request *request, const char *failure)
{
    for (size_t i = 0; i < request->count; i++) {
        if (request->rows[i].fate != BATCH_WAITING)
            continue;
        request->rows[i].fate = BATCH_FAILED;
        request->rows[i].failure = failure;
    }
}

/* Answers those whose time is over; the first in the queue that has time left ends the search. */
static void expire(int64_t now)
{
    for (;;) {
        pthread_mutex_lock(&writer.mutex);
        bool over = writer.first != NULL && writer.first->deadline_ms <= now;
        struct batch_request *request = over ? unlink_first() : NULL;
        pthread_mutex_unlock(&writer.mutex);
        if (request == NULL)
            return;
        fail_waiting(request, "unavailable");
        finish(request);
    }
}

/* ---- one transaction ---- */

/* rows[from..end) of the `count` of the transaction. */
static bool submit_segment(struct batch_row **rows, size_t from, size_t end, size_t count, bool *unknown,
                           struct error *error)
{
    const struct store_write *writes[BATCH_ROWS];
    struct store_verdict *verdicts[BATCH_ROWS];
    struct store_segment segment = {
        .rows = writes, .verdicts = verdicts, .count = end - from, .first = from == 0, .last = end == count};
    if (segment.count > BATCH_ROWS)
        return error_set(error, ERROR_INTERNAL, "a batch of %zu rows", segment.count);
    for (size_t i = 0; i < segment.count; i++) {
        writes[i] = &rows[from + i]->write;
        verdicts[i] = &rows[from + i]->verdict;
    }
    return store_submit(writer.store, &segment, unknown, error);
}

static bool attempt(struct batch_row **rows, size_t count, bool *unknown, struct error *error)
{
    int64_t started = now_ms();
    *unknown = false;
    for (size_t from = 0; from < count;) {
        size_t end = batch_segment_end(rows, from, count);
        if (now_ms() - started > TRANSACTION_LIMIT_MS)
            return error_set(error, ERROR_BUSY, "the batch takes too long");
        if (!submit_segment(rows, from, end, count, unknown, error))
            return false;
        from = end;
    }
    return store_commit(writer.store, unknown, error);
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

static void count_attempt(bool again)
{
    pthread_mutex_lock(&writer.mutex);
    writer.counts.batches++;
    writer.counts.retries += again;
    pthread_mutex_unlock(&writer.mutex);
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

/* Writes rows in one transaction, and in further ones those that lost a race.  `rows` is reordered. */
static enum outcome write_rows(struct batch_row **rows, size_t count, const char **failure)
{
    struct error error = {0};
    for (int tries = 1; count > 0; tries++) {
        bool unknown = false;
        count_attempt(tries > 1);
        if (attempt(rows, count, &unknown, &error)) {
            count = keep_conflicts(rows, count, tries >= ATTEMPTS);
            continue;
        }
        log_rollback(&error, rows, count, unknown);
        if (unknown)
            remember_accepted(rows, count);
        if (unknown || !store_is_connected(writer.store))
            return OUTCOME_LOST;
        store_rollback(writer.store);
        *failure = store_is_unavailable(&error) ? "unavailable" : "internal";
        if (!store_is_unavailable(&error) || tries >= ATTEMPTS || error.kind != ERROR_BUSY ||
            strncmp(error.sqlstate, "40", 2) != 0)
            return OUTCOME_REJECTED;
    }
    return OUTCOME_WRITTEN;
}

/* ---- a group of requests ---- */

static struct batch_row **collect_waiting(const void *owner, const struct batch_request *group, size_t *count)
{
    struct batch_row **rows = NULL;
    *count = 0;
    for (const struct batch_request *request = group; request != NULL; request = request->next) {
        rows = memory_resize_array(owner, rows, struct batch_row *, *count + request->count);
        for (size_t i = 0; i < request->count; i++)
            if (request->rows[i].fate == BATCH_WAITING)
                rows[(*count)++] = &request->rows[i];
    }
    return rows;
}

/* Row by row, so that one that PostgreSQL cannot take does not fail its neighbours. */
static enum outcome write_singly(struct batch_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        struct batch_row *row = &request->rows[i];
        const char *failure = "unavailable";
        if (row->fate != BATCH_WAITING)
            continue;
        enum outcome outcome = OUTCOME_REJECTED;
        if (now_ms() < request->deadline_ms)
            outcome = write_rows(&(struct batch_row *){row}, 1, &failure);
        if (outcome == OUTCOME_LOST)
            return OUTCOME_LOST;
        if (outcome == OUTCOME_REJECTED) {
            row->fate = BATCH_FAILED;
            row->failure = failure;
        }
    }
    return OUTCOME_WRITTEN;
}

/* Writes one request; false when the connection was lost over it. */
static bool write_request(struct batch_request *request)
{
    void *work = memory_owner(NULL, "request rows");
    size_t count = 0;
    const char *failure = "unavailable";
    struct batch_row **rows = collect_waiting(work, request, &count);
    enum outcome outcome = OUTCOME_REJECTED;
    if (now_ms() < request->deadline_ms)
        outcome = write_rows(rows, count, &failure);
    talloc_free(work);
    if (outcome == OUTCOME_REJECTED && count > 1)
        outcome = write_singly(request);
    if (outcome == OUTCOME_LOST)
        return false;
    fail_waiting(request, failure);
    finish(request);
    return true;
}

static void write_one_by_one(struct batch_request *group)
{
    while (group != NULL) {
        struct batch_request *request = group;
        group = request->next;
        request->next = NULL;
        if (write_request(request))
            continue;
        request->next = group;
        put_back(request);
        return;
    }
}

static void write_group(struct batch_request *group)
{
    if (group->next == NULL) {
        write_one_by_one(group);
        return;
    }
    void *work = memory_owner(NULL, "group rows");
    size_t count = 0;
    const char *failure = NULL;
    struct batch_row **rows = collect_waiting(work, group, &count);
    enum outcome outcome = write_rows(rows, count, &failure);
    talloc_free(work);
    if (outcome == OUTCOME_LOST) {
        put_back(group);
    } else if (outcome == OUTCOME_REJECTED) {
        write_one_by_one(group);
    } else {
        for (struct batch_request *next; group != NULL; group = next) {
            next = group->next;
            finish(group);
        }
    }
}

/* ---- the thread ---- */

static void set_connected(bool connected, const struct error *error)
{
    pthread_mutex_lock(&writer.mutex);
    bool changed = writer.connected != connected;
    writer.connected = connected;
    pthread_mutex_unlock(&writer.mutex);
    if (changed && connected)
        log_write(LOG_LEVEL_INFO, "writer is connected to PostgreSQL", NULL);
    else if (changed)
        log_write(LOG_LEVEL_WARNING, "writer lost PostgreSQL", "reason", error->message, NULL);
}

static bool connect_store(void)
{
    struct error error = {0};
    bool connected = false;
    if (writer.store == NULL) {
        writer.store = store_open_writer(NULL, writer.conninfo, STATEMENT_TIMEOUT_MS, &error);
        connected = writer.store != NULL;
    } else {
        connected = store_ensure(writer.store, &error);
    }
    set_connected(connected, &error);
    return connected;
}

/* Under the mutex. */
static bool has_ended(void)
{
    return writer.stopping && (writer.first == NULL || now_ms() >= writer.stop_deadline_ms);
}

/* Without a connection: a pause before the next try, also when nothing waits: /readyz tells the truth. */
static bool pause_for_connection(void)
{
    struct timespec at = clock_deadline(RECONNECT_PAUSE_MS);
    pthread_mutex_lock(&writer.mutex);
    if (!has_ended())
        pthread_cond_timedwait(&writer.stop, &writer.mutex, &at);
    bool more = !has_ended();
    pthread_mutex_unlock(&writer.mutex);
    return more;
}

/* Waits until something is queued; false when there is nothing more to do. */
static bool wait_for_work(void)
{
    pthread_mutex_lock(&writer.mutex);
    while (writer.first == NULL && !writer.stopping)
        pthread_cond_wait(&writer.work, &writer.mutex);
    bool more = !has_ended();
    pthread_mutex_unlock(&writer.mutex);
    return more;
}

static struct batch_request *next_group(void)
{
    expire(now_ms());
    pthread_mutex_lock(&writer.mutex);
    struct batch_request *group = take_group();
    pthread_mutex_unlock(&writer.mutex);
    return group;
}

static void *run(void *unused)
{
    (void)unused;
    for (bool more = true; more;) {
        struct batch_request *group = NULL;
        bool connected = connect_store();
        more = connected ? wait_for_work() : pause_for_connection();
        if (more && connected)
            group = next_group();
        else
            expire(now_ms());
        if (group != NULL)
            write_group(group);
    }
    expire(INT64_MAX);
    talloc_free(writer.store);
    writer.store = NULL;
    pthread_mutex_lock(&writer.mutex);
    writer.ended = true;
    pthread_cond_broadcast(&writer.stop);
    pthread_mutex_unlock(&writer.mutex);
    return NULL;
}

bool writer_start(const struct writer_options *options, struct error *error)
{
    clock_init_condition(&writer.work);
    clock_init_condition(&writer.stop);
    writer.first = NULL;
    writer.end = &writer.first;
    writer.stopping = writer.ended = false;
    writer.hurry_deadline_ms = INT64_MAX;
    writer.running = true;
    writer.options = *options;
    writer.conninfo = memory_copy_string(NULL, options->conninfo != NULL ? options->conninfo : "");
    int failed = pthread_create(&writer.thread, NULL, run, NULL);
    if (failed != 0) {
        writer.running = false;
        return error_io(error, failed, "cannot start the writer's thread");
    }
    return true;
}

void writer_hurry(int deadline_ms)
{
    pthread_mutex_lock(&writer.mutex);
    writer.hurry_deadline_ms = now_ms() + deadline_ms;
    for (struct batch_request *request = writer.first; request != NULL; request = request->next)
        request->deadline_ms = earlier(request->deadline_ms, writer.hurry_deadline_ms);
    pthread_mutex_unlock(&writer.mutex);
}

/* Half of the time is for what is queued, the other half for the statement that is under way. */
bool writer_stop(int deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    pthread_mutex_lock(&writer.mutex);
    bool running = writer.running;
    writer.stopping = true;
    writer.stop_deadline_ms = now_ms() + deadline_ms / 2;
    if (running) {
        pthread_cond_broadcast(&writer.work);
        pthread_cond_broadcast(&writer.stop);
    }
    while (running && !writer.ended && waited == 0)
        waited = pthread_cond_timedwait(&writer.stop, &writer.mutex, &deadline);
    bool ended = !running || writer.ended;
    pthread_mutex_unlock(&writer.mutex);
    if (!running || !ended)
        return ended;
    pthread_join(writer.thread, NULL);
    pthread_mutex_lock(&writer.mutex);
    writer.running = false;
    writer.connected = false;
    pthread_mutex_unlock(&writer.mutex);
    talloc_free(writer.conninfo);
    writer.conninfo = NULL;
    return true;
}

bool writer_is_connected(void)
{
    pthread_mutex_lock(&writer.mutex);
    bool connected = writer.running && writer.connected;
    pthread_mutex_unlock(&writer.mutex);
    return connected;
}

struct writer_counts writer_read_counts(void)
{
    pthread_mutex_lock(&writer.mutex);
    struct writer_counts counts = writer.counts;
    pthread_mutex_unlock(&writer.mutex);
    return counts;
}
