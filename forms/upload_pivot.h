/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of which a row is one field of a record (UPLOAD_REDCAP_EAV) as flat files: first the names of all fields, which
 * are the columns, then a row for each record.  Rows of one record stand together, as REDCap writes them; where they do
 * not, the record comes twice and is a doubled key.  In bounded memory.
 */
#ifndef PATELLA_UPLOAD_PIVOT_H
#define PATELLA_UPLOAD_PIVOT_H

#include "forms/csv_reader.h"
#include "forms/upload_plan.h"

struct upload_fields;
struct upload_pivot;

/* `plan` is of the file as it stands: which columns are keys, which the name and the value. */
struct upload_fields *upload_fields_new(const void *owner, const struct upload_plan *plan);

/* Every row of the file; false when it has more fields than a header may have (CSV_ROW_CELLS). */
bool upload_fields_add(struct upload_fields *fields, const struct csv_line *line) MUST_CHECK;

/* Names of the columns of the flat file: the keys, then the fields in the order in which they came. */
const char *const *upload_fields_header(const struct upload_fields *fields, size_t *count);

/* For one reading of the file. */
struct upload_pivot *upload_pivot_new(const void *owner, const struct upload_fields *fields);

/*
 * Takes a row of the file; gives the record before it when the row begins another one, else NULL.  A field that has
 * several values in a record gets them with commas between.  A row that is not whole (other count of cells, a fault) is
 * a record of its own, that is not whole either.  What is given lives until the next call.
 */
const struct csv_line *upload_pivot_add(struct upload_pivot *pivot, const struct csv_line *line);

/* The last record, or NULL. */
const struct csv_line *upload_pivot_end(struct upload_pivot *pivot);

#endif
