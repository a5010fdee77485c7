/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running daemon counts of itself, read from its /metrics. */
#ifndef PATELLA_TEST_COUNTERS_H
#define PATELLA_TEST_COUNTERS_H

#include "tests/support/client.h"

/* All of them as they are now, as text; on the client. */
const char *counters_read(struct client *client);

/* The value of one of them, "patella_deadlines_total{phase=\"head\"}"; fails the test when there is none. */
long long counters_value(const char *counters, const char *name);

/* The same of all of a name, whatever their labels; 0 when there is none. */
long long counters_sum(const char *counters, const char *name);

/* Waits until one has grown to `least`; fails the test when it does not within half a minute. */
void counters_wait(struct client *client, const char *name, long long least);

#endif
