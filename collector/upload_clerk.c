/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_clerk.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/request.h"
#include "collector/upload_receipt.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    WAITERS_MOST = 256,
    PURGE_MS = 600000,
    RETRY_US = 1000000
};

/* Somebody who waits for an upload; of its exchange. */
struct waiter {
    struct waiter *next;
    struct exchange *exchange;
    const char *upload;
    int64_t until_us;
    int status;                  /* of the reply when all is well */
    const struct upload_order *order;    /* or NULL */
    bool looked;                 /* at the upload, which was under way */
    bool told;                   /* that the work has ended */
    struct upload_problem problem;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    char *conninfo;
    struct waiter *first, **end;
    size_t count;
    struct store *store;
    int64_t retry_us, purge_us;
    bool runs, hurries, stopping, ended;
} clerk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the list ---- */

static bool add_waiter(struct waiter *waiter)
{
    pthread_mutex_lock(&clerk.lock);
    bool room = clerk.runs && !clerk.stopping && clerk.count < WAITERS_MOST;
    if (room) {
        *clerk.end = waiter;
        clerk.end = &waiter->next;
        clerk.count++;
        pthread_cond_broadcast(&clerk.changed);
    }
    pthread_mutex_unlock(&clerk.lock);
    return room;
}

static struct waiter *new_waiter(struct exchange *exchange, const char *upload, int wait_ms, int status)
{
    struct waiter *waiter = memory_new(exchange, struct waiter);
    *waiter = (struct waiter){.exchange = exchange, .upload = memory_copy_string(waiter, upload), .status = status,
                              .until_us = clock_now_us() + (int64_t)wait_ms * 1000};
    return waiter;
}

bool upload_jobs_answer(struct exchange *exchange, const char *upload, int wait_ms, int status)
{
    return add_waiter(new_waiter(exchange, upload, wait_ms, status));
}

bool upload_jobs_order(struct exchange *exchange, const char *upload, const struct upload_order *order, int wait_ms)
{
    struct waiter *waiter = new_waiter(exchange, upload, wait_ms, 200);
    waiter->order = order;
    return add_waiter(waiter);
}

void upload_clerk_tell(const char *upload, const struct upload_problem *problem)
{
    pthread_mutex_lock(&clerk.lock);
    for (struct waiter *waiter = clerk.first; waiter != NULL; waiter = waiter->next)
        if (waiter->looked && strcmp(waiter->upload, upload) == 0) {
            waiter->told = true;
            waiter->problem = *problem;
        }
    pthread_cond_broadcast(&clerk.changed);
    pthread_mutex_unlock(&clerk.lock);
}

static bool is_due(const struct waiter *waiter, int64_t now_us)
{
    return !waiter->looked || waiter->told || clerk.hurries || now_us >= waiter->until_us;
}

/* The first that is due, which stays in the list; NULL, and when the next one will be. */
static struct waiter *find_due(int64_t *next_us)
{
    int64_t now_us = clock_now_us();
    for (struct waiter *waiter = clerk.first; waiter != NULL; waiter = waiter->next) {
        if (is_due(waiter, now_us))
            return waiter;
        *next_us = waiter->until_us < *next_us ? waiter->until_us : *next_us;
    }
    return NULL;
}

/* It has its reply. */
static void finish(struct waiter *waiter)
{
    pthread_mutex_lock(&clerk.lock);
    struct waiter **link = &clerk.first;
    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
    if (*link == NULL)
        clerk.end = link;
    clerk.count--;
    pthread_mutex_unlock(&clerk.lock);
    exchange_finish(waiter->exchange);   /* which owns the waiter */
}

/* ---- what is answered ---- */

static bool is_resting(const struct store_upload *upload)
{
    static const char *const under_way[] = {"queued", "checking", "committing", "taking_back"};
    for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++)
        if (strcmp(upload->state, under_way[i]) == 0)
            return false;
    return true;
}

static bool is_ended(void)
{
    pthread_mutex_lock(&clerk.lock);
    bool ended = clerk.hurries;
    pthread_mutex_unlock(&clerk.lock);
    return ended;
}

/* A problem of the order, or the upload as it is. */
static void reply(struct waiter *waiter, const struct store_upload *upload)
{
    struct exchange *exchange = waiter->exchange;
    struct upload_progress progress;
    bool under_way = !is_resting(upload);
    if (waiter->order != NULL && waiter->problem.status != 0) {
        exchange_reply_problem(exchange, waiter->problem.status, waiter->problem.code, "%s",
                               waiter->problem.detail);
        return;
    }
    bool known = under_way && upload_jobs_look(upload->id, &progress);
    struct text *body = text_new(exchange);
    upload_append_json(body, exchange->principal, upload, known ? &progress : NULL);
    exchange_reply_json(exchange, waiter->order != NULL && under_way ? 202 : waiter->status, body);
}

/* All or nothing, and there are refused rows: nothing.  Neither is there when no row is good. */
static bool refuse_rows(struct exchange *exchange, const struct store_upload_at *at, const char *mode,
                        struct error *error)
{
    struct store_upload *upload = store_find_upload(exchange, clerk.store, at, error);
    bool previewed = upload != NULL && strcmp(upload->state, "previewed") == 0;
    int64_t refused = previewed ? upload_count_refused(upload) : 0;
    if (upload == NULL)
        request_reply_error(exchange, error);
    else if (refused > 0 && refused == upload_count_read(upload))
        exchange_reply_problem(exchange, 409, "refused_rows", "all %lld rows are refused, so that nothing is stored; "
                               "mend them (GET /api/v1/uploads/%s/refused) and upload the file again",
                               (long long)refused, upload->id);
    else if (refused > 0 && strcmp(mode, "all-or-nothing") == 0)
        exchange_reply_problem(exchange, 409, "refused_rows", "%lld rows are refused, so that nothing is stored; mend "
                               "them (GET /api/v1/uploads/%s/refused) and upload the file again, or commit with mode "
                               "good-rows", (long long)refused, upload->id);
    return exchange->status != 0;
}

/* The answer to this very commit was lost: it is given again. */
static bool is_done_already(struct waiter *waiter, const struct store_upload_at *at)
{
    struct error ignored = {0};
    char token[65], token_sha256[65];
    const struct store_upload *upload = store_find_upload(waiter->exchange, clerk.store, at, &ignored);
    if (upload == NULL || strcmp(upload->state, "committed") != 0 || upload->digest == NULL)
        return false;
    upload_preview_token(upload->id, upload->digest, token);
    upload_sha256_of(token, token_sha256);
    return strcmp(token_sha256, waiter->order->token_sha256) == 0;
}

/* What the database says of an order; true when it is to be carried out. */
static bool place_order(struct waiter *waiter, const struct store_upload_at *at, struct error *error)
{
    const struct upload_order *order = waiter->order;
    if (order->kind == UPLOAD_COMMIT && refuse_rows(waiter->exchange, at, order->mode, error))
        return false;
    struct store_upload_outcome outcome = {0};
    struct store_upload_commit commit = {order->token_sha256, order->mode, order->reason};
    bool asked = order->kind == UPLOAD_COMMIT
                     ? store_ask_commit(clerk.store, at, &commit, &outcome, error)
                     : store_ask_take_back(clerk.store, at, order->reason, &outcome, error);
    if (!asked)
        request_reply_error(waiter->exchange, error);
    else if (order->kind == UPLOAD_COMMIT && strcmp(outcome.code, "not_previewed") == 0 && is_done_already(waiter, at))
        return true;
    else if (outcome.code[0] != '\0' && strcmp(outcome.code, "under_way") != 0)
        upload_reply_outcome(waiter->exchange, outcome.code);
    return waiter->exchange->status == 0;
}

static struct store *ready_store(void)
{
    struct error error = {0};
    if (clerk.store != NULL && store_is_connected(clerk.store))
        return clerk.store;
    if (clock_now_us() < clerk.retry_us)
        return NULL;
    bool good = clerk.store != NULL ? store_ensure(clerk.store, &error)
                                    : (clerk.store = store_open(NULL, clerk.conninfo, &error)) != NULL;
    clerk.retry_us = good ? 0 : clock_now_us() + RETRY_US;
    if (!good)
        log_write(LOG_LEVEL_WARNING, "who waits for an upload has no database", "error", error.message, NULL);
    return good ? clerk.store : NULL;
}

/* Only who began an upload has it go on: with his token it is read what he may see. */
static bool goes_on_for(const struct waiter *waiter, const struct store_upload *upload)
{
    bool is_check = strcmp(upload->state, "queued") == 0 || strcmp(upload->state, "checking") == 0;
    return waiter->order != NULL || !is_check || strcmp(upload->account, waiter->exchange->principal->account) == 0;
}

/* From now on it is told when the work has ended. */
static void set_looked(struct waiter *waiter)
{
    pthread_mutex_lock(&clerk.lock);
    waiter->looked = true;
    pthread_mutex_unlock(&clerk.lock);
}

/* Looks at what the waiter waits for; true when it has its reply, false: it waits on. */
static bool look(struct waiter *waiter)
{
    struct exchange *exchange = waiter->exchange;
    struct store_upload_at at = {exchange->principal->token, exchange->principal->study_id, waiter->upload};
    struct error error = {0};
    if (ready_store() == NULL) {
        exchange_reply_problem(exchange, 503, "unavailable", "the database does not answer now; try again");
        return true;
    }
    bool first = !waiter->looked;
    if (first && waiter->order != NULL && !place_order(waiter, &at, &error))
        return true;
    struct store_upload *upload = store_find_upload(exchange, clerk.store, &at, &error);
    if (upload == NULL) {
        request_reply_error(exchange, &error);
        return true;
    }
    bool waits = first && !is_resting(upload) && clock_now_us() < waiter->until_us && !is_ended();
    set_looked(waiter);
    if (first && !is_resting(upload) && goes_on_for(waiter, upload))
        upload_jobs_wake(exchange->principal, waiter->upload);
    if (!waits)
        reply(waiter, upload);
    return !waits;
}

/* ---- the thread ---- */

static void purge(void)
{
    struct error error = {0};
    bool more = true;
    while (more && !is_ended() && ready_store() != NULL)
        if (!store_purge_uploads(clerk.store, &more, &error)) {
            log_write(LOG_LEVEL_WARNING, "old uploads are not purged", "error", error.message, NULL);
            break;
        }
    clerk.purge_us = clock_now_us() + (int64_t)PURGE_MS * 1000;
}

/* The next who is due, or NULL at the end or when it is time to purge. */
static struct waiter *await_due(bool *end)
{
    pthread_mutex_lock(&clerk.lock);
    struct waiter *due = NULL;
    for (;;) {
        int64_t next_us = clerk.purge_us;
        due = find_due(&next_us);
        *end = due == NULL && clerk.stopping;
        int64_t left_us = next_us - clock_now_us();
        if (due != NULL || *end || clock_now_us() >= clerk.purge_us)
            break;
        struct timespec until = clock_deadline((int)(left_us / 1000) + 1);
        pthread_cond_timedwait(&clerk.changed, &clerk.lock, &until);
    }
    pthread_mutex_unlock(&clerk.lock);
    return due;
}

static void *run(void *none)
{
    (void)none;
    bool end = false;
    while (!end) {
        struct waiter *waiter = await_due(&end);
        if (waiter == NULL) {
            if (!end)
                purge();
        } else if (look(waiter)) {
            finish(waiter);
        }
    }
    talloc_free(clerk.store);
    clerk.store = NULL;
    pthread_mutex_lock(&clerk.lock);
    clerk.ended = true;
    pthread_cond_broadcast(&clerk.changed);
    pthread_mutex_unlock(&clerk.lock);
    return NULL;
}

bool upload_clerk_start(const char *conninfo, struct error *error)
{
    clerk.conninfo = memory_copy_string(NULL, conninfo);
    clerk.end = &clerk.first;
    clerk.purge_us = clock_now_us() + (int64_t)PURGE_MS * 1000;
    clock_init_condition(&clerk.changed);
    int failed = pthread_create(&clerk.thread, NULL, run, NULL);
    if (failed != 0)
        return error_io(error, failed, "starting the thread that answers for uploads");
    clerk.runs = true;
    return true;
}

void upload_clerk_hurry(void)
{
    pthread_mutex_lock(&clerk.lock);
    clerk.hurries = true;
    pthread_cond_broadcast(&clerk.changed);
    pthread_mutex_unlock(&clerk.lock);
}

bool upload_clerk_stop(int deadline_ms)
{
    if (!clerk.runs)
        return true;
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    pthread_mutex_lock(&clerk.lock);
    clerk.hurries = clerk.stopping = true;
    pthread_cond_broadcast(&clerk.changed);
    while (!clerk.ended && waited == 0)
        waited = pthread_cond_timedwait(&clerk.changed, &clerk.lock, &deadline);
    bool ended = clerk.ended;
    pthread_mutex_unlock(&clerk.lock);
    if (!ended) {
        pthread_detach(clerk.thread);
        return false;
    }
    pthread_join(clerk.thread, NULL);
    clerk.runs = false;
    talloc_free(clerk.conninfo);
    clerk.conninfo = NULL;
    return true;
}
