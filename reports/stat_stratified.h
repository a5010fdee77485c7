/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two proportions compared within strata: what is common to them.  More groups or responses:
 * stat_association.h.
 */
#ifndef PATELLA_STAT_STRATIFIED_H
#define PATELLA_STAT_STRATIFIED_H

#include <stddef.h>

#include "reports/stat_estimate.h"
#include "reports/stat_two_proportions.h"

struct stratified {
    size_t used;                     /* strata with subjects in both groups */
    size_t dropped;                  /* strata with subjects in one group only; they say nothing */
    struct estimate difference;      /* Mantel-Haenszel risk difference, -1 to 1; no p */
    struct estimate ratio;           /* Mantel-Haenszel risk ratio; no p */
    struct estimate odds;            /* Mantel-Haenszel odds ratio; no p */
    struct hypothesis_test test;     /* Cochran-Mantel-Haenszel, uncorrected, 1 df, upper tail */
};

/*
 * strata   `count` pairs; those with nobody at all are not counted anywhere
 * level    of the two-sided limits
 * Limits: of the difference by Sato's variance, valid for many small strata and for few large ones (Sato,
 * Biometrics 1989;45:1323; SAS COMMONRISKDIFF); of the ratio by Greenland & Robins' variance of the logarithm
 * (Biometrics 1985;41:55), of the odds ratio by that of Robins, Breslow & Greenland (Biometrics 1986;42:311),
 * as R's mantelhaen.test.
 * Not estimable: all without a stratum that has both groups; ratios when a group has no event, odds ratios
 * also when no stratum has an event in one group with somebody free of it in the other; limits and test when
 * in each stratum used nobody or everybody has the event.
 */
struct stratified stat_stratified(const struct proportion_pair *strata, size_t count, double level);

#endif
