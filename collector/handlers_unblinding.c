/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the allocation of a masked study, in two requests: of one subject in an emergency, of all for a report. */
#include "collector/handlers.h"

#include <pthread.h>

#include <openssl/crypto.h>

#include "collector/body.h"
#include "collector/problem_details.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/submission.h"

static const char *const no_parameters[] = {NULL};

static const struct body_field request_fields[] = {
    {"request", BODY_UUID, BODY_REQUIRED, 0, NULL},
    {"reason", BODY_TEXT, BODY_REQUIRED, REASON_LENGTH_LIMIT, NULL},
};

static const struct member request_members[] = {
    {"request", MEMBER_TEXT},         {"subject", MEMBER_SUBJECT},      {"state", MEMBER_TEXT},
    {"reason", MEMBER_TEXT},          {"requested_by", MEMBER_TEXT},    {"requested_at", MEMBER_TEXT},
    {"approved_by", MEMBER_NULLABLE}, {"approved_at", MEMBER_NULLABLE}, {NULL, MEMBER_TEXT},
};

void handle_list_unblindings(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_listing *requests = store_ask(exchange, store, CALL_LIST_UNBLINDINGS, &reader,
                                               &(struct store_values){NULL, 0}, &error);
    if (requests == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    record_append_rows(body, "unblindings", requests, request_members);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- of all subjects, for a report ---- */

void handle_request_unblinding(struct exchange *exchange, struct store *store)
{
    const char *given[2] = {NULL};
    if (request_study(exchange) == NULL || !request_allow_query(exchange, no_parameters) ||
        !body_read(exchange, request_fields, 2, given))
        return;
    record_act(exchange, store, CALL_REQUEST_UNBLINDING, given[0], &(struct store_values){given, 2});
}

void handle_approve_unblinding(struct exchange *exchange, struct store *store)
{
    const char *id = record_path_id(exchange, "request");
    if (id == NULL || !body_read(exchange, NULL, 0, NULL))
        return;
    record_act(exchange, store, CALL_APPROVE_UNBLINDING, id, &(struct store_values){&id, 1});
}

/* ---- of one subject ---- */

/* Site and number of the path's subject; false, and a reply, when it is none. */
static bool read_subject(struct exchange *exchange, const char *numbers[2])
{
    int site = 0, number = 0;
    const char *subject = exchange_parameter(exchange, "subject");
    if (request_study(exchange) == NULL || !request_allow_query(exchange, no_parameters))
        return false;
    if (!subject_parse(subject, &site, &number)) {
        exchange_reply_problem(exchange, 404, "not_found", "there is no such subject; its number is like 07-0012");
        return false;
    }
    record_split_subject(exchange, subject, numbers);
    return true;
}

void handle_request_emergency(struct exchange *exchange, struct store *store)
{
    const char *given[2] = {NULL}, *numbers[2] = {NULL};
    if (!read_subject(exchange, numbers) || !body_read(exchange, request_fields, 2, given))
        return;
    const char *const values[] = {numbers[0], numbers[1], given[0], given[1]};
    record_act(exchange, store, CALL_REQUEST_EMERGENCY, given[0], &(struct store_values){values, 4});
}

/* ---- what was sealed ---- */

enum { ROW_CODE, ROW_KNEE, ROW_COHORT, ROW_ENTERED_AT, ROW_ENTRY, ROW_SEALED, ROW_KEY_ID };

static const struct allocation_keys *allocation_keys;    /* or NULL */
static pthread_mutex_t keys_in_use = PTHREAD_MUTEX_INITIALIZER;

void handlers_use_allocation_keys(const struct allocation_keys *keys)
{
    allocation_keys = keys;
}

/* "{ID,ID}", an array of PostgreSQL's. */
static const char *list_keys(const void *owner)
{
    struct text *list = text_new(owner);
    text_append(list, "{");
    for (size_t i = 0; allocation_keys != NULL && i < allocation_keys_count(allocation_keys); i++)
        text_append_format(list, "%s%s", i > 0 ? "," : "", allocation_keys_id(allocation_keys, i));
    text_append(list, "}");
    return list->bytes;
}

/* The cohort of a row whose `sealed` is in hexadecimal. */
static bool open_row(const struct allocation_place *place, const char *sealed, char cohort[ALLOCATION_COHORT_SIZE],
                     struct error *error)
{
    uint8_t bytes[ALLOCATION_SEALED];
    size_t length = 0;
    if (OPENSSL_hexstr2buf_ex(bytes, sizeof bytes, &length, sealed, '\0') != 1)
        length = 0;
    pthread_mutex_lock(&keys_in_use);
    bool opened = allocation_open(allocation_keys, place, bytes, length, cohort, error);
    pthread_mutex_unlock(&keys_in_use);
    return opened;
}

/* Puts cohorts where rows have sealed ones. */
static bool open_rows(struct exchange *exchange, struct store_listing *rows, struct error *error)
{
    struct allocation_place place = {.study = request_study(exchange)->code};
    bool good = subject_parse(exchange_parameter(exchange, "subject"), &place.site, &place.subject);
    for (size_t row = 0; good && row < rows->rows; row++) {
        const char **cells = &rows->cells[row * rows->columns];
        char cohort[ALLOCATION_COHORT_SIZE];
        int64_t entry = 0;
        if (cells[ROW_SEALED] == NULL)
            continue;
        place.knee = cells[ROW_KNEE];
        good = text_to_int64(cells[ROW_ENTRY], &entry);
        place.entry = (int)entry;
        good = good && open_row(&place, cells[ROW_SEALED], cohort, error);
        if (good)
            cells[ROW_COHORT] = memory_copy_string(rows, cohort);
    }
    return good;
}

/* ---- of one subject, the second step ---- */

static void reply_refusal(struct exchange *exchange, const struct store_listing *rows, const char *code)
{
    const char *key = listing_cell(rows, 0, ROW_KEY_ID), *text = problem_details_text(code);
    if (key != NULL)
        text = memory_format(exchange, "%s (key %s)", text, key);
    exchange_reply_problem(exchange, problem_details_status(code), code, "%s", text);
}

static void reply_altered(struct exchange *exchange, const struct error *error)
{
    log_write(LOG_LEVEL_ERROR, "a sealed allocation does not open", "reason", error->message, NULL);
    exchange_reply_problem(exchange, 500, "internal", "what is stored as the arm was altered, or is that of another "
                           "subject; take the sealed envelope of the subject, and tell the operator");
}

/* The first column is the code of a refusal, and NULL here. */
static void reply_allocation(struct exchange *exchange, const struct store_listing *rows)
{
    static const struct member members[] = {{"code", MEMBER_TEXT},
                                            {"knee", MEMBER_TEXT},
                                            {"cohort", MEMBER_TEXT},
                                            {"entered_at", MEMBER_TEXT},
                                            {NULL, MEMBER_TEXT}};
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "subject", exchange_parameter(exchange, "subject"));
    record_append_rows(body, "allocation", rows, members);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_reveal_allocation(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *numbers[2] = {NULL}, *id = record_path_id(exchange, "request");
    if (id == NULL || !read_subject(exchange, numbers) || !body_read(exchange, NULL, 0, NULL))
        return;
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    const char *const values[] = {numbers[0], numbers[1], id, list_keys(exchange)};
    struct store_listing *rows = store_tell(exchange, store, CALL_REVEAL_ALLOCATION, &reader,
                                            &(struct store_values){values, 4}, &error);
    const char *code = rows != NULL && rows->rows > 0 ? listing_cell(rows, 0, ROW_CODE) : NULL;
    if (rows == NULL)
        request_reply_error(exchange, &error);
    else if (code != NULL)
        reply_refusal(exchange, rows, code);
    else if (!open_rows(exchange, rows, &error))
        reply_altered(exchange, &error);
    else
        reply_allocation(exchange, rows);
}
