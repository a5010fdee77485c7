/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A study in memory: the data set of a report, filled by a test instead of a database.  Any wrong name fails
 * the test.
 */
#ifndef PATELLA_TEST_STUDY_H
#define PATELLA_TEST_STUDY_H

#include "reports/dataset.h"

struct study;

/* Forms are those that ship; the cut is made at the end of 2099, so that every visit is over. */
struct study *study_new(const void *owner, const char *protocol_path);

/* Cohort by id, NULL: not allocated.  Returns the subject's index. */
size_t study_add_subject(struct study *study, int site, int number, enum knee_side index_knee,
                         const char *cohort);

/*
 * A record without answers, received later than all before.  Date "YYYY-MM-DD".  The pointer is good until
 * the next call; numbers in tests are easier to read as days: study_date(study day).
 */
struct record *study_add_record(struct study *study, size_t subject, const char *form, enum knee_side knee,
                                const char *visit, date_days date);

/* Answers an item with its canonical text. */
void study_answer(struct study *study, struct record *record, const char *item, const char *text);

/* Scores every record and derives. */
struct dataset *study_finish(struct study *study);

/* The data set while it is being filled: cut, pooled. */
struct dataset *study_dataset(struct study *study);

date_days study_date(const char *text);

#endif
