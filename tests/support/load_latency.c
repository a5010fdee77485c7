/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_latency.h"

#include <math.h>

/* Values below 128 have a bucket each; above, the six bits behind the highest one choose it. */
static unsigned bucket_of(uint64_t us)
{
    if (us < 2 * LOAD_LATENCY_STEPS)
        return (unsigned)us;
    unsigned shift = 57u - (unsigned)__builtin_clzll(us);
    unsigned bucket = shift * LOAD_LATENCY_STEPS + (unsigned)(us >> shift);
    return bucket < LOAD_LATENCY_BUCKETS ? bucket : LOAD_LATENCY_BUCKETS - 1;
}

static double middle_of(unsigned bucket)
{
    if (bucket < 2 * LOAD_LATENCY_STEPS)
        return bucket;
    unsigned shift = bucket / LOAD_LATENCY_STEPS - 1;
    return ldexp(bucket - shift * LOAD_LATENCY_STEPS + 0.5, (int)shift);
}

void load_latency_add(struct load_latency *latency, int64_t us)
{
    latency->counts[bucket_of(us > 0 ? (uint64_t)us : 0)]++;
    latency->total++;
}

double load_latency_at(const struct load_latency *latency, double share)
{
    double wanted = ceil(share * (double)latency->total);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < LOAD_LATENCY_BUCKETS; bucket++) {
        seen += latency->counts[bucket];
        if (seen > 0 && (double)seen >= wanted)
            return middle_of(bucket);
    }
    return 0;
}
