/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The listening sockets of one door: one for each address that the configured name has, or those that the service
 * manager has made (activation.h).
 *
 * In two steps: addresses are taken while the process may still do so (sandbox.h), connections once it can serve them.
 */
#ifndef PATELLA_LISTENER_H
#define PATELLA_LISTENER_H

#include <event2/event.h>
#include <sys/socket.h>

#include "collector/activation.h"
#include "collector/settings.h"

/* Where people come in, and where sites' machines do. */
enum door { DOOR_PEOPLE, DOOR_MACHINES, DOORS };

struct listener;
struct bound_sockets;

/* Where to listen: an address and port, unless sockets are inherited. */
struct listener_place {
    enum door door;
    const char *address;
    int port;
    const struct inherited_sockets *inherited;   /* NULL or count 0: none */
};

/* Takes the addresses; ERROR_IO when that is not possible.  They are closed with the result unless it is used. */
struct bound_sockets *listener_bind(const void *owner, const struct listener_place *place,
                                    struct error *error) MUST_CHECK;

/* The socket is the callee's: non-blocking, closed on exec, without Nagle's delay. */
typedef void listener_accept(evutil_socket_t socket, const struct sockaddr *peer, enum door door, void *context);

/* Listens on `bound`, whose sockets it takes over; ERROR_IO when that is not possible. */
struct listener *listener_new(const void *owner, struct event_base *base, struct bound_sockets *bound,
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
 * Inherited sockets stay the service manager's: who comes from here on waits there for the next daemon.
 */
void listener_begin_end(struct listener *listener);
void listener_finish(struct listener *listener);

/* Listens again after a pause that a lack of file descriptors has forced; cheap otherwise. */
void listener_resume(struct listener *listener);

#endif
