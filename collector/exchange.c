/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/exchange.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "collector/call.h"
#include "collector/connection.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/problem_details.h"
#include "forms/base/memory.h"

const char *exchange_query(const struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->query_count; i++)
        if (strcmp(exchange->query[i].name, name) == 0)
            return exchange->query[i].value;
    return NULL;
}

const char *exchange_parameter(const struct exchange *exchange, const char *name)
{
    size_t at = 0;
    for (const char *brace = strchr(exchange->route->pattern, '{'); brace != NULL;
         brace = strchr(brace + 1, '{')) {
        size_t length = strcspn(brace + 1, "}");
        if (at < EXCHANGE_PARAMETERS && strlen(name) == length && memcmp(brace + 1, name, length) == 0)
            return exchange->parameters[at];
        at++;
    }
    return NULL;
}

bool exchange_takes_study_in_query(const struct exchange *exchange)
{
    static const char uploads[] = "/api/v1/uploads";
    return exchange->route != NULL && strncmp(exchange->route->pattern, uploads, sizeof uploads - 1) == 0;
}

const char *exchange_study(const struct exchange *exchange)
{
    if (exchange_takes_study_in_query(exchange))
        return exchange_query(exchange, "study");
    return exchange_parameter(exchange, "study");
}

static struct reply_header *find_header(struct exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->reply_header_count; i++)
        if (strcasecmp(exchange->reply_headers[i].name, name) == 0)
            return &exchange->reply_headers[i];
    return NULL;
}

void exchange_add_header(struct exchange *exchange, const char *name, const char *value)
{
    struct reply_header *header = find_header(exchange, name);
    if (header == NULL && exchange->reply_header_count < EXCHANGE_REPLY_HEADERS)
        header = &exchange->reply_headers[exchange->reply_header_count++];
    if (header == NULL)
        return;
    char *copy = memory_copy_string(exchange, value);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = '?';   /* a line end would let the value write headers of its own */
    *header = (struct reply_header){memory_copy_string(exchange, name), copy};
}

void exchange_reply_json(struct exchange *exchange, int status, struct text *body)
{
    exchange->status = status;
    exchange->reply_type = "application/json";
    exchange->reply = body;
}

void exchange_reply_stream(struct exchange *exchange, const char *type, stream_function *stream, void *context)
{
    exchange->status = 200;
    exchange->reply_type = type;
    exchange->stream = stream;
    exchange->stream_context = context;
}

void exchange_reply_details(struct exchange *exchange, int status, struct text *details)
{
    exchange->status = status;
    exchange->reply_type = PROBLEM_MEDIA_TYPE;
    exchange->reply = details;
    if ((status == 503 || status == 429) && find_header(exchange, "Retry-After") == NULL)
        exchange_add_header(exchange, "Retry-After", "1");
    if (status == 401 && find_header(exchange, "WWW-Authenticate") == NULL)
        exchange_add_header(exchange, "WWW-Authenticate",
                            "Bearer realm=\"patella\", error=\"invalid_token\"");
}

void exchange_reply_problem(struct exchange *exchange, int status, const char *code, const char *detail, ...)
{
    va_list arguments;
    va_start(arguments, detail);
    char *words = memory_format_list(exchange, detail, arguments);
    va_end(arguments);
    struct text *body = text_new(exchange);
    problem_details_append(body, status, code, words, NULL);
    metrics_count_problem(code);
    exchange_reply_details(exchange, status, body);
}

bool exchange_hold(struct exchange *exchange, size_t bytes)
{
    struct call *call = call_of(exchange);
    if (call_has_room(call, bytes)) {
        call_hold(call, bytes);
        return true;
    }
    exchange_reply_problem(exchange, 503, "unavailable", "too much is waiting; send it again after a moment");
    return false;
}

void exchange_wait_longer(struct exchange *exchange, int ms)
{
    struct connection *connection = call_of(exchange)->connection;
    if (connection != NULL)
        connection_wait_longer(connection, ms);
}

void exchange_finish(struct exchange *exchange)
{
    struct call *call = call_of(exchange);
    inbox_post(call->loop->inbox, &call->message);
}
