/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analysis data of one study at one cut: what extract.c reads, and what dataset_derive adds.
 *
 * Arrays are ordered so that the same cut gives the same order: subjects by site and number; records by
 * subject, form (byte order), knee, date, receipt, instance, id (dataset_derive).  Only the newest version
 * of each record at the cut is here, voided records are not.
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
enum { NO_COHORT = -1, NO_VISIT = -1 };

struct record {
    /* read by extract */
    size_t subject;              /* index into subjects */
    const struct form *form;     /* definition of the version it was entered with */
    enum knee_side knee;
    const char *visit;           /* chosen by the person: visit id or "unscheduled" */
    int instance;
    int version;                 /* of the record at the cut */
    date_days date;
    int64_t received_us;         /* server time of version 1, microseconds UTC: corrections do not move it */
    const struct answer *answers;    /* form->item_count */
    const double *scores;            /* form->score_count */
    char id[37];
    /* derived */
    int day;                     /* study day of its knee (of the index knee: subject-level forms) */
    int analysis_visit;          /* index of the visit whose analysis window holds the day, NO_VISIT */
    bool selected;               /* the record of that visit for its form and knee */
};

struct subject {
    /* read by extract */
    int site, number;
    enum knee_side index_knee;   /* as enrolled; dataset_derive sets it by the protocol's rule */
    date_days enrolled;
    int allocated[3];            /* index into cohorts per knee_side, NO_COHORT; [KNEE_NONE]: the subject */
    /* derived */
    size_t first_record, record_count;   /* its records stand together */
    date_days day1[3];           /* first treatment per knee_side, DATE_NONE; [KNEE_NONE]: the index knee's */
    int cohort;                  /* of the index knee or of the subject, NO_COHORT before allocation */
    bool treated;                /* index knee has a day 1 */
    date_days last_contact;      /* end of study form, DATE_NONE when none */
    date_days died;              /* latest day that the date of death can mean, DATE_NONE while alive */
    date_days withdrawn;         /* follow-up ended by a decision (dataset_derive), DATE_NONE */
    const char *end_reason;      /* code of end_of_study.reason, NULL while in the study */
};

struct dataset {
    const struct catalogue *catalogue;
    const char *study_title;
    int cut_no;
    const char *cut_label;
    int64_t cut_made_us;         /* microseconds UTC */
    bool cut_sealed;
    bool pooled;                 /* masked study: one column, nothing that names an arm */
    const char *const *cohorts;      /* column ids: the protocol's cohorts, or {"Pooled"} */
    const char *const *cohort_titles;
    size_t cohort_count;
    struct subject *subjects;
    size_t subject_count;
    size_t voided_count;         /* enrolled, but the enrolment is void: not among the subjects */
    struct record *records;
    size_t record_count;
    /* derived */
    double *values;              /* of endpoints: see dataset_value */
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
 * other reason answers are expected still.
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

/* Answer of a record to an item by id, or NULL when the form has no such item or it was not answered. */
const struct answer *record_answer(const struct record *record, const char *item);

/* Record selected for (subject, knee, form id, visit index), or NULL. */
const struct record *dataset_selected(const struct dataset *dataset, size_t subject, enum knee_side knee,
                                      const char *form, int visit);

/*
 * The knee that the report looks at in records of a form: the index knee, or none for forms about the
 * subject.
 */
enum knee_side dataset_index_knee(const struct dataset *dataset, size_t subject, const struct form *form);

/*
 * Value of an endpoint of the index knee at a visit: NAN when missing.  At the baseline visit: the last
 * non-missing value on day 1 or before, per score, of every record that was not entered as unscheduled.
 */
double dataset_value(const struct dataset *dataset, size_t subject, size_t endpoint, int visit);

#endif
