/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a reply: status line, headers that every reply has, the handler's own, body. */
#ifndef PATELLA_REPLY_H
#define PATELLA_REPLY_H

#include <event2/buffer.h>

#include "collector/call.h"

/*
 * Writes the reply of `call` to `out`, counts and logs it, and takes the call over.  A call without a status
 * becomes a 500.  `close`: say that the connection ends here.
 */
void reply_send(struct call *call, struct evbuffer *out, bool close);

/* The interim reply for "Expect: 100-continue". */
void reply_send_continue(struct evbuffer *out);

#endif
