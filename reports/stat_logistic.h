/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logistic regression by maximum likelihood (Newton), on the variables and terms of stat_linear_design.h.
 *
 * Means, differences and tests come from stat_linear.h's functions on the log odds scale: a difference is a
 * log odds ratio with z limits, a term's F times df1 is Wald's chi-square.
 */
#ifndef PATELLA_STAT_LOGISTIC_H
#define PATELLA_STAT_LOGISTIC_H

#include "reports/stat_linear.h"

/*
 * data      response 0 or 1
 * Of the result: df is infinite, covariance the inverse of the observed (= expected) information, r2 and the
 * residual's numbers are NAN.  reason is set, too, when the response is the same everywhere, or when the
 * estimate does not exist because the terms tell some records' response for certain (separation).
 * Never NULL; hangs on owner; data must outlive it.
 * Source: McCullagh & Nelder, Generalized Linear Models, 2nd ed., 2.5 and 4.4; Albert & Anderson, Biometrika
 * 1984;71:1 (separation).  R: glm(family = binomial).
 */
struct linear_fit *stat_logistic_fit(const void *owner, const struct linear_data *data);

/* Fitted probability of 1 for each record into out (data->records); NAN for records that are not used. */
void stat_logistic_probabilities(const struct linear_fit *fit, double *out);

#endif
