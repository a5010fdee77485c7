/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many clients at once while the server reloads, stops, or is treated badly: no request may be lost. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/http_server.h"

#define H "Host: localhost\r\n"
enum { CLIENTS = 8, DEADLINE_MS = 20000 };

/* A client of its own thread; cmocka's assertions belong to the main thread, so it only counts. */
struct worker_client {
    const struct http_server *server;
    unsigned seed;
    int requests;              /* to send at most */
    int answered, lost;
    bool ended_by_server;      /* after "Connection: close" */
};

struct fixture {
    void *owner;
    struct http_server *server;
    struct worker_client clients[CLIENTS];
    pthread_t threads[CLIENTS];
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->owner = fixture;
    fixture->server = http_server_start(fixture, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static void run_all(struct fixture *fixture, int requests, void *(*run)(void *))
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        fixture->clients[i] = (struct worker_client){
            .server = fixture->server, .seed = i + 1, .requests = requests};
        assert_int_equal(pthread_create(&fixture->threads[i], NULL, run, &fixture->clients[i]), 0);
    }
}

static void join_all(struct fixture *fixture)
{
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(fixture->threads[i], NULL), 0);
}

/* One request after the other until the server says that it closes. */
static void *ask_steadily(void *context)
{
    struct worker_client *self = context;
    void *owner = memory_owner(NULL, "client");
    struct tls_client_options options = {.port = http_server_port(self->server)};
    struct tls_client *client = tls_client_open(owner, &options);
    while (client != NULL && self->answered < self->requests && !self->ended_by_server) {
        bool sent = tls_client_send_text(client,
                                         "POST /later?ms=1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab");
        struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
        self->answered += sent && reply.status == 200;
        self->lost += !sent || reply.status != 200;
        if (self->lost > 0)
            break;
        self->ended_by_server = tls_reply_header(client, &reply, "Connection") != NULL;
    }
    self->lost += client == NULL;
    talloc_free(owner);
    return NULL;
}

static void test_server_reload_under_load_loses_no_request(void **state)
{
    struct fixture *fixture = *state;
    run_all(fixture, 200, ask_steadily);
    for (int i = 0; i < 20; i++) {
        kill(getpid(), SIGHUP);
        struct tls_client *new_one = http_server_connect(fixture, fixture->server);   /* paces the signals */
        talloc_free(new_one);
    }
    join_all(fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(fixture->clients[i].lost, 0);
        assert_int_equal(fixture->clients[i].answered, 200);
    }
}

static void test_server_stop_under_load_loses_no_request(void **state)
{
    struct fixture *fixture = *state;
    run_all(fixture, 1000000, ask_steadily);
    struct tls_client *client = http_server_connect(fixture, fixture->server);
    for (int i = 0; i < 50; i++) {
        assert_true(tls_client_send_text(client, "GET /probe HTTP/1.1\r\n" H "\r\n"));
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 202);
    }
    talloc_free(client);
    http_server_stop(fixture->server);
    join_all(fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(fixture->clients[i].lost, 0);
        assert_true(fixture->clients[i].ended_by_server);
    }
    assert_int_equal(http_server_join(fixture->server), 0);
}

/* ---- bad clients ---- */

/* Some bytes of a pipeline, sometimes with one turned over, then gone: at any time, in any way. */
static void misbehave_once(const void *owner, struct worker_client *self)
{
    static const char pipeline[] =
        "POST /later?ms=3 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"
        "GET /large?bytes=300000 HTTP/1.1\r\n" H "\r\n"
        "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"
        "GET /worker HTTP/1.1\r\n" H "\r\n";
    struct tls_client_options options = {.port = http_server_port(self->server)};
    struct tls_client *client = tls_client_open(owner, &options);
    self->lost += client == NULL;
    if (client == NULL)
        return;
    char bytes[sizeof pipeline];
    memcpy(bytes, pipeline, sizeof pipeline);
    size_t length = (size_t)rand_r(&self->seed) % sizeof pipeline;
    if (rand_r(&self->seed) % 2 == 0)
        ((unsigned char *)bytes)[(size_t)rand_r(&self->seed) % sizeof pipeline] ^= 0x20; /* any other octet */
    size_t first = length > 0 ? (size_t)rand_r(&self->seed) % length : 0;
    tls_client_send(client, bytes, first);
    tls_client_send(client, bytes + first, length - first);
    if (rand_r(&self->seed) % 3 == 0)
        (void)tls_client_read_reply(client, 5);
    tls_client_abort(client, rand_r(&self->seed) % 2 == 0);
}

static void *misbehave(void *context)
{
    struct worker_client *self = context;
    void *owner = memory_owner(NULL, "client");
    for (int i = 0; i < self->requests; i++)
        misbehave_once(owner, self);
    talloc_free(owner);
    return NULL;
}

static void test_server_survives_clients_that_break_off_anywhere(void **state)
{
    struct fixture *fixture = *state;
    run_all(fixture, 100, misbehave);
    join_all(fixture);
    struct tls_client *client = http_server_connect(fixture, fixture->server);
    assert_true(tls_client_send_text(client, "GET /probe HTTP/1.1\r\n" H "\r\n"));
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 202);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(fixture->clients[i].lost, 0);
    talloc_free(client);
    http_server_stop(fixture->server);
    assert_int_equal(http_server_join(fixture->server), 0);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server_reload_under_load_loses_no_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_stop_under_load_loses_no_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_server_survives_clients_that_break_off_anywhere, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
