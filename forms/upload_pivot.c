/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_pivot.h"

#include <string.h>

#include "forms/base/memory.h"

struct upload_fields {
    size_t column_count;         /* of the file as it stands */
    size_t name_column, value_column;
    size_t *keys;                /* the other columns */
    size_t key_count;
    const char **header;         /* keys, then fields */
    size_t header_count, room;
    size_t *sorted;              /* fields (indices in header) in the order of their names */
};

struct upload_fields *upload_fields_new(const void *owner, const struct upload_plan *plan)
{
    struct upload_fields *fields = memory_new(owner, struct upload_fields);
    fields->column_count = plan->column_count;
    fields->keys = memory_new_array(fields, size_t, plan->column_count);
    fields->room = memory_size_sum(plan->column_count, 64);
    fields->header = memory_new_array(fields, const char *, fields->room);
    fields->sorted = memory_new_array(fields, size_t, fields->room);
    for (size_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].role == UPLOAD_FIELD_NAME)
            fields->name_column = i;
        else if (plan->columns[i].role == UPLOAD_FIELD_VALUE)
            fields->value_column = i;
        else {
            fields->keys[fields->key_count++] = i;
            fields->header[fields->header_count++] = memory_copy_string(fields, plan->columns[i].name);
        }
    }
    return fields;
}

/* Place of the field among the sorted ones; true when it is there. */
static bool find_field(const struct upload_fields *fields, const char *name, size_t *place)
{
    size_t low = 0, high = fields->header_count - fields->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(fields->header[fields->sorted[middle]], name);
        if (order == 0) {
            *place = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low;
    return false;
}

static bool is_whole(const struct upload_fields *fields, const struct csv_line *line)
{
    return line->cell_count == fields->column_count && line->fault == NULL
           && line->cells[fields->name_column][0] != '\0';
}

bool upload_fields_add(struct upload_fields *fields, const struct csv_line *line)
{
    size_t place = 0;
    if (!is_whole(fields, line) || find_field(fields, line->cells[fields->name_column], &place))
        return true;
    if (fields->header_count >= CSV_ROW_CELLS)
        return false;
    if (fields->header_count == fields->room) {
        fields->room = memory_size_product(fields->room, 2);
        fields->header = memory_resize_array(fields, fields->header, const char *, fields->room);
        fields->sorted = memory_resize_array(fields, fields->sorted, size_t, fields->room);
    }
    size_t count = fields->header_count - fields->key_count;
    memmove(&fields->sorted[place + 1], &fields->sorted[place], (count - place) * sizeof fields->sorted[0]);
    fields->sorted[place] = fields->header_count;
    fields->header[fields->header_count++] = memory_copy_string(fields, line->cells[fields->name_column]);
    return true;
}

const char *const *upload_fields_header(const struct upload_fields *fields, size_t *count)
{
    *count = fields->header_count;
    return fields->header;
}

/* ---- rows ---- */

/* A record in the making, or one that is given away. */
struct record {
    void *owner;                 /* of its texts; NULL: there is no record */
    struct csv_line line;
    const char **cells;
    size_t bytes;
};

struct upload_pivot {
    const struct upload_fields *fields;
    struct record made, given;
    bool *quoted;
    int64_t records;
};

struct upload_pivot *upload_pivot_new(const void *owner, const struct upload_fields *fields)
{
    struct upload_pivot *pivot = memory_new(owner, struct upload_pivot);
    pivot->fields = fields;
    pivot->quoted = memory_new_array(pivot, bool, fields->header_count + 1);
    pivot->made.cells = memory_new_array(pivot, const char *, fields->header_count + 1);
    pivot->given.cells = memory_new_array(pivot, const char *, fields->header_count + 1);
    return pivot;
}

static void begin_record(struct upload_pivot *pivot, const struct csv_line *line)
{
    const struct upload_fields *fields = pivot->fields;
    struct record *record = &pivot->made;
    bool whole = is_whole(fields, line);
    record->owner = memory_owner(pivot, "record");
    record->bytes = 0;
    record->line = (struct csv_line){.number = ++pivot->records, .line = line->line, .cells = record->cells,
                                     .quoted = pivot->quoted, .cell_count = fields->header_count, .fault = line->fault};
    for (size_t i = 0; i <= fields->header_count; i++)
        record->cells[i] = "";
    for (size_t i = 0; i < fields->key_count && fields->keys[i] < line->cell_count; i++)
        record->cells[i] = memory_copy_string(record->owner, line->cells[fields->keys[i]]);
    if (!whole && line->fault == NULL)
        record->line.cell_count++;       /* not whole: of another count than the header */
}

static bool is_same_record(const struct upload_pivot *pivot, const struct csv_line *line)
{
    const struct upload_fields *fields = pivot->fields;
    const struct record *record = &pivot->made;
    if (record->owner == NULL || record->bytes > CSV_ROW_BYTES || !is_whole(fields, line)
        || record->line.fault != NULL || record->line.cell_count != fields->header_count)
        return false;
    for (size_t i = 0; i < fields->key_count; i++)
        if (strcmp(record->cells[i], line->cells[fields->keys[i]]) != 0)
            return false;
    return true;
}

static void add_value(struct upload_pivot *pivot, const struct csv_line *line)
{
    const struct upload_fields *fields = pivot->fields;
    struct record *record = &pivot->made;
    const char *value = line->cells[fields->value_column];
    size_t place = 0;
    if (!find_field(fields, line->cells[fields->name_column], &place) || value[0] == '\0')
        return;
    const char **cell = &record->cells[fields->sorted[place]];
    if ((*cell)[0] == '\0')
        *cell = memory_copy_string(record->owner, value);
    else if (strcmp(*cell, value) != 0)
        *cell = memory_format(record->owner, "%s,%s", *cell, value);
    record->bytes = memory_size_sum(record->bytes, strlen(*cell));
}

/* The record that was made becomes the one that is given, in whose place the next is made. */
static const struct csv_line *give_record(struct upload_pivot *pivot)
{
    struct record record = pivot->given;
    TALLOC_FREE(record.owner);
    pivot->given = pivot->made;
    pivot->made = record;
    return pivot->given.owner != NULL ? &pivot->given.line : NULL;
}

const struct csv_line *upload_pivot_add(struct upload_pivot *pivot, const struct csv_line *line)
{
    const struct csv_line *given = NULL;
    if (!is_same_record(pivot, line)) {
        given = give_record(pivot);
        begin_record(pivot, line);
    }
    if (is_whole(pivot->fields, line))
        add_value(pivot, line);
    return given;
}

const struct csv_line *upload_pivot_end(struct upload_pivot *pivot)
{
    return give_record(pivot);
}
