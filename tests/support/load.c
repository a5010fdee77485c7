/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_engine.h"

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "tests/support/load_reply.h"

enum { EVENTS = 256, LOOK_EVERY_MS = 5, CONNECT_DEADLINE_US = 20 * 1000000, RECONNECT_US = 20000 };

static void count(struct load *load, enum load_counter counter, uint64_t by)
{
    atomic_fetch_add_explicit(&load->counters[counter], by, memory_order_relaxed);
}

static int64_t thread_cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* ---- submissions ---- */

static struct load_entry *entry_of(struct load *load, const struct load_connection *connection)
{
    return &load->ledger.entries[connection->entry];
}

static bool takes_new_ones(struct load *load, int64_t now_us)
{
    if (load->settle_until_us != 0)
        return false;
    int64_t duration_us = (int64_t)load->options.duration_ms * 1000;
    bool ended = atomic_load_explicit(&load->stops, memory_order_relaxed) || load->ledger.count >= load->limit ||
                 (duration_us > 0 && load->started_us > 0 && now_us - load->started_us >= duration_us);
    if (ended)
        load->settle_until_us = now_us + (int64_t)load->options.settle_ms * 1000;
    return !ended;
}

static void take_submission(struct load *load, struct load_connection *connection, int64_t now_us)
{
    connection->entry = (int64_t)load->ledger.count;
    connection->first_sent_us = now_us;
    load_make_id(&load->random, load->options.ids, load_ledger_add(&load->ledger)->id);
    count(load, LOAD_SUBMISSIONS, 1);
    if (load->started_us == 0) {
        load->started_us = now_us;
        load->cpu_at_start_us = thread_cpu_us();
        atomic_store(&load->begun, true);
    }
}

static void settle(struct load *load, struct load_connection *connection, enum load_fate fate)
{
    struct load_entry *entry = entry_of(load, connection);
    if (entry->fate == LOAD_UNKNOWN)
        count(load, LOAD_UNKNOWN_NOW, (uint64_t)-1);
    entry->fate = (uint8_t)fate;
    if (fate == LOAD_UNKNOWN)
        count(load, LOAD_UNKNOWN_NOW, 1);
    if (fate != LOAD_UNKNOWN || load->options.gives_up)
        connection->entry = -1;
}

/* ---- connections ---- */

static void end_connection(struct load *load, struct load_connection *connection, bool politely)
{
    bool open = connection->state >= LOAD_IDLE && connection->state != LOAD_DONE;
    load_connection_close(connection, politely);
    if (open)
        count(load, LOAD_OPEN, (uint64_t)-1);
}

static void finish_connection(struct load *load, struct load_connection *connection)
{
    end_connection(load, connection, true);
    connection->state = LOAD_DONE;
    load->undone--;
}

static void lose_connection(struct load *load, struct load_connection *connection)
{
    bool in_flight = connection->state == LOAD_READING || connection->state == LOAD_WRITING;
    if (connection->state < LOAD_IDLE)
        count(load, LOAD_CONNECT_FAILURES, 1);
    if (in_flight) {
        count(load, LOAD_UNANSWERED, 1);
        settle(load, connection, LOAD_UNKNOWN);
    }
    int64_t most_us = (int64_t)load->options.retry_most_ms * 1000;
    end_connection(load, connection, false);
    connection->due_us = clock_now_us() + (most_us < RECONNECT_US ? most_us : RECONNECT_US);
}

static void write_request(struct load *load, struct load_connection *connection)
{
    struct load_record record = load_record_at(&load->options, (uint64_t)connection->entry);
    load_request_patch(load->request, &record, entry_of(load, connection)->id, (uint64_t)connection->entry);
    if (load_connection_write(connection, &load->place, load->request->bytes, load->request->length) == LOAD_LOST)
        lose_connection(load, connection);
}

/* The next submission, or the one that is not settled again. */
static void send_next(struct load *load, struct load_connection *connection, int64_t now_us)
{
    bool new_ones = takes_new_ones(load, now_us);
    if (connection->entry < 0 && !new_ones) {
        finish_connection(load, connection);
        return;
    }
    if (connection->entry < 0)
        take_submission(load, connection, now_us);
    connection->filled = 0;
    connection->due_us = now_us + (int64_t)load->options.answer_ms * 1000;
    write_request(load, connection);
}

static void open_connection(struct load *load, struct load_connection *connection, int64_t now_us)
{
    if (connection->entry < 0 && !takes_new_ones(load, now_us)) {
        finish_connection(load, connection);
        return;
    }
    load->place.port = atomic_load(&load->port);
    connection->due_us = now_us + CONNECT_DEADLINE_US;
    if (load_connection_open(connection, &load->place) == LOAD_LOST)
        lose_connection(load, connection);
}

static void begin_together(struct load *load, int64_t now_us)
{
    for (int i = 0; i < load->options.connections; i++)
        if (load->connections[i].state == LOAD_IDLE)
            send_next(load, &load->connections[i], now_us);
}

static void shake_hands(struct load *load, struct load_connection *connection, int64_t now_us)
{
    enum load_outcome outcome = load_connection_shake_hands(connection, &load->place);
    if (outcome == LOAD_LOST)
        lose_connection(load, connection);
    if (outcome != LOAD_GOES_ON)
        return;
    count(load, LOAD_CONNECTS, 1);
    count(load, LOAD_OPEN, 1);
    connection->state = LOAD_IDLE;
    connection->due_us = INT64_MAX;
    bool waited = load->not_yet_open > 0;
    load->not_yet_open -= waited;
    if (!waited)
        send_next(load, connection, now_us);
    else if (load->not_yet_open == 0)
        begin_together(load, now_us);
}

/* ---- answers ---- */

static void acknowledge(struct load *load, struct load_connection *connection, const struct load_reply *reply,
                        int64_t now_us)
{
    struct load_entry *entry = entry_of(load, connection);
    char hex[65];
    load_reply_member(reply, "sha256", hex, sizeof hex);
    entry->has_sha256 = load_sha256_from_hex(hex, entry->sha256);
    count(load, LOAD_COUNT_ACKNOWLEDGED, 1);
    count(load, LOAD_REPLAYED, reply->status == 200);
    load_latency_add(&load->latency, now_us - connection->first_sent_us);
    load->last_us = now_us;
    settle(load, connection, LOAD_ACKNOWLEDGED);
}

static void put_off(struct load *load, struct load_connection *connection, const struct load_reply *reply,
                    int64_t now_us)
{
    count(load, reply->status == 503 ? LOAD_UNAVAILABLE : LOAD_FAILED, 1);
    settle(load, connection, LOAD_UNKNOWN);
    int64_t most_us = (int64_t)load->options.retry_most_ms * 1000;
    int64_t asked_us = (int64_t)reply->retry_after_s * 1000000;
    connection->due_us = now_us + (asked_us > 0 && asked_us < most_us ? asked_us : most_us);
}

static void judge_reply(struct load *load, struct load_connection *connection, const struct load_reply *reply)
{
    int64_t now_us = clock_now_us();
    entry_of(load, connection)->status = (uint16_t)reply->status;
    connection->state = LOAD_IDLE;
    connection->due_us = now_us;
    if (reply->status == 201 || reply->status == 200) {
        acknowledge(load, connection, reply, now_us);
    } else if (reply->status >= 400 && reply->status < 500) {
        struct load_entry *entry = entry_of(load, connection);
        load_reply_member(reply, "code", entry->code, sizeof entry->code);
        count(load, LOAD_COUNT_REFUSED, 1);
        settle(load, connection, LOAD_REFUSED);
    } else {
        put_off(load, connection, reply, now_us);
    }
    if (reply->closes)
        end_connection(load, connection, true);
    else if (connection->due_us <= now_us)
        send_next(load, connection, now_us);
}

static void read_reply(struct load *load, struct load_connection *connection)
{
    for (;;) {
        enum load_outcome outcome = load_connection_read(connection, &load->place);
        if (outcome == LOAD_LOST)
            lose_connection(load, connection);
        if (outcome != LOAD_GOES_ON)
            return;
        struct load_reply reply;
        enum load_reading reading = load_reply_read(connection->input, connection->filled, &reply);
        bool expected = connection->state == LOAD_READING || connection->state == LOAD_WRITING;
        if (!expected || reading == LOAD_READ_NONSENSE) {
            count(load, LOAD_FAILED, 1);
            lose_connection(load, connection);
            return;
        }
        if (reading == LOAD_READ_WHOLE) {
            judge_reply(load, connection, &reply);
            return;
        }
    }
}

/* ---- the loop ---- */

static void handle(struct load *load, struct load_connection *connection, unsigned events)
{
    switch (connection->state) {
    case LOAD_CONNECTING:
    case LOAD_SHAKING_HANDS:
        shake_hands(load, connection, clock_now_us());
        break;
    case LOAD_WRITING:
        /* An answer may come, and the connection go, before the whole request is written. */
        if ((events & EPOLLOUT) != 0)
            write_request(load, connection);
        else
            read_reply(load, connection);
        break;
    case LOAD_IDLE:
    case LOAD_READING:
        read_reply(load, connection);
        break;
    case LOAD_CLOSED:
    case LOAD_DONE:
        break;
    }
}

static void look_at_due(struct load *load, int64_t now_us)
{
    load->next_look_us = now_us + LOOK_EVERY_MS * 1000;
    for (int i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        bool idle_at_end = connection->state == LOAD_IDLE && connection->entry < 0 && load->settle_until_us != 0;
        if (connection->state == LOAD_DONE || (connection->due_us > now_us && !idle_at_end))
            continue;
        if (connection->state == LOAD_CLOSED)
            open_connection(load, connection, now_us);
        else if (connection->state == LOAD_IDLE)
            send_next(load, connection, now_us);
        else
            lose_connection(load, connection);
    }
}

static bool goes_on(struct load *load, int64_t now_us)
{
    takes_new_ones(load, now_us);
    return load->undone > 0 && !atomic_load_explicit(&load->aborts, memory_order_relaxed) &&
           (load->settle_until_us == 0 || now_us < load->settle_until_us);
}

/* What is in flight now stays unknown. */
static void end_run(struct load *load)
{
    for (int i = 0; i < load->options.connections; i++) {
        struct load_connection *connection = &load->connections[i];
        if (connection->state == LOAD_READING || connection->state == LOAD_WRITING)
            settle(load, connection, LOAD_UNKNOWN);
        if (connection->state != LOAD_DONE)
            end_connection(load, connection, false);
    }
    load->cpu_us = thread_cpu_us() - load->cpu_at_start_us;
    atomic_store(&load->ended, true);
}

void load_run(struct load *load)
{
    struct epoll_event events[EVENTS];
    int64_t now_us = clock_now_us();
    while (goes_on(load, now_us)) {
        if (now_us >= load->next_look_us)
            look_at_due(load, now_us);
        int ready = epoll_wait(load->place.epoll, events, EVENTS, LOOK_EVERY_MS);
        for (int i = 0; i < ready; i++)
            handle(load, events[i].data.ptr, events[i].events);
        now_us = clock_now_us();
    }
    end_run(load);
}

static void *run_thread(void *context)
{
    load_run(context);
    return NULL;
}

bool load_start(struct load *load, struct error *error)
{
    int failed = pthread_create(&load->thread, NULL, run_thread, load);
    if (failed != 0)
        return error_io(error, failed, "cannot start a thread");
    load->has_thread = true;
    return true;
}

void load_join(struct load *load)
{
    if (load->has_thread)
        pthread_join(load->thread, NULL);
    load->has_thread = false;
}
