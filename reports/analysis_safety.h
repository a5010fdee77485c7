/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the analyses of adverse events: rows of events, what is counted of them in each column, and the
 * result rows that follow.  Nobody else's interface.
 */
#ifndef PATELLA_ANALYSIS_SAFETY_H
#define PATELLA_ANALYSIS_SAFETY_H

#include "reports/adverse_event.h"
#include "reports/analysis_rows.h"

/* What is counted of an event, small enough that those of a whole study stay near the processor. */
struct event_fact {
    uint32_t subject;
    int32_t day;                 /* from the first treatment to the onset, both counted: 1 .. follow_up */
    int32_t follow_up;           /* of the subject, days */
    uint16_t column;
    uint8_t severity;            /* enum severity */
    bool related, relation_missing, serious;
};

/* Events with one name, in the dataset's order, so that those of a subject follow each other. */
struct event_row {
    const char *name;            /* "ANY", a class, "CLASS | TERM"; a code of special interest */
    const uint32_t *events;      /* indices into list.events */
    size_t count;
    bool term;
    bool refused;                /* it would name an arm: has no events here */
};

struct event_rows {
    struct event_row *at;
    size_t count;
};

struct safety {
    const struct dataset *dataset;
    double level;
    struct columns columns;
    struct contrasts contrasts;
    struct adverse_events list;
    const struct event_fact *facts;      /* one for each event of the list */
    int64_t *days;               /* follow-up of each column */
    struct event_rows rows;      /* ANY, then classes, then terms; both in byte order */
    struct event_rows interests; /* codes of special interest but `none`, in the form's order */
    struct tally *tally;         /* scratch: one for each column */
    struct results *results;
};

/* What one row has in one column. */
struct tally {
    size_t subjects, events;
    int64_t days;                /* at risk: to each subject's first event of the row, or end of follow-up */
    /* scratch of tally_count */
    size_t last_subject;         /* index + 1 of the subject that was counted last */
    int32_t first;               /* days to its first event so far */
};

/* Everything above; memory of `owner`. */
struct safety *safety_new(const void *owner, const struct dataset *dataset, struct results *results);

void tally_clear(const struct safety *safety);
/* Counts an event of the list; those of a subject have to come one after the other. */
void tally_count(const struct safety *safety, size_t event);

/* Whether an event is counted. */
typedef bool event_filter(const struct adverse_event *event);

/* Clears, then counts the events of a row that pass (NULL: all). */
void tally_row(const struct safety *safety, const struct event_row *row, event_filter *passes);

/* Result rows of the tally, under this table and row; by column. */
void safety_add_counts(const struct safety *safety, const char *table, const char *row);
/* By contrast. */
void safety_add_differences(const struct safety *safety, const char *table, const char *row);
/* Rates by column, and their ratios and differences by contrast. */
enum rate_part { RATES_BY_COLUMN, RATES_WITH_CONTRASTS };
void safety_add_rates(const struct safety *safety, const char *table, const char *row, enum rate_part part);

/* T13: by worst severity, by relation, serious ones, by time since the last injection. */
void safety_add_parts(const struct safety *safety);

#endif
