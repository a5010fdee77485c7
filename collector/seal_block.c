/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_block.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

#define HEX_64 "%64[0-9a-f]"

enum { HEX_HASH = 2 * MERKLE_HASH, HEX_KEY = 2 * SEAL_KEY_ID, HEX_SIGNATURE = 2 * SEAL_SIGNATURE };

static const char signature_word[] = " signature ";

int seal_place_compare(struct seal_place a, struct seal_place b)
{
    if (a.xid != b.xid)
        return a.xid < b.xid ? -1 : 1;
    return a.seq == b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

/* ---- entries ---- */

static uint8_t *put(uint8_t *out, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, number >>= 8)
        out[i] = (uint8_t)number;
    return out + bytes;
}

static uint64_t get(const uint8_t **at, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number = number << 8 | *(*at)++;
    return number;
}

void seal_entry_write(const struct seal_entry *entry, uint8_t out[SEAL_ENTRY])
{
    out = put(out, (uint64_t)entry->place.xid, 8);
    out = put(out, (uint64_t)entry->place.seq, 8);
    out = put(out, (uint32_t)entry->study, 4);
    out = put(out, (uint32_t)entry->site, 4);
    out = put(out, entry->object, 2);
    memcpy(out, entry->leaf, MERKLE_HASH);
}

struct seal_entry seal_entry_read(const uint8_t *bytes)
{
    struct seal_entry entry = {.place.xid = (int64_t)get(&bytes, 8)};
    entry.place.seq = (int64_t)get(&bytes, 8);
    entry.study = (int32_t)get(&bytes, 4);
    entry.site = (int32_t)get(&bytes, 4);
    entry.object = (unsigned)get(&bytes, 2);
    entry.leaf = bytes;
    return entry;
}

void seal_block_hash_list(const struct seal_block *block, uint8_t hash[MERKLE_HASH])
{
    struct text *list = text_new(NULL);
    text_append(list, block->objects);
    text_append_bytes(list, block->entries, memory_size_product((size_t)block->rows, SEAL_ENTRY));
    merkle_sha256(list->bytes, list->length, hash);
    talloc_free(list);
}

/* ---- what is signed ---- */

char *seal_block_text(const void *owner, const struct seal_block *block)
{
    char root[HEX_HASH + 1], list[HEX_HASH + 1], before[HEX_HASH + 1], key[HEX_KEY + 1];
    text_to_hex(block->root, MERKLE_HASH, root);
    text_to_hex(block->list, MERKLE_HASH, list);
    text_to_hex(block->before, MERKLE_HASH, before);
    text_to_hex(block->key_id, SEAL_KEY_ID, key);
    return memory_format(owner,
                         "patella block %" PRId64 " era %d from %" PRId64 ".%" PRId64 " upto %" PRId64 ".%" PRId64
                         " rows %" PRId64 " root %s list %s before %s at %" PRId64 " key %s",
                         block->number, block->era, block->from.xid, block->from.seq, block->upto.xid,
                         block->upto.seq, block->rows, root, list, before, block->sealed_us, key);
}

char *seal_era_text(const void *owner, const struct seal_era *era)
{
    char before[HEX_HASH + 1], key[HEX_KEY + 1];
    text_to_hex(era->before, MERKLE_HASH, before);
    text_to_hex(era->key_id, SEAL_KEY_ID, key);
    return memory_format(owner, "patella era %d after %" PRId64 " before %s at %" PRId64 " key %s reason %s", era->era,
                         era->after, before, era->opened_us, key, era->reason);
}

void seal_block_hash(const struct seal_block *block, uint8_t hash[MERKLE_HASH])
{
    char *text = seal_block_text(NULL, block);
    merkle_sha256(text, strlen(text), hash);
    talloc_free(text);
}

static void sign_text(char *text, const struct seal_key *key, uint8_t signature[SEAL_SIGNATURE])
{
    seal_key_sign(key, text, strlen(text), signature);
    talloc_free(text);
}

void seal_block_sign(struct seal_block *block, const struct seal_key *key)
{
    memcpy(block->key_id, seal_key_id(key), SEAL_KEY_ID);
    sign_text(seal_block_text(NULL, block), key, block->signature);
}

void seal_era_sign(struct seal_era *era, const struct seal_key *key)
{
    memcpy(era->key_id, seal_key_id(key), SEAL_KEY_ID);
    sign_text(seal_era_text(NULL, era), key, era->signature);
}

enum seal_verdict seal_block_verify(const struct seal_block *block, const struct seal_keys *keys)
{
    char *text = seal_block_text(NULL, block);
    enum seal_verdict verdict = seal_keys_verify(keys, block->key_id, text, strlen(text), block->signature);
    talloc_free(text);
    return verdict;
}

enum seal_verdict seal_era_verify(const struct seal_era *era, const struct seal_keys *keys)
{
    char *text = seal_era_text(NULL, era);
    enum seal_verdict verdict = seal_keys_verify(keys, era->key_id, text, strlen(text), era->signature);
    talloc_free(text);
    return verdict;
}

/* ---- lines ---- */

static char *add_signature(const void *owner, char *text, const uint8_t signature[SEAL_SIGNATURE])
{
    char hex[HEX_SIGNATURE + 1];
    text_to_hex(signature, SEAL_SIGNATURE, hex);
    char *line = memory_format(owner, "%s%s%s", text, signature_word, hex);
    talloc_free(text);
    return line;
}

char *seal_block_line(const void *owner, const struct seal_block *block)
{
    return add_signature(owner, seal_block_text(NULL, block), block->signature);
}

char *seal_era_line(const void *owner, const struct seal_era *era)
{
    return add_signature(owner, seal_era_text(NULL, era), era->signature);
}

static int hex_digit(char letter)
{
    const char *digits = "0123456789abcdef", *found = letter != '\0' ? strchr(digits, letter) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static bool read_hex(const char *hex, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        int high = hex_digit(hex[2 * i]), low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);
        if (low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The signature stands last; `line` is what was parsed only when it is made again letter by letter. */
static bool read_signature(const char *line, uint8_t signature[SEAL_SIGNATURE])
{
    size_t length = strlen(line), tail = sizeof signature_word - 1 + HEX_SIGNATURE;
    return length > tail && strncmp(line + length - tail, signature_word, sizeof signature_word - 1) == 0 &&
           read_hex(line + length - HEX_SIGNATURE, signature, SEAL_SIGNATURE);
}

static bool is_same(char *made, const char *line)
{
    bool same = strcmp(made, line) == 0;
    talloc_free(made);
    return same;
}

bool seal_block_parse(const char *line, struct seal_block *block)
{
    char root[HEX_HASH + 1], list[HEX_HASH + 1], before[HEX_HASH + 1], key[HEX_KEY + 1];
    *block = (struct seal_block){0};
    /* NOLINTNEXTLINE(cert-err34-c): a number that does not fit is not the same when it is written again */
    int read = sscanf(line,
                      "patella block %" SCNd64 " era %d from %" SCNd64 ".%" SCNd64 " upto %" SCNd64 ".%" SCNd64
                      " rows %" SCNd64 " root " HEX_64 " list " HEX_64 " before " HEX_64 " at %" SCNd64
                      " key %16[0-9a-f]",
                      &block->number, &block->era, &block->from.xid, &block->from.seq, &block->upto.xid,
                      &block->upto.seq, &block->rows, root, list, before, &block->sealed_us, key);
    return read == 12 && block->rows >= 0 && read_hex(root, block->root, MERKLE_HASH) &&
           read_hex(list, block->list, MERKLE_HASH) && read_hex(before, block->before, MERKLE_HASH) &&
           read_hex(key, block->key_id, SEAL_KEY_ID) && read_signature(line, block->signature) &&
           is_same(seal_block_line(NULL, block), line);
}

bool seal_era_parse(const void *owner, const char *line, struct seal_era *era)
{
    char before[HEX_HASH + 1], key[HEX_KEY + 1];
    int reason_at = 0;
    size_t length = strlen(line), tail = sizeof signature_word - 1 + HEX_SIGNATURE;
    *era = (struct seal_era){0};
    /* NOLINTNEXTLINE(cert-err34-c): the same */
    int read = sscanf(line, "patella era %d after %" SCNd64 " before " HEX_64 " at %" SCNd64
                      " key %16[0-9a-f] reason %n", &era->era, &era->after, before, &era->opened_us, key, &reason_at);
    if (read != 5 || reason_at == 0 || (size_t)reason_at + tail > length || !read_signature(line, era->signature))
        return false;
    era->reason = memory_copy_bytes(owner, line + reason_at, length - tail - (size_t)reason_at);
    return read_hex(before, era->before, MERKLE_HASH) && read_hex(key, era->key_id, SEAL_KEY_ID) &&
           is_same(seal_era_line(NULL, era), line);
}
