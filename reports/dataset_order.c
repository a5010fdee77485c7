/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newest version of each record, in the dataset's order; who gets which. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

enum { SORTED_BY_INSERTION = 48 };

/* Records that are being sorted, and where their payload is. */
struct sorting {
    const struct record_store *store;
    const struct record_block *block;
    const struct record *records;
};

/* ---- comparing ---- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* Form, knee and date in one number that sorts like them. */
static uint64_t age_key(const struct record_store *store, const struct record *record)
{
    return (uint64_t)store->forms[record->form].number << 34 | (uint64_t)record->knee << 32
         | ((uint32_t)record->date ^ UINT32_C(0x80000000));
}

static const struct record_origin *origin_of(const struct sorting *sorting, const struct record *record)
{
    return (const struct record_origin *)payload_part(sorting->store, sorting->block, record, PART_ORIGIN);
}

/* Later date, later receipt, greater instance, greater id; one request may bring several records at once. */
static int compare_age(const struct sorting *sorting, const struct record *a, const struct record *b)
{
    const struct record_origin *first = origin_of(sorting, a), *second = origin_of(sorting, b);
    bool known = first != NULL && second != NULL;
    int order = known ? compare_numbers(first->received_us, second->received_us) : 0;
    if (order == 0)
        order = compare_numbers(a->instance, b->instance);
    if (order == 0)
        order = known ? memcmp(first->id, second->id, sizeof first->id)
                      : compare_numbers(a->visit_name, b->visit_name);
    return order;
}

static int compare_by_age(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct record *left = &sorting->records[*(const uint32_t *)a];
    const struct record *right = &sorting->records[*(const uint32_t *)b];
    uint64_t first = age_key(sorting->store, left), second = age_key(sorting->store, right);
    return first != second ? (first > second) - (first < second) : compare_age(sorting, left, right);
}

static int compare_identity(const struct record_store *store, const struct record *a, const struct record *b)
{
    int order = compare_numbers(store->forms[a->form].number, store->forms[b->form].number);
    if (order == 0)
        order = compare_numbers(a->knee, b->knee);
    if (order == 0)
        order = compare_numbers(a->visit_name, b->visit_name);
    return order != 0 ? order : compare_numbers(a->instance, b->instance);
}

static int compare_by_identity(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    const struct record *left = &sorting->records[*(const uint32_t *)a];
    const struct record *right = &sorting->records[*(const uint32_t *)b];
    int order = compare_identity(sorting->store, left, right);
    return order != 0 ? order : compare_numbers(left->version, right->version);
}

/* Most subjects have a few records, nearly in order. */
static void sort_indices(uint32_t *order, size_t count, int (*compare)(const void *, const void *, void *),
                         struct sorting *sorting)
{
    if (count > SORTED_BY_INSERTION) {
        qsort_r(order, count, sizeof order[0], compare, sorting);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        uint32_t held = order[i];
        size_t at = i;
        for (; at > 0 && compare(&order[at - 1], &held, sorting) > 0; at--)
            order[at] = order[at - 1];
        order[at] = held;
    }
}

/* ---- newest versions ---- */

static bool has_versions(const struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (records[i].version != 1 || (records[i].parts & PART_VOID))
            return true;
    }
    return false;
}

/* A correction does not make a record younger. */
static void keep_receipt(const struct sorting *sorting, const struct record *newest, const struct record *oldest)
{
    struct record_origin *to = (struct record_origin *)(uintptr_t)origin_of(sorting, newest);
    const struct record_origin *from = origin_of(sorting, oldest);
    if (to != NULL && from != NULL)
        to->received_us = from->received_us;
}

/* Leaves the indices of the newest versions that are not void; returns how many. */
static size_t drop_versions(struct record_store *store, struct sorting *sorting, uint32_t *order, size_t count)
{
    const struct record *records = sorting->records;
    size_t left = 0;
    sort_indices(order, count, compare_by_identity, sorting);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (compare_identity(sorting->store, &records[order[from]], &records[order[to]]) != 0)
                break;
        const struct record *newest = &records[order[to - 1]];
        keep_receipt(sorting, newest, &records[order[from]]);
        if (!(newest->parts & PART_VOID))
            order[left++] = order[to - 1];
        else if (newest->parts & PART_REASON)
            voided_keep(store, sorting->block, newest);
    }
    return left;
}

/* ---- closing ---- */

/* Room for sorting the block that has most records, and most beside them. */
struct room {
    struct record *records;
    uint32_t *order;
    uint64_t *payload;
};

static void count_persons(struct record_block *block)
{
    block->first = memory_new_array(block, uint32_t, PERSONS_A_BLOCK + 1);
    for (size_t i = 0; i < block->count; i++)
        block->first[block->records[i].subject % PERSONS_A_BLOCK + 1]++;
    for (size_t i = 0; i < PERSONS_A_BLOCK; i++)
        block->first[i + 1] += block->first[i];
}

static void gather_persons(const struct record_block *block, struct record *gathered)
{
    uint32_t at[PERSONS_A_BLOCK];
    memcpy(at, block->first, sizeof at);
    for (size_t i = 0; i < block->count; i++)
        gathered[at[block->records[i].subject % PERSONS_A_BLOCK]++] = block->records[i];
}

/* What records have beside themselves comes to lie in their order, so that a walk over them meets it in turn. */
static void order_payload(const struct record_store *store, struct record_block *block, uint64_t *room)
{
    size_t used = 0;
    for (size_t i = 0; i < block->count; i++) {
        struct record *record = &block->records[i];
        size_t words = payload_words(store, block, record);
        memcpy(room + used, block->payload + record->payload, words * sizeof *room);
        record->payload = (uint32_t)used;
        used += words;
    }
    memcpy(block->payload, room, used * sizeof *room);
    block->used = used;
}

static void close_block(struct record_store *store, struct record_block *block, const struct room *room)
{
    count_persons(block);
    gather_persons(block, room->records);
    size_t written = 0;
    for (size_t p = 0; p < PERSONS_A_BLOCK; p++) {
        size_t from = block->first[p], count = block->first[p + 1] - from;
        struct sorting sorting = {store, block, room->records + from};
        for (size_t i = 0; i < count; i++)
            room->order[i] = (uint32_t)i;
        if (has_versions(sorting.records, count))
            count = drop_versions(store, &sorting, room->order, count);
        sort_indices(room->order, count, compare_by_age, &sorting);
        block->first[p] = (uint32_t)written;
        for (size_t i = 0; i < count; i++)
            block->records[written++] = sorting.records[room->order[i]];
    }
    block->first[PERSONS_A_BLOCK] = (uint32_t)written;
    block->count = written;
    order_payload(store, block, room->payload);
}

/*
 * From here on memory is taken for an analysis and given back, a column of numbers at a time.  Mapped anew each time it
 * would be cleared page by page; kept in the heap it is there for the next analysis.
 */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);     /* the most that malloc takes */
    mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
}

void record_store_close(struct record_store *store)
{
    size_t most = 0, most_words = 0;
    for (size_t i = 0; i < store->block_count; i++) {
        most = store->blocks[i]->count > most ? store->blocks[i]->count : most;
        most_words = store->blocks[i]->used > most_words ? store->blocks[i]->used : most_words;
    }
    struct room room = {memory_resize_array(store, NULL, struct record, most),
                        memory_resize_array(store, NULL, uint32_t, most),
                        memory_resize_array(store, NULL, uint64_t, most_words)};
    for (size_t i = 0; i < store->block_count; i++)
        close_block(store, store->blocks[i], &room);
    talloc_free(room.records);
    talloc_free(room.order);
    talloc_free(room.payload);
    keep_memory();
}

/* ---- giving ---- */

static struct record_block *block_at(const struct record_store *store, uint32_t person)
{
    size_t at = person / PERSONS_A_BLOCK;
    return at < store->block_count ? store->blocks[at] : NULL;
}

struct records record_store_of(const struct record_store *store, uint32_t person)
{
    const struct record_block *block = block_at(store, person);
    if (block == NULL)
        return (struct records){NULL, 0};
    const uint32_t *first = &block->first[person % PERSONS_A_BLOCK];
    return (struct records){block->records + first[0], first[1] - first[0]};
}

static void add_tie(struct record_store *store, size_t subject, const struct record *records, size_t at)
{
    const struct record_tie *last = store->tie_count > 0 ? &store->ties[store->tie_count - 1] : NULL;
    bool known = records[at].parts & PART_ORIGIN;
    if (known || (last != NULL && last->subject == subject && last->at == at))
        return;
    if (store->ties == NULL || store->tie_count == store->tie_room) {
        store->tie_room = store->tie_room == 0 ? 64 : memory_size_product(store->tie_room, 2);
        store->ties = memory_resize_array(store, store->ties, struct record_tie, store->tie_room);
    }
    store->ties[store->tie_count++] = (struct record_tie){(uint32_t)subject, records[at].subject, (uint32_t)at};
}

/* Records of one form, knee and date stand together; without their origins nothing tells which comes first. */
static void find_ties(struct record_store *store, size_t subject, const struct record *records, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (age_key(store, &records[i - 1]) != age_key(store, &records[i]))
            continue;
        add_tie(store, subject, records, i - 1);
        add_tie(store, subject, records, i);
    }
}

static void sort_records(const struct record_store *store, const struct record_block *block, struct record *records,
                         size_t count)
{
    struct record *copies = memory_resize_array(NULL, NULL, struct record, count);
    uint32_t *order = memory_resize_array(copies, NULL, uint32_t, count);
    struct sorting sorting = {store, block, copies};
    memcpy(copies, records, count * sizeof records[0]);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    sort_indices(order, count, compare_by_age, &sorting);
    for (size_t i = 0; i < count; i++)
        records[i] = copies[order[i]];
    talloc_free(copies);
}

/* A block of its own for somebody with several numbers. */
static struct record_block *merge_persons(const struct record_store *store, const uint32_t *persons, size_t count)
{
    struct record_block *merged = memory_new(store, struct record_block);
    size_t total = 0;
    for (size_t p = 0; p < count; p++)
        total += record_store_of(store, persons[p]).count;
    merged->records = memory_new_array(merged, struct record, total);
    for (size_t p = 0; p < count; p++) {
        struct records of = record_store_of(store, persons[p]);
        const struct record_block *block = block_at(store, persons[p]);
        for (size_t i = 0; i < of.count; i++) {
            size_t words = payload_words(store, block, &of.at[i]);
            struct record *record = &merged->records[merged->count++];
            *record = of.at[i];
            record->payload = (uint32_t)merged->used;
            memcpy(payload_new(merged, words), block->payload + of.at[i].payload, words * sizeof(uint64_t));
        }
    }
    sort_records(store, merged, merged->records, merged->count);
    return merged;
}

void record_store_give(struct record_store *store, size_t subject, const uint32_t *persons, size_t count)
{
    struct subject *to = &store->dataset->subjects[subject];
    voided_give(store, subject, persons, count);
    struct record_block *block = count == 1 ? block_at(store, persons[0]) : merge_persons(store, persons, count);
    if (block == NULL)
        return;
    to->block = block;
    to->first_record = count == 1 ? block->first[persons[0] % PERSONS_A_BLOCK] : 0;
    to->record_count =
        (uint32_t)(count == 1 ? record_store_of(store, persons[0]).count : block->count);
    struct record *records = block->records + to->first_record;
    find_ties(store, subject, records, to->record_count);
    for (size_t i = 0; i < to->record_count; i++) {
        records[i].subject = (uint32_t)subject;
        store->forms[records[i].form].records++;
    }
    store->dataset->record_count += to->record_count;
}

void record_store_begin_index(struct record_store *store)
{
    size_t count = memory_size_product(store->dataset->subject_count, store->form_id_count);
    store->form_ends = memory_resize_array(store, store->form_ends, uint32_t, count);
}

void record_store_index(struct record_store *store, size_t subject)
{
    uint32_t *ends = &store->form_ends[subject * store->form_id_count], at = 0;
    struct records records = dataset_records(store->dataset, subject);
    for (size_t form = 0; form < store->form_id_count; form++) {
        while (at < records.count && (size_t)store->forms[records.at[at].form].number == form)
            at++;
        ends[form] = at;
    }
}

const struct record_tie *record_store_ties(const struct record_store *store, size_t *count)
{
    *count = store->tie_count;
    return store->ties;
}

/* What a record had moves to the end of the payload, behind its origin. */
static void set_origin(const struct record_store *store, struct record_block *block, struct record *record,
                       const struct record_origin *origin)
{
    size_t words = payload_words(store, block, record), from = record->payload, to = block->used;
    payload_new(block, ORIGIN_WORDS + words);
    memcpy(block->payload + to, origin, sizeof *origin);
    memcpy(block->payload + to + ORIGIN_WORDS, block->payload + from, words * sizeof(uint64_t));
    record->payload = (uint32_t)to;
    record->parts |= PART_ORIGIN;
}

void record_store_settle(struct record_store *store, const struct record_origin *origins)
{
    const struct record_tie *ties = store->ties;
    for (size_t i = 0; i < store->tie_count; i++) {
        const struct subject *subject = &store->dataset->subjects[ties[i].subject];
        struct record_block *block = (struct record_block *)(uintptr_t)subject->block;
        struct record *records = block->records + subject->first_record;
        set_origin(store, block, &records[ties[i].at], &origins[i]);
        if (i + 1 == store->tie_count || ties[i + 1].subject != ties[i].subject)
            sort_records(store, block, records, subject->record_count);
    }
}
