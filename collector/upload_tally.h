/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a reading comes to: how many rows of each kind, which findings how often, the digest of the effect; and the rows
 * that are kept for whoever looks at the preview.
 */
#ifndef PATELLA_UPLOAD_TALLY_H
#define PATELLA_UPLOAD_TALLY_H

#include "collector/upload_rows.h"

/* Of new and of unchanged rows so many are kept; of changed, warned and refused ones all. */
enum { UPLOAD_PLAIN_ROWS_KEPT = 10000 };

struct upload_counts {
    int64_t read, new, changed, unchanged, refused, warned;
};

struct upload_tally;

struct upload_tally *upload_tally_new(const void *owner);

/* Findings about the file as a whole. */
void upload_tally_add_findings(struct upload_tally *tally, const struct upload_findings *findings);

/* Counts judged rows, takes them into the digest. */
void upload_tally_add_batch(struct upload_tally *tally, const struct upload_batch *batch);

/* Keeps rows of the batch in the database. */
bool upload_tally_keep(struct upload_tally *tally, struct upload_work *work, const struct upload_batch *batch,
                       struct error *error) MUST_CHECK;

const struct upload_counts *upload_tally_counts(const struct upload_tally *tally);
bool upload_tally_needs_reason(const struct upload_tally *tally);   /* a changed row has none of its own */

/* SHA-256, hexadecimal, of line, verdict, records, versions and contents of all rows so far; ends the tally. */
void upload_tally_digest(struct upload_tally *tally, char digest[65]);

/* {"read":...}; [{"severity","code","count","lines","column","value","text"}]; and what was assumed, without values. */
void upload_counts_to_json(struct text *out, const struct upload_counts *counts);
void upload_tally_findings_to_json(struct text *out, const struct upload_tally *tally);
void upload_tally_assumed_to_json(struct text *out, const struct upload_tally *tally);

#endif
