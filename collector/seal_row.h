/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows as PostgreSQL sends them in COPY's binary format: for each column its length in 4 bytes, -1 for NULL, and its
 * bytes; numbers have the highest byte first.  Rows of the audit trail, and of core.submission.
 */
#ifndef PATELLA_SEAL_ROW_H
#define PATELLA_SEAL_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/seal_block.h"
#include "forms/base/error.h"

/* Columns of audit.rows_between. */
enum {
    ROW_XID, ROW_SEQ, ROW_ERA, ROW_AT, ROW_ACTOR, ROW_TOKEN, ROW_DB_ROLE, ROW_OPERATION, ROW_OBJECT, ROW_STUDY,
    ROW_SITE, ROW_ID, ROW_DIGEST, ROW_OLD, ROW_NEW, ROW_REASON, ROW_COLUMNS
};

/* Columns of audit.submission_rows. */
enum {
    VERSION_XID, VERSION_ERA, VERSION_AT, VERSION_ACTOR, VERSION_TOKEN, VERSION_STUDY, VERSION_SITE, VERSION_ID,
    VERSION_DIGEST, VERSION_NEW, VERSION_REASON, VERSION_REST, VERSION_SUBJECT, VERSION_NUMBER, VERSION_SHA256,
    VERSION_PREV, VERSION_COLUMNS
};

enum { SEAL_COLUMNS_MOST = 16 };

struct seal_column {
    const char *bytes;           /* NULL: SQL NULL */
    size_t length;
};

struct seal_row {
    const uint8_t *bytes;
    size_t length;
    struct seal_column columns[SEAL_COLUMNS_MOST];
};

/* False when it does not have `count` columns. */
bool seal_row_read(const uint8_t *bytes, size_t length, size_t count, struct seal_row *row,
                   struct error *error) MUST_CHECK;

/* Numbers of 2, 4 or 8 bytes; 0 for NULL. */
int64_t seal_column_int(const struct seal_column *column);
bool seal_column_is(const struct seal_column *column, const char *text);
/* The text of a jsonb (behind the number of its format), NULL for NULL. */
struct seal_column seal_column_json(const struct seal_column *column);

struct seal_place seal_row_place(const struct seal_row *row);    /* of the audit trail */

/* ---- blocks from rows ---- */

struct seal_builder;

struct seal_builder *seal_builder_new(const void *owner);
bool seal_builder_add(struct seal_builder *builder, const uint8_t *bytes, size_t length,
                      struct error *error) MUST_CHECK;
/* Sets rows, root, list, objects and entries, which belong to the builder. */
void seal_builder_finish(struct seal_builder *builder, struct seal_block *block);
struct seal_place seal_builder_last(const struct seal_builder *builder);     /* of the row that was added last */

#endif
