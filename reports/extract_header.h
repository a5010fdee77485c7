/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a canonical text says before its answers: which version of which record it is.
 *
 * A text that the collector stored has its keys in one order and no blanks, so that a comparison of bytes reads it; as
 * a column each, these values would cost PostgreSQL more than all else that it does for a row.
 */
#ifndef PATELLA_EXTRACT_HEADER_H
#define PATELLA_EXTRACT_HEADER_H

#include "reports/dataset.h"

struct record_header {
    int site, number;            /* of the subject */
    enum knee_side knee;
    const char *form, *visit;    /* in the text, without NUL */
    size_t form_length, visit_length;
    int form_version, instance, version;
    bool voided;
    date_days date;
    size_t behind;               /* bytes of the text: the date is the last of them */
};

/* How the canonical texts of a study begin; memory of `owner`.  `study`: its code. */
char *record_header_begin(const void *owner, const char *study);

/*
 * Reads `text` of `length` bytes, of which the first are to be `begin`; false when it is no canonical text of that
 * study.
 */
bool record_header_read(const char *text, size_t length, const char *begin, struct record_header *header) MUST_CHECK;

#endif
