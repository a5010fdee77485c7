/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server: listening sockets, one event loop, limits on connections, orderly stop, reload.
 *
 * Everything of it runs in the thread that calls server_run, except server_stop.
 */
#ifndef PATELLA_SERVER_H
#define PATELLA_SERVER_H

#include "collector/listener.h"
#include "collector/router.h"
#include "collector/settings.h"
#include "collector/tls.h"
#include "collector/workers.h"

struct server;

struct server_options {
    const struct settings *settings;             /* must live as long as the server */
    const struct settings_source *source;        /* read again at a reload; NULL: no reload */
    struct bound_sockets *bound[DOORS];          /* taken over; people's NULL: as the settings say */
    struct tls *tls[DOORS];                      /* taken over; machines' NULL: there is no such door */
    struct router_table routes;
    struct workers *workers;
};

/* Listens. */
struct server *server_new(const void *owner, const struct server_options *options,
                          struct error *error) MUST_CHECK;

/* SIGTERM and SIGINT stop, SIGHUP reloads. */
bool server_handle_signals(struct server *server, struct error *error) MUST_CHECK;

int server_port(const struct server *server);   /* of the people's door */

/*
 * Serves until it is stopped: then takes no new connection, answers what has begun, says Connection: close,
 * and returns after `stop_deadline_ms` at the latest.  The result is the status given to server_stop, 0 for a
 * signal.
 */
int server_run(struct server *server);

/* From any thread. */
void server_stop(struct server *server, int status);

/* Milliseconds left of the stop deadline; after server_run. */
int server_stop_time_left_ms(const struct server *server);

/* After workers and writer have ended: their last calls come back here. */
void server_free(struct server *server);

#endif
