/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Double entry: another account enters a record again, and what differs is settled item by item. */
#include "collector/handlers.h"

#include <jansson.h>
#include <string.h>

#include "collector/body.h"
#include "collector/metrics.h"
#include "collector/problem_details.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "collector/site_date.h"
#include "forms/base/memory.h"

enum { ITEMS_MOST = 1000 };

static const struct member entry_members[] = {
    {"entry", MEMBER_TEXT},         {"subject", MEMBER_SUBJECT},   {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},          {"visit", MEMBER_TEXT},        {"instance", MEMBER_NUMBER},
    {"version", MEMBER_NUMBER},     {"id", MEMBER_TEXT},           {"state", MEMBER_TEXT},
    {"differences", MEMBER_NUMBER}, {"result", MEMBER_NULLABLE},   {"first_by", MEMBER_TEXT},
    {"recorded_by", MEMBER_TEXT},   {"recorded_at", MEMBER_TEXT},  {NULL, MEMBER_TEXT},
};

static const char *const entry_states[] = {"agrees", "differs", "reconciled", "redacted", NULL};
static const struct record_list entry_list = {CALL_LIST_SECOND_ENTRIES, "second_entries", entry_members,
                                              entry_states};

void handle_list_second_entries(struct exchange *exchange, struct store *store)
{
    record_reply_list(exchange, store, &entry_list);
}

void handle_show_second_entry(struct exchange *exchange, struct store *store)
{
    static const struct member members[] = {
        {"item", MEMBER_TEXT},       {"first", MEMBER_NULLABLE},  {"second", MEMBER_NULLABLE},
        {"choice", MEMBER_NULLABLE}, {"reason", MEMBER_NULLABLE}, {"settled_by", MEMBER_NULLABLE},
        {NULL, MEMBER_TEXT},
    };
    static const struct record_rows items = {CALL_LIST_DIFFERENCES, "items", members};
    record_reply_with_rows(exchange, store, &entry_list, "entry", &items);
}

/* ---- entering ---- */

static void reply_problems(struct exchange *exchange, int status, const char *code, const char *detail,
                           const struct problem_list *problems)
{
    struct text *body = text_new(exchange);
    metrics_count_problem(code);
    problem_details_append(body, status, code, detail, problems);
    exchange_reply_details(exchange, status, body);
}

/* Read and checked as any submission is; NULL and a reply when it does not pass. */
static struct submission *read_entry(struct exchange *exchange, const struct catalogue_study *study)
{
    struct problem_list problems = {0};
    if (!request_is_json(exchange))
        return NULL;
    struct submission_input *input =
        submission_read_json(exchange, exchange->body, exchange->body_length, &problems);
    if (input == NULL) {
        reply_problems(exchange, 400, "malformed", "the entry cannot be read; every problem is listed", &problems);
        return NULL;
    }
    struct submission *entry = submission_check(exchange, &study->catalogue, input,
                                                site_date_of(exchange, study, input), &problems);
    if (entry == NULL)
        reply_problems(exchange, 422, "invalid", "the answers do not pass the form's checks; every problem is "
                       "listed; those that are soft go away with a confirmation and its reason", &problems);
    else if (entry->version != 1 || entry->status != SUBMISSION_COMPLETE)
        exchange_reply_problem(exchange, 422, "invalid", "a second entry is complete and has version 1: it is what "
                               "the source says, entered anew");
    return exchange->status == 0 ? entry : NULL;
}

void handle_enter_second(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    char id[37];
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters))
        return;
    struct submission *entry = read_entry(exchange, study);
    if (entry == NULL)
        return;
    text_from_uuid(entry->id, id);
    const char *const values[] = {
        id, memory_format(exchange, "%d", entry->site), memory_format(exchange, "%d", entry->subject),
        entry->form->id, entry->knee, entry->visit, memory_format(exchange, "%d", entry->instance),
        memory_format(exchange, "%d", entry->form->version), entry->canonical};
    record_act(exchange, store, CALL_ENTER_SECOND, id, &(struct store_values){values, 9});
}

/* ---- settling ---- */

static bool is_choice(const char *choice)
{
    return choice != NULL && (strcmp(choice, "first") == 0 || strcmp(choice, "second") == 0 ||
                              strcmp(choice, "neither") == 0);
}

static bool is_decision(const json_t *decision)
{
    const json_t *reason = json_object_get(decision, "reason");
    const char *item = json_string_value(json_object_get(decision, "item"));
    size_t known = reason != NULL ? 3 : 2;
    return item != NULL && strlen(item) <= 63 && is_choice(json_string_value(json_object_get(decision, "choice"))) &&
           json_object_size(decision) == known &&
           (reason == NULL || (json_is_string(reason) && json_string_length(reason) <= REASON_LENGTH_LIMIT));
}

/* [{"item":...,"choice":...,"reason":...}], as body_read has found it to be an array. */
static bool check_decisions(struct exchange *exchange, const char *list)
{
    size_t index;
    json_t *decision, *decisions = json_loads(list, 0, NULL);
    bool good = json_array_size(decisions) >= 1 && json_array_size(decisions) <= ITEMS_MOST;
    json_array_foreach(decisions, index, decision) {
        good = good && is_decision(decision);
    }
    json_decref(decisions);
    if (!good)
        exchange_reply_problem(exchange, 422, "invalid",
                               "`items` must be a list of 1 to %d objects with `item`, `choice` (first, second or "
                               "neither) and, for neither, `reason`", ITEMS_MOST);
    return good;
}

void handle_reconcile(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {
        {"items", BODY_ARRAY, BODY_REQUIRED, 0, NULL},
        {"result", BODY_UUID, BODY_OPTIONAL, 0, NULL},
    };
    const char *given[2] = {NULL}, *id = record_path_id(exchange, "entry");
    if (id == NULL || !body_read(exchange, fields, 2, given) || !check_decisions(exchange, given[0]))
        return;
    const char *const values[] = {id, given[1], given[0]};
    record_act(exchange, store, CALL_RECONCILE, id, &(struct store_values){values, 3});
}
