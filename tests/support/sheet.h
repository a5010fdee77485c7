/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An uploaded file, row by row, written inline in a test with bars between its cells; the demo study's forms. */
#ifndef PATELLA_TEST_SHEET_H
#define PATELLA_TEST_SHEET_H

#include "forms/upload_record.h"

struct sheet {
    void *owner;
    const struct catalogue *catalogue;
    struct upload_plan *plan;
    struct upload_findings findings;
    struct csv_line line;            /* the last one */
};

/* What the upload says beside the header; all of it may be left out. */
struct sheet_manner {
    const char *form;
    int site;
    const struct upload_profile *profile;
    char delimiter;                  /* of the file that is played; 0: a comma */
};

/* The plan of a file with this header; the test fails when it is refused. */
struct sheet sheet_of(const char *header, struct sheet_manner manner);
void sheet_end(struct sheet *sheet);

/* The next row as a line of the file; lines count from 2. */
const struct csv_line *sheet_line(struct sheet *sheet, const char *cells);

/* The same, read. */
struct upload_row sheet_read(struct sheet *sheet, const char *cells);

/*
 * A record in one line: "07-0012 left M3 2026-03-15 koos p1=0 p2=[unknown] p3=" (blank), "#2" behind an instance
 * that is not the first, "(pain 70)" for a score of the file.
 */
const char *sheet_describe(const struct sheet *sheet, const struct upload_record *record);

#endif
