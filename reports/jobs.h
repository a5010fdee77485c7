/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reports that were asked for through the API: jobs in the database, taken one at a time.
 *
 * Several may run side by side; a job of a worker that died is given free again.
 */
#ifndef PATELLA_JOBS_H
#define PATELLA_JOBS_H

#include "migrations/db.h"

struct jobs_order {
    bool once;                   /* end when no job is waiting */
    int at_once;                 /* no job begins while all workers of the database make so many */
    unsigned formats;            /* of enum report_format, 0: the default ones */
};

/*
 * Works until SIGTERM or SIGINT, which end it after the job at hand.  A job that fails is marked so, with its
 * message, and does not end the work.  A lost connection is opened again.  Returns false when it cannot go
 * on.
 */
bool jobs_run(struct db *db, const struct jobs_order *order, struct error *error) MUST_CHECK;

#endif
