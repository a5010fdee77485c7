/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_survival_order.h"

#include <stdint.h>
#include <string.h>

#include "forms/base/memory.h"

enum { BYTES = 8, VALUES = 256 };

struct entry {
    uint64_t key;
    size_t index;
};

/* Bits that ascend as the numbers do. */
static uint64_t sortable(double number)
{
    const uint64_t sign = (uint64_t)1 << 63;
    double positive_zero = number + 0.0;
    uint64_t bits = 0;
    memcpy(&bits, &positive_zero, sizeof bits);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

static unsigned byte_of(uint64_t key, unsigned byte)
{
    return (unsigned)(key >> (8 * byte)) & (VALUES - 1);
}

/* One pass: entries in order of one byte of their keys.  `starts` has how many keys have each value. */
static void distribute(const struct entry *from, struct entry *to, size_t count, unsigned byte,
                       size_t starts[VALUES])
{
    size_t sum = 0;
    for (size_t value = 0; value < VALUES; value++) {
        size_t here = starts[value];
        starts[value] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[byte_of(from[i].key, byte)]++] = from[i];
}

static void sort_entries(struct entry *entries, struct entry *other, size_t count, size_t *order)
{
    size_t counts[BYTES][VALUES] = {{0}};
    for (size_t i = 0; i < count; i++) {
        for (unsigned byte = 0; byte < BYTES; byte++)
            counts[byte][byte_of(entries[i].key, byte)]++;
    }
    for (unsigned byte = 0; byte < BYTES; byte++) {
        if (counts[byte][byte_of(entries[0].key, byte)] == count)
            continue;
        distribute(entries, other, count, byte, counts[byte]);
        struct entry *swapped = entries;
        entries = other;
        other = swapped;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = entries[i].index;
}

size_t *stat_survival_order_new(const void *owner, size_t count)
{
    size_t *order = memory_new_array(owner, size_t, count);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    return order;
}

void stat_survival_order_by(size_t *order, size_t count, const double *keys, size_t stride)
{
    if (count < 2)
        return;
    struct entry *entries = memory_new_array(NULL, struct entry, memory_size_product(count, 2));
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){sortable(keys[order[i] * stride]), order[i]};
    sort_entries(entries, entries + count, count, order);
    talloc_free(entries);
}

void stat_survival_order_by_index(size_t *order, size_t count, const unsigned *keys)
{
    if (keys == NULL || count < 2)
        return;
    struct entry *entries = memory_new_array(NULL, struct entry, memory_size_product(count, 2));
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct entry){keys[order[i]], order[i]};
    sort_entries(entries, entries + count, count, order);
    talloc_free(entries);
}
