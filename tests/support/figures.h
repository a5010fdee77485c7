/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures of every kind, filled with plausible numbers that depend on nothing but the counts. */
#ifndef PATELLA_TEST_FIGURES_H
#define PATELLA_TEST_FIGURES_H

#include "reports/figure.h"

enum { FIGURES_VISITS = 5, FIGURES_KINDS = FIGURE_HISTOGRAM + 2 };

/*
 * Figure number `index` (0 .. FIGURES_KINDS - 1): one of each kind in their order, and last the cumulative
 * distribution, which is FIGURE_CURVES again.  `cohorts` series, panels or columns; `subjects` in each of them.
 */
struct figure *figures_new(const void *owner, size_t index, size_t cohorts, size_t subjects);

#endif
