/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clock for deadlines: it never goes back.  Not for instants that are stored or shown. */
#ifndef PATELLA_CLOCK_H
#define PATELLA_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static inline int64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* CLOCK_MONOTONIC in `after_ms` from now. */
static inline struct timespec clock_deadline(int after_ms)
{
    int64_t at_us = clock_now_us() + (int64_t)after_ms * 1000;
    return (struct timespec){.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};
}

/* A condition whose timed waits are by clock_deadline. */
static inline void clock_init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

#endif
