/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to a request between its head and its reply: admission (token, role, study), then the handler,
 * in the loop, on a worker or by way of the writer.  The connection is told when the call may go on.
 */
#ifndef PATELLA_DISPATCH_H
#define PATELLA_DISPATCH_H

#include "collector/call.h"
#include "collector/connection.h"

/* The head has a route: decides whether the caller may, asking a worker when the token is not known. */
void dispatch_admit(struct call *call);

/* The body is there. */
void dispatch_run(struct call *call);

/* ---- for receive.c ---- */

/* Gives the call to a worker; when all are busy and their queue is full, it has its refusal. */
void dispatch_send_to_worker(struct call *call, enum connection_phase phase);

/* The exchange's `then`, in the loop. */
void dispatch_go_on(struct call *call);

#endif
