/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checkpoint file: a line for each block (seal_block.h), meant for another host, where whoever administers the
 * database cannot change it.
 *
 * It is only added to.  A line counts when its newline is on the disk; what a crash left of a line is taken away when
 * the file is locked next.
 */
#ifndef PATELLA_CHECKPOINT_H
#define PATELLA_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/seal_block.h"
#include "forms/base/error.h"

struct checkpoint;

/* What the file says last. */
struct checkpoint_tail {
    int64_t number;              /* of the last block that counts, 0: none */
    uint8_t hash[MERKLE_HASH];   /* its hash */
    struct seal_block block;     /* the last line when that is of a block: block.number is `number`; else 0 */
    int era;                     /* of the last line of an era, 0: none */
};

/* The file is made when it is not there. */
struct checkpoint *checkpoint_open(const void *owner, const char *path, struct error *error) MUST_CHECK;

/* Waits until no other process has it; then reads what has come to it. */
bool checkpoint_lock(struct checkpoint *checkpoint, struct error *error) MUST_CHECK;
void checkpoint_unlock(struct checkpoint *checkpoint);
const struct checkpoint_tail *checkpoint_tail(const struct checkpoint *checkpoint);

/* While it is locked: adds a line, which is on the disk on return. */
bool checkpoint_add_block(struct checkpoint *checkpoint, const struct seal_block *block, struct error *error)
    MUST_CHECK;
bool checkpoint_add_era(struct checkpoint *checkpoint, const struct seal_era *era, struct error *error) MUST_CHECK;

/* ---- the whole file, for verify ---- */

struct checkpoint_line {
    int line;                    /* from 1 on */
    enum { CHECKPOINT_BLOCK, CHECKPOINT_ERA, CHECKPOINT_BROKEN } kind;
    struct seal_block block;
    struct seal_era era;
};

struct checkpoint_list {
    struct checkpoint_line *lines;
    size_t count;
};

struct checkpoint_list *checkpoint_load(const void *owner, const char *path, struct error *error) MUST_CHECK;

#endif
