/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

SSL_CTX *load_tls_new(const char *certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    bool good = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1 &&
                SSL_CTX_set1_groups_list(context, "X25519") == 1;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);     /* one system call for a record, not two */
    if (certificate != NULL) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        good = good && SSL_CTX_load_verify_file(context, certificate) == 1;
    }
    if (good)
        return context;
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static enum load_outcome want(struct load_connection *connection, const struct load_place *place, unsigned events)
{
    if (connection->interest == events)
        return LOAD_WAITS;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    int how = connection->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    connection->interest = events;
    return epoll_ctl(place->epoll, how, connection->socket, &event) == 0 ? LOAD_WAITS : LOAD_LOST;
}

static enum load_outcome judge(struct load_connection *connection, const struct load_place *place, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ: return want(connection, place, EPOLLIN);
    case SSL_ERROR_WANT_WRITE: return want(connection, place, EPOLLIN | EPOLLOUT);
    default: return LOAD_LOST;
    }
}

/* ---- opening ---- */

static bool bind_source(int socket, const char *source)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    return source == NULL || (inet_pton(AF_INET, source, &address.sin_addr) == 1 &&
                              bind(socket, (struct sockaddr *)&address, sizeof address) == 0);
}

enum load_outcome load_connection_open(struct load_connection *connection, const struct load_place *place)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)place->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    connection->filled = 0;
    connection->interest = 0;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection->socket < 0 || !bind_source(connection->socket, place->source))
        return LOAD_LOST;
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(connection->socket, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        return LOAD_LOST;
    connection->ssl = SSL_new(place->context);
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, connection->socket) != 1)
        return LOAD_LOST;
    SSL_set_connect_state(connection->ssl);
    connection->state = LOAD_CONNECTING;
    return want(connection, place, EPOLLOUT);
}

enum load_outcome load_connection_shake_hands(struct load_connection *connection, const struct load_place *place)
{
    connection->state = LOAD_SHAKING_HANDS;
    ERR_clear_error();
    int result = SSL_do_handshake(connection->ssl);
    if (result != 1)
        return judge(connection, place, result);
    return want(connection, place, EPOLLIN) == LOAD_WAITS ? LOAD_GOES_ON : LOAD_LOST;
}

/* ---- bytes ---- */

enum load_outcome load_connection_write(struct load_connection *connection, const struct load_place *place,
                                        const void *bytes, size_t length)
{
    ERR_clear_error();
    int result = SSL_write(connection->ssl, bytes, (int)length);
    if (result <= 0) {
        connection->state = LOAD_WRITING;
        return judge(connection, place, result);
    }
    connection->state = LOAD_READING;
    return want(connection, place, EPOLLIN) == LOAD_WAITS ? LOAD_GOES_ON : LOAD_LOST;
}

enum load_outcome load_connection_read(struct load_connection *connection, const struct load_place *place)
{
    size_t room = LOAD_INPUT_LIMIT - connection->filled;
    if (room == 0)
        return LOAD_LOST;
    ERR_clear_error();
    int result = SSL_read(connection->ssl, connection->input + connection->filled, (int)room);
    if (result <= 0)
        return judge(connection, place, result);
    connection->filled += (size_t)result;
    return LOAD_GOES_ON;
}

void load_connection_close(struct load_connection *connection, bool politely)
{
    ERR_clear_error();
    if (connection->ssl != NULL && politely)
        SSL_shutdown(connection->ssl);
    SSL_free(connection->ssl);
    connection->ssl = NULL;
    if (connection->socket >= 0)
        close(connection->socket);     /* which takes it from epoll */
    connection->socket = -1;
    connection->state = LOAD_CLOSED;
    ERR_clear_error();
}
