/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/results.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/csv_cell.h"

struct results {
    struct result *rows;
    size_t count;
    size_t capacity;
    size_t *slots;       /* open addressing: index of a row + 1, 0 where free */
    size_t slot_count;   /* power of two, at least twice `count` */
};

enum { FIRST_SLOTS = 1024 };

/* FNV-1a over the four names, each with its NUL, so that ("a", "bc") and ("ab", "c") differ. */
static uint64_t hash_names(const char *const names[4])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 4; i++) {
        for (const char *c = names[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
            if (*c == '\0')
                break;
        }
    }
    return hash;
}

static bool has_names(const struct result *row, const char *const names[4])
{
    return strcmp(row->stat, names[3]) == 0 && strcmp(row->col, names[2]) == 0 &&
           strcmp(row->row, names[1]) == 0 && strcmp(row->table, names[0]) == 0;
}

/* The slot that holds these names, or the free one where they belong. */
static size_t *find_slot(const struct results *results, const char *const names[4])
{
    size_t mask = results->slot_count - 1;
    for (size_t at = (size_t)hash_names(names) & mask;; at = (at + 1) & mask) {
        size_t *slot = &results->slots[at];
        if (*slot == 0 || has_names(&results->rows[*slot - 1], names))
            return slot;
    }
}

struct results *results_new(const void *owner)
{
    struct results *results = memory_new(owner, struct results);
    results->slot_count = FIRST_SLOTS;
    results->slots = memory_new_array(results, size_t, results->slot_count);
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
    results->slots = memory_new_array(results, size_t, results->slot_count);
    for (size_t i = 0; i < results->count; i++) {
        const struct result *row = &results->rows[i];
        size_t *slot = find_slot(results, (const char *const[4]){row->table, row->row, row->col, row->stat});
        if (*slot == 0)
            *slot = i + 1;
    }
}

/* Names repeat from row to row: the text of the row before is shared where it is the same. */
static const char *share_or_copy(struct results *results, const char *before, const char *name)
{
    return before != NULL && strcmp(before, name) == 0 ? before : memory_copy_string(results, name);
}

static void add_row(struct results *results, const struct result *row)
{
    make_room(results);
    const struct result none = {0};
    const struct result *before = results->count > 0 ? &results->rows[results->count - 1] : &none;
    struct result copy = {
        .table = share_or_copy(results, before->table, row->table),
        .row = share_or_copy(results, before->row, row->row),
        .col = share_or_copy(results, before->col, row->col),
        .stat = share_or_copy(results, before->stat, row->stat),
        .value = row->value,
        .status = share_or_copy(results, before->status, row->status),
        .note = share_or_copy(results, before->note, row->note),
    };
    size_t *slot = find_slot(results, (const char *const[4]){copy.table, copy.row, copy.col, copy.stat});
    if (*slot == 0)
        *slot = results->count + 1;
    results->rows[results->count++] = copy;
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
    size_t slot = *find_slot(results, (const char *const[4]){table, row, col, stat});
    return slot > 0 ? &results->rows[slot - 1] : NULL;
}

/*
 * Rows may be named by what people wrote (a term of an event); a choice's code "-1" is a number and does no
 * harm.
 */
static void append_row_name(struct text *out, const char *name)
{
    double number;
    if (text_to_decimal(name, &number))
        text_append_csv(out, name);
    else
        csv_append_text(out, name);
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
        if (!isnan(row->value))
            text_append_format(out, "%.12g", row->value);
        text_append(out, ",");
        text_append_csv(out, row->status);
        text_append(out, ",");
        text_append_csv(out, row->note);
        text_append(out, "\n");
    }
}
