/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which forms of which visits a subject owes, and how urgently: a pure function of the protocol, of what is known of
 * the subject and of the date at its site.
 *
 * The rules are those of the report's completeness (reports/analysis_completeness.c, dataset.h), looked at while the
 * study goes on.  Day 1 of a knee is its first treatment; what is about the subject counts from the index knee's.  A
 * visit asks for its forms of the index knee, and of the other knee when that was treated; a form that may come at
 * any time is not asked for.  The visit that a person chose counts, whatever its date; unscheduled records do not.
 * Who died or left by a decision owes no visit with its target on that day or later; who left otherwise (lost,
 * completed) is not chased for a visit whose window begins later, though the report counts it.  An untreated subject
 * has the visits up to baseline, from enrolment on.
 */
#ifndef PATELLA_SCHEDULE_H
#define PATELLA_SCHEDULE_H

#include "forms/base/date.h"
#include "forms/protocol.h"

enum schedule_knee { SCHEDULE_NO_KNEE, SCHEDULE_LEFT, SCHEDULE_RIGHT, SCHEDULE_KNEES };

/* In order of urgency: of two windows of a visit the cell shows the later one. */
enum schedule_state {
    SCHEDULE_NOT_EXPECTED,
    SCHEDULE_DONE,
    SCHEDULE_NOT_DUE,            /* the window has not begun, nothing is there */
    SCHEDULE_MISSED,             /* nothing came, and nothing will */
    SCHEDULE_PARTIAL,            /* some forms are there: before or within the window, or when no more will come */
    SCHEDULE_DUE,
    SCHEDULE_CLOSING,            /* due, and the window ends within SCHEDULE_CLOSING_DAYS */
    SCHEDULE_OVERDUE,            /* the window has ended, forms are missing and may still come */
    SCHEDULE_STATES
};

enum {
    SCHEDULE_CLOSING_DAYS = 7,
    SCHEDULE_PAPER_DAYS = 30,    /* behind the due window: paper is entered late */
    SCHEDULE_OPEN_DAYS = 365     /* the same where the analysis window has no end */
};

/* A form that a visit asks for; its place among the slots is what SQL gives back. */
struct schedule_slot {
    size_t visit;                /* index into the protocol's visits */
    const struct form *form;     /* newest version */
};

struct schedule_plan {
    const struct protocol *protocol;
    int baseline;                /* index of the baseline visit, -1: none */
    const struct schedule_slot *slots;   /* by visit */
    size_t slot_count;
    const char **forms, **visits;        /* ids, slot_count of each: for SQL */
};

/* What is known of a subject; dates are DATE_NONE where there is none. */
struct schedule_facts {
    enum schedule_knee index_knee;       /* as enrolled */
    date_days enrolled;
    date_days day1[SCHEDULE_KNEES];      /* of left and right */
    date_days left;                      /* died, or follow-up was ended by a decision */
    date_days ended;                     /* the study ended for the subject otherwise */
    const int *there;                    /* records that are not void: [slot * SCHEDULE_KNEES + knee] */
};

/* Forms of a visit that count from the same day 1. */
struct schedule_window {
    enum schedule_knee knee;     /* SCHEDULE_NO_KNEE: the index knee's and the subject's; else of this knee only */
    enum schedule_state state;
    enum schedule_state task;    /* DUE, CLOSING, OVERDUE while any form is missing; else NOT_EXPECTED */
    date_days from, to, target;  /* DATE_NONE: no day 1; `to` is not behind the day on which the subject left */
    int done, expected;          /* forms */
};

enum { SCHEDULE_WINDOWS = 2 };

/* A visit of a subject. */
struct schedule_cell {
    enum schedule_state state;   /* of its most urgent window, and so are the dates */
    date_days from, to, target;
    int done, expected;          /* of all windows */
    struct schedule_window windows[SCHEDULE_WINDOWS];
    size_t window_count;         /* 2 when the knees were treated on different days */
};

/* What the newest protocol of a study asks for.  It points into `catalogue`. */
struct schedule_plan *schedule_plan_new(const void *owner, const struct catalogue *catalogue);

/* The index knee by the protocol's rule; of two knees that were treated on one day the one that was enrolled. */
enum schedule_knee schedule_index_knee(const struct schedule_plan *plan, const struct schedule_facts *facts);

/* Cells of a subject, one for each visit of the protocol, when it is `today` at its site. */
void schedule_make(const struct schedule_plan *plan, const struct schedule_facts *facts, date_days today,
                   struct schedule_cell *cells);

/*
 * Whether a visit's form is asked for of that knee, if the visit is; `window`: which of the cell's windows it is in.
 * Forms about the subject, and about either, are of SCHEDULE_NO_KNEE.
 */
bool schedule_asks(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t slot,
                   enum schedule_knee knee, size_t *window);

/* Whether a record of it is there. */
bool schedule_has(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t slot,
                  enum schedule_knee knee);

/* "not_due" and so on; the knees as "none", "left", "right". */
const char *schedule_state_name(enum schedule_state state);
const char *schedule_knee_name(enum schedule_knee knee);
enum schedule_knee schedule_knee_from_name(const char *name);

#endif
