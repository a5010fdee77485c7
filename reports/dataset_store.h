/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a dataset keeps its records; for dataset_*.c only.
 *
 * Records lie in blocks of PERSONS_A_BLOCK persons.  What a record has beside itself lies in its block's payload, from
 * word record->payload on, in this order, each when record->parts says so:
 *   PART_ORIGIN    ORIGIN_WORDS words: a struct record_origin
 *   PART_SCORES    a double for each score of the form that is kept
 *   PART_ITEMS     a bit for each item of the form: answered
 *   PART_ANSWERS   16-bit numbers: how many answers, then their items in the form's order; filled up to a word; then
 *                  32-bit numbers of interned answers, filled up to a word
 *   PART_REASON    a word: which of the store's reasons; of versions that are voided
 */
#ifndef PATELLA_DATASET_STORE_H
#define PATELLA_DATASET_STORE_H

#include "reports/dataset_build.h"

#define NOT_KEPT SIZE_MAX

enum { PERSONS_A_BLOCK = 1024 };
enum { PART_ORIGIN = 1, PART_SCORES = 2, PART_ITEMS = 4, PART_ANSWERS = 8, PART_VOID = 16, PART_REASON = 32 };
enum { ORIGIN_WORDS = (sizeof(struct record_origin) + 7) / 8 };

struct record_block {
    struct record *records;
    size_t count, capacity;
    uint64_t *payload;
    size_t used, room;           /* words */
    uint32_t *first;             /* of each person, and behind the last; after closing */
};

/* An item's id as a canonical text has it before the answer. */
struct item_key {
    uint64_t first, mask;        /* its first bytes as they lie, and which of them are its own */
    const char *text;            /* "id": */
    size_t length;
};

/* What is kept of the records of a form. */
struct kept_form {
    const struct form *form;
    int number;                  /* of the form's id, in byte order */
    bool answers;                /* all of them; else which items were answered */
    bool creates_subject;
    bool *may_name_arm;          /* each item, in any version of the form: dataset_item_may_name_arm */
    size_t *score_slots;         /* for each score: its place, or NOT_KEPT */
    size_t score_count;          /* that are kept */
    size_t records;              /* of subjects */
    size_t bit_words;
    struct item_key *keys;       /* of the items */
    uint16_t *item_slots;        /* open addressing by the id's hash: item + 1, 0 where free */
    size_t item_slot_count;      /* power of two, at least twice the items */
    uint32_t first_item;         /* number of its first item among all forms' items */
};

/* Answers, each distinct one of an item once. */
struct answer_pool;

/* What a canonical text says: bits of answered items, and the answers when the form keeps them. */
struct scanned {
    uint64_t *bits;              /* kept->bit_words */
    uint16_t *items;             /* of answers, room for all */
    uint32_t *answers;
    size_t count;
};

struct record_store {
    struct dataset *dataset;
    bool masked;
    struct kept_form *forms;     /* as catalogue->forms */
    size_t form_count;
    const char **form_ids;       /* by number */
    size_t form_id_count;
    const char **visits;         /* names; [0] is VISIT_UNSCHEDULED */
    size_t *visit_lengths;
    size_t visit_count;
    struct record_block **blocks;
    size_t block_count;
    uint32_t *form_ends;         /* of each subject, by form number: records until behind that form's last; or NULL */
    struct answer_pool *answers;
    struct scanned scanned;      /* room for the longest form */
    const char **reasons;        /* why versions were voided */
    size_t reason_count;
    struct voided_record *voided;    /* by person until they are settled, then by subject; only those of subjects */
    size_t voided_count;
    struct record_tie *ties;     /* found while giving records to subjects */
    size_t tie_count, tie_room;
};

struct answer_pool *answer_pool_new(const void *owner);
/* An answer as a canonical text has it. */
struct answer_text {
    const struct item *item;
    uint32_t key;                /* number of the item among all forms' items */
    const char *text;
    size_t length;
    bool bare;                   /* without quotes */
};
/* Number of that answer; false when it is none to that item. */
bool answer_pool_add(struct answer_pool *pool, const struct answer_text *given, uint32_t *number) MUST_CHECK;
const struct answer *answer_pool_at(const struct answer_pool *pool, uint32_t number);

/* Fills `scanned` from the text of `input`; its arrays have room for the form's items. */
bool content_scan(const struct record_store *store, const struct kept_form *kept, const struct record_input *input,
                  struct scanned *scanned, struct error *error) MUST_CHECK;

/* Parts of a record's payload; NULL when it has none. */
const uint64_t *payload_part(const struct record_store *store, const struct record_block *block,
                             const struct record *record, unsigned part);
size_t payload_words(const struct record_store *store, const struct record_block *block, const struct record *record);
size_t payload_item_words(size_t count);     /* of PART_ANSWERS: before the numbers of the answers */
size_t payload_answer_words(size_t count);
/* Number of the item with that id, FORM_NONE when there is none; as form_find_item, faster. */
int kept_find_item(const struct kept_form *kept, const char *id);
void kept_index_items(const void *owner, struct kept_form *kept);
/* The answer to item number `item`, NULL when there is none. */
const struct answer *payload_answer(const struct record_store *store, const struct record_block *block,
                                    const struct record *record, size_t item);
/* Words at the end of a block's payload; good until the next call. */
uint64_t *payload_new(struct record_block *block, size_t count);

/* ---- dataset_voided.c: records whose newest version is void ---- */

/* Number of a reason (NULL: not known), for PART_REASON; a masked study keeps none. */
uint64_t voided_keep_reason(struct record_store *store, const char *reason);
/* While a block is closed, whose payload has not moved yet. */
void voided_keep(struct record_store *store, const struct record_block *block, const struct record *record);
/* Those of `count` persons are the subject's. */
void voided_give(struct record_store *store, size_t subject, const uint32_t *persons, size_t count);
/* When subjects have their first days of treatment; may be called again. */
void voided_settle(struct record_store *store);

/* Fills dataset->values; the rest of dataset_derive has been done. */
void dataset_derive_values(struct dataset *dataset);

#endif
