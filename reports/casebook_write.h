/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Casebooks as a folder, which is there as a whole or not at all. */
#ifndef PATELLA_CASEBOOK_WRITE_H
#define PATELLA_CASEBOOK_WRITE_H

#include "reports/casebook.h"

/* As output_write; the paths of the files go to standard output.  Errors as of casebook_make and output_write. */
bool casebook_write(struct db *db, const struct casebook_order *order, const char *directory, bool replace,
                    struct error *error) MUST_CHECK;

#endif
