/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A case of tests/golden/csv: a file that a site uploads, and what is to be said of it (tests/golden/csv/README.md).
 * Not for: the file's bytes, which tests/golden/csv/make writes.
 */
#ifndef PATELLA_TEST_CSV_CASE_H
#define PATELLA_TEST_CSV_CASE_H

#include "forms/upload_effect.h"

enum csv_count { CSV_NEW, CSV_CHANGED, CSV_UNCHANGED, CSV_REFUSED, CSV_WARNED, CSV_COUNTS };

struct csv_expected {
    enum upload_severity severity;
    const char *code;
    int64_t line;
    const char *column;          /* "" for none */
    const char *says;            /* words that its text must have, or NULL */
};

/* What the effect of a row writes: an item's canonical answer, "[reason]" when declined, "-" when there is none. */
struct csv_value {
    int64_t line;
    const char *item;
    const char *value;
};

struct csv_case {
    const char *name;
    const char *about;           /* the sentence of the contract */
    const char *form, *profile;  /* parameters of the upload, or NULL */
    int site;                    /* 0: not said */
    bool frozen;                 /* the study, meanwhile */
    bool refused;                /* the file as a whole */
    int64_t counts[CSV_COUNTS];
    const struct csv_expected *expected;
    size_t expected_count;
    const struct csv_value *values;
    size_t value_count;
};

/* What a runner saw. */
struct csv_seen {
    bool refused;
    int64_t counts[CSV_COUNTS];
    const struct upload_finding *findings;
    size_t finding_count;
    const struct csv_value *values;      /* of every item of what would be written */
    size_t value_count;
};

/* All cases of tests/golden/csv/cases; a line that cannot be read fails the test. */
struct csv_case *csv_cases_load(const void *owner, size_t *count);

/* What differs, a line each; "" when `seen` is what the case expects. */
const char *csv_case_compare(const void *owner, const struct csv_case *expected, const struct csv_seen *seen);

/* A folder below $BUILD with the file of every case, made by tests/golden/csv/make. */
const char *csv_cases_make(const void *owner);
void csv_cases_remove(const char *folder);

#endif
