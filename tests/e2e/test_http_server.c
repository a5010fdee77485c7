/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies, deadlines, limits and the orderly stop of the server, over TLS. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/http_server.h"

#define H "Host: localhost\r\n"
#define PROBE "GET /probe HTTP/1.1\r\n" H "\r\n"
enum { PROBED = 202, DEADLINE_MS = 10000 };

static int set_up(void **state)
{
    *state = memory_owner(NULL, "test");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static struct tls_reply ask(struct tls_client *client, const char *request)
{
    assert_true(tls_client_send_text(client, request));
    return tls_client_read_reply(client, DEADLINE_MS);
}

/* ---- replies ---- */

static void test_server_reply_carries_the_security_headers(void **state)
{
    static const struct {
        const char *name, *value;
    } expected[] = {
        {"Content-Security-Policy",
         "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Cache-Control", "no-store"},
        {"Referrer-Policy", "no-referrer"},
        {"Strict-Transport-Security", "max-age=31536000"},
    };
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    static const char *const requests[] = {PROBE, "GET /nowhere HTTP/1.1\r\n" H "\r\n", "bad\r\n\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct tls_reply reply = ask(client, requests[i]);
        assert_true(reply.status > 0);
        for (size_t j = 0; j < sizeof expected / sizeof *expected; j++)
            assert_string_equal(tls_reply_header(client, &reply, expected[j].name), expected[j].value);
        assert_non_null(tls_reply_header(client, &reply, "Date"));
        assert_int_equal(strlen(tls_reply_header(client, &reply, "X-Request-Id")), 16);
        assert_null(tls_reply_header(client, &reply, "Server"));
    }
}

static void test_server_refusals_are_problems(void **state)
{
    static const struct {
        const char *request;
        int status;
        const char *code;
    } cases[] = {
        {"GET /nowhere HTTP/1.1\r\n" H "\r\n", 404, "not_found"},
        {"DELETE /echo HTTP/1.1\r\n" H "\r\n", 405, "method_not_allowed"},
        {"GET /secret HTTP/1.1\r\n" H "\r\n", 503, "unavailable"},
        {"GET /worker HTTP/1.1\r\n" H "\r\n", 503, "unavailable"},
        {"GET /silent HTTP/1.1\r\n" H "\r\n", 500, "internal"},
        {"GET /echo HTTP/1.1\r\n\r\n", 400, "bad_host"},
    };
    struct http_server *server = http_server_start(*state, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_client *client = http_server_connect(*state, server);
        struct tls_reply reply = ask(client, cases[i].request);
        assert_int_equal(reply.status, cases[i].status);
        assert_string_equal(tls_reply_header(client, &reply, "Content-Type"), "application/problem+json");
        assert_non_null(strstr(reply.body, cases[i].code));
        if (reply.status == 405)
            assert_string_equal(tls_reply_header(client, &reply, "Allow"), "POST, GET, HEAD");
        if (reply.status == 503)
            assert_non_null(tls_reply_header(client, &reply, "Retry-After"));
        talloc_free(client);
    }
}

static void test_server_head_gets_the_length_without_the_body(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    assert_true(tls_client_send_text(client, "HEAD /large?bytes=1234 HTTP/1.1\r\n" H "\r\n"));
    struct tls_reply reply = tls_client_read_head_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, 200);
    assert_string_equal(tls_reply_header(client, &reply, "Content-Length"), "1234");
    assert_int_equal(ask(client, PROBE).status, PROBED);
}

static void test_server_parameters_are_decoded(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    assert_string_equal(ask(client, "GET /things/a%20b%2Fc HTTP/1.1\r\n" H "\r\n").body, "a b/c");
}

static void test_server_bodies_of_all_sizes_come_back_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 4096, 15800, 16383, 16384, 16385, 40000, 65536};
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    char *body = memory_new_array(*state, char, 65536);
    for (size_t i = 0; i < 65536; i++)
        body[i] = (char)(i * 31 + i / 251);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char head[128];
        int length = snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n",
                              sizes[i]);
        assert_true(tls_client_send(client, head, (size_t)length));
        assert_true(tls_client_send(client, body, sizes[i]));
        struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
        assert_int_equal(reply.status, 201);
        assert_int_equal(reply.body_length, sizes[i]);
        assert_memory_equal(reply.body, body, sizes[i]);
    }
}

static void test_server_large_replies_arrive_whole(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    for (int i = 0; i < 3; i++) {
        struct tls_reply reply = ask(client, "GET /large?bytes=8000000 HTTP/1.1\r\n" H "\r\n");
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.body_length, 8000000);
    }
}

static void test_server_pipelined_requests_are_answered_in_order(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    enum { REQUESTS = 300 };
    struct text *requests = text_new(*state);
    for (int i = 0; i < REQUESTS; i++)
        text_append_format(requests, "%s /%s?ms=1 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"
                           "GET /things/%d HTTP/1.1\r\n" H "\r\n", "POST", i % 10 == 0 ? "later" : "echo", i);
    assert_true(tls_client_send(client, requests->bytes, requests->length));
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, i % 10 == 0 ? 200 : 201);
        assert_int_equal(atoi(tls_client_read_reply(client, DEADLINE_MS).body), i);
    }
}

static unsigned long long request_id(struct tls_client *client)
{
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, PROBED);
    return strtoull(tls_reply_header(client, &reply, "X-Request-Id"), NULL, 16);
}

/* The one is there already while the other has hundreds waiting: its turn comes after one more of them, or two. */
static void test_server_pipelined_requests_let_others_in(void **state)
{
    enum { AHEAD = 5, REQUESTS = 300 };
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *many = http_server_connect(*state, server), *one = http_server_connect(*state, server);
    assert_int_equal(ask(one, PROBE).status, PROBED);
    struct text *requests = text_new(*state);
    for (int i = 0; i < REQUESTS; i++)
        text_append(requests, i == AHEAD ? "GET /hold HTTP/1.1\r\n" H "\r\n" : PROBE);
    assert_true(tls_client_send(many, requests->bytes, requests->length));
    http_server_wait_until_held();
    assert_true(tls_client_send_text(one, PROBE));
    http_server_release();
    unsigned long long held_id = 0, other_id = request_id(one);
    for (int i = 0; i < REQUESTS; i++) {
        unsigned long long id = request_id(many);
        held_id = i == AHEAD ? id : held_id;
    }
    assert_in_range(other_id, held_id + 1, held_id + 3);
}

static void test_server_late_reply_arrives(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    struct tls_reply reply = ask(client, "POST /later?ms=50 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "done");
    assert_int_equal(ask(client, PROBE).status, PROBED);
}

/* ---- deadlines ---- */

static int64_t elapsed_ms(int64_t since_us)
{
    return (clock_now_us() - since_us) / 1000;
}

static void test_server_silent_socket_is_closed_at_the_handshake_deadline(void **state)
{
    static const char *const settings[] = {"handshake_deadline_ms=300", NULL};
    struct http_server *server = http_server_start(*state, settings);
    int64_t begin_us = clock_now_us();
    int socket = tls_client_connect_plain(http_server_port(server));
    char byte;
    assert_int_equal(recv(socket, &byte, 1, 0), 0);
    assert_in_range(elapsed_ms(begin_us), 250, 5000);
    close(socket);
}

static void test_server_slow_head_gets_408_at_its_deadline(void **state)
{
    static const char *const settings[] = {"head_deadline_ms=300", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    int64_t begin_us = clock_now_us();
    assert_true(tls_client_send_text(client, "GET /echo HTTP/1.1\r\nHost:"));
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, 408);
    assert_in_range(elapsed_ms(begin_us), 250, 5000);
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
    struct tls_client *silent = http_server_connect(*state, server);
    bool clean = false;
    assert_true(tls_client_is_closed(silent, DEADLINE_MS, &clean));
    assert_true(clean);
}

static void test_server_idle_connection_is_closed_cleanly(void **state)
{
    static const char *const settings[] = {"idle_deadline_ms=300", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    assert_int_equal(ask(client, PROBE).status, PROBED);
    bool clean = false;
    assert_true(tls_client_is_closed(client, DEADLINE_MS, &clean));
    assert_true(clean);
}

static void test_server_slow_body_gets_408(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=300", "body_min_bytes_per_s=1000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    assert_int_equal(ask(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 500\r\n\r\nab").status, 408);
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
}

static void test_server_slow_reader_is_cut_off(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=300", "reply_min_bytes_per_s=100000000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    assert_true(tls_client_send_text(client, "GET /large?bytes=60000000 HTTP/1.1\r\n" H "\r\n"));
    /* Not reading: the server sees its bytes stand still, and closes; the peer's end shows it. */
    struct pollfd ended = {.fd = SSL_get_fd(tls_client_ssl(client)), .events = POLLRDHUP};
    assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 0);
}

/* A burst buys no time: sixty times the least rate at first, nothing afterwards. */
static void test_server_body_that_stops_after_a_burst_gets_408(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=300", "body_min_bytes_per_s=1000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    char *burst = memory_new_array(*state, char, 60001);
    memset(burst, 'a', 60000);
    assert_true(tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 60001\r\n\r\n"));
    assert_true(tls_client_send_text(client, burst));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 408);
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
}

/* What the kernel holds for a client that reads nothing is no progress, and buys it no time. */
static void test_server_reader_that_takes_nothing_is_cut_off_at_once(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=1000", "reply_min_bytes_per_s=1000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    int socket = tls_client_connect_plain(http_server_port(server));
    assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)), 0);
    struct tls_client_options options = {.socket = socket};
    struct tls_client *client = tls_client_open(*state, &options);
    assert_non_null(client);
    assert_true(tls_client_send_text(client, "GET /large?bytes=60000000 HTTP/1.1\r\n" H "\r\n"));
    struct pollfd ended = {.fd = socket, .events = POLLRDHUP};
    assert_int_equal(poll(&ended, 1, 2 * DEADLINE_MS), 1);
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 0);
}

static void test_server_long_work_gets_503_and_the_server_goes_on(void **state)
{
    static const char *const settings[] = {"work_deadline_ms=200", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    struct tls_reply reply = ask(client, "POST /later?ms=600 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n");
    assert_int_equal(reply.status, 503);
    assert_non_null(tls_reply_header(client, &reply, "Retry-After"));
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
    assert_int_equal(ask(http_server_connect(*state, server), PROBE).status, PROBED);
}

/* ---- clients that leave ---- */

static void test_server_client_gone_during_work_is_survived(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    for (int i = 0; i < 20; i++) {
        struct tls_client *client = http_server_connect(*state, server);
        assert_true(
            tls_client_send_text(client, "POST /later?ms=20 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"));
        tls_client_abort(client, i % 2 == 0);
    }
    assert_int_equal(ask(http_server_connect(*state, server), PROBE).status, PROBED);
    http_server_stop(server);
    assert_int_equal(http_server_join(server), 0);
}

static void test_server_client_gone_at_any_byte_is_survived(void **state)
{
    static const char request[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello" PROBE;
    struct http_server *server = http_server_start(*state, NULL);
    for (size_t length = 0; length < sizeof request; length += 3) {
        struct tls_client *client = http_server_connect(*state, server);
        assert_true(tls_client_send(client, request, length));
        tls_client_abort(client, length % 2 == 0);
    }
    assert_int_equal(ask(http_server_connect(*state, server), PROBE).status, PROBED);
}

static void test_server_plain_http_is_refused(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    int socket = tls_client_connect_plain(http_server_port(server));
    assert_true(send(socket, PROBE, strlen(PROBE), MSG_NOSIGNAL) > 0);
    char bytes[256];
    ssize_t got;
    while ((got = recv(socket, bytes, sizeof bytes, 0)) > 0)
        assert_null(memmem(bytes, (size_t)got, "HTTP", 4));
    close(socket);
    assert_int_equal(ask(http_server_connect(*state, server), PROBE).status, PROBED);
}

/* ---- limits ---- */

/* A reply that nobody reads fills what the server may hold; what needs none of it is still answered. */
static void test_server_limits_held_bytes(void **state)
{
    static const char *const limits[] = {"max_held_bytes=1000000", NULL};
    static const char post[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello";
    struct http_server *server = http_server_start(*state, limits);
    struct tls_client *greedy = http_server_connect(*state, server);
    assert_true(tls_client_send_text(greedy, "GET /large?bytes=60000000 HTTP/1.1\r\n" H "\r\n"));
    struct pollfd begun = {.fd = SSL_get_fd(tls_client_ssl(greedy)), .events = POLLIN};
    assert_int_equal(poll(&begun, 1, DEADLINE_MS), 1);
    struct tls_client *other = http_server_connect(*state, server);
    struct tls_reply refused = ask(other, post);
    assert_int_equal(refused.status, 503);
    assert_non_null(tls_reply_header(other, &refused, "Retry-After"));
    assert_int_equal(ask(http_server_connect(*state, server), PROBE).status, PROBED);
    tls_client_abort(greedy, true);
    int status = 503;
    for (int tries = 0; status == 503 && tries < 100; tries++)
        status = ask(http_server_connect(*state, server), post).status;
    assert_int_equal(status, 201);
}

static void test_server_limits_connections(void **state)
{
    static const char *const limits[] = {"max_connections=3", "max_connections_per_address=3"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const char *settings[] = {limits[i], NULL};
        struct http_server *server = http_server_start(*state, settings);
        struct tls_client_options options = {.port = http_server_port(server)};
        struct tls_client *clients[3];
        for (size_t j = 0; j < 3; j++)
            clients[j] = http_server_connect(*state, server);
        assert_null(tls_client_open(*state, &options));
        talloc_free(clients[1]);
        /* Free again once the server has seen the end: within the deadline, not at once. */
        struct tls_client *again = NULL;
        int64_t until_us = clock_now_us() + (int64_t)DEADLINE_MS * 1000;
        while (again == NULL && clock_now_us() < until_us)
            again = tls_client_open(*state, &options);
        assert_non_null(again);
        assert_int_equal(ask(again, PROBE).status, PROBED);
        talloc_free(again);
        talloc_free(clients[0]);
        talloc_free(clients[2]);
        talloc_free(server);
    }
}

/* A client that sends without reading replies must not make the server hold them all. */
static void test_server_does_not_read_ahead_without_bound(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    int socket = SSL_get_fd(tls_client_ssl(client));
    assert_true(tls_client_send_text(client, "GET /large?bytes=60000000 HTTP/1.1\r\n" H "\r\n"));
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
    char bytes[8192];
    memset(bytes, 'x', sizeof bytes);
    size_t sent = 0, limit = (size_t)64 << 20;
    struct pollfd writable = {.fd = socket, .events = POLLOUT};
    while (sent < limit && poll(&writable, 1, 300) == 1 && tls_client_send(client, bytes, sizeof bytes))
        sent += sizeof bytes;
    assert_true(sent < limit);   /* the kernel's buffers filled up: the server had stopped reading */
}

/* Of `sent` bytes, those that neither kernel's end of the connection holds. */
static long taken_in(int client, long sent)
{
    int arrived = 0, waiting = 0;
    assert_int_equal(ioctl(client, SIOCOUTQ, &waiting), 0);
    assert_int_equal(ioctl(http_server_end_of(client), SIOCINQ, &arrived), 0);
    return sent - waiting - arrived;
}

/*
 * Every answer frees the few bytes of its request.  Whoever took a record of TLS for each of them would hold megabytes
 * for a client that needs no token.
 */
static void test_server_pipelined_requests_are_taken_in_as_they_are_answered(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client_options options = {.socket = tls_client_connect_plain(http_server_port(server))};
    int room = 16384;
    assert_int_equal(setsockopt(options.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    struct tls_client *client = tls_client_open(*state, &options);
    assert_non_null(client);
    struct text *burst = text_new(*state);
    while (burst->length < 16000)
        text_append(burst, "GET /worker HTTP/1.1\r\n" H "\r\n");
    fcntl(options.socket, F_SETFL, fcntl(options.socket, F_GETFL) | O_NONBLOCK);
    struct pollfd writable = {.fd = options.socket, .events = POLLOUT};
    long sent = 0, limit = 32 << 20;
    while (sent < limit && poll(&writable, 1, 500) == 1)
        sent += tls_client_send(client, burst->bytes, burst->length) ? (long)burst->length : 0;
    assert_in_range(taken_in(options.socket, sent), 32768, 262144);
}

/* What a client does not read stays in the kernel, encrypted: left alone, that would be megabytes for each. */
static void test_server_bounds_what_the_kernel_keeps_of_replies(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    int size = 0;
    socklen_t length = sizeof size;
    assert_int_equal(ask(client, "GET /large?bytes=8000000 HTTP/1.1\r\n" H "\r\n").status, 200);
    int socket = http_server_end_of(SSL_get_fd(tls_client_ssl(client)));
    assert_int_equal(getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, &length), 0);
    assert_in_range(size, 65536, 262144);
}

/* The other way alike: whoever sends fast for a while would be given room for megabytes. */
static void test_server_bounds_what_the_kernel_keeps_of_requests(void **state)
{
    enum { POSTS = 200, BODY = 65536 };
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    char *body = memory_new_array(*state, char, BODY);
    memset(body, 'a', BODY);
    for (int i = 0; i < POSTS; i++) {
        assert_true(tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 65536\r\n\r\n"));
        assert_true(tls_client_send(client, body, BODY));
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 201);
    }
    int size = 0;
    socklen_t length = sizeof size;
    int socket = http_server_end_of(SSL_get_fd(tls_client_ssl(client)));
    assert_int_equal(getsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, &length), 0);
    assert_in_range(size, 65536, 262144);
}

/* ---- stop ---- */

static void test_server_stop_answers_what_has_begun(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    enum { BUSY = 10, IDLE = 10 };
    struct tls_client *busy[BUSY], *idle[IDLE];
    for (size_t i = 0; i < IDLE; i++) {
        idle[i] = http_server_connect(*state, server);
        assert_int_equal(ask(idle[i], PROBE).status, PROBED);
    }
    for (size_t i = 0; i < BUSY; i++) {
        busy[i] = http_server_connect(*state, server);
        assert_int_equal(ask(busy[i], PROBE).status, PROBED);
        assert_true(
            tls_client_send_text(busy[i], "POST /later?ms=500 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"));
    }
    http_server_stop(server);
    struct tls_reply last = ask(idle[0], PROBE);   /* one more request of a connection that is still open */
    assert_int_equal(last.status, PROBED);
    for (size_t i = 0; i < BUSY; i++) {
        struct tls_reply reply = tls_client_read_reply(busy[i], DEADLINE_MS);
        assert_int_equal(reply.status, 200);
        assert_string_equal(tls_reply_header(busy[i], &reply, "Connection"), "close");
        assert_true(tls_client_is_closed(busy[i], DEADLINE_MS, NULL));
    }
    for (size_t i = 0; i < IDLE; i++) {
        bool clean = false;
        assert_true(tls_client_is_closed(idle[i], DEADLINE_MS, &clean));
        assert_true(clean);
    }
    assert_int_equal(http_server_join(server), 0);
    assert_int_equal(tls_client_connect_plain(http_server_port(server)), -1);
}

static void test_server_stop_ends_at_its_deadline(void **state)
{
    static const char *const settings[] = {"stop_deadline_ms=800", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    assert_true(
        tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 5000\r\n\r\nnever more"));
    int64_t begin_us = clock_now_us();
    http_server_stop(server);
    assert_int_equal(http_server_join(server), 0);
    assert_in_range(elapsed_ms(begin_us), 0, 800);
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_server_reply_carries_the_security_headers),
        SERVER_TEST(test_server_refusals_are_problems),
        SERVER_TEST(test_server_head_gets_the_length_without_the_body),
        SERVER_TEST(test_server_parameters_are_decoded),
        SERVER_TEST(test_server_bodies_of_all_sizes_come_back_whole),
        SERVER_TEST(test_server_large_replies_arrive_whole),
        SERVER_TEST(test_server_pipelined_requests_are_answered_in_order),
        SERVER_TEST(test_server_late_reply_arrives),
        SERVER_TEST(test_server_silent_socket_is_closed_at_the_handshake_deadline),
        SERVER_TEST(test_server_slow_head_gets_408_at_its_deadline),
        SERVER_TEST(test_server_idle_connection_is_closed_cleanly),
        SERVER_TEST(test_server_slow_body_gets_408),
        SERVER_TEST(test_server_body_that_stops_after_a_burst_gets_408),
        SERVER_TEST(test_server_slow_reader_is_cut_off),
        SERVER_TEST(test_server_reader_that_takes_nothing_is_cut_off_at_once),
        SERVER_TEST(test_server_long_work_gets_503_and_the_server_goes_on),
        SERVER_TEST(test_server_client_gone_during_work_is_survived),
        SERVER_TEST(test_server_client_gone_at_any_byte_is_survived),
        SERVER_TEST(test_server_plain_http_is_refused),
        SERVER_TEST(test_server_limits_held_bytes),
        SERVER_TEST(test_server_limits_connections),
        SERVER_TEST(test_server_does_not_read_ahead_without_bound),
        SERVER_TEST(test_server_pipelined_requests_are_taken_in_as_they_are_answered),
        SERVER_TEST(test_server_pipelined_requests_let_others_in),
        SERVER_TEST(test_server_bounds_what_the_kernel_keeps_of_replies),
        SERVER_TEST(test_server_bounds_what_the_kernel_keeps_of_requests),
        SERVER_TEST(test_server_stop_answers_what_has_begun),
        SERVER_TEST(test_server_stop_ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
