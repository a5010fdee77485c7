/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A block of sealed rows of the audit trail, and the lines of text that are signed.
 *
 * Leaf: the row as COPY ... (FORMAT binary) sends the columns of audit.rows_between, behind the count of its fields:
 *     for each column its length in 4 bytes (-1 for NULL) and its bytes.  Its hash is that of RFC 6962.
 * Entry: xid (8 bytes, the highest first), seq (8), study (4), site (4; both 0 for none), line of the table's name in
 *     `objects` from 0 on (2), leaf hash (32): which rows there were, when they are there no more.
 * Line of a block, its signature over all that stands before " signature", its hash the SHA-256 of the same:
 *     patella block 3 era 1 from 733.0 upto 912.0 rows 100 root HEX list HEX before HEX at US key HEX signature HEX
 *     list: SHA-256 of `objects` and the entries; before: hash of the block before, zeros for the first; at:
 *     microseconds since 1970.
 * Line of an era, which gives up the blocks behind number AFTER:
 *     patella era 2 after 12 before HEX at US key HEX reason TEXT signature HEX
 */
#ifndef PATELLA_SEAL_BLOCK_H
#define PATELLA_SEAL_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/merkle.h"
#include "collector/seal_key.h"

enum { SEAL_ENTRY = 58, SEAL_ROWS = 100000 };
#define SEAL_LAST_XID INT64_MAX      /* end of an era that is closed */

struct seal_place {                  /* key of a row within its era */
    int64_t xid, seq;
};

struct seal_block {
    int64_t number;                  /* 1, 2, ... over all eras */
    int era;
    struct seal_place from, upto;    /* the first place that belongs to it, and the first that does not */
    int64_t rows;
    uint8_t root[MERKLE_HASH], list[MERKLE_HASH], before[MERKLE_HASH];
    int64_t sealed_us;               /* since 1970-01-01 UTC */
    uint8_t key_id[SEAL_KEY_ID], signature[SEAL_SIGNATURE];
    const char *objects;             /* a name a line; NULL in a block that was read from a line */
    const uint8_t *entries;          /* rows * SEAL_ENTRY */
};

struct seal_era {
    int era;
    int64_t after;                   /* number of the last block that counts, 0: none */
    uint8_t before[MERKLE_HASH];     /* its hash */
    int64_t opened_us;
    uint8_t key_id[SEAL_KEY_ID], signature[SEAL_SIGNATURE];
    const char *reason;              /* without control characters */
};

struct seal_entry {
    struct seal_place place;
    int32_t study, site;
    unsigned object;
    const uint8_t *leaf;
};

int seal_place_compare(struct seal_place a, struct seal_place b);

void seal_entry_write(const struct seal_entry *entry, uint8_t out[SEAL_ENTRY]);
struct seal_entry seal_entry_read(const uint8_t *bytes);

/* SHA-256 of the list of a block: its objects and entries. */
void seal_block_hash_list(const struct seal_block *block, uint8_t hash[MERKLE_HASH]);

/* What is signed. */
char *seal_block_text(const void *owner, const struct seal_block *block);
char *seal_era_text(const void *owner, const struct seal_era *era);

void seal_block_hash(const struct seal_block *block, uint8_t hash[MERKLE_HASH]);
void seal_block_sign(struct seal_block *block, const struct seal_key *key);      /* sets key_id too */
void seal_era_sign(struct seal_era *era, const struct seal_key *key);
enum seal_verdict seal_block_verify(const struct seal_block *block, const struct seal_keys *keys);
enum seal_verdict seal_era_verify(const struct seal_era *era, const struct seal_keys *keys);

/* Whole lines, without their newline. */
char *seal_block_line(const void *owner, const struct seal_block *block);
char *seal_era_line(const void *owner, const struct seal_era *era);
/* False for what is not exactly such a line. */
bool seal_block_parse(const char *line, struct seal_block *block) MUST_CHECK;
bool seal_era_parse(const void *owner, const char *line, struct seal_era *era) MUST_CHECK;

#endif
