/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The changes from baseline at all visits of a subject, as models for repeated measures take them
 * (stat_mmrm.h): change ~ cohort x visit + baseline x visit + the plan's other covariates.
 */
#ifndef PATELLA_ANALYSIS_REPEATED_H
#define PATELLA_ANALYSIS_REPEATED_H

#include "reports/analysis_covariates.h"
#include "reports/stat_mmrm.h"

struct repeated {
    const struct dataset *dataset;
    struct covariates covariates;
    const size_t *column_of_code;    /* cohorts are coded with the reference first, then in the dataset's order */
    const int *code_of_column;
    const int *cohort;           /* code of each subject, -1 unless treated and in a column */
    const size_t *visits;        /* the protocol's visits after baseline; the model's visit j is visits[j] */
    size_t visit_count;
};

/* Column of the protocol's reference cohort; NO_COHORT without one or when pooled. */
int repeated_reference(const struct dataset *dataset);

/* What all endpoints share; memory of owner. */
struct repeated *repeated_new(const void *owner, const struct dataset *dataset);

/* The model's visit of a visit of the protocol; MMRM_NO_VISIT when it is none after baseline. */
int repeated_find_visit(const struct repeated *repeated, int visit);

/* The input of an endpoint; owned by `owner`, refers to `repeated` and the dataset. */
struct mmrm_input *repeated_input(const void *owner, const struct repeated *repeated, size_t endpoint);

/* "change ~ cohort x visit + base x visit + site", names as in the protocol. */
const char *repeated_formula(const void *owner, const struct dataset *dataset);

#endif
