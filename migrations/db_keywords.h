/* SPDX-License-Identifier: GPL-3.0-or-later */
/* With which keywords db.c connects.  Not for callers: they use db.h. */
#ifndef PATELLA_DB_KEYWORDS_H
#define PATELLA_DB_KEYWORDS_H

#include "migrations/db.h"

struct db_keywords {
    const char **names;      /* both end with NULL, as PQconnectdbParams wants them */
    const char **values;
    size_t count;
};

/*
 * What `conninfo` of the options says, then our defaults for what neither it nor the environment says, then what is
 * pinned.  Lives with `owner`.  Fails with ERROR_USAGE when conninfo is no connection string.
 */
struct db_keywords *db_keywords_new(const void *owner, const struct db_options *options,
                                    struct error *error) MUST_CHECK;

#endif
