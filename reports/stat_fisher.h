/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fisher's exact test of two proportions. */
#ifndef PATELLA_STAT_FISHER_H
#define PATELLA_STAT_FISHER_H

#include "reports/stat_two_proportions.h"

/*
 * Two-sided p: the sum of the probabilities, given the margins, of all tables that are no more likely than
 * this one, with equality taken as within 1e-7 relative.  1 when the margins leave one table only.  NAN
 * statistic and df; all NAN when a group has nobody.  At most as many steps as the smallest margin; relative
 * error about 1e-10 at a million subjects.  A p below 1e-290 is 0.
 * Source: Fisher 1935; the convention is that of R's fisher.test and of SAS.
 */
struct hypothesis_test stat_fisher(const struct proportion_pair *pair);

#endif
