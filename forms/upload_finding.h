/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is to be said about a file that a site uploads: what was assumed, what is to be looked at, which rows are
 * refused, and why the file as a whole is.
 *
 * Not for: what a form says about an answer (struct problem in submission.h); upload_finding_of_problem makes a finding
 * of it.
 */
#ifndef PATELLA_UPLOAD_FINDING_H
#define PATELLA_UPLOAD_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

enum upload_severity {
    UPLOAD_ASSUMED,          /* stated in the receipt: what was detected, skipped or taken for granted */
    UPLOAD_WARNING,          /* the row is taken, and somebody should look at it */
    UPLOAD_ROW_REFUSED,      /* this row is not taken; others are */
    UPLOAD_FILE_REFUSED      /* nothing of the file is taken */
};

struct upload_finding {
    enum upload_severity severity;
    const char *code;        /* "ambiguous_date": one of those that README.md lists; a promise */
    int64_t line;            /* 1-based line of the file that the row (or the quote) begins on; 0: the file */
    const char *column;      /* name in the header as it stands there, or NULL */
    const char *value;       /* of the cell as it stands there, cut after 80 characters, or NULL */
    const char *text;        /* what was found and what to do, for people */
};

struct upload_findings {
    const void *owner;       /* findings and their texts hang on it */
    struct upload_finding *findings;
    size_t count;
    bool file_refused;       /* one of them refuses the file */
    size_t refusals;         /* those with UPLOAD_ROW_REFUSED or above */
    size_t limit;            /* of findings that are kept (0: no limit); further ones are only counted, but for those
                              * about the file as a whole */
    size_t dropped;
};

/* Where a finding stands; line 0, column and value NULL where there is none. */
struct upload_place {
    int64_t line;
    const char *column;
    const char *value;
};

/* None yet. */
struct upload_findings upload_findings_begin(const void *owner);

/* `place` NULL: the file.  Everything is copied. */
void upload_finding_add(struct upload_findings *findings, enum upload_severity severity, const char *code,
                        const struct upload_place *place, const char *format, ...) PRINTF_LIKE(5, 6);

/* "assumed", "warning", "row_refused", "file_refused". */
const char *upload_severity_name(enum upload_severity severity);

#endif
