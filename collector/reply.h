/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of a reply: status line, headers that every reply has, the handler's own, body. */
#ifndef PATELLA_REPLY_H
#define PATELLA_REPLY_H

#include <event2/buffer.h>

#include "collector/call.h"

/*
 * Makes the reply of `call`, counts and logs it: reply_bytes, with the body in it when both fit into one TLS
 * record, else with body_apart.  A call without a status becomes a 500.  `close`: say that the connection
 * ends here.
 */
void reply_make(struct call *call, bool close);

/* Puts all but the first `sent` bytes of a reply into `out`; takes the call over. */
void reply_queue(struct call *call, size_t sent, struct evbuffer *out);

/* The interim reply for "Expect: 100-continue". */
void reply_send_continue(struct evbuffer *out);

#endif
