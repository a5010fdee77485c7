/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/workers.h"

#include <pthread.h>

#include "collector/clock.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    RETRY_US = 1000000,        /* without a try to connect, when one has failed and none has succeeded since */
    START_FAILED_MS = 5000     /* for those that run already when one cannot be started */
};

struct worker {
    struct workers *workers;
    pthread_t thread;
    void *owner;               /* of the store; only this thread touches it */
    struct store *store;
    bool lost;
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct work *first, *last;
    size_t queued;
    bool stopping;
    struct workers_options options;
    struct worker *threads;
    size_t started, ended;
    int64_t retry_at_us;       /* for those without a database */
};

static bool connect_store(struct worker *worker, struct error *error)
{
    if (worker->store != NULL)
        return store_ensure(worker->store, error);
    worker->store = store_open(worker->owner, worker->workers->options.conninfo, error);
    return worker->store != NULL;
}

static bool is_connected(const struct worker *worker)
{
    return worker->store != NULL && store_is_connected(worker->store);
}

static bool must_wait(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    bool wait = clock_now_us() < workers->retry_at_us;
    pthread_mutex_unlock(&workers->lock);
    return wait;
}

static void set_retry(struct workers *workers, int64_t at_us)
{
    pthread_mutex_lock(&workers->lock);
    workers->retry_at_us = at_us;
    pthread_mutex_unlock(&workers->lock);
}

static bool open_or_keep(struct worker *worker)
{
    struct error error = {0};
    bool good = connect_store(worker, &error);
    if (!good && !worker->lost)
        log_write(LOG_LEVEL_WARNING, "worker has no database", "error", error.message, NULL);
    if (good && worker->lost)
        log_write(LOG_LEVEL_INFO, "worker has its database again", NULL);
    worker->lost = !good;
    return good;
}

/*
 * The store when it can be used, else NULL.  A database that is away is asked for once a second; one that has taken any
 * worker's connection is back for all.
 */
static struct store *ready_store(struct worker *worker)
{
    struct workers *workers = worker->workers;
    if (is_connected(worker))
        return worker->store;
    if (worker->lost && must_wait(workers))
        return NULL;
    bool good = open_or_keep(worker);
    set_retry(workers, good ? 0 : clock_now_us() + RETRY_US);
    return good ? worker->store : NULL;
}

/* The next piece of work; NULL at the end. */
static struct work *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->first == NULL && !workers->stopping)
        pthread_cond_wait(&workers->changed, &workers->lock);
    struct work *work = workers->first;
    if (work != NULL) {
        workers->first = work->next;
        workers->queued--;
    }
    pthread_mutex_unlock(&workers->lock);
    return work;
}

static void *run_worker(void *context)
{
    struct worker *worker = context;
    struct work *work;
    (void)open_or_keep(worker);   /* so that the first request need not wait; that one tries again */
    while ((work = take(worker->workers)) != NULL)
        work->run(work, ready_store(worker));
    talloc_free(worker->owner);
    pthread_mutex_lock(&worker->workers->lock);
    worker->workers->ended++;
    pthread_cond_broadcast(&worker->workers->changed);
    pthread_mutex_unlock(&worker->workers->lock);
    return NULL;
}

struct workers *workers_start(const void *owner, const struct workers_options *options, struct error *error)
{
    struct workers *workers = memory_new(owner, struct workers);
    workers->options = *options;
    workers->options.conninfo = memory_copy_string(workers, options->conninfo);
    workers->threads = memory_new_array(workers, struct worker, options->threads);
    pthread_mutex_init(&workers->lock, NULL);
    clock_init_condition(&workers->changed);
    for (size_t i = 0; i < options->threads; i++) {
        struct worker *worker = &workers->threads[i];
        worker->workers = workers;
        worker->owner = memory_owner(NULL, "worker");
        int failed = pthread_create(&worker->thread, NULL, run_worker, worker);
        if (failed != 0) {
            error_io(error, failed, "starting a worker thread");
            talloc_free(worker->owner);
            if (!workers_stop(workers, START_FAILED_MS))
                log_write(LOG_LEVEL_WARNING, "a worker that was started does not end", NULL);
            return NULL;
        }
        workers->started++;
    }
    return workers;
}

bool workers_push(struct workers *workers, struct work *work)
{
    work->next = NULL;
    pthread_mutex_lock(&workers->lock);
    bool fits = workers->queued < workers->options.queue_limit && !workers->stopping;
    if (fits) {
        if (workers->first == NULL)
            workers->first = work;
        else
            workers->last->next = work;
        workers->last = work;
        workers->queued++;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
    return fits;
}

bool workers_stop(struct workers *workers, int deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    while (workers->ended < workers->started && waited == 0)
        waited = pthread_cond_timedwait(&workers->changed, &workers->lock, &deadline);
    bool all = workers->ended == workers->started;
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->started; i++) {
        if (all)
            pthread_join(workers->threads[i].thread, NULL);
        else
            pthread_detach(workers->threads[i].thread);
    }
    if (!all)
        return false;
    pthread_cond_destroy(&workers->changed);
    pthread_mutex_destroy(&workers->lock);
    talloc_free(workers);
    return true;
}
