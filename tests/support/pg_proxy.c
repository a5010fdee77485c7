/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/pg_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum {
    PAIRS_MOST = 64,
    NAME_SIZE = 64,
    LOOK_MS = 20,                /* how soon the thread sees that it shall end */
    STARTUP_HEAD = 4,            /* bytes of a message's length; later ones have a type in front */
    CANCEL_REQUEST = 80877102
};

/* One connection of the daemon and its counterpart. */
struct pair {
    int client, server;          /* -1: free */
    struct text *from_client, *from_server;   /* not passed on yet */
    bool started;                /* the startup message is through */
    char commit_name[NAME_SIZE]; /* the prepared statement that is a COMMIT */
    bool has_commit;
    enum pg_proxy_fault fault;   /* of the COMMIT that is under way */
    bool hung;
    unsigned awaited;            /* ReadyForQuery messages that are to come */
};

struct pg_proxy {
    char *folder, *path;
    char *server_path;           /* NULL: TCP */
    int listener;
    pthread_t thread;
    bool running;
    _Atomic bool stopping;
    _Atomic int armed;           /* enum pg_proxy_fault */
    _Atomic uint64_t chance;
    _Atomic bool struck;
    struct pair pairs[PAIRS_MOST];
};

/* ---- sockets ---- */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static int connect_to(const char *path)
{
    struct sockaddr_un local = address_of(path != NULL ? path : "");
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_port = htons(5432),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(path != NULL ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = path != NULL ? connect(server, (struct sockaddr *)&local, sizeof local)
                              : connect(server, (struct sockaddr *)&tcp, sizeof tcp);
    if (failed == 0)
        return server;
    close(server);
    return -1;
}

/* Whatever the peer sends from here on is dropped unseen, and never acknowledged. */
static void go_deaf(int tcp_socket)
{
    struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog filter = {.len = 1, .filter = &nothing};
    if (setsockopt(tcp_socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
        abort();                     /* in the proxy's thread, where no assertion may fail */
}

static bool pass(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static void consume(struct text *text, size_t length)
{
    memmove(text->bytes, text->bytes + length, text->length - length + 1);
    text->length -= length;
}

static void close_pair(struct pair *pair)
{
    close(pair->client);
    close(pair->server);
    talloc_free(pair->from_client);
    talloc_free(pair->from_server);
    memset(pair, 0, sizeof *pair);
    pair->client = pair->server = -1;
}

static void open_pair(struct pg_proxy *proxy)
{
    struct pair *pair = proxy->pairs;
    while (pair < proxy->pairs + PAIRS_MOST && pair->client >= 0)
        pair++;
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = client >= 0 && pair < proxy->pairs + PAIRS_MOST ? connect_to(proxy->server_path) : -1;
    if (server < 0) {
        if (client >= 0)
            close(client);           /* PostgreSQL is away */
        return;
    }
    /* No owner: the owner's memory belongs to the test's thread. */
    *pair = (struct pair){.client = client, .server = server, .from_client = text_new(NULL),
                          .from_server = text_new(NULL), .awaited = 1};
}

/* ---- messages ---- */

static uint32_t number_at(const char *bytes)
{
    uint32_t number;
    memcpy(&number, bytes, sizeof number);
    return ntohl(number);
}

/* Bytes of the first message of `text` with its head, 0 as long as it is not whole. */
static size_t message_length(const struct text *text, size_t head)
{
    if (text->length < head + STARTUP_HEAD)
        return 0;
    size_t length = head + number_at(text->bytes + head);
    return text->length >= length ? length : 0;
}

static bool is_commit_text(const char *sql)
{
    return strncmp(sql, "COMMIT", strlen("COMMIT")) == 0;
}

/* Keeps in mind which prepared statement is a COMMIT; true when the message lets one begin. */
static bool begins_commit(struct pair *pair, const char *message)
{
    const char *text = message + 1 + STARTUP_HEAD;   /* Query: SQL; Parse: name, SQL; Bind: portal, name */
    const char *second = text + strlen(text) + 1;
    switch (*message) {
    case 'Q': return is_commit_text(text);
    case 'P':
        if (is_commit_text(second)) {
            snprintf(pair->commit_name, sizeof pair->commit_name, "%s", text);
            pair->has_commit = true;
        } else if (pair->has_commit && strcmp(pair->commit_name, text) == 0) {
            pair->has_commit = false;
        }
        return false;
    case 'B': return pair->has_commit && strcmp(pair->commit_name, second) == 0;
    default: return false;
    }
}

static void strike(struct pg_proxy *proxy, struct pair *pair, bool hang)
{
    atomic_store(&proxy->struck, true);
    if (!hang) {
        close_pair(pair);
        return;
    }
    pair->hung = true;
    go_deaf(pair->server);
}

/* ---- from the daemon ---- */

/* The startup message has no type, and a request to cancel has no answer.  False: not whole yet. */
static bool pass_startup(struct pair *pair)
{
    size_t length = message_length(pair->from_client, 0);
    if (length == 0)
        return false;
    pair->started = true;
    if (length >= 2 * STARTUP_HEAD && number_at(pair->from_client->bytes + STARTUP_HEAD) == CANCEL_REQUEST)
        pair->awaited = 0;
    if (!pass(pair->server, pair->from_client->bytes, length))
        return false;
    consume(pair->from_client, length);
    return true;
}

/* Passes whole messages on; the pair may be closed afterwards. */
static void pass_to_server(struct pg_proxy *proxy, struct pair *pair)
{
    size_t length;
    if (!pair->started && !pass_startup(pair))
        return;
    while ((length = message_length(pair->from_client, 1)) > 0) {
        const char *message = pair->from_client->bytes;
        char type = *message;
        if (begins_commit(pair, message) && pair->fault == PG_PROXY_PASS)
            pair->fault = (enum pg_proxy_fault)atomic_exchange(&proxy->armed, PG_PROXY_PASS);
        if (pair->fault == PG_PROXY_CUT_BEFORE || pair->fault == PG_PROXY_HANG_BEFORE) {
            strike(proxy, pair, pair->fault == PG_PROXY_HANG_BEFORE);
            return;
        }
        if (!pass(pair->server, message, length)) {
            close_pair(pair);
            return;
        }
        consume(pair->from_client, length);
        pair->awaited += type == 'Q' || type == 'S';
        if (pair->fault == PG_PROXY_CUT_AFTER && (type == 'Q' || type == 'S')) {
            strike(proxy, pair, false);
            return;
        }
    }
}

/* ---- from PostgreSQL ---- */

/* Length of the whole messages, up to where nothing more is awaited. */
static size_t count_answers(struct pair *pair)
{
    size_t whole = 0;
    while (pair->from_server->length >= whole + 1 + STARTUP_HEAD) {
        size_t length = 1 + number_at(pair->from_server->bytes + whole + 1);
        if (pair->from_server->length < whole + length)
            break;
        pair->awaited -= pair->from_server->bytes[whole] == 'Z' && pair->awaited > 0;
        whole += length;
    }
    return whole;
}

static void pass_to_client(struct pg_proxy *proxy, struct pair *pair)
{
    bool held = pair->fault != PG_PROXY_PASS;
    unsigned awaited = pair->awaited;
    size_t length = count_answers(pair);
    if (!held) {
        if (pass(pair->client, pair->from_server->bytes, length))
            consume(pair->from_server, length);
        else
            close_pair(pair);
        return;
    }
    if (pair->awaited > 0) {
        pair->awaited = awaited;     /* counted again when more of it is there */
        return;
    }
    if (pair->fault == PG_PROXY_CUT_IN_ANSWER)
        (void)pass(pair->client, pair->from_server->bytes,
                   1 + atomic_load(&proxy->chance) % (pair->from_server->length - 1));
    strike(proxy, pair, pair->fault == PG_PROXY_HANG_ANSWER);
}

/* ---- the thread ---- */

static void serve(struct pg_proxy *proxy, struct pair *pair, bool from_client)
{
    char bytes[65536];
    ssize_t got = recv(from_client ? pair->client : pair->server, bytes, sizeof bytes, 0);
    if (got <= 0) {
        close_pair(pair);
        return;
    }
    text_append_bytes(from_client ? pair->from_client : pair->from_server, bytes, (size_t)got);
    if (from_client)
        pass_to_server(proxy, pair);
    else
        pass_to_client(proxy, pair);
}

static void look(struct pg_proxy *proxy)
{
    struct pollfd wait[1 + 2 * PAIRS_MOST];
    struct pair *owner[1 + 2 * PAIRS_MOST] = {NULL};
    nfds_t count = 0;
    wait[count++] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    for (struct pair *pair = proxy->pairs; pair < proxy->pairs + PAIRS_MOST; pair++) {
        if (pair->client < 0 || pair->hung)
            continue;
        owner[count] = owner[count + 1] = pair;
        wait[count++] = (struct pollfd){.fd = pair->client, .events = POLLIN};
        wait[count++] = (struct pollfd){.fd = pair->server, .events = POLLIN};
    }
    if (poll(wait, count, LOOK_MS) <= 0)
        return;
    for (nfds_t i = 1; i < count; i++)   /* a pair that was closed on the way is no longer there */
        if (wait[i].revents != 0 && !owner[i]->hung &&
            wait[i].fd == (i % 2 == 1 ? owner[i]->client : owner[i]->server))
            serve(proxy, owner[i], i % 2 == 1);
    if (wait[0].revents != 0)
        open_pair(proxy);
}

static void *run(void *context)
{
    struct pg_proxy *proxy = context;
    while (!atomic_load(&proxy->stopping))
        look(proxy);
    return NULL;
}

static int destroy(struct pg_proxy *proxy)
{
    atomic_store(&proxy->stopping, true);
    if (proxy->running)
        pthread_join(proxy->thread, NULL);
    for (struct pair *pair = proxy->pairs; pair < proxy->pairs + PAIRS_MOST; pair++)
        if (pair->client >= 0)
            close_pair(pair);
    if (proxy->listener >= 0)
        close(proxy->listener);
    unlink(proxy->path);
    rmdir(proxy->folder);
    return 0;
}

struct pg_proxy *pg_proxy_new(const void *owner, const char *socket_folder)
{
    struct pg_proxy *proxy = memory_new(owner, struct pg_proxy);
    const char *temporary = getenv("TMPDIR");
    proxy->folder = memory_format(proxy, "%s/patella-proxy.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(proxy->folder));
    proxy->path = memory_format(proxy, "%s/.s.PGSQL.5432", proxy->folder);
    if (socket_folder != NULL)
        proxy->server_path = memory_format(proxy, "%s/.s.PGSQL.5432", socket_folder);
    for (size_t i = 0; i < PAIRS_MOST; i++)
        proxy->pairs[i].client = proxy->pairs[i].server = -1;
    struct sockaddr_un address = address_of(proxy->path);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    talloc_set_destructor(proxy, destroy);
    assert_true(proxy->listener >= 0);
    assert_int_equal(bind(proxy->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(proxy->listener, PAIRS_MOST), 0);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    proxy->running = true;
    return proxy;
}

const char *pg_proxy_socket(const struct pg_proxy *proxy)
{
    return proxy->folder;
}

void pg_proxy_arm(struct pg_proxy *proxy, enum pg_proxy_fault fault, uint64_t chance)
{
    atomic_store(&proxy->struck, false);
    atomic_store(&proxy->chance, chance);
    atomic_store(&proxy->armed, (int)fault);
}

bool pg_proxy_has_struck(struct pg_proxy *proxy)
{
    return atomic_load(&proxy->struck);
}
