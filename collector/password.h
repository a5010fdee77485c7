/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords and one-time codes: what is good enough, how it is kept, whether it is the right one.
 *
 * Argon2id (RFC 9106) with 64 MiB, three passes, one lane; TOTP (RFC 6238) with SHA-1, six digits, steps of 30 s, as
 * the programs on telephones have it.  Pure functions: nothing here knows accounts, the database or the clock.
 */
#ifndef PATELLA_PASSWORD_H
#define PATELLA_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum {
    PASSWORD_SIZE = 516,             /* 128 characters in UTF-8, with a NUL */
    PASSWORD_LEAST = 8,              /* characters, with a second factor */
    PASSWORD_LEAST_ALONE = 15,       /* without */
    PASSWORD_MOST = 128,
    PASSWORD_HASH_SIZE = 128,
    TOTP_SECRET_BYTES = 20,
    TOTP_SECRET_SIZE = 33,           /* in base32 */
    RECOVERY_CODES = 10,
    RECOVERY_CODE_SIZE = 20          /* "ABCD-EFGH-JKLM-NPQR": 80 bits in base32 */
};

/*
 * NULL for a password that will do for `account`, else a sentence that says what is wrong: its length, or that it is
 * one of those that are tried first: common words, the words of this field, keyboard rows, years, names, with digits
 * and signs around or letters written as digits.
 */
const char *password_fault(const char *password, const char *account);

/* True for one that is long enough without a second factor. */
bool password_is_long(const char *password);

/* The encoded hash with a fresh salt; false when the system has no memory or no random numbers. */
bool password_hash(const char *password, char out[PASSWORD_HASH_SIZE]) __attribute__((warn_unused_result));

/*
 * Whether `password` is the one behind `hash`.  NULL `hash`: of nobody; the work is done all the same, and the answer
 * is no.
 */
bool password_verify(const char *password, const char *hash);

/* True when the hash was made with other costs than those of today. */
bool password_hash_is_old(const char *hash);

/*
 * The step of the code (unix time / 30) when it is right at `now` or a step before or after, and later than
 * `used_step`; 0 when it is not.
 */
int64_t totp_check(const uint8_t secret[TOTP_SECRET_BYTES], const char *code, time_t now, int64_t used_step);

/* A new secret, and as base32. */
bool totp_make_secret(uint8_t secret[TOTP_SECRET_BYTES], char text[TOTP_SECRET_SIZE])
    __attribute__((warn_unused_result));

bool recovery_code_make(char out[RECOVERY_CODE_SIZE]) __attribute__((warn_unused_result));

/* As it is kept: SHA-256 of its letters, small or capital, with or without dashes; false for what is no such code. */
bool recovery_code_hash(const char *code, uint8_t sha256[32]);

#endif
