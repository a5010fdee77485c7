/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The migrations inside the program; migrations/embed makes the table from sql/NNNN_NAME.sql. */
#ifndef PATELLA_MIGRATION_LIST_H
#define PATELLA_MIGRATION_LIST_H

#include <stddef.h>

struct migration {
    int number;
    const char *name;
    const char *sql;         /* the file, with a NUL behind */
    size_t length;           /* without the NUL */
};

extern const struct migration migration_list[];   /* in order of their numbers: 1, 2, ... */
extern const size_t migration_count;

#endif
