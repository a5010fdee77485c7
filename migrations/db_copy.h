/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many rows fast: COPY in binary, over one or several connections at once, so that PostgreSQL and its client, and
 * PostgreSQL's processes among each other, work at the same time.
 */
#ifndef PATELLA_DB_COPY_H
#define PATELLA_DB_COPY_H

#include "migrations/db.h"

enum { DB_COPY_CONNECTIONS = 8 };    /* at most, at once */

/* A row as it came; its columns are taken one after the other by the functions below. */
struct db_row {
    const unsigned char *at, *end;
};

/* Called for each row; returns false to stop everything, with `error` set. */
typedef bool db_copy_function(void *context, struct db_row *row, struct error *error);

struct db_copy {
    struct db *db;               /* each in one transaction, and in one copy */
    size_t statement;            /* of those with `copies` */
    db_copy_function *row;
    void *context;
};

/*
 * Runs all of `copies` at once; rows are taken as they come, of one connection in its order.  After a failure the
 * transactions have failed, too.
 */
bool db_copy(const struct db_copy *copies, size_t count, struct error *error) MUST_CHECK;

/*
 * The next column; the caller knows its type.  False for SQL NULL, and for what does not have the size of its type or
 * goes beyond the row.  The bytes live as long as the row.
 */
bool db_row_bytes(struct db_row *row, const char **bytes, size_t *length);
bool db_row_int(struct db_row *row, int64_t *value);         /* int8, int4, int2 */
bool db_row_date(struct db_row *row, int32_t *days);         /* days since 1970-01-01 */
/* Of the eight bytes that timestamptz_send gives: microseconds since 1970-01-01 UTC. */
int64_t db_time_of_bytes(const char *bytes);
/* float8[] of one dimension into `values` (room for `most`), NULL elements as NAN; at most `most` are taken. */
bool db_row_doubles(struct db_row *row, double *values, size_t most, size_t *count);

#endif
