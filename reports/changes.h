/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed since an earlier report of the same study: subjects, records, numbers.
 *
 * The earlier report's folder says which cut it was and holds its numbers; subjects and records of that cut
 * are read from the database again, which gives the same for ever.
 */
#ifndef PATELLA_CHANGES_H
#define PATELLA_CHANGES_H

#include "migrations/db.h"
#include "reports/dataset.h"
#include "reports/report.h"
#include "reports/results_compare.h"

enum change_kind {
    CHANGE_SUBJECT_NEW,
    CHANGE_SUBJECT_LEFT,         /* was in the study, has ended it since */
    CHANGE_SUBJECT_GONE,         /* no subject of the study any more: enrolment void, or continues another number */
    CHANGE_RECORD_NEW,
    CHANGE_RECORD_CORRECTED,     /* a later version counts */
    CHANGE_RECORD_VOIDED,        /* or of a subject that is gone */
    CHANGE_KINDS
};

struct change {
    enum change_kind kind;
    int site, number;            /* of the subject */
    const char *form;            /* NULL for subjects; records only from here on */
    enum knee_side knee;
    const char *visit;           /* as entered */
    int instance;
    int before, after;           /* version, 0 when not there */
};

struct changes {
    int cut_no;                  /* of the earlier report */
    const char *cut_label, *cut_made_at;
    const char *results_sha256;
    size_t subject_count, record_count;   /* at the earlier cut */
    struct change *at;           /* subjects, then records, each by site, number, form, knee, visit, instance */
    size_t count;
    const struct differences *numbers;
};

/*
 * Compares `report`, whose dataset and results are there, with the one in `folder`.  ERROR_INPUT when that is
 * of another study, has other columns or another cut than this database has under its number; ERROR_CONFLICT
 * when its results.csv was changed since.
 */
struct changes *changes_find(const void *owner, struct db *db, const struct report *report, const char *folder,
                             struct error *error) MUST_CHECK;

/* kind,change,subject,form,knee,visit,instance,table,row,col,stat,before,after */
void changes_write_csv(const struct changes *changes, struct text *out);

/* "new", "left", "no longer a subject", "corrected", "voided" */
const char *change_name(enum change_kind kind);

#endif
