/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches the database: waits for it at the start, refuses a schema that does not fit, and loads new studies,
 * sites and forms every few seconds, in a thread and with a connection of its own.
 */
#ifndef PATELLA_WATCH_H
#define PATELLA_WATCH_H

#include "collector/settings.h"
#include "forms/base/error.h"

struct watch;

/*
 * Looks once, at once.  NULL when the schema does not fit or the database refuses us; a database that is
 * merely not there is logged, and watched.
 */
struct watch *watch_new(const void *owner, const struct settings *settings, struct error *error) MUST_CHECK;

/*
 * Goes on looking.  `misfit` is called in the watching thread, once, when a database that came late does not
 * fit.
 */
bool watch_start(struct watch *watch, void (*misfit)(void *context), void *context,
                 struct error *error) MUST_CHECK;

/* False when the thread has not ended after `deadline_ms`. */
bool watch_stop(struct watch *watch, int deadline_ms) MUST_CHECK;

#endif
