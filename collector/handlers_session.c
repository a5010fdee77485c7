/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging in and out, confirming that it is still the same person, and accepting an invitation. */
#include "collector/handlers.h"

#include <stdio.h>
#include <string.h>

#include "collector/auth_desk.h"
#include "collector/call.h"
#include "collector/json_body.h"
#include "collector/json_reply.h"
#include "collector/loop.h"
#include "collector/request.h"
#include "collector/store_accounts.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

static const char *const no_parameters[] = {NULL};

/* ---- requests ---- */

/* The texts of a body by name; what is longer than its field can be right for nobody, so it is cut without harm. */
static void copy_text(char *field, size_t size, const char *value)
{
    snprintf(field, size, "%s", value != NULL ? value : "");
}

static void begin_request(struct exchange *exchange, enum auth_kind kind, struct auth_request *request)
{
    *request = (struct auth_request){.kind = kind,
                                     .idle_s = call_of(exchange)->loop->settings->session_idle_s};
    copy_text(request->address, sizeof request->address, exchange->peer);
    if (exchange->session != NULL)
        copy_text(request->token, sizeof request->token, exchange->session);
}

/* Password and second factor; texts in one form, however a keyboard composes its letters. */
static bool read_factors(struct exchange *exchange, json_t *body, bool needs_password, struct auth_request *request)
{
    const char *password, *code, *recovery_code;
    if (!json_body_text(exchange, body, "password", needs_password, PASSWORD_SIZE - 1, &password) ||
        !json_body_text(exchange, body, "code", false, 64, &code) ||
        !json_body_text(exchange, body, "recovery_code", false, 64, &recovery_code))
        return false;
    if (code != NULL && recovery_code != NULL) {
        exchange_reply_problem(exchange, 400, "malformed", "send `code` or `recovery_code`, not both");
        return false;
    }
    copy_text(request->password, sizeof request->password,
              password != NULL ? text_to_nfc(exchange, password) : NULL);
    copy_text(request->code, sizeof request->code, code);
    copy_text(request->recovery_code, sizeof request->recovery_code, recovery_code);
    return true;
}

/* ---- replies ---- */

static void set_cookie(struct exchange *exchange, const char *token)
{
    char cookie[SESSION_COOKIE_SIZE];
    session_cookie_write(token, cookie);
    exchange_add_header(exchange, "Set-Cookie", cookie);
}

/* The same bytes whatever was wrong. */
static bool reply_refusal(struct exchange *exchange, const struct auth_answer *answer)
{
    char seconds[16];
    switch ((enum auth_outcome)answer->outcome) {
    case AUTH_DONE:
        return false;
    case AUTH_WAIT:
        snprintf(seconds, sizeof seconds, "%d", answer->wait_s);
        exchange_add_header(exchange, "Retry-After", seconds);
        exchange_reply_problem(exchange, 429, "too_many_logins",
                               "too many logins have failed; try again later, as Retry-After says");
        break;
    case AUTH_NOTHING:
        exchange_reply_problem(exchange, 404, "not_found", "there is no such invitation, or it has been used");
        break;
    case AUTH_WEAK:
        exchange_reply_problem(exchange, 422, "weak_password", "%s", answer->fault);
        break;
    case AUTH_REFUSED:
    case AUTH_UNAVAILABLE:
        exchange_add_header(exchange, "WWW-Authenticate", "Bearer realm=\"patella\"");
        exchange_reply_problem(exchange, 401, "login_failed", "account, password or code is not right");
        break;
    }
    return true;
}

static void reply_opened(struct exchange *exchange, const struct auth_answer *answer)
{
    char form_token[SESSION_SECRET_SIZE];
    if (reply_refusal(exchange, answer))
        return;
    session_token_for_form(answer->token, form_token);
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "account", answer->account);
    if (exchange->by_cookie)
        set_cookie(exchange, answer->token);
    else
        json_text(body, "token", answer->token);
    json_text(body, "form_token", form_token);
    json_reply_instant(body, "expires_at", answer->expires_at);
    json_reply_instant(body, "ends_at", answer->ends_at);
    json_boolean(body, "second_factor", answer->second_factor != 0);
    json_number(body, "recovery_codes_left", answer->recovery_left);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

static void reply_bad_session(struct exchange *exchange)
{
    exchange_reply_problem(exchange, 401, "bad_token", "the session has ended; log in again");
}

static void reply_renewed(struct exchange *exchange, const struct auth_answer *answer)
{
    if (answer->outcome == AUTH_NOTHING)
        reply_bad_session(exchange);
    else
        reply_opened(exchange, answer);
}

static void reply_closed(struct exchange *exchange, const struct auth_answer *answer)
{
    if (answer->outcome != AUTH_DONE) {
        reply_bad_session(exchange);
        return;
    }
    if (exchange->by_cookie)
        set_cookie(exchange, NULL);
    exchange->status = 204;
}

static void reply_provisioned(struct exchange *exchange, const struct auth_answer *answer)
{
    if (reply_refusal(exchange, answer))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "account", answer->account);
    json_text(body, "totp_secret", answer->totp_secret);
    json_text(body, "totp_uri",
              memory_format(exchange, "otpauth://totp/Patella:%s?secret=%s&issuer=Patella", answer->account,
                            answer->totp_secret));
    json_key(body, "recovery_codes");
    text_append(body, "[");
    for (size_t i = 0; i < RECOVERY_CODES; i++)
        text_append_format(body, "%s\"%s\"", i > 0 ? "," : "", answer->recovery_codes[i]);
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

static void reply_accepted(struct exchange *exchange, const struct auth_answer *answer)
{
    if (!reply_refusal(exchange, answer))
        exchange->status = 204;
}

/* ---- handlers: in the loop; the exchange is the desk's afterwards, or has its refusal ---- */

static void ask_or_finish(struct exchange *exchange, struct auth_request *request, bool good, auth_reply *reply)
{
    if (good)
        auth_desk_ask(exchange, request, reply);
    else
        exchange_finish(exchange);
}

void handle_log_in(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"account", "password", "code", "recovery_code", "cookie", NULL};
    (void)store;
    struct auth_request request;
    const char *account = NULL;
    begin_request(exchange, AUTH_LOGIN, &request);
    json_t *body = request_allow_query(exchange, no_parameters) ? json_body_read(exchange, names) : NULL;
    bool good = body != NULL && json_body_text(exchange, body, "account", true, AUTH_ACCOUNT_SIZE - 1, &account) &&
                read_factors(exchange, body, true, &request) &&
                json_body_switch(exchange, body, "cookie", &exchange->by_cookie);
    copy_text(request.account, sizeof request.account, account);
    ask_or_finish(exchange, &request, good, reply_opened);
}

void handle_confirm_session(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"password", "code", "recovery_code", NULL};
    (void)store;
    struct auth_request request;
    begin_request(exchange, AUTH_CONFIRM, &request);
    json_t *body = request_allow_query(exchange, no_parameters) ? json_body_read(exchange, names) : NULL;
    bool good = body != NULL && read_factors(exchange, body, false, &request);
    ask_or_finish(exchange, &request, good, reply_renewed);
}

void handle_log_out(struct exchange *exchange, struct store *store)
{
    (void)store;
    struct auth_request request;
    begin_request(exchange, AUTH_LOGOUT, &request);
    ask_or_finish(exchange, &request, request_allow_query(exchange, no_parameters), reply_closed);
}

static void handle_invitation(struct exchange *exchange, const char *const *names, bool sets_password,
                              auth_reply *reply)
{
    struct auth_request request;
    begin_request(exchange, AUTH_ACCEPT, &request);
    json_t *body = request_allow_query(exchange, no_parameters) ? json_body_read(exchange, names) : NULL;
    bool good = body != NULL && read_factors(exchange, body, sets_password, &request);
    if (good && !sets_password && *request.code == '\0') {
        exchange_reply_problem(exchange, 400, "malformed", "the field `code` is missing");
        good = false;
    }
    copy_text(request.token, sizeof request.token, exchange_parameter(exchange, "token"));
    ask_or_finish(exchange, &request, good, reply);
}

void handle_accept_invitation(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"password", NULL};
    (void)store;
    handle_invitation(exchange, names, true, reply_provisioned);
}

void handle_confirm_invitation(struct exchange *exchange, struct store *store)
{
    static const char *const names[] = {"code", NULL};
    (void)store;
    handle_invitation(exchange, names, false, reply_accepted);
}

/* ---- on a worker ---- */

static void append_memberships(struct text *out, const struct store_session *session)
{
    json_key(out, "memberships");
    text_append(out, "[");
    for (size_t i = 0; i < session->count; i++) {
        const struct store_membership *membership = &session->memberships[i];
        text_append(out, i > 0 ? ",{" : "{");
        json_text(out, "study", membership->study);
        json_text(out, "role", membership->role);
        json_reply_sites(out, membership->sites, membership->site_count);
        text_append(out, "}");
    }
    text_append(out, "]");
}

void handle_show_session(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    char form_token[SESSION_SECRET_SIZE];
    if (!request_allow_query(exchange, no_parameters))
        return;
    const struct store_session *session = store_find_session(exchange, store, exchange->session, &error);
    if (session == NULL) {
        if (error.kind == ERROR_DENIED)
            reply_bad_session(exchange);
        else
            request_reply_error(exchange, &error);
        return;
    }
    session_token_for_form(exchange->session, form_token);
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "account", session->account);
    json_text(body, "full_name", session->full_name);
    json_text(body, "form_token", form_token);
    json_boolean(body, "second_factor", session->second_factor);
    json_reply_nullable(body, "confirmed_at", session->confirmed_at);
    json_text(body, "expires_at", session->expires_at);
    json_text(body, "ends_at", session->ends_at);
    append_memberships(body, session);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}
