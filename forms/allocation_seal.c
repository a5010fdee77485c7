/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/allocation_seal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "forms/base/memory.h"
#include "forms/base/secret_file.h"
#include "forms/base/text.h"

enum {
    KEY_BYTES = 32, NONCE = 12, TAG = 16, HASH = 32, LINE_SIZE = 256, PLACE_SIZE = 256,
    AT_NONCE = ALLOCATION_KEY_ID_BYTES, AT_COHORT = AT_NONCE + NONCE, AT_TAG = AT_COHORT + ALLOCATION_COHORT_SIZE
};

static const char line_name[] = "patella-allocation-key";

struct key {
    char id[ALLOCATION_KEY_ID_SIZE];
    uint8_t id_bytes[ALLOCATION_KEY_ID_BYTES];
    uint8_t nonce_key[HASH];
    EVP_CIPHER_CTX *sealing, *opening;      /* the key is set; each use sets the nonce */
};

struct allocation_keys {
    struct key *at;
    size_t count;
};

/* What a place is called in the associated data, and in the making of the nonce. */
struct place_name {
    char bytes[PLACE_SIZE];
    int length;
};

/* ---- keys ---- */

static void hmac(const uint8_t *key, const void *message, size_t length, uint8_t out[HASH])
{
    if (HMAC(EVP_sha256(), key, KEY_BYTES, message, length, out, NULL) == NULL)
        memory_exhausted();
}

/* Each use of a key has one of its own. */
static void derive(const uint8_t key[KEY_BYTES], const char *use, uint8_t out[HASH])
{
    hmac(key, use, strlen(use), out);
}

static void find_id(const uint8_t key[KEY_BYTES], uint8_t id[ALLOCATION_KEY_ID_BYTES])
{
    uint8_t hash[HASH];
    derive(key, "patella allocation 1: id", hash);
    memcpy(id, hash, ALLOCATION_KEY_ID_BYTES);
}

static EVP_CIPHER_CTX *new_cipher(const uint8_t key[HASH], bool seals)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL || EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, NULL, seals) != 1)
        memory_exhausted();
    return cipher;
}

static int destroy_keys(struct allocation_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        EVP_CIPHER_CTX_free(keys->at[i].sealing);
        EVP_CIPHER_CTX_free(keys->at[i].opening);
        OPENSSL_cleanse(&keys->at[i], sizeof keys->at[i]);
    }
    return 0;
}

static void add_key(struct allocation_keys *keys, const uint8_t bytes[KEY_BYTES])
{
    uint8_t cipher_key[HASH];
    keys->at = memory_resize_array(keys, keys->at, struct key, keys->count + 1);
    struct key *key = &keys->at[keys->count++];
    find_id(bytes, key->id_bytes);
    text_to_hex(key->id_bytes, sizeof key->id_bytes, key->id);
    derive(bytes, "patella allocation 1: nonce", key->nonce_key);
    derive(bytes, "patella allocation 1: cohort", cipher_key);
    key->sealing = new_cipher(cipher_key, true);
    key->opening = new_cipher(cipher_key, false);
    OPENSSL_cleanse(cipher_key, sizeof cipher_key);
}

static const struct key *find_key(const struct allocation_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->at[i].id, id) == 0)
            return &keys->at[i];
    return NULL;
}

size_t allocation_keys_count(const struct allocation_keys *keys)
{
    return keys->count;
}

const char *allocation_keys_id(const struct allocation_keys *keys, size_t at)
{
    return keys->at[at].id;
}

bool allocation_keys_has(const struct allocation_keys *keys, const char *id)
{
    return find_key(keys, id) != NULL;
}

/* ---- files ---- */

char *allocation_key_text(const void *owner, char id[ALLOCATION_KEY_ID_SIZE])
{
    uint8_t key[KEY_BYTES], id_bytes[ALLOCATION_KEY_ID_BYTES];
    char hex[2 * KEY_BYTES + 1];
    if (RAND_priv_bytes(key, sizeof key) != 1)
        memory_exhausted();
    find_id(key, id_bytes);
    text_to_hex(id_bytes, sizeof id_bytes, id);
    text_to_hex(key, sizeof key, hex);
    char *text = memory_format(owner, "# Whoever has this and the database knows every arm; without it the arms are "
                                      "lost. Two persons keep a copy each.\n%s %s %s", line_name, id, hex);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(hex, sizeof hex);
    return text;
}

/* False for a line that is no key. */
static bool read_line(struct allocation_keys *keys, char *line)
{
    long length = 0;
    char *rest = line, *name = strsep(&rest, " "), *id = strsep(&rest, " ");
    if (strcmp(name, line_name) != 0 || id == NULL || rest == NULL)
        return false;
    unsigned char *bytes = strlen(rest) == (size_t)2 * KEY_BYTES ? OPENSSL_hexstr2buf(rest, &length) : NULL;
    bool right = bytes != NULL && length == KEY_BYTES && find_key(keys, id) == NULL;
    if (right) {
        add_key(keys, bytes);
        right = strcmp(keys->at[keys->count - 1].id, id) == 0;
    }
    OPENSSL_clear_free(bytes, KEY_BYTES);
    ERR_clear_error();
    return right;
}

static bool read_lines(struct allocation_keys *keys, FILE *file, const char *path, struct error *error)
{
    char line[LINE_SIZE];
    bool good = true;
    for (int number = 1; good && fgets(line, sizeof line, file) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        good = read_line(keys, line) ||
               error_at(error, ERROR_INPUT, path, number, "no line \"%s ID KEY\", or another key than its id says, or "
                        "one that stands above; take the line as `patella-admin allocation-key new` wrote it",
                        line_name);
    }
    OPENSSL_cleanse(line, sizeof line);
    if (good && keys->count == 0)
        return error_set(error, ERROR_INPUT, "%s: no key in it; `patella-admin allocation-key new FILE` makes one",
                         path);
    return good;
}

struct allocation_keys *allocation_keys_load(const void *owner, const char *path, struct error *error)
{
    FILE *file = secret_file_open(path, error);
    if (file == NULL)
        return NULL;
    setvbuf(file, NULL, _IONBF, 0);      /* no copy of the key in a buffer of its own */
    struct allocation_keys *keys = memory_new(owner, struct allocation_keys);
    talloc_set_destructor(keys, destroy_keys);
    bool read = read_lines(keys, file, path, error);
    fclose(file);
    if (read)
        return keys;
    talloc_free(keys);
    return NULL;
}

/* ---- use ---- */

static void append_text(struct place_name *name, const char *text)
{
    size_t length = strlen(text), room = sizeof name->bytes - (size_t)name->length;
    if (length >= room)
        memory_exhausted();      /* a study's code has 40 characters at most */
    memcpy(name->bytes + name->length, text, length);
    name->bytes[(size_t)name->length + length] = '\n';
    name->length += (int)length + 1;
}

/* Without snprintf, which would take as long as opening. */
static void append_number(struct place_name *name, int number)
{
    char digits[TEXT_NUMBER_SIZE] = "";
    text_from_number((uint64_t)number, 0, digits);
    append_text(name, digits);
}

static void name_place(const struct allocation_place *place, const char *id, struct place_name *name)
{
    name->length = 0;
    append_text(name, "patella allocation 1");
    append_text(name, id);
    append_text(name, place->study);
    append_number(name, place->site);
    append_number(name, place->subject);
    append_text(name, place->knee);
    append_number(name, place->entry);
}

static void make_nonce(const struct key *key, const struct place_name *name,
                       const uint8_t cohort[ALLOCATION_COHORT_SIZE], uint8_t nonce[NONCE])
{
    uint8_t message[PLACE_SIZE + ALLOCATION_COHORT_SIZE], hash[HASH];
    size_t length = (size_t)name->length;
    memcpy(message, name->bytes, length);
    memcpy(message + length, cohort, ALLOCATION_COHORT_SIZE);
    hmac(key->nonce_key, message, length + ALLOCATION_COHORT_SIZE, hash);
    memcpy(nonce, hash, NONCE);
}

static bool refuse_key(const struct allocation_keys *keys, const char *id, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "the allocation is sealed with key %s, %s; name the file that has it by "
                     "--allocation-keys", id, keys == NULL ? "and no key was given" : "which is not in the file");
}

bool allocation_seal(const struct allocation_keys *keys, const char *id, const struct allocation_place *place,
                     const char *cohort, uint8_t sealed[ALLOCATION_SEALED], struct error *error)
{
    const struct key *key = keys != NULL ? find_key(keys, id) : NULL;
    size_t length = strlen(cohort);
    uint8_t plain[ALLOCATION_COHORT_SIZE] = {0};
    struct place_name name;
    int written;
    if (key == NULL)
        return refuse_key(keys, id, error);
    if (length >= ALLOCATION_COHORT_SIZE)
        return error_set(error, ERROR_INPUT, "cohort \"%.70s\" is longer than 63 bytes; shorten its id", cohort);
    memcpy(plain, cohort, length + 1);
    name_place(place, id, &name);
    memcpy(sealed, key->id_bytes, ALLOCATION_KEY_ID_BYTES);
    make_nonce(key, &name, plain, sealed + AT_NONCE);
    EVP_CIPHER_CTX *cipher = key->sealing;
    if (EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, sealed + AT_NONCE) != 1 ||
        EVP_EncryptUpdate(cipher, NULL, &written, (const uint8_t *)name.bytes, name.length) != 1 ||
        EVP_EncryptUpdate(cipher, sealed + AT_COHORT, &written, plain, sizeof plain) != 1 ||
        EVP_EncryptFinal_ex(cipher, sealed + AT_TAG, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + AT_TAG) != 1)
        memory_exhausted();
    return true;
}

static bool decrypt(const struct key *key, const struct place_name *name, const uint8_t *sealed,
                    uint8_t plain[ALLOCATION_COHORT_SIZE])
{
    EVP_CIPHER_CTX *cipher = key->opening;
    uint8_t tag[TAG], rest[TAG];
    int written;
    memcpy(tag, sealed + AT_TAG, TAG);
    if (EVP_DecryptInit_ex(cipher, NULL, NULL, NULL, sealed + AT_NONCE) != 1 ||
        EVP_DecryptUpdate(cipher, NULL, &written, (const uint8_t *)name->bytes, name->length) != 1 ||
        EVP_DecryptUpdate(cipher, plain, &written, sealed + AT_COHORT, ALLOCATION_COHORT_SIZE) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag) != 1)
        memory_exhausted();
    bool good = EVP_DecryptFinal_ex(cipher, rest, &written) == 1;
    ERR_clear_error();
    return good && plain[ALLOCATION_COHORT_SIZE - 1] == '\0';
}

bool allocation_open(const struct allocation_keys *keys, const struct allocation_place *place, const uint8_t *sealed,
                     size_t length, char cohort[ALLOCATION_COHORT_SIZE], struct error *error)
{
    char id[ALLOCATION_KEY_ID_SIZE] = "";
    uint8_t plain[ALLOCATION_COHORT_SIZE];
    struct place_name name;
    if (length == ALLOCATION_SEALED)
        text_to_hex(sealed, ALLOCATION_KEY_ID_BYTES, id);
    const struct key *key = keys != NULL ? find_key(keys, id) : NULL;
    if (length == ALLOCATION_SEALED && key == NULL)
        return refuse_key(keys, id, error);
    if (key != NULL)
        name_place(place, id, &name);
    if (key == NULL || !decrypt(key, &name, sealed, plain))
        return error_set(error, ERROR_INPUT, "the sealed cohort of study %s, subject %02d-%04d, knee %s, entry %d is "
                         "not what was sealed there: it was altered, or comes from another row; `patella-seal verify` "
                         "says more", place->study, place->site, place->subject, place->knee, place->entry);
    memcpy(cohort, plain, ALLOCATION_COHORT_SIZE);
    OPENSSL_cleanse(plain, sizeof plain);
    return true;
}
