/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Analysis datasets as CSV, with what a person and the programs R and SAS need to read them. */
#ifndef PATELLA_DATA_CSV_H
#define PATELLA_DATA_CSV_H

#include "reports/data_table.h"
#include "reports/sink.h"

/*
 * Column names, then the rows: dates YYYY-MM-DD, numbers with 12 significant digits, nothing for what is
 * missing. Texts that a spreadsheet would take for a formula have an apostrophe in front; line ends within a
 * text are blanks, because SAS ends a row there.
 */
void data_csv_write(struct sink *sink, const struct data_table *table);

/* A row for each column of each table: dataset, variable, label, type, length, key, codes, derivation. */
void data_codebook_write(struct text *out, struct data_table *const *tables, size_t count);

/* A script that reads the CSV files beside it into data frames of the tables' names in lower case. */
void data_loader_r_write(struct text *out, struct data_table *const *tables, size_t count);

/* The same for SAS: DATA steps; the macro variable `folder` names where the files are. */
void data_loader_sas_write(struct text *out, struct data_table *const *tables, size_t count);

/* "adsl.csv" of ADSL. */
char *data_file_name(const void *owner, const struct data_table *table, const char *ending);

#endif
