/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two cohorts that were not randomised, compared by overlap weights: each subject weighs as much as the
 * chance to have been in the other cohort, so that subjects count who could have been in either.
 *
 * An association with what was measured taken into account, no effect: what was not measured stays.
 * Sources: Li, Morgan & Zaslavsky, JASA 2018;113:390; variance: Li, Thomas & Li, Am J Epidemiol 2019;188:250
 * and Stefanski & Boos, Am Stat 2002;56:29.
 */
#ifndef PATELLA_STAT_OVERLAP_H
#define PATELLA_STAT_OVERLAP_H

#include "reports/stat_linear.h"

enum { OVERLAP_BINS = 20 };

struct overlap_question {
    const struct linear_data *data;  /* response: outcome; terms: those of the propensity model */
    const int *codes;                /* cohort of each record */
    int first, second;               /* the cohorts compared: first less second */
    double level;                    /* of the limits */
};

/* Of one number, or of one level of a factor (its share), among the variables of data. */
struct overlap_balance {
    size_t variable, level;
    double before, after;            /* standardised differences, first less second; NAN: no variation */
};

struct overlap_answer {
    const char *reason;              /* not NULL: nothing but n and balance before is computed */
    size_t n[2];                     /* records used of first and second */
    double effective[2];             /* effective sample sizes (sum w)^2 / sum w^2 */
    struct linear_estimate means[2]; /* weighted means of the outcome; t and p are of mean = 0 */
    struct linear_estimate difference;
    /* Logarithm of the ratio of the means, for outcomes of 0 and 1; reason unless both means are positive. */
    struct linear_estimate log_ratio;
    struct overlap_balance *balance;
    size_t balance_count;
    size_t histogram[2][OVERLAP_BINS];   /* records by propensity, [k / 20, (k + 1) / 20), the last with 1 */
    const struct linear_fit *propensity; /* P(first); its reason is reason */
};

/*
 * Weights 1 - e for first and e for second with e = P(first) from logistic regression; differences of
 * weighted means (Hajek).  The variance is the sandwich of the stacked estimating equations of the
 * propensity model and of both means, so that it takes into account that e is estimated; no correction for
 * small samples; z limits. Standardised differences are divided by sqrt((s1^2 + s2^2) / 2) of the records
 * without weights, before and after (proportions: s^2 = p (1 - p)); a logistic model with a variable as a
 * main effect balances its mean exactly. Hangs on owner; question and its data must outlive it.
 */
struct overlap_answer *stat_overlap(const void *owner, const struct overlap_question *question);

#endif
