/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PostgreSQL: the only module that knows libpq.
 *
 * A `struct db` is one blocking connection, used by one thread at a time.  Statements are tables indexed by an enum,
 * prepared at connect, so that a schema that does not fit stops the start.  search_path, client_encoding,
 * TimeZone=UTC, statement_timeout, application_name, client_min_messages, keepalives and tcp_user_timeout are pinned
 * on every connection; a server that is too old, or would acknowledge before disk or standbys have it, is refused
 * (server_check.h).  Sending, preparing and waiting end 2 s after statement_timeout: the backend is
 * cancelled, the connection closed.  PostgreSQL's own messages are never logged and never reach `error->message` when
 * they could carry values: SQLSTATE and constraint name do.
 * Not for: SQL text (that is in the callers' statement tables and in migrations/sql).
 */
#ifndef PATELLA_DB_H
#define PATELLA_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

struct db;
struct db_result;
struct db_parameters;

struct db_statement {
    const char *name;        /* unique on the connection */
    const char *sql;         /* $1 parameters with explicit casts, schema-qualified */
    bool copies;             /* COPY ... TO STDOUT (FORMAT binary), for db_copy: neither prepared nor with parameters */
};

struct db_options {
    const char *conninfo;        /* libpq connection string; NULL or "" = libpq's environment alone */
    const char *default_user;    /* when neither conninfo nor PGUSER names one and no service is used; NULL: libpq's */
    const char *application_name;
    const struct db_statement *statements;   /* NULL: none */
    size_t statement_count;
    int statement_timeout_ms;    /* 0: none */
    /* Told of a server that server_check.h refuses, which is used all the same: administration must end tokens. */
    void (*server_warning)(const struct error *error);
    bool verbose_errors;         /* messages may carry PostgreSQL's text: for migrations and administration only */
};

/* The default database name is "patella" in the same way as default_user. */
struct db *db_open(const void *owner, const struct db_options *options, struct error *error) MUST_CHECK;
/* Another connection with the same options. */
struct db *db_open_beside(const void *owner, const struct db *db, struct error *error) MUST_CHECK;
bool db_is_alive(const struct db *db);           /* false after the connection was lost */
/* Opens the connection again with the same options after a loss. */
bool db_reopen(struct db *db, struct error *error) MUST_CHECK;

/* Where is written what goes with reading `db`: `db` itself, until another is named because `db` is a standby's. */
struct db *db_writer(struct db *db);
void db_set_writer(struct db *db, struct db *writer);

enum db_transaction { DB_READ_COMMITTED, DB_REPEATABLE_READ_ONLY };

bool db_begin(struct db *db, enum db_transaction kind, struct error *error) MUST_CHECK;
/*
 * COMMIT.  False when it was refused, or when its outcome is unknown: the connection was lost (`unknown` true), or
 * PostgreSQL sent a WARNING while committing, such as a cancelled wait for a standby (SECURITY: not acknowledged).
 */
bool db_commit(struct db *db, bool *unknown, struct error *error) MUST_CHECK;
/* Whether COMMIT has an answer, or is not under way; waits for at most `timeout_ms`.  db_commit comes next. */
bool db_await_commit(struct db *db, int timeout_ms) MUST_CHECK;
#define DB_UNKNOWN_OUTCOME "08007"   /* SQLSTATE: transaction resolution unknown */
void db_rollback(struct db *db);                 /* never fails: a lost connection has rolled back already */

/* Parameters of one execution, all NULL at first.  Indices are 0-based ($1 is 0).  Values are copied. */
struct db_parameters *db_parameters_new(const void *owner, size_t count);
void db_set_text(struct db_parameters *parameters, size_t at, const char *value);   /* NULL: SQL NULL */
void db_set_int(struct db_parameters *parameters, size_t at, int64_t value);        /* sent as text */
void db_set_bytes(struct db_parameters *parameters, size_t at, const void *bytes, size_t length);   /* bytea */

/* One-dimensional arrays, sent in binary; a NULL pointer among texts is SQL NULL. */
void db_set_int_array(struct db_parameters *parameters, size_t at, const int32_t *values, size_t count);
void db_set_double_array(struct db_parameters *parameters, size_t at, const double *values, size_t count);
void db_set_text_array(struct db_parameters *parameters, size_t at, const char *const *values, size_t count);
/* The bytes of each text (without its NUL) as bytea[]: tokens. */
void db_set_text_as_bytes_array(struct db_parameters *parameters, size_t at, const char *const *values, size_t count);
/* bytea[] of values that all have `length` bytes; NULL is SQL NULL. */
void db_set_bytes_array(struct db_parameters *parameters, size_t at, const uint8_t *const *values, size_t length,
                        size_t count);
void db_set_uuid_array(struct db_parameters *parameters, size_t at, const uint8_t (*values)[16], size_t count);
/* Days since 1970-01-01 (date_days); DATE_NONE is SQL NULL. */
void db_set_date_array(struct db_parameters *parameters, size_t at, const int32_t *days, size_t count);

/* Executes prepared statement `statement` (index into the table).  `parameters` may be NULL when it has none. */
struct db_result *db_execute(const void *owner, struct db *db, size_t statement,
                             const struct db_parameters *parameters, struct error *error) MUST_CHECK;
/*
 * Same, with the BEGIN (read committed) before it, the COMMIT behind it, or both in the same round trip.  With
 * DB_COMMITS, db_commit (or db_rollback) comes next and awaits what is under way: the result is there before, so that
 * it can be looked at meanwhile, and is worth nothing until then.  A failed statement is not committed.  The SQLSTATE
 * is DB_UNKNOWN_OUTCOME when the connection was lost before the result, but perhaps behind the COMMIT.
 */
enum db_bounds { DB_BEGINS = 1, DB_COMMITS = 2 };   /* bits */
struct db_result *db_execute_bound(const void *owner, struct db *db, size_t statement,
                                   const struct db_parameters *parameters, unsigned bounds,
                                   struct error *error) MUST_CHECK;
/* Same as db_execute, the result is not wanted. */
bool db_run(struct db *db, size_t statement, const struct db_parameters *parameters, struct error *error) MUST_CHECK;

/*
 * Same, row by row without holding the whole result: `row` is called for each row (row index 0 of `result`); it
 * returns false to stop, with `error` set.
 */
typedef bool db_row_function(void *context, const struct db_result *result, struct error *error);
bool db_stream(struct db *db, size_t statement, const struct db_parameters *parameters, db_row_function *row,
               void *context, struct error *error) MUST_CHECK;

/* One statement that was not prepared: for migrations and tests only. */
struct db_result *db_query(const void *owner, struct db *db, const char *sql, const struct db_parameters *parameters,
                           struct error *error) MUST_CHECK;
/* Any SQL script, several statements: for migrations and tests only. */
bool db_run_script(struct db *db, const char *sql, struct error *error) MUST_CHECK;

size_t db_rows(const struct db_result *result);
size_t db_columns(const struct db_result *result);
bool db_is_null(const struct db_result *result, size_t row, size_t column);
/* Value as text, "" for NULL; lives as long as the result. */
const char *db_text(const struct db_result *result, size_t row, size_t column);
int64_t db_int(const struct db_result *result, size_t row, size_t column);      /* 0 for NULL */
bool db_bool(const struct db_result *result, size_t row, size_t column);
void *db_bytes(const void *owner, const struct db_result *result, size_t row, size_t column, size_t *length);
/* float8[] into memory of `owner`; NULL elements and NaN are NAN; *count 0 for SQL NULL. */
double *db_doubles(const void *owner, const struct db_result *result, size_t row, size_t column, size_t *count);

/* True when the failure is worth another try of the same work (serialization, deadlock, lost connection, shutdown). */
bool db_is_transient(const struct error *error);

#endif
