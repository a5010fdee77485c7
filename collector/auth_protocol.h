/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What patellad and the process that checks passwords say to each other: one request and one answer at a time over a
 * socket that keeps messages apart (SOCK_SEQPACKET).  Blocks of one size with texts that end with NUL, so that there
 * is nothing to parse.
 */
#ifndef PATELLA_AUTH_PROTOCOL_H
#define PATELLA_AUTH_PROTOCOL_H

#include <stdint.h>

#include "collector/password.h"
#include "collector/session_token.h"

enum auth_kind {
    AUTH_LOGIN,          /* account, password, code or recovery_code */
    AUTH_CONFIRM,        /* token of a session; password and code or recovery_code, or one of them */
    AUTH_ACCEPT,         /* token of an invitation; password, or code as its second step */
    AUTH_LOGOUT          /* token of a session */
};

enum { AUTH_ACCOUNT_SIZE = 64, AUTH_ADDRESS_SIZE = 46, AUTH_CODE_SIZE = 8 };

struct auth_request {
    uint64_t number;
    uint32_t kind;               /* enum auth_kind */
    int32_t idle_s;              /* of a session that is opened */
    char address[AUTH_ADDRESS_SIZE];
    char account[AUTH_ACCOUNT_SIZE];
    char password[PASSWORD_SIZE];                 /* "": none */
    char code[AUTH_CODE_SIZE];                    /* "": none */
    char recovery_code[RECOVERY_CODE_SIZE];       /* "": none */
    char token[SESSION_TOKEN_SIZE];
};

enum auth_outcome {
    AUTH_DONE,
    AUTH_REFUSED,        /* account, password or second factor: which of them is nobody's business */
    AUTH_WAIT,           /* too much has failed: not before wait_s */
    AUTH_NOTHING,        /* no such session, no such invitation */
    AUTH_WEAK,           /* the password will not do: fault */
    AUTH_UNAVAILABLE     /* no database, or the process has ended over it */
};

struct auth_answer {
    uint64_t number;             /* of the request */
    uint32_t outcome;            /* enum auth_outcome */
    int32_t wait_s;
    char account[AUTH_ACCOUNT_SIZE];
    char token[SESSION_TOKEN_SIZE];               /* of the session that was opened */
    int64_t expires_at, ends_at;                  /* unix seconds */
    int32_t second_factor;                        /* the session has one */
    int32_t recovery_left;
    char totp_secret[TOTP_SECRET_SIZE];           /* of an invitation's first step */
    char recovery_codes[RECOVERY_CODES][RECOVERY_CODE_SIZE];
    char fault[160];
};

#endif
