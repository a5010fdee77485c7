/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Uploads that have arrived: the ledger, one of them, its rows, and what is decided about it. */
#include "collector/handlers.h"

#include <string.h>

#include "collector/body.h"
#include "collector/json_reply.h"
#include "collector/request.h"
#include "collector/upload_jobs.h"
#include "collector/upload_receipt.h"
#include "collector/upload_refused.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum {
    LIST_LIMIT = 100,
    LIST_MOST = 1000,
    SITE_MOST = 9999,
    REASON_MOST = 1000,
    WAIT_MOST_S = UPLOAD_WAIT_MOST_MS / 1000
};

static const char *const upload_states[] = {"receiving", "queued", "checking", "refused", "previewed", "committing",
                                            "committed", "taking_back", "taken_back", "repeated", "expired", "deleted",
                                            NULL};
static const char *const row_verdicts[] = {"new", "changed", "unchanged", "refused", "warned", NULL};

/* One of `words` in the query, NULL when absent; false and a reply for anything else. */
static bool query_word(struct exchange *exchange, const char *name, const char *const *words, const char **word)
{
    *word = exchange_query(exchange, name);
    if (*word == NULL)
        return true;
    struct text *list = text_new(exchange);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], *word) == 0)
            return true;
        text_append_format(list, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `%s` must be one of %s", name,
                           list->bytes);
    return false;
}

/* ---- the ledger ---- */

void handle_list_uploads(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"study", "site", "state", "after", "limit", NULL};
    struct error error = {0};
    struct store_upload_filter filter = {.most = LIST_LIMIT};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "site", 1, SITE_MOST, &filter.site) ||
        !request_query_number(exchange, "limit", 1, LIST_MOST, &filter.most) ||
        !request_query_uuid(exchange, "after", &filter.after) ||
        !query_word(exchange, "state", upload_states, &filter.state))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_uploads *uploads = store_list_uploads(exchange, store, &reader, &filter, &error);
    if (uploads == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"uploads\":[");
    for (size_t i = 0; i < uploads->count; i++) {
        text_append(body, i > 0 ? "," : "");
        upload_append_json(body, exchange->principal, &uploads->rows[i], NULL);
    }
    text_append(body, "]");
    bool full = uploads->count == (size_t)filter.most;
    json_reply_nullable(body, "next", full ? uploads->rows[uploads->count - 1].id : NULL);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- one upload ---- */

/* Seconds in ?wait=, as milliseconds; -1 and a reply when it is no such number. */
static int query_wait(struct exchange *exchange, int unsaid_s)
{
    int wait_s = unsaid_s;
    if (!request_query_number(exchange, "wait", 0, WAIT_MOST_S, &wait_s))
        return -1;
    exchange_wait_longer(exchange, wait_s * 1000);
    return wait_s * 1000;
}

static void reply_full(struct exchange *exchange)
{
    exchange_reply_problem(exchange, 503, "unavailable", "too many requests wait for uploads; try again");
    exchange_finish(exchange);
}

void handle_show_upload(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"study", "wait", NULL};
    (void)store;
    const char *id = request_study(exchange) != NULL ? request_path_uuid(exchange, "id") : NULL;
    int wait_ms = id != NULL && request_allow_query(exchange, parameters) ? query_wait(exchange, 0) : -1;
    if (wait_ms < 0)
        exchange_finish(exchange);
    else if (!upload_jobs_answer(exchange, id, wait_ms, 200))
        reply_full(exchange);
}

/* ---- its rows ---- */

void handle_list_upload_rows(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"study", "verdict", "after", "limit", NULL};
    struct error error = {0};
    struct store_upload_row_filter filter = {.most = LIST_LIMIT};
    const struct catalogue_study *study = request_study(exchange);
    const char *id = study != NULL ? request_path_uuid(exchange, "id") : NULL;
    if (id == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "after", 0, INT32_MAX, &filter.after) ||
        !request_query_number(exchange, "limit", 1, LIST_MOST, &filter.most) ||
        !query_word(exchange, "verdict", row_verdicts, &filter.verdict))
        return;
    struct store_upload_at at = {exchange->principal->token, study->study_id, id};
    struct store_upload_rows *rows = store_list_upload_rows(exchange, store, &at, &filter, &error);
    if (rows == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"rows\":[");
    for (size_t i = 0; i < rows->count; i++) {
        const struct store_upload_row *row = &rows->rows[i];
        text_append_format(body, "%s{\"line\":%d", i > 0 ? "," : "", row->line);
        json_text(body, "verdict", row->verdict);
        json_reply_nullable(body, "record", row->record);
        text_append_format(body, ",%s", row->detail + 1);   /* the members of an object, and its end */
    }
    text_append(body, "],\"next\":");
    if (rows->count == (size_t)filter.most)
        text_append_integer(body, rows->rows[rows->count - 1].line);
    else
        text_append(body, "null");
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* A name that the site's machine can keep the file under. */
static const char *disposition(const void *owner, const char *name)
{
    size_t length = strlen(name);
    if (length > 4 && (strcmp(name + length - 4, ".csv") == 0 || strcmp(name + length - 4, ".zip") == 0))
        length -= 4;
    char *header = memory_format(owner, "attachment; filename=\"%.*s-refused.csv\"", (int)length, name);
    for (char *c = header + strlen("attachment; filename=\""); c[0] != '\0' && c[1] != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c >= 0x7f || (unsigned char)*c < 0x20)
            *c = '_';
    return header;
}

void handle_download_refused(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"study", NULL};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    const char *id = study != NULL ? request_path_uuid(exchange, "id") : NULL;
    if (id == NULL || !request_allow_query(exchange, parameters))
        return;
    struct store_upload_at at = {exchange->principal->token, study->study_id, id};
    struct store_upload *upload = store_find_upload(exchange, store, &at, &error);
    if (upload == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct upload_refused *refused = upload_refused_new(exchange, &at, upload);
    if (refused == NULL) {
        exchange_reply_problem(exchange, 404, "not_found", "no rows of this upload are kept; they are for 30 days "
                               "after it was read");
        return;
    }
    exchange_add_header(exchange, "Content-Disposition", disposition(exchange, upload->name));
    exchange_add_header(exchange, "Content-Security-Policy", REPLY_POLICY "; sandbox");
    request_reply_stream(exchange, store, upload_refused_type(refused), upload_refused_write, refused);
}

/* ---- what is decided ---- */

/* The upload's id and how long to wait; NULL and a reply when the address does not fit. */
static const char *order_of(struct exchange *exchange, int *wait_ms)
{
    static const char *const parameters[] = {"study", "wait", NULL};
    const char *id = request_study(exchange) != NULL ? request_path_uuid(exchange, "id") : NULL;
    if (id == NULL || !request_allow_query(exchange, parameters))
        return NULL;
    *wait_ms = query_wait(exchange, UPLOAD_WAIT_MS / 1000);
    return *wait_ms >= 0 ? id : NULL;
}

static void give_order(struct exchange *exchange, const char *id, const struct upload_order *order, int wait_ms)
{
    struct upload_order *kept = memory_new(exchange, struct upload_order);
    *kept = *order;
    if (!upload_jobs_order(exchange, id, kept, wait_ms))
        reply_full(exchange);
}

void handle_commit_upload(struct exchange *exchange, struct store *store)
{
    static const char *const modes[] = {"all-or-nothing", "good-rows", NULL};
    static const struct body_field fields[] = {
        {"token", BODY_SHA256, BODY_REQUIRED, 0, NULL},
        {"mode", BODY_CHOICE, BODY_REQUIRED, 0, modes},
        {"reason", BODY_TEXT, BODY_OPTIONAL, REASON_MOST, NULL},
    };
    enum { TOKEN, MODE, REASON, FIELDS };
    const char *values[FIELDS];
    int wait_ms = 0;
    (void)store;
    const char *id = order_of(exchange, &wait_ms);
    if (id == NULL || !body_read(exchange, fields, FIELDS, values)) {
        exchange_finish(exchange);
        return;
    }
    char *token_sha256 = memory_new_array(exchange, char, 65);
    upload_sha256_of(values[TOKEN], token_sha256);
    struct upload_order commit = {UPLOAD_COMMIT, token_sha256, values[MODE], values[REASON]};
    give_order(exchange, id, &commit, wait_ms);
}

void handle_take_back_upload(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {{"reason", BODY_TEXT, BODY_REQUIRED, REASON_MOST, NULL}};
    const char *reason = NULL;
    int wait_ms = 0;
    (void)store;
    const char *id = order_of(exchange, &wait_ms);
    if (id == NULL || !body_read(exchange, fields, 1, &reason)) {
        exchange_finish(exchange);
        return;
    }
    struct upload_order take_back = {.kind = UPLOAD_TAKE_BACK, .reason = reason};
    give_order(exchange, id, &take_back, wait_ms);
}
