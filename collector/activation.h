/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a service manager hands over and wants to hear: listening sockets (LISTEN_FDS, LISTEN_FDNAMES) and the news
 * that the service is ready (NOTIFY_SOCKET), as sd_listen_fds(3) and sd_notify(3) describe them.
 */
#ifndef PATELLA_ACTIVATION_H
#define PATELLA_ACTIVATION_H

#include <stddef.h>

#include "forms/base/error.h"

enum { INHERITED_MOST = 8 };

struct inherited_sockets {
    int sockets[INHERITED_MOST];
    size_t count;
};

struct activation {
    struct inherited_sockets people, machines;   /* FileDescriptorName=people, =machines */
    int notify;                                  /* socket to the service manager; -1: none */
};

/*
 * Reads and removes the variables; nothing is inherited when LISTEN_PID is another process.  ERROR_INPUT for a socket
 * with another name, or that does not listen for TCP.
 */
bool activation_read(struct activation *activation, struct error *error) MUST_CHECK;

/* Says "READY=1", "STOPPING=1"; nothing when nobody asked. */
void activation_notify(const struct activation *activation, const char *state);

#endif
