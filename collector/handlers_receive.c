/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes of uploads: one body at once, or resumable (tus 1.0).  Each piece is stored before the next is read.
 * Not for: what is in the file (upload_jobs.h).
 */
#include "collector/handlers.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "collector/call.h"
#include "collector/loop.h"
#include "collector/receive.h"
#include "collector/request.h"
#include "collector/store_upload.h"
#include "collector/upload_jobs.h"
#include "collector/upload_request.h"
#include "forms/base/memory.h"

/* A body with a checksum is kept in memory until it has been found whole: nothing else of it is stored. */
enum { CHECKED_MOST = 8 << 20, DATE_SIZE = 32, MIB = 1 << 20, SITE_MOST = 9999, VERSION_MOST = 1000000 };

struct receiving {
    struct store_upload_at at;
    bool tus, checked;
    bool creates;                /* POST */
    struct upload_checksum checksum;
    int64_t offset, size;        /* -1: not known */
    int64_t expires_s;
    int wait_ms;
};

static int64_t size_limit(const struct exchange *exchange)
{
    return (int64_t)call_of((struct exchange *)exchange)->loop->settings->max_upload_mib * MIB;
}

static struct store_upload_at at_of(const struct store_reader *reader, const char *id)
{
    return (struct store_upload_at){.token = reader->token, .study_id = reader->study_id, .id = id};
}

/* ---- replies ---- */

static void add_number(struct exchange *exchange, const char *name, int64_t number)
{
    exchange_add_header(exchange, name, memory_format(exchange, "%" PRId64, number));
}

static void add_expiry(struct exchange *exchange, int64_t expires_s)
{
    char date[DATE_SIZE];
    struct tm utc;
    time_t at = (time_t)expires_s;
    if (expires_s <= 0 || gmtime_r(&at, &utc) == NULL)
        return;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);   /* RFC 9110, 5.6.7 */
    exchange_add_header(exchange, "Upload-Expires", date);
}

static void add_location(struct exchange *exchange, const char *id)
{
    exchange_add_header(exchange, "Location",
                        memory_format(exchange, "/api/v1/uploads/%s?study=%s", id, exchange->principal->study));
}

/* ---- what every request of an upload says ---- */

/* True unless it speaks another version of tus than this one; `must`: it has to say which. */
static bool read_version(struct exchange *exchange, bool must)
{
    const char *version = exchange->fields[FIELD_TUS_RESUMABLE];
    if (version != NULL || must)
        exchange_add_header(exchange, "Tus-Resumable", UPLOAD_TUS_VERSION);
    if (version != NULL ? strcmp(version, UPLOAD_TUS_VERSION) == 0 : !must)
        return true;
    exchange_add_header(exchange, "Tus-Version", UPLOAD_TUS_VERSION);
    exchange_reply_problem(exchange, 412, "tus_version", "send the header `Tus-Resumable: " UPLOAD_TUS_VERSION "`");
    return false;
}

static bool is_type(const char *sent, const char *type)
{
    size_t length = strlen(type);
    return strncasecmp(sent, type, length) == 0 && strchr("; \t", sent[length]) != NULL;
}

static bool read_piece_type(struct exchange *exchange)
{
    if (is_type(exchange->content_type, UPLOAD_TUS_TYPE))
        return true;
    exchange_reply_problem(exchange, 415, "wrong_type", "send the bytes with `Content-Type: " UPLOAD_TUS_TYPE "`");
    return false;
}

/* A body with a checksum must fit into memory. */
static bool read_checksum(struct exchange *exchange, struct receiving *receiving)
{
    const char *sent = exchange->fields[FIELD_UPLOAD_CHECKSUM];
    receiving->checked = sent != NULL;
    if (sent != NULL && !upload_read_checksum(sent, &receiving->checksum)) {
        exchange_reply_problem(exchange, 400, "invalid",
                               "Upload-Checksum must be an algorithm (" UPLOAD_TUS_CHECKSUMS "), a blank, and its "
                               "digest in base64");
        return false;
    }
    if (receiving->checked && exchange->body_announced > CHECKED_MOST) {
        exchange_reply_problem(exchange, 413, "too_large",
                               "with Upload-Checksum the body may have %d bytes; send smaller pieces", CHECKED_MOST);
        return false;
    }
    if (receiving->checked && exchange->body_most > CHECKED_MOST)
        exchange->body_most = CHECKED_MOST;
    if (receiving->checked)
        exchange->piece_most = CHECKED_MOST + 1;
    return true;
}

/* ---- storing ---- */

static void reply_code(struct exchange *exchange, const struct receiving *receiving, const char *code)
{
    if (strcmp(code, "wrong_offset") == 0) {
        add_number(exchange, "Upload-Offset", receiving->offset);
        exchange_reply_problem(exchange, 409, "wrong_offset",
                               "the upload has %" PRId64 " bytes now; ask by HEAD where it goes on", receiving->offset);
    } else if (strcmp(code, "expired") == 0) {
        exchange_reply_problem(exchange, 410, "upload_expired",
                               "the upload has expired, and its bytes are gone; begin a new one");
    } else if (strcmp(code, "too_large") == 0) {
        exchange_reply_problem(exchange, 413, "too_large", "the file is longer than it was said to be");
    } else {
        exchange_reply_problem(exchange, 409, "not_receiving",
                               "the upload takes no more bytes: it has them all, or was ended; begin a new one");
    }
}

/*
 * False when the exchange has its refusal.  Bytes that another has stored meanwhile are taken for sent; but when he has
 * stored more than these, what follows here is not what follows there.
 */
static bool append(struct exchange *exchange, struct store *store, const char *bytes, size_t length)
{
    struct receiving *receiving = exchange->receiving;
    struct error error = {0};
    while (length > 0) {
        size_t count = length < STORE_UPLOAD_PIECE ? length : STORE_UPLOAD_PIECE;
        struct store_upload_piece piece = {receiving->offset, bytes, count};
        struct store_upload_offset now = {0};
        if (!store_append_upload(store, &receiving->at, &piece, &now, &error)) {
            request_reply_error(exchange, &error);
            return false;
        }
        bool overtaken = now.offset != receiving->offset + (int64_t)count;
        receiving->offset = now.offset;
        receiving->expires_s = now.expires_s;
        if (*now.outcome.code != '\0' || overtaken) {
            reply_code(exchange, receiving, *now.outcome.code != '\0' ? now.outcome.code : "wrong_offset");
            return false;
        }
        bytes += count;
        length -= count;
    }
    return true;
}

/* All bytes are there: it is queued. */
static bool end_upload(struct exchange *exchange, struct store *store, const struct receiving *receiving)
{
    struct error error = {0};
    struct store_upload_outcome outcome = {0};
    if (!store_end_upload(store, &receiving->at, receiving->offset, NULL, &outcome, &error))
        request_reply_error(exchange, &error);
    else if (*outcome.code != '\0')
        reply_code(exchange, receiving, outcome.code);
    return exchange->status == 0;
}

/* In the loop, once all is stored. */
static void answer_when_judged(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct receiving *receiving = exchange->receiving;
    exchange_wait_longer(exchange, receiving->wait_ms);
    if (upload_jobs_answer(exchange, receiving->at.id, receiving->wait_ms, 201))
        return;
    exchange_reply_problem(exchange, 503, "unavailable",
                           "all bytes are stored, but nobody can wait for the rest; GET the address in Location");
    exchange_finish(exchange);
}

static void finish_tus(struct exchange *exchange, struct store *store)
{
    const struct receiving *receiving = exchange->receiving;
    bool whole = receiving->offset == receiving->size;
    if (whole && !end_upload(exchange, store, receiving))
        return;
    if (whole)
        upload_jobs_wake(exchange->principal, receiving->at.id);
    else
        add_expiry(exchange, receiving->expires_s);
    add_number(exchange, "Upload-Offset", receiving->offset);
    exchange->status = receiving->creates ? 201 : 204;
}

static void finish(struct exchange *exchange, struct store *store)
{
    const struct receiving *receiving = exchange->receiving;
    if (receiving->checked && !upload_fits_checksum(&receiving->checksum, exchange->body, exchange->body_length)) {
        exchange_reply_problem(exchange, 460, "bad_checksum",
                               "the checksum is of other bytes; nothing of these is stored, send them again");
        return;
    }
    if (!append(exchange, store, exchange->body, exchange->body_length))
        return;
    if (receiving->tus)
        finish_tus(exchange, store);
    else if (end_upload(exchange, store, receiving))
        exchange->then = answer_when_judged;
}

/* Nobody can go on with a body that came at once and not to its end. */
static void delete_part(struct exchange *exchange, struct store *store)
{
    const struct receiving *receiving = exchange->receiving;
    struct error error = {0};
    struct store_upload_outcome outcome = {0};
    bool deleted = !receiving->tus && store_delete_upload(store, &receiving->at, &outcome, &error);
    (void)deleted;   /* else it expires */
}

/* What came before the end of a line that was cut stays, where somebody may go on behind it. */
static void end_cut(struct exchange *exchange, struct store *store)
{
    const struct receiving *receiving = exchange->receiving;
    if (receiving->tus && !receiving->checked)
        (void)append(exchange, store, exchange->body, exchange->body_length);
    delete_part(exchange, store);
}

static void refuse_length(struct exchange *exchange)
{
    const struct receiving *receiving = exchange->receiving;
    if (receiving->checked && (receiving->size < 0 || receiving->size - receiving->offset > CHECKED_MOST))
        exchange_reply_problem(exchange, 413, "too_large",
                               "with Upload-Checksum the body may have %d bytes; send smaller pieces", CHECKED_MOST);
    else
        exchange_reply_problem(exchange, 413, "too_large", "the file may have %" PRId64 " bytes",
                               receiving->size >= 0 ? receiving->size : size_limit(exchange));
}

/* What follows the begin is the same for all. */
static void receive_part(struct exchange *exchange, struct store *store)
{
    switch (exchange->body_part) {
    case BODY_AWAITED: break;
    case BODY_PIECE: (void)append(exchange, store, exchange->body, exchange->body_length); break;
    case BODY_LAST: finish(exchange, store); break;
    case BODY_TOO_LONG: refuse_length(exchange); break;
    case BODY_CUT: end_cut(exchange, store); break;
    }
    if (exchange->status >= 400)
        delete_part(exchange, store);
}

/* ---- POST ---- */

static bool read_file_type(struct exchange *exchange)
{
    static const char *const types[] = {"text/csv", "text/plain", "text/tab-separated-values", "application/csv",
                                        "application/vnd.ms-excel", "application/octet-stream", "application/zip",
                                        "application/x-zip-compressed"};
    if (*exchange->content_type == '\0')
        return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (is_type(exchange->content_type, types[i]))
            return true;
    exchange_reply_problem(exchange, 415, "wrong_type",
                           "the body must be the file itself, with `Content-Type: text/csv`: no form, no JSON");
    return false;
}

static bool read_mode(struct exchange *exchange, const char **mode)
{
    *mode = exchange_query(exchange, "commit");
    if (*mode == NULL || strcmp(*mode, "all-or-nothing") == 0 || strcmp(*mode, "good-rows") == 0)
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter",
                           "query parameter `commit` must be all-or-nothing or good-rows; leave it out for a preview");
    return false;
}

static bool read_name(struct exchange *exchange, const char **name)
{
    const char *sent = exchange_query(exchange, "name");
    *name = "unnamed.csv";
    if (!upload_read_metadata(exchange, exchange->fields[FIELD_UPLOAD_METADATA], name)) {
        exchange_reply_problem(exchange, 400, "invalid",
                               "Upload-Metadata must be a list of keys with their values in base64, and `filename` a "
                               "name of 1 to %d characters", UPLOAD_NAME_MOST);
        return false;
    }
    if (sent != NULL)
        *name = upload_base_name(sent);
    if (upload_is_name(*name))
        return true;
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `name` must have 1 to %d characters",
                           UPLOAD_NAME_MOST);
    return false;
}

static bool read_size(struct exchange *exchange, const struct receiving *receiving, int64_t *size)
{
    int64_t limit = size_limit(exchange);
    *size = exchange->body_announced;
    if (receiving->tus && !upload_read_number(exchange->fields[FIELD_UPLOAD_LENGTH], size)) {
        exchange_reply_problem(exchange, 400, "invalid", "Upload-Length must be the size of the file in digits");
        return false;
    }
    if (*size > limit) {
        exchange_reply_problem(exchange, 413, "too_large", "the file may have %" PRId64 " bytes", limit);
        return false;
    }
    if (receiving->tus && exchange->body_announced > *size) {
        exchange_reply_problem(exchange, 413, "too_large", "the body is longer than Upload-Length");
        return false;
    }
    exchange->body_most = (size_t)(*size >= 0 ? *size : limit);
    return true;
}

static bool read_new_upload(struct exchange *exchange, struct receiving *receiving, struct store_new_upload *upload)
{
    static const char *const parameters[] = {"study", "site", "form", "profile", "profile_version", "name", "commit",
                                             "reason", NULL};
    bool has_body = exchange->body_announced != 0;
    if (!request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "site", 1, SITE_MOST, &upload->site) ||
        !request_query_number(exchange, "profile_version", 1, VERSION_MOST, &upload->profile_version) ||
        !read_mode(exchange, &upload->mode) || !read_name(exchange, &upload->name) ||
        !read_size(exchange, receiving, &upload->size) || !read_checksum(exchange, receiving))
        return false;
    upload->form = exchange_query(exchange, "form");
    upload->profile = exchange_query(exchange, "profile");
    upload->reason = exchange_query(exchange, "reason");
    upload->metadata = exchange->fields[FIELD_UPLOAD_METADATA];
    upload->hours = call_of(exchange)->loop->settings->upload_expires_h;
    if (receiving->tus)
        return !has_body || read_piece_type(exchange);
    return read_file_type(exchange);
}

static void refuse_upload(struct exchange *exchange, const char *code)
{
    static const struct {
        const char *code, *text;
    } texts[] = {
        {"unknown_site", "the study has no such site that the token may send for; correct `site`"},
        {"unknown_form", "the study has no such form; correct `form`, or leave it out for the file to say it"},
        {"unknown_profile", "there is no such profile of the site or of the study; correct `profile`"},
        {"bad_name", "`name` must have 1 to 255 characters, none of them a control character"},
        {"bad_mode", "`commit` must be all-or-nothing or good-rows"},
        {"reason_missing", "`reason` must have 5 to 2000 characters that are not blank"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].code, code) == 0) {
            exchange_reply_problem(exchange, 422, code, "%s", texts[i].text);
            return;
        }
    if (strcmp(code, "too_many") == 0)
        exchange_reply_problem(exchange, 429, "too_many_uploads",
                               "the account has too many uploads that are not whole; go on with them, or delete some");
    else
        exchange_reply_problem(exchange, 413, "too_large", "the file may have %" PRId64 " bytes", size_limit(exchange));
}

static void begin_upload(struct exchange *exchange, struct store *store)
{
    struct receiving *receiving = memory_new(exchange, struct receiving);
    struct store_new_upload upload = {0};
    struct store_upload_begun begun = {0};
    struct error error = {0};
    exchange->receiving = receiving;
    receiving->creates = true;
    receiving->tus = exchange->fields[FIELD_TUS_RESUMABLE] != NULL;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !read_version(exchange, false) || !read_new_upload(exchange, receiving, &upload))
        return;
    const struct store_reader reader = request_reader(exchange, study);
    if (!store_begin_upload(store, &reader, &upload, &begun, &error)) {
        request_reply_error(exchange, &error);
        return;
    }
    if (*begun.outcome.code != '\0') {
        refuse_upload(exchange, begun.outcome.code);
        return;
    }
    receiving->at = at_of(&reader, memory_copy_string(exchange, begun.outcome.id));
    receiving->size = upload.size;
    receiving->expires_s = begun.expires_s;
    receiving->wait_ms =
        1000 * upload_read_wait(exchange->fields[FIELD_PREFER], UPLOAD_WAIT_MS / 1000, UPLOAD_WAIT_MOST_MS / 1000);
    exchange->body_resumable = receiving->tus;
    exchange->body_hears_cut = !receiving->tus;
    add_location(exchange, begun.outcome.id);
}

void handle_receive_upload(struct exchange *exchange, struct store *store)
{
    if (exchange->body_part == BODY_AWAITED)
        begin_upload(exchange, store);
    else
        receive_part(exchange, store);
}

/* ---- HEAD, PATCH, DELETE ---- */

static const char *const only_study[] = {"study", NULL};

/* The upload of the path that still waits for bytes, or has just got them; NULL: the exchange has its refusal. */
static const struct store_upload *find_upload(struct exchange *exchange, struct store *store,
                                              struct store_upload_at *at)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    bool asks = study != NULL && request_allow_query(exchange, only_study);
    const char *id = asks ? request_path_uuid(exchange, "id") : NULL;
    if (id == NULL)
        return NULL;
    const struct store_reader reader = request_reader(exchange, study);
    *at = at_of(&reader, id);
    const struct store_upload *upload = store_find_upload(exchange, store, at, &error);
    if (upload == NULL) {
        request_reply_error(exchange, &error);
        return NULL;
    }
    bool late = strcmp(upload->state, "receiving") == 0 && upload->expires_s <= time(NULL);
    if (!late && strcmp(upload->state, "expired") != 0 && strcmp(upload->state, "deleted") != 0)
        return upload;
    exchange_reply_problem(exchange, 410, "upload_expired",
                           "the upload has expired or was deleted, and its bytes are gone; begin a new one");
    return NULL;
}

static bool is_own(const struct exchange *exchange, const struct store_upload *upload)
{
    return strcmp(exchange->principal->account, upload->account) == 0;
}

/* A daemon that ended between the last byte and the end of its upload has left this to do. */
static void end_if_whole(struct exchange *exchange, struct store *store, const struct store_upload_at *at,
                         const struct store_upload *upload)
{
    struct receiving whole = {.at = *at, .offset = upload->received, .size = upload->size};
    bool receiving = strcmp(upload->state, "receiving") == 0;
    if (receiving && upload->received == upload->size && is_own(exchange, upload))
        (void)end_upload(exchange, store, &whole);
    if (!receiving || upload->received == upload->size)
        upload_jobs_wake(exchange->principal, upload->id);
}

void handle_show_upload_offset(struct exchange *exchange, struct store *store)
{
    struct store_upload_at at;
    const struct store_upload *upload = read_version(exchange, false) ? find_upload(exchange, store, &at) : NULL;
    if (upload == NULL)
        return;
    end_if_whole(exchange, store, &at, upload);
    if (exchange->status != 0)
        return;
    exchange_add_header(exchange, "Tus-Resumable", UPLOAD_TUS_VERSION);
    add_number(exchange, "Upload-Offset", upload->received);
    if (upload->size >= 0)
        add_number(exchange, "Upload-Length", upload->size);
    if (upload->metadata != NULL)
        exchange_add_header(exchange, "Upload-Metadata", upload->metadata);
    if (strcmp(upload->state, "receiving") == 0 && upload->received != upload->size)
        add_expiry(exchange, upload->expires_s);
    exchange->status = 200;
}

static bool read_offset(struct exchange *exchange, struct receiving *receiving, const struct store_upload *upload)
{
    int64_t offset = 0;
    receiving->offset = upload->received;
    receiving->size = upload->size;
    receiving->expires_s = upload->expires_s;
    if (!upload_read_number(exchange->fields[FIELD_UPLOAD_OFFSET], &offset))
        exchange_reply_problem(exchange, 400, "invalid",
                               "Upload-Offset must be where these bytes begin, in digits; HEAD tells it");
    else if (strcmp(upload->state, "receiving") != 0 || upload->size < 0)
        reply_code(exchange, receiving, "not_receiving");
    else if (offset != upload->received)
        reply_code(exchange, receiving, "wrong_offset");
    else if (exchange->body_announced > upload->size - upload->received)
        reply_code(exchange, receiving, "too_large");
    exchange->body_most = upload->size > upload->received ? (size_t)(upload->size - upload->received) : 0;
    return exchange->status == 0 && read_checksum(exchange, receiving);
}

static void begin_piece(struct exchange *exchange, struct store *store)
{
    struct receiving *receiving = memory_new(exchange, struct receiving);
    exchange->receiving = receiving;
    receiving->tus = true;
    if (!request_allow_query(exchange, only_study) || !read_version(exchange, true) || !read_piece_type(exchange))
        return;
    const struct store_upload *upload = find_upload(exchange, store, &receiving->at);
    if (upload == NULL)
        return;
    if (!is_own(exchange, upload)) {
        exchange_reply_problem(exchange, 403, "not_allowed", "only the account that began an upload adds to it");
        return;
    }
    exchange->body_resumable = true;
    (void)read_offset(exchange, receiving, upload);
}

void handle_append_upload(struct exchange *exchange, struct store *store)
{
    if (exchange->body_part == BODY_AWAITED)
        begin_piece(exchange, store);
    else
        receive_part(exchange, store);
}

void handle_delete_upload(struct exchange *exchange, struct store *store)
{
    struct store_upload_at at;
    struct store_upload_outcome outcome = {0};
    struct error error = {0};
    const struct store_upload *upload = read_version(exchange, false) ? find_upload(exchange, store, &at) : NULL;
    if (upload == NULL)
        return;
    if (!store_delete_upload(store, &at, &outcome, &error))
        request_reply_error(exchange, &error);
    else if (*outcome.code != '\0')
        exchange_reply_problem(exchange, 409, outcome.code, "%s",
                               strcmp(outcome.code, "under_way") == 0
                                   ? "the upload is being worked on; try again after a moment"
                                   : "the upload is committed; take it back instead");
    else
        exchange->status = 204;
}

/* ---- OPTIONS ---- */

void handle_upload_options(struct exchange *exchange, struct store *store)
{
    (void)store;
    if (!request_allow_query(exchange, only_study))
        return;
    exchange_add_header(exchange, "Tus-Resumable", UPLOAD_TUS_VERSION);
    exchange_add_header(exchange, "Tus-Version", UPLOAD_TUS_VERSION);
    exchange_add_header(exchange, "Tus-Extension", UPLOAD_TUS_EXTENSIONS);
    exchange_add_header(exchange, "Tus-Checksum-Algorithm", UPLOAD_TUS_CHECKSUMS);
    add_number(exchange, "Tus-Max-Size", size_limit(exchange));
    exchange->status = 204;
}
