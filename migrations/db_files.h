/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files libpq reads when it connects: for a process that can only read what it has named before. */
#ifndef PATELLA_DB_FILES_H
#define PATELLA_DB_FILES_H

#include "forms/base/error.h"

/*
 * Paths, ended by NULL: those that `conninfo` and the environment name (passwords, services, TLS), and libpq's own in
 * the home folder.  Whether they exist is not looked at.  ERROR_USAGE when conninfo is no connection string.
 */
const char *const *db_files(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

#endif
