/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kinds of review of the audit trail, and the numbers that they take: for the API and for patella-admin alike.
 * Not for: what a review finds (api.find_for_review).
 */
#ifndef PATELLA_REVIEW_H
#define PATELLA_REVIEW_H

#include <stdbool.h>
#include <stddef.h>

enum { REVIEW_NUMBERS = 5 };

/* In the order of the parameters of api.request_review. */
struct review_number {
    const char *name;
    int least, most, initial;
};

extern const struct review_number review_numbers[REVIEW_NUMBERS];

struct review_kind {
    const char *name;
    unsigned numbers;            /* a bit for each of review_numbers */
};

/* NULL for a name that no kind has, and for NULL. */
const struct review_kind *review_find_kind(const char *name);

static inline bool review_takes(const struct review_kind *kind, size_t number)
{
    return (kind->numbers >> number & 1) != 0;
}

/* For messages. */
#define REVIEW_KINDS "late_entries, bulk_edits, out_of_hours, after_signature or accounts"

#endif
