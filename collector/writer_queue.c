/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer_queue.h"

#include <pthread.h>

#include "collector/clock.h"
#include "collector/receipt.h"
#include "forms/base/memory.h"

enum { RECONNECT_PAUSE_MS = 200 };

struct writer_place {
    pthread_cond_t wake;
    bool waits;                       /* for something to take */
    bool returns;                     /* waits for the right, to execute again */
    bool passes;                      /* will pass the right on */
    bool doubted, connected;
    struct batch_row **held;          /* what others may look at while the right is not this thread's */
    size_t held_count;
};

static struct {
    pthread_mutex_t mutex;            /* guards everything down to `counts` */
    pthread_cond_t stop;
    struct batch_request *first;
    struct batch_request **end;       /* where the next request is linked */
    struct writer_place places[WRITER_THREADS];
    struct writer_place *executing;   /* who has the right; NULL: it is free */
    struct writer_place *last;        /* who had it last: its caches are warm */
    bool running, stopping;
    size_t ended;                     /* threads */
    int64_t stop_deadline_ms;
    int64_t hurry_deadline_ms;        /* no request has a later deadline */
    struct writer_counts counts;

    struct writer_options options;    /* fixed at start */
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ms(void)
{
    return clock_now_us() / 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void lock(void)
{
    pthread_mutex_lock(&queue.mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&queue.mutex);
}

/* ---- who may execute; all under the mutex ---- */

static bool is_out_of_time(void)
{
    return queue.stopping && now_ms() >= queue.stop_deadline_ms;
}

static bool has_ended(void)
{
    return queue.stopping && (queue.first == NULL || is_out_of_time());
}

static size_t count_held(void)
{
    size_t held = 0;
    for (size_t i = 0; i < WRITER_THREADS; i++)
        held += queue.places[i].held_count;
    return held;
}

static bool depends_on_held(const struct batch_request *request)
{
    for (size_t i = 0; i < WRITER_THREADS; i++)
        if (batch_depends_on(request, queue.places[i].held, queue.places[i].held_count))
            return true;
    return false;
}

static struct writer_place *find_returning(void)
{
    for (size_t i = 0; i < WRITER_THREADS; i++)
        if (queue.places[i].returns)
            return &queue.places[i];
    return NULL;
}

/*
 * A call costs as much as several rows, whatever it holds: while another transaction commits, half as many
 * rows as that one has are worth a call of their own.  Fewer go with what comes until its end.
 */
static bool is_worth_executing(size_t held)
{
    return 2 * queue.counts.queued >= held;
}

/* Whether somebody may execute now who does not yet. */
static bool may_take(void)
{
    if (queue.first == NULL || queue.executing != NULL || find_returning() != NULL)
        return false;
    size_t held = count_held();
    return held == 0 || (!queue.first->alone && is_worth_executing(held) && !depends_on_held(queue.first));
}

static struct writer_place *find_waiting(void)
{
    if (queue.last->waits)
        return queue.last;
    for (size_t i = 0; i < WRITER_THREADS; i++)
        if (queue.places[i].waits)
            return &queue.places[i];
    return NULL;
}

/* Whenever the queue, the right or what is held has changed. */
static void wake_next(void)
{
    struct writer_place *next = find_returning();
    if (next == NULL)
        next = find_waiting();
    if (next == NULL || queue.executing != NULL || (!next->returns && !may_take()))
        return;
    next->waits = false;
    pthread_cond_signal(&next->wake);
}

static void wake_all(void)
{
    for (size_t i = 0; i < WRITER_THREADS; i++)
        pthread_cond_signal(&queue.places[i].wake);
}

/* In a stop no longer than until its deadline. */
static void wait_for_work(struct writer_place *place)
{
    place->waits = true;
    if (queue.stopping) {
        int64_t left_ms = queue.stop_deadline_ms - now_ms();
        struct timespec at = clock_deadline(left_ms > 0 ? (int)left_ms : 0);
        pthread_cond_timedwait(&place->wake, &queue.mutex, &at);
    } else {
        pthread_cond_wait(&place->wake, &queue.mutex);
    }
    place->waits = false;
}

bool writer_queue_await(struct writer_place *place)
{
    lock();
    while (!has_ended() && !place->doubted && !may_take())
        wait_for_work(place);
    bool takes = !has_ended() && !place->doubted && may_take();
    if (takes)
        queue.executing = queue.last = place;
    else
        wake_next();   /* who was woken for this */
    unlock();
    return takes;
}

void writer_queue_pass(struct writer_place *place)
{
    lock();
    if (place->passes) {
        place->passes = false;
        queue.executing = NULL;
        wake_next();
    }
    unlock();
}

void writer_queue_return(struct writer_place *place)
{
    lock();
    place->passes = false;
    place->returns = queue.executing != place;
    while (place->returns && queue.executing != NULL)
        pthread_cond_wait(&place->wake, &queue.mutex);
    place->returns = false;
    queue.executing = place;
    unlock();
}

static void release(struct writer_place *place)
{
    talloc_free(place->held);
    place->held = NULL;
    place->held_count = 0;
    if (queue.executing == place)
        queue.executing = NULL;
}

void writer_queue_release(struct writer_place *place)
{
    lock();
    release(place);
    wake_next();
    unlock();
}

/* ---- the queue ---- */

bool writer_submit(struct batch_request *request)
{
    size_t rows = batch_count_waiting(request);
    lock();
    size_t queued = queue.counts.queued;   /* an empty queue takes an array that is longer than its limit */
    bool room =
        queue.running && !queue.stopping && (queued == 0 || queued + rows <= queue.options.queue_limit);
    if (room) {
        request->deadline_ms = earlier(now_ms() + queue.options.wait_ms, queue.hurry_deadline_ms);
        request->next = NULL;
        *queue.end = request;
        queue.end = &request->next;
        queue.counts.queued += rows;
        wake_next();
    }
    unlock();
    return room;
}

static struct batch_request *unlink_first(void)
{
    struct batch_request *request = queue.first;
    queue.first = request->next;
    if (queue.first == NULL)
        queue.end = &queue.first;
    queue.counts.queued -= batch_count_waiting(request);
    request->next = NULL;
    return request;
}

/* Only what another thread has put back may be older, and has an earlier deadline then. */
static void link_before_later(struct batch_request *requests, struct batch_request **requests_end)
{
    struct batch_request **at = &queue.first;
    while (*at != NULL && (*at)->deadline_ms < requests->deadline_ms)
        at = &(*at)->next;
    *requests_end = *at;
    if (*at == NULL)
        queue.end = requests_end;
    *at = requests;
}

void writer_queue_put_back(struct writer_place *place, struct batch_request *requests)
{
    struct batch_request **end = &requests;
    lock();
    do {
        (*end)->alone = true;
        (*end)->deadline_ms = earlier((*end)->deadline_ms, queue.hurry_deadline_ms);
        queue.counts.queued += batch_count_waiting(*end);
        end = &(*end)->next;
    } while (*end != NULL);
    link_before_later(requests, end);
    for (size_t i = 0; i < WRITER_THREADS; i++)
        queue.places[i].doubted = queue.places[i].doubted || &queue.places[i] != place;
    release(place);
    wake_all();
    unlock();
}

/* Under the mutex. */
static struct batch_request *take_group(bool others_hold)
{
    struct batch_request *group = NULL, **end = &group;
    size_t rows = 0, bytes = 0;
    while (queue.first != NULL) {
        struct batch_request *request = queue.first;
        size_t more = batch_count_waiting(request);
        bool fits = rows + more <= WRITER_BATCH_ROWS && bytes + request->bytes <= WRITER_BATCH_BYTES;
        if ((group != NULL && (request->alone || !fits)) ||
            (others_hold && (request->alone || depends_on_held(request))))
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

struct batch_request *writer_queue_take(struct writer_place *place)
{
    lock();
    struct batch_request *group = take_group(count_held() > 0);
    place->passes = group != NULL && !group->alone;
    if (group != NULL)
        place->held = batch_collect_waiting(NULL, group, &place->held_count);
    unlock();
    return group;
}

struct batch_request *writer_queue_take_expired(int64_t now)
{
    lock();
    bool over = queue.first != NULL && queue.first->deadline_ms <= now;
    struct batch_request *request = over ? unlink_first() : NULL;
    unlock();
    return request;
}

void writer_queue_count_batch(bool again)
{
    lock();
    queue.counts.batches++;
    queue.counts.retries += again;
    unlock();
}

void writer_queue_count_rows(const struct batch_request *request)
{
    lock();
    for (size_t i = 0; i < request->count; i++) {
        int status = receipt_row_status(&request->rows[i]);
        queue.counts.accepted += status == 201;
        queue.counts.replayed += status == 200;
        queue.counts.refused += status >= 400 && status < 500;
        queue.counts.failures += status >= 500;
    }
    unlock();
}

/* ---- connections, start and end ---- */

bool writer_queue_is_doubted(struct writer_place *place)
{
    lock();
    bool doubted = place->doubted;
    place->doubted = false;
    unlock();
    return doubted;
}

bool writer_queue_set_connected(struct writer_place *place, bool connected)
{
    lock();
    bool changed = place->connected != connected;
    place->connected = connected;
    unlock();
    return changed;
}

void writer_queue_pause(void)
{
    struct timespec at = clock_deadline(RECONNECT_PAUSE_MS);
    lock();
    if (!has_ended())
        pthread_cond_timedwait(&queue.stop, &queue.mutex, &at);
    unlock();
}

bool writer_queue_has_ended(void)
{
    lock();
    bool ended = has_ended();
    unlock();
    return ended;
}

bool writer_queue_is_out_of_time(void)
{
    lock();
    bool out_of_time = is_out_of_time();
    unlock();
    return out_of_time;
}

void writer_queue_start(const struct writer_options *options)
{
    clock_init_condition(&queue.stop);
    for (size_t i = 0; i < WRITER_THREADS; i++) {
        queue.places[i] = (struct writer_place){.waits = false};
        clock_init_condition(&queue.places[i].wake);
    }
    queue.first = NULL;
    queue.end = &queue.first;
    queue.executing = NULL;
    queue.last = &queue.places[0];
    queue.stopping = false;
    queue.ended = 0;
    queue.hurry_deadline_ms = INT64_MAX;
    queue.options = *options;
    queue.running = true;
}

struct writer_place *writer_queue_place(size_t thread)
{
    return &queue.places[thread];
}

void writer_queue_leave(struct writer_place *place)
{
    lock();
    place->connected = false;
    queue.ended++;
    pthread_cond_broadcast(&queue.stop);
    unlock();
}

void writer_hurry(int deadline_ms)
{
    lock();
    queue.hurry_deadline_ms = now_ms() + deadline_ms;
    for (struct batch_request *request = queue.first; request != NULL; request = request->next)
        request->deadline_ms = earlier(request->deadline_ms, queue.hurry_deadline_ms);
    unlock();
}

/* Half of the time is for what is queued, the other half for the statements that are under way. */
bool writer_queue_stop(size_t threads, int deadline_ms)
{
    struct timespec deadline = clock_deadline(deadline_ms);
    int waited = 0;
    lock();
    queue.stopping = true;
    queue.stop_deadline_ms = now_ms() + deadline_ms / 2;
    if (threads > 0) {
        wake_all();
        pthread_cond_broadcast(&queue.stop);
    }
    while (queue.ended < threads && waited == 0)
        waited = pthread_cond_timedwait(&queue.stop, &queue.mutex, &deadline);
    bool ended = queue.ended >= threads;
    queue.running = queue.running && !ended;
    unlock();
    return ended;
}

bool writer_is_connected(void)
{
    bool connected = false;
    lock();
    for (size_t i = 0; i < WRITER_THREADS; i++)
        connected = connected || queue.places[i].connected;
    connected = connected && queue.running;
    unlock();
    return connected;
}

struct writer_counts writer_read_counts(void)
{
    lock();
    struct writer_counts counts = queue.counts;
    unlock();
    return counts;
}
