/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Drafts: what was typed into a form and not submitted; seen by who types only. */
#include "collector/handlers.h"

#include <string.h>

#include "collector/body.h"
#include "collector/json_body.h"
#include "collector/metrics.h"
#include "collector/problem_details.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { ID_LENGTH = 63, DATE_LENGTH = 40, REASON_LENGTH = 2000, NUMBER_MOST = 1000000000 };

/* Columns of api.list_drafts that are looked at here. */
enum { COLUMN_CONTENT = 12 };

static const struct member draft_members[] = {
    {"id", MEMBER_TEXT},         {"subject", MEMBER_SUBJECT}, {"form", MEMBER_TEXT},
    {"form_version", MEMBER_NUMBER}, {"knee", MEMBER_TEXT},   {"visit", MEMBER_TEXT},
    {"instance", MEMBER_NUMBER}, {"version", MEMBER_NUMBER},  {"revision", MEMBER_NUMBER},
    {"made_at", MEMBER_TEXT},    {"saved_at", MEMBER_TEXT},   {NULL, MEMBER_TEXT},
};
static const struct record_list draft_list = {CALL_LIST_DRAFTS, "drafts", draft_members, NULL};

void handle_list_drafts(struct exchange *exchange, struct store *store)
{
    record_reply_list(exchange, store, &draft_list);
}

/* {...}: the columns, and behind them what was typed, which is an object with members. */
static void append_draft(struct text *out, const struct store_listing *table)
{
    text_append(out, "{");
    record_append_members(out, table, 0, draft_members);
    text_append_format(out, ",%s", listing_cell(table, 0, COLUMN_CONTENT) + 1);
}

void handle_show_draft(struct exchange *exchange, struct store *store)
{
    const char *id = record_path_id(exchange, "draft");
    struct store_listing *row = id != NULL ? record_find(exchange, store, &draft_list, id) : NULL;
    if (row == NULL)
        return;
    struct text *body = text_new(exchange);
    append_draft(body, row);
    exchange_reply_json(exchange, 200, body);
}

void handle_drop_draft(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *id = record_path_id(exchange, "draft");
    if (id == NULL)
        return;
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    if (store_tell(exchange, store, CALL_DROP_DRAFT, &reader, &(struct store_values){&id, 1}, &error) == NULL)
        request_reply_error(exchange, &error);
    else
        exchange->status = 204;
}

/* ---- saving ---- */

enum {
    FIELD_SUBJECT, FIELD_KNEE, FIELD_FORM, FIELD_FORM_VERSION, FIELD_VISIT, FIELD_INSTANCE, FIELD_VERSION,
    FIELD_REVISION,
    FIELD_ANSWERS, FIELD_NOT_ANSWERED, FIELD_CONFIRMED, FIELD_DATE, FIELD_REASON, FIELD_SECTION, FIELD_SECOND_OF,
    DRAFT_FIELDS
};

static const char *const knees[] = {"none", "left", "right", NULL};

static const struct body_field draft_fields[DRAFT_FIELDS] = {
    [FIELD_SUBJECT] = {.name = "subject", .kind = BODY_SUBJECT, .need = BODY_REQUIRED},
    [FIELD_KNEE] = {.name = "knee", .kind = BODY_CHOICE, .need = BODY_REQUIRED, .choices = knees},
    [FIELD_FORM] = {.name = "form", .kind = BODY_NAME, .need = BODY_REQUIRED, .most = ID_LENGTH},
    [FIELD_FORM_VERSION] = {.name = "form_version", .kind = BODY_NUMBER, .need = BODY_REQUIRED, .most = 9999},
    [FIELD_VISIT] = {.name = "visit", .kind = BODY_NAME, .need = BODY_REQUIRED, .most = ID_LENGTH},
    [FIELD_INSTANCE] = {.name = "instance", .kind = BODY_NUMBER, .need = BODY_REQUIRED, .most = 9999},
    [FIELD_VERSION] = {.name = "version", .kind = BODY_NUMBER, .need = BODY_REQUIRED, .most = NUMBER_MOST},
    [FIELD_REVISION] = {.name = "revision", .kind = BODY_COUNT, .need = BODY_REQUIRED, .most = NUMBER_MOST},
    [FIELD_ANSWERS] = {.name = "answers", .kind = BODY_OBJECT, .need = BODY_REQUIRED},
    [FIELD_NOT_ANSWERED] = {.name = "not_answered", .kind = BODY_OBJECT, .need = BODY_NULLABLE},
    [FIELD_CONFIRMED] = {.name = "confirmed", .kind = BODY_ARRAY, .need = BODY_NULLABLE},
    [FIELD_DATE] = {.name = "date", .kind = BODY_NAME, .most = DATE_LENGTH, .need = BODY_NULLABLE},
    [FIELD_REASON] = {.name = "reason", .kind = BODY_TEXT, .most = REASON_LENGTH, .need = BODY_NULLABLE},
    [FIELD_SECTION] = {.name = "section", .kind = BODY_NAME, .most = ID_LENGTH, .need = BODY_NULLABLE},
    [FIELD_SECOND_OF] = {.name = "second_of", .kind = BODY_UUID, .need = BODY_NULLABLE},
};

/* Of an object as JSON text: names of items, and single values. */
static bool has_single_values(struct exchange *exchange, const char *name, const char *object)
{
    const char *key;
    json_t *value, *values = json_loads(object, 0, NULL);
    bool good = true;
    json_object_foreach(values, key, value) {
        good = good && strlen(key) <= ID_LENGTH && !json_is_object(value) && !json_is_array(value);
    }
    json_decref(values);
    if (!good)
        exchange_reply_problem(exchange, 422, "invalid", "`%s` must hold a text, a number or true or false for each "
                               "item", name);
    return good;
}

static void append_text_or_null(struct text *out, const char *key, const char *value)
{
    json_key(out, key);
    if (value != NULL)
        text_append_json(out, value);
    else
        text_append(out, "null");
}

/* What the database keeps as one text. */
static const char *write_content(const void *owner, const char *const *given)
{
    struct text *out = text_new(owner);
    text_append(out, "{");
    for (int field = FIELD_ANSWERS; field <= FIELD_CONFIRMED; field++) {
        json_key(out, draft_fields[field].name);
        text_append(out, given[field] != NULL ? given[field] : field == FIELD_CONFIRMED ? "[]" : "{}");
    }
    for (int field = FIELD_DATE; field < DRAFT_FIELDS; field++)
        append_text_or_null(out, draft_fields[field].name, given[field]);
    text_append(out, "}");
    return out->bytes;
}

static bool knows_form(struct exchange *exchange, const char *form, const char *version)
{
    int64_t number = 0;
    const struct catalogue_study *study = request_study(exchange);
    bool known = text_to_int64(version, &number) &&
                 catalogue_find_form(&study->catalogue, form, (int)number) != NULL;
    if (!known)
        exchange_reply_problem(exchange, problem_details_status("unknown_form"), "unknown_form", "%s",
                               problem_details_text("unknown_form"));
    return known;
}

static void reply_saved(struct exchange *exchange, struct store *store, const char *id)
{
    struct store_listing *row = record_find(exchange, store, &draft_list, id);
    if (row == NULL)
        return;
    struct text *body = text_new(exchange);
    append_draft(body, row);
    exchange_reply_json(exchange, 200, body);
}

/* The problem, with what is stored as `draft`, or null when it was dropped. */
static void reply_changed(struct exchange *exchange, struct store *store, const char *id)
{
    const char *const values[] = {id, NULL, NULL, NULL, NULL, NULL, "1"};
    struct error error = {0};
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    struct store_listing *row =
        store_ask(exchange, store, CALL_LIST_DRAFTS, &reader, &(struct store_values){values, 7}, &error);
    if (row == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    problem_details_append(body, 409, "draft_changed", problem_details_text("draft_changed"), NULL);
    body->bytes[--body->length] = '\0';   /* the closing bracket */
    json_key(body, "draft");
    if (row->rows == 1)
        append_draft(body, row);
    else
        text_append(body, "null");
    text_append(body, "}");
    metrics_count_problem("draft_changed");
    exchange_reply_details(exchange, 409, body);
}

void handle_put_draft(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *given[DRAFT_FIELDS] = {NULL}, *subject[2] = {NULL}, *id = record_path_id(exchange, "draft");
    if (id == NULL || !body_read(exchange, draft_fields, DRAFT_FIELDS, given) ||
        !has_single_values(exchange, "answers", given[FIELD_ANSWERS]) ||
        (given[FIELD_NOT_ANSWERED] != NULL &&
         !has_single_values(exchange, "not_answered", given[FIELD_NOT_ANSWERED])) ||
        !knows_form(exchange, given[FIELD_FORM], given[FIELD_FORM_VERSION]))
        return;
    record_split_subject(exchange, given[FIELD_SUBJECT], subject);
    const char *const values[] = {
        id, subject[0], subject[1], given[FIELD_FORM], given[FIELD_FORM_VERSION], given[FIELD_KNEE],
        given[FIELD_VISIT], given[FIELD_INSTANCE], given[FIELD_VERSION], write_content(exchange, given),
        given[FIELD_REVISION]};
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    struct store_listing *outcome =
        store_tell(exchange, store, CALL_PUT_DRAFT, &reader, &(struct store_values){values, 11}, &error);
    if (outcome == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    const char *code = listing_cell(outcome, 0, 0);
    if (code == NULL)
        reply_saved(exchange, store, id);
    else if (strcmp(code, "draft_changed") == 0)
        reply_changed(exchange, store, id);
    else
        exchange_reply_problem(exchange, problem_details_status(code), code, "%s", problem_details_text(code));
}
