/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sealing: finished rows of the audit trail become signed blocks and lines of the checkpoint file.
 *
 * A round is a transaction.  The line goes to the file, and to its disk, before the block is committed: what a crash
 * leaves in between is a line without a block, and the next round makes that very block from the rows, so that
 * nothing is ever in the database that the file could not hold against it.  The other way round whoever administers
 * the database could take the newest block away, with its rows, before its line is out, and nobody would know; and a
 * standby that takes over without the newest block would give its number to another one, beside the line.  A file
 * that stayed behind (another disk, another sealer) gets the missing lines from the blocks, which are signed.
 */
#ifndef PATELLA_SEAL_H
#define PATELLA_SEAL_H

#include "collector/checkpoint.h"
#include "collector/store_seal.h"

struct sealer {
    struct db *db;
    struct checkpoint *checkpoint;
    const struct seal_key *key;
    struct seal_keys *public_keys;   /* that of `key` */
    int64_t most;                    /* rows in a block */
};

struct seal_round {
    int64_t block;                   /* number of the block that was made, 0: nothing was to be sealed */
    int64_t rows;
    bool more;                       /* there may be more to seal at once */
    int64_t caught_up;               /* lines that the file was missing */
};

/*
 * One block at most.  ERROR_CONFLICT: what the database and the file say do not go together, or numbers of
 * transactions went back; trying again does not help.
 */
bool seal_round(struct sealer *sealer, struct seal_round *round, struct error *error) MUST_CHECK;

/* Opens a new era (as a superuser): the line of the file, then the database. */
bool seal_new_era(struct sealer *sealer, const char *reason, struct seal_era *era, struct error *error) MUST_CHECK;

#endif
