/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symmetric matrices of a model: factor, solve, invert, rank, eigenvalues (LAPACK).
 *
 * Matrices are column-major: element (i, j) of an n x m matrix stands at [i + j * n].  A symmetric matrix is
 * stored whole; only its lower triangle is read, and what comes out has both, unless said otherwise.  Sizes
 * are those of a model (some 10 to some 100 columns), never those of a study.
 * A matrix with a NAN or an infinity counts as singular.
 */
#ifndef PATELLA_STAT_MATRIX_H
#define PATELLA_STAT_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Cholesky factor L of the positive definite a (n x n), LL' = a, in the lower triangle of a; the upper is
 * left as it was.  False when a is not positive definite to working precision; a is spoilt then.
 */
__attribute__((warn_unused_result)) bool stat_matrix_cholesky(double *a, size_t n);

/* b (n x columns) becomes a^-1 b; `factor` from stat_matrix_cholesky. */
void stat_matrix_solve(const double *factor, size_t n, double *b, size_t columns);

/* b (n x columns) becomes L^-1 b: the sum of squares of a column of it is b'a^-1 b. */
void stat_matrix_solve_lower(const double *factor, size_t n, double *b, size_t columns);

/* The factor becomes a^-1, both triangles. */
void stat_matrix_invert(double *factor, size_t n);

/* log |a| = 2 sum log L_ii. */
double stat_matrix_log_determinant(const double *factor, size_t n);

/*
 * Which columns of X do not depend on those before them, from a = X'X: what is left of the square of a
 * column's length after projection on the columns kept before it must be more than STAT_MATRIX_TOLERANCE of
 * `squares`.
 * squares   n: squares of the lengths of the columns before any centring; NULL: the diagonal of a
 * kept      out, n
 * Returns the rank.  This is R's rule for lm (LINPACK dqrdc2: the later column is aliased), with 1e-6 instead
 * of 1e-7 of the length: cross-products hold no more than that.
 */
#define STAT_MATRIX_TOLERANCE 1e-12
size_t stat_matrix_independent(const double *a, size_t n, const double *squares, bool *kept);

/* Rows and columns of a (n x n) that are kept, into out (rank x rank); out may be a. */
void stat_matrix_take(const double *a, size_t n, const bool *kept, double *out);

/* x'a y. */
double stat_matrix_bilinear(const double *a, size_t n, const double *x, const double *y);

/*
 * Eigenvalues in ascending order into values (n); the columns of a become the eigenvectors, of length 1 and
 * with the sign that makes the largest entry (the first of equals) positive.  False when none can be found.
 */
__attribute__((warn_unused_result)) bool stat_matrix_eigen(double *a, size_t n, double *values);

#endif
