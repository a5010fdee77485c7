/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A histogram of microseconds: 64 steps for each power of two, so that a value is known within 1.6 per cent. */
#ifndef PATELLA_TEST_LOAD_LATENCY_H
#define PATELLA_TEST_LOAD_LATENCY_H

#include <stdint.h>

enum { LOAD_LATENCY_STEPS = 64, LOAD_LATENCY_BUCKETS = 64 * 32 };

struct load_latency {
    uint64_t counts[LOAD_LATENCY_BUCKETS];
    uint64_t total;
};

void load_latency_add(struct load_latency *latency, int64_t us);

/* The middle of the bucket that holds the value at `share` of all; 0 when there is none. */
double load_latency_at(const struct load_latency *latency, double share);

#endif
