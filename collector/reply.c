/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "collector/clock.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

/*
 * A reply up to here is copied behind its head and goes out as one TLS record; a larger one is lent to the
 * buffer.
 */
enum { ONE_RECORD = 16000, HEAD_ROOM = 896 };

/* Of every reply, unless the handler set its own. */
static const struct reply_header defaults[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", REPLY_POLICY},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"Strict-Transport-Security", "max-age=31536000"},
    {"X-Content-Type-Options", "nosniff"},
};

static const char *date_of_now(struct loop *loop)
{
    time_t now = time(NULL);
    if (now != loop->date_at) {
        struct tm utc;
        gmtime_r(&now, &utc);
        /* RFC 9110, 5.6.7; the program never leaves the C locale */
        strftime(loop->date, sizeof loop->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        loop->date_at = now;
    }
    return loop->date;
}

static void append_header(struct text *head, const char *name, const char *value)
{
    text_append(head, name);
    text_append_bytes(head, ": ", 2);
    text_append(head, value);
    text_append_bytes(head, "\r\n", 2);
}

static bool has_header(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->reply_header_count; i++)
        if (strcasecmp(exchange->reply_headers[i].name, name) == 0)
            return true;
    return false;
}

static bool may_have_body(int status)
{
    return status != 204 && status != 304;   /* RFC 9110, 6.4.1 */
}

static void append_head(struct text *head, struct call *call, size_t length, bool close)
{
    struct exchange *exchange = &call->exchange;
    text_append(head, "HTTP/1.1 ");
    text_append_integer(head, exchange->status);
    text_append(head, " ");
    text_append(head, http_reason(exchange->status));
    text_append(head, "\r\n");
    append_header(head, "Date", date_of_now(call->loop));
    append_header(head, "X-Request-Id", exchange->request_id);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!has_header(exchange, defaults[i].name))
            append_header(head, defaults[i].name, defaults[i].value);
    for (size_t i = 0; i < exchange->reply_header_count; i++)
        append_header(head, exchange->reply_headers[i].name, exchange->reply_headers[i].value);
    if (may_have_body(exchange->status)) {
        if (exchange->reply_type != NULL)
            append_header(head, "Content-Type", exchange->reply_type);
        if (exchange->stream != NULL) {
            append_header(head, "Transfer-Encoding", "chunked");
        } else {
            text_append(head, "Content-Length: ");
            text_append_integer(head, (int64_t)length);
            text_append(head, "\r\n");
        }
    }
    if (close)
        append_header(head, "Connection", "close");
    text_append_bytes(head, "\r\n", 2);
}

static void write_log(const struct call *call, size_t length, int64_t duration_us)
{
    const struct exchange *exchange = &call->exchange;
    char status[TEXT_NUMBER_SIZE], bytes[TEXT_NUMBER_SIZE], duration[2 * TEXT_NUMBER_SIZE];
    text_from_number((uint64_t)exchange->status, 1, status);
    text_from_number(length, 1, bytes);
    char *point = duration + text_from_number((uint64_t)duration_us / 1000, 1, duration);
    *point = '.';
    text_from_number((uint64_t)duration_us % 1000, 3, point + 1);
    log_write_later(LOG_LEVEL_INFO, "request", "request", exchange->request_id, "method", exchange->method,
                    "route", exchange->route != NULL ? exchange->route->pattern : "none", "status", status,
                    "bytes", bytes, "ms", duration, "peer", exchange->peer,
                    "account", exchange->principal != NULL ? exchange->principal->account : NULL, NULL);
}

static void free_lent(const void *bytes, size_t length, void *call)
{
    (void)bytes;
    (void)length;
    call_free(call);
}

void reply_make(struct call *call, bool close)
{
    struct exchange *exchange = &call->exchange;
    if (exchange->status == 0) {
        log_write(LOG_LEVEL_ERROR, "a handler gave no reply", "request", exchange->request_id, NULL);
        exchange_reply_problem(exchange, 500, "internal",
                               "the server made a mistake; its log names the request");
    }
    if (exchange->stream != NULL && call->is_http_1_0) {
        exchange->stream = NULL;
        exchange_reply_problem(exchange, 505, "bad_version", "this comes in chunks: send HTTP/1.1");
    }
    size_t length = exchange->reply != NULL ? exchange->reply->length : 0;
    struct text *head = text_new_with_room(call, HEAD_ROOM + (length <= ONE_RECORD ? length : 0));
    append_head(head, call, length, close);
    bool sends_body = length > 0 && may_have_body(exchange->status) && strcmp(exchange->method, "HEAD") != 0;
    int64_t duration_us = clock_now_us() - call->started_us;
    metrics_count_request(exchange->route, exchange->status, duration_us);
    if (call->loop->settings->access_log)
        write_log(call, sends_body ? length : 0, duration_us);
    call->body_apart = sends_body && head->length + length > ONE_RECORD;
    if (sends_body && !call->body_apart)
        text_append_bytes(head, exchange->reply->bytes, length);
    call->reply_bytes = head;
}

void reply_queue(struct call *call, size_t sent, struct evbuffer *out)
{
    const struct text *bytes = call->reply_bytes, *body = call->exchange.reply;
    if (sent < bytes->length)
        evbuffer_add(out, bytes->bytes + sent, bytes->length - sent);   /* aborts without memory: memory.h */
    if (!call->body_apart)
        call_free(call);
    else if (evbuffer_add_reference(out, body->bytes, body->length, free_lent, call) != 0)
        memory_exhausted();
}

void reply_send_continue(struct evbuffer *out)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    evbuffer_add(out, interim, sizeof interim - 1);   /* as above */
}
