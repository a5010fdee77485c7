/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/connection.h"

#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include "collector/clock.h"
#include "collector/container_of.h"
#include "collector/dispatch.h"
#include "collector/ending.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/receive.h"
#include "collector/replies.h"
#include "collector/reply.h"
#include "collector/stream.h"
#include "forms/base/memory.h"

enum {
    INPUT_LIMIT = 32768,       /* bytes that may wait in the buffer while nobody reads them */
    BODY_FIRST = 16384,        /* first room for a body: what is announced is not yet sent */
    REPLY_DEADLINE_BYTES = 4 << 20,   /* a reply up to here has reply_deadline_ms */
    HURRY_MS = 1000,
    FAREWELL_BYTES = 16384     /* that are read before a failed handshake is closed */
};

void connection_set_phase(struct connection *connection, enum connection_phase phase, int deadline_ms)
{
    connection->phase = phase;
    connection->stretch_since_us = clock_now_us();
    connection->stretch_moved = 0;
    connection->deadline_us = connection->stretch_since_us + (int64_t)deadline_ms * 1000;
}

static struct evbuffer *input_of(const struct connection *connection)
{
    return bufferevent_get_input(connection->stream);
}

static struct evbuffer *output_of(const struct connection *connection)
{
    return bufferevent_get_output(connection->stream);
}

/* ---- the end ---- */

void connection_drop_calls(struct connection *connection)
{
    struct call *call = connection->call;
    connection->call = NULL;
    if (connection->replying != NULL)
        call_free(replies_take(connection));
    stream_drop(connection);
    if (call == NULL)
        return;
    call->connection = NULL;
    bool away = connection->phase == PHASE_ADMISSION || connection->phase == PHASE_WORK;
    bool kept = connection->phase == PHASE_BODY && receive_leave(call, connection->body, connection->body_got);
    if (!away && !kept)
        call_free(call);   /* else it is freed when it comes back */
}

void connection_close(struct connection *connection)
{
    struct loop *loop = connection->loop;
    evutil_socket_t socket = arrivals_take(&connection->arrival);
    connection_drop_calls(connection);
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    loop->connection_count--;
    metrics_add(METRIC_CONNECTIONS_OPEN, -1);
    address_release(loop->addresses, connection->address);
    if (connection->stream != NULL)
        bufferevent_free(connection->stream);
    if (socket >= 0)
        close(socket);
    talloc_free(connection);
}

/* ---- requests ---- */

/* A reply of the server's own, after which the connection ends. */
static void reply_late(struct connection *connection, int status, const char *code, const char *detail)
{
    exchange_reply_problem(&connection->call->exchange, status, code, "%s", detail);
    connection->call->keep_alive = false;
    connection_reply(connection);
}

static void refuse_head(struct connection *connection, const struct http_head *head)
{
    metrics_count_refusal(head->refusal);
    connection->call = call_new(connection->loop, connection, NULL);
    struct exchange *exchange = &connection->call->exchange;
    int status = http_refusal_status(head->refusal);
    const char *code = http_refusal_code(head->refusal), *detail = http_refusal_detail(head->refusal);
    if (head->refused_line > 0)
        exchange_reply_problem(exchange, status, code, "line %zu of the head: %s", head->refused_line,
                               detail);
    else
        exchange_reply_problem(exchange, status, code, "%s", detail);
    connection_reply(connection);
}

static void begin_call(struct connection *connection, const struct http_head *head)
{
    struct call *call = call_new(connection->loop, connection, head);
    connection->call = call;
    connection->body = NULL;
    connection->body_got = connection->body_capacity = 0;
    bool routed = call_route(call, head);
    evbuffer_drain(input_of(connection), head->length);   /* the slices of `head` end here */
    if (routed)
        dispatch_admit(call);
    else
        connection_reply(connection);
}

static void read_head(struct connection *connection)
{
    struct evbuffer *input = input_of(connection);
    size_t length = evbuffer_get_length(input);
    if (length == 0)
        return;
    if (connection->phase == PHASE_IDLE)
        connection_set_phase(connection, PHASE_HEAD, connection->loop->settings->head_deadline_ms);
    if (length > HTTP_HEAD_LIMIT)
        length = HTTP_HEAD_LIMIT;
    struct http_head head;
    const char *bytes = (const char *)evbuffer_pullup(input, (ev_ssize_t)length);
    switch (http_read_head(bytes, length, &head)) {
    case HTTP_INCOMPLETE: break;
    case HTTP_COMPLETE: begin_call(connection, &head); break;
    case HTTP_REFUSED: refuse_head(connection, &head); break;
    }
}

/* False when there is no room for it. */
static bool make_body_room(struct connection *connection, size_t more)
{
    size_t needed = memory_size_sum(connection->body_got, more) + 1;
    if (needed <= connection->body_capacity)
        return true;
    size_t capacity = connection->body_capacity > 0 ? connection->body_capacity * 2 : BODY_FIRST;
    if (capacity < needed)
        capacity = needed;
    if (capacity > connection->call->body_length + 1)
        capacity = connection->call->body_length + 1;
    if (!call_has_room(connection->call, capacity - connection->body_capacity))
        return false;
    connection->body = memory_resize_array(connection->call, connection->body, char, capacity);
    call_hold(connection->call, capacity - connection->body_capacity);
    connection->body_capacity = capacity;
    return true;
}

static void read_body(struct connection *connection)
{
    struct call *call = connection->call;
    if (call->in_pieces) {
        receive_read(connection);
        return;
    }
    size_t missing = call->body_length - connection->body_got;
    size_t length = evbuffer_get_length(input_of(connection));
    if (length > missing)
        length = missing;
    if (length > 0 && !make_body_room(connection, length)) {
        reply_late(connection, 503, "unavailable", "too much is waiting; send it again after a moment");
        return;
    }
    if (length > 0) {
        evbuffer_remove(input_of(connection), connection->body + connection->body_got, length);
        connection->body_got += length;
    }
    if (connection->body_got < call->body_length)
        return;
    if (connection->body != NULL) {
        connection->body[connection->body_got] = '\0';
        call->exchange.body = connection->body;
        call->exchange.body_length = connection->body_got;
    }
    dispatch_run(call);
}

void connection_receive_body(struct connection *connection)
{
    struct call *call = connection->call;
    connection_set_phase(connection, PHASE_BODY, connection->loop->settings->body_deadline_ms);
    if (call->expects_continue && evbuffer_get_length(input_of(connection)) == 0)
        reply_send_continue(output_of(connection));
    read_body(connection);
}

/*
 * Reading stays on, to see the client leave, but not without a bound.  (libevent's own high-water mark can leave
 * a part of a TLS record unread in OpenSSL, where no event tells of it.)
 */
static void bound_input(struct connection *connection)
{
    bool reads = (bufferevent_get_enabled(connection->stream) & EV_READ) != 0;
    bool has_room = evbuffer_get_length(input_of(connection)) < INPUT_LIMIT;
    if (has_room && !reads)
        bufferevent_enable(connection->stream, EV_READ);
    else if (!has_room && reads)
        bufferevent_disable(connection->stream, EV_READ);
}

void connection_go_on(struct connection *connection)
{
    enum connection_phase phase = connection->phase;
    bool wants_more = phase == PHASE_IDLE || phase == PHASE_HEAD || phase == PHASE_BODY;
    if (!connection->said_all)
        bound_input(connection);
    else if (wants_more)
        ending_part(connection);
}

void connection_await(struct connection *connection, enum connection_phase phase)
{
    connection_set_phase(connection, phase, connection->loop->settings->work_deadline_ms);
}

void connection_wait_longer(struct connection *connection, int ms)
{
    connection->deadline_us += (int64_t)ms * 1000;
}

/* ---- replies ---- */

void connection_end_reply(struct connection *connection)
{
    if (connection->closes) {
        ending_linger(connection);
        return;
    }
    connection_set_phase(connection, PHASE_IDLE, connection->loop->settings->idle_deadline_ms);
    if (connection->loop->stopping)
        connection_hurry(connection);
    read_head(connection);
    connection_go_on(connection);
}

/* In proportion above REPLY_DEADLINE_BYTES: no honest download is cut for its length. */
static void begin_reply_phase(struct connection *connection, size_t length)
{
    connection_set_phase(connection, PHASE_REPLY, connection->loop->settings->reply_deadline_ms);
    if (length <= REPLY_DEADLINE_BYTES)
        return;
    double deadline_us = (double)(connection->deadline_us - connection->stretch_since_us);
    connection->deadline_us =
        connection->stretch_since_us + (int64_t)(deadline_us * (double)length / REPLY_DEADLINE_BYTES);
}

void connection_extend_reply(struct connection *connection, size_t bytes)
{
    double deadline_us = (double)connection->loop->settings->reply_deadline_ms * 1000;
    connection->deadline_us += (int64_t)(deadline_us * (double)bytes / REPLY_DEADLINE_BYTES);
}

void connection_reply(struct connection *connection)
{
    struct call *call = connection->call;
    size_t length = call->exchange.reply != NULL ? call->exchange.reply->length : 0;
    bool framed = !call->chunked && !call->in_pieces;
    bool unread = framed ? call->body_length > connection->body_got : !call->body_ended;
    connection->closes = !call->keep_alive || unread || connection->loop->stopping;
    connection->call = NULL;
    connection->body = NULL;
    begin_reply_phase(connection, length);
    call_hold(call, length);
    reply_make(call, connection->closes);
    replies_post(connection, call);
}

/* ---- libevent's calls ---- */

static void on_read(struct bufferevent *stream, void *context)
{
    (void)stream;
    struct connection *connection = context;
    if (connection->phase == PHASE_LINGER) {
        ending_drop_input(connection);
        return;
    }
    if (connection->phase == PHASE_HEAD || connection->phase == PHASE_IDLE)
        read_head(connection);
    else if (connection->phase == PHASE_BODY)
        read_body(connection);
    connection_go_on(connection);
}

static void on_written(struct bufferevent *stream, void *context)
{
    struct connection *connection = context;
    bool waits = connection->replying != NULL || evbuffer_get_length(bufferevent_get_output(stream)) > 0;
    if (connection->phase != PHASE_REPLY || waits)
        return;
    if (connection->streaming != NULL)
        stream_go_on(connection);
    else
        connection_end_reply(connection);
}

/*
 * What of a failed handshake is still unread would make the kernel answer with a reset, which could overtake
 * the alert that says why it failed.
 */
static void end_handshake(struct connection *connection)
{
    char bytes[FAREWELL_BYTES];
    metrics_add(METRIC_REFUSED_HANDSHAKE, 1);
    ssize_t got = recv(bufferevent_getfd(connection->stream), bytes, sizeof bytes, MSG_DONTWAIT);
    (void)got;   /* nothing, mostly */
}

/*
 * close_notify ends what the client says, not what it hears (RFC 8446, 6.1): what it has asked for is still
 * answered.  An end without it cannot be told from a client that has gone.
 */
static bool ends_only_its_side(const struct connection *connection, short what)
{
    bool asked = connection->phase == PHASE_ADMISSION || connection->phase == PHASE_WORK ||
                 connection->phase == PHASE_REPLY;
    const SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    if (connection->call != NULL && connection->call->in_pieces)
        return asked && (what & BEV_EVENT_READING) != 0;   /* however it ended: what has come is kept first */
    return asked && (what & BEV_EVENT_EOF) != 0 && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
    struct connection *connection = context;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        if (connection->door == DOOR_MACHINES)
            connection->machine = machine_sites_read(connection, bufferevent_openssl_get_ssl(stream));
        connection_set_phase(connection, PHASE_HEAD, connection->loop->settings->head_deadline_ms);
        if (connection->loop->stopping)
            connection_hurry(connection);
        return;
    }
    if (ends_only_its_side(connection, what)) {
        connection->said_all = true;
        bufferevent_disable(stream, EV_READ);
        bufferevent_enable(stream, EV_WRITE);   /* libevent has stopped both */
        return;
    }
    if (connection->phase == PHASE_HANDSHAKE)
        end_handshake(connection);
    ERR_clear_error();
    ending_leave(connection);
}

/* ---- the begin ---- */

void connection_begin_tls(struct arrival *arrival, bool ended)
{
    struct connection *connection = CONTAINER_OF(arrival, struct connection, arrival);
    struct loop *loop = connection->loop;
    SSL *ssl = NULL;
    if (ended)
        metrics_add(METRIC_REFUSED_HANDSHAKE, 1);
    else
        ssl = tls_accept(loop->tls[connection->door]);
    evutil_socket_t socket = arrivals_take(arrival);
    if (ssl != NULL)
        connection->stream = bufferevent_openssl_socket_new(
            loop->base, socket, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (connection->stream == NULL) {
        close(socket);
        connection_close(connection);
        return;
    }
    /* Lengths are always announced, so that an end without close_notify cuts nothing off unseen. */
    bufferevent_openssl_set_allow_dirty_shutdown(connection->stream, 1);
    bufferevent_setcb(connection->stream, on_read, on_written, on_event, connection);
    bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

bool connection_open(struct loop *loop, evutil_socket_t socket, const struct sockaddr *peer, enum door door,
                     struct address *address)
{
    struct connection *connection = memory_new(loop, struct connection);
    if (!arrivals_wait(loop->arrivals, &connection->arrival, socket)) {
        talloc_free(connection);
        close(socket);
        return false;
    }
    connection->loop = loop;
    connection->door = door;
    connection->address = address;
    address_format(peer, connection->peer);
    connection->next = loop->connections;
    connection->link = &loop->connections;
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    loop->connections = connection;
    loop->connection_count++;
    metrics_add(METRIC_CONNECTIONS_OPEN, 1);
    connection_set_phase(connection, PHASE_HANDSHAKE, loop->settings->handshake_deadline_ms);
    return true;
}

/* ---- deadlines ---- */

size_t connection_untaken(const struct connection *connection)
{
    return evbuffer_get_length(output_of(connection)) + ending_untaken(connection);
}

static void end_late_head(struct connection *connection)
{
    if (evbuffer_get_length(input_of(connection)) == 0) {
        ending_part(connection);
        return;
    }
    metrics_add(METRIC_LATE_HEAD, 1);
    connection->call = call_new(connection->loop, connection, NULL);
    reply_late(connection, 408, "head_too_slow", "the head of the request did not arrive in time");
}

/* The handler goes on; its reply will find nobody. */
static void end_late_work(struct connection *connection)
{
    metrics_add(METRIC_LATE_WORK, 1);
    struct call *late = connection->call;
    struct call *substitute = call_new(connection->loop, connection, NULL);
    substitute->exchange.route = late->exchange.route;
    substitute->exchange.method = late->exchange.method;
    memcpy(substitute->exchange.request_id, late->exchange.request_id, sizeof late->exchange.request_id);
    substitute->started_us = late->started_us;
    late->connection = NULL;
    connection->call = substitute;
    reply_late(connection, 503, "unavailable",
               "the work took too long and may still be done; send a submission again under the same id");
}

bool connection_is_too_slow(struct connection *connection, int64_t moved, int least, int64_t now_us)
{
    int64_t elapsed_us = now_us - connection->stretch_since_us;
    if (elapsed_us < (int64_t)connection->loop->settings->rate_grace_ms * 1000)
        return false;
    int64_t gained = moved - connection->stretch_moved;
    connection->stretch_since_us = now_us;
    connection->stretch_moved = moved;
    return (double)gained * 1e6 < (double)least * (double)elapsed_us;
}

static void cut_body(struct connection *connection, int status, const char *code, const char *detail)
{
    if (connection->call->in_pieces)
        receive_cut(connection, status, code, detail);
    else
        reply_late(connection, status, code, detail);
}

static void tick_body(struct connection *connection, int64_t now_us)
{
    int least = connection->loop->settings->body_min_bytes_per_s;
    int64_t got = (int64_t)connection->body_got;
    bool in_pieces = connection->call->in_pieces;
    bool late = now_us >= connection->deadline_us && !(in_pieces && least > 0);
    if (!late && !connection_is_too_slow(connection, got, least, now_us))
        return;
    metrics_add(METRIC_LATE_BODY, 1);
    cut_body(connection, 408, "body_too_slow", "the body arrives too slowly");
}

static void tick_reply(struct connection *connection, int64_t now_us)
{
    int least = connection->loop->settings->reply_min_bytes_per_s;
    if (connection->replying != NULL)
        return;   /* what the output holds is an interim reply; this one has no length yet */
    int64_t taken = (int64_t)connection->reply_untaken - (int64_t)connection_untaken(connection);
    if (stream_waits(connection)) {
        connection->stretch_since_us = now_us;
        connection->stretch_moved = taken;
        stream_go_on(connection);
        return;
    }
    if (now_us < connection->deadline_us && !connection_is_too_slow(connection, taken, least, now_us))
        return;
    metrics_add(METRIC_LATE_REPLY, 1);
    ending_cut(connection);
}

void connection_tick(struct connection *connection, int64_t now_us)
{
    if (connection->phase == PHASE_BODY) {
        tick_body(connection, now_us);
        return;
    }
    if (connection->phase == PHASE_REPLY) {
        tick_reply(connection, now_us);
        return;
    }
    if (connection->phase == PHASE_LINGER) {
        ending_tick(connection, now_us);
        return;
    }
    if (now_us < connection->deadline_us)
        return;
    switch (connection->phase) {
    case PHASE_HANDSHAKE:
        metrics_add(METRIC_LATE_HANDSHAKE, 1);
        ending_cut(connection);
        break;
    case PHASE_HEAD: end_late_head(connection); break;
    case PHASE_IDLE: ending_part(connection); break;
    case PHASE_ADMISSION:
    case PHASE_WORK: end_late_work(connection); break;
    case PHASE_BODY:
    case PHASE_REPLY:
    case PHASE_LINGER: break;
    }
}

void connection_hurry(struct connection *connection)
{
    bool waits = connection->phase == PHASE_IDLE ||
                 (connection->phase == PHASE_HEAD && evbuffer_get_length(input_of(connection)) == 0);
    int64_t soon_us = clock_now_us() + (int64_t)HURRY_MS * 1000;
    if (waits && connection->deadline_us > soon_us)
        connection->deadline_us = soon_us;
    if (connection->phase == PHASE_BODY && connection->call->exchange.body_resumable)
        receive_cut(connection, 503, "unavailable", "the server is stopping; go on after a moment where it ended");
}

void connection_give_up(struct connection *connection)
{
    if (connection->phase == PHASE_ADMISSION || connection->phase == PHASE_WORK)
        end_late_work(connection);
    else if (connection->phase == PHASE_BODY)
        cut_body(connection, 503, "unavailable", "the server is stopping; send it again");
    else if (connection->phase == PHASE_HEAD || connection->phase == PHASE_IDLE)
        ending_part(connection);
}
