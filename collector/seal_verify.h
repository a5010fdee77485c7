/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Holds the audit trail against its blocks, the blocks against each other, their signatures and the checkpoint file,
 * and the tables against the trail (seal_tables.h), and names what does not agree.  It takes the items of a stream.
 */
#ifndef PATELLA_SEAL_VERIFY_H
#define PATELLA_SEAL_VERIFY_H

#include "collector/checkpoint.h"
#include "collector/seal_faults.h"
#include "collector/seal_stream.h"

struct seal_verify_order {
    const struct seal_keys *keys;                    /* NULL: signatures are not looked at */
    const struct checkpoint_list *checkpoints;       /* NULL: none */
    int64_t from_block;                              /* 1: everything; later: blocks and their rows only */
};

struct seal_verifier;

struct seal_verifier *seal_verifier_new(const void *owner, const struct seal_verify_order *order);

/* A seal_take; fails only for what is no item. */
bool seal_verifier_take(void *verifier, const struct seal_item *item, struct error *error) MUST_CHECK;

/* After the last item. */
const struct seal_faults *seal_verifier_finish(struct seal_verifier *verifier, struct seal_counts *counts);

#endif
