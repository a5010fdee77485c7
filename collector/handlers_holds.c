/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What holds data still: locks of records and subjects, freezing; and redaction by two persons. */
#include "collector/handlers.h"

#include "collector/body.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"

enum { REASON_MOST = REASON_LENGTH_LIMIT };

static const struct body_field reason_field[] = {{"reason", BODY_TEXT, BODY_REQUIRED, REASON_MOST, NULL}};

/* ---- records ---- */

static const struct member lock_members[] = {
    {"id", MEMBER_TEXT},            {"subject", MEMBER_SUBJECT},  {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},          {"visit", MEMBER_TEXT},       {"instance", MEMBER_NUMBER},
    {"state", MEMBER_TEXT},         {"reason", MEMBER_TEXT},      {"recorded_by", MEMBER_TEXT},
    {"recorded_at", MEMBER_TEXT},   {NULL, MEMBER_TEXT},
};

void handle_list_locks(struct exchange *exchange, struct store *store)
{
    static const char *const states[] = {"locked", "unlocked", NULL};
    static const struct record_list list = {CALL_LIST_LOCKS, "locks", lock_members, states};
    record_reply_list(exchange, store, &list);
}

static void set_record_lock(struct exchange *exchange, struct store *store, const char *locked)
{
    const char *reason = NULL, *id = record_path_id(exchange, "id");
    if (id == NULL || !body_read(exchange, reason_field, 1, &reason))
        return;
    const char *const values[] = {id, locked, reason};
    record_act(exchange, store, CALL_LOCK_RECORD, id, &(struct store_values){values, 3});
}

void handle_lock_record(struct exchange *exchange, struct store *store)
{
    set_record_lock(exchange, store, "true");
}

void handle_unlock_record(struct exchange *exchange, struct store *store)
{
    set_record_lock(exchange, store, "false");
}

/* ---- subjects ---- */

static void set_subject_lock(struct exchange *exchange, struct store *store, const char *locked)
{
    static const char *const parameters[] = {NULL};
    const char *reason = NULL, *numbers[2] = {NULL};
    const char *subject = exchange_parameter(exchange, "subject");
    if (request_study(exchange) == NULL || !request_allow_query(exchange, parameters))
        return;
    record_split_subject(exchange, subject, numbers);
    if (numbers[0] == NULL) {
        exchange_reply_problem(exchange, 404, "not_found",
                               "there is nothing at this address that the token may see");
        return;
    }
    if (!body_read(exchange, reason_field, 1, &reason))
        return;
    const char *const values[] = {numbers[0], numbers[1], locked, reason};
    record_act(exchange, store, CALL_LOCK_SUBJECT, subject, &(struct store_values){values, 4});
}

void handle_lock_subject(struct exchange *exchange, struct store *store)
{
    set_subject_lock(exchange, store, "true");
}

void handle_unlock_subject(struct exchange *exchange, struct store *store)
{
    set_subject_lock(exchange, store, "false");
}

/* ---- the study ---- */

static void set_frozen(struct exchange *exchange, struct store *store, const char *frozen)
{
    static const char *const parameters[] = {NULL};
    const char *reason = NULL;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !body_read(exchange, reason_field, 1, &reason))
        return;
    const char *const values[] = {frozen, reason};
    record_act(exchange, store, CALL_FREEZE_STUDY, study->code, &(struct store_values){values, 2});
}

void handle_freeze_study(struct exchange *exchange, struct store *store)
{
    set_frozen(exchange, store, "true");
}

void handle_unfreeze_study(struct exchange *exchange, struct store *store)
{
    set_frozen(exchange, store, "false");
}

/* ---- redaction ---- */

static const struct member redaction_members[] = {
    {"redaction", MEMBER_TEXT},         {"subject", MEMBER_SUBJECT},   {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},              {"visit", MEMBER_TEXT},        {"instance", MEMBER_NUMBER},
    {"version", MEMBER_NUMBER},         {"id", MEMBER_TEXT},           {"state", MEMBER_TEXT},
    {"reason", MEMBER_TEXT},            {"asked_by", MEMBER_TEXT},     {"asked_at", MEMBER_TEXT},
    {"decided_by", MEMBER_NULLABLE},    {"decided_at", MEMBER_NULLABLE}, {"decision_reason", MEMBER_NULLABLE},
    {NULL, MEMBER_TEXT},
};

void handle_list_redactions(struct exchange *exchange, struct store *store)
{
    static const char *const states[] = {"asked", "approved", "declined", NULL};
    static const struct record_list list = {CALL_LIST_REDACTIONS, "redactions", redaction_members, states};
    record_reply_list(exchange, store, &list);
}

void handle_ask_redaction(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {
        {"redaction", BODY_UUID, BODY_REQUIRED, 0, NULL},
        {"reason", BODY_TEXT, BODY_REQUIRED, REASON_MOST, NULL},
    };
    const char *given[2] = {NULL}, *id = record_path_id(exchange, "id");
    if (id == NULL || !body_read(exchange, fields, 2, given))
        return;
    const char *const values[] = {id, given[0], given[1]};
    record_act(exchange, store, CALL_ASK_REDACTION, given[0], &(struct store_values){values, 3});
}

void handle_approve_redaction(struct exchange *exchange, struct store *store)
{
    const char *id = record_path_id(exchange, "redaction");
    if (id == NULL || !body_read(exchange, NULL, 0, NULL))
        return;
    const char *const values[] = {id, "approved", NULL};
    record_act(exchange, store, CALL_DECIDE_REDACTION, id, &(struct store_values){values, 3});
}

void handle_decline_redaction(struct exchange *exchange, struct store *store)
{
    const char *reason = NULL, *id = record_path_id(exchange, "redaction");
    if (id == NULL || !body_read(exchange, reason_field, 1, &reason))
        return;
    const char *const values[] = {id, "declined", reason};
    record_act(exchange, store, CALL_DECIDE_REDACTION, id, &(struct store_values){values, 3});
}
