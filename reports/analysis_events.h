/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the analyses of times to an event, and those who read their rows. */
#ifndef PATELLA_ANALYSIS_EVENTS_H
#define PATELLA_ANALYSIS_EVENTS_H

#include "reports/analysis_rows.h"
#include "reports/event_times.h"

/* Column of the rows about all columns together. */
#define EVENTS_OVERALL "overall"

struct event_analysis {
    const struct dataset *dataset;
    const struct timed_event *event;
    struct contrasts contrasts;
    struct survival_data data;       /* without strata */
    struct survival_data stratified; /* the same by the protocol's strata; stratum_count 1 without */
    double level;
    struct results *results;
    void *owner;                 /* of all of it, and of what is computed on the way */
};

struct event_days {
    const int *at;               /* study days, rising */
    size_t count;
};

/* Days that the curves of event `index` of the plan are read on: the event's own, and those that claims ask for. */
struct event_days event_days_of(const void *owner, const struct analysis_plan *plan, size_t index);

/* "Cox ID": hazard ratios by contrast. */
void event_analysis_add_hazard_ratios(const struct event_analysis *analysis);

#endif
