/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Standardized difference of two cohorts in one baseline variable: how unlike they are, in units of spread;
 * no test.
 * Not for effects of a treatment: that is Hedges' g.
 */
#ifndef PATELLA_STAT_STANDARDIZED_H
#define PATELLA_STAT_STANDARDIZED_H

#include <stddef.h>

/*
 * Numbers: (mean_a - mean_b) / sqrt((sd_a^2 + sd_b^2) / 2).  NAN when an SD is missing; 0 when means are
 * equal and both SDs are 0; NAN when only the SDs are 0.
 * Source: Austin, Stat Med 2009;28:3083, equation 1.
 */
double stat_standardized_numeric(double mean_a, double sd_a, double mean_b, double sd_b);

/*
 * Categories: sqrt((p_a - p_b)' S^-1 (p_a - p_b)) over all categories but one, with S the mean of the two
 * multinomial covariance matrices; >= 0.
 * For two categories this is |p_a - p_b| / sqrt((p_a(1 - p_a) + p_b(1 - p_b)) / 2).
 * counts_a, counts_b   subjects in each of `count` <= STAT_CATEGORIES_MOST categories; empty in both: left
 *                      out
 * NAN when a cohort has nobody, or S is singular though the proportions differ.
 * Source: Yang & Dalton, A unified approach to measuring the effect size between two groups, SAS Global Forum
 * 2012-335.
 */
enum { STAT_CATEGORIES_MOST = 64 };
double stat_standardized_categorical(const size_t *counts_a, const size_t *counts_b, size_t count);

#endif
