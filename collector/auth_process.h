/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process that checks passwords, made before patellad has threads or has read its key, and another one that starts
 * it again when it dies: patellad itself could not, for by then its memory holds what such a child must not have.
 * Both end with patellad, whose end of the socket is the only one.
 */
#ifndef PATELLA_AUTH_PROCESS_H
#define PATELLA_AUTH_PROCESS_H

#include "forms/base/error.h"

/* The socket to talk over (auth_protocol.h). */
bool auth_process_start(const char *conninfo, int *socket, struct error *error) MUST_CHECK;

#endif
