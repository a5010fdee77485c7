/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the allocation of a masked study, in two requests: of one subject in an emergency, of all for a report. */
#include "collector/handlers.h"

#include "collector/body.h"
#include "collector/problem_details.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "forms/json_write.h"
#include "forms/submission.h"

static const char *const no_parameters[] = {NULL};

static const struct body_field request_fields[] = {
    {"request", BODY_UUID, true, 0, NULL},
    {"reason", BODY_TEXT, true, REASON_LENGTH_LIMIT, NULL},
};

/* Of a report: it may have no subject. */
static const struct member study_members[] = {
    {"state", MEMBER_TEXT},        {"reason", MEMBER_TEXT},          {"requested_by", MEMBER_TEXT},
    {"requested_at", MEMBER_TEXT}, {"approved_by", MEMBER_NULLABLE}, {"approved_at", MEMBER_NULLABLE},
    {NULL, MEMBER_TEXT},
};

enum { COLUMN_REQUEST, COLUMN_SITE, COLUMN_SUBJECT, COLUMN_STATE };

static void append_request(struct text *out, const struct store_table *table, size_t row)
{
    static const struct member subject[] = {{"subject", MEMBER_SUBJECT}, {NULL, MEMBER_TEXT}};
    const struct store_table rest = {1, table->columns - COLUMN_STATE,
                                     &table->cells[row * table->columns + COLUMN_STATE]};
    const struct store_table place = {1, 2, &table->cells[row * table->columns + COLUMN_SITE]};
    json_text(out, "request", store_cell(table, row, COLUMN_REQUEST));
    if (store_cell(table, row, COLUMN_SUBJECT) != NULL)
        record_append_row(out, &place, 0, subject);
    record_append_row(out, &rest, 0, study_members);
}

void handle_list_unblindings(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_table *requests = store_ask(exchange, store, CALL_LIST_UNBLINDINGS, &reader,
                                             &(struct store_values){NULL, 0}, &error);
    if (requests == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"unblindings\":[");
    for (size_t row = 0; row < requests->rows; row++) {
        text_append(body, row > 0 ? ",{" : "{");
        append_request(body, requests, row);
        text_append(body, "}");
    }
    text_append(body, "]}");
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

static void reply_allocation(struct exchange *exchange, const struct store_table *rows)
{
    static const struct member members[] = {
        {"knee", MEMBER_TEXT}, {"cohort", MEMBER_TEXT}, {"entered_at", MEMBER_TEXT}, {NULL, MEMBER_TEXT}};
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "subject", exchange_parameter(exchange, "subject"));
    json_key(body, "allocation");
    text_append(body, "[");
    for (size_t row = 0; row < rows->rows; row++) {
        const struct store_table entry = {1, 3, &rows->cells[row * rows->columns + 1]};
        text_append(body, row > 0 ? ",{" : "{");
        record_append_row(body, &entry, 0, members);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

void handle_reveal_allocation(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *numbers[2] = {NULL}, *id = record_path_id(exchange, "request");
    if (id == NULL || !read_subject(exchange, numbers) || !body_read(exchange, NULL, 0, NULL))
        return;
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    const char *const values[] = {numbers[0], numbers[1], id};
    struct store_table *rows = store_tell(exchange, store, CALL_REVEAL_ALLOCATION, &reader,
                                          &(struct store_values){values, 3}, &error);
    const char *code = rows != NULL && rows->rows > 0 ? store_cell(rows, 0, 0) : NULL;
    if (rows == NULL)
        request_reply_error(exchange, &error);
    else if (code != NULL)
        exchange_reply_problem(exchange, problem_details_status(code), code, "%s", problem_details_text(code));
    else
        reply_allocation(exchange, rows);
}
