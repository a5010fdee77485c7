/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Partial likelihood of Cox's model with its derivatives and residuals; for stat_cox.c only. */
#ifndef PATELLA_STAT_COX_LIKELIHOOD_H
#define PATELLA_STAT_COX_LIKELIHOOD_H

#include "reports/stat_cox.h"

/* Subjects by stratum and from the last day to the first; equal ones by status and covariates. */
struct cox_rows {
    size_t count, width;         /* width: covariates */
    size_t events;
    enum cox_ties ties;
    const size_t *subject;       /* their index in the data */
    const double *days;
    const bool *event;
    const unsigned *stratum;
    double *x;                   /* count x width, centred and scaled to standard deviation 1 */
    double *scale;               /* standard deviation of each covariate; 1 where it is 0 */
};

struct cox_rows *cox_rows_new(const void *owner, const struct cox_model *model);

/* Leaves only the covariates that are kept. */
void cox_rows_take(struct cox_rows *rows, const bool *kept);

struct cox_point {
    double log_likelihood;       /* NAN or infinite when a hazard is */
    double *score;               /* width */
    double *information;         /* width x width */
};

struct cox_point *cox_point_new(const void *owner, size_t width);

void cox_evaluate(const struct cox_rows *rows, const double *coefficients, struct cox_point *point);

/*
 * Score residuals (count x width, rows' order; they sum to the score).
 * Source: Therneau & Grambsch 2000, section 4.6 with the weights of Efron's ties (section 3.3).
 */
double *cox_score_residuals(const void *owner, const struct cox_rows *rows, const double *coefficients);

#endif
