/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subjects of a study as worklist and schedule see them: facts of the database (store_desk.h), how follow-up ended,
 * and their cells (schedule.h) by the date at their site.
 */
#ifndef PATELLA_DESK_H
#define PATELLA_DESK_H

#include "collector/catalogues.h"
#include "collector/exchange.h"
#include "collector/store_desk.h"

enum desk_state {
    DESK_SCREENED,               /* enrolled, no knee treated */
    DESK_ACTIVE,
    DESK_COMPLETED,
    DESK_WITHDRAWN,              /* by a decision: follow-up has ended */
    DESK_DIED,
    DESK_ENDED,                  /* otherwise: lost, joint replacement, not treated, other */
    DESK_STATES
};

/* "screened" and so on, NULL-terminated. */
extern const char *const desk_state_names[DESK_STATES + 1];

struct desk_subject {
    const struct store_desk_subject *stored;
    enum desk_state state;
    struct schedule_facts facts;
    enum schedule_knee index_knee;       /* by the protocol's rule */
    date_days today;                     /* at its site */
};

struct desk {
    const struct catalogue_study *study;
    const struct schedule_plan *plan;
    const char *as_of;                   /* RFC 3339, UTC */
    struct desk_subject *subjects;       /* by site and number */
    size_t count;
};

/* Reads the subjects that the caller of `exchange` may see and `filter` leaves; NULL and an error. */
struct desk *desk_read(struct exchange *exchange, struct store *store, const struct catalogue_study *study,
                       const struct store_desk_filter *filter, struct error *error) MUST_CHECK;

/* Index of the subject with that number, or `count`. */
size_t desk_find(const struct desk *desk, int site, int subject);

/* Numbers of some subjects, indices into desk->subjects in ascending order; arrays of `owner`. */
struct store_desk_numbers desk_numbers(const void *owner, const struct desk *desk, const size_t *subjects,
                                       size_t count);

/* Counts records into the facts of their subjects, once, for a desk that was read without them. */
void desk_count_records(struct desk *desk, const struct store_desk_records *records);

/* The record of a visit's form for a knee, or NULL; `records` of subjects in ascending order. */
const struct store_desk_record *desk_find_record(const struct desk *desk, const struct store_desk_records *records,
                                                 size_t subject, size_t slot, enum schedule_knee knee);

/* The draft of the first version of such a record, or NULL. */
const struct store_desk_item *desk_find_draft(const struct desk *desk, const struct store_desk_items *drafts,
                                              size_t subject, size_t slot, enum schedule_knee knee);

/* "from":DATE,"to":DATE,"target":DATE; null for DATE_NONE. */
void desk_append_dates(struct text *out, date_days from, date_days to, date_days target);
void desk_append_date(struct text *out, const char *key, date_days date);

/* "visits":[{"visit":ID,"title":TEXT},...] of the protocol */
void desk_append_visits(struct text *out, const struct protocol *protocol);

#endif
