/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that checks passwords and makes sessions, and nothing else; it has a connection to PostgreSQL of its own.
 * What it answers to a login is the same for a name that nobody has, a disabled account, a wrong password and a wrong
 * code, and so is the work that it does.
 */
#ifndef PATELLA_AUTH_SERVICE_H
#define PATELLA_AUTH_SERVICE_H

#include "collector/auth_protocol.h"

struct auth_service;

struct auth_service *auth_service_new(const void *owner, const char *conninfo);

/* Judges one request; connects when there is no connection. */
void auth_service_answer(struct auth_service *service, struct auth_request *request, struct auth_answer *answer);

/*
 * Answers what comes over the socket until its other end is closed.  `under_way` holds the number of the request that
 * is worked on, 0 between two.
 */
void auth_service_run(struct auth_service *service, int socket, _Atomic uint64_t *under_way);

#endif
