/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order of subjects by several keys in time linear in their number, for the statistics of time to event. */
#ifndef PATELLA_STAT_SURVIVAL_ORDER_H
#define PATELLA_STAT_SURVIVAL_ORDER_H

#include <stddef.h>

/* 0 .. count - 1, talloc. */
size_t *stat_survival_order_new(const void *owner, size_t count);

/*
 * Sorts `order` (count indices) so that the keys of its indices ascend; equal keys keep their order.  To
 * sort by several keys begin with the one that counts least.
 * keys   index i has keys[i * stride]; no NAN; -0 and 0 are the same key
 * Method: radix sort of the numbers' bits, a byte at a time; bytes that all have in common cost nothing.
 */
void stat_survival_order_by(size_t *order, size_t count, const double *keys, size_t stride);

/* The same by whole numbers; does nothing when `keys` is NULL. */
void stat_survival_order_by_index(size_t *order, size_t count, const unsigned *keys);

#endif
