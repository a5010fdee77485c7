/* SPDX-License-Identifier: GPL-3.0-or-later */
/* p values of several hypotheses, adjusted so that the chance of any false rejection stays at the level. */
#ifndef PATELLA_STAT_MULTIPLICITY_H
#define PATELLA_STAT_MULTIPLICITY_H

#include <stddef.h>

/*
 * p         `count` p values, any order; NAN: not tested, counts for nothing
 * adjusted  out: `count` adjusted ones, at most 1, in the same places; NAN where p is.  May be p itself.
 * Holm's step-down Bonferroni: of m p values the i-th smallest times m - i + 1, never below the ones before
 * it.
 * Source: Holm, Scand J Stat 1979;6:65; R's p.adjust(method = "holm").
 * owner     of scratch memory, freed before the return
 */
void stat_adjust_holm(const void *owner, const double *p, size_t count, double *adjusted);

/*
 * Hypotheses tested in the order given, each at the full level, until one is not rejected: the largest p up
 * to and with each.  From the first p on that is NAN, all are NAN: what could not be tested ends the
 * sequence.
 * Source: Maurer, Hothorn & Lehmacher, Biometrie in der chemisch-pharmazeutischen Industrie 1995;6:3.
 */
void stat_adjust_fixed_sequence(const double *p, size_t count, double *adjusted);

#endif
