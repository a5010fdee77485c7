/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All rows of a file, judged in batches: for a preview, or within the transaction of a commit. */
#ifndef PATELLA_UPLOAD_RUN_H
#define PATELLA_UPLOAD_RUN_H

#include "collector/upload_send.h"
#include "collector/upload_tally.h"

struct upload_run {
    struct upload_work *work;
    struct upload_reading *reading;
    bool commits;                /* what is new or changed goes into the writer's transaction */
    bool whole;                  /* ... unless a row was refused before */
    bool keeps;                  /* rows go into the preview's list */
    const char *reason;          /* for change; NULL: the rows' own */
    bool reason_pending;

    struct upload_tally *tally;
    struct upload_rejection rejection;       /* of the first row that the database refused: then the run ends there */
    char digest[65];                         /* of the effect of all rows */
};

/* False: a failure; ERROR_BUSY: the daemon ends. */
bool upload_run_all(struct upload_run *run, struct error *error) MUST_CHECK;

#endif
