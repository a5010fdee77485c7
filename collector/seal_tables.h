/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the tables are what the audit trail made them.
 *
 * A table whose audit rows carry the whole row must hold, as a set, what its INSERT rows brought and its UPDATE rows
 * made of that; a submission must be what its INSERT row says, with answers of the same SHA-256, linked to the version
 * before.  64 bytes of memory for each row, in a table that is up to three quarters full.  Answers that two persons
 * redacted go by the trail's row about it.  Columns that triggers leave out of the trail are not compared, but for
 * one column with its SHA-256 beside it.  Not for the trail itself: seal_verify.h.
 */
#ifndef PATELLA_SEAL_TABLES_H
#define PATELLA_SEAL_TABLES_H

#include "collector/seal_faults.h"
#include "collector/seal_row.h"

struct seal_tables;

struct seal_tables *seal_tables_new(const void *owner, struct seal_faults *faults, struct seal_counts *counts);

/* "core.site\nyaml,bytes": a table and the columns that are left out. */
void seal_tables_add_object(struct seal_tables *tables, const char *object, size_t length);

/* A row of the audit trail; `block` 0: not sealed yet. */
void seal_tables_take_row(struct seal_tables *tables, const struct seal_row *row, int64_t block);

/* After all of these: a table's name, then its rows; and the submissions. */
void seal_tables_begin(struct seal_tables *tables, const char *object, size_t length);
void seal_tables_take_table_row(struct seal_tables *tables, const struct seal_column *json);
void seal_tables_take_version(struct seal_tables *tables, const struct seal_row *row);

void seal_tables_finish(struct seal_tables *tables);

#endif
