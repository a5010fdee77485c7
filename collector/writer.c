/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer.h"

#include <pthread.h>
#include <stdio.h>

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

static struct {
    size_t started;              /* threads that writer_stop has to join */
    pthread_t threads[WRITER_THREADS + 1];             /* the last one waits for deadlines */
    struct writer_session sessions[WRITER_THREADS];    /* no store until PostgreSQL was reached first */
    char *conninfo;
} writer;

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

static void expire(struct batch_request *expired)
{
    for (struct batch_request *request = expired; request != NULL; request = request->next)
        batch_fail_waiting(request, "unavailable");
    finish_all(expired);
}

/* ---- a group of requests ---- */

/* So that one that PostgreSQL cannot take does not fail its neighbours: each alone, then row by row. */
static void retry_in_smaller_groups(struct batch_request *group, size_t rows, const char *failure)
{
    if (rows == 1) {
        batch_fail_taken(group, failure);
        return;
    }
    enum batch_company company = group->next != NULL ? BATCH_ALONE : BATCH_SINGLY;
    for (struct batch_request *request = group; request != NULL; request = request->next)
        request->company = company;
}

static void retry_alone(struct batch_request *group)
{
    for (struct batch_request *request = group; request != NULL; request = request->next)
        if (request->company == BATCH_TOGETHER)
            request->company = BATCH_ALONE;
}

static void write_group(struct writer_session *session, struct batch_request *group)
{
    const char *failure = NULL;
    size_t count = 0;
    struct batch_row **rows = batch_collect_taken(NULL, group, &count);
    enum writer_outcome outcome = writer_write_rows(session, rows, count, &failure);
    talloc_free(rows);
    if (outcome == WRITER_LOST) {
        retry_alone(group);
        writer_queue_doubt_others(session->place);
    } else if (outcome == WRITER_REJECTED) {
        retry_in_smaller_groups(group, count, failure);
    }
    finish_all(writer_queue_release(session->place, group));
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
        if (!connect_store(session))
            writer_queue_pause();
        else if (writer_queue_await(session->place))
            write_group(session, writer_queue_take(session->place, session->commit_us));
    }
    expire(writer_queue_take_rest());
    talloc_free(session->store);
    session->store = NULL;
    writer_queue_leave(session->place);
    return NULL;
}

/*
 * Whoever waits in the queue is answered when his time is over, however long PostgreSQL keeps the other
 * threads waiting. Who is with PostgreSQL then is answered when it is known what became of him: the statement
 * that he waits for ends by STATEMENT_TIMEOUT_MS, or is given up 2 s later (migrations/db.c); a transaction
 * of several begins none after 2.4 s.
 */
static void *run_deadlines(void *context)
{
    struct batch_request *expired = NULL;
    (void)context;
    while (writer_queue_await_expired(&expired))
        expire(expired);
    writer_queue_leave(NULL);
    return NULL;
}

bool writer_start(const struct writer_options *options, struct error *error)
{
    writer.conninfo = memory_copy_string(NULL, options->conninfo != NULL ? options->conninfo : "");
    writer_queue_start(options);
    for (size_t i = 0; i < WRITER_THREADS; i++)
        writer.sessions[i] = (struct writer_session){.place = writer_queue_place(i)};
    for (size_t i = 0; i <= WRITER_THREADS; i++) {
        int failed = pthread_create(&writer.threads[i], NULL, i < WRITER_THREADS ? run : run_deadlines,
                                    i < WRITER_THREADS ? &writer.sessions[i] : NULL);
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
            pthread_join(writer.threads[i], NULL);
        else
            pthread_detach(writer.threads[i]);
    }
    writer.started = 0;
    if (!ended)
        return false;
    talloc_free(writer.conninfo);
    writer.conninfo = NULL;
    return true;
}
