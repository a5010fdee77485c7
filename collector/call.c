/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "collector/access.h"
#include "collector/catalogues.h"
#include "collector/clock.h"
#include "collector/connection.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/session_token.h"
#include "forms/base/memory.h"

enum { POOL_OBJECTS = 32, POOL_BYTES = 4096 };

/*
 * An address may hold 1/FREE_PARTS of what is free: alone it gets a quarter of all, beside others less, and
 * however many take their share there is something left for whoever comes next (Choudhury and Hahne, Dynamic
 * Queue Length Thresholds, 1998).
 */
enum { FREE_PARTS = 3 };

static int free_call(struct call *call)
{
    if (call->held > 0) {
        call->loop->held_bytes -= call->held;
        address_let_go(call->loop->addresses, call->address, call->held);
        metrics_add(METRIC_HELD_BYTES, -(int64_t)call->held);
    }
    catalogues_release(call->exchange.catalogues);
    talloc_free(call->found);
    return 0;
}

static char *copy_slice(const void *owner, struct http_slice slice)
{
    return memory_copy_bytes(owner, slice.bytes != NULL ? slice.bytes : "", slice.length);
}

/* "https://" and the name that the request was sent to. */
static enum call_origin read_origin(const struct http_head *head)
{
    static const char scheme[] = "https://";
    size_t skip = sizeof scheme - 1;
    struct http_slice origin = head->fields[HTTP_ORIGIN], host = head->fields[HTTP_HOST];
    if (origin.bytes == NULL)
        return ORIGIN_UNSAID;
    bool ours = host.bytes != NULL && origin.length == skip + host.length &&
                strncasecmp(origin.bytes, scheme, skip) == 0 &&
                strncasecmp(origin.bytes + skip, host.bytes, host.length) == 0;
    return ours ? ORIGIN_OURS : ORIGIN_FOREIGN;
}

static bool is_form_token(const char *session, struct http_slice sent)
{
    char expected[SESSION_SECRET_SIZE];
    session_token_for_form(session, expected);
    return sent.length == SESSION_SECRET_SIZE - 1 &&
           CRYPTO_memcmp(sent.bytes, expected, SESSION_SECRET_SIZE - 1) == 0;
}

/* A token in the header Authorization counts before a cookie. */
static void copy_credentials(struct call *call, const struct http_head *head)
{
    struct exchange *exchange = &call->exchange;
    struct http_slice cookie = head->fields[HTTP_COOKIE];
    char session[SESSION_TOKEN_SIZE];
    call->origin = read_origin(head);
    call->token = access_read_token(call, head->fields[HTTP_AUTHORIZATION]);
    if (call->token != NULL && session_token_is(call->token)) {
        exchange->session = call->token;
    } else if (head->fields[HTTP_AUTHORIZATION].bytes == NULL && cookie.bytes != NULL &&
               session_cookie_read(cookie.bytes, cookie.length, session)) {
        call->token = memory_copy_string(call, session);
        exchange->session = call->token;
        exchange->by_cookie = true;
        call->shows_form_token = is_form_token(session, head->fields[HTTP_FORM_TOKEN]);
    }
}

static void copy_fields(struct call *call, const struct http_head *head)
{
    static const enum http_field wanted[EXCHANGE_FIELDS] = {
        [FIELD_PREFER] = HTTP_PREFER,
        [FIELD_ACCEPT_ENCODING] = HTTP_ACCEPT_ENCODING,
        [FIELD_TUS_RESUMABLE] = HTTP_TUS_RESUMABLE,
        [FIELD_UPLOAD_LENGTH] = HTTP_UPLOAD_LENGTH,
        [FIELD_UPLOAD_OFFSET] = HTTP_UPLOAD_OFFSET,
        [FIELD_UPLOAD_METADATA] = HTTP_UPLOAD_METADATA,
        [FIELD_UPLOAD_CHECKSUM] = HTTP_UPLOAD_CHECKSUM,
    };
    for (size_t i = 0; i < EXCHANGE_FIELDS; i++)
        if (head->fields[wanted[i]].bytes != NULL)
            call->exchange.fields[i] = copy_slice(call, head->fields[wanted[i]]);
}

static void copy_head(struct call *call, const struct http_head *head)
{
    struct exchange *exchange = &call->exchange;
    exchange->method = head->method;
    exchange->path = copy_slice(call, head->path);
    exchange->content_type = copy_slice(call, head->fields[HTTP_CONTENT_TYPE]);
    exchange->if_none_match = copy_slice(call, head->fields[HTTP_IF_NONE_MATCH]);
    copy_fields(call, head);
    copy_credentials(call, head);
    call->keep_alive = head->keep_alive;
    call->is_http_1_0 = head->minor_version == 0;
    call->expects_continue = head->expects_continue;
    call->body_length = (size_t)head->content_length;
    call->chunked = head->chunked;
}

struct call *call_new(struct loop *loop, struct connection *connection, const struct http_head *head)
{
    /* One block for all that a usual request needs; what does not fit is allocated apart. */
    struct call *call = memory_new_pool(NULL, struct call, POOL_OBJECTS, POOL_BYTES);
    *call = (struct call){.loop = loop, .connection = connection, .address = connection->address,
                          .started_us = clock_now_us()};
    talloc_set_destructor(call, free_call);
    struct exchange *exchange = &call->exchange;
    snprintf(exchange->request_id, sizeof exchange->request_id, "%016" PRIx64, loop->next_request++);
    snprintf(exchange->peer, sizeof exchange->peer, "%s", connection->peer);
    exchange->method = exchange->path = exchange->body = "";
    exchange->content_type = exchange->if_none_match = "";
    exchange->catalogues = catalogues_hold();
    if (head != NULL)
        copy_head(call, head);
    return call;
}

void call_hold(struct call *call, size_t bytes)
{
    call->held += bytes;
    call->loop->held_bytes += bytes;
    address_hold(call->address, bytes);
    metrics_add(METRIC_HELD_BYTES, (int64_t)bytes);
}

bool call_has_room(const struct call *call, size_t bytes)
{
    size_t most = (size_t)call->loop->settings->max_held_bytes, held = call->loop->held_bytes;
    if (held > most || bytes > most - held) {
        metrics_add(METRIC_REFUSED_HELD_BYTES, 1);
        return false;
    }
    size_t share = (most - held) / FREE_PARTS, has = address_held(call->address);
    bool room = has <= share && bytes <= share - has;
    if (!room)
        metrics_add(METRIC_REFUSED_ADDRESS_BYTES, 1);
    return room;
}

void call_free(struct call *call)
{
    talloc_free(call);
}

static bool find_route(struct call *call, const struct http_head *head)
{
    struct exchange *exchange = &call->exchange;
    struct router_match match;
    router_match(&call->loop->routes, head->method, head->path, &match);
    exchange->route = match.route;
    if (match.route == NULL && *match.allow == '\0') {
        exchange_reply_problem(exchange, 404, "not_found", "there is nothing at this address");
        return false;
    }
    if (match.route == NULL) {
        exchange_reply_problem(exchange, 405, "method_not_allowed", "this address takes %s", match.allow);
        exchange_add_header(exchange, "Allow", match.allow);
        return false;
    }
    for (size_t i = 0; i < match.parameter_count; i++) {
        exchange->parameters[i] = router_decode(call, match.parameters[i]);
        if (exchange->parameters[i] == NULL) {
            exchange_reply_problem(exchange, 400, "invalid_parameter",
                                   "the path is no valid UTF-8, or holds a control character");
            return false;
        }
    }
    return true;
}

/* Only who takes a body in pieces takes one whose length nobody knows. */
static bool refuse_chunks(struct call *call)
{
    call->in_pieces = call->exchange.route->handling == HANDLE_IN_PIECES;
    if (!call->chunked || call->in_pieces)
        return false;
    metrics_count_refusal(HTTP_REFUSED_TRANSFER_CODING);
    exchange_reply_problem(&call->exchange, http_refusal_status(HTTP_REFUSED_TRANSFER_CODING),
                           http_refusal_code(HTTP_REFUSED_TRANSFER_CODING), "%s",
                           http_refusal_detail(HTTP_REFUSED_TRANSFER_CODING));
    return true;
}

bool call_route(struct call *call, const struct http_head *head)
{
    struct exchange *exchange = &call->exchange;
    if (!find_route(call, head) || refuse_chunks(call))
        return false;
    struct http_slice coding = head->fields[HTTP_CONTENT_ENCODING];
    if (!router_read_query(call, head->query, &exchange->query, &exchange->query_count))
        exchange_reply_problem(exchange, 400, "invalid_parameter",
                               "the query is not a list of at most %d NAME=VALUE of valid UTF-8",
                               ROUTER_QUERY_LIMIT);
    else if (call->body_length > exchange->route->body_limit)
        exchange_reply_problem(exchange, 413, "too_large", "the body may have %zu bytes here",
                               exchange->route->body_limit);
    else if (coding.bytes != NULL && !http_slice_is(coding, "identity"))
        exchange_reply_problem(exchange, 415, "wrong_type", "send the body without Content-Encoding");
    return exchange->status == 0;
}
