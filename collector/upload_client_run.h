/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file from beginning to end: sent, previewed, shown, decided about, stored, its receipt and refused rows written.
 *
 * stdout has what was found and what was stored, for people or (json) as one document; stderr the progress and the
 * questions.
 */
#ifndef PATELLA_UPLOAD_CLIENT_RUN_H
#define PATELLA_UPLOAD_CLIENT_RUN_H

#include "collector/upload_client_send.h"

/* Exit statuses of patella-upload; patella-upload.1 promises them. */
enum upload_client_exit {
    UPLOAD_CLIENT_STORED = 0,        /* or nothing to store: it is all there */
    UPLOAD_CLIENT_NOT_STORED = 1,    /* refused */
    UPLOAD_CLIENT_MISUSED = 2,
    UPLOAD_CLIENT_IN_PART = 3,       /* good rows are stored, others were refused */
    UPLOAD_CLIENT_TRY_AGAIN = 4,     /* away, busy, changed meanwhile: the same command goes on with it */
    UPLOAD_CLIENT_PREVIEWED = 5      /* nothing was stored, because nobody has said that it should be */
};

enum { UPLOAD_CLIENT_REASON_LEAST = 5 };     /* characters that a reader sees, as everywhere */

struct upload_client_wish {
    struct upload_client_reading reading;
    const char *reason;          /* for change; NULL: ask where one is needed */
    const char *receipt_file, *refused_file;     /* new files to write; NULL: none */
    bool json, quiet;
    bool may_ask;                /* somebody sits at a terminal */
};

/* False when `error` says why; *status is the exit status in both cases. */
bool upload_client_run(struct upload_client *client, const void *owner, const struct upload_client_file *file,
                       const struct upload_client_wish *wish, int *status, struct error *error) MUST_CHECK;

#endif
