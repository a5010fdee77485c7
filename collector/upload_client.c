/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "collector/clock.h"
#include "forms/base/memory.h"

enum { SECOND_US = 1000000, WAIT_S = 2, SOON_US = 200000, RECEIVING_MOST = 5 };

struct upload_client *upload_client_new(const void *owner, const struct upload_client_order *order,
                                        struct upload_client_progress *progress, struct error *error)
{
    struct upload_client *client = memory_new(owner, struct upload_client);
    client->progress = progress;
    client->url = order->target->url;
    client->study = order->study;
    client->patience_us = (int64_t)order->patience_s * SECOND_US;
    client->api = api_client_new(client, order->target, error);
    if (client->api != NULL)
        return client;
    talloc_free(client);
    return NULL;
}

/* ---- paths ---- */

const char *upload_client_path(struct upload_client *client, const void *owner, const char *id)
{
    const char *path = memory_format(owner, "/api/v1/uploads/%s", api_client_escape(client->api, owner, id));
    if (client->study == NULL)
        return path;
    return memory_format(owner, "%s?study=%s", path, api_client_escape(client->api, owner, client->study));
}

const char *upload_client_below(const void *owner, const char *upload, const char *below, const char *query)
{
    int length = (int)strcspn(upload, "?");
    const char *own = upload[length] == '?' ? upload + length + 1 : "";
    bool both = own[0] != '\0' && query[0] != '\0', any = own[0] != '\0' || query[0] != '\0';
    return memory_format(owner, "%.*s%s%s%s%s%s", length, upload, below, any ? "?" : "", own, both ? "&" : "", query);
}

/* ---- replies ---- */

static int free_json(json_t **held)
{
    json_decref(*held);
    return 0;
}

static json_t *hold_json(const void *owner, json_t *json)
{
    json_t **held = memory_new(owner, json_t *);
    *held = json;
    talloc_set_destructor(held, free_json);
    return json;
}

const char *upload_client_text(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

int64_t upload_client_number(const json_t *object, const char *name)
{
    return (int64_t)json_number_value(json_object_get(object, name));
}

bool upload_client_request(struct upload_client *client, const struct api_request *request, struct api_reply *reply,
                           struct error *error)
{
    int64_t away_since = 0;
    *reply = (struct api_reply){.status = 0};
    for (int attempt = 0;; attempt++) {
        if (request->file > 0 && (ftruncate(request->file, 0) != 0 || lseek(request->file, 0, SEEK_SET) != 0))
            return error_io(error, errno, "the file for the reply");
        enum api_outcome outcome = api_client_send(client->api, request, reply);
        if (outcome == API_REPLY)
            return true;
        if (outcome == API_FILE)
            return error_io(error, api_client_errno(client->api), "the file for the reply");
        api_client_set_away(client->api, reply, error);
        if (outcome == API_NEVER)
            return false;
        if (attempt == 0) {
            away_since = clock_now_us();
            upload_client_progress_note(client->progress, "waiting for %s", client->url);
        }
        if (clock_now_us() - away_since >= client->patience_us) {
            client->try_again = true;
            return false;
        }
        api_client_pause(attempt);
    }
}

/* The JSON of a reply with one of the good statuses. */
static json_t *read_reply(const void *owner, const struct api_reply *reply, struct error *error)
{
    if (reply->status != 200 && reply->status != 201 && reply->status != 202) {
        api_client_set_refused(reply, "request", error);
        return NULL;
    }
    json_t *json = json_loadb(reply->body->bytes, reply->body->length, 0, NULL);
    if (json == NULL)
        error_set(error, ERROR_INTERNAL, "the server's reply (HTTP %ld) is no JSON; is it a collector of this "
                  "version?", reply->status);
    return json != NULL ? hold_json(owner, json) : NULL;
}

json_t *upload_client_get(struct upload_client *client, const void *owner, const char *path, struct error *error)
{
    struct api_reply reply;
    const struct api_request request = {.method = "GET", .path = path};
    return upload_client_request(client, &request, &reply, error) ? read_reply(owner, &reply, error) : NULL;
}

/* ---- how far it is ---- */

/* Seconds to an instant like 2026-03-01T10:00:00Z by the collector's clock; -1 when it is not known. */
static int64_t seconds_until(struct upload_client *client, const char *instant)
{
    struct tm parts = {0};
    const char *now = api_client_header(client->api, "Date");
    time_t now_s = now != NULL ? curl_getdate(now, NULL) : -1;
    if (now_s == -1 || strptime(instant, "%Y-%m-%dT%H:%M:%S", &parts) == NULL)
        return -1;
    int64_t left_s = (int64_t)timegm(&parts) - (int64_t)now_s;
    return left_s > 0 ? left_s : 0;
}

static void show(struct upload_client *client, const json_t *upload, const char *state)
{
    const json_t *progress = json_object_get(upload, "progress");
    if (strcmp(state, "queued") == 0) {
        const struct upload_client_step step = {
            .what = "waiting for its turn", .unit = UPLOAD_CLIENT_ROWS, .left_s = -1};
        upload_client_progress_show(client->progress, clock_now_us(), &step);
        return;
    }
    const char *ends_at = upload_client_text(progress, "ends_at");
    const struct upload_client_step step = {
        .what = state,
        .unit = UPLOAD_CLIENT_ROWS,
        .done = upload_client_number(progress, "rows"),
        .part = upload_client_number(progress, "bytes"),
        .whole = upload_client_number(progress, "of_bytes"),
        .per_s = json_number_value(json_object_get(progress, "rows_per_s")),
        .left_s = ends_at[0] != '\0' ? seconds_until(client, ends_at) : -1,
    };
    upload_client_progress_show(client->progress, clock_now_us(), &step);
}

static bool is_under_way(const char *state)
{
    static const char *const states[] = {"receiving", "queued", "checking", "committing", "taking_back"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(state, states[i]) == 0)
            return true;
    return false;
}

/* A connection may end between the last byte and the note that it was the last: an empty piece says so again. */
static bool say_complete(struct upload_client *client, const char *upload, const json_t *shown, struct error *error)
{
    void *owner = memory_owner(NULL, "empty piece");
    const char *const headers[] = {
        "Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream",
        memory_format(owner, "Upload-Offset: %" PRId64, upload_client_number(json_object_get(shown, "file"), "size")),
        NULL};
    struct api_reply reply;
    const struct api_request request = {.method = "PATCH", .path = upload, .headers = headers, .body = ""};
    bool answered = upload_client_request(client, &request, &reply, error);
    talloc_free(owner);
    return answered;
}

json_t *upload_client_follow(struct upload_client *client, const void *owner, const char *upload, struct error *error)
{
    const char *path = upload_client_below(owner, upload, "", memory_format(owner, "wait=%d", WAIT_S));
    for (int receiving = 0;;) {
        void *round = memory_owner(NULL, "round");
        int64_t asked_us = clock_now_us();
        json_t *shown = upload_client_get(client, round, path, error);
        const char *state = upload_client_text(shown, "state");
        bool going = shown != NULL && is_under_way(state);
        if (shown != NULL && !going)
            hold_json(owner, json_incref(shown));
        if (going)
            show(client, shown, state);
        bool complete = true;
        if (going && strcmp(state, "receiving") == 0) {
            complete = ++receiving <= RECEIVING_MOST
                           ? say_complete(client, upload, shown, error)
                           : error_set(error, ERROR_CONFLICT, "the collector waits for bytes that it has; try again");
            client->try_again = client->try_again || receiving > RECEIVING_MOST;
        }
        talloc_free(round);
        if (!going || !complete) {
            upload_client_progress_end(client->progress);
            return complete ? shown : NULL;
        }
        if (clock_now_us() - asked_us < SOON_US)
            api_client_pause(0);
    }
}

/* ---- acts ---- */

static bool post(struct upload_client *client, const char *path, const struct text *body, struct api_reply *reply,
                 struct error *error)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    const struct api_request request = {
        .method = "POST", .path = path, .headers = headers, .body = body->bytes, .length = body->length};
    return upload_client_request(client, &request, reply, error);
}

static bool has_code(const struct api_reply *reply, const char *code)
{
    json_t *problem = json_loadb(reply->body->bytes, reply->body->length, 0, NULL);
    bool has = strcmp(upload_client_text(problem, "code"), code) == 0;
    json_decref(problem);
    return has;
}

/*
 * A commit whose reply was lost is sent again, and the collector may then say that there is no such preview any more:
 * so whatever it refuses, the upload itself is looked at.
 */
static json_t *commit_end(struct upload_client *client, const void *owner, const char *upload,
                          const struct api_reply *reply, bool *moved, struct error *error)
{
    struct error refusal = {0};
    bool taken = reply->status == 200 || reply->status == 202;
    *moved = reply->status == 409 && has_code(reply, "changed_since_preview");
    if (*moved)
        return NULL;
    if (!taken)
        api_client_set_refused(reply, "commit", &refusal);
    json_t *shown = upload_client_follow(client, owner, upload, error);
    const char *problem = upload_client_text(shown, "problem");
    if (shown == NULL || strcmp(upload_client_text(shown, "state"), "previewed") != 0)
        return shown;
    *moved = taken && strcmp(problem, "changed_since_preview") == 0;
    if (!taken)
        *error = refusal;
    else if (!*moved)
        error_set(error, ERROR_CONFLICT, "nothing was stored: %s",
                  problem[0] != '\0' ? problem : "the collector does not say why");
    return NULL;
}

json_t *upload_client_commit(struct upload_client *client, const void *owner, const char *upload,
                             const struct upload_client_commit *commit, bool *moved, struct error *error)
{
    struct text *body = text_new(owner);
    struct api_reply reply;
    text_append(body, "{\"token\":");
    text_append_json(body, commit->token);
    text_append(body, ",\"mode\":");
    text_append_json(body, commit->mode);
    if (commit->reason != NULL) {
        text_append(body, ",\"reason\":");
        text_append_json(body, commit->reason);
    }
    text_append(body, "}");
    *moved = false;
    if (!post(client, upload_client_below(owner, upload, "/commit", ""), body, &reply, error))
        return NULL;
    return commit_end(client, owner, upload, &reply, moved, error);
}

json_t *upload_client_take_back(struct upload_client *client, const void *owner, const char *upload,
                                const char *reason, struct error *error)
{
    struct text *body = text_new(owner);
    struct api_reply reply;
    text_append(body, "{\"reason\":");
    text_append_json(body, reason);
    text_append(body, "}");
    if (!post(client, upload_client_below(owner, upload, "/take-back", ""), body, &reply, error))
        return NULL;
    if (reply.status != 200 && reply.status != 202) {
        api_client_set_refused(&reply, "taking back", error);
        return NULL;
    }
    return upload_client_follow(client, owner, upload, error);
}

bool upload_client_save(struct upload_client *client, const char *path, const char *file, struct error *error)
{
    int descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return error_io(error, errno, file);
    struct api_reply reply;
    const struct api_request request = {.method = "GET", .path = path, .file = descriptor};
    bool whole = upload_client_request(client, &request, &reply, error);
    if (whole && reply.status != 200)
        whole = api_client_set_refused(&reply, "request", error);
    if (whole && fsync(descriptor) != 0)
        whole = error_io(error, errno, file);
    close(descriptor);
    if (!whole)
        unlink(file);
    return whole;
}
