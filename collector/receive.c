/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/receive.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "collector/connection.h"
#include "collector/container_of.h"
#include "collector/dispatch.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/reply.h"
#include "forms/base/memory.h"

enum { FIRST_BYTES = 16384 };   /* first room for a piece: what is announced is not yet sent */

/* ---- on a worker ---- */

static void run_part(struct work *work, struct store *store)
{
    struct call *call = CONTAINER_OF(work, struct call, work);
    struct exchange *exchange = &call->exchange;
    if (store != NULL)
        exchange->route->handler(exchange, store);
    else
        exchange_reply_problem(exchange, 503, "unavailable", "the database does not answer; try again");
    inbox_post(call->loop->inbox, &call->message);
}

/* ---- back in the loop ---- */

static void refuse(struct connection *connection, int status, const char *code, const char *detail)
{
    exchange_reply_problem(&connection->call->exchange, status, code, "%s", detail);
    connection->call->keep_alive = false;
    connection_reply(connection);
}

static void go_on(struct connection *connection, struct call *call)
{
    struct exchange *exchange = &call->exchange;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    if (call->loop->stopping && exchange->body_resumable) {
        refuse(connection, 503, "unavailable", "the server is stopping; go on after a moment where it ended");
        return;
    }
    connection_set_phase(connection, PHASE_BODY, connection->loop->settings->body_deadline_ms);
    if (exchange->body_part == BODY_AWAITED && call->expects_continue && evbuffer_get_length(input) == 0)
        reply_send_continue(bufferevent_get_output(connection->stream));
    receive_read(connection);
}

/* The handler has taken a part and wants the next one. */
static bool wants_more(const struct exchange *exchange)
{
    return exchange->status == 0 && (exchange->body_part == BODY_AWAITED || exchange->body_part == BODY_PIECE);
}

static void deliver_part(struct inbox_message *message)
{
    struct call *call = CONTAINER_OF(message, struct call, message);
    struct connection *connection = call->connection;
    struct exchange *exchange = &call->exchange;
    call->loop->calls_away--;
    if (connection == NULL) {
        if (!wants_more(exchange) || !receive_leave(call, NULL, 0))
            call_free(call);
        return;
    }
    exchange->body = "";
    exchange->body_length = 0;
    connection->body_got = 0;
    if (exchange->body_part == BODY_CUT)
        refuse(connection, call->cut_status, call->cut_code, call->cut_detail);
    else if (exchange->status == 0 && exchange->then != NULL)
        dispatch_go_on(call);
    else if (wants_more(exchange))
        go_on(connection, call);
    else
        connection_reply(connection);   /* a 500 when the handler gave none */
    connection_go_on(connection);
}

/* ---- what has come ---- */

static void put_body(struct call *call, enum body_part part, char *body, size_t length)
{
    struct exchange *exchange = &call->exchange;
    exchange->body_part = part;
    if (body != NULL)
        body[length] = '\0';
    exchange->body = body != NULL ? body : "";
    exchange->body_length = length;
    call->message.deliver = deliver_part;
    call->work.run = run_part;
}

static void hand_over(struct connection *connection, enum body_part part)
{
    struct call *call = connection->call;
    put_body(call, part, connection->body, connection->body_got);
    metrics_add(METRIC_BODY_PIECES, 1);
    dispatch_send_to_worker(call, PHASE_WORK);
}

void receive_begin(struct call *call)
{
    struct exchange *exchange = &call->exchange;
    exchange->body_announced = call->chunked ? -1 : (int64_t)call->body_length;
    exchange->body_most = exchange->route->body_limit;
    exchange->piece_most = RECEIVE_PIECE_BYTES;
    call->body_ended = !call->chunked && call->body_length == 0;
    put_body(call, BODY_AWAITED, NULL, 0);
    dispatch_send_to_worker(call, PHASE_WORK);
}

/* Room for what waits in the input, as far as a piece goes; false when too much is held. */
static bool make_room(struct connection *connection, size_t waiting)
{
    struct call *call = connection->call;
    size_t most = call->exchange.piece_most;
    size_t needed = waiting < most - connection->body_got ? connection->body_got + waiting : most;
    size_t capacity = connection->body_capacity > 0 ? connection->body_capacity - 1 : FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    if (capacity > most)
        capacity = most;
    if (capacity < connection->body_capacity)
        return true;
    size_t more = capacity + 1 - connection->body_capacity;
    if (!call_has_room(call, more))
        return false;
    connection->body = memory_resize_array(call, connection->body, char, capacity + 1);
    call_hold(call, more);
    connection->body_capacity = capacity + 1;
    return true;
}

static void take_announced(struct connection *connection, struct evbuffer *input)
{
    struct call *call = connection->call;
    size_t count = evbuffer_get_length(input), room = connection->body_capacity - 1 - connection->body_got;
    if (count > room)
        count = room;
    if (count > call->body_length - call->received)
        count = call->body_length - call->received;
    evbuffer_remove(input, connection->body + connection->body_got, count);
    connection->body_got += count;
    call->received += count;
    call->body_ended = call->received == call->body_length;
}

static void take_chunks(struct connection *connection, struct evbuffer *input)
{
    struct call *call = connection->call;
    struct evbuffer_iovec bytes;
    size_t used = 1, made = 0;
    while (used > 0 && evbuffer_peek(input, -1, NULL, &bytes, 1) > 0) {
        size_t room = connection->body_capacity - 1 - connection->body_got;
        used = chunks_read(&call->chunks, bytes.iov_base, bytes.iov_len, connection->body + connection->body_got, room,
                           &made);
        evbuffer_drain(input, used);
        connection->body_got += made;
        call->received += made;
    }
    call->body_ended = call->chunks.state == CHUNKS_ENDED;
}

/* What came since the last piece is dropped. */
static void refuse_body(struct connection *connection, int status, const char *code, const char *detail)
{
    connection->body_got = 0;
    receive_cut(connection, status, code, detail);
}

/* Takes what has come, up to a piece; false when the body is refused. */
static bool take(struct connection *connection, struct evbuffer *input)
{
    struct call *call = connection->call;
    if (!make_room(connection, evbuffer_get_length(input))) {
        refuse_body(connection, 503, "unavailable", "too much is waiting; send it again after a moment");
        return false;
    }
    if (call->chunked)
        take_chunks(connection, input);
    else
        take_announced(connection, input);
    if (call->chunks.state == CHUNKS_BROKEN) {
        refuse_body(connection, 400, "bad_chunk",
                    "the body is not in chunks: each is its size in at most 8 hexadecimal digits, CR LF, its bytes, "
                    "CR LF; the last one is 0, CR LF, CR LF; without extensions and trailers");
        return false;
    }
    return true;
}

void receive_read(struct connection *connection)
{
    struct call *call = connection->call;
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    size_t before = call->received;
    if (!call->body_ended && !take(connection, input))
        return;
    metrics_add(METRIC_BODY_PIECE_BYTES, (int64_t)(call->received - before));
    if (call->received > call->exchange.body_most) {
        connection->body_got = 0;
        call->keep_alive = false;
        hand_over(connection, BODY_TOO_LONG);
    } else if (call->body_ended) {
        hand_over(connection, BODY_LAST);
    } else if (connection->body_got == call->exchange.piece_most) {
        hand_over(connection, BODY_PIECE);
    }
}

/* ---- the end before the end ---- */

void receive_cut(struct connection *connection, int status, const char *code, const char *detail)
{
    struct call *call = connection->call;
    if (connection->body_got == 0 && !call->exchange.body_hears_cut) {
        refuse(connection, status, code, detail);
        return;
    }
    call->cut_status = status;
    call->cut_code = code;
    call->cut_detail = detail;
    hand_over(connection, BODY_CUT);
}

bool receive_leave(struct call *call, char *body, size_t length)
{
    if (!call->in_pieces || (length == 0 && !call->exchange.body_hears_cut))
        return false;
    put_body(call, BODY_CUT, body, length);
    if (!workers_push(call->loop->workers, &call->work))
        return false;
    call->loop->calls_away++;
    return true;
}
