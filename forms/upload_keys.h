/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which keys of a file stand twice, in bounded memory: a Bloom filter over all, and a table of those that it has seen
 * before.  A key is two 64-bit hashes.  Source: Bloom, Commun. ACM 1970;13:422.
 */
#ifndef PATELLA_UPLOAD_KEYS_H
#define PATELLA_UPLOAD_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

struct upload_keys;

enum { UPLOAD_KEYS_SUSPECTS = 190000 };

struct upload_key {
    uint64_t high, low;
};

/* 16 bits for each of `expected` keys, at least 8 KiB and at most 16 MiB. */
struct upload_keys *upload_keys_new(const void *owner, int64_t expected) MUST_CHECK;

/* A hash of the texts with a NUL behind each; NULL ends them. */
struct upload_key upload_key_of(const char *const *texts);

/* Counts a key in; one that may have been there before becomes a suspect. */
void upload_keys_add(struct upload_keys *keys, struct upload_key key);

/* There are more suspects than UPLOAD_KEYS_SUSPECTS. */
bool upload_keys_are_too_many(const struct upload_keys *keys);

bool upload_keys_have_suspects(const struct upload_keys *keys);
bool upload_keys_is_suspect(const struct upload_keys *keys, struct upload_key key);

/* Notes the content (a hash) of a suspect, for all of them before the first is asked for. */
void upload_keys_collect(struct upload_keys *keys, struct upload_key key, int64_t line, uint64_t content);

/*
 * When contents were collected: of a suspect with several contents a line of another one; of one that says the same
 * each time the first line, for the others.  Else: the line on which a suspect was seen before, and whether with the
 * same content (a hash); 0 when it was not, and then it is noted, or when it is no suspect.
 */
int64_t upload_keys_seen(struct upload_keys *keys, struct upload_key key, int64_t line, uint64_t content,
                         bool *same) MUST_CHECK;

void upload_keys_rewind(struct upload_keys *keys);

#endif
