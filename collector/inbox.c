/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "forms/base/memory.h"

struct inbox {
    pthread_mutex_t lock;
    struct inbox_message *first, *last;
    int wake;                  /* eventfd */
    struct event *event;
};

static int free_inbox(struct inbox *inbox)
{
    if (inbox->event != NULL)
        event_free(inbox->event);
    if (inbox->wake >= 0)
        close(inbox->wake);
    pthread_mutex_destroy(&inbox->lock);
    return 0;
}

static void on_wake(evutil_socket_t wake, short what, void *context)
{
    uint64_t count;
    (void)what;
    ssize_t got = read(wake, &count, sizeof count);
    (void)got;   /* the list tells */
    inbox_deliver(context);
}

struct inbox *inbox_new(const void *owner, struct event_base *base, struct error *error)
{
    struct inbox *inbox = memory_new(owner, struct inbox);
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    talloc_set_destructor(inbox, free_inbox);
    if (inbox->wake >= 0)
        inbox->event = event_new(base, inbox->wake, EV_READ | EV_PERSIST, on_wake, inbox);
    if (inbox->event != NULL && event_add(inbox->event, NULL) == 0)
        return inbox;
    error_io(error, errno, "eventfd");
    talloc_free(inbox);
    return NULL;
}

/* True when it was empty. */
static bool append(struct inbox *inbox, struct inbox_message *message)
{
    message->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    bool was_empty = inbox->first == NULL;
    if (was_empty)
        inbox->first = message;
    else
        inbox->last->next = message;
    inbox->last = message;
    pthread_mutex_unlock(&inbox->lock);
    return was_empty;
}

void inbox_post(struct inbox *inbox, struct inbox_message *message)
{
    if (!append(inbox, message))
        return;
    uint64_t one = 1;
    ssize_t written = write(inbox->wake, &one, sizeof one);
    (void)written;   /* fails only when the counter is full, and then the loop is awake */
}

void inbox_deliver(struct inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    struct inbox_message *message = inbox->first;
    inbox->first = inbox->last = NULL;
    pthread_mutex_unlock(&inbox->lock);
    while (message != NULL) {
        struct inbox_message *next = message->next;   /* delivery may free the message */
        message->deliver(message);
        message = next;
    }
}
