/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What processes used, from /proc: CPU time, switches and memory. */
#ifndef PATELLA_BENCH_PROCESSES_H
#define PATELLA_BENCH_PROCESSES_H

#include <stdint.h>
#include <sys/types.h>

struct process_use {
    int64_t cpu_us;
    int64_t switches;            /* times that a thread gave up the processor by itself: it waited */
};

/* All threads of a process; zeros when it is not there. */
struct process_use process_use(pid_t pid);

/* A postmaster with its children, also those that have ended. */
struct process_use process_use_postgres(pid_t postmaster);

/* Bytes: resident, shared ones parted among those who share them, and the process's own alone. */
struct process_memory {
    int64_t rss, pss, uss;
};
struct process_memory process_memory(pid_t pid);

#endif
