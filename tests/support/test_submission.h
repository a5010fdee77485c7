/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Submissions for tests of the database, sent to api.submit_batch as the collector sends them. */
#ifndef PATELLA_TEST_SUBMISSION_H
#define PATELLA_TEST_SUBMISSION_H

#include "migrations/db.h"

/* What is NULL or 0 has the default of a good first KOOS of subject 01-0001 of study 1 at visit M3, left knee. */
struct test_row {
    const char *token;           /* "coordinator" */
    int id;                      /* decimal digits at the end of the UUID: 1 */
    int study, site, subject;
    const char *form;            /* "koos" */
    const char *knee;            /* "left" */
    const char *visit;           /* "M3" */
    int instance, version;
    const char *status;          /* "complete" */
    const char *date;            /* "2026-03-01" */
    int form_version, protocol_version;
    const char *content;         /* {"form":FORM,"id":ID}, and "answers" of an enrolment */
    const char *reason;
    const char *index_knee;      /* with it the row enrols: form enrolment, knee none, visit unscheduled */
    const char *continues;
};

/* The verdicts in the order of the rows, each "accepted", "replayed" or the code of the refusal, joined by a blank. */
const char *test_submit(struct db *db, const struct test_row *rows, size_t count);

/* SQLSTATE when the whole call fails, "" when it does not. */
const char *test_submit_sqlstate(struct db *db, const struct test_row *rows, size_t count);

/* Enrols a subject of study 1 under token "coordinator"; its submission's id is 1000 * site + subject. */
void test_enrol(struct db *db, int site, int subject);

#endif
