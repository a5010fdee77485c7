/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each column of one file is: from its header, the site's profile (or none) and the study's forms.  Exports of
 * REDCap, LibreClinica, Castor and ODK Central are known by their columns.
 */
#ifndef PATELLA_UPLOAD_PLAN_H
#define PATELLA_UPLOAD_PLAN_H

#include "forms/upload_profile.h"

enum upload_tool {
    UPLOAD_BY_HAND,
    UPLOAD_REDCAP,
    UPLOAD_REDCAP_EAV,
    UPLOAD_LIBRECLINICA,
    UPLOAD_CASTOR,
    UPLOAD_ODK,
    UPLOAD_PATELLA               /* our own exports and files for patella-load */
};

struct upload_column {
    const char *name;            /* as it stands in the header */
    enum upload_role role;
    const struct form *form;     /* of items, scores, dates and "complete" columns; NULL: by the row */
    int item;                    /* index in form->items (or form->scores), -1 for none or when the row says the form */
    const char *id;              /* of the item or score, to look for in the row's form and version; else NULL */
    const struct choice *choice; /* of UPLOAD_CHECKBOX */
    const char *visit;           /* of wide files, else NULL */
    const char *knee;
    int instance;                /* 0: by the row */
    bool blank_clears;
    const char *hint;            /* of UPLOAD_UNKNOWN: "; did you mean ...?", behind what is said of it; never NULL */
};

struct upload_plan {
    const struct catalogue *catalogue;
    const struct upload_profile *profile;    /* or NULL */
    struct csv_dialect dialect;
    enum upload_tool tool;
    enum upload_date_order dates;            /* ISO until something else is declared */
    bool dates_declared;
    char decimal;                            /* '.' or ',' as upload_scan.h has found it; 0 before */
    const char *column_decimals;             /* of each column, 0: as `decimal`; NULL before upload_scan_end */
    int site;                                /* of the upload; 0: the subject's number names it */
    const struct form *form;                 /* every row is this form; NULL: columns or a cell say it */
    const char *knee, *visit;                /* of every row, or NULL */
    const struct upload_column *columns;
    size_t column_count;
};

/* The header, and what the upload itself said about its rows (parameters of the request). */
struct csv_header {
    const char *const *cells;
    size_t count;
    int64_t line;
    const char *form;            /* or NULL */
    int site;                    /* 0: not said */
};

/* Who calls csv_dialect_find: context is a struct upload_profile or NULL. */
bool upload_is_header(void *profile, const char *const *cells, size_t count);

/*
 * `header` is the first row of the file.  NULL when the file is refused: doubled_header, no_key_column, unknown_form; a
 * column that nobody knows has the role UPLOAD_UNKNOWN here, for it is refused only when it holds something
 * (upload_scan.h: unknown_column, with the most similar known name).
 */
struct upload_plan *upload_plan_make(const void *owner, const struct catalogue *catalogue,
                                     const struct upload_profile *profile, const struct csv_dialect *dialect,
                                     const struct csv_header *header, struct upload_findings *findings) MUST_CHECK;

/* The same without a profile and whatever is wrong: for those who make a profile.  Never NULL. */
struct upload_plan *upload_plan_draft(const void *owner, const struct catalogue *catalogue,
                                      const struct csv_dialect *dialect, const struct csv_header *header,
                                      struct upload_findings *findings);

/*
 * The id of the visit that a word of the file stands for (or "unscheduled"), NULL when there is none: by the profile's
 * words, the visits' ids and titles, and REDCap's event names made of these ("3_months_arm_1").
 */
const char *upload_visit_of(const struct catalogue *catalogue, const struct upload_profile *profile, const char *word);

/* "left", "right" or "none" by the profile's words and the usual ones (L, R, links, gauche, ...), NULL for others. */
const char *upload_knee_of(const struct upload_profile *profile, const char *word);

/* The newest version of the form that a word of the file names: by its id, or by a title that one form has. */
const struct form *upload_form_of(const struct catalogue *catalogue, const char *word);

#endif
