/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "tests/support/hostile_sender.h"

enum {
    LOOK_MS = 50,                /* between two looks at the clock */
    DRIP_US = 1000000,
    AGAIN_US = 10000,            /* before a connection that was refused is tried again */
    HELLO_MOST = 1024,
    BEGINNERS = 4,               /* of HOSTILE_HELD at a time: who grows needs more room than who has grown */
    PIPELINED = 400
};

enum mischief_state { CLOSED, CONNECTING, SHAKING_HANDS, AT_IT, DONE };

struct mischief {
    enum mischief_state state;
    int socket;
    SSL *ssl;
    size_t sent;                 /* of what is sent byte by byte */
    struct hostile_sender sender;            /* of those with a token */
    bool all_sent;
    int64_t due_us;
};

struct hostile {
    struct hostile_options options;
    SSL_CTX *context;
    struct mischief *all;
    struct pollfd *polled;
    struct hostile_bodies *bodies;           /* of those with a token */
    size_t beginning;            /* connections that are open and have not sent all that is sent at once */
    unsigned char hello[HELLO_MOST];
    size_t hello_length;
    char request[PIPELINED * 64];
    const char *drip;            /* what follows `request`, a byte a second, round and round; NULL: nothing */
    pthread_t thread;
    atomic_bool stopping;
    _Atomic uint64_t connects, begun, closed, open, sent, answered, refused;
    atomic_bool failed;
};

static const char *const names[HOSTILE_KINDS] = {"silent", "hello",  "head",    "body", "reader",
                                                  "flood",  "arrays", "repeats", "held"};

const char *hostile_kind_name(enum hostile_kind kind)
{
    return kind < HOSTILE_KINDS ? names[kind] : NULL;
}

static bool is_tls(const struct hostile *hostile)
{
    return hostile->options.kind != HOSTILE_SILENT && hostile->options.kind != HOSTILE_HELLO;
}

static bool sends_bodies(enum hostile_kind kind)
{
    return kind == HOSTILE_ARRAYS || kind == HOSTILE_REPEATS || kind == HOSTILE_HELD;
}

/* ---- what is said ---- */

/* The bytes that OpenSSL would begin with. */
static bool make_hello(struct hostile *hostile)
{
    SSL *ssl = SSL_new(hostile->context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (ssl == NULL || in == NULL || out == NULL)
        return false;
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    (void)SSL_do_handshake(ssl);
    int length = BIO_read(out, hostile->hello, HELLO_MOST);
    hostile->hello_length = length > 0 ? (size_t)length : 0;
    SSL_free(ssl);
    ERR_clear_error();
    return hostile->hello_length > 0;
}

static void make_request(struct hostile *hostile)
{
    char *request = hostile->request;
    size_t used = 0, size = sizeof hostile->request;
    switch (hostile->options.kind) {
    case HOSTILE_HEAD:
        snprintf(request, size, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
        hostile->drip = "X-A: 1\r\n";
        break;
    case HOSTILE_BODY:
        snprintf(request, size, "POST /api/v1/studies/demo/submissions HTTP/1.1\r\nHost: localhost\r\n"
                 "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
                 hostile->options.token != NULL ? hostile->options.token : "");
        hostile->drip = "{\"id\": ";
        break;
    case HOSTILE_READER:
        for (int i = 0; i < PIPELINED; i++)
            used += (size_t)snprintf(request + used, size - used,
                                     "GET /api/v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n");
        break;
    case HOSTILE_SILENT:
    case HOSTILE_HELLO:
    case HOSTILE_FLOOD:
    case HOSTILE_ARRAYS:
    case HOSTILE_REPEATS:
    case HOSTILE_HELD:
    case HOSTILE_KINDS:
        break;
    }
}

/* ---- one connection ---- */

/* Who could not even begin tries again: on a slow machine the handshake's deadline may be first. */
static void leave(struct hostile *hostile, struct mischief *one, bool by_server)
{
    bool was_at_it = one->state == AT_IT;
    if (was_at_it)
        hostile->open--;
    if (was_at_it && by_server)
        hostile->closed++;
    SSL_free(one->ssl);
    one->ssl = NULL;
    if (one->socket >= 0)
        close(one->socket);
    one->socket = -1;
    one->state = hostile->options.again || !was_at_it ? CLOSED : DONE;
    one->due_us = clock_now_us() + (hostile->options.kind == HOSTILE_FLOOD ? 0 : AGAIN_US);
}

static bool open_socket(const struct hostile *hostile, struct mischief *one)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)hostile->options.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *source = hostile->options.source;
    one->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (one->socket < 0)
        return false;
    if (hostile->options.kind == HOSTILE_READER)
        setsockopt(one->socket, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    bool bound = source == NULL || (inet_pton(AF_INET, source, &from.sin_addr) == 1 &&
                                    bind(one->socket, (struct sockaddr *)&from, sizeof from) == 0);
    return bound && (connect(one->socket, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
}

static void open_one(struct hostile *hostile, struct mischief *one)
{
    if (!open_socket(hostile, one)) {
        hostile->failed = true;
        leave(hostile, one, false);
        return;
    }
    one->state = CONNECTING;
    one->sent = 0;
    one->all_sent = false;
    hostile->beginning++;
}

static bool may_open(const struct hostile *hostile)
{
    return hostile->options.kind != HOSTILE_HELD || hostile->beginning < BEGINNERS;
}

static size_t count_beginning(const struct hostile *hostile)
{
    size_t count = 0;
    for (int i = 0; i < hostile->options.connections; i++)
        count += hostile->all[i].socket >= 0 && !hostile->all[i].all_sent;
    return count;
}

static void begin_request(struct hostile *hostile, struct mischief *one)
{
    one->all_sent = false;
    hostile_sender_begin(&one->sender, hostile->bodies, (int)(one - hostile->all));
}

/* Sends and reads on; who is answered before all of it was sent ends. */
static void talk(struct hostile *hostile, struct mischief *one, int64_t now_us)
{
    struct hostile_sender *sender = &one->sender;
    if (now_us >= one->due_us) {
        if (one->all_sent)
            hostile_sender_allow_more(sender);
        one->due_us += DRIP_US;
    }
    enum hostile_progress progress = hostile_sender_go_on(sender, one->ssl);
    if (!one->all_sent && sender->sent >= sender->at_once) {
        one->all_sent = true;
        hostile->sent++;
    }
    if (progress == HOSTILE_ANSWERED && sender->status < 300)
        hostile->answered++;
    else if (progress == HOSTILE_ANSWERED)
        hostile->refused++;
    if (progress == HOSTILE_ANSWERED && !sender->closes && sender->sent == sender->length)
        begin_request(hostile, one);
    else if (progress != HOSTILE_GOES_ON)
        leave(hostile, one, true);
}

static void begin(struct hostile *hostile, struct mischief *one)
{
    hostile->begun++;
    hostile->open++;
    one->state = AT_IT;
    one->due_us = clock_now_us();
    if (hostile->options.kind == HOSTILE_FLOOD)
        leave(hostile, one, false);
    else if (hostile->bodies != NULL)
        begin_request(hostile, one);
    else if (hostile->request[0] != '\0')
        (void)SSL_write(one->ssl, hostile->request, (int)strlen(hostile->request));
    ERR_clear_error();
}

static void shake_hands(struct hostile *hostile, struct mischief *one)
{
    if (one->state == CONNECTING) {
        hostile->connects++;
        one->state = SHAKING_HANDS;
        if (!is_tls(hostile)) {
            begin(hostile, one);
            return;
        }
        one->ssl = SSL_new(hostile->context);
        SSL_set_fd(one->ssl, one->socket);
        SSL_set_connect_state(one->ssl);
    }
    ERR_clear_error();
    int result = SSL_do_handshake(one->ssl);
    int reason = SSL_get_error(one->ssl, result);
    ERR_clear_error();
    if (result == 1)
        begin(hostile, one);
    else if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
        leave(hostile, one, true);
}

/* The server's end of it: true when the connection has ended. */
static bool has_ended(const struct mischief *one)
{
    char bytes[4096];
    ssize_t got = recv(one->socket, bytes, sizeof bytes, 0);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static void drip(struct hostile *hostile, struct mischief *one)
{
    const unsigned char *hello = &hostile->hello[one->sent];
    if (hostile->options.kind == HOSTILE_HELLO && one->sent < hostile->hello_length)
        (void)send(one->socket, hello, 1, MSG_NOSIGNAL);
    else if (hostile->drip != NULL)
        (void)SSL_write(one->ssl, &hostile->drip[one->sent % strlen(hostile->drip)], 1);
    ERR_clear_error();
    one->sent++;
    one->due_us += DRIP_US;
}

/* Whether the server has ended it, as far as poll and the socket tell. */
static bool is_closed(const struct hostile *hostile, const struct mischief *one, short events)
{
    if (one->state == CONNECTING)
        return (events & (POLLERR | POLLHUP)) != 0;
    return one->state == AT_IT && events != 0 && hostile->bodies == NULL &&
           (hostile->options.kind == HOSTILE_READER || has_ended(one));
}

static void attend(struct hostile *hostile, struct mischief *one, short events, int64_t now_us)
{
    if (one->state == CLOSED && now_us >= one->due_us && may_open(hostile))
        open_one(hostile, one);
    else if (is_closed(hostile, one, events))
        leave(hostile, one, true);
    else if ((one->state == CONNECTING || one->state == SHAKING_HANDS) && events != 0)
        shake_hands(hostile, one);
    else if (one->state == AT_IT && hostile->bodies != NULL && (events != 0 || now_us >= one->due_us))
        talk(hostile, one, now_us);
    else if (one->state == AT_IT && hostile->bodies == NULL && now_us >= one->due_us)
        drip(hostile, one);
}

/* Who does not read sees only how it ends. */
static short wanted_events(const struct hostile *hostile, const struct mischief *one)
{
    if (one->state == CONNECTING)
        return POLLOUT;
    if (one->state == AT_IT && hostile->options.kind == HOSTILE_READER)
        return POLLRDHUP;
    bool has_more = one->state == AT_IT && hostile->bodies != NULL && one->sender.sent < one->sender.allowed;
    return has_more ? POLLIN | POLLOUT | POLLRDHUP : POLLIN | POLLRDHUP;
}

static void *run(void *context)
{
    struct hostile *hostile = context;
    nfds_t count = (nfds_t)hostile->options.connections;
    while (!hostile->stopping) {
        for (size_t i = 0; i < count; i++)
            hostile->polled[i] = (struct pollfd){
                .fd = hostile->all[i].socket, .events = wanted_events(hostile, &hostile->all[i])};
        (void)poll(hostile->polled, count, hostile->options.kind == HOSTILE_FLOOD ? 1 : LOOK_MS);
        int64_t now_us = clock_now_us();
        hostile->beginning = count_beginning(hostile);
        for (size_t i = 0; i < count; i++)
            attend(hostile, &hostile->all[i], hostile->polled[i].revents, now_us);
    }
    for (size_t i = 0; i < count; i++)
        leave(hostile, &hostile->all[i], false);
    return NULL;
}

/* ---- all of them ---- */

static int end_hostile(struct hostile *hostile)
{
    hostile->stopping = true;
    pthread_join(hostile->thread, NULL);
    SSL_CTX_free(hostile->context);
    return 0;
}

static bool make_bodies(struct hostile *hostile)
{
    struct error error;
    if (!sends_bodies(hostile->options.kind))
        return true;
    SSL_CTX_set_mode(hostile->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    hostile->bodies = hostile_bodies_new(hostile, &hostile->options, &error);
    if (hostile->bodies == NULL)
        error_print(&error, hostile_kind_name(hostile->options.kind));
    return hostile->bodies != NULL;
}

struct hostile *hostile_start(const void *owner, const struct hostile_options *options)
{
    struct hostile *hostile = memory_new(owner, struct hostile);
    size_t count = (size_t)options->connections;
    hostile->options = *options;
    hostile->all = memory_new_array(hostile, struct mischief, count);
    hostile->polled = memory_new_array(hostile, struct pollfd, count);
    for (size_t i = 0; i < count; i++)
        hostile->all[i] = (struct mischief){.socket = -1};
    signal(SIGPIPE, SIG_IGN);
    hostile->context = SSL_CTX_new(TLS_client_method());
    bool good = hostile->context != NULL && make_hello(hostile) && make_bodies(hostile);
    make_request(hostile);
    if (good && pthread_create(&hostile->thread, NULL, run, hostile) == 0) {
        talloc_set_destructor(hostile, end_hostile);
        return hostile;
    }
    SSL_CTX_free(hostile->context);
    talloc_free(hostile);
    return NULL;
}

struct hostile_counts hostile_peek(const struct hostile *hostile)
{
    return (struct hostile_counts){.connects = hostile->connects, .begun = hostile->begun,
                                   .closed = hostile->closed, .open = hostile->open, .sent = hostile->sent,
                                   .answered = hostile->answered, .refused = hostile->refused,
                                   .failed = hostile->failed};
}

void hostile_stop(struct hostile *hostile)
{
    talloc_free(hostile);
}
