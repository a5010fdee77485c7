/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records that were voided: few, kept apart from those that count. */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

/* Arrays grow when their count is a power of two. */
static size_t grown(size_t count)
{
    return count == 0 ? 1 : memory_size_product(count, 2);
}

uint64_t voided_keep_reason(struct record_store *store, const char *reason)
{
    size_t count = store->reason_count;
    if ((count & (count - 1)) == 0)
        store->reasons = memory_resize_array(store, store->reasons, const char *, grown(count));
    store->reasons[count] = reason == NULL || store->masked ? "" : memory_copy_string(store, reason);
    return store->reason_count++;
}

void voided_keep(struct record_store *store, const struct record_block *block, const struct record *record)
{
    size_t count = store->voided_count;
    if ((count & (count - 1)) == 0)
        store->voided = memory_resize_array(store, store->voided, struct voided_record, grown(count));
    struct voided_record *voided = &store->voided[store->voided_count++];
    *voided = (struct voided_record){
        .record = *record,
        .reason = store->reasons[*payload_part(store, block, record, PART_REASON)],
        .person = record->subject,
    };
    voided->record.parts = PART_VOID;
}

/* The first of a person's; blocks were closed in the order of persons. */
static size_t find_first(const struct record_store *store, uint32_t person)
{
    size_t from = 0, behind = store->voided_count;
    while (from < behind) {
        size_t middle = from + (behind - from) / 2;
        if (store->voided[middle].person < person)
            from = middle + 1;
        else
            behind = middle;
    }
    return from;
}

void voided_give(struct record_store *store, size_t subject, const uint32_t *persons, size_t count)
{
    if (store->voided_count == 0)
        return;
    for (size_t p = 0; p < count; p++)
        for (size_t i = find_first(store, persons[p]); i < store->voided_count; i++) {
            if (store->voided[i].person != persons[p])
                break;
            store->voided[i].record.subject = (uint32_t)subject;
            store->voided[i].given = true;
        }
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_voided(const void *a, const void *b, void *context)
{
    const struct record_store *store = context;
    const struct record *left = &((const struct voided_record *)a)->record;
    const struct record *right = &((const struct voided_record *)b)->record;
    int order = compare_numbers(left->subject, right->subject);
    if (order == 0)
        order = compare_numbers(store->forms[left->form].number, store->forms[right->form].number);
    if (order == 0)
        order = compare_numbers(left->knee, right->knee);
    if (order == 0)
        order = compare_numbers(left->date, right->date);
    if (order == 0)
        order = strcmp(store->visits[left->visit_name], store->visits[right->visit_name]);
    return order != 0 ? order : compare_numbers(left->instance, right->instance);
}

/* Days count as those of other records: from day 1 of the knee, or of the index knee. */
static int32_t study_day(const struct dataset *dataset, const struct record *record)
{
    const struct subject *subject = &dataset->subjects[record->subject];
    date_days day1 = subject->day1[record->knee];
    if (day1 == DATE_NONE)
        day1 = subject->day1[KNEE_NONE];
    return day1 != DATE_NONE && record->date != DATE_NONE ? date_study_day(record->date, day1) : STUDY_DAY_NONE;
}

void voided_settle(struct record_store *store)
{
    size_t count = 0;
    for (size_t i = 0; i < store->voided_count; i++)
        if (store->voided[i].given)
            store->voided[count++] = store->voided[i];
    store->voided_count = count;
    if (count == 0)
        return;
    qsort_r(store->voided, count, sizeof store->voided[0], compare_voided, store);
    for (size_t i = 0; i < count; i++) {
        struct record *record = &store->voided[i].record;
        record->day = study_day(store->dataset, record);
        record->payload = (uint32_t)i;
    }
}

const struct voided_record *dataset_voided(const struct dataset *dataset, size_t *count)
{
    *count = dataset->store->voided_count;
    return dataset->store->voided;
}

const char *record_void_reason(const struct dataset *dataset, const struct record *record)
{
    return record->parts & PART_VOID ? dataset->store->voided[record->payload].reason : NULL;
}
