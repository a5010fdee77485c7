/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database as the process that checks passwords sees it: role patella_auth, functions of schema auth only.
 * Results hang on `owner`.
 */
#ifndef PATELLA_AUTH_STORE_H
#define PATELLA_AUTH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/auth_protocol.h"
#include "forms/base/error.h"
#include "forms/base/text.h"
#include "migrations/db.h"

struct auth_person {
    int wait_s;                      /* above 0: nothing may be tried now */
    const char *account;             /* NULL: nobody has the name */
    const char *password_hash;       /* NULL: nothing fits */
    bool password_is_long, second_factor, disabled;
    uint8_t totp_secret[TOTP_SECRET_BYTES];
    int64_t totp_step;
};

/* What a session is opened with. */
struct auth_opening {
    const char *account;             /* of a login */
    const char *token;               /* the new session's */
    const char *old_token;           /* of a confirmation: the session that is renewed */
    const char *address;
    int idle_s;
    int64_t step;                    /* of the code that was given; 0: none */
    const uint8_t *recovery;         /* SHA-256 of the recovery code that was given; NULL: none */
    const char *new_hash;            /* NULL: the password's hash stays */
};

struct db *auth_store_open(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

bool auth_store_begin(const void *owner, struct db *db, const char *name, const char *address,
                      struct auth_person *person, struct error *error) MUST_CHECK;
bool auth_store_fail(struct db *db, const char *name, const char *address, const char *why,
                     struct error *error) MUST_CHECK;

/* ERROR_DENIED when the second factor was used before, or the old session has ended. */
bool auth_store_open_session(struct db *db, const struct auth_opening *opening, struct auth_answer *answer,
                             struct error *error) MUST_CHECK;

/* `account` NULL: there is no such session. */
bool auth_store_find_session(const void *owner, struct db *db, const char *token, const char **account,
                             bool *confirmed, struct error *error) MUST_CHECK;
bool auth_store_close_session(struct db *db, const char *token, bool *was_open, struct error *error) MUST_CHECK;

struct auth_invitation {
    const char *account;             /* NULL: there is no such invitation */
    bool opened;                     /* a password was set by it */
    uint8_t totp_secret[TOTP_SECRET_BYTES];
    int64_t totp_step;
};

bool auth_store_find_invitation(const void *owner, struct db *db, const char *token,
                                struct auth_invitation *invitation, struct error *error) MUST_CHECK;

/* One more element of a bytea[] as text, which begins as "{" and ends with "}". */
void auth_store_append_bytea(struct text *array, const uint8_t sha256[32]);

struct auth_new_password {
    const char *token;
    const char *hash;
    bool is_long;
    uint8_t totp_secret[TOTP_SECRET_BYTES];
    const char *recovery_sha256;     /* bytea[] as text: {"\\x...",...} */
};

bool auth_store_set_password(struct db *db, const struct auth_new_password *password,
                             struct error *error) MUST_CHECK;
bool auth_store_accept(struct db *db, const char *token, int64_t step, struct error *error) MUST_CHECK;

#endif
