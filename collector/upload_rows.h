/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of an uploaded file, a batch of them at a time: read, looked up, judged.  The preview and the commit do this
 * with the same function, so that they come to the same.
 */
#ifndef PATELLA_UPLOAD_ROWS_H
#define PATELLA_UPLOAD_ROWS_H

#include "collector/upload_known.h"
#include "collector/upload_reading.h"
#include "forms/upload_effect.h"

enum { UPLOAD_BATCH_RECORDS = 500, UPLOAD_BATCH_BYTES = 1 << 20 };

/* One row of the file, and what becomes of it. */
struct upload_judged {
    void *owner;                             /* of all that belongs to it */
    struct csv_line line;                    /* copied */
    struct upload_row row;
    struct upload_findings findings;
    struct store_upload_key *keys;           /* of its records; site 0: the subject cannot be read */
    struct upload_effect *effects;           /* of its records */
    enum upload_verdict verdict;             /* of the row as a whole: refused by one refused record, else changed by
                                              * a changed one, else new by a new one */
    bool warned;
};

struct upload_batch {
    void *owner;
    struct upload_judged *rows;
    size_t count, room;
    size_t records, bytes;
};

/* How rows are judged, from the first to the last of a file. */
struct upload_rules {
    struct upload_work *work;
    struct upload_reading *reading;
    struct upload_judging judging;           /* but for today */
    struct upload_known *known;
    date_days *todays;                       /* of each site of the study, DATE_NONE: not asked for yet */
    int64_t now;                             /* unix seconds: one instant for all rows */
};

/*
 * What is stored is asked outside the transaction of a commit: what the file itself tells is in `known`, and no record
 * stands twice in it.
 */
struct upload_rules *upload_rules_new(struct upload_work *work, struct upload_reading *reading);

struct upload_batch *upload_batch_new(const void *owner);
bool upload_batch_is_full(const struct upload_batch *batch);

/* Reads a row into the batch when it is of this sweep. */
void upload_batch_add(struct upload_batch *batch, const struct upload_rules *rules, const struct csv_line *line,
                      enum upload_sweep sweep);

/* Looks up what is stored, and judges; rows see what the rows before them have done. */
bool upload_batch_judge(struct upload_batch *batch, struct upload_rules *rules, struct error *error) MUST_CHECK;

/* "07-0012 right koos M3 1". */
char *upload_key_text(const void *owner, const struct store_upload_key *key);

#endif
