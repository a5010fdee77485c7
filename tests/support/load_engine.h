/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the load engine share (see load.h). */
#ifndef PATELLA_TEST_LOAD_ENGINE_H
#define PATELLA_TEST_LOAD_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/support/load.h"
#include "tests/support/load_connection.h"
#include "tests/support/load_latency.h"
#include "tests/support/load_ledger.h"
#include "tests/support/load_record.h"

enum load_counter {
    LOAD_SUBMISSIONS,
    LOAD_COUNT_ACKNOWLEDGED,
    LOAD_REPLAYED,
    LOAD_COUNT_REFUSED,
    LOAD_UNKNOWN_NOW,
    LOAD_UNANSWERED,
    LOAD_UNAVAILABLE,
    LOAD_FAILED,
    LOAD_CONNECTS,
    LOAD_CONNECT_FAILURES,
    LOAD_OPEN,
    LOAD_COUNTERS
};

struct load {
    struct load_options options;
    struct load_place place;
    struct load_ledger ledger;           /* of a root of its own: the thread allocates while others do elsewhere */
    struct load_request *request;
    struct load_connection *connections;
    struct load_random random;
    struct load_latency latency;
    int64_t started_us, last_us;         /* first submission, last acknowledgement */
    int64_t settle_until_us;             /* 0: still new ones */
    int64_t next_look_us;                /* at what is due */
    int64_t cpu_at_start_us, cpu_us;
    int undone;                          /* connections that are not DONE */
    int not_yet_open;                    /* with `together`: connections that were never open */
    uint64_t limit;                      /* of new submissions */
    pthread_t thread;
    bool has_thread;
    atomic_int port;
    atomic_bool stops, aborts, begun, ended;
    atomic_uint_fast64_t counters[LOAD_COUNTERS];
};

#endif
