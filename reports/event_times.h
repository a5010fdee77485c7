/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time from treatment to an event that the protocol names (protocol_analysis.h, struct timed_event), one a
 * subject.
 *
 * Study days from day 1 of the index knee.  The event is the first record of its form for which `when` is true
 * and whose day can lie after day 1; an event that one hopes for counts on day 1 already, because it can follow
 * the treatment on the same day.  A record that the day's item is not answered in has the date of the record.
 *
 * Partial days: the one of the days that the date can mean which speaks against the treatment.  An event that
 * one would rather not have: the earliest one after day 1; one that one hopes for: the latest one, not after
 * the record that tells of it.  What can only lie after death does not count.
 *
 * Where the protocol studies the event among some (`among`), the others have no time.
 *
 * Without the event: death where the protocol says that it competes; else censored at the end of follow-up
 * (subject.followed_until), on day 1 when that is said to be before the treatment.  An event counts also when
 * it is dated after the last contact.
 */
#ifndef PATELLA_EVENT_TIMES_H
#define PATELLA_EVENT_TIMES_H

#include "reports/dataset.h"
#include "reports/stat_survival.h"

struct event_times {
    const struct timed_event *event;
    /* The event's condition or day rests on what a masked report may not read: there are no times. */
    bool refused;
    /* One for each of dataset->subjects: */
    double *days;                /* study day, >= 1; NAN: not treated, not allocated, or not among those studied */
    unsigned char *status;       /* enum survival_status */
    bool *imputed;               /* the day of the event rests on a partial date */
    size_t imputed_count;
    size_t unread;               /* records of versions of the form that the condition does not fit: no events */
};

/* Memory of `owner`.  One pass over the records. */
struct event_times *event_times_of(const void *owner, const struct dataset *dataset, const struct timed_event *event);

/* Those who have times, as the statistics take them: groups are columns, one stratum. */
struct event_sample {
    struct survival_data data;
    const size_t *subjects;      /* data.count indices into dataset->subjects */
};

struct event_sample event_sample_of(const void *owner, const struct dataset *dataset, const struct event_times *times);

#endif
