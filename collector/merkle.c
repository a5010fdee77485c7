/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/merkle.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "forms/base/memory.h"

enum { LEVELS = 64 };

struct merkle {
    EVP_MD_CTX *context;
    EVP_MD *sha256;
    uint64_t count;
    uint8_t full[LEVELS][MERKLE_HASH];   /* [k]: hash of a full subtree of 2^k leaves, where bit k of count is set */
};

static int destroy(struct merkle *merkle)
{
    EVP_MD_CTX_free(merkle->context);
    EVP_MD_free(merkle->sha256);
    return 0;
}

struct merkle *merkle_new(const void *owner)
{
    struct merkle *merkle = memory_new(owner, struct merkle);
    merkle->context = EVP_MD_CTX_new();
    merkle->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (merkle->context == NULL || merkle->sha256 == NULL)
        memory_exhausted();
    talloc_set_destructor(merkle, destroy);
    return merkle;
}

void merkle_clear(struct merkle *merkle)
{
    merkle->count = 0;
}

struct part {
    const void *bytes;
    size_t length;
};

/* SHA-256 does not fail but for want of memory. */
static void hash_parts(struct merkle *merkle, const struct part *parts, size_t count, uint8_t hash[MERKLE_HASH])
{
    int done = EVP_DigestInit_ex2(merkle->context, merkle->sha256, NULL);
    for (size_t i = 0; i < count; i++)
        done &= EVP_DigestUpdate(merkle->context, parts[i].bytes, parts[i].length);
    done &= EVP_DigestFinal_ex(merkle->context, hash, NULL);
    if (!done)
        memory_exhausted();
}

void merkle_hash_leaf(struct merkle *merkle, const void *data, size_t length, uint8_t hash[MERKLE_HASH])
{
    const struct part parts[] = {{"\0", 1}, {data, length}};
    hash_parts(merkle, parts, 2, hash);
}

static void hash_node(struct merkle *merkle, const uint8_t *left, const uint8_t *right, uint8_t hash[MERKLE_HASH])
{
    const struct part parts[] = {{"\1", 1}, {left, MERKLE_HASH}, {right, MERKLE_HASH}};
    hash_parts(merkle, parts, 3, hash);
}

/* As in adding 1 to a binary number: each carry joins two full subtrees of one size. */
void merkle_add(struct merkle *merkle, const uint8_t leaf[MERKLE_HASH])
{
    uint8_t hash[MERKLE_HASH];
    memcpy(hash, leaf, MERKLE_HASH);
    int level = 0;
    for (; merkle->count >> level & 1; level++)
        hash_node(merkle, merkle->full[level], hash, hash);
    memcpy(merkle->full[level], hash, MERKLE_HASH);
    merkle->count++;
}

uint64_t merkle_count(const struct merkle *merkle)
{
    return merkle->count;
}

void merkle_root(struct merkle *merkle, uint8_t root[MERKLE_HASH])
{
    bool begun = false;
    if (merkle->count == 0)
        merkle_sha256("", 0, root);
    for (int level = 0; level < LEVELS; level++) {
        if (!(merkle->count >> level & 1))
            continue;
        if (begun)
            hash_node(merkle, merkle->full[level], root, root);
        else
            memcpy(root, merkle->full[level], MERKLE_HASH);
        begun = true;
    }
}

void merkle_sha256(const void *data, size_t length, uint8_t hash[MERKLE_HASH])
{
    if (EVP_Digest(data, length, hash, NULL, EVP_sha256(), NULL) != 1)
        memory_exhausted();
}
