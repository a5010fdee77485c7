/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Competing risks: cumulative incidence of an event that another one, death above all, can forestall. */
#ifndef PATELLA_STAT_COMPETING_H
#define PATELLA_STAT_COMPETING_H

#include "reports/stat_survival.h"

/*
 * Cumulative incidence of the event (SURVIVAL_EVENT) in a group: F = sum of S before the day x events / at
 * risk, S being without any event (Aalen-Johansen).
 * Standard error: delta method on the day's proportions of both kinds of event, which is Greenwood's when no
 * event competes, and equal to the infinitesimal jackknife of R's survfit.
 * Limits: log-log of F, F^exp(-+z se / (F log F)), as R survfit(conf.type = "log-log"); none at F = 0 and
 * F = 1.
 * Sources: Aalen & Johansen, Scand J Stat 1978;5:141; Gaynor et al., JASA 1993;88:400; Marubini & Valsecchi
 * 1995, ch. 10.
 * Read the curve with stat_survival_at and stat_survival_thin.
 */
struct survival_curve *stat_competing_incidence(const void *owner, const struct survival_table *table,
                                                size_t group, double level);

struct competing_gray {
    double chi_square, p;
    size_t df;
    const char *reason;
};

/*
 * Gray's test: is the cumulative incidence of the event the same in all groups (or in those `included`; NULL:
 * all)?  Strata are compared within themselves.
 * Source: Gray, Ann Stat 1988;16:1141, rho = 0, with the tie correction of R's cmprsk (cuminc).
 */
struct competing_gray stat_competing_gray(const void *owner, const struct survival_table *table,
                                          const bool *included);

#endif
