/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the columns of a form's file in an export mean. */
#ifndef PATELLA_EXPORT_CODEBOOK_H
#define PATELLA_EXPORT_CODEBOOK_H

#include "collector/export_columns.h"

/*
 * A CSV with a line for each column of items and scores, in the order of the file, as the newest version of the form
 * that has it defines it; what is left out of the file is left out here.
 */
void export_codebook_append(const struct export_columns *columns, struct text *out);

#endif
