/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A simulated trial of any size, shaped like tests/golden/trial1000/simulate_trial.R: three cohorts, five visits
 * with 24 items of the WOMAC, a pain VAS and a global assessment, drop-out, adverse events, knee replacements.  A
 * subject is made from its number alone, so that nothing has to be kept.
 */
#ifndef PATELLA_BENCH_TRIAL_H
#define PATELLA_BENCH_TRIAL_H

#include <stdbool.h>

#include "forms/base/date.h"

enum { TRIAL_VISITS = 5, TRIAL_ITEMS = 24, TRIAL_EVENTS = 12, TRIAL_SITES = 20 };

struct trial_visit {
    bool kept;
    date_days date;
    int items[TRIAL_ITEMS];      /* 0 to 4, -1: not answered */
    int vas, pga;                /* 0 to 100 */
};

struct trial_event {
    const char *system, *term, *severity, *related;
    bool serious;
    date_days onset;
};

struct trial_subject {
    int site, number;
    const char *cohort;
    bool female;
    int age, grade, injections;
    double bmi;
    date_days enrolled, treated, last_contact;
    date_days replaced;          /* DATE_NONE: not */
    bool completed;              /* came to the last visit */
    struct trial_visit visits[TRIAL_VISITS];
    struct trial_event events[TRIAL_EVENTS];
    int event_count;
};

/* First and last day on which anything of any subject happens. */
#define TRIAL_FIRST_DAY date_from_civil(2020, 12, 1)
#define TRIAL_LAST_DAY date_from_civil(2026, 3, 1)

extern const char *const trial_visit_names[TRIAL_VISITS];

/* Subject `number`, from 0 on. */
void trial_make_subject(int number, struct trial_subject *subject);

#endif
