/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What csv_reader.c asks of a csv_source; csv_source_open and csv_source_peek stand in csv_reader.h. */
#ifndef PATELLA_CSV_SOURCE_H
#define PATELLA_CSV_SOURCE_H

#include "forms/csv_reader.h"

/* Of a file in a ZIP, all of them together; and how many times what came in, beyond the first CSV_ZIP_FREE_BYTES. */
#define CSV_ZIP_BYTES (INT64_C(4) << 30)
enum { CSV_ZIP_RATIO = 200, CSV_ZIP_FREE_BYTES = 64 << 20 };

/*
 * The next bytes of the CSV file, what was peeked first; `*length` 0 at its end.  They live until the next call.  False
 * with an error, or with a finding that refuses the file (csv_source_is_refused).
 */
bool csv_source_next(struct csv_source *source, const char **bytes, size_t *length, struct error *error) MUST_CHECK;

bool csv_source_is_refused(const struct csv_source *source);
int64_t csv_source_bytes(const struct csv_source *source);   /* of the upload that were read so far */

#endif
