/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One cell of an uploaded file as what submission_check takes: dates as YYYY-MM-DD, numbers with a point, codes for
 * labels.  What it means is not judged here, nor whether it fits the item; only whether it can be read in one way.
 */
#ifndef PATELLA_UPLOAD_CELL_H
#define PATELLA_UPLOAD_CELL_H

#include "forms/upload_plan.h"

/* What was taken for granted in reading a cell: bits. */
enum upload_note {
    UPLOAD_NOTE_LABEL = 1,           /* a label or word instead of a code */
    UPLOAD_NOTE_MISSING = 2,         /* a code for a missing value */
    UPLOAD_NOTE_TIME = 4,            /* a time behind a date */
    UPLOAD_NOTE_POINT = 8,           /* a whole number with a point */
    UPLOAD_NOTE_APOSTROPHE = 16,     /* an apostrophe before = + - @ */
    UPLOAD_NOTE_ESCAPE = 32          /* <U+043E> for a letter, as R writes it */
};

enum upload_cell_kind {
    UPLOAD_CELL_BLANK,
    UPLOAD_CELL_VALUE,
    UPLOAD_CELL_REASON,              /* there is none, and why */
    UPLOAD_CELL_REFUSED
};

struct upload_cell {
    enum upload_cell_kind kind;
    const char *text;                /* value or reason; what is wrong and what to do, for people */
    const char *code;                /* of the finding when refused */
    unsigned notes;
};

/* How the cells of one column are written. */
struct upload_manner {
    const struct upload_plan *plan;
    char decimal;                    /* '.' or ','; 0: either */
};

struct upload_manner upload_manner_of(const struct upload_plan *plan, size_t column);

/* A cell of `item`, without blanks around it.  Results lie on the owner, or are the cell itself, or constants. */
struct upload_cell upload_cell_read(const void *owner, const struct upload_manner *manner, const struct item *item,
                                    const char *cell);

/* A number; zeros at its end are dropped where they stand further than `decimals` behind the point. */
struct upload_cell upload_cell_number(const void *owner, const struct upload_manner *manner, const char *cell,
                                      int decimals);

/* A whole or partial date: YYYY-MM-DD, YYYY-MM or YYYY. */
struct upload_cell upload_cell_date(const void *owner, const struct upload_manner *manner, const char *cell);

/* True for d/m/y or m/d/y in digits: the two numbers before the year. */
bool upload_cell_date_order(const char *cell, int *first, int *second);

/* The marks of a cell that is a number: ',' or '.' when it has one of them once, 0 for others. */
char upload_cell_decimal_mark(const char *cell);

/* A word for a missing value, by profile, tool or the usual ones: a reason or blank; UPLOAD_CELL_VALUE for others. */
struct upload_cell upload_cell_missing(const struct upload_manner *manner, const struct item *item, const char *cell);

/* Words for true and false: 1, yes, ja, oui, Checked ...; false for others. */
bool upload_cell_truth(const char *cell, bool *truth) MUST_CHECK;

/* `cell` without the blanks around it, of any width; the characters behind are cut off in place. */
char *upload_cell_trim(char *cell);

#endif
