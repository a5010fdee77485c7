/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/auth_service.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "collector/auth_store.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

struct auth_service {
    const char *conninfo;
    struct db *db;               /* NULL until it could be opened first */
};

/* What a password and a second factor come to. */
struct judgement {
    const char *fault;           /* why in the trail; NULL: all is right */
    int64_t step;                /* of the code; 0: none was given */
    bool recovers;               /* by a recovery code */
    uint8_t recovery[32];
    bool rehashes;
    char new_hash[PASSWORD_HASH_SIZE];
};

struct auth_service *auth_service_new(const void *owner, const char *conninfo)
{
    struct auth_service *service = memory_new(owner, struct auth_service);
    service->conninfo = memory_copy_string(service, conninfo);
    return service;
}

static bool connect_store(struct auth_service *service, struct error *error)
{
    if (service->db == NULL)
        service->db = auth_store_open(service, service->conninfo, error);
    return service->db != NULL && (db_is_alive(service->db) || db_reopen(service->db, error));
}

/* ---- what was given ---- */

static void judge_second_factor(const struct auth_request *request, const struct auth_person *person,
                                struct judgement *judgement)
{
    if (*request->code != '\0') {
        judgement->step = totp_check(person->totp_secret, request->code, time(NULL), person->totp_step);
        if (judgement->step == 0)
            judgement->fault = "code";
    } else if (*request->recovery_code != '\0') {
        judgement->recovers = recovery_code_hash(request->recovery_code, judgement->recovery);
        if (!judgement->recovers)
            judgement->fault = "recovery_code";
    }
}

/*
 * The password's work is done in any case.  `needs_both`: where the account has a second factor it must be given;
 * else what is given must be right, and something is.
 */
static void judge(const struct auth_request *request, const struct auth_person *person, bool needs_both,
                  struct judgement *judgement)
{
    bool gives_password = *request->password != '\0' || needs_both;
    bool gives_factor = *request->code != '\0' || *request->recovery_code != '\0';
    bool right = gives_password && password_verify(request->password, person->password_hash);
    *judgement = (struct judgement){0};
    bool lacks_factor = gives_factor ? !person->second_factor
                                     : needs_both && (person->second_factor || !person->password_is_long);
    if (person->account == NULL)
        judgement->fault = "name";
    else if (person->disabled)
        judgement->fault = "disabled";
    else if (gives_password ? !right : !gives_factor)
        judgement->fault = "password";
    else if (lacks_factor)
        judgement->fault = "second_factor";
    else if (gives_factor)
        judge_second_factor(request, person, judgement);
    judgement->rehashes = right && password_hash_is_old(person->password_hash);
}

/* A failed try is recorded before it is answered; when it cannot be, nobody may try. */
static bool refuse(struct auth_service *service, const struct auth_request *request, const char *name,
                   const char *why, struct auth_answer *answer, struct error *error)
{
    answer->outcome = AUTH_REFUSED;
    return auth_store_fail(service->db, name, request->address, why, error);
}

/* ---- sessions ---- */

/* A second factor that somebody else used at the same moment is refused like a wrong one. */
static bool open_session(struct auth_service *service, const struct auth_request *request,
                         struct auth_opening *opening, struct judgement *judgement, struct auth_answer *answer,
                         struct error *error)
{
    if (!session_token_make(answer->token))
        return error_set(error, ERROR_INTERNAL, "the system has no random numbers");
    if (judgement->rehashes && opening->old_token == NULL && password_hash(request->password, judgement->new_hash))
        opening->new_hash = judgement->new_hash;
    opening->token = answer->token;
    opening->address = request->address;
    opening->idle_s = request->idle_s;
    opening->step = judgement->step;
    opening->recovery = judgement->recovers ? judgement->recovery : NULL;
    if (!auth_store_open_session(service->db, opening, answer, error)) {
        OPENSSL_cleanse(answer->token, sizeof answer->token);
        if (error->kind != ERROR_DENIED || strncmp(error->sqlstate, "28", 2) != 0)
            return false;
        return refuse(service, request, opening->account, judgement->recovers ? "recovery_code" : "code", answer,
                      error);
    }
    snprintf(answer->account, sizeof answer->account, "%s", opening->account);
    answer->second_factor = judgement->step != 0 || judgement->recovers;
    return true;
}

static bool log_in(struct auth_service *service, const void *work, const struct auth_request *request,
                   struct auth_answer *answer, struct error *error)
{
    struct auth_person person;
    struct judgement judgement;
    if (!auth_store_begin(work, service->db, request->account, request->address, &person, error))
        return false;
    if (person.wait_s > 0) {
        answer->outcome = AUTH_WAIT;
        answer->wait_s = person.wait_s;
        return true;
    }
    judge(request, &person, true, &judgement);
    if (judgement.fault != NULL)
        return refuse(service, request, request->account, judgement.fault, answer, error);
    struct auth_opening opening = {.account = person.account};
    return open_session(service, request, &opening, &judgement, answer, error);
}

/* Both factors, or one of them when both were given within ten minutes. */
static bool confirm(struct auth_service *service, const void *work, const struct auth_request *request,
                    struct auth_answer *answer, struct error *error)
{
    const char *account = NULL;
    bool confirmed = false;
    struct auth_person person;
    struct judgement judgement;
    if (!auth_store_find_session(work, service->db, request->token, &account, &confirmed, error))
        return false;
    if (account == NULL) {
        answer->outcome = AUTH_NOTHING;
        return true;
    }
    if (!auth_store_begin(work, service->db, account, request->address, &person, error))
        return false;
    if (person.wait_s > 0) {
        answer->outcome = AUTH_WAIT;
        answer->wait_s = person.wait_s;
        return true;
    }
    judge(request, &person, !confirmed, &judgement);
    if (judgement.fault != NULL)
        return refuse(service, request, account, judgement.fault, answer, error);
    struct auth_opening opening = {.account = person.account, .old_token = request->token};
    if (!open_session(service, request, &opening, &judgement, answer, error))
        return false;
    answer->second_factor = person.second_factor;
    return true;
}

static bool log_out(struct auth_service *service, const struct auth_request *request, struct auth_answer *answer,
                    struct error *error)
{
    bool was_open = false;
    if (!auth_store_close_session(service->db, request->token, &was_open, error))
        return false;
    answer->outcome = was_open ? AUTH_DONE : AUTH_NOTHING;
    return true;
}

/* ---- invitations ---- */

static bool make_secrets(const void *work, struct auth_new_password *password, struct auth_answer *answer,
                         struct error *error)
{
    struct text *hashes = text_new(work);
    bool made = totp_make_secret(password->totp_secret, answer->totp_secret);
    text_append(hashes, "{");
    for (size_t i = 0; made && i < RECOVERY_CODES; i++) {
        uint8_t sha256[32];
        made = recovery_code_make(answer->recovery_codes[i]) &&
               recovery_code_hash(answer->recovery_codes[i], sha256);
        auth_store_append_bytea(hashes, sha256);
    }
    text_append(hashes, "}");
    password->recovery_sha256 = hashes->bytes;
    return made || error_set(error, ERROR_INTERNAL, "the system has no random numbers");
}

static bool set_password(struct auth_service *service, const void *work, const struct auth_request *request,
                         struct auth_answer *answer, struct error *error)
{
    char hash[PASSWORD_HASH_SIZE];
    struct auth_new_password password = {.token = request->token, .hash = hash,
                                         .is_long = password_is_long(request->password)};
    const char *fault = password_fault(request->password, answer->account);
    if (fault != NULL) {
        answer->outcome = AUTH_WEAK;
        snprintf(answer->fault, sizeof answer->fault, "%s", fault);
        return true;
    }
    if (!make_secrets(work, &password, answer, error))
        return false;
    if (!password_hash(request->password, hash))
        return error_set(error, ERROR_INTERNAL, "there is no memory to hash a password");
    bool set = auth_store_set_password(service->db, &password, error);
    OPENSSL_cleanse(&password.totp_secret, sizeof password.totp_secret);
    return set;
}

static bool accept_invitation(struct auth_service *service, const void *work, const struct auth_request *request,
                              struct auth_answer *answer, struct error *error)
{
    struct auth_invitation invitation;
    if (!auth_store_find_invitation(work, service->db, request->token, &invitation, error))
        return false;
    if (invitation.account == NULL) {
        answer->outcome = AUTH_NOTHING;
        return true;
    }
    snprintf(answer->account, sizeof answer->account, "%s", invitation.account);
    if (*request->password != '\0')
        return set_password(service, work, request, answer, error);
    int64_t step = invitation.opened
                       ? totp_check(invitation.totp_secret, request->code, time(NULL), invitation.totp_step)
                       : 0;
    if (step == 0) {
        answer->outcome = AUTH_REFUSED;
        return true;
    }
    return auth_store_accept(service->db, request->token, step, error);
}

/* ---- requests ---- */

static bool answer_kind(struct auth_service *service, const void *work, const struct auth_request *request,
                        struct auth_answer *answer, struct error *error)
{
    switch (request->kind) {
    case AUTH_LOGIN: return log_in(service, work, request, answer, error);
    case AUTH_CONFIRM: return confirm(service, work, request, answer, error);
    case AUTH_ACCEPT: return accept_invitation(service, work, request, answer, error);
    case AUTH_LOGOUT: return log_out(service, request, answer, error);
    default: return error_set(error, ERROR_INTERNAL, "a request of a kind that there is not");
    }
}

/* Whatever the other side sends, texts end within their fields. */
static void end_texts(struct auth_request *request)
{
    request->address[sizeof request->address - 1] = '\0';
    request->account[sizeof request->account - 1] = '\0';
    request->password[sizeof request->password - 1] = '\0';
    request->code[sizeof request->code - 1] = '\0';
    request->recovery_code[sizeof request->recovery_code - 1] = '\0';
    request->token[sizeof request->token - 1] = '\0';
}

void auth_service_answer(struct auth_service *service, struct auth_request *request, struct auth_answer *answer)
{
    struct error error = {0};
    void *work = memory_owner(NULL, "authentication");
    end_texts(request);
    *answer = (struct auth_answer){.number = request->number, .outcome = AUTH_DONE};
    if (!connect_store(service, &error) || !answer_kind(service, work, request, answer, &error)) {
        log_write(LOG_LEVEL_ERROR, "a login cannot be judged", "error", error.message, "sqlstate", error.sqlstate,
                  NULL);
        *answer = (struct auth_answer){.number = request->number, .outcome = AUTH_UNAVAILABLE};
    }
    talloc_free(work);
    OPENSSL_cleanse(request, sizeof *request);
}

void auth_service_run(struct auth_service *service, int socket, _Atomic uint64_t *under_way)
{
    struct auth_request request;
    struct auth_answer answer;
    struct error error = {0};
    if (!connect_store(service, &error))
        log_write(LOG_LEVEL_WARNING, "no database for logins yet", "error", error.message, NULL);
    for (;;) {
        ssize_t got = recv(socket, &request, sizeof request, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return;
        if (got != sizeof request)
            continue;
        atomic_store(under_way, request.number);
        auth_service_answer(service, &request, &answer);
        ssize_t sent = send(socket, &answer, sizeof answer, MSG_NOSIGNAL);
        OPENSSL_cleanse(&answer, sizeof answer);
        atomic_store(under_way, 0);
        if (sent != sizeof answer)
            return;
    }
}
