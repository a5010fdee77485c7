/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/workers.h"

#include <pthread.h>

#include "collector/clock.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum {
    RETRY_US = 1000000,        /* between two tries of one worker to connect */
    START_FAILED_MS = 5000     /* for those that run already when one cannot be started */
};

struct worker {
    struct workers *workers;
    pthread_t thread;
    void *owner;               /* of the store; only this thread touches it */
    struct store *store;
    bool lost;
    int64_t retry_at_us;
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
};

static bool connect_store(struct worker *worker, struct error *error)
{
    if (worker->store != NULL)
        return store_ensure(worker->store, error);
    worker->store = store_open(worker->owner, worker->workers->options.conninfo, error);
    return worker->store != NULL;
}

/* The store when it can be used, else NULL; a lost database is asked for again once a second. */
static struct store *ready_store(struct worker *worker)
{
    if (worker->lost && clock_now_us() < worker->retry_at_us)
        return NULL;
    struct error error = {0};
    bool good = connect_store(worker, &error);
    if (!good && !worker->lost)
        log_write(LOG_LEVEL_WARNING, "worker has no database", "error", error.message, NULL);
    if (good && worker->lost)
        log_write(LOG_LEVEL_INFO, "worker has its database again", NULL);
    worker->lost = !good;
    worker->retry_at_us = clock_now_us() + RETRY_US;
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
    (void)ready_store(worker);   /* so that the first request need not wait for it */
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
