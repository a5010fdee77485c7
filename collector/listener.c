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

struct listener {
    struct evconnlistener *sockets[SOCKETS];
    size_t count;
    int port;
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
    listener->accept(accepted, peer, listener->context);
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
    for (size_t i = 0; i < listener->count; i++) {
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
            listener->accept(accepted, (struct sockaddr *)&peer, listener->context);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

void listener_finish(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        accept_all(listener, evconnlistener_get_fd(listener->sockets[i]));
}

static int bind_socket(const struct addrinfo *address)
{
    int one = 1;
    int socket_ = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0)
        return -1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);   /* accepted sockets inherit it */
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &(int){BUFFER}, sizeof(int));
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &(int){BUFFER}, sizeof(int));
    if (address->ai_family == AF_INET6)
        setsockopt(socket_, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(socket_, address->ai_addr, address->ai_addrlen) == 0 && listen(socket_, BACKLOG) == 0)
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

static bool listen_on(struct listener *listener, const struct addrinfo *address, struct error *error)
{
    char text[ADDRESS_TEXT_SIZE], port[12];
    address_format(address->ai_addr, text);
    use_port(address->ai_addr, listener->port);
    int bound = bind_socket(address);
    if (bound < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
        return true;   /* a name of a family that this machine does not have: one other is enough */
    if (bound < 0)
        return error_set(error, ERROR_IO,
                         "cannot listen on %s port %d: %s; choose another listen_port, or stop what "
                         "uses it",
                         text, listener->port, strerror(errno));
    listener->port = port_of(bound);
    struct evconnlistener *socket = evconnlistener_new(
        listener->base, on_accept, listener, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, bound);
    if (socket == NULL) {
        close(bound);
        return error_set(error, ERROR_INTERNAL, "libevent cannot listen on %s", text);
    }
    evconnlistener_set_error_cb(socket, on_error);
    listener->sockets[listener->count++] = socket;
    snprintf(port, sizeof port, "%d", listener->port);
    log_write(LOG_LEVEL_INFO, "listening", "address", text, "port", port, NULL);
    return true;
}

struct listener *listener_new(const void *owner, struct event_base *base, const struct settings *settings,
                              listener_accept *accept, void *context, struct error *error)
{
    struct listener *listener = memory_new(owner, struct listener);
    *listener = (struct listener){
        .base = base, .accept = accept, .context = context, .port = settings->listen_port};
    talloc_set_destructor(listener, free_listener);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *addresses = NULL;
    int failed = getaddrinfo(settings->listen_address, NULL, &hints, &addresses);
    bool good = failed == 0;
    if (!good)
        error_set(error, ERROR_IO, "listen_address %s: %s", settings->listen_address, gai_strerror(failed));
    for (const struct addrinfo *a = addresses; good && a != NULL && listener->count < SOCKETS; a = a->ai_next)
        good = listen_on(listener, a, error);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    if (good && listener->count == 0)
        good = error_set(error, ERROR_IO, "listen_address %s is no address of this machine",
                         settings->listen_address);
    if (!good) {
        talloc_free(listener);
        return NULL;
    }
    listener_apply_settings(listener, settings);
    return listener;
}

int listener_port(const struct listener *listener)
{
    return listener->port;
}
