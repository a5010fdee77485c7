/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/writer_queue.h"

#include <pthread.h>

#include "collector/clock.h"
#include "collector/receipt.h"
#include "collector/writer_shares.h"
#include "forms/base/memory.h"

enum {
    RECONNECT_PAUSE_MS = 200,
    CUT_US = 2000,                    /* where long arrays are cut, or behind twice what a COMMIT takes */
    EXPIRY_PAUSE_MS = 20              /* between two looks at the deadlines */
};

struct writer_place {
    pthread_cond_t wake;
    bool waits;                       /* for something to take */
    bool returns;                     /* waits for the right, to execute again */
    bool passes;                      /* will pass the right on */
    bool doubted, connected;
    struct batch_request *group;      /* what it has taken */
    struct batch_row **held;          /* what others may look at while the right is not this thread's */
    size_t held_count;
};

static struct {
    pthread_mutex_t mutex;            /* guards everything down to `counts` */
    pthread_cond_t stop, expiry;
    struct shares *shares;
    struct batch_request *expired;    /* found on the way, for who waits for deadlines */
    uint64_t held_version;            /* changes with what is held */
    struct writer_place places[WRITER_THREADS];
    struct writer_place *executing;   /* who has the right; NULL: it is free */
    struct writer_place *last;        /* who had it last: its caches are warm */
    bool running, stopping;
    size_t ended, writers_ended;      /* threads */
    int64_t stop_deadline_ms;
    int64_t hurry_deadline_ms;        /* no request has a later deadline */
    int64_t expiry_ms;                /* when the deadlines are looked at next */
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
    return queue.stopping && (shares_count_rows(queue.shares) == 0 || is_out_of_time());
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

/* Compared once with what is held, not again for each request that comes. */
static bool is_independent(struct share *share)
{
    if (share->compared_with == queue.held_version)
        return true;
    if (share->first->company != BATCH_TOGETHER || depends_on_held(share->first))
        return false;
    share->compared_with = queue.held_version;
    return true;
}

/* Whose first request may be taken; NULL: nobody's. */
static struct share *find_next(size_t held)
{
    struct share *share = NULL;
    while ((share = shares_first(queue.shares, clock_now_us())) != NULL && held > 0 && !is_independent(share))
        shares_block(queue.shares, share);
    return share;
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
    return 2 * shares_count_ready_rows(queue.shares) >= held;
}

/* Whether somebody may execute now who does not yet. */
static bool may_take(void)
{
    size_t held = count_held();
    return queue.executing == NULL && find_returning() == NULL && (held == 0 || is_worth_executing(held)) &&
           find_next(held) != NULL;
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

/* In a stop no longer than until its deadline, and no longer than until the end of a study's pause. */
static void wait_for_work(struct writer_place *place)
{
    int64_t now_us = clock_now_us(), until_us = shares_pause_end_us(queue.shares);
    if (until_us <= now_us)
        until_us = INT64_MAX;   /* who has the right now will pass it on */
    if (queue.stopping)
        until_us = earlier(until_us, queue.stop_deadline_ms * 1000);
    place->waits = true;
    if (until_us < INT64_MAX) {
        struct timespec at = clock_deadline(until_us > now_us ? (int)((until_us - now_us) / 1000) + 1 : 0);
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

size_t writer_queue_ready_rows(void)
{
    lock();
    size_t rows = shares_count_ready_rows(queue.shares);
    unlock();
    return rows;
}

/* What the group has cost so far is charged before anybody else is chosen. */
void writer_queue_pass(struct writer_place *place)
{
    lock();
    if (place->passes) {
        place->passes = false;
        queue.executing = NULL;
        for (struct batch_request *request = place->group; request != NULL; request = request->next)
            shares_settle(queue.shares, request);
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

struct batch_request *writer_queue_release(struct writer_place *place, struct batch_request *group)
{
    struct batch_request *decided = NULL, **end = &decided;
    struct batch_row **held = place->held;   /* only this thread writes it */
    for (struct batch_request *request = group; request != NULL; request = request->next)
        request->waiting = batch_count_waiting(request);
    lock();
    int64_t now_us = clock_now_us();
    for (struct batch_request *next; group != NULL; group = next) {
        next = group->next;
        group->next = NULL;
        group->deadline_ms = earlier(group->deadline_ms, queue.hurry_deadline_ms);
        if (!shares_put_back(queue.shares, group, now_us)) {
            *end = group;
            end = &group->next;
        } else if (group->deadline_ms < queue.expiry_ms) {
            pthread_cond_signal(&queue.expiry);
        }
    }
    place->group = NULL;
    place->held = NULL;
    place->held_count = 0;
    queue.held_version++;
    shares_unblock(queue.shares);
    if (queue.executing == place)
        queue.executing = NULL;
    wake_next();
    unlock();
    talloc_free(held);
    return decided;
}

void writer_queue_doubt_others(const struct writer_place *place)
{
    lock();
    for (size_t i = 0; i < WRITER_THREADS; i++)
        queue.places[i].doubted = queue.places[i].doubted || &queue.places[i] != place;
    wake_all();
    unlock();
}

/* ---- the queue ---- */

bool writer_has_room(const struct principal *principal, size_t rows)
{
    lock();
    bool room = queue.running && !queue.stopping && shares_have_room(queue.shares, principal, rows);
    unlock();
    return room;
}

bool writer_submit(struct batch_request *request)
{
    batch_prepare(request);
    lock();
    int64_t now_us = clock_now_us();
    request->deadline_ms = earlier(now_us / 1000 + queue.options.wait_ms, queue.hurry_deadline_ms);
    bool room = queue.running && !queue.stopping && shares_add(queue.shares, request, now_us);
    if (room)
        wake_next();
    unlock();
    return room;
}

/* Under the mutex. */
static struct batch_request *take_expired(int64_t *next_ms)
{
    int64_t now_us = clock_now_us();
    int64_t until_ms = is_out_of_time() ? INT64_MAX : now_us / 1000;
    struct batch_request *expired = queue.expired, **end = &expired;
    while (*end != NULL)
        end = &(*end)->next;
    *end = shares_take_expired(queue.shares, until_ms, now_us, next_ms);
    queue.expired = NULL;
    return expired;
}

/* Under the mutex. */
static void leave_expired(void)
{
    int64_t next_ms = 0;
    queue.expired = take_expired(&next_ms);
    pthread_cond_signal(&queue.expiry);
}

/* Under the mutex. */
static struct batch_request *take_group(size_t held, int64_t commit_us)
{
    struct batch_request *group = NULL, **end = &group;
    size_t rows = 0, bytes = 0;
    int64_t now_us = clock_now_us();
    bool more = true;
    shares_begin_batch(queue.shares, 2 * commit_us > CUT_US ? 2 * commit_us : CUT_US, now_us);
    for (struct share *share; more && (share = find_next(held)) != NULL;) {
        if (share->first->deadline_ms <= now_us / 1000) {
            leave_expired();
            continue;
        }
        struct batch_piece piece = shares_next_piece(queue.shares, share);
        bool fits = rows + piece.rows <= WRITER_BATCH_ROWS &&
                    bytes + share->first->bytes <= WRITER_BATCH_BYTES;
        bool company = share->first->company == BATCH_TOGETHER;
        if (piece.rows == 0) {
            shares_set_aside(queue.shares, share);
            continue;
        }
        if (group != NULL && (!company || !fits))
            break;
        *end = shares_take(queue.shares, share, &piece, now_us);
        rows += piece.rows;
        bytes += (*end)->bytes;
        end = &(*end)->next;
        more = company;
    }
    shares_end_batch(queue.shares);
    return group;
}

struct batch_request *writer_queue_take(struct writer_place *place, int64_t commit_us)
{
    lock();
    struct batch_request *group = take_group(count_held(), commit_us);
    place->group = group;
    place->passes = group != NULL && group->company == BATCH_TOGETHER;
    if (group != NULL) {
        place->held = batch_collect_waiting(NULL, group, &place->held_count);
        queue.held_version++;
    }
    unlock();
    return group;
}

/* ---- deadlines ---- */

/*
 * Who comes while it waits has a deadline that is not before the end of this wait, so that nobody need wake
 * it for him; who comes back and whoever must hurry has not.
 */
bool writer_queue_await_expired(struct batch_request **expired)
{
    int64_t next_ms = 0;
    lock();
    *expired = take_expired(&next_ms);
    bool ended = queue.stopping && (is_out_of_time() || queue.writers_ended == WRITER_THREADS);
    if (*expired == NULL && !ended) {
        int64_t wait_ms = earlier(next_ms - now_ms(), queue.options.wait_ms);
        if (queue.stopping)
            wait_ms = earlier(wait_ms, queue.stop_deadline_ms - now_ms());
        wait_ms = wait_ms > EXPIRY_PAUSE_MS ? wait_ms : EXPIRY_PAUSE_MS;
        queue.expiry_ms = now_ms() + wait_ms;
        struct timespec at = clock_deadline((int)wait_ms);
        pthread_cond_timedwait(&queue.expiry, &queue.mutex, &at);
    } else if (queue.stopping) {
        wake_all();   /* there may be nothing more to wait for */
    }
    unlock();
    return *expired != NULL || !ended;
}

struct batch_request *writer_queue_take_rest(void)
{
    int64_t next_ms = 0;
    lock();
    struct batch_request *rest = is_out_of_time() ? take_expired(&next_ms) : NULL;
    unlock();
    return rest;
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

void writer_queue_count_busy(size_t rows)
{
    if (rows == 0)
        return;
    lock();
    queue.counts.busy += rows;
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

void writer_queue_start(const struct writer_options *options)
{
    clock_init_condition(&queue.stop);
    clock_init_condition(&queue.expiry);
    for (size_t i = 0; i < WRITER_THREADS; i++) {
        queue.places[i] = (struct writer_place){.waits = false};
        clock_init_condition(&queue.places[i].wake);
    }
    queue.shares = shares_new(NULL, options->queue_limit);
    queue.held_version = 1;
    queue.executing = NULL;
    queue.last = &queue.places[0];
    queue.stopping = false;
    queue.ended = queue.writers_ended = 0;
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
    if (place != NULL) {
        place->connected = false;
        queue.writers_ended++;
        pthread_cond_signal(&queue.expiry);
    }
    queue.ended++;
    pthread_cond_broadcast(&queue.stop);
    unlock();
}

void writer_hurry(int deadline_ms)
{
    lock();
    queue.hurry_deadline_ms = now_ms() + deadline_ms;
    if (queue.running)
        shares_hurry(queue.shares, queue.hurry_deadline_ms);
    pthread_cond_signal(&queue.expiry);
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
        pthread_cond_signal(&queue.expiry);
    }
    while (queue.ended < threads && waited == 0)
        waited = pthread_cond_timedwait(&queue.stop, &queue.mutex, &deadline);
    bool ended = queue.ended >= threads;
    if (ended && queue.running) {
        queue.running = false;
        talloc_free(queue.shares);
    }
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
    counts.queued = queue.running ? shares_count_rows(queue.shares) : 0;
    unlock();
    return counts;
}
