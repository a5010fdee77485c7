/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The listening sockets: one for each address that the configured name has. */
#ifndef PATELLA_LISTENER_H
#define PATELLA_LISTENER_H

#include <event2/event.h>
#include <sys/socket.h>

#include "collector/settings.h"

struct listener;

/* The socket is the callee's: non-blocking, closed on exec, without Nagle's delay. */
typedef void listener_accept(evutil_socket_t socket, const struct sockaddr *peer, void *context);

/* Listens on listen_address and listen_port; ERROR_IO when that is not possible. */
struct listener *listener_new(const void *owner, struct event_base *base, const struct settings *settings,
                              listener_accept *accept, void *context, struct error *error) MUST_CHECK;

/*
 * How long the kernel keeps what a client does not take, for the time when nobody else looks: this process was
 * killed, stands still, or has ended with replies on their way.  Longer than the process would wait itself.
 */
void listener_apply_settings(struct listener *listener, const struct settings *settings);

/* The port, also when the setting was 0. */
int listener_port(const struct listener *listener);

/*
 * From here on no connection begins: the kernel drops who asks for one, and asks again within a second or so.  Those
 * that have begun are still accepted; listener_finish takes the last of them, right before the listener is freed.
 */
void listener_begin_end(struct listener *listener);
void listener_finish(struct listener *listener);

/* Listens again after a pause that a lack of file descriptors has forced; cheap otherwise. */
void listener_resume(struct listener *listener);

#endif
