/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chi-square test of several scores at once, some of which may depend on the others. */
#ifndef PATELLA_STAT_SURVIVAL_TEST_H
#define PATELLA_STAT_SURVIVAL_TEST_H

#include <stddef.h>

struct survival_chi_square {
    double value, p;             /* NAN when df is 0 */
    size_t df;
};

/*
 * u' V^- u for `count` scores and their variance (count x count), df = rank of V: the scores of those rows of
 * V that do not depend on rows before them.
 */
struct survival_chi_square stat_survival_chi_square(const double *scores, const double *variance,
                                                    size_t count);

#endif
