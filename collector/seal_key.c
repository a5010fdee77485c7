/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "collector/merkle.h"
#include "forms/base/memory.h"
#include "forms/base/secret_file.h"

enum { KEY_BYTES = 32 };

struct seal_key {
    EVP_PKEY *key;
    uint8_t id[SEAL_KEY_ID];
};

struct seal_keys {
    struct seal_key **at;
    size_t count;
};

static int destroy_key(struct seal_key *key)
{
    EVP_PKEY_free(key->key);
    return 0;
}

/* Takes `key` over; NULL when it is no Ed25519 key. */
static struct seal_key *adopt(const void *owner, EVP_PKEY *key)
{
    uint8_t public_bytes[KEY_BYTES], hash[MERKLE_HASH];
    size_t length = sizeof public_bytes;
    if (EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, public_bytes, &length) != 1) {
        EVP_PKEY_free(key);
        return NULL;
    }
    struct seal_key *adopted = memory_new(owner, struct seal_key);
    adopted->key = key;
    talloc_set_destructor(adopted, destroy_key);
    merkle_sha256(public_bytes, length, hash);
    memcpy(adopted->id, hash, sizeof adopted->id);
    return adopted;
}

/* ---- making ---- */

static bool write_key(const char *path, mode_t mode, const EVP_PKEY *key, bool is_private, struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0 && errno == EEXIST)
        return error_set(error, ERROR_CONFLICT, "%s is there already and was left alone; choose another name", path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (file == NULL)
        return error_io(error, errno, path);
    int written = is_private ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) : PEM_write_PUBKEY(file, key);
    bool done = written == 1 && fflush(file) == 0 && fsync(descriptor) == 0;
    int reason = errno;
    done = fclose(file) == 0 && done;
    return done || error_io(error, reason, path);
}

bool seal_key_generate(const char *private_path, const char *public_path, struct error *error)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (key == NULL)
        return error_set(error, ERROR_INTERNAL, "OpenSSL made no Ed25519 key");
    bool done = write_key(private_path, S_IRUSR | S_IWUSR, key, true, error) &&
                write_key(public_path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, key, false, error);
    EVP_PKEY_free(key);
    return done;
}

/* ---- reading ---- */

static EVP_PKEY *read_private(FILE *file, const char *path, struct error *error)
{
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    if (key == NULL)
        error_set(error, ERROR_INPUT, "%s: no private key in PEM; `patella-seal keygen` makes one", path);
    return key;
}

struct seal_key *seal_key_load(const void *owner, const char *path, struct error *error)
{
    FILE *file = secret_file_open(path, error);
    if (file == NULL)
        return NULL;
    EVP_PKEY *read = read_private(file, path, error);
    fclose(file);
    struct seal_key *key = read != NULL ? adopt(owner, read) : NULL;
    if (read != NULL && key == NULL)
        error_set(error, ERROR_INPUT, "%s: not an Ed25519 key; `patella-seal keygen` makes one", path);
    ERR_clear_error();
    return key;
}

static struct seal_keys *new_keys(const void *owner)
{
    return memory_new(owner, struct seal_keys);
}

static void add_key(struct seal_keys *keys, struct seal_key *key)
{
    keys->at = memory_resize_array(keys, keys->at, struct seal_key *, keys->count + 1);
    keys->at[keys->count++] = key;
}

struct seal_keys *seal_keys_load(const void *owner, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        error_io(error, errno, path);
        return NULL;
    }
    struct seal_keys *keys = new_keys(owner);
    bool all = true;
    for (EVP_PKEY *read; (read = PEM_read_PUBKEY(file, NULL, NULL, NULL)) != NULL;) {
        struct seal_key *key = adopt(keys, read);
        if (key != NULL)
            add_key(keys, key);
        all = all && key != NULL;
    }
    fclose(file);
    ERR_clear_error();
    if (keys->count > 0 && all)
        return keys;
    error_set(error, ERROR_INPUT, "%s: %s; it wants the file that `patella-seal keygen` wrote beside the private key",
              path, keys->count > 0 ? "a key that is not Ed25519" : "no public key in PEM");
    talloc_free(keys);
    return NULL;
}

struct seal_keys *seal_key_public(const void *owner, const struct seal_key *key)
{
    struct seal_keys *keys = new_keys(owner);
    EVP_PKEY_up_ref(key->key);
    add_key(keys, adopt(keys, key->key));
    return keys;
}

/* ---- use ---- */

const uint8_t *seal_key_id(const struct seal_key *key)
{
    return key->id;
}

void seal_key_sign(const struct seal_key *key, const void *message, size_t length, uint8_t signature[SEAL_SIGNATURE])
{
    size_t size = SEAL_SIGNATURE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) != 1 ||
        EVP_DigestSign(context, signature, &size, message, length) != 1 || size != SEAL_SIGNATURE)
        memory_exhausted();
    EVP_MD_CTX_free(context);
}

static bool is_signed(EVP_PKEY *key, const void *message, size_t length, const uint8_t signature[SEAL_SIGNATURE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) != 1)
        memory_exhausted();
    bool good = EVP_DigestVerify(context, signature, SEAL_SIGNATURE, message, length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

enum seal_verdict seal_keys_verify(const struct seal_keys *keys, const uint8_t id[SEAL_KEY_ID], const void *message,
                                   size_t length, const uint8_t signature[SEAL_SIGNATURE])
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->at[i]->id, id, SEAL_KEY_ID) == 0)
            return is_signed(keys->at[i]->key, message, length, signature) ? SEAL_SIGNED : SEAL_NOT_SIGNED;
    return SEAL_KEY_UNKNOWN;
}
