/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Years later: is a report's folder what was written, and does the database still give it?
 *
 * First each file of the folder is held against the manifest.  Then the report is made again from the same
 * study, cut and protocol version and held against the manifest, file by file.  With another version of the
 * program or of a library other bytes are no fault: then the numbers of results.csv are compared at 1e-9
 * (relative).
 */
#ifndef PATELLA_VERIFY_H
#define PATELLA_VERIFY_H

#include <stdio.h>

#include "migrations/db.h"

/* Exit status of `patella-report verify`; 1 and 2 are those of all programs: failed, used wrongly. */
enum verify_status {
    VERIFY_SAME = 0,             /* the folder is as it was written, and made again it has the same bytes */
    VERIFY_TAMPERED = 3,         /* files of the folder are not those that the manifest names */
    VERIFY_OTHER = 4,            /* made again, the report is another one */
    VERIFY_SAME_NUMBERS = 5      /* made again with other versions: other bytes, the same numbers */
};

struct verify_order {
    const char *folder;
    const char *compare;         /* folder of the earlier report, when the report was made with --compare; or NULL */
    const char *unblinding;      /* an approved request, when the report is an unmasked one and its own has ended */
    void (*step)(const char *what);
    bool unsealed_ok;            /* takes a cut that is not sealed */
};

/*
 * Writes what it finds to `out`, a line for each file that is not as it should be, and the verdict last.
 * False when the folder holds no report, or the report cannot be made again, or its cut is not sealed: whoever
 * administers the database could have changed its rows.
 */
bool verify_report(struct db *db, const struct verify_order *order, FILE *out, enum verify_status *status,
                   struct error *error) MUST_CHECK;

#endif
