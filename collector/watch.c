/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/watch.h"

#include <pthread.h>
#include <time.h>

#include "collector/catalogues.h"
#include "collector/certificate_watch.h"
#include "collector/clock.h"
#include "collector/metrics.h"
#include "collector/store.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum { TELL_AGAIN_S = 3600, TELL_AFTER_FAILURE_S = 60 };

enum outlook {
    OUTLOOK_WAITING,     /* the database is not there */
    OUTLOOK_GOOD,
    OUTLOOK_MISFIT       /* it is there, and waiting will not help */
};

struct watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping, ended;
    const char *conninfo;
    int refresh_ms;
    void *owner;                 /* of the store; one thread at a time */
    struct store *store;
    enum outlook outlook;
    bool was_good;               /* once, at least */
    struct {
        int64_t end, next;       /* unix seconds */
    } told[CERTIFICATE_KINDS];   /* which end the database was told of, and when it is told again */
    void (*misfit)(void *context);
    void *context;
};

static bool open_store(struct watch *watch, struct error *error)
{
    if (watch->store != NULL)
        return store_ensure(watch->store, error);
    watch->store = store_open(watch->owner, watch->conninfo, error);
    return watch->store != NULL;
}

/* For the metrics; what cannot be told stays as it was. */
static void look_at_seal(struct watch *watch)
{
    struct error unread = {0};
    int64_t unsealed_s, block_s;
    if (!store_seal_status(watch->store, &unsealed_s, &block_s, &unread))
        return;
    metrics_set(METRIC_UNSEALED_AGE, unsealed_s);
    metrics_set(METRIC_BLOCK_AGE, block_s);
}

/* A notice of each that ends soon; the database leaves one a day. */
static void tell_of_certificates(struct watch *watch)
{
    int64_t now = time(NULL);
    for (enum certificate_kind kind = 0; kind < CERTIFICATE_KINDS; kind++) {
        struct error untold = {0};
        int64_t end = certificate_watch_end(kind);
        if (!certificate_watch_is_near(kind, now) || (watch->told[kind].end == end && now < watch->told[kind].next))
            continue;
        bool told = store_note_expiry(watch->store, certificate_watch_name(kind), end, &untold);
        if (!told)
            log_write(LOG_LEVEL_WARNING, "no notice of a certificate that ends soon was left", "error", untold.message,
                      NULL);
        watch->told[kind].end = end;
        watch->told[kind].next = now + (told ? TELL_AGAIN_S : TELL_AFTER_FAILURE_S);
    }
}

static enum outlook look(struct watch *watch, struct error *error)
{
    if (!open_store(watch, error) || !store_check_schema(watch->store, error))
        return store_is_unavailable(error) ? OUTLOOK_WAITING : OUTLOOK_MISFIT;
    struct error unread = {0};
    if (!catalogues_refresh(watch->store, &unread)) {
        if (store_is_unavailable(&unread)) {
            *error = unread;
            return OUTLOOK_WAITING;
        }
        log_write(LOG_LEVEL_ERROR, "studies and forms not loaded, the old ones stay", "error", unread.message,
                  "file", *unread.file != '\0' ? unread.file : NULL, NULL);
    }
    look_at_seal(watch);
    tell_of_certificates(watch);
    return OUTLOOK_GOOD;
}

/* Says what has changed, once. */
static void note(struct watch *watch, enum outlook outlook, const struct error *error)
{
    if (outlook == watch->outlook)
        return;
    if (outlook == OUTLOOK_GOOD)
        log_write(LOG_LEVEL_INFO, "the database is there", NULL);
    else if (outlook == OUTLOOK_WAITING)
        log_write(LOG_LEVEL_WARNING, "the database is not there; trying again", "error", error->message,
                  NULL);
    else
        log_write(LOG_LEVEL_ERROR, "the database does not fit", "error", error->message, NULL);
    watch->outlook = outlook;
    watch->was_good = watch->was_good || outlook == OUTLOOK_GOOD;
}

struct watch *watch_new(const void *owner, const struct settings *settings, struct error *error)
{
    struct watch *watch = memory_new(owner, struct watch);
    watch->conninfo = memory_copy_string(watch, settings->database);
    watch->refresh_ms = settings->catalogue_refresh_ms;
    watch->owner = memory_owner(NULL, "watch");
    enum outlook outlook = look(watch, error);
    if (outlook == OUTLOOK_MISFIT) {
        talloc_free(watch->owner);
        talloc_free(watch);
        return NULL;
    }
    if (outlook == OUTLOOK_WAITING)
        log_write(LOG_LEVEL_WARNING, "the database is not there; trying again", "error", error->message,
                  NULL);
    watch->outlook = outlook;
    watch->was_good = outlook == OUTLOOK_GOOD;
    return watch;
}

/* False at the end. */
static bool wait_for_next(struct watch *watch)
{
    struct timespec until = clock_deadline(watch->refresh_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping && waited == 0)
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
    bool goes_on = !watch->stopping;
    pthread_mutex_unlock(&watch->lock);
    return goes_on;
}

static void *run_watch(void *context)
{
    struct watch *watch = context;
    bool told = false;
    while (wait_for_next(watch)) {
        struct error error = {0};
        enum outlook outlook = look(watch, &error);
        note(watch, outlook, &error);
        if (outlook == OUTLOOK_MISFIT && !watch->was_good && !told) {
            told = true;
            watch->misfit(watch->context);
        }
    }
    talloc_free(watch->owner);
    pthread_mutex_lock(&watch->lock);
    watch->ended = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

bool watch_start(struct watch *watch, void (*misfit)(void *context), void *context, struct error *error)
{
    clock_init_condition(&watch->changed);
    pthread_mutex_init(&watch->lock, NULL);
    watch->misfit = misfit;
    watch->context = context;
    int failed = pthread_create(&watch->thread, NULL, run_watch, watch);
    watch->started = failed == 0;
    return failed == 0 || error_io(error, failed, "starting the thread that watches the database");
}

bool watch_stop(struct watch *watch, int deadline_ms)
{
    if (!watch->started) {
        talloc_free(watch->owner);
        talloc_free(watch);
        return true;
    }
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_broadcast(&watch->changed);
    while (!watch->ended && waited == 0)
        waited = pthread_cond_timedwait(&watch->changed, &watch->lock, &deadline);
    bool ended = watch->ended;
    pthread_mutex_unlock(&watch->lock);
    if (!ended) {
        pthread_detach(watch->thread);
        return false;
    }
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    talloc_free(watch);
    return true;
}
