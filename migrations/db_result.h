/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the database answered; only db*.c see libpq's side of it. */
#ifndef PATELLA_DB_RESULT_H
#define PATELLA_DB_RESULT_H

#include <libpq-fe.h>

#include "migrations/db.h"

struct db_result {
    PGresult *result;
};

/* Takes `taken` over. */
struct db_result *db_result_new(const void *owner, PGresult *taken);

#endif
