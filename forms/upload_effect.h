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
    bool taken_back;             /* ... by taking back an upload: the same rows may come again */
    int form_version;
    const char *dated;           /* YYYY-MM-DD */
    const char *content;         /* canonical text */
    const char *treated_on;      /* day 1 of the knee (of the index knee for `none`), NULL: not treated */
};

enum upload_verdict { UPLOAD_NEW, UPLOAD_CHANGED, UPLOAD_UNCHANGED, UPLOAD_REFUSED };

struct upload_change {
    const char *item;            /* id, or "date" */
    const char *before, *after;  /* canonical; the reason in brackets where one stands for an answer; NULL: none */
};

struct upload_effect {
    enum upload_verdict verdict;
    struct submission *submission;   /* of UPLOAD_NEW and UPLOAD_CHANGED: checked, scored, with its id */
    uint8_t content[32];             /* SHA-256 of its canonical text without the reason for change; else zeros */
    const struct upload_change *changes;
    size_t change_count;
};

struct upload_judging {
    const char *study;
    date_days today;             /* at the record's site */
    const char *reason;          /* for change, given once for all; NULL: the record's own, or it is refused */
    bool reason_pending;         /* a preview: the reason is given at commit */
};

/* Why soft findings of a file stand confirmed; what stands in for a reason that is pending. */
extern const char upload_confirmation[];
extern const char upload_reason_pending[];

/*
 * Answers of the file stand over the stored ones; blanks never erase (unless blank_clears), and a number that is only
 * written otherwise (27.40 for 27.4) is no change.  Nor is another form version alone; of two, the newer one is kept.
 * The submission's id is the version-5 UUID, in a name space of uploads, of its canonical text without the member
 * "reason": so of (study, subject, knee, form, visit, instance, version, date, answers, confirmations), whatever reason
 * the commit gives.  Soft findings are warnings, and are confirmed with `upload_confirmation` unless the stored version
 * has a confirmation of its own.  Findings carry the record's line and the column of the item.
 *
 * Refused beside what submission_check refuses: a follow-up visit, or a form that is due at follow-up visits only,
 * dated before the knee's day 1; a baseline visit, or a form that is due at baseline only, dated after it (both only
 * where the date is new); scores of the file that lie further from the computed ones than half of their last digit, and
 * never less than 0.01; what is locked, signed, frozen or void, when it would be changed.
 * all_same: ten or more choice items whose codes are numbers are answered, all alike, and not with the least code,
 * for nothing at all is what a healthy knee answers.
 */
struct upload_effect upload_effect_of(const void *owner, const struct upload_plan *plan,
                                      const struct upload_record *record, const struct upload_stored *stored,
                                      const struct upload_judging *judging,
                                      struct upload_findings *findings) MUST_CHECK;

#endif
