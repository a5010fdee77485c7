/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries: questions about an item or a record, answered, closed and reopened. */
#include "collector/handlers.h"

#include <string.h>

#include "collector/body.h"
#include "collector/record_reply.h"
#include "collector/request.h"

enum { WORDS_MOST = 2000, NAME_MOST = 63, INSTANCE_MOST = 9999 };

static const struct member query_members[] = {
    {"query", MEMBER_TEXT},       {"subject", MEMBER_SUBJECT},  {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},        {"visit", MEMBER_TEXT},       {"instance", MEMBER_NUMBER},
    {"version", MEMBER_NUMBER},   {"item", MEMBER_NULLABLE},    {"state", MEMBER_TEXT},
    {"text", MEMBER_TEXT},        {"opened_by", MEMBER_TEXT},   {"opened_at", MEMBER_TEXT},
    {"changed_by", MEMBER_TEXT},  {"changed_at", MEMBER_TEXT},  {NULL, MEMBER_TEXT},
};

static const char *const query_states[] = {"open", "answered", "closed", NULL};
static const struct record_list query_list = {CALL_LIST_QUERIES, "queries", query_members, query_states};

void handle_list_queries(struct exchange *exchange, struct store *store)
{
    record_reply_list(exchange, store, &query_list);
}

/* ---- one query ---- */

static const struct member event_members[] = {
    {"number", MEMBER_NUMBER},    {"kind", MEMBER_TEXT},        {"text", MEMBER_TEXT},
    {"recorded_by", MEMBER_TEXT}, {"recorded_at", MEMBER_TEXT}, {NULL, MEMBER_TEXT},
};

void handle_show_query(struct exchange *exchange, struct store *store)
{
    static const struct record_rows events = {CALL_LIST_QUERY_EVENTS, "events", event_members};
    record_reply_with_rows(exchange, store, &query_list, "query", &events);
}

/* ---- opening one ---- */

static const char *const knees[] = {"none", "left", "right", NULL};

enum {
    QUERY_ID,
    QUERY_SUBJECT,
    QUERY_FORM,
    QUERY_KNEE,
    QUERY_VISIT,
    QUERY_INSTANCE,
    QUERY_ITEM,
    QUERY_TEXT,
    QUERY_FIELDS
};

static const struct body_field query_fields[QUERY_FIELDS] = {
    [QUERY_ID] = {"query", BODY_UUID, BODY_REQUIRED, 0, NULL},
    [QUERY_SUBJECT] = {"subject", BODY_SUBJECT, BODY_REQUIRED, 0, NULL},
    [QUERY_FORM] = {"form", BODY_NAME, BODY_REQUIRED, NAME_MOST, NULL},
    [QUERY_KNEE] = {"knee", BODY_CHOICE, BODY_OPTIONAL, 0, knees},
    [QUERY_VISIT] = {"visit", BODY_NAME, BODY_OPTIONAL, NAME_MOST, NULL},
    [QUERY_INSTANCE] = {"instance", BODY_NUMBER, BODY_OPTIONAL, INSTANCE_MOST, NULL},
    [QUERY_ITEM] = {"item", BODY_NAME, BODY_OPTIONAL, NAME_MOST, NULL},
    [QUERY_TEXT] = {"text", BODY_TEXT, BODY_REQUIRED, WORDS_MOST, NULL},
};

static bool has_visit(const struct protocol *protocol, const char *visit)
{
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (strcmp(protocol->visits[i].id, visit) == 0)
            return true;
    return strcmp(visit, "unscheduled") == 0;
}

/* An item counts when any version of the form has it: the record may be of an old one. */
static bool has_item(const struct catalogue *catalogue, const char *form, const char *item)
{
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (strcmp(catalogue->forms[i]->id, form) == 0 &&
            form_find_item(catalogue->forms[i], item) != FORM_NONE)
            return true;
    return false;
}

/* What the database knows nothing of: visits and items. */
static bool check_place(struct exchange *exchange, const struct catalogue *catalogue, const char *const *fields)
{
    const char *item = fields[QUERY_ITEM];
    if (!has_visit(catalogue->protocol, fields[QUERY_VISIT]))
        exchange_reply_problem(exchange, 422, "invalid",
                               "`visit` must be a visit of the protocol, or unscheduled");
    else if (item != NULL && !has_item(catalogue, fields[QUERY_FORM], item))
        exchange_reply_problem(exchange, 422, "invalid", "`item` must be an item of the form; leave it out for a "
                               "query about the record as a whole");
    return exchange->status == 0;
}

void handle_open_query(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    const char *fields[QUERY_FIELDS] = {NULL}, *numbers[2] = {NULL};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !body_read(exchange, query_fields, QUERY_FIELDS, fields))
        return;
    fields[QUERY_KNEE] = fields[QUERY_KNEE] != NULL ? fields[QUERY_KNEE] : "none";
    fields[QUERY_VISIT] = fields[QUERY_VISIT] != NULL ? fields[QUERY_VISIT] : "unscheduled";
    fields[QUERY_INSTANCE] = fields[QUERY_INSTANCE] != NULL ? fields[QUERY_INSTANCE] : "1";
    if (!check_place(exchange, &study->catalogue, fields))
        return;
    record_split_subject(exchange, fields[QUERY_SUBJECT], numbers);
    const char *const values[] = {fields[QUERY_ID],    numbers[0],             numbers[1],
                                  fields[QUERY_FORM],  fields[QUERY_KNEE],     fields[QUERY_VISIT],
                                  fields[QUERY_INSTANCE], fields[QUERY_ITEM],  fields[QUERY_TEXT]};
    record_act(exchange, store, CALL_OPEN_QUERY, fields[QUERY_ID], &(struct store_values){values, 9});
}

/* ---- what follows ---- */

static void add_event(struct exchange *exchange, struct store *store, const char *kind)
{
    static const struct body_field fields[] = {{"text", BODY_TEXT, BODY_REQUIRED, WORDS_MOST, NULL}};
    const char *text = NULL, *id = record_path_id(exchange, "query");
    if (id == NULL || !body_read(exchange, fields, 1, &text))
        return;
    const char *const values[] = {id, kind, text};
    record_act(exchange, store, CALL_ADD_QUERY_EVENT, id, &(struct store_values){values, 3});
}

void handle_answer_query(struct exchange *exchange, struct store *store)
{
    add_event(exchange, store, "answered");
}

void handle_close_query(struct exchange *exchange, struct store *store)
{
    add_event(exchange, store, "closed");
}

void handle_reopen_query(struct exchange *exchange, struct store *store)
{
    add_event(exchange, store, "reopened");
}
