/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of a folder of CSV files as submissions, for patella-load.  README.md of ci/demo-study describes
 * the files.
 *
 * NN_FORM.csv, in the order of their names; the columns subject, knee, visit, instance, date, then item ids.
 * A date is YYYY-MM-DD or a count of days since the first day; of a partial date, "80m" knows the month only
 * and "80y" the year only.  "!refused" leaves an item open with that reason; an empty cell leaves it out.
 * #version, #reason and #confirm are the version, the reason for change, and the reason to stand by soft
 * findings.
 */
#ifndef PATELLA_LOAD_ROWS_H
#define PATELLA_LOAD_ROWS_H

#include "forms/base/date.h"
#include "forms/protocol.h"

struct load_row {
    const char *file;
    int line;
    char id[37];                 /* version-5 UUID from all below: the same row is the same submission */
    const char *fields;          /* "subject":...,"answers":{...}: members without id and confirmations */
    const char *confirm;         /* reason to stand by soft findings, or NULL */
    const char *confirmed;       /* JSON array of confirmations, NULL until the server asked for them */
};

struct load_options {
    const char *study;
    const struct catalogue *forms;   /* its forms only */
    date_days first_day;             /* day 0 */
    date_days last_day;              /* rows with a later date are left out */
};

struct load_list {
    struct load_row *rows;
    size_t count;
    size_t left_out;
};

/* Reads every file.  ERROR_INPUT with file:line for the first row that makes no submission. */
bool load_read_folder(const void *owner, const struct load_options *options, const char *folder,
                      struct load_list *list, struct error *error) MUST_CHECK;

/* One submission as the API takes it. */
void load_row_to_json(struct text *out, const struct load_row *row);

#endif
