/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happens to a request between its head and its reply: admission (token, role, study), then the handler,
 * in the loop, on a worker or by way of the writer.  The connection is told when the call may go on.
 */
#ifndef PATELLA_DISPATCH_H
#define PATELLA_DISPATCH_H

#include "collector/call.h"

/* The head has a route: decides whether the caller may, asking a worker when the token is not known. */
void dispatch_admit(struct call *call);

/* The body is there. */
void dispatch_run(struct call *call);

#endif
