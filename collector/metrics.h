/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon counts of itself, as Prometheus text; and the routes that tell how it is.
 *
 * The counters are the program's, of all threads together.
 */
#ifndef PATELLA_METRICS_H
#define PATELLA_METRICS_H

#include <stdint.h>

#include "collector/exchange.h"
#include "collector/http.h"
#include "collector/router.h"

enum metric {
    METRIC_CONNECTIONS_OPEN,          /* a gauge: add 1 and -1 */
    METRIC_CONNECTIONS_ACCEPTED,
    METRIC_REFUSED_TOTAL_LIMIT,
    METRIC_REFUSED_ADDRESS_LIMIT,
    METRIC_REFUSED_DESCRIPTORS,
    METRIC_REFUSED_HANDSHAKE,
    METRIC_LATE_HANDSHAKE,
    METRIC_LATE_HEAD,
    METRIC_LATE_BODY,
    METRIC_LATE_WORK,
    METRIC_LATE_REPLY,
    METRIC_LATE_END,
    METRIC_TOKENS_CACHED,
    METRIC_TOKENS_ASKED,
    METRIC_TOKENS_DENIED,
    METRIC_WORKER_QUEUE_FULL,
    METRIC_HELD_BYTES,                /* a gauge: add and take away */
    METRIC_REFUSED_HELD_BYTES,
    METRIC_REFUSED_ADDRESS_BYTES,
    METRIC_CERTIFICATE_EXPIRES,       /* a gauge: unix seconds */
    METRIC_MACHINE_CA_EXPIRES,        /* a gauge: unix seconds; 0 without a machines' door */
    METRIC_CRL_EXPIRES,               /* the same */
    METRIC_BODY_PIECES,               /* of bodies that are taken piece by piece */
    METRIC_BODY_PIECE_BYTES,
    METRIC_UNSEALED_AGE,              /* a gauge: seconds */
    METRIC_BLOCK_AGE,                 /* a gauge: seconds, -1: no block */
    METRIC_COUNT
};

/* Once, before the first request: `table` names the routes, and stays. */
void metrics_start(const struct router_table *table);
void metrics_set_loopback_only(bool loopback_only);

void metrics_add(enum metric metric, int64_t value);
void metrics_set(enum metric metric, int64_t value);
void metrics_count_refusal(enum http_refusal refusal);

/* A problem of that code (problem_details.h) was answered, as a whole reply or for a row of an array. */
void metrics_count_problem(const char *code);

/* One reply; `route` is NULL when none was found. */
void metrics_count_request(const struct route *route, int status, int64_t duration_us);

/* All of it, in the text format of Prometheus 0.0.4. */
void metrics_append(struct text *out);

/* The process runs. */
void handle_healthz(struct exchange *exchange, struct store *store);
/* The database answers, its schema fits, the catalogue is current; else 503.  On a worker. */
void handle_readyz(struct exchange *exchange, struct store *store);
/* metrics_append; 404 for other machines when the setting says so. */
void handle_metrics(struct exchange *exchange, struct store *store);

#endif
