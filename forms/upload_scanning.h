/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a first reading has seen; only upload_scan*.c see it. */
#ifndef PATELLA_UPLOAD_SCANNING_H
#define PATELLA_UPLOAD_SCANNING_H

#include "forms/upload_scan.h"

struct upload_keys;

/* How often something was seen, and where first. */
struct evidence {
    int64_t count;
    int64_t line;
    size_t column;
    const char *value;
};

/* What is said once for all cells that it happened in. */
enum scan_note {
    SCAN_LABEL,
    SCAN_MISSING,
    SCAN_TIME,
    SCAN_POINT,
    SCAN_APOSTROPHE,
    SCAN_ESCAPE,
    SCAN_INCOMPLETE,
    SCAN_KNEE,
    SCAN_VISIT,
    SCAN_DATE_ORDER,
    SCAN_NOTES
};

struct column_evidence {
    struct evidence points, commas;  /* decimal marks */
    bool points_are_thousands, commas_are_thousands;   /* each of them looks so */
    struct evidence unknown;         /* values of a column that nobody knows */
    long row_number;                 /* the last of a nameless column */
    bool is_filled;
};

struct upload_scan {
    const struct upload_plan *plan;
    struct column_evidence *columns;
    struct evidence notes[SCAN_NOTES];
    struct evidence day_first, month_first;   /* a number above 12 stands first, or second */
    struct evidence wrong_site, wrong_study;
    int64_t rows, wrong_counts, wrong_count_line;
    size_t wrong_count;              /* cells of the row on that line */
    char other_delimiter;            /* in a row of another count; 0: none */
    struct upload_keys *keys;
};

#endif
