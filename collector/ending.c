/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/ending.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "collector/clock.h"
#include "collector/connection.h"
#include "collector/loop.h"
#include "collector/metrics.h"

enum { LINGER_MS = 1000, LINGER_BYTES = 1 << 20 };

static evutil_socket_t socket_of(const struct connection *connection)
{
    return bufferevent_getfd(connection->stream);
}

size_t ending_untaken(const struct connection *connection)
{
    int untaken = 0;
    if (ioctl(socket_of(connection), SIOCOUTQ, &untaken) != 0 || untaken < 0)
        return 0;
    return (size_t)untaken;
}

/* What is left in the queue of a connection that was reset, nobody will take. */
static bool is_reset(const struct connection *connection)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof info;
    return getsockopt(socket_of(connection), IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           info.tcpi_state == TCP_CLOSE;
}

static bool is_taken(const struct connection *connection)
{
    if (!connection->unsaid && ending_untaken(connection) == 0)
        return true;
    return is_reset(connection);
}

/* False when "close_notify" waits for room in the socket. */
static bool say_goodbye(const struct connection *connection)
{
    SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    bool whole = evbuffer_get_length(bufferevent_get_output(connection->stream)) == 0;
    ERR_clear_error();
    int said = whole && SSL_is_init_finished(ssl) ? SSL_shutdown(ssl) : 0;
    bool waits = said < 0 && SSL_get_error(ssl, said) == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();   /* what is left in the queue would be taken for a failure of the next connection */
    return !waits;
}

static void drain(struct evbuffer *buffer)
{
    evbuffer_drain(buffer, evbuffer_get_length(buffer));
}

static void begin(struct connection *connection, int linger_ms)
{
    if (!connection->unsaid)
        shutdown(socket_of(connection), SHUT_WR);
    connection_drop_calls(connection);
    drain(bufferevent_get_input(connection->stream));
    connection_set_phase(connection, PHASE_LINGER, connection->loop->settings->reply_deadline_ms);
    connection->reply_untaken = ending_untaken(connection);
    connection->linger_ms = connection->said_all ? 0 : linger_ms;
    connection->linger_until_us = clock_now_us() + (int64_t)connection->linger_ms * 1000;
    bufferevent_disable(connection->stream, EV_READ | EV_WRITE);
    if (!connection->said_all)
        bufferevent_enable(connection->stream, EV_READ);
    if (connection->linger_ms == 0 && is_taken(connection))
        connection_close(connection);
}

void ending_part(struct connection *connection)
{
    connection->unsaid = !say_goodbye(connection);
    begin(connection, 0);
}

void ending_linger(struct connection *connection)
{
    connection->unsaid = !say_goodbye(connection);
    begin(connection, LINGER_MS);
}

void ending_leave(struct connection *connection)
{
    connection->said_all = true;
    drain(bufferevent_get_output(connection->stream));
    begin(connection, 0);
}

void ending_cut(struct connection *connection)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (connection->stream != NULL && connection_untaken(connection) > 0)
        setsockopt(socket_of(connection), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_close(connection);
}

void ending_drop_input(struct connection *connection)
{
    struct evbuffer *input = bufferevent_get_input(connection->stream);
    connection->lingered += evbuffer_get_length(input);
    drain(input);
    if (connection->lingered > LINGER_BYTES)
        ending_cut(connection);
}

void ending_tick(struct connection *connection, int64_t now_us)
{
    int least = connection->loop->settings->reply_min_bytes_per_s;
    if (connection->unsaid && say_goodbye(connection)) {
        connection->unsaid = false;
        shutdown(socket_of(connection), SHUT_WR);
    }
    /* A server that stops leaves the rest to the kernel: this cannot happen again and again. */
    if (connection->loop->stopping || is_taken(connection)) {
        if (now_us >= connection->linger_until_us)
            connection_close(connection);
        return;
    }
    connection->linger_until_us = now_us + (int64_t)connection->linger_ms * 1000;
    int64_t taken = (int64_t)connection->reply_untaken - (int64_t)ending_untaken(connection);
    if (now_us < connection->deadline_us && !connection_is_too_slow(connection, taken, least, now_us))
        return;
    metrics_add(METRIC_LATE_END, 1);
    ending_cut(connection);
}
