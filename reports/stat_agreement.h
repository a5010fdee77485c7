/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Agreement of several readings of the same images, or of one reader's readings: the intraclass correlation of single
 * readings for absolute agreement, images and readers being samples (two-way random effects): ICC(2,1), ICC(A,1).
 *
 * Sources: Shrout & Fleiss, Psychol Bull 1979;86:420; interval: McGraw & Wong, Psychol Methods 1996;1:30, table 7.
 */
#ifndef PATELLA_STAT_AGREEMENT_H
#define PATELLA_STAT_AGREEMENT_H

#include <stddef.h>

struct agreement {
    double icc, lo, hi;          /* NAN where there is a reason */
    double sem;                  /* SD of single readings of one image, the part of the readers included */
    const char *reason;          /* why there is no icc; NULL */
    const char *limits_reason;   /* why there are no limits; NULL */
};

/* values[image * readings + reading], all finite; limits of `level`. */
struct agreement stat_agreement(const double *values, size_t images, size_t readings, double level);

#endif
