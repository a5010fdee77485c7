/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/load_client.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "collector/token_file.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum {
    ARRAY_BYTES = 900000,
    REPLY_LIMIT = 16 << 20,
    CONNECT_TIMEOUT_S = 10,
    REPLY_TIMEOUT_S = 60
};

struct load_client {
    CURL *curl;
    struct curl_slist *headers;
    const char *url;             /* of the route */
    int patience_s;
    struct text *request, *reply;
    char curl_message[CURL_ERROR_SIZE];
};

/* ---- the connection ---- */

static int free_client(struct load_client *client)
{
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    return 0;
}

static size_t take_reply(char *bytes, size_t size, size_t count, void *context)
{
    struct text *reply = context;
    if (size * count > REPLY_LIMIT - reply->length)
        return 0;
    text_append_bytes(reply, bytes, size * count);
    return size * count;
}

static void set_options(struct load_client *client, const struct load_target *target)
{
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_URL, client->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (target->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca_file);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REPLY_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client->reply);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_message);
}

struct load_client *load_client_new(const void *owner, const struct load_target *target, struct error *error)
{
    char *token;
    if (!token_file_read(owner, target->token_file, &token, error))
        return NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_INTERNAL, "libcurl does not start");
        return NULL;
    }
    struct load_client *client = memory_new(owner, struct load_client);
    talloc_set_destructor(client, free_client);
    client->curl = curl_easy_init();
    client->url = memory_format(client, "%s/api/v1/studies/%s/submissions", target->url, target->study);
    client->patience_s = target->patience_s;
    client->request = text_new(client);
    client->reply = text_new(client);
    client->headers = curl_slist_append(NULL, memory_format(client, "Authorization: Bearer %s", token));
    client->headers = curl_slist_append(client->headers, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Expect:");
    set_options(client, target);
    return client;
}

/* ---- one request ---- */

enum outcome { OUTCOME_REPLY, OUTCOME_AWAY, OUTCOME_NEVER };

/* Nobody there, or gone in the middle of it: may change in a moment.  A wrong certificate stays wrong. */
static bool may_come_back(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
           code == CURLE_SSL_CONNECT_ERROR;
}

/* Posts client->request once; *status is the reply's. */
static enum outcome post(struct load_client *client, long *status)
{
    text_clear(client->reply);
    client->curl_message[0] = '\0';
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)client->request->length);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, client->request->bytes);
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK)
        return may_come_back(code) ? OUTCOME_AWAY : OUTCOME_NEVER;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status);
    return *status == 503 || *status == 429 ? OUTCOME_AWAY : OUTCOME_REPLY;
}

static void wait_before_retry(int attempt)
{
    const struct timespec pause = {.tv_sec = attempt < 4 ? 0 : 1, .tv_nsec = attempt < 4 ? 200000000L : 0};
    nanosleep(&pause, NULL);
}

static bool set_away(const struct load_client *client, long status, struct error *error)
{
    if (status == 0)
        return error_set(error, ERROR_IO, "%s: %s; is patellad running there, and is --ca its CA?",
                         client->url, client->curl_message[0] ? client->curl_message : "no answer");
    return error_set(error, ERROR_BUSY,
                     "%s: the server stayed busy (HTTP %ld); try again later, nothing is sent twice",
                     client->url, status);
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value ? value : "";
}

/* A refusal of the whole request: the problem's own words. */
static bool set_refused(const struct load_client *client, long status, struct error *error)
{
    json_t *problem = json_loadb(client->reply->bytes, client->reply->length, 0, NULL);
    error_set(error, status == 401 || status == 403 ? ERROR_DENIED : ERROR_INPUT,
              "the server refused the request (HTTP %ld): %s %s", status, member(problem, "code"),
              member(problem, "detail"));
    json_decref(problem);
    return false;
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
static bool judge_reply(struct load_client *client, const struct pending *pending, size_t sent,
                        struct pending *left, struct load_counts *counts, struct error *error)
{
    json_t *reply = json_loadb(client->reply->bytes, client->reply->length, 0, NULL);
    const json_t *results = json_object_get(reply, "results");
    bool fits = json_array_size(results) == sent;
    for (size_t i = 0; fits && i < sent; i++)
        judge_row(client, pending->rows[i], json_array_get(results, i), left, counts);
    json_decref(reply);
    return fits || error_set(error, ERROR_INTERNAL,
                             "the server's reply does not have a result for each of the %zu rows; "
                             "is %s a collector of this version?",
                             sent, client->url);
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
    long status = 0;
    size_t sent = write_request(client, pending);
    enum outcome outcome = post(client, &status);
    *away = outcome == OUTCOME_AWAY;
    if (outcome != OUTCOME_REPLY)
        return set_away(client, status, error);
    if (status != 200 && status != 201 && status != 207)
        return set_refused(client, status, error);
    struct pending left = {.count = 0};
    if (!judge_reply(client, pending, sent, &left, counts, error))
        return false;
    *away = !left.moved;
    if (*away)
        return set_away(client, 503, error);
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
        wait_before_retry(attempt++);
    }
    return true;
}
