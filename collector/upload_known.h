/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rows of a file have told of subjects before the database has it: who is enrolled, which knee is the index knee,
 * when which knee was treated.  A preview writes nothing, and its rows rest on each other all the same; a commit asks
 * here, too, so that both come to the same.
 */
#ifndef PATELLA_UPLOAD_KNOWN_H
#define PATELLA_UPLOAD_KNOWN_H

#include <stdbool.h>

#include "forms/base/date.h"

struct upload_known;

/* Subjects of one file, so that memory stays bounded. */
enum { UPLOAD_KNOWN_MOST = 1000000 };

struct upload_subject {
    bool enrolled;               /* by this file */
    char index_knee;             /* 'l', 'r', 0: the file does not say */
    date_days treated[2];        /* left, right: DATE_NONE as far as the file knows */
};

struct upload_known *upload_known_new(const void *owner);

/* False: the file has told nothing; then all of `told` is unknown. */
bool upload_known_find(const struct upload_known *known, int site, int subject, struct upload_subject *told);

/* Replaces what is known; false when there are too many subjects. */
bool upload_known_put(struct upload_known *known, int site, int subject, const struct upload_subject *told)
    __attribute__((warn_unused_result));

#endif
