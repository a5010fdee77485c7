/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/listener.h>
#include <linux/filter.h>

#include "collector/addresses.h"
#include "collector/metrics.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

/*
 * What the kernel keeps of a connection, each way, doubled for its own needs.  Left to itself it lets one have
 * megabytes, so that a few hundred that ask and do not read, or send and are not read, cost gigabytes; at 100 ms
 * of distance this is still more than 1 MB/s.  It comes on top of max_held_bytes: at most four times BUFFER, half
 * a MiB, for each of max_connections, which is 1 GiB by default, and a quarter of that for one address
 * (max_connections_per_address).
 */
enum { SOCKETS = 8, BACKLOG = 1024, BUFFER = 131072 };

struct bound_sockets {
    enum door door;
    int sockets[SOCKETS];        /* -1 once a listener has it */
    struct {
        char text[ADDRESS_TEXT_SIZE];
    } addresses[SOCKETS];
    size_t count;
    int port;
    bool inherited;
};

struct listener {
    struct evconnlistener *sockets[SOCKETS];
    size_t count;
    enum door door;
    int port;
    bool inherited;
    bool paused;
    bool lacks_descriptors;      /* since the last connection that was taken */
    struct event_base *base;
    listener_accept *accept;
    void *context;
};

static int free_listener(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        evconnlistener_free(listener->sockets[i]);
    return 0;
}

static void on_accept(struct evconnlistener *socket, evutil_socket_t accepted, struct sockaddr *peer,
                      int length, void *context)
{
    (void)socket;
    (void)length;
    struct listener *listener = context;
    if (listener->lacks_descriptors)
        log_write(LOG_LEVEL_INFO, "taking connections again", NULL);
    listener->lacks_descriptors = false;
    listener->accept(accepted, peer, listener->door, listener->context);
}

/*
 * Out of file descriptors, most likely: the connection stays in the queue, and asking at once would only
 * spin.
 */
static void on_error(struct evconnlistener *socket, void *context)
{
    (void)socket;
    struct listener *listener = context;
    int reason = errno;
    metrics_add(METRIC_REFUSED_DESCRIPTORS, 1);
    if (!listener->lacks_descriptors)
        log_write(LOG_LEVEL_ERROR, "cannot take a connection; trying again, quietly", "error",
                  strerror(reason), NULL);
    listener->paused = listener->lacks_descriptors = true;
    for (size_t i = 0; i < listener->count; i++)
        evconnlistener_disable(listener->sockets[i]);
}

void listener_resume(struct listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    for (size_t i = 0; i < listener->count; i++)
        evconnlistener_enable(listener->sockets[i]);
}

/* Connections whose handshake is done would be reset if the socket were closed with them in its queue. */
void listener_begin_end(struct listener *listener)
{
    enum { FLAGS_AT = 13, SYN = 0x02 };   /* of the TCP header, where a socket's filter begins */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog no_beginning = {.len = sizeof code / sizeof *code, .filter = code};
    for (size_t i = 0; i < listener->count && !listener->inherited; i++) {
        int socket = evconnlistener_get_fd(listener->sockets[i]);
        if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &no_beginning, sizeof no_beginning) != 0)
            log_write(LOG_LEVEL_WARNING, "connections that begin just now will be reset", "error",
                      strerror(errno), NULL);
    }
}

static void accept_all(const struct listener *listener, int socket)
{
    struct sockaddr_storage peer;
    for (;;) {
        socklen_t length = sizeof peer;
        int accepted = accept4(socket, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted >= 0)
            listener->accept(accepted, (struct sockaddr *)&peer, listener->door, listener->context);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

void listener_finish(struct listener *listener)
{
    for (size_t i = 0; i < listener->count && !listener->inherited; i++)
        accept_all(listener, evconnlistener_get_fd(listener->sockets[i]));
}

/* Accepted sockets inherit these. */
static void prepare_socket(int socket_)
{
    int one = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &(int){BUFFER}, sizeof(int));
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &(int){BUFFER}, sizeof(int));
}

static int bind_socket(const struct addrinfo *address)
{
    int one = 1;
    int socket_ = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0)
        return -1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    prepare_socket(socket_);
    if (address->ai_family == AF_INET6)
        setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(socket_, address->ai_addr, address->ai_addrlen) == 0)
        return socket_;
    int reason = errno;
    close(socket_);
    errno = reason;
    return -1;
}

void listener_apply_settings(struct listener *listener, const struct settings *settings)
{
    unsigned patience_ms = (unsigned)settings->idle_deadline_ms + (unsigned)settings->body_deadline_ms +
                           (unsigned)settings->work_deadline_ms + (unsigned)settings->rate_grace_ms;
    for (size_t i = 0; i < listener->count; i++)
        setsockopt(evconnlistener_get_fd(listener->sockets[i]), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms,
                   sizeof patience_ms);   /* accepted sockets inherit it */
}

/* 0 when the system does not say. */
static int port_of(int bound)
{
    struct sockaddr_storage named = {0};
    socklen_t length = sizeof named;
    char port[8] = "0";
    if (getsockname(bound, (struct sockaddr *)&named, &length) == 0)
        (void)getnameinfo((struct sockaddr *)&named, length, NULL, 0, port, sizeof port, NI_NUMERICSERV);
    return (int)strtol(port, NULL, 10);
}

/* With port 0 the first socket gets a free port, and the others the same. */
static void use_port(struct sockaddr *address, int port)
{
    if (address->sa_family == AF_INET6)
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

static const struct {
    const char *address, *port;      /* settings */
    const char *message;             /* in the log */
} door_words[DOORS] = {
    [DOOR_PEOPLE] = {"listen_address", "listen_port", "listening"},
    [DOOR_MACHINES] = {"machine_listen_address", "machine_listen_port", "listening for machines"},
};

static bool refuse_address(enum door door, const char *text, int port, int reason, struct error *error)
{
    return error_set(error, ERROR_IO,
                     "cannot listen on %s port %d: %s; choose another %s, or stop what uses it", text, port,
                     strerror(reason), door_words[door].port);
}

static int close_bound(struct bound_sockets *bound)
{
    for (size_t i = 0; i < bound->count; i++)
        if (bound->sockets[i] >= 0)
            close(bound->sockets[i]);
    return 0;
}

static bool bind_address(struct bound_sockets *bound, const struct addrinfo *address, struct error *error)
{
    char *text = bound->addresses[bound->count].text;
    address_format(address->ai_addr, text);
    use_port(address->ai_addr, bound->port);
    int made = bind_socket(address);
    if (made < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
        return true;   /* a name of a family that this machine does not have: one other is enough */
    if (made < 0)
        return refuse_address(bound->door, text, bound->port, errno, error);
    bound->port = port_of(made);
    bound->sockets[bound->count++] = made;
    return true;
}

static bool bind_name(struct bound_sockets *bound, const struct listener_place *place, struct error *error)
{
    const char *setting = door_words[bound->door].address;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    int failed = getaddrinfo(place->address, NULL, &hints, &addresses);
    bool good = failed == 0;
    if (!good)
        error_set(error, ERROR_IO, "%s %s: %s", setting, place->address, gai_strerror(failed));
    for (const struct addrinfo *a = addresses; good && a != NULL && bound->count < SOCKETS; a = a->ai_next)
        good = bind_address(bound, a, error);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    if (good && bound->count == 0)
        good = error_set(error, ERROR_IO, "%s %s is no address of this machine", setting, place->address);
    return good;
}

static void take_inherited(struct bound_sockets *bound, const struct inherited_sockets *inherited)
{
    bound->inherited = true;
    for (size_t i = 0; i < inherited->count && bound->count < SOCKETS; i++) {
        struct sockaddr_storage named = {0};
        socklen_t length = sizeof named;
        prepare_socket(inherited->sockets[i]);
        if (getsockname(inherited->sockets[i], (struct sockaddr *)&named, &length) == 0)
            address_format((const struct sockaddr *)&named, bound->addresses[bound->count].text);
        bound->sockets[bound->count++] = inherited->sockets[i];
    }
    bound->port = port_of(bound->sockets[0]);
}

struct bound_sockets *listener_bind(const void *owner, const struct listener_place *place, struct error *error)
{
    struct bound_sockets *bound = memory_new(owner, struct bound_sockets);
    *bound = (struct bound_sockets){.door = place->door, .port = place->port};
    talloc_set_destructor(bound, close_bound);
    if (place->inherited != NULL && place->inherited->count > 0)
        take_inherited(bound, place->inherited);
    else if (!bind_name(bound, place, error)) {
        talloc_free(bound);
        return NULL;
    }
    return bound;
}

static bool listen_on(struct listener *listener, struct bound_sockets *bound, size_t at, struct error *error)
{
    char port[12];
    const char *address = bound->addresses[at].text;
    if (listen(bound->sockets[at], BACKLOG) != 0)
        return refuse_address(bound->door, address, bound->port, errno, error);
    struct evconnlistener *socket =
        evconnlistener_new(listener->base, on_accept, listener, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
                           bound->sockets[at]);
    if (socket == NULL)
        return error_set(error, ERROR_INTERNAL, "libevent cannot listen on %s", address);
    bound->sockets[at] = -1;
    evconnlistener_set_error_cb(socket, on_error);
    listener->sockets[listener->count++] = socket;
    snprintf(port, sizeof port, "%d", listener->port);
    log_write(LOG_LEVEL_INFO, door_words[bound->door].message, "address", address, "port", port, NULL);
    return true;
}

struct listener *listener_new(const void *owner, struct event_base *base, struct bound_sockets *bound,
                              listener_accept *accept, void *context, struct error *error)
{
    struct listener *listener = memory_new(owner, struct listener);
    *listener = (struct listener){.base = base, .accept = accept, .context = context, .door = bound->door,
                                  .port = bound->port, .inherited = bound->inherited};
    talloc_set_destructor(listener, free_listener);
    bool good = true;
    for (size_t i = 0; good && i < bound->count; i++)
        good = listen_on(listener, bound, i, error);
    if (good)
        return listener;
    talloc_free(listener);
    return NULL;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}
