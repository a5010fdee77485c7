/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "collector/clock.h"
#include "collector/connection.h"
#include "collector/container_of.h"
#include "collector/ending.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

static struct evbuffer *output_of(const struct connection *connection)
{
    return bufferevent_get_output(connection->stream);
}

static void log_end(const struct call *call, const char *what, const char *why)
{
    char bytes[TEXT_NUMBER_SIZE];
    text_from_number(call->streamed, 1, bytes);
    log_write(why != NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, what, "request", call->exchange.request_id,
              "bytes", bytes,
              "error", why, NULL);
}

/* An empty chunk would end the body. */
static size_t append_chunk(struct evbuffer *out, const struct text *piece)
{
    size_t before = evbuffer_get_length(out);
    if (piece->length > 0) {
        evbuffer_add_printf(out, "%zx\r\n", piece->length);
        evbuffer_add(out, piece->bytes, piece->length);   /* aborts without memory: memory.h */
        evbuffer_add(out, "\r\n", 2);
    }
    return evbuffer_get_length(out) - before;
}

/* The time that the daemon took is not the client's, and a long body has more of it in proportion. */
static void put_piece(struct connection *connection)
{
    static const char last[] = "0\r\n\r\n";
    struct call *call = connection->streaming;
    struct evbuffer *out = output_of(connection);
    call->streamed += call->exchange.piece->length;
    connection->reply_untaken += append_chunk(out, call->exchange.piece);
    connection_extend_reply(connection, call->exchange.piece->length);
    text_clear(call->exchange.piece);
    if (!call->exchange.piece_is_last)
        return;
    evbuffer_add(out, last, sizeof last - 1);
    connection->reply_untaken += sizeof last - 1;
    connection->streaming = NULL;
    log_end(call, "body sent in pieces", NULL);
    call_free(call);
}

void stream_begin(struct connection *connection, struct call *call)
{
    connection->streaming = call;
    call_hold(call, (size_t)2 * STREAM_PIECE_BYTES);
    connection->reply_untaken = connection_untaken(connection);
    put_piece(connection);
}

/* ---- the next piece ---- */

/* Back in the loop. */
static void deliver_piece(struct inbox_message *message)
{
    struct call *call = CONTAINER_OF(message, struct call, message);
    struct connection *connection = call->connection;
    call->loop->calls_away--;
    call->making_piece = false;
    if (connection == NULL) {
        log_end(call, "nobody waits for the rest of a body", NULL);
        call_free(call);
        return;
    }
    if (call->piece_failed != NULL) {
        log_end(call, "a body could not be ended", call->piece_failed);
        ending_cut(connection);
        return;
    }
    connection->deadline_us += clock_now_us() - call->piece_asked_us;
    put_piece(connection);
    stream_go_on(connection);   /* when the piece was empty */
}

/* On a worker. */
static void make_piece(struct work *work, struct store *store)
{
    struct call *call = CONTAINER_OF(work, struct call, work);
    struct exchange *exchange = &call->exchange;
    struct error error = {0};
    if (store == NULL)
        error_set(&error, ERROR_DATABASE, "the database does not answer");
    if (store == NULL ||
        !exchange->stream(exchange->stream_context, store, exchange->piece, &exchange->piece_is_last, &error))
        call->piece_failed = memory_copy_string(call, error.message);
    inbox_post(call->loop->inbox, &call->message);
}

void stream_go_on(struct connection *connection)
{
    struct call *call = connection->streaming;
    if (call == NULL || call->making_piece || evbuffer_get_length(output_of(connection)) > 0)
        return;
    call->message.deliver = deliver_piece;
    call->work.run = make_piece;
    call->piece_asked_us = clock_now_us();
    call->making_piece = workers_push(call->loop->workers, &call->work);   /* else the next tick asks again */
    if (call->making_piece)
        call->loop->calls_away++;
}

bool stream_waits(const struct connection *connection)
{
    return connection->streaming != NULL && connection_untaken(connection) == 0;
}

void stream_drop(struct connection *connection)
{
    struct call *call = connection->streaming;
    connection->streaming = NULL;
    if (call == NULL)
        return;
    call->connection = NULL;
    if (call->making_piece)
        return;   /* freed when it comes back */
    log_end(call, "nobody waits for the rest of a body", NULL);
    call_free(call);
}
