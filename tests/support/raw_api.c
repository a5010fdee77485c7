/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/raw_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <jansson.h>

#include "forms/base/memory.h"
#include "tests/support/counters.h"

enum { DEADLINE_MS = 20000 };

struct raw_api {
    const struct daemon_process *daemon;
    const char *token;
    struct client *scraper;
    struct tls_client *client;   /* NULL: to be opened */
    void *work;                  /* of the last request */
    const char *counters;        /* before the next request */
    struct tls_reply reply;
};

struct raw_api *raw_api_new(const void *owner, const struct daemon_process *daemon, const char *token)
{
    struct raw_api *api = memory_new(owner, struct raw_api);
    *api = (struct raw_api){.daemon = daemon, .token = token, .scraper = client_new(api, daemon, NULL)};
    return api;
}

bool raw_api_is_open(const struct raw_api *api)
{
    return api->client != NULL;
}

const char *raw_api_body(const struct raw_api *api)
{
    return api->reply.body;
}

/* ---- what is counted ---- */

static const char *scrape(struct raw_api *api)
{
    return memory_copy_string(api->work, counters_read(api->scraper));
}

static long long count_class(const char *counters, int status)
{
    char mark[32];
    long long sum = 0;
    snprintf(mark, sizeof mark, "status=\"%dxx\"", status / 100);
    for (const char *line = strstr(counters, "\npatella_requests_total{"); line != NULL;
         line = strstr(line + 1, "\npatella_requests_total{")) {
        long long value = 0;
        const char *end = strstr(line, "} ");   /* a route has braces of its own */
        if (memmem(line, (size_t)(end - line), mark, strlen(mark)) != NULL && sscanf(end + 1, " %lld", &value) == 1)
            sum += value;
    }
    return sum;
}

static void expect_counted(const char *label, const char *before, const char *after, const struct raw_wanted *wanted)
{
    char name[96];
    long long all = counters_sum(after, "patella_problems_total") - counters_sum(before, "patella_problems_total");
    if (all != (wanted->code != NULL))
        fail_msg("%s: %lld problems counted", label, all);
    if (wanted->code == NULL)
        return;
    snprintf(name, sizeof name, "patella_problems_total{code=\"%s\"}", wanted->code);
    if (counters_value(after, name) - counters_value(before, name) != 1)
        fail_msg("%s: %s is not counted", label, wanted->code);
    if (count_class(after, wanted->status) - count_class(before, wanted->status) != 1)
        fail_msg("%s: no reply of its class is counted", label);
}

/* ---- what is answered ---- */

static void expect_problem(struct raw_api *api, const char *label, const struct raw_wanted *wanted)
{
    const char *type = tls_reply_header(api->client, &api->reply, "Content-Type");
    json_t *json = json_loads(api->reply.body, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(json, "code"));
    const char *detail = json_string_value(json_object_get(json, "detail"));
    const char *title = json_string_value(json_object_get(json, "title"));
    if (type == NULL || strcmp(type, "application/problem+json") != 0)
        fail_msg("%s: the media type is %s", label, type != NULL ? type : "missing");
    if (code == NULL || strcmp(code, wanted->code) != 0)
        fail_msg("%s: not %s: %s", label, wanted->code, api->reply.body);
    if (json_integer_value(json_object_get(json, "status")) != wanted->status)
        fail_msg("%s: another status in the body: %s", label, api->reply.body);
    if (detail == NULL || strlen(detail) < 10 || title == NULL || *title == '\0')
        fail_msg("%s: says nothing: %s", label, api->reply.body);
    json_decref(json);
}

static bool closes(struct raw_api *api)
{
    const char *connection = tls_reply_header(api->client, &api->reply, "Connection");
    return connection != NULL && strcasecmp(connection, "close") == 0;
}

static void begin(struct raw_api *api)
{
    struct tls_client_options options = {.port = api->daemon->port};
    talloc_free(api->work);
    api->work = memory_owner(api, "request");
    if (api->client == NULL)
        api->client = tls_client_open(api, &options);
    assert_non_null(api->client);
    api->counters = scrape(api);
}

void raw_api_expect(struct raw_api *api, const char *label, const void *bytes, size_t length,
                    const struct raw_wanted *wanted)
{
    begin(api);
    if (!tls_client_send(api->client, bytes, length))
        fail_msg("%s: cannot be sent", label);
    api->reply = tls_client_read_reply(api->client, DEADLINE_MS);
    if (api->reply.status != wanted->status)
        fail_msg("%s: status %d, not %d: %s", label, api->reply.status, wanted->status,
                 api->reply.body != NULL ? api->reply.body : "");
    if (wanted->code != NULL)
        expect_problem(api, label, wanted);
    if (wanted->says != NULL && strstr(api->reply.body, wanted->says) == NULL)
        fail_msg("%s: does not say '%s': %s", label, wanted->says, api->reply.body);
    expect_counted(label, api->counters, scrape(api), wanted);
    if (!closes(api))
        return;
    if (!tls_client_is_closed(api->client, DEADLINE_MS, NULL))
        fail_msg("%s: the connection was to be closed", label);
    talloc_steal(api->work, api->client);   /* the reply stays until the next request */
    api->client = NULL;
}

void raw_api_send(struct raw_api *api, const char *label, const char *method, const char *target,
                  const struct text *body, const struct raw_wanted *wanted)
{
    struct text *request = text_new(NULL);
    text_append_format(request, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, target);
    if (api->token != NULL)
        text_append_format(request, "Authorization: Bearer %s\r\n", api->token);
    if (body != NULL)
        text_append_format(request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body->length);
    text_append(request, "\r\n");
    if (body != NULL)
        text_append_bytes(request, body->bytes, body->length);
    raw_api_expect(api, label, request->bytes, request->length, wanted);
    talloc_free(request);
}
