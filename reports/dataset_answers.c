/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Canonical texts into answers, each distinct one kept once. */
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "reports/dataset_store.h"

/* ---- the pool ---- */

enum { CHUNK = 1024, FIRST_SLOTS = 4096 };

struct pooled_answer {
    struct answer answer;
    uint32_t key, length;
};

struct answer_pool {
    struct pooled_answer **chunks;
    size_t chunk_count, count;
    uint32_t *slots;             /* open addressing: number + 1, 0 where free */
    size_t slot_count;           /* power of two, at least twice `count` */
};

struct answer_pool *answer_pool_new(const void *owner)
{
    struct answer_pool *pool = memory_new(owner, struct answer_pool);
    pool->slot_count = FIRST_SLOTS;
    pool->slots = memory_new_array(pool, uint32_t, pool->slot_count);
    return pool;
}

static struct pooled_answer *pooled_at(const struct answer_pool *pool, size_t number)
{
    return &pool->chunks[number / CHUNK][number % CHUNK];
}

const struct answer *answer_pool_at(const struct answer_pool *pool, uint32_t number)
{
    return &pooled_at(pool, number)->answer;
}

/* FNV-1a; answers are short. */
static size_t hash_answer(uint32_t key, const char *text, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ key * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

static uint32_t *find_slot(const struct answer_pool *pool, uint32_t key, const char *text, size_t length)
{
    size_t mask = pool->slot_count - 1;
    for (size_t at = hash_answer(key, text, length) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &pool->slots[at];
        if (*slot == 0)
            return slot;
        const struct pooled_answer *found = pooled_at(pool, *slot - 1);
        if (found->key == key && found->length == length && memcmp(found->answer.text, text, length) == 0)
            return slot;
    }
}

/* For one more; what is there keeps its place. */
static void make_room(struct answer_pool *pool)
{
    if (pool->count == pool->chunk_count * CHUNK) {
        pool->chunks = memory_resize_array(pool, pool->chunks, struct pooled_answer *, pool->chunk_count + 1);
        pool->chunks[pool->chunk_count++] = memory_new_array(pool, struct pooled_answer, CHUNK);
    }
    if ((pool->count + 1) * 2 <= pool->slot_count)
        return;
    talloc_free(pool->slots);
    pool->slot_count = memory_size_product(pool->slot_count, 2);
    pool->slots = memory_new_array(pool, uint32_t, pool->slot_count);
    for (size_t i = 0; i < pool->count; i++) {
        const struct pooled_answer *pooled = pooled_at(pool, i);
        *find_slot(pool, pooled->key, pooled->answer.text, pooled->length) = (uint32_t)i + 1;
    }
}

static bool read_answer(struct answer_pool *pool, const struct answer_text *given, struct answer *answer)
{
    char *copy = memory_copy_bytes(NULL, given->text, given->length);
    bool word = given->bare && (strcmp(copy, "true") == 0 || strcmp(copy, "false") == 0);
    enum raw_kind kind = !given->bare ? RAW_TEXT : word ? RAW_BOOLEAN : RAW_INTEGER;
    struct raw_answer raw = {given->item->id, kind, copy};
    struct problem_list problems = {NULL, 0};
    void *work = memory_owner(NULL, "problems");
    bool read = answer_read(work, given->item, &raw, answer, &problems) && answer->state == ANSWER_GIVEN
             && strcmp(answer->text, copy) == 0;
    if (read)
        answer->text = talloc_steal(pool, copy);
    else
        talloc_free(copy);
    talloc_free(work);
    return read;
}

bool answer_pool_add(struct answer_pool *pool, const struct answer_text *given, uint32_t *number)
{
    uint32_t *slot = find_slot(pool, given->key, given->text, given->length);
    if (*slot == 0) {
        make_room(pool);
        slot = find_slot(pool, given->key, given->text, given->length);
        struct pooled_answer *pooled = pooled_at(pool, pool->count);
        pooled->key = given->key;
        pooled->length = (uint32_t)given->length;
        if (!read_answer(pool, given, &pooled->answer))
            return false;
        *slot = (uint32_t)++pool->count;
    }
    *number = *slot - 1;
    return true;
}

/* ---- canonical texts ---- */

/* A place in a canonical text; it never goes behind `end`. */
struct scan {
    const char *at, *end;
};

static bool take(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* Behind the quote that ends a string; false when there is none.  `escaped`: it holds escapes. */
static bool take_string(struct scan *scan, const char **text, size_t *length, bool *escaped)
{
    if (!take(scan, '"'))
        return false;
    *text = scan->at;
    *escaped = false;
    for (; scan->at < scan->end && *scan->at != '"'; scan->at++) {
        if (*scan->at == '\\') {
            *escaped = true;
            scan->at++;
        }
    }
    if (scan->at >= scan->end)
        return false;
    *length = (size_t)(scan->at++ - *text);
    return true;
}

/* A number, true or false. */
static bool take_bare(struct scan *scan, const char **text, size_t *length)
{
    *text = scan->at;
    while (scan->at < scan->end && *scan->at != ',' && *scan->at != '}')
        scan->at++;
    *length = (size_t)(scan->at - *text);
    return *length > 0;
}

/*
 * Where the answers begin.  No string of JSON can hold this: a quote within one has a backslash before it, so that a
 * comma never stands there.
 */
static bool find_answers(struct scan *scan)
{
    static const char begin[] = ",\"answers\":{";
    const char *found = memmem(scan->at, (size_t)(scan->end - scan->at), begin, sizeof begin - 1);
    if (found == NULL)
        return false;
    scan->at = found + sizeof begin - 1;
    return true;
}

static bool take_key(struct scan *scan, const struct item_key *key)
{
    size_t left = (size_t)(scan->end - scan->at), compared = 0;
    uint64_t first;
    if (left < key->length)
        return false;
    if (left >= sizeof first) {      /* nearly always: one comparison, and none of a short key's rest */
        memcpy(&first, scan->at, sizeof first);
        if ((first & key->mask) != key->first)
            return false;
        compared = key->length < sizeof first ? key->length : sizeof first;
    }
    if (memcmp(scan->at + compared, key->text + compared, key->length - compared) != 0)
        return false;
    scan->at += key->length;
    return true;
}

/* Number of the item that comes, `from` or behind it: canonical texts have the order of the form. */
static size_t take_item(struct scan *scan, const struct kept_form *kept, size_t from)
{
    size_t at = from;
    while (at < kept->form->item_count && !take_key(scan, &kept->keys[at]))
        at++;
    return at;
}

/* Names the id that comes, if one does. */
static bool refuse(const struct kept_form *kept, struct scan at, struct error *error)
{
    enum { MOST = 64 };
    const char *id = "";
    size_t length = 0;
    bool escaped;
    if (!take_string(&at, &id, &length, &escaped))
        length = 0;
    return error_set(error, ERROR_DATABASE, "the stored text is not canonical for form %s version %d at item %.*s",
                     kept->form->id, kept->form->version, (int)(length < MOST ? length : MOST), id);
}

/* A text with escapes as it was before it was written as JSON; such ones are rare, so that a whole reader does it. */
static const char *without_escapes(const void *work, const struct kept_form *kept, const char *content, size_t length,
                                   size_t item, size_t *text_length)
{
    struct error ignored;
    const struct answer *answers =
        submission_read_answers(work, kept->form, memory_copy_bytes(work, content, length), &ignored);
    if (answers == NULL || answers[item].state != ANSWER_GIVEN)
        return NULL;
    *text_length = strlen(answers[item].text);
    return answers[item].text;
}

static bool is_hidden(const struct kept_form *kept, bool masked, size_t item)
{
    return masked && !kept->creates_subject && kept->may_name_arm[item];
}

struct value {
    const char *text;
    size_t length;
    bool bare, escaped;
};

static bool take_value(struct scan *scan, struct value *value)
{
    value->escaped = false;
    value->bare = scan->at < scan->end && *scan->at != '"';
    return value->bare ? take_bare(scan, &value->text, &value->length)
                       : take_string(scan, &value->text, &value->length, &value->escaped);
}

static bool keep_value(struct answer_pool *pool, const struct kept_form *kept, size_t item, struct value value,
                       struct scan whole, struct scanned *scanned)
{
    void *work = value.escaped ? memory_owner(NULL, "escapes") : NULL;
    if (value.escaped)
        value.text = without_escapes(work, kept, whole.at, (size_t)(whole.end - whole.at), item, &value.length);
    const struct answer_text given = {&kept->form->items[item], kept->first_item + (uint32_t)item, value.text,
                                      value.length, value.bare};
    bool kept_now = value.text != NULL && answer_pool_add(pool, &given, &scanned->answers[scanned->count]);
    talloc_free(work);
    scanned->items[scanned->count] = (uint16_t)item;
    scanned->count += kept_now;
    return kept_now;
}

bool content_scan(const struct record_store *store, const struct kept_form *kept, const struct record_input *input,
                  struct scanned *scanned, struct error *error)
{
    struct scan whole = {input->content, input->content + input->content_length}, scan = whole;
    memset(scanned->bits, 0, kept->bit_words * sizeof scanned->bits[0]);
    scanned->count = 0;
    scan.at += input->content_answers;
    if (!find_answers(&scan))
        return error_set(error, ERROR_DATABASE, "the stored text of form %s has no answers", kept->form->id);
    size_t item = 0;
    for (bool more = !take(&scan, '}'); more; item++) {
        struct scan here = scan;
        struct value value;
        item = take_item(&scan, kept, item);
        if (item == kept->form->item_count || !take_value(&scan, &value))
            return refuse(kept, here, error);
        bool hidden = is_hidden(kept, store->masked, item);     /* that it was answered may name the arm, too */
        if (!hidden)
            scanned->bits[item / 64] |= UINT64_C(1) << item % 64;
        if (kept->answers && !hidden && !keep_value(store->answers, kept, item, value, whole, scanned))
            return refuse(kept, here, error);
        more = take(&scan, ',');
        if (!more && !take(&scan, '}'))
            return refuse(kept, here, error);
    }
    return true;
}
