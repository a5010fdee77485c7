/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers in order, fast: columns of a large study are sorted for their quartiles again and again. */
#ifndef PATELLA_STAT_SORT_H
#define PATELLA_STAT_SORT_H

#include <stddef.h>

/*
 * Sorts `count` values, none of them NAN, ascending; -0 stands before 0.  By digits of 11 bits from the last one (radix
 * sort, Knuth 5.2.5), of which those that are equal in all values are left out; linear in `count`.
 */
void stat_sort(double *values, size_t count);

#endif
