/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One report in memory: data cut -> dataset -> results -> document -> files.
 *
 * The same cut, program and libraries give the same bytes; nothing here reads a clock, a locale or a random
 * number.
 */
#ifndef PATELLA_REPORT_H
#define PATELLA_REPORT_H

#include "reports/extract.h"

struct report_file {
    const char *name;            /* "report.html", "t3-baseline.csv": one segment, the same at every door */
    const char *media_type;
    const struct text *bytes;
    char sha256[65];             /* lower-case hexadecimal */
};

struct report {
    const struct dataset *dataset;
    struct report_file *files;   /* report.html, results.csv, tables, listings, manifest.json last */
    size_t file_count;
};

/* What was asked for, and who wants to hear how far it is. */
struct report_order {
    const char *study;
    const char *cut;             /* number or label */
    enum extract_columns columns;
    void (*progress)(const char *line);   /* NULL: nobody */
};

struct report *report_make(const void *owner, struct db *db, const struct report_order *order,
                           struct error *error) MUST_CHECK;

/* The same from a dataset that is derived already. */
struct report *report_build(const void *owner, const struct dataset *dataset);

#endif
