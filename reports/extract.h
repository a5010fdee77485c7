/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the database at a data cut to a dataset.  All SQL of the reports is here.
 *
 * REPEATABLE READ transactions, read only; rows of the cut and no others, of each record the newest
 * version at the cut, without voided records.  The same cut gives the same dataset for ever, whatever has
 * been submitted since.  A large study is read over two connections at once, in halves of the table.
 */
#ifndef PATELLA_EXTRACT_H
#define PATELLA_EXTRACT_H

#include "forms/allocation_seal.h"
#include "migrations/db.h"
#include "reports/dataset.h"

enum extract_statement {
    EXTRACT_FIND_STUDY,
    EXTRACT_MAKE_CUT,
    EXTRACT_FIND_CUT,
    EXTRACT_OPEN_ALLOCATION,
    EXTRACT_OPEN_CUT,
    EXTRACT_CUT_IS_SEALED,
    EXTRACT_PROTOCOL,
    EXTRACT_FORMS,
    EXTRACT_SIZES,
    EXTRACT_SET_PART,
    EXTRACT_SUBJECTS,
    EXTRACT_ALLOCATION,
    EXTRACT_SUBMISSIONS,
    EXTRACT_ORIGINS,
    /* for jobs.c */
    EXTRACT_TAKE_JOB,
    EXTRACT_JOB_UNBLINDING,
    EXTRACT_ADD_FILE,
    EXTRACT_FINISH_JOB,
    EXTRACT_RELEASE_JOBS,
    EXTRACT_STATEMENTS
};

/*
 * Connects as patella_reporter, unless conninfo (may be NULL) or the environment names another user.  Fails
 * when the database has other migrations than this program was built with.
 */
struct db *extract_open(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

/*
 * For a `db` of a standby, which takes no row of the audit trail: rows that reading leaves there go to the primary of
 * `conninfo`.
 */
bool extract_record_on(struct db *db, const char *conninfo, struct error *error) MUST_CHECK;

/* What sealed allocations are opened with from now on; the keys live as long as the program.  NULL: none are. */
void extract_use_keys(const struct allocation_keys *keys);
const struct allocation_keys *extract_keys(void);

enum extract_columns {
    EXTRACT_COLUMNS_ALLOWED,     /* cohorts, but pooled in a masked study */
    EXTRACT_COLUMNS_COHORTS,     /* refused (ERROR_DENIED) for a masked study */
    EXTRACT_COLUMNS_POOLED
};

/*
 * Makes a cut of all that has committed by now; its label is the database's time.  Not inside a transaction.
 * ERROR_DENIED, and no cut, when the report that it is for would be refused: cohorts of a masked study.
 */
bool extract_make_cut(struct db *db, const char *study, enum extract_columns columns, int *cut_no,
                      struct error *error) MUST_CHECK;

/* What is known of a cut before anything of its records is read. */
struct extract_frame {
    struct dataset *dataset;     /* catalogue, title, cut and seal; no subjects; memory of the owner */
    int study_id;
    bool masked;
};
bool extract_frame(const void *owner, struct db *db, const char *study, const char *cut, struct extract_frame *frame,
                   struct error *error) MUST_CHECK;

/* Whether every row of the audit trail that the cut holds is in a block now (patella-seal). */
bool extract_cut_is_sealed(struct db *db, const char *study, int cut_no, bool *sealed, struct error *error) MUST_CHECK;

/*
 * Reads `study` at `cut` (its number, or its label).  A pooled dataset holds no cohort, no answer that may
 * name the arm (dataset_item_may_name_arm) and no adverse event at a harvest site.  Records of a subject who
 * moved to another site ("continues") stand under the first number.  Subjects whose enrolment is void are
 * counted and left out with all their records.  The audit trail gets an EXPORT row first.  Not inside a
 * transaction.  dataset_derive has not run yet.
 */
struct dataset *extract_dataset(const void *owner, struct db *db, const char *study, const char *cut,
                                enum extract_columns columns, struct error *error) MUST_CHECK;

/*
 * The same of a masked study by cohort.  `unblinding` is the number of a request that was approved within seven days;
 * the audit trail gets a row of the opening first.  ERROR_DENIED when it was not; ERROR_USAGE when the study is open;
 * as allocation_open when the allocation is sealed and the keys are not those of extract_use_keys.
 */
struct dataset *extract_unmasked(const void *owner, struct db *db, const char *study, const char *cut,
                                 const char *unblinding, struct error *error) MUST_CHECK;

#endif
