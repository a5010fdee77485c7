/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a record of a file would do to what is stored: the one place that compares the two, for the preview and for the
 * commit.  Pure.  The judgement of the answers themselves is submission_check's, as at every door.
 */
#ifndef PATELLA_UPLOAD_EFFECT_H
#define PATELLA_UPLOAD_EFFECT_H

#include "forms/upload_record.h"

/* The newest version of the record, as the database has it; `version` 0: there is none. */
struct upload_stored {
    bool subject_known;          /* enrolled at a site that the caller may see, not void */
    bool subject_locked, record_locked, record_signed, study_frozen;
    int version;
    bool is_void;
    int form_version;
    const char *dated;           /* YYYY-MM-DD */
    const char *content;         /* canonical text */
    const char *treated_on;      /* day 1 of the knee (of the index knee for `none`), NULL: not treated */
};

enum upload_verdict { UPLOAD_NEW, UPLOAD_CHANGED, UPLOAD_UNCHANGED, UPLOAD_REFUSED };

struct upload_change {
    const char *item;            /* id, or "date" */
    const char *before, *after;  /* canonical; NULL: not answered */
};

struct upload_effect {
    enum upload_verdict verdict;
    struct submission *submission;   /* of UPLOAD_NEW and UPLOAD_CHANGED: checked, scored, with its id */
    const struct upload_change *changes;
    size_t change_count;
};

struct upload_judging {
    const char *study;
    date_days today;             /* at the record's site */
    const char *reason;          /* for change, given once for all; NULL: the record's own, or it is refused */
    bool reason_pending;         /* a preview: the reason is given at commit */
};

/*
 * Answers of the file stand over the stored ones; blanks never erase (unless blank_clears).  The version-5 UUID is of
 * (study, site, key, version, canonical content).  Soft findings are warnings, and are confirmed as standing so in the
 * file.  Findings carry the record's line and the column of the item.
 */
struct upload_effect upload_effect_of(const void *owner, const struct upload_plan *plan,
                                      const struct upload_record *record, const struct upload_stored *stored,
                                      const struct upload_judging *judging,
                                      struct upload_findings *findings) MUST_CHECK;

#endif
