/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store.h"

#include <stdio.h>
#include <string.h>

#include "collector/roles.h"
#include "collector/store_statements.h"
#include "forms/base/memory.h"
#include "migrations/migrate.h"

enum { READ_TIMEOUT_MS = 10000 };

static struct db_options options_for(const char *conninfo, int statement_timeout_ms)
{
    return (struct db_options){
        .conninfo = conninfo,
        .default_user = "patella_collector",
        .application_name = "patellad",
        .statements = store_statements,
        .statement_count = STATEMENT_COUNT,
        .statement_timeout_ms = statement_timeout_ms,
    };
}

/*
 * A database that lacks migrations refuses to prepare the statements; what is missing says more than the
 * first statement that does not fit.
 */
static void explain_with_migrations(const char *conninfo, struct error *error)
{
    if (strncmp(error->sqlstate, "42", 2) != 0 && strncmp(error->sqlstate, "3F", 2) != 0)
        return;
    struct db_options options = options_for(conninfo, READ_TIMEOUT_MS);
    options.statements = NULL;
    options.statement_count = 0;
    struct error ignored, reason;
    struct db *db = db_open(NULL, &options, &ignored);
    if (db != NULL && !migrate_check(db, &reason))
        *error = reason;
    talloc_free(db);
}

static struct store *open_with_timeout(const void *owner, const char *conninfo, int statement_timeout_ms,
                                       struct error *error)
{
    struct store *store = memory_new(owner, struct store);
    struct db_options options = options_for(conninfo, statement_timeout_ms);
    store->db = db_open(store, &options, error);
    if (store->db != NULL)
        return store;
    explain_with_migrations(conninfo, error);
    talloc_free(store);
    return NULL;
}

struct store *store_open(const void *owner, const char *conninfo, struct error *error)
{
    return open_with_timeout(owner, conninfo, READ_TIMEOUT_MS, error);
}

struct store *store_open_writer(const void *owner, const char *conninfo, int statement_timeout_ms,
                                struct error *error)
{
    return open_with_timeout(owner, conninfo, statement_timeout_ms, error);
}

bool store_check_schema(struct store *store, struct error *error)
{
    return migrate_check(store->db, error) && migrate_check_era(store->db, error);
}

bool store_ensure(struct store *store, struct error *error)
{
    return db_is_alive(store->db) || db_reopen(store->db, error);
}

bool store_is_connected(const struct store *store)
{
    return db_is_alive(store->db);
}

bool store_ping(struct store *store, struct error *error)
{
    struct db_result *result = store_query(store, store, STATEMENT_PING, NULL, error);
    talloc_free(result);
    return result != NULL;
}

bool store_is_unavailable(const struct error *error)
{
    return db_is_transient(error) || error->kind == ERROR_BUSY || strcmp(error->sqlstate, "01000") == 0;
}

struct db_result *store_query(const void *owner, struct store *store, enum store_statement statement,
                              const struct db_parameters *parameters, struct error *error)
{
    struct db_result *result = db_execute(owner, store->db, statement, parameters, error);
    if (result != NULL || db_is_alive(store->db))
        return result;
    if (!db_reopen(store->db, error))
        return NULL;
    return db_execute(owner, store->db, statement, parameters, error);
}

struct db_parameters *store_reader_parameters(const void *owner, const struct store_reader *reader,
                                              size_t count)
{
    struct db_parameters *parameters = db_parameters_new(owner, count);
    db_set_bytes(parameters, 0, reader->token, strlen(reader->token));
    db_set_int(parameters, 1, reader->study_id);
    return parameters;
}

const char *store_copy(const void *owner, const struct db_result *result, size_t row, size_t column)
{
    return db_is_null(result, row, column) ? NULL : memory_copy_string(owner, db_text(result, row, column));
}

/* ---- who holds a token ---- */

static struct principal *read_principal(const struct db_result *result, const char *token)
{
    struct principal *principal = memory_new(NULL, struct principal);
    principal->token = memory_copy_string(principal, token);
    principal->account = memory_copy_string(principal, db_text(result, 0, 0));
    const char *role = db_text(result, 0, 1);
    /* No role that anybody is given: role_from_name does not know it. */
    principal->role = strcmp(role, "participant") == 0 ? ROLE_PARTICIPANT : role_from_name(role);
    principal->study_id = (int)db_int(result, 0, 2);
    principal->study = memory_copy_string(principal, db_text(result, 0, 3));
    double *sites = db_doubles(principal, result, 0, 4, &principal->site_count);
    principal->sites = memory_new_array(principal, int, principal->site_count + 1);
    for (size_t i = 0; i < principal->site_count; i++)
        principal->sites[i] = (int)sites[i];
    principal->expires_at = db_is_null(result, 0, 5) ? INT64_MAX : db_int(result, 0, 5);
    return principal;
}

struct principal *store_find_principal(struct store *store, const char *token, struct error *error)
{
    void *work = memory_owner(NULL, "find principal");
    struct db_parameters *parameters = db_parameters_new(work, 1);
    db_set_bytes(parameters, 0, token, strlen(token));
    struct db_result *result = store_query(work, store, STATEMENT_FIND_CREDENTIAL, parameters, error);
    struct principal *principal = NULL;
    if (result == NULL && error->kind == ERROR_DENIED)
        error->kind = ERROR_DATABASE;   /* we are refused, not the token: a right is missing, or our role */
    if (result != NULL && db_rows(result) == 1)
        principal = read_principal(result, token);
    else if (result != NULL)
        error_set(error, ERROR_DENIED,
                  "the token is unknown, expired or revoked; ask the administrator for a new one");
    talloc_free(work);
    if (principal != NULL && principal->role == ROLE_ANYONE) {
        error_set(error, ERROR_DENIED,
                  "the token has a role that this program does not know; install the newest one");
        talloc_free(principal);
        principal = NULL;
    }
    return principal;
}
