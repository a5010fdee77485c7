/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which PostgreSQL server may keep what Patella acknowledges: its version, and the settings without which a crash
 * takes back what was committed.  Looked at on every connection, so that a server that takes another's place (a
 * standby that was promoted) is looked at before it is used.  No setting turns it off.
 */
#ifndef PATELLA_SERVER_CHECK_H
#define PATELLA_SERVER_CHECK_H

#include <stdbool.h>

#include "forms/base/error.h"

/*
 * `version` is PQserverVersion's number: 150020 is 15.20.  ERROR_DATABASE, naming what was found and what is wanted,
 * for a major release before 14 and for a minor release older than the table in server_check.c says; a major release
 * that the table does not know is newer, and is accepted.
 */
bool server_check_version(int version, struct error *error) MUST_CHECK;

/* What server_check_query gives: one row of four texts (and what the query did), in this order. */
struct server_settings {
    const char *fsync;
    const char *full_page_writes;
    const char *synchronous_commit;    /* of this role and database */
    bool standbys;                     /* synchronous ones are named */
};

/*
 * The query also pins synchronous_commit for the session as it is now, whatever is loaded later; `local` becomes `on`,
 * which is the same until there is a standby.
 */
extern const char server_check_query[];

/* ERROR_DATABASE, naming what was found, what is wanted and where to change it. */
bool server_check_settings(const struct server_settings *settings, struct error *error) MUST_CHECK;

#endif
