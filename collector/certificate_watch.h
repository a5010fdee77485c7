/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When certificates and lists of revoked ones end: /metrics shows it, the log warns before, and the thread that watches
 * the database leaves a notice.
 *
 * The ends are the program's: the loop sets them, any thread may ask.
 */
#ifndef PATELLA_CERTIFICATE_WATCH_H
#define PATELLA_CERTIFICATE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/tls.h"

enum certificate_kind { CERTIFICATE_SERVER, CERTIFICATE_MACHINE_CA, CERTIFICATE_MACHINE_CRL, CERTIFICATE_KINDS };

/* From now on these are used: the CA and lists of the machines' door, the certificate of either (it is the same). */
void certificate_watch_use(const struct tls *tls);

/*
 * Warns in the log: of a certificate from 14 days before its end, of a list from 48 hours before, and again every 12
 * hours.  Cheap: called at every tick, by the loop alone.
 */
void certificate_watch_look(int64_t now);

/* When it ends, unix seconds; 0: there is none. */
int64_t certificate_watch_end(enum certificate_kind kind);

/* True when that is near enough to be told; `now` in unix seconds. */
bool certificate_watch_is_near(enum certificate_kind kind, int64_t now);

/* As api.note_expiry calls it. */
const char *certificate_watch_name(enum certificate_kind kind);

#endif
