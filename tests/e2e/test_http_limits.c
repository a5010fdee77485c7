/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one address, and one slow client, may take of the server's memory and time. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <openssl/err.h>

#include "collector/clock.h"
#include "collector/metrics.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/counters.h"
#include "tests/support/http_server.h"

#define H "Host: localhost\r\n"
#define HELD "patella_held_bytes"
#define REFUSED_TOTAL "patella_held_bytes_refused_total{reason=\"total_limit\"}"
#define REFUSED_ADDRESS "patella_held_bytes_refused_total{reason=\"address_limit\"}"
enum { DEADLINE_MS = 20000, PACE_MS = 50, WHOLE = 65537 };   /* WHOLE: the room of the largest body */

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

/* The server is a thread of this process, so its counters are ours. */
static long long counted(const char *name)
{
    struct text *counters = text_new(NULL);
    metrics_append(counters);
    long long value = counters_value(counters->bytes, name);
    talloc_free(counters);
    return value;
}

static struct tls_client *connect_from(const void *owner, const struct http_server *server, const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct tls_client_options options = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(options.socket > 0);
    assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
    assert_int_equal(bind(options.socket, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(options.socket, (struct sockaddr *)&to, sizeof to), 0);
    struct tls_client *client = tls_client_open(owner, &options);
    assert_non_null(client);
    return client;
}

/* A body that is never whole; the server may close before it has all of it. */
static void send_much_of_a_body(struct tls_client *client)
{
    static char body[60000];
    memset(body, 'a', sizeof body);
    assert_true(tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 65536\r\n\r\n"));
    (void)tls_client_send(client, body, sizeof body);
}

/* The status of the answer to a body of `length` bytes. */
static int post_from(const void *owner, const struct http_server *server, const char *source, size_t length)
{
    struct tls_client *client = connect_from(owner, server, source);
    char *request = memory_new_array(owner, char, length + 100);
    int head = sprintf(request, "POST /echo HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", length);
    memset(request + head, 'a', length);
    (void)tls_client_send(client, request, (size_t)head + length);
    return tls_client_read_reply(client, DEADLINE_MS).status;
}

/* Until each of `senders` holds the room of its body, or was refused it. */
static void wait_until_settled(long long senders, long long refused_before)
{
    int64_t until_us = clock_now_us() + (int64_t)DEADLINE_MS * 1000;
    for (long long settled = -1; settled != senders; (void)poll(NULL, 0, 10)) {
        long long held = counted(HELD), refused = counted(REFUSED_TOTAL) + counted(REFUSED_ADDRESS);
        settled = held % WHOLE == 0 ? held / WHOLE + refused - refused_before : -1;
        assert_true(clock_now_us() < until_us);
    }
}

static void test_limits_leave_held_bytes_to_other_addresses(void **state)
{
    enum { MOST = 1000000, SENDERS = 15 };
    static const char *const settings[] = {"max_held_bytes=1000000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    long long refused_before = counted(REFUSED_TOTAL) + counted(REFUSED_ADDRESS);
    for (int i = 0; i < SENDERS; i++)
        send_much_of_a_body(connect_from(*state, server, "127.0.0.2"));
    wait_until_settled(SENDERS, refused_before);
    long long before = counted(HELD);
    assert_in_range(before, 2 * WHOLE, MOST / 4);
    assert_int_equal(post_from(*state, server, "127.0.0.2", 5), 201);   /* five bytes fit into its part still */
    send_much_of_a_body(connect_from(*state, server, "127.0.0.3"));
    wait_until_settled(SENDERS + 1, refused_before);
    assert_int_equal(counted(HELD), before + WHOLE);
    assert_int_equal(post_from(*state, server, "127.0.0.4", 40000), 201);
    assert_true(counted(REFUSED_ADDRESS) > 0);
}

/* Whatever many addresses hold, the next one finds room. */
static void test_limits_leave_held_bytes_to_one_more_address(void **state)
{
    enum { ADDRESSES = 24, EACH = 4 };
    static const char *const settings[] = {"max_held_bytes=1000000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    long long refused_before = counted(REFUSED_TOTAL) + counted(REFUSED_ADDRESS);
    for (int i = 0; i < ADDRESSES * EACH; i++) {
        char source[16];
        snprintf(source, sizeof source, "127.0.1.%d", 1 + i % ADDRESSES);
        send_much_of_a_body(connect_from(*state, server, source));
    }
    wait_until_settled(ADDRESSES * EACH, refused_before);
    assert_int_equal(post_from(*state, server, "127.0.0.2", 40000), 201);
}

/* The connection has gone, what it sent is still with another thread; and its end frees it. */
static void test_limits_count_what_a_connection_has_left(void **state)
{
    static const char *const settings[] = {"max_held_bytes=1000000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    char *request = memory_new_array(*state, char, 66000);
    int length = sprintf(request, "POST /later?ms=1500 HTTP/1.1\r\n" H "Content-Length: 65000\r\n\r\n");
    memset(request + length, 'a', 65000);
    for (int i = 0; i < 3; i++) {
        struct tls_client *client = connect_from(*state, server, "127.0.0.2");
        assert_true(tls_client_send(client, request, (size_t)length + 65000));
        int64_t until_us = clock_now_us() + (int64_t)DEADLINE_MS * 1000;
        while (counted(HELD) < (i + 1) * 65001LL && clock_now_us() < until_us)
            (void)poll(NULL, 0, 1);
        tls_client_abort(client, true);
    }
    long long refused_before = counted(REFUSED_ADDRESS);
    struct tls_client *more = connect_from(*state, server, "127.0.0.2");
    send_much_of_a_body(more);
    assert_int_equal(tls_client_read_reply(more, DEADLINE_MS).status, 503);
    assert_true(counted(REFUSED_ADDRESS) > refused_before);
    int64_t until_us = clock_now_us() + (int64_t)DEADLINE_MS * 1000;
    while (counted(HELD) > 0 && clock_now_us() < until_us)
        (void)poll(NULL, 0, 10);
    assert_int_equal(counted(HELD), 0);
}

/* Far above the least rate, and still not in time. */
static void test_limits_end_a_body_at_its_deadline(void **state)
{
    static const char *const settings[] = {"body_deadline_ms=1500", "rate_grace_ms=500", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = http_server_connect(*state, server);
    struct pollfd replied = {.fd = SSL_get_fd(tls_client_ssl(client)), .events = POLLIN};
    char piece[500];
    memset(piece, 'a', sizeof piece);
    long long late_before = counted("patella_deadlines_total{phase=\"body\"}");
    int64_t begin_us = clock_now_us();
    assert_true(tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 65000\r\n\r\n"));
    size_t sent = 0;
    for (; sent < 64500 && poll(&replied, 1, PACE_MS) == 0; sent += sizeof piece)
        assert_true(tls_client_send(client, piece, sizeof piece));
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_true(sent < 64500);
    assert_int_equal(reply.status, 408);
    assert_non_null(strstr(reply.body, "body_too_slow"));
    assert_true(clock_now_us() - begin_us >= 1500000);
    assert_int_equal(counted("patella_deadlines_total{phase=\"body\"}"), late_before + 1);
}

static struct tls_client *connect_with_little_room(const void *owner, const struct http_server *server)
{
    struct tls_client_options options = {.socket = tls_client_connect_plain(http_server_port(server))};
    assert_int_equal(setsockopt(options.socket, SOL_SOCKET, SO_RCVBUF, &(int){32768}, sizeof(int)), 0);
    struct tls_client *client = tls_client_open(owner, &options);
    assert_non_null(client);
    return client;
}

/* Takes at most `rate` bytes a second until the connection ends or `most` have come: how many came. */
static size_t read_slowly(struct tls_client *client, size_t most, size_t rate)
{
    static char bytes[16384];
    size_t got = 0, part = 1;
    int64_t begin_us = clock_now_us();
    while (got < most && part > 0) {
        double due_us = (double)got * 1e6 / (double)rate - (double)(clock_now_us() - begin_us);
        if (due_us > 1000)
            (void)poll(NULL, 0, (int)(due_us / 1000));
        ERR_clear_error();
        if (SSL_read_ex(tls_client_ssl(client), bytes, sizeof bytes, &part) != 1)
            part = 0;
        got += part;
    }
    return got;
}

static void test_limits_end_a_reply_at_its_deadline(void **state)
{
    static const char *const settings[] = {"reply_deadline_ms=1500", "rate_grace_ms=500", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = connect_with_little_room(*state, server);
    long long late_before = counted("patella_deadlines_total{phase=\"reply\"}");
    assert_true(tls_client_send_text(client, "GET /large?bytes=4000000 HTTP/1.1\r\n" H "\r\n"));
    assert_in_range(read_slowly(client, 4000000, 400000), 1, 3999999);
    assert_int_equal(counted("patella_deadlines_total{phase=\"reply\"}"), late_before + 1);
}

/* Four times as long, four times the time: an honest download is not cut. */
static void test_limits_give_a_long_reply_its_time(void **state)
{
    enum { LENGTH = 16 << 20, RATE = 6 << 20 };
    static const char *const settings[] = {"reply_deadline_ms=1500", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = connect_with_little_room(*state, server);
    char request[64];
    snprintf(request, sizeof request, "GET /large?bytes=%d HTTP/1.1\r\n" H "\r\n", LENGTH);
    int64_t begin_us = clock_now_us();
    assert_true(tls_client_send_text(client, request));
    assert_true(read_slowly(client, LENGTH, RATE) >= LENGTH);
    assert_true(clock_now_us() - begin_us > 1500000);
}

#define LIMITS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        LIMITS_TEST(test_limits_leave_held_bytes_to_other_addresses),
        LIMITS_TEST(test_limits_leave_held_bytes_to_one_more_address),
        LIMITS_TEST(test_limits_count_what_a_connection_has_left),
        LIMITS_TEST(test_limits_end_a_body_at_its_deadline),
        LIMITS_TEST(test_limits_end_a_reply_at_its_deadline),
        LIMITS_TEST(test_limits_give_a_long_reply_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
