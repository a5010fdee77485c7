/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies to a client that sends and sends before it reads: none is lost, cut or put out of its order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/registry.h"
#include "tests/support/tls_client.h"

enum { DEADLINE_MS = 20000, BURST = 40, BURSTS = 100 };

static const char get_health[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

static long count_replies(struct registry *registry)
{
    static const char name[] = "route=\"/healthz\",status=\"2xx\"} ";
    const char *metrics = api_get(registry, NULL, "/metrics")->body;
    const char *found = strstr(metrics, name);
    return found != NULL ? strtol(found + sizeof name - 1, NULL, 10) : 0;
}

/* Until the server gives no more replies, for the sockets are full or all are given: how many it has given. */
static long wait_for_standstill(struct registry *registry)
{
    long before = -1;
    for (int same = 0; same < 10; test_pause()) {
        long now = count_replies(registry);
        same = now == before ? same + 1 : 0;
        before = now;
    }
    return before;
}

/*
 * More replies than sockets have room for: the server's buffers fill, and its reading stops.  The requests have room:
 * else the client would stand still as well.
 */
static void test_many_requests_before_the_first_read_are_all_answered(void **state)
{
    struct registry *registry = *state;
    const struct tls_client_options options = {.socket = tls_client_connect_plain(registry->daemon->port)};
    int room = 65536;
    assert_int_equal(setsockopt(options.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    struct tls_client *client = tls_client_open(registry, &options);
    assert_non_null(client);
    struct text *burst = text_new(client);
    for (int i = 0; i < BURST; i++)
        text_append(burst, get_health);
    for (int i = 0; i < BURSTS; i++)
        assert_true(tls_client_send(client, burst->bytes, burst->length));
    assert_in_range(wait_for_standstill(registry), 1, BURST * BURSTS / 2);
    unsigned long long last = 0;
    for (int i = 0; i < BURST * BURSTS; i++) {
        struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
        assert_int_equal(reply.status, 200);
        unsigned long long id = strtoull(tls_reply_header(client, &reply, "X-Request-Id"), NULL, 16);
        assert_true(i == 0 || id > last);
        last = id;
    }
    talloc_free(client);
}

/* Its replies wait for the end of a turn, or in a full socket, when it goes. */
static void test_client_that_leaves_its_replies_harms_nobody(void **state)
{
    struct registry *registry = *state;
    const struct tls_client_options options = {.port = registry->daemon->port};
    for (int i = 0; i < 50; i++) {
        struct tls_client *client = tls_client_open(registry, &options);
        assert_non_null(client);
        for (int n = 0; n <= i; n++)
            assert_true(tls_client_send_text(client, get_health));
        tls_client_abort(client, i % 2 == 0);
    }
    assert_status(api_get(registry, NULL, "/healthz"), 200);
}

/* Interim, small and large replies of one connection: the large one goes another way. */
static void test_replies_of_every_size_keep_their_order(void **state)
{
    struct registry *registry = *state;
    const struct tls_client_options options = {.port = registry->daemon->port};
    struct tls_client *client = tls_client_open(registry, &options);
    assert_non_null(client);
    for (int i = 0; i < 20; i++) {
        assert_true(tls_client_send_text(client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                                 "GET /api/v1/openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                                 "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 200);
        struct tls_reply large = tls_client_read_reply(client, DEADLINE_MS);
        assert_int_equal(large.status, 200);
        assert_true(large.body_length > 16384);
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 404);
    }
    talloc_free(client);
}

/* A client that takes its time is no slow reader here. */
static int setup(void **state)
{
    static const char *const settings[] = {"rate_grace_ms=120000", NULL};
    struct registry *registry = registry_new_stopped(NULL);
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    *state = registry;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_requests_before_the_first_read_are_all_answered),
        cmocka_unit_test(test_client_that_leaves_its_replies_harms_nobody),
        cmocka_unit_test(test_replies_of_every_size_keep_their_order),
    };
    return cmocka_run_group_tests_name("http replies", tests, setup, registry_teardown);
}
