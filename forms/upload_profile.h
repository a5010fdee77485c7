/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A site profile: how this site's files look.  YAML, made by `patella-form profile` from a sample file and the study's
 * forms, and edited by hand; README.md describes it.  A file without one is read as far as that can be done in one way
 * only (upload_plan.h).
 */
#ifndef PATELLA_UPLOAD_PROFILE_H
#define PATELLA_UPLOAD_PROFILE_H

#include "forms/csv_dialect.h"
#include "forms/faults.h"
#include "forms/protocol.h"

enum upload_date_order { UPLOAD_DATES_ISO, UPLOAD_DATES_DMY, UPLOAD_DATES_MDY };

/* A word of the file and what it means here. */
struct upload_word {
    const char *file;            /* as it stands in the file; compared without case and outer blanks */
    const char *means;           /* id of ours */
    int line;
};

struct upload_words {
    const struct upload_word *words;
    size_t count;
};

/* What a column holds. */
enum upload_role {
    UPLOAD_UNKNOWN,              /* nobody knows: refuses the file unless all its cells are empty */
    UPLOAD_IGNORED,
    UPLOAD_SUBJECT,              /* 07-0012, or the number alone when the site is known */
    UPLOAD_SITE,
    UPLOAD_KNEE,
    UPLOAD_FORM,                 /* which form the row is */
    UPLOAD_FORM_VERSION,
    UPLOAD_VISIT,                /* or event */
    UPLOAD_INSTANCE,
    UPLOAD_REPEAT_FORM,          /* redcap_repeat_instrument */
    UPLOAD_DATE,                 /* of the form (of `form`, when that is not NULL) */
    UPLOAD_REASON,               /* reason for change */
    UPLOAD_ITEM,                 /* form and item */
    UPLOAD_CHECKBOX,             /* form, item and choice: one of the columns field___code */
    UPLOAD_SCORE,                /* form and score: held against what the items give */
    UPLOAD_COMPLETE,             /* <form>_complete: incomplete forms are taken, and said */
    UPLOAD_STATUS,               /* of the row: words of `rejected` refuse it (ODK's ReviewState) */
    UPLOAD_NAMELESS,             /* without a name, or with that of row numbers: may hold 1, 2, 3 ... or nothing */
    UPLOAD_NOT_ANSWERED,         /* of our exports: "p1=refused p2=unknown" */
    UPLOAD_FIELD_NAME,           /* of REDCap's EAV form: a row is one field, named here, */
    UPLOAD_FIELD_VALUE,          /* ... and its value */
    UPLOAD_STUDY                 /* the study's code: another one refuses the file */
};

struct upload_column_rule {
    const char *column;          /* name in the file; compared without case and blanks (upload_same_name) */
    enum upload_role role;
    const char *form;            /* or NULL */
    const char *item;            /* item, score or choice's item; or NULL */
    const char *choice;
    const char *visit;           /* of a wide file: the column is of this visit; or NULL */
    const char *knee;            /* ... of this knee; or NULL */
    int instance;                /* ... of this instance; 0: by the row */
    bool blank_clears;           /* a blank cell takes the stored answer away */
    int line;
};

struct upload_profile {
    const char *name;
    int version;
    struct csv_dialect dialect;      /* what is declared */
    enum upload_date_order dates;
    bool dates_declared;
    const char *form;                /* every row is this form, or NULL */
    int form_version;                /* 0: the newest that the protocol asks for */
    const char *knee;                /* every row is about it, or NULL */
    const char *visit;               /* or NULL */
    bool wide;                       /* columns name visits: a row is several records */
    struct upload_words visits, knees, missing, codes;   /* missing -> reason of not_answered, or "blank" */
    const struct upload_column_rule *columns;
    size_t column_count;
    const char *canonical;           /* the YAML as read: what its version is hashed from */
};

/* From YAML; all faults at once, each with line and hint.  Forms, items and visits must be of `catalogue`. */
struct upload_profile *upload_profile_parse(const void *owner, const char *file, const char *text, size_t length,
                                            const struct catalogue *catalogue, struct faults *faults) MUST_CHECK;

/* True when two names of columns are the same: case, blanks, NBSP and hyphens of other kinds do not count. */
bool upload_same_name(const char *one, const char *other);

#endif
