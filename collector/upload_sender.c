/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_sender.h"

#include <pthread.h>

#include "forms/base/memory.h"

struct upload_sender {
    struct upload_work *work;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct upload_batch *batch;      /* given, and not stored yet */
    bool ending;
    bool failed;
    struct error error;              /* of the batch that failed */
    struct upload_rejection rejection;
};

/* Nothing but its own batch is allocated from: the job's thread has the rest of the work's memory. */
static void store_batch(struct upload_sender *sender, struct upload_batch *batch)
{
    struct error error = {0};
    struct upload_rejection rejection = {0};
    pthread_mutex_unlock(&sender->lock);
    bool good = upload_send_batch(sender->work, batch, &rejection, &error);
    talloc_free(batch);
    pthread_mutex_lock(&sender->lock);
    sender->batch = NULL;
    sender->failed = !good;
    sender->error = error;
    sender->rejection = rejection;
    pthread_cond_broadcast(&sender->changed);
}

static void *run(void *context)
{
    struct upload_sender *sender = context;
    pthread_mutex_lock(&sender->lock);
    for (;;) {
        while (sender->batch == NULL && !sender->ending)
            pthread_cond_wait(&sender->changed, &sender->lock);
        if (sender->batch == NULL)
            break;
        store_batch(sender, sender->batch);
    }
    pthread_mutex_unlock(&sender->lock);
    return NULL;
}

struct upload_sender *upload_sender_start(struct upload_work *work, struct error *error)
{
    struct upload_sender *sender = memory_new(NULL, struct upload_sender);
    *sender = (struct upload_sender){.work = work};
    pthread_mutex_init(&sender->lock, NULL);
    pthread_cond_init(&sender->changed, NULL);
    int failed = pthread_create(&sender->thread, NULL, run, sender);
    if (failed == 0)
        return sender;
    error_io(error, failed, "starting a thread that stores an upload");
    talloc_free(sender);
    return NULL;
}

/* With the lock: until the batch that was given is stored.  False: it failed. */
static bool await_batch(struct upload_sender *sender, struct upload_rejection *rejection, struct error *error)
{
    while (sender->batch != NULL)
        pthread_cond_wait(&sender->changed, &sender->lock);
    *rejection = sender->rejection;
    if (sender->failed)
        *error = sender->error;
    return !sender->failed;
}

bool upload_sender_give(struct upload_sender *sender, struct upload_batch *batch, struct upload_rejection *rejection,
                        struct error *error)
{
    pthread_mutex_lock(&sender->lock);
    bool good = await_batch(sender, rejection, error);
    bool sends = good && rejection->line == 0;
    if (sends) {
        sender->batch = talloc_steal(NULL, batch);
        pthread_cond_broadcast(&sender->changed);
    }
    pthread_mutex_unlock(&sender->lock);
    if (!sends)
        talloc_free(batch);
    return good;
}

bool upload_sender_end(struct upload_sender *sender, struct upload_rejection *rejection, struct error *error)
{
    pthread_mutex_lock(&sender->lock);
    bool good = await_batch(sender, rejection, error);
    sender->ending = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    pthread_join(sender->thread, NULL);
    pthread_mutex_destroy(&sender->lock);
    pthread_cond_destroy(&sender->changed);
    talloc_free(sender);
    return good;
}
