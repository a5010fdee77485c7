/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The migrations that this program was built with, against those that a database has. */
#ifndef PATELLA_MIGRATE_H
#define PATELLA_MIGRATE_H

#include "forms/base/error.h"
#include "migrations/db.h"

/*
 * True when the database has exactly the migrations that this program was built with; otherwise false, with a message
 * that names the first pending, unknown or altered one and says what to do.  Callable by every role that logs in.
 */
bool migrate_check(struct db *db, struct error *error) MUST_CHECK;

#endif
