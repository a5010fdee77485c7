/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people vouch for: that a version was compared with its source, and signatures. */
#include "collector/handlers.h"

#include "collector/body.h"
#include "collector/record_reply.h"
#include "collector/request.h"

enum { REASON_MOST = REASON_LENGTH_LIMIT };

/* ---- source data verification ---- */

static const struct member verification_members[] = {
    {"id", MEMBER_TEXT},          {"subject", MEMBER_SUBJECT},  {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},        {"visit", MEMBER_TEXT},       {"instance", MEMBER_NUMBER},
    {"version", MEMBER_NUMBER},   {"state", MEMBER_TEXT},       {"covers", MEMBER_BOOLEAN},
    {"reason", MEMBER_NULLABLE},  {"recorded_by", MEMBER_TEXT}, {"recorded_at", MEMBER_TEXT},
    {NULL, MEMBER_TEXT},
};

void handle_list_verifications(struct exchange *exchange, struct store *store)
{
    static const char *const states[] = {"verified", "withdrawn", NULL};
    static const struct record_list list = {CALL_LIST_VERIFICATIONS, "verifications", verification_members, states};
    record_reply_list(exchange, store, &list);
}

void handle_verify_version(struct exchange *exchange, struct store *store)
{
    const char *id = record_path_id(exchange, "id");
    if (id == NULL || !body_read(exchange, NULL, 0, NULL))
        return;
    const char *const values[] = {id, "verified", NULL};
    record_act(exchange, store, CALL_VERIFY_VERSION, id, &(struct store_values){values, 3});
}

void handle_withdraw_verification(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {{"reason", BODY_TEXT, BODY_REQUIRED, REASON_MOST, NULL}};
    const char *reason = NULL, *id = record_path_id(exchange, "id");
    if (id == NULL || !body_read(exchange, fields, 1, &reason))
        return;
    const char *const values[] = {id, "withdrawn", reason};
    record_act(exchange, store, CALL_VERIFY_VERSION, id, &(struct store_values){values, 3});
}

/* ---- signatures ---- */

static const struct member signature_members[] = {
    {"signature", MEMBER_TEXT},    {"subject", MEMBER_SUBJECT},  {"form", MEMBER_TEXT},
    {"knee", MEMBER_TEXT},         {"visit", MEMBER_TEXT},       {"instance", MEMBER_NUMBER},
    {"version", MEMBER_NUMBER},    {"id", MEMBER_TEXT},          {"sha256", MEMBER_TEXT},
    {"covers", MEMBER_BOOLEAN},    {"meaning", MEMBER_TEXT},     {"printed_name", MEMBER_TEXT},
    {"recorded_by", MEMBER_TEXT},  {"recorded_at", MEMBER_TEXT}, {NULL, MEMBER_TEXT},
};

void handle_list_signatures(struct exchange *exchange, struct store *store)
{
    static const char *const states[] = {"current", "superseded", NULL};
    static const struct record_list list = {CALL_LIST_SIGNATURES, "signatures", signature_members, states};
    record_reply_list(exchange, store, &list);
}

void handle_sign(struct exchange *exchange, struct store *store)
{
    static const char *const meanings[] = {"authorship", "review", "approval", "responsibility", NULL};
    static const struct body_field fields[] = {
        {"signature", BODY_UUID, BODY_REQUIRED, 0, NULL},
        {"sha256", BODY_SHA256, BODY_REQUIRED, 0, NULL},
        {"meaning", BODY_CHOICE, BODY_REQUIRED, 0, meanings},
    };
    const char *given[3] = {NULL}, *id = record_path_id(exchange, "id");
    if (id == NULL || !body_read(exchange, fields, 3, given))
        return;
    const char *const values[] = {id, given[0], given[1], given[2]};
    record_act(exchange, store, CALL_SIGN, given[0], &(struct store_values){values, 4});
}
