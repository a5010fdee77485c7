/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * More odd requests than tests/e2e/test_http_framing.c has, each refusal of a head counted under its name, and clients
 * that end in the middle: half-closed, gone, reset.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "collector/http.h"
#include "forms/base/memory.h"
#include "tests/support/counters.h"
#include "tests/support/http_server.h"
#include "tests/support/raw_api.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define H "Host: localhost\r\n"
#define GET "GET /echo HTTP/1.1\r\n" H
#define POST "POST /echo HTTP/1.1\r\n" H
#define PROBE "GET /probe HTTP/1.1\r\n" H "\r\n"
#define SMUGGLED "GET /things/smuggled HTTP/1.1\r\n" H "\r\n"
enum { PROBED = 202, DEADLINE_MS = 10000 };

struct framing_case {
    const char *label;
    const char *bytes;
    size_t length;
    const char *statuses;        /* of all final replies */
    bool stays;                  /* a further request on the connection is answered */
};

static const struct framing_case cases[] = {
    /* Where a body ends. */
    {"chunk extension", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"), "501", false},
    {"chunk of 2^64", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello\r\n"), "501", false},
    {"chunked and trailers", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nHost: evil\r\n\r\n"), "501", false},
    {"chunked twice", BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "501",
     false},
    {"chunked, chunked", BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), "501", false},
    {"CHUNKED", BYTES(POST "TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n" SMUGGLED), "501", false},
    {"coding behind a tab", BYTES(POST "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" SMUGGLED), "501", false},
    {"coding behind VT", BYTES(POST "Transfer-Encoding:\vchunked\r\nContent-Length: 5\r\n\r\nhello"), "400", false},
    {"coding empty", BYTES(POST "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello"), "400", false},
    {"coding in quotes", BYTES(POST "Transfer-Encoding: \"chunked\"\r\nContent-Length: 5\r\n\r\nhello"), "400", false},
    {"coding before the length", BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" SMUGGLED), "400",
     false},
    {"length before the coding", BYTES(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2e\r\n" SMUGGLED),
     "400", false},
    {"coding of HTTP/1.0", BYTES("POST /echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "501",
     false},
    {"coding of a GET", BYTES(GET "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED), "501", false},
    {"TE alone says nothing of the body", BYTES(GET "TE: trailers, deflate\r\n\r\n"), "201", true},
    {"header Content_Length", BYTES(POST "Content_Length: 44\r\nContent-Length: 5\r\n\r\nhello"), "201", true},
    {"header Transfer_Encoding", BYTES(POST "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello"),
     "201", true},
    {"length in another case twice", BYTES(POST "content-length: 5\r\nCONTENT-LENGTH: 5\r\n\r\nhello"), "400", false},
    {"length 5;", BYTES(POST "Content-Length: 5;\r\n\r\nhello"), "400", false},
    {"length 5 5", BYTES(POST "Content-Length: 5 5\r\n\r\nhello"), "400", false},
    {"length 5.0", BYTES(POST "Content-Length: 5.0\r\n\r\nhello"), "400", false},
    {"length 5e0", BYTES(POST "Content-Length: 5e0\r\n\r\nhello"), "400", false},
    {"length of other digits", BYTES(POST "Content-Length: \xEF\xBC\x95\r\n\r\nhello"), "400", false},
    {"length of 30 digits, the last is 5", BYTES(POST "Content-Length: 000000000000000000000000000005\r\n\r\nhello"),
     "201", true},
    {"length 2^64 + 5", BYTES(POST "Content-Length: 18446744073709551621\r\n\r\nhello"), "400", false},
    {"length 2^63 - 1", BYTES(POST "Content-Length: 9223372036854775807\r\n\r\nhello"), "413", false},
    {"length shorter than the body", BYTES(POST "Content-Length: 2\r\n\r\nhello"), "201 501", false},
    {"GET of length 0", BYTES(GET "Content-Length: 0\r\n\r\n"), "201", true},
    {"PUT of a known address", BYTES("PUT /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "405", false},
    {"DELETE with a body", BYTES("DELETE /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "400", false},
    {"OPTIONS with a body", BYTES("OPTIONS /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello"), "400", false},

    /* Lines and headers. */
    {"names of all that a name may have", BYTES(GET "!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n"), "201", true},
    {"octets above ASCII in a value", BYTES(GET "X-A: \x80\xFF\xC3\xA4\r\n\r\n"), "201", true},
    {"tabs in a value", BYTES(GET "X-A: \t1\t2\t\r\n\r\n"), "201", true},
    {"empty value", BYTES(GET "X-A:\r\nX-B: \r\n\r\n"), "201", true},
    {"octet above ASCII in a name", BYTES(GET "X-\xC3\xA4: 1\r\n\r\n"), "400", false},
    {"bracket in a name", BYTES(GET "X(A): 1\r\n\r\n"), "400", false},
    {"slash in a name", BYTES(GET "X/A: 1\r\n\r\n"), "400", false},
    {"quote in a name", BYTES(GET "\"X-A\": 1\r\n\r\n"), "400", false},
    {"tab before the colon", BYTES(GET "X-A\t: 1\r\n\r\n"), "400", false},
    {"DEL in a value", BYTES(GET "X-A: a\x7F" "b\r\n\r\n"), "400", false},
    {"ESC in a value", BYTES(GET "X-A: a\x1B[2J\r\n\r\n"), "400", false},
    {"form feed in a value", BYTES(GET "X-A: a\fb\r\n\r\n"), "400", false},
    {"CR CR LF", BYTES(GET "X-A: 1\r\r\n\r\n"), "400", false},
    {"LF CR", BYTES(GET "X-A: 1\n\r\r\n\r\n"), "400", false},
    {"LF LF ends the head", BYTES(GET "\n" SMUGGLED), "400", false},
    {"CR alone ends the head", BYTES(GET "\r\r" SMUGGLED), "400", false},
    {"line of blanks", BYTES(GET " \r\n\r\n"), "400", false},
    {"line of a tab", BYTES(GET "\t\r\n\r\n"), "400", false},
    {"line separator of Unicode", BYTES(GET "X-A: 1\xE2\x80\xA8X-B: 2\r\n\r\n"), "201", true},
    {"next line of Latin-1", BYTES(GET "X-A: 1\x85X-B: 2\r\n\r\n"), "201", true},
    {"two authorizations", BYTES(GET "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"), "400", false},
    {"two expectations", BYTES(POST "Content-Length: 5\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\nhello"),
     "400", false},

    /* The request line and the host. */
    {"no version", BYTES("GET /echo\r\n" H "\r\n"), "400", false},
    {"HTTP/0.9 without a version", BYTES("GET /\r\n\r\n"), "400", false},
    {"nothing", BYTES("\r\n\r\n"), "400", false},
    {"blank first", BYTES(" GET /echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"http/1.1", BYTES("GET /echo http/1.1\r\n" H "\r\n"), "400", false},
    {"HTTP/1.10", BYTES("GET /echo HTTP/1.10\r\n" H "\r\n"), "400", false},
    {"HTTP/01.1", BYTES("GET /echo HTTP/01.1\r\n" H "\r\n"), "400", false},
    {"HTTPS/1.1", BYTES("GET /echo HTTPS/1.1\r\n" H "\r\n"), "400", false},
    {"HTTP/3.0", BYTES("GET /echo HTTP/3.0\r\n" H "\r\n"), "505", false},
    {"the preface of HTTP/2", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400", false},
    {"a request line over two lines", BYTES("GET /echo\r\n HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"backslash", BYTES("GET /echo\\..\\probe HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"quote in the target", BYTES("GET /echo?\"a\" HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"angle brackets in the target", BYTES("GET /<script> HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"half a percent encoding", BYTES("GET /echo% HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"bad percent encoding", BYTES("GET /echo%zz HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"percent encoding of a query cut off", BYTES("GET /echo?a=%4 HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"encoded slash does not part", BYTES("GET /things%2Fx HTTP/1.1\r\n" H "\r\n"), "404", true},
    {"encoded dots do not climb", BYTES("GET /things/%2e%2e/probe HTTP/1.1\r\n" H "\r\n"), "404", true},
    {"dots do not climb", BYTES("GET /things/../probe HTTP/1.1\r\n" H "\r\n"), "404", true},
    {"target without a slash", BYTES("GET echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"target of a query", BYTES("GET ?a=b HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"user in the target", BYTES("GET https://a@localhost/echo HTTP/1.1\r\n" H "\r\n"), "400", false},
    {"host empty", BYTES("GET /echo HTTP/1.1\r\nHost:\r\n\r\n"), "400", false},
    {"host of blanks", BYTES("GET /echo HTTP/1.1\r\nHost:   \r\n\r\n"), "400", false},
    {"host with a path", BYTES("GET /echo HTTP/1.1\r\nHost: localhost/x\r\n\r\n"), "400", false},
    {"host with a user", BYTES("GET /echo HTTP/1.1\r\nHost: a@localhost\r\n\r\n"), "400", false},
    {"host with a blank", BYTES("GET /echo HTTP/1.1\r\nHost: local host\r\n\r\n"), "400", false},
    {"host of IPv6", BYTES("GET /echo HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"), "201", true},
    {"host before HTTP/1.0", BYTES("GET /echo HTTP/1.0\r\n\r\n"), "201", false},
    {"two hosts of HTTP/1.0", BYTES("GET /echo HTTP/1.0\r\n" H H "\r\n"), "400", false},

    /* Options of the connection. */
    {"upgrade to HTTP/2", BYTES(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                "HTTP2-Settings: AAMA\r\n\r\n"), "201", true},
    {"upgrade to WebSocket", BYTES(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                   "Sec-WebSocket-Version: 13\r\n\r\n"), "201", true},
    {"keep-alive, close", BYTES(GET "Connection: keep-alive, close\r\n\r\n"), "201", false},
    {"close over two headers", BYTES(GET "Connection: keep-alive\r\nConnection: CLOSE\r\n\r\n"), "201", false},
    {"close among commas", BYTES(GET "Connection: ,, \tclose\t,,\r\n\r\n"), "201", false},
    {"closed is not close", BYTES(GET "Connection: closed, xclose\r\n\r\n"), "201", true},
    {"keep-alive of HTTP/1.0", BYTES("GET /echo HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n"), "201", false},
    {"expectation in upper case", BYTES(POST "Content-Length: 5\r\nExpect: 100-CONTINUE\r\n\r\nhello"), "201", true},
    {"expectation of a GET", BYTES(GET "Expect: 100-continue\r\n\r\n"), "201", true},
    {"expectation of HTTP/1.0", BYTES("POST /echo HTTP/1.0\r\n" H "Content-Length: 5\r\nExpect: foo\r\n\r\n"
                                      "hello"), "201", false},
    {"two expectations in one", BYTES(POST "Content-Length: 5\r\nExpect: 100-continue, foo\r\n\r\nhello"),
     "417", false},
    {"early data announced", BYTES(GET "Early-Data: 1\r\n\r\n"), "201", true},
    {"range", BYTES(GET "Range: bytes=0-0,1-1,2-2,5-,-1\r\n\r\n"), "201", true},
    {"another method by header", BYTES(GET "X-HTTP-Method-Override: DELETE\r\n\r\n"), "201", true},
    {"another address by header", BYTES(GET "X-Original-URL: /probe\r\nX-Rewrite-URL: /probe\r\n\r\n"), "201", true},
    {"pipeline that breaks in the middle", BYTES(PROBE POST "Content-Length: 5\r\n\r\nhello"
                                                 GET "X A: 1\r\n\r\n" SMUGGLED), "202 201 400", false},
    {"pipeline behind close", BYTES(GET "Connection: close\r\n\r\n" SMUGGLED), "201", false},
};

static int set_up(void **state)
{
    *state = http_server_start(memory_owner(NULL, "test"), NULL);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(talloc_parent(*state));
    return 0;
}

/* Statuses up to the last probe's reply or the end of the connection; a smuggled request's reply is a 200. */
static bool collect(struct tls_client *client, size_t probes, char statuses[64])
{
    size_t used = 0;
    statuses[0] = '\0';
    for (;;) {
        struct tls_reply reply = tls_client_read_reply(client, DEADLINE_MS);
        if (reply.status <= 0 || (reply.status == PROBED && --probes == 0))
            return reply.status == PROBED;
        if (reply.status != 100)
            used += (size_t)snprintf(statuses + used, 64 - used, "%s%d", used > 0 ? " " : "", reply.status);
    }
}

static void send_in_pieces(struct tls_client *client, const char *bytes, size_t length, size_t piece)
{
    for (size_t at = 0; at < length; at += piece)
        if (!tls_client_send(client, bytes + at, at + piece < length ? piece : length - at))
            return;              /* refused and closed already */
}

/* The outcome is the same however the bytes are cut into TLS records. */
static void test_odd_framing_gets_its_status_and_end(void **state)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 7, 1};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
            const struct framing_case *c = &cases[i];
            char statuses[64];
            struct tls_client *client = http_server_connect(*state, *state);
            bool begins_with_probe = strncmp(c->bytes, PROBE, sizeof PROBE - 1) == 0;
            send_in_pieces(client, c->bytes, c->length, pieces[j]);
            tls_client_send_text(client, PROBE);
            bool stays = collect(client, begins_with_probe ? 2 : 1, statuses);
            if (strcmp(statuses, c->statuses) != 0 || stays != c->stays)
                fail_msg("%s, in pieces of %zu: %s, %s; not %s, %s", c->label, pieces[j], statuses,
                         stays ? "open" : "closed", c->statuses, c->stays ? "open" : "closed");
            talloc_free(client);
        }
}

static void test_headers_up_to_the_limit_are_taken(void **state)
{
    for (int count = 63; count <= 65; count++) {   /* and Host */
        struct tls_client *client = http_server_connect(*state, *state);
        struct text *request = text_new(client);
        text_append(request, GET);
        for (int i = 0; i < count; i++)
            text_append_format(request, "X-%d: 1\r\n", i);
        text_append(request, "\r\n");
        tls_client_send(client, request->bytes, request->length);
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, count == 63 ? 201 : 431);
        talloc_free(client);
    }
}

static void test_heads_up_to_the_limit_are_taken(void **state)
{
    for (size_t length = HTTP_HEAD_LIMIT - 1; length <= HTTP_HEAD_LIMIT + 1; length++) {
        struct tls_client *client = http_server_connect(*state, *state);
        struct text *request = text_new(client);
        text_append(request, GET "X-A: ");
        while (request->length < length - 4)
            text_append(request, "a");
        text_append(request, "\r\n\r\n");
        assert_int_equal(request->length, length);
        tls_client_send(client, request->bytes, request->length);
        assert_int_equal(tls_client_read_reply(client, DEADLINE_MS).status, length <= HTTP_HEAD_LIMIT ? 201 : 431);
        talloc_free(client);
    }
}

/* ---- what is counted ---- */

static void test_every_refusal_of_a_head_is_counted_under_its_name(void **state)
{
#define D "GET /healthz HTTP/1.1\r\n" H
    static const struct {
        enum http_refusal refusal;
        const char *bytes, *says;
    } refusals[] = {
        {HTTP_REFUSED_REQUEST_LINE, "GET /healthz\r\n" H "\r\n", "line 1 of the head"},
        {HTTP_REFUSED_TARGET, "GET healthz HTTP/1.1\r\n" H "\r\n", "line 1 of the head"},
        {HTTP_REFUSED_METHOD, "BREW /healthz HTTP/1.1\r\n" H "\r\n", "line 1 of the head"},
        {HTTP_REFUSED_VERSION, "GET /healthz HTTP/2.0\r\n" H "\r\n", "send HTTP/1.1"},
        {HTTP_REFUSED_LINE_END, D "X-A: 1\nX-B: 2\r\n\r\n", "line 3 of the head"},
        {HTTP_REFUSED_FIELD, D "X-A: 1\r\nX B: 2\r\n\r\n", "line 4 of the head"},
        {HTTP_REFUSED_FOLDING, D "X-A: 1\r\n 2\r\n\r\n", "line 4 of the head"},
        {HTTP_REFUSED_TOO_LARGE, NULL, "8192"},
        {HTTP_REFUSED_TOO_MANY_FIELDS, NULL, "64"},
        {HTTP_REFUSED_DUPLICATE, D "X-A: 1\r\n" H "\r\n", "line 4 of the head"},
        {HTTP_REFUSED_HOST, "GET /healthz HTTP/1.1\r\n\r\n", "Host"},
        {HTTP_REFUSED_LENGTH, D "Content-Length: 5, 5\r\n\r\n", "Content-Length"},
        {HTTP_REFUSED_LENGTH_AND_CODING, D "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", "exclude"},
        {HTTP_REFUSED_TRANSFER_CODING, D "Transfer-Encoding: chunked\r\n\r\n", "Content-Length"},
        {HTTP_REFUSED_LENGTH_MISSING, "POST /healthz HTTP/1.1\r\n" H "\r\n", "send Content-Length"},
        {HTTP_REFUSED_BODY, D "Content-Length: 5\r\n\r\n", "no body"},
        {HTTP_REFUSED_EXPECTATION, D "Expect: tea\r\n\r\n", "100-continue"},
    };
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct daemon_process *daemon = daemon_start_unready(owner, "host=/nonexistent", NULL);
    struct raw_api *api = raw_api_new(owner, daemon, NULL);
    struct client *scraper = client_new(owner, daemon, NULL);
    assert_int_equal(sizeof refusals / sizeof refusals[0], HTTP_REFUSAL_COUNT - 1);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const char *code = http_refusal_code(refusals[i].refusal);
        char *name = memory_format(owner, "patella_framing_refusals_total{reason=\"%s\"}", code);
        struct text *request = text_new(owner);
        assert_int_equal(refusals[i].refusal, i + 1);
        text_append(request, refusals[i].bytes != NULL ? refusals[i].bytes : D);
        for (size_t j = 0; refusals[i].bytes == NULL && j < 65; j++)
            text_append_format(request, "X-A: %*d\r\n", refusals[i].refusal == HTTP_REFUSED_TOO_LARGE ? 200 : 1, 1);
        raw_api_expect(api, code, request->bytes, request->length,
                       &(struct raw_wanted){http_refusal_status(refusals[i].refusal), code, refusals[i].says});
        assert_false(raw_api_is_open(api));
        assert_int_equal(counters_value(counters_read(scraper), name), 1);
    }
    talloc_free(owner);
}

/* ---- ends ---- */

/* close_notify behind the last request: everything that was asked for is answered, and then the server ends too. */
static void test_client_that_ends_its_side_gets_its_replies(void **state)
{
    static const struct {
        const char *label, *request;
        const char *statuses;
    } ends[] = {
        {"on the loop", GET "\r\n", "201"},
        {"pipelined", GET "\r\n" POST "Content-Length: 5\r\n\r\nhello" GET "\r\n", "201 201 201"},
        {"from another thread", "POST /later?ms=100 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "200"},
        {"from another thread, pipelined",
         "POST /later?ms=50 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n" GET "\r\n", "200 201"},
        {"large", "GET /large?bytes=8000000 HTTP/1.1\r\n" H "\r\n", "200"},
        {"refused", "nothing\r\n\r\n", "400"},
        {"nothing", "", ""},
        {"half a head", "GET /echo HTTP/1.1\r\nHo", ""},
        {"half a body", POST "Content-Length: 50\r\n\r\nhello", ""},
        {"a request and a half", GET "\r\n" "GET /ec", "201"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char statuses[64];
        struct tls_client *client = http_server_connect(*state, *state);
        tls_client_send_text(client, ends[i].request);
        assert_int_equal(SSL_shutdown(tls_client_ssl(client)), 0);
        assert_false(collect(client, 1, statuses));
        if (strcmp(statuses, ends[i].statuses) != 0)
            fail_msg("%s: '%s', not '%s'", ends[i].label, statuses, ends[i].statuses);
        talloc_free(client);
    }
}

/*
 * The end of TCP without close_notify cannot be told from a client that is gone: nothing is promised but
 * that the server lives on.
 */
static void test_client_that_ends_tcp_is_survived(void **state)
{
    static const char *const requests[] = {GET "\r\n", POST "Content-Length: 50\r\n\r\nhello", "GET /ec",
                                           "POST /later?ms=30 HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
                                           "GET /large?bytes=8000000 HTTP/1.1\r\n" H "\r\n"};
    for (size_t i = 0; i < 3 * sizeof requests / sizeof requests[0]; i++) {
        struct tls_client *client = http_server_connect(*state, *state);
        tls_client_send_text(client, requests[i / 3]);
        if (i % 3 == 0) {
            shutdown(SSL_get_fd(tls_client_ssl(client)), SHUT_WR);
            while (tls_client_read_reply(client, DEADLINE_MS).status > 0)
                continue;
            talloc_free(client);
        } else {
            tls_client_abort(client, i % 3 == 1);
        }
    }
    struct tls_client *other = http_server_connect(*state, *state);
    tls_client_send_text(other, PROBE);
    assert_int_equal(tls_client_read_reply(other, DEADLINE_MS).status, PROBED);
    talloc_free(other);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_framing_gets_its_status_and_end),
        cmocka_unit_test(test_headers_up_to_the_limit_are_taken),
        cmocka_unit_test(test_heads_up_to_the_limit_are_taken),
        cmocka_unit_test(test_every_refusal_of_a_head_is_counted_under_its_name),
        cmocka_unit_test(test_client_that_ends_its_side_gets_its_replies),
        cmocka_unit_test(test_client_that_ends_tcp_is_survived),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
