/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/dataset_build.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

enum { MOST_VISITS = UINT16_MAX, FIRST_RECORDS = 4096, FIRST_WORDS = 16384 };

/* ---- what is kept of each form ---- */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void number_forms(struct record_store *store, const struct catalogue *catalogue)
{
    store->form_ids = memory_new_array(store, const char *, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++)
        store->form_ids[i] = catalogue->forms[i]->id;
    qsort(store->form_ids, catalogue->form_count, sizeof store->form_ids[0], compare_ids);
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (i == 0 || strcmp(store->form_ids[i], store->form_ids[i - 1]) != 0)
            store->form_ids[store->form_id_count++] = store->form_ids[i];
}

static bool names_form(const struct item_reference *references, size_t count, const char *form)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(references[i].form, form) == 0)
            return true;
    }
    return false;
}

/* Without scores answers are all that a form has; with them they are wanted where the protocol names items. */
static bool needs_answers(const struct protocol *protocol, const struct form *form)
{
    return form->score_count == 0 || names_form(protocol->baseline, protocol->baseline_count, form->id)
        || names_form(protocol->model_items, protocol->model_item_count, form->id);
}

static bool is_endpoint(const struct protocol *protocol, const struct form *form, const char *score)
{
    for (size_t i = 0; i < protocol->endpoint_count; i++) {
        if (strcmp(protocol->endpoints[i].form, form->id) == 0 && strcmp(protocol->endpoints[i].score, score) == 0)
            return true;
    }
    return false;
}

/* In a masked study what one version of a form says of an item holds for the records of all. */
static bool *list_naming_items(const void *owner, const struct catalogue *catalogue, const struct form *form)
{
    bool *naming = memory_new_array(owner, bool, form->item_count);
    for (size_t f = 0; f < catalogue->form_count; f++) {
        const struct form *version = catalogue->forms[f];
        for (size_t i = 0; strcmp(version->id, form->id) == 0 && i < version->item_count; i++) {
            int at = form_find_item(form, version->items[i].id);
            if (at != FORM_NONE)
                naming[at] = naming[at] || dataset_item_may_name_arm(&version->items[i]);
        }
    }
    return naming;
}

static void describe_form(struct record_store *store, struct kept_form *kept, const struct form *form)
{
    const struct protocol *protocol = store->dataset->catalogue->protocol;
    kept->form = form;
    kept->number = dataset_form_number(store->dataset, form->id);
    kept->answers = needs_answers(protocol, form);
    kept->creates_subject = form->creates_subject;
    kept->may_name_arm = list_naming_items(store, store->dataset->catalogue, form);
    kept->bit_words = (form->item_count + 63) / 64;
    kept->score_slots = memory_new_array(store, size_t, form->score_count);
    for (size_t i = 0; i < form->score_count; i++) {
        bool wanted = is_endpoint(protocol, form, form->scores[i].id);
        kept->score_slots[i] = wanted ? kept->score_count : NOT_KEPT;
        kept->score_count += wanted;
    }
    kept->keys = memory_new_array(store, struct item_key, form->item_count);
    for (size_t i = 0; i < form->item_count; i++) {
        struct item_key *key = &kept->keys[i];
        key->text = memory_format(store, "\"%s\":", form->items[i].id);
        key->length = strlen(key->text);
        memset(&key->mask, 0xFF, key->length < sizeof key->mask ? key->length : sizeof key->mask);
        memcpy(&key->first, key->text, key->length < sizeof key->first ? key->length : sizeof key->first);
    }
    kept_index_items(store, kept);
}

/*
 * Blocks grow by turns.  Mapped each by itself they grow where they are; side by side in the heap they would leave
 * holes as large as all of them, and malloc moves that limit up by itself.
 */
static void keep_blocks_apart(void)
{
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

struct record_store *record_store_new(struct dataset *dataset, bool masked)
{
    keep_blocks_apart();
    const struct catalogue *catalogue = dataset->catalogue;
    struct record_store *store = dataset->store = memory_new(dataset, struct record_store);
    store->dataset = dataset;
    store->masked = masked;
    store->answers = answer_pool_new(store);
    store->form_count = catalogue->form_count;
    store->forms = memory_new_array(store, struct kept_form, store->form_count);
    number_forms(store, catalogue);
    size_t items = 0, most = 0;
    for (size_t i = 0; i < store->form_count; i++) {
        size_t count = catalogue->forms[i]->item_count;
        describe_form(store, &store->forms[i], catalogue->forms[i]);
        store->forms[i].first_item = (uint32_t)items;
        items += count;
        most = count > most ? count : most;
    }
    store->scanned = (struct scanned){
        .bits = memory_new_array(store, uint64_t, most / 64 + 1),
        .items = memory_new_array(store, uint16_t, most),
        .answers = memory_new_array(store, uint32_t, most),
    };
    store->visits = memory_new_array(store, const char *, 1);
    store->visit_lengths = memory_new_array(store, size_t, 1);
    store->visits[0] = VISIT_UNSCHEDULED;
    store->visit_lengths[0] = strlen(VISIT_UNSCHEDULED);
    store->visit_count = 1;
    return store;
}

/* The one item of a form with one score was answered when there is a score. */
bool record_store_wants_content(const struct record_store *store, size_t form)
{
    const struct kept_form *kept = &store->forms[form];
    return kept->answers || kept->score_count != 1 || kept->form->score_count != 1 || kept->form->item_count != 1;
}

/* ---- adding ---- */

static uint16_t visit_number(struct record_store *store, const char *name, size_t length, struct error *error)
{
    for (size_t i = 0; i < store->visit_count; i++) {
        if (store->visit_lengths[i] == length && memcmp(store->visits[i], name, length) == 0)
            return (uint16_t)i;
    }
    if (store->visit_count == MOST_VISITS) {
        error_set(error, ERROR_DATABASE, "the records name more than %d visits", MOST_VISITS);
        return MOST_VISITS;
    }
    store->visits = memory_resize_array(store, store->visits, const char *, store->visit_count + 1);
    store->visit_lengths = memory_resize_array(store, store->visit_lengths, size_t, store->visit_count + 1);
    store->visits[store->visit_count] = memory_copy_bytes(store, name, length);
    store->visit_lengths[store->visit_count] = length;
    return (uint16_t)store->visit_count++;
}

static struct record_block *block_of(struct record_store *store, uint32_t person)
{
    size_t at = person / PERSONS_A_BLOCK;
    if (at >= store->block_count) {
        store->blocks = memory_resize_array(store, store->blocks, struct record_block *, at + 1);
        while (store->block_count <= at)
            store->blocks[store->block_count++] = memory_new(store, struct record_block);
    }
    return store->blocks[at];
}

static struct record *new_record(struct record_block *block)
{
    if (block->count == block->capacity) {
        block->capacity = block->capacity == 0 ? FIRST_RECORDS : block->capacity + block->capacity / 2;
        block->records = memory_resize_array(block, block->records, struct record, block->capacity);
    }
    return &block->records[block->count++];
}

/* Words at the end of a block's payload; good until the next call. */
uint64_t *payload_new(struct record_block *block, size_t count)
{
    if (block->used + count > block->room) {
        block->room = block->room == 0 ? FIRST_WORDS : block->room + block->room / 2;
        if (block->room < block->used + count)
            block->room = block->used + count;
        block->payload = memory_resize_array(block, block->payload, uint64_t, block->room);
    }
    uint64_t *words = &block->payload[block->used];
    block->used += count;
    return words;
}

static void add_scores(struct record_block *block, const struct kept_form *kept, const double *scores)
{
    uint64_t *words = payload_new(block, kept->score_count);
    for (size_t i = 0; i < kept->form->score_count; i++)
        if (kept->score_slots[i] != NOT_KEPT)
            memcpy(&words[kept->score_slots[i]], &scores[i], sizeof scores[i]);
}

static void add_answers(struct record_block *block, const struct scanned *scanned)
{
    uint64_t *words = payload_new(block, payload_answer_words(scanned->count));
    uint16_t *items = (uint16_t *)words;
    memset(words, 0, payload_answer_words(scanned->count) * sizeof words[0]);
    items[0] = (uint16_t)scanned->count;
    memcpy(items + 1, scanned->items, scanned->count * sizeof items[0]);
    memcpy(words + payload_item_words(scanned->count), scanned->answers, scanned->count * sizeof scanned->answers[0]);
}

/* Tissue is harvested from some cohorts only: in a masked study an event there names the cohort. */
static bool names_harvest_site(const struct record_store *store, const struct kept_form *kept,
                               const struct scanned *scanned)
{
    int item = store->masked ? form_find_item(kept->form, "special_interest") : FORM_NONE;
    for (size_t i = 0; item != FORM_NONE && i < scanned->count; i++) {
        if (scanned->items[i] == item)
            return strcmp(answer_pool_at(store->answers, scanned->answers[i])->text, HARVEST_SITE) == 0;
    }
    return false;
}

static bool add_content(struct record_store *store, struct record_block *block, const struct record_input *input,
                        struct record *record, struct error *error)
{
    const struct kept_form *kept = &store->forms[input->form];
    struct scanned *scanned = &store->scanned;
    bool read = content_scan(store, kept, input, scanned, error);
    if (read && kept->answers) {
        record->parts |= PART_ANSWERS;
        add_answers(block, scanned);
        if (names_harvest_site(store, kept, scanned))
            record->parts |= PART_VOID;
    } else if (read) {
        record->parts |= PART_ITEMS;
        memcpy(payload_new(block, kept->bit_words), scanned->bits, kept->bit_words * sizeof scanned->bits[0]);
    }
    return read;
}

bool record_store_add(struct record_store *store, const struct record_input *input, struct error *error)
{
    const struct kept_form *kept = &store->forms[input->form];
    struct record_block *block = block_of(store, input->person);
    uint16_t visit = visit_number(store, input->visit, input->visit_length, error);
    if (visit == MOST_VISITS)
        return false;
    struct record *record = new_record(block);
    *record = (struct record){
        .subject = input->person,
        .form = (uint16_t)input->form,
        .knee = (uint8_t)input->knee,
        .visit_name = visit,
        .instance = (uint16_t)input->instance,
        .version = input->version,
        .date = input->date,
        .analysis_visit = NO_VISIT,
        .day = STUDY_DAY_NONE,
        .payload = (uint32_t)block->used,
    };
    if (input->origin != NULL) {
        memcpy(payload_new(block, ORIGIN_WORDS), input->origin, sizeof *input->origin);
        record->parts |= PART_ORIGIN;
    }
    if (input->voided) {
        record->parts |= PART_VOID | PART_REASON;
        *payload_new(block, 1) = voided_keep_reason(store, input->reason);
        return true;
    }
    if (kept->score_count > 0) {
        record->parts |= PART_SCORES;
        add_scores(block, kept, input->scores);
    }
    return input->content == NULL || add_content(store, block, input, record, error);
}
