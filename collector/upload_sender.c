/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_sender.h"

#include <pthread.h>

#include "forms/base/memory.h"

struct upload_sender {
    struct upload_work *work;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct upload_calls *calls;      /* given, and not stored yet */
    bool ending;
    bool failed;
    struct error error;              /* of the calls that failed */
    struct upload_rejection rejection;
};

/* The job's thread has all memory but that of the calls. */
static void store_calls(struct upload_sender *sender, struct upload_calls *calls)
{
    struct error error = {0};
    struct upload_rejection rejection = {0};
    pthread_mutex_unlock(&sender->lock);
    bool good = upload_send_calls(sender->work, calls, &rejection, &error);
    talloc_free(calls);
    pthread_mutex_lock(&sender->lock);
    sender->calls = NULL;
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
        while (sender->calls == NULL && !sender->ending)
            pthread_cond_wait(&sender->changed, &sender->lock);
        if (sender->calls == NULL)
            break;
        store_calls(sender, sender->calls);
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

/* With the lock: until what was given is stored.  False: it failed. */
static bool await_calls(struct upload_sender *sender, struct upload_rejection *rejection, struct error *error)
{
    while (sender->calls != NULL)
        pthread_cond_wait(&sender->changed, &sender->lock);
    *rejection = sender->rejection;
    if (sender->failed)
        *error = sender->error;
    return !sender->failed;
}

bool upload_sender_give(struct upload_sender *sender, struct upload_calls *calls, struct upload_rejection *rejection,
                        struct error *error)
{
    pthread_mutex_lock(&sender->lock);
    bool good = await_calls(sender, rejection, error);
    bool sends = good && rejection->line == 0;
    if (sends) {
        sender->calls = calls;
        pthread_cond_broadcast(&sender->changed);
    }
    pthread_mutex_unlock(&sender->lock);
    if (!sends)
        talloc_free(calls);
    return good;
}

bool upload_sender_end(struct upload_sender *sender, struct upload_rejection *rejection, struct error *error)
{
    pthread_mutex_lock(&sender->lock);
    bool good = await_calls(sender, rejection, error);
    sender->ending = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->lock);
    pthread_join(sender->thread, NULL);
    pthread_mutex_destroy(&sender->lock);
    pthread_cond_destroy(&sender->changed);
    talloc_free(sender);
    return good;
}
