/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Association of a group with an ordered or unordered response within strata: the general Mantel-Haenszel
 * tests.
 */
#ifndef PATELLA_STAT_ASSOCIATION_H
#define PATELLA_STAT_ASSOCIATION_H

#include <stddef.h>

#include "reports/stat_estimate.h"

struct contingency {
    size_t strata, rows, columns;    /* rows: groups, columns: responses; each >= 1 */
    const size_t *counts;            /* subjects, [stratum][row][column] */
    const double *row_scores;        /* `rows` numbers; NULL: 1, 2, 3 ... */
    const double *column_scores;     /* `columns` numbers; NULL: 1, 2, 3 ... */
};

struct association {
    size_t used;                             /* strata with at least two groups that have subjects */
    size_t dropped;                          /* strata with subjects of one group only; they say nothing */
    struct hypothesis_test general;          /* any difference at all; (rows - 1)(columns - 1) df */
    struct hypothesis_test row_means;        /* of the mean column scores; rows - 1 df */
    struct hypothesis_test correlation;      /* of row with column scores; 1 df */
};

/*
 * Each test is d' V^- d, chi-square, upper tail, with d the sum over strata of observed minus expected counts
 * (or of their scores) given both margins, V the sum of its hypergeometric covariances, V^- a generalised
 * inverse and the df V's rank: rows or columns that are empty, or cannot be told apart, take df away rather
 * than fail.
 * NAN with a reason when V is 0.
 * owner    of scratch memory of ((rows - 1)(columns - 1))^2 numbers, freed before the return
 * Source: Landis, Heyman & Koch, Int Stat Rev 1978;46:237; SAS PROC FREQ CMH.
 */
struct association stat_association(const void *owner, const struct contingency *table);

#endif
