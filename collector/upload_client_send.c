/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_send.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector/clock.h"
#include "collector/upload_client_summary.h"
#include "forms/base/memory.h"

#define TUS_VERSION "Tus-Resumable: 1.0.0"

enum { QUICK_US = 2000000, SLOW_US = 8000000, MOST_BEGINNINGS = 3, MOST_CONFUSIONS = 10 };

struct sending {
    struct upload_client *client;
    const struct upload_client_file *file;
    const char *upload;          /* path on the collector */
    char *piece;                 /* UPLOAD_CLIENT_MOST_PIECE bytes */
    size_t length;               /* of the next piece */
    int64_t offset;
    int confusions;              /* replies that fit no upload of ours, one after the other */
};

/* What came of asking for the offset or of a piece. */
enum step { STEP_DONE, STEP_GONE, STEP_FAILED };

size_t upload_client_next_piece(size_t length, int64_t took_us)
{
    if (took_us < QUICK_US && length < UPLOAD_CLIENT_MOST_PIECE)
        return length * 2;
    if (took_us > SLOW_US && length > UPLOAD_CLIENT_LEAST_PIECE)
        return length / 2;
    return length;
}

static void show(const struct sending *sending)
{
    upload_client_progress_show(sending->client->progress, clock_now_us(),
                                &(struct upload_client_step){.what = "sending",
                                                             .unit = UPLOAD_CLIENT_BYTES,
                                                             .done = sending->offset,
                                                             .part = sending->offset,
                                                             .whole = sending->file->size,
                                                             .left_s = -1});
}

/* A header of the reply as a number, -1 when it is none. */
static int64_t header_number(struct sending *sending, const char *name)
{
    const char *value = api_client_header(sending->client->api, name);
    int64_t number = -1;
    return value != NULL && text_to_int64(value, &number) && number >= 0 ? number : -1;
}

/* ---- a new upload ---- */

static void append_parameter(struct upload_client *client, struct text *path, const char *name, const char *value)
{
    if (value == NULL)
        return;
    text_append_format(path, "%s%s=%s", strchr(path->bytes, '?') != NULL ? "&" : "?", name,
                       api_client_escape(client->api, path, value));
}

/* Path and query of a Location, which may name the server too. */
static const char *path_of(const char *location)
{
    const char *server = strstr(location, "://");
    const char *path = server != NULL ? strchr(server + 3, '/') : location;
    return path != NULL && path[0] == '/' ? path : NULL;
}

static const char *create(struct sending *sending, const void *owner, const struct upload_client_reading *reading,
                          struct error *error)
{
    struct upload_client *client = sending->client;
    struct text *path = text_new(owner);
    text_append(path, "/api/v1/uploads");
    append_parameter(client, path, "study", client->study);
    append_parameter(client, path, "site", reading->site);
    append_parameter(client, path, "form", reading->form);
    append_parameter(client, path, "profile", reading->profile);
    append_parameter(client, path, "profile_version", reading->profile_version);
    append_parameter(client, path, "name", sending->file->name);
    const char *const headers[] = {TUS_VERSION, memory_format(path, "Upload-Length: %" PRId64, sending->file->size),
                                   NULL};
    const struct api_request request = {.method = "POST", .path = path->bytes, .headers = headers, .body = ""};
    struct api_reply reply;
    if (!upload_client_request(client, &request, &reply, error))
        return NULL;
    const char *location = reply.status == 201 ? api_client_header(client->api, "Location") : NULL;
    const char *upload = location != NULL ? path_of(location) : NULL;
    if (upload != NULL)
        return memory_copy_string(owner, upload);
    if (reply.status == 201)
        error_set(error, ERROR_INTERNAL, "the server began an upload and does not say where; is it a collector of this "
                  "version?");
    else
        api_client_set_refused(&reply, "file", error);
    return NULL;
}

/* Frees what the collector keeps of an upload; it ends by itself when this does not get there. */
static void end_upload(struct upload_client *client, const char *upload)
{
    static const char *const headers[] = {TUS_VERSION, NULL};
    struct api_reply reply;
    const struct api_request request = {.method = "DELETE", .path = upload, .headers = headers};
    if (api_client_send(client->api, &request, &reply) != API_REPLY)
        upload_client_progress_note(client->progress, "the upload that was begun before ends by itself");
}

/* ---- its bytes ---- */

static enum step refused(const struct api_reply *reply, struct error *error)
{
    if (reply->status == 404 || reply->status == 410)
        return STEP_GONE;
    api_client_set_refused(reply, "file", error);
    return STEP_FAILED;
}

/* How many bytes the collector has. */
static enum step ask_offset(struct sending *sending, struct error *error)
{
    static const char *const headers[] = {TUS_VERSION, NULL};
    struct api_reply reply;
    const struct api_request request = {.method = "HEAD", .path = sending->upload, .headers = headers};
    if (!upload_client_request(sending->client, &request, &reply, error))
        return STEP_FAILED;
    if (reply.status != 200 && reply.status != 204)
        return refused(&reply, error);
    int64_t offset = header_number(sending, "Upload-Offset"), size = header_number(sending, "Upload-Length");
    if (offset < 0 || offset > sending->file->size || (size >= 0 && size != sending->file->size))
        return STEP_GONE;
    sending->offset = offset;
    return STEP_DONE;
}

/*
 * Sends the next piece once.  When there is no reply, or the collector has another number of bytes than we think, it is
 * asked how many it has: what of the piece arrived counts.
 */
static enum step send_piece(struct sending *sending, struct error *error)
{
    struct upload_client *client = sending->client;
    int64_t left = sending->file->size - sending->offset, begun_us = clock_now_us();
    size_t length = left < (int64_t)sending->length ? (size_t)left : sending->length;
    if (!upload_client_file_read(sending->file, sending->offset, sending->piece, length, error))
        return STEP_FAILED;
    char offset[64];
    snprintf(offset, sizeof offset, "Upload-Offset: %" PRId64, sending->offset);
    const char *const headers[] = {TUS_VERSION, "Content-Type: application/offset+octet-stream", offset, NULL};
    struct api_reply reply;
    const struct api_request request = {
        .method = "PATCH", .path = sending->upload, .headers = headers, .body = sending->piece, .length = length};
    enum api_outcome outcome = api_client_send(client->api, &request, &reply);
    if (outcome == API_NEVER) {
        api_client_set_away(client->api, &reply, error);
        return STEP_FAILED;
    }
    if (outcome == API_REPLY && reply.status == 204 &&
        header_number(sending, "Upload-Offset") == sending->offset + (int64_t)length) {
        sending->offset += (int64_t)length;
        sending->confusions = 0;
        sending->length = upload_client_next_piece(sending->length, clock_now_us() - begun_us);
        return STEP_DONE;
    }
    if (outcome == API_REPLY && reply.status != 204 && reply.status != 409)
        return refused(&reply, error);
    if (sending->confusions++ >= MOST_CONFUSIONS) {
        client->try_again = true;
        error_set(error, ERROR_BUSY, "%s takes no bytes of the file; try again later, what has arrived is kept",
                  client->url);
        return STEP_FAILED;
    }
    sending->length = UPLOAD_CLIENT_LEAST_PIECE;
    api_client_pause(sending->confusions);
    int64_t before = sending->offset;
    enum step asked = ask_offset(sending, error);
    if (asked == STEP_DONE && sending->offset > before)
        sending->confusions = 0;
    return asked;
}

static enum step send_bytes(struct sending *sending, struct error *error)
{
    while (sending->offset < sending->file->size) {
        show(sending);
        enum step step = send_piece(sending, error);
        if (step != STEP_DONE)
            return step;
    }
    show(sending);
    upload_client_progress_end(sending->client->progress);
    return upload_client_file_check(sending->file, error) ? STEP_DONE : STEP_FAILED;
}

/* ---- all of it ---- */

/* A preview of an earlier run that is stored as it is: the collector refuses it where it is not right any more. */
static bool can_be_stored(const json_t *upload, const char *mode)
{
    enum upload_client_task task = upload_client_task_of(upload);
    return mode != NULL && strcmp(upload_client_text(upload, "state"), "previewed") == 0 &&
           (task == UPLOAD_CLIENT_STORE || (task == UPLOAD_CLIENT_STORE_GOOD && strcmp(mode, "good-rows") == 0));
}

/* An upload that an earlier run began and that is to be gone on with: true, and *done when it has all of its bytes. */
static bool find_begun(struct sending *sending, const char *mode, struct upload_client_state *state, bool *done,
                       struct error *error)
{
    struct upload_client *client = sending->client;
    *done = false;
    if (state->upload == NULL)
        return false;
    if (strcmp(state->sha256, sending->file->sha256) != 0) {
        upload_client_progress_note(client->progress, "%s has changed since its upload was begun: it is sent anew",
                                    sending->file->path);
        end_upload(client, state->upload);
        return false;
    }
    void *owner = memory_owner(NULL, "begun");
    struct error gone = {0};
    const json_t *shown = upload_client_get(client, owner, state->upload, &gone);
    const char *name = upload_client_text(shown, "state");
    static const char *const states[] = {"receiving", "queued", "checking", "committing", "committed", "repeated"};
    bool found = shown != NULL && can_be_stored(shown, mode);
    *done = found;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        bool is = strcmp(name, states[i]) == 0;
        found = found || is;
        *done = *done || (is && i > 0);
    }
    if (shown == NULL && client->try_again)
        *error = gone;
    if (!found && strcmp(name, "previewed") == 0)
        end_upload(client, state->upload);
    talloc_free(owner);
    return found;
}

static const char *begin(struct sending *sending, const void *owner, const struct upload_client_reading *reading,
                         struct upload_client_state *state, struct error *error)
{
    upload_client_state_forget(state);
    sending->offset = 0;
    sending->upload = create(sending, owner, reading, error);
    if (sending->upload == NULL ||
        !upload_client_state_keep(state, sending->upload, sending->file->sha256, error))
        return NULL;
    return sending->upload;
}

/* An upload that the collector has lost, or let end, is begun anew. */
static bool send_all(struct sending *sending, const void *owner, const struct upload_client_reading *reading,
                     struct upload_client_state *state, struct error *error)
{
    enum step step = sending->upload != NULL ? ask_offset(sending, error) : STEP_GONE;
    if (sending->upload != NULL && step == STEP_DONE)
        upload_client_progress_note(sending->client->progress, "going on with what was begun before");
    for (int beginnings = 0; beginnings <= MOST_BEGINNINGS; beginnings++) {
        if (step == STEP_GONE)
            step = begin(sending, owner, reading, state, error) != NULL ? STEP_DONE : STEP_FAILED;
        if (step == STEP_DONE)
            step = send_bytes(sending, error);
        if (step != STEP_GONE)
            return step == STEP_DONE;
    }
    sending->client->try_again = true;
    return error_set(error, ERROR_BUSY, "%s loses what it has received; try again later", sending->client->url);
}

const char *upload_client_send(struct upload_client *client, const void *owner, const struct upload_client_file *file,
                               const struct upload_client_reading *reading, struct upload_client_state *state,
                               struct error *error)
{
    struct sending sending = {.client = client, .file = file, .length = UPLOAD_CLIENT_LEAST_PIECE};
    bool done = false;
    bool begun = find_begun(&sending, reading->mode, state, &done, error);
    if (client->try_again)
        return NULL;
    sending.upload = begun ? memory_copy_string(owner, state->upload) : NULL;
    if (done) {
        upload_client_progress_note(client->progress, "going on with what was begun before");
        return sending.upload;
    }
    sending.piece = memory_new_array(owner, char, UPLOAD_CLIENT_MOST_PIECE);
    bool sent = send_all(&sending, owner, reading, state, error);
    talloc_free(sending.piece);
    return sent ? sending.upload : NULL;
}
