/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of a file on its way to records; only upload_row*.c and upload_scan.c see it. */
#ifndef PATELLA_UPLOAD_ROW_H
#define PATELLA_UPLOAD_ROW_H

#include "forms/upload_cell.h"
#include "forms/upload_record.h"

enum upload_mark { MARK_NONE, MARK_BLANK, MARK_CLEARS, MARK_VALUE, MARK_REASON };

/* What the row says of one item. */
struct upload_draft_item {
    enum upload_mark mark;
    size_t column;
    const char *text;                /* value or reason, as read */
    const char *cell;                /* as it stands in the file, without the blanks around it */
};

/* A record of the row: its key, and then its items. */
struct upload_draft {
    const struct form *form;
    const char *visit;               /* id; NULL: unscheduled */
    const char *knee;                /* NULL: none */
    int instance;
    const char *column_visit;        /* as its columns name it, when they do: "unscheduled" of a wide file */
    struct upload_draft_item *items; /* form->item_count */
    struct upload_record *record;
};

/* Which record a column belongs to, before what does not matter to its form is left out. */
struct upload_target {
    const struct form *form;
    const char *visit, *knee;
    int instance;
};

/* The row itself owns all that is read of it. */
struct upload_reading {
    const struct upload_plan *plan;
    const struct csv_line *line;
    struct upload_findings *findings;   /* NULL: nothing is said */
    bool refused;
    bool left_out;                   /* refused for what it is, so that nothing else is said of it */
    bool said_visit, said_knee;
    bool bad_form;                   /* it names one that the study has not, which is said */
    const char **cells;              /* of the columns, without the blanks around them */
    const char *subject;             /* "07-0012" */
    int site;                        /* 0: neither the upload nor the row says it */
    const char *knee, *visit;        /* of the row, NULL: not said */
    const char *bad_knee, *bad_visit;   /* words that nobody knows: refused when a record needs them */
    size_t knee_column, visit_column;
    const struct form *form;         /* of the row; NULL: the columns say it */
    int form_version;                /* 0: the newest */
    int instance;
    const char *reason;
    struct upload_draft *drafts;
    size_t draft_count;
    struct upload_target last;       /* of the column before, and its draft */
    struct upload_draft *last_draft;
    bool has_last;
};

/*
 * The cells, the keys, and a draft for each record that the row has anything for; `refused` with findings when they
 * cannot be read.  NULL findings: silently.  All of it lies on the result.
 */
struct upload_reading *upload_row_begin(const void *owner, const struct upload_plan *plan, const struct csv_line *line,
                                        struct upload_findings *findings) MUST_CHECK;

/* The keys alone (upload_row_keys.c). */
void upload_row_read_keys(struct upload_reading *row);

/* A finding on a cell that refuses the row. */
void upload_row_refuse(struct upload_reading *row, const char *code, size_t column, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* The draft that a column's cell belongs to; NULL: there is none.  `add`: then it is made. */
struct upload_draft *upload_row_draft(struct upload_reading *row, const struct upload_column *column, bool add);

/* Index of the column's item in the draft's form, or FORM_NONE. */
int upload_row_item(const struct upload_draft *draft, const struct upload_column *column);

#endif
