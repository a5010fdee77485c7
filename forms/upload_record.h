/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of an uploaded file as records: what a paper form is, one or (in wide files) several of them. */
#ifndef PATELLA_UPLOAD_RECORD_H
#define PATELLA_UPLOAD_RECORD_H

#include "forms/csv_reader.h"
#include "forms/submission.h"
#include "forms/upload_plan.h"

struct upload_record {
    int64_t line;                            /* of its row */
    const struct form *form;
    struct submission_input input;           /* without id, version, status and confirmations */
    const size_t *answer_columns;            /* of input.answers: index in plan->columns */
    const char *const *answer_cells;         /* ... as they stand in the file; NULL: as in input.answers */
    const size_t *not_answered_columns;
    const char *const *not_answered_cells;
    const size_t *blanks;                    /* items (index in form->items) whose cell is blank */
    const size_t *blank_columns;
    const bool *blank_clears;                /* of blanks */
    size_t blank_count;
    const size_t *scores;                    /* indices of form->scores that the file gives, with value and column */
    const double *score_values;
    const int *score_decimals;               /* digits that stood behind the decimal mark; NULL: two or more */
    const size_t *score_columns;
    size_t score_count;
};

struct upload_row {
    const struct upload_record *records;     /* none when the row is refused, or holds nothing */
    size_t record_count;
    bool refused;
};

/*
 * Reads cells into texts that submission_check takes: numbers with a decimal comma, dates in the declared order, labels
 * as codes, missing codes as reasons, words for knees and visits; the apostrophe that our exports put before a formula
 * is taken away.  What cannot be read is a finding with line, column and value, and refuses the row.
 */
struct upload_row upload_row_read(const void *owner, const struct upload_plan *plan, const struct csv_line *line,
                                  struct upload_findings *findings) MUST_CHECK;

/*
 * SHA-256 over all that the file says of the record: its key, date, answers, reasons for none and scores, not its line.
 * Two rows that say the same have the same, in whatever order their columns stand (upload_scan_seen).
 */
void upload_record_hash(const struct upload_record *record, uint8_t hash[32]);

#endif
