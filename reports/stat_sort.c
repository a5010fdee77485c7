/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_sort.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

enum { DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS, DIGITS = (64 + DIGIT_BITS - 1) / DIGIT_BITS, FEW = 512 };

#define SIGN (UINT64_C(1) << 63)

/* Numbers that sort like the doubles: the sign's bit turned over, and all bits of what is negative. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double value_of(uint64_t key)
{
    uint64_t bits = key & SIGN ? key & ~SIGN : ~key;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static size_t digit_of(uint64_t key, unsigned digit)
{
    return (size_t)(key >> digit * DIGIT_BITS) & (DIGIT_VALUES - 1);
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void move_by_digit(const uint64_t *from, uint64_t *to, size_t count, unsigned digit)
{
    size_t places[DIGIT_VALUES] = {0}, next = 0;
    for (size_t i = 0; i < count; i++)
        places[digit_of(from[i], digit)]++;
    for (size_t d = 0; d < DIGIT_VALUES; d++) {
        size_t here = places[d];
        places[d] = next;
        next += here;
    }
    for (size_t i = 0; i < count; i++)
        to[places[digit_of(from[i], digit)]++] = from[i];
}

/* Returns where the sorted keys are: in one of the two arrays. */
static const uint64_t *sort_keys(uint64_t *keys, uint64_t *other, size_t count)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < count; i++)
        differ |= keys[i] ^ keys[0];
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        if (digit_of(differ, digit) == 0)
            continue;
        move_by_digit(keys, other, count, digit);
        uint64_t *sorted = other;
        other = keys;
        keys = sorted;
    }
    return keys;
}

void stat_sort(double *values, size_t count)
{
    uint64_t *keys = memory_resize_array(NULL, NULL, uint64_t, memory_size_product(count, 2));
    const uint64_t *sorted = keys;
    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(values[i]);
    if (count < FEW)
        qsort(keys, count, sizeof keys[0], compare_keys);
    else
        sorted = sort_keys(keys, keys + count, count);
    for (size_t i = 0; i < count; i++)
        values[i] = value_of(sorted[i]);
    talloc_free(keys);
}
