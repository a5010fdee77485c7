/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_listing.h"

#include "collector/json_reply.h"
#include "forms/base/memory.h"
#include "forms/csv_cell.h"
#include "forms/json_write.h"

struct store_listing *store_new_listing(const void *owner, struct db_result *result)
{
    struct store_listing *listing = memory_new(owner, struct store_listing);
    listing->rows = db_rows(result);
    listing->columns = db_columns(result);
    listing->cells = memory_new_array(listing, const char *, memory_size_product(listing->rows, listing->columns));
    for (size_t row = 0; row < listing->rows; row++)
        for (size_t i = 0; i < listing->columns; i++)
            if (!db_is_null(result, row, i))
                listing->cells[row * listing->columns + i] = db_text(result, row, i);
    talloc_steal(listing, result);   /* its texts are the cells */
    return listing;
}

struct store_listing *store_read_listing(const void *owner, struct store *store, enum store_statement statement,
                                         const struct db_parameters *parameters, bool writes, struct error *error)
{
    if (writes && !store_ensure(store, error))
        return NULL;
    struct db_result *result = writes ? db_execute(owner, store->db, statement, parameters, error)
                                      : store_query(owner, store, statement, parameters, error);
    return result != NULL ? store_new_listing(owner, result) : NULL;
}

static void append_value(struct text *out, const char *cell, enum listing_kind kind)
{
    if (cell == NULL)
        text_append(out, "null");
    else if (kind == LISTING_TEXT)
        text_append_json(out, cell);
    else if (kind == LISTING_BOOLEAN)
        text_append(out, cell[0] == 't' ? "true" : "false");
    else
        text_append(out, cell);
}

void listing_append_json(struct text *out, const struct store_listing *listing, size_t row,
                       const struct listing_column *columns, size_t count)
{
    text_append(out, "{");
    for (size_t i = 0; i < count; i++) {
        json_key(out, columns[i].name);
        append_value(out, listing_cell(listing, row, i), columns[i].kind);
    }
    text_append(out, "}");
}

void listing_append_csv_names(struct text *out, const struct listing_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append(out, i > 0 ? "," : "");
        text_append(out, columns[i].name);
    }
    text_append(out, "\r\n");
}

void listing_append_csv(struct text *out, const struct store_listing *listing, size_t row,
                      const struct listing_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *cell = listing_cell(listing, row, i);
        text_append(out, i > 0 ? "," : "");
        if (cell == NULL)
            continue;
        if (columns[i].kind == LISTING_TEXT)
            csv_append_text(out, cell);
        else if (columns[i].kind == LISTING_BOOLEAN)
            text_append(out, cell[0] == 't' ? "true" : "false");
        else
            text_append_csv(out, cell);
    }
    text_append(out, "\r\n");
}
