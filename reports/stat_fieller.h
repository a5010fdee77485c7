/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ratio of two means, e.g. cost per responder: mean cost over the share of responders. */
#ifndef PATELLA_STAT_FIELLER_H
#define PATELLA_STAT_FIELLER_H

#include <stddef.h>

#include "reports/stat_estimate.h"

/*
 * Ratio of the mean of `numerator` to the mean of `denominator`, of the same `count` subjects, with Fieller's
 * limits: the ratios r for which the mean of numerator - r denominator does not differ from 0, by t with
 * count - 1 df.
 * p: t test of a numerator of mean 0.
 * numerator, denominator   one value a subject, none missing (NAN); a 0/1 indicator is a share
 * level                    of the two-sided limits
 * NAN with a reason: fewer than 2 subjects; mean denominator 0; limits alone when the denominator does not
 * differ from 0 at the level (they are not bounded then), or p when the numerator has no spread. The sums run
 * in the order of the subjects.
 * Source: Fieller, J R Stat Soc B 1954;16:175; Willan & O'Brien, Health Econ 1996;5:297.
 */
struct estimate stat_ratio_of_means(const double *numerator, const double *denominator, size_t count,
                                    double level);

#endif
