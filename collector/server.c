/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/server.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "collector/certificate_watch.h"
#include "collector/clock.h"
#include "collector/connection.h"
#include "collector/container_of.h"
#include "collector/descriptors.h"
#include "collector/listener.h"
#include "collector/loop.h"
#include "collector/metrics.h"
#include "collector/upload_jobs.h"
#include "collector/writer.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

enum { TICK_MS = 100, SIGNALS = 3, LAST_ACCEPT_MS = 1000 };

struct server {
    struct loop loop;              /* first: what hangs on the loop hangs on the server's block */
    const struct settings_source *source;
    struct settings *reloaded;     /* NULL as long as the first settings are in use */
    struct listener *listeners[DOORS];   /* NULL: none, or no longer */
    size_t connections_most;       /* what the limit of open files leaves of max_connections */
    struct event *tick;
    struct event *signals[SIGNALS];
    struct inbox_message stop_message;
    atomic_bool stop_posted;
    _Atomic int status;
    int64_t stop_at_us;            /* the end, at the latest */
    int64_t accept_until_us;       /* of connections that had begun before the stop */
};

static const int handled_signals[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/* ---- stop ---- */

static void begin_stop(struct server *server)
{
    struct loop *loop = &server->loop;
    if (loop->stopping)
        return;
    log_write(LOG_LEVEL_INFO, "stopping", NULL);
    loop->stopping = true;
    server->stop_at_us = clock_now_us() + (int64_t)loop->settings->stop_deadline_ms * 1000;
    writer_hurry(loop->settings->stop_deadline_ms / 2);
    upload_jobs_hurry();
    server->accept_until_us = clock_now_us() + (int64_t)LAST_ACCEPT_MS * 1000;
    for (size_t i = 0; i < DOORS; i++)
        if (server->listeners[i] != NULL) {
            listener_begin_end(server->listeners[i]);
            listener_finish(server->listeners[i]);
        }
    for (struct connection *connection = loop->connections; connection != NULL; connection = connection->next)
        connection_hurry(connection);
}

static void deliver_stop(struct inbox_message *message)
{
    begin_stop(CONTAINER_OF(message, struct server, stop_message));
}

void server_stop(struct server *server, int status)
{
    if (atomic_exchange(&server->stop_posted, true))
        return;
    atomic_store(&server->status, status);
    inbox_post(server->loop.inbox, &server->stop_message);
}

int server_stop_time_left_ms(const struct server *server)
{
    int64_t left_ms = (server->stop_at_us - clock_now_us()) / 1000;
    return left_ms > 0 ? (int)left_ms : 0;
}

/* Who had begun to connect before the stop has had the time to end it. */
static void end_listening(struct server *server)
{
    for (size_t i = 0; i < DOORS; i++) {
        if (server->listeners[i] != NULL)
            listener_finish(server->listeners[i]);
        TALLOC_FREE(server->listeners[i]);
    }
}

static void close_all(struct loop *loop)
{
    while (loop->connections != NULL)
        connection_close(loop->connections);
}

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void give_up_all(struct loop *loop)
{
    struct connection *next = NULL;
    for (struct connection *connection = loop->connections; connection != NULL; connection = next) {
        next = connection->next;   /* giving up closes its own connection at most */
        connection_give_up(connection);
    }
}

/*
 * As the deadline nears: at a half the writer has answered what it did not begin (writer_hurry), in the last
 * quarter what other threads still hold is answered 503, in the last eighth, which is for ending those
 * threads, connections are closed.  The clock ticks only so often: a short deadline is parted by ticks.
 */
static void tick_stop(struct server *server, int64_t now_us)
{
    struct loop *loop = &server->loop;
    int64_t left_us = server->stop_at_us - now_us;
    int64_t deadline_us = (int64_t)loop->settings->stop_deadline_ms * 1000;
    bool gives_up = left_us < longer(deadline_us / 4, (int64_t)4 * TICK_MS * 1000);
    if (loop->connection_count == 0 || gives_up || now_us >= server->accept_until_us)
        end_listening(server);
    if (gives_up)
        give_up_all(loop);
    bool done = loop->connection_count == 0 && (loop->calls_away == 0 || gives_up);
    if (!done && left_us > longer(deadline_us / 8, (int64_t)2 * TICK_MS * 1000))
        return;
    if (!done)
        log_write(LOG_LEVEL_WARNING, "stopping without the rest: the stop deadline is near", NULL);
    close_all(loop);
    event_base_loopbreak(loop->base);
}

/* ---- reload ---- */

static void apply_settings(struct server *server, const struct settings *settings)
{
    server->loop.settings = settings;
    for (size_t i = 0; i < DOORS; i++)
        if (server->listeners[i] != NULL)
            listener_apply_settings(server->listeners[i], settings);
    server->connections_most = descriptors_allow_connections(settings);
    log_set_level(settings_log_level(settings));
    metrics_set_loopback_only(settings->metrics_loopback_only);
}

static bool reload_settings(struct server *server, struct error *error)
{
    struct text *kept = text_new(server);
    struct settings *fresh = settings_reload(server, server->loop.settings, server->source, kept, error);
    if (fresh != NULL) {
        if (kept->length > 0)
            log_write(LOG_LEVEL_WARNING, "changed settings that need a restart are kept", "settings",
                      kept->bytes + 1, NULL);
        apply_settings(server, fresh);
        talloc_free(server->reloaded);
        server->reloaded = fresh;
    }
    talloc_free(kept);
    return fresh != NULL;
}

/* New connections get the new certificate; the old ones keep what they have. */
static void use_tls(struct server *server, enum door door, struct tls *fresh)
{
    talloc_free(server->loop.tls[door]);
    server->loop.tls[door] = talloc_steal(server, fresh);
    if (fresh != NULL)
        certificate_watch_use(fresh);
}

/* All or nothing: a certificate and lists that belong together come together. */
static bool reload_tls(struct server *server, struct error *error)
{
    const struct settings *settings = server->loop.settings;
    struct tls *fresh[DOORS] = {tls_load(server, settings->certificate, settings->key, error)};
    bool good = fresh[DOOR_PEOPLE] != NULL;
    if (good && server->loop.tls[DOOR_MACHINES] != NULL) {
        fresh[DOOR_MACHINES] = tls_load_for_machines(server, settings, error);
        good = fresh[DOOR_MACHINES] != NULL;
    }
    for (size_t i = 0; i < DOORS; i++)
        if (good && fresh[i] != NULL)
            use_tls(server, (enum door)i, fresh[i]);
        else
            talloc_free(fresh[i]);
    return good;
}

static void reload(struct server *server)
{
    struct error error = {0};
    if (server->source != NULL && !reload_settings(server, &error))
        log_write(LOG_LEVEL_ERROR, "settings not reloaded, the old ones stay", "error", error.message, "file",
                  *error.file != '\0' ? error.file : NULL, NULL);
    else if (!reload_tls(server, &error))
        log_write(LOG_LEVEL_ERROR, "certificate not reloaded, the old one stays", "error", error.message,
                  "file", *error.file != '\0' ? error.file : NULL, NULL);
    else
        log_write(LOG_LEVEL_INFO, "reloaded", NULL);
}

/* ---- libevent's calls ---- */

static void on_tick(evutil_socket_t socket, short what, void *context)
{
    (void)socket;
    (void)what;
    struct server *server = context;
    int64_t now_us = clock_now_us();
    struct connection *next = NULL;
    for (struct connection *connection = server->loop.connections; connection != NULL; connection = next) {
        next = connection->next;   /* a tick closes its own connection at most */
        connection_tick(connection, now_us);
    }
    for (size_t i = 0; i < DOORS; i++)
        if (server->listeners[i] != NULL)
            listener_resume(server->listeners[i]);
    certificate_watch_look(time(NULL));
    if (server->loop.stopping)
        tick_stop(server, now_us);
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    if (number == SIGHUP)
        reload(context);
    else
        begin_stop(context);
}

static void on_accept(evutil_socket_t socket, const struct sockaddr *peer, enum door door, void *context)
{
    struct server *server = context;
    struct loop *loop = &server->loop;
    metrics_add(METRIC_CONNECTIONS_ACCEPTED, 1);
    if (loop->connection_count >= server->connections_most) {
        metrics_add(METRIC_REFUSED_TOTAL_LIMIT, 1);
        close(socket);
        return;
    }
    size_t limit = (size_t)loop->settings->max_connections_per_address;
    struct address *address = address_take(loop->addresses, peer, limit);
    if (address == NULL) {
        metrics_add(METRIC_REFUSED_ADDRESS_LIMIT, 1);
        close(socket);
    } else if (!connection_open(loop, socket, peer, door, address)) {
        address_release(loop->addresses, address);
    }
}

/* ---- begin and end ---- */

static int free_server(struct server *server)
{
    struct loop *loop = &server->loop;
    close_all(loop);
    if (loop->inbox != NULL)
        inbox_deliver(loop->inbox);
    talloc_free(loop->inbox);
    for (size_t i = 0; i < DOORS; i++)
        TALLOC_FREE(server->listeners[i]);
    if (server->tick != NULL)
        event_free(server->tick);
    talloc_free(loop->replies);
    talloc_free(loop->arrivals);
    for (size_t i = 0; i < SIGNALS; i++)
        if (server->signals[i] != NULL)
            event_free(server->signals[i]);
    if (loop->base != NULL) {
        event_base_loop(loop->base, EVLOOP_NONBLOCK);   /* libevent frees closed connections one turn later */
        event_base_free(loop->base);
    }
    return 0;
}

static uint64_t random_start(void)
{
    uint64_t start = 0;
    if (getrandom(&start, sizeof start, 0) != (ssize_t)sizeof start)
        start = (uint64_t)clock_now_us() << 20;
    return start;
}

static bool start_loop(struct server *server, struct error *error)
{
    struct loop *loop = &server->loop;
    loop->base = event_base_new();
    if (loop->base == NULL)
        return error_set(error, ERROR_INTERNAL, "libevent cannot make an event loop");
    loop->inbox = inbox_new(server, loop->base, error);
    if (loop->inbox == NULL)
        return false;
    loop->replies = replies_new(server, loop->base);
    loop->arrivals = arrivals_new(server, loop->base, connection_begin_tls);
    struct timeval every = {.tv_usec = (suseconds_t)TICK_MS * 1000};
    server->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, server);
    bool made = loop->replies != NULL && loop->arrivals != NULL && server->tick != NULL;
    if (!made || event_add(server->tick, &every) != 0)
        return error_set(error, ERROR_INTERNAL, "libevent cannot make a timer");
    return true;
}

static bool listen_at_doors(struct server *server, const struct server_options *options, struct error *error)
{
    const struct settings *settings = options->settings;
    struct bound_sockets *bound[DOORS] = {options->bound[DOOR_PEOPLE], options->bound[DOOR_MACHINES]};
    bool good = true;
    if (bound[DOOR_PEOPLE] == NULL) {
        const struct listener_place place = {DOOR_PEOPLE, settings->listen_address, settings->listen_port, NULL};
        bound[DOOR_PEOPLE] = listener_bind(server, &place, error);
        good = bound[DOOR_PEOPLE] != NULL;
    }
    for (size_t i = 0; i < DOORS; i++) {
        if (good && bound[i] != NULL) {
            server->listeners[i] = listener_new(server, server->loop.base, bound[i], on_accept, server, error);
            good = server->listeners[i] != NULL;
        }
        if (good && bound[i] != NULL)
            listener_apply_settings(server->listeners[i], settings);
        talloc_free(bound[i]);
    }
    return good;
}

struct server *server_new(const void *owner, const struct server_options *options, struct error *error)
{
    struct server *server = memory_new(owner, struct server);
    talloc_set_destructor(server, free_server);
    struct loop *loop = &server->loop;
    server->source = options->source;
    server->stop_message.deliver = deliver_stop;
    loop->routes = options->routes;
    loop->workers = options->workers;
    loop->tokens = token_cache_new(server);
    loop->addresses = address_table_new(server);
    loop->next_request = random_start();
    metrics_start(&loop->routes);
    apply_settings(server, options->settings);
    for (size_t i = 0; i < DOORS; i++)
        use_tls(server, (enum door)i, options->tls[i]);
    if (start_loop(server, error) && listen_at_doors(server, options, error))
        return server;
    talloc_free(server);
    return NULL;
}

bool server_handle_signals(struct server *server, struct error *error)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        server->signals[i] = evsignal_new(server->loop.base, handled_signals[i], on_signal, server);
        if (server->signals[i] == NULL || evsignal_add(server->signals[i], NULL) != 0)
            return error_set(error, ERROR_INTERNAL, "libevent cannot handle signal %d", handled_signals[i]);
    }
    return true;
}

int server_port(const struct server *server)
{
    return listener_port(server->listeners[DOOR_PEOPLE]);
}

int server_run(struct server *server)
{
    if (event_base_dispatch(server->loop.base) != 0)
        log_write(LOG_LEVEL_ERROR, "the event loop failed", NULL);
    event_base_loop(server->loop.base, EVLOOP_NONBLOCK);   /* closes the sockets of closed connections */
    return atomic_load(&server->status);
}

void server_free(struct server *server)
{
    talloc_free(server);
}
