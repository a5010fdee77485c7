/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inbox of an event loop: the only way into it from other threads.
 *
 * A message is pushed on a list under a lock; an eventfd wakes the loop when the list was empty.
 */
#ifndef PATELLA_INBOX_H
#define PATELLA_INBOX_H

#include <event2/event.h>

#include "forms/base/error.h"

struct inbox;

/* Part of what is sent; belongs to the inbox until `deliver` is called with it in the loop's thread. */
struct inbox_message {
    struct inbox_message *next;
    void (*deliver)(struct inbox_message *message);
};

struct inbox *inbox_new(const void *owner, struct event_base *base, struct error *error) MUST_CHECK;

/* From any thread. */
void inbox_post(struct inbox *inbox, struct inbox_message *message);

/*
 * Delivers what is there, in the order of posting: the loop does it by itself; once more when the loop has
 * ended.
 */
void inbox_deliver(struct inbox *inbox);

#endif
