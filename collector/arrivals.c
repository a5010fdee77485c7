/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/arrivals.h"

#include <stddef.h>
#include <sys/socket.h>

#include "forms/base/memory.h"

enum { BEGIN_A_TURN = 4 };   /* about 0.2 ms each with a key on P-256; RSA of 2048 bits signs for as long again */

struct arrivals {
    struct event_base *base;
    struct event *turn;          /* fires in the next turn of the loop */
    arrivals_begin *begin;
    struct arrival *first, **last;
};

static int free_arrivals(struct arrivals *arrivals)
{
    event_free(arrivals->turn);
    return 0;
}

static void schedule(struct arrivals *arrivals)
{
    static const struct timeval at_once = {0};
    if (!event_pending(arrivals->turn, EV_TIMEOUT, NULL))
        event_add(arrivals->turn, &at_once);
}

static void on_turn(evutil_socket_t none, short what, void *context)
{
    (void)none;
    (void)what;
    struct arrivals *arrivals = context;
    for (int i = 0; i < BEGIN_A_TURN && arrivals->first != NULL; i++)
        arrivals->begin(arrivals->first, false);
    if (arrivals->first != NULL)
        schedule(arrivals);
}

static void on_first_byte(evutil_socket_t socket, short what, void *context)
{
    (void)what;
    struct arrival *arrival = context;
    struct arrivals *arrivals = arrival->arrivals;
    char byte;
    if (recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
        arrivals->begin(arrival, true);
        return;
    }
    arrival->next = NULL;
    arrival->link = arrivals->last;
    *arrivals->last = arrival;
    arrivals->last = &arrival->next;
    schedule(arrivals);
}

struct arrivals *arrivals_new(const void *owner, struct event_base *base, arrivals_begin *begin)
{
    struct arrivals *arrivals = memory_new(owner, struct arrivals);
    arrivals->base = base;
    arrivals->begin = begin;
    arrivals->last = &arrivals->first;
    arrivals->turn = event_new(base, -1, 0, on_turn, arrivals);
    if (arrivals->turn == NULL) {
        talloc_free(arrivals);
        return NULL;
    }
    talloc_set_destructor(arrivals, free_arrivals);
    return arrivals;
}

bool arrivals_wait(struct arrivals *arrivals, struct arrival *arrival, evutil_socket_t socket)
{
    arrival->arrivals = arrivals;
    arrival->event = event_new(arrivals->base, socket, EV_READ, on_first_byte, arrival);
    if (arrival->event == NULL)
        return false;
    if (event_add(arrival->event, NULL) == 0)
        return true;
    event_free(arrival->event);
    arrival->event = NULL;
    return false;
}

evutil_socket_t arrivals_take(struct arrival *arrival)
{
    if (arrival->event == NULL)
        return -1;
    evutil_socket_t socket = event_get_fd(arrival->event);
    event_free(arrival->event);
    arrival->event = NULL;
    if (arrival->link == NULL)
        return socket;
    *arrival->link = arrival->next;
    if (arrival->next != NULL)
        arrival->next->link = arrival->link;
    else
        arrival->arrivals->last = arrival->link;
    arrival->link = NULL;
    return socket;
}
