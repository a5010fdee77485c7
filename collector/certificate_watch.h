/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When certificates and lists of revoked ones end: /metrics shows it, the log warns before. */
#ifndef PATELLA_CERTIFICATE_WATCH_H
#define PATELLA_CERTIFICATE_WATCH_H

#include <stdint.h>

#include "collector/tls.h"

struct certificate_watch {
    int64_t certificate_ends, lists_end;         /* unix seconds; 0: none */
    int64_t certificate_warned, lists_warned;    /* when the log said so; 0: not yet */
};

/* From now on these are used: the lists of the machines' door, the certificate of either (it is the same). */
void certificate_watch_use(struct certificate_watch *watch, const struct tls *tls);

/*
 * A certificate is warned of from 14 days before its end, a list from 48 hours before, and again every 12 hours.
 * Cheap: called at every tick.
 */
void certificate_watch_look(struct certificate_watch *watch, int64_t now);

#endif
