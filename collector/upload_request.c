/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { NUMBER_DIGITS = 18, WAIT_DIGITS = 6 };

bool upload_read_number(const char *text, int64_t *number)
{
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > NUMBER_DIGITS || text[digits] != '\0')
        return false;
    return text_to_int64(text, number);
}

/* ---- base64 (RFC 4648, section 4), padded ---- */

static bool is_base64(const char *text, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t good = 0;
    while (good < length && memchr(digits, text[good], sizeof digits - 1) != NULL)
        good++;
    return length % 4 == 0 && length - good <= 2 && strspn(text + good, "=") >= length - good;
}

/* The bytes with a NUL behind; NULL when it is no base64. */
static char *decode_base64(const void *owner, const char *text, size_t length, size_t *decoded)
{
    if (!is_base64(text, length))
        return NULL;
    char *bytes = memory_new_array(owner, char, length + 1);
    if (length > 0 && EVP_DecodeBlock((unsigned char *)bytes, (const unsigned char *)text, (int)length) < 0)
        return NULL;
    size_t padding = 0;
    while (padding < length && text[length - padding - 1] == '=')
        padding++;
    *decoded = length / 4 * 3 - padding;
    bytes[*decoded] = '\0';
    return bytes;
}

/* ---- the name of the file ---- */

const char *upload_base_name(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at != '\0'; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return name;
}

bool upload_is_name(const char *name)
{
    return name[0] != '\0' && text_is_utf8(name, strlen(name)) && strpbrk(name, "\t\r\n") == NULL &&
           !text_has_control(name) && text_count_characters(name) <= UPLOAD_NAME_MOST;
}

static bool is_printable(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] < '!' || bytes[i] > '~')
            return false;
    return true;
}

/* "KEY" or "KEY VALUE". */
static bool read_pair(const void *owner, const char *pair, size_t length, const char **name)
{
    const char *blank = memchr(pair, ' ', length);
    size_t key = blank != NULL ? (size_t)(blank - pair) : length, decoded = 0;
    if (key == 0 || !is_printable(pair, key))
        return false;
    const char *value = blank != NULL ? decode_base64(owner, blank + 1, length - key - 1, &decoded) : "";
    if (value == NULL)
        return false;
    if (key != strlen("filename") || memcmp(pair, "filename", key) != 0)
        return true;
    *name = upload_base_name(value);
    return strlen(value) == decoded && upload_is_name(*name);
}

bool upload_read_metadata(const void *owner, const char *metadata, const char **name)
{
    const char *at = metadata != NULL ? metadata : "";
    if (strlen(at) > UPLOAD_METADATA_MOST)
        return false;
    while (*at != '\0') {
        size_t length = strcspn(at, ",");
        if (!read_pair(owner, at, length, name))
            return false;
        at += length;
        if (*at == ',' && *++at == '\0')
            return false;
    }
    return true;
}

/* ---- checksums ---- */

bool upload_read_checksum(const char *text, struct upload_checksum *checksum)
{
    static const char *const offered[] = {"sha1", "sha256", "md5"};
    size_t name = strcspn(text, " "), length = 0;
    checksum->algorithm = NULL;
    for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
        if (strlen(offered[i]) == name && memcmp(offered[i], text, name) == 0)
            checksum->algorithm = offered[i];
    if (checksum->algorithm == NULL || text[name] != ' ')
        return false;
    void *work = memory_owner(NULL, "checksum");
    const char *value = text + name + 1;
    char *digest = decode_base64(work, value, strlen(value), &length);
    const EVP_MD *method = EVP_get_digestbyname(checksum->algorithm);
    bool good = digest != NULL && method != NULL && length == (size_t)EVP_MD_get_size(method);
    if (good)
        memcpy(checksum->digest, digest, length);
    checksum->length = good ? length : 0;
    talloc_free(work);
    return good;
}

bool upload_fits_checksum(const struct upload_checksum *checksum, const void *bytes, size_t length)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned got = 0;
    const EVP_MD *method = EVP_get_digestbyname(checksum->algorithm);
    return method != NULL && EVP_Digest(bytes, length, digest, &got, method, NULL) == 1 && got == checksum->length &&
           CRYPTO_memcmp(digest, checksum->digest, got) == 0;
}

/* ---- Prefer ---- */

/* One preference, without the parameters behind it; -1 when it is another one. */
static int read_preference(const char *preference)
{
    static const char wait[] = "wait";
    preference += strspn(preference, " \t");
    if (strncasecmp(preference, wait, sizeof wait - 1) != 0)
        return -1;
    preference += sizeof wait - 1;
    preference += strspn(preference, " \t");
    if (*preference != '=')
        return -1;
    preference++;
    preference += strspn(preference, " \t\"");
    size_t digits = strspn(preference, "0123456789");
    if (digits == 0 || digits > WAIT_DIGITS || strchr("\" \t,;", preference[digits]) == NULL)
        return -1;
    return (int)strtol(preference, NULL, 10);
}

int upload_read_wait(const char *prefer, int initial, int most)
{
    const char *at = prefer != NULL ? prefer : "";
    while (*at != '\0') {
        int seconds = read_preference(at);
        if (seconds >= 0)
            return seconds < most ? seconds : most;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return initial;
}
