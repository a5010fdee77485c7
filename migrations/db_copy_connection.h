/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What db_copy.c needs of a connection (db.c); not for callers. */
#ifndef PATELLA_DB_COPY_CONNECTION_H
#define PATELLA_DB_COPY_CONNECTION_H

#include <libpq-fe.h>

#include "migrations/db.h"

PGconn *db_connection(const struct db *db);
/* From here on PQgetCopyData gives rows. */
bool db_begin_copy(struct db *db, size_t statement, struct error *error) MUST_CHECK;
/* After the last row. */
bool db_end_copy(struct db *db, size_t statement, struct error *error) MUST_CHECK;
/* In the middle: the connection can be used again, its transaction has failed. */
void db_cancel_copy(struct db *db);

#endif
