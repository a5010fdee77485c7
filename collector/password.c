/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/password.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argon2.h>
#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "forms/base/text.h"

enum { MEMORY_KIB = 65536, PASSES = 3, LANES = 1, SALT_BYTES = 16, HASH_BYTES = 32 };
enum { STEP_S = 30, WINDOW = 1, DIGITS = 6 };

/* ---- what is good enough ---- */

/* Small letters only; a password that is one of them, or some of them one after the other, is tried first. */
static const char *const common[] = {
    "abc", "admin", "administrator", "adminadmin", "andrea", "angel", "april", "arthritis", "arthrose",
    "august", "autumn", "baseball", "batman", "berlin", "cartilage", "cell", "cells", "change", "changeme",
    "charlie", "clinic", "computer", "coordinator", "daniel", "data", "december", "default", "demo",
    "doctor", "dragon", "february", "flower", "football", "freedom", "friday", "geheim", "guest", "hallo",
    "hello", "herbst", "hospital", "iloveyou", "injection", "investigator", "january", "jesus", "jordan",
    "july", "june", "killer", "knee", "knie", "knorpel", "koos", "let", "letmein", "login", "london", "love",
    "manager", "march", "master", "medical", "michael", "monday", "monitor", "monkey", "november", "nurse",
    "october", "office", "orthopaedics", "orthopedics", "pass", "passwort", "password", "patella", "patient",
    "praxis", "princess", "private", "qwerty", "registry", "research", "root", "saturday", "schatz",
    "secret", "secure", "september", "shadow", "sommer", "spring", "starwars", "statistics", "stem", "study",
    "studie", "summer", "sunday", "sunshine", "superman", "surgery", "sweden", "system", "temp", "test",
    "thomas", "thursday", "trial", "trustno", "tuesday", "user", "wednesday", "welcome", "willkommen",
    "winter", "womac", "word", "your", "my", "me", "in", "the", "a", "i",
};

static const char *const rows[] = {
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
    "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgbyhnujmikolp", "qaywsxedcrfvtgbzhnujmikolp",
};

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/*
 * The letters that are meant: small ones.  `with_leet`: between the first and the last letter digits and signs that
 * stand for letters are read as these; others are left out.
 */
static size_t read_letters(const char *password, bool with_leet, char out[PASSWORD_SIZE])
{
    static const char leet[] = "0o1i3e4a5s7t@a$s!i8b";
    size_t length = 0;
    const char *end = password + strlen(password);
    while (end > password && !is_letter((unsigned char)end[-1]))
        end--;
    for (const char *at = password; at < end && length < PASSWORD_SIZE - 1; at++) {
        unsigned char c = (unsigned char)tolower((unsigned char)*at);
        const char *stands = with_leet && length > 0 && !is_letter(c) ? strchr(leet, c) : NULL;
        if (is_letter(c))
            out[length++] = (char)c;
        else if (stands != NULL && (stands - leet) % 2 == 0)
            out[length++] = stands[1];
    }
    out[length] = '\0';
    return length;
}

/* Length of the longest piece at `text` that is tried first, 0 when there is none. */
static size_t common_piece(const char *text, const char *account)
{
    size_t longest = 0, name = strlen(account);
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        size_t length = strlen(common[i]);
        if (length > longest && strncmp(text, common[i], length) == 0)
            longest = length;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (const char *start = rows[i]; *start != '\0'; start++) {
            size_t length = 0;
            while (start[length] != '\0' && text[length] == start[length])
                length++;
            if (length > longest && length >= 3)
                longest = length;
        }
    if (name >= 3 && name > longest && strncmp(text, account, name) == 0)
        longest = name;
    size_t repeated = strspn(text, (char[]){text[0], '\0'});
    return repeated > longest && repeated >= 3 ? repeated : longest;
}

/* Whether nothing but pieces that are tried first stands there: the longest that fits, one after the other. */
static bool is_made_of_common(const char *text, const char *account)
{
    while (*text != '\0') {
        size_t length = common_piece(text, account);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}

static bool is_common(const char *password, const char *account)
{
    char plain[PASSWORD_SIZE], leet[PASSWORD_SIZE], name[PASSWORD_SIZE];
    read_letters(account, false, name);
    size_t letters = read_letters(password, false, plain);
    read_letters(password, true, leet);
    /* Without letters: digits and signs, of which a date or a row is the rule. */
    bool common_letters = letters < 3 || is_made_of_common(plain, name) || is_made_of_common(leet, name);
    OPENSSL_cleanse(plain, sizeof plain);
    OPENSSL_cleanse(leet, sizeof leet);
    return common_letters;
}

const char *password_fault(const char *password, const char *account)
{
    size_t length = text_count_characters(password);
    if (length < PASSWORD_LEAST)
        return "the password has fewer than 8 characters; take a sentence of some words";
    if (length > PASSWORD_MOST)
        return "the password has more than 128 characters";
    if (is_common(password, account))
        return "the password is one of those that are tried first: common words, names, years, keyboard rows; "
               "take a sentence of some words that nobody else would write";
    return NULL;
}

bool password_is_long(const char *password)
{
    return text_count_characters(password) >= PASSWORD_LEAST_ALONE;
}

/* ---- argon2id ---- */

bool password_hash(const char *password, char out[PASSWORD_HASH_SIZE])
{
    uint8_t salt[SALT_BYTES];
    return RAND_bytes(salt, sizeof salt) == 1 &&
           argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, strlen(password), salt, sizeof salt,
                                 HASH_BYTES, out, PASSWORD_HASH_SIZE) == ARGON2_OK;
}

static bool read_costs(const char *hash, unsigned long costs[4])
{
    static const char *const names[] = {"$argon2id$v=", "$m=", ",t=", ",p="};
    for (size_t i = 0; i < 4; i++) {
        if (strncmp(hash, names[i], strlen(names[i])) != 0)
            return false;
        char *end = NULL;
        costs[i] = strtoul(hash + strlen(names[i]), &end, 10);
        hash = end;
    }
    return *hash == '$';
}

bool password_hash_is_old(const char *hash)
{
    unsigned long costs[4];
    return !read_costs(hash, costs) || costs[0] != ARGON2_VERSION_NUMBER || costs[1] != MEMORY_KIB ||
           costs[2] != PASSES || costs[3] != LANES;
}

bool password_verify(const char *password, const char *hash)
{
    /* Of the costs of today; nobody has a password whose hash is all zeros. */
    static const char of_nobody[] = "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool right = argon2id_verify(hash != NULL ? hash : of_nobody, password, strlen(password)) == ARGON2_OK;
    return right && hash != NULL;
}

/* ---- one-time codes ---- */

int64_t totp_check(const uint8_t secret[TOTP_SECRET_BYTES], const char *code, time_t now, int64_t used_step)
{
    int64_t right = 0;
    if (strlen(code) != DIGITS || strspn(code, "0123456789") != DIGITS)
        return 0;
    for (int64_t step = now / STEP_S - WINDOW; step <= now / STEP_S + WINDOW; step++) {
        char expected[DIGITS + 1];
        if (oath_hotp_generate((const char *)secret, TOTP_SECRET_BYTES, (uint64_t)step, DIGITS, false,
                               OATH_HOTP_DYNAMIC_TRUNCATION, expected) == OATH_OK &&
            CRYPTO_memcmp(expected, code, DIGITS) == 0 && step > used_step)
            right = step;
    }
    return right;
}

static bool base32(const uint8_t *bytes, size_t length, char *out, size_t size)
{
    char *text = NULL;
    size_t text_length = 0;
    bool made = oath_base32_encode((const char *)bytes, length, &text, &text_length) == OATH_OK &&
                text_length < size;
    if (made)
        memcpy(out, text, text_length + 1);
    if (text != NULL)
        OPENSSL_cleanse(text, text_length);
    free(text);
    return made;
}

bool totp_make_secret(uint8_t secret[TOTP_SECRET_BYTES], char text[TOTP_SECRET_SIZE])
{
    return RAND_bytes(secret, TOTP_SECRET_BYTES) == 1 && base32(secret, TOTP_SECRET_BYTES, text, TOTP_SECRET_SIZE);
}

bool recovery_code_make(char out[RECOVERY_CODE_SIZE])
{
    uint8_t bytes[10];
    char text[17];
    if (RAND_bytes(bytes, sizeof bytes) != 1 || !base32(bytes, sizeof bytes, text, sizeof text))
        return false;
    snprintf(out, RECOVERY_CODE_SIZE, "%.4s-%.4s-%.4s-%.4s", text, text + 4, text + 8, text + 12);
    return true;
}

bool recovery_code_hash(const char *code, uint8_t sha256[32])
{
    unsigned char letters[16];
    size_t count = 0;
    for (; *code != '\0'; code++) {
        if (*code == '-')
            continue;
        unsigned char c = (unsigned char)toupper((unsigned char)*code);
        if (count == sizeof letters || strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", c) == NULL)
            return false;
        letters[count++] = c;
    }
    if (count != sizeof letters)
        return false;
    SHA256(letters, sizeof letters, sha256);
    return true;
}
