/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An allocator that fails when it is told to: failing_malloc.so, put before a program by LD_PRELOAD, and what it shares
 * with the test, a file that both map into memory.
 */
#ifndef PATELLA_TEST_FAILING_MALLOC_H
#define PATELLA_TEST_FAILING_MALLOC_H

#include <stdatomic.h>
#include <stdint.h>

/* Names the file. */
#define FAILING_MALLOC_FILE "PATELLA_FAILING_MALLOC"

enum { FAILING_MALLOC_STACKS = 1 << 18 };

struct failing_malloc {
    _Atomic int64_t calls;         /* allocations so far, of all threads */
    _Atomic int64_t first;         /* the one that fails, counted from 1 by `calls`; 0: none */
    _Atomic int64_t count;         /* how many fail from there on */
    _Atomic int64_t failed;        /* how many did */
    _Atomic int64_t records;       /* 1: note the stacks of calls */
    uint32_t stacks[FAILING_MALLOC_STACKS];   /* by call, from 0: a hash of who called */
};

#endif
