/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the imputation: one completed analysis from sums over subjects.  Callers use stat_imputation.h. */
#ifndef PATELLA_STAT_IMPUTATION_MODEL_H
#define PATELLA_STAT_IMPUTATION_MODEL_H

#include "reports/stat_imputation.h"
#include "reports/stat_mmrm_model.h"

/* A model without some subjects, and room for what is computed from it. */
struct imputation_replicate {
    struct mmrm_model model;     /* shares everything with the whole but what follows */
    double *theta;
    struct mmrm_state *state;
    double *effects, *mean;      /* sources x visits: what z adds to the mean; sums of z times the mean */
    double *zz;                  /* sources^2, of all subjects */
    double *sides;               /* sources x (visits x strategies + visits): z'y completed; z'1[imputed] */
    double *factor;
    bool *kept;                  /* sources */
};

struct imputation_replicate *imputation_replicate_new(const void *owner, const struct mmrm_model *whole);

/*
 * Estimates [strategy][cohort][visit] and slopes [cohort][visit] of the replicate with `theta` and
 * state->beta; NULL, or the reason why there are none.
 */
const char *imputation_analyse(struct imputation_replicate *replicate, int reference, double *estimates,
                               double *slopes);

#endif
