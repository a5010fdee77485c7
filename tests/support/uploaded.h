/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record of an uploaded file, made by hand: what judges it is under test, not what reads it. */
#ifndef PATELLA_TEST_UPLOADED_H
#define PATELLA_TEST_UPLOADED_H

#include "forms/upload_effect.h"

/* A file of one form whose columns are the fixed ones and then every item and score. */
enum { UPLOADED_SUBJECT, UPLOADED_KNEE, UPLOADED_VISIT, UPLOADED_DATE, UPLOADED_REASON, UPLOADED_FIXED };

struct uploaded {
    void *owner;
    const struct catalogue *catalogue;
    struct upload_plan plan;
    struct upload_record record;
    struct upload_stored stored;
    struct upload_judging judging;
    struct upload_findings findings;
};

/* Nothing stored yet for a known subject of the demo study, and a record of `form` in line 7 without answers. */
struct uploaded uploaded_of(const char *form_id, int version, const char *visit);
void uploaded_end(struct uploaded *world);

/* Sets the record's answers from "p1=0 p2=!unknown p3=": an answer, a reason for none, a blank cell. */
void uploaded_answer(struct uploaded *world, const char *words);

/* The finding with that code; the test fails when there is none. */
const struct upload_finding *uploaded_finding(const struct uploaded *world, const char *code);

#endif
