/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_keys.h"

#include "forms/base/memory.h"

enum { PROBES = 6, SLOTS_LEAST = 1024 };

/* A suspect; line 0: not seen in this reading.  Files have 2 GiB at most, so lines fit. */
struct slot {
    uint64_t key;                    /* upload_key.high; 0: the slot is free */
    uint64_t content;
    uint32_t line;
    uint32_t other;                  /* line with another content, as collected; 0: none */
};

struct upload_keys {
    uint64_t *bits;
    uint64_t mask;                   /* of a bit's number */
    struct slot *slots;              /* open addressing */
    size_t slot_count, used;
    bool too_many;
    bool collected;                  /* contents of all suspects */
};

struct upload_keys *upload_keys_new(const void *owner, int64_t expected)
{
    static const uint64_t least = 1U << 16, most = 1U << 27;
    struct upload_keys *keys = memory_new(owner, struct upload_keys);
    uint64_t count = least;
    while (count < most && (int64_t)(count / 16) < expected)
        count *= 2;
    keys->mask = count - 1;
    keys->bits = memory_new_array(keys, uint64_t, count / 64);
    keys->slot_count = SLOTS_LEAST;
    keys->slots = memory_new_array(keys, struct slot, keys->slot_count);
    return keys;
}

/* The finaliser of SplitMix64.  Source: Steele, Lea & Flood, OOPSLA 2014. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* Two FNV-1a hashes of different primes and bases, mixed. */
struct upload_key upload_key_of(const char *const *texts)
{
    uint64_t high = 0xcbf29ce484222325U, low = 0x9e3779b97f4a7c15U;
    for (; *texts != NULL; texts++) {
        const unsigned char *at = (const unsigned char *)*texts;
        do {
            high = (high ^ *at) * 0x100000001b3U;
            low = (low + *at) * 0xd6e8feb86659fd93U;
        } while (*at++ != '\0');
    }
    struct upload_key key = {mix(high), mix(low ^ (low >> 32))};
    key.high += key.high == 0;   /* 0 is a free slot */
    return key;
}

static struct slot *find_slot(const struct upload_keys *keys, uint64_t key)
{
    size_t at = (size_t)key & (keys->slot_count - 1);
    while (keys->slots[at].key != 0 && keys->slots[at].key != key)
        at = (at + 1) & (keys->slot_count - 1);
    return &keys->slots[at];
}

static void grow(struct upload_keys *keys)
{
    struct slot *old = keys->slots;
    size_t count = keys->slot_count;
    keys->slot_count *= 2;
    keys->slots = memory_new_array(keys, struct slot, keys->slot_count);
    for (size_t i = 0; i < count; i++)
        if (old[i].key != 0)
            *find_slot(keys, old[i].key) = old[i];
    talloc_free(old);
}

static void add_suspect(struct upload_keys *keys, uint64_t key)
{
    struct slot *slot = find_slot(keys, key);
    if (slot->key != 0)
        return;
    keys->too_many = keys->too_many || keys->used >= UPLOAD_KEYS_SUSPECTS;
    if (keys->too_many)
        return;
    slot->key = key;
    keys->used++;
    if (keys->used * 4 > keys->slot_count * 3)
        grow(keys);
}

void upload_keys_add(struct upload_keys *keys, struct upload_key key)
{
    bool was_there = true;
    uint64_t step = key.low | 1;
    for (uint64_t i = 0, at = key.high; i < PROBES; i++, at += step) {
        uint64_t bit = at & keys->mask, one = (uint64_t)1 << (bit % 64);
        was_there = was_there && (keys->bits[bit / 64] & one) != 0;
        keys->bits[bit / 64] |= one;
    }
    if (was_there)
        add_suspect(keys, key.high);
}

bool upload_keys_are_too_many(const struct upload_keys *keys)
{
    return keys->too_many;
}

bool upload_keys_have_suspects(const struct upload_keys *keys)
{
    return keys->used > 0;
}

bool upload_keys_is_suspect(const struct upload_keys *keys, struct upload_key key)
{
    return find_slot(keys, key.high)->key != 0;
}

void upload_keys_collect(struct upload_keys *keys, struct upload_key key, int64_t line, uint64_t content)
{
    struct slot *slot = find_slot(keys, key.high);
    keys->collected = true;
    if (slot->key == 0)
        return;
    if (slot->line == 0) {
        slot->line = (uint32_t)line;
        slot->content = content;
    } else if (slot->other == 0 && slot->content != content) {
        slot->other = (uint32_t)line;
    }
}

static int64_t seen_among_collected(const struct slot *slot, int64_t line, uint64_t content, bool *same)
{
    if (slot->other != 0)
        return slot->content == content ? slot->other : slot->line;
    *same = slot->line != 0 && line != slot->line;
    return *same ? slot->line : 0;
}

int64_t upload_keys_seen(struct upload_keys *keys, struct upload_key key, int64_t line, uint64_t content,
                         bool *same)
{
    struct slot *slot = find_slot(keys, key.high);
    *same = false;
    if (slot->key == 0)
        return 0;
    if (keys->collected)
        return seen_among_collected(slot, line, content, same);
    if (slot->line != 0) {
        *same = slot->content == content;
        return slot->line;
    }
    slot->line = (uint32_t)line;
    slot->content = content;
    return 0;
}

void upload_keys_rewind(struct upload_keys *keys)
{
    for (size_t i = 0; i < keys->slot_count && !keys->collected; i++)
        keys->slots[i].line = 0;
}
