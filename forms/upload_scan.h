/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first reading of a file: what only the whole of it can tell.  Whether every row has as many cells, which decimal
 * mark and which order of dates its cells bear witness to, whether a column that nobody knows holds anything, and which
 * keys may stand twice.  In bounded memory, whatever the file's size.
 */
#ifndef PATELLA_UPLOAD_SCAN_H
#define PATELLA_UPLOAD_SCAN_H

#include "forms/csv_reader.h"
#include "forms/upload_record.h"

struct upload_scan;

/* `rows_hint`: about how many rows, by the file's size; for the memory that keys take. */
struct upload_scan *upload_scan_new(const void *owner, const struct upload_plan *plan,
                                    int64_t rows_hint) MUST_CHECK;

void upload_scan_row(struct upload_scan *scan, const struct csv_line *line);

/*
 * Sets decimal mark and date order of `plan`; false when the file is refused: unknown_column, mixed_dates,
 * mixed_decimals, wrong_site, mixed_delimiters (more rows of another count than of the header's), ambiguous_labels.
 */
bool upload_scan_end(struct upload_scan *scan, struct upload_plan *plan, struct upload_findings *findings) MUST_CHECK;

/*
 * Within the second reading: the line on which a record with this key stood before with the same (`*same`) or other
 * content, 0 when it did not.  `hash` is of the record's content.
 */
int64_t upload_scan_seen(struct upload_scan *scan, const struct upload_record *record, const uint8_t hash[32],
                         bool *same);

#endif
