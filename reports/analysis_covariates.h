/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What models of change adjust for: the terms of the plan as a number or a level of each subject, and the
 * variables that stat_linear_design.h makes of them.  Built once for an analysis; of each endpoint only the
 * baseline differs.
 */
#ifndef PATELLA_ANALYSIS_COVARIATES_H
#define PATELLA_ANALYSIS_COVARIATES_H

#include "reports/dataset.h"
#include "reports/stat_linear_design.h"

struct covariate {
    enum term_kind kind;
    const struct item_reference *item;   /* TERM_ITEM only */
    const char *name;            /* "base", "site", "baseline.severity" */
    size_t levels;               /* of a factor (site, choice, boolean); 0: a number */
    const char *const *level_names;      /* site numbers, or codes */
    const int *codes;            /* factor: level of each subject, -1 where not answered */
    const double *values;        /* number: of each subject, NAN where not answered; NULL for the baseline */
};

struct covariates {
    const struct covariate *at;
    size_t count;
    const char *formula;         /* "cohort+base+site" */
    const int *cohort;           /* column of each subject, -1 when not allocated */
    const bool *included;        /* treated, and in a column */
    size_t cohort_count, subject_count;
};

/* "base", "site", "form.item". */
const char *covariates_name(const void *owner, const struct model_term *term);

/* "cohort+base+site": how tables of a model with these terms are named. */
const char *covariates_formula(const void *owner, const struct model_term *terms, size_t term_count);

/*
 * Terms in the plan's order.  Levels of a site: those of treated subjects, by number; of an
 * item: its codes over all versions of its form.  Answers as analysis_strata.h takes them.
 */
struct covariates covariates_of(const void *owner, const struct dataset *dataset,
                                const struct model_term *terms, size_t term_count);

enum { COVARIATES_COHORT };      /* index of the cohort among the variables; the term t is t + 1 */

/*
 * Variables (count + 1, the cohort first) of a model of an endpoint whose values before treatment are
 * `baseline`; memory of owner.
 */
struct linear_variable *covariates_variables(const void *owner, const struct covariates *covariates,
                                             const double *baseline);

/* A main effect for each of the first `count` variables. */
struct linear_term *covariates_terms(const void *owner, size_t count);

/* Change from baseline of each subject into `change`, NAN where one of both is missing. */
void covariates_change(const struct dataset *dataset, const double *baseline, const double *value,
                       double *change);

#endif
