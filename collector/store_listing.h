/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the database lists, as rows of texts, and how such rows are written: as JSON objects, or as CSV.
 *
 * For lists whose rows a handler passes on as they are.  Not for: rows that are judged or computed with (store.h).
 */
#ifndef PATELLA_STORE_LISTING_H
#define PATELLA_STORE_LISTING_H

#include "collector/store.h"
#include "collector/store_statements.h"

enum listing_kind { LISTING_TEXT, LISTING_NUMBER, LISTING_BOOLEAN, LISTING_JSON };

struct listing_column {
    const char *name;
    enum listing_kind kind;
};

struct store_listing {
    size_t rows;
    size_t columns;
    const char **cells;          /* row by row; NULL: SQL NULL */
};

/* A result as rows of texts; takes it over. */
struct store_listing *store_new_listing(const void *owner, struct db_result *result);

/* What a statement gives; `writes`: it is not sent a second time when the answer was lost. */
struct store_listing *store_read_listing(const void *owner, struct store *store, enum store_statement statement,
                                     const struct db_parameters *parameters, bool writes,
                                     struct error *error) MUST_CHECK;

static inline const char *listing_cell(const struct store_listing *listing, size_t row, size_t column)
{
    return listing->cells[row * listing->columns + column];
}

/* The first `count` columns of a row as one JSON object; null for NULL. */
void listing_append_json(struct text *out, const struct store_listing *listing, size_t row,
                       const struct listing_column *columns, size_t count);

/* The names, and the cells, as one line of CSV with CRLF (RFC 4180); texts are disarmed (csv_cell.h). */
void listing_append_csv_names(struct text *out, const struct listing_column *columns, size_t count);
void listing_append_csv(struct text *out, const struct store_listing *listing, size_t row,
                      const struct listing_column *columns, size_t count);

#endif
