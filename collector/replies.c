/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/replies.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <string.h>

#include "collector/connection.h"
#include "collector/ending.h"
#include "collector/loop.h"
#include "collector/reply.h"
#include "collector/stream.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

struct replies {
    struct event *turn;          /* the end of this turn, or of the next one */
    struct connection *first;
    bool posted;                 /* `turn` will come */
    bool leaving;                /* it is here */
};

static int free_replies(struct replies *replies)
{
    log_flush();
    event_free(replies->turn);
    return 0;
}

struct call *replies_take(struct connection *connection)
{
    struct call *call = connection->replying;
    *connection->reply_link = connection->next_reply;
    if (connection->next_reply != NULL)
        connection->next_reply->reply_link = connection->reply_link;
    connection->replying = NULL;
    return call;
}

/* False when the connection is broken; `sent` is less than `bytes` have when the socket is full. */
static bool write_now(struct connection *connection, const struct text *bytes, size_t *sent)
{
    SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    ERR_clear_error();
    int written = SSL_write(ssl, bytes->bytes, (int)bytes->length);
    int reason = SSL_get_error(ssl, written);
    ERR_clear_error();
    *sent = written > 0 ? (size_t)written : 0;
    return written > 0 || reason == SSL_ERROR_WANT_WRITE || reason == SSL_ERROR_WANT_READ;
}

/*
 * A reply of one TLS record goes to the socket at once, which mostly has room for it: without the two calls
 * of epoll_ctl and the turn of the loop that libevent's buffer costs.  What has no room, libevent writes.
 */
static void send_reply(struct connection *connection)
{
    struct call *call = replies_take(connection);
    struct evbuffer *out = bufferevent_get_output(connection->stream);
    size_t sent = 0;
    if (call->exchange.stream != NULL && strcmp(call->exchange.method, "HEAD") != 0) {
        evbuffer_add(out, call->reply_bytes->bytes, call->reply_bytes->length);   /* aborts without memory: memory.h */
        stream_begin(connection, call);
        return;
    }
    bool at_once = !call->body_apart && evbuffer_get_length(out) == 0;
    if (at_once && !write_now(connection, call->reply_bytes, &sent)) {
        call_free(call);
        ending_leave(connection);
        return;
    }
    reply_queue(call, sent, out);
    if (evbuffer_get_length(out) == 0)
        connection_end_reply(connection);
    else
        connection->reply_untaken = connection_untaken(connection);
}

/* The log first: whoever has an answer finds its line there. */
static void on_turn(evutil_socket_t none, short what, void *context)
{
    (void)none;
    (void)what;
    struct replies *replies = context;
    struct connection *leaving = replies->first;
    replies->first = NULL;
    replies->posted = false;
    if (leaving != NULL)
        leaving->reply_link = &leaving;
    log_flush();
    replies->leaving = true;
    while (leaving != NULL)
        send_reply(leaving);
    replies->leaving = false;
}

struct replies *replies_new(const void *owner, struct event_base *base)
{
    struct replies *replies = memory_new(owner, struct replies);
    replies->turn = event_new(base, -1, 0, on_turn, replies);
    if (replies->turn == NULL) {
        talloc_free(replies);
        return NULL;
    }
    talloc_set_destructor(replies, free_replies);
    return replies;
}

/* libevent runs what becomes active in this turn still, before a look at the sockets; a timer waits for that. */
static void schedule(struct replies *replies)
{
    static const struct timeval at_once = {0};
    if (replies->leaving)
        event_add(replies->turn, &at_once);
    else
        event_active(replies->turn, EV_TIMEOUT, 0);
}

void replies_post(struct connection *connection, struct call *call)
{
    struct replies *replies = connection->loop->replies;
    connection->replying = call;
    connection->reply_untaken = 0;
    connection->next_reply = replies->first;
    connection->reply_link = &replies->first;
    if (connection->next_reply != NULL)
        connection->next_reply->reply_link = &connection->next_reply;
    replies->first = connection;
    if (!replies->posted)
        schedule(replies);
    replies->posted = true;
}
