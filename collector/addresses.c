/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/addresses.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "forms/base/memory.h"

enum { BUCKETS = 1024 };

struct address {
    struct address *next;
    uint64_t key;
    size_t connections;
    size_t held_bytes;
};

struct address_table {
    struct address *buckets[BUCKETS];
    uint64_t seed;             /* so that nobody chooses the bucket */
};

struct address_table *address_table_new(const void *owner)
{
    struct address_table *table = memory_new(owner, struct address_table);
    if (getrandom(&table->seed, sizeof table->seed, 0) != (ssize_t)sizeof table->seed)
        table->seed = (uintptr_t)table;
    return table;
}

/* No network begins with the four bytes 1 or 2, so that the kinds of keys do not meet. */
static uint64_t key_of_four(uint32_t four, uint64_t kind)
{
    return (uint64_t)four << 32 | kind;
}

static uint64_t key_of(const struct sockaddr *peer)
{
    uint64_t key = 0;
    uint32_t four = 0;
    if (peer->sa_family == AF_INET) {
        memcpy(&four, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, sizeof four);
        return key_of_four(four, 1);
    }
    if (peer->sa_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
        memcpy(&four, six->s6_addr + 12, sizeof four);
        if (IN6_IS_ADDR_V4MAPPED(six))
            return key_of_four(four, 1);
        memcpy(&key, six->s6_addr, sizeof key);
        return key != 0 ? key : key_of_four(four, 2);   /* ::1 and the like: the whole address */
    }
    return 0;
}

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014). */
static size_t bucket_of(const struct address_table *table, uint64_t key)
{
    uint64_t mixed = key + table->seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return (mixed ^ (mixed >> 31)) % BUCKETS;
}

struct address *address_take(struct address_table *table, const struct sockaddr *peer, size_t limit)
{
    uint64_t key = key_of(peer);
    struct address **bucket = &table->buckets[bucket_of(table, key)];
    struct address *address = *bucket;
    while (address != NULL && address->key != key)
        address = address->next;
    if (address == NULL) {
        address = memory_new(table, struct address);
        address->key = key;
        address->next = *bucket;
        *bucket = address;
    }
    if (address->connections >= limit)
        return NULL;
    address->connections++;
    return address;
}

/* An address that has nothing is forgotten. */
static void forget(struct address_table *table, struct address *address)
{
    if (address->connections > 0 || address->held_bytes > 0)
        return;
    struct address **link = &table->buckets[bucket_of(table, address->key)];
    while (*link != address)
        link = &(*link)->next;
    *link = address->next;
    talloc_free(address);
}

void address_release(struct address_table *table, struct address *address)
{
    address->connections--;
    forget(table, address);
}

void address_hold(struct address *address, size_t bytes)
{
    address->held_bytes += bytes;
}

void address_let_go(struct address_table *table, struct address *address, size_t bytes)
{
    address->held_bytes -= bytes;
    forget(table, address);
}

size_t address_held(const struct address *address)
{
    return address->held_bytes;
}

void address_format(const struct sockaddr *peer, char out[ADDRESS_TEXT_SIZE])
{
    const void *bytes = NULL;
    if (peer->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
    else if (peer->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    if (bytes == NULL || inet_ntop(peer->sa_family, bytes, out, ADDRESS_TEXT_SIZE) == NULL)
        snprintf(out, ADDRESS_TEXT_SIZE, "unknown");
}
