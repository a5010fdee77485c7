/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What worklist and schedule are made of, as the database has it (migrations/sql/0044_desk.sql).  Dates that are not
 * there are DATE_NONE; lists are by site and number unless it says otherwise.
 */
#ifndef PATELLA_STORE_DESK_H
#define PATELLA_STORE_DESK_H

#include "collector/schedule.h"
#include "collector/store.h"

struct store_desk_subject {
    int site, subject;
    enum schedule_knee index_knee;
    date_days enrolled;
    bool locked;
    const char *coordinator;             /* account that enrolled */
    date_days day1[SCHEDULE_KNEES];
    int *there;                          /* struct schedule_facts; zeros where it was not asked for */
};

struct store_desk_subjects {
    struct store_desk_subject *rows;
    size_t count;
};

/* Which subjects; 0: any. */
struct store_desk_filter {
    int site, subject;
    bool with_records;                   /* fills `there` */
};

struct store_desk_subjects *store_list_desk_subjects(const void *owner, struct store *store,
                                                     const struct store_reader *reader,
                                                     const struct schedule_plan *plan,
                                                     const struct store_desk_filter *filter,
                                                     struct error *error) MUST_CHECK;

/* A record that may end follow-up. */
struct store_desk_ending {
    int site, subject;
    const char *form;
    int form_version;
    date_days dated;
    const char *content;
};

struct store_desk_endings {
    struct store_desk_ending *rows;      /* of a subject by date */
    size_t count;
};

struct store_desk_endings *store_list_desk_endings(const void *owner, struct store *store,
                                                   const struct store_reader *reader,
                                                   const struct store_desk_filter *filter,
                                                   struct error *error) MUST_CHECK;

/* Newest version of a record at a visit. */
struct store_desk_record {
    int site, subject;
    const char *form, *visit, *id, *dated;
    enum schedule_knee knee;
};

struct store_desk_records {
    struct store_desk_record *rows;      /* in the order of the subjects that were asked for */
    size_t count;
};

/* Numbers of subjects; at most 1000. */
struct store_desk_numbers {
    const int32_t *sites, *subjects;
    size_t count;
};

struct store_desk_records *store_list_desk_records(const void *owner, struct store *store,
                                                   const struct store_reader *reader,
                                                   const struct store_desk_numbers *numbers,
                                                   struct error *error) MUST_CHECK;

struct store_desk_mark {
    int site, subject;
    int64_t open_queries;
    const char *cohorts[SCHEDULE_KNEES]; /* NULL: not allocated, or the study is masked; [0]: the subject's */
};

struct store_desk_marks {
    struct store_desk_mark *rows;
    size_t count;
};

struct store_desk_marks *store_list_desk_marks(const void *owner, struct store *store,
                                               const struct store_reader *reader,
                                               const struct store_desk_numbers *numbers,
                                               struct error *error) MUST_CHECK;

/* What waits beside visits; NULL and 0 where there is none. */
struct store_desk_item {
    const char *kind;                    /* query, event_clock, refused_upload, draft */
    int site, subject;
    const char *knee, *visit, *form, *id;
    const char *record;                  /* id of the newest version of the record that it is about */
    const char *title, *since, *until;
    const char *person;
    int version;                         /* of a draft: the version that it will be */
};

struct store_desk_items {
    struct store_desk_item *rows;
    size_t count;
};

/* Site 0: all. */
struct store_desk_items *store_list_desk_items(const void *owner, struct store *store,
                                               const struct store_reader *reader, int site,
                                               struct error *error) MUST_CHECK;

/* The caller's own drafts. */
struct store_desk_items *store_list_desk_drafts(const void *owner, struct store *store,
                                                const struct store_reader *reader,
                                                const struct store_desk_filter *filter,
                                                struct error *error) MUST_CHECK;

#endif
