/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/session_token.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum { KEY_BYTES = 32, BASE64_SIZE = 45 };

static const char prefix[] = "s_";

static void encode(const unsigned char bytes[KEY_BYTES], char out[SESSION_SECRET_SIZE])
{
    unsigned char text[BASE64_SIZE];
    EVP_EncodeBlock(text, bytes, KEY_BYTES);
    memcpy(out, text, SESSION_SECRET_SIZE - 1);
    out[SESSION_SECRET_SIZE - 1] = '\0';
    for (char *letter = out; *letter != '\0'; letter++) {
        if (*letter == '+')
            *letter = '-';
        else if (*letter == '/')
            *letter = '_';
    }
    OPENSSL_cleanse(text, sizeof text);
}

/* False for what encode() does not write: other letters, and other last bits than zeros. */
static bool decode(const char *text, unsigned char bytes[KEY_BYTES + 1])
{
    unsigned char standard[BASE64_SIZE];
    char again[SESSION_SECRET_SIZE];
    if (strlen(text) != SESSION_SECRET_SIZE - 1 || strpbrk(text, "+/=") != NULL)
        return false;
    for (size_t i = 0; i < SESSION_SECRET_SIZE - 1; i++)
        standard[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : (unsigned char)text[i];
    standard[SESSION_SECRET_SIZE - 1] = '=';
    standard[SESSION_SECRET_SIZE] = '\0';
    if (EVP_DecodeBlock(bytes, standard, SESSION_SECRET_SIZE) != KEY_BYTES + 1)
        return false;
    encode(bytes, again);
    return strcmp(again, text) == 0;
}

bool session_secret_make(char out[SESSION_SECRET_SIZE])
{
    unsigned char bytes[KEY_BYTES];
    bool made = RAND_bytes(bytes, sizeof bytes) == 1;
    if (made)
        encode(bytes, out);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return made;
}

bool session_token_make(char out[SESSION_TOKEN_SIZE])
{
    out[0] = prefix[0];
    out[1] = prefix[1];
    return session_secret_make(out + 2);
}

bool session_token_is(const char *token)
{
    unsigned char bytes[KEY_BYTES + 1];
    bool is = strncmp(token, prefix, 2) == 0 && decode(token + 2, bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return is;
}

static void derive(const char *token, const char *message, char out[SESSION_SECRET_SIZE])
{
    unsigned char key[KEY_BYTES + 1] = {0}, mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    out[0] = '\0';
    if (decode(token + 2, key) && HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *)message,
                                       strlen(message), mac, &length) != NULL)
        encode(mac, out);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(mac, sizeof mac);
}

void session_token_for_study(const char *token, int study_id, char out[SESSION_SECRET_SIZE])
{
    char message[40];
    snprintf(message, sizeof message, "patella study %d", study_id);
    derive(token, message, out);
}

void session_token_for_form(const char *token, char out[SESSION_SECRET_SIZE])
{
    derive(token, "patella form", out);
}

/* ---- the cookie ---- */

/* RFC 6265, section 4.2.1: NAME=VALUE parted by "; ". */
bool session_cookie_read(const char *header, size_t length, char out[SESSION_TOKEN_SIZE])
{
    static const char name[] = SESSION_COOKIE "=";
    const char *end = header + length;
    for (const char *at = header, *next; at != NULL && at < end; at = next) {
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        const char *stop = semicolon != NULL ? semicolon : end;
        next = semicolon != NULL ? semicolon + 1 : NULL;
        while (at < stop && *at == ' ')
            at++;
        size_t size = (size_t)(stop - at);
        if (size == sizeof name - 1 + SESSION_TOKEN_SIZE - 1 && memcmp(at, name, sizeof name - 1) == 0) {
            memcpy(out, at + sizeof name - 1, SESSION_TOKEN_SIZE - 1);
            out[SESSION_TOKEN_SIZE - 1] = '\0';
            return session_token_is(out);
        }
    }
    return false;
}

void session_cookie_write(const char *token, char out[SESSION_COOKIE_SIZE])
{
    snprintf(out, SESSION_COOKIE_SIZE, SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s",
             token != NULL ? token : "", token != NULL ? "" : "; Max-Age=0");
}
