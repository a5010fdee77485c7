/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/certificate_watch.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "collector/metrics.h"
#include "forms/base/log.h"

enum { HOUR_S = 3600, CERTIFICATE_S = 14 * 24 * HOUR_S, LISTS_S = 48 * HOUR_S, AGAIN_S = 12 * HOUR_S };

static const struct {
    const char *name;
    int64_t window_s;
    enum metric metric;
    const char *warning;
} kinds[CERTIFICATE_KINDS] = {
    [CERTIFICATE_SERVER] = {"server_certificate", CERTIFICATE_S, METRIC_CERTIFICATE_EXPIRES,
                            "the server's certificate ends soon: put a new one in its place and reload"},
    [CERTIFICATE_MACHINE_CA] = {"machine_ca", CERTIFICATE_S, METRIC_MACHINE_CA_EXPIRES,
                                "the certificate of the machines' CA ends soon, and then every machine is refused: put "
                                "a new one in its place and reload"},
    [CERTIFICATE_MACHINE_CRL] = {"machine_crl", LISTS_S, METRIC_CRL_EXPIRES,
                                 "the list of revoked machine certificates ends soon, and then every machine is "
                                 "refused: have the CA make a new one (patella-admin ca crl DIR) and reload"},
};

static _Atomic int64_t ends[CERTIFICATE_KINDS];      /* unix seconds; 0: none */
static int64_t warned[CERTIFICATE_KINDS];            /* when the log said so; 0: not yet */

static void use(enum certificate_kind kind, int64_t end)
{
    if (end == 0)
        return;
    atomic_store(&ends[kind], end);
    warned[kind] = 0;
    metrics_set(kinds[kind].metric, end);
}

void certificate_watch_use(const struct tls *tls)
{
    use(CERTIFICATE_SERVER, tls_expires_at(tls));
    use(CERTIFICATE_MACHINE_CA, tls_authorities_expire_at(tls));
    use(CERTIFICATE_MACHINE_CRL, tls_lists_expire_at(tls));
}

static void warn(enum certificate_kind kind, int64_t end, int64_t now)
{
    char hours[24];
    snprintf(hours, sizeof hours, "%" PRId64, end > now ? (end - now) / HOUR_S : 0);
    log_write(end > now ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, kinds[kind].warning, "hours_left", hours, NULL);
}

void certificate_watch_look(int64_t now)
{
    for (enum certificate_kind kind = 0; kind < CERTIFICATE_KINDS; kind++) {
        if (!certificate_watch_is_near(kind, now) || (warned[kind] != 0 && now - warned[kind] < AGAIN_S))
            continue;
        warned[kind] = now;
        warn(kind, certificate_watch_end(kind), now);
    }
}

int64_t certificate_watch_end(enum certificate_kind kind)
{
    return atomic_load(&ends[kind]);
}

bool certificate_watch_is_near(enum certificate_kind kind, int64_t now)
{
    int64_t end = certificate_watch_end(kind);
    return end != 0 && end - now < kinds[kind].window_s;
}

const char *certificate_watch_name(enum certificate_kind kind)
{
    return kinds[kind].name;
}
