/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cross-products of a large study by the cells that its factors make; for stat_linear_solve.c. */
#ifndef PATELLA_STAT_LINEAR_CELLS_H
#define PATELLA_STAT_LINEAR_CELLS_H

#include "reports/stat_linear.h"

/*
 * Adds to xtx (lower triangle), xty, squares and total_ss of a fit what a pass over sparse rows would.
 * Records of one combination of levels have the same columns, so that only moments of their numbers are
 * summed: of 1, each number less its mean, and the response less its mean.
 * False, and nothing done: more combinations than would pay, or an interaction of two numbers.
 */
bool linear_sum_cells(struct linear_fit *fit);

#endif
