/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "collector/seal_row.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

#define VERIFY_HINT "`patella-seal verify` says what holds and what does not"

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- the database and the file ---- */

static bool refuse_went_back(const struct store_seal_state *state, struct error *error)
{
    return error_set(error, ERROR_CONFLICT,
                     "numbers of transactions went back: the next one is %" PRId64 ", blocks hold all below %" PRId64
                     "; the database was restored from a dump or to an earlier time: open a new era with "
                     "`patella-seal new-era --reason TEXT` before anything is written to it",
                     state->next_xid, state->upto.xid);
}

static bool check_state(const struct store_seal_state *state, const struct checkpoint_tail *tail, struct error *error)
{
    if (state->block > 0 && state->block_era == state->era && state->next_xid < state->upto.xid)
        return refuse_went_back(state, error);
    if (tail->number > 0 && state->era > (tail->era > 0 ? tail->era : 1))
        return error_set(error, ERROR_CONFLICT,
                         "the database is in era %d, the checkpoint file in era %d; `patella-seal new-era` opens an "
                         "era in both", state->era, tail->era > 0 ? tail->era : 1);
    if (tail->number > state->block + 1)
        return error_set(error, ERROR_CONFLICT,
                         "the checkpoint file holds block %" PRId64 ", the database ends with block %" PRId64
                         ": blocks were lost or cut off; " VERIFY_HINT "; after a restore to an earlier time open a "
                         "new era", tail->number, state->block);
    if (tail->number == state->block && memcmp(tail->hash, state->hash, MERKLE_HASH) != 0)
        return error_set(error, ERROR_CONFLICT,
                         "block %" PRId64 " of the database is another one than that of the checkpoint file; "
                         VERIFY_HINT, state->block);
    return true;
}

/* A line of the file for a block that it does not have yet. */
static bool catch_up_one(struct sealer *sealer, struct error *error)
{
    const struct checkpoint_tail *tail = checkpoint_tail(sealer->checkpoint);
    void *work = memory_owner(NULL, "catch up");
    struct seal_block block;
    bool found, added = false;
    if (!store_seal_block(work, sealer->db, tail->number + 1, &block, &found, error))
        added = false;
    else if (!found || block.number != tail->number + 1 || memcmp(block.before, tail->hash, MERKLE_HASH) != 0 ||
             seal_block_verify(&block, sealer->public_keys) == SEAL_NOT_SIGNED)
        error_set(error, ERROR_CONFLICT, "block %" PRId64 " of the database does not follow the last line of the "
                  "checkpoint file; " VERIFY_HINT, tail->number + 1);
    else
        added = checkpoint_add_block(sealer->checkpoint, &block, error);
    talloc_free(work);
    return added;
}

/* A file that is begun anew says which eras there were, too. */
static bool catch_up_eras(struct sealer *sealer, const struct store_seal_state *state, struct error *error)
{
    const struct checkpoint_tail *tail = checkpoint_tail(sealer->checkpoint);
    struct store_seal_eras *eras = store_seal_eras(NULL, sealer->db, error);
    bool done = eras != NULL;
    for (size_t i = 0; done && i < eras->count; i++) {
        int era_before = tail->era > 0 ? tail->era : 1;
        if (eras->at[i].era <= era_before || eras->at[i].after != tail->number || state->era <= era_before)
            continue;
        struct seal_era era = {.era = eras->at[i].era, .after = tail->number, .opened_us = now_us(),
                               .reason = eras->at[i].reason};
        memcpy(era.before, tail->hash, MERKLE_HASH);
        seal_era_sign(&era, sealer->key);
        done = checkpoint_add_era(sealer->checkpoint, &era, error);
    }
    talloc_free(eras);
    return done;
}

static bool catch_up(struct sealer *sealer, const struct store_seal_state *state, bool is_new, int64_t *count,
                     struct error *error)
{
    const struct checkpoint_tail *tail = checkpoint_tail(sealer->checkpoint);
    for (;;) {
        if (is_new && state->era > 1 && !catch_up_eras(sealer, state, error))
            return false;
        if (tail->number >= state->block)
            return true;
        if (!catch_up_one(sealer, error))
            return false;
        ++*count;
    }
}

/* ---- a block ---- */

/* What is to be sealed next; an era that was left is closed: its last block ends behind every number. */
static struct store_seal_range next_range(const struct sealer *sealer, const struct store_seal_state *state)
{
    struct store_seal_range range = {.era = state->block > 0 ? state->block_era : 1, .most = sealer->most};
    if (state->block > 0 && state->upto.xid < SEAL_LAST_XID)
        range.from = state->upto;
    else if (state->block > 0)
        range.era++;
    range.upto.xid = range.era < state->era ? SEAL_LAST_XID : state->horizon;
    return range;
}

static bool add_row(void *context, struct db_row *row, struct error *error)
{
    return seal_builder_add(context, row->at, (size_t)(row->end - row->at), error);
}

/* The rows of the range; the block ends behind the last of them when there may be more. */
static bool build(struct sealer *sealer, struct seal_builder *builder, const struct store_seal_range *range,
                  struct seal_block *block, struct error *error)
{
    if (!store_seal_rows(sealer->db, range, add_row, builder, error))
        return false;
    seal_builder_finish(builder, block);
    block->era = range->era;
    block->from = range->from;
    block->upto = range->upto;
    if (block->rows == range->most) {
        block->upto = seal_builder_last(builder);
        block->upto.seq++;
    }
    return true;
}

/* The block of a line whose transaction did not commit. */
static bool build_promised(struct sealer *sealer, struct seal_builder *builder, const struct store_seal_state *state,
                           struct seal_block *block, struct error *error)
{
    const struct seal_block *promised = &checkpoint_tail(sealer->checkpoint)->block;
    const struct store_seal_range range = {promised->era, promised->from, promised->upto, promised->rows + 1};
    if (memcmp(promised->before, state->hash, MERKLE_HASH) != 0 ||
        seal_block_verify(promised, sealer->public_keys) == SEAL_NOT_SIGNED)
        return error_set(error, ERROR_CONFLICT, "the last line of the checkpoint file, block %" PRId64
                         ", does not follow block %" PRId64 " of the database; " VERIFY_HINT, promised->number,
                         state->block);
    if (!build(sealer, builder, &range, block, error))
        return false;
    if (block->rows != promised->rows || memcmp(block->root, promised->root, MERKLE_HASH) != 0 ||
        memcmp(block->list, promised->list, MERKLE_HASH) != 0)
        return error_set(error, ERROR_CONFLICT, "the rows of block %" PRId64 " are no longer those that the checkpoint "
                         "file was told: %" PRId64 " then, %" PRId64 " now; " VERIFY_HINT "; after a restore to an "
                         "earlier time open a new era with `patella-seal new-era`", promised->number,
                         promised->rows, block->rows);
    const char *objects = block->objects;
    const uint8_t *entries = block->entries;
    *block = *promised;
    block->objects = objects;
    block->entries = entries;
    return true;
}

static bool make_block(struct sealer *sealer, struct seal_builder *builder, const struct store_seal_state *state,
                       struct seal_round *round, struct error *error)
{
    struct seal_block block = {.number = state->block + 1, .sealed_us = now_us()};
    const struct checkpoint_tail *tail = checkpoint_tail(sealer->checkpoint);
    const struct store_seal_range range = next_range(sealer, state);
    bool promised = tail->number == state->block + 1;
    if (promised ? !build_promised(sealer, builder, state, &block, error)
                 : !build(sealer, builder, &range, &block, error))
        return false;
    if (!promised && block.rows == 0 && block.upto.xid != SEAL_LAST_XID)
        return true;
    memcpy(block.before, state->hash, MERKLE_HASH);
    if (!promised) {
        seal_block_sign(&block, sealer->key);
        if (!checkpoint_add_block(sealer->checkpoint, &block, error))
            return false;
    }
    round->block = block.number;
    round->rows = block.rows;
    round->more = promised || block.rows == range.most || block.upto.xid == SEAL_LAST_XID;
    return store_seal_add(sealer->db, &block, error);
}

/* ---- a round ---- */

static bool run_round(struct sealer *sealer, struct seal_round *round, struct error *error)
{
    struct store_seal_state state;
    bool is_new = checkpoint_tail(sealer->checkpoint)->number == 0;
    if (!store_seal_state(sealer->db, &state, error) ||
        !check_state(&state, checkpoint_tail(sealer->checkpoint), error) ||
        !catch_up(sealer, &state, is_new, &round->caught_up, error))
        return false;
    struct seal_builder *builder = seal_builder_new(NULL);
    bool made = make_block(sealer, builder, &state, round, error);
    talloc_free(builder);
    return made;
}

bool seal_round(struct sealer *sealer, struct seal_round *round, struct error *error)
{
    bool unknown;
    *round = (struct seal_round){0};
    if (!db_begin(sealer->db, DB_READ_COMMITTED, error))
        return false;
    bool locked = store_seal_lock(sealer->db, error) && checkpoint_lock(sealer->checkpoint, error);
    bool done = locked && run_round(sealer, round, error);
    if (done)
        done = db_commit(sealer->db, &unknown, error);
    else
        db_rollback(sealer->db);
    if (locked)
        checkpoint_unlock(sealer->checkpoint);
    return done;
}

/* ---- eras ---- */

/* A run that was broken off left the line already. */
static bool has_line(const struct checkpoint_tail *tail, const struct seal_era *era)
{
    return tail->era == era->era && tail->number == era->after && tail->block.number == 0 &&
           memcmp(tail->hash, era->before, MERKLE_HASH) == 0;
}

static bool open_era(struct sealer *sealer, struct seal_era *era, struct error *error)
{
    struct store_seal_state state;
    bool unknown;
    if (!store_seal_state(sealer->db, &state, error) ||
        !store_seal_open_era(sealer->db, era->reason, &era->era, &era->after, error))
        return false;
    if (era->after != state.block)
        return error_set(error, ERROR_BUSY, "a block was sealed meanwhile; stop the sealer and try again");
    memcpy(era->before, state.hash, MERKLE_HASH);
    era->opened_us = now_us();
    seal_era_sign(era, sealer->key);
    if (!has_line(checkpoint_tail(sealer->checkpoint), era) && !checkpoint_add_era(sealer->checkpoint, era, error))
        return false;
    return db_commit(sealer->db, &unknown, error);
}

bool seal_new_era(struct sealer *sealer, const char *reason, struct seal_era *era, struct error *error)
{
    *era = (struct seal_era){.reason = reason};
    if (text_has_control(reason) || strpbrk(reason, "\t\n") != NULL)
        return error_set(error, ERROR_USAGE, "--reason is one line without control characters");
    if (!db_begin(sealer->db, DB_READ_COMMITTED, error))
        return false;
    bool locked = store_seal_lock(sealer->db, error) && checkpoint_lock(sealer->checkpoint, error);
    bool opened = locked && open_era(sealer, era, error);
    if (!opened)
        db_rollback(sealer->db);
    if (locked)
        checkpoint_unlock(sealer->checkpoint);
    return opened;
}
