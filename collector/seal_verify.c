/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_verify.h"

#include <inttypes.h>
#include <string.h>

#include "collector/seal_lines.h"
#include "collector/seal_tables.h"
#include "forms/base/memory.h"

enum { EDITED_MOST = 64, KEY_BYTES = 2 * (4 + 8) };

/* A row that is not as it was sealed, kept until its block ends: it may have changed places with another one. */
struct edited {
    uint8_t *bytes;
    size_t length;
    int64_t entry;
    bool told;
};

struct seal_verifier {
    struct seal_verify_order order;
    struct seal_faults *faults;
    struct seal_counts counts;
    struct seal_tables *tables;
    struct seal_lines *lines;
    struct merkle *merkle;
    int64_t rows_in_all;
    struct seal_block last;          /* the block before; number 0: none */
    uint8_t last_hash[MERKLE_HASH];
    bool in_block;
    void *owner;                     /* of the block that is open */
    struct seal_block block;
    int64_t entry;                   /* the next one */
    const char **objects;            /* names of the block's tables */
    size_t object_count;
    struct edited *edited;
    size_t edited_count;
};

struct seal_verifier *seal_verifier_new(const void *owner, const struct seal_verify_order *order)
{
    struct seal_verifier *verifier = memory_new(owner, struct seal_verifier);
    verifier->order = *order;
    verifier->faults = seal_faults_new(verifier);
    verifier->tables = seal_tables_new(verifier, verifier->faults, &verifier->counts);
    verifier->merkle = merkle_new(verifier);
    if (order->checkpoints != NULL)
        verifier->lines = seal_lines_new(verifier, order->checkpoints, order->keys, verifier->faults);
    if (order->keys == NULL)
        seal_faults_note(verifier->faults, "signatures were not looked at: --public-key was not given");
    if (order->checkpoints == NULL)
        seal_faults_note(verifier->faults, "blocks that were taken from the end cannot be told: --checkpoints was not "
                         "given");
    if (order->from_block > 1)
        seal_faults_note(verifier->faults, "blocks below %" PRId64 " and the tables were not looked at",
                         order->from_block);
    return verifier;
}

/* ---- faults of a block ---- */

static void tell_block(struct seal_verifier *verifier, enum seal_fault_kind kind, const char *text)
{
    const struct seal_fault fault = {.kind = kind, .block = verifier->block.number, .text = text};
    seal_faults_add(verifier->faults, &fault);
}

static void check_chain(struct seal_verifier *verifier)
{
    const struct seal_block *block = &verifier->block, *last = &verifier->last;
    static const uint8_t zeros[MERKLE_HASH];
    bool first = last->number == 0 && verifier->order.from_block <= 1;
    char text[160];
    if (last->number == 0 && !first)
        return;
    if (block->number != last->number + 1) {
        snprintf(text, sizeof text, "stands behind block %" PRId64 ": %" PRId64 " block(s) between them are gone",
                 last->number, block->number - last->number - 1);
        tell_block(verifier, FAULT_CHAIN, text);
        return;
    }
    if (memcmp(block->before, first ? zeros : verifier->last_hash, MERKLE_HASH) != 0)
        tell_block(verifier, FAULT_CHAIN, "does not hold the hash of the block before it");
    bool begins = block->era == last->era ? seal_place_compare(block->from, last->upto) == 0
                                          : block->from.xid == 0 && block->from.seq == 0 &&
                                                (first || (block->era == last->era + 1 &&
                                                           last->upto.xid == SEAL_LAST_XID));
    if (!begins)
        tell_block(verifier, FAULT_CHAIN, "does not begin where the block before it ends");
}

static void check_signature(struct seal_verifier *verifier)
{
    if (verifier->order.keys == NULL)
        return;
    enum seal_verdict verdict = seal_block_verify(&verifier->block, verifier->order.keys);
    if (verdict == SEAL_NOT_SIGNED)
        tell_block(verifier, FAULT_SIGNATURE, "the block is not what was signed");
    else if (verdict == SEAL_KEY_UNKNOWN)
        tell_block(verifier, FAULT_SIGNATURE, "signed with a key that is not in the file of public keys");
}

/* The list against the header; what stands in the list is what the rows are held against. */
static void check_list(struct seal_verifier *verifier)
{
    const struct seal_block *block = &verifier->block;
    uint8_t hash[MERKLE_HASH];
    merkle_clear(verifier->merkle);
    for (int64_t i = 0; i < block->rows; i++)
        merkle_add(verifier->merkle, seal_entry_read(block->entries + i * SEAL_ENTRY).leaf);
    merkle_root(verifier->merkle, hash);
    if (memcmp(hash, block->root, MERKLE_HASH) != 0)
        tell_block(verifier, FAULT_BLOCK, "its leaf hashes do not make its root");
    seal_block_hash_list(block, hash);
    if (memcmp(hash, block->list, MERKLE_HASH) != 0)
        tell_block(verifier, FAULT_BLOCK, "its list of rows does not have the hash of the list");
}

static void split_objects(struct seal_verifier *verifier)
{
    char *rest = memory_copy_string(verifier->owner, verifier->block.objects);
    verifier->objects = NULL;
    verifier->object_count = 0;
    for (char *name; (name = strsep(&rest, "\n")) != NULL;) {
        verifier->objects = memory_resize_array(verifier->owner, verifier->objects, const char *,
                                                verifier->object_count + 1);
        verifier->objects[verifier->object_count++] = name;
    }
}

/* ---- rows ---- */

static const char *name_object(const struct seal_verifier *verifier, unsigned object)
{
    return object < verifier->object_count ? verifier->objects[object] : "?";
}

static struct seal_entry entry_at(const struct seal_verifier *verifier, int64_t at)
{
    return seal_entry_read(verifier->block.entries + at * SEAL_ENTRY);
}

static void tell_entry(struct seal_verifier *verifier, enum seal_fault_kind kind, int64_t at, const char *text)
{
    const struct seal_entry entry = entry_at(verifier, at);
    const struct seal_fault fault = {
        .kind = kind,
        .block = verifier->block.number,
        .place = entry.place,
        .object = name_object(verifier, entry.object),
        .study = entry.study,
        .site = entry.site,
        .text = text,
    };
    seal_faults_add(verifier->faults, &fault);
}

static void tell_inserted(struct seal_verifier *verifier, const struct seal_row *row)
{
    const struct seal_column *object = &row->columns[ROW_OBJECT];
    char *name = memory_copy_bytes(NULL, object->bytes != NULL ? object->bytes : "", object->length);
    const struct seal_fault fault = {
        .kind = FAULT_INSERTED,
        .block = verifier->block.number,
        .place = seal_row_place(row),
        .object = name,
        .study = (int)seal_column_int(&row->columns[ROW_STUDY]),
        .site = (int)seal_column_int(&row->columns[ROW_SITE]),
        .text = "was not there when the block was sealed",
    };
    seal_faults_add(verifier->faults, &fault);
    talloc_free(name);
}

static void keep_edited(struct seal_verifier *verifier, const struct seal_row *row, int64_t entry)
{
    if (verifier->edited_count == EDITED_MOST) {
        tell_entry(verifier, FAULT_EDITED, entry, "not as it was sealed");
        return;
    }
    verifier->edited = memory_resize_array(verifier->owner, verifier->edited, struct edited,
                                           verifier->edited_count + 1);
    verifier->edited[verifier->edited_count++] = (struct edited){
        .bytes = (uint8_t *)memory_copy_bytes(verifier->owner, row->bytes, row->length),
        .length = row->length,
        .entry = entry,
    };
}

static bool take_sealed_row(struct seal_verifier *verifier, const struct seal_row *row)
{
    struct seal_place place = seal_row_place(row);
    uint8_t leaf[MERKLE_HASH];
    int order = 1;
    while (verifier->entry < verifier->block.rows &&
           (order = seal_place_compare(entry_at(verifier, verifier->entry).place, place)) < 0)
        tell_entry(verifier, FAULT_DELETED, verifier->entry++, "sealed, and gone");
    if (order != 0) {
        tell_inserted(verifier, row);
        return true;
    }
    merkle_hash_leaf(verifier->merkle, row->bytes, row->length, leaf);
    if (memcmp(leaf, entry_at(verifier, verifier->entry).leaf, MERKLE_HASH) != 0)
        keep_edited(verifier, row, verifier->entry);
    verifier->entry++;
    return true;
}

/* True when the row with the key of entry `to` has that one's leaf hash. */
static bool fits(const struct seal_verifier *verifier, const struct edited *row, const struct edited *to)
{
    uint8_t leaf[MERKLE_HASH];
    if (row->length < KEY_BYTES || to->length < KEY_BYTES)
        return false;
    uint8_t *moved = (uint8_t *)memory_copy_bytes(NULL, row->bytes, row->length);
    memcpy(moved, to->bytes, KEY_BYTES);
    merkle_hash_leaf(verifier->merkle, moved, row->length, leaf);
    talloc_free(moved);
    return memcmp(leaf, entry_at(verifier, to->entry).leaf, MERKLE_HASH) == 0;
}

static void tell_edited(struct seal_verifier *verifier, size_t at)
{
    struct edited *row = &verifier->edited[at];
    char text[120] = "not as it was sealed";
    bool swapped = false;
    if (row->told)
        return;
    for (size_t i = 0; i < verifier->edited_count && !swapped; i++) {
        struct edited *other = &verifier->edited[i];
        swapped = i != at && !other->told && fits(verifier, row, other) && fits(verifier, other, row);
        if (swapped) {
            struct seal_place place = entry_at(verifier, other->entry).place;
            snprintf(text, sizeof text, "has changed places with row %" PRId64 ".%" PRId64, place.xid, place.seq);
            other->told = true;
        }
    }
    tell_entry(verifier, swapped ? FAULT_SWAPPED : FAULT_EDITED, row->entry, text);
}

/* ---- items ---- */

static void end_block(struct seal_verifier *verifier)
{
    if (!verifier->in_block)
        return;
    while (verifier->entry < verifier->block.rows)
        tell_entry(verifier, FAULT_DELETED, verifier->entry++, "sealed, and gone");
    for (size_t i = 0; i < verifier->edited_count; i++)
        tell_edited(verifier, i);
    verifier->last = verifier->block;
    seal_block_hash(&verifier->block, verifier->last_hash);
    verifier->edited = NULL;
    verifier->edited_count = 0;
    verifier->in_block = false;
    talloc_free(verifier->owner);
    verifier->owner = NULL;
}

static void begin_block(struct seal_verifier *verifier, const struct seal_block *block)
{
    end_block(verifier);
    verifier->in_block = true;
    verifier->owner = memory_owner(verifier, "block");
    verifier->block = *block;
    verifier->block.objects = memory_copy_string(verifier->owner, block->objects);
    verifier->block.entries = (const uint8_t *)memory_copy_bytes(verifier->owner, block->entries,
                                                                 (size_t)block->rows * SEAL_ENTRY);
    verifier->entry = 0;
    verifier->counts.blocks++;
    split_objects(verifier);
    check_chain(verifier);
    check_signature(verifier);
    check_list(verifier);
    if (verifier->lines != NULL)
        seal_lines_take_block(verifier->lines, block);
}

static bool take_row(struct seal_verifier *verifier, const struct seal_item *item, struct error *error)
{
    struct seal_row row;
    if (!seal_row_read(item->bytes, item->length, ROW_COLUMNS, &row, error))
        return false;
    verifier->counts.rows += verifier->in_block;
    verifier->counts.unsealed_rows += !verifier->in_block;
    seal_tables_take_row(verifier->tables, &row, verifier->in_block ? verifier->block.number : 0);
    return !verifier->in_block || take_sealed_row(verifier, &row);
}

static bool take_table_row(struct seal_verifier *verifier, const struct seal_item *item, struct error *error)
{
    struct seal_row row;
    if (!seal_row_read(item->bytes, item->length, 1, &row, error))
        return false;
    const struct seal_column json = seal_column_json(&row.columns[0]);
    seal_tables_take_table_row(verifier->tables, &json);
    return true;
}

static bool take_version(struct seal_verifier *verifier, const struct seal_item *item, struct error *error)
{
    struct seal_row row;
    if (!seal_row_read(item->bytes, item->length, VERSION_COLUMNS, &row, error))
        return false;
    seal_tables_take_version(verifier->tables, &row);
    return true;
}

bool seal_verifier_take(void *context, const struct seal_item *item, struct error *error)
{
    struct seal_verifier *verifier = context;
    const struct seal_column column = {(const char *)item->bytes, item->length};
    switch (item->kind) {
    case ITEM_COUNT:
        verifier->rows_in_all = seal_column_int(&column);
        return true;
    case ITEM_OBJECT:
        seal_tables_add_object(verifier->tables, column.bytes, column.length);
        return true;
    case ITEM_ERA:
        if (verifier->lines != NULL)
            seal_lines_take_era(verifier->lines, column.bytes, column.length);
        return true;
    case ITEM_BLOCK:
        begin_block(verifier, item->block);
        return true;
    case ITEM_ROW:
        return take_row(verifier, item, error);
    case ITEM_UNSEALED:
        end_block(verifier);
        return true;
    case ITEM_TABLE:
        end_block(verifier);
        seal_tables_begin(verifier->tables, column.bytes, column.length);
        return true;
    case ITEM_TABLE_ROW:
        return take_table_row(verifier, item, error);
    case ITEM_VERSION:
        return take_version(verifier, item, error);
    case ITEM_END:
        end_block(verifier);
        return true;
    default:
        return error_set(error, ERROR_INPUT, "an item of unknown kind %d", (int)item->kind);
    }
}

static void check_count(struct seal_verifier *verifier)
{
    char text[160];
    int64_t seen = verifier->counts.rows + verifier->counts.unsealed_rows;
    const struct seal_fault fault = {.kind = FAULT_COUNT, .object = "audit.event", .text = text};
    if (verifier->order.from_block > 1 || verifier->rows_in_all == seen)
        return;
    snprintf(text, sizeof text, "%" PRId64 " rows, of which %" PRId64 " lie in a block or behind the last one",
             verifier->rows_in_all, seen);
    seal_faults_add(verifier->faults, &fault);
}

const struct seal_faults *seal_verifier_finish(struct seal_verifier *verifier, struct seal_counts *counts)
{
    end_block(verifier);
    check_count(verifier);
    if (verifier->lines != NULL)
        seal_lines_finish(verifier->lines, verifier->last.number);
    if (verifier->order.from_block <= 1)
        seal_tables_finish(verifier->tables);
    *counts = verifier->counts;
    return verifier->faults;
}
