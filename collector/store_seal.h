/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What patella-seal asks of the database: functions of schema audit, as role patella_sealer (patella_auditor for
 * verify, a superuser for new-era).  All its SQL is here.
 */
#ifndef PATELLA_STORE_SEAL_H
#define PATELLA_STORE_SEAL_H

#include "collector/seal_block.h"
#include "migrations/db_copy.h"

/* A connection, after the schema was looked at. */
struct db *store_seal_open(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

/* Until the transaction ends no other sealer seals. */
bool store_seal_lock(struct db *db, struct error *error) MUST_CHECK;

struct store_seal_state {
    int era;                     /* the newest */
    int64_t next_xid, horizon;   /* the next transaction's number; all below the horizon have ended */
    int64_t block;               /* number of the last block, 0: none; then the rest is 0 */
    int block_era;
    struct seal_place upto;      /* where it ends */
    uint8_t hash[MERKLE_HASH];   /* its hash */
};

bool store_seal_state(struct db *db, struct store_seal_state *state, struct error *error) MUST_CHECK;

struct store_seal_range {
    int era;
    struct seal_place from, upto;
    int64_t most;                /* rows */
};

/* Called for each row, in order; the bytes are those of a leaf.  In a transaction. */
bool store_seal_rows(struct db *db, const struct store_seal_range *range, db_copy_function *row, void *context,
                     struct error *error) MUST_CHECK;

/* Inserts the block; the transaction is the caller's. */
bool store_seal_add(struct db *db, const struct seal_block *block, struct error *error) MUST_CHECK;

/* That the next block could not be made: a notice, once a day.  Outside a transaction. */
bool store_seal_note_failure(struct db *db, struct error *error) MUST_CHECK;

/* The first block from that number on; *found false: there is none.  What it points at belongs to `owner`. */
bool store_seal_block(const void *owner, struct db *db, int64_t number, struct seal_block *block, bool *found,
                      struct error *error) MUST_CHECK;

/* Rows of the audit trail, sealed or not. */
bool store_seal_count(struct db *db, int64_t *count, struct error *error) MUST_CHECK;

struct store_seal_eras {
    size_t count;
    struct {
        int era;
        int64_t after;           /* 0: the first one */
        const char *reason;
    } *at;
};

struct store_seal_eras *store_seal_eras(const void *owner, struct db *db, struct error *error) MUST_CHECK;

/* Tables whose audit rows carry the whole row: pairs of name and comma-separated columns that are left out. */
struct store_seal_objects {
    size_t count;
    const char **names, **left_out;
};

struct store_seal_objects *store_seal_objects(const void *owner, struct db *db, struct error *error) MUST_CHECK;

/* Rows of such a table, one column: jsonb.  In a transaction. */
bool store_seal_table(struct db *db, const char *object, db_copy_function *row, void *context,
                      struct error *error) MUST_CHECK;

/* All submissions, site after site, versions of a record one behind the other (VERSION_... of seal_row.h). */
bool store_seal_submissions(struct db *db, db_copy_function *row, void *context, struct error *error) MUST_CHECK;

/* As a superuser: opens an era; `after` is the last block that counts. */
bool store_seal_open_era(struct db *db, const char *reason, int *era, int64_t *after, struct error *error) MUST_CHECK;

#endif
