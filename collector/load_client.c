/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/load_client.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "collector/api_client.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { ARRAY_BYTES = 900000, SILENCE_S = 60 };

struct load_client {
    struct api_client *api;
    const char *url;             /* of the collector */
    const char *path;            /* of the route */
    int patience_s;
    struct text *request;
};

struct load_client *load_client_new(const void *owner, const struct load_target *target, struct error *error)
{
    const struct api_target api = {.url = target->url,
                                   .ca_file = target->ca_file,
                                   .token_file = target->token_file,
                                   .silence_s = SILENCE_S};
    struct load_client *client = memory_new(owner, struct load_client);
    client->api = api_client_new(client, &api, error);
    if (client->api == NULL) {
        talloc_free(client);
        return NULL;
    }
    client->url = target->url;
    client->path = memory_format(client, "/api/v1/studies/%s/submissions",
                                 api_client_escape(client->api, client, target->study));
    client->patience_s = target->patience_s;
    client->request = text_new(client);
    return client;
}

/* Posts client->request once. */
static enum api_outcome post(struct load_client *client, struct api_reply *reply)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    return api_client_send(client->api,
                           &(struct api_request){.method = "POST",
                                                 .path = client->path,
                                                 .headers = headers,
                                                 .body = client->request->bytes,
                                                 .length = client->request->length},
                           reply);
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* ---- what became of each row ---- */

static void print_refusal(const struct load_row *row, const json_t *problem)
{
    const json_t *problems = json_object_get(problem, "problems");
    if (json_array_size(problems) == 0) {
        fprintf(stderr, "%s:%d: %s: %s\n", row->file, row->line, member(problem, "code"),
                member(problem, "detail"));
        return;
    }
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *one = json_array_get(problems, i);
        fprintf(stderr, "%s:%d: %s%s%s: %s\n", row->file, row->line, member(one, "item"),
                member(one, "item")[0] ? ": " : "", member(one, "rule"), member(one, "text"));
    }
}

/* True when a confirmation of every finding is all that the server wants, and the file gives the reason. */
static bool confirm(const void *owner, struct load_row *row, const json_t *problem)
{
    const json_t *problems = json_object_get(problem, "problems");
    if (!row->confirm || row->confirmed || json_array_size(problems) == 0)
        return false;
    struct text *confirmed = text_new(owner);
    for (size_t i = 0; i < json_array_size(problems); i++) {
        const json_t *one = json_array_get(problems, i);
        if (!json_is_true(json_object_get(one, "soft")))
            return false;
        text_append(confirmed, i ? ",{" : "[{");
        if (json_is_string(json_object_get(one, "item"))) {
            text_append(confirmed, "\"item\":");
            text_append_json(confirmed, member(one, "item"));
            text_append(confirmed, ",");
        }
        text_append(confirmed, "\"rule\":");
        text_append_json(confirmed, member(one, "rule"));
        text_append(confirmed, ",\"reason\":");
        text_append_json(confirmed, row->confirm);
        text_append(confirmed, "}");
    }
    text_append(confirmed, "]");
    row->confirmed = confirmed->bytes;
    return true;
}

/* The rows of one array that the server has not decided about yet. */
struct pending {
    struct load_row *rows[LOAD_ARRAY_ROWS];
    size_t count;
    bool moved;                  /* the last reply decided about a row or made one worth sending again */
};

static void judge_row(struct load_client *client, struct load_row *row, const json_t *result,
                      struct pending *left, struct load_counts *counts)
{
    json_int_t status = json_integer_value(json_object_get(result, "status"));
    const json_t *problem = json_object_get(result, "problem");
    left->moved = left->moved || status != 503;
    if (status == 201) {
        counts->accepted++;
    } else if (status == 200) {
        counts->replayed++;
    } else if (status == 503 || (status == 422 && confirm(client, row, problem))) {
        left->rows[left->count++] = row;
    } else {
        counts->refused++;
        print_refusal(row, problem);
    }
}

/* Reads the reply to rows[0..sent); `left` gets those to send again. */
static bool judge_reply(struct load_client *client, const struct text *body, const struct pending *pending, size_t sent,
                        struct pending *left, struct load_counts *counts)
{
    json_t *reply = json_loadb(body->bytes, body->length, 0, NULL);
    const json_t *results = json_object_get(reply, "results");
    bool fits = json_array_size(results) == sent;
    for (size_t i = 0; fits && i < sent; i++)
        judge_row(client, pending->rows[i], json_array_get(results, i), left, counts);
    json_decref(reply);
    return fits;
}

/* Puts as many of the pending rows as fit into client->request; returns how many. */
static size_t write_request(struct load_client *client, const struct pending *pending)
{
    size_t count = 0;
    text_clear(client->request);
    while (count < pending->count && (count == 0 || client->request->length < ARRAY_BYTES)) {
        text_append(client->request, count ? ",\n" : "[");
        load_row_to_json(client->request, pending->rows[count++]);
    }
    text_append(client->request, "]");
    return count;
}

/* Sends pending rows once and keeps those that are still to be decided, in their order. */
static bool send_some(struct load_client *client, struct pending *pending, struct load_counts *counts,
                      bool *away, struct error *error)
{
    struct api_reply reply;
    size_t sent = write_request(client, pending);
    enum api_outcome outcome = post(client, &reply);
    *away = outcome == API_AWAY;
    if (outcome != API_REPLY)
        return api_client_set_away(client->api, &reply, error);
    if (reply.status != 200 && reply.status != 201 && reply.status != 207)
        return api_client_set_refused(&reply, "request", error);
    struct pending left = {.count = 0};
    if (!judge_reply(client, reply.body, pending, sent, &left, counts))
        return error_set(error, ERROR_INTERNAL,
                         "the server's reply does not have a result for each of the %zu rows; "
                         "is %s a collector of this version?", sent, client->url);
    *away = !left.moved;
    if (*away)
        return api_client_set_away(client->api, &(struct api_reply){.status = 503}, error);
    for (size_t i = sent; i < pending->count; i++)
        left.rows[left.count++] = pending->rows[i];
    *pending = left;
    return true;
}

bool load_client_send(struct load_client *client, struct load_row *rows, size_t count,
                      struct load_counts *counts, struct error *error)
{
    struct pending pending = {.count = count};
    for (size_t i = 0; i < count; i++)
        pending.rows[i] = &rows[i];
    time_t away_since = 0;
    int attempt = 0;
    while (pending.count > 0) {
        bool away;
        if (send_some(client, &pending, counts, &away, error)) {
            away_since = 0;
            attempt = 0;
            continue;
        }
        if (!away)
            return false;
        if (away_since == 0) {
            away_since = time(NULL);
            fprintf(stderr, "waiting for %s\n", client->url);
        }
        if (time(NULL) - away_since >= client->patience_s)
            return false;
        api_client_pause(attempt++);
    }
    return true;
}
