/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Proportional hazards regression (Cox): hazard ratios of time to an event.
 * A few covariates and up to a million subjects; time is linear in the subjects.
 */
#ifndef PATELLA_STAT_COX_H
#define PATELLA_STAT_COX_H

#include "reports/stat_survival.h"

/* Subjects with their event on the same day: Efron (R's choice) or Breslow (SAS's). */
enum cox_ties { COX_EFRON, COX_BRESLOW };

struct cox_model {
    const struct survival_data *data;   /* group is not looked at; competing events count as censored */
    const double *covariates;    /* data->count x covariate_count, those of a subject together; finite */
    size_t covariate_count;      /* >= 1 */
    /* The first so many are 0 or 1, one for each group but the reference: reasons speak of groups then. */
    size_t group_covariates;
    const unsigned *cluster;     /* count; 0 .. cluster_count - 1; NULL: subjects are independent */
    size_t cluster_count;
    enum cox_ties ties;
    double level;
};

struct cox_coefficient {
    double coef;                 /* log hazard ratio, per unit of the covariate */
    double se;                   /* with clusters the robust one */
    double model_se;             /* from the information */
    double hr, lo, hi;           /* limits of the ratio: exp(coef -+ z se) */
    double z, p;                 /* Wald, two-sided */
    const char *reason;          /* all of them are NAN, or NULL */
};

struct cox_test {
    double chi_square, p;
    size_t df;
};

struct cox_fit {
    size_t n, events;
    size_t iterations;
    struct cox_coefficient *coefficients;    /* covariate_count */
    double *covariance;          /* covariate_count x covariate_count; robust with clusters; NAN, as coef */
    double log_likelihood_null, log_likelihood;
    struct cox_test score, likelihood_ratio; /* of all covariates; take subjects as independent */
    struct cox_test wald;        /* robust with clusters */
    const char *reason;          /* why nothing is estimated: all numbers are NAN; or NULL */
};

/*
 * Fit by Newton's method with step halving on centred and scaled covariates, until a step would gain less
 * than 1e-18 of log likelihood.  Strata have a baseline hazard of their own.
 * A covariate that is constant in every set at risk or depends on those before it has no coefficient; nor has
 * one whose coefficient the likelihood drives to infinity (its standard error still grows when there is
 * nothing more to gain).  The others are estimated beside it (their limit), and the likelihood ratio is that
 * of the limit; there is no Wald test then.
 * Robust variance: sum over clusters of D D', D = V x (sum of the score residuals of the cluster).
 * Sources: Cox, J R Stat Soc B 1972;34:187; Efron, JASA 1977;72:557; Breslow 1974; Lin & Wei, JASA
 * 1989;84:1074; Therneau & Grambsch 2000, sections 3.3, 7.1, 8.2; R coxph, SAS PROC PHREG.
 */
struct cox_fit *stat_cox_fit(const void *owner, const struct cox_model *model);

#endif
