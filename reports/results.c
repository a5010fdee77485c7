/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/results.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"

/*
 * Names repeat from row to row: each is kept once, so that rows compare by their names' places.  Rows are found by a
 * hash of these.
 */
struct results {
    struct result *rows;
    size_t count;
    size_t capacity;
    uint32_t *slots;     /* open addressing: index of a row + 1, 0 where free */
    size_t slot_count;   /* power of two, at least twice `count` */
    const char **names;  /* open addressing, NULL where free */
    size_t name_count;
    size_t name_slot_count;
};

enum { FIRST_SLOTS = 1024 };

/* ---- names ---- */

/* FNV-1a. */
static size_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

/* The place that holds this name, or the free one where it belongs. */
static const char **find_name(const struct results *results, const char *name)
{
    size_t mask = results->name_slot_count - 1;
    for (size_t at = hash_name(name) & mask;; at = (at + 1) & mask)
        if (results->names[at] == NULL || strcmp(results->names[at], name) == 0)
            return &results->names[at];
}

static void make_room_for_name(struct results *results)
{
    if ((results->name_count + 1) * 2 <= results->name_slot_count)
        return;
    const char **before = results->names;
    size_t slots = results->name_slot_count;
    results->name_slot_count = memory_size_product(slots, 2);
    results->names = memory_new_array(results, const char *, results->name_slot_count);
    for (size_t i = 0; i < slots; i++)
        if (before[i] != NULL)
            *find_name(results, before[i]) = before[i];
    talloc_free(before);
}

static const char *keep_name(struct results *results, const char *name)
{
    const char **place = find_name(results, name);
    if (*place != NULL)
        return *place;
    make_room_for_name(results);
    results->name_count++;
    return *find_name(results, name) = memory_copy_string(results, name);
}

/* ---- rows ---- */

static size_t hash_row(const struct result *names)
{
    uint64_t hash = (uintptr_t)names->table;
    hash = hash * UINT64_C(0x9E3779B97F4A7C15) + (uintptr_t)names->row;
    hash = hash * UINT64_C(0x9E3779B97F4A7C15) + (uintptr_t)names->col;
    hash = hash * UINT64_C(0x9E3779B97F4A7C15) + (uintptr_t)names->stat;
    return (size_t)(hash * UINT64_C(0xD1342543DE82EF95) >> 32);
}

/* The slot of the row with these names (as kept), or the free one where it belongs. */
static uint32_t *find_slot(const struct results *results, const struct result *names)
{
    size_t mask = results->slot_count - 1;
    for (size_t at = hash_row(names) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &results->slots[at];
        const struct result *row = *slot > 0 ? &results->rows[*slot - 1] : NULL;
        if (row == NULL || (row->stat == names->stat && row->col == names->col && row->row == names->row
                           && row->table == names->table))
            return slot;
    }
}

struct results *results_new(const void *owner)
{
    struct results *results = memory_new(owner, struct results);
    results->slot_count = results->name_slot_count = FIRST_SLOTS;
    results->slots = memory_new_array(results, uint32_t, results->slot_count);
    results->names = memory_new_array(results, const char *, results->name_slot_count);
    return results;
}

static void make_room(struct results *results)
{
    if (results->count == results->capacity) {
        results->capacity = memory_size_sum(memory_size_product(results->capacity, 2), 256);
        results->rows = memory_resize_array(results, results->rows, struct result, results->capacity);
    }
    if ((results->count + 1) * 2 <= results->slot_count)
        return;
    talloc_free(results->slots);
    results->slot_count = memory_size_product(results->slot_count, 2);
    results->slots = memory_new_array(results, uint32_t, results->slot_count);
    for (size_t i = 0; i < results->count; i++) {
        uint32_t *slot = find_slot(results, &results->rows[i]);
        if (*slot == 0)
            *slot = (uint32_t)i + 1;
    }
}

static void add_row(struct results *results, const struct result *row)
{
    make_room(results);
    struct result *copy = &results->rows[results->count];
    *copy = (struct result){
        .table = keep_name(results, row->table),
        .row = keep_name(results, row->row),
        .col = keep_name(results, row->col),
        .stat = keep_name(results, row->stat),
        .value = row->value,
        .status = keep_name(results, row->status),
        .note = keep_name(results, row->note),
    };
    uint32_t *slot = find_slot(results, copy);
    results->count++;
    if (*slot == 0)
        *slot = (uint32_t)results->count;
}

void results_add_missing(struct results *results, const struct result *row)
{
    struct result missing = *row;
    missing.value = (double)NAN;
    add_row(results, &missing);
}

void results_add(struct results *results, const char *table, const char *row, const char *col,
                 const char *stat, double value)
{
    struct result added = {table, row, col, stat, value == 0 ? 0 : value, "", ""};   /* -0 becomes 0 */
    if (isfinite(value)) {
        add_row(results, &added);
        return;
    }
    added.status = "not_estimable";
    added.note = "the computation gave no finite number";
    results_add_missing(results, &added);
}

void results_add_all(struct results *results, const struct results *others)
{
    for (size_t i = 0; i < others->count; i++)
        add_row(results, &others->rows[i]);
}

size_t results_count(const struct results *results)
{
    return results->count;
}

const struct result *results_at(const struct results *results, size_t index)
{
    return &results->rows[index];
}

const struct result *results_find(const struct results *results, const char *table, const char *row,
                                  const char *col, const char *stat)
{
    const struct result names = {
        .table = *find_name(results, table),
        .row = *find_name(results, row),
        .col = *find_name(results, col),
        .stat = *find_name(results, stat),
    };
    if (names.table == NULL || names.row == NULL || names.col == NULL || names.stat == NULL)
        return NULL;
    size_t slot = *find_slot(results, &names);
    return slot > 0 ? &results->rows[slot - 1] : NULL;
}

/*
 * Rows may be named by what people wrote (a term of an event); a choice's code "-1" is a number and does no
 * harm.
 */
static void append_row_name(struct text *out, const char *name)
{
    double number;
    if (name[0] == '-' && text_to_decimal(name, &number))
        text_append_csv(out, name);
    else
        csv_append_text(out, name);
}

/* Most numbers are counts: "%.12g" writes whole ones below 10^12 as they are. */
static void append_value(struct text *out, double value)
{
    if (isnan(value))
        return;
    bool whole = fabs(value) < 1e12 && value == floor(value);
    if (whole)
        text_append_integer(out, (int64_t)value);
    else
        text_append_format(out, "%.12g", value);
}

void results_write_csv(const struct results *results, struct text *out)
{
    text_append(out, "table,row,col,stat,value,status,note\n");
    for (size_t i = 0; i < results->count; i++) {
        const struct result *row = &results->rows[i];
        text_append_csv(out, row->table);
        text_append(out, ",");
        append_row_name(out, row->row);
        text_append(out, ",");
        text_append_csv(out, row->col);
        text_append(out, ",");
        text_append_csv(out, row->stat);
        text_append(out, ",");
        append_value(out, row->value);
        text_append(out, ",");
        text_append_csv(out, row->status);
        text_append(out, ",");
        text_append_csv(out, row->note);
        text_append(out, "\n");
    }
}
