/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a study is set up, for its administrator: tokens of programs, protocol versions, sites, certificates. */
#include "collector/handlers.h"

#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "collector/certificate_watch.h"
#include "collector/json_body.h"
#include "collector/json_reply.h"
#include "collector/request.h"
#include "collector/roles.h"
#include "collector/session_token.h"
#include "collector/store_setup.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { NAME_MOST = 63, FULL_NAME_MOST = 200, MOST_DAYS = 366, USUAL_DAYS = 90 };

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

/* ---- tokens of programs ---- */

static void append_token(struct text *out, const struct store_token *token)
{
    text_append(out, "{");
    json_number(out, "number", token->number);
    json_text(out, "account", token->account);
    json_text(out, "full_name", token->full_name);
    json_text(out, "role", token->role);
    json_reply_sites(out, token->sites, token->site_count);
    json_text(out, "made_at", token->made_at);
    json_text(out, "expires_at", token->expires_at);
    json_reply_nullable(out, "revoked_at", token->revoked_at);
    json_reply_nullable(out, "last_used_at", token->last_used_at);
    text_append(out, "}");
}

void handle_list_tokens(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    const struct store_tokens *list = store_list_tokens(exchange, store, &reader, &error);
    if (list == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"tokens\":[");
    for (size_t i = 0; i < list->count; i++) {
        text_append(body, i > 0 ? "," : "");
        append_token(body, &list->rows[i]);
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

static bool read_days(struct exchange *exchange, json_t *body, int *days)
{
    json_t *member = json_object_get(body, "days");
    json_int_t number = member == NULL ? USUAL_DAYS : json_integer_value(member);   /* 0 for what is no integer */
    if (number < 1 || number > MOST_DAYS) {
        exchange_reply_problem(exchange, 422, "invalid", "`days` must be a whole number from 1 to %d", MOST_DAYS);
        return false;
    }
    *days = (int)number;
    return true;
}

static bool check_role_and_sites(struct exchange *exchange, const struct store_new_token *token, bool all_sites)
{
    enum role role = role_from_name(token->role);
    bool some = token->site_count > 0;
    if (role == ROLE_ANYONE || role == ROLE_ADMINISTRATOR || role == ROLE_STATISTICIAN_UNMASKED)
        exchange_reply_problem(exchange, 422, "invalid", "`role` must be site_machine, data_manager, coordinator, "
                               "investigator, monitor or statistician; whoever runs the server makes tokens of the "
                               "others, by patella-admin token add");
    else if (some && (all_sites || !role_has_sites(role)))
        exchange_reply_problem(exchange, 422, "invalid", "this role is for all sites; leave `sites` out");
    else if (!some && !all_sites && role_has_sites(role))
        exchange_reply_problem(exchange, 422, "invalid", "this role needs `sites`, or `all_sites`: true");
    return exchange->status == 0;
}

static bool read_token(struct exchange *exchange, json_t *body, struct store_new_token *token)
{
    bool all_sites = false;
    int32_t *sites = NULL;
    if (!json_body_account(exchange, body, &token->account) ||
        !json_body_text(exchange, body, "full_name", false, FULL_NAME_MOST, &token->full_name) ||
        !json_body_text(exchange, body, "role", true, NAME_MOST, &token->role) ||
        !json_body_switch(exchange, body, "all_sites", &all_sites) ||
        !json_body_numbers(exchange, body, "sites", &sites, &token->site_count) ||
        !read_days(exchange, body, &token->days))
        return false;
    token->sites = sites;
    return check_role_and_sites(exchange, token, all_sites);
}

static void reply_new_token(struct exchange *exchange, const struct store_new_token *token,
                            const struct store_token *added, const char *text)
{
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_number(body, "number", added->number);
    json_text(body, "account", token->account);
    json_text(body, "token", text);
    json_text(body, "expires_at", added->expires_at);
    text_append(body, "}");
    exchange_reply_json(exchange, 201, body);
}

/* Whoever asks is let in already, so that a refusal is about the account. */
static void refuse_token(struct exchange *exchange, const struct error *error)
{
    if (error->kind == ERROR_DENIED && strcmp(error->sqlstate, "42501") == 0)
        exchange_reply_problem(exchange, 409, "not_a_program", "tokens are made for programs of this study alone: this "
                               "account is a person's, another study's, or has no token here yet; name another one, "
                               "with `full_name` when it is new");
    else
        request_reply_error(exchange, error);
}

/* The token is told once; only its hash is kept.  "<account>_<secret>", as patella-admin makes them. */
void handle_add_token(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"account", "full_name", "role", "sites", "all_sites", "days", NULL};
    struct store_reader reader;
    struct store_new_token token = {0};
    struct error error = {0};
    char secret[SESSION_SECRET_SIZE];
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    if (!begin(exchange, &reader))
        return;
    json_t *body = json_body_read(exchange, names);
    if (body == NULL || !read_token(exchange, body, &token))
        return;
    if (!session_secret_make(secret)) {
        exchange_reply_problem(exchange, 503, "unavailable", "the system has no random numbers; try again");
        return;
    }
    char *text = memory_format(exchange, "%s_%s", token.account, secret);
    SHA256((const unsigned char *)text, strlen(text), sha256);
    token.sha256 = sha256;
    const struct store_token *added = store_add_token(exchange, store, &reader, &token, &error);
    if (added != NULL)
        reply_new_token(exchange, &token, added, text);
    else
        refuse_token(exchange, &error);
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(text, strlen(text));
}

void handle_revoke_token(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    int64_t number = 0;
    if (!begin(exchange, &reader))
        return;
    if (!text_to_int64(exchange_parameter(exchange, "number"), &number) || number < 1 || number > INT32_MAX)
        exchange_reply_problem(exchange, 404, "not_found", "the address does not end with a token's number");
    else if (store_revoke_token(store, &reader, (int)number, &error))
        exchange->status = 204;
    else
        request_reply_error(exchange, &error);
}

/* ---- protocol versions, sites ---- */

void handle_list_protocols(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    const struct store_protocol_versions *list = store_list_protocol_versions(exchange, store, &reader, &error);
    if (list == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"protocols\":[");
    for (size_t i = 0; i < list->count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        json_number(body, "version", list->rows[i].version);
        json_text(body, "sha256", list->rows[i].sha256);
        json_text(body, "added_at", list->rows[i].added_at);
        json_reply_nullable(body, "added_by", list->rows[i].added_by);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

void handle_list_sites(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    struct error error = {0};
    if (!begin(exchange, &reader))
        return;
    const struct store_study_sites *list = store_list_study_sites(exchange, store, &reader, &error);
    if (list == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"sites\":[");
    for (size_t i = 0; i < list->count; i++) {
        text_append(body, i > 0 ? ",{" : "{");
        json_number(body, "site", list->rows[i].site);
        json_text(body, "name", list->rows[i].name);
        json_text(body, "time_zone", list->rows[i].time_zone);
        json_text(body, "added_at", list->rows[i].added_at);
        json_number(body, "subjects", list->rows[i].subjects);
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

/* ---- certificates ---- */

/*
 * Of this daemon, not of the study: when its own certificate, the machines' CA and its list of revoked ones end.  What
 * certificates the CA has issued only its folder knows (patella-admin ca list).
 */
void handle_list_certificates(struct exchange *exchange, struct store *store)
{
    struct store_reader reader;
    (void)store;
    if (!begin(exchange, &reader))
        return;
    int64_t now = time(NULL);
    struct text *body = text_new(exchange);
    text_append(body, "{\"certificates\":[");
    const char *comma = "";
    for (enum certificate_kind kind = 0; kind < CERTIFICATE_KINDS; kind++) {
        int64_t end = certificate_watch_end(kind);
        if (end == 0)
            continue;
        text_append_format(body, "%s{", comma);
        comma = ",";
        json_text(body, "kind", certificate_watch_name(kind));
        json_reply_instant(body, "ends_at", end);
        json_boolean(body, "ends_soon", certificate_watch_is_near(kind, now));
        text_append(body, "}");
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}
