/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens of sessions, and what only their bearer can derive from them.
 *
 * A session's token is "s_" and 32 random bytes in base64url.  Under these bytes as key, HMAC-SHA256 of
 * "patella study N" is the token of its credential for study N, and that of "patella form" what a browser's requests
 * carry beside the cookie.  The database keeps SHA-256 of the tokens only.
 */
#ifndef PATELLA_SESSION_TOKEN_H
#define PATELLA_SESSION_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum { SESSION_SECRET_SIZE = 44, SESSION_TOKEN_SIZE = SESSION_SECRET_SIZE + 2, SESSION_COOKIE_SIZE = 160 };

#define SESSION_COOKIE "__Host-patella"

/* 32 random bytes in base64url: 43 letters.  False when the system has no random numbers. */
bool session_secret_make(char out[SESSION_SECRET_SIZE]) __attribute__((warn_unused_result));
bool session_token_make(char out[SESSION_TOKEN_SIZE]) __attribute__((warn_unused_result));

/* Whether it has the form of a session's token; accounts are never called "s". */
bool session_token_is(const char *token);

/* Of a token of that form. */
void session_token_for_study(const char *token, int study_id, char out[SESSION_SECRET_SIZE]);
void session_token_for_form(const char *token, char out[SESSION_SECRET_SIZE]);

/* The value of the session's cookie in a Cookie header; false when there is none, or one too long to be a session's. */
bool session_cookie_read(const char *header, size_t length, char out[SESSION_TOKEN_SIZE]);

/* The value of Set-Cookie; `token` NULL: the cookie goes. */
void session_cookie_write(const char *token, char out[SESSION_COOKIE_SIZE]);

#endif
