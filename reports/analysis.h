/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analyses of the report: each reads the derived dataset and adds result rows.  reports/RESULTS.md lists
 * the tables, rows, columns and statistics that each one writes.
 */
#ifndef PATELLA_ANALYSIS_H
#define PATELLA_ANALYSIS_H

#include "reports/dataset.h"
#include "reports/results.h"

void analysis_populations(const struct dataset *dataset, struct results *results);    /* T1, T2 */
void analysis_flow(const struct dataset *dataset, struct results *results);           /* F1 */
void analysis_compliance(const struct dataset *dataset, struct results *results);     /* T2, visits in time */
void analysis_baseline(const struct dataset *dataset, struct results *results);       /* T3 */
void analysis_exposure(const struct dataset *dataset, struct results *results);       /* T4 */
void analysis_completeness(const struct dataset *dataset, struct results *results);   /* T5 */
void analysis_missingness(const struct dataset *dataset, struct results *results);    /* T5 */
void analysis_descriptives(const struct dataset *dataset, struct results *results);   /* T6 */
void analysis_distribution(const struct dataset *dataset, struct results *results);   /* F7 */
void analysis_ancova(const struct dataset *dataset, struct results *results);         /* T7 */
void analysis_mmrm(const struct dataset *dataset, struct results *results);           /* T8 */
void analysis_responders(const struct dataset *dataset, struct results *results);     /* T9 */
void analysis_effect_sizes(const struct dataset *dataset, struct results *results);   /* T10 */
void analysis_adverse_events(const struct dataset *dataset, struct results *results); /* T11 to T14 */
void analysis_sensitivity(const struct dataset *dataset, struct results *results);    /* T16 */
void analysis_events(const struct dataset *dataset, struct results *results);         /* T15 */
void analysis_contralateral(const struct dataset *dataset, struct results *results);  /* T18 */
void analysis_imaging(const struct dataset *dataset, struct results *results);        /* T18 */
void analysis_readings(const struct dataset *dataset, struct results *results);       /* T18 */
void analysis_rescue(const struct dataset *dataset, struct results *results);         /* T18 */
void analysis_cost(const struct dataset *dataset, struct results *results);           /* T18 */
void analysis_subgroups(const struct dataset *dataset, struct results *results);      /* T17 */
/* T19; after the repeated-measures models, whose rows it reads. */
void analysis_multiplicity(const struct dataset *dataset, struct results *results);
void analysis_adjusted(const struct dataset *dataset, struct results *results);       /* X3, unless randomised */

/* What the plan claims, by the rows of all others: the last one. */
void analysis_claims(const struct dataset *dataset, struct results *results);

/* The plan's primary visit, or the last one after baseline; NO_VISIT when there is none. */
int analysis_main_visit(const struct dataset *dataset);

/* When an analysis runs.  Those that take long come first, so that threads end at about the same time. */
enum analysis_kind {
    ANALYSIS_LONG,
    ANALYSIS_SHORT,
    ANALYSIS_READS_ROWS          /* of those before it in the table */
};

/* All of them, in the order of their rows; the last one has no `run`. */
struct analysis {
    const char *name;            /* for people who look at times */
    /* Reads nothing but the dataset and changes nothing but `results`: others run beside it. */
    void (*run)(const struct dataset *dataset, struct results *results);
    enum analysis_kind kind;
};
extern const struct analysis analyses[];

/* What one took, in seconds. */
struct analysis_time {
    double wall, cpu;
};

/* Runs all of them on two threads.  Rows and their order do not depend on which of them ends first. */
void analysis_run(const struct dataset *dataset, struct results *results);
/* The same; `times`, one for each analysis, may be NULL. */
void analysis_run_timed(const struct dataset *dataset, struct results *results, struct analysis_time *times);

#endif
