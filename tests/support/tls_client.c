/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

struct tls_client {
    int socket;
    SSL_CTX *context;
    SSL *ssl;
    struct text *input;
};

static int free_client(struct tls_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    if (client->socket >= 0)
        close(client->socket);
    return 0;
}

int tls_client_connect_plain(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(connected >= 0);
    struct timeval limit = {.tv_sec = 20};   /* a test that hangs fails */
    setsockopt(connected, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(connected, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));   /* what is sent in pieces goes so */
    if (connect(connected, (struct sockaddr *)&address, sizeof address) == 0)
        return connected;
    close(connected);
    return -1;
}

static void offer_protocol(struct tls_client *client, const char *protocol)
{
    unsigned char list[64];
    size_t length = strlen(protocol);
    assert_true(length < sizeof list);
    list[0] = (unsigned char)length;
    memcpy(list + 1, protocol, length);
    assert_int_equal(SSL_set_alpn_protos(client->ssl, list, (unsigned)length + 1), 0);
}

struct tls_client *tls_client_open(const void *owner, const struct tls_client_options *options)
{
    struct tls_client *client = memory_new(owner, struct tls_client);
    client->socket = options->socket > 0 ? options->socket : tls_client_connect_plain(options->port);
    talloc_set_destructor(client, free_client);
    client->input = text_new(client);
    client->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(client->context);
    SSL_CTX_set_security_level(client->context, 0);   /* so that it may offer what the server must refuse */
    SSL_CTX_set_min_proto_version(client->context, options->version != 0 ? options->version : TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client->context, options->version);
    if (options->ciphers != NULL)
        assert_int_equal(SSL_CTX_set_cipher_list(client->context, options->ciphers), 1);
    client->ssl = SSL_new(client->context);
    assert_non_null(client->ssl);
    if (options->protocol != NULL)
        offer_protocol(client, options->protocol);
    ERR_clear_error();
    if (client->socket >= 0 && SSL_set_fd(client->ssl, client->socket) == 1 && SSL_connect(client->ssl) == 1)
        return client;
    talloc_free(client);
    return NULL;
}

SSL *tls_client_ssl(struct tls_client *client)
{
    return client->ssl;
}

bool tls_client_send(struct tls_client *client, const void *bytes, size_t length)
{
    ERR_clear_error();
    size_t written = 0;
    return length == 0 || SSL_write_ex(client->ssl, bytes, length, &written) == 1;
}

bool tls_client_send_text(struct tls_client *client, const char *text)
{
    return tls_client_send(client, text, strlen(text));
}

enum arrival { ARRIVED, ENDED_CLEANLY, ENDED, NOTHING };

/* Waits for more bytes until `until_us`. */
static enum arrival receive(struct tls_client *client, int64_t until_us)
{
    char bytes[16384];
    int64_t left_us = until_us - clock_now_us();
    struct pollfd readable = {.fd = client->socket, .events = POLLIN};
    if (SSL_pending(client->ssl) == 0 && poll(&readable, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0) <= 0)
        return NOTHING;
    ERR_clear_error();
    int got = SSL_read(client->ssl, bytes, sizeof bytes);
    if (got > 0) {
        text_append_bytes(client->input, bytes, (size_t)got);
        return ARRIVED;
    }
    return SSL_get_error(client->ssl, got) == SSL_ERROR_ZERO_RETURN ? ENDED_CLEANLY : ENDED;
}

/* Bytes of the head with its empty line, 0 when it is not whole. */
static size_t head_length(const struct text *input)
{
    const char *end = memmem(input->bytes, input->length, "\r\n\r\n", 4);
    return end != NULL ? (size_t)(end - input->bytes) + 4 : 0;
}

static void consume(struct text *input, size_t length)
{
    memmove(input->bytes, input->bytes + length, input->length - length + 1);
    input->length -= length;
}

const char *tls_reply_header(struct tls_client *client, const struct tls_reply *reply, const char *name)
{
    for (const char *line = reply->head; line != NULL && *line != '\0'; line = strstr(line, "\r\n")) {
        line += *line == '\r' ? 2 : 0;
        size_t length = strlen(name);
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1 + strspn(line + length + 1, " ");
            return memory_copy_bytes(client, value, strcspn(value, "\r"));
        }
    }
    return NULL;
}

static struct tls_reply read_reply(struct tls_client *client, int deadline_ms, bool has_body)
{
    struct tls_reply reply = {0};
    int64_t until_us = clock_now_us() + (int64_t)deadline_ms * 1000;
    size_t head;
    while ((head = head_length(client->input)) == 0) {
        enum arrival arrival = receive(client, until_us);
        if (arrival != ARRIVED)
            return (struct tls_reply){.status = arrival == NOTHING ? -1 : 0};
    }
    reply.head = memory_copy_bytes(client, client->input->bytes, head - 2);
    assert_memory_equal(reply.head, "HTTP/1.1 ", 9);
    reply.status = atoi(reply.head + 9);
    const char *length = tls_reply_header(client, &reply, "Content-Length");
    reply.body_length = has_body && length != NULL ? (size_t)atol(length) : 0;
    while (client->input->length < head + reply.body_length) {
        enum arrival arrival = receive(client, until_us);
        if (arrival != ARRIVED)
            return (struct tls_reply){.status = arrival == NOTHING ? -1 : 0};
    }
    reply.body = memory_copy_bytes(client, client->input->bytes + head, reply.body_length);
    consume(client->input, head + reply.body_length);
    return reply;
}

struct tls_reply tls_client_read_reply(struct tls_client *client, int deadline_ms)
{
    return read_reply(client, deadline_ms, true);
}

struct tls_reply tls_client_read_head_reply(struct tls_client *client, int deadline_ms)
{
    return read_reply(client, deadline_ms, false);
}

bool tls_client_is_closed(struct tls_client *client, int deadline_ms, bool *clean)
{
    enum arrival arrival = receive(client, clock_now_us() + (int64_t)deadline_ms * 1000);
    if (clean != NULL)
        *clean = arrival == ENDED_CLEANLY;
    return client->input->length == 0 && (arrival == ENDED || arrival == ENDED_CLEANLY);
}

void tls_client_abort(struct tls_client *client, bool reset)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(client->socket, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(client->socket);
    client->socket = -1;
    talloc_free(client);
}
