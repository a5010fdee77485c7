/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the administrator of a study does with people: roles, invitations, disabling. */
#include "collector/handlers.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "collector/json_body.h"
#include "collector/json_reply.h"
#include "collector/request.h"
#include "collector/roles.h"
#include "collector/session_token.h"
#include "collector/store_accounts.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { NAME_MOST = 63, FULL_NAME_MOST = 200 };

static const char *const no_parameters[] = {NULL};

/* The study and who asks; false when the exchange has its refusal. */
static bool begin(struct exchange *exchange, struct store_reader *reader)
{
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return false;
    *reader = request_reader(exchange, study);
    return true;
}

static void finish_change(struct exchange *exchange, bool done, const struct error *error)
{
    if (done)
        exchange->status = 204;
    else
        request_reply_error(exchange, error);
}

/* ---- memberships ---- */

static void append_membership(struct text *out, const struct store_membership *membership)
{
    text_append(out, "{");
    json_text(out, "account", membership->account);
    json_text(out, "full_name", membership->full_name);
    json_text(out, "role", membership->role);
    json_reply_sites(out, membership->sites, membership->site_count);
    json_text(out, "added_at", membership->added_at);
    json_boolean(out, "password_set", membership->password_set);
    json_boolean(out, "second_factor", membership->second_factor);
    json_reply_nullable(out, "invited_until", membership->invited_until);
    text_append(out, "}");
}

void handle_list_memberships(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    const struct store_memberships *list = store_list_memberships(exchange, store, &reader, &error);
    if (list == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"memberships\":[");
    for (size_t i = 0; i < list->count; i++) {
        text_append(body, i > 0 ? "," : "");
        append_membership(body, &list->rows[i]);
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

/* Whoever works at sites has some that are named, unless `all_sites` says otherwise. */
static bool read_membership(struct exchange *exchange, json_t *body, struct store_new_membership *membership)
{
    bool all_sites = false;
    int32_t *sites = NULL;
    if (!json_body_account(exchange, body, &membership->account) ||
        !json_body_text(exchange, body, "full_name", false, FULL_NAME_MOST, &membership->full_name) ||
        !json_body_text(exchange, body, "role", true, NAME_MOST, &membership->role) ||
        !json_body_switch(exchange, body, "all_sites", &all_sites) ||
        !json_body_numbers(exchange, body, "sites", &sites, &membership->site_count))
        return false;
    membership->sites = sites;
    enum role role = role_from_name(membership->role);
    bool some = membership->site_count > 0;
    if (role == ROLE_ANYONE || role == ROLE_SITE_MACHINE)
        exchange_reply_problem(exchange, 422, "invalid", "`role` must be administrator, data_manager, coordinator, "
                               "investigator, monitor, statistician or statistician_unmasked");
    else if (some && (all_sites || !role_has_sites(role)))
        exchange_reply_problem(exchange, 422, "invalid", "this role is for all sites; leave `sites` out");
    else if (!some && !all_sites && role_has_sites(role))
        exchange_reply_problem(exchange, 422, "invalid", "this role needs `sites`, or `all_sites`: true");
    return exchange->status == 0;
}

void handle_add_membership(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"account", "full_name", "role", "sites", "all_sites", NULL};
    struct store_reader reader;
    struct store_new_membership membership = {0};
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    json_t *body = json_body_read(exchange, names);
    if (body != NULL && read_membership(exchange, body, &membership))
        finish_change(exchange, store_add_membership(store, &reader, &membership, &error), &error);
}

void handle_end_membership(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    const char *account = exchange_parameter(exchange, "account");
    if (begin(exchange, &reader))
        finish_change(exchange, store_end_membership(store, &reader, account, &error), &error);
}

void handle_disable_account(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    const char *account = exchange_parameter(exchange, "account");
    if (begin(exchange, &reader))
        finish_change(exchange, store_disable_account(store, &reader, account, &error), &error);
}

/* ---- invitations ---- */

void handle_list_invitations(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    const struct store_invitations *list = store_list_invitations(exchange, store, &reader, &error);
    if (list == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"invitations\":[");
    for (size_t i = 0; i < list->count; i++) {
        const struct store_invitation *invitation = &list->rows[i];
        text_append(body, i > 0 ? ",{" : "{");
        json_number(body, "invitation", invitation->number);
        json_text(body, "account", invitation->account);
        json_text(body, "made_at", invitation->made_at);
        json_text(body, "expires_at", invitation->expires_at);
        json_reply_nullable(body, "opened_at", invitation->opened_at);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

/* The token is told once; only its hash is kept. */
void handle_add_invitation(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    char token[SESSION_SECRET_SIZE];
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    if (!begin(exchange, &reader))
        return;
    const char *account = request_body_text(exchange, "account", NAME_MOST);
    if (account == NULL)
        return;
    if (!session_secret_make(token)) {
        exchange_reply_problem(exchange, 503, "unavailable", "the system has no random numbers; try again");
        return;
    }
    SHA256((const unsigned char *)token, strlen(token), sha256);
    const struct store_invitation *invitation =
        store_add_invitation(store, &reader, account, sha256, exchange, &error);
    if (invitation == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_number(body, "invitation", invitation->number);
    json_text(body, "account", account);
    json_text(body, "token", token);
    json_text(body, "expires_at", invitation->expires_at);
    text_append(body, "}");
    OPENSSL_cleanse(token, sizeof token);
    exchange_reply_json(exchange, 201, body);
}

void handle_end_invitation(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    int64_t number = 0;
    if (!begin(exchange, &reader))
        return;
    if (!text_to_int64(exchange_parameter(exchange, "number"), &number) || number < 1 || number > INT32_MAX)
        exchange_reply_problem(exchange, 404, "not_found", "the address does not end with an invitation's number");
    else
        finish_change(exchange, store_end_invitation(store, &reader, (int)number, &error), &error);
}
