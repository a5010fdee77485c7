/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections that end while their client has not taken everything: who reads gets all of it, however slowly,
 * and what nobody reads does not stay in the kernel beyond the server's deadlines and limits.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
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
#define LARGE "GET /large?bytes=100000 HTTP/1.1\r\n" H "\r\n"
#define LAST "GET /probe HTTP/1.1\r\n" H "Connection: close\r\n\r\n"
#define OPEN "patella_connections_open"
#define LATE_END "patella_deadlines_total{phase=\"end\"}"
enum { CROWD = 40, DEADLINE_MS = 20000, LOOK_MS = 10, LITTLE_ROOM = 4096 };

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

/* Sockets of the server's port that have something to send still, as /proc/net/tcp tells. */
struct kernel_sockets {
    long long untaken;           /* in any state */
    long long ended;             /* of these, with the server's end sent: FIN-WAIT-1, LAST-ACK, CLOSING */
};

static struct kernel_sockets look_into_kernel(const struct http_server *server)
{
    enum { FIN_WAIT_1 = 4, LAST_ACK = 9, CLOSING = 11 };
    struct kernel_sockets found = {0};
    unsigned port, state, queued;
    char line[256];
    FILE *table = fopen("/proc/net/tcp", "r");
    assert_non_null(table);
    while (fgets(line, sizeof line, table) != NULL) {
        if (sscanf(line, " %*d: %*8X:%4X %*8X:%*4X %2X %8X:", &port, &state, &queued) != 3 ||
            (int)port != http_server_port(server) || queued == 0)
            continue;
        found.untaken++;
        found.ended += state == FIN_WAIT_1 || state == LAST_ACK || state == CLOSING;
    }
    fclose(table);
    return found;
}

static struct tls_client *connect_with_room(const void *owner, const struct http_server *server, int room)
{
    struct tls_client_options options = {.socket = tls_client_connect_plain(http_server_port(server))};
    assert_true(options.socket > 0);
    assert_int_equal(setsockopt(options.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    struct tls_client *client = tls_client_open(owner, &options);
    assert_non_null(client);
    return client;
}

static int64_t patience_us(void)
{
    return clock_now_us() + (int64_t)DEADLINE_MS * 1000;
}

static void wait_for_ended(const struct http_server *server, long long wanted)
{
    int64_t until_us = patience_us();
    long long ended;
    while ((ended = look_into_kernel(server).ended) != wanted) {
        if (clock_now_us() > until_us)
            fail_msg("%lld connections are ended and untaken, not %lld", ended, wanted);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static void wait_for_open(long long wanted)
{
    int64_t until_us = patience_us();
    long long open;
    while ((open = counted(OPEN)) != wanted) {
        if (clock_now_us() > until_us)
            fail_msg("%lld connections are open, not %lld", open, wanted);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* libevent closes the socket a turn after the server has forgotten the connection. */
static void wait_for_empty_kernel(const struct http_server *server)
{
    int64_t until_us = clock_now_us() + 1000000;
    struct kernel_sockets found;
    while ((found = look_into_kernel(server)).untaken > 0) {
        if (clock_now_us() > until_us)
            fail_msg("the kernel keeps what nobody reads of %lld connections, %lld of them ended",
                     found.untaken, found.ended);
        (void)poll(NULL, 0, LOOK_MS);
    }
}

/* ---- who does not read ---- */

/* However the crowd ends: it is counted as long as the kernel has its replies, and then nothing is left. */
static void check_crowd(const struct http_server *server, long long late_before)
{
    wait_for_ended(server, CROWD);
    assert_int_equal(counted(OPEN), CROWD);
    wait_for_open(0);
    wait_for_empty_kernel(server);
    assert_int_equal(counted(LATE_END), late_before + CROWD);
}

static const char *const impatient[] = {"rate_grace_ms=2500", "idle_deadline_ms=300", NULL};

static void test_endings_of_last_replies_that_nobody_reads(void **state)
{
    struct http_server *server = http_server_start(*state, impatient);
    long long late_before = counted(LATE_END);
    for (int i = 0; i < CROWD; i++)
        assert_true(tls_client_send_text(connect_with_room(*state, server, LITTLE_ROOM), LARGE LARGE LAST));
    check_crowd(server, late_before);
}

static void test_endings_of_idle_connections_with_unread_replies(void **state)
{
    struct http_server *server = http_server_start(*state, impatient);
    long long late_before = counted(LATE_END);
    for (int i = 0; i < CROWD; i++)
        assert_true(tls_client_send_text(connect_with_room(*state, server, LITTLE_ROOM), LARGE LARGE));
    check_crowd(server, late_before);
}

/* Whoever ends his own side, with or without close_notify, sends no more; that is not to say that he reads. */
static void test_endings_of_clients_that_end_their_side(void **state)
{
    struct http_server *server = http_server_start(*state, impatient);
    long long late_before = counted(LATE_END);
    for (int i = 0; i < CROWD; i++) {
        struct tls_client *client = connect_with_room(*state, server, LITTLE_ROOM);
        assert_true(tls_client_send_text(client, LARGE));
        struct pollfd replied = {.fd = SSL_get_fd(tls_client_ssl(client)), .events = POLLIN};
        assert_int_equal(poll(&replied, 1, DEADLINE_MS), 1);
        if (i % 2 == 0)
            SSL_shutdown(tls_client_ssl(client));
        assert_int_equal(shutdown(SSL_get_fd(tls_client_ssl(client)), SHUT_WR), 0);
    }
    check_crowd(server, late_before);
}

/* What is no TLS is told so by an alert, which may stay unread as well as a reply. */
static void test_endings_of_clients_that_break_off_tls(void **state)
{
    struct http_server *server = http_server_start(*state, impatient);
    long long late_before = counted(LATE_END);
    for (int i = 0; i < CROWD; i++) {
        struct tls_client *client = connect_with_room(*state, server, LITTLE_ROOM);
        assert_true(tls_client_send_text(client, LARGE));
        struct pollfd replied = {.fd = SSL_get_fd(tls_client_ssl(client)), .events = POLLIN};
        assert_int_equal(poll(&replied, 1, DEADLINE_MS), 1);
        assert_int_equal(send(replied.fd, "no record of TLS", 16, MSG_NOSIGNAL), 16);
    }
    check_crowd(server, late_before);
}

/* A few bytes now and then are progress, but not enough. */
static void test_endings_of_a_reader_that_is_too_slow(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=1000", "reply_min_bytes_per_s=100000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = connect_with_room(*state, server, LITTLE_ROOM);
    long long late_before = counted(LATE_END);
    char bytes[1000];
    size_t got = 1;
    assert_true(tls_client_send_text(client, LARGE LARGE LAST));
    while (SSL_read_ex(tls_client_ssl(client), bytes, sizeof bytes, &got) == 1)
        (void)poll(NULL, 0, 50);
    ERR_clear_error();
    wait_for_open(0);
    wait_for_empty_kernel(server);
    assert_int_equal(counted(LATE_END), late_before + 1);
}

/* Progress above the least rate, and still it does not end in time. */
static void test_endings_have_a_deadline(void **state)
{
    static const char *const settings[] = {"reply_deadline_ms=2000", NULL};
    struct http_server *server = http_server_start(*state, settings);
    struct tls_client *client = connect_with_room(*state, server, LITTLE_ROOM);
    long long late_before = counted(LATE_END);
    char bytes[1000];
    size_t got = 1;
    assert_true(tls_client_send_text(client, LARGE LARGE LAST));
    while (SSL_read_ex(tls_client_ssl(client), bytes, sizeof bytes, &got) == 1)
        (void)poll(NULL, 0, 50);
    ERR_clear_error();
    wait_for_open(0);
    wait_for_empty_kernel(server);
    assert_int_equal(counted(LATE_END), late_before + 1);
}

/* A server that stops does not wait for them: the kernel has a time of its own for what is left to it. */
static void test_endings_after_the_end_of_the_server(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=1000", "idle_deadline_ms=3000", "body_deadline_ms=10",
                                           "work_deadline_ms=10", NULL};
    struct http_server *server = http_server_start(*state, settings);
    for (int i = 0; i < CROWD; i++)
        assert_true(tls_client_send_text(connect_with_room(*state, server, LITTLE_ROOM), LARGE LARGE));
    int64_t until_us = patience_us();
    while (look_into_kernel(server).untaken < CROWD && clock_now_us() < until_us)
        (void)poll(NULL, 0, LOOK_MS);
    http_server_stop(server);
    assert_int_equal(http_server_join(server), 0);
    assert_true(look_into_kernel(server).ended > 0);
    wait_for_ended(server, 0);
}

/* ---- who reads ---- */

/* In pieces, with pauses, slower than the server lingers and faster than it must be: bytes until the end. */
static size_t read_in_pieces(struct tls_client *client, bool *clean)
{
    char bytes[4096];
    size_t got = 0, part;
    ERR_clear_error();
    while (SSL_read_ex(tls_client_ssl(client), bytes, sizeof bytes, &part) == 1) {
        got += part;
        (void)poll(NULL, 0, 60);
    }
    *clean = SSL_get_error(tls_client_ssl(client), 0) == SSL_ERROR_ZERO_RETURN;
    return got;
}

static void check_slow_reader(const void *owner, const char *const *settings, const char *requests)
{
    struct http_server *server = http_server_start(owner, settings);
    struct tls_client *client = connect_with_room(owner, server, 16384);
    long long late_before = counted(LATE_END);
    int64_t begin_us = clock_now_us();
    bool clean = false;
    assert_true(tls_client_send_text(client, requests));
    size_t got = read_in_pieces(client, &clean);
    assert_in_range(got, 200000, 202000);
    assert_true(clean);
    assert_true(clock_now_us() - begin_us > 2000000);   /* longer than the server lingers */
    assert_int_equal(counted(LATE_END), late_before);
    talloc_free(client);
    wait_for_open(0);
    wait_for_empty_kernel(server);
}

static void test_endings_give_a_slow_reader_all_of_its_last_reply(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=1500", NULL};
    check_slow_reader(*state, settings, LARGE LARGE LAST);
}

/* What has been sent fills the socket until the client acknowledges it: "close_notify" has to wait. */
static void test_endings_are_clean_behind_a_full_socket(void **state)
{
    struct http_server *server = http_server_start(*state, NULL);
    struct tls_client *client = http_server_connect(*state, server);
    int ours = SSL_get_fd(tls_client_ssl(client)), its = http_server_end_of(ours);
    assert_true(tls_client_send_text(client, "GET /probe HTTP/1.1\r\n" H "\r\n"));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 202);
    assert_int_equal(setsockopt(ours, IPPROTO_TCP, TCP_QUICKACK, &(int){0}, sizeof(int)), 0);
    assert_int_equal(setsockopt(its, SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int)), 0);
    assert_true(tls_client_send_text(client, "GET /large?bytes=8000 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).body_length, 8000);
    bool clean = false;
    assert_true(tls_client_is_closed(client, DEADLINE_MS, &clean));
    assert_true(clean);
}

static void test_endings_give_a_slow_reader_all_before_an_idle_end(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=1500", "idle_deadline_ms=300", NULL};
    check_slow_reader(*state, settings, LARGE LARGE);
}

#define ENDINGS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        ENDINGS_TEST(test_endings_of_last_replies_that_nobody_reads),
        ENDINGS_TEST(test_endings_of_idle_connections_with_unread_replies),
        ENDINGS_TEST(test_endings_of_clients_that_end_their_side),
        ENDINGS_TEST(test_endings_of_clients_that_break_off_tls),
        ENDINGS_TEST(test_endings_of_a_reader_that_is_too_slow),
        ENDINGS_TEST(test_endings_have_a_deadline),
        ENDINGS_TEST(test_endings_after_the_end_of_the_server),
        ENDINGS_TEST(test_endings_give_a_slow_reader_all_of_its_last_reply),
        ENDINGS_TEST(test_endings_are_clean_behind_a_full_socket),
        ENDINGS_TEST(test_endings_give_a_slow_reader_all_before_an_idle_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
