/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What verify looks at, as one stream of items: from the database, in one snapshot, or from a file that was exported
 * from it.  The order:
 *   COUNT, OBJECT ..., ERA ...; for each block BLOCK, ROW ...; UNSEALED, ROW ... (also between blocks that leave a
 *   gap); for each table TABLE, TABLE_ROW ...; VERSION ...; END.
 * File: a line "patella-seal export 1", then for each item its kind (1 byte), its length (8 bytes, highest first) and
 * its bytes.  It holds what the audit trail holds; answers only as SHA-256.
 */
#ifndef PATELLA_SEAL_STREAM_H
#define PATELLA_SEAL_STREAM_H

#include <stdio.h>

#include "collector/store_seal.h"

enum seal_item_kind {
    ITEM_COUNT = 'N',        /* 8 bytes: rows of the audit trail */
    ITEM_OBJECT = 'O',       /* "core.site\nyaml,bytes" */
    ITEM_ERA = 'E',          /* "2 12 reason": era, last block before it */
    ITEM_BLOCK = 'B',        /* `block` */
    ITEM_ROW = 'R',          /* a row of the audit trail (seal_row.h) */
    ITEM_UNSEALED = 'U',
    ITEM_TABLE = 'P',        /* "core.site" */
    ITEM_TABLE_ROW = 'T',    /* a row with one column, jsonb */
    ITEM_VERSION = 'S',      /* a row of audit.submission_rows */
    ITEM_END = 'Z'
};

struct seal_item {
    enum seal_item_kind kind;
    const uint8_t *bytes;
    size_t length;
    const struct seal_block *block;
};

/* What an item points at lives until it returns; false stops everything, with `error` set. */
typedef bool seal_take(void *context, const struct seal_item *item, struct error *error);

/* From the database; blocks from number `from_block` on, and tables only when that is 1. */
bool seal_stream_database(struct db *db, int64_t from_block, seal_take *take, void *context,
                          struct error *error) MUST_CHECK;

bool seal_stream_file(const char *path, seal_take *take, void *context, struct error *error) MUST_CHECK;

/* Writes the stream of the database into a new file. */
bool seal_stream_export(struct db *db, const char *path, struct error *error) MUST_CHECK;

#endif
