/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers as people read them: the one place where anything is rounded.
 *
 * Rounding is half away from zero on decimal digits, as SAS prints, not on the binary value as printf
 * does: 42.65 is 42.7.  How many decimals a statistic gets is decided by its name.
 */
#ifndef PATELLA_FORMAT_H
#define PATELLA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FORMAT_SIZE = 48 };       /* room for every number that format_* writes */

/*
 * `value` with `decimals` (0..9) digits after the point; never "-0".  The minus is U+002D; NAN gives "NE".
 * A value that lies within 1e-9 units of the last digit of a half counts as the half.
 */
const char *format_number(char out[FORMAT_SIZE], double value, int decimals);

/* `value` with the digits that it was written with: at most 9 after the point, no zeros at the end. */
const char *format_exact(char out[FORMAT_SIZE], double value);

/*
 * Decimals of a statistic, for data that were collected with `collected` decimals: mean, median, quartiles
 * and limits one more, standard deviation and standard error two more, smallest and largest as collected,
 * counts none, percentages one, standardised differences, ratios and test statistics two, degrees of freedom
 * one.  A name that is not known counts as the part before its first '_': rr_lo as rr, se_kr as se.
 */
int format_decimals(const char *stat, int collected);

/* True for the names of p values: p, p_..., ..._p; p.COHORT is a proportion. */
bool format_is_p(const char *stat);

/* Same as format_number with format_decimals(stat, collected), or format_p. */
const char *format_stat(char out[FORMAT_SIZE], const char *stat, double value, int collected);

/* A proportion 0..1 as a percentage with one decimal, without the sign. */
const char *format_percent_of(char out[FORMAT_SIZE], double proportion);

/*
 * A p value with four decimals; "<.0001" and ">.9999" where four decimals would show 0 or 1, as SAS prints.
 * NAN gives "NE".
 */
const char *format_p(char out[FORMAT_SIZE], double p);

/* Mark of a footnote: 1 is a, 26 is z, 27 is aa; 0 is nothing. */
const char *format_letters(char out[FORMAT_SIZE], size_t number);

/* Microseconds since 1970 UTC as "2026-03-01 12:00:00 UTC". */
const char *format_instant(char out[FORMAT_SIZE], int64_t microseconds);

#endif
