/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analysis data of one study at one cut: what extract.c reads, and what dataset_derive adds.
 *
 * Arrays are ordered so that the same cut gives the same order: subjects by site and number; records by subject, form
 * (byte order), knee, date, receipt, instance, id.  Only the newest version of each record at the cut is here; voided
 * records are apart (dataset_voided).  dataset_build.h is how records come in.
 *
 * Made for a million subjects: a record is 32 bytes, beside it lie only the scores that the protocol's endpoints name
 * and, for forms without scores or with items that the protocol names, the answers that were given, each distinct one
 * kept once.  Of other answers it is known which items were answered.  No block of memory grows with the study, but for
 * columns of one number a subject.
 */
#ifndef PATELLA_DATASET_H
#define PATELLA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/date.h"
#include "forms/base/error.h"
#include "forms/protocol.h"
#include "forms/submission.h"

enum knee_side { KNEE_NONE, KNEE_LEFT, KNEE_RIGHT };

#define STUDY_DAY_NONE INT32_MIN
#define VISIT_UNSCHEDULED "unscheduled"      /* the visit of a record that was entered for none */
#define HARVEST_SITE "harvest_site"          /* code of special interest: events there name the arm */
enum { NO_COHORT = -1, NO_VISIT = -1 };

/* A record; its form, visit, scores and answers are asked for by the functions below. */
struct record {
    /* read by extract */
    uint32_t subject;            /* index into subjects */
    date_days date;
    int32_t version;             /* of the record at the cut */
    uint16_t form;               /* index into catalogue->forms: the version it was entered with */
    uint16_t visit_name;         /* record_visit */
    uint16_t instance;
    uint8_t knee;                /* enum knee_side */
    /* derived */
    bool selected;               /* the record of that visit for its form and knee */
    int32_t day;                 /* study day of its knee (of the index knee: subject-level forms) */
    int16_t analysis_visit;      /* index of the visit whose analysis window holds the day, NO_VISIT */
    /* dataset_build.c's own */
    uint16_t parts;
    uint32_t payload;
};

/* Records of one subject, in the dataset's order. */
struct records {
    const struct record *at;
    size_t count;
};

struct record_block;

struct subject {
    /* read by extract */
    int site, number;
    enum knee_side index_knee;   /* as enrolled; dataset_derive sets it by the protocol's rule */
    date_days enrolled;
    int allocated[3];            /* index into cohorts per knee_side, NO_COHORT; [KNEE_NONE]: the subject */
    const struct record_block *block;    /* dataset_records */
    uint32_t first_record, record_count;
    /* derived */
    date_days day1[3];           /* first treatment per knee_side, DATE_NONE; [KNEE_NONE]: the index knee's */
    int cohort;                  /* of the index knee or of the subject, NO_COHORT before allocation */
    bool treated;                /* index knee has a day 1 */
    date_days last_contact;      /* end of study form, DATE_NONE when none */
    date_days died;              /* latest day that the date of death can mean, DATE_NONE while alive */
    date_days withdrawn;         /* follow-up ended by a decision (dataset_derive), DATE_NONE */
    date_days followed_until;    /* last day that something is known of: dataset_derive */
    const char *end_reason;      /* code of end_of_study.reason, NULL while in the study */
};

struct record_store;

struct dataset {
    const struct catalogue *catalogue;
    const char *study_title;
    int cut_no;
    const char *cut_label;
    int64_t cut_made_us;         /* microseconds UTC */
    bool cut_sealed;
    const char *unblinding;      /* the request by which cohorts of a masked study are told apart, or NULL */
    const char *opened_by;       /* the request by which they were read this time: another one when it is made again */
    bool pooled;                 /* masked study: one column, nothing that names an arm */
    const char *const *cohorts;      /* column ids: the protocol's cohorts, or {"Pooled"} */
    const char *const *cohort_titles;
    size_t cohort_count;
    struct subject *subjects;
    size_t subject_count;
    size_t voided_count;         /* enrolled, but the enrolment is void: not among the subjects */
    size_t record_count;
    struct record_store *store;  /* dataset_build.h */
    /* derived */
    double ***values;            /* [endpoint][visit][subject]: dataset_values */
};

/*
 * Derives everything marked so above; memory hangs on `dataset`, which is a talloc block.
 *
 * Index knee: as the protocol's rule says (protocol.h); of two knees treated on the same day the one whose
 * last non-missing value of protocol->index_knee_pain on day 1 or before is worse, a missing value counting
 * as best.  Day 1 of a knee is its first treatment; an untreated knee and what is about the subject count
 * from the index knee's.  A record counts for the visit whose analysis window holds its day, whatever visit
 * the person chose; one that was entered as `unscheduled` counts for none.  Selected per form, knee and
 * visit: closest to the target in days of the calendar; tie: the later day; same day: the later receipt, then
 * the greater instance, then the greater id.  Follow-up ends by a decision with the reasons withdrew_consent,
 * adverse_event, physician_decision and study_stopped; after joint_replacement, lost_to_follow_up and any
 * other reason answers are expected still.  Followed until: the last contact that the end-of-study form names; without
 * one the latest date of the subject's records; the day of death when that is earlier; not after the cut.
 * Sources: CDISC ADaM IG 1.3, ADY and section 4.5; the protocol.
 * ERROR_INPUT when the protocol has no baseline visit.
 */
bool dataset_derive(struct dataset *dataset, struct error *error) MUST_CHECK;

/* Index of the baseline visit: the last one whose analysis window ends on day 1 or before. */
int dataset_baseline(const struct dataset *dataset);

/*
 * A visit that changes and responses are shown for: visits come in order, a screening visit stands before
 * baseline.
 */
bool dataset_is_after_baseline(const struct dataset *dataset, int visit);

/* Days of the calendar between two study days; there is no day 0. */
int dataset_distance(int day, int other);

/* Column of a subject: its cohort, the one column of a pooled report, or NO_COHORT. */
int dataset_column(const struct dataset *dataset, size_t subject);

/* The date of the cut (UTC). */
date_days dataset_cut_date(const struct dataset *dataset);

/*
 * What a pooled dataset holds no answers of: items that reveal the arm, and texts in somebody's own words
 * ("worse after the cells").  The coded terms of adverse events are a dictionary's words and stay.
 */
bool dataset_item_may_name_arm(const struct item *item);

/* ---- records ---- */

/* Those of a subject; they lie behind each other.  All records: over all subjects. */
struct records dataset_records(const struct dataset *dataset, size_t subject);

/* Of these the records of one form, by its number (dataset_form_number; -1: none); after dataset_derive. */
struct records dataset_records_of(const struct dataset *dataset, size_t subject, int form_number);

const struct form *record_form(const struct dataset *dataset, const struct record *record);

/* How many records there are of form number `form` of catalogue->forms, which is one version of a form. */
size_t dataset_form_records(const struct dataset *dataset, size_t form);

/* A number for a form's id, whichever its versions; -1 for one that the study has not. */
int dataset_form_number(const struct dataset *dataset, const char *form);
bool record_is(const struct dataset *dataset, const struct record *record, int form_number);

/* Chosen by the person: visit id or VISIT_UNSCHEDULED; the latter constant time. */
const char *record_visit(const struct dataset *dataset, const struct record *record);
bool record_is_unscheduled(const struct dataset *dataset, const struct record *record);

/* Answer of a record to an item by id, or NULL when the form has no such item or it was not answered. */
const struct answer *record_answer(const struct dataset *dataset, const struct record *record, const char *item);

/* Whether item number `item` of the record's form was answered; known for every form. */
bool record_item_answered(const struct dataset *dataset, const struct record *record, size_t item);

/* How many of the items in `mask` were answered; bit i % 64 of word i / 64 is item number i of the record's form. */
size_t record_count_answered(const struct dataset *dataset, const struct record *record, const uint64_t *mask);

/* Score number `score` of the record's form: NAN when not scored, or when no endpoint of the protocol names it. */
double record_score(const struct dataset *dataset, const struct record *record, size_t score);

/*
 * Where a record came from.  Known of records whose form has no scores, and of those that only this tells apart from
 * another one of the same form, knee and date; NULL otherwise.
 */
struct record_origin {
    int64_t received_us;         /* server time of version 1, microseconds UTC: corrections do not move it */
    uint8_t id[16];              /* of the newest version */
};
const struct record_origin *record_origin(const struct dataset *dataset, const struct record *record);

/* A record whose newest version is void: for listings, nothing else counts it. */
struct voided_record {
    struct record record;        /* no answers, no scores, for no visit */
    const char *reason;          /* in the words of who voided it; "" in a masked study, and where it is not known */
    uint32_t person;             /* of dataset_build.h, as `given` */
    bool given;
};

/* Those of subjects, by subject, form, knee, date, visit and instance; after dataset_derive. */
const struct voided_record *dataset_voided(const struct dataset *dataset, size_t *count);

/* The reason of a record that dataset_voided gave; NULL for every other one. */
const char *record_void_reason(const struct dataset *dataset, const struct record *record);

/* Record selected for (subject, knee, form id, visit index), or NULL. */
const struct record *dataset_selected(const struct dataset *dataset, size_t subject, enum knee_side knee,
                                      const char *form, int visit);

/*
 * The knee that the report looks at in records of a form: the index knee, or none for forms about the
 * subject.
 */
enum knee_side dataset_index_knee(const struct dataset *dataset, size_t subject, const struct form *form);

/* ---- values of endpoints ---- */

/*
 * Values of an endpoint of the index knee at a visit, one a subject: NAN when missing.  At the baseline visit: the last
 * non-missing value on day 1 or before, per score, of every record that was not entered as unscheduled.
 */
const double *dataset_values(const struct dataset *dataset, size_t endpoint, int visit);
double dataset_value(const struct dataset *dataset, size_t subject, size_t endpoint, int visit);

enum dataset_knee {
    DATASET_INDEX_KNEE,
    DATASET_OTHER_KNEE           /* the contralateral one; NAN everywhere for forms about the subject */
};
enum dataset_window {
    DATASET_ANALYSIS_WINDOW,
    DATASET_DUE_WINDOW           /* the protocol's strict window, baseline as ever: sensitivity */
};

/*
 * The same for the other knee, or by the strict windows: columns[visit][subject], memory of `owner`.  Within a window
 * the record is chosen as dataset_derive says.  One pass over the records.
 */
double **dataset_collect_values(const void *owner, const struct dataset *dataset, size_t endpoint,
                                enum dataset_knee knee, enum dataset_window window);

#endif
