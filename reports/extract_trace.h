/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The row of the audit trail that says, before anything of a cut is read, that it is. */
#ifndef PATELLA_EXTRACT_TRACE_H
#define PATELLA_EXTRACT_TRACE_H

#include "migrations/db.h"

/* What is read, as the database that is read names it. */
struct extract_trace {
    const char *study, *cut_label;
    int study_id, cut_no;
    int64_t cut_made_us;
    bool masked;
    const char *unblinding;      /* request by which the allocation is opened, or NULL */
};

/*
 * Commits the row, in the database that db_writer names.  ERROR_CONFLICT when that one has another cut under the
 * number; ERROR_USAGE when `db` is a standby and names none.
 */
bool extract_leave_trace(struct db *db, const struct extract_trace *trace, struct error *error) MUST_CHECK;

/* Says so when it was a standby that refused; false. */
bool extract_refuse_standby(struct error *error);

#endif
