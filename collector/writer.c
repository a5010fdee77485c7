/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer.h"

#include <pthread.h>
#include <stdio.h>

#include "collector/clock.h"
#include "collector/receipt.h"
#include "collector/store.h"
#include "collector/writer_queue.h"
#include "collector/writer_transaction.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    STATEMENT_TIMEOUT_MS = 2500,
    START_FAILED_MS = 5000       /* for a thread that runs already when the next one cannot be started */
};

struct writer_thread {
    pthread_t thread;
    struct writer_session session;   /* its store is NULL until PostgreSQL was reached for the first time */
};

static struct {
    size_t started;              /* threads that writer_stop has to join */
    struct writer_thread threads[WRITER_THREADS];
    char *conninfo;
} writer;

static int64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

/* ---- finishing ---- */

/* The exchange owns the request: neither may be touched afterwards. */
static void finish(struct batch_request *request)
{
    writer_queue_count_rows(request);
    receipt_reply(request);
    exchange_finish(request->exchange);
}

static void finish_all(struct batch_request *group)
{
    for (struct batch_request *next; group != NULL; group = next) {
        next = group->next;
        finish(group);
    }
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
    for (struct batch_request *request; (request = writer_queue_take_expired(now)) != NULL;) {
        fail_waiting(request, "unavailable");
        finish(request);
    }
}

/* ---- a group of requests ---- */

/* All of a list of requests in one transaction, when the first of them has time left. */
static enum writer_outcome write_together(struct writer_session *session, struct batch_request *group,
                                          const char **failure)
{
    size_t count = 0;
    *failure = "unavailable";
    if (now_ms() >= group->deadline_ms)
        return WRITER_REJECTED;
    struct batch_row **rows = batch_collect_waiting(NULL, group, &count);
    enum writer_outcome outcome = writer_write_rows(session, rows, count, failure);
    talloc_free(rows);
    return outcome;
}

/* Row by row, so that one that PostgreSQL cannot take does not fail its neighbours. */
static enum writer_outcome write_singly(struct writer_session *session, struct batch_request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        struct batch_row *row = &request->rows[i];
        const char *failure = "unavailable";
        if (row->fate != BATCH_WAITING)
            continue;
        enum writer_outcome outcome = WRITER_REJECTED;
        if (now_ms() < request->deadline_ms)
            outcome = writer_write_rows(session, &(struct batch_row *){row}, 1, &failure);
        if (outcome == WRITER_LOST)
            return WRITER_LOST;
        if (outcome == WRITER_REJECTED) {
            row->fate = BATCH_FAILED;
            row->failure = failure;
        }
    }
    return WRITER_WRITTEN;
}

/*
 * A request that was rejected, or has not been tried yet; false when the connection was lost over it.  The
 * right to execute is kept meanwhile: nobody looks at the held rows, some of which are freed.
 */
static bool write_request(struct writer_session *session, struct batch_request *request, bool rejected,
                          const char *failure)
{
    enum writer_outcome outcome = WRITER_REJECTED;
    if (!rejected)
        outcome = write_together(session, request, &failure);
    if (outcome == WRITER_REJECTED && batch_count_waiting(request) > 1)
        outcome = write_singly(session, request);
    if (outcome == WRITER_LOST)
        return false;
    fail_waiting(request, failure);
    finish(request);
    return true;
}

static void write_one_by_one(struct writer_session *session, struct batch_request *group,
                             const char *failure)
{
    bool rejected = group->next == NULL;   /* as the only one it was tried alone */
    writer_queue_return(session->place);
    while (group != NULL) {
        struct batch_request *request = group;
        group = request->next;
        request->next = NULL;
        if (write_request(session, request, rejected, failure))
            continue;
        request->next = group;
        writer_queue_put_back(session->place, request);
        return;
    }
    writer_queue_release(session->place);
}

static void write_group(struct writer_session *session, struct batch_request *group)
{
    const char *failure = NULL;
    enum writer_outcome outcome = write_together(session, group, &failure);
    if (outcome == WRITER_LOST) {
        writer_queue_put_back(session->place, group);
    } else if (outcome == WRITER_REJECTED) {
        write_one_by_one(session, group, failure);
    } else {
        writer_queue_release(session->place);
        finish_all(group);
    }
}

/* ---- a thread ---- */

static void log_connected(struct writer_session *session, bool connected, const struct error *error)
{
    if (!writer_queue_set_connected(session->place, connected))
        return;
    if (connected)
        log_write(LOG_LEVEL_INFO, "writer is connected to PostgreSQL", NULL);
    else
        log_write(LOG_LEVEL_WARNING, "writer lost PostgreSQL", "reason", error->message, NULL);
}

static bool connect_store(struct writer_session *session)
{
    struct error error = {0};
    bool doubted = writer_queue_is_doubted(session->place);
    bool connected = false;
    if (session->store == NULL) {
        session->store = store_open_writer(NULL, writer.conninfo, STATEMENT_TIMEOUT_MS, &error);
        connected = session->store != NULL;
    } else {
        connected = store_ensure(session->store, &error) && (!doubted || store_ping(session->store, &error));
    }
    log_connected(session, connected, &error);
    return connected;
}

/* Without a connection it tries again and again, also when nothing waits: /readyz tells the truth. */
static void *run(void *context)
{
    struct writer_session *session = context;
    while (!writer_queue_has_ended()) {
        if (!connect_store(session)) {
            writer_queue_pause();
            expire(now_ms());
            continue;
        }
        if (!writer_queue_await(session->place))
            continue;
        expire(now_ms());
        struct batch_request *group = writer_queue_take(session->place);
        if (group != NULL)
            write_group(session, group);
        else
            writer_queue_release(session->place);
    }
    if (writer_queue_is_out_of_time())
        expire(INT64_MAX);
    talloc_free(session->store);
    session->store = NULL;
    writer_queue_leave(session->place);
    return NULL;
}

bool writer_start(const struct writer_options *options, struct error *error)
{
    writer.conninfo = memory_copy_string(NULL, options->conninfo != NULL ? options->conninfo : "");
    writer_queue_start(options);
    for (size_t i = 0; i < WRITER_THREADS; i++) {
        struct writer_thread *one = &writer.threads[i];
        one->session = (struct writer_session){.place = writer_queue_place(i)};
        int failed = pthread_create(&one->thread, NULL, run, &one->session);
        if (failed != 0) {
            if (!writer_stop(START_FAILED_MS))
                log_write(LOG_LEVEL_WARNING, "a writer that was started does not end", NULL);
            return error_io(error, failed, "cannot start a writer's thread");
        }
        writer.started++;
    }
    return true;
}

bool writer_stop(int deadline_ms)
{
    bool ended = writer_queue_stop(writer.started, deadline_ms);
    for (size_t i = 0; i < writer.started; i++) {
        if (ended)
            pthread_join(writer.threads[i].thread, NULL);
        else
            pthread_detach(writer.threads[i].thread);
    }
    writer.started = 0;
    if (!ended)
        return false;
    talloc_free(writer.conninfo);
    writer.conninfo = NULL;
    return true;
}
