/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's connection to PostgreSQL: one per thread, all statements prepared, functions of schema api only.
 * Not for submissions: those go through the writer (writer.h).
 */
#ifndef PATELLA_STORE_H
#define PATELLA_STORE_H

#include "collector/exchange.h"
#include "forms/base/error.h"

struct store;

/* Connects as patella_collector (unless conninfo or the environment names another user) and prepares everything. */
struct store *store_open(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

/* False when the database has pending, unknown or altered migrations; `error` says which. */
bool store_check_schema(struct store *store, struct error *error) MUST_CHECK;

/* Connects again when the connection was lost; cheap when it was not. */
bool store_ensure(struct store *store, struct error *error) MUST_CHECK;

/*
 * The holder of `token`: a talloc context without parent, or NULL; then `error` is ERROR_DENIED for a token that is
 * unknown, expired or revoked, anything else when the database could not be asked.
 */
struct principal *store_find_principal(struct store *store, const char *token, struct error *error) MUST_CHECK;

/* True when the database answers at all: for /readyz. */
bool store_ping(struct store *store, struct error *error) MUST_CHECK;

#endif
