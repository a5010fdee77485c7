/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "tests/bench/bench.h"
#include "tests/bench/processes.h"
#include "tests/support/daemon.h"
#include "tests/support/load_connection.h"
#include "tests/support/load_reply.h"

static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* A blocking step of a connection whose socket does not block; false when it is over. */
static bool wait_for(const struct load_connection *connection, int result)
{
    int wanted = SSL_get_error(connection->ssl, result);
    struct pollfd ready = {.fd = connection->socket,
                           .events = wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    return (wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE) && poll(&ready, 1, 20000) > 0;
}

/* Opens it and asks for /healthz once. */
static bool say_hello(struct load_connection *connection, const struct load_place *place)
{
    char input[8192];
    size_t filled = 0;
    struct load_reply reply;
    int result;
    if (load_connection_open(connection, place) == LOAD_LOST)
        return false;
    while ((result = SSL_do_handshake(connection->ssl)) != 1)
        if (!wait_for(connection, result))
            return false;
    while ((result = SSL_write(connection->ssl, request, sizeof request - 1)) <= 0)
        if (!wait_for(connection, result))
            return false;
    while (load_reply_read(input, filled, &reply) != LOAD_READ_WHOLE) {
        result = SSL_read(connection->ssl, input + filled, (int)(sizeof input - filled));
        if (result <= 0 && !wait_for(connection, result))
            return false;
        filled += result > 0 ? (size_t)result : 0;
    }
    return reply.status == 200;
}

static bool make_place(const struct bench_options *options, struct load_place *place)
{
    *place = (struct load_place){.context = load_tls_new(options->certificate), .port = options->port,
                                 .epoll = epoll_create1(EPOLL_CLOEXEC)};
    if (place->context == NULL)
        fprintf(stderr, "bench: the certificate %s cannot be read\n", options->certificate);
    return place->context != NULL && place->epoll >= 0;
}

static void free_place(struct load_place *place)
{
    SSL_CTX_free(place->context);
    close(place->epoll);
}

/* ---- handshakes ---- */

struct visitor {
    const struct bench_options *options;
    pthread_t thread;
    long long ended_ms;          /* when to end */
    long count;
    bool failed;
};

static void *visit(void *context)
{
    struct visitor *visitor = context;
    struct load_place place;
    visitor->failed = !make_place(visitor->options, &place);
    while (!visitor->failed && test_now_ms() < visitor->ended_ms) {
        struct load_connection connection = {.socket = -1};
        visitor->failed = !say_hello(&connection, &place);
        load_connection_close(&connection, true);
        visitor->count += !visitor->failed;
    }
    free_place(&place);
    return NULL;
}

int bench_handshakes(const struct bench_options *options)
{
    enum { VISITORS_MOST = 64 };
    struct visitor visitors[VISITORS_MOST] = {{0}};
    int wanted = options->connections < VISITORS_MOST ? options->connections : VISITORS_MOST;
    long count = 0;
    bool failed = false;
    struct process_use before = process_use(options->daemon), own = process_use(getpid());
    long long started_ms = test_now_ms();
    for (int i = 0; i < wanted; i++) {
        visitors[i] = (struct visitor){.options = options, .ended_ms = started_ms + options->seconds * 1000LL};
        failed = pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]) != 0 || failed;
    }
    /* Their CPU time is asked for while they live. */
    while (test_now_ms() < started_ms + options->seconds * 1000LL - 50)
        test_pause();
    struct process_use own_after = process_use(getpid());
    for (int i = 0; i < wanted; i++) {
        pthread_join(visitors[i].thread, NULL);
        count += visitors[i].count;
        failed = failed || visitors[i].failed;
    }
    double seconds = (double)(test_now_ms() - started_ms) / 1e3, all = (double)count;
    printf("%.1f\t%.1f\t%.1f\n", all / seconds, (double)(process_use(options->daemon).cpu_us - before.cpu_us) / all,
           (double)(own_after.cpu_us - own.cpu_us) / all);
    return failed || count == 0 ? 1 : 0;
}

/* ---- idle connections ---- */

/* Connections come from several addresses, so that the limit of one address stays as it is. */
int bench_idle(const struct bench_options *options)
{
    enum { PER_ADDRESS = 200 };
    char source[32];
    struct load_place place;
    bool good = make_place(options, &place);
    struct load_connection *connections =
        memory_new_array(NULL, struct load_connection, (size_t)options->connections);
    for (int i = 0; good && i < options->connections; i++) {
        connections[i].socket = -1;
        snprintf(source, sizeof source, "127.0.0.%d", 2 + i / PER_ADDRESS % 250);
        place.source = source;
        good = say_hello(&connections[i], &place);
        if (!good)
            fprintf(stderr, "bench: connection %d was not answered\n", i + 1);
    }
    struct process_memory memory = process_memory(options->daemon);
    printf("%lld\t%lld\t%lld\n", (long long)memory.rss, (long long)memory.pss, (long long)memory.uss);
    for (int i = 0; good && i < options->connections; i++)
        load_connection_close(&connections[i], true);
    free_place(&place);
    talloc_free(connections);
    return good ? 0 : 1;
}
