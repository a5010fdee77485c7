/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the imputation: one completed analysis from sums over subjects.  Callers use stat_imputation.h. */
#ifndef PATELLA_STAT_IMPUTATION_MODEL_H
#define PATELLA_STAT_IMPUTATION_MODEL_H

#include "reports/stat_imputation.h"
#include "reports/stat_mmrm_model.h"

/* ---- stat_imputation_cells.c ---- */

/* The subjects of a model, in cells by pattern, cohort and the visits that do not count for them. */
struct imputation_cells {
    struct mmrm_model model;     /* shares everything with the fit's but, when somebody waits, the cells */
    unsigned *waiting;           /* of each cell: used visits that are not over */
    size_t *subjects;            /* that are completed */
    size_t *cell_of;             /* of each of them */
    size_t subject_count;
};

/* `over` as stat_imputation takes it. */
struct imputation_cells *imputation_cells_new(const void *owner, const struct mmrm_model *whole,
                                              const bool *over);

/* ---- stat_imputation_model.c ---- */

/* A model without some subjects, and room for what is computed from it. */
struct imputation_replicate {
    struct mmrm_model model;     /* shares everything with the whole but what follows */
    const unsigned *waiting;     /* of each cell */
    double *theta;
    struct mmrm_state *state;
    double *effects, *mean;      /* sources x visits: what z adds to the mean; sums of z times the mean */
    double *zz;                  /* sources^2, of the subjects of a visit */
    double *sides;               /* sources x (strategies + cohorts) x visits: z'y completed; z'1[imputed] */
    double *factor;
    bool *kept;                  /* sources */
};

struct imputation_replicate *imputation_replicate_new(const void *owner,
                                                      const struct imputation_cells *cells);

/*
 * Estimates [strategy][cohort][visit] and slopes [cohort][visit] of the replicate with `theta` and
 * state->beta, NAN where a cohort cannot be told apart at a visit; NULL, or the reason why there are none.
 */
const char *imputation_analyse(struct imputation_replicate *replicate, int reference, double *estimates,
                               double *slopes);

#endif
