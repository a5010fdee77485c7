/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_row.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { LENGTH_BYTES = 4, OBJECTS_MOST = 65535 };

static int64_t read_number(const uint8_t *at, size_t length)
{
    uint64_t number = length > 0 && (at[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < length; i++)
        number = number << 8 | at[i];
    return (int64_t)number;
}

bool seal_row_read(const uint8_t *bytes, size_t length, size_t count, struct seal_row *row, struct error *error)
{
    const uint8_t *at = bytes, *end = bytes + length;
    *row = (struct seal_row){.bytes = bytes, .length = length};
    for (size_t i = 0; i < count; i++) {
        if (end - at < LENGTH_BYTES)
            return error_set(error, ERROR_INPUT, "a row ends before its column %zu", i + 1);
        int64_t size = read_number(at, LENGTH_BYTES);
        at += LENGTH_BYTES;
        if (size < 0)
            continue;
        if (size > end - at)
            return error_set(error, ERROR_INPUT, "column %zu of a row goes beyond its end", i + 1);
        row->columns[i] = (struct seal_column){(const char *)at, (size_t)size};
        at += size;
    }
    return at == end || error_set(error, ERROR_INPUT, "a row has more than %zu columns", count);
}

int64_t seal_column_int(const struct seal_column *column)
{
    return column->bytes != NULL && column->length <= 8 ? read_number((const uint8_t *)column->bytes, column->length)
                                                        : 0;
}

bool seal_column_is(const struct seal_column *column, const char *text)
{
    return column->bytes != NULL && column->length == strlen(text) && memcmp(column->bytes, text, column->length) == 0;
}

struct seal_column seal_column_json(const struct seal_column *column)
{
    if (column->bytes == NULL || column->length < 1)
        return (struct seal_column){NULL, 0};
    return (struct seal_column){column->bytes + 1, column->length - 1};
}

struct seal_place seal_row_place(const struct seal_row *row)
{
    return (struct seal_place){seal_column_int(&row->columns[ROW_XID]), seal_column_int(&row->columns[ROW_SEQ])};
}

/* ---- blocks from rows ---- */

struct seal_builder {
    struct merkle *merkle;
    struct text *entries, *objects;
    struct seal_column *names;       /* copies, in the order of `objects` */
    unsigned name_count;
    struct seal_place last;
};

struct seal_builder *seal_builder_new(const void *owner)
{
    struct seal_builder *builder = memory_new(owner, struct seal_builder);
    builder->merkle = merkle_new(builder);
    builder->entries = text_new(builder);
    builder->objects = text_new(builder);
    return builder;
}

/* There are some dozens of tables, and most rows are of the first few. */
static unsigned find_object(struct seal_builder *builder, const struct seal_column *object)
{
    const char *bytes = object->bytes != NULL ? object->bytes : "";
    for (unsigned i = 0; i < builder->name_count; i++)
        if (builder->names[i].length == object->length && memcmp(builder->names[i].bytes, bytes, object->length) == 0)
            return i;
    unsigned at = builder->name_count;
    if (at == OBJECTS_MOST)
        return at;
    builder->names = memory_resize_array(builder, builder->names, struct seal_column, at + 1);
    builder->names[at].bytes = memory_copy_bytes(builder, bytes, object->length);
    builder->names[at].length = object->length;
    text_append_bytes(builder->objects, bytes, object->length);
    text_append(builder->objects, "\n");
    return builder->name_count++;
}

bool seal_builder_add(struct seal_builder *builder, const uint8_t *bytes, size_t length, struct error *error)
{
    struct seal_row row;
    uint8_t leaf[MERKLE_HASH], entry[SEAL_ENTRY];
    if (!seal_row_read(bytes, length, ROW_COLUMNS, &row, error))
        return false;
    merkle_hash_leaf(builder->merkle, bytes, length, leaf);
    merkle_add(builder->merkle, leaf);
    builder->last = seal_row_place(&row);
    const struct seal_entry written = {
        .place = builder->last,
        .study = (int32_t)seal_column_int(&row.columns[ROW_STUDY]),
        .site = (int32_t)seal_column_int(&row.columns[ROW_SITE]),
        .object = find_object(builder, &row.columns[ROW_OBJECT]),
        .leaf = leaf,
    };
    seal_entry_write(&written, entry);
    text_append_bytes(builder->entries, entry, sizeof entry);
    return true;
}

void seal_builder_finish(struct seal_builder *builder, struct seal_block *block)
{
    block->rows = (int64_t)merkle_count(builder->merkle);
    merkle_root(builder->merkle, block->root);
    block->objects = builder->objects->bytes;
    block->entries = (const uint8_t *)builder->entries->bytes;
    seal_block_hash_list(block, block->list);
}

struct seal_place seal_builder_last(const struct seal_builder *builder)
{
    return builder->last;
}
