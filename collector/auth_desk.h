/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where requests wait for the process that checks passwords: a bounded queue and one thread, which puts one question
 * after the other.  A login takes a quarter of a second of a processor; the queue keeps that from the event loop and
 * from the workers, and one address can fill a part of it only.
 */
#ifndef PATELLA_AUTH_DESK_H
#define PATELLA_AUTH_DESK_H

#include "collector/auth_protocol.h"
#include "collector/exchange.h"
#include "forms/base/error.h"

/* Makes the reply of an exchange; `answer` is wiped afterwards. */
typedef void auth_reply(struct exchange *exchange, const struct auth_answer *answer);

/* `socket` is the desk's from now on. */
bool auth_desk_start(int socket, struct error *error) MUST_CHECK;

/*
 * Queues a request of `exchange`, which is the desk's from then on and is finished by it; `request` is copied and
 * wiped.  When there is no desk, or no room, the exchange has its refusal and is finished.
 */
void auth_desk_ask(struct exchange *exchange, struct auth_request *request, auth_reply *reply);

/* Answers what waits 503, ends the thread; false when it has not ended after `deadline_ms`. */
bool auth_desk_stop(int deadline_ms) MUST_CHECK;

#endif
