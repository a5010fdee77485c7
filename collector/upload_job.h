/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One piece of work on an upload, and what others may see of it while it is under way.  Not for callers: they use
 * upload_jobs.h.
 */
#ifndef PATELLA_UPLOAD_JOB_H
#define PATELLA_UPLOAD_JOB_H

#include "collector/catalogues.h"
#include "collector/exchange.h"
#include "collector/store_upload.h"

/* Why an order was not carried out, as a problem of the API; status 0: it was. */
struct upload_problem {
    int status;
    char code[40];
    char detail[512];
};

enum upload_phase { UPLOAD_READING, UPLOAD_CHECKING, UPLOAD_COMMITTING, UPLOAD_TAKING_BACK };

struct upload_progress {
    enum upload_phase phase;
    int64_t rows;                /* of this phase, so far */
    int64_t bytes, of_bytes;     /* that this phase has read, and will have read */
    int64_t began_us, at_us;     /* clock_now_us */
};

struct upload_job;               /* upload_jobs.c */

/* What a thread has to work with. */
struct upload_work {
    const void *owner;           /* freed after the work */
    struct store *store;         /* bytes in; rows, findings and progress out */
    struct store *writer;        /* has the upload; one transaction: of a commit (upload_sender.h), of a take back */
    struct store_upload_at at;   /* which upload, in whose name */
    const struct catalogue_study *study;
    struct upload_problem problem;
    struct upload_job *job;
    int64_t noted_us;            /* upload_job_note: last note in the database */
    int64_t turn_us;             /* ... and when the batch began */
    uint64_t others;             /* submissions of others until then */
};

/* "reading", "checking", "committing", "taking_back". */
const char *upload_phase_name(enum upload_phase phase);

void upload_work_refuse(struct upload_work *work, int status, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/*
 * After each batch: tells how far the work is, in memory and once a second in the database, and lets others have their
 * turn: as long as the batch has taken when submissions came meanwhile.  False when the work is to end, for the daemon
 * does.
 */
bool upload_job_note(struct upload_work *work, const struct upload_progress *progress) MUST_CHECK;

/* What the upload's state asks for (upload_work.c).  False: a failure, which is in `error`. */
bool upload_work_run(struct upload_work *work, struct error *error) MUST_CHECK;

#endif
