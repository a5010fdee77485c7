/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How records come into a dataset: in any order, every version of each, one after the other; then the store is closed.
 *
 *   record_store_new(dataset, masked);
 *   record_store_add(dataset->store, &input, error);       for each version that the cut holds
 *   record_store_close(dataset->store);                    newest versions, in order, voided ones apart
 *   record_store_give(dataset->store, subject, ...);       for each subject
 *   record_store_settle(dataset->store, origins);          when record_store_ties found any
 *
 * A person is a number that was enrolled, by index; a subject is a person, or several where somebody moved.
 */
#ifndef PATELLA_DATASET_BUILD_H
#define PATELLA_DATASET_BUILD_H

#include "reports/dataset.h"

/* One version of a record.  Texts need not end with NUL. */
struct record_input {
    uint32_t person;
    size_t form;                 /* index into catalogue->forms */
    enum knee_side knee;
    const char *visit;
    size_t visit_length;
    int instance, version;
    bool voided;                 /* neither scores nor answers */
    const char *reason;          /* why it was voided, ends with NUL; NULL: not known */
    date_days date;
    const double *scores;        /* form->score_count */
    const char *content;         /* canonical text, NULL: not given (forms of one item and one score) */
    size_t content_length;
    size_t content_answers;      /* bytes of it that are known to stand before the answers; 0: none are known */
    const struct record_origin *origin;      /* NULL: not known; received_us is that of this version */
};

/*
 * Becomes dataset->store.  `masked`: answers that may name the arm (dataset_item_may_name_arm) and adverse events at a
 * harvest site are not taken in.
 */
struct record_store *record_store_new(struct dataset *dataset, bool masked);

/* True when the text of the form's records must be given. */
bool record_store_wants_content(const struct record_store *store, size_t form);

/* ERROR_DATABASE when the text is not canonical for the form; the message names the item. */
bool record_store_add(struct record_store *store, const struct record_input *input, struct error *error) MUST_CHECK;

/*
 * Drops older versions, puts voided records apart (dataset_voided) and orders the rest; record->subject is the person
 * until it is given.
 */
void record_store_close(struct record_store *store);

/* The records of a person, after closing; for the enrolment. */
struct records record_store_of(const struct record_store *store, uint32_t person);

/* What the answer of the enrolment form is, even where a pooled dataset keeps it from everybody else. */
const struct answer *record_store_answer(const struct record_store *store, const struct record *record,
                                         const char *item);

/* Gives `count` persons' records (usually one's) to a subject of the dataset, as one ordered list; once a person. */
void record_store_give(struct record_store *store, size_t subject, const uint32_t *persons, size_t count);

/*
 * Where the records of each form end, for dataset_records_of: first room for all subjects, when it is known how many
 * there are, then subject by subject, which is fast where somebody looks at its records anyway.
 */
void record_store_begin_index(struct record_store *store);
void record_store_index(struct record_store *store, size_t subject);

/*
 * Records that cannot be told from a neighbour of the same form, knee and date, because their origin is not known.
 * record_store_settle takes their origins in this order, and puts them in theirs.
 */
struct record_tie {
    uint32_t subject, person;
    uint32_t at;                 /* among the subject's records, until they are settled */
};
const struct record_tie *record_store_ties(const struct record_store *store, size_t *count);
void record_store_settle(struct record_store *store, const struct record_origin *origins);

#endif
