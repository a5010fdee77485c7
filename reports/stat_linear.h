/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analysis of covariance: least squares on factors and numbers, least squares means, differences, F tests.
 *
 * One pass sums X'X and X'y over sparse rows, or over the cells that the factors make; squared residuals come
 * from them, or from one more pass where that would lose digits.  No matrix of the size of the study.  What
 * cannot be estimated is NAN with a reason, a text in plain English that a report can print.  Not for
 * repeated measures: that is stat_mmrm.
 */
#ifndef PATELLA_STAT_LINEAR_H
#define PATELLA_STAT_LINEAR_H

#include "reports/stat_linear_design.h"

/*
 * LINEAR_MODEL_VARIANCE   s^2 (X'X)^-
 * LINEAR_HC3              (X'X)^- [sum x x' e^2 / (1 - h)^2] (X'X)^-, for variances that are not equal.
 *                         Source: MacKinnon & White, J Econometrics 1985;29:305; vcovHC of R's
 *                         sandwich
 */
enum linear_variance { LINEAR_MODEL_VARIANCE, LINEAR_HC3 };

/* Weights of the levels of the factors that a mean is averaged over. */
enum linear_margins {
    LINEAR_EQUAL,            /* every level that has a record used: SAS LSMEANS, R emmeans */
    LINEAR_OBSERVED,         /* by the records used: SAS LSMEANS / OM, R emmeans(weights = "proportional") */
};

struct linear_fit {
    struct linear_design *design;   /* records used, left out, counts by level */
    const char *reason;             /* not NULL: there is no fit, and nothing below */
    const char *variance_reason;    /* not NULL: there are estimates, but neither SE nor limits nor p */
    size_t rank;
    double df;                      /* residual: used - rank; infinite in a logistic model */
    double residual_ss, residual_sd;
    double r2;                      /* 0 to 1; NAN when the response does not vary */
    double total_ss;                /* of the response about its mean */
    double *xtx, *xty;              /* cross-products of the columns, centred; xtx whole */
    double *squares;                /* of the columns before centring */
    bool *kept;                     /* columns that do not depend on those before them */
    double origin;                  /* of the intercept: mean of the response; 0 in a logistic model */
    double *coefficients;           /* 0 where not kept */
    double *inverse;                /* (X'X)^-: of the kept columns, 0 elsewhere */
    double *covariance;             /* of the coefficients; NULL when variance_reason is set */
};

struct linear_estimate {
    double estimate, se, df, lo, hi;
    double t, p;                    /* of estimate = 0, two-sided */
    const char *reason;             /* NULL, or why estimate, or all but it, is NAN */
};

struct linear_test {
    double ss, f, df1, df2, p;
    const char *reason;             /* NULL, or why f and p (and perhaps ss) are NAN */
};

/* Never NULL; hangs on owner; data must outlive it. */
struct linear_fit *stat_linear_fit(const void *owner, const struct linear_data *data,
                                   enum linear_variance variance);

/*
 * Least squares mean of a level of a factor: other factors by margins, numbers at their means over the
 * records used, t limits of `level` with the residual degrees of freedom.
 * Source: Searle, Speed & Milliken, Am Stat 1980;34:216 (population marginal means).
 */
struct linear_mean {
    int factor;                     /* a variable that is a factor */
    size_t at;                      /* its level */
    int within;                     /* another factor held at within_level, or LINEAR_MAIN */
    size_t within_level;
    enum linear_margins margins;
};
struct linear_estimate stat_linear_mean(const struct linear_fit *fit, const struct linear_mean *mean,
                                        double level);

/* Mean a less mean b. */
struct linear_estimate stat_linear_difference(const struct linear_fit *fit, const struct linear_mean *a,
                                              const struct linear_mean *b, double level);

/* Difference of differences: (a less b) less (c less d), e.g. of two cohorts in two subgroups. */
struct linear_estimate stat_linear_interaction(const struct linear_fit *fit,
                                               const struct linear_mean means[4], double level);

/*
 * F test of a term: the model with it against the model without, type III for terms that are in no
 * interaction; of another main effect there is none.  By the residual variance, also in a fit with
 * LINEAR_HC3; by Wald's chi-square / df1 in a logistic fit.
 */
struct linear_test stat_linear_term(const struct linear_fit *fit, size_t term);

/*
 * p of two one-sided tests that the difference lies within -margin and margin: the greater of the two.
 * NAN when the difference has no SE or margin is not positive.  Source: Schuirmann, J Pharmacokin Biopharm
 * 1987;15:657.
 */
double stat_linear_equivalence(const struct linear_estimate *difference, double margin);

#endif
