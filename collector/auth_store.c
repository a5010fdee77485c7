/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/auth_store.h"

#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { TIMEOUT_MS = 5000 };

enum auth_statement {
    AUTH_BEGIN,
    AUTH_FAIL,
    AUTH_LIST_STUDIES,
    AUTH_OPEN,
    AUTH_FIND_SESSION,
    AUTH_RENEW,
    AUTH_CLOSE,
    AUTH_FIND_INVITATION,
    AUTH_SET_PASSWORD,
    AUTH_ACCEPT_INVITATION,
    AUTH_STATEMENTS
};

#define OPENED "extract(epoch FROM s.expires_at)::bigint, extract(epoch FROM s.ends_at)::bigint, s.recovery_left\n"

static const struct db_statement statements[AUTH_STATEMENTS] = {
    [AUTH_BEGIN] = {"begin_login",
        "SELECT b.wait_s, b.account, b.password_hash, b.password_is_long, b.totp_secret, b.totp_step,\n"
        "       b.second_factor, b.disabled\n"
        "FROM auth.begin_login($1::text, $2::inet) b"},
    [AUTH_FAIL] = {"fail_login", "SELECT auth.fail_login($1::text, $2::inet, $3::text)"},
    [AUTH_LIST_STUDIES] = {"list_studies", "SELECT s.study_id FROM auth.list_studies($1::text) s"},
    [AUTH_OPEN] = {"open_session",
        "SELECT " OPENED
        "FROM auth.open_session($1::text, $2::bytea, $3::inet, $4::int, $5::bigint, $6::bytea, $7::text,\n"
        "                       $8::int[], $9::bytea[]) s"},
    [AUTH_FIND_SESSION] = {"find_session", "SELECT s.account, s.confirmed FROM auth.find_session($1::bytea) s"},
    [AUTH_RENEW] = {"renew_session",
        "SELECT " OPENED
        "FROM auth.renew_session($1::bytea, $2::bytea, $3::bigint, $4::bytea, $5::int[], $6::bytea[]) s"},
    [AUTH_CLOSE] = {"close_session", "SELECT auth.close_session($1::bytea)"},
    [AUTH_FIND_INVITATION] = {"find_invitation",
        "SELECT i.account, i.totp_secret, i.totp_step FROM auth.find_invitation($1::bytea) i"},
    [AUTH_SET_PASSWORD] = {"set_password",
        "SELECT auth.set_password($1::bytea, $2::text, $3::bool, $4::bytea, $5::bytea[])"},
    [AUTH_ACCEPT_INVITATION] = {"accept_invitation", "SELECT auth.accept_invitation($1::bytea, $2::bigint)"},
};

struct db *auth_store_open(const void *owner, const char *conninfo, struct error *error)
{
    struct db_options options = {
        .conninfo = conninfo,
        .default_user = "patella_auth",
        .application_name = "patellad-auth",
        .statements = statements,
        .statement_count = AUTH_STATEMENTS,
        .statement_timeout_ms = TIMEOUT_MS,
    };
    return db_open(owner, &options, error);
}

static void set_bytes_of(struct db_parameters *parameters, size_t at, const char *text)
{
    db_set_bytes(parameters, at, text, strlen(text));
}

static const char *copy(const void *owner, const struct db_result *result, size_t column)
{
    return db_is_null(result, 0, column) ? NULL : memory_copy_string(owner, db_text(result, 0, column));
}

/* Bytes of a fixed number; zeros when there are others. */
static void read_secret(const void *owner, const struct db_result *result, size_t column,
                        uint8_t secret[TOTP_SECRET_BYTES])
{
    size_t length = 0;
    memset(secret, 0, TOTP_SECRET_BYTES);
    if (db_is_null(result, 0, column))
        return;
    const void *bytes = db_bytes(owner, result, 0, column, &length);
    if (length == TOTP_SECRET_BYTES)
        memcpy(secret, bytes, TOTP_SECRET_BYTES);
}

bool auth_store_begin(const void *owner, struct db *db, const char *name, const char *address,
                      struct auth_person *person, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 2);
    db_set_text(parameters, 0, name);
    db_set_text(parameters, 1, address);
    struct db_result *result = db_execute(owner, db, AUTH_BEGIN, parameters, error);
    if (result == NULL)
        return false;
    *person = (struct auth_person){
        .wait_s = (int)db_int(result, 0, 0),
        .account = copy(owner, result, 1),
        .password_hash = copy(owner, result, 2),
        .password_is_long = db_bool(result, 0, 3),
        .totp_step = db_int(result, 0, 5),
        .second_factor = db_bool(result, 0, 6),
        .disabled = db_bool(result, 0, 7),
    };
    read_secret(owner, result, 4, person->totp_secret);
    return true;
}

bool auth_store_fail(struct db *db, const char *name, const char *address, const char *why, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 3);
    db_set_text(parameters, 0, name);
    db_set_text(parameters, 1, address);
    db_set_text(parameters, 2, why);
    bool done = db_run(db, AUTH_FAIL, parameters, error);
    talloc_free(parameters);
    return done;
}

/* ---- sessions ---- */

struct derived {
    int32_t *studies;
    const char *sha256;          /* bytea[] as text */
    size_t count;
};

void auth_store_append_bytea(struct text *array, const uint8_t sha256[SHA256_DIGEST_LENGTH])
{
    text_append(array, array->length > 1 ? ",\"\\\\x" : "\"\\\\x");
    for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++)
        text_append_format(array, "%02x", sha256[i]);
    text_append(array, "\"");
}

/* The token of each study's credential that `token` opens, hashed. */
static bool derive(const void *owner, struct db *db, const char *account, const char *token,
                   struct derived *derived, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    db_set_text(parameters, 0, account);
    struct db_result *result = db_execute(owner, db, AUTH_LIST_STUDIES, parameters, error);
    if (result == NULL)
        return false;
    struct text *array = text_new(owner);
    text_append(array, "{");
    derived->count = db_rows(result);
    derived->studies = memory_new_array(owner, int32_t, derived->count);
    for (size_t i = 0; i < derived->count; i++) {
        char secret[SESSION_SECRET_SIZE];
        uint8_t sha256[SHA256_DIGEST_LENGTH];
        derived->studies[i] = (int32_t)db_int(result, i, 0);
        session_token_for_study(token, derived->studies[i], secret);
        SHA256((const unsigned char *)secret, strlen(secret), sha256);
        auth_store_append_bytea(array, sha256);
    }
    text_append(array, "}");
    derived->sha256 = array->bytes;
    return true;
}

static void set_factors(struct db_parameters *parameters, size_t at, const struct auth_opening *opening)
{
    if (opening->step != 0)
        db_set_int(parameters, at, opening->step);
    if (opening->recovery != NULL)
        db_set_bytes(parameters, at + 1, opening->recovery, SHA256_DIGEST_LENGTH);
}

static struct db_parameters *opening_parameters(const void *owner, const struct auth_opening *opening,
                                                const struct derived *derived)
{
    bool renews = opening->old_token != NULL;
    struct db_parameters *parameters = db_parameters_new(owner, renews ? 6 : 9);
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)opening->token, strlen(opening->token), sha256);
    db_set_bytes(parameters, 1, sha256, sizeof sha256);
    db_set_int_array(parameters, renews ? 4 : 7, derived->studies, derived->count);
    db_set_text(parameters, renews ? 5 : 8, derived->sha256);
    set_factors(parameters, renews ? 2 : 4, opening);
    if (renews) {
        set_bytes_of(parameters, 0, opening->old_token);
        return parameters;
    }
    db_set_text(parameters, 0, opening->account);
    db_set_text(parameters, 2, opening->address);
    db_set_int(parameters, 3, opening->idle_s);
    db_set_text(parameters, 6, opening->new_hash);
    return parameters;
}

bool auth_store_open_session(struct db *db, const struct auth_opening *opening, struct auth_answer *answer,
                             struct error *error)
{
    void *work = memory_owner(NULL, "session");
    struct derived derived;
    struct db_result *result = NULL;
    if (derive(work, db, opening->account, opening->token, &derived, error)) {
        struct db_parameters *parameters = opening_parameters(work, opening, &derived);
        result = db_execute(work, db, opening->old_token != NULL ? AUTH_RENEW : AUTH_OPEN, parameters, error);
    }
    if (result != NULL) {
        answer->expires_at = db_int(result, 0, 0);
        answer->ends_at = db_int(result, 0, 1);
        answer->recovery_left = (int32_t)db_int(result, 0, 2);
    }
    bool opened = result != NULL;
    talloc_free(work);
    return opened;
}

bool auth_store_find_session(const void *owner, struct db *db, const char *token, const char **account,
                             bool *confirmed, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    set_bytes_of(parameters, 0, token);
    struct db_result *result = db_execute(owner, db, AUTH_FIND_SESSION, parameters, error);
    if (result == NULL)
        return false;
    *account = db_rows(result) == 1 ? copy(owner, result, 0) : NULL;
    *confirmed = db_rows(result) == 1 && db_bool(result, 0, 1);
    return true;
}

bool auth_store_close_session(struct db *db, const char *token, bool *was_open, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 1);
    set_bytes_of(parameters, 0, token);
    struct db_result *result = db_execute(parameters, db, AUTH_CLOSE, parameters, error);
    *was_open = result != NULL && db_bool(result, 0, 0);
    talloc_free(parameters);
    return result != NULL;
}

/* ---- invitations ---- */

bool auth_store_find_invitation(const void *owner, struct db *db, const char *token,
                                struct auth_invitation *invitation, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 1);
    set_bytes_of(parameters, 0, token);
    struct db_result *result = db_execute(owner, db, AUTH_FIND_INVITATION, parameters, error);
    if (result == NULL)
        return false;
    *invitation = (struct auth_invitation){0};
    if (db_rows(result) == 0)
        return true;
    invitation->account = copy(owner, result, 0);
    invitation->opened = !db_is_null(result, 0, 1);
    invitation->totp_step = db_int(result, 0, 2);
    read_secret(owner, result, 1, invitation->totp_secret);
    return true;
}

bool auth_store_set_password(struct db *db, const struct auth_new_password *password, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 5);
    set_bytes_of(parameters, 0, password->token);
    db_set_text(parameters, 1, password->hash);
    db_set_text(parameters, 2, password->is_long ? "true" : "false");
    db_set_bytes(parameters, 3, password->totp_secret, TOTP_SECRET_BYTES);
    db_set_text(parameters, 4, password->recovery_sha256);
    bool done = db_run(db, AUTH_SET_PASSWORD, parameters, error);
    talloc_free(parameters);
    return done;
}

bool auth_store_accept(struct db *db, const char *token, int64_t step, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(NULL, 2);
    set_bytes_of(parameters, 0, token);
    db_set_int(parameters, 1, step);
    bool done = db_run(db, AUTH_ACCEPT_INVITATION, parameters, error);
    talloc_free(parameters);
    return done;
}
