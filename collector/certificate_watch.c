/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/certificate_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/metrics.h"
#include "forms/base/log.h"

enum { HOUR_S = 3600, CERTIFICATE_S = 14 * 24 * HOUR_S, LISTS_S = 48 * HOUR_S, AGAIN_S = 12 * HOUR_S };

void certificate_watch_use(struct certificate_watch *watch, const struct tls *tls)
{
    int64_t lists_end = tls_lists_expire_at(tls);
    watch->certificate_ends = tls_expires_at(tls);
    watch->certificate_warned = 0;
    metrics_set(METRIC_CERTIFICATE_EXPIRES, watch->certificate_ends);
    if (lists_end == 0)
        return;
    watch->lists_end = lists_end;
    watch->lists_warned = 0;
    metrics_set(METRIC_CRL_EXPIRES, lists_end);
}

/* True when it is time to say it. */
static bool is_due(int64_t end, int64_t window_s, int64_t now, int64_t *warned)
{
    if (end == 0 || end - now >= window_s || (*warned != 0 && now - *warned < AGAIN_S))
        return false;
    *warned = now;
    return true;
}

static void warn(const char *message, int64_t end, int64_t now)
{
    char hours[24];
    snprintf(hours, sizeof hours, "%" PRId64, end > now ? (end - now) / HOUR_S : 0);
    log_write(end > now ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, message, "hours_left", hours, NULL);
}

void certificate_watch_look(struct certificate_watch *watch, int64_t now)
{
    if (is_due(watch->certificate_ends, CERTIFICATE_S, now, &watch->certificate_warned))
        warn("the server's certificate ends soon: put a new one in its place and reload", watch->certificate_ends, now);
    if (is_due(watch->lists_end, LISTS_S, now, &watch->lists_warned))
        warn("the list of revoked machine certificates ends soon, and then every machine is refused: have the CA make "
             "a new one (patella-admin ca crl DIR) and reload",
             watch->lists_end, now);
}
