/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first reading of a file: what only the whole of it can tell.  Whether every row has as many cells, which decimal
 * mark and which order of dates its cells bear witness to, whether a column that nobody knows holds anything, and which
 * keys may stand twice.  In bounded memory, whatever the file's size: at most 24 MiB.
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
 * Sets the decimal marks of `plan` (column_decimals lie on the scan), and says what was taken for granted in cells;
 * false when the file is refused: empty_file, unknown_column, mixed_dates, mixed_decimals, wrong_study, wrong_site,
 * mixed_delimiters (more rows of another count than of the header's), doubled_key (more than 190,000 keys twice).
 *
 * A column's mark is the comma when its numbers have one and not all look like thousands (1,234); in a file with
 * semicolons the comma, unless its numbers have points that do not all look like thousands.  The profile's mark is
 * taken instead, where it declares one.
 */
bool upload_scan_end(struct upload_scan *scan, struct upload_plan *plan, struct upload_findings *findings) MUST_CHECK;

/*
 * A key may stand twice: then a reading of its own comes before the later ones, which hands every row over, so that
 * upload_scan_seen knows all contents of a key whatever the order of rows.
 */
bool upload_scan_has_suspects(const struct upload_scan *scan);
void upload_scan_collect(struct upload_scan *scan, const struct csv_line *line);

/*
 * Within a later reading, when contents were collected: the line of another record with this key and other content, for
 * each of them; or, when all say the same, the first line (`*same`), for those behind it.  When they were not: the line
 * on which a record with this key stood before with the same (`*same`) or other content, 0 when it did not.  `hash` is
 * upload_record_hash's.
 */
int64_t upload_scan_seen(struct upload_scan *scan, const struct upload_record *record, const uint8_t hash[32],
                         bool *same);

/* Forgets what upload_scan_seen has seen, for another reading. */
void upload_scan_rewind(struct upload_scan *scan);

#endif
