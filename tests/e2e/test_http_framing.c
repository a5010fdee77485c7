/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Odd requests over TLS: what is answered, how often, and whether the connection stays.  A second reply where
 * one is expected would be a smuggled request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/http_server.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define H "Host: localhost\r\n"
#define PROBE "GET /probe HTTP/1.1\r\n" H "\r\n"
enum { PROBED = 202, DEADLINE_MS = 10000 };

struct framing_case {
    const char *label;
    const char *bytes;
    size_t length;
    const char *statuses;    /* of all final replies */
    bool stays;              /* a further request on the connection is answered */
};

static const struct framing_case cases[] = {
    {"good POST",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "201", true},
    {"good GET",
     BYTES("GET /echo HTTP/1.1\r\n" H "\r\n"), "201", true},
    {"two pipelined POSTs",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello" "POST /echo HTTP/1.1\r\n"
           H "Content-Length: 5\r\n\r\nhello"), "201 201", true},
    {"HTTP/1.0 GET",
     BYTES("GET /echo HTTP/1.0\r\n" H "\r\n"), "201", false},
    {"expectation, body at once",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"), "201", true},
    {"unknown expectation",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: foo\r\n\r\nhello"), "417", false},
    {"length twice, equal",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "400", false},
    {"length 5 then 44",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 44\r\n\r\nhello"
           "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), "400", false},
    {"length 5, 5",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello"), "400", false},
    {"length +5",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello"), "400", false},
    {"length -5",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\nhello"), "400", false},
    {"length 0x5",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nhello"), "400", false},
    {"length 005",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 005\r\n\r\nhello"), "201", true},
    {"length with trailing blank",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5 \r\n\r\nhello"), "201", true},
    {"length VT 5",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: \v5\r\n\r\nhello"), "400", false},
    {"length empty",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length:\r\n\r\nhello"), "400", false},
    {"length 99999999999999999999",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\nhello"), "400", false},
    {"length 9 MiB",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 9437184\r\n\r\nhello"), "413", false},
    {"POST without length",
     BYTES("POST /echo HTTP/1.1\r\n" H "\r\nhello"), "411", false},
    {"length and chunked",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400", false},
    {"chunked",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "501", false},
    {"xchunked and length",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello"), "400", false},
    {"gzip, chunked",
     BYTES("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "501", false},
    {"identity without length",
     BYTES("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\nGET /echo HTTP/1.1\r\n"
           H "\r\n"), "501", false},
    {"blank before the colon of a coding",
     BYTES("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), "400", false},
    {"chunk size +5",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n"), "501", false},
    {"folded header",
     BYTES("GET /echo HTTP/1.1\r\n" H "X-A: 1\r\n 2\r\n\r\n"), "400", false},
    {"folded length",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n 1\r\n\r\nhello"), "400", false},
    {"first header folded",
     BYTES("GET /echo HTTP/1.1\r\n " H "\r\n"), "400", false},
    {"bare LF lines",
     BYTES("GET /echo HTTP/1.1\nHost: localhost\n\n"), "400", false},
    {"bare LF in one header",
     BYTES("GET /echo HTTP/1.1\r\n" H "X-A: 1\nX-B: 2\r\n\r\n"), "400", false},
    {"bare CR in a value",
     BYTES("GET /echo HTTP/1.1\r\n" H "X-A: 1\r2\r\n\r\n"), "400", false},
    {"NUL in a value",
     BYTES("GET /echo HTTP/1.1\r\n" H "X-A: 1\0" "2\r\n\r\n"), "400", false},
    {"line that starts with NUL",
     BYTES("GET /echo HTTP/1.1\r\n" H "\0\r\nGET /echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"NUL in a name",
     BYTES("GET /echo HTTP/1.1\r\n" H "X\0A: 1\r\n\r\n"), "400", false},
    {"no colon",
     BYTES("GET /echo HTTP/1.1\r\n" H "nothing\r\n\r\n"), "400", false},
    {"empty name",
     BYTES("GET /echo HTTP/1.1\r\n" H ": 1\r\n\r\n"), "400", false},
    {"blank in a name",
     BYTES("GET /echo HTTP/1.1\r\n" H "X A: 1\r\n\r\n"), "400", false},
    {"control character in a value",
     BYTES("GET /echo HTTP/1.1\r\n" H "X-A: \001\r\n\r\n"), "400", false},
    {"blank before the colon of a length",
     BYTES("POST /echo HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\nhello"), "400", false},
    {"no host",
     BYTES("GET /echo HTTP/1.1\r\n\r\n"), "400", false},
    {"two hosts",
     BYTES("GET /echo HTTP/1.1\r\n" H H "\r\n"), "400", false},
    {"unknown method",
     BYTES("BREW /echo HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"lower-case get",
     BYTES("get /echo HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"TRACE",
     BYTES("TRACE /echo HTTP/1.1\r\n" H "\r\n"), "501", false},
    {"CONNECT a:1",
     BYTES("CONNECT a:1 HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"HEAD whose body is a request",
     BYTES("HEAD /echo HTTP/1.1\r\n"
           H "Content-Length: 40\r\n\r\nGET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), "400", false},
    {"GET with a body",
     BYTES("GET /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "400", false},
    {"absolute target",
     BYTES("GET https://localhost/echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"absolute target of ftp",
     BYTES("GET ftp://localhost/echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"target //evil/fast",
     BYTES("GET //evil/fast HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"fragment",
     BYTES("GET /echo#a HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"blank in the target",
     BYTES("GET /echo a HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"tab as separator",
     BYTES("GET\t/echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"two blanks",
     BYTES("GET  /echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"byte 0xff in the target",
     BYTES("GET /echo\xFF HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"OPTIONS *",
     BYTES("OPTIONS * HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"HTTP/1.7",
     BYTES("GET /echo HTTP/1.7\r\n" H "\r\n"), "505", false},
    {"HTTP/0.9",
     BYTES("GET /echo HTTP/0.9\r\n" H "\r\n"), "505", false},
    {"HTTP/+1.-1",
     BYTES("GET /echo HTTP/+1.-1\r\n" H "\r\n"), "400", false},
    {"HTTP/2.0",
     BYTES("GET /echo HTTP/2.0\r\n" H "\r\n"), "505", false},
    {"leading CRLF",
     BYTES("\r\nGET /echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"blank after the version",
     BYTES("GET /echo HTTP/1.1 \r\n" H "\r\n"), "400", false},
    {"garbage",
     BYTES("\x16\x03\x01\xAB\x00\x01garbage\r\n\r\n"), "400", false},
    {"unknown address",
     BYTES("GET /nowhere HTTP/1.1\r\n" H "\r\n"), "404", true},
    {"unknown address with a body",
     BYTES("POST /nowhere HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "404", false},
    {"other method",
     BYTES("DELETE /echo HTTP/1.1\r\n" H "\r\n"), "405", true},
    {"options of an address",
     BYTES("OPTIONS /echo HTTP/1.1\r\n" H "\r\n"), "405", true},
    {"compressed body",
     BYTES("POST /echo HTTP/1.1\r\n"
           H "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"), "415", false},
    {"close asked for",
     BYTES("GET /echo HTTP/1.1\r\n" H "Connection: close\r\n\r\n"), "201", false},
    {"bad query",
     BYTES("GET /echo?a=%FF HTTP/1.1\r\n" H "\r\n"), "400", true},
    {"NUL in the path",
     BYTES("GET /things/a%00b HTTP/1.1\r\n" H "\r\n"), "400", true},
};

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "test");
    *state = http_server_start(owner, NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

/* Statuses up to the probe's reply or the end of the connection. */
static bool collect(struct tls_client *client, char statuses[64])
{
    size_t used = 0;
    statuses[0] = '\0';
    for (;;) {
        struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
        if (reply.status <= 0 || reply.status == PROBED)
            return reply.status == PROBED;
        if (reply.status == 100)
            continue;
        used += (size_t)snprintf(statuses + used, 64 - used, "%s%d", used > 0 ? " " : "", reply.status);
    }
}

static void test_server_odd_framing_gets_its_status_and_end(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct framing_case *c = &cases[i];
        char statuses[64];
        struct tls_client *client = http_server_connect(*state, *state);
        tls_client_send(client, c->bytes, c->length);
        tls_client_send_text(client, PROBE);
        bool stays = collect(client, statuses);
        if (strcmp(statuses, c->statuses) != 0 || stays != c->stays)
            fail_msg("%s: %s, %s; not %s, %s", c->label, statuses, stays ? "open" : "closed", c->statuses,
                     c->stays ? "open" : "closed");
        talloc_free(client);
    }
}

/* However TCP and TLS cut the bytes, the outcome is the same. */
static void test_server_bytes_one_by_one_get_the_same_reply(void **state)
{
    static const char request[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello" PROBE;
    struct tls_client *client = http_server_connect(*state, *state);
    for (size_t i = 0; i + 1 < sizeof request; i++)
        assert_true(tls_client_send(client, request + i, 1));
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body, "hello");
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);
    talloc_free(client);
}

static void send_repeated(struct tls_client *client, char byte, size_t count)
{
    char bytes[1024];
    memset(bytes, byte, sizeof bytes);
    for (size_t sent = 0; sent < count; sent += sizeof bytes)
        tls_client_send(client, bytes, sizeof bytes);
}

static void test_server_large_head_is_refused(void **state)
{
    struct tls_client *client = http_server_connect(*state, *state);
    tls_client_send_text(client, "GET /echo HTTP/1.1\r\n" H "X-A: ");
    send_repeated(client, 'a', 9216);
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 431);
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
    talloc_free(client);

    client = http_server_connect(*state, *state);
    tls_client_send_text(client, "GET /");
    send_repeated(client, 'a', 9216);
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 431);
    talloc_free(client);

    client = http_server_connect(*state, *state);
    tls_client_send_text(client, "GET /echo HTTP/1.1\r\n" H);
    for (int i = 0; i < 100; i++)
        tls_client_send_text(client, "X-A: 1\r\n");
    tls_client_send_text(client, "\r\n");
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 431);
    talloc_free(client);
}

static void test_server_expectation_is_answered_before_the_body(void **state)
{
    struct tls_client *client = http_server_connect(*state, *state);
    tls_client_send_text(client,
                         "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 100);
    tls_client_send_text(client, "hello");
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, 201);
    assert_string_equal(reply.body, "hello");
    tls_client_send_text(client, PROBE);
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, PROBED);
    talloc_free(client);
}

/* Refused before a byte of the body is sent: a client that waits for 100 has saved it. */
static void test_server_expectation_of_a_refused_request_gets_the_refusal(void **state)
{
    struct tls_client *client = http_server_connect(*state, *state);
    tls_client_send_text(client,
                         "POST /echo HTTP/1.1\r\n" H "Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 413);
    assert_true(tls_client_is_closed(client, DEADLINE_MS, NULL));
    talloc_free(client);
}

/* The refusal must arrive although the client is still sending: no reset may overtake it. */
static void test_server_refusal_reaches_a_client_that_goes_on_sending(void **state)
{
    struct tls_client *client = http_server_connect(*state, *state);
    tls_client_send_text(client, "POST /echo HTTP/1.1\r\n" H "Content-Length: 400000\r\n\r\n");
    send_repeated(client, 'x', 400000);
    struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
    assert_int_equal(reply.status, 413);
    assert_string_equal(tls_reply_header(client, &reply, "Connection"), "close");
    talloc_free(client);
}

/*
 * The end is there before the first reply: the second request is begun, has half a body, and goes with its connection,
 * which says its own end.
 */
static void test_server_end_behind_half_a_pipelined_body_ends_the_connection(void **state)
{
    for (int i = 0; i < 5; i++) {
        struct tls_client *client = http_server_connect(*state, *state);
        bool clean = false;
        tls_client_send_text(client, "POST /later?ms=200 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n"
                                     "POST /echo HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nhel");
        assert_int_equal(SSL_shutdown(tls_client_ssl(client)), 0);
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, 200);
        assert_true(tls_client_is_closed(client, DEADLINE_MS, &clean));
        assert_true(clean);
        talloc_free(client);
    }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_odd_framing_gets_its_status_and_end),
        cmocka_unit_test(test_server_bytes_one_by_one_get_the_same_reply),
        cmocka_unit_test(test_server_large_head_is_refused),
        cmocka_unit_test(test_server_expectation_is_answered_before_the_body),
        cmocka_unit_test(test_server_expectation_of_a_refused_request_gets_the_refusal),
        cmocka_unit_test(test_server_end_behind_half_a_pipelined_body_ends_the_connection),
        cmocka_unit_test(test_server_refusal_reaches_a_client_that_goes_on_sending),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
