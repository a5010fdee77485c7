/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A study in memory: the data set of a report, filled by a test instead of a database.  Any wrong name fails
 * the test.
 */
#ifndef PATELLA_TEST_STUDY_H
#define PATELLA_TEST_STUDY_H

#include "reports/dataset.h"

struct study;

/* A record while the study is being filled; may be changed until study_finish. */
struct study_record {
    size_t subject;
    const struct form *form;     /* another version than the catalogue's is added to it */
    enum knee_side knee;
    const char *visit;
    int instance, version;
    date_days date;
    int64_t received_us;
    const char *void_reason;     /* not NULL: the version is void */
    struct answer *answers;      /* form->item_count */
};

/* Forms are those that ship; the cut is made at the end of 2099, so that every visit is over. */
struct study *study_new(const void *owner, const char *protocol_path);
/* The same with the forms of a directory. */
struct study *study_new_with_forms(const void *owner, const char *protocol_path, const char *forms);

/* Cohort by id, NULL: not allocated.  Returns the subject's index. */
size_t study_add_subject(struct study *study, int site, int number, enum knee_side index_knee,
                         const char *cohort);

/*
 * A record without answers, received later than all before.  Date "YYYY-MM-DD".  The pointer is good until
 * the next call; numbers in tests are easier to read as days: study_date(study day).
 */
struct study_record *study_add_record(struct study *study, size_t subject, const char *form, enum knee_side knee,
                                      const char *visit, date_days date);

/* Answers an item with its canonical text. */
void study_answer(struct study *study, struct study_record *record, const char *item, const char *text);

/* The record that was added as number `index`, from 0; NULL behind the last. */
struct study_record *study_record_at(const struct study *study, size_t index);

/* Scores every record and derives.  May be called again after more was added or changed. */
struct dataset *study_finish(struct study *study);

/* The data set while it is being filled: cut, pooled. */
struct dataset *study_dataset(struct study *study);

date_days study_date(const char *text);

#endif
