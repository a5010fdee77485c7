/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analysis of covariance of those who have a value, each weighted by the inverse of the probability to have
 * one: subjects like those whose values are missing count for them.
 *
 * Right when the model of the probability is right and a value is missing at random given its terms; no cure
 * for values that are missing because of what they would have been.
 * Sources: Seaman & White, Stat Methods Med Res 2013;22:278; stabilised weights: Robins, Hernan & Brumback,
 * Epidemiology 2000;11:550, eq. 4.
 */
#ifndef PATELLA_STAT_MISSING_WEIGHTS_H
#define PATELLA_STAT_MISSING_WEIGHTS_H

#include "reports/stat_linear.h"

struct missing_weights_question {
    /*
     * The response is the outcome, not finite where the value is missing; terms are those of its model.
     * Variables are those of both models: a record that lacks one of them is in neither.
     */
    const struct linear_data *data;
    const struct linear_term *weight_terms;  /* of the probability, the cohort among them */
    size_t weight_term_count;
    int cohort;                      /* index of the variable, a factor */
};

struct missing_weights {
    /*
     * Weighted; stat_linear_mean and stat_linear_difference take it.  Its reason tells why there are no
     * weights, too.  residual_sd and r2 are NAN.  stat_linear_term is not for it.
     */
    struct linear_fit *fit;
    double *probabilities;           /* of each record: to have a value; NAN: not in the model */
    double *weights;                 /* of each record: NAN without a value, or when there are none */
    size_t cohorts;                  /* levels of the cohort; of each: */
    size_t *n;                       /* records with a value and all the variables */
    double *effective;               /* (sum w)^2 / sum w^2, with a value; NAN when there is none */
    double *largest;                 /* weight; NAN likewise */
};

/*
 * Probabilities by logistic regression on weight_terms; the weight is the part of the cohort with a value
 * (among records with a probability above 0) over the probability, not cut off however large it is.  The
 * difference is by weighted least squares with the covariance (X'WX)^- [sum w^2 e^2 x x'] (X'WX)^- (White's
 * HC0), t limits with used - rank degrees of freedom.  The weights count as known: with those of a right
 * model the variance is, if anything, too large.
 * Where everybody in a level of a factor has a value, or nobody has, the probability is 1 or 0: what the
 * maximum of the likelihood tends to; these records are left out of the regression.  Other separation leaves
 * a reason.  When no value is missing all weights are 1: ordinary least squares with HC0.
 * Never NULL; hangs on owner; question and its data must outlive it.
 */
struct missing_weights *stat_missing_weights(const void *owner,
                                             const struct missing_weights_question *question);

#endif
