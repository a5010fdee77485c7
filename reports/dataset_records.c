/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked of records. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

/* ---- parts of a payload ---- */

size_t payload_item_words(size_t count)
{
    return (count + 1 + 3) / 4;
}

size_t payload_answer_words(size_t count)
{
    return payload_item_words(count) + (count + 1) / 2;
}

static size_t part_words(const struct kept_form *kept, unsigned part, const uint64_t *at)
{
    switch (part) {
    case PART_ORIGIN: return ORIGIN_WORDS;
    case PART_SCORES: return kept->score_count;
    case PART_ITEMS: return kept->bit_words;
    case PART_ANSWERS: return payload_answer_words(*(const uint16_t *)at);
    default: return 0;
    }
}

const uint64_t *payload_part(const struct record_store *store, const struct record_block *block,
                             const struct record *record, unsigned part)
{
    const uint64_t *at = block->payload + record->payload;
    if (!(record->parts & part))
        return NULL;
    for (unsigned before = PART_ORIGIN; before < part; before <<= 1)
        if (record->parts & before)
            at += part_words(&store->forms[record->form], before, at);
    return at;
}

size_t payload_words(const struct record_store *store, const struct record_block *block, const struct record *record)
{
    size_t words = 0;
    for (unsigned part = PART_ORIGIN; part <= PART_ANSWERS; part <<= 1)
        if (record->parts & part)
            words += part_words(&store->forms[record->form], part, block->payload + record->payload + words);
    return words;
}

/* ---- items by id ---- */

static size_t hash_id(const char *id)
{
    uint32_t hash = 2166136261U;
    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619U;
    return hash ^ hash >> 15;
}

void kept_index_items(const void *owner, struct kept_form *kept)
{
    kept->item_slot_count = 16;
    while (kept->item_slot_count < 2 * kept->form->item_count)
        kept->item_slot_count *= 2;
    kept->item_slots = memory_new_array(owner, uint16_t, kept->item_slot_count);
    for (size_t i = 0; i < kept->form->item_count; i++) {
        size_t at = hash_id(kept->form->items[i].id) & (kept->item_slot_count - 1);
        while (kept->item_slots[at] != 0)
            at = (at + 1) & (kept->item_slot_count - 1);
        kept->item_slots[at] = (uint16_t)(i + 1);
    }
}

int kept_find_item(const struct kept_form *kept, const char *id)
{
    size_t mask = kept->item_slot_count - 1;
    for (size_t at = hash_id(id) & mask; kept->item_slots[at] != 0; at = (at + 1) & mask)
        if (strcmp(kept->form->items[kept->item_slots[at] - 1].id, id) == 0)
            return kept->item_slots[at] - 1;
    return FORM_NONE;
}

/* ---- answers ---- */

const struct answer *payload_answer(const struct record_store *store, const struct record_block *block,
                                        const struct record *record, size_t item)
{
    const uint64_t *words = payload_part(store, block, record, PART_ANSWERS);
    if (words == NULL)
        return NULL;
    const uint16_t *items = (const uint16_t *)words;
    const uint32_t *answers = (const uint32_t *)(words + payload_item_words(items[0]));
    for (size_t i = 0; i < items[0] && items[i + 1] <= item; i++) {
        if (items[i + 1] == item)
            return answer_pool_at(store->answers, answers[i]);
    }
    return NULL;
}

/* ---- dataset.h ---- */

static const struct record_block *block_of_record(const struct dataset *dataset, const struct record *record)
{
    return dataset->subjects[record->subject].block;
}

struct records dataset_records(const struct dataset *dataset, size_t subject)
{
    const struct subject *s = &dataset->subjects[subject];
    return (struct records){s->record_count > 0 ? s->block->records + s->first_record : NULL, s->record_count};
}

struct records dataset_records_of(const struct dataset *dataset, size_t subject, int form_number)
{
    const struct record_store *store = dataset->store;
    if (form_number < 0)
        return (struct records){NULL, 0};
    const uint32_t *end = &store->form_ends[subject * store->form_id_count + (size_t)form_number];
    uint32_t from = form_number > 0 ? end[-1] : 0;
    return from < *end ? (struct records){dataset_records(dataset, subject).at + from, *end - from}
                       : (struct records){NULL, 0};
}

const struct form *record_form(const struct dataset *dataset, const struct record *record)
{
    return dataset->catalogue->forms[record->form];
}

size_t dataset_form_records(const struct dataset *dataset, size_t form)
{
    return dataset->store->forms[form].records;
}

int dataset_form_number(const struct dataset *dataset, const char *form)
{
    const struct record_store *store = dataset->store;
    for (size_t i = 0; i < store->form_id_count; i++) {
        if (strcmp(store->form_ids[i], form) == 0)
            return (int)i;
    }
    return -1;
}

bool record_is(const struct dataset *dataset, const struct record *record, int form_number)
{
    return dataset->store->forms[record->form].number == form_number;
}

const char *record_visit(const struct dataset *dataset, const struct record *record)
{
    return dataset->store->visits[record->visit_name];
}

bool record_is_unscheduled(const struct dataset *dataset, const struct record *record)
{
    (void)dataset;
    return record->visit_name == 0;
}

const struct answer *record_answer(const struct dataset *dataset, const struct record *record, const char *item)
{
    const struct kept_form *kept = &dataset->store->forms[record->form];
    int index = kept_find_item(kept, item);
    if (index == FORM_NONE || (dataset->pooled && kept->may_name_arm[index]))
        return NULL;
    return payload_answer(dataset->store, block_of_record(dataset, record), record, (size_t)index);
}

bool record_item_answered(const struct dataset *dataset, const struct record *record, size_t item)
{
    const struct record_block *block = block_of_record(dataset, record);
    if (record->parts & PART_ANSWERS)
        return payload_answer(dataset->store, block, record, item) != NULL;
    const uint64_t *bits = payload_part(dataset->store, block, record, PART_ITEMS);
    return bits != NULL ? bits[item / 64] >> item % 64 & 1 : !isnan(record_score(dataset, record, 0));
}

size_t record_count_answered(const struct dataset *dataset, const struct record *record, const uint64_t *mask)
{
    size_t items = record_form(dataset, record)->item_count, count = 0;
    const uint64_t *bits = record->parts & PART_ANSWERS
                               ? NULL
                               : payload_part(dataset->store, block_of_record(dataset, record), record, PART_ITEMS);
    for (size_t word = 0; bits != NULL && word < (items + 63) / 64; word++)
        count += (size_t)__builtin_popcountll(bits[word] & mask[word]);
    for (size_t item = 0; bits == NULL && item < items; item++)
        count += mask[item / 64] >> item % 64 & 1 && record_item_answered(dataset, record, item);
    return count;
}

double record_score(const struct dataset *dataset, const struct record *record, size_t score)
{
    const struct kept_form *kept = &dataset->store->forms[record->form];
    const uint64_t *words = payload_part(dataset->store, block_of_record(dataset, record), record, PART_SCORES);
    double value = (double)NAN;
    if (words != NULL && kept->score_slots[score] != NOT_KEPT)
        memcpy(&value, &words[kept->score_slots[score]], sizeof value);
    return value;
}

const struct record_origin *record_origin(const struct dataset *dataset, const struct record *record)
{
    return (const struct record_origin *)payload_part(dataset->store, block_of_record(dataset, record), record,
                                                      PART_ORIGIN);
}

const struct answer *record_store_answer(const struct record_store *store, const struct record *record,
                                         const char *item)
{
    int index = kept_find_item(&store->forms[record->form], item);
    const struct record_block *block = store->blocks[record->subject / PERSONS_A_BLOCK];
    return index != FORM_NONE ? payload_answer(store, block, record, (size_t)index) : NULL;
}
