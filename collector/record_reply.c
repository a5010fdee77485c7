/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/record_reply.h"

#include <stdio.h>
#include <string.h>

#include "collector/json_reply.h"
#include "collector/problem_details.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/submission.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000 };

/* What a list is asked for, as texts in the order of its function. */
enum { LIST_ONE, LIST_SITE, LIST_SUBJECT, LIST_STATE, LIST_AFTER_SITE, LIST_AFTER_ID, LIST_MOST, LIST_VALUES };

/* Columns of every list. */
enum { COLUMN_ID, COLUMN_SITE, COLUMN_SUBJECT };

/* Columns of an outcome. */
enum { OUTCOME_CODE, OUTCOME_NUMBER, OUTCOME_AT };

/* Of a column that is an int and never NULL. */
static int number_of(const char *value)
{
    int64_t number = 0;
    return text_to_int64(value, &number) ? (int)number : 0;
}

static void append_member(struct text *out, const struct store_listing *table, size_t row, size_t column,
                          const struct member *member)
{
    const char *value = listing_cell(table, row, column);
    char subject[SUBJECT_TEXT_SIZE];
    switch (member->kind) {
    case MEMBER_TEXT:
        json_text(out, member->name, value);
        break;
    case MEMBER_NULLABLE:
        json_reply_nullable(out, member->name, value);
        break;
    case MEMBER_NUMBER:
    case MEMBER_JSON:
        json_key(out, member->name);
        text_append(out, value != NULL ? value : "null");
        break;
    case MEMBER_BOOLEAN:
        json_boolean(out, member->name, value != NULL && strcmp(value, "t") == 0);
        break;
    case MEMBER_SUBJECT:
        if (value == NULL)
            break;
        subject_format(number_of(value), number_of(listing_cell(table, row, column + 1)), subject);
        json_text(out, member->name, subject);
        break;
    }
}

void record_append_members(struct text *out, const struct store_listing *table, size_t row,
                           const struct member *members)
{
    size_t column = 0;
    for (const struct member *member = members; member->name != NULL; member++) {
        append_member(out, table, row, column, member);
        column += member->kind == MEMBER_SUBJECT ? 2 : 1;
    }
}

void record_append_rows(struct text *out, const char *key, const struct store_listing *table,
                        const struct member *members)
{
    json_key(out, key);
    text_append(out, "[");
    for (size_t row = 0; row < table->rows; row++) {
        text_append(out, row > 0 ? ",{" : "{");
        record_append_members(out, table, row, members);
        text_append(out, "}");
    }
    text_append(out, "]");
}

void record_split_subject(const void *owner, const char *subject, const char *numbers[2])
{
    int site = 0, number = 0;
    if (!subject_parse(subject, &site, &number))
        return;
    numbers[0] = memory_format(owner, "%d", site);
    numbers[1] = memory_format(owner, "%d", number);
}

/* ---- lists ---- */

static bool read_state(struct exchange *exchange, const char *const *states, const char **state)
{
    *state = exchange_query(exchange, "state");
    if (*state == NULL)
        return true;
    struct text *known = text_new(exchange);
    for (size_t i = 0; states[i] != NULL; i++) {
        if (strcmp(states[i], *state) == 0)
            return true;
        text_append_format(known, "%s%s", i > 0 ? ", " : "", states[i]);
    }
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `state` must be one of %s",
                           known->bytes);
    return false;
}

static bool read_filter(struct exchange *exchange, const struct record_list *list, const char **values,
                        int *most)
{
    static const char *const with_state[] = {"subject", "state", "after", "limit", NULL};
    static const char *const without[] = {"subject", "after", "limit", NULL};
    const char *const *parameters = list->states != NULL ? with_state : without;
    int subject[2], after_site = 0;
    *most = PAGE_DEFAULT;
    if (!request_allow_query(exchange, parameters) || !request_query_subject(exchange, "subject", subject) ||
        !request_query_number(exchange, "limit", 1, PAGE_MOST, most) ||
        !request_query_record(exchange, "after", &after_site, &values[LIST_AFTER_ID]) ||
        (list->states != NULL && !read_state(exchange, list->states, &values[LIST_STATE])))
        return false;
    if (subject[0] != 0)
        record_split_subject(exchange, exchange_query(exchange, "subject"), &values[LIST_SITE]);
    if (after_site != 0)
        values[LIST_AFTER_SITE] = memory_format(exchange, "%d", after_site);
    values[LIST_MOST] = memory_format(exchange, "%d", *most);
    return true;
}

static void append_next(struct text *out, const struct store_listing *table, size_t most)
{
    char next[64];
    bool full = table->rows == most;
    if (full)
        snprintf(next, sizeof next, "%s.%s", listing_cell(table, table->rows - 1, COLUMN_SITE),
                 listing_cell(table, table->rows - 1, COLUMN_ID));
    json_reply_nullable(out, "next", full ? next : NULL);
}

static struct store_listing *ask(struct exchange *exchange, struct store *store,
                                 const struct catalogue_study *study, enum store_call call,
                                 const char *const *values)
{
    struct error error = {0};
    struct store_reader reader = request_reader(exchange, study);
    const struct store_values given = {values, LIST_VALUES};
    struct store_listing *table = store_ask(exchange, store, call, &reader, &given, &error);
    if (table == NULL)
        request_reply_error(exchange, &error);
    return table;
}

void record_reply_list(struct exchange *exchange, struct store *store, const struct record_list *list)
{
    const char *values[LIST_VALUES] = {NULL};
    int most = 0;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !read_filter(exchange, list, values, &most))
        return;
    struct store_listing *table = ask(exchange, store, study, list->call, values);
    if (table == NULL)
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    record_append_rows(body, list->key, table, list->members);
    append_next(body, table, (size_t)most);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

const char *record_path_id(struct exchange *exchange, const char *name)
{
    static const char *const parameters[] = {NULL};
    const char *id = request_study(exchange) != NULL ? request_path_uuid(exchange, name) : NULL;
    return id != NULL && request_allow_query(exchange, parameters) ? id : NULL;
}

struct store_listing *record_find(struct exchange *exchange, struct store *store, const struct record_list *list,
                                  const char *id)
{
    const char *values[LIST_VALUES] = {[LIST_ONE] = id, [LIST_MOST] = "1"};
    struct store_listing *table = ask(exchange, store, request_study(exchange), list->call, values);
    if (table == NULL || table->rows == 1)
        return table;
    exchange_reply_problem(exchange, 404, "not_found", "there is nothing at this address that the token may see");
    return NULL;
}

void record_reply_with_rows(struct exchange *exchange, struct store *store, const struct record_list *list,
                            const char *name, const struct record_rows *rows)
{
    struct error error = {0};
    const char *id = record_path_id(exchange, name);
    struct store_listing *row = id != NULL ? record_find(exchange, store, list, id) : NULL;
    if (row == NULL)
        return;
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    const char *const values[] = {listing_cell(row, 0, COLUMN_SITE), listing_cell(row, 0, COLUMN_ID)};
    const struct store_values given = {values, 2};
    struct store_listing *further = store_ask(exchange, store, rows->call, &reader, &given, &error);
    if (further == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    record_append_members(body, row, 0, list->members);
    record_append_rows(body, rows->key, further, rows->members);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- acts ---- */

void record_act(struct exchange *exchange, struct store *store, enum store_call call, const char *id,
                const struct store_values *values)
{
    struct error error = {0};
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    struct store_listing *outcome = store_tell(exchange, store, call, &reader, values, &error);
    if (outcome == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    const char *code = listing_cell(outcome, 0, OUTCOME_CODE);
    if (code != NULL) {
        exchange_reply_problem(exchange, problem_details_status(code), code, "%s", problem_details_text(code));
        return;
    }
    static const struct member members[] = {
        {"number", MEMBER_NUMBER}, {"recorded_at", MEMBER_TEXT}, {NULL, MEMBER_TEXT},
    };
    const struct store_listing event = {1, 2, &outcome->cells[OUTCOME_NUMBER]};
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "id", id);
    record_append_members(body, &event, 0, members);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}
