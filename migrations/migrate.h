/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The migrations that this program was built with, against those that a database has.
 *
 * Migrations go forward only, each in a transaction of its own, one program at a time; what was applied is recorded
 * with its SHA-256.  Not for: data.  Studies, forms and sites come in through schema admin.
 */
#ifndef PATELLA_MIGRATE_H
#define PATELLA_MIGRATE_H

#include <stdio.h>

#include "forms/base/error.h"
#include "migrations/db.h"

/*
 * True when the database has exactly the migrations that this program was built with; otherwise false, with a message
 * that names the first pending, unknown or altered one and says what to do.  Callable by every role that logs in.
 */
bool migrate_check(struct db *db, struct error *error) MUST_CHECK;

/*
 * False (ERROR_CONFLICT) when numbers of transactions went back, as they do in a database that came out of a dump: then
 * nothing may be written before `patella-seal new-era`.  Behind migrate_check.  Callable by patella_collector,
 * patella_admin, patella_reporter and patella_sealer.
 */
bool migrate_check_era(struct db *db, struct error *error) MUST_CHECK;

/*
 * Applies what is pending, in order, and closes the database to everybody who is not named (patella_meta.
 * close_database).  Needs a superuser: roles and event triggers are made.  One line for each applied migration goes to
 * `progress`.  Refused when the database has unknown or altered migrations, or one later than a pending one.
 */
bool migrate_up(struct db *db, FILE *progress, struct error *error) MUST_CHECK;

/* One line for each migration that the program or the database has: number, name, state, when it was applied. */
bool migrate_print_status(struct db *db, FILE *out, struct error *error) MUST_CHECK;

#endif
