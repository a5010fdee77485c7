/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stat_linear.c and stat_logistic.c have in common; for no other. */
#ifndef PATELLA_STAT_LINEAR_SOLVE_H
#define PATELLA_STAT_LINEAR_SOLVE_H

#include "reports/stat_linear.h"

/* A fit with its design and with room for everything but the covariance, or with a reason. */
struct linear_fit *linear_fit_new(const void *owner, const struct linear_data *data);

/* xtx, xty, squares and total_ss in one pass; entries: room for term_count + 1. */
void linear_sum_products(struct linear_fit *fit, struct linear_entry *entries);

/* The lower triangle of a (n x n) into the upper. */
void linear_mirror(double *a, size_t n);

/* Generalised inverse of a symmetric matrix: of the kept part, 0 elsewhere.  False when that is singular. */
bool linear_invert_kept(const double *a, size_t n, const bool *kept, double *inverse);

/* out = a x, a n x n. */
void linear_multiply(const double *a, const double *x, size_t n, double *out);

#endif
