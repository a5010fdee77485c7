/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What db_parameters.c makes and db.c hands to libpq.  Not for callers: they use db.h. */
#ifndef PATELLA_DB_PARAMETERS_H
#define PATELLA_DB_PARAMETERS_H

#include "migrations/db.h"

struct db_parameters {
    size_t count;
    const char **values;    /* NULL: SQL NULL */
    int *lengths;           /* bytes of a binary value */
    int *formats;           /* 0 text, 1 binary */
};

#endif
