/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one event loop has to itself.  Another thread may only post to `inbox`; everything else is the loop's.
 * Several loops would be several of these, sharing nothing but the workers, the writer and the counters.
 */
#ifndef PATELLA_LOOP_H
#define PATELLA_LOOP_H

#include <time.h>

#include "collector/access.h"
#include "collector/addresses.h"
#include "collector/arrivals.h"
#include "collector/inbox.h"
#include "collector/listener.h"
#include "collector/replies.h"
#include "collector/router.h"
#include "collector/settings.h"
#include "collector/tls.h"
#include "collector/workers.h"

struct connection;   /* connection.h */

struct loop {
    struct event_base *base;
    struct inbox *inbox;
    const struct settings *settings;     /* of now: replaced at a reload */
    struct tls *tls[DOORS];              /* of now: for new connections; NULL at a door that is not there */
    struct router_table routes;
    struct workers *workers;
    struct token_cache *tokens;
    struct address_table *addresses;
    struct arrivals *arrivals;           /* connections before their first byte */
    struct connection *connections;      /* all of them */
    size_t connection_count;
    size_t calls_away;                   /* with a worker or with the writer */
    size_t held_bytes;                   /* by all calls: call_hold */
    bool stopping;                       /* replies say Connection: close */
    uint64_t next_request;               /* for request ids */
    struct replies *replies;             /* that leave at the end of this turn */
    time_t date_at;                      /* second of `date` */
    char date[32];
};

#endif
