/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_known.h"

#include <stdint.h>

#include "forms/base/memory.h"

enum { FIRST_SLOTS = 1024, SUBJECT_BITS = 20 };

/* Open addressing; 16 bytes a subject. */
struct slot {
    uint64_t key;                /* subject, site, and above them what is told; 0: free */
    date_days treated[2];
};

struct upload_known {
    struct slot *slots;
    size_t size, count;
};

#define KEY_MASK ((UINT64_C(1) << 34) - 1)           /* site: 14 bits */
#define ENROLLED (UINT64_C(1) << 40)
#define INDEX_LEFT (UINT64_C(1) << 41)
#define INDEX_RIGHT (UINT64_C(1) << 42)

static uint64_t key_of(int site, int subject)
{
    return (uint64_t)site << SUBJECT_BITS | (uint64_t)subject;
}

/* Where the subject is, or would be. */
static struct slot *find_slot(const struct upload_known *known, uint64_t key)
{
    size_t at = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (known->size - 1);
    while (known->slots[at].key != 0 && (known->slots[at].key & KEY_MASK) != key)
        at = (at + 1) & (known->size - 1);
    return &known->slots[at];
}

struct upload_known *upload_known_new(const void *owner)
{
    struct upload_known *known = memory_new(owner, struct upload_known);
    known->size = FIRST_SLOTS;
    known->slots = memory_new_array(known, struct slot, known->size);
    return known;
}

bool upload_known_find(const struct upload_known *known, int site, int subject, struct upload_subject *told)
{
    const struct slot *slot = find_slot(known, key_of(site, subject));
    *told = (struct upload_subject){.treated = {DATE_NONE, DATE_NONE}};
    if (slot->key == 0)
        return false;
    told->enrolled = (slot->key & ENROLLED) != 0;
    if ((slot->key & INDEX_LEFT) != 0)
        told->index_knee = 'l';
    else if ((slot->key & INDEX_RIGHT) != 0)
        told->index_knee = 'r';
    told->treated[0] = slot->treated[0];
    told->treated[1] = slot->treated[1];
    return true;
}

static void grow(struct upload_known *known)
{
    struct upload_known larger = {.size = 2 * known->size, .count = known->count};
    larger.slots = memory_new_array(known, struct slot, larger.size);
    for (size_t i = 0; i < known->size; i++)
        if (known->slots[i].key != 0)
            *find_slot(&larger, known->slots[i].key & KEY_MASK) = known->slots[i];
    talloc_free(known->slots);
    *known = larger;
}

bool upload_known_put(struct upload_known *known, int site, int subject, const struct upload_subject *told)
{
    uint64_t key = key_of(site, subject);
    struct slot *slot = find_slot(known, key);
    if (slot->key == 0 && known->count >= UPLOAD_KNOWN_MOST)
        return false;
    if (slot->key == 0 && known->count++ * 4 >= known->size * 3) {
        grow(known);
        slot = find_slot(known, key);
    }
    slot->key = key | (told->enrolled ? ENROLLED : 0) | (told->index_knee == 'l' ? INDEX_LEFT : 0) |
                (told->index_knee == 'r' ? INDEX_RIGHT : 0);
    slot->treated[0] = told->treated[0];
    slot->treated[1] = told->treated[1];
    return true;
}
